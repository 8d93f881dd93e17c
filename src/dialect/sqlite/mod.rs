//! SQLite, embedded.

mod catalog;
pub mod checks;
mod containment;
mod ddl;
pub(super) mod keys;
pub(super) mod read;
pub(super) mod recovery;
pub(super) mod repairs;
pub(super) mod write;

use super::containment::Rules;
use super::recovery::{Object, RecoveryClass};
use crate::dialect::catalog::Catalog;
use crate::dialect::checks::Check;
use crate::dialect::keys::Keys;
use crate::dialect::repairs::Repairs;
use crate::dialect::{Dialect, Facts, Lock, Refusal, TRANSACTIONS, Trouble};
use crate::dialect::{journal_columns, not_own, refuse_control, single_quoted};
use crate::model::history::{APPLIED_TABLE, HISTORY_TABLE, JOURNAL_TABLE};
use crate::model::schema::{Column, Family};
use crate::model::server::Server;
use crate::sql::cursor::{Grammar, Names, Words};
use crate::sql::lex::{Bodies, Client, Lexis, Prefix, Quoted};

pub struct Sqlite;

static FACTS: Facts = Facts {
    name: "sqlite",
    schemes: &["sqlite"],
    parameters: &["mode"],
    port: None,
    transactional_ddl: true,
    schema: None,
    entry: None,
};

const REFUSED: &[(&[&str], Refusal)] = &[
    (
        &["BEGIN"],
        Refusal {
            what: "BEGIN",
            why: TRANSACTIONS,
        },
    ),
    (
        &["COMMIT"],
        Refusal {
            what: "COMMIT",
            why: TRANSACTIONS,
        },
    ),
    (
        &["END"],
        Refusal {
            what: "END",
            why: TRANSACTIONS,
        },
    ),
    (
        &["PRAGMA", "foreign_keys"],
        Refusal {
            what: "PRAGMA foreign_keys",
            why: "inside a transaction it does nothing; bird turns foreign keys off by itself \
                  for a file that drops or rebuilds a table, and checks them before it commits",
        },
    ),
];

impl Dialect for Sqlite {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn catalog(&self) -> &dyn Catalog {
        self
    }

    fn keys(&self) -> &'static dyn Keys {
        &keys::SQLITE
    }

    fn repairs(&self) -> &dyn Repairs {
        &repairs::SQLITE
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

    fn home<'n>(&self, _database: &'n str, _schema: Option<&'n str>) -> &'n str {
        "main"
    }

    fn quote(&self, identifier: &str) -> String {
        format!("\"{}\"", identifier.replace('"', "\"\""))
    }

    fn text(&self, text: &str) -> Result<String, String> {
        if text.contains('\0') {
            Err("SQLite ends a text at the character NUL".into())
        } else {
            Ok(single_quoted(text))
        }
    }

    fn same(&self, column: &Column, literal: &str) -> String {
        format!("{} IS {literal} COLLATE BINARY", self.quote(&column.name))
    }

    fn table(&self, _schema: Option<&str>, table: &str) -> String {
        format!("main.{}", self.quote(table))
    }

    fn settings(&self, _schema: Option<&str>, looking: bool) -> String {
        let access = if looking {
            "PRAGMA query_only = ON;"
        } else {
            ""
        };
        format!("PRAGMA foreign_keys = ON;{access}")
    }

    fn server_query(&self) -> &'static str {
        "SELECT sqlite_version()"
    }

    fn server(&self, row: &[Option<String>]) -> Server {
        Server {
            product: "SQLite",
            version: row.first().cloned().flatten().unwrap_or_default(),
            variant: None,
        }
    }

    fn trouble(&self, code: &str, message: &str) -> Trouble {
        // The low byte is the primary code, the rest extends it.
        match code.parse::<u32>().map(|code| code & 0xff) {
            Ok(5 | 6) => Trouble::Busy,
            Ok(3 | 8 | 23) => Trouble::Denied,
            Ok(1) if message.starts_with("no such table") => Trouble::MissingTable,
            Ok(1) if message.ends_with("already exists") => Trouble::Exists,
            _ => Trouble::Other,
        }
    }

    fn recovery(&self, words: &Words<'_>) -> RecoveryClass {
        recovery::class(words)
    }

    /// Whatever changes a schema can be rolled back, so nothing has to be looked at.
    fn look(&self, _object: &Object, _server: &Server) -> Option<String> {
        None
    }

    fn refuse(&self, words: &[&str]) -> Option<Refusal> {
        let rollback = words
            .first()
            .is_some_and(|word| word.eq_ignore_ascii_case("ROLLBACK"));
        if rollback && !words.iter().any(|word| word.eq_ignore_ascii_case("TO")) {
            return Some(Refusal {
                what: "ROLLBACK",
                why: TRANSACTIONS,
            });
        }
        refuse_control(words, REFUSED)
    }

    /// `DROP TABLE` deletes all rows first, which would cascade; `ALTER TABLE … RENAME TO` is
    /// the second half of a rebuild.
    fn rebuilt_tables(&self, words: &[&str]) -> Vec<String> {
        let upper: Vec<String> = words.iter().map(|word| word.to_ascii_uppercase()).collect();
        let upper: Vec<&str> = upper.iter().map(String::as_str).collect();
        let (names, rest): (Vec<usize>, _) = match upper.as_slice() {
            ["DROP", "TABLE", "IF", "EXISTS", ..] => (vec![4], &words[4..]),
            ["DROP", "TABLE", _, ..] => (vec![2], &words[2..]),
            ["ALTER", "TABLE", _, "RENAME", "TO", _] => (vec![2, 5], &words[2..]),
            ["ALTER", "TABLE", _, ".", _, "RENAME", "TO", _] => (vec![4, 7], &words[2..]),
            _ => return Vec::new(),
        };
        // `main.users` is the table `users`.
        if let ["DROP", ..] = upper.as_slice()
            && let [_, ".", table] = rest
        {
            return vec![unquote(table)];
        }
        names
            .iter()
            .filter_map(|&at| words.get(at))
            .map(|name| unquote(name))
            .collect()
    }

    fn columns_query(&self, _schema: Option<&str>, table: &str) -> String {
        format!(
            "SELECT name, type, nullif(pk, 0) FROM pragma_table_xinfo({}) ORDER BY cid",
            single_quoted(table)
        )
    }

    /// The affinity rules of the engine, as far as they tell characters from bytes.
    fn family(&self, sql_type: &str) -> Family {
        let sql_type = sql_type.to_ascii_uppercase();
        let has = |word: &str| sql_type.contains(word);
        if has("INT") {
            Family::Integer
        } else if has("CHAR") || has("CLOB") || has("TEXT") {
            Family::Text
        } else if has("BLOB") || has("BINARY") || has("UUID") {
            Family::Binary
        } else {
            Family::Other
        }
    }

    /// Defaults of this engine are in UTC, and a text may tell its offset; a number counts
    /// milliseconds, as drivers write it.
    fn utc_of(&self, column: &Column, _is_utc: bool) -> Option<String> {
        let name = self.quote(&column.name);
        let format = "'%Y-%m-%dT%H:%M:%fZ'";
        Some(format!(
            "CASE typeof({name}) WHEN 'integer' THEN strftime({format}, {name} / 1000.0, 'unixepoch') \
             ELSE strftime({format}, {name}) END"
        ))
    }

    fn tables_query(&self, _schema: Option<&str>) -> String {
        format!(
            "SELECT name FROM sqlite_schema WHERE type = 'table' \
             AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
             AND {} ORDER BY name",
            not_own("name")
        )
    }

    fn objects_query(&self, _schema: Option<&str>) -> String {
        format!(
            "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') \
             AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
             AND {} ORDER BY name LIMIT 4",
            not_own("name")
        )
    }

    fn width_query(&self, _schema: Option<&str>) -> String {
        format!("SELECT type FROM pragma_table_info('{HISTORY_TABLE}') WHERE name = 'version'")
    }

    fn journal_table(&self, schema: Option<&str>) -> String {
        format!(
            "CREATE TABLE IF NOT EXISTS {} {} WITHOUT ROWID",
            self.table(schema, JOURNAL_TABLE),
            journal_columns("VARCHAR", "TEXT")
        )
    }

    fn applied_table(&self, schema: Option<&str>) -> String {
        format!(
            "CREATE TABLE IF NOT EXISTS {} (version INTEGER NOT NULL PRIMARY KEY, \
             digest TEXT NOT NULL, checksum TEXT NOT NULL, sql_text BLOB NULL, \
             reason TEXT NULL, accepted_on TEXT NULL)",
            self.table(schema, APPLIED_TABLE)
        )
    }

    /// No session lock: `BEGIN IMMEDIATE` is the lock, file by file.
    fn lock(&self, _database: &str, _schema: Option<&str>) -> Option<Lock> {
        None
    }

    fn begin(&self) -> &'static str {
        "BEGIN IMMEDIATE"
    }

    fn checks(&self) -> &'static [Check] {
        checks::CHECKS
    }

    fn enter(&self, database: &str) -> String {
        format!(".open {}\n", self.quote(database))
    }

    /// A file needs no statement to exist.
    fn create_database(&self, _name: &str, _collation: Option<&str>, _server: &Server) -> String {
        String::new()
    }
}

/// A name without the quotes that SQLite takes.
fn unquote(name: &str) -> String {
    let inner = |open: char, close: char| {
        let inner = name.strip_prefix(open)?.strip_suffix(close)?;
        Some(inner.replace(&format!("{close}{close}"), &close.to_string()))
    };
    inner('"', '"')
        .or_else(|| inner('`', '`'))
        .or_else(|| inner('[', ']'))
        .or_else(|| inner('\'', '\''))
        .unwrap_or_else(|| name.to_owned())
}

static GRAMMAR: Grammar = Grammar {
    names: Names::AnyCase,
    parts: 2,
    own: &["main", "temp"],
    temporary: Some("temp"),
    attaching: &["ATTACH", "DETACH"],
    schema_is_database: false,
    not_columns: &["CONSTRAINT"],
};

/// How SQLite writes SQL.
pub const LEXIS: Lexis = Lexis {
    hash_comments: false,
    dashes_need_blank: false,
    carriage_return_ends_comment: false,
    nested_comments: false,
    conditional_comments: &[],
    hints: false,
    double_quoted: Quoted::Name,
    backslash: false,
    prefixes: &[Prefix {
        letters: "x",
        backslash: false,
        names: false,
    }],
    backticks: true,
    brackets: true,
    dollar_quotes: false,
    delimiter_lines: false,
    parentheses_hold: false,
    inline_data: false,
    bodies: Bodies::Triggers,
    client: Client {
        program: "sqlite3",
        sign: '.',
        // In the middle of a statement the dot stands between the parts of a name.
        anywhere: false,
        language: &[],
        words: &[],
        hints: &[
            (
                &["read"],
                "put the statements of the other file here, or make it a migration of its own",
            ),
            (&["import"], "write the rows as INSERT statements"),
            (
                &["open", "restore", "load"],
                "the configuration says which database a migration runs on",
            ),
            (
                &["shell", "system"],
                "run shell commands outside of migrations",
            ),
        ],
        hint: "take the line out; bird sends statements, not client commands",
    },
};
