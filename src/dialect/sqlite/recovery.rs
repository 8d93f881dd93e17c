//! SQLite: all but a few statements can be rolled back.

use crate::dialect::recovery::Effect;
use crate::sql::cursor::Words;

pub fn effect(words: &Words<'_>) -> Effect {
    match words.first().as_str() {
        "VACUUM" | "ANALYZE" | "REINDEX" => Effect::Repeatable,
        "PRAGMA" | "ATTACH" | "DETACH" => Effect::Setting,
        "BEGIN" => Effect::Begins,
        "COMMIT" | "END" | "ROLLBACK" => Effect::Ends,
        _ => Effect::Together,
    }
}
