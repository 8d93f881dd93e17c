//! Scheduled events: a shadow creates them disabled, and its schema shows them enabled.

use std::ops::Range;

use super::edits::{edited, starts_with};
use crate::dialect::Dialect;
use crate::sql::Cursor;
use crate::sql::lex::Kind;

/// The change of a scheduled event by a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventChange {
    /// The name of the event, in lower case.
    pub name: String,
    /// The text to send instead, in which the event is disabled. `None` if it may be sent unchanged.
    pub sql: Option<String>,
    /// Whether the statement enables or disables the event. `None` if it does neither.
    pub enabled: Option<bool>,
    pub renamed: Option<String>,
}

/// Rewrites a statement that creates or changes an event such that the event stays disabled.
#[must_use]
pub fn disable_event(dialect: &dyn Dialect, sql: &str) -> Option<EventChange> {
    let kind = dialect.containment().event_kind?;
    // Cutting megabytes of rows into tokens would take time.
    starts_with(dialect.syntax(), sql, &["CREATE", "ALTER"]).then_some(())?;
    let code = Cursor::without_numbers(dialect.syntax(), sql);
    let (name, head) = head(&code, kind)?;
    let creates = code.sees_at(0, &["CREATE"]);
    let find = |word: &str| head.clone().find(|at| code.sees_at(*at, &[word]));
    let renamed = find("RENAME").and_then(|at| code.get(at + 2));
    let mut change = EventChange {
        name,
        sql: None,
        enabled: None,
        renamed: renamed.map(|token| token.folded()),
    };
    if let Some(token) = find("ENABLE").and_then(|at| code.get(at)) {
        let edit = (token.start, token.end, "DISABLE".to_owned());
        (change.sql, change.enabled) = (edited(sql, vec![edit]), Some(true));
    } else if find("DISABLE").is_some() {
        change.enabled = Some(false);
    } else if creates {
        let comment = head.clone().find(|at| {
            code.sees_at(*at, &["COMMENT"])
                && code.get(at + 1).is_some_and(|it| it.kind == Kind::Text)
        });
        let before = code.get(comment.unwrap_or(head.end))?;
        let edit = (before.start, before.start, "DISABLE ".to_owned());
        (change.sql, change.enabled) = (edited(sql, vec![edit]), Some(true));
    }
    Some(change)
}

/// Rewrites the definition of a disabled event into that of the enabled one.
#[must_use]
pub fn enable_event(dialect: &dyn Dialect, sql: &str) -> Option<String> {
    let code = Cursor::without_numbers(dialect.syntax(), sql);
    let (_, head) = head(&code, dialect.containment().event_kind?)?;
    let mut head = head;
    let at = head.find(|at| code.sees_at(*at, &["DISABLE"]))?;
    let token = code.get(at)?;
    edited(sql, vec![(token.start, token.end, "ENABLE".to_owned())])
}

/// The name of the object that a statement creates or changes, and the positions of its options.
fn head(code: &Cursor<'_>, kind: &str) -> Option<(String, Range<usize>)> {
    let first = code.get(0)?;
    if !first.is_one_of(&["CREATE", "ALTER"]) {
        return None;
    }
    // Only `DEFINER = user@host` is allowed before the kind.
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
