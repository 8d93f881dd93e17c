//! A database of a run: opened, with its files and its history.

use std::time::Duration;

use futures_util::future::join_all;

use super::open::{self, Absent};
use crate::cmd::context::Context;
use crate::db::session::{Access, DbError, Session};
use crate::db::{history, stored_migration};
use crate::dialect::ErrorKind;
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Failure};
use crate::model::history::History;
use crate::model::migration::Migration;
use crate::model::reference::Reference;
use crate::plan::reversal::Account;
use crate::plan::{self, Subject};
use crate::project::Database;

/// A database of this run. Commands fill in only what they need of it.
pub struct RunDatabase<'p> {
    pub database: &'p Database,
    /// The open session; `None` if the database does not exist.
    pub session: Option<Session>,
    /// The references of the project.
    pub references: &'p [Reference],
    pub migrations: Vec<Migration>,
    pub history: History,
    /// The tables whose rows cannot be rolled back, see [`Subject::untransactional`].
    pub untransactional: Vec<String>,
    /// The last version to apply.
    pub to: Option<i64>,
    /// The versions whose changed files are accepted.
    pub accept: Vec<i64>,
    /// The tables that an undo drops or cuts and that hold no rows, see [`Subject::without_rows`].
    pub without_rows: Vec<String>,
    /// The tables that a plan changes and that do not exist, see [`Subject::absent`].
    pub absent: Vec<String>,
    /// Warnings about data that an undo with consent does not bring back.
    pub not_restored: Vec<Diagnostic>,
    /// What takes back each statement of the migrations whose undo was computed.
    pub accounts: Vec<Account>,
}

impl<'p> RunDatabase<'p> {
    pub fn new(
        context: &'p Context,
        database: &'p Database,
        session: Option<Session>,
    ) -> RunDatabase<'p> {
        RunDatabase {
            database,
            session,
            references: &context.project.references,
            migrations: Vec::new(),
            history: History::default(),
            untransactional: Vec::new(),
            to: None,
            accept: Vec::new(),
            without_rows: Vec::new(),
            absent: Vec::new(),
            not_restored: Vec::new(),
            accounts: Vec::new(),
        }
    }

    /// What a plan needs to know of this database.
    pub fn subject(&self) -> Subject<'_> {
        let database = self.database;
        Subject {
            name: &database.name,
            selected: database.selected,
            dialect: database.dialect,
            database: database.target.database(),
            schema: database.schema.as_deref(),
            migrations: &self.migrations,
            history: &self.history,
            untransactional: &self.untransactional,
            to: self.to,
            keep_sql: database.keep_sql,
            accept: &self.accept,
            without_rows: &self.without_rows,
            absent: &self.absent,
            references: self.references,
        }
    }

    /// Reads the history, and the stored text of the migrations whose files differ from it. The
    /// history of a file that does not exist is empty.
    pub async fn read_history(&mut self) -> Result<(), Failure> {
        let mut history = match &mut self.session {
            None => History {
                is_empty: true,
                ..History::default()
            },
            Some(session) => history::read(session).await.map_err(|error| {
                let doing = "reading its history";
                Failure::failed(open::cannot_ask(self.database, doing, &error))
            })?,
        };
        self.read_stored_into(&mut history).await?;
        self.history = history;
        Ok(())
    }

    /// Reads the stored text of the migrations whose files differ from the history.
    pub async fn read_stored(&mut self) -> Result<(), Failure> {
        let mut history = std::mem::take(&mut self.history);
        let result = self.read_stored_into(&mut history).await;
        self.history = history;
        result
    }

    async fn read_stored_into(&mut self, history: &mut History) -> Result<(), Failure> {
        let Some(session) = &mut self.session else {
            return Ok(());
        };
        let differing = plan::differing(&self.migrations, history);
        let read = stored_migration::read(session, &differing, history).await;
        read.map_err(|error| {
            let doing = "reading what it keeps of its migrations";
            Failure::failed(open::cannot_ask(self.database, doing, &error))
        })
    }
}

/// Reads a history, and the stored text of the migrations whose files differ from it.
pub async fn history_with_texts(
    session: &mut Session,
    files: &[Migration],
) -> Result<History, DbError> {
    let mut history = history::read(session).await?;
    let differing = plan::differing(files, &history);
    stored_migration::read(session, &differing, &mut history).await?;
    Ok(history)
}

/// What plans need to know of these databases.
pub fn subjects<'m>(databases: &'m [RunDatabase<'_>]) -> Vec<Subject<'m>> {
    databases.iter().map(RunDatabase::subject).collect()
}

/// Opens databases all at once. If one cannot be opened, every reason is given and none is used.
pub async fn open_all<'p>(
    context: &'p Context,
    databases: impl IntoIterator<Item = &'p Database>,
    access: Access,
    absent: Absent,
    wait: Option<Duration>,
) -> Result<Vec<RunDatabase<'p>>, Failure> {
    let opening = databases.into_iter().map(|database| async move {
        if open::is_absent_file(database) {
            return Ok(RunDatabase::new(context, database, None));
        }
        match open::session(context, database, access, wait).await {
            Ok(session) => Ok(RunDatabase::new(context, database, Some(session))),
            Err(error) if error.kind == ErrorKind::MissingDatabase && absent == Absent::IsEmpty => {
                Ok(RunDatabase::new(context, database, None))
            }
            Err(error) => Err(Failure::failed(open::cannot_open(database, &error))),
        }
    });
    let opened = Failure::collect(join_all(opening).await);
    match context.stop.asked() {
        Some(exit) => {
            let message = "interrupted while the databases were opened";
            let fault = Diagnostic::new(Code::Interrupted, message);
            Err(Failure {
                exit,
                diagnostics: vec![fault],
            })
        }
        None => opened,
    }
}

/// Closes the sessions.
pub async fn close_all(databases: Vec<RunDatabase<'_>>) {
    let sessions = databases.into_iter().filter_map(|one| one.session);
    join_all(sessions.map(Session::close)).await;
}
