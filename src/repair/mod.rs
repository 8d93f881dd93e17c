//! Repairing orphans, thought through beforehand: the file of a plan, the brakes, and what a chunk
//! does with each of its rows.

pub mod brakes;
pub mod chunk;
pub mod plan;
