//! The statements of PostgreSQL that a migration must not contain.

use crate::dialect::Refusal;
use crate::dialect::statements::{LOCKED, TRANSACTIONS};

pub const REFUSED: &[(&[&str], Refusal)] = &[
    (
        &["BEGIN"],
        Refusal {
            what: "BEGIN",
            why: TRANSACTIONS,
        },
    ),
    (
        &["START", "TRANSACTION"],
        Refusal {
            what: "START TRANSACTION",
            why: TRANSACTIONS,
        },
    ),
    (
        &["COMMIT"],
        Refusal {
            what: "COMMIT",
            why: TRANSACTIONS,
        },
    ),
    (
        &["END"],
        Refusal {
            what: "END",
            why: TRANSACTIONS,
        },
    ),
    (
        &["ABORT"],
        Refusal {
            what: "ABORT",
            why: TRANSACTIONS,
        },
    ),
    (
        &["DISCARD", "ALL"],
        Refusal {
            what: "DISCARD ALL",
            why: LOCKED,
        },
    ),
    (
        &["PREPARE", "TRANSACTION"],
        Refusal {
            what: "PREPARE TRANSACTION",
            why: TRANSACTIONS,
        },
    ),
];
