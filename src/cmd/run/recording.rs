//! Records the schema at the end of a run that wrote, so that drift can be told without a replay.
//!
//! A recording begins under the lock, before the first statement: what has drifted by then must still
//! be drift after the run.

use crate::cmd::context::Context;
use crate::db::inspect;
use crate::db::schema_record::{self, Recorded, SchemaRecord};
use crate::db::session::{DbError, Session};
use crate::model::history::History;
use crate::model::schema::Schema;
use crate::plan::schema_record::{state, without_drift};
use crate::project::Database;

/// A recording that has begun.
pub enum Recording {
    /// Nothing is recorded.
    Off,
    /// There was no drift, or none is known.
    Begun,
    /// The recorded schema and the live one, which differ.
    Drifted(Box<(Schema, Schema)>),
}

impl Recording {
    /// A recording that takes the schema as it is: a person said that the migrations gave it.
    pub fn of_what_is(database: &Database) -> Recording {
        if database.keep_schema {
            Recording::Begun
        } else {
            Recording::Off
        }
    }

    /// Begins to record a database: compares its schema with the last record. The caller holds the
    /// lock, and has read the history under it.
    pub async fn begin(
        context: &Context,
        database: &Database,
        session: &mut Session,
        history: &History,
    ) -> Recording {
        match Recording::compare(database, session, history).await {
            Ok(recording) => recording,
            Err(error) => {
                not_recorded(context, database, &error);
                Recording::Off
            }
        }
    }

    async fn compare(
        database: &Database,
        session: &mut Session,
        history: &History,
    ) -> Result<Recording, DbError> {
        if !database.keep_schema {
            return Ok(Recording::Off);
        }
        let is_new = history.applied.is_empty() && history.journal.is_empty();
        if is_new && history.is_empty {
            return Ok(Recording::Begun);
        }
        let recorded = match schema_record::read(session, &state(history)).await? {
            Recorded::Schema(record) => Some(record.schema),
            // Nothing is applied yet: whatever is there comes from somebody else.
            _ if is_new => None,
            Recorded::Nothing | Recorded::Unreadable(_) => return Ok(Recording::Begun),
        };
        let live = inspect::schema(session, database.target.database()).await?;
        let recorded = match recorded {
            Some(mut recorded) => {
                let catalog = session.dialect.catalog();
                catalog.restate(&mut recorded, &live.unstated.0);
                recorded
            }
            None => Schema {
                settings: live.settings.clone(),
                ..Schema::default()
            },
        };
        Ok(if recorded == live {
            Recording::Begun
        } else {
            Recording::Drifted(Box::new((recorded, live)))
        })
    }

    async fn record(
        self,
        context: &Context,
        database: &Database,
        session: &mut Session,
        history: &History,
    ) -> Result<(), DbError> {
        let drifted = match self {
            Recording::Off => return Ok(()),
            Recording::Begun => None,
            Recording::Drifted(schemas) => Some(schemas),
        };
        let mut schema = inspect::schema(session, database.target.database()).await?;
        if let Some(schemas) = drifted {
            let (recorded, before) = *schemas;
            schema = without_drift(&recorded, &before, &schema);
        }
        let version = history.applied.iter().map(|row| row.version).max();
        let record = SchemaRecord::new(session, schema).await?;
        let (state, version) = (state(history), version.unwrap_or_default());
        schema_record::write(session, &state, version, context.run, &record).await
    }

    /// Records what the run left behind. If that fails, the run has done its work all the same, and
    /// later commands replay the migrations.
    ///
    /// The caller still holds the lock, and has read the history again.
    pub async fn finish(
        self,
        context: &Context,
        database: &Database,
        session: &mut Session,
        history: &History,
    ) {
        if let Err(error) = self.record(context, database, session, history).await {
            not_recorded(context, database, &error);
        }
    }
}

fn not_recorded(context: &Context, database: &Database, error: &DbError) {
    context.progress.notice(&format!(
        "{}: the schema cannot be recorded: {error}; `bird verify` replays the migrations instead",
        database.name
    ));
}
