//! What the databases themselves guarantee, asked by each engine's own client: bird's data model
//! holds for whoever writes, not only for bird.

mod columns;
mod desired;
mod ids;
mod indexes;
mod keys;
mod schemas;
mod sqlite;
mod times;

use crate::world::{Engine, World};

/// bird's own project, both databases on one engine, from nothing to a running schema.
fn up(engine: Engine) -> World {
    let world = World::bird()
        .engine("ums", engine)
        .engine("twitter", engine);
    world.run(&["up"]).ok();
    world
}

/// The sixteen bytes of an id that a test chooses, as the engine writes them.
fn id(engine: Engine, number: u16) -> String {
    let hex = format!("00000000000040008000{number:012x}");
    engine.pick(format!("X'{hex}'"), format!("'{hex}'"), format!("X'{hex}'"))
}

/// Adds a user and gives its id.
fn user(world: &World, number: u16) -> String {
    let id = id(world.engine_of("ums"), number);
    world.client(
        "ums",
        &format!(
            "INSERT INTO users (id, name, email, password_hash) \
             VALUES ({id}, 'Ann', 'ann{number}@example.com', '$argon2id$x')"
        ),
    );
    id
}
