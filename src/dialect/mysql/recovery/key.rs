//! Indexes, foreign keys and checks of a table, as a statement says them or as the server shows
//! them.

use std::collections::BTreeSet;

use crate::dialect::recovery::normalize::{GAP, flat_text, plain};
use crate::sql::Cursor;

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Key {
    /// `primary`, `unique`, `fulltext`, `spatial`, or nothing.
    pub kind: &'static str,
    /// Nothing where the server chooses it.
    pub name: Option<String>,
    pub parts: Vec<String>,
    /// What else is said of it.
    pub rest: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Foreign {
    pub name: Option<String>,
    pub columns: Vec<String>,
    /// The other table and its columns.
    pub table: String,
    pub refers: Vec<String>,
    /// What happens to rows. To refuse is what happens where nothing is said, and each product
    /// shows it otherwise, so that does not stand here.
    pub actions: BTreeSet<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Check {
    pub name: Option<String>,
    pub expression: String,
    pub enforced: bool,
    /// The column that it stands behind.
    pub of: Option<String>,
}

impl Key {
    /// Reads an index from behind `CONSTRAINT name` on; `named` is that name.
    pub fn read(words: &mut Cursor<'_>, named: Option<String>) -> Option<(Key, bool)> {
        let mut key = Key::default();
        for (word, kind) in [
            ("PRIMARY", "primary"),
            ("UNIQUE", "unique"),
            ("FULLTEXT", "fulltext"),
            ("SPATIAL", "spatial"),
        ] {
            if words.eat(word) {
                key.kind = kind;
            }
        }
        words.eat_any(&["INDEX", "KEY"]);
        let unless = words.eat_if_exists();
        if !words.sees("(") && !words.sees("USING") {
            key.name = Some(words.any_case()?);
        }
        key.name = key.name.or(named);
        if key.kind == "primary" {
            key.name = None;
        }
        using(words);
        key.parts = words.group()?.clauses().iter().map(part).collect();
        let mut rest = Vec::new();
        while !words.is_over() {
            let passed = using(words)
                || words.eat("VISIBLE")
                || words.eat_all(&["NOT", "IGNORED"])
                || words.eat("=");
            if !passed {
                rest.extend(plain([words.next()?]));
            }
        }
        key.rest = rest.join(" ");
        Some((key, unless))
    }
}

/// How an index is built: the engine decides.
fn using(words: &mut Cursor<'_>) -> bool {
    let using = words.eat_any(&["USING", "TYPE"]);
    words.skip(usize::from(using));
    using
}

/// A column of an index, or a part of one, or an expression.
fn part(words: &Cursor<'_>) -> String {
    let flat = flat_text(words.tokens());
    let plain = flat
        .strip_suffix("asc")
        .and_then(|rest| rest.strip_suffix(GAP));
    plain.map_or(flat.clone(), str::to_owned)
}

impl Foreign {
    /// Reads a foreign key from behind `FOREIGN KEY` on.
    pub fn read(words: &mut Cursor<'_>, named: Option<String>) -> Option<(Foreign, bool)> {
        let unless = words.eat_if_exists();
        let name = if words.sees("(") {
            None
        } else {
            words.any_case()
        };
        let columns = words.group()?.clauses().iter().map(part).collect();
        words.eat("REFERENCES").then_some(())?;
        let table = words.name()?.last().to_owned();
        let refers = words.group()?.clauses().iter().map(part).collect();
        let mut actions = BTreeSet::new();
        while !words.is_over() {
            let clause = match () {
                () if words.eat_all(&["ON", "DELETE"]) => "delete",
                () if words.eat_all(&["ON", "UPDATE"]) => "update",
                () => return None,
            };
            let action = match () {
                () if words.eat("RESTRICT") || words.eat_all(&["NO", "ACTION"]) => continue,
                () if words.eat_all(&["SET", "NULL"]) => "set null",
                () if words.eat_all(&["SET", "DEFAULT"]) => "set default",
                () if words.eat("CASCADE") => "cascade",
                () => return None,
            };
            actions.insert(format!("{clause} {action}"));
        }
        let foreign = Foreign {
            name: named.or(name),
            columns,
            table,
            refers,
            actions,
        };
        Some((foreign, unless))
    }
}

impl Check {
    /// Reads a check from behind `CHECK` on.
    pub fn read(words: &mut Cursor<'_>, name: Option<String>) -> Option<Check> {
        let expression = flat_text(words.group()?.tokens());
        let enforced = !words.eat_all(&["NOT", "ENFORCED"]);
        words.eat("ENFORCED");
        Some(Check {
            name,
            expression,
            enforced,
            of: None,
        })
    }
}
