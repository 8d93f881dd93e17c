//! The integration tests: the program from outside, on every engine that is there.
// The lints know what is a test by this attribute, helpers included.
#![cfg(test)]

#[macro_use]
mod world;

mod adopt;
mod audit;
mod cli;
mod connect;
mod consent;
mod diff;
mod doctor;
mod effect;
mod exactly;
mod faults;
mod guard;
mod history;
mod inspect;
mod keys;
mod live;
mod lock;
mod mask;
mod migrate;
mod mixed;
mod names;
mod pooler;
mod refinery;
mod repair;
mod schema;
mod seed;
mod session;
mod shadow;
mod soak;
mod split;
mod sqlite;
mod tidy;
mod undo;
mod until;
