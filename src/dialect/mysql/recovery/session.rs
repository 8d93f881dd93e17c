//! Recovery classes of statements that change the state of a session. That state is lost with the
//! session, and another one resumes the file: only what gets the same value there may be set again.

use super::{FILES, class};
use crate::dialect::recovery::{AutoCommitted, RecoveryClass};
use crate::sql::Cursor;

const ANOTHER: &str = "the session that continues a file after a crash would set another value";

/// Functions that give the same value at any time.
const STEADY: &[&str] = &[
    "CAST",
    "COALESCE",
    "CONCAT",
    "CONCAT_WS",
    "CONVERT",
    "IF",
    "IFNULL",
    "JSON_ARRAY",
    "JSON_OBJECT",
    "LEFT",
    "LOWER",
    "NULLIF",
    "REPLACE",
    "RIGHT",
    "SUBSTR",
    "SUBSTRING",
    "TRIM",
    "UNHEX",
    "UPPER",
];

/// The class of a query, by its side effects; its first word is passed.
pub fn query(words: &Cursor<'_>) -> RecoveryClass {
    if words.has("OUTFILE") || words.has("DUMPFILE") {
        return RecoveryClass::Unknown(FILES);
    }
    let mut pairs = words.tokens().zip(words.tokens().skip(1));
    let keeps = pairs.any(|(into, at)| into.is("INTO") && at.is("@") || into.is(":") && at.is("="));
    if keeps {
        RecoveryClass::Volatile(ANOTHER)
    } else {
        RecoveryClass::Transactional
    }
}

/// The class of a SET: variables of the session are set again, the others persist.
pub fn set(words: &Cursor<'_>) -> RecoveryClass {
    const STAYING: &[&str] = &[
        "GLOBAL",
        "PERSIST",
        "PERSIST_ONLY",
        "PASSWORD",
        "DEFAULT",
        "RESOURCE",
    ];
    if words.peek().is_some_and(|word| word.is_one_of(STAYING)) {
        return RecoveryClass::Repeatable;
    }
    let asks = words.tokens().enumerate().any(|(at, word)| {
        let called = words.get(at + 1).is_some_and(|next| next.is("("));
        let bare = word.text.to_ascii_uppercase();
        let clock = bare.starts_with("CURRENT_") || bare.starts_with("LOCALTIME");
        let calls = called && word.is_name() && !word.is_one_of(STEADY);
        word.is("SELECT") || word.is_name() && clock || calls
    });
    if asks {
        RecoveryClass::Volatile(ANOTHER)
    } else {
        RecoveryClass::SessionState
    }
}

/// The class of the statement in MariaDB's `SET STATEMENT … FOR`.
pub fn set_statement(mut words: Cursor<'_>) -> RecoveryClass {
    while !words.eat("FOR") {
        if words.next().is_none() {
            return RecoveryClass::SessionState;
        }
    }
    match class(words.rest()) {
        // The words that they are put behind are others.
        RecoveryClass::AutoCommit(statement) => {
            RecoveryClass::AutoCommit(Box::new(AutoCommitted {
                online_ddl: None,
                ..*statement
            }))
        }
        class => class,
    }
}
