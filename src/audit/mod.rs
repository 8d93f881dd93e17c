//! The references that cross databases: what can be said of them without looking at a row.

mod guard;
mod structure;

pub use guard::guard;
pub use structure::{End, structure};
