//! Random pairs of schemas. Each engine's generator writes the SQL of two schemas, mostly one and a
//! changed copy of it, with rows that fit the first one; the laws must hold for every pair.
//!
//! BIRD_PAIRS=n tries n pairs per engine and shows the progress, BIRD_SEED=n begins at another one;
//! a failure names the seed of its pair.

mod dice;
mod mysql;
mod postgres;
mod sqlite;

use std::time::Instant;

use libtest_mimic::Trial;

use super::prover::{Pair, prove};
use crate::trial::engine_trial;
use crate::world::Engine;
pub use dice::Dice;

/// The number of pairs by default: in memory, and on a server.
const PAIRS: (u64, u64) = (300, 15);

pub fn trials() -> Vec<Trial> {
    let engines = [
        Engine::Sqlite,
        Engine::MariaDb,
        Engine::MySql,
        Engine::Postgres,
    ];
    let trials = engines.map(|engine| {
        let name = format!("diff::random_pairs::{}", engine.name());
        engine_trial(name, engine, move || random_pairs_hold(engine))
    });
    trials.into()
}

/// A pair as a generator writes it.
pub struct Generated {
    pub from: String,
    pub to: String,
    /// Fills the first schema.
    pub rows: String,
    /// Asks for what must survive.
    pub kept: String,
}

fn random_pairs_hold(engine: Engine) -> Result<(), String> {
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
    for seed in first..first + pairs {
        let mut dice = Dice::new(seed);
        let generated = match engine.folder() {
            "mysql" => mysql::pair(&mut dice, engine),
            "postgres" => postgres::pair(&mut dice),
            _ => sqlite::pair(&mut dice),
        };
        let pair = Pair {
            from: &generated.from,
            to: &generated.to,
            rows: Some(generated.rows.as_str()).filter(|rows| !rows.is_empty()),
            kept: Some(generated.kept.as_str()).filter(|kept| !kept.is_empty()),
        };
        let faults = prove(engine, &pair).faults.join("\n");
        if !faults.is_empty() {
            let (from, to) = (generated.from, generated.to);
            return Err(format!(
                "BIRD_SEED={seed} BIRD_PAIRS=1: {faults}\nfrom:\n{from}\nto:\n{to}"
            ));
        }
        let tried = seed - first + 1;
        if soak.is_some() && (tried.is_multiple_of(1000) || tried == pairs) {
            let seconds = began.elapsed().as_secs();
            eprintln!("{}: {tried} pairs in {seconds} s", engine.product());
        }
    }
    Ok(())
}
