//! Objects that run by themselves: in a shadow they are made asleep, and shown awake.

use std::ops::Range;

use super::edits::{edited, starts_with};
use crate::dialect::Dialect;
use crate::sql::Cursor;
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
    starts_with(dialect.syntax(), sql, &["CREATE", "ALTER"]).then_some(())?;
    let code = Cursor::without_numbers(dialect.syntax(), sql);
    let (name, head) = head(&code, kind)?;
    let creates = code.sees_at(0, &["CREATE"]);
    let find = |word: &str| head.clone().find(|at| code.sees_at(*at, &[word]));
    let renamed = find("RENAME").and_then(|at| code.get(at + 2));
    let mut sleep = Sleep {
        name,
        sql: None,
        awake: None,
        renamed: renamed.map(|token| token.folded()),
    };
    if let Some(token) = find("ENABLE").and_then(|at| code.get(at)) {
        let edit = (token.start, token.end, "DISABLE".to_owned());
        (sleep.sql, sleep.awake) = (edited(sql, vec![edit]), Some(true));
    } else if find("DISABLE").is_some() {
        sleep.awake = Some(false);
    } else if creates {
        let comment = head.clone().find(|at| {
            code.sees_at(*at, &["COMMENT"])
                && code.get(at + 1).is_some_and(|it| it.kind == Kind::Text)
        });
        let before = code.get(comment.unwrap_or(head.end))?;
        let edit = (before.start, before.start, "DISABLE ".to_owned());
        (sleep.sql, sleep.awake) = (edited(sql, vec![edit]), Some(true));
    }
    Some(sleep)
}

/// The definition of such an object as it is when it is awake.
#[must_use]
pub fn awake(dialect: &dyn Dialect, sql: &str) -> Option<String> {
    let code = Cursor::without_numbers(dialect.syntax(), sql);
    let (_, head) = head(&code, dialect.containment().runs_alone?)?;
    let mut head = head;
    let at = head.find(|at| code.sees_at(*at, &["DISABLE"]))?;
    let token = code.get(at)?;
    edited(sql, vec![(token.start, token.end, "ENABLE".to_owned())])
}

/// The name of what a statement makes or changes, and where its options stand.
fn head(code: &Cursor<'_>, kind: &str) -> Option<(String, Range<usize>)> {
    let first = code.get(0)?;
    if !first.is_one_of(&["CREATE", "ALTER"]) {
        return None;
    }
    // `DEFINER = user@host` is all that may stand before the kind.
    let at = (1..12).find(|at| code.sees_at(*at, &[kind]))?;
    let own = (1..at).all(|at| {
        !code.get(at).is_some_and(|token| {
            token.is_one_of(&["TABLE", "VIEW", "PROCEDURE", "FUNCTION", "TRIGGER"])
        })
    });
    if !own {
        return None;
    }
    let mut at = at + 1;
    while code.get(at)?.is_one_of(&["IF", "NOT", "EXISTS"]) {
        at += 1;
    }
    while code.get(at + 1).is_some_and(|token| token.text == ".") {
        at += 2;
    }
    let name = code.get(at)?.folded();
    let body = (at + 1..code.count()).find(|at| code.sees_at(*at, &["DO"]));
    Some((name, at + 1..body.unwrap_or(code.count())))
}
