//! A little of the benchmark `soak`: runs that are killed at random moments.

#[path = "../../benches/soak/kill/mod.rs"]
mod kill;

use std::path::Path;
use std::time::{Duration, Instant};

use crate::world::Engine;

engines!(runs_killed_at_random_moments_lose_nothing_and_do_nothing_twice);

/// So long it goes on, and at least until there were so many kills.
const TIME: Duration = Duration::from_secs(4);
const KILLS: usize = 10;
/// However slow the machine is.
const MOST: Duration = Duration::from_secs(60);

fn runs_killed_at_random_moments_lose_nothing_and_do_nothing_twice(engine: Engine) {
    let soaked = match engine {
        Engine::Sqlite => kill::Engine::Sqlite,
        Engine::MySql => kill::Engine::MySql,
        Engine::Postgres => kill::Engine::Postgres,
        Engine::MariaDb | Engine::Galera => kill::Engine::MariaDb,
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let name = format!("soak_{}", uuid::Uuid::now_v7().simple());
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("soak-failures");
    let start = Instant::now();
    let enough = |tally: &kill::Tally| {
        let long = start.elapsed();
        long >= MOST || (long >= TIME && tally.kills >= KILLS)
    };
    let soak = kill::Soak::new(soaked, 1, folder.path(), &name, &kept);
    let mut soak = soak.expect("the engine's client");
    soak.run(&mut kill::KillBird, &enough)
        .expect("its project runs through");
    let tally = soak.tally;
    assert!(tally.failures.is_empty(), "{}", tally.failures.join("\n\n"));
    assert!(tally.kills >= KILLS, "{tally:?}");
}
