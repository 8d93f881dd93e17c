//! Facts of a command beyond its arguments: its formats, and whether it needs a project.

use crate::output::{Format, TABLE};

/// The facts of a command, for the command line. The defaults suit most commands.
pub trait CommandFacts {
    /// The formats that this command has beyond those of every command.
    const FORMATS: &'static [&'static Format] = &[];

    /// The format if none is asked for.
    const DEFAULT_FORMAT: &'static Format = TABLE;

    /// The formats with these arguments: of those above, the ones that suit them.
    fn formats(&self) -> &'static [&'static Format] {
        Self::FORMATS
    }

    /// Whether these arguments make a project unnecessary.
    fn stands_alone(&self) -> bool {
        false
    }

    /// Whether the command only reads, and may be dropped at any moment: the first signal ends it.
    fn only_reads(&self) -> bool {
        false
    }

    /// Whether the command never reads a project, even if there is one.
    fn ignores_project(&self) -> bool {
        false
    }
}
