//! Runs an audit over live databases: reads keys, merges them, confirms candidates.

pub mod checkpoint;
pub mod confirm;
pub mod connections;
pub mod endpoints;
pub mod error;
pub mod estimate;
pub mod external_sort;
pub mod grouping;
pub mod hash;
pub mod join;
pub mod key_stream;
pub mod malformed;
pub mod merge;
pub mod nulls;
pub mod ranges;
pub mod replica;
pub mod run;
pub mod sample;
pub mod scheduler;
pub mod settings;
pub mod snapshot;
pub mod task;
pub mod throttle;
pub mod totals;
pub mod watermark;
pub mod worker;
