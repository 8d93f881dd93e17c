//! Changes of a schema.

use super::Dice;
use super::model::{Schema, Table};

/// Makes one change, or none where chance finds nothing to change.
pub fn mutate(dice: &mut Dice, schema: &mut Schema) {
    match dice.below(20) {
        0 => {
            let table = schema.table(dice);
            schema.tables.push(table);
        }
        1 if !schema.tables.is_empty() => {
            let at = dice.below(schema.tables.len());
            schema.tables.remove(at);
        }
        2 => schema.other(dice),
        3 if !schema.others.is_empty() => {
            let at = dice.below(schema.others.len());
            schema.others.remove(at);
        }
        4 if !schema.others.is_empty() => {
            let at = dice.below(schema.others.len());
            let sql = &mut schema.others[at].sql;
            *sql = sql
                .replace(" 3", " 4")
                .replace("WHERE 0", "WHERE 0 AND 1")
                .replace("(a, b)", "(a, d)");
        }
        5 if !schema.tables.is_empty() => schema.foreign(dice),
        _ if schema.tables.is_empty() => {}
        _ => {
            let at = dice.below(schema.tables.len());
            let mut table = schema.tables.remove(at);
            change(dice, schema, &mut table);
            schema.tables.insert(at, table);
        }
    }
}

fn change(dice: &mut Dice, schema: &mut Schema, table: &mut Table) {
    match dice.below(15) {
        0 | 1 => {
            let mut column = schema.column(dice, table);
            // Rows that exist must get a value.
            if column.generated.is_none()
                && column
                    .default
                    .as_deref()
                    .is_none_or(|default| default == "NULL")
            {
                column.not_null = false;
            }
            table.columns.push(column);
        }
        2 => {
            let mut column = schema.column(dice, table);
            column.not_null = false;
            let at = dice.below(table.columns.len() + 1);
            if column.generated.is_none() {
                table.columns.insert(at, column);
            }
        }
        3 | 4 => drop_column(dice, table),
        5 => {
            let at = dice.below(table.columns.len());
            let column = table.columns.remove(at);
            let to = dice.below(table.columns.len() + 1);
            table.columns.insert(to, column);
        }
        6 => {
            let strict = table.strict;
            let at = dice.below(table.columns.len());
            let column = &mut table.columns[at];
            if column.generated.is_none() {
                column.sql = (*dice.pick(column.class.types(strict))).to_owned();
            }
            renumber(table);
        }
        7 => {
            let at = dice.below(table.columns.len());
            let column = &mut table.columns[at];
            if column.generated.is_none() {
                column.default = dice.chance(60).then(|| column.class.default(dice));
            }
        }
        8 => {
            let at = dice.below(table.columns.len());
            let column = &mut table.columns[at];
            column.not_null = !column.not_null && column.generated.is_none();
        }
        9 => {
            schema.key(dice, table);
        }
        10 => {
            let at = dice.below(6);
            match at {
                0 if !table.checks.is_empty() => drop(table.checks.pop()),
                1 if !table.uniques.is_empty() => drop(table.uniques.pop()),
                2 | 3 if !table.indexes.is_empty() => drop(table.indexes.pop()),
                4 if !table.foreign.is_empty() => drop(table.foreign.pop()),
                _ => schema.part(dice, table),
            }
        }
        11 => {
            let fits = |name: &str, types: &[&str]| types.contains(&name) || name == "ANY";
            let all = table
                .columns
                .iter()
                .all(|column| fits(&column.sql, column.class.types(true)));
            if table.strict && !table.columns.iter().any(|column| column.sql == "ANY") {
                table.strict = false;
            } else if all
                && table
                    .columns
                    .iter()
                    .all(|column| column.generated.is_none() && column.default.is_none())
            {
                table.strict = true;
            }
        }
        12 => rename_constraint(dice, schema, table),
        13 => {
            let keyed = table.key.as_ref().is_some_and(|key| !key.counts);
            table.without_rowid = keyed && !table.without_rowid;
        }
        _ => schema.part(dice, table),
    }
}

/// Gives a constraint a name, or takes it away.
fn rename_constraint(dice: &mut Dice, schema: &mut Schema, table: &mut Table) {
    let new = dice.chance(60).then(|| schema.name("cn"));
    match dice.below(4) {
        0 => table
            .key
            .iter_mut()
            .for_each(|key| key.name.clone_from(&new)),
        1 => {
            if let Some(key) = table.uniques.first_mut() {
                key.name = new;
            }
        }
        2 => {
            if let Some((name, _)) = table.checks.first_mut() {
                *name = new;
            }
        }
        _ => {
            if let Some(key) = table.foreign.first_mut() {
                key.name = new;
            }
        }
    }
}

/// A type that makes another kind of key needs values of that kind.
fn renumber(table: &mut Table) {
    if let Some(key) = &mut table.key {
        let first = table
            .columns
            .iter()
            .find(|column| column.name == key.columns[0].0);
        let sql = first.map_or("", |column| column.sql.as_str());
        key.counts &= key.columns.len() == 1 && sql == "INTEGER";
    }
}

fn drop_column(dice: &mut Dice, table: &mut Table) {
    if table.columns.len() < 3 {
        return;
    }
    let at = dice.below(table.columns.len());
    let name = table.columns[at].name.clone();
    let quoted = super::spell::quoted(&name);
    let generated = |text: &str| text.contains(&quoted);
    if table.columns.iter().any(|column| {
        column
            .generated
            .as_ref()
            .is_some_and(|(text, _)| generated(text))
    }) {
        return;
    }
    table.columns.remove(at);
    let has = |columns: &[(String, bool)]| columns.iter().any(|(column, _)| *column == name);
    if table.key.as_ref().is_some_and(|key| has(&key.columns)) {
        table.key = None;
        table.without_rowid = false;
    }
    table.uniques.retain(|key| !has(&key.columns));
    table.checks.retain(|(_, check)| !check.contains(&quoted));
    table.indexes.retain(|(_, sql)| !sql.contains(&quoted));
    table.foreign.retain(|key| key.column != name);
}

/// A new column has one value in all rows that exist, or none: no key can hold it.
pub fn fit(from: &Schema, to: &mut Schema) {
    for table in &mut to.tables {
        let Some(before) = from.tables.iter().find(|before| before.name == table.name) else {
            continue;
        };
        let had = |name: &str| before.columns.iter().any(|column| column.name == name);
        for column in &mut table.columns {
            let empty = column
                .default
                .as_deref()
                .is_none_or(|default| default == "NULL");
            column.not_null &= had(&column.name) || !empty;
        }
        let new = table.columns.iter().filter(|column| !had(&column.name));
        let new: Vec<String> = new.map(|column| column.name.clone()).collect();
        let has = |key: &super::model::Key| key.columns.iter().any(|(name, _)| new.contains(name));
        if table.key.as_ref().is_some_and(has) {
            table.key = None;
            table.without_rowid = false;
        }
        table.uniques.retain(|key| !has(key));
        let named = |sql: &str| {
            new.iter()
                .any(|name| sql.contains(&super::spell::quoted(name)))
        };
        table
            .indexes
            .retain(|(_, sql)| !sql.starts_with("UNIQUE") || !named(sql));
    }
}
