//! `bird audit --import FILE`: converts loose foreign keys of another system to `[[references]]` for
//! bird.toml. It reads schemas and writes nothing.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::context::Context;
use super::source;
use crate::dialect::Dialect;
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Failure};
use crate::model::exit::Exit;
use crate::model::name::ColumnNames;
use crate::model::schema::{Column, Family, Schema, Table};
use crate::model::seed::Value as Literal;
use crate::output::{Block, Report};
use crate::project::{Database, LooseForeignKey, Scalar, read_loose_foreign_keys};

/// The converted file.
pub struct ImportReport {
    toml: Vec<String>,
    references: Vec<Value>,
    findings: Vec<Diagnostic>,
}

/// A database with its schema.
struct Inspected<'p> {
    database: &'p Database,
    schema: Schema,
}

/// A table with its database.
#[derive(Clone, Copy)]
struct FoundTable<'h> {
    database: &'h Database,
    table: &'h Table,
}

/// Reads the file and the schemas of the run's databases, and converts the keys.
pub async fn run(
    context: &Context,
    file: &Path,
    wait: Option<Duration>,
) -> Result<ImportReport, Failure> {
    let shown = file.display().to_string();
    let keys = read_loose_foreign_keys(file, &shown)?;
    let looking = context.project.selected().map(|database| async move {
        let loaded = source::live(context, &database.name, database, wait).await?;
        Ok(Inspected {
            database,
            schema: loaded.schema,
        })
    });
    let inspected = Failure::collect(futures_util::future::join_all(looking).await)?;
    let mut report = ImportReport {
        toml: vec![format!("# {} loose foreign keys of {shown}", keys.len())],
        references: Vec::new(),
        findings: Vec::new(),
    };
    for key in &keys {
        report.toml.push(String::new());
        match reference(&inspected, key) {
            Ok(made) => report.add(context, key, &made),
            Err(why) => report.leave_out(key, &why),
        }
    }
    Ok(report)
}

/// The reference of a loose foreign key.
struct Converted {
    from: ColumnNames,
    to: ColumnNames,
    filter: Option<String>,
    /// Remarks about what could not be converted exactly.
    notes: Vec<String>,
}

/// Converts a loose foreign key, or says why that is impossible.
fn reference(inspected: &[Inspected<'_>], key: &LooseForeignKey) -> Result<Converted, String> {
    let child = find(inspected, &key.child)?;
    let parent = find(inspected, &key.parent)?;
    let mut notes = Vec::new();
    let column = child.table.column(&key.column);
    let column = column.ok_or_else(|| format!("`{}` has no column `{}`", key.child, key.column))?;
    let primary = parent.table.primary_key();
    let to = match primary.as_slice() {
        [one] => one,
        [] => return Err(format!("`{}` has no primary key", key.parent)),
        // The primary key of a partitioned table has one more column, but `id` identifies its rows.
        several => {
            let id = several.iter().find(|column| column.name == "id");
            let id = id.ok_or_else(|| {
                format!("the primary key of `{}` has several columns", key.parent)
            })?;
            notes.push("its parent's primary key has more columns than id".to_owned());
            id
        }
    };
    let names = |found: &FoundTable<'_>, column: &Column| ColumnNames {
        database: found.database.name.clone(),
        table: found.table.name.clone(),
        columns: vec![column.name.clone()],
    };
    let filter = filter(&child, key, &mut notes);
    Ok(Converted {
        from: names(&child, column),
        to: names(&parent, to),
        filter,
        notes,
    })
}

/// Finds the one database that has a table.
fn find<'h>(inspected: &'h [Inspected<'_>], name: &str) -> Result<FoundTable<'h>, String> {
    let found = inspected.iter().filter_map(|one| {
        let table = one.schema.table(name)?;
        Some(FoundTable {
            database: one.database,
            table,
        })
    });
    let found: Vec<FoundTable<'_>> = found.collect();
    match found.as_slice() {
        [one] => Ok(*one),
        [] => Err(format!("no database has a table `{name}`")),
        several => {
            let names = several.iter().map(|one| one.database.name.as_str());
            let names: Vec<&str> = names.collect();
            Err(format!(
                "`{name}` is in several databases: {}",
                names.join(", ")
            ))
        }
    }
}

/// The condition of the child: the declared conditions, without the rows that are already marked as
/// having lost their parent.
fn filter(
    child: &FoundTable<'_>,
    key: &LooseForeignKey,
    notes: &mut Vec<String>,
) -> Option<String> {
    let dialect = child.database.dialect;
    let mut conditions = Vec::new();
    let mut add = |name: &str, value: &Scalar, marked: bool| {
        let column = child.table.column(name);
        let value_sql = column.and_then(|column| literal(dialect, column, value));
        let column = dialect.quote(name);
        match (value_sql, marked) {
            (Some(value), false) => conditions.push(format!("{column} = {value}")),
            (Some(value), true) => {
                conditions.push(format!("({column} IS NULL OR {column} <> {value})"));
            }
            (None, _) => notes.push(format!("bird does not support {name} = {}", value.text)),
        }
    };
    for (column, value) in &key.conditions {
        add(column, value, false);
    }
    if let Some((column, value)) = &key.target {
        add(column, value, true);
    }
    (!conditions.is_empty()).then(|| conditions.join(" AND "))
}

/// Renders a value as a literal for a comparison with the column.
fn literal(dialect: &dyn Dialect, column: &Column, value: &Scalar) -> Option<String> {
    let word = value.text.as_str();
    let literal = match (value.quoted, word) {
        (false, "" | "~" | "null" | "[]") => return None,
        (false, "true" | "false") => Literal::Bool(word == "true"),
        (false, _) if column.family != Family::Text && word.parse::<i64>().is_ok() => {
            Literal::Number(word.to_owned())
        }
        _ => Literal::Text(word.to_owned()),
    };
    dialect.literal(&literal, column).ok()
}

impl ImportReport {
    fn add(&mut self, context: &Context, key: &LooseForeignKey, made: &Converted) {
        let declared = context.project.references.iter();
        let mut declared = declared.filter(|one| one.from == made.from && one.to == made.to);
        if declared.next().is_some() {
            let message = format!("# {} -> {} is declared already", made.from, made.to);
            self.toml.push(message);
            return;
        }
        let about = key.others.iter().chain(&made.notes);
        self.toml
            .extend(about.map(|remark| format!("# {}", comment(remark))));
        self.toml.push("[[references]]".to_owned());
        let (from, to) = (made.from.to_string(), made.to.to_string());
        self.toml.push(format!("from = {}", quoted(&from)));
        self.toml.push(format!("to = {}", quoted(&to)));
        if let Some(filter) = &made.filter {
            self.toml.push(format!("where = {}", quoted(filter)));
        }
        self.toml.push(format!("# on_delete: {}", key.on_delete));
        self.references
            .push(json!({ "from": from, "to": to, "where": made.filter }));
        for remark in &made.notes {
            let message = format!("{from} -> {to}: {remark}");
            let fault = Diagnostic::new(Code::ImportRemark, message);
            let fault = fault.hint("check that the reference means the right rows");
            self.findings.push(fault.at(key.location.clone()));
        }
    }

    /// Adds a key that cannot be converted as a comment.
    fn leave_out(&mut self, key: &LooseForeignKey, why: &str) {
        let message = format!("{}.{} -> {}: {why}", key.child, key.column, key.parent);
        self.toml.push(format!("# {}", comment(&message)));
        let fault = Diagnostic::new(Code::ImportLeftOut, message).at(key.location.clone());
        let hint = "declare the reference by hand, or configure the database that it needs";
        self.findings.push(fault.hint(hint));
    }
}

/// Replaces line breaks, so that a comment stays on its line.
fn comment(text: &str) -> String {
    text.replace(char::is_control, " ")
}

/// Renders a text as a TOML string.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => out.extend(['\\', letter]),
            letter if letter.is_ascii_graphic() || letter == ' ' || letter.is_alphanumeric() => {
                out.push(letter);
            }
            // Writing to a string cannot fail.
            letter => drop(write!(out, "\\U{:08X}", u32::from(letter))),
        }
    }
    out.push('"');
    out
}

impl Report for ImportReport {
    fn command(&self) -> &'static str {
        "audit"
    }

    fn exit(&self) -> Exit {
        if self.findings.is_empty() {
            Exit::Done
        } else {
            Exit::Found
        }
    }

    fn blocks(&self) -> Vec<Block> {
        self.toml.iter().cloned().map(Block::Line).collect()
    }

    fn diagnostics(&self) -> Vec<Diagnostic> {
        self.findings.clone()
    }

    fn databases(&self) -> Vec<Value> {
        Vec::new()
    }

    fn extra(&self) -> Map<String, Value> {
        let mut extra = Map::new();
        extra.insert("complete".into(), json!(self.findings.is_empty()));
        extra.insert("references".into(), json!(self.references));
        extra.insert("toml".into(), json!(self.toml.join("\n")));
        extra
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn texts_are_toml() {
        assert_eq!(quoted("a\"b\\c\nä"), r#""a\"b\\c\U0000000Aä""#);
    }
}
