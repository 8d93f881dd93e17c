//! SQLite: all but a few statements can be rolled back.

use crate::dialect::recovery::RecoveryClass;
use crate::sql::cursor::Words;

pub fn class(words: &Words<'_>) -> RecoveryClass {
    match words.first().as_str() {
        "VACUUM" | "ANALYZE" | "REINDEX" => RecoveryClass::Repeatable,
        "PRAGMA" | "ATTACH" | "DETACH" => RecoveryClass::SessionState,
        "BEGIN" => RecoveryClass::Begin,
        "COMMIT" | "END" | "ROLLBACK" => RecoveryClass::Commit,
        _ => RecoveryClass::Transactional,
    }
}
