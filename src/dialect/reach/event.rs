//! Objects that run by themselves: in a shadow they are made asleep, and shown awake.

use super::pieces::{Pieces, edited};
use crate::dialect::Dialect;
use crate::dialect::lex::Kind;

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
    let kind = dialect.reach().runs_alone?;
    let pieces = Pieces::of(dialect, sql);
    let first = pieces.get(0)?;
    let creates = first.is("CREATE");
    if !creates && !first.is("ALTER") {
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
    let head = at + 1..body.unwrap_or(pieces.len());
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
        let before = pieces.get(comment.or(body)?)?;
        let edit = (before.start, before.start, "DISABLE ".to_owned());
        (sleep.sql, sleep.awake) = (edited(sql, vec![edit]), Some(true));
    }
    Some(sleep)
}
