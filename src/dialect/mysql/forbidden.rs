//! Statements that no migration may contain on MySQL and MariaDB.

use crate::dialect::Forbidden;
use crate::dialect::statements::TRANSACTIONS;

pub(super) const FORBIDDEN: &[(&[&str], Forbidden)] = &[
    (
        &["USE"],
        Forbidden {
            what: "USE",
            why: "a migration may only use its own database",
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
        &["ROLLBACK"],
        Forbidden {
            what: "ROLLBACK",
            why: TRANSACTIONS,
        },
    ),
    (
        &["SAVEPOINT"],
        Forbidden {
            what: "SAVEPOINT",
            why: TRANSACTIONS,
        },
    ),
    (
        &["XA"],
        Forbidden {
            what: "XA",
            why: TRANSACTIONS,
        },
    ),
    (
        &["LOCK", "TABLES"],
        Forbidden {
            what: "LOCK TABLES",
            why: "it would lock bird out of its own journal",
        },
    ),
    (
        &["LOCK", "TABLE"],
        Forbidden {
            what: "LOCK TABLES",
            why: "it would lock bird out of its own journal",
        },
    ),
    (
        &["UNLOCK"],
        Forbidden {
            what: "UNLOCK TABLES",
            why: "bird takes and releases the locks",
        },
    ),
];

/// Why a session must not become read-only.
pub(super) const UNWRITTEN: &str = "bird could no longer write its journal";
/// Why a session must not choose what is written to the binary log.
const LOGGED: &str =
    "the statement and its journal row must both reach the binary log, or replicas differ";

/// Variables that no migration may set.
pub(super) const SETTINGS: &[(&str, Forbidden)] = &[
    (
        "autocommit",
        Forbidden {
            what: "SET autocommit",
            why: TRANSACTIONS,
        },
    ),
    (
        "completion_type",
        Forbidden {
            what: "SET completion_type",
            why: TRANSACTIONS,
        },
    ),
    (
        "gtid_next",
        Forbidden {
            what: "SET gtid_next",
            why: LOGGED,
        },
    ),
    (
        "sql_log_bin",
        Forbidden {
            what: "SET sql_log_bin",
            why: LOGGED,
        },
    ),
    (
        "wsrep_on",
        Forbidden {
            what: "SET wsrep_on",
            why: LOGGED,
        },
    ),
    (
        "transaction_read_only",
        Forbidden {
            what: "SET transaction_read_only",
            why: UNWRITTEN,
        },
    ),
    (
        "tx_read_only",
        Forbidden {
            what: "SET tx_read_only",
            why: UNWRITTEN,
        },
    ),
    (
        "read_only",
        Forbidden {
            what: "SET read_only",
            why: UNWRITTEN,
        },
    ),
    (
        "super_read_only",
        Forbidden {
            what: "SET super_read_only",
            why: UNWRITTEN,
        },
    ),
];

/// Whether a SET assigns this variable: its name is right before `=` or `:=`, and not behind the
/// single `@` of a user variable.
pub(super) fn sets(words: &[&str], variable: &str) -> bool {
    let named = |at: usize| words.get(at).copied().unwrap_or_default();
    (1..words.len()).any(|at| {
        let name = named(at).trim_matches('`');
        let follows = named(at + 1);
        let assigned = follows == "=" || follows == ":" && named(at + 2) == "=";
        let own = named(at - 1) == "@" && (at < 2 || named(at - 2) != "@");
        // `SET x = (autocommit = 1)` compares.
        let begins = [
            "SET",
            "GLOBAL",
            "SESSION",
            "LOCAL",
            "PERSIST",
            "PERSIST_ONLY",
            "STATEMENT",
        ];
        let before = named(at - 1);
        let begins = begins.iter().any(|word| word.eq_ignore_ascii_case(before));
        let placed = begins || matches!(before, "," | "." | "@");
        name.eq_ignore_ascii_case(variable) && assigned && placed && !own
    })
}
