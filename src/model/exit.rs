//! Exit codes: one small type, because scripts depend on them.

/// How a run ended. The numbers are an interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Exit {
    /// Done; nothing found.
    Done,
    /// The check found something.
    Found,
    /// bird could not do it, and this run has written nothing.
    Failed,
    /// Refused: nothing was changed.
    Refused,
    /// Stopped after this run's first statement was sent; the state is known and printed.
    Stopped,
    /// A crash left a statement that cannot be decided.
    Undecided,
    /// Interrupted by Ctrl-C; the state is known.
    Interrupted,
    /// Interrupted by SIGTERM; the state is known.
    Terminated,
}

/// Every exit code with its meaning, for the documentation and the help.
pub const EXITS: &[(Exit, &str)] = &[
    (Exit::Done, "done; nothing found"),
    (
        Exit::Found,
        "findings; with `--exit-code`, pending migrations",
    ),
    (
        Exit::Failed,
        "error before anything was written: usage, config, connection",
    ),
    (
        Exit::Refused,
        "refused, nothing changed: a lock held by someone else, a missing consent, history and files that disagree",
    ),
    (
        Exit::Stopped,
        "stopped half-way: the state is known and printed, the same command continues",
    ),
    (
        Exit::Undecided,
        "a crash left a statement in doubt: bird cannot tell whether it ran",
    ),
    (
        Exit::Interrupted,
        "interrupted by Ctrl-C; the state is known",
    ),
    (
        Exit::Terminated,
        "interrupted by SIGTERM; the state is known",
    ),
];

impl Exit {
    /// The number that the process ends with.
    pub fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Found => 1,
            Exit::Failed => 2,
            Exit::Refused => 3,
            Exit::Stopped => 4,
            Exit::Undecided => 5,
            Exit::Interrupted => 130,
            Exit::Terminated => 143,
        }
    }

    /// Of several outcomes the one that counts: 5, 4, 130, 2, 3, 1, 0.
    pub fn most_severe(self, other: Exit) -> Exit {
        if other.rank() > self.rank() {
            other
        } else {
            self
        }
    }

    fn rank(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Found => 1,
            Exit::Refused => 2,
            Exit::Failed => 3,
            Exit::Interrupted | Exit::Terminated => 4,
            Exit::Stopped => 5,
            Exit::Undecided => 6,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_outcome_wins() {
        let order = [
            Exit::Done,
            Exit::Found,
            Exit::Refused,
            Exit::Failed,
            Exit::Interrupted,
            Exit::Stopped,
            Exit::Undecided,
        ];
        for (index, low) in order.iter().enumerate() {
            for high in &order[index..] {
                assert_eq!(low.most_severe(*high), *high);
                assert_eq!(high.most_severe(*low), *high);
            }
        }
    }
}
