//! bird's own tables in a database, and the queries that tell them from the user's.

use crate::model::history::{OWN_TABLES, QUARANTINE};

/// The first cell of a row of [`Bookkeeping::untrusted_query`], which tells it from rows of other
/// queries in the same text.
pub const UNTRUSTED: &str = "bird-untrusted";

/// bird's own tables, and queries for the tables beside them.
pub trait Bookkeeping: Sync {
    /// Asks for the columns of a table in order: name, type, position in the primary key or NULL; where
    /// the engine has them, what its `KeyType` has, the collation, whether it is generated, how it is
    /// an identity, and its spatial reference system.
    fn columns_query(&self, schema: Option<&str>, table: &str) -> String;

    /// Asks for the names of all tables but bird's own and refinery's.
    fn tables_query(&self, schema: Option<&str>) -> String;

    /// Asks for the tables of the database that a statement may mean by a name without a qualifier.
    /// `None` where it may mean a table of another schema or database.
    fn named_table_query(&self, _table: &str) -> Option<String> {
        None
    }

    /// Asks for the names of the first few objects but bird's own and refinery's.
    fn objects_query(&self, schema: Option<&str>) -> String;

    /// Asks which of some tables of bird's own must not be used, because reading or writing them could
    /// run another account's code: views, foreign tables, other accounts' triggers, types of others.
    ///
    /// Each row has [`UNTRUSTED`], the table, and the reason as the end of a sentence that begins with
    /// the table. `writes` asks what matters to writers, too. The threat is that of CVE-2024-7348:
    /// whoever may create objects in a schema makes one of these names something else.
    fn untrusted_query(&self, schema: Option<&str>, tables: &[&str], writes: bool) -> String;

    /// Asks for the type of the history's version column.
    fn width_query(&self, schema: Option<&str>) -> String;

    /// The literal of a name of bird's own, such as a migration's, whatever character set a migration
    /// gave the session.
    fn own_text(&self, text: &str) -> String {
        format!("'{}'", text.replace('\'', "''"))
    }

    /// `CREATE TABLE` for a table that must roll back, whatever engine of tables is the default here.
    fn transactional(&self, create_table: &str) -> String {
        create_table.to_owned()
    }

    /// `CREATE TABLE IF NOT EXISTS` for the journal.
    fn journal_table(&self, schema: Option<&str>) -> String;

    /// `CREATE TABLE IF NOT EXISTS` for the stored migrations.
    fn applied_table(&self, schema: Option<&str>) -> String;

    /// `CREATE TABLE IF NOT EXISTS` for the recorded schemas.
    fn schema_table(&self, schema: Option<&str>) -> String;

    /// `CREATE TABLE IF NOT EXISTS` for what seeds left in place of declared values.
    fn seed_table(&self, schema: Option<&str>) -> String;

    /// `CREATE TABLE IF NOT EXISTS` for the journal of repairs.
    fn repair_journal_table(&self, schema: Option<&str>) -> String;
}

/// The journal's columns, with the engine's types for a short and a long text. It has a row per
/// statement of a file, up or undo; `before_objects` is set only while the statement runs.
pub(super) fn journal_columns(text: &str, long: &str) -> String {
    format!(
        "(version BIGINT NOT NULL, direction {text}(4) NOT NULL, statement INT NOT NULL, \
         statements INT NOT NULL, digest {text}(64) NOT NULL, state {text}(8) NOT NULL, \
         before_objects {long}, before_print {text}(64), after_print {text}(64), \
         server {text}(100), run {text}(36) NOT NULL, started_on {text}(40), \
         applied_on {text}(40), reason {text}(1000), \
         PRIMARY KEY (version, direction, statement))"
    )
}

/// The columns of the recorded schemas, for the type that an engine has for bytes. A record is cut
/// into parts, numbered from 0, so that each fits into any server's packet. `state` is a digest of the
/// history for which the record holds.
pub(super) fn schema_columns(text: &str, bytes: &str) -> String {
    format!(
        "(state {text}(64) NOT NULL, part INT NOT NULL, parts INT NOT NULL, \
         version BIGINT NOT NULL, run {text}(36) NOT NULL, recorded_on {text}(40) NOT NULL, \
         content {bytes} NOT NULL, PRIMARY KEY (state, part))"
    )
}

/// The columns of what seeds left in place of declared values: digests.
pub(super) fn seed_columns(text: &str) -> String {
    format!(
        "(place {text}(64) NOT NULL PRIMARY KEY, declared {text}(64) NOT NULL, \
         held {text}(64) NOT NULL)"
    )
}

/// The columns of the journal of repairs, one row per chunk, for the type that an engine has for texts of
/// any length. `through` is the number of the last row of the plan that a chunk was about.
pub(super) fn repair_journal_columns(text: &str, long: &str) -> String {
    format!(
        "(run {text}(36) NOT NULL, direction {text}(6) NOT NULL, chunk BIGINT NOT NULL, \
         digest {text}(64) NOT NULL, reference {long} NOT NULL, action {text}(10) NOT NULL, \
         quarantine {text}(128), through BIGINT NOT NULL, planned BIGINT NOT NULL, \
         repaired BIGINT NOT NULL, healed BIGINT NOT NULL, gone BIGINT NOT NULL, \
         changed BIGINT NOT NULL, refused BIGINT NOT NULL, by_run {text}(36) NOT NULL, \
         started_on {text}(40) NOT NULL, ended_on {text}(40) NOT NULL, \
         PRIMARY KEY (run, direction, chunk))"
    )
}

/// A condition on the expression of a table's name that excludes bird's own tables and refinery's.
pub(super) fn not_own(name: &str) -> String {
    let own = OWN_TABLES.join("', '");
    let length = QUARANTINE.len();
    format!("{name} NOT IN ('{own}') AND substr({name}, 1, {length}) <> '{QUARANTINE}'")
}
