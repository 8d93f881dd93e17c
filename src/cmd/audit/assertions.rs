//! Runs the queries of `[[assertions]]`: each must return no row.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Map, Value, json};

use crate::cmd::context::Context;
use crate::cmd::run::open;
use crate::db::session::{Access, DbError, Sample, Session};
use crate::dialect::ErrorKind;
use crate::model::assertion::Assertion;
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Severity};
use crate::output::checked::{Checked, Outcome};
use crate::output::{Block, Grid};
use crate::project::Database;

/// The number of rows that are shown.
const SHOWN: usize = 10;
/// The number of rows at which counting stops.
const COUNTED: u64 = 1_000_000;
/// The number of characters of a cell that are shown.
const LONGEST: usize = 120;
/// The lock timeout of a query.
const LOCK_TIMEOUT: Duration = Duration::from_secs(30);

/// An assertion with its result.
pub struct AssertionResult {
    pub assertion: Assertion,
    /// The sample of rows, or why the query failed.
    pub answer: Result<Sample, Diagnostic>,
}

/// Runs all assertions: databases concurrently, the assertions of each in order. A failure does not
/// stop the others.
pub async fn run(context: &Context, wait: Option<Duration>) -> Vec<AssertionResult> {
    let asking = context.project.selected().map(|database| async move {
        let all = context.project.assertions.iter();
        let own = all.filter(|one| one.database == database.name);
        of_database(context, database, wait, own).await
    });
    let mut asserted: Vec<AssertionResult> = join_all(asking).await.into_iter().flatten().collect();
    // In the order of the file.
    asserted.sort_by_key(|one| {
        let place = &one.assertion.location;
        (place.line, place.column)
    });
    asserted
}

async fn of_database(
    context: &Context,
    database: &Database,
    wait: Option<Duration>,
    own: impl Iterator<Item = &Assertion>,
) -> Vec<AssertionResult> {
    let mut asserted = Vec::new();
    let mut open: Option<Session> = None;
    for assertion in own {
        let answer = match session(context, database, wait, open.take()).await {
            Ok(mut session) => {
                let answer = ask(context, database, &mut session, assertion).await;
                // A session with an unfinished statement is not used again.
                open = answer
                    .as_ref()
                    .is_ok_and(|sample| !sample.at_least)
                    .then_some(session);
                answer
            }
            Err(fault) => Err(fault),
        };
        asserted.push(AssertionResult {
            assertion: assertion.clone(),
            answer,
        });
    }
    if let Some(session) = open {
        session.close().await;
    }
    asserted
}

/// The open session, or a new read-only one.
async fn session(
    context: &Context,
    database: &Database,
    wait: Option<Duration>,
    open: Option<Session>,
) -> Result<Session, Diagnostic> {
    let failed = |error: DbError| open::cannot_open(database, &error);
    let mut session = match open {
        Some(session) => session,
        None => {
            let opened = open::session(context, database, Access::ReadOnly, wait).await;
            let mut session = opened.map_err(failed)?;
            let limited = session
                .limit(LOCK_TIMEOUT, database.statement_timeout)
                .await;
            limited.map_err(failed)?;
            session
        }
    };
    if let Some(sql) = session.dialect.allow_views() {
        session.run(&sql).await.map_err(failed)?;
    }
    Ok(session)
}

async fn ask(
    context: &Context,
    database: &Database,
    session: &mut Session,
    assertion: &Assertion,
) -> Result<Sample, Diagnostic> {
    let doing = format!(
        "{}: running the assertion `{}`",
        database.name, assertion.name
    );
    context.progress.detail(&doing);
    let cancel = session.id.as_deref();
    let cancel = cancel.and_then(|id| session.dialect.cancel(id));
    let over = async {
        match database.statement_timeout {
            Some(timeout) => tokio::time::sleep(timeout).await,
            None => std::future::pending().await,
        }
    };
    let asking = context
        .stop
        .race(session.sample(&assertion.sql, SHOWN, COUNTED));
    let error = tokio::select! {
        biased;
        answer = asking => match answer {
            Ok(Ok(sample)) => return Ok(sample),
            Ok(Err(error)) => error,
            Err(_) => {
                end(context, database, cancel).await;
                DbError::new(ErrorKind::Cancelled, "interrupted")
            }
        },
        () = over => {
            end(context, database, cancel).await;
            DbError::new(ErrorKind::Cancelled, "it ran longer than `statement_timeout`")
        }
    };
    let message = format!(
        "{}: the query of the assertion `{}` failed: {}",
        database.name, assertion.name, error
    );
    let mut fault = Diagnostic::new(Code::AssertionNotDone, message).database(&database.name);
    fault.notes = error.notes;
    let hint = match error.kind {
        ErrorKind::Denied => "grant this account SELECT on the tables that it reads",
        ErrorKind::Cancelled => {
            "make its SELECT cheaper, or raise `statement_timeout` in bird.toml"
        }
        ErrorKind::Connection => "run bird audit again once the server answers",
        _ => "correct its `sql` in bird.toml",
    };
    Err(fault.at(assertion.location.clone()).hint(hint))
}

/// Cancels a statement on its server. If that fails, closing the connection ends it.
async fn end(context: &Context, database: &Database, cancel: Option<String>) {
    let Some(cancel) = cancel else { return };
    let schema = database.schema.as_deref();
    let opening = Session::open(&database.target, database.dialect, schema, Access::ReadOnly);
    if let Ok(mut other) = opening.await {
        if let Err(error) = other.run(&cancel).await {
            let why = error.to_string();
            context
                .progress
                .notice(&format!("it could not be cancelled: {why}"));
        }
        other.close().await;
    }
}

impl AssertionResult {
    /// The diagnostic about it; `None` if it holds.
    fn diagnostic(&self) -> Option<Diagnostic> {
        let sample = match &self.answer {
            Ok(sample) if sample.count == 0 => return None,
            Ok(sample) => sample,
            Err(fault) => return Some(fault.clone()),
        };
        let Assertion { database, name, .. } = &self.assertion;
        let rows = match sample.count {
            1 => "1 row that should not exist".to_owned(),
            _ => format!("{} rows that should not exist", count_text(sample)),
        };
        let message = format!("{database}: the assertion `{name}` fails: {rows}");
        let mut fault = Diagnostic::new(Code::Assertion, message);
        fault.severity = self.assertion.severity;
        let mut fault = fault.database(database).at(self.assertion.location.clone());
        for row in cells(sample) {
            let cells = row.iter().map(|(column, cell)| {
                let cell = cell.as_deref().unwrap_or("NULL");
                format!("{column} = {cell}")
            });
            fault = fault.note(cells.collect::<Vec<_>>().join(", "));
        }
        if sample.at_least || sample.count > SHOWN as u64 {
            fault = fault.note(format!("the first {SHOWN} rows are shown"));
        }
        Some(fault.hint("the SELECT must return no rows: correct the rows or the assertion"))
    }

    pub fn is_done(&self) -> bool {
        self.answer.is_ok()
    }

    /// The number of rows that were counted.
    pub fn rows(&self) -> u64 {
        self.answer.as_ref().map_or(0, |sample| sample.count)
    }

    pub fn json(&self) -> Value {
        let sample = self.answer.as_ref().ok();
        let rows = sample.into_iter().flat_map(cells).map(|row| {
            let cells = row.into_iter();
            let cells = cells.map(|(column, cell)| (column, json!(cell)));
            Value::Object(cells.collect::<Map<_, _>>())
        });
        json!({
            "name": self.assertion.name,
            "database": self.assertion.database,
            "rows": sample.map(|sample| sample.count),
            "at_least": sample.is_some_and(|sample| sample.at_least),
            "sample": rows.collect::<Vec<_>>(),
        })
    }

    /// The entry for check formats.
    pub fn checked(&self, fail_on: Severity) -> Checked {
        let diagnostics = self.diagnostic().into_iter().collect();
        Checked {
            subject: self.assertion.database.clone(),
            name: format!("assertion {}", self.assertion.name),
            outcome: if self.is_done() {
                Outcome::of(diagnostics, fail_on)
            } else {
                Outcome::NotDone(diagnostics)
            },
        }
    }
}

/// The diagnostics of all assertions, first those that failed to run; a database that cannot be
/// opened is reported once.
pub fn diagnostics(all: &[AssertionResult]) -> Vec<Diagnostic> {
    let mut diagnostics: Vec<Diagnostic> = Vec::new();
    let (done, not_done): (Vec<_>, Vec<_>) = all.iter().partition(|one| one.is_done());
    let all = not_done.into_iter().chain(done);
    for fault in all.filter_map(AssertionResult::diagnostic) {
        if !diagnostics.contains(&fault) {
            diagnostics.push(fault);
        }
    }
    diagnostics
}

/// The table for people; `None` if no assertion is declared.
pub fn block(all: &[AssertionResult]) -> Option<Block> {
    let rows = all.iter().map(|one| {
        let Assertion { database, name, .. } = &one.assertion;
        let rows = one
            .answer
            .as_ref()
            .map_or("not done".to_owned(), count_text);
        vec![database.clone(), name.clone(), rows]
    });
    (!all.is_empty()).then(|| {
        Block::Grid(Grid {
            headers: vec!["database", "assertion", "rows"],
            rows: rows.collect(),
            numbers: vec![2],
            ..Grid::default()
        })
    })
}

fn count_text(sample: &Sample) -> String {
    if sample.at_least {
        format!("at least {}", sample.count)
    } else {
        sample.count.to_string()
    }
}

/// The rows of a sample, each cell with a unique column name.
fn cells(sample: &Sample) -> Vec<Vec<(String, Option<String>)>> {
    let mut columns: Vec<String> = Vec::new();
    for (at, name) in sample.columns.iter().enumerate() {
        columns.push(if columns.contains(name) {
            format!("{name}:{}", at + 1)
        } else {
            name.clone()
        });
    }
    let rows = sample.rows.iter().map(|row| {
        let cells = row.iter().map(|cell| cell.as_deref().map(shortened));
        std::iter::zip(columns.iter().cloned(), cells).collect()
    });
    rows.collect()
}

fn shortened(cell: &str) -> String {
    let mut letters = cell.chars();
    let mut short: String = letters.by_ref().take(LONGEST).collect();
    if letters.next().is_some() {
        short.push('…');
    }
    short
}
