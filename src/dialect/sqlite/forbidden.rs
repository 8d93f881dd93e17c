//! Statements that a SQLite migration must not contain.

use crate::dialect::Forbidden;
use crate::dialect::statements::TRANSACTIONS;

pub const FORBIDDEN: &[(&[&str], Forbidden)] = &[
    (
        &["BEGIN"],
        Forbidden {
            what: "BEGIN",
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
        &["PRAGMA", "foreign_keys"],
        Forbidden {
            what: "PRAGMA foreign_keys",
            why: "it has no effect in a transaction; bird turns foreign keys off for a file that \
                drops or rebuilds a table, and checks them before it commits",
        },
    ),
];
