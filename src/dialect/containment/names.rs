//! Qualified names: which of them lead to another database, and which name a database that has a
//! shadow and are replaced by the shadow's name.

use super::{Checker, Found, Reason, edits};
use crate::sql::Cursor;
use crate::sql::cursor::CodeToken;
use crate::sql::lex::Kind;

/// Words directly before the name of a table.
const BEFORE: &[&str] = &[
    "FROM",
    "JOIN",
    "STRAIGHT_JOIN",
    "INTO",
    "UPDATE",
    "TABLE",
    "TABLES",
    "VIEW",
    "REFERENCES",
    "CALL",
    "TRUNCATE",
    "DELETE",
    "INSERT",
    "REPLACE",
    "IGNORE",
    "LOW_PRIORITY",
    "HIGH_PRIORITY",
    "DELAYED",
    "QUICK",
    "ONLY",
    "HANDLER",
    "PROCEDURE",
    "FUNCTION",
    "TRIGGER",
    "EVENT",
    "SEQUENCE",
    "EXISTS",
    "TO",
    "DESCRIBE",
    "EXPLAIN",
    "USING",
    "RENAME",
    "PACKAGE",
    "BODY",
    "FOLLOWS",
    "PRECEDES",
    "REINDEX",
    "ANALYZE",
];
/// Words before a list of tables with commas between them.
const LISTS: &[&str] = &[
    "FROM",
    "JOIN",
    "STRAIGHT_JOIN",
    "UPDATE",
    "TABLE",
    "TABLES",
    "VIEW",
    "DELETE",
    "TRUNCATE",
    "USING",
    "TO",
    "EXISTS",
    "PROCEDURE",
    "FUNCTION",
    "EVENT",
    "SEQUENCE",
    "TRIGGER",
];
/// Words that end such a list.
const ENDS: &[&str] = &[
    "SELECT",
    "WHERE",
    "SET",
    "GROUP",
    "ORDER",
    "HAVING",
    "BY",
    "VALUES",
    "VALUE",
    "WHEN",
    "CASE",
    "LIMIT",
    "RETURNING",
    "WINDOW",
    "ADD",
    "MODIFY",
    "CHANGE",
    "DO",
    "CALL",
    "RETURN",
    "IF",
];
/// Functions in whose arguments FROM is followed by an expression.
const EXPRESSIONS: &[&str] = &["EXTRACT", "TRIM", "SUBSTRING", "SUBSTR", "MID", "OVERLAY"];
/// Functions whose argument is the name of a table.
const TAKING: &[&str] = &["NEXTVAL", "LASTVAL", "SETVAL"];
/// Aliases of rows in triggers and INSERT, also if a database has such a name.
const ROWS: &[&str] = &["new", "old", "excluded"];

/// Checks all names of a statement.
pub(crate) fn check(
    checker: Checker<'_>,
    code: &Cursor<'_>,
    found: &mut Found,
) -> Result<(), Reason> {
    let tables = tables(code);
    qualify(checker, code, found);
    let mut at = 0;
    while at < code.count() {
        let end = chain(code, at);
        if let Some(first) = code.get(at).filter(|_| end > at) {
            let is_table = tables.get(at).copied().unwrap_or(false);
            name(checker, code, first, (at, end), is_table, found)?;
        }
        at = end.max(at + 1);
    }
    catalog_strings(checker, code, found);
    Ok(())
}

/// The position behind the name, qualified or not, that begins at a position; the same position if
/// none begins there.
fn chain(code: &Cursor<'_>, at: usize) -> usize {
    // A text with a dot before or behind it can only be a name.
    let dotted = |at: usize| {
        let dot = |token: CodeToken<'_>| token.text == ".";
        code.get(at + 1).is_some_and(dot) || code.before(at).is_some_and(dot)
    };
    let is_name = |at: usize| {
        code.get(at).is_some_and(|token| {
            token.is_name() || token.kind == Kind::Text && token.text.starts_with('"') && dotted(at)
        })
    };
    let led = code
        .before(at)
        .is_some_and(|token| matches!(token.text, "@" | ":"));
    if !is_name(at) || led {
        return at;
    }
    let mut end = at + 1;
    while code.get(end).is_some_and(|token| token.text == ".") {
        let next = code.get(end + 1);
        match next {
            Some(token) if is_name(end + 1) || token.text == "*" => end += 2,
            _ => break,
        }
    }
    end
}

fn name(
    checker: Checker<'_>,
    code: &Cursor<'_>,
    first: CodeToken<'_>,
    (at, end): (usize, usize),
    is_table: bool,
    found: &mut Found,
) -> Result<(), Reason> {
    let (scope, grammar) = (checker.scope, &checker.dialect.syntax().grammar);
    let parts = (end - at).div_ceil(2);
    database(checker, code, at, found)?;
    written_to_all(checker, code, (at, end))?;
    let name = first.folded();
    let called = code.get(end).is_some_and(|token| token.text == "(");
    let shadow = scope.shadow_of(&name);
    let is_other = shadow.is_none()
        && scope
            .others
            .iter()
            .any(|other| other.to_lowercase() == name);
    let certain = match grammar.parts {
        // One part more than a table has.
        3 => {
            let schema = code.get(at + 2).map(|token| token.folded());
            let own = parts > 2 && schema.is_some() && schema == scope.schema;
            if !(own || parts > 2 && is_table) {
                return Ok(());
            }
            true
        }
        _ if parts < 2 => return Ok(()),
        _ => is_table || called || parts > 2,
    };
    if shadow.is_none() && !is_other || grammar.own.contains(&name.as_str()) {
        return Ok(());
    }
    let last = end.checked_sub(1).and_then(|last| code.get(last));
    let all_columns = parts < 3 && last.is_some_and(|last| last.text == "*");
    let alias = ROWS.contains(&name.as_str()) || is_bare(code, &name);
    if all_columns || !certain && alias {
        return Ok(());
    }
    match shadow {
        Some(shadow) => {
            let syntax = checker.dialect.syntax();
            found.edits.push(edits::renamed(&first, syntax, shadow));
            Ok(())
        }
        None => Err((format!("names another database, `{name}`"), true)),
    }
}

/// Whether a name is also used without dots: then it is an alias, a table or a variable.
fn is_bare(code: &Cursor<'_>, name: &str) -> bool {
    let dot = |at: Option<CodeToken<'_>>| at.is_some_and(|token| token.text == ".");
    (0..code.count()).any(|at| {
        let bare = !dot(code.get(at + 1)) && !dot(code.before(at));
        bare && code
            .get(at)
            .is_some_and(|token| token.is_name() && token.folded() == name)
    })
}

/// Checks `ALTER DATABASE x`, `GRANT … ON DATABASE x` and `COMMENT ON DATABASE x`.
fn database(
    checker: Checker<'_>,
    code: &Cursor<'_>,
    at: usize,
    found: &mut Found,
) -> Result<(), Reason> {
    let grammar = &checker.dialect.syntax().grammar;
    let (Some(token), Some(before)) = (code.get(at), code.before(at)) else {
        return Ok(());
    };
    let schema = grammar.schema_is_database && before.is("SCHEMA");
    let chosen = code.sees_at(0, &["USE"]) && at == 1;
    let leads = (code.sees_at(0, &["ALTER"]) || code.sees_at(0, &["REINDEX"])) && at == 2
        || at
            .checked_sub(2)
            .is_some_and(|on| code.sees_at(on, &["ON"]));
    if !chosen && (!leads || !(before.is_one_of(&["DATABASE", "SYSTEM"]) || schema)) {
        return Ok(());
    }
    // The words behind DATABASE if it means the database in use.
    const OPTIONS: &[&str] = &[
        "CHARACTER",
        "CHARSET",
        "COLLATE",
        "DEFAULT",
        "COMMENT",
        "READ",
    ];
    let name = token.folded();
    if name == checker.scope.own.to_lowercase() {
        found.edits.push(edits::renamed(
            &token,
            checker.dialect.syntax(),
            &checker.scope.shadow,
        ));
        return Ok(());
    }
    let named = token.kind == Kind::QuotedName || !token.is_one_of(OPTIONS);
    if named && name != checker.scope.shadow.to_lowercase() {
        Err((format!("names another database, `{name}`"), true))
    } else {
        Ok(())
    }
}

/// Rejects writes to tables that all databases share.
fn written_to_all(
    checker: Checker<'_>,
    code: &Cursor<'_>,
    (at, end): (usize, usize),
) -> Result<(), Reason> {
    const WRITES: &[&str] = &["UPDATE", "INTO", "TRUNCATE", "TABLE", "ONLY"];
    let last = end.checked_sub(1).and_then(|last| code.get(last));
    let name = last.map(|last| last.folded()).unwrap_or_default();
    let before = code.before(at);
    let deletes = at
        .checked_sub(2)
        .is_some_and(|from| code.sees_at(from, &["DELETE", "FROM"]));
    let writes = before.is_some_and(|before| before.is_one_of(WRITES)) || deletes;
    if writes && checker.rules.shared.contains(&name.as_str()) {
        Err((
            format!("writes to `{name}`, which all databases of the server share"),
            false,
        ))
    } else {
        Ok(())
    }
}

/// Qualifies an unqualified name that could also mean an object of the whole server.
fn qualify(checker: Checker<'_>, code: &Cursor<'_>, found: &mut Found) {
    let Some((verb, kind)) = checker.rules.qualified else {
        return;
    };
    if !code.sees_at(0, &[verb, kind]) || checker.scope.shadow.is_empty() {
        return;
    }
    let exists = code.sees_at(2, &["IF", "EXISTS"]);
    let at = if exists { 4 } else { 2 };
    let alone = chain(code, at) == at + 1;
    if let Some(token) = code.get(at).filter(|_| alone) {
        let qualifier = format!("{}.", checker.dialect.quote(&checker.scope.shadow));
        found.edits.push((token.start, token.start, qualifier));
    }
}

/// Replaces the names of databases that have shadows in the strings of queries on the server's catalogs.
fn catalog_strings(checker: Checker<'_>, code: &Cursor<'_>, found: &mut Found) {
    let scope = checker.scope;
    let names_schema = |token: &CodeToken<'_>| {
        token.is_name() && checker.rules.catalogs.contains(&token.folded().as_str())
    };
    if scope.own.is_empty() || !code.tokens().any(|token| names_schema(&token)) {
        return;
    }
    let all = code.tokens().enumerate();
    for (at, token) in all.filter(|(_, token)| token.kind == Kind::Text) {
        let shadow = scope.shadow_of(&super::literal(token.text).to_lowercase());
        let compared = at.checked_sub(2).filter(|_| {
            code.before(at)
                .is_some_and(|before| matches!(before.text, "=" | ">" | "("))
        });
        let behind = compared.map(|from| from.saturating_sub(2)..from + 1);
        let of_schema = behind.is_some_and(|mut behind| {
            behind.any(|at| {
                let name = code.get(at).map(|token| token.folded()).unwrap_or_default();
                ["_schema", "_catalog", "schema_name", "datname"]
                    .iter()
                    .any(|end| name.ends_with(end))
            })
        });
        if let (Some(shadow), true) = (shadow, of_schema)
            && let Ok(text) = checker.dialect.text(shadow)
        {
            found.edits.push((token.start, token.end, text));
        }
    }
}

/// An open parenthesis, or the statement itself.
#[derive(Clone, Copy)]
struct Level {
    /// A comma is followed by a table.
    list: bool,
    /// FROM is followed by an expression.
    expression: bool,
}

/// For each token whether it is certainly the name of a table.
fn tables(code: &Cursor<'_>) -> Vec<bool> {
    let outer = Level {
        list: false,
        expression: false,
    };
    let mut levels = vec![outer];
    let mut all = Vec::with_capacity(code.count());
    let on = first_on(code);
    // Whether a table comes next.
    let mut next = false;
    for (at, token) in code.tokens().enumerate() {
        let here = std::mem::take(&mut next);
        let level = levels.last().copied().unwrap_or(outer);
        let after_dot = code.before(at).is_some_and(|before| before.text == ".");
        let before_dot = code.get(at + 1).is_some_and(|next| next.text == ".");
        all.push(here && token.is_name());
        if after_dot || before_dot || token.kind == Kind::QuotedName {
            continue;
        }
        match token.text {
            "(" => {
                let function = code.before(at);
                let taking = function.is_some_and(|it| it.is_one_of(TAKING));
                next = here || taking;
                let expression = function.is_some_and(|it| it.is_one_of(EXPRESSIONS));
                levels.push(Level {
                    list: here,
                    expression,
                });
            }
            ")" => {
                levels.pop();
                if levels.is_empty() {
                    levels.push(outer);
                }
            }
            ";" => levels = vec![outer],
            "," => next = level.list,
            _ => {
                let (is_table, is_list) = leads(code, at, token, (level, on));
                next = is_table || here && passes(&token);
                if let (Some(list), Some(level)) = (is_list, levels.last_mut()) {
                    level.list = list;
                }
            }
        }
    }
    all
}

/// Whether a word is allowed between a word of [`BEFORE`] and the table.
fn passes(token: &CodeToken<'_>) -> bool {
    token.is_one_of(&["IF", "NOT", "LATERAL", "CONCURRENTLY"])
}

/// Whether a table follows this word, and what a comma means from there on.
fn leads(
    code: &Cursor<'_>,
    at: usize,
    token: CodeToken<'_>,
    (level, on): (Level, Option<usize>),
) -> (bool, Option<bool>) {
    let before = |word: &str| code.before(at).is_some_and(|before| before.is(word));
    if token.is("ON") && on == Some(at) {
        return (true, Some(false));
    }
    // `NEXT VALUE FOR s`, `CREATE TABLE t LIKE u`.
    if token.is("FOR") && before("VALUE") || token.is("LIKE") && is_copy(code, at) {
        return (true, None);
    }
    // `ON DUPLICATE KEY UPDATE a.x = 1`, `SELECT … FOR UPDATE`.
    if token.is("UPDATE") && (before("KEY") || before("FOR") || before("ON")) {
        return (false, Some(false));
    }
    let word = |words: &[&str]| token.is_one_of(words);
    if token.is("FROM") && level.expression || token.is("TO") && before("SYSTEM_TIME") {
        return (false, None);
    }
    if word(BEFORE) {
        // A function of the same name, or `IGNORE INDEX`.
        let called = code.get(at + 1).is_some_and(|next| next.text == "(");
        let is_function = called && word(&["INSERT", "REPLACE", "TRUNCATE", "VALUES"]);
        return if is_function {
            (false, None)
        } else {
            (true, Some(word(LISTS)).filter(|list| *list))
        };
    }
    if word(ENDS) {
        (false, Some(false))
    } else {
        (false, None)
    }
}

/// The position of the ON before the table of an index or a trigger. Other ONs precede a condition.
fn first_on(code: &Cursor<'_>) -> Option<usize> {
    let head = (0..8).filter_map(|at| code.get(at));
    let of_table = |token: CodeToken<'_>| token.is_one_of(&["INDEX", "TRIGGER", "POLICY", "RULE"]);
    let begins = code.get(0)?.is_one_of(&["CREATE", "DROP", "ALTER"]);
    let of_table = begins && head.into_iter().any(of_table);
    let first = || (0..code.count()).find(|at| code.sees_at(*at, &["ON"]));
    of_table.then(first).flatten()
}

/// Whether the LIKE at a position follows the name of a new table.
fn is_copy(code: &Cursor<'_>, at: usize) -> bool {
    let mut between = (0..at).rev().filter_map(|at| code.get(at));
    let stop = between.find(|token| {
        !token.is("(") && token.text != "." && (token.is("TABLE") || !token.is_name())
    });
    stop.is_some_and(|token| token.is("TABLE")) && code.sees_at(0, &["CREATE"])
}
