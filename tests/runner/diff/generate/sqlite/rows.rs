//! Rows that fit a schema, and what of them must survive.

use super::Dice;
use super::model::{Class, Column, Schema, Table};
use super::spell::quoted;

fn value(class: Class, row: usize) -> String {
    match class {
        Class::Int => format!("{row}"),
        Class::Text => format!("'t{row}'"),
        Class::Real => format!("{row}.5"),
        Class::Blob => format!("x'0{row}'"),
    }
}

pub fn rows(dice: &mut Dice, from: &Schema, to: &Schema) -> String {
    let count = dice.below(4);
    let mut sql = String::from("PRAGMA defer_foreign_keys = ON;\n");
    for table in &from.tables {
        let then = to.tables.iter().find(|then| then.name == table.name);
        let columns: Vec<&Column> = table
            .columns
            .iter()
            .filter(|column| column.generated.is_none())
            .collect();
        let names: Vec<String> = columns.iter().map(|column| quoted(&column.name)).collect();
        for row in 1..=count {
            let values: Vec<String> = columns
                .iter()
                .map(|column| {
                    if may_miss(table, column)
                        && !is_parent(from, table, column)
                        && then.is_none_or(|then| may_miss_later(then, column))
                        && dice.chance(30)
                    {
                        "NULL".to_owned()
                    } else {
                        value(column.class, row)
                    }
                })
                .collect();
            sql.push_str(&format!(
                "INSERT INTO {} ({}) VALUES ({});\n",
                quoted(&table.name),
                names.join(", "),
                values.join(", ")
            ));
        }
        if counts(table) && count > 0 {
            let name = table.name.replace('\'', "''");
            sql.push_str(&format!(
                "UPDATE sqlite_sequence SET seq = 77 WHERE name = '{name}';\n"
            ));
        }
    }
    sql
}

fn counts(table: &Table) -> bool {
    table.key.as_ref().is_some_and(|key| key.counts)
}

fn in_key(table: &Table, name: &str) -> bool {
    table
        .key
        .iter()
        .any(|key| key.columns.iter().any(|(column, _)| column == name))
}

fn may_miss(table: &Table, column: &Column) -> bool {
    !column.not_null && !in_key(table, &column.name)
}

fn is_parent(schema: &Schema, table: &Table, column: &Column) -> bool {
    let mut keys = schema.tables.iter().flat_map(|child| &child.foreign);
    keys.any(|key| key.to == table.name && key.to_column == column.name)
}

/// A missing value is filled in where the new column must have one; then it is no longer unique.
fn may_miss_later(table: &Table, column: &Column) -> bool {
    let Some(then) = table.columns.iter().find(|then| then.name == column.name) else {
        return true;
    };
    let unique = table
        .uniques
        .iter()
        .any(|key| key.columns[0].0 == column.name)
        || table
            .indexes
            .iter()
            .any(|(_, sql)| sql.starts_with("UNIQUE") && sql.contains(&quoted(&column.name)));
    let filled = then
        .default
        .as_deref()
        .is_some_and(|default| default != "NULL")
        && !unique;
    !in_key(table, &column.name) && (!then.not_null || filled)
}

/// The columns that are the same in both, of the tables that are in both.
pub fn kept(from: &Schema, to: &Schema) -> String {
    let mut queries = Vec::new();
    for table in &from.tables {
        let Some(then) = to.tables.iter().find(|then| then.name == table.name) else {
            continue;
        };
        let same = |column: &&Column| {
            let then = then.columns.iter().find(|then| then.name == column.name);
            then.is_some_and(|then| {
                let filled = then.not_null && !column.not_null;
                then.sql == column.sql
                    && then.generated.is_none()
                    && column.generated.is_none()
                    && !filled
            })
        };
        let mut columns: Vec<String> = table
            .columns
            .iter()
            .filter(same)
            .map(|column| format!("quote({})", quoted(&column.name)))
            .collect();
        if columns.is_empty() {
            continue;
        }
        if !table.without_rowid && !then.without_rowid && table.key == then.key {
            columns.push("rowid".to_owned());
        }
        let row = columns.join(" || ',' || ");
        queries.push(format!(
            "SELECT (SELECT group_concat(k, ';') FROM (SELECT {row} AS k FROM {} ORDER BY 1))",
            quoted(&table.name)
        ));
    }
    for table in &from.tables {
        let mut then = to.tables.iter().filter(|then| then.name == table.name);
        if counts(table) && then.any(counts) {
            let name = table.name.replace('\'', "''");
            queries.push(format!(
                "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = '{name}'), 0)"
            ));
        }
    }
    queries.join(" UNION ALL ")
}
