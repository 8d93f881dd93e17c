//! Statements within statements: the bodies of routines, and texts that are run.

use super::pieces::{Piece, Pieces};
use super::{DYNAMIC, Found, Look, Why, literal};
use crate::sql::lex::Kind;

/// How an engine runs texts as statements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dynamic {
    /// `PREPARE s FROM text`, `EXECUTE IMMEDIATE text`: what the text is can be asked before.
    Prepared,
    /// `EXECUTE text` in a body that is itself a text.
    InBodies,
}

/// What a statement of a body stands right behind.
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
/// What statements consist of statements.
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
pub(crate) fn is_program(pieces: &Pieces<'_>) -> bool {
    const BLOCKS: &[&str] = &[
        "BEGIN", "IF", "WHILE", "LOOP", "REPEAT", "FOR", "CASE", "EXPLAIN", "ANALYZE", "DESCRIBE",
    ];
    let Some(first) = pieces.get(0) else {
        return false;
    };
    if first.is_any(BLOCKS) || pieces.are(0, &["SET", "STATEMENT"]) {
        return true;
    }
    let mut head = (1..16).map_while(|at| pieces.get(at).filter(|piece| piece.text != "("));
    first.is_any(&["CREATE", "ALTER"]) && head.any(|piece| piece.is_any(PROGRAMS))
}

/// Whether a statement of a body may begin there.
pub(crate) fn begins(pieces: &Pieces<'_>, at: usize) -> bool {
    pieces
        .before(at)
        .is_some_and(|before| before.is_any(FRESH) || before.kind == Kind::Text)
}

/// Whether a statement makes or changes an object of this kind.
pub(crate) fn is_made(pieces: &Pieces<'_>, kind: &str) -> bool {
    let mut head = (1..16).map_while(|at| pieces.get(at).filter(|piece| piece.text != "("));
    let first = pieces.get(0);
    first.is_some_and(|first| first.is_any(&["CREATE", "ALTER"])) && head.any(|it| it.is(kind))
}

/// Whether a policy is made or changed there.
pub(crate) fn is_policy(pieces: &Pieces<'_>, at: usize) -> bool {
    pieces.are(at, &["CREATE", "POLICY"]) || pieces.are(at, &["ALTER", "POLICY"])
}

/// Whether the name that stands there is that of a routine which the statement is about.
pub(crate) fn is_routines(pieces: &Pieces<'_>, mut at: usize) -> bool {
    while pieces
        .before(at)
        .is_some_and(|before| before.is_any(&["IF", "NOT", "EXISTS"]))
    {
        at -= 1;
    }
    pieces
        .before(at)
        .is_some_and(|before| before.is_any(&["FUNCTION", "PROCEDURE", "ROUTINE"]))
}

/// The name of the routine that a statement makes.
pub(crate) fn routine(pieces: &Pieces<'_>) -> Option<String> {
    const OTHERS: &[&str] = &[
        "TRIGGER", "EVENT", "TABLE", "VIEW", "RULE", "INDEX", "AS", "ON",
    ];
    pieces.get(0).filter(|first| first.is("CREATE"))?;
    let is_kind = |piece: &Piece<'_>| piece.is_any(&["PROCEDURE", "FUNCTION"]);
    let mut head = 1..16;
    let at = head.find(|at| {
        let piece = pieces.get(*at);
        piece.is_some_and(|piece| is_kind(&piece) || piece.is_any(OTHERS))
    })?;
    pieces.get(at).filter(is_kind)?;
    last_of(pieces, at + 1)
}

/// The name of what a CREATE makes, or of what an ATTACH opens.
pub(crate) fn made(pieces: &Pieces<'_>) -> Option<String> {
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
    let first = pieces.get(0)?;
    if first.is("PREPARE") {
        return last_of(pieces, 1);
    }
    let attaches = first.is("ATTACH");
    if !attaches && !first.is("CREATE") {
        return None;
    }
    let is_kind = |at: &usize| {
        let piece = pieces.get(*at);
        if attaches {
            piece.is_some_and(|piece| piece.is("AS"))
        } else {
            piece.is_some_and(|piece| piece.is_any(KINDS))
        }
    };
    let at = (1..24.min(pieces.len())).find(is_kind)?;
    last_of(pieces, at + 1)
}

/// The last part of the name that stands there, behind `IF NOT EXISTS` and the like.
fn last_of(pieces: &Pieces<'_>, mut at: usize) -> Option<String> {
    while pieces
        .get(at)?
        .is_any(&["IF", "NOT", "EXISTS", "CONCURRENTLY", "BODY"])
    {
        at += 1;
    }
    while pieces.get(at + 1).is_some_and(|piece| piece.text == ".") {
        at += 2;
    }
    let piece = pieces.get(at)?;
    (piece.is_name() || piece.kind == Kind::Text).then(|| match piece.kind {
        Kind::Text => literal(piece.text).to_lowercase(),
        _ => piece.name(),
    })
}

/// Looks into the texts of a statement that are run.
pub(crate) fn nested(
    look: Look<'_>,
    pieces: &Pieces<'_>,
    body: bool,
    found: &mut Found,
) -> Result<(), Why> {
    match look.rules.dynamic {
        Some(Dynamic::Prepared) => prepared(look, pieces, found),
        Some(Dynamic::InBodies) => {
            if body {
                executed(look, pieces, found)?;
            }
            texts(look, pieces, found)
        }
        None => Ok(()),
    }
}

/// `PREPARE s FROM text`, `EXECUTE IMMEDIATE text`.
fn prepared(look: Look<'_>, pieces: &Pieces<'_>, found: &mut Found) -> Result<(), Why> {
    for at in 0..pieces.len() {
        let from = match () {
            () if pieces.are(at, &["EXECUTE", "IMMEDIATE"]) => at + 2,
            () if pieces.are(at, &["PREPARE"]) && pieces.are(at + 2, &["FROM"]) => at + 3,
            () => continue,
        };
        let end = (from..pieces.end(at)).find(|at| pieces.are(*at, &["USING"]));
        let end = end.unwrap_or(pieces.end(at));
        match (pieces.get(from), end - from) {
            (Some(text), 1) if text.kind == Kind::Text => {
                text_of(look, &literal(text.text)).map_err(|(why, it)| (why, it || at > 0))?;
            }
            // What a statement that stands alone is going to run can be asked.
            _ if at == 0 => found.question = Some(format!("SELECT {}", pieces.text(from, end))),
            _ => found.opaque = true,
        }
    }
    Ok(())
}

/// A text that is run as it is. In it nothing can be replaced.
fn text_of(look: Look<'_>, text: &str) -> Result<(), Why> {
    let mut found = Found::default();
    let pieces = Pieces::of(look.dialect, text);
    look.statement(&pieces, false, &mut found)?;
    match found {
        found if !found.edits.is_empty() => {
            let own = &look.around.own;
            Err((format!("runs a text that names the database `{own}`"), true))
        }
        found if found.question.is_some() || found.opaque => Err((DYNAMIC.to_owned(), true)),
        _ => Ok(()),
    }
}

/// The bodies that a statement holds as texts.
fn texts(look: Look<'_>, pieces: &Pieces<'_>, found: &mut Found) -> Result<(), Why> {
    let does = pieces.are(0, &["DO"]);
    if !does && routine(pieces).is_none() {
        return Ok(());
    }
    let language = (0..pieces.len()).find(|at| pieces.are(*at, &["LANGUAGE"]));
    let language = language.and_then(|at| pieces.get(at + 1));
    let language = language.map(|piece| piece.bare().to_lowercase());
    if let Some(language) = &language
        && look.rules.untrusted.contains(&language.as_str())
    {
        let why = format!("holds code in the language {language}, which may do anything");
        return Err((why, true));
    }
    for at in 0..pieces.len() {
        let Some(piece) = pieces.get(at).filter(|piece| piece.kind == Kind::Text) else {
            continue;
        };
        let before = pieces.before(at);
        if !before
            .is_some_and(|before| before.is_any(&["AS", "DO"]) || does && before.kind == Kind::Word)
        {
            continue;
        }
        if language
            .as_ref()
            .is_some_and(|language| !["sql", "plpgsql"].contains(&language.as_str()))
        {
            found.opaque = true;
            continue;
        }
        inner(look, &piece, found)?;
    }
    Ok(())
}

fn inner(look: Look<'_>, piece: &Piece<'_>, found: &mut Found) -> Result<(), Why> {
    let tag = piece.text.starts_with('$').then(|| {
        let rest = piece.text.get(1..).unwrap_or_default();
        rest.find('$').map_or(0, |at| at + 2)
    });
    let (text, shift) = match tag {
        Some(tag) => {
            let end = piece.text.len().saturating_sub(tag);
            let text = piece.text.get(tag..end).unwrap_or_default();
            (text.to_owned(), Some(piece.start + tag))
        }
        None => (literal(piece.text), None),
    };
    let mut inside = Found::default();
    look.statement(&Pieces::of(look.dialect, &text), true, &mut inside)
        .map_err(|(why, _)| (why, true))?;
    found.opaque |= inside.opaque;
    match shift {
        Some(shift) => {
            let edits = inside.edits.into_iter();
            let shifted = edits.map(|(start, end, text)| (start + shift, end + shift, text));
            found.edits.extend(shifted);
        }
        None if !inside.edits.is_empty() => {
            let own = &look.around.own;
            return Err((format!("runs a text that names the database `{own}`"), true));
        }
        None => {}
    }
    Ok(())
}

/// What a text may do that goes on with something known only when it runs.
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

/// `EXECUTE text` in a body. What the text begins with tells what it does.
fn executed(look: Look<'_>, pieces: &Pieces<'_>, found: &mut Found) -> Result<(), Why> {
    for at in 0..pieces.len() {
        // `FOR EACH ROW EXECUTE FUNCTION f()` and the privilege are no texts.
        let next = pieces.get(at + 1);
        let other = next.is_none_or(|next| next.is_any(&["FUNCTION", "PROCEDURE", "ON"]));
        if !pieces.are(at, &["EXECUTE"]) || other {
            continue;
        }
        let end = pieces.end(at);
        let stop = (at + 1..end).find(|at| {
            pieces
                .get(*at)
                .is_some_and(|piece| piece.is_any(&["INTO", "USING", "LOOP"]))
        });
        let expression = at + 1..stop.unwrap_or(end);
        let literals = expression
            .clone()
            .filter_map(|at| pieces.get(at).filter(|piece| piece.kind == Kind::Text));
        let literals: Vec<Piece<'_>> = literals.collect();
        for text in &literals {
            text_of(look, &body_of(text)).map_err(|(why, _)| (why, true))?;
        }
        let Some(first) = literals.first() else {
            found.opaque = true;
            continue;
        };
        let text = body_of(first);
        let begin = Pieces::of(look.dialect, &text);
        let leads = pieces
            .get(expression.start)
            .is_some_and(|lead| lead.kind == Kind::Text || lead.is_any(&["FORMAT", "CONCAT"]));
        let whole = expression.len() == 1;
        let plain = leads && PLAIN.iter().any(|words| begin.are(0, words));
        found.opaque |= !whole && !plain;
    }
    Ok(())
}

/// What stands between the quotes of a literal, dollars included.
fn body_of(piece: &Piece<'_>) -> String {
    match piece
        .text
        .strip_prefix('$')
        .and_then(|rest| rest.split_once('$'))
    {
        Some((tag, rest)) => {
            let end = rest.len().saturating_sub(tag.len() + 2);
            rest.get(..end).unwrap_or_default().to_owned()
        }
        None => literal(piece.text),
    }
}
