//! MySQL and MariaDB: one dialect, two products.

use super::catalog::Catalog;
use super::checks::Check;
use super::containment::Rules;
use super::keys::Keys;
use super::recovery::{Object, ObjectKind, RecoveryClass};
use super::repairs::Repairs;
use super::{Dialect, Facts, LOCKED, Lock, Refusal, TRANSACTIONS, Trouble, calls};
use super::{
    journal_columns, not_own, number_of, refuse_control, single_quoted, starts_with, variant,
};
use crate::model::hex;
use crate::model::history::{APPLIED_TABLE, HISTORY_TABLE, JOURNAL_TABLE};
use crate::model::schema::{Column, Family};
use crate::model::server::Server;
use crate::sql::cursor::{Grammar, Names, Words};
use crate::sql::lex::Lexis;
use sha2::{Digest, Sha256};
use std::time::Duration;

mod catalog;
pub mod checks;
mod containment;
mod ddl;
mod definition_queries;
mod forbidden;
pub(super) mod keys;
pub(super) mod read;
pub(super) mod recovery;
pub(super) mod repairs;
mod shadow;
mod syntax;
pub(super) mod write;

use definition_queries::{birth, storage};
use forbidden::{REFUSED, SETTINGS, UNWRITTEN, sets};
pub use syntax::LEXIS;

/// What has characters, and so a character set and a collation.
pub const CHARACTERS: &[&str] = &[
    "char",
    "varchar",
    "tinytext",
    "text",
    "mediumtext",
    "longtext",
    "enum",
    "set",
];

pub struct MySql;

static FACTS: Facts = Facts {
    name: "mysql",
    schemes: &["mysql", "mariadb"],
    parameters: &["ssl-mode", "ssl-ca", "ssl-cert", "ssl-key", "socket"],
    port: Some(3306),
    transactional_ddl: false,
    schema: None,
    entry: Some("information_schema"),
};

/// The server's own SQL mode without the words that change how a statement is lexed, and those that
/// hide parts of a definition: files are lexed in one fixed mode, and the combined modes contain
/// ANSI_QUOTES. IGNORE_SPACE is not in
/// the global mode unless someone put it there; the handshake adds it to the session.
const SQL_MODE: &str = "@@GLOBAL.sql_mode";
const LEXICAL_MODES: &[&str] = &[
    "ANSI_QUOTES",
    "ANSI",
    "NO_BACKSLASH_ESCAPES",
    "ORACLE",
    "MSSQL",
    "DB2",
    "MAXDB",
    "POSTGRESQL",
    "MYSQL323",
    "MYSQL40",
    "NO_TABLE_OPTIONS",
    "NO_KEY_OPTIONS",
    "NO_FIELD_OPTIONS",
];

/// A week, in seconds: longer than any migration waits for another.
const WEEK: u32 = 7 * 24 * 60 * 60;

/// What speaks MySQL's language and is something else, by a word in what it says of itself.
const VARIANTS: &[(&str, &str)] = &[
    ("tidb", "TiDB"),
    ("vitess", "Vitess"),
    ("planetscale", "PlanetScale"),
    ("aurora", "Amazon Aurora"),
    ("singlestore", "SingleStore"),
    ("oceanbase", "OceanBase"),
];

/// Tables that cannot roll back; and if there are any, the tables with triggers, the views and
/// the routines, which could write to them.
const UNTRANSACTIONAL: &str = "SELECT name FROM (\
     SELECT TABLE_NAME AS name FROM information_schema.TABLES \
      WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE = 'BASE TABLE' AND ENGINE NOT IN \
      (SELECT ENGINE FROM information_schema.ENGINES WHERE TRANSACTIONS = 'YES') \
     UNION ALL SELECT EVENT_OBJECT_TABLE FROM information_schema.TRIGGERS \
      WHERE TRIGGER_SCHEMA = DATABASE() \
     UNION ALL SELECT TABLE_NAME FROM information_schema.VIEWS WHERE TABLE_SCHEMA = DATABASE() \
     UNION ALL SELECT ROUTINE_NAME FROM information_schema.ROUTINES \
      WHERE ROUTINE_SCHEMA = DATABASE()) AS names \
     WHERE EXISTS (SELECT 1 FROM information_schema.TABLES \
      WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE = 'BASE TABLE' AND ENGINE NOT IN \
      (SELECT ENGINE FROM information_schema.ENGINES WHERE TRANSACTIONS = 'YES'))";
impl Dialect for MySql {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn catalog(&self) -> &dyn Catalog {
        self
    }

    fn keys(&self) -> &'static dyn Keys {
        &keys::MYSQL
    }

    fn repairs(&self) -> &dyn Repairs {
        &repairs::MYSQL
    }

    fn lexis(&self) -> &'static Lexis {
        &LEXIS
    }

    fn grammar(&self) -> &'static Grammar {
        &GRAMMAR
    }

    fn reach(&self) -> &'static Rules {
        &containment::RULES
    }

    fn home<'n>(&self, database: &'n str, _schema: Option<&'n str>) -> &'n str {
        database
    }

    fn quote(&self, identifier: &str) -> String {
        format!("`{}`", identifier.replace('`', "``"))
    }

    fn text(&self, text: &str) -> Result<String, String> {
        Ok(single_quoted(&text.replace('\\', "\\\\")))
    }

    fn same(&self, column: &Column, literal: &str) -> String {
        let name = self.quote(&column.name);
        match column.family {
            Family::Text => format!(
                "CAST(CONVERT({name} USING utf8mb4) AS BINARY) <=> CAST({literal} AS BINARY)"
            ),
            _ => format!("{name} <=> {literal}"),
        }
    }

    fn table(&self, _schema: Option<&str>, table: &str) -> String {
        self.quote(table)
    }

    fn settings(&self, _schema: Option<&str>, looking: bool) -> String {
        let mode = LEXICAL_MODES
            .iter()
            .fold(format!("CONCAT(',', {SQL_MODE}, ',')"), |mode, word| {
                format!("REPLACE({mode}, ',{word},', ',')")
            });
        // A read-only session refuses every write, whatever a bug might send.
        let access = if looking {
            "SET SESSION TRANSACTION READ ONLY;"
        } else {
            ""
        };
        format!(
            "SET sql_mode = TRIM(BOTH ',' FROM {mode}), time_zone = '+00:00', \
             autocommit = 1, sql_quote_show_create = 1, \
             foreign_key_checks = 1, unique_checks = 1, NAMES utf8mb4;{access}"
        )
    }

    fn server_query(&self) -> &'static str {
        "SELECT VERSION(), @@version_comment, @@basedir"
    }

    fn server(&self, row: &[Option<String>]) -> Server {
        let text = row.first().and_then(Option::as_deref).unwrap_or_default();
        // MariaDB may lead with a version that old replicas understand: `5.5.5-10.11.6-MariaDB`.
        let maria = text.to_ascii_lowercase().contains("mariadb");
        let text = text.strip_prefix("5.5.5-").unwrap_or(text);
        let number = text.split(['-', '+', ' ', '~']).next().unwrap_or_default();
        Server {
            product: if maria { "MariaDB" } else { "MySQL" },
            version: number.to_owned(),
            variant: variant(row, VARIANTS),
        }
    }

    fn session_query(&self) -> Option<&'static str> {
        Some("SELECT CONNECTION_ID()")
    }

    fn identity_query(&self, server: &Server) -> Option<&'static str> {
        Some(match server.product {
            "MariaDB" => "SELECT @@server_id",
            _ => "SELECT @@server_uuid",
        })
    }

    fn limits(&self, lock: Duration, _statement: Option<Duration>) -> Option<String> {
        let seconds = lock.as_secs().max(1);
        // While a database waits for another one, its session is idle, and must not be ended.
        Some(format!(
            "SET SESSION lock_wait_timeout = {seconds}, innodb_lock_wait_timeout = {seconds}, \
             wait_timeout = {WEEK}, sql_quote_show_create = 1"
        ))
    }

    /// MariaDB shows no metadata locks unless a plugin is loaded; whoever holds one has a
    /// transaction open.
    fn blockers_query(&self, server: &Server) -> Option<&'static str> {
        Some(match server.product {
            "MariaDB" => {
                "SELECT p.ID, p.USER, p.HOST, p.TIME \
                 FROM information_schema.INNODB_TRX t \
                 JOIN information_schema.PROCESSLIST p ON p.ID = t.trx_mysql_thread_id \
                 WHERE p.ID <> CONNECTION_ID() ORDER BY t.trx_started LIMIT 3"
            }
            _ => {
                "SELECT DISTINCT t.PROCESSLIST_ID, t.PROCESSLIST_USER, t.PROCESSLIST_HOST, \
                        t.PROCESSLIST_TIME \
                 FROM performance_schema.metadata_locks m \
                 JOIN performance_schema.threads t ON t.THREAD_ID = m.OWNER_THREAD_ID \
                 WHERE m.OBJECT_SCHEMA = DATABASE() AND m.LOCK_STATUS = 'GRANTED' \
                 AND t.PROCESSLIST_ID <> CONNECTION_ID() \
                 ORDER BY t.PROCESSLIST_TIME DESC LIMIT 3"
            }
        })
    }

    fn trouble(&self, code: &str, message: &str) -> Trouble {
        match code {
            "1049" => Trouble::MissingDatabase,
            "1146" => Trouble::MissingTable,
            "1305" | "1360" | "1539" | "4089" => Trouble::MissingObject,
            "1007" | "1050" => Trouble::Exists,
            "1845" | "1846" => Trouble::NotThatWay,
            "1317" | "1969" | "3024" => Trouble::Cancelled,
            "1020" | "1205" | "1213" | "3572" => Trouble::Busy,
            "1412" => Trouble::Changed,
            "1045" | "1698" => Trouble::Account,
            "1044" | "1142" | "1227" | "1370" => Trouble::Denied,
            "1290" if message.contains("read-only") => Trouble::Closed,
            "1836" => Trouble::Closed,
            "1040" | "1053" | "1927" | "3169" | "4031" => Trouble::Connection,
            _ => Trouble::Other,
        }
    }

    /// The server quotes the rest of the statement from the token it stumbled over, cut at 80
    /// bytes, and names the line of the statement.
    fn pointed_at(&self, message: &str, statement: &str) -> Option<usize> {
        let (_, rest) = message.split_once(" near '")?;
        let (near, line) = rest.rsplit_once("' at line ")?;
        let line: usize = line.trim().parse().ok()?;
        let starts = statement.match_indices('\n').map(|(at, _)| at + 1);
        let start = std::iter::once(0).chain(starts).nth(line.checked_sub(1)?)?;
        if near.is_empty() {
            return Some(statement.len());
        }
        let after = statement.get(start..)?.find(near).map(|at| start + at);
        after.or(Some(start))
    }

    fn recovery(&self, words: &Words<'_>) -> RecoveryClass {
        recovery::class(words.clone())
    }

    fn look(&self, object: &Object, server: &Server) -> Option<String> {
        let name = &object.name;
        let what = match object.kind {
            ObjectKind::Table => "TABLE",
            ObjectKind::Trigger => "TRIGGER",
            ObjectKind::Procedure => "PROCEDURE",
            ObjectKind::Function => "FUNCTION",
            ObjectKind::Event => "EVENT",
            ObjectKind::Database => "DATABASE",
            // Only MariaDB has them.
            ObjectKind::Sequence if server.product == "MariaDB" => "SEQUENCE",
            ObjectKind::CreationTime => return Some(birth(object)),
            ObjectKind::TableId => return Some(storage(object, server)),
            ObjectKind::Sequence | ObjectKind::Index | ObjectKind::Indexes => return None,
        };
        Some(format!("SHOW CREATE {what} {name}"))
    }

    /// The counter of a table moves with every row.
    fn settled(&self, definition: String) -> String {
        let Some((before, after)) = definition.rsplit_once(" AUTO_INCREMENT=") else {
            return definition;
        };
        let rest = after.trim_start_matches(|sign: char| sign.is_ascii_digit());
        // The word also marks a column, but there no number follows.
        if rest.len() < after.len() && !before.is_empty() {
            format!("{before}{rest}")
        } else {
            definition
        }
    }

    fn loses_transactions(&self, words: &Words<'_>) -> Option<String> {
        recovery::loses_transactions(words.clone())
    }

    fn untransactional_query(&self) -> Option<&'static str> {
        Some(UNTRANSACTIONAL)
    }

    fn refuse(&self, words: &[&str]) -> Option<Refusal> {
        if calls(words, "RELEASE_ALL_LOCKS") {
            return Some(Refusal {
                what: "RELEASE_ALL_LOCKS",
                why: LOCKED,
            });
        }
        // `BEGIN NOT ATOMIC` is a compound statement, the rest begins a transaction.
        if starts_with(words, &["BEGIN"]) && !starts_with(words, &["BEGIN", "NOT"]) {
            return Some(Refusal {
                what: "BEGIN",
                why: TRANSACTIONS,
            });
        }
        if starts_with(words, &["SET"]) {
            let read_only = words
                .windows(2)
                .any(|pair| starts_with(pair, &["READ", "ONLY"]));
            let transaction = words.iter().take(3);
            let mut transaction =
                transaction.filter(|word| word.eq_ignore_ascii_case("TRANSACTION"));
            if read_only && transaction.next().is_some() {
                return Some(Refusal {
                    what: "SET TRANSACTION READ ONLY",
                    why: UNWRITTEN,
                });
            }
            let mut found = SETTINGS.iter().filter(|(name, _)| sets(words, name));
            return found.next().map(|(_, refusal)| refusal.clone());
        }
        refuse_control(words, REFUSED)
    }

    fn columns_query(&self, _schema: Option<&str>, table: &str) -> String {
        let table = single_quoted(&table.replace('\\', "\\\\"));
        format!(
            "SELECT c.COLUMN_NAME, c.COLUMN_TYPE, k.ORDINAL_POSITION \
             FROM information_schema.COLUMNS c \
             LEFT JOIN information_schema.KEY_COLUMN_USAGE k \
               ON k.TABLE_SCHEMA = c.TABLE_SCHEMA AND k.TABLE_NAME = c.TABLE_NAME \
              AND k.COLUMN_NAME = c.COLUMN_NAME AND k.CONSTRAINT_NAME = 'PRIMARY' \
             WHERE c.TABLE_SCHEMA = DATABASE() AND c.TABLE_NAME = {table} \
             ORDER BY c.ORDINAL_POSITION"
        )
    }

    fn family(&self, sql_type: &str) -> Family {
        let sql_type = sql_type.to_ascii_lowercase();
        let base = sql_type.split(['(', ' ']).next().unwrap_or_default();
        match base {
            base if CHARACTERS.contains(&base) => Family::Text,
            "binary" | "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob" => {
                Family::Binary
            }
            "uuid" => Family::Uuid,
            "tinyint" | "smallint" | "mediumint" | "int" | "bigint" => Family::Integer,
            _ => Family::Other,
        }
    }

    /// The session's zone is UTC, and a TIMESTAMP is told in it.
    fn utc_of(&self, column: &Column, is_utc: bool) -> Option<String> {
        let known = is_utc || column.sql.to_ascii_lowercase().starts_with("timestamp");
        let name = self.quote(&column.name);
        known.then(|| format!("DATE_FORMAT({name}, '%Y-%m-%dT%H:%i:%s.%fZ')"))
    }

    fn tables_query(&self, _schema: Option<&str>) -> String {
        format!(
            "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() \
             AND TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED') \
             AND {} ORDER BY TABLE_NAME",
            not_own("TABLE_NAME")
        )
    }

    fn objects_query(&self, _schema: Option<&str>) -> String {
        format!(
            "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() \
             AND {} \
             ORDER BY TABLE_NAME LIMIT 4",
            not_own("TABLE_NAME")
        )
    }

    fn width_query(&self, _schema: Option<&str>) -> String {
        format!(
            "SELECT DATA_TYPE FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() \
             AND TABLE_NAME = '{HISTORY_TABLE}' AND COLUMN_NAME = 'version'"
        )
    }

    fn concern_query(&self) -> Option<&'static str> {
        Some(
            "SELECT CONCAT('its character set is ', DEFAULT_CHARACTER_SET_NAME, ', not utf8mb4') \
             FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = DATABASE() \
             AND DEFAULT_CHARACTER_SET_NAME <> 'utf8mb4'",
        )
    }

    fn journal_table(&self, schema: Option<&str>) -> String {
        // A journal on an engine without transactions could not be trusted.
        format!(
            "CREATE TABLE IF NOT EXISTS {} {} ENGINE = InnoDB",
            self.table(schema, JOURNAL_TABLE),
            journal_columns("VARCHAR", "MEDIUMTEXT")
        )
    }

    fn applied_table(&self, schema: Option<&str>) -> String {
        format!(
            "CREATE TABLE IF NOT EXISTS {} (version BIGINT NOT NULL PRIMARY KEY, \
             digest CHAR(64) NOT NULL, checksum VARCHAR(20) NOT NULL, sql_text LONGBLOB NULL, \
             reason TEXT CHARACTER SET utf8mb4 NULL, accepted_on VARCHAR(40) NULL) \
             ENGINE = InnoDB",
            self.table(schema, APPLIED_TABLE)
        )
    }

    /// The name is one for the whole server and at most 64 characters: a hash with the
    /// database's name in it.
    fn lock(&self, database: &str, _schema: Option<&str>) -> Option<Lock> {
        let hash = hex::digits(&Sha256::digest(database.as_bytes())[..16]);
        let name = format!("'bird_{hash}'");
        Some(Lock {
            take: format!("SELECT GET_LOCK({name}, 0)"),
            held: format!("SELECT IS_USED_LOCK({name}) = CONNECTION_ID()"),
            // A proxy answers to `SELECT CONNECTION_ID()` by itself, but not to this.
            session: "SELECT CONCAT_WS(':', @@hostname, @@port, CONNECTION_ID())",
            // ProxySQL does.
            pins: true,
            holder: format!(
                "SELECT ID, USER, HOST, TIME, INFO FROM information_schema.PROCESSLIST \
                 WHERE ID = IS_USED_LOCK({name})"
            ),
            release: format!("SELECT RELEASE_LOCK({name})"),
        })
    }

    /// Galera, Percona XtraDB Cluster, and group replication with several primaries.
    fn cluster_query(&self) -> Option<&'static str> {
        Some(
            "SHOW VARIABLES WHERE Variable_name = 'pxc_strict_mode' \
             OR (Variable_name = 'wsrep_on' AND Value = 'ON') \
             OR (Variable_name = 'group_replication_single_primary_mode' AND Value = 'OFF')",
        )
    }

    /// An account with many rights may write all the same, and then a replica is none any more.
    fn unwritable_query(&self) -> Option<&'static str> {
        Some(
            "SHOW GLOBAL VARIABLES WHERE Variable_name IN \
             ('read_only', 'super_read_only', 'innodb_read_only') AND Value IN ('ON', '1')",
        )
    }

    fn replicas_take_writes(&self) -> bool {
        true
    }

    fn checks(&self) -> &'static [Check] {
        checks::CHECKS
    }

    fn cancel(&self, session: &str) -> Option<String> {
        Some(format!("KILL QUERY {}", number_of(session)?))
    }

    /// A crash in the middle of a DDL statement leaves nothing half done since MySQL 8.0 and
    /// MariaDB 10.6; what only speaks their language is another matter.
    fn doubts(&self, server: &Server) -> Vec<String> {
        let mut doubts = Vec::new();
        let atomic: [u32; 2] = match server.product {
            "MariaDB" => [10, 6],
            _ => [8, 0],
        };
        if server.numbers().as_slice() < atomic.as_slice() {
            let [major, minor] = atomic;
            doubts.push(format!(
                "{server} is older than {major}.{minor}: a crash may leave a statement half done"
            ));
        }
        if let Some(variant) = server.variant {
            doubts.push(format!("it is {variant}, on which bird is not tested"));
        }
        doubts
    }

    fn enter(&self, database: &str) -> String {
        format!("USE {};\n", self.quote(database))
    }

    fn create_database(&self, name: &str, collation: Option<&str>, server: &Server) -> String {
        let default = match server.product {
            "MariaDB" => "utf8mb4_unicode_520_ci",
            _ => "utf8mb4_0900_ai_ci",
        };
        format!(
            "CREATE DATABASE {} CHARACTER SET utf8mb4 COLLATE {}",
            self.quote(name),
            self.quote(collation.unwrap_or(default))
        )
    }
}

/// The case of names counts or not as the server was set up; told apart by case, a table is at worst
/// asked for once too often.
static GRAMMAR: Grammar = Grammar {
    names: Names::Exact,
    parts: 2,
    own: &[],
    temporary: None,
    attaching: &[],
    schema_is_database: true,
    not_columns: &[
        "INDEX",
        "KEY",
        "CONSTRAINT",
        "FOREIGN",
        "CHECK",
        "PRIMARY",
        "PARTITION",
        "PERIOD",
        "SYSTEM",
    ],
};
