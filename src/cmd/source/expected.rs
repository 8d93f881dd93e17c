//! The texts whose replay gives a schema: all migrations of a database, those up to a version, or
//! those that the live database has applied.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Recorder, Upto, usage};
use crate::cmd::context::Context;
use crate::cmd::run::database::history_with_texts;
use crate::cmd::run::open;
use crate::db::schema_record::{self, Recorded, SchemaRecord};
use crate::db::session::{Access, DbError, Session};
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Failure};
use crate::model::exit::Exit;
use crate::model::history::{Direction, History};
use crate::model::migration::Migration;
use crate::model::schema::Schema;
use crate::model::server::Server;
use crate::plan::migration_state;
use crate::plan::prior::Prior;
use crate::plan::schema_record::state;
use crate::project::Database;
use crate::sql::script;

/// A text of SQL to replay.
#[derive(Clone)]
pub struct Text {
    /// The file as it is shown.
    pub name: String,
    pub sql: Arc<str>,
}

impl Text {
    pub fn of(migration: &Migration) -> Text {
        Text {
            name: migration.file.clone(),
            sql: migration.text.clone(),
        }
    }
}

/// The texts whose replay gives a schema.
#[derive(Default)]
pub struct Texts {
    pub texts: Vec<Text>,
    /// The applied versions whose text nobody has: the schema lacks what they did.
    pub unknown: Vec<i64>,
}

impl From<Vec<Text>> for Texts {
    fn from(texts: Vec<Text>) -> Self {
        Texts {
            texts,
            unknown: Vec::new(),
        }
    }
}

/// The migrations of a database of the project, for the engine that it is on.
pub async fn migrations(
    context: &Context,
    database: &Database,
    upto: Upto,
) -> Result<Texts, Failure> {
    let files = context
        .project
        .read_migrations_of(database)
        .map_err(|diagnostics| Failure {
            exit: Exit::Failed,
            diagnostics,
        })?;
    match upto {
        Upto::All => Ok(files.iter().map(Text::of).collect::<Vec<Text>>().into()),
        Upto::Version(version) => {
            if !files.iter().any(|file| file.version == version) {
                let message = format!("{}: there is no migration V{version}", database.name);
                return Err(usage(message, "`bird status` lists the versions"));
            }
            let some = files.iter().filter(|file| file.version <= version);
            Ok(some.map(Text::of).collect::<Vec<Text>>().into())
        }
        Upto::Applied | Upto::AppliedFiles => {
            let history = if open::is_absent_file(database) {
                History::default()
            } else {
                let doing = "reading its history";
                let read = async |session: &mut Session| history_with_texts(session, &files).await;
                ask(context, database, doing, read).await?
            };
            applied_files(database, &files, &history)
        }
    }
}

/// What gives the schema of the applied migrations.
pub enum Applied {
    /// The last run that wrote recorded it.
    Recorded(Box<RecordedSchema>),
    Files(Texts),
}

/// A recorded schema.
#[derive(Clone)]
pub struct RecordedSchema {
    pub schema: Schema,
    /// The server of today.
    pub server: Server,
    pub recorder: Recorder,
    /// What runs found in the database.
    pub prior: Option<Prior>,
}

impl RecordedSchema {
    async fn new(session: &mut Session, record: SchemaRecord) -> Result<RecordedSchema, DbError> {
        let (then, now) = (
            record.environment,
            schema_record::environment(session).await?,
        );
        let names = then.keys().chain(now.keys());
        let mut other_settings: Vec<String> = names
            .filter(|name| then.get(*name) != now.get(*name))
            .cloned()
            .collect();
        other_settings.sort();
        other_settings.dedup();
        let is_other = record.server != session.server.to_string();
        Ok(RecordedSchema {
            schema: record.schema,
            prior: record.prior,
            server: session.server.clone(),
            recorder: Recorder {
                other_server: is_other.then_some(record.server),
                other_settings,
            },
        })
    }
}

/// The recorded schema of a database, or the files that give it.
pub async fn applied(context: &Context, database: &Database) -> Result<Applied, Failure> {
    let files = context.project.read_migrations_of(database);
    let files = files.map_err(|diagnostics| Failure {
        exit: Exit::Failed,
        diagnostics,
    })?;
    let read = async |session: &mut Session| {
        let history = history_with_texts(session, &files).await?;
        let recorded = recorded_for(context, database, session, &state(&history)).await?;
        Ok((history, recorded))
    };
    let (history, recorded) = if open::is_absent_file(database) {
        (History::default(), None)
    } else {
        ask(context, database, "reading its history", read).await?
    };
    match recorded {
        Some(recorded) => Ok(Applied::Recorded(Box::new(recorded))),
        None => applied_files(database, &files, &history).map(Applied::Files),
    }
}

fn applied_files(
    database: &Database,
    files: &[Migration],
    history: &History,
) -> Result<Texts, Failure> {
    knowable(database, files, history)?;
    let mut texts = applied_texts(database, files, history, i64::MAX);
    texts.extend(half_applied(database, files, history));
    let versions = history.applied.iter().map(|row| row.version);
    let unknown = versions.filter(|version| {
        let has_file = files.iter().any(|file| file.version == *version);
        !has_file && stored_text(history, *version).is_none()
    });
    Ok(Texts {
        texts,
        unknown: unknown.collect(),
    })
}

/// An error if the applied schema cannot be known.
fn knowable(database: &Database, files: &[Migration], history: &History) -> Result<(), Failure> {
    let name = &database.name;
    if !history.exists && !history.objects.is_empty() {
        let message =
            format!("`{name}` has objects but no history, so bird cannot know what was applied");
        let fault = Diagnostic::new(Code::Unmanaged, message).database(name);
        let hint = format!(
            "take it over with `bird adopt`; `bird diff {name}` compares it with the files"
        );
        return Err(Failure::refused(fault.hint(hint)));
    }
    let migration_state = migration_state(database.dialect.syntax(), files, history);
    let mut half_applied = migration_state.partially_applied.iter();
    if let Some(half) = half_applied.find(|partial| partial.direction == Direction::Undo) {
        let message = format!("V{} of `{name}` is half undone", half.version);
        let fault = Diagnostic::new(Code::HalfUndone, message).database(name);
        return Err(Failure::refused(fault.hint("`bird undo` continues it")));
    }
    Ok(())
}

/// The schemas that runs recorded for states of the history, by state.
pub async fn recorded(
    context: &Context,
    database: &Database,
    states: &[String],
) -> Result<BTreeMap<String, RecordedSchema>, Failure> {
    if !database.keep_schema {
        return Ok(BTreeMap::new());
    }
    let read = async |session: &mut Session| {
        let mut all = BTreeMap::new();
        for state in states {
            if let Some(recorded) = recorded_for(context, database, session, state).await? {
                all.insert(state.clone(), recorded);
            }
        }
        Ok(all)
    };
    ask(context, database, "reading its recorded schemas", read).await
}

/// Reads something over a session of its own.
async fn ask<T>(
    context: &Context,
    database: &Database,
    doing: &str,
    read: impl AsyncFnOnce(&mut Session) -> Result<T, DbError>,
) -> Result<T, Failure> {
    let opened = open::session(context, database, Access::ReadOnly, None).await;
    let mut session =
        opened.map_err(|error| Failure::failed(open::cannot_open(database, &error)))?;
    let result = read(&mut session).await;
    session.close().await;
    result.map_err(|error| Failure::failed(open::cannot_ask(database, doing, &error)))
}

async fn recorded_for(
    context: &Context,
    database: &Database,
    session: &mut Session,
    state: &str,
) -> Result<Option<RecordedSchema>, DbError> {
    if !database.keep_schema {
        return Ok(None);
    }
    match schema_record::read(session, state).await? {
        Recorded::Schema(record) => RecordedSchema::new(session, *record).await.map(Some),
        Recorded::Nothing => Ok(None),
        Recorded::Unreadable(reason) => {
            context.progress.notice(&format!(
                "{}: the recorded schema cannot be read: {reason}; the migrations are replayed \
                 instead",
                database.name
            ));
            Ok(None)
        }
    }
}

/// The texts that were applied up to a version, as they were applied: for a file that changed since,
/// the stored text.
pub fn applied_texts(
    database: &Database,
    files: &[Migration],
    history: &History,
    last: i64,
) -> Vec<Text> {
    let syntax = database.dialect.syntax();
    let migration_state = migration_state(syntax, files, history);
    let mut texts = Vec::new();
    let mut versions: Vec<i64> = history.applied.iter().map(|row| row.version).collect();
    versions.retain(|version| *version <= last);
    versions.sort_unstable();
    for version in versions {
        let file = files.iter().find(|file| file.version == version);
        let kept = stored_text(history, version);
        let changed = migration_state
            .changed
            .iter()
            .any(|(file, _)| file.version == version);
        match (file, kept) {
            (Some(file), Some(kept)) if changed => texts.push(Text {
                name: format!("{} as applied", file.file),
                sql: kept.into(),
            }),
            (Some(file), _) => texts.push(Text::of(file)),
            (None, Some(kept)) => texts.push(Text {
                name: format!("V{version} as applied"),
                sql: kept.into(),
            }),
            (None, None) => {}
        }
    }
    texts
}

/// The text of an applied version as the database keeps it.
fn stored_text(history: &History, version: i64) -> Option<&str> {
    let mut stored = history.stored.iter();
    let kept = stored.find(|stored| stored.version == version)?;
    kept.content.as_ref().ok()?.text.as_deref()
}

/// The statements of half-applied files that ran.
fn half_applied(database: &Database, files: &[Migration], history: &History) -> Vec<Text> {
    let syntax = database.dialect.syntax();
    let migration_state = migration_state(syntax, files, history);
    let mut texts = Vec::new();
    for partial in &migration_state.partially_applied {
        let file = files.iter().find(|file| file.version == partial.version);
        if let Some(file) = file
            && partial.direction == Direction::Up
            && let Ok(script) = script::read(syntax, &file.text)
            && let Some(last) = usize::try_from(partial.applied)
                .ok()
                .and_then(|applied| script.statements.get(applied.checked_sub(1)?))
        {
            let mut sql = file
                .text
                .get(..last.range.end)
                .unwrap_or_default()
                .to_owned();
            sql.push_str(";\n");
            texts.push(Text {
                name: format!("the applied part of {}", file.file),
                sql: sql.into(),
            });
        }
    }
    texts
}
