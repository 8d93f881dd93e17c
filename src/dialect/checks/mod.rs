//! What `bird doctor` asks a server and how it judges the answers: one entry in a table per
//! check, a table per engine. Pure; `db::doctor` asks.

use crate::model::check::CheckResult;
use crate::model::code::Code;
use crate::model::server::Server;

/// The rows of an answer, every cell as text.
pub type Rows = [Vec<Option<String>>];

/// What a check is about.
pub struct Subject<'s> {
    /// The database's name on its server.
    pub database: &'s str,
    pub schema: Option<&'s str>,
    pub server: &'s Server,
    /// Whether the server is on this machine.
    pub local: bool,
    /// How many bytes the largest statement has that is still to run.
    pub largest: usize,
}

/// One thing to look at.
pub struct Check {
    /// Its name in reports is the code of what it finds.
    pub code: Code,
    /// Whether it asks about the database itself, which must exist then.
    pub inside: bool,
    pub query: fn(&Subject<'_>) -> String,
    pub judge: fn(&Subject<'_>, &Rows) -> CheckResult,
}

/// One cell, empty where it is NULL or not there.
pub(crate) fn cell(rows: &Rows, row: usize, column: usize) -> &str {
    let cell = rows.get(row).and_then(|row| row.get(column));
    cell.and_then(Option::as_deref).unwrap_or_default()
}

/// A cell as a number, nothing where it is none.
pub(crate) fn number(rows: &Rows, row: usize, column: usize) -> u64 {
    cell(rows, row, column).parse().unwrap_or(0)
}

/// Account and encryption of a connection; `how` is empty where it is not encrypted.
pub(crate) fn account(subject: &Subject<'_>, account: &str, how: &str) -> CheckResult {
    match (how, subject.local) {
        ("", true) => CheckResult::ok(format!("{account}, not encrypted, on this machine")),
        ("", false) => CheckResult::warning(format!("{account}, over a network, not encrypted"))
            .fix("take the word that turns TLS off out of the URL"),
        (how, _) => CheckResult::ok(format!("{account}, encrypted ({how})")),
    }
}
