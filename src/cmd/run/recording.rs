//! Records the schema at the end of a run that wrote, so that drift can be told without a replay.
//!
//! A recording begins under the lock, before the first statement: what has drifted by then must still
//! be drift after the run, and what is there by then was not made by the run.

use std::time::Duration;

use super::locks::waiting;
use super::siblings::leave_out;
use crate::cmd::context::Context;
use crate::db::failpoint;
use crate::db::inspect;
use crate::db::lock::NoLock;
use crate::db::schema_record::{self, Recorded, SchemaRecord, Wait};
use crate::db::session::{DbError, Session};
use crate::model::history::History;
use crate::model::schema::{Kind, Schema};
use crate::plan::prior::{Conditional, Prior, keep};
use crate::plan::schema_record::{state, without_drift};
use crate::project::Database;

/// A recording that has begun.
pub enum Recording {
    /// Nothing is recorded.
    Off,
    /// What is there at the end is recorded.
    Begun {
        /// What runs found in the database; `None` if nothing is known of it.
        prior: Option<Prior>,
        /// The recorded schema and the live one, if they differ.
        drifted: Option<Box<(Schema, Schema)>>,
    },
}

impl Recording {
    /// A recording that takes the schema as it is: a person said that the migrations gave it.
    pub fn of_what_is(database: &Database) -> Recording {
        if database.keep_schema {
            Recording::Begun {
                prior: None,
                drifted: None,
            }
        } else {
            Recording::Off
        }
    }

    /// Begins to record a database: compares its schema with the last record. The caller holds the
    /// lock, and has read the history under it. `conditionals` is what the run creates unless it is
    /// there: the migrations then count it as theirs, and it is no drift.
    pub async fn begin(
        context: &Context,
        database: &Database,
        session: &mut Session,
        history: &History,
        conditionals: &[Conditional],
    ) -> Recording {
        match Recording::compare(context, database, session, history, conditionals).await {
            Ok(recording) => recording,
            Err(error) => {
                not_recorded(context, database, &error.to_string());
                Recording::Off
            }
        }
    }

    async fn compare(
        context: &Context,
        database: &Database,
        session: &mut Session,
        history: &History,
        conditionals: &[Conditional],
    ) -> Result<Recording, DbError> {
        if !database.keep_schema {
            return Ok(Recording::Off);
        }
        let is_new = history.applied.is_empty() && history.journal.is_empty();
        let begun = |prior| Recording::Begun {
            prior: Some(prior),
            drifted: None,
        };
        if is_new && history.is_empty && session.dialect.extensions_query().is_none() {
            return Ok(begun(Prior::default()));
        }
        let recorded = match schema_record::read(session, &state(history)).await? {
            Recorded::Schema(record) => Some(*record),
            // Nothing is applied yet: whatever is there comes from somebody else.
            _ if is_new => None,
            Recorded::Nothing | Recorded::Unreadable(_) => {
                // A migration that ran halfway made a part of this itself.
                let mut prior = Prior::unknown_up_to(newest(history, true));
                let live = live(context, database, session).await?;
                prior.add(&live, &Schema::default(), newest(history, true));
                return Ok(begun(prior));
            }
        };
        let live = live(context, database, session).await?;
        let newest = newest(history, false);
        let (mut recorded, prior) = match recorded {
            Some(record) => {
                let mut recorded = record.schema;
                let catalog = session.dialect.catalog();
                catalog.restate(&mut recorded, &live.unstated.0);
                leave_out(context, database, &mut recorded);
                let prior = record.prior;
                (recorded, prior.unwrap_or(Prior::unknown_up_to(newest)))
            }
            None => {
                let recorded = Schema {
                    settings: live.settings.clone(),
                    ..Schema::default()
                };
                (recorded, Prior::default())
            }
        };
        let mut prior = prior;
        prior.add(&live, &recorded, newest);
        keep(&live, &mut recorded, |part| {
            // An administrator gives extensions to a database before its first migration.
            is_new && part.kind == Kind::Extension || conditionals.iter().any(|it| it.may_be(part))
        });
        let is_drifted = recorded != live && !(is_new && history.is_empty);
        let drifted = is_drifted.then(|| Box::new((recorded, live)));
        Ok(Recording::Begun {
            prior: Some(prior),
            drifted,
        })
    }

    async fn record(
        self,
        context: &Context,
        database: &Database,
        session: &mut Session,
        history: &History,
        timeout: Duration,
    ) -> Result<(), NoLock> {
        let Recording::Begun { prior, drifted } = self else {
            return Ok(());
        };
        let mut schema = live(context, database, session).await?;
        if let Some(schemas) = drifted {
            let (recorded, before) = *schemas;
            schema = without_drift(&recorded, &before, &schema);
        }
        let prior = prior.unwrap_or(Prior::unknown_up_to(newest(history, true)));
        let record = SchemaRecord::new(session, schema, prior).await?;
        let state = state(history);
        let version = newest(history, false).unwrap_or_default();
        let wait = Wait {
            timeout,
            waiting: &waiting(context, database),
            stop: &context.stop,
        };
        schema_record::write(session, &state, version, context.run, &record, wait).await
    }

    /// Records what the run left behind. If that fails, the run has done its work all the same, and
    /// later commands replay the migrations. `timeout` is how long to wait for another writer.
    ///
    /// The caller still holds the lock, and has read the history again.
    pub async fn finish(
        self,
        context: &Context,
        database: &Database,
        session: &mut Session,
        history: &History,
        timeout: Duration,
    ) {
        failpoint::at("before-record");
        let recorded = self.record(context, database, session, history, timeout);
        let reason = match recorded.await {
            Ok(()) => return,
            Err(NoLock::Database(error)) => error.to_string(),
            Err(NoLock::Stopped(_)) => "the run was interrupted".to_owned(),
            Err(NoLock::Held(_)) => format!("another session still writes after {timeout:?}"),
            Err(NoLock::Broken | NoLock::Shared) => "its lock is gone".to_owned(),
        };
        not_recorded(context, database, &reason);
    }
}

/// The schema of a database, without its siblings.
async fn live(
    context: &Context,
    database: &Database,
    session: &mut Session,
) -> Result<Schema, DbError> {
    let mut schema = inspect::schema(session, database.target.database()).await?;
    leave_out(context, database, &mut schema);
    Ok(schema)
}

/// The newest version that is applied, or that began to be.
fn newest(history: &History, with_begun: bool) -> Option<i64> {
    let applied = history.applied.iter().map(|row| row.version);
    let begun = history.journal.iter().map(|entry| entry.version);
    applied.chain(begun.filter(|_| with_begun)).max()
}

fn not_recorded(context: &Context, database: &Database, reason: &str) {
    context.progress.notice(&format!(
        "{}: the schema cannot be recorded: {reason}; `bird verify` replays the migrations instead",
        database.name
    ));
}
