//! Statements that change rows: TRUNCATE, DELETE, copies of rows, and the table that is written.

use super::definition;
use super::{Detail, RowCopy, StatementEffect};
use crate::dialect::Dialect;
use crate::sql::cursor::{CodeToken, unquoted};
use crate::sql::lex::Kind;
use crate::sql::{Cursor, Name};

/// The copy of rows by a statement.
#[must_use]
pub fn row_copy(dialect: &dyn Dialect, sql: &str) -> Option<RowCopy> {
    copied(Cursor::new(dialect.syntax(), sql))
}

pub(super) fn copied(mut words: Cursor<'_>) -> Option<RowCopy> {
    let to = match words.verb().as_str() {
        "INSERT" | "REPLACE" => written_table(&mut words)?,
        "CREATE" => definition::create(&mut words, Detail::Tables)?.name,
        _ => return None,
    };
    // A source may precede the target: `WITH x AS (SELECT … FROM y) INSERT …`.
    if words.first() == "WITH" {
        words.rewind();
    }
    let mut from = Vec::new();
    while let Some(word) = words.next() {
        if word.is_one_of(&["FROM", "JOIN", "TABLE"]) {
            while words.eat("(") {}
            from.extend(words.name());
        }
    }
    (!from.is_empty()).then_some(RowCopy { to, from })
}

/// The effects of a TRUNCATE, from its verb on.
pub(super) fn truncate(words: &mut Cursor<'_>) -> Vec<StatementEffect> {
    words.next();
    words.eat("TABLE");
    let also = if words.has("CASCADE") {
        " and of every table that refers to it"
    } else {
        ""
    };
    let delete = |table| StatementEffect::DeleteRows {
        what: format!("deletes all rows of {table}{also}"),
        table,
    };
    words.names().into_iter().map(delete).collect()
}

/// The effect of a DELETE without a condition, from its verb on.
pub(super) fn delete(words: &mut Cursor<'_>) -> Option<StatementEffect> {
    words.next();
    let history = words.eat("HISTORY");
    while words.eat_any(&["LOW_PRIORITY", "QUICK", "IGNORE"]) {}
    words.eat("FROM").then_some(())?;
    words.eat("ONLY");
    let table = words.name()?;
    if history {
        let what = format!("deletes the history of {table}");
        let table = Some(table);
        return Some(StatementEffect::LoseData { table, what });
    }
    let mut depth = 0_usize;
    for word in words.tokens() {
        match word.text {
            "(" => depth += 1,
            // The end of the parentheses around the DELETE.
            ")" if depth == 0 => break,
            ")" => depth -= 1,
            _ if depth == 0 && word.is_one_of(&["WHERE", "USING", "JOIN"]) => return None,
            _ => {}
        }
    }
    let what = format!("deletes all rows of {table}");
    Some(StatementEffect::DeleteRows { table, what })
}

/// The effects of the DELETEs in a statement that begins with WITH.
pub(super) fn deletes_inside(words: &mut Cursor<'_>) -> Vec<StatementEffect> {
    let mut effects = Vec::new();
    while let Some(word) = words.peek() {
        let mark = words.mark();
        if word.is("DELETE") {
            effects.extend(delete(words));
        }
        words.back_to(mark + 1);
    }
    effects
}

/// The table of an INSERT, a REPLACE, an UPDATE of one table or a DELETE, from its verb on.
pub fn written_table(words: &mut Cursor<'_>) -> Option<Name> {
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
        words.next();
    }
    while words.eat_any(BETWEEN) {}
    let led = words.eat_any(&["INTO", "FROM"]);
    words.eat("ONLY");
    if verb.is("DELETE") && !led {
        return None;
    }
    let table = words.name()?;
    // The list of tables of an UPDATE does not show which of them it changes.
    let rest = words.tokens();
    let mut before_set = rest.take_while(|word| !word.is("SET"));
    let several = verb.is("UPDATE") && before_set.any(|word| word.is_one_of(&[",", "JOIN"]));
    (!several).then_some(table)
}

/// Whether a statement changes or deletes existing rows, which no schema can bring back.
#[must_use]
pub fn changes_rows(dialect: &dyn Dialect, sql: &str) -> bool {
    const CHANGING: &[&str] = &["UPDATE", "DELETE", "REPLACE", "MERGE", "TRUNCATE"];
    CHANGING.contains(&Cursor::head(dialect.syntax(), sql).verb().as_str())
}

/// A routine of a database, as far as the statements that run it are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Routine {
    /// In lower case.
    pub name: String,
    /// Whether it may create, change or drop objects.
    pub defines: bool,
}

/// Whether a statement may be one about rows, by its first words.
#[must_use]
pub fn may_handle_rows(dialect: &dyn Dialect, sql: &str) -> bool {
    const VERBS: &[&str] = &[
        "INSERT", "REPLACE", "UPDATE", "DELETE", "MERGE", "TRUNCATE", "COPY", "LOAD", "SELECT",
        "WITH", "VALUES", "TABLE", "CALL", "DO", "(",
    ];
    VERBS.contains(&Cursor::cut(dialect.syntax(), sql, 1).first().as_str())
}

/// Whether a statement reads or changes rows and nothing else: no schema depends on it.
#[must_use]
pub fn handles_rows(dialect: &dyn Dialect, sql: &str, routines: &[Routine]) -> bool {
    const DEFINING: &[&str] = &[
        "CREATE", "ALTER", "DROP", "COMMENT", "GRANT", "REVOKE", "EXECUTE", "RENAME",
    ];
    let defines = |token: CodeToken<'_>| {
        let name = token.folded();
        let mut routines = routines.iter();
        token.is_name() && routines.any(|routine| routine.defines && routine.name == name)
    };
    let code = Cursor::new(dialect.syntax(), sql);
    if !may_handle_rows(dialect, sql) || code.tokens().any(defines) {
        return false;
    }
    match code.first().as_str() {
        "CALL" => code.tokens().any(|token| {
            let name = token.folded();
            routines.iter().any(|routine| routine.name == name)
        }),
        "DO" => {
            let mut texts = code.tokens().filter(|token| token.kind == Kind::Text);
            texts.all(|token| {
                let body = match token
                    .text
                    .strip_prefix('$')
                    .and_then(|it| it.split_once('$'))
                {
                    Some((_, body)) => body.to_owned(),
                    None => unquoted(token.text),
                };
                let body = Cursor::new(dialect.syntax(), &body);
                !body
                    .tokens()
                    .any(|word| word.is_one_of(DEFINING) || defines(word))
            })
        }
        // `SELECT … INTO t` creates a table; behind another INTO stands a variable or a file.
        "SELECT" | "WITH" | "(" => {
            let mut at = 1..code.count();
            !at.any(|at| {
                let before = code.before(at);
                code.sees_at(at, &["INTO"])
                    && !before.is_some_and(|it| it.is_one_of(&["INSERT", "REPLACE", "MERGE"]))
                    && !code.get(at + 1).is_some_and(|next| {
                        next.text.starts_with('@') || next.is_one_of(&["OUTFILE", "DUMPFILE"])
                    })
            })
        }
        _ => true,
    }
}
