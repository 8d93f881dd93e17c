//! The audit: the order of its reads in a model, then the command on every engine.

mod assertions;
mod impact;
mod interleaved;
mod live;
mod nameless;
mod replicas;
mod structure;
