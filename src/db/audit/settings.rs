//! The settings of an audit run, and the progress that it reports.

use crate::audit::Strategy;
use crate::db::limits::Limits;
use crate::db::stop::Stop;

/// The settings that apply to all references of a run.
pub struct Settings<'s> {
    /// The most rows per second.
    pub rate: Option<u64>,
    pub limits: Limits,
    /// How many threads read ranges of keys; `None` chooses by the number of cores.
    pub jobs: Option<usize>,
    /// The strategy that a person asked for.
    pub strategy: Option<Strategy>,
    /// Whether both ends are read in one snapshot if one server has both, however many rows there are.
    pub snapshot: bool,
    /// Whether each end is read by itself, even if one server has both.
    pub separate: bool,
    pub stop: &'s Stop,
    pub progress: &'s dyn Fn(Progress<'_>),
}

/// Progress of a run.
#[derive(Debug, Clone, Copy)]
pub enum Progress<'p> {
    /// Reading begins; about how many rows will be read, if that is known.
    Begin(Option<u64>),
    /// How many rows were read so far.
    Rows(u64),
    /// Everything was read, or the run ended early.
    End,
    /// A message for people.
    Notice(&'p str),
    /// A message for people who asked for details.
    Detail(&'p str),
}
