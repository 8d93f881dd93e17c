//! PostgreSQL.

mod catalog;
pub mod checks;
mod containment;
pub mod copy;
mod forbidden;
pub(super) mod keys;
pub(super) mod read;
pub(super) mod recovery;
pub(super) mod repairs;
mod shadow;
pub(super) mod write;

use super::containment::Rules;
use super::recovery::{Object, ObjectKind, RecoveryClass};
use crate::dialect::catalog::Catalog;
use crate::dialect::checks::Check;
use crate::dialect::keys::Keys;
use crate::dialect::repairs::Repairs;
use crate::dialect::{
    Dialect, Facts, LOCKED, Lock, Missing, Refusal, TRANSACTIONS, Trouble, calls,
};
use crate::dialect::{journal_columns, not_own, number_of, refuse_control, single_quoted, variant};
use crate::model::hex;
use crate::model::history::{APPLIED_TABLE, HISTORY_TABLE, JOURNAL_TABLE};
use crate::model::schema::{Column, Family};
use crate::model::server::Server;
use crate::sql::cursor::{Grammar, Names, Words};
use crate::sql::lex::{Bodies, Client, Lexis, Prefix, Quoted};
use forbidden::REFUSED;
use sha2::{Digest, Sha256};
use std::time::Duration;

pub struct Postgres;

static FACTS: Facts = Facts {
    name: "postgres",
    schemes: &["postgres", "postgresql"],
    parameters: &["sslmode", "sslrootcert", "sslcert", "sslkey", "host"],
    port: Some(5432),
    transactional_ddl: true,
    schema: Some("public"),
    entry: Some("postgres"),
};

/// What says `PostgreSQL` and is something else, by a word in what it says of itself.
const VARIANTS: &[(&str, &str)] = &[
    ("cockroachdb", "CockroachDB"),
    ("-yb-", "YugabyteDB"),
    ("redshift", "Amazon Redshift"),
    ("greenplum", "Greenplum"),
];

/// The schema in use where the caller knows none.
fn schema_name(schema: Option<&str>) -> &str {
    schema.unwrap_or("public")
}

impl Dialect for Postgres {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn catalog(&self) -> &dyn Catalog {
        self
    }

    fn keys(&self) -> &'static dyn Keys {
        &keys::POSTGRES
    }

    fn repairs(&self) -> &dyn Repairs {
        &repairs::POSTGRES
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

    fn home<'n>(&self, _database: &'n str, schema: Option<&'n str>) -> &'n str {
        schema_name(schema)
    }

    fn quote(&self, identifier: &str) -> String {
        format!("\"{}\"", identifier.replace('"', "\"\""))
    }

    fn text(&self, text: &str) -> Result<String, String> {
        if text.contains('\0') {
            Err("PostgreSQL has no character NUL".into())
        } else {
            Ok(single_quoted(text))
        }
    }

    fn bytes(&self, bytes: &[u8]) -> String {
        // With the prefix it means the same whatever `standard_conforming_strings` is set to.
        format!("E'\\\\x{}'", hex::capitals(bytes))
    }

    fn boolean(&self, yes: bool) -> &'static str {
        if yes { "TRUE" } else { "FALSE" }
    }

    fn same(&self, column: &Column, literal: &str) -> String {
        let name = self.quote(&column.name);
        match column.family {
            Family::Text => format!("{name}::text COLLATE \"C\" IS NOT DISTINCT FROM {literal}"),
            _ => format!("{name} IS NOT DISTINCT FROM {literal}"),
        }
    }

    fn table(&self, schema: Option<&str>, table: &str) -> String {
        format!("{}.{}", self.quote(schema_name(schema)), self.quote(table))
    }

    fn settings(&self, schema: Option<&str>, looking: bool) -> String {
        let schema = self.quote(schema_name(schema));
        let access = if looking { "on" } else { "off" };
        format!(
            "SET search_path TO {schema}; SET TimeZone TO 'UTC'; \
             SET standard_conforming_strings TO on; \
             SET default_transaction_read_only TO {access};"
        )
    }

    fn reset(&self, schema: Option<&str>) -> String {
        let settings = self.settings(schema, false);
        format!("RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL; {settings}")
    }

    fn server_query(&self) -> &'static str {
        "SELECT current_setting('server_version'), version()"
    }

    fn server(&self, row: &[Option<String>]) -> Server {
        let text = row.first().and_then(Option::as_deref).unwrap_or_default();
        Server {
            product: "PostgreSQL",
            version: text.split(' ').next().unwrap_or_default().to_owned(),
            variant: variant(row, VARIANTS),
        }
    }

    fn session_query(&self) -> Option<&'static str> {
        Some("SELECT pg_backend_pid()")
    }

    /// A promoted replica has its primary's number, but a timeline of its own.
    fn identity_query(&self, _server: &Server) -> Option<&'static str> {
        Some(
            "SELECT s.system_identifier || '/' || c.timeline_id \
             FROM pg_control_system() s, pg_control_checkpoint() c",
        )
    }

    fn limits(&self, lock: Duration, statement: Option<Duration>) -> Option<String> {
        let lock = lock.as_millis().max(1);
        let statement = statement.map_or(0, |statement| statement.as_millis());
        // While a database waits for another one, its session is idle, and must not be ended.
        Some(format!(
            "SET lock_timeout TO {lock}; SET statement_timeout TO {statement}; \
             SELECT set_config(name, '0', false) FROM pg_settings \
             WHERE name IN ('idle_session_timeout', 'idle_in_transaction_session_timeout')"
        ))
    }

    fn notice_loss(&self) -> Option<&'static str> {
        Some("SET client_connection_check_interval TO '5s'")
    }

    fn blockers_query(&self, _server: &Server) -> Option<&'static str> {
        Some(
            "SELECT a.pid, a.usename, coalesce(a.client_addr::text, 'local'), \
                    extract(epoch FROM now() - coalesce(a.xact_start, a.backend_start))::bigint \
             FROM pg_stat_activity a WHERE a.pid <> pg_backend_pid() \
             AND a.datname = current_database() AND EXISTS (\
               SELECT 1 FROM pg_locks l JOIN pg_class c ON c.oid = l.relation \
               WHERE l.pid = a.pid AND l.granted AND l.locktype = 'relation' \
               AND c.relnamespace = current_schema()::regnamespace) \
             ORDER BY 4 DESC LIMIT 3",
        )
    }

    fn trouble(&self, code: &str, message: &str) -> Trouble {
        match code {
            // PgBouncer passes the server's words on, but not its code.
            "08P01" if message.starts_with("database ") && message.ends_with(" does not exist") => {
                Trouble::MissingDatabase
            }
            "3D000" | "3F000" => Trouble::MissingDatabase,
            "42P01" => Trouble::MissingTable,
            "42P04" | "42P06" | "42P07" | "23505" => Trouble::Exists,
            "55P03" | "40P01" | "40001" => Trouble::Busy,
            "0A000" if message.starts_with("cached plan must not change") => Trouble::Changed,
            "42704" => Trouble::MissingObject,
            "57014" => Trouble::Cancelled,
            "28000" | "28P01" => Trouble::Account,
            "42501" => Trouble::Denied,
            "25006" => Trouble::Closed,
            "57P01" | "57P02" | "57P03" | "57P04" | "57P05" | "25P03" | "53300" => {
                Trouble::Connection
            }
            _ => Trouble::Other,
        }
    }

    fn recovery(&self, words: &Words<'_>) -> RecoveryClass {
        recovery::class(words.clone())
    }

    fn look(&self, object: &Object, _server: &Server) -> Option<String> {
        let name = single_quoted(&object.name);
        let which = match object.kind {
            ObjectKind::Index => format!("i.indexrelid = to_regclass({name})"),
            ObjectKind::Indexes => format!("i.indrelid = to_regclass({name})"),
            _ => return None,
        };
        Some(format!(
            "SELECT format('%I.%I', n.nspname, c.relname), \
                    CASE WHEN i.indisvalid THEN 'valid' ELSE 'invalid' END, \
                    i.indexrelid::text, pg_get_indexdef(i.indexrelid) \
             FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid \
             JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {which} ORDER BY 1"
        ))
    }

    fn refuse(&self, words: &[&str]) -> Option<Refusal> {
        if calls(words, "pg_advisory_unlock_all") {
            return Some(Refusal {
                what: "pg_advisory_unlock_all",
                why: LOCKED,
            });
        }
        // `ROLLBACK TO SAVEPOINT` stays inside the transaction.
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

    fn columns_query(&self, schema: Option<&str>, table: &str) -> String {
        let name = single_quoted(&self.table(schema, table));
        format!(
            "SELECT a.attname, format_type(a.atttypid, a.atttypmod), \
                    array_position(i.indkey::int2[], a.attnum) + 1 \
             FROM pg_attribute a \
             LEFT JOIN pg_index i ON i.indrelid = a.attrelid AND i.indisprimary \
             WHERE a.attrelid = to_regclass({name}) AND a.attnum > 0 AND NOT a.attisdropped \
             ORDER BY a.attnum"
        )
    }

    fn family(&self, sql_type: &str) -> Family {
        let base = sql_type.split('(').next().unwrap_or_default().trim();
        match base {
            "text" | "character varying" | "character" | "name" | "citext" | "\"char\"" => {
                Family::Text
            }
            "bytea" => Family::Binary,
            "uuid" => Family::Uuid,
            "boolean" => Family::Bool,
            "smallint" | "integer" | "bigint" => Family::Integer,
            _ => Family::Other,
        }
    }

    fn replace(&self, table: &str, columns: &[&str], values: &[String]) -> String {
        let (key, rest) = columns.split_first().unwrap_or((&"", &[]));
        let set: Vec<String> = rest
            .iter()
            .map(|column| format!("{column} = EXCLUDED.{column}"))
            .collect();
        format!(
            "INSERT INTO {table} ({}) VALUES ({}) ON CONFLICT ({key}) DO UPDATE SET {}",
            columns.join(", "),
            values.join(", "),
            set.join(", ")
        )
    }

    fn hex_of(&self, column: &str) -> String {
        format!("encode({column}, 'hex')")
    }

    fn utc_of(&self, column: &Column, is_utc: bool) -> Option<String> {
        let name = self.quote(&column.name);
        let moment = match column.sql.ends_with("with time zone") {
            true => format!("{name} AT TIME ZONE 'UTC'"),
            false if is_utc => name,
            false => return None,
        };
        Some(format!(
            r#"to_char({moment}, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"#
        ))
    }

    fn tables_query(&self, schema: Option<&str>) -> String {
        let schema = single_quoted(schema_name(schema));
        format!(
            "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE n.nspname = {schema} AND c.relkind IN ('r', 'p', 'f') \
             AND {} ORDER BY c.relname",
            not_own("c.relname")
        )
    }

    fn objects_query(&self, schema: Option<&str>) -> String {
        let schema = single_quoted(schema_name(schema));
        format!(
            "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE n.nspname = {schema} AND c.relkind IN ('r', 'p', 'v', 'm', 'f') \
             AND {} \
             ORDER BY c.relname LIMIT 4",
            not_own("c.relname")
        )
    }

    fn width_query(&self, schema: Option<&str>) -> String {
        let name = single_quoted(&self.table(schema, HISTORY_TABLE));
        format!(
            "SELECT format_type(atttypid, atttypmod) FROM pg_attribute \
             WHERE attrelid = to_regclass({name}) AND attname = 'version'"
        )
    }

    fn journal_table(&self, schema: Option<&str>) -> String {
        format!(
            "CREATE TABLE IF NOT EXISTS {} {}",
            self.table(schema, JOURNAL_TABLE),
            journal_columns("VARCHAR", "TEXT")
        )
    }

    fn applied_table(&self, schema: Option<&str>) -> String {
        format!(
            "CREATE TABLE IF NOT EXISTS {} (version BIGINT NOT NULL PRIMARY KEY, \
             digest CHAR(64) NOT NULL, checksum VARCHAR(20) NOT NULL, sql_text BYTEA NULL, \
             reason TEXT NULL, accepted_on VARCHAR(40) NULL)",
            self.table(schema, APPLIED_TABLE)
        )
    }

    /// An advisory lock belongs to one database; the key tells the schemas in it apart. It is
    /// polled: a blocking `pg_advisory_lock` deadlocks with `CREATE INDEX CONCURRENTLY`.
    fn lock(&self, _database: &str, schema: Option<&str>) -> Option<Lock> {
        let digest = Sha256::digest(format!("bird:{}", schema_name(schema)));
        let word = |at: usize| {
            let bytes = [digest[at], digest[at + 1], digest[at + 2], digest[at + 3]];
            i32::from_be_bytes(bytes)
        };
        let (class, object) = (word(0), word(4));
        // `pg_locks` shows the two keys as unsigned numbers.
        let lock = format!(
            "l.locktype = 'advisory' AND l.classid = {} AND l.objid = {} AND l.objsubid = 2 \
             AND l.granted AND l.database = (SELECT oid FROM pg_database \
             WHERE datname = current_database())",
            class.cast_unsigned(),
            object.cast_unsigned()
        );
        Some(Lock {
            take: format!("SELECT pg_try_advisory_lock({class}, {object})::int"),
            held: format!(
                "SELECT count(*) FROM pg_locks l WHERE {lock} AND l.pid = pg_backend_pid()"
            ),
            session: "SELECT concat_ws(':', extract(epoch FROM pg_postmaster_start_time()), \
                      pg_backend_pid())",
            // A lock that is taken in a shared session might stay there, and nobody gets at it.
            pins: false,
            holder: format!(
                "SELECT l.pid, a.usename, coalesce(a.client_addr::text, 'local'), \
                 extract(epoch FROM now() - coalesce(a.query_start, a.backend_start))::bigint, \
                 a.query FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid \
                 WHERE {lock}"
            ),
            release: format!("SELECT pg_advisory_unlock({class}, {object})::int"),
        })
    }

    fn farewell(&self) -> Option<&'static str> {
        Some("RESET ALL")
    }

    fn missing_inside(&self, schema: Option<&str>) -> Vec<(String, Missing)> {
        let name = schema_name(schema);
        let exists = format!(
            "SELECT 1 FROM pg_namespace WHERE nspname = {}",
            single_quoted(name)
        );
        let create = format!("CREATE SCHEMA IF NOT EXISTS {}", self.quote(name));
        vec![(format!("schema {name}"), Missing { exists, create })]
    }

    /// Since version 15 only its owner may create in `public`.
    fn preflight_query(&self, schema: Option<&str>) -> Option<String> {
        let name = single_quoted(schema_name(schema));
        Some(format!(
            "SELECT format('GRANT USAGE, CREATE ON SCHEMA %I TO %I', nspname, current_user) \
             FROM pg_namespace WHERE nspname = {name} \
             AND NOT has_schema_privilege(current_user, oid, 'CREATE')"
        ))
    }

    fn concern_query(&self) -> Option<&'static str> {
        Some(
            "SELECT 'its encoding is ' || current_setting('server_encoding') || ', not UTF8' \
             WHERE current_setting('server_encoding') <> 'UTF8'",
        )
    }

    /// What the session would have if bird had not set it.
    fn unwritable_query(&self) -> Option<&'static str> {
        Some(
            "SELECT CASE WHEN pg_is_in_recovery() THEN 'pg_is_in_recovery()' ELSE \
             (SELECT name FROM pg_settings WHERE name = 'default_transaction_read_only' \
              AND reset_val = 'on') END",
        )
    }

    fn checks(&self) -> &'static [Check] {
        checks::CHECKS
    }

    fn cancel(&self, session: &str) -> Option<String> {
        Some(format!(
            "SELECT pg_cancel_backend({})::int",
            number_of(session)?
        ))
    }

    fn doubts(&self, server: &Server) -> Vec<String> {
        let variant = server.variant.iter();
        variant
            .map(|variant| format!("it is {variant}, on which bird is not tested"))
            .collect()
    }

    fn enter(&self, database: &str) -> String {
        format!("\\connect {}\n", self.quote(database))
    }

    /// `template0`, because only it can be given another encoding than the cluster's own, and
    /// lengths in characters need UTF-8.
    fn create_database(&self, name: &str, collation: Option<&str>, _server: &Server) -> String {
        let locale = match collation {
            Some(collation) => {
                let collation = single_quoted(collation);
                format!(" LC_COLLATE {collation} LC_CTYPE {collation}")
            }
            None => String::new(),
        };
        format!(
            "CREATE DATABASE {} ENCODING 'UTF8'{locale} TEMPLATE template0",
            self.quote(name)
        )
    }
}

static GRAMMAR: Grammar = Grammar {
    names: Names::LowerUnlessQuoted,
    parts: 3,
    own: &[],
    temporary: Some("pg_temp"),
    attaching: &[],
    schema_is_database: false,
    not_columns: &["CONSTRAINT"],
};

/// How PostgreSQL writes SQL, with `standard_conforming_strings` on.
pub const LEXIS: Lexis = Lexis {
    hash_comments: false,
    dashes_need_blank: false,
    carriage_return_ends_comment: true,
    nested_comments: true,
    conditional_comments: &[],
    hints: false,
    double_quoted: Quoted::Name,
    backslash: false,
    prefixes: &[
        Prefix {
            letters: "e",
            backslash: true,
            names: false,
        },
        Prefix {
            letters: "b",
            backslash: false,
            names: false,
        },
        Prefix {
            letters: "x",
            backslash: false,
            names: false,
        },
        Prefix {
            letters: "n",
            backslash: false,
            names: false,
        },
        Prefix {
            letters: "u&",
            backslash: false,
            names: true,
        },
    ],
    backticks: false,
    brackets: false,
    dollar_quotes: true,
    delimiter_lines: false,
    parentheses_hold: true,
    inline_data: true,
    bodies: Bodies::Atomic,
    client: Client {
        program: "psql",
        sign: '\\',
        anywhere: true,
        language: &[],
        words: &[],
        hints: &[
            (
                &["i", "ir", "include", "include_relative"],
                "put the statements of the other file here, or make it a migration of its own",
            ),
            (
                &["c", "connect"],
                "the configuration says which database a migration runs on",
            ),
            (
                &["restrict", "unrestrict"],
                "take the line out; pg_dump writes it for psql alone",
            ),
            (&["copy", "."], "write the rows as INSERT statements"),
            (
                &["g", "gexec", "gset", "gx", "crosstabview"],
                "end the statement with a semicolon",
            ),
            (
                &["set", "unset", "if", "elif", "else", "endif"],
                "write the statements out; migrations have no variables and no conditions",
            ),
            (
                &["encoding"],
                "bird's sessions speak UTF-8; take the line out",
            ),
            (&["!"], "run shell commands outside of migrations"),
        ],
        hint: "take the line out; bird sends statements, not client commands",
    },
};
