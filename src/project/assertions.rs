//! Reads `[[assertions]]`.

use std::ops::Range;

use toml::de::DeTable;

use super::Database;
use super::config::{DatabaseConfig, declared};
use super::document::ConfigReader;
use super::references::severity;
use crate::model::assertion::Assertion;
use crate::model::code::Code;
use crate::model::diagnostic::Diagnostic;
use crate::sql::{script, split};

/// The keys of an entry.
pub const ASSERTION: &[&str] = &["database", "name", "sql", "severity"];

/// The first words of statements that only read rows.
const READING: &[&str] = &["SELECT", "WITH", "VALUES", "TABLE"];

/// Reads an entry; `None` if it is wrong, with the faults in the reader.
pub fn assertion(
    reader: &mut ConfigReader<'_>,
    table: &DeTable<'_>,
    span: &Range<usize>,
    databases: &[DatabaseConfig],
    before: &[Assertion],
) -> Option<Assertion> {
    reader.unknown_keys(table, ASSERTION, "[[assertions]]");
    let severity = severity(reader, table);
    let [database, name, sql] =
        ["database", "name", "sql"].map(|key| reader.needed(table, key, span));
    if let Some(database) = &database {
        declared(reader, database.get_ref(), database.span(), databases);
    }
    let (database, name, sql) = (database?, name?, sql?);
    if name.get_ref().trim().is_empty() {
        reader.fault(name.span(), "`name` is empty".to_owned(), None);
    }
    let mut before = before.iter();
    if before.any(|other| other.name == *name.get_ref() && other.database == *database.get_ref()) {
        let message = format!(
            "another assertion of `{}` has this name",
            database.get_ref()
        );
        reader.fault(name.span(), message, None);
    }
    Some(Assertion {
        location: reader.document.location(name.span()),
        database: database.into_inner(),
        name: name.into_inner(),
        sql: sql.into_inner(),
        severity,
    })
}

/// Reduces each text to its one statement, and reports texts that are not one reading statement.
/// Splitting a text depends on the engine.
pub fn parse_statements(
    assertions: &mut [Assertion],
    databases: &[Database],
    faults: &mut Vec<Diagnostic>,
) {
    for assertion in assertions {
        let mut databases = databases.iter();
        // Without a database that this run can reach, the assertion is not checked.
        let Some(database) = databases.find(|one| one.name == assertion.database) else {
            continue;
        };
        match reading(&assertion.sql, database) {
            Ok(statement) => assertion.sql = statement,
            Err(why) => {
                let message = format!("the `sql` of `{}` {why}", assertion.name);
                let fault = Diagnostic::new(Code::Config, message).at(assertion.location.clone());
                let hint = "write one SELECT that returns the rows which should not exist";
                faults.push(fault.hint(hint));
            }
        }
    }
}

/// The statement of a text, or the reason why it is not one that only reads.
fn reading(text: &str, database: &Database) -> Result<String, String> {
    let syntax = database.dialect.syntax();
    let statements =
        split::split(syntax, text).map_err(|fault| format!("cannot be read: {}", fault.message))?;
    let [statement] = statements.as_slice() else {
        return Err(format!("has {} statements, not one", statements.len()));
    };
    let statement = text.get(statement.range.clone()).unwrap_or_default();
    let is = |word: &str, wanted: &[&str]| wanted.iter().any(|one| word.eq_ignore_ascii_case(one));
    let mut words = script::words(syntax, statement).skip_while(|word| *word == "(");
    let first = words.next().unwrap_or_default();
    if !is(first, READING) {
        return Err(format!("begins with {first}, not with SELECT"));
    }
    // SELECT … INTO writes a table, or a file on the server.
    if words.any(|word| is(word, &["INTO"])) {
        Err("contains INTO, but an assertion may only read".to_owned())
    } else {
        Ok(statement.to_owned())
    }
}
