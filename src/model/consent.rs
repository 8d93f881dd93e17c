//! Consents: what a person must allow by name before bird does it.

use super::code::Code;

/// One thing that needs `--allow NAME`, or `-- bird: allow NAME` in a migration.
pub struct Consent {
    /// What bird refuses without it; the code's name is what people type.
    pub code: Code,
    /// What is allowed, as a sentence for the documentation and for messages.
    pub meaning: &'static str,
    /// Whether a migration may say it; else only who runs bird.
    pub in_files: bool,
    /// Whether it guards data: a dry run that finds it missing exits with 3.
    pub guards_data: bool,
}

/// All consents, in the order in which the documentation lists them.
pub const CONSENTS: &[Consent] = &[
    Consent {
        code: Code::NonEmpty,
        meaning: "migrate a database that has objects but no history (command line only)",
        in_files: false,
        guards_data: true,
    },
    Consent {
        code: Code::LostJournal,
        meaning: "migrate without the journal that was lost: a statement of a half-applied migration may run twice (command line only)",
        in_files: false,
        guards_data: true,
    },
    Consent {
        code: Code::OutOfOrder,
        meaning: "apply a migration whose version is lower than one that is applied already",
        in_files: true,
        guards_data: false,
    },
    Consent {
        code: Code::ChangedFile,
        meaning: "adopt a migration whose file differs from what another tool ran (command line only)",
        in_files: false,
        guards_data: false,
    },
    Consent {
        code: Code::SingleWriter,
        meaning: "migrate a cluster whose locks hold on one node only: nobody else may migrate meanwhile (command line only)",
        in_files: false,
        guards_data: false,
    },
    Consent {
        code: Code::Replica,
        meaning: "write to a replica that accepts writes, such as one of two primaries that replicate each other (command line only)",
        in_files: false,
        guards_data: false,
    },
    Consent {
        code: Code::DropDatabase,
        meaning: "drop the project's databases with `bird reset`, which no protected environment permits (command line only)",
        in_files: false,
        guards_data: true,
    },
    Consent {
        code: Code::DropTable,
        meaning: "drop a table that was there before the run",
        in_files: true,
        guards_data: true,
    },
    Consent {
        code: Code::DataLoss,
        meaning: "lose data in another way: drop a column, a partition or a schema, TRUNCATE, DELETE without WHERE, delete orphans or purge quarantined ones",
        in_files: true,
        guards_data: true,
    },
    Consent {
        code: Code::NotUndone,
        meaning: "undo a migration although nothing undoes what some of its statements did: rows that they wrote or dropped, privileges, other databases",
        in_files: true,
        guards_data: true,
    },
    Consent {
        code: Code::Referenced,
        meaning: "drop, rename, retype or empty a table or column that a declared reference uses",
        in_files: true,
        guards_data: true,
    },
    Consent {
        code: Code::OtherDatabase,
        meaning: "run a statement that writes to another database",
        in_files: true,
        guards_data: true,
    },
    Consent {
        code: Code::MostlyOrphans,
        meaning: "repair although most rows look like orphans, or the parent table has lost most of its rows since the audit (command line only)",
        in_files: false,
        guards_data: true,
    },
    Consent {
        code: Code::SideEffects,
        meaning: "repair a table whose triggers or cascading foreign keys change other rows too (command line only)",
        in_files: false,
        guards_data: true,
    },
    Consent {
        code: Code::LostFile,
        meaning: "create a database file anew that bird has written before in a protected environment (command line only)",
        in_files: false,
        guards_data: true,
    },
    Consent {
        code: Code::Protected,
        meaning: "write to a protected environment (command line only)",
        in_files: false,
        guards_data: false,
    },
];

impl Consent {
    /// The name as it is typed.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.code.name()
    }
}
