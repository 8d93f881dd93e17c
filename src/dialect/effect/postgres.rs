//! PostgreSQL: what cannot run inside a transaction, and how it is told whether it ran.

use super::{Alone, Cursor, Effect, Kind, Mark, Object, contains, plain};

/// Why the statements of a whole cluster are refused.
const CLUSTER: &str = "it changes the whole cluster and commits by itself, and nothing in this \
     database tells whether it ran";
const DETACH: &str = "it commits twice by itself, and a kill in between leaves a state of its own";

pub fn effect(words: &[&str]) -> Effect {
    let mut cursor = Cursor::new(words);
    match cursor.next().to_ascii_uppercase().as_str() {
        "SET" | "RESET" | "PREPARE" | "DEALLOCATE" | "DISCARD" | "LISTEN" | "UNLISTEN" => {
            Effect::Setting
        }
        // What these leave half done they do again, and an index that was not finished is left
        // beside the old one under a name of its own.
        "VACUUM" | "REINDEX" | "CLUSTER" | "ANALYZE" | "CHECKPOINT" => Effect::Repeatable,
        "CREATE" => create(cursor),
        "DROP" => drop(cursor),
        "ALTER" if cursor.sees("SYSTEM") => Effect::Repeatable,
        "ALTER" if contains(words, "DETACH") && contains(words, "CONCURRENTLY") => {
            Effect::Unclear(DETACH)
        }
        "BEGIN" | "START" => Effect::Begins,
        "COMMIT" | "END" | "ROLLBACK" | "ABORT" => Effect::Ends,
        _ => Effect::Together,
    }
}

fn create(mut cursor: Cursor<'_>) -> Effect {
    if cursor.skip_any(&["DATABASE", "TABLESPACE"]) {
        return Effect::Unclear(CLUSTER);
    }
    cursor.skip(&["UNIQUE"]);
    if !cursor.skip(&["INDEX", "CONCURRENTLY"]) {
        return Effect::Together;
    }
    cursor.skip(&["IF", "NOT", "EXISTS"]);
    let name = match cursor.sees("ON") {
        true => None,
        false => Some(plain(&cursor.name())),
    };
    cursor.skip(&["ON"]);
    cursor.skip(&["ONLY"]);
    let table = cursor.name();
    Effect::Alone(Alone {
        objects: vec![Object::new(Kind::Indexes, table)],
        marks: vec![Mark::OneMore(0, name)],
        ..Alone::default()
    })
}

fn drop(mut cursor: Cursor<'_>) -> Effect {
    if cursor.skip_any(&["DATABASE", "TABLESPACE"]) {
        return Effect::Unclear(CLUSTER);
    }
    if !cursor.skip(&["INDEX", "CONCURRENTLY"]) {
        return Effect::Together;
    }
    cursor.skip(&["IF", "EXISTS"]);
    let name = cursor.name();
    Effect::Alone(Alone {
        objects: vec![Object::new(Kind::Index, name)],
        marks: vec![Mark::Absent(0)],
        ..Alone::default()
    })
}
