//! The databases of a run: opened, with their files, and with all that planning has to know of
//! them.

use futures_util::future::join_all;

use super::Args;
use crate::cmd::context::Context;
use crate::cmd::run::open;
use crate::cmd::run::open::{Absent, Opened};
use crate::db::session::Access;
use crate::db::{history, stored_migration};
use crate::model::diagnostic::Failure;
use crate::model::history::{History, Width};
use crate::model::migration::Migration;
use crate::model::reference::Reference;
use crate::plan::{self, Subject};
use crate::project::Database;

/// A database of this run with its files and what it remembers.
pub struct Member<'p> {
    pub opened: Opened<'p>,
    pub migrations: Vec<Migration>,
    pub history: History,
    /// Names of what cannot be rolled back, see [`Subject::untransactional`].
    pub untransactional: Vec<String>,
    pub to: Option<i64>,
    pub accept: Vec<i64>,
    pub references: &'p [Reference],
}

impl Member<'_> {
    pub fn subject(&self) -> Subject<'_> {
        let database = self.opened.database;
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
            references: self.references,
        }
    }
}

pub fn subjects<'m>(members: &'m [Member<'_>]) -> Vec<Subject<'m>> {
    members.iter().map(Member::subject).collect()
}

/// Hands each member its migrations and how far it is to go.
pub fn give_files(
    members: &mut [Member<'_>],
    files: &mut [Vec<Migration>],
    context: &Context,
    targets: &[(String, i64)],
    accept: &[(String, i64)],
) {
    for member in members {
        let name = &member.opened.database.name;
        let at = context
            .project
            .databases
            .iter()
            .position(|database| database.name == *name);
        if let Some(files) = at.and_then(|at| files.get_mut(at)) {
            member.migrations = std::mem::take(files);
        }
        let target = targets.iter().find(|(target, _)| target == name);
        member.to = target.map(|(_, version)| *version);
        let accepted = accept.iter().filter(|(target, _)| target == name);
        member.accept = accepted.map(|(_, version)| *version).collect();
    }
}

/// Opens databases and reads what they remember.
pub async fn open_members<'p>(
    context: &'p Context,
    args: &Args,
    access: Access,
    absent: Absent,
    wanted: impl Fn(&Database) -> bool,
) -> Result<Vec<Member<'p>>, Failure> {
    let databases = context
        .project
        .databases
        .iter()
        .filter(|database| wanted(database));
    let opened = open::all(context, databases, access, absent, args.connect.wait).await?;
    let reading = opened.into_iter().map(|mut opened| async move {
        let history = remember(&mut opened, &[]).await?;
        Ok(Member {
            opened,
            history,
            migrations: Vec::new(),
            untransactional: Vec::new(),
            to: None,
            accept: Vec::new(),
            references: &context.project.references,
        })
    });
    Failure::collect(join_all(reading).await)
}

/// What a database remembers, also of the files that differ; nothing where its file does not
/// exist yet.
pub async fn remember(opened: &mut Opened<'_>, files: &[Migration]) -> Result<History, Failure> {
    let mut history = match &mut opened.session {
        None => History::default(),
        Some(session) => history::read(session).await.map_err(|error| {
            let doing = "reading its history";
            Failure::failed(open::cannot_ask(opened.database, doing, &error))
        })?,
    };
    kept(opened, files, &mut history).await?;
    Ok(history)
}

/// Asks what is kept of the migrations whose files differ.
pub async fn kept(
    opened: &mut Opened<'_>,
    files: &[Migration],
    history: &mut History,
) -> Result<(), Failure> {
    let Some(session) = &mut opened.session else {
        return Ok(());
    };
    let differing = plan::differing(files, history);
    let asked = stored_migration::read(session, &differing, history).await;
    asked.map_err(|error| {
        let doing = "reading what it keeps of its migrations";
        Failure::failed(open::cannot_ask(opened.database, doing, &error))
    })
}

/// Asks histories how wide they are, where a migration's version may not fit.
pub async fn widths(members: &mut [Member<'_>]) -> Result<(), Failure> {
    let asking = members.iter_mut().map(|member| async move {
        let large = |file: &Migration| Width::for_version(file.version) == Width::Eight;
        let matters = member.history.exists && member.migrations.iter().any(large);
        if let (true, Some(session)) = (matters, &mut member.opened.session) {
            let width = history::width(session).await.map_err(|error| {
                let doing = "reading its history";
                Failure::failed(open::cannot_ask(member.opened.database, doing, &error))
            })?;
            member.history.width = Some(width);
        }
        Ok(())
    });
    Failure::collect(join_all(asking).await).map(drop)
}

/// Asks for what cannot be rolled back, where pending files change rows.
pub async fn untransactional(members: &mut [Member<'_>]) -> Result<(), Failure> {
    const ROWS: &[&str] = &["insert", "update", "delete", "replace", "select"];
    let asking = members.iter_mut().map(|member| async move {
        let lexis = member.opened.database.dialect.lexis();
        let pending = plan::standing(lexis, &member.migrations, &member.history).pending;
        let changes_rows = pending.iter().any(|file| {
            let text = file.text.to_ascii_lowercase();
            ROWS.iter().any(|word| text.contains(word))
        });
        let query = member.opened.database.dialect.untransactional_query();
        let (Some(query), Some(session)) = (query, &mut member.opened.session) else {
            return Ok(());
        };
        if changes_rows {
            let rows = session.rows(query).await.map_err(|error| {
                let doing = "asking which tables cannot roll back";
                Failure::failed(open::cannot_ask(member.opened.database, doing, &error))
            })?;
            let names = rows.into_iter().flatten().flatten();
            member.untransactional = names.map(|name| name.to_lowercase()).collect();
        }
        Ok(())
    });
    Failure::collect(join_all(asking).await).map(drop)
}

pub async fn close(members: Vec<Member<'_>>) {
    join_all(
        members
            .into_iter()
            .filter_map(|member| Some(member.opened.session?.close())),
    )
    .await;
}
