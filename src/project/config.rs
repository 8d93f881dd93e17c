//! The structure of bird.toml, read into plain data.

use std::collections::HashSet;
use std::ops::Range;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::assertions::{ASSERTION, assertion};
use super::document::{ConfigReader, shown_name};
use super::duration::parse_duration;
use super::references::{REFERENCE, reference};
use crate::dialect;
use crate::model::assertion::Assertion;
use crate::model::name::{TableName, did_you_mean};
use crate::model::reference::{Reference, tell_apart};
use crate::model::seed::{Seed, SeedRow, Value};

pub const TOP: &[&str] = &[
    "databases",
    "references",
    "seeds",
    "assertions",
    "protected",
    "state_dir",
    "env",
];
pub const DATABASE: &[&str] = &[
    "url",
    "url_file",
    "engine",
    "migrations",
    "schema",
    "schema_name",
    "collation",
    "lock_timeout",
    "statement_timeout",
    "shadow_url",
    "keep_sql",
    "keep_schema",
];
pub const SEED: &[&str] = &["table", "key", "rows"];

/// Whether the value of a key may be shown. A URL may contain a password, and so may the value of an
/// unknown key.
pub fn may_be_shown(key: &str) -> bool {
    let known = [TOP, DATABASE, REFERENCE, SEED, ASSERTION];
    known.iter().any(|keys| keys.contains(&key)) && !matches!(key, "url" | "shadow_url")
}

/// bird.toml with the overrides of one environment.
#[derive(Debug, Default)]
pub struct Config {
    pub protected: bool,
    /// Where bird keeps what helps its next run.
    pub state_dir: Option<String>,
    /// In the order of the file.
    pub databases: Vec<DatabaseConfig>,
    pub references: Vec<Reference>,
    pub seeds: Vec<Seed>,
    pub assertions: Vec<Assertion>,
}

/// One entry of `[databases.*]`.
#[derive(Debug)]
pub struct DatabaseConfig {
    pub name: String,
    /// The name in the header of the table.
    pub span: Range<usize>,
    pub url: Option<Spanned<String>>,
    /// Whether an environment is selected and leaves `url` to the base settings.
    pub url_of_base: bool,
    pub url_file: Option<Spanned<String>>,
    pub engine: Option<String>,
    pub migrations: Option<Spanned<String>>,
    /// `schema`: the file or folder of its desired schema.
    pub desired: Option<String>,
    pub shadow_url: Option<Spanned<String>>,
    pub schema_name: Option<String>,
    pub collation: Option<String>,
    pub lock_timeout: Option<Duration>,
    pub statement_timeout: Option<Duration>,
    pub keep_sql: Option<bool>,
    pub keep_schema: Option<bool>,
}

/// Reads a whole file; faults are collected in the reader.
pub fn read(reader: &mut ConfigReader<'_>, top: &DeTable<'_>) -> Config {
    reader.unknown_keys(top, TOP, "bird.toml");
    let mut config = Config {
        protected: reader.boolean(top, "protected").unwrap_or(false),
        state_dir: reader.string(top, "state_dir").map(Spanned::into_inner),
        ..Config::default()
    };
    if let Some(value) = top.get("databases")
        && let Some(databases) = reader.table(value, "databases")
    {
        for (key, value) in databases.iter() {
            if let Some(table) = reader.table(value, key.get_ref()) {
                let span = key.span();
                config
                    .databases
                    .push(database(reader, key.get_ref(), span, table));
            }
        }
    }
    config.databases.sort_by_key(|database| database.span.start);
    names_that_collide(reader, &config.databases);
    for (table, span) in reader.tables(top, "references") {
        let read = reference(reader, table, &span, &config.databases, &config.references);
        config.references.extend(read);
    }
    tell_apart(&mut config.references);
    for (table, span) in reader.tables(top, "seeds") {
        config
            .seeds
            .extend(seed(reader, table, &span, &config.databases));
    }
    for (table, span) in reader.tables(top, "assertions") {
        let read = assertion(reader, table, &span, &config.databases, &config.assertions);
        config.assertions.extend(read);
    }
    config
}

/// Whether a database can have this name, which also stands in variables and in paths.
pub fn is_database_name(name: &str) -> bool {
    let mut letters = name.chars();
    let first = letters.next();
    first.is_some_and(|letter| letter.is_ascii_alphabetic())
        && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}

fn database(
    reader: &mut ConfigReader<'_>,
    name: &str,
    span: Range<usize>,
    table: &DeTable<'_>,
) -> DatabaseConfig {
    if !is_database_name(name) {
        let hint = "letters, digits and `_`, a letter first: the name also stands in \
                    BIRD_<NAME>_URL and in file paths";
        let message = "invalid database name".to_owned();
        reader.fault(span.clone(), message, Some(hint.into()));
    }
    reader.unknown_keys(table, DATABASE, &format!("[databases.{name}]"));
    let url = reader.string(table, "url");
    let url_file = reader.string(table, "url_file");
    if let (Some(_), Some(file)) = (&url, &url_file) {
        let message = format!("`{name}` has both `url` and `url_file`");
        reader.fault(file.span(), message, Some("keep one of them".into()));
    }
    DatabaseConfig {
        name: name.to_owned(),
        span,
        url,
        url_of_base: false,
        url_file,
        engine: reader.word(table, "engine", &dialect::names()),
        migrations: reader.string(table, "migrations"),
        desired: reader.string(table, "schema").map(Spanned::into_inner),
        shadow_url: reader.string(table, "shadow_url"),
        schema_name: reader.string(table, "schema_name").map(Spanned::into_inner),
        collation: reader.string(table, "collation").map(Spanned::into_inner),
        lock_timeout: duration(reader, table, "lock_timeout"),
        statement_timeout: duration(reader, table, "statement_timeout"),
        keep_sql: reader.boolean(table, "keep_sql"),
        keep_schema: reader.boolean(table, "keep_schema"),
    }
}

fn duration(reader: &mut ConfigReader<'_>, table: &DeTable<'_>, key: &str) -> Option<Duration> {
    let text = reader.string(table, key)?;
    match parse_duration(text.get_ref()) {
        Ok(duration) => Some(duration),
        Err(reason) => {
            reader.fault(text.span(), format!("`{key}`: {reason}"), None);
            None
        }
    }
}

/// Reports names with the same variable: `BIRD_UMS_URL` would be that of both `ums` and `Ums`.
fn names_that_collide(reader: &mut ConfigReader<'_>, databases: &[DatabaseConfig]) {
    for (index, one) in databases.iter().enumerate() {
        let twin = |other: &&DatabaseConfig| other.name.eq_ignore_ascii_case(&one.name);
        if let Some(twin) = databases[..index].iter().find(twin) {
            let message = format!("`{}` and `{}` differ only in case", twin.name, one.name);
            reader.fault(one.span.clone(), message, None);
        }
    }
}

/// Reports a database that is not declared.
pub fn declared(
    reader: &mut ConfigReader<'_>,
    name: &str,
    span: Range<usize>,
    databases: &[DatabaseConfig],
) {
    let known = || databases.iter().map(|database| database.name.as_str());
    if !known().any(|known| known == name) {
        let hint = did_you_mean(name, known()).unwrap_or_else(|| {
            let all: Vec<&str> = known().collect();
            format!("the databases are {}", all.join(", "))
        });
        reader.fault(
            span,
            format!("no database{} is declared", shown_name(name)),
            Some(hint),
        );
    }
}

fn seed(
    reader: &mut ConfigReader<'_>,
    table: &DeTable<'_>,
    span: &Range<usize>,
    databases: &[DatabaseConfig],
) -> Option<Seed> {
    reader.unknown_keys(table, SEED, "[[seeds]]");
    let name = reader.needed(table, "table", span)?;
    let Some(table_name) = TableName::parse(name.get_ref()) else {
        reader.fault(name.span(), "`table` must name database.table".into(), None);
        return None;
    };
    declared(reader, &table_name.database, name.span(), databases);
    let key = reader.strings(table, "key").unwrap_or_default();
    if key.is_empty() {
        let message = format!("the seeds of `{table_name}` have no `key`");
        let hint = "name the columns that identify a row: key = [\"name\"]";
        reader.fault(span.clone(), message, Some(hint.into()));
    }
    let key: Vec<String> = key.into_iter().map(Spanned::into_inner).collect();
    let mut rows: Vec<SeedRow> = Vec::new();
    let mut keys: HashSet<Vec<Value>> = HashSet::new();
    for (row, span) in reader.tables(table, "rows") {
        let row = seed_row(reader, row, &span);
        for column in &key {
            if row.get(column).is_none_or(|value| *value == Value::Null) {
                let message = format!("this row has no value for the key `{column}`");
                reader.fault(span.clone(), message, None);
            }
        }
        let own: Option<Vec<Value>> = key.iter().map(|name| row.get(name).cloned()).collect();
        if let Some(own) = own.filter(|own| !own.is_empty())
            && !keys.insert(own)
        {
            let message = "another row has the same key".to_owned();
            reader.fault(span.clone(), message, None);
        }
        rows.push(row);
    }
    Some(Seed {
        table: table_name,
        key,
        rows,
        location: reader.document.location(name.span()),
    })
}

fn seed_row(reader: &mut ConfigReader<'_>, row: &DeTable<'_>, span: &Range<usize>) -> SeedRow {
    let mut cells: Vec<_> = row.iter().collect();
    cells.sort_by_key(|(key, _)| key.span().start);
    let mut values = Vec::new();
    for (key, cell) in cells {
        match value(cell.get_ref()) {
            Some(value) => values.push((key.get_ref().to_string(), value)),
            None => {
                let message = format!("bird cannot write the value `{}`", key.get_ref());
                let hint = "write a string, a number, true, false, or { null = true }; arrays and JSON are strings";
                reader.fault(cell.span(), message, Some(hint.into()));
            }
        }
    }
    SeedRow {
        values,
        location: reader.document.location(span.clone()),
    }
}

fn value(value: &DeValue<'_>) -> Option<Value> {
    Some(match value {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Boolean(yes) => Value::Bool(*yes),
        DeValue::Integer(number) => {
            let whole = i128::from_str_radix(number.as_str(), number.radix()).ok()?;
            match i64::try_from(whole) {
                Ok(whole) => Value::Integer(whole),
                Err(_) => Value::Number(whole.to_string()),
            }
        }
        DeValue::Float(number) => {
            number
                .as_str()
                .parse::<f64>()
                .ok()
                .filter(|number| number.is_finite())?;
            Value::Number(number.as_str().to_owned())
        }
        DeValue::Datetime(time) => Value::Text(time.to_string()),
        DeValue::Table(table) => {
            let null = table.len() == 1 && table.get("null")?.get_ref().as_bool()?;
            null.then_some(Value::Null)?
        }
        DeValue::Array(_) => return None,
    })
}
