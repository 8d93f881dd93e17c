//! What the databases themselves guarantee.

use crate::world::{Engine, World};

engines!(a_second_run_finds_nothing_to_do);

fn a_second_run_finds_nothing_to_do(engine: Engine) {
    let world = World::bird()
        .engine("ums", engine)
        .engine("twitter", engine);
    world.run(&["up"]).ok();
    world.run(&["status", "--exit-code"]).ok();
    assert_eq!(world.client("ums", "SELECT count(*) FROM roles"), "3\n");
}
