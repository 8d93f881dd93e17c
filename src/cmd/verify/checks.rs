//! The checks of `bird verify` for one database.

use super::super::source::{Loaded, Origin, ShadowPool, Source, Upto};
use crate::cmd::context::Context;
use crate::cmd::run::database::history_with_texts;
use crate::cmd::run::open;
use crate::cmd::run::state::{Named, named, pending};
use crate::cmd::seed;
use crate::cmd::source::describe::{self, How};
use crate::db::session::Session;
use crate::diff::diff;
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Failure, Severity};
use crate::model::exit::Exit;
use crate::model::history::Direction;
use crate::model::migration::Migration;
use crate::model::schema::Schema;
use crate::plan::migration_state;
use crate::project::Database;

/// The checks, in the order of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Check {
    Files,
    History,
    Drift,
    Reproducible,
    Schema,
    Seeds,
    References,
}

/// The result of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckOutcome {
    Ok,
    Found(Vec<Diagnostic>),
    /// It could not be done.
    NotDone {
        /// The reason in one line.
        why: String,
        /// The errors behind it; empty if the reason says everything.
        faults: Vec<Diagnostic>,
    },
}

impl Check {
    pub fn name(self) -> &'static str {
        match self {
            Check::Files => "files",
            Check::History => "history",
            Check::Drift => "drift",
            Check::Reproducible => "reproducible",
            Check::Schema => "schema",
            Check::Seeds => "seeds",
            Check::References => "references",
        }
    }
}

impl CheckOutcome {
    /// A check that could not be done for a reason that no error explains further.
    pub fn not_done(why: String) -> CheckOutcome {
        CheckOutcome::NotDone {
            why,
            faults: Vec::new(),
        }
    }

    pub fn of(found: Vec<Diagnostic>) -> CheckOutcome {
        if found.is_empty() {
            CheckOutcome::Ok
        } else {
            CheckOutcome::Found(found)
        }
    }
}

/// Checks that files and history agree, and that nothing is half-applied.
pub async fn history(
    database: &Database,
    session: &mut Session,
    files: &[Migration],
    no_pending: bool,
) -> Result<Vec<Diagnostic>, Failure> {
    let history = history_with_texts(session, files).await.map_err(|error| {
        Failure::failed(open::cannot_ask(database, "reading its history", &error))
    })?;
    let migration_state = migration_state(database.dialect.syntax(), files, &history);
    let mut found = migration_state.disagreements(&database.name);
    found.extend(migration_state.notes(&database.name));
    let half = migration_state
        .partially_applied
        .iter()
        .filter(|partial| partial.direction == Direction::Up);
    found.extend(half.map(|partial| {
        let message = format!(
            "V{} of `{}` is half applied: {} of {} statements",
            partial.version, database.name, partial.applied, partial.of
        );
        let fault = Diagnostic::new(Code::HalfApplied, message).database(&database.name);
        fault.hint("`bird migrate` continues it")
    }));
    if no_pending {
        let files = migration_state.pending.iter();
        let files: Vec<Named> = files.map(|file| named(file.version, &file.name)).collect();
        found.extend(pending(&database.name, &files));
    }
    Ok(found)
}

/// Checks that the declared rows exist.
pub async fn seeds(
    context: &Context,
    database: &Database,
    session: &mut Session,
) -> Result<CheckOutcome, Failure> {
    let seeds = match seed::look(context, database, session).await {
        Ok(seeds) => seeds,
        Err(failure) if failure.diagnostics.iter().any(is_unread) => {
            return Ok(CheckOutcome::NotDone {
                why: "its rows could not be read".to_owned(),
                faults: failure.diagnostics,
            });
        }
        // A declared row that cannot be written is a finding, not a failure of the check.
        Err(failure) => return Ok(CheckOutcome::Found(failure.diagnostics)),
    };
    let rows = seeds.rows.into_iter().map(|row| {
        format!(
            "{}: the row {} differs from its declaration",
            row.table, row.key
        )
    });
    let counters = seeds.counters.into_iter().map(|counter| {
        format!(
            "{}: the next number of `{}` is one that a row has",
            counter.table, counter.column
        )
    });
    let found = rows.chain(counters).map(|message| {
        let fault = Diagnostic::new(Code::SeedDiffers, message).database(&database.name);
        fault.hint("bird seed corrects it; --dry-run shows how")
    });
    Ok(CheckOutcome::of(found.collect()))
}

/// Whether an error kept the rows from being read, whatever they are.
fn is_unread(fault: &Diagnostic) -> bool {
    matches!(
        fault.code,
        Code::HiddenRows | Code::Denied | Code::Connection | Code::Untrusted
    )
}

/// Compares the live schema with what the applied migrations gave.
pub async fn drift(
    pool: &mut ShadowPool<'_>,
    database: &Database,
    files: bool,
) -> Result<Drift, Failure> {
    let name = &database.name;
    let live = Source::live(database);
    let mut live = pool.load(&live, database, None).await?;
    if !files {
        let why = "its migrations cannot be read".to_owned();
        return Ok(Drift {
            live: live.schema,
            outcome: CheckOutcome::not_done(why),
            recorded: None,
        });
    }
    let applied = Source::migrations(database, Upto::Applied);
    let mut applied = pool.load(&applied, database, None).await?;
    pool.excuse_upgrade(&mut live, &mut applied).await?;
    let hint = |_| {
        format!(
            "`bird diff {name} {name}@applied` shows how to undo it; `bird new NAME --database \
             {name} --from-drift` turns it into a migration"
        )
    };
    let mut found = differences(Code::Drift, database, &applied, &live, &hint);
    if applied.is_incomplete() {
        for one in found.iter_mut().filter(|one| one.code == Code::Drift) {
            one.severity = Severity::Warning;
            one.hint = None;
            let why = "a migration that was not replayed may have made the difference";
            one.notes.push(why.to_owned());
        }
    }
    Ok(Drift {
        outcome: CheckOutcome::of(found),
        recorded: matches!(applied.origin, Origin::Record(_)).then_some(applied),
        live: live.schema,
    })
}

/// The result of [`drift`].
pub struct Drift {
    /// The live schema.
    pub live: Schema,
    pub outcome: CheckOutcome,
    /// The recorded schema with which it was compared; `None` if the migrations were replayed for
    /// lack of a record.
    pub recorded: Option<Loaded>,
}

/// Checks whether a new environment would get the recorded schema: replays the applied migrations.
///
/// What stands in the way of a replay is a note: the rows, the other databases and the rights of a
/// scratch database are not those of a real environment.
pub async fn reproducible(
    pool: &mut ShadowPool<'_>,
    database: &Database,
    mut recorded: Loaded,
    live: &Schema,
) -> Result<CheckOutcome, Failure> {
    let note = |why: String| {
        let message = format!(
            "{}: whether a new environment gets the same schema is not known: {why}",
            database.name
        );
        let note = Diagnostic::new(Code::NotReproducible, message).database(&database.name);
        CheckOutcome::Found(vec![note.severity(Severity::Note)])
    };
    let files = Source::migrations(database, Upto::AppliedFiles);
    let mut files = match pool.load(&files, database, None).await {
        Ok(files) => files,
        Err(failure) if is_of_the_shadow(&failure) => return Ok(note(failure.to_string())),
        Err(failure) => return Err(failure),
    };
    if files.is_incomplete() {
        let notes = files.notes.into_iter();
        let notes = notes.map(|note| note.database(&database.name).severity(Severity::Note));
        return Ok(CheckOutcome::Found(notes.collect()));
    }
    recorded.align(&mut files);
    let hint = |_| "write a migration that states what differs".to_owned();
    let found = differences(Code::NotReproducible, database, &recorded, &files, &hint);
    let is_same = found.iter().all(|one| one.code != Code::NotReproducible);
    let changed = changed_since(&recorded, live);
    Ok(match changed {
        Some(what) if !is_same => note(what),
        _ => CheckOutcome::of(found),
    })
}

/// What is another today than when a schema was recorded, so that a replay may give another one.
fn changed_since(recorded: &Loaded, live: &Schema) -> Option<String> {
    if let Origin::Record(recorder) = &recorded.origin {
        if let Some(server) = &recorder.other_server {
            return Some(format!("it was recorded on {server}"));
        }
        if !recorder.other_settings.is_empty() {
            let names = recorder.other_settings.join(", ");
            return Some(format!("settings of the server have changed: {names}"));
        }
    }
    (recorded.schema.settings != live.settings)
        .then(|| "settings of the database have changed".to_owned())
}

/// Whether a replay failed because of what scratch databases are not given.
fn is_of_the_shadow(failure: &Failure) -> bool {
    const OF_THE_SHADOW: &[Code] = &[
        Code::Denied,
        Code::NotReplayable,
        Code::ReadOnly,
        Code::Replay,
        Code::Shadow,
    ];
    let mut diagnostics = failure.diagnostics.iter();
    failure.exit == Exit::Failed && diagnostics.all(|one| OF_THE_SHADOW.contains(&one.code))
}

/// Compares what the migrations give with the desired schema.
pub async fn desired(
    pool: &mut ShadowPool<'_>,
    database: &Database,
) -> Result<CheckOutcome, Failure> {
    let name = &database.name;
    let migrations = Source::migrations(database, Upto::All);
    let wanted = Source::desired(database);
    let migrations = pool.load(&migrations, database, None).await?;
    let wanted = pool.load(&wanted, database, None).await?;
    let path = database.desired.as_deref();
    let file = path.map_or_else(String::new, |path| pool.context.project.shown(path));
    let hint = |how| match how {
        // It is in the migrations alone, and most often that is meant.
        How::Dropped => format!(
            "add it to {file}, by hand or with bird migrate --write-schema; to drop it: `bird new \
             NAME --database {name} --from-schema`"
        ),
        _ => format!("`bird new NAME --database {name} --from-schema` writes the migration"),
    };
    let found = differences(Code::SchemaDiffers, database, &migrations, &wanted, &hint);
    Ok(CheckOutcome::of(found))
}

/// One finding per part that differs, and per statement that was not replayed.
fn differences(
    code: Code,
    database: &Database,
    from: &Loaded,
    to: &Loaded,
    hint: &dyn Fn(How) -> String,
) -> Vec<Diagnostic> {
    let catalog = database.dialect.catalog();
    let difference = diff(&from.schema, &to.schema, catalog.orders_columns());
    let mut found: Vec<Diagnostic> = from.notes.iter().chain(&to.notes).cloned().collect();
    for change in &difference.changes {
        for line in describe::lines(catalog, change, &from.schema, &to.schema) {
            let part = if line.part.is_empty() {
                String::new()
            } else {
                format!(": {}", line.part)
            };
            let how = match (line.how, code) {
                (_, Code::NotReproducible) => "would come out otherwise in a new environment",
                (How::Added, Code::Drift) => {
                    "exists in the database, but no applied migration creates it"
                }
                (How::Dropped, Code::Drift) => "is missing in the database",
                (How::Added, _) => "is in the desired schema, but no migration creates it",
                (How::Dropped, _) => "is in the migrations, but not in the desired schema",
                (How::NotUnderstood, _) => "differs, and bird does not understand it",
                (How::Changed | How::Renamed | How::Moved, _) => "differs",
            };
            let message = format!("{}: {}{part} {how}", database.name, line.object);
            let fault = Diagnostic::new(code, message).database(&database.name);
            let mut fault = fault.hint(hint(line.how));
            let sides = [(&from.label, line.old), (&to.label, line.new)];
            for (label, text) in sides.into_iter().filter(|(_, text)| !text.is_empty()) {
                fault = fault.note(format!("{label}: {text}"));
            }
            found.push(fault);
        }
    }
    found
}
