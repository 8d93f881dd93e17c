//! What the migrations give is what the desired schemas say, on every engine.

use crate::world::{Engine, World};

engines!(the_migrations_lead_to_the_desired_schemas);

fn the_migrations_lead_to_the_desired_schemas(engine: Engine) {
    let world = World::bird()
        .engine("ums", engine)
        .engine("twitter", engine);
    world.run(&["provision"]).ok();
    for database in ["ums", "twitter"] {
        let (from, to) = (
            format!("{database}@migrations"),
            format!("{database}@schema"),
        );
        world.run(&["diff", &from, &to]).ok();
    }
}
