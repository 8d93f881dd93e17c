//! Consents: what a person must allow by name before bird does it.

/// One thing that needs `--allow NAME`, or `-- bird: allow NAME` in a migration.
pub struct Consent {
    /// The name as it is typed.
    pub name: &'static str,
    /// What is allowed, as a sentence for the README and for messages.
    pub meaning: &'static str,
}

/// All consents, in the order in which the README lists them.
pub const CONSENTS: &[Consent] = &[
    Consent {
        name: "non-empty",
        meaning: "migrate a database that has objects but no history",
    },
    Consent {
        name: "out-of-order",
        meaning: "apply a migration whose version is lower than one that is applied already",
    },
    Consent {
        name: "single-writer",
        meaning: "migrate a cluster whose locks hold on one node only: nobody else may migrate meanwhile",
    },
    Consent {
        name: "drop-table",
        meaning: "drop a table",
    },
    Consent {
        name: "data-loss",
        meaning: "lose data in any other way",
    },
    Consent {
        name: "protected",
        meaning: "change a protected environment",
    },
];
