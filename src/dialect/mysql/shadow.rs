//! Scratch databases on MySQL and MariaDB: their sessions, and the grants for them.

use crate::dialect::BorrowQueries;

pub const BORROW_QUERIES: BorrowQueries = BorrowQueries {
    lock: "",
    marked: "SELECT table_name FROM information_schema.tables \
             WHERE table_schema = DATABASE() AND table_name = 'bird_shadow'",
    mark: "CREATE TABLE IF NOT EXISTS bird_shadow (id INT)",
    objects: "SELECT name FROM (\
              SELECT table_name AS name FROM information_schema.tables \
              WHERE table_schema = DATABASE() \
              UNION ALL SELECT routine_name FROM information_schema.routines \
              WHERE routine_schema = DATABASE() \
              UNION ALL SELECT event_name FROM information_schema.events \
              WHERE event_schema = DATABASE()) AS names LIMIT 4",
    history: "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() \
              AND table_name = 'refinery_schema_history'",
    empties: "SELECT statement FROM (\
              SELECT 1 AS place, 'SET foreign_key_checks = 0' AS statement \
              UNION ALL SELECT 2, CONCAT('DROP EVENT `', REPLACE(event_name, '`', '``'), '`') \
              FROM information_schema.events WHERE event_schema = DATABASE() \
              UNION ALL SELECT 3, CONCAT('DROP ', \
              CASE table_type WHEN 'VIEW' THEN 'VIEW' WHEN 'SEQUENCE' THEN 'SEQUENCE' \
              ELSE 'TABLE' END, ' IF EXISTS `', REPLACE(table_name, '`', '``'), '`') \
              FROM information_schema.tables WHERE table_schema = DATABASE() \
              AND table_name <> 'bird_shadow' \
              UNION ALL SELECT 4, CONCAT('DROP ', routine_type, ' `', \
              REPLACE(routine_name, '`', '``'), '`') FROM information_schema.routines \
              WHERE routine_schema = DATABASE() \
              AND routine_type IN ('PROCEDURE', 'FUNCTION', 'PACKAGE') \
              UNION ALL SELECT 5, 'SET foreign_key_checks = 1') AS statements ORDER BY place",
    grant: "SELECT CONCAT('GRANT ALL ON `', DATABASE(), '`.* TO ''', \
            REPLACE(CURRENT_USER(), '@', '''@'''), '''')",
};

/// Asks for the sessions in databases with this prefix.
pub fn in_use(prefix: &str) -> String {
    format!(
        "SELECT CAST(DB AS CHAR), CONCAT(':', ID) FROM information_schema.PROCESSLIST \
         WHERE LEFT(DB, {}) = '{prefix}'",
        prefix.len()
    )
}

/// Asks for the GRANT on databases with this prefix; NULL if the account needs none.
pub fn may_create(prefix: &str) -> String {
    let pattern = prefix.replace('_', "\\\\_");
    let account = r"CONCAT('''', REPLACE(CURRENT_USER(), '@', '''@'''), '''')";
    format!(
        "SELECT IF(EXISTS (SELECT 1 FROM information_schema.user_privileges \
         WHERE grantee = {account} AND privilege_type = 'CREATE') \
         OR EXISTS (SELECT 1 FROM information_schema.schema_privileges \
         WHERE grantee = {account} AND privilege_type = 'CREATE' \
         AND '{prefix}0' LIKE table_schema), \
         NULL, CONCAT('GRANT ALL ON `{pattern}%`.* TO ', {account}))"
    )
}
