//! The references that cross databases: what can be said of them without looking at a row.

mod structure;

pub use structure::{End, structure};
