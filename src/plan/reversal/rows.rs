//! Statements that write rows.

use super::{Found, Reversal, Reversals, copied};
use crate::dialect::statement::{other_database, written_table};
use crate::sql::lex::Kind;
use crate::sql::{Cursor, Name};

/// The verbs of statements that write rows.
pub(super) const WRITING: &[&str] = &[
    "INSERT", "REPLACE", "UPDATE", "DELETE", "MERGE", "TRUNCATE", "LOAD", "COPY", "IMPORT",
];

impl Reversals<'_> {
    /// A statement that writes rows, from its verb on.
    pub(super) fn rows(&mut self, verb: &str, words: Cursor<'_>, sql: &str) -> Found {
        if verb == "COPY" && !words.has("FROM") {
            return Found::Known(Reversal::Unneeded);
        }
        let tables = self.written(verb, &words);
        let did = did(verb, &words, &tables);
        if let Some(elsewhere) = other_database(self.dialect, sql, self.database) {
            return Found::Known(Reversal::Stays(elsewhere));
        }
        if inner_writes(&words) {
            // A WITH may write to other tables than its main statement.
            return Found::Known(Reversal::Stays(did));
        }
        if verb == "UPDATE"
            && let [table] = tables.as_slice()
        {
            let table = self.objects.object(table);
            if self.objects.is_temporary(table) || self.objects.is_gone(table) {
                let objects = vec![table];
                return Found::Objects { objects, did };
            }
            let columns = set_columns(words).unwrap_or_default();
            let columns = columns.iter().map(|name| self.objects.part(table, name));
            return Found::Columns {
                columns: columns.collect(),
                did,
            };
        }
        let copy = copied(self.dialect, sql).filter(|_| verb == "INSERT");
        if let Some((to, from)) = copy {
            let to = self.objects.object(&to);
            let from = from.iter().map(|name| self.objects.object(name)).collect();
            return Found::Copy { to, from, did };
        }
        let objects = tables.iter().map(|name| self.objects.object(name));
        Found::Objects {
            objects: objects.collect(),
            did,
        }
    }

    /// The tables that a statement writes to; none if its text does not show them.
    fn written(&self, verb: &str, words: &Cursor<'_>) -> Vec<Name> {
        let mut words = words.clone();
        let one = |name: Option<Name>| name.into_iter().collect();
        match verb {
            "TRUNCATE" => {
                words.next();
                words.eat("TABLE");
                if words.has("CASCADE") {
                    return Vec::new();
                }
                words.names()
            }
            "COPY" => {
                words.next();
                one(words.name())
            }
            "LOAD" | "IMPORT" | "MERGE" => {
                while words.next().is_some() {
                    if words.eat("INTO") {
                        words.eat("TABLE");
                        words.eat("ONLY");
                        return one(words.name());
                    }
                }
                Vec::new()
            }
            _ => one(written_table(&mut words)),
        }
    }
}

/// What a statement does to rows, as a predicate.
fn did(verb: &str, words: &Cursor<'_>, tables: &[Name]) -> String {
    let adds = matches!(verb, "INSERT" | "COPY" | "LOAD" | "IMPORT");
    let changes = words.has("DUPLICATE") || (words.has("CONFLICT") && words.has("UPDATE"));
    let replaces = verb == "INSERT" && words.sees_at(1, &["OR", "REPLACE"]);
    let (did, led) = match verb {
        _ if replaces => ("replaces rows", "of"),
        _ if adds && changes => ("inserts or changes rows", "of"),
        _ if adds => ("inserts rows", "into"),
        "REPLACE" => ("replaces rows", "of"),
        "DELETE" => ("deletes rows", "of"),
        "TRUNCATE" => ("deletes all rows", "of"),
        _ => ("changes rows", "of"),
    };
    match tables {
        [] => did.to_owned(),
        [table] => format!("{did} {led} {table}"),
        _ => {
            let tables: Vec<String> = tables.iter().map(Name::to_string).collect();
            format!("{did} {led} {}", tables.join(", "))
        }
    }
}

/// Whether the parts before the main statement write as well: `WITH gone AS (DELETE …) INSERT …`.
fn inner_writes(words: &Cursor<'_>) -> bool {
    let mut all = words.clone();
    if all.first() != "WITH" {
        return false;
    }
    all.rewind();
    let before = words.mark() - all.mark();
    let mut tokens = all.tokens().take(before);
    tokens.any(|token| token.is_one_of(&["INSERT", "UPDATE", "DELETE", "MERGE"]))
}

/// The columns that an UPDATE of one table sets, from its verb on; `None` if they cannot be told.
fn set_columns(mut words: Cursor<'_>) -> Option<Vec<String>> {
    const END: &[&str] = &["FROM", "WHERE", "ORDER", "LIMIT", "RETURNING"];
    while !words.sees("SET") {
        words.next()?;
    }
    words.next();
    let mut depth = 0_usize;
    let mut end = 0;
    for token in words.tokens() {
        match token.text {
            "(" => depth += 1,
            ")" => depth = depth.saturating_sub(1),
            _ if depth == 0 && token.is_one_of(END) => break,
            _ => {}
        }
        end += 1;
    }
    let assignments = words.filtered(|at, _| at < end);
    let mut columns = Vec::new();
    for mut assignment in assignments.clauses() {
        match assignment.group() {
            Some(group) => {
                for mut column in group.clauses() {
                    columns.push(column.name()?.last().to_owned());
                }
            }
            None => columns.push(assignment.name()?.last().to_owned()),
        }
        assignment.expect("=")?;
    }
    Some(columns)
}

/// Whether a text may change rows or run what is not known, by its words. The content of literals
/// counts.
pub(super) fn may_write(text: &str) -> bool {
    const WORDS: &[&str] = &[
        "insert", "update", "delete", "replace", "merge", "truncate", "copy", "load", "execute",
        "perform", "call", "grant", "revoke", "setval", "nextval",
    ];
    let mut before = "";
    let text = text.to_lowercase();
    let mut words = text.split(|sign: char| !sign.is_alphanumeric() && sign != '_');
    words.any(|word| {
        if word.is_empty() {
            return false;
        }
        // `ON DELETE CASCADE`, `BEFORE UPDATE`, `OR REPLACE`
        let harmless = matches!(before, "on" | "before" | "after" | "or" | "for" | "of");
        before = match word {
            "insert" => "insert",
            "on" | "before" | "after" | "or" | "for" | "of" => "on",
            _ => "",
        };
        WORDS.contains(&word) && !harmless
    })
}

/// The contents of a statement's literals.
pub(super) fn literals(words: &Cursor<'_>) -> Vec<String> {
    let texts = words.tokens().filter(|token| token.kind == Kind::Text);
    texts
        .map(|token| crate::sql::cursor::unquoted(token.text))
        .collect()
}
