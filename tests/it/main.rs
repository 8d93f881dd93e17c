//! The integration tests: the program from outside, on every engine that is there.
// The lints know what is a test by this attribute, helpers included.
#![cfg(test)]

#[macro_use]
mod world;

mod mixed;
mod refinery;
mod schema;
mod split;
mod tidy;
