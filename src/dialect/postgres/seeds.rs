//! Declared values of seeds, as PostgreSQL stores and compares them.

use super::Postgres;
use crate::dialect::literals::{Literals, bytes_of, single_quoted, sizes};
use crate::dialect::seeds::{Cell, Counter, SeedSql, plain_text, takes, utc};
use crate::model::schema::Column;
use crate::model::seed::Value;
use crate::model::server::Server;

/// Types whose own equality is missing, or means less than all of the value: that of areas, or of
/// numbers of points.
const NOT_COMPARED: &[&str] = &[
    "json",
    "xml",
    "point",
    "line",
    "lseg",
    "box",
    "path",
    "polygon",
    "circle",
    "txid_snapshot",
    "pg_snapshot",
    "refcursor",
    "jsonpath",
    "aclitem",
];

/// Types that take numbers as SQL writes them.
const NUMBERS: &[&str] = &[
    "smallint",
    "integer",
    "bigint",
    "numeric",
    "real",
    "double precision",
    "money",
    "oid",
];

/// The most steps by which a counter is moved one by one, so that it never goes back.
/// No other session makes more steps while one statement runs.
const STEPS: i64 = 1000;

impl SeedSql for Postgres {
    /// What differs in the text that the server prints is different, whatever the type's equality
    /// says. The text never says more than was stored: the value goes through the column's type first.
    fn cell(&self, _server: &Server, column: &Column, value: &Value) -> Result<Cell, String> {
        let name = self.quote(&column.name);
        let Some(text) = plain_text(value, "true", "false") else {
            return Ok(Cell::null(&name, format!("CAST(NULL AS {})", column.sql)));
        };
        let whole = column.key_type.0.base.as_deref().unwrap_or(&column.sql);
        let base = base(whole);
        let is_text = matches!(value, Value::Text(_));
        let is_domain = column.key_type.0.base.is_some() && base != "enum";
        if is_moving(&base, &text) {
            return Err(format!("`{text}` is another time in every run"));
        }
        let written = match base.as_str() {
            "bytea" if is_text => self.bytes(&bytes_of(&text)),
            "bytea" => return Err(takes(column, "a text")),
            "bit" | "bit varying" if matches!(value, Value::Integer(_) | Value::Number(_)) => {
                return Err(takes(column, "bits as a text: \"101\""));
            }
            "bit" | "bit varying" if !is_text => {
                self.text(if text == "true" { "1" } else { "0" })?
            }
            "bit" | "bit varying" => self.text(&bits(column, whole, text)?)?,
            "timestamp without time zone" => self.text(&utc(&text).unwrap_or(text))?,
            known if NUMBERS.contains(&known) && !is_text => match value {
                Value::Bool(yes) => u8::from(*yes).to_string(),
                _ => text,
            },
            "character" | "character varying" => self.text(&fitting(column, whole, text)?)?,
            _ => self.text(&text)?,
        };
        // An explicit cast would cut what is too long, and an implicit one refuses it.
        let target = match base.as_str() {
            "character" | "character varying" if column.key_type.0.base.is_none() => "text",
            _ => &column.sql,
        };
        let stored = format!("CAST({written} AS {target})");
        let stored_text = match base.as_str() {
            "character" => format!("rtrim({stored}::text, ' ')"),
            _ => format!("{stored}::text"),
        };
        let fits = match base.as_str() {
            // What a domain checks is checked when the value is asked for.
            _ if is_domain => Some(format!("{stored_text} IS NOT NULL")),
            "character varying[]" => {
                Some(format!("CAST({written} AS {base})::text = {stored_text}"))
            }
            _ => None,
        };
        let held = format!("{name}::text COLLATE \"C\"");
        let (found, grouped) = match base.as_str() {
            known if is_not_compared(known) => {
                (format!("{held} = {stored_text}"), stored_text.clone())
            }
            // Blanks at the end are no part of a CHAR, and an index knows no text in their place.
            "character" => (format!("{name} = {written}"), stored_text.clone()),
            "character varying" => (format!("{name} = {written}"), stored.clone()),
            _ => (format!("{name} = {stored}"), stored.clone()),
        };
        Ok(Cell {
            same: format!("{held} IS NOT DISTINCT FROM {stored_text}"),
            found,
            written,
            grouped,
            fits,
        })
    }

    fn key(&self, column: &Column) -> String {
        let name = self.quote(&column.name);
        let whole = column.key_type.0.base.as_deref().unwrap_or(&column.sql);
        if is_not_compared(&base(whole)) {
            format!("{name}::text")
        } else {
            name
        }
    }

    fn overriding(&self, columns: &[&Column]) -> &'static str {
        let is_always = |column: &&Column| column.identity.as_deref() == Some("ALWAYS");
        if columns.iter().any(is_always) {
            " OVERRIDING SYSTEM VALUE"
        } else {
            ""
        }
    }

    fn held(&self, column: &Column) -> String {
        format!("{}::text", self.quote(&column.name))
    }

    /// Those of identities, and those that a default takes its numbers from. One that counts down is
    /// left alone.
    fn counters_query(&self, schema: Option<&str>, table: &str) -> Option<String> {
        let table = single_quoted(&self.table(schema, table));
        let sequence =
            "SELECT a.attname::text, quote_ident(n.nspname) || '.' || quote_ident(c.relname)";
        let of_sequence = "JOIN pg_sequence s ON s.seqrelid = c.oid AND s.seqincrement > 0 \
             JOIN pg_namespace n ON n.oid = c.relnamespace";
        let numbers = "a.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype, \
             'numeric'::regtype) AND NOT a.attisdropped";
        Some(format!(
            "{sequence} FROM pg_depend d JOIN pg_class c ON c.oid = d.objid {of_sequence} \
             JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid \
             WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass \
             AND d.refobjid = to_regclass({table}) AND d.deptype = 'i' AND {numbers} \
             UNION {sequence} FROM pg_attrdef v JOIN pg_depend d ON d.objid = v.oid \
             AND d.classid = 'pg_attrdef'::regclass AND d.refclassid = 'pg_class'::regclass \
             JOIN pg_class c ON c.oid = d.refobjid {of_sequence} \
             JOIN pg_attribute a ON a.attrelid = v.adrelid AND a.attnum = v.adnum \
             WHERE v.adrelid = to_regclass({table}) AND a.attgenerated = '' AND {numbers} \
             ORDER BY 1, 2"
        ))
    }

    fn counter_query(&self, table: &str, counter: &Counter, declared: i64) -> String {
        let (column, sequence) = (self.quote(&counter.column), &counter.sequence);
        let oid = single_quoted(sequence);
        let limit = |which: &str| {
            format!("(SELECT {which} FROM pg_sequence WHERE seqrelid = {oid}::regclass)")
        };
        let (least, most, step) = (limit("seqmin"), limit("seqmax"), limit("seqincrement"));
        let declared =
            format!("CASE WHEN {declared} BETWEEN {least} AND {most} THEN {declared} END");
        format!(
            "SELECT top, 1 FROM (SELECT greatest((SELECT max({column}) FROM {table} \
             WHERE {column} BETWEEN {least} AND {most})::bigint, ({declared})::bigint) AS top, \
             CASE WHEN is_called THEN last_value::numeric + {step} ELSE last_value END AS following \
             FROM {sequence}) c WHERE top >= following"
        )
    }

    /// A single step is an increment by the server, which never goes back. More of them than anybody makes
    /// in the meantime are one jump.
    fn advance(&self, counter: &Counter, to: i64) -> String {
        let sequence = &counter.sequence;
        let oid = single_quoted(sequence);
        format!(
            "SELECT CASE WHEN steps <= {STEPS} \
             THEN (SELECT max(nextval({oid})) FROM generate_series(1, steps)) \
             ELSE setval({oid}, {to}) END \
             FROM (SELECT ceil(({to}::numeric - last_value \
             + CASE WHEN is_called THEN 0 ELSE s.seqincrement END) / s.seqincrement) AS steps \
             FROM {sequence}, pg_sequence s WHERE s.seqrelid = {oid}::regclass) c WHERE steps > 0"
        )
    }
}

fn is_not_compared(base: &str) -> bool {
    NOT_COMPARED.contains(&base.trim_end_matches("[]"))
}

/// A type without its sizes: `timestamp without time zone`.
fn base(sql: &str) -> String {
    match (sql.split_once('('), sql.split_once(')')) {
        (Some((before, _)), Some((_, behind))) => format!("{before}{behind}"),
        _ => sql.to_owned(),
    }
}

/// Whether a text means another time whenever it is read.
fn is_moving(base: &str, text: &str) -> bool {
    let is_time = base.starts_with("time") || base == "date";
    let mut words = text.split_whitespace();
    let moving = ["now", "today", "tomorrow", "yesterday"];
    is_time
        && words.any(|word| {
            moving
                .iter()
                .any(|moving| moving.eq_ignore_ascii_case(word))
        })
}

/// Bits, as many as the type has.
fn bits(column: &Column, whole: &str, text: String) -> Result<String, String> {
    let size = sizes(whole).first().copied();
    let size = size.and_then(|size| usize::try_from(size).ok());
    let is_varying = whole.starts_with("bit varying");
    match size {
        Some(size) if text.len() > size || !is_varying && text.len() < size => {
            Err(takes(column, &format!("{size} bits")))
        }
        _ => Ok(text),
    }
}

/// A text as a column of characters takes it: of blanks at the end as many as fit.
fn fitting(column: &Column, whole: &str, text: String) -> Result<String, String> {
    let length = sizes(whole).first().copied();
    let Some(length) = length.and_then(|length| usize::try_from(length).ok()) else {
        return Ok(text);
    };
    if text.trim_end_matches(' ').chars().count() > length {
        return Err(format!("it is longer than its type {}", column.sql));
    }
    Ok(text.chars().take(length).collect())
}
