//! The checks of `bird doctor` for SQLite. The checks of the database file are in `db::file`.

use crate::dialect::checks::{Check, cell};
use crate::model::check::CheckResult;
use crate::model::code::Code;

pub const CHECKS: &[Check] = &[
    Check {
        code: Code::CharacterSet,
        inside: true,
        query: |_| "PRAGMA encoding".into(),
        judge: |_, rows| match cell(rows, 0, 0) {
            "UTF-8" => CheckResult::ok("UTF-8"),
            other => CheckResult::note(format!("{other}; texts are compared after a conversion")),
        },
    },
    Check {
        code: Code::JournalMode,
        inside: true,
        query: |_| "PRAGMA journal_mode".into(),
        judge: |_, rows| match cell(rows, 0, 0) {
            mode @ ("off" | "memory") => {
                CheckResult::warning(format!("{mode}: a crash can destroy the file"))
                    .fix("PRAGMA journal_mode = wal")
            }
            mode => CheckResult::ok(mode),
        },
    },
];
