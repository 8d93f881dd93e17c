//! Floor 0, the nouns: plain data with public fields; no I/O, no SQL, no engine.

pub mod assertion;
pub mod change;
pub mod check;
pub mod code;
pub mod consent;
pub mod diagnostic;
pub mod exit;
pub mod hex;
pub mod history;
pub mod key;
pub mod migration;
pub mod name;
pub mod orphan;
pub mod reference;
pub mod repair;
pub mod schema;
pub mod script;
pub mod seed;
pub mod server;
pub mod target;
