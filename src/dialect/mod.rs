//! What bird knows of an engine without asking it: facts, quoting, lexis, queries. Pure.
//!
//! An engine is one file here and one entry in [`DIALECTS`]; its live half is an arm of
//! `db::session`.

pub mod catalog;
pub mod checks;
pub mod columns;
pub mod containment;
pub mod deeds;
pub mod keys;
pub mod recovery;
pub mod repairs;
pub mod targets;

mod mysql;
pub mod postgres;
mod sqlite;

use catalog::Catalog;
use checks::Check;
use std::time::Duration;

use crate::model::hex;
use crate::model::history::{OWN_TABLES, QUARANTINE};
use crate::model::schema::{Column, Family};
use crate::model::seed::Value;
use crate::model::server::Server;
use crate::sql::cursor::{Grammar, Words};
use crate::sql::lex::Lexis;
use containment::Rules;
use keys::Keys;
use recovery::{Object, RecoveryClass};
use repairs::Repairs;

/// All engines, in the order in which the README lists them.
pub static DIALECTS: &[&dyn Dialect] = &[&sqlite::Sqlite, &mysql::MySql, &postgres::Postgres];

/// What is always so for an engine.
#[derive(Debug)]
pub struct Facts {
    /// `mysql`, `postgres`, `sqlite`: the name in the config, in folders and in reports.
    pub name: &'static str,
    /// The URL schemes that mean this engine.
    pub schemes: &'static [&'static str],
    /// The URL parameters that bird understands; any other is an error.
    pub parameters: &'static [&'static str],
    /// The port where the URL names none; `None` for an embedded engine.
    pub port: Option<u16>,
    /// Whether DDL can be rolled back.
    pub transactional_ddl: bool,
    /// The schema that is meant where the config names none, on engines that have them.
    pub schema: Option<&'static str>,
    /// The database that every server has, to connect to where the wanted one is missing.
    pub entry: Option<&'static str>,
}

impl Facts {
    /// Whether the engine runs inside bird, without a server.
    pub fn is_embedded(&self) -> bool {
        self.port.is_none()
    }
}

/// Something that belongs to a database and may be missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// Gives a row where it exists.
    pub exists: String,
    pub create: String,
}

/// What went wrong, as far as bird acts on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The database, or the schema in it, does not exist.
    MissingDatabase,
    MissingTable,
    /// Something else that is named does not exist.
    MissingObject,
    /// What should be created is there already.
    Exists,
    /// Someone else holds a lock.
    Busy,
    /// What the statement reads was changed while it ran.
    Changed,
    /// The engine cannot do it in the way that was asked for.
    NotThatWay,
    /// It was cancelled, by bird or by somebody else.
    Cancelled,
    /// User or password are wrong.
    Account,
    /// The account may not do it.
    Denied,
    /// The server is not to be written to: it is a replica, or somebody has closed it.
    Closed,
    /// The server does not take connections yet, or the connection broke.
    Connection,
    /// The protection that the URL asks for could not be had.
    Certificate,
    Other,
}

/// The statements of a session-level lock. Each SELECT gives one row of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    /// Tries once, without waiting: `1` when taken.
    pub take: String,
    /// `1` when this very session holds it.
    pub held: String,
    /// The server's session behind the connection, in words that no other session of any server
    /// has; the last part, after a colon, is the id that the server itself uses.
    pub session: &'static str,
    /// Whether proxies that share sessions stop sharing one while it holds such a lock; then it
    /// shows only afterwards whether it is shared.
    pub pins: bool,
    /// Who holds it: session id, account, address, since when (seconds), what it runs.
    pub holder: String,
    pub release: String,
}

/// A statement that a migration must not contain, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The statement as people call it: `COMMIT`.
    pub what: &'static str,
    pub why: &'static str,
}

/// Everything bird knows about an engine. No method touches a connection.
pub trait Dialect: Sync {
    fn facts(&self) -> &'static Facts;

    /// How its schemas are read and written.
    fn catalog(&self) -> &dyn Catalog;

    /// How keys of references are asked for and read.
    fn keys(&self) -> &'static dyn Keys;

    /// What its repairs are made of.
    fn repairs(&self) -> &dyn Repairs;

    fn lexis(&self) -> &'static Lexis;

    fn grammar(&self) -> &'static Grammar;

    /// What its statements could reach beyond their database.
    fn reach(&self) -> &'static Rules;

    /// What a table without a qualifier is qualified with, where the session uses this database
    /// and this schema.
    fn home<'n>(&self, database: &'n str, schema: Option<&'n str>) -> &'n str;

    /// An identifier, quoted for SQL. The only quoting in the program.
    fn quote(&self, identifier: &str) -> String;

    /// A text as a literal, or why it cannot be one.
    fn text(&self, text: &str) -> Result<String, String>;

    /// Bytes as a literal.
    fn bytes(&self, bytes: &[u8]) -> String {
        format!("X'{}'", hex::capitals(bytes))
    }

    fn boolean(&self, yes: bool) -> &'static str {
        if yes { "1" } else { "0" }
    }

    /// A value as a literal for a column, or why it cannot be one. A text for a column of bytes
    /// means a UUID's bytes where it is one, else its own.
    fn literal(&self, value: &Value, column: &Column) -> Result<String, String> {
        match value {
            Value::Null => Ok("NULL".into()),
            Value::Bool(yes) => Ok(self.boolean(*yes).into()),
            Value::Integer(number) => Ok(number.to_string()),
            Value::Number(number) => Ok(number.clone()),
            Value::Text(text) if column.family == Family::Binary => {
                Ok(match uuid::Uuid::try_parse(text) {
                    Ok(id) => self.bytes(id.as_bytes()),
                    Err(_) => self.bytes(text.as_bytes()),
                })
            }
            Value::Text(text) => self.text(text),
        }
    }

    /// A condition that is true when the column holds exactly this literal: characters are
    /// compared as bytes, NULL equals NULL.
    fn same(&self, column: &Column, literal: &str) -> String;

    /// A table of the database in use, qualified where a session could be led elsewhere.
    fn table(&self, schema: Option<&str>, table: &str) -> String;

    /// What a session is set to, in one text; `looking` makes it read-only.
    fn settings(&self, schema: Option<&str>, looking: bool) -> String;

    /// What takes a session back to its known state, whatever was set in it.
    fn reset(&self, schema: Option<&str>) -> String {
        self.settings(schema, false)
    }

    /// Asks for product and version, in the columns that [`Dialect::server`] reads.
    fn server_query(&self) -> &'static str;

    fn server(&self, row: &[Option<String>]) -> Server;

    /// Asks for the number of this session, by which another one can cancel its statement.
    fn session_query(&self) -> Option<&'static str> {
        None
    }

    /// Asks which server this is: after a failover it is another one.
    fn identity_query(&self, _server: &Server) -> Option<&'static str> {
        None
    }

    /// How long a statement may wait in the server's own queue for a lock, and run. Whoever waits
    /// there holds up everybody behind it, so bird waits shortly and comes again.
    fn limits(&self, _lock: Duration, _statement: Option<Duration>) -> Option<String> {
        None
    }

    /// Makes the server notice that its client is gone, where that can be asked for.
    fn notice_loss(&self) -> Option<&'static str> {
        None
    }

    /// Who holds locks that this session may be waiting for: session id, account, address, for
    /// how long (seconds).
    fn blockers_query(&self, _server: &Server) -> Option<&'static str> {
        None
    }

    /// What an error of the engine means.
    fn trouble(&self, code: &str, message: &str) -> Trouble;

    /// The byte in a statement at which an error message points, where only its text tells.
    fn pointed_at(&self, _message: &str, _statement: &str) -> Option<usize> {
        None
    }

    /// Why a migration must not contain this statement, given as its code words.
    fn refuse(&self, words: &[&str]) -> Option<Refusal>;

    /// What a statement, given as its code words, is to a journal.
    fn recovery(&self, words: &Words<'_>) -> RecoveryClass;

    /// The query that shows an object: no row, or an error that it is missing, where it does
    /// not exist. `None` where nothing can be seen of it.
    fn look(&self, object: &Object, server: &Server) -> Option<String>;

    /// A definition without what changes by itself.
    fn settled(&self, definition: String) -> String {
        definition
    }

    /// The table that a statement makes such that its rows cannot be rolled back.
    fn loses_transactions(&self, _words: &Words<'_>) -> Option<String> {
        None
    }

    /// Names what makes data statements impossible to roll back: tables without transactions,
    /// and where there are such, everything that could write to them behind the scenes.
    fn untransactional_query(&self) -> Option<&'static str> {
        None
    }

    /// The tables that a statement drops or rebuilds in a way that would run the deletes of
    /// foreign keys. Only SQLite has such.
    fn rebuilt_tables(&self, _words: &[&str]) -> Vec<String> {
        Vec::new()
    }

    /// The columns of a table: name, type, place in the primary key (or NULL), in order.
    fn columns_query(&self, schema: Option<&str>, table: &str) -> String;

    fn family(&self, sql_type: &str) -> Family;

    /// The statement that makes a row, in the place of one with the same key. The key's column is
    /// the first.
    fn replace(&self, table: &str, columns: &[&str], values: &[String]) -> String {
        let (columns, values) = (columns.join(", "), values.join(", "));
        format!("REPLACE INTO {table} ({columns}) VALUES ({values})")
    }

    /// An expression of bytes, such as a column, as one of hexadecimal digits.
    fn hex_of(&self, bytes: &str) -> String {
        format!("HEX({bytes})")
    }

    /// A column of times as RFC 3339 text in UTC, or nothing where that cannot be known. A time
    /// without a zone is known where `is_utc` says so, or where the engine writes all its times
    /// in UTC.
    fn utc_of(&self, column: &Column, is_utc: bool) -> Option<String>;

    /// The names of all tables that are neither bird's nor refinery's.
    fn tables_query(&self, schema: Option<&str>) -> String;

    /// The names of up to a few objects that are neither bird's nor refinery's.
    fn objects_query(&self, schema: Option<&str>) -> String;

    /// The type of the history's version column.
    fn width_query(&self, schema: Option<&str>) -> String;

    /// `CREATE TABLE IF NOT EXISTS` for the journal.
    fn journal_table(&self, schema: Option<&str>) -> String;

    /// `CREATE TABLE IF NOT EXISTS` for what is kept of applied migrations.
    fn applied_table(&self, schema: Option<&str>) -> String;

    /// The lock of a database; `None` where the engine's own transactions must do.
    fn lock(&self, database: &str, schema: Option<&str>) -> Option<Lock>;

    /// Asks for what makes this server, or this database, one that is not to be written to: its
    /// first cell names it.
    fn unwritable_query(&self) -> Option<&'static str> {
        None
    }

    /// Whether a server that follows another one may take writes all the same, so that only its
    /// replication tells what it is.
    fn replicas_take_writes(&self) -> bool {
        false
    }

    /// Gives a row, beginning with a setting's name, where the server is a node of a cluster and
    /// its locks hold on that node only.
    fn cluster_query(&self) -> Option<&'static str> {
        None
    }

    /// What `bird doctor` looks at.
    fn checks(&self) -> &'static [Check];

    /// Ends what a session of the server does, named as [`Lock::session`] names it.
    fn cancel(&self, _session: &str) -> Option<String> {
        None
    }

    /// What is doubtful about a server of this product and version, in words.
    fn doubts(&self, _server: &Server) -> Vec<String> {
        Vec::new()
    }

    /// Takes back what [`Dialect::settings`] did, before a session ends: a pooler may hand it to
    /// someone else.
    fn farewell(&self) -> Option<&'static str> {
        None
    }

    /// The statement that starts a transaction which is going to write.
    fn begin(&self) -> &'static str {
        "BEGIN"
    }

    /// What must be inside a database before migrations can run, by name.
    fn missing_inside(&self, _schema: Option<&str>) -> Vec<(String, Missing)> {
        Vec::new()
    }

    /// Gives the GRANT that this account lacks for migrating, or NULL.
    fn preflight_query(&self, _schema: Option<&str>) -> Option<String> {
        None
    }

    /// Tells what about an existing database will not serve, or NULL.
    fn concern_query(&self) -> Option<&'static str> {
        None
    }

    /// What takes the engine's own client to a database, by its name or its file, where a text is
    /// about several.
    fn enter(&self, database: &str) -> String;

    /// The statement that creates a database.
    fn create_database(&self, name: &str, collation: Option<&str>, server: &Server) -> String;
}

/// The engine of a URL scheme.
pub fn by_scheme(scheme: &str) -> Option<&'static dyn Dialect> {
    let mut all = DIALECTS.iter().copied();
    all.find(|dialect| dialect.facts().schemes.contains(&scheme))
}

/// Every engine's name.
pub fn names() -> Vec<&'static str> {
    let all = DIALECTS.iter().map(|dialect| dialect.facts().name);
    all.collect()
}

/// The journal's columns, for the types that an engine has for any text and for a long one.
/// One row per statement of a file, up or undo; `before_objects` stands only while the statement
/// is on its way.
fn journal_columns(text: &str, long: &str) -> String {
    format!(
        "(version BIGINT NOT NULL, direction {text}(4) NOT NULL, statement INT NOT NULL, \
         statements INT NOT NULL, digest {text}(64) NOT NULL, state {text}(8) NOT NULL, \
         before_objects {long}, before_print {text}(64), after_print {text}(64), \
         server {text}(100), run {text}(36) NOT NULL, started_on {text}(40), \
         applied_on {text}(40), reason {text}(1000), \
         PRIMARY KEY (version, direction, statement))"
    )
}

/// A condition that is true of the tables that are neither bird's nor refinery's, for an
/// expression of a table's name.
fn not_own(name: &str) -> String {
    let own = OWN_TABLES.join("', '");
    let length = QUARANTINE.len();
    format!("{name} NOT IN ('{own}') AND substr({name}, 1, {length}) <> '{QUARANTINE}'")
}

/// A text between single quotes, quotes doubled; the rule that all three engines share.
fn single_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The server's own id in the name of a session.
fn number_of(session: &str) -> Option<u64> {
    session.rsplit(':').next()?.parse().ok()
}

/// What a server is that only speaks a product's language, by a word in what it says of itself.
fn variant(row: &[Option<String>], known: &[(&'static str, &'static str)]) -> Option<&'static str> {
    let told: Vec<&str> = row.iter().flatten().map(String::as_str).collect();
    let told = told.join(" ").to_ascii_lowercase();
    let mut known = known.iter();
    known
        .find(|(word, _)| told.contains(word))
        .map(|(_, name)| *name)
}

/// The numbers between the parentheses of a type: its length, its digits and their scale.
pub fn sizes(sql_type: &str) -> Vec<u64> {
    let inner = sql_type
        .split_once('(')
        .and_then(|(_, rest)| rest.split_once(')'));
    let inner = inner.map_or("", |(inner, _)| inner);
    let parts = inner.split(',');
    parts.filter_map(|size| size.trim().parse().ok()).collect()
}

/// Whether the first words of a statement are these, in any case.
fn starts_with(words: &[&str], wanted: &[&str]) -> bool {
    words.len() >= wanted.len()
        && std::iter::zip(words, wanted).all(|(word, want)| word.eq_ignore_ascii_case(want))
}

/// Statements of transactions and of the target, which no migration may contain: they would
/// take the journal's place or lead it elsewhere.
fn refuse_control(words: &[&str], table: &[(&[&str], Refusal)]) -> Option<Refusal> {
    let found = table.iter().find(|(start, _)| starts_with(words, start));
    found.map(|(_, refusal)| refusal.clone())
}

/// Whether a statement calls a function when it runs; what it makes may call it later.
fn calls(words: &[&str], function: &str) -> bool {
    !starts_with(words, &["CREATE"]) && words.iter().any(|word| word.eq_ignore_ascii_case(function))
}

/// The reason why a file may not release all locks of its session.
const LOCKED: &str = "it would release bird's own lock, and a second run could begin meanwhile";

/// The reason why a file may not end or begin transactions.
const TRANSACTIONS: &str = "bird itself runs each migration in a transaction, or statement by \
     statement with a journal, and must know where it stands";
