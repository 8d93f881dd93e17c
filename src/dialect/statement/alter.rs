//! ALTER TABLE and ALTER TYPE by clause, and RENAME TABLE.

use super::StatementEffect as Effect;
use super::definition::{column, column_type, named_column};
use super::head::{DdlObject, Head};
use super::{Column, StatementEffect};
use crate::sql::{Cursor, Name};

/// The effects of an ALTER, from its verb on: those on columns that stay, then all others.
pub(super) fn alter(words: &mut Cursor<'_>) -> Vec<StatementEffect> {
    words.next();
    let Some(head) = Head::read(words) else {
        return Vec::new();
    };
    let composite = match head.kind {
        DdlObject::Table if head.has_only(&["ONLINE", "IGNORE"]) => false,
        DdlObject::Type if head.has_only(&[]) => true,
        _ => return Vec::new(),
    };
    words.eat_if_exists();
    words.eat("ONLY");
    let Some(name) = words.name() else {
        return Vec::new();
    };
    words.eat("*");
    let clauses = words.clauses().into_iter();
    if composite {
        return clauses
            .filter_map(|clause| drop_attribute(clause, &name))
            .collect();
    }
    let effects = clauses.flat_map(|clause| alter_clause(clause, &name));
    let (mut columns, others): (Vec<_>, Vec<_>) = effects.partition(|effect| {
        matches!(
            effect,
            Effect::AddColumn { .. } | Effect::RenameColumn { .. } | Effect::SetColumnType { .. }
        )
    });
    columns.extend(others);
    columns
}

/// The effect of one clause of `ALTER TYPE`.
fn drop_attribute(mut clause: Cursor<'_>, of: &Name) -> Option<StatementEffect> {
    let drops = clause.eat_all(&["DROP", "ATTRIBUTE"]);
    clause.eat_if_exists();
    let name = clause.name().filter(|_| drops)?;
    let what = format!("drops the attribute {name} of {of}");
    Some(Effect::LoseData { table: None, what })
}

/// The effects of one clause of `ALTER TABLE`.
fn alter_clause(mut clause: Cursor<'_>, table: &Name) -> Vec<StatementEffect> {
    let one = |effect: Option<StatementEffect>| effect.into_iter().collect();
    let table = table.clone();
    let Some(first) = clause.next() else {
        return Vec::new();
    };
    match first.text.to_ascii_uppercase().as_str() {
        "ADD" => add_columns(&mut clause, &table),
        "CHANGE" => change_column(&mut clause, &table).unwrap_or_default(),
        "MODIFY" => one(modify_column(&mut clause, table)),
        "ALTER" => one(set_column_type(&mut clause, table)),
        "RENAME" => one(rename_clause(&mut clause, table)),
        "SET" => one(set_schema(&mut clause, table)),
        "DROP" => one(drop_clause(&mut clause, table)),
        "TRUNCATE" => {
            let what = format!("deletes all rows of partitions of {table}");
            vec![Effect::DeleteRows { table, what }]
        }
        "DISCARD" => {
            let what = format!("discards the rows of {table}");
            vec![Effect::DeleteRows { table, what }]
        }
        _ => Vec::new(),
    }
}

fn add_columns(clause: &mut Cursor<'_>, table: &Name) -> Vec<StatementEffect> {
    let said = clause.eat("COLUMN");
    clause.eat_if_exists();
    let columns: Vec<Column> = match clause.group() {
        Some(group) => {
            let clauses = group.clauses().into_iter();
            clauses
                .filter_map(|mut clause| column(&mut clause))
                .collect()
        }
        None if said => named_column(clause).into_iter().collect(),
        None => column(clause).into_iter().collect(),
    };
    let add = |column| Effect::AddColumn {
        table: table.clone(),
        column,
    };
    columns.into_iter().map(add).collect()
}

/// `CHANGE [COLUMN] a b type`
fn change_column(clause: &mut Cursor<'_>, table: &Name) -> Option<Vec<StatementEffect>> {
    clause.eat("COLUMN");
    clause.eat_if_exists();
    let from = clause.any_case()?;
    let to = clause.any_case()?;
    let mut effects = vec![Effect::SetColumnType {
        table: table.clone(),
        column: Column {
            name: from.clone(),
            sql: column_type(clause),
        },
    }];
    if to != from {
        let table = table.clone();
        effects.push(Effect::RenameColumn { table, from, to });
    }
    Some(effects)
}

/// `MODIFY [COLUMN] a type`
fn modify_column(clause: &mut Cursor<'_>, table: Name) -> Option<StatementEffect> {
    clause.eat("COLUMN");
    clause.eat_if_exists();
    let column = named_column(clause)?;
    Some(Effect::SetColumnType { table, column })
}

/// `ALTER [COLUMN] a [SET DATA] TYPE type`
fn set_column_type(clause: &mut Cursor<'_>, table: Name) -> Option<StatementEffect> {
    clause.eat("COLUMN");
    let name = clause.any_case()?;
    clause.eat_all(&["SET", "DATA"]);
    clause.eat("TYPE").then_some(())?;
    let sql = column_type(clause);
    let column = Column { name, sql };
    Some(Effect::SetColumnType { table, column })
}

/// `RENAME [TO | AS | =] b` renames the table, `RENAME [COLUMN] a TO b` a column.
fn rename_clause(clause: &mut Cursor<'_>, table: Name) -> Option<StatementEffect> {
    let mut whole = clause.clone();
    let said = whole.eat_any(&["TO", "AS", "="]);
    let to = whole.name();
    if said || whole.peek().is_none() {
        return to.map(|to| Effect::RenameTable { from: table, to });
    }
    let said = clause.eat("COLUMN");
    clause.eat_if_exists();
    if !said && clause.peek()?.is_one_of(&["INDEX", "KEY", "CONSTRAINT"]) {
        return None;
    }
    let from = clause.any_case()?;
    clause.eat("TO").then_some(())?;
    let to = clause.any_case()?;
    Some(Effect::RenameColumn { table, from, to })
}

/// `SET SCHEMA s`
fn set_schema(clause: &mut Cursor<'_>, table: Name) -> Option<StatementEffect> {
    clause.eat("SCHEMA").then_some(())?;
    let mut parts = clause.name()?.parts;
    parts.push(table.last().to_owned());
    let (from, to) = (table, Name { parts });
    Some(Effect::RenameTable { from, to })
}

/// `DROP [COLUMN] a`, or one of the partitions or the history.
fn drop_clause(clause: &mut Cursor<'_>, table: Name) -> Option<StatementEffect> {
    if !clause.eat("COLUMN") {
        let mut not_columns = clause.grammar().not_columns.iter();
        match not_columns.find(|word| clause.sees(word)) {
            Some(&"PARTITION") => {
                let what = format!("drops partitions of {table}");
                return Some(Effect::DeleteRows { table, what });
            }
            Some(&"SYSTEM") => {
                let what = format!("drops the history of {table}");
                let table = Some(table);
                return Some(Effect::LoseData { table, what });
            }
            Some(_) => return None,
            None => {}
        }
    }
    clause.eat_if_exists();
    let column = clause.name()?;
    Some(Effect::DropColumn { table, column })
}

/// The effects of `RENAME TABLE a TO b, …`, from its verb on.
pub(super) fn rename(words: &mut Cursor<'_>) -> Vec<StatementEffect> {
    words.next();
    if !words.eat_any(&["TABLE", "TABLES"]) {
        return Vec::new();
    }
    words.eat_if_exists();
    let pairs = words.clauses().into_iter().filter_map(|mut pair| {
        let from = pair.name()?;
        // MariaDB's WAIT and NOWAIT stand between the names.
        while pair.peek().is_some_and(|word| !word.is("TO")) {
            pair.next();
        }
        pair.eat("TO");
        let to = pair.name()?;
        Some(Effect::RenameTable { from, to })
    });
    pairs.collect()
}
