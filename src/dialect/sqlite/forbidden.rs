//! Statements that a SQLite migration must not contain.

use crate::dialect::Refusal;
use crate::dialect::statements::TRANSACTIONS;

pub const REFUSED: &[(&[&str], Refusal)] = &[
    (
        &["BEGIN"],
        Refusal {
            what: "BEGIN",
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
        &["PRAGMA", "foreign_keys"],
        Refusal {
            what: "PRAGMA foreign_keys",
            why: "inside a transaction it does nothing; bird turns foreign keys off by itself \
                  for a file that drops or rebuilds a table, and checks them before it commits",
        },
    ),
];
