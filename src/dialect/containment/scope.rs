//! The databases around a contained one: those that have shadows, and those that nobody may touch.

use super::{Containment, check, mentions};
use crate::dialect::Dialect;

/// The surroundings of a contained database.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// The name of the database in the migrations; empty if it has none.
    pub own: String,
    /// The actual name of the database: that of the shadow.
    pub shadow: String,
    /// The schema in use, on engines that have them.
    pub schema: Option<String>,
    /// The databases that have shadows of their own, each with the name of its shadow. Statements
    /// that name them are rewritten as those that name their own database.
    pub siblings: Vec<(String, String)>,
    /// The other databases of the server.
    pub others: Vec<String>,
    /// The accounts of the server, if they are known.
    pub roles: Option<Vec<String>>,
    /// Routines that run dynamic SQL, whose statements are not known.
    pub dynamic_routines: Vec<String>,
}

impl Scope {
    /// The shadow of a database, whose name is in lower case.
    pub(super) fn shadow_of(&self, name: &str) -> Option<&str> {
        let own = (&self.own, &self.shadow);
        let siblings = self.siblings.iter().map(|(own, shadow)| (own, shadow));
        let mut all = std::iter::once(own).chain(siblings);
        let found = all.find(|(own, _)| !own.is_empty() && own.to_lowercase() == name);
        found.map(|(_, shadow)| shadow.as_str())
    }
}

/// Whether a statement names one of these other databases.
#[must_use]
pub fn names_one_of(dialect: &dyn Dialect, sql: &str, databases: &[String]) -> bool {
    let names: Vec<String> = databases.iter().map(|name| name.to_lowercase()).collect();
    if mentions(dialect, sql, &names).is_none() {
        return false;
    }
    let scope = Scope {
        others: databases.to_vec(),
        ..Scope::default()
    };
    !matches!(check(dialect, sql, &scope), Containment::Inside { .. })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::by_scheme;

    fn sent(sql: &str) -> Option<String> {
        let scope = Scope {
            own: "tw".to_owned(),
            shadow: "own_shadow".to_owned(),
            siblings: vec![("ums".to_owned(), "its_shadow".to_owned())],
            others: vec!["ums".to_owned(), "pay".to_owned()],
            ..Scope::default()
        };
        match check(by_scheme("mysql").unwrap(), sql, &scope) {
            Containment::Inside { sql: changed, .. } => Some(changed.unwrap_or(sql.to_owned())),
            Containment::Dynamic(_) | Containment::Outside(_) => None,
        }
    }

    #[test]
    fn names_are_mapped_and_texts_are_not() {
        for (sql, expected) in [
            (
                "CREATE VIEW v AS SELECT 'ums.users' /* ums.users */ FROM `ums`.users",
                "CREATE VIEW v AS SELECT 'ums.users' /* ums.users */ FROM `its_shadow`.users",
            ),
            (
                "ALTER TABLE tw.a ADD FOREIGN KEY (b) REFERENCES UMS.users (id)",
                "ALTER TABLE own_shadow.a ADD FOREIGN KEY (b) REFERENCES its_shadow.users (id)",
            ),
            // An alias of the same name.
            (
                "SELECT ums.id FROM users AS ums",
                "SELECT ums.id FROM users AS ums",
            ),
            (
                "SELECT ums.users.id FROM ums.users",
                "SELECT its_shadow.users.id FROM its_shadow.users",
            ),
            (
                "CREATE TRIGGER t AFTER INSERT ON a FOR EACH ROW BEGIN \
                 UPDATE ums.n SET n = n + 1; DELETE FROM ums.log; END",
                "CREATE TRIGGER t AFTER INSERT ON a FOR EACH ROW BEGIN \
                 UPDATE its_shadow.n SET n = n + 1; DELETE FROM its_shadow.log; END",
            ),
            (
                "SELECT table_name FROM information_schema.tables WHERE table_schema = 'ums'",
                "SELECT table_name FROM information_schema.tables WHERE table_schema = 'its_shadow'",
            ),
        ] {
            assert_eq!(sent(sql).as_deref(), Some(expected));
        }
    }

    #[test]
    fn what_cannot_be_mapped_is_not_sent() {
        for sql in [
            "CREATE VIEW v AS SELECT * FROM ums.users JOIN pay.bills",
            "USE ums",
            "DROP DATABASE ums",
            "ALTER DATABASE ums CHARACTER SET latin1",
            "GRANT SELECT ON ums.* TO a",
            "PREPARE s FROM 'DROP TABLE ums.users'",
            "EXECUTE IMMEDIATE 'DROP TABLE ums.users'",
            "CREATE PROCEDURE p() BEGIN DROP TABLE ums.users; DROP TABLE pay.bills; END",
        ] {
            assert_eq!(sent(sql), None, "{sql}");
        }
        let mysql = by_scheme("mysql").unwrap();
        let ums = ["ums".to_owned()];
        assert!(names_one_of(mysql, "SELECT * FROM UMS.users", &ums));
        assert!(!names_one_of(mysql, "SELECT 'ums.users'", &ums));
        assert!(!names_one_of(
            mysql,
            "SELECT ums.id FROM users AS ums",
            &ums
        ));
    }
}
