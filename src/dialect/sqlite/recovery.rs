//! The recovery classes of SQLite's statements. Almost all of them can be rolled back.

use crate::dialect::recovery::RecoveryClass;
use crate::sql::Cursor;

pub fn class(words: &Cursor<'_>) -> RecoveryClass {
    match words.first().as_str() {
        "VACUUM" | "ANALYZE" | "REINDEX" => RecoveryClass::Repeatable,
        "PRAGMA" | "ATTACH" | "DETACH" => RecoveryClass::SessionState,
        "BEGIN" => RecoveryClass::Begin,
        "COMMIT" | "END" | "ROLLBACK" => RecoveryClass::Commit,
        _ => RecoveryClass::Transactional,
    }
}
