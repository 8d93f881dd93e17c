//! Decides from which tool a database is adopted and what that would record; writes nothing.

use futures_util::future::join_all;

use super::{Args, Decision, Origin, drift};
use crate::adopt::{self, Adopted, BASELINE, REFINERY, Tool, baseline};
use crate::cmd::context::Context;
use crate::cmd::run::database::RunDatabase;
use crate::cmd::run::missing::liftable;
use crate::cmd::run::open;
use crate::db::session::DbError;
use crate::db::{history, inspect};
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Failure};
use crate::model::exit::Exit;
use crate::model::history::{HISTORY_TABLE, Width};
use crate::model::schema::Table;
use crate::model::target::Target;
use crate::plan::{migration_state, no_version};
use crate::project::Database;

/// Decides for all databases, or gives every reason why one cannot be adopted.
pub async fn all(
    context: &Context,
    args: &Args,
    members: &mut [RunDatabase<'_>],
) -> Result<Vec<Decision>, Failure> {
    let deciding = members.iter_mut().map(|member| async move {
        let name = member.database.name.clone();
        let decided = one(context, args, member).await;
        decided.map_err(|mut failure| {
            for fault in &mut failure.diagnostics {
                fault.database = Some(name.clone());
                // A finding in a file shows by its path which database it is about.
                if fault.location.is_none() && !names_database(fault.code) {
                    fault.message = format!("{name}: {}", fault.message);
                }
            }
            failure
        })
    });
    Failure::collect(join_all(deciding).await)
}

/// Whether the message of a code names the database by itself.
fn names_database(code: Code) -> bool {
    matches!(
        code,
        Code::AdoptMissingTables
            | Code::DatabaseAhead
            | Code::HalfApplied
            | Code::HalfUndone
            | Code::HistoryEdited
            | Code::NoTool
            | Code::NoVersion
            | Code::NotAlike
            | Code::NothingToAdopt
            | Code::SeveralTools
            | Code::VersionTooLarge
    )
}

async fn one(
    context: &Context,
    args: &Args,
    member: &mut RunDatabase<'_>,
) -> Result<Decision, Failure> {
    let database = member.database;
    exists(member)?;
    let Some(session) = member.session.as_mut() else {
        return Err(nothing(database));
    };
    let failed =
        |error: DbError| Failure::failed(open::cannot_ask(database, "reading its tables", &error));
    member.history = history::read(session).await.map_err(failed)?;
    let from = args.from.as_deref();
    let own = !member.history.applied.is_empty() || !member.history.journal.is_empty();
    if own {
        agrees(member)?;
    }
    let as_it_is = match from {
        None | Some(BASELINE) => own,
        Some(REFINERY) => member.history.exists,
        Some(_) => false,
    };
    if let (true, Some(BASELINE), Some(to)) = (own, from, member.to) {
        let decision = drift::decision(context, member, to).await?;
        let decision = new_ones(member, decision);
        fits(member, &decision).await?;
        return Ok(decision);
    }
    if as_it_is {
        return Ok(Decision {
            origin: Origin::AsItIs,
            adopted: Vec::new(),
            missing: Vec::new(),
        });
    }
    let Some(session) = member.session.as_mut() else {
        return Err(nothing(database));
    };
    let live = inspect::tables(session).await.map_err(failed)?;
    let known = adopt::tables();
    let mut tables: Vec<Table> = Vec::new();
    for name in live.iter().filter(|name| known.contains(&name.as_str())) {
        tables.extend(inspect::table(session, name).await.map_err(failed)?);
    }
    let decision = match tool(database, from, &tables)? {
        None => Decision {
            origin: Origin::Baseline,
            adopted: of_baseline(member, &live)?,
            missing: Vec::new(),
        },
        Some((tool, table)) => {
            if member.to.is_some() {
                let message = format!("the history of {} says what is applied", tool.name);
                let fault = Diagnostic::new(Code::Usage, message);
                return Err(Failure::failed(fault.hint("leave --to out")));
            }
            session
                .require_readable(&table.name)
                .await
                .map_err(failed)?;
            let query = tool.query(session.dialect, table, &session.table(&table.name));
            let rows = session.rows(&query).await.map_err(failed)?;
            let allowed = args.consents.allows(Code::ChangedFile);
            let work = |changed| {
                let (read, files) = ((tool.read)(&rows), &member.migrations);
                adopt::adopt(tool, read, database.dialect, files, changed).map_err(refused)
            };
            let mut missing = Vec::new();
            let mut adopted = work(allowed);
            if args.dry_run && adopted.is_err() {
                missing = liftable(adopted)?;
                adopted = work(true);
            }
            Decision {
                origin: Origin::Tool(tool.name),
                adopted: adopted?,
                missing,
            }
        }
    };
    let decision = new_ones(member, decision);
    fits(member, &decision).await?;
    Ok(decision)
}

fn refused(diagnostics: Vec<Diagnostic>) -> Failure {
    Failure {
        exit: Exit::Refused,
        diagnostics,
    }
}

/// Checks that the version of `--to` exists.
fn exists(member: &RunDatabase<'_>) -> Result<(), Failure> {
    let Some(to) = member.to else { return Ok(()) };
    match no_version(&member.database.name, &member.migrations, to) {
        Some(fault) => Err(Failure::failed(fault)),
        None => Ok(()),
    }
}

/// Checks that bird's own history agrees with the files.
fn agrees(member: &RunDatabase<'_>) -> Result<(), Failure> {
    let name = &member.database.name;
    let syntax = member.database.dialect.syntax();
    let migration_state = migration_state(syntax, &member.migrations, &member.history);
    let mut faults = migration_state.disagreements(name);
    if let (Some(partial), true) = (migration_state.partially_applied.first(), faults.is_empty()) {
        let message = format!("V{} of `{name}` is half applied", partial.version);
        let fault = Diagnostic::new(Code::HalfApplied, message);
        faults.push(fault.hint("`bird migrate` continues it; then adopt"));
    }
    if faults.is_empty() {
        Ok(())
    } else {
        Err(refused(faults))
    }
}

/// The tool to adopt from: the one that was asked for, else the only one that is there.
fn tool<'t>(
    database: &Database,
    from: Option<&str>,
    tables: &'t [Table],
) -> Result<Option<(&'static Tool, &'t Table)>, Failure> {
    let name = &database.name;
    let found = adopt::recognise(tables);
    let names: Vec<&str> = found.iter().map(|(tool, _)| tool.name).collect();
    match (from, found.as_slice()) {
        (Some(BASELINE), _) | (None, []) => Ok(None),
        (Some(wanted), _) => {
            if let Some(one) = found.iter().find(|(tool, _)| tool.name == wanted) {
                return Ok(Some(*one));
            }
            let mut known = adopt::TOOLS.iter();
            let known = known.find(|tool| tool.name == wanted);
            let table = known.map_or(HISTORY_TABLE.to_owned(), |tool| tool.tables.join(" or "));
            let message = format!("`{name}` has no table of {wanted}: {table}");
            let hint = match names.as_slice() {
                [] => "leave --from out for a baseline, or select the database with --database"
                    .to_owned(),
                names => format!(
                    "it has one of {}: --from {}",
                    names.join(" and of "),
                    names[0]
                ),
            };
            let fault = Diagnostic::new(Code::NoTool, message);
            Err(Failure::failed(fault.hint(hint)))
        }
        (None, [one]) => Ok(Some(*one)),
        (None, _) => {
            let message = format!("`{name}` has histories of {}", names.join(" and of "));
            let options = names.iter().map(|name| format!("--from {name}"));
            let options: Vec<String> = options.collect();
            let hint = format!("choose one: {}", options.join(" or "));
            let fault = Diagnostic::new(Code::SeveralTools, message);
            Err(Failure::failed(fault.hint(hint)))
        }
    }
}

fn nothing(database: &Database) -> Failure {
    let message = format!("`{}` is empty: there is nothing to adopt", database.name);
    let fault = Diagnostic::new(Code::NothingToAdopt, message);
    Failure::refused(fault.hint("bird migrate creates its tables"))
}

/// The migrations up to `--to`, if their tables exist.
fn of_baseline(member: &RunDatabase<'_>, live: &[String]) -> Result<Vec<Adopted>, Failure> {
    let database = member.database;
    if live.is_empty() && member.history.objects.is_empty() {
        return Err(nothing(database));
    }
    let wanted = |version: i64| member.to.is_none_or(|to| version <= to);
    let count = member
        .migrations
        .iter()
        .take_while(|file| wanted(file.version))
        .count();
    let files = member.migrations.get(..count).unwrap_or_default();
    let home = match &database.target {
        Target::File(_) => "main",
        Target::Server(server) => {
            let fallback = database.dialect.facts().schema.unwrap_or(&server.database);
            database.schema.as_deref().unwrap_or(fallback)
        }
    };
    let missing =
        baseline::check(database.dialect, home, files, live).map_err(|diagnostics| Failure {
            exit: Exit::Failed,
            diagnostics,
        })?;
    let Some(missing) = missing else {
        let all = (0..files.len()).map(|at| Adopted {
            at,
            from: BASELINE.to_owned(),
            applied_on: None,
        });
        return Ok(all.collect());
    };
    let name = &database.name;
    let last = files.last().map_or(0, |file| file.version);
    let message = format!("`{name}` is not at V{last}, because tables are missing");
    let mut fault = Diagnostic::new(Code::AdoptMissingTables, message)
        .note(format!("missing: {}", missing.tables.join(", ")));
    fault.hint = Some(match missing.possible {
        Some(version) => format!("all tables of V{version} are there: --to {name}@{version}"),
        None => "check that this is the right database: no version has all of its tables".into(),
    });
    Err(Failure::refused(fault))
}

/// Leaves out versions that the history has already.
fn new_ones(member: &RunDatabase<'_>, mut decision: Decision) -> Decision {
    let has = |version| {
        member
            .history
            .applied
            .iter()
            .any(|row| row.version == version)
    };
    decision.adopted.retain(|one| {
        let file = member.migrations.get(one.at);
        file.is_some_and(|file| !has(file.version))
    });
    decision
}

/// Checks that the history's version column is wide enough.
async fn fits(member: &mut RunDatabase<'_>, decision: &Decision) -> Result<(), Failure> {
    let files = decision
        .adopted
        .iter()
        .filter_map(|one| member.migrations.get(one.at));
    let large = files.filter(|file| Width::for_version(file.version) == Width::Eight);
    let large: Vec<String> = large.map(|file| file.title()).collect();
    let (Some(session), Some(first), true) =
        (&mut member.session, large.first(), member.history.exists)
    else {
        return Ok(());
    };
    let database = member.database;
    let width = history::width(session).await.map_err(|error| {
        Failure::failed(open::cannot_ask(database, "reading its history", &error))
    })?;
    member.history.width = Some(width);
    if width == Width::Eight {
        return Ok(());
    }
    let name = &database.name;
    let message = format!("{first} does not fit the history of `{name}`, whose versions are int4");
    let fault = Diagnostic::new(Code::VersionTooLarge, message);
    let hint = "give the file a smaller version: 2147483647 is the largest there";
    Err(Failure::refused(fault.hint(hint)))
}
