//! Statements inside statements: the bodies of routines, and dynamic SQL.

use super::{Checker, DYNAMIC, Found, Reason, edits, literal};
use crate::sql::Cursor;
use crate::sql::cursor::CodeToken;
use crate::sql::lex::Kind;

/// The kind of dynamic SQL of an engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dynamic {
    /// `PREPARE s FROM text`, `EXECUTE IMMEDIATE text`: a query can return the text before.
    Prepared,
    /// `EXECUTE text` in a body that is itself a text.
    InBodies,
}

/// Words and signs directly before a statement in a body.
const FRESH: &[&str] = &[
    ";",
    "BEGIN",
    "ATOMIC",
    "THEN",
    "ELSE",
    "DO",
    "LOOP",
    "REPEAT",
    "ROW",
    ":",
    ")",
    "DETERMINISTIC",
    "DATA",
    "SQL",
    "DEFINER",
    "INVOKER",
    "ENABLE",
    "DISABLE",
    "PRESERVE",
    "SQLEXCEPTION",
    "SQLWARNING",
    "FOUND",
    "FOR",
    "ALSO",
    "INSTEAD",
    "ANALYZE",
    "EXPLAIN",
    "AS",
    "STATEMENT",
    ">",
];
/// Kinds of objects whose statements contain statements.
const PROGRAMS: &[&str] = &[
    "PROCEDURE",
    "FUNCTION",
    "TRIGGER",
    "EVENT",
    "PACKAGE",
    "RULE",
    "SCHEMA",
];

/// Whether a statement contains others.
pub(crate) fn is_program(code: &Cursor<'_>) -> bool {
    const BLOCKS: &[&str] = &[
        "BEGIN", "IF", "WHILE", "LOOP", "REPEAT", "FOR", "CASE", "EXPLAIN", "ANALYZE", "DESCRIBE",
    ];
    let Some(first) = code.get(0) else {
        return false;
    };
    if first.is_one_of(BLOCKS) || code.sees_at(0, &["SET", "STATEMENT"]) {
        return true;
    }
    let mut head = (1..16).map_while(|at| code.get(at).filter(|token| token.text != "("));
    first.is_one_of(&["CREATE", "ALTER"]) && head.any(|token| token.is_one_of(PROGRAMS))
}

/// Whether a statement of a body may begin at a position.
pub(crate) fn begins(code: &Cursor<'_>, at: usize) -> bool {
    code.before(at)
        .is_some_and(|before| before.is_one_of(FRESH) || before.kind == Kind::Text)
}

/// Whether a statement creates or changes an object of this kind.
pub(crate) fn is_made(code: &Cursor<'_>, kind: &str) -> bool {
    let mut head = (1..16).map_while(|at| code.get(at).filter(|token| token.text != "("));
    let first = code.get(0);
    first.is_some_and(|first| first.is_one_of(&["CREATE", "ALTER"])) && head.any(|it| it.is(kind))
}

/// Whether a policy is created or changed at a position.
pub(crate) fn is_policy(code: &Cursor<'_>, at: usize) -> bool {
    code.sees_at(at, &["CREATE", "POLICY"]) || code.sees_at(at, &["ALTER", "POLICY"])
}

/// Whether the name at a position is that of the routine which the statement is about.
pub(crate) fn is_routines(code: &Cursor<'_>, mut at: usize) -> bool {
    while code
        .before(at)
        .is_some_and(|before| before.is_one_of(&["IF", "NOT", "EXISTS"]))
    {
        at -= 1;
    }
    code.before(at)
        .is_some_and(|before| before.is_one_of(&["FUNCTION", "PROCEDURE", "ROUTINE"]))
}

/// The name of the routine that a statement creates.
pub(crate) fn routine(code: &Cursor<'_>) -> Option<String> {
    const OTHERS: &[&str] = &[
        "TRIGGER", "EVENT", "TABLE", "VIEW", "RULE", "INDEX", "AS", "ON",
    ];
    code.get(0).filter(|first| first.is("CREATE"))?;
    let is_kind = |token: &CodeToken<'_>| token.is_one_of(&["PROCEDURE", "FUNCTION"]);
    let mut head = 1..16;
    let at = head.find(|at| {
        let token = code.get(*at);
        token.is_some_and(|token| is_kind(&token) || token.is_one_of(OTHERS))
    })?;
    code.get(at).filter(is_kind)?;
    last_of(code, at + 1)
}

/// The name of the object that a CREATE creates or an ATTACH opens.
pub(crate) fn made(code: &Cursor<'_>) -> Option<String> {
    const KINDS: &[&str] = &[
        "TABLE",
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
        "SERVER",
        "ROLE",
        "USER",
        "EXTENSION",
        "SCHEMA",
        "DATABASE",
        "WRAPPER",
        "TABLESPACE",
        "GROUP",
        "SUBSCRIPTION",
        "AGGREGATE",
        "AS",
    ];
    let first = code.get(0)?;
    if first.is("PREPARE") {
        return last_of(code, 1);
    }
    let attaches = first.is("ATTACH");
    if !attaches && !first.is("CREATE") {
        return None;
    }
    let is_kind = |at: &usize| {
        let token = code.get(*at);
        if attaches {
            token.is_some_and(|token| token.is("AS"))
        } else {
            token.is_some_and(|token| token.is_one_of(KINDS))
        }
    };
    let at = (1..24.min(code.count())).find(is_kind)?;
    last_of(code, at + 1)
}

/// The last part of the name at a position, behind `IF NOT EXISTS` and similar words.
fn last_of(code: &Cursor<'_>, mut at: usize) -> Option<String> {
    while code
        .get(at)?
        .is_one_of(&["IF", "NOT", "EXISTS", "CONCURRENTLY", "BODY"])
    {
        at += 1;
    }
    while code.get(at + 1).is_some_and(|token| token.text == ".") {
        at += 2;
    }
    let token = code.get(at)?;
    (token.is_name() || token.kind == Kind::Text).then(|| match token.kind {
        Kind::Text => literal(token.text).to_lowercase(),
        _ => token.folded(),
    })
}

/// Checks the dynamic SQL in a statement.
pub(crate) fn nested(
    checker: Checker<'_>,
    code: &Cursor<'_>,
    body: bool,
    found: &mut Found,
) -> Result<(), Reason> {
    match checker.rules.dynamic {
        Some(Dynamic::Prepared) => prepared(checker, code, found),
        Some(Dynamic::InBodies) => {
            if body {
                executed(checker, code, found)?;
            }
            texts(checker, code, found)
        }
        None => Ok(()),
    }
}

/// Checks `PREPARE s FROM text` and `EXECUTE IMMEDIATE text`.
fn prepared(checker: Checker<'_>, code: &Cursor<'_>, found: &mut Found) -> Result<(), Reason> {
    for at in 0..code.count() {
        let from = match () {
            () if code.sees_at(at, &["EXECUTE", "IMMEDIATE"]) => at + 2,
            () if code.sees_at(at, &["PREPARE"]) && code.sees_at(at + 2, &["FROM"]) => at + 3,
            () => continue,
        };
        let end = (from..edits::statement_end(code, at)).find(|at| code.sees_at(*at, &["USING"]));
        let end = end.unwrap_or(edits::statement_end(code, at));
        match (code.get(from), end - from) {
            (Some(text), 1) if text.kind == Kind::Text => {
                text_of(checker, &literal(text.text)).map_err(|(why, it)| (why, it || at > 0))?;
            }
            // A query returns the text that a statement outside of bodies is going to run.
            _ if at == 0 => found.question = Some(format!("SELECT {}", code.source_of(from..end))),
            _ => found.dynamic_sql = true,
        }
    }
    Ok(())
}

/// Checks a text that is run unchanged: nothing in it can be replaced.
fn text_of(checker: Checker<'_>, text: &str) -> Result<(), Reason> {
    let mut found = Found::default();
    let code = Cursor::without_numbers(checker.dialect.syntax(), text);
    checker.statement(&code, false, &mut found)?;
    match &found {
        found if !found.edits.is_empty() => Err((names_a_database(text, found), true)),
        found if found.question.is_some() || found.dynamic_sql => Err((DYNAMIC.to_owned(), true)),
        _ => Ok(()),
    }
}

/// The reason not to run a text in which the name of a database would have to be replaced.
fn names_a_database(text: &str, found: &Found) -> String {
    let first = found.edits.iter().min();
    let name = first.and_then(|(start, end, _)| text.get(*start..*end));
    let name = name.unwrap_or_default().trim_matches(['\'', '"', '`']);
    format!("runs dynamic SQL that names the database `{name}`")
}

/// Checks the bodies that a statement contains as literals.
fn texts(checker: Checker<'_>, code: &Cursor<'_>, found: &mut Found) -> Result<(), Reason> {
    let does = code.sees_at(0, &["DO"]);
    if !does && routine(code).is_none() {
        return Ok(());
    }
    let language = (0..code.count()).find(|at| code.sees_at(*at, &["LANGUAGE"]));
    let language = language.and_then(|at| code.get(at + 1));
    let language = language.map(|token| edits::bare(&token).to_lowercase());
    if let Some(language) = &language
        && checker.rules.untrusted.contains(&language.as_str())
    {
        let why = format!("contains code in {language}, whose effects bird does not know");
        return Err((why, true));
    }
    let all = code.tokens().enumerate();
    for (at, token) in all.filter(|(_, token)| token.kind == Kind::Text) {
        let before = code.before(at);
        if !before.is_some_and(|before| {
            before.is_one_of(&["AS", "DO"]) || does && before.kind == Kind::Word
        }) {
            continue;
        }
        if language
            .as_ref()
            .is_some_and(|language| !["sql", "plpgsql"].contains(&language.as_str()))
        {
            found.dynamic_sql = true;
            continue;
        }
        inner(checker, &token, found)?;
    }
    Ok(())
}

fn inner(checker: Checker<'_>, token: &CodeToken<'_>, found: &mut Found) -> Result<(), Reason> {
    let tag = token.text.starts_with('$').then(|| {
        let rest = token.text.get(1..).unwrap_or_default();
        rest.find('$').map_or(0, |at| at + 2)
    });
    let (text, shift) = match tag {
        Some(tag) => {
            let end = token.text.len().saturating_sub(tag);
            let text = token.text.get(tag..end).unwrap_or_default();
            (text.to_owned(), Some(token.start + tag))
        }
        None => (literal(token.text), None),
    };
    let mut inside = Found::default();
    checker
        .statement(
            &Cursor::without_numbers(checker.dialect.syntax(), &text),
            true,
            &mut inside,
        )
        .map_err(|(why, _)| (why, true))?;
    found.dynamic_sql |= inside.dynamic_sql;
    match shift {
        Some(shift) => {
            let edits = inside.edits.into_iter();
            let shifted = edits.map(|(start, end, text)| (start + shift, end + shift, text));
            found.edits.extend(shifted);
        }
        None if !inside.edits.is_empty() => {
            return Err((names_a_database(&text, &inside), true));
        }
        None => {}
    }
    Ok(())
}

/// Beginnings of dynamic SQL that stay inside, whatever name is appended at run time.
const PLAIN: &[&[&str]] = &[
    &["ALTER", "TABLE"],
    &["ALTER", "INDEX"],
    &["ALTER", "SEQUENCE"],
    &["ALTER", "VIEW"],
    &["ALTER", "TYPE"],
    &["COMMENT", "ON", "COLUMN"],
    &["COMMENT", "ON", "TABLE"],
    &["CREATE", "INDEX"],
    &["CREATE", "SEQUENCE"],
    &["CREATE", "SCHEMA"],
    &["CREATE", "TABLE"],
    &["CREATE", "TRIGGER"],
    &["CREATE", "UNIQUE", "INDEX"],
    &["CREATE", "VIEW"],
    &["CREATE", "OR", "REPLACE", "VIEW"],
    &["CREATE", "POLICY"],
    &["DELETE", "FROM"],
    &["DROP", "INDEX"],
    &["DROP", "POLICY"],
    &["DROP", "SCHEMA"],
    &["DROP", "SEQUENCE"],
    &["DROP", "TABLE"],
    &["DROP", "TRIGGER"],
    &["DROP", "TYPE"],
    &["DROP", "VIEW"],
    &["INSERT", "INTO"],
    &["REFRESH", "MATERIALIZED", "VIEW"],
    &["SELECT"],
    &["TRUNCATE"],
    &["UPDATE"],
];

/// Checks `EXECUTE text` in a body. The beginning of the text shows what it does.
fn executed(checker: Checker<'_>, code: &Cursor<'_>, found: &mut Found) -> Result<(), Reason> {
    for at in 0..code.count() {
        // `FOR EACH ROW EXECUTE FUNCTION f()` and the privilege run no text.
        let next = code.get(at + 1);
        let other = next.is_none_or(|next| next.is_one_of(&["FUNCTION", "PROCEDURE", "ON"]));
        if !code.sees_at(at, &["EXECUTE"]) || other {
            continue;
        }
        let end = edits::statement_end(code, at);
        let stop = (at + 1..end).find(|at| {
            code.get(*at)
                .is_some_and(|token| token.is_one_of(&["INTO", "USING", "LOOP"]))
        });
        let expression = at + 1..stop.unwrap_or(end);
        let literals = expression
            .clone()
            .filter_map(|at| code.get(at).filter(|token| token.kind == Kind::Text));
        let literals: Vec<CodeToken<'_>> = literals.collect();
        for text in &literals {
            text_of(checker, &body_of(text)).map_err(|(why, _)| (why, true))?;
        }
        let Some(first) = literals.first() else {
            found.dynamic_sql = true;
            continue;
        };
        let text = body_of(first);
        let begin = Cursor::without_numbers(checker.dialect.syntax(), &text);
        let leads = code
            .get(expression.start)
            .is_some_and(|lead| lead.kind == Kind::Text || lead.is_one_of(&["FORMAT", "CONCAT"]));
        let whole = expression.len() == 1;
        let plain = leads && PLAIN.iter().any(|words| begin.sees_at(0, words));
        found.dynamic_sql |= !whole && !plain;
    }
    Ok(())
}

/// The content of a literal, also between dollar quotes.
fn body_of(token: &CodeToken<'_>) -> String {
    match token
        .text
        .strip_prefix('$')
        .and_then(|rest| rest.split_once('$'))
    {
        Some((tag, rest)) => {
            let end = rest.len().saturating_sub(tag.len() + 2);
            rest.get(..end).unwrap_or_default().to_owned()
        }
        None => literal(token.text),
    }
}
