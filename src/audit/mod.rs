//! References that cross databases: their structure, the changes that touch them, the strategies and
//! the merge that find orphans, and their confirmation. Nothing here does I/O.

mod confirm;
mod coverage;
mod external_sort;
mod guard;
mod key_counter;
mod merge;
mod page;
mod strategy;
mod structure;

pub use confirm::{Confirmation, SeenRow};
pub use coverage::Coverage;
pub use external_sort::{ExternalSort, SortedKeys};
pub use guard::guard;
pub use merge::{Disorder, KeyCounts, Merge, MergeError, MergeInput};
pub use page::Page;
pub use strategy::{Choice, ReferenceFacts, STRATEGIES, Strategy, choose, probing_pays, seconds};
pub use structure::{EndpointSchema, covers, leads, structure};
