//! The diff without an engine, and run by another client than bird; the cases in `tests/cases/diff`
//! prove it on the engines.

mod client;
mod difference;
