//! What a statement does to tables, told from its words: what it makes, renames, drops and empties.
//!
//! Only what its words say plainly is told. What a routine, a trigger or a prepared text does when
//! it runs cannot be seen here.

use super::Dialect;
use crate::sql::cursor::{Name, Words};

/// One thing that a statement does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    Create {
        table: Name,
        temporary: bool,
        /// Not `IF NOT EXISTS`: after it the table is a new one.
        certain: bool,
    },
    /// `CREATE OR REPLACE TABLE`.
    Replace(Name),
    Rename {
        from: Name,
        to: Name,
    },
    Drop(Name),
    /// Loses data in another way: in words, and of which table where it is one.
    Lose {
        table: Option<Name>,
        lost: Lost,
        what: String,
    },
}

/// What is lost in another way than with its table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lost {
    /// Rows of the table.
    Rows,
    Column(String),
    /// A whole schema or database.
    Whole(Name),
    Other,
}

/// What a statement does to tables, in its order.
#[must_use]
pub fn deeds(dialect: &dyn Dialect, sql: &str) -> Vec<Deed> {
    let mut words = Words::of(dialect, sql);
    match words.first().as_str() {
        "CREATE" => create(&mut words),
        "DROP" => drop_statement(&mut words),
        "ALTER" => alter(&mut words),
        "RENAME" => rename(&mut words),
        "TRUNCATE" => truncate(&mut words),
        "DELETE" => delete(&mut words).into_iter().collect(),
        "WITH" => deletes_inside(&mut words),
        _ => Vec::new(),
    }
}

/// The table that an `INSERT … SELECT` or a `CREATE TABLE … SELECT` fills, and those it reads.
#[must_use]
pub fn fill(dialect: &dyn Dialect, sql: &str) -> Option<(Name, Vec<Name>)> {
    let mut words = Words::whole(dialect, sql);
    let target = match words.verb().as_str() {
        "INSERT" | "REPLACE" => written(&mut words)?,
        "CREATE" => match create(&mut words).into_iter().next()? {
            Deed::Create { table, .. } | Deed::Replace(table) => table,
            _ => return None,
        },
        _ => return None,
    };
    // What is read may stand before what is written: `WITH x AS (SELECT … FROM y) INSERT …`.
    if words.first() == "WITH" {
        words.at = 0;
    }
    let mut sources = Vec::new();
    while let Some(word) = words.next() {
        if word.is_one_of(&["FROM", "JOIN", "TABLE"]) {
            while words.eat("(") {}
            sources.extend(words.name());
        }
    }
    (!sources.is_empty()).then_some((target, sources))
}

fn create(words: &mut Words<'_>) -> Vec<Deed> {
    words.at += 1;
    let replace = words.eat("OR") && words.eat("REPLACE");
    words.eat_any(&["GLOBAL", "LOCAL"]);
    let temporary = words.eat_any(&["TEMPORARY", "TEMP"]);
    words.eat_any(&["UNLOGGED", "VIRTUAL"]);
    if !words.eat("TABLE") {
        return Vec::new();
    }
    let certain = !words.eat_if_exists();
    let Some(table) = words.name() else {
        return Vec::new();
    };
    if replace && !temporary {
        vec![Deed::Replace(table)]
    } else {
        vec![Deed::Create {
            table,
            temporary,
            certain,
        }]
    }
}

fn drop_statement(words: &mut Words<'_>) -> Vec<Deed> {
    words.at += 1;
    if words.eat("TEMPORARY") {
        return Vec::new();
    }
    let cascade = words.has("CASCADE");
    if words.eat_any(&["TABLE", "TABLES"]) {
        words.eat_if_exists();
        return words.names().into_iter().map(Deed::Drop).collect();
    }
    let whole = |name: Name, what: &str| Deed::Lose {
        table: None,
        what: format!("drops the {what} {name} and everything in it"),
        lost: Lost::Whole(name),
    };
    let database = words.eat("DATABASE");
    let schema = !database && words.eat("SCHEMA");
    if database || schema && (cascade || words.grammar.schema_is_database) {
        words.eat_if_exists();
        let what = if schema && !words.grammar.schema_is_database {
            "schema"
        } else {
            "database"
        };
        let names = words.names().into_iter();
        return names.map(|name| whole(name, what)).collect();
    }
    if words.eat("OWNED") && words.eat("BY") {
        let names = words.names().into_iter();
        let lose = |name| Deed::Lose {
            table: None,
            lost: Lost::Other,
            what: format!("drops everything that {name} owns"),
        };
        return names.map(lose).collect();
    }
    let of_columns = ["TYPE", "DOMAIN", "COLLATION", "EXTENSION"];
    let kind = of_columns.iter().find(|kind| words.eat(kind));
    match kind.filter(|_| cascade) {
        None => Vec::new(),
        Some(kind) => {
            words.eat_if_exists();
            let kind = kind.to_ascii_lowercase();
            let lose = |name| Deed::Lose {
                table: None,
                lost: Lost::Other,
                what: format!("drops the {kind} {name} and every column that uses it"),
            };
            words.names().into_iter().map(lose).collect()
        }
    }
}

fn alter(words: &mut Words<'_>) -> Vec<Deed> {
    words.at += 1;
    words.eat("ONLINE");
    words.eat("IGNORE");
    let composite = words.eat("TYPE");
    if !composite && !words.eat("TABLE") {
        return Vec::new();
    }
    words.eat_if_exists();
    words.eat("ONLY");
    let Some(table) = words.name() else {
        return Vec::new();
    };
    words.eat("*");
    let clauses = words.clauses().into_iter();
    if composite {
        clauses
            .filter_map(|mut clause| attribute(&mut clause, &table))
            .collect()
    } else {
        clauses
            .filter_map(|mut clause| clause_deed(&mut clause, &table))
            .collect()
    }
}

/// One clause of `ALTER TYPE`.
fn attribute(clause: &mut Words<'_>, of: &Name) -> Option<Deed> {
    let drops = clause.eat("DROP") && clause.eat("ATTRIBUTE");
    clause.eat_if_exists();
    let name = clause.name().filter(|_| drops)?;
    let what = format!("drops the attribute {name} of {of}");
    Some(Deed::Lose {
        table: None,
        lost: Lost::Other,
        what,
    })
}

/// One clause of `ALTER TABLE`.
pub(super) fn clause_deed(clause: &mut Words<'_>, table: &Name) -> Option<Deed> {
    let lose = |lost: Lost, what: String| {
        let table = Some(table.clone());
        Some(Deed::Lose { table, lost, what })
    };
    if clause.eat("TRUNCATE") {
        return lose(
            Lost::Rows,
            format!("deletes all rows of partitions of {table}"),
        );
    }
    if clause.eat("DISCARD") {
        return lose(Lost::Rows, format!("discards the rows of {table}"));
    }
    if clause.eat("SET") && clause.eat("SCHEMA") {
        let mut parts = clause.name()?.parts;
        parts.push(table.last().to_owned());
        let (from, to) = (table.clone(), Name { parts });
        return Some(Deed::Rename { from, to });
    }
    if clause.eat("RENAME") {
        let said = clause.eat_any(&["TO", "AS", "="]);
        let to = clause.name()?;
        // `RENAME a TO b` renames a column.
        let whole = said || clause.peek().is_none();
        let from = table.clone();
        return whole.then_some(Deed::Rename { from, to });
    }
    if !clause.eat("DROP") {
        return None;
    }
    if !clause.eat("COLUMN") {
        let other = clause
            .grammar
            .not_columns
            .iter()
            .find(|word| clause.sees(word));
        match other {
            Some(&"PARTITION") => return lose(Lost::Rows, format!("drops partitions of {table}")),
            Some(&"SYSTEM") => return lose(Lost::Other, format!("drops the history of {table}")),
            Some(_) => return None,
            None => {}
        }
    }
    clause.eat_if_exists();
    let column = clause.name()?;
    let lost = Lost::Column(column.last().to_owned());
    lose(lost, format!("drops the column {column} of {table}"))
}

pub(super) fn rename(words: &mut Words<'_>) -> Vec<Deed> {
    words.at += 1;
    if !words.eat_any(&["TABLE", "TABLES"]) {
        return Vec::new();
    }
    words.eat_if_exists();
    let pairs = words.clauses().into_iter().filter_map(|mut pair| {
        let from = pair.name()?;
        // MariaDB lets one say how long to wait.
        while pair.peek().is_some_and(|word| !word.is("TO")) {
            pair.at += 1;
        }
        pair.eat("TO");
        let to = pair.name()?;
        Some(Deed::Rename { from, to })
    });
    pairs.collect()
}

pub(super) fn truncate(words: &mut Words<'_>) -> Vec<Deed> {
    words.at += 1;
    words.eat("TABLE");
    let cascade = words.has("CASCADE");
    let also = if cascade {
        " and of every table that refers to it"
    } else {
        ""
    };
    let lose = |table| Deed::Lose {
        what: format!("deletes all rows of {table}{also}"),
        lost: Lost::Rows,
        table: Some(table),
    };
    words.names().into_iter().map(lose).collect()
}

/// A DELETE that nothing holds back, from the place of its verb.
fn delete(words: &mut Words<'_>) -> Option<Deed> {
    words.at += 1;
    let history = words.eat("HISTORY");
    while words.eat_any(&["LOW_PRIORITY", "QUICK", "IGNORE"]) {}
    if !words.eat("FROM") {
        return None;
    }
    words.eat("ONLY");
    let table = words.name()?;
    let mut depth = 0_usize;
    for word in words.rest() {
        match word.text {
            "(" => depth += 1,
            // The end of the parentheses that it stands in.
            ")" if depth == 0 => break,
            ")" => depth -= 1,
            _ if depth == 0 && word.is_one_of(&["WHERE", "USING", "JOIN"]) && !history => {
                return None;
            }
            _ => {}
        }
    }
    let (lost, what) = if history {
        (Lost::Other, format!("deletes the history of {table}"))
    } else {
        (Lost::Rows, format!("deletes all rows of {table}"))
    };
    let table = Some(table);
    Some(Deed::Lose { table, lost, what })
}

/// The DELETEs of a statement that begins with WITH.
fn deletes_inside(words: &mut Words<'_>) -> Vec<Deed> {
    let mut deeds = Vec::new();
    while let Some(word) = words.peek() {
        let at = words.at;
        if word.is("DELETE") {
            deeds.extend(delete(words));
        }
        words.at = at + 1;
    }
    deeds
}

/// The table of an INSERT, a REPLACE, an UPDATE of one table or a DELETE, from its verb on.
pub(super) fn written(words: &mut Words<'_>) -> Option<Name> {
    const BETWEEN: &[&str] = &[
        "LOW_PRIORITY",
        "HIGH_PRIORITY",
        "DELAYED",
        "QUICK",
        "IGNORE",
        "ONLY",
    ];
    let verb = words.next()?;
    if words.eat("OR") {
        words.at += 1;
    }
    while words.eat_any(BETWEEN) {}
    let led = words.eat_any(&["INTO", "FROM"]);
    words.eat("ONLY");
    if verb.is("DELETE") && !led {
        return None;
    }
    let table = words.name()?;
    // An UPDATE of several tables does not say here which of them it changes.
    let rest = words.rest().iter();
    let mut before_set = rest.take_while(|word| !word.is("SET"));
    let several = verb.is("UPDATE") && before_set.any(|word| word.is_one_of(&[",", "JOIN"]));
    (!several).then_some(table)
}

/// Whether a statement changes or deletes rows that were there, which no schema tells back.
#[must_use]
pub fn changes_rows(dialect: &dyn Dialect, sql: &str) -> bool {
    const CHANGING: &[&str] = &["UPDATE", "DELETE", "REPLACE", "MERGE", "TRUNCATE"];
    CHANGING.contains(&Words::of(dialect, sql).verb().as_str())
}
