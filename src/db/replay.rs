//! Runs statements in a scratch database. A statement that could reach outside of it is not sent,
//! and is reported.

use crate::model::code::Code;
use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::rebuild;
use super::session::DbError;
use super::shadow::Shadow;
use crate::dialect::containment;
use crate::dialect::containment::{Containment, Outside};
use crate::dialect::runs_without_transaction;
use crate::dialect::statement::{self, Routine};
use crate::dialect::{Dialect, Extension};
use crate::model::diagnostic::{Diagnostic, Failure, Location, Severity};
use crate::model::exit::Exit;
use crate::model::script::Statement;
use crate::sql::Cursor;
use crate::sql::script;
use crate::sql::script::{blot, secrets};

/// What became of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sent {
    Ran,
    /// It was not sent.
    Withheld(Outside),
}

/// A statement of a file that was not sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotSent {
    /// Its number, from 1.
    pub number: usize,
    pub range: Range<usize>,
    pub why: Outside,
}

/// Runs the statements of one file; gives what was not sent and why.
pub async fn file(shadow: &mut Shadow, name: &str, text: &str) -> Result<Vec<Diagnostic>, Failure> {
    let kept = statements(shadow, name, text).await?;
    Ok(diagnose(shadow.session.dialect, name, text, &kept))
}

/// As [`file()`], with what was not sent as data.
pub async fn statements(
    shadow: &mut Shadow,
    name: &str,
    text: &str,
) -> Result<Vec<NotSent>, Failure> {
    let dialect = shadow.session.dialect;
    let read = script::read(dialect.syntax(), text).map_err(|faults| {
        let at = places(dialect, name, text);
        let diagnostics = faults
            .into_iter()
            .map(|it| Diagnostic::new(Code::Script, it.message).at(at(it.range)));
        Failure {
            exit: Exit::Failed,
            diagnostics: diagnostics.collect(),
        }
    })?;
    let cannot = |error: &DbError| {
        let message = format!("{name}: {}", error);
        Failure::failed(Diagnostic::new(Code::Replay, message))
    };
    // As when it is applied: a rebuilt table would take the rows of its children with it.
    let rebuilds = read.statements.iter().any(|statement| {
        let sql = text.get(statement.range.clone()).unwrap_or_default();
        let dialect = shadow.session.dialect;
        let words = Cursor::new(dialect.syntax(), sql);
        !dialect.rebuilt_tables(&words.texts()).is_empty()
    });
    if rebuilds {
        rebuild::enforce(&mut shadow.session, false)
            .await
            .map_err(|error| cannot(&error))?;
    }
    let alone = runs_without_transaction(dialect, &read, text);
    let ran = if shadow.session.dialect.facts().transactional_ddl && !alone {
        together(shadow, text, &read.statements).await
    } else {
        one_by_one(shadow, text, &read.statements, Rollback::Statement).await
    };
    let kept = ran.map_err(|broken| {
        let message = format!("{name} cannot be replayed: {}", broken.error);
        let place = places(dialect, name, text)(broken.range);
        let mut diagnostics = vec![Diagnostic::new(Code::Replay, message).at(place)];
        // It may well fail because of these.
        diagnostics.extend(diagnose(dialect, name, text, &broken.kept));
        Failure {
            exit: Exit::Failed,
            diagnostics,
        }
    })?;
    shadow.state.away = None;
    shadow.state.mode = None;
    shadow.state.foreign_mode = None;
    shadow
        .session
        .reset()
        .await
        .map_err(|error| cannot(&error))?;
    Ok(kept)
}

/// What stopped a file, and what was not sent before that.
struct Broken {
    error: DbError,
    range: Range<usize>,
    kept: Vec<NotSent>,
}

/// How far a statement that fails takes others back with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rollback {
    /// To the beginning of the transaction, which is over.
    Transaction,
    /// To a savepoint before it.
    Savepoint,
    /// It alone, outside of transactions.
    Statement,
}

/// In one transaction, as it is applied. Where a statement fails because one before it was not
/// sent, or because it counts on rows, the transaction cannot go on. Then the file begins again with
/// savepoints before the statements about rows, and at last without a transaction.
async fn together(
    shadow: &mut Shadow,
    text: &str,
    statements: &[Statement],
) -> Result<Vec<NotSent>, Broken> {
    let before = shadow.state.clone();
    let begin = shadow.session.dialect.begin();
    for rollback in [Rollback::Transaction, Rollback::Savepoint] {
        if shadow.session.run(begin).await.is_err() {
            break;
        }
        if let Ok(kept) = one_by_one(shadow, text, statements, rollback).await
            && shadow.session.run("COMMIT").await.is_ok()
        {
            return Ok(kept);
        }
        // It may have been rolled back already.
        let _: Result<(), DbError> = shadow.session.run("ROLLBACK").await;
        shadow.state.clone_from(&before);
    }
    one_by_one(shadow, text, statements, Rollback::Statement).await
}

async fn one_by_one(
    shadow: &mut Shadow,
    text: &str,
    statements: &[Statement],
    rollback: Rollback,
) -> Result<Vec<NotSent>, Broken> {
    let mut kept = Vec::new();
    for (at, statement) in statements.iter().enumerate() {
        let sql = text.get(statement.range.clone()).unwrap_or_default();
        let range = statement.range.clone();
        match attempt(shadow, sql, rollback).await {
            Ok(Sent::Ran) => {}
            Ok(Sent::Withheld(why)) => kept.push(NotSent {
                number: at + 1,
                range,
                why,
            }),
            Err(error) => return Err(Broken { error, range, kept }),
        }
    }
    Ok(kept)
}

/// Sends one statement. Rows do not matter to a schema, and a shadow does not have those of the live
/// database: a statement that is only about rows may fail.
async fn attempt(shadow: &mut Shadow, sql: &str, rollback: Rollback) -> Result<Sent, DbError> {
    let dialect = shadow.session.dialect;
    if rollback == Rollback::Transaction || !statement::may_handle_rows(dialect, sql) {
        return send(shadow, sql).await;
    }
    let has_savepoint = rollback == Rollback::Savepoint;
    if has_savepoint {
        shadow.session.run("SAVEPOINT bird_rows").await?;
    }
    let sent = send(shadow, sql).await;
    if has_savepoint {
        if sent.is_err() {
            shadow
                .session
                .run("ROLLBACK TO SAVEPOINT bird_rows")
                .await?;
        }
        shadow.session.run("RELEASE SAVEPOINT bird_rows").await?;
    }
    match sent {
        Err(error) if error.kind.is_of_statement() => {
            let routines = routines(shadow).await?;
            if !statement::handles_rows(dialect, sql, &routines) {
                return Err(error);
            }
            let why = format!("fails without the rows of the live database: {error}");
            Ok(Sent::Withheld(Outside {
                why,
                matters: false,
            }))
        }
        sent => sent,
    }
}

/// The routines that the shadow has so far.
async fn routines(shadow: &mut Shadow) -> Result<Vec<Routine>, DbError> {
    let Some(query) = shadow.session.dialect.containment().routines_query else {
        return Ok(Vec::new());
    };
    let rows = shadow.session.rows(query).await?;
    let routines = rows.into_iter().filter_map(|row| {
        let mut cells = row.into_iter().flatten();
        Some(Routine {
            name: cells.next()?,
            defines: cells.next()? == "defines",
        })
    });
    Ok(routines.collect())
}

/// What was not sent of a file: a finding where the schema may lack something, else a remark.
pub fn diagnose(
    dialect: &dyn Dialect,
    name: &str,
    text: &str,
    kept: &[NotSent],
) -> Vec<Diagnostic> {
    if kept.is_empty() {
        return Vec::new();
    }
    let at = places(dialect, name, text);
    let diagnostics = kept.iter().map(|NotSent { number, range, why }| {
        let message = format!(
            "{name}: statement {number} is not replayable: it {}",
            why.why
        );
        let diagnostic = if why.matters {
            Diagnostic::new(Code::NotReplayable, message)
                .note("the schema of the files lacks its effect")
        } else {
            Diagnostic::new(Code::NotReplayable, message).severity(Severity::Note)
        };
        diagnostic.at(at(range.clone()))
    });
    diagnostics.collect()
}

/// The places of a file, which show no secret.
fn places(dialect: &dyn Dialect, name: &str, text: &str) -> impl Fn(Range<usize>) -> Location {
    let drawn: Arc<str> = blot(text, &secrets(dialect.syntax(), text)).into();
    move |range| Location::new(name, text, drawn.clone(), range)
}

/// Runs one statement, unless it could reach past the shadow.
pub async fn send(shadow: &mut Shadow, sql: &str) -> Result<Sent, DbError> {
    let dialect = shadow.session.dialect;
    let written = sql;
    let Some(sql) = shadow.state.as_in_files(dialect, written) else {
        let why = "is cut into other words by the server, because of its mode".to_owned();
        return Ok(keep(shadow, written, why, true));
    };
    let sql = sql.as_ref();
    if let Some(database) = containment::used_database(dialect, sql) {
        let own = database == shadow.state.scope.own.to_lowercase();
        shadow.state.away = (!own).then_some(database);
    } else if let Some(database) = &shadow.state.away {
        let why = format!("runs in another database, `{database}`");
        return Ok(keep(shadow, sql, why, true));
    }
    // Scheduled events are created disabled, and the schema shows them enabled.
    let event = containment::disable_event(dialect, sql);
    let text = event.as_ref().and_then(|event| event.sql.clone());
    let text = text.as_deref().unwrap_or(sql);
    let (changed, dynamic_sql) = match containment::check(dialect, text, &shadow.state.scope) {
        Containment::Inside { sql, dynamic_sql } => (sql, dynamic_sql),
        Containment::Outside(Outside { why, matters }) => {
            return Ok(keep(shadow, sql, why, matters));
        }
        Containment::Dynamic(question) => match inside(shadow, &question).await? {
            Ok(()) => (None, None),
            Err(Outside { why, matters }) => return Ok(keep(shadow, sql, why, matters)),
        },
    };
    let mode = containment::mode(dialect, text);
    let before = match mode {
        Some(mode) => shadow.session.value(mode.read).await?,
        None => None,
    };
    let extension = containment::extension(dialect, sql);
    let given = shadow.state.given(extension.as_deref());
    let creates = containment::created_name(dialect, sql).is_some();
    if creates && given.is_some() {
        // It is there since the shadow was made, or this account may not create it.
        return Ok(Sent::Ran);
    }
    let is_given = given.is_some();
    let own = match (&changed, &event) {
        (Some(changed), _) => Some(changed.clone()),
        (None, Some(event)) if event.sql.is_some() => {
            let same = containment::disable_event(dialect, written);
            let same = same.filter(|it| it.name == event.name);
            same.and_then(|it| it.sql).or_else(|| event.sql.clone())
        }
        (None, _) => None,
    };
    let ran = shadow.session.run(own.as_deref().unwrap_or(written)).await;
    if ran.is_err() && is_given && !creates && containment::comments(dialect, sql) {
        return Ok(Sent::Ran);
    }
    if ran.is_ok() && is_given {
        // What it is from now on, the statements say.
        shadow.state.forget(extension.as_deref());
    }
    if let Err(mut error) = ran {
        error.message = shadow.state.with_own_names(&error.message);
        if let Some(name) = extension.filter(|_| creates)
            && dialect.lacks_extension(error.kind, error.code.as_deref())
        {
            let mut known = shadow.state.own_extensions.iter();
            let known = known.find(|extension| extension.name == name).cloned();
            let matters = known.is_none();
            shadow.state.extensions.push(known.unwrap_or(Extension {
                name,
                schema: None,
                comment: None,
                create: Vec::new(),
            }));
            let why = format!("creates an extension that no shadow can have: {error}");
            return Ok(Sent::Withheld(Outside { why, matters }));
        }
        let siblings = shadow.state.siblings();
        if containment::names_one_of(dialect, text, &siblings) {
            // The sibling's migrations may have gone on since, or may not have come that far.
            let why = format!("fails beside the databases that it names: {error}");
            return Ok(keep(shadow, sql, why, true));
        }
        if let Some(word) = &shadow.state.foreign_mode {
            let why = format!("needs the mode {word}, which is not replayed: {error}");
            return Ok(keep(shadow, sql, why, true));
        }
        let unsent = &shadow.state.unsent;
        return match containment::mentions(dialect, sql, unsent) {
            Some(name) => {
                let why = format!("needs `{name}`, which was not replayed");
                Ok(keep(shadow, sql, why, true))
            }
            None => Err(error),
        };
    }
    if let (Some(mode), Some(before)) = (mode, before)
        && let Some(now) = shadow.session.value(mode.read).await?
    {
        let word = mode.misleading_word(&now);
        shadow.state.foreign_mode = word.map(str::to_owned);
        if word.is_some() {
            // What comes next would be another statement to the server than to bird.
            if let Ok(value) = dialect.text(&before) {
                let sql = format!("SET {} = {value}", mode.name);
                shadow.session.run(&sql).await?;
            }
            let why = "changes how the server reads statements".to_owned();
            return Ok(keep(shadow, sql, why, false));
        }
        shadow.state.mode = Some(now);
    }
    shadow.state.scope.dynamic_routines.extend(dynamic_sql);
    if let Some(event) = event {
        shadow.state.event_changed(event);
    }
    Ok(Sent::Ran)
}

/// Whether the text that a statement is about to run stays inside.
async fn inside(shadow: &mut Shadow, question: &str) -> Result<Result<(), Outside>, DbError> {
    let Some(text) = shadow.session.value(question).await? else {
        return Ok(Ok(()));
    };
    let (dialect, scope) = (shadow.session.dialect, &shadow.state.scope);
    let Some(text) = shadow.state.as_in_files(dialect, &text) else {
        return Ok(Err(Outside {
            why: "runs dynamic SQL that bird cannot read in its mode".to_owned(),
            matters: true,
        }));
    };
    Ok(match containment::check(dialect, &text, scope) {
        Containment::Inside {
            sql: None,
            dynamic_sql: None,
        } => Ok(()),
        Containment::Outside(outside) => Err(outside),
        Containment::Inside { .. } | Containment::Dynamic(_) => {
            let siblings = shadow.state.siblings();
            let mut named = siblings.into_iter();
            let named = named
                .find(|name| containment::names_one_of(dialect, &text, std::slice::from_ref(name)));
            let name = named.unwrap_or_else(|| scope.own.clone());
            Err(Outside {
                why: format!("runs dynamic SQL that names the database `{name}`"),
                matters: true,
            })
        }
    })
}

fn keep(shadow: &mut Shadow, sql: &str, why: String, matters: bool) -> Sent {
    let dialect = shadow.session.dialect;
    if let Some(name) = containment::created_name(dialect, sql) {
        let first = script::words(dialect.syntax(), sql).next();
        let attaches = |word: &str| {
            let attaching = dialect.syntax().grammar.attaching;
            attaching
                .iter()
                .any(|known| known.eq_ignore_ascii_case(word))
        };
        if first.is_some_and(attaches) {
            shadow.state.scope.others.push(name)
        } else {
            shadow.state.unsent.push(name)
        }
    }
    Sent::Withheld(Outside { why, matters })
}
