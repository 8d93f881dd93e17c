//! The databases and objects that a statement writes to.

use super::head::{DdlObject, Head};
use super::{Detail, StatementEffect, read, rows};
use crate::dialect::Dialect;
use crate::sql::{Cursor, Name};

/// The other database that a statement writes to, as a predicate; `database` is the one in use.
#[must_use]
pub fn other_database(dialect: &dyn Dialect, sql: &str, database: &str) -> Option<String> {
    let grammar = &dialect.syntax().grammar;
    let words = Cursor::head(dialect.syntax(), sql);
    let first = words.first();
    if grammar.attaching.contains(&first.as_str()) {
        return Some(format!("has {first}, which is about another database"));
    }
    let targets = write_targets(words);
    let qualified = targets
        .objects
        .iter()
        .filter(|name| name.parts.len() == grammar.parts);
    let mut databases = targets
        .databases
        .iter()
        .map(Name::last)
        .chain(qualified.filter_map(|name| name.parts.first().map(String::as_str)));
    let other = databases.find(|name| *name != database && !grammar.own.contains(name))?;
    Some(format!("writes to another database, `{other}`"))
}

/// The objects of a statement that are created, changed or dropped.
#[derive(Debug, Default)]
pub struct WriteTargets {
    pub databases: Vec<Name>,
    pub objects: Vec<Name>,
}

/// What a statement creates, changes or drops, from its head.
#[must_use]
pub fn write_targets(mut words: Cursor<'_>) -> WriteTargets {
    let objects = match words.first().as_str() {
        "CREATE" | "DROP" => return defined(&mut words),
        "ALTER" => {
            let mut targets = defined(&mut words.clone());
            targets.objects.extend(tables(&mut words));
            return targets;
        }
        "RENAME" | "TRUNCATE" => tables(&mut words),
        _ => {
            let verb = words.verb();
            let writes = ["INSERT", "REPLACE", "UPDATE", "DELETE"].contains(&verb.as_str());
            let table = writes.then(|| rows::written_table(&mut words)).flatten();
            table.into_iter().collect()
        }
    };
    WriteTargets {
        objects,
        ..WriteTargets::default()
    }
}

/// The tables that are renamed, with their new names, and those that lose rows.
fn tables(words: &mut Cursor<'_>) -> Vec<Name> {
    let effects = read(words, Detail::Tables).into_iter();
    let names = effects.flat_map(|effect| match effect {
        StatementEffect::RenameTable { from, to } => vec![from, to],
        StatementEffect::DeleteRows { table, .. } => vec![table],
        _ => Vec::new(),
    });
    names.collect()
}

/// Whether an option follows in place of a name: then the statement is about the database in use.
fn changes_own_database(words: &Cursor<'_>) -> bool {
    const RESERVED: &[&str] = &["CHARACTER", "COLLATE", "DEFAULT", "READ"];
    const OTHERS: &[&str] = &["CHARSET", "COMMENT", "ENCRYPTION"];
    let sees = |options: &[&str]| options.iter().any(|option| words.sees(option));
    let valued = words.get(1).is_some_and(|next| next.is("="));
    words.grammar().schema_is_database && (sees(RESERVED) || valued && sees(OTHERS))
}

/// The objects that a CREATE, an ALTER or a DROP names, and the table of an index or a trigger.
fn defined(words: &mut Cursor<'_>) -> WriteTargets {
    let mut targets = WriteTargets::default();
    let drops = words.sees("DROP");
    words.next();
    let Some(head) = Head::read(words) else {
        return targets;
    };
    words.eat("CONCURRENTLY");
    words.eat_if_exists();
    match head.kind {
        DdlObject::Account | DdlObject::Server | DdlObject::Collation | DdlObject::Extension => {
            return targets;
        }
        DdlObject::Schema if !words.grammar().schema_is_database => return targets,
        DdlObject::Database | DdlObject::Schema => {
            if !changes_own_database(words) {
                targets.databases.extend(words.name());
            }
            return targets;
        }
        _ if drops => targets.objects = words.names(),
        // `CREATE INDEX ON t (a)` leaves the name to the engine.
        DdlObject::Index if words.sees("ON") => {}
        _ => {
            words.eat("ONLY");
            targets.objects.extend(words.name());
        }
    }
    if matches!(head.kind, DdlObject::Index | DdlObject::Trigger) {
        while let Some(word) = words.next() {
            if word.is("ON") {
                words.eat("ONLY");
                targets.objects.extend(words.name());
                break;
            }
        }
    }
    targets
}
