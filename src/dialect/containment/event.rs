//! Objects that run by themselves: in a shadow they are made asleep, and shown awake.

use std::ops::Range;

use super::pieces::{Pieces, edited, leads};
use crate::dialect::Dialect;
use crate::sql::lex::Kind;

/// What a statement does to an object that runs by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sleep {
    /// In lower case.
    pub name: String,
    /// As the statement is to be sent; nothing where it may be sent as it is.
    pub sql: Option<String>,
    /// Whether the statement wakes it or puts it to sleep; nothing where it leaves that.
    pub awake: Option<bool>,
    pub renamed: Option<String>,
}

/// The statement that makes or changes such an object without waking it.
#[must_use]
pub fn asleep(dialect: &dyn Dialect, sql: &str) -> Option<Sleep> {
    let kind = dialect.containment().runs_alone?;
    // Rows may go on for megabytes.
    leads(dialect, sql, &["CREATE", "ALTER"]).then_some(())?;
    let pieces = Pieces::of(dialect, sql);
    let (name, head) = head(&pieces, kind)?;
    let creates = pieces.are(0, &["CREATE"]);
    let find = |word: &str| head.clone().find(|at| pieces.are(*at, &[word]));
    let renamed = find("RENAME").and_then(|at| pieces.get(at + 2));
    let mut sleep = Sleep {
        name,
        sql: None,
        awake: None,
        renamed: renamed.map(|piece| piece.name()),
    };
    if let Some(piece) = find("ENABLE").and_then(|at| pieces.get(at)) {
        let edit = (piece.start, piece.end, "DISABLE".to_owned());
        (sleep.sql, sleep.awake) = (edited(sql, vec![edit]), Some(true));
    } else if find("DISABLE").is_some() {
        sleep.awake = Some(false);
    } else if creates {
        let comment = head.clone().find(|at| {
            pieces.are(*at, &["COMMENT"])
                && pieces.get(at + 1).is_some_and(|it| it.kind == Kind::Text)
        });
        let before = pieces.get(comment.unwrap_or(head.end))?;
        let edit = (before.start, before.start, "DISABLE ".to_owned());
        (sleep.sql, sleep.awake) = (edited(sql, vec![edit]), Some(true));
    }
    Some(sleep)
}

/// The definition of such an object as it is when it is awake.
#[must_use]
pub fn awake(dialect: &dyn Dialect, sql: &str) -> Option<String> {
    let pieces = Pieces::of(dialect, sql);
    let (_, head) = head(&pieces, dialect.containment().runs_alone?)?;
    let mut head = head;
    let at = head.find(|at| pieces.are(*at, &["DISABLE"]))?;
    let piece = pieces.get(at)?;
    edited(sql, vec![(piece.start, piece.end, "ENABLE".to_owned())])
}

/// The name of what a statement makes or changes, and where its options stand.
fn head(pieces: &Pieces<'_>, kind: &str) -> Option<(String, Range<usize>)> {
    let first = pieces.get(0)?;
    if !first.is_any(&["CREATE", "ALTER"]) {
        return None;
    }
    // `DEFINER = user@host` is all that may stand before the kind.
    let at = (1..12).find(|at| pieces.are(*at, &[kind]))?;
    let own = (1..at).all(|at| {
        !pieces.get(at).is_some_and(|piece| {
            piece.is_any(&["TABLE", "VIEW", "PROCEDURE", "FUNCTION", "TRIGGER"])
        })
    });
    if !own {
        return None;
    }
    let mut at = at + 1;
    while pieces.get(at)?.is_any(&["IF", "NOT", "EXISTS"]) {
        at += 1;
    }
    while pieces.get(at + 1).is_some_and(|piece| piece.text == ".") {
        at += 2;
    }
    let name = pieces.get(at)?.name();
    let body = (at + 1..pieces.len()).find(|at| pieces.are(*at, &["DO"]));
    Some((name, at + 1..body.unwrap_or(pieces.len())))
}
