//! Changes without a rebuild: ALTER TABLE adds a column at the end or drops an unused one.

use super::clause::quote;
use super::order::ordered;
use crate::dialect::sqlite::ddl::constraint::{expressions, is_literal};
use crate::dialect::sqlite::ddl::table;
use crate::dialect::sqlite::ddl::table::{Definition, Parsed};
use crate::dialect::sqlite::ddl::tokens::{ColumnNames, name_of, tokens};
use crate::model::change::{Alter, DdlStep, Hazard};
use crate::model::schema::{Column, Schema, Table};

/// Whether DROP COLUMN changes no stored statement: it turns every name in double quotes that resolves
/// to nothing, anywhere in the schema, into a string.
pub fn leaves_quotes(schema: &Schema) -> bool {
    let quoted = |sql: &str, known: Option<&ColumnNames>| {
        let all = tokens(sql);
        let mut quoted = all.iter().filter(|token| token.text.starts_with('"'));
        quoted.any(|token| {
            let name = name_of(token).unwrap_or_default();
            known.is_none_or(|known| known.resolve(&name).is_none())
        })
    };
    let in_table = |table: &Table| {
        let known = ColumnNames::new(table.columns.iter().map(|column| column.name.as_str()));
        !table.opaque_clauses.is_empty() || expressions(table).any(|sql| quoted(sql, Some(&known)))
    };
    let mut objects = schema.objects.iter();
    schema.opaque_objects.is_empty()
        && !objects.any(|object| quoted(&object.create_statement.0, None))
        && !schema.tables.iter().any(in_table)
}

/// The statements of a change, without indexes. `None` if the table must be rebuilt.
pub fn steps(
    old: &Table,
    new: &Table,
    alters: &[Alter],
    may_drop: &dyn Fn() -> bool,
) -> Option<Vec<DdlStep>> {
    let (mut added, mut dropped) = (Vec::new(), Vec::new());
    let (mut checks, mut foreign_keys) = (0, 0);
    for alter in alters {
        match alter {
            Alter::AddColumn(column) => added.push(column.name.as_str()),
            Alter::DropColumn(column) => dropped.push(column.name.as_str()),
            Alter::AddKey(key) | Alter::DropKey(key) if !key.constraint => {}
            Alter::ModifyKey(pair) | Alter::RenameKey(pair)
                if !pair.from.constraint && !pair.to.constraint => {}
            Alter::AddCheck(_) => checks += 1,
            Alter::AddForeignKey(_) => foreign_keys += 1,
            _ => return None,
        }
    }
    if added.is_empty() && dropped.is_empty() {
        return (checks + foreign_keys == 0).then(Vec::new);
    }
    let stays = |column: &&Column| !dropped.contains(&column.name.as_str());
    let kept: Vec<&str> = old
        .columns
        .iter()
        .filter(stays)
        .map(|column| column.name.as_str())
        .collect();
    let respelled = added
        .iter()
        .any(|new| dropped.iter().any(|old| old.eq_ignore_ascii_case(new)));
    let reached = kept.iter().chain(&added);
    if kept.is_empty()
        || respelled
        || !reached
            .copied()
            .eq(new.columns.iter().map(|column| column.name.as_str()))
    {
        return None;
    }
    if !dropped.is_empty() && !may_drop() {
        return None;
    }
    let parsed = table::read(&super::clause::create(new))?;
    let definitions = definitions(&parsed, &added)?;
    let within = |count: fn(&Definition) -> usize| {
        definitions.iter().map(|(_, is)| count(is)).sum::<usize>()
    };
    if within(|is| is.checks) != checks || within(|is| is.foreign_keys) != foreign_keys {
        return None;
    }
    if looks_ahead(new, &definitions) {
        return None;
    }
    let gone = dropped.iter().rev().filter_map(|name| old.column(name));
    let gone: Vec<&Column> = gone.collect();
    // A generated column is dropped before the columns that it uses.
    let order = ordered(&gone, |column| {
        (column.name.as_str(), sources(column, &gone))
    });
    let order = order.into_iter().rev();
    let mut steps: Vec<DdlStep> = order.map(|column| drop_column(new, column)).collect();
    for (column, definition) in definitions {
        steps.push(add_column(new, column, &definition)?);
    }
    Some(steps)
}

/// Whether an expression of a new column uses a column that is added later.
fn looks_ahead(table: &Table, added: &[(&Column, Definition)]) -> bool {
    let text = super::clause::create(table);
    added.iter().enumerate().any(|(at, (_, definition))| {
        let later = added.get(at + 1..).unwrap_or_default();
        let all = tokens(text.get(definition.range.clone()).unwrap_or_default());
        let mut names = all.iter().filter_map(name_of);
        names.any(|name| {
            later
                .iter()
                .any(|(column, _)| column.name.eq_ignore_ascii_case(&name))
        })
    })
}

/// The columns among these that a generated column uses.
fn sources<'c>(column: &Column, among: &[&'c Column]) -> Vec<&'c str> {
    let sql = column
        .generated
        .as_ref()
        .map(|generated| &generated.expression);
    let all = sql.map(|sql| tokens(sql)).unwrap_or_default();
    let names: Vec<String> = all.iter().filter_map(name_of).collect();
    let named = |name: &str| names.iter().any(|other| other.eq_ignore_ascii_case(name));
    let among = among.iter().map(|column| column.name.as_str());
    among.filter(|name| named(name)).collect()
}

fn definitions<'p>(parsed: &'p Parsed, added: &[&str]) -> Option<Vec<(&'p Column, Definition)>> {
    let named = added.iter().map(|name| {
        let mut columns = parsed.table.columns.iter();
        let at = columns.position(|column| column.name == *name)?;
        Some((
            parsed.table.columns.get(at)?,
            parsed.columns.get(at)?.clone(),
        ))
    });
    named.collect()
}

fn drop_column(table: &Table, column: &Column) -> DdlStep {
    let (on, name) = (quote(&table.name), quote(&column.name));
    let mut step = DdlStep::new(table.id(), format!("ALTER TABLE {on} DROP COLUMN {name}"));
    if column.generated.is_none() {
        let why = format!("the values of {}.{} are lost", table.name, column.name);
        step = step.risk(Hazard::DataLoss, why);
    }
    step.risk(
        Hazard::Rewrite,
        format!("SQLite rewrites all rows of {}", table.name),
    )
}

/// Adds a column. The engine allows that only if existing rows get a constant value.
fn add_column(table: &Table, column: &Column, definition: &Definition) -> Option<DdlStep> {
    let literal = column.default.as_deref().is_none_or(is_literal);
    let valued = column.nullable || column.default.is_some() || column.generated.is_some();
    let stored = column
        .generated
        .as_ref()
        .is_some_and(|generated| generated.stored);
    let points = definition.foreign_keys > 0 && column.default.is_some();
    if definition.has_key || !literal || !valued || stored || points {
        return None;
    }
    let text = super::clause::create(table);
    let sql = text.get(definition.range.clone())?;
    let sql = format!("ALTER TABLE {} ADD COLUMN {sql}", quote(&table.name));
    let step = DdlStep::new(table.id(), sql);
    let checked = definition.checks > 0 || column.generated.is_some() && !column.nullable;
    Some(if checked {
        let why = format!(
            "it fails where a row of {} does not fit the check",
            table.name
        );
        step.risk(Hazard::MayFail, why)
    } else {
        step
    })
}
