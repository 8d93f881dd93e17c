//! Rebuilds of tables: creates the new table, copies the rows, and drops the old one.
//!
//! A client that continues after an error must not drop rows that could not be copied. So the old
//! table first gets a name that it has in this transaction only. A row that does not fit rolls back,
//! and then no table has the name in DROP TABLE. All tables are renamed before any row is copied.
//! <https://www.sqlite.org/lang_altertable.html#otheralter>

use std::collections::HashMap;

use super::clause;
use super::clause::quote;
use super::guard;
use super::risk;
use crate::dialect::literals::single_quoted;
use crate::dialect::sqlite::ddl::table;
use crate::dialect::sqlite::ddl::table::{WITHOUT_ROWID, row_alias};
use crate::model::change::{Alter, DdlStep, Hazard};
use crate::model::schema::{Column, Schema, Table};

/// The statements of a rebuild, in groups that run one after the other.
#[derive(Debug, Default)]
pub struct Rebuild {
    pub makes: Vec<DdlStep>,
    pub fills: Vec<DdlStep>,
    pub drops: Vec<DdlStep>,
}

impl Rebuild {
    /// Adds the statements of another table.
    pub fn join(&mut self, other: Rebuild) {
        self.makes.extend(other.makes);
        self.fills.extend(other.fills);
        self.drops.extend(other.drops);
    }
}

/// The statements of a rebuild. `None` if a definition cannot be parsed.
pub fn steps(marks: &Marks, old: &Table, new: &Table, alters: &[Alter]) -> Option<Rebuild> {
    let mut rebuild = Rebuild::default();
    let step = |sql: String| DdlStep::new(new.id(), sql);
    let rename = |from: &str, to: &str| {
        let (from, to) = (quote(from), quote(to));
        step(format!("ALTER TABLE {from} RENAME TO {to}"))
    };
    let text = clause::create(new);
    // A check with a qualified `users.name` prevents a rename of its table.
    let bound = !table::read(&clause::create(old))?.qualifiers.is_empty();
    let beside = marks.name(if bound { "new" } else { "old" }, &new.name);
    let (source, target) = if bound {
        (old.name.clone(), beside.clone())
    } else {
        (beside.clone(), new.name.clone())
    };
    if bound {
        rebuild.makes.push(step(renamed(&text, &beside)?))
    } else {
        rebuild.makes.push(rename(&old.name, &beside));
        rebuild.makes.push(step(text));
    }
    let copied = copied(old, new);
    if counts(old) && counts(new) {
        rebuild.fills.push(step(counted_on(&source, &target)));
    }
    let mut drop = step(format!("DROP TABLE {}", quote(&source)));
    match insert(old, new, &source, &target, &copied) {
        Some(insert) => {
            let mut step = step(insert);
            step.risks = risk::of_rebuild(old, new, alters, &copied);
            let why = format!("SQLite rewrites all rows of {}", new.name);
            rebuild.fills.push(step.risk(Hazard::Rewrite, why));
        }
        None => {
            let why = format!("no column of {} stays, so all its rows are lost", old.name);
            drop = drop.risk(Hazard::DataLoss, why);
        }
    }
    if guard::is_needed(old, new) {
        let name = marks.name("guard", &new.name);
        let guard = guard::statements(&source, &target, &name);
        rebuild.fills.extend(guard.map(step));
    }
    drop.risks.extend(risk::lost_columns(old, &copied));
    rebuild.drops.push(drop);
    if bound {
        rebuild.drops.push(rename(&beside, &new.name));
    }
    Some(rebuild)
}

/// Keeps the AUTOINCREMENT counter: copying rows would only increase it.
fn counted_on(source: &str, target: &str) -> String {
    let (source, target) = (single_quoted(source), single_quoted(target));
    format!(
        "INSERT INTO sqlite_sequence (name, seq) \
         SELECT {target}, seq FROM sqlite_sequence WHERE name = {source}"
    )
}

/// The definition of a table with another name.
fn renamed(text: &str, name: &str) -> Option<String> {
    let parsed = table::read(text)?;
    let mut sql = text.get(..parsed.name.start)?.to_owned();
    sql.push_str(&quote(name));
    let mut at = parsed.name.end;
    for qualifier in parsed.qualifiers {
        sql.push_str(text.get(at..qualifier.start)?);
        at = qualifier.end;
    }
    sql.push_str(text.get(at..)?);
    Some(sql)
}

/// The prefix of temporary names, which no existing name has.
#[derive(Debug)]
pub struct Marks(String);

impl Marks {
    pub fn free(from: &Schema, to: &Schema) -> Marks {
        let names = [from, to].into_iter().flat_map(|schema| {
            let tables = schema.tables.iter().flat_map(|table| {
                let keys = table.keys.iter().map(|key| &key.name);
                std::iter::once(&table.name).chain(keys)
            });
            tables.chain(schema.objects.iter().map(|object| &object.name))
        });
        let names = names.map(|name| name.to_ascii_lowercase());
        let taken: Vec<String> = names.filter(|name| name.starts_with("bird_")).collect();
        let mut mark = "bird_".to_owned();
        while taken.iter().any(|name| name.starts_with(&mark)) {
            mark.push('_');
        }
        Marks(mark)
    }

    /// The temporary name of a table that serves as `what` of another one.
    pub fn name(&self, what: &str, table: &str) -> String {
        format!("{}{what}_{table}", self.0)
    }
}

/// A column that is kept: its old and its new definition.
pub struct Copied<'t> {
    pub from: &'t Column,
    pub to: &'t Column,
}

fn copied<'t>(old: &'t Table, new: &'t Table) -> Vec<Copied<'t>> {
    let by_name: HashMap<String, &Column> = old
        .columns
        .iter()
        .map(|column| (column.name.to_lowercase(), column))
        .collect();
    let ordinary = new
        .columns
        .iter()
        .filter(|column| column.generated.is_none());
    ordinary
        .filter_map(|to| {
            Some(Copied {
                from: by_name.get(&to.name.to_lowercase())?,
                to,
            })
        })
        .collect()
}

fn insert(
    old: &Table,
    new: &Table,
    source: &str,
    target: &str,
    copied: &[Copied<'_>],
) -> Option<String> {
    let mut into: Vec<String> = copied.iter().map(|column| quote(&column.to.name)).collect();
    let mut select: Vec<String> = copied.iter().map(value).collect();
    if let Some(number) = row_number(old, new, copied) {
        into.insert(0, number.to_owned());
        select.insert(0, number.to_owned());
    }
    if into.is_empty() {
        return None;
    }
    let (into, select) = (into.join(", "), select.join(", "));
    let (source, target) = (quote(source), quote(target));
    Some(format!(
        "INSERT OR ROLLBACK INTO {target} ({into}) SELECT {select} FROM {source}"
    ))
}

/// The value of the new column: its default for NULL, if it is not nullable.
fn value(column: &Copied<'_>) -> String {
    let name = quote(&column.from.name);
    match &column.to.default {
        Some(default) if column.from.nullable && !column.to.nullable => {
            format!("coalesce({name}, {default})")
        }
        _ => name,
    }
}

/// The name of the rowid, if the rows keep theirs and no column is its alias.
fn row_number(old: &Table, new: &Table, copied: &[Copied<'_>]) -> Option<&'static str> {
    if [old, new]
        .iter()
        .any(|table| table.options.contains_key(WITHOUT_ROWID))
    {
        return None;
    }
    let alias = row_alias(new);
    if alias.is_some_and(|alias| copied.iter().any(|column| column.to.name == alias)) {
        return None;
    }
    let has = |name: &str| {
        let columns = old.columns.iter().chain(&new.columns);
        columns
            .into_iter()
            .any(|column| column.name.eq_ignore_ascii_case(name))
    };
    ["rowid", "_rowid_", "oid"]
        .into_iter()
        .find(|name| !has(name))
}

fn counts(table: &Table) -> bool {
    table.columns.iter().any(|column| column.identity.is_some())
}
