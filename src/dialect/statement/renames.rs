//! Renames that a statement makes, of objects and of their parts, with both names.

use crate::dialect::Dialect;
use crate::sql::{Cursor, Name};

/// Something that gets a new name and keeps its data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Renaming {
    /// A table, a view, a sequence or a type.
    Object { from: Name, to: Name },
    /// Columns of a table, attributes or values of a type: old and new names, all at once.
    Parts {
        of: Name,
        pairs: Vec<(String, String)>,
    },
}

/// The renames of a statement in their order. Those of indexes and constraints are left out: a
/// difference of schemas shows them as renames.
#[must_use]
pub fn renamings(dialect: &dyn Dialect, sql: &str) -> Vec<Renaming> {
    let mut words = Cursor::head(dialect.syntax(), sql);
    match words.first().as_str() {
        "RENAME" => tables(&mut words),
        "ALTER" => alter(&mut words).unwrap_or_default(),
        _ => Vec::new(),
    }
}

/// `RENAME TABLE a TO b, c TO d`
fn tables(words: &mut Cursor<'_>) -> Vec<Renaming> {
    let effects = super::alter::rename(words).into_iter();
    let renamings = effects.filter_map(|effect| match effect {
        super::StatementEffect::RenameTable { from, to } => Some(Renaming::Object { from, to }),
        _ => None,
    });
    renamings.collect()
}

fn alter(words: &mut Cursor<'_>) -> Option<Vec<Renaming>> {
    words.next();
    while words.eat_any(&["ONLINE", "IGNORE", "MATERIALIZED", "FOREIGN"]) {}
    words.eat_one(&["TABLE", "VIEW", "SEQUENCE", "TYPE", "DOMAIN"])?;
    words.eat_if_exists();
    words.eat("ONLY");
    let of = words.name()?;
    words.eat("*");
    let (mut pairs, mut object) = (Vec::new(), None);
    for mut clause in words.clauses() {
        if clause.eat("CHANGE") {
            clause.eat("COLUMN");
            clause.eat_if_exists();
            let (from, to) = (clause.part()?, clause.part()?);
            if from != to {
                pairs.push((from, to));
            }
        } else if clause.eat("RENAME") {
            rename(&mut clause, &of, &mut pairs, &mut object);
        }
    }
    let mut all = Vec::new();
    if !pairs.is_empty() {
        let of = of.clone();
        all.push(Renaming::Parts { of, pairs });
    }
    all.extend(object.map(|to| Renaming::Object { from: of, to }));
    Some(all)
}

/// A clause behind its RENAME: `TO b`, `COLUMN a TO b`, `VALUE 'a' TO 'b'`.
fn rename(
    clause: &mut Cursor<'_>,
    of: &Name,
    pairs: &mut Vec<(String, String)>,
    object: &mut Option<Name>,
) -> Option<()> {
    let mut whole = clause.clone();
    let said = whole.eat_any(&["TO", "AS", "="]);
    let to = whole.name();
    if said || whole.peek().is_none() {
        let mut to = to?;
        // A new name stays in its schema, but MySQL looks for it in the database in use.
        if to.parts.len() == 1 && !clause.grammar().schema_is_database {
            let mut parts = of.parts.clone();
            parts.pop();
            parts.append(&mut to.parts);
            to.parts = parts;
        }
        *object = Some(to);
        return Some(());
    }
    if clause.sees("INDEX") || clause.sees("KEY") || clause.sees("CONSTRAINT") {
        return None;
    }
    clause.eat_any(&["COLUMN", "ATTRIBUTE", "VALUE"]);
    clause.eat_if_exists();
    let from = clause.part()?;
    clause.expect("TO")?;
    let to = clause.part()?;
    pairs.push((from, to));
    Some(())
}
