//! Checks of `bird doctor`: a query and a judgement each, in a table per engine. `db::doctor` runs
//! the queries.

use crate::model::check::CheckResult;
use crate::model::code::Code;
use crate::model::server::Server;

/// The rows of a result set, every cell as text.
pub type Rows = [Vec<Option<String>>];

/// The database and the server that are checked.
pub struct Subject<'s> {
    /// The database's name on its server.
    pub database: &'s str,
    pub schema: Option<&'s str>,
    pub server: &'s Server,
    /// Whether the server is on this machine.
    pub local: bool,
    /// The size in bytes of the largest pending statement.
    pub largest: usize,
}

/// One check.
pub struct Check {
    /// Its name in reports is the code of what it finds.
    pub code: Code,
    /// Whether it runs in the database itself, which must exist then.
    pub inside: bool,
    pub query: fn(&Subject<'_>) -> String,
    pub judge: fn(&Subject<'_>, &Rows) -> CheckResult,
}

/// One cell; empty if it is NULL or missing.
pub(crate) fn cell(rows: &Rows, row: usize, column: usize) -> &str {
    let cell = rows.get(row).and_then(|row| row.get(column));
    cell.and_then(Option::as_deref).unwrap_or_default()
}

/// A cell as a number; 0 if it is none.
pub(crate) fn number(rows: &Rows, row: usize, column: usize) -> u64 {
    cell(rows, row, column).parse().unwrap_or(0)
}

/// Account and encryption of a connection; `how` is empty if it is not encrypted.
pub(crate) fn account(subject: &Subject<'_>, account: &str, how: &str) -> CheckResult {
    match (how, subject.local) {
        ("", true) => CheckResult::ok(format!("{account}, not encrypted, on this machine")),
        ("", false) => CheckResult::warning(format!("{account}, over a network, not encrypted"))
            .fix("remove the parameter that turns TLS off from the URL"),
        (how, _) => CheckResult::ok(format!("{account}, encrypted ({how})")),
    }
}
