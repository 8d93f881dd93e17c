//! The references that cross databases: whether they can hold at all, what touches them, how
//! their keys are read, and what is an orphan. Nothing here waits for a database.

mod confirm;
mod counted;
mod coverage;
mod gather;
mod guard;
mod merge;
mod page;
mod strategy;
mod structure;

pub use confirm::{Confirmation, Seen};
pub use coverage::Coverage;
pub use gather::{Gather, Ordered};
pub use guard::guard;
pub use merge::{Disorder, Merge, Side, Totals};
pub use page::Page;
pub use strategy::{Choice, Known, STRATEGIES, Strategy, choose, looking_up_pays, seconds};
pub use structure::{End, leads, structure};
