//! The facts of a command that its arguments do not show to clap.

use crate::output::{Format, TABLE};

/// The facts of a command, for the command line. The defaults suit most commands.
pub trait CommandFacts {
    /// The formats that this command has beyond those of every command.
    const FORMATS: &'static [&'static Format] = &[];

    /// The format if none is asked for.
    const DEFAULT_FORMAT: &'static Format = TABLE;

    /// Whether these arguments name everything that a project would.
    fn stands_alone(&self) -> bool {
        false
    }
}
