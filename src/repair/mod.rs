//! Plans repairs of orphans: the file of a plan, the safety checks, and the decision about each row
//! of a chunk.

pub mod chunk;
pub mod plan;
pub mod safety_checks;
