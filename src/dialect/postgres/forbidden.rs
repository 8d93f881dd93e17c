//! The statements of PostgreSQL that a migration must not contain.

use crate::dialect::Forbidden;
use crate::dialect::statements::{LOCKED, TRANSACTIONS};

pub const FORBIDDEN: &[(&[&str], Forbidden)] = &[
    (
        &["BEGIN"],
        Forbidden {
            what: "BEGIN",
            why: TRANSACTIONS,
        },
    ),
    (
        &["START", "TRANSACTION"],
        Forbidden {
            what: "START TRANSACTION",
            why: TRANSACTIONS,
        },
    ),
    (
        &["COMMIT"],
        Forbidden {
            what: "COMMIT",
            why: TRANSACTIONS,
        },
    ),
    (
        &["END"],
        Forbidden {
            what: "END",
            why: TRANSACTIONS,
        },
    ),
    (
        &["ABORT"],
        Forbidden {
            what: "ABORT",
            why: TRANSACTIONS,
        },
    ),
    (
        &["DISCARD", "ALL"],
        Forbidden {
            what: "DISCARD ALL",
            why: LOCKED,
        },
    ),
    (
        &["PREPARE", "TRANSACTION"],
        Forbidden {
            what: "PREPARE TRANSACTION",
            why: TRANSACTIONS,
        },
    ),
];
