//! Opens the databases of a migration and reads what planning needs to know of them.

use futures_util::future::join_all;

use super::Args;
use crate::cmd::context::Context;
use crate::cmd::run::database::{RunDatabase, open_all};
use crate::cmd::run::open::{self, Absent};
use crate::db::history;
use crate::db::session::Access;
use crate::model::diagnostic::Failure;
use crate::model::history::Width;
use crate::model::migration::Migration;
use crate::plan;
use crate::project::Database;

/// Gives each database its migrations, its last version and its accepted files.
pub fn give_files(
    members: &mut [RunDatabase<'_>],
    files: &mut [Vec<Migration>],
    context: &Context,
    targets: &[(String, i64)],
    accept: &[(String, i64)],
) {
    for member in members {
        let name = &member.database.name;
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

/// Opens databases and reads their histories.
pub async fn open_members<'p>(
    context: &'p Context,
    args: &Args,
    access: Access,
    absent: Absent,
    wanted: impl Fn(&Database) -> bool,
) -> Result<Vec<RunDatabase<'p>>, Failure> {
    let databases = context
        .project
        .databases
        .iter()
        .filter(|database| wanted(database));
    let mut opened = open_all(context, databases, access, absent, args.connect.wait).await?;
    let reading = opened.iter_mut().map(RunDatabase::read_history);
    Failure::collect(join_all(reading).await)?;
    Ok(opened)
}

/// Reads the width of the histories whose version column may be too narrow for a migration.
pub async fn widths(members: &mut [RunDatabase<'_>]) -> Result<(), Failure> {
    let asking = members.iter_mut().map(|member| async move {
        let large = |file: &Migration| Width::for_version(file.version) == Width::Eight;
        let matters = member.history.exists && member.migrations.iter().any(large);
        if let (true, Some(session)) = (matters, &mut member.session) {
            let width = history::width(session).await.map_err(|error| {
                let doing = "reading its history";
                Failure::failed(open::cannot_ask(member.database, doing, &error))
            })?;
            member.history.width = Some(width);
        }
        Ok(())
    });
    Failure::collect(join_all(asking).await).map(drop)
}

/// Reads which tables cannot be rolled back, if pending files change rows.
pub async fn untransactional(members: &mut [RunDatabase<'_>]) -> Result<(), Failure> {
    const ROWS: &[&str] = &["insert", "update", "delete", "replace", "select"];
    let asking = members.iter_mut().map(|member| async move {
        let syntax = member.database.dialect.syntax();
        let pending = plan::migration_state(syntax, &member.migrations, &member.history).pending;
        let changes_rows = pending.iter().any(|file| {
            let text = file.text.to_ascii_lowercase();
            ROWS.iter().any(|word| text.contains(word))
        });
        let query = member.database.dialect.untransactional_query();
        let (Some(query), Some(session)) = (query, &mut member.session) else {
            return Ok(());
        };
        if changes_rows {
            let rows = session.rows(query).await.map_err(|error| {
                let doing = "finding tables that cannot roll back";
                Failure::failed(open::cannot_ask(member.database, doing, &error))
            })?;
            let names = rows.into_iter().flatten().flatten();
            member.untransactional = names.map(|name| name.to_lowercase()).collect();
        }
        Ok(())
    });
    Failure::collect(join_all(asking).await).map(drop)
}
