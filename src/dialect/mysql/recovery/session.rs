//! What a session knows is gone with it, and another one goes on with the file: only what comes
//! out the same there may be set again.

use super::{FILES, class};
use crate::dialect::recovery::{AutoCommitted, RecoveryClass};
use crate::sql::Cursor;

const ANOTHER: &str = "the session that goes on with a file after a crash would set another value";

/// What gives the same whenever it is asked.
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

/// A query, and what it does beside giving rows; its first word is passed.
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

/// Of the variables, those of the session are to be set again; the others stay.
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

/// MariaDB's `SET STATEMENT … FOR` a statement, which is what counts.
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
