//! Random pairs of schemas. Each engine's generator writes the SQL of two schemas, mostly one and a
//! changed copy of it, with rows that fit the first one; the laws must hold for every pair.
//!
//! BIRD_PAIRS=n tries so many pairs per engine and tells how far it is, BIRD_SEED=n begins at
//! another one; a failure names the seed of its pair.

mod dice;
mod mysql;
mod postgres;
mod sqlite;

use std::time::Instant;

use super::laboratory::{Laboratory, Pair};
use crate::world::Engine;
pub use dice::Dice;

engines!(random_pairs_hold);

/// How many pairs are tried where nobody says: in memory, and on a server.
const PAIRS: (u64, u64) = (300, 15);

/// A pair as a generator writes it.
pub struct Generated {
    pub from: String,
    pub to: String,
    /// Fills the first schema.
    pub rows: String,
    /// Asks for what must survive.
    pub kept: String,
}

fn random_pairs_hold(engine: Engine) {
    let number = |name| {
        std::env::var(name)
            .ok()
            .and_then(|value| value.parse().ok())
    };
    let first: u64 = number("BIRD_SEED").unwrap_or(1);
    let soak = number("BIRD_PAIRS");
    let few = match engine {
        Engine::Sqlite => PAIRS.0,
        _ => PAIRS.1,
    };
    let pairs = soak.unwrap_or(few);
    let began = Instant::now();
    let laboratory = Laboratory::new(engine);
    for seed in first..first + pairs {
        let mut dice = Dice::new(seed);
        let generated = match engine.folder() {
            "mysql" => mysql::pair(&mut dice, engine),
            "postgres" => postgres::pair(&mut dice),
            _ => sqlite::pair(&mut dice),
        };
        let proof = laboratory.prove(&Pair {
            from: &generated.from,
            to: &generated.to,
            rows: Some(&generated.rows)
                .filter(|rows| !rows.is_empty())
                .map(String::as_str),
            kept: Some(&generated.kept)
                .filter(|kept| !kept.is_empty())
                .map(String::as_str),
        });
        assert!(
            proof.faults.is_empty(),
            "BIRD_SEED={seed} BIRD_PAIRS=1: {}\nfrom:\n{}\nto:\n{}",
            proof.faults.join("\n"),
            generated.from,
            generated.to,
        );
        let tried = seed - first + 1;
        if soak.is_some() && (tried.is_multiple_of(1000) || tried == pairs) {
            let seconds = began.elapsed().as_secs();
            eprintln!("{}: {tried} pairs in {seconds} s", engine.product());
        }
    }
}
