//! The audit: the order of its reads in a model, then the command on every engine.

mod assertions;
mod closed;
mod hidden;
mod impact;
mod interleaved;
mod live;
mod nameless;
mod parts;
mod replicas;
mod settings;
mod since;
mod structure;
mod types;

use serde_json::Value;

use crate::world::{Engine, World};

/// A child and a parent, made by hand.
fn world(engine: Engine, references: &str, parents: &str, children: &str) -> World {
    let config = format!("[databases.ums]\n[databases.twitter]\n{references}");
    let world = World::empty()
        .file("bird.toml", &config)
        .engine("ums", engine)
        .engine("twitter", engine);
    world.run(&["provision"]).ok();
    world.client("ums", parents);
    world.client("twitter", children);
    world
}

/// What was counted of each reference: rows, keys, orphan keys, orphan rows.
fn counted(document: &Value) -> Vec<[u64; 4]> {
    let references = document["references"].as_array().expect("references");
    let number = |one: &Value, key: &str| one[key].as_u64().expect("a number");
    let keys = ["rows", "keys", "orphan_keys", "orphan_rows"];
    references
        .iter()
        .map(|one| keys.map(|key| number(one, key)))
        .collect()
}
