//! What in a table depends on its columns: generated columns, checks and keys, which a change of a
//! column concerns as well.

use std::collections::HashSet;

use crate::dialect::mysql::SYNTAX;
use crate::dialect::mysql::ddl::column::has_characters;
use crate::model::change::{Alter, Hazard, Pair};
use crate::model::schema::{Column, Key, KeyKind, Table};
use crate::sql::Cursor;

/// Whether an expression names a column.
pub fn mentions(expression: &str, column: &str) -> bool {
    let cursor = Cursor::new(&SYNTAX, expression);
    let mut names = cursor.tokens().filter_map(|token| token.identifier());
    names.any(|name| name.eq_ignore_ascii_case(column))
}

fn modified(alters: &[Alter]) -> impl Iterator<Item = &Pair<Column>> {
    alters.iter().filter_map(|alter| match alter {
        Alter::ModifyColumn(pair) => Some(pair.as_ref()),
        _ => None,
    })
}

/// Whether a column that goes is the base of a generated column that changes, and that something else
/// is built upon: servers look at that first, and miss the column.
pub fn is_base_of_used(from: &Table, alters: &[Alter], column: &str) -> bool {
    modified(alters).any(|pair| {
        let generated = pair.from.generated.as_ref();
        generated.is_some_and(|it| mentions(&it.expression, column)) && is_used(from, &pair.from)
    })
}

/// Whether another generated column or a check is built upon a column.
fn is_used(table: &Table, column: &Column) -> bool {
    let others = table.columns.iter().filter(|it| it.name != column.name);
    let generated = others.filter_map(|other| other.generated.as_ref());
    let of_columns = table.columns.iter();
    let of_columns = of_columns.filter_map(|column| column.options.get("check"));
    let checks = table.checks.iter().map(|check| &check.expression);
    let mut all = generated
        .map(|it| &it.expression)
        .chain(of_columns)
        .chain(checks);
    all.any(|expression| mentions(expression, &column.name))
}

/// Whether a spatial index keeps a column from getting another SRID.
pub fn holds_srid(key: &Key, alters: &[Alter]) -> bool {
    let srid = |column: &Column| column.options.get("srid").cloned();
    let mut changed = modified(alters).filter(|pair| srid(&pair.from) != srid(&pair.to));
    key.kind == KeyKind::Spatial && changed.any(|pair| has(key, &pair.from.name))
}

fn has(key: &Key, column: &str) -> bool {
    key.parts.iter().any(|part| {
        let expression = part.expression.as_deref();
        part.column.as_deref() == Some(column) || expression.is_some_and(|it| mentions(it, column))
    })
}

/// What may fail because values that were distinct, or that a check took, are others or are alike now.
pub fn risks(from: &Table, to: &Table, alters: &[Alter]) -> Vec<(Hazard, String)> {
    let mut coarser = HashSet::new();
    let mut computed = HashSet::new();
    for pair in modified(alters) {
        let (old, new) = (&pair.from, &pair.to);
        let expression =
            |column: &Column| column.generated.as_ref().map(|it| it.expression.clone());
        if new.generated.is_some() && expression(old) != expression(new) {
            computed.insert(new.name.as_str());
        }
        if takes_more_for_equal(old, new) {
            coarser.insert(new.name.as_str());
        }
    }
    let mut all = Vec::new();
    spread(from, to, &mut computed);
    for column in to
        .columns
        .iter()
        .filter(|it| computed.contains(it.name.as_str()))
    {
        if !column.nullable {
            let why = format!("the new expression of `{}` may be NULL", column.name);
            all.push((Hazard::MayFail, why));
        }
    }
    for check in to
        .checks
        .iter()
        .filter(|check| !check.options.contains_key("enforced"))
    {
        if computed
            .iter()
            .any(|column| mentions(&check.expression, column))
        {
            let why = format!("existing rows may violate {}", check.expression);
            all.push((Hazard::MayFail, why));
        }
    }
    spread(from, to, &mut coarser);
    for key in &to.keys {
        let unique = matches!(key.kind, KeyKind::Primary | KeyKind::Unique);
        let kept = from.keys.iter().any(|old| old.parts == key.parts);
        let mut changed = computed.iter().chain(&coarser);
        if unique && kept && changed.any(|column| has(key, column)) {
            all.push((Hazard::MayFail, super::risk::alike(key)));
        }
    }
    all
}

/// Adds the generated columns of both tables that are computed from some columns.
pub fn spread<'t>(from: &Table, to: &'t Table, columns: &mut HashSet<&'t str>) {
    if columns.is_empty() {
        return;
    }
    // A generated column may use those before it only.
    for column in &to.columns {
        let old = from.column(&column.name);
        let old = old.and_then(|old| old.generated.as_ref());
        let both = old.into_iter().chain(&column.generated);
        let mut expressions = both.map(|it| &it.expression);
        let is_built = expressions.any(|it| columns.iter().any(|base| mentions(it, base)));
        if is_built && old.is_some() {
            columns.insert(&column.name);
        }
    }
}

/// Whether texts that a column holds apart may be equal in the collation that it gets.
fn takes_more_for_equal(from: &Column, to: &Column) -> bool {
    let (Some(old), Some(new)) = (&from.collation, &to.collation) else {
        return false;
    };
    let bytes = |collation: &str| collation == "binary" || collation.ends_with("_bin");
    let pads = |collation: &str| {
        collation != "binary" && !collation.contains("_0900_") && !collation.contains("_nopad_")
    };
    let both = has_characters(&from.sql) && has_characters(&to.sql);
    both && old != new && (!bytes(new) || pads(new) && !pads(old))
}
