//! A table is made anew beside the old one, its rows move, and it takes the old one's name.
//! <https://www.sqlite.org/lang_altertable.html#otheralter>

use std::collections::HashMap;

use super::constraint::CONFLICT;
use super::render::{self, quote};
use super::risks;
use super::table::{self, WITHOUT_ROWID, row_alias};
use crate::dialect::single_quoted;
use crate::model::change::{Alter, DdlStep, Hazard};
use crate::model::schema::{Column, Schema, Table};

/// The statements, or nothing where the new definition is not understood.
pub fn steps(
    from: &Schema,
    to: &Schema,
    old: &Table,
    new: &Table,
    alters: &[Alter],
) -> Option<Vec<DdlStep>> {
    let beside = free_name(from, to, &new.name);
    let text = render::create(new);
    let create = renamed(&text, &beside)?;
    let step = |sql: String| DdlStep::new(new.id(), sql);
    let mut steps = vec![step(create)];
    let copied = copied(old, new);
    if let Some(insert) = insert(old, new, &beside, &copied) {
        let mut step = step(insert);
        step.risks = risks::of_rebuild(old, new, alters, &copied);
        steps.push(step.risk(
            Hazard::Rewrite,
            format!("all rows of {} are written anew", new.name),
        ));
    }
    if counts(old) && counts(new) {
        let (beside, old) = (single_quoted(&beside), single_quoted(&old.name));
        steps.push(step(format!(
            "DELETE FROM sqlite_sequence WHERE name = {beside}"
        )));
        steps.push(step(format!(
            "INSERT INTO sqlite_sequence (name, seq) SELECT {beside}, seq FROM sqlite_sequence WHERE name = {old}"
        )));
    }
    let mut drop = step(format!("DROP TABLE {}", quote(&old.name)));
    if steps.len() == 1 {
        drop = drop.risk(
            Hazard::DataLoss,
            format!("no column of {} stays, so all its rows are lost", old.name),
        );
    }
    drop.risks.extend(risks::lost_columns(old, &copied));
    steps.push(drop);
    let (beside, name) = (quote(&beside), quote(&new.name));
    steps.push(step(format!("ALTER TABLE {beside} RENAME TO {name}")));
    Some(steps)
}

/// The text of a table under another name.
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

/// A name that nothing has.
pub fn free_name(from: &Schema, to: &Schema, name: &str) -> String {
    let mut free = format!("bird_new_{name}");
    let taken = |free: &str| {
        [from, to].into_iter().any(|schema| {
            let tables = schema.tables.iter().map(|table| table.name.as_str());
            let indexes = schema
                .tables
                .iter()
                .flat_map(|table| table.keys.iter().map(|key| key.name.as_str()));
            let objects = schema.objects.iter().map(|object| object.name.as_str());
            tables
                .chain(indexes)
                .chain(objects)
                .any(|name| name.eq_ignore_ascii_case(free))
        })
    };
    while taken(&free) {
        free.push('_');
    }
    free
}

/// A column that survives: as the old table has it, and as the new one does.
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

fn insert(old: &Table, new: &Table, beside: &str, copied: &[Copied<'_>]) -> Option<String> {
    let mut into: Vec<String> = copied.iter().map(|column| quote(&column.to.name)).collect();
    let mut select: Vec<String> = copied.iter().map(value).collect();
    if let Some(number) = row_number(old, new, copied) {
        into.insert(0, number.to_owned());
        select.insert(0, number.to_owned());
    }
    if into.is_empty() {
        return None;
    }
    // What a conflict clause of the table says must not take rows away silently.
    let resolves = new
        .keys
        .iter()
        .any(|key| key.options.contains_key(CONFLICT))
        || new
            .columns
            .iter()
            .any(|column| column.options.contains_key(CONFLICT));
    let insert = if resolves {
        "INSERT OR ABORT"
    } else {
        "INSERT"
    };
    Some(format!(
        "{insert} INTO {} ({}) SELECT {} FROM {}",
        quote(beside),
        into.join(", "),
        select.join(", "),
        quote(&old.name)
    ))
}

/// What the column gets: a missing value becomes the default where the column must have one.
fn value(column: &Copied<'_>) -> String {
    let name = quote(&column.from.name);
    match &column.to.default {
        Some(default) if column.from.nullable && !column.to.nullable => {
            format!("coalesce({name}, {default})")
        }
        _ => name,
    }
}

/// The name of the row's number, where the rows keep theirs and no column carries it.
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
