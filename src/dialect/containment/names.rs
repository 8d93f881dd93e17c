//! Names with dots: which of them lead to another database, and which to the own one by the name
//! that it has elsewhere.

use super::pieces::{Piece, Pieces};
use super::{Found, Look, Why};
use crate::sql::lex::Kind;

/// What a table's name stands right behind.
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
/// Behind these, other tables follow with commas between them.
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
/// What ends such a list.
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
/// Functions in whose parentheses FROM is followed by an expression.
const EXPRESSIONS: &[&str] = &["EXTRACT", "TRIM", "SUBSTRING", "SUBSTR", "MID", "OVERLAY"];
/// Functions that take the name of a table.
const TAKING: &[&str] = &["NEXTVAL", "LASTVAL", "SETVAL"];
/// Rows that a trigger or an INSERT has, whatever databases are called.
const ROWS: &[&str] = &["new", "old", "excluded"];

/// Looks at all names of a statement.
pub(crate) fn look(look: Look<'_>, pieces: &Pieces<'_>, found: &mut Found) -> Result<(), Why> {
    let tables = tables(pieces);
    qualify(look, pieces, found);
    let mut at = 0;
    while at < pieces.len() {
        let end = chain(pieces, at);
        if end > at {
            let is_table = tables.get(at).copied().unwrap_or(false);
            name(look, pieces, (at, end), is_table, found)?;
        }
        at = end.max(at + 1);
    }
    tells(look, pieces, found);
    Ok(())
}

/// The end of a name with or without dots; the same place where none begins.
fn chain(pieces: &Pieces<'_>, at: usize) -> usize {
    // A text with dots around it can only be meant for a name.
    let dotted = |at: usize| {
        let dot = |piece: Piece<'_>| piece.text == ".";
        pieces.get(at + 1).is_some_and(dot) || pieces.before(at).is_some_and(dot)
    };
    let is_name = |at: usize| {
        pieces.get(at).is_some_and(|piece| {
            piece.is_name() || piece.kind == Kind::Text && piece.text.starts_with('"') && dotted(at)
        })
    };
    let led = pieces
        .before(at)
        .is_some_and(|piece| matches!(piece.text, "@" | ":"));
    if !is_name(at) || led {
        return at;
    }
    let mut end = at + 1;
    while pieces.get(end).is_some_and(|piece| piece.text == ".") {
        let next = pieces.get(end + 1);
        match next {
            Some(piece) if is_name(end + 1) || piece.text == "*" => end += 2,
            _ => break,
        }
    }
    end
}

fn name(
    look: Look<'_>,
    pieces: &Pieces<'_>,
    (at, end): (usize, usize),
    is_table: bool,
    found: &mut Found,
) -> Result<(), Why> {
    let (around, grammar) = (look.around, look.dialect.grammar());
    let Some(first) = pieces.get(at) else {
        return Ok(());
    };
    let parts = (end - at).div_ceil(2);
    database(look, pieces, at, found)?;
    written_to_all(look, pieces, (at, end))?;
    let name = first.name();
    let called = pieces.get(end).is_some_and(|piece| piece.text == "(");
    let is_own = !around.own.is_empty() && name == around.own.to_lowercase();
    let is_other = !is_own
        && around
            .others
            .iter()
            .any(|other| other.to_lowercase() == name);
    let certain = match grammar.parts {
        // One part more than a table has.
        3 => {
            let schema = pieces.get(at + 2).map(|piece| piece.name());
            let own = parts > 2 && schema.is_some() && schema == around.schema;
            if !(own || parts > 2 && is_table) {
                return Ok(());
            }
            true
        }
        _ if parts < 2 => return Ok(()),
        _ => is_table || called || parts > 2,
    };
    if !is_own && !is_other || grammar.own.contains(&name.as_str()) {
        return Ok(());
    }
    let last = end.checked_sub(1).and_then(|last| pieces.get(last));
    let all_columns = parts < 3 && last.is_some_and(|last| last.text == "*");
    let alias = ROWS.contains(&name.as_str()) || is_bare(pieces, &name);
    if all_columns || !certain && alias {
        return Ok(());
    }
    if is_own {
        found
            .edits
            .push(first.renamed(look.dialect, &around.shadow))
    } else {
        return Err((format!("names another database, `{name}`"), true));
    }
    Ok(())
}

/// Whether a name also stands alone: then it is an alias, a table or a variable.
fn is_bare(pieces: &Pieces<'_>, name: &str) -> bool {
    let dot = |at: Option<Piece<'_>>| at.is_some_and(|piece| piece.text == ".");
    (0..pieces.len()).any(|at| {
        let bare = !dot(pieces.get(at + 1)) && !dot(pieces.before(at));
        bare && pieces
            .get(at)
            .is_some_and(|piece| piece.is_name() && piece.name() == name)
    })
}

/// `ALTER DATABASE x`, `GRANT … ON DATABASE x`, `COMMENT ON DATABASE x`.
fn database(look: Look<'_>, pieces: &Pieces<'_>, at: usize, found: &mut Found) -> Result<(), Why> {
    let grammar = look.dialect.grammar();
    let (Some(piece), Some(before)) = (pieces.get(at), pieces.before(at)) else {
        return Ok(());
    };
    let schema = grammar.schema_is_database && before.is("SCHEMA");
    let chosen = pieces.are(0, &["USE"]) && at == 1;
    let leads = (pieces.are(0, &["ALTER"]) || pieces.are(0, &["REINDEX"])) && at == 2
        || at.checked_sub(2).is_some_and(|on| pieces.are(on, &["ON"]));
    if !chosen && (!leads || !(before.is_any(&["DATABASE", "SYSTEM"]) || schema)) {
        return Ok(());
    }
    // What comes behind it where the database in use is meant.
    const OPTIONS: &[&str] = &[
        "CHARACTER",
        "CHARSET",
        "COLLATE",
        "DEFAULT",
        "COMMENT",
        "READ",
    ];
    let name = piece.name();
    if name == look.around.own.to_lowercase() {
        found
            .edits
            .push(piece.renamed(look.dialect, &look.around.shadow));
        return Ok(());
    }
    let named = piece.kind == Kind::QuotedName || !piece.is_any(OPTIONS);
    if named && name != look.around.shadow.to_lowercase() {
        Err((format!("names another database, `{name}`"), true))
    } else {
        Ok(())
    }
}

/// Tables of the whole server can be read, and not written.
fn written_to_all(
    look: Look<'_>,
    pieces: &Pieces<'_>,
    (at, end): (usize, usize),
) -> Result<(), Why> {
    const WRITES: &[&str] = &["UPDATE", "INTO", "TRUNCATE", "TABLE", "ONLY"];
    let last = end.checked_sub(1).and_then(|last| pieces.get(last));
    let name = last.map(|last| last.name()).unwrap_or_default();
    let before = pieces.before(at);
    let deletes = at
        .checked_sub(2)
        .is_some_and(|from| pieces.are(from, &["DELETE", "FROM"]));
    let writes = before.is_some_and(|before| before.is_any(WRITES)) || deletes;
    if writes && look.rules.shared.contains(&name.as_str()) {
        Err((
            format!("writes to `{name}`, which all databases share"),
            false,
        ))
    } else {
        Ok(())
    }
}

/// A name without its database may be that of something which the whole server has.
fn qualify(look: Look<'_>, pieces: &Pieces<'_>, found: &mut Found) {
    let Some((verb, kind)) = look.rules.qualified else {
        return;
    };
    if !pieces.are(0, &[verb, kind]) || look.around.shadow.is_empty() {
        return;
    }
    let exists = pieces.are(2, &["IF", "EXISTS"]);
    let at = if exists { 4 } else { 2 };
    let alone = chain(pieces, at) == at + 1;
    if let Some(piece) = pieces.get(at).filter(|_| alone) {
        let qualifier = format!("{}.", look.dialect.quote(&look.around.shadow));
        found.edits.push((piece.start, piece.start, qualifier));
    }
}

/// Who asks what the server has names the database in a string.
fn tells(look: Look<'_>, pieces: &Pieces<'_>, found: &mut Found) {
    let around = look.around;
    let telling =
        |piece: &Piece<'_>| piece.is_name() && look.rules.telling.contains(&piece.name().as_str());
    if around.own.is_empty() || !pieces.iter().any(|piece| telling(&piece)) {
        return;
    }
    for at in 0..pieces.len() {
        let Some(piece) = pieces.get(at).filter(|piece| piece.kind == Kind::Text) else {
            continue;
        };
        let own = super::literal(piece.text).eq_ignore_ascii_case(&around.own);
        let compared = at.checked_sub(2).filter(|_| {
            pieces
                .before(at)
                .is_some_and(|before| matches!(before.text, "=" | ">" | "("))
        });
        let behind = compared.map(|from| from.saturating_sub(2)..from + 1);
        let of_schema = behind.is_some_and(|mut behind| {
            behind.any(|at| {
                let name = pieces.get(at).map(|piece| piece.name()).unwrap_or_default();
                ["_schema", "_catalog", "schema_name", "datname"]
                    .iter()
                    .any(|end| name.ends_with(end))
            })
        });
        if own
            && of_schema
            && let Ok(text) = look.dialect.text(&around.shadow)
        {
            found.edits.push((piece.start, piece.end, text));
        }
    }
}

/// What is open: a parenthesis, or the statement itself.
#[derive(Clone, Copy)]
struct Level {
    /// A comma is followed by a table.
    list: bool,
    /// FROM is followed by an expression.
    expression: bool,
}

/// Where the name of a table stands for certain.
fn tables(pieces: &Pieces<'_>) -> Vec<bool> {
    let outer = Level {
        list: false,
        expression: false,
    };
    let mut levels = vec![outer];
    let mut all = Vec::with_capacity(pieces.len());
    let on = first_on(pieces);
    // Whether a table comes next.
    let mut next = false;
    for at in 0..pieces.len() {
        let Some(piece) = pieces.get(at) else {
            break;
        };
        let here = std::mem::take(&mut next);
        let level = levels.last().copied().unwrap_or(outer);
        let after_dot = pieces.before(at).is_some_and(|before| before.text == ".");
        let before_dot = pieces.get(at + 1).is_some_and(|next| next.text == ".");
        all.push(here && piece.is_name());
        if after_dot || before_dot || piece.kind == Kind::QuotedName {
            continue;
        }
        match piece.text {
            "(" => {
                let function = pieces.before(at);
                let taking = function.is_some_and(|it| it.is_any(TAKING));
                next = here || taking;
                let expression = function.is_some_and(|it| it.is_any(EXPRESSIONS));
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
                let (is_table, is_list) = leads(pieces, at, level, on);
                next = is_table || here && passes(&piece);
                if let (Some(list), Some(level)) = (is_list, levels.last_mut()) {
                    level.list = list;
                }
            }
        }
    }
    all
}

/// Words that may stand between what leads to a table and the table.
fn passes(piece: &Piece<'_>) -> bool {
    piece.is_any(&["IF", "NOT", "LATERAL", "CONCURRENTLY"])
}

/// Whether a table comes behind this word, and what a comma means from there on.
fn leads(pieces: &Pieces<'_>, at: usize, level: Level, on: Option<usize>) -> (bool, Option<bool>) {
    let Some(piece) = pieces.get(at) else {
        return (false, None);
    };
    let before = |word: &str| pieces.before(at).is_some_and(|before| before.is(word));
    if piece.is("ON") && on == Some(at) {
        return (true, Some(false));
    }
    // `NEXT VALUE FOR s`, `CREATE TABLE t LIKE u`.
    if piece.is("FOR") && before("VALUE") || piece.is("LIKE") && is_copy(pieces, at) {
        return (true, None);
    }
    // `ON DUPLICATE KEY UPDATE a.x = 1`, `SELECT … FOR UPDATE`.
    if piece.is("UPDATE") && (before("KEY") || before("FOR") || before("ON")) {
        return (false, Some(false));
    }
    let word = |words: &[&str]| piece.is_any(words);
    if piece.is("FROM") && level.expression || piece.is("TO") && before("SYSTEM_TIME") {
        return (false, None);
    }
    if word(BEFORE) {
        // A function of the same name, or `IGNORE INDEX`.
        let called = pieces.get(at + 1).is_some_and(|next| next.text == "(");
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

/// The ON of an index or a trigger; every other one is followed by a condition.
fn first_on(pieces: &Pieces<'_>) -> Option<usize> {
    let head = (0..8).filter_map(|at| pieces.get(at));
    let of_table = |piece: Piece<'_>| piece.is_any(&["INDEX", "TRIGGER", "POLICY", "RULE"]);
    let begins = pieces.get(0)?.is_any(&["CREATE", "DROP", "ALTER"]);
    let of_table = begins && head.into_iter().any(of_table);
    let first = || (0..pieces.len()).find(|at| pieces.are(*at, &["ON"]));
    of_table.then(first).flatten()
}

/// Whether LIKE stands right behind the name of a new table.
fn is_copy(pieces: &Pieces<'_>, at: usize) -> bool {
    let mut between = (0..at).rev().filter_map(|at| pieces.get(at));
    let stop = between.find(|piece| {
        !piece.is("(") && piece.text != "." && (piece.is("TABLE") || !piece.is_name())
    });
    stop.is_some_and(|piece| piece.is("TABLE")) && pieces.are(0, &["CREATE"])
}
