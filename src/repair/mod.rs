//! Repairing orphans, thought through beforehand: the file of a plan, the brakes, and what a chunk
//! does with each of its rows.

pub mod chunk;
pub mod plan;
pub mod safety_checks;
