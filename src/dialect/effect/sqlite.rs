//! SQLite: all but a few statements can be rolled back.

use super::Effect;

pub fn effect(words: &[&str]) -> Effect {
    let first = words.first().copied().unwrap_or_default();
    match first.to_ascii_uppercase().as_str() {
        "VACUUM" | "ANALYZE" | "REINDEX" => Effect::Repeatable,
        "PRAGMA" | "ATTACH" | "DETACH" => Effect::Setting,
        "BEGIN" => Effect::Begins,
        "COMMIT" | "END" | "ROLLBACK" => Effect::Ends,
        _ => Effect::Together,
    }
}
