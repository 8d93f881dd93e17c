//! A table, as a CREATE TABLE says it or as the server shows it.

use std::collections::BTreeMap;

use super::column::{Column, charset};
use super::key::{Check, Foreign, Key};
use crate::dialect::recovery::normalize::{flat, flat_text, plain};
use crate::sql::Cursor;

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Table {
    pub columns: Vec<Column>,
    pub keys: Vec<Key>,
    pub foreign: Vec<Foreign>,
    pub checks: Vec<Check>,
    /// What is between its parentheses and none of these.
    pub others: Vec<String>,
    pub options: BTreeMap<String, String>,
    pub partitions: Option<Partitions>,
}

/// How a table is cut into parts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Partitions {
    pub by: String,
    pub parts: Vec<Part>,
}

/// A partition by its name, and what is said of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub name: String,
    pub said: Vec<String>,
}

impl Table {
    /// Reads what a server shows.
    pub fn shown(definition: &str) -> Option<Table> {
        let mut words = super::created(definition, 0)?;
        words.eat_all(&["CREATE", "TABLE"]).then_some(())?;
        words.name()?;
        Table::read(words)
    }

    /// Reads a table from behind its name on.
    pub fn read(mut words: Cursor<'_>) -> Option<Table> {
        let mut table = Table::default();
        for clause in words.group()?.clauses() {
            table.element(clause)?;
        }
        table.tail(&mut words)?;
        table.settle();
        words.is_over().then_some(table)
    }

    /// A column, or what stands between columns.
    pub fn element(&mut self, mut clause: Cursor<'_>) -> Option<()> {
        const KEYS: &[&str] = &["PRIMARY", "UNIQUE", "FULLTEXT", "SPATIAL", "INDEX", "KEY"];
        let constraint = clause.eat("CONSTRAINT");
        let unnamed = [KEYS, &["FOREIGN", "CHECK"]].concat();
        let is_named = constraint && !clause.peek()?.is_one_of(&unnamed);
        let named = is_named.then(|| clause.any_case()).flatten();
        if clause.peek()?.is_one_of(KEYS) {
            self.keys.push(Key::read(&mut clause, named)?.0);
        } else if clause.eat_all(&["FOREIGN", "KEY"]) {
            self.foreign.push(Foreign::read(&mut clause, named)?.0);
        } else if clause.eat("CHECK") {
            self.checks.push(Check::read(&mut clause, named)?);
        } else if clause.eat_all(&["PERIOD", "FOR"]) {
            self.others.push(flat_text(clause.tokens()));
        } else if constraint || clause.sees("LIKE") {
            return None;
        } else {
            self.column(clause)?;
        }
        Some(())
    }

    fn column(&mut self, clause: Cursor<'_>) -> Option<()> {
        let (column, beside) = Column::read(clause)?;
        self.columns.push(column);
        self.keys.extend(beside.keys);
        self.checks.extend(beside.checks);
        Some(())
    }

    /// What stands behind the parentheses.
    fn tail(&mut self, words: &mut Cursor<'_>) -> Option<()> {
        while !words.is_over() {
            if words.eat_all(&["PARTITION", "BY"]) {
                self.partitions = Some(Partitions::read(words)?);
            } else {
                let (key, value) = option(words)?;
                self.options.insert(key, value);
            }
        }
        // It moves with every row.
        self.options.remove("auto_increment");
        Some(())
    }

    /// Columns have the table's characters unless they say so.
    pub fn settle(&mut self) {
        let (charset, collation) = (self.options.get("charset"), self.options.get("collate"));
        for column in &mut self.columns {
            column.inherit(charset, collation);
        }
    }

    /// The columns of its primary key.
    pub fn primary(&self) -> &[String] {
        let key = self.keys.iter().find(|key| key.kind == "primary");
        key.map_or(&[], |key| &key.parts)
    }
}

/// An option of a table or of a database with its value.
pub fn option(words: &mut Cursor<'_>) -> Option<(String, String)> {
    const QUERY: &[&str] = &[
        "AS", "SELECT", "WITH", "IGNORE", "REPLACE", "LIKE", "(", "VALUES",
    ];
    words.eat(",");
    if words.eat_all(&["WITH", "SYSTEM", "VERSIONING"]) {
        return Some(("versioning".into(), "with".into()));
    }
    words.eat("DEFAULT");
    if words.eat_all(&["CHARACTER", "SET"]) || words.eat("CHARSET") {
        words.eat("=");
        return Some(("charset".into(), charset(&words.any_case()?)));
    }
    if words.peek()?.is_one_of(QUERY) {
        return None;
    }
    let mut key = words.any_case()?;
    if words.eat("DIRECTORY") {
        key.push_str(" directory");
    }
    words.eat("=");
    let value = match words.group() {
        Some(inside) => flat_text(inside.tokens()),
        None => plain([words.next()?]).concat(),
    };
    let bare = value.strip_prefix('\'').unwrap_or(&value);
    let value = match key.as_str() {
        "comment" => bare.to_owned(),
        "collate" => charset(bare),
        _ => bare.to_lowercase(),
    };
    Some((key, value))
}

impl Partitions {
    /// Reads partitions from behind `PARTITION BY` on.
    pub fn read(words: &mut Cursor<'_>) -> Option<Partitions> {
        let mut by = Vec::new();
        while let Some(word) = words.peek() {
            let before = words.mark();
            if let Some(mut inside) = words.group() {
                if inside.sees("PARTITION") {
                    let parts = Part::list(&mut inside)?;
                    let by = flat(by).join(" ");
                    return Some(Partitions { by, parts });
                }
                words.back_to(before);
            }
            by.push(word);
            words.skip(1);
        }
        let by = flat(by).join(" ");
        Some(Partitions { by, parts: vec![] })
    }
}

impl Part {
    /// Reads the partitions between two parentheses.
    pub fn list(words: &mut Cursor<'_>) -> Option<Vec<Part>> {
        let clauses = words.clauses().into_iter();
        clauses
            .map(|mut clause| {
                clause.eat("PARTITION").then_some(())?;
                let name = clause.any_case()?;
                let mut said = flat(clause.tokens());
                // They share the table's engine, and that is always shown.
                if let Some(at) = said.iter().position(|word| word == "engine") {
                    let end = (at + 3).min(said.len());
                    said.drain(at..end);
                }
                Some(Part { name, said })
            })
            .collect()
    }
}
