//! Which database a statement writes to, told from its words.

use super::Dialect;
use super::deeds::{Deed, clause_deed, rename, truncate, written};
use crate::sql::cursor::{Name, Words};

/// Which other database a statement writes to, in words; `database` is the one in use.
#[must_use]
pub fn elsewhere(dialect: &dyn Dialect, sql: &str, database: &str) -> Option<String> {
    let grammar = dialect.grammar();
    let mut words = Words::of(dialect, sql);
    let first = words.first();
    if grammar.attaching.contains(&first.as_str()) {
        return Some(format!("has {first}, which is about another database"));
    }
    let other = |name: &str| name != database && !grammar.own.contains(&name);
    let (databases, targets) = targets(&mut words, &first);
    let named = targets
        .iter()
        .filter(|name| name.parts.len() == grammar.parts);
    let named = named.filter_map(|name| name.parts.first());
    let found = databases
        .iter()
        .map(Name::last)
        .chain(named.map(String::as_str));
    let found = found.into_iter().find(|name| other(name))?;
    Some(format!("writes to another database, `{found}`"))
}

/// The databases that a statement makes, changes or drops, and the other objects.
fn targets(words: &mut Words<'_>, first: &str) -> (Vec<Name>, Vec<Name>) {
    let none = Vec::new;
    match first {
        "CREATE" | "ALTER" | "DROP" => defined(words, first == "DROP"),
        "RENAME" | "TRUNCATE" => {
            let deeds = match first {
                "RENAME" => rename(words),
                _ => truncate(words),
            };
            let names = deeds.into_iter().flat_map(|deed| match deed {
                Deed::Rename { from, to } => vec![from, to],
                Deed::Lose { table, .. } => table.into_iter().collect(),
                _ => Vec::new(),
            });
            (none(), names.collect())
        }
        _ => {
            let verb = words.verb();
            let writes = ["INSERT", "REPLACE", "UPDATE", "DELETE"].contains(&verb.as_str());
            let table = writes.then(|| written(words)).flatten();
            (none(), table.into_iter().collect())
        }
    }
}

/// The names behind the kind of object in a CREATE, an ALTER or a DROP.
fn defined(words: &mut Words<'_>, list: bool) -> (Vec<Name>, Vec<Name>) {
    const KINDS: &[&str] = &[
        "TABLE",
        "TABLES",
        "VIEW",
        "INDEX",
        "TRIGGER",
        "PROCEDURE",
        "FUNCTION",
        "EVENT",
        "SEQUENCE",
        "TYPE",
        "DOMAIN",
        "PACKAGE",
    ];
    words.at += 1;
    let kind = loop {
        let Some(word) = words.next() else {
            return (Vec::new(), Vec::new());
        };
        let database = word.is("DATABASE") || word.is("SCHEMA") && words.grammar.schema_is_database;
        if database {
            words.eat_if_exists();
            return (words.name().into_iter().collect(), Vec::new());
        }
        if word.is_one_of(KINDS) {
            break word;
        }
        // What these words begin has no kind that counts.
        if word.is_one_of(&["USER", "ROLE", "SERVER", "AS", "ON", "("]) {
            return (Vec::new(), Vec::new());
        }
        // The value of an option, such as `DEFINER = user@host`.
        if word.is_one_of(&["=", "@"]) {
            words.at += 1;
        }
    };
    words.eat("BODY");
    words.eat("CONCURRENTLY");
    words.eat_if_exists();
    let mut names = if list {
        words.names()
    } else {
        words.eat("ONLY");
        let nameless = kind.is("INDEX") && words.sees("ON");
        let name = if nameless { None } else { words.name() };
        name.into_iter().collect()
    };
    if kind.is("INDEX") || kind.is("TRIGGER") {
        while let Some(word) = words.next() {
            if word.is("ON") {
                words.eat("ONLY");
                names.extend(words.name());
                break;
            }
        }
    } else if kind.is("TABLE")
        && let Some(table) = names.first().cloned()
    {
        for mut clause in words.clauses() {
            if let Some(Deed::Rename { to, .. }) = clause_deed(&mut clause, &table) {
                names.push(to);
            }
        }
    }
    (Vec::new(), names)
}
