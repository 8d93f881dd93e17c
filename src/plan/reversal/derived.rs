//! The statement that takes another one back, where that follows from its text alone: for statements
//! that no scratch database runs.

use crate::dialect::Dialect;
use crate::dialect::statement::{DdlObject, Head, Renaming, renamings};
use crate::sql::{Cursor, Name};

/// The statement that takes this one back; `None` if its text leaves any doubt.
#[must_use]
pub fn reverse(dialect: &dyn Dialect, sql: &str) -> Option<String> {
    let words = Cursor::new(dialect.syntax(), sql);
    match words.first().as_str() {
        "CREATE" => created(words),
        "ALTER" => altered(dialect, sql, words),
        "RENAME" => renamed(dialect, sql),
        _ => None,
    }
}

fn created(mut words: Cursor<'_>) -> Option<String> {
    let syntax = words.syntax();
    let grammar = words.grammar();
    words.next();
    let materialized = words.sees("MATERIALIZED");
    let head = Head::read(&mut words)?;
    words.eat("CONCURRENTLY");
    // With either of them the object may have been there before.
    if head.has("REPLACE") || words.eat_if_exists() {
        return None;
    }
    let name = words.name()?;
    let own = name.sql(syntax);
    let kind = match head.kind {
        DdlObject::Table => "TABLE",
        DdlObject::View if materialized => "MATERIALIZED VIEW",
        DdlObject::View => "VIEW",
        DdlObject::Sequence => "SEQUENCE",
        DdlObject::Event => "EVENT",
        // A routine is named with its arguments where there may be several of a name.
        DdlObject::Procedure if grammar.schema_is_database => "PROCEDURE",
        DdlObject::Function if grammar.schema_is_database => "FUNCTION",
        DdlObject::Trigger if grammar.parts < 3 => "TRIGGER",
        DdlObject::Index if !grammar.schema_is_database => {
            return (grammar.parts < 3 || name.parts.len() == 1)
                .then(|| format!("DROP INDEX {own}"));
        }
        DdlObject::Trigger | DdlObject::Index => {
            let kind = match head.kind {
                DdlObject::Index => "INDEX",
                _ => "TRIGGER",
            };
            while !words.eat("ON") {
                words.next()?;
            }
            let table = words.name()?.sql(syntax);
            return Some(format!("DROP {kind} {own} ON {table}"));
        }
        _ => return None,
    };
    Some(format!("DROP {kind} {own}"))
}

fn renamed(dialect: &dyn Dialect, sql: &str) -> Option<String> {
    let syntax = dialect.syntax();
    let mut pairs = Vec::new();
    for renaming in renamings(dialect, sql).into_iter().rev() {
        let Renaming::Object { from, to } = renaming else {
            return None;
        };
        pairs.push(format!("{} TO {}", to.sql(syntax), from.sql(syntax)));
    }
    (!pairs.is_empty()).then(|| format!("RENAME TABLE {}", pairs.join(", ")))
}

/// The clauses of an ALTER TABLE, each with the one that takes it back.
fn altered(dialect: &dyn Dialect, sql: &str, mut words: Cursor<'_>) -> Option<String> {
    let syntax = dialect.syntax();
    words.next();
    words.expect("TABLE")?;
    if words.eat_if_exists() {
        return None;
    }
    let mut table = words.name()?;
    let mut back = Vec::new();
    let clauses = words.clauses();
    let alone = clauses.len() == 1;
    for clause in clauses {
        if clause.sees_all(&["RENAME"]) {
            if !alone {
                return None;
            }
            return match renamings(dialect, sql).pop()? {
                Renaming::Object { from, to } => {
                    table = to;
                    let old = if syntax.grammar.schema_is_database {
                        from.sql(syntax)
                    } else {
                        syntax.quoted(from.last())
                    };
                    Some(format!("ALTER TABLE {} RENAME TO {old}", table.sql(syntax)))
                }
                Renaming::Parts { pairs, .. } => {
                    let (old, new) = pairs.into_iter().next()?;
                    let (old, new) = (syntax.quoted(&old), syntax.quoted(&new));
                    let table = table.sql(syntax);
                    Some(format!("ALTER TABLE {table} RENAME COLUMN {new} TO {old}"))
                }
            };
        }
        back.push(added(clause)?);
    }
    back.reverse();
    Some(format!(
        "ALTER TABLE {} {}",
        table.sql(syntax),
        back.join(", ")
    ))
}

/// The clause that takes an ADD back.
fn added(mut clause: Cursor<'_>) -> Option<String> {
    const KEYS: &[&str] = &["INDEX", "KEY"];
    let syntax = clause.syntax();
    let by_kind = clause.grammar().schema_is_database;
    let quoted = |name: Name| syntax.quoted(name.last());
    clause.expect("ADD")?;
    if clause.eat("COLUMN") {
        if clause.eat_if_exists() || clause.sees("(") {
            return None;
        }
        return Some(format!("DROP COLUMN {}", quoted(clause.name()?)));
    }
    if clause.eat("CONSTRAINT") {
        let name = quoted(clause.name()?);
        let kind = match clause.peek()?.text.to_ascii_uppercase().as_str() {
            "FOREIGN" if by_kind => "FOREIGN KEY",
            "UNIQUE" if by_kind => "INDEX",
            "PRIMARY" if by_kind => return Some("DROP PRIMARY KEY".to_owned()),
            _ => "CONSTRAINT",
        };
        return Some(format!("DROP {kind} {name}"));
    }
    if clause.eat_all(&["PRIMARY", "KEY"]) {
        return by_kind.then(|| "DROP PRIMARY KEY".to_owned());
    }
    let led = clause.eat_any(&["UNIQUE", "FULLTEXT", "SPATIAL"]);
    let key = clause.eat_any(KEYS);
    if led || key {
        return (by_kind && !clause.sees("(") && !clause.sees("USING"))
            .then(|| clause.name())
            .flatten()
            .map(|name| format!("DROP INDEX {}", quoted(name)));
    }
    const NO_COLUMN: &[&str] = &[
        "FOREIGN",
        "CHECK",
        "PARTITION",
        "PERIOD",
        "SYSTEM",
        "EXCLUDE",
    ];
    if clause.eat_if_exists() || clause.sees("(") || clause.peek()?.is_one_of(NO_COLUMN) {
        return None;
    }
    Some(format!("DROP COLUMN {}", quoted(clause.name()?)))
}
