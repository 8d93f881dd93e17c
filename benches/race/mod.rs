//! What a race is made of: the engines and their own clients, a stopwatch, and the report.

pub mod engine;
pub mod measure;
pub mod report;

/// What was built in the same profile as this program: under `cargo bench`, the release binary.
pub const BIRD: &str = env!("CARGO_BIN_EXE_bird");
