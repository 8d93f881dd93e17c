//! Checks before a repair: the plan is complete, its databases are the right ones, and no safety
//! check fails.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use time::OffsetDateTime;

use super::Args;
use super::errors;
use crate::cmd::context::Context;
use crate::cmd::run::database::{RunDatabase, open_all};
use crate::cmd::run::missing::MissingConsents;
use crate::cmd::run::open;
use crate::cmd::run::open::Absent;
use crate::cmd::run::{locks, protected};
use crate::db::inspect;
use crate::db::lock::Guard;
use crate::db::repair;
use crate::db::repair::journal::{self, JournaledPlan};
use crate::db::repair::{Tables, row_state};
use crate::db::session::{Access, Session};
use crate::invariant;
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Failure, Location};
use crate::model::reference::Reference;
use crate::model::schema::Schema;
use crate::project::{Database, open_regular, own_key};
use crate::repair::plan::{PlanReader, PlannedReference};
use crate::repair::safety_checks;

/// A database of the run with its session.
pub struct RepairTarget<'p> {
    pub database: &'p Database,
    pub session: Session,
    /// Its schema; empty if rows are only released, which needs no keys.
    pub schema: Schema,
    pub journaled: JournaledPlan,
    pub guard: Option<Guard>,
}

impl RepairTarget<'_> {
    /// Releases its lock, if it has one.
    pub async fn close(mut self) {
        if let Some(guard) = self.guard.take() {
            guard.release(&mut self.session).await;
        }
        self.session.close().await;
    }
}

/// A reference of the plan with its tables.
pub struct ReferenceRepair<'p> {
    pub planned: PlannedReference,
    pub reference: &'p Reference,
    pub tables: Tables,
    /// The indexes of its databases among the children and the parents.
    pub child: usize,
    pub parent: usize,
    /// The quarantine table, once it exists.
    pub quarantine: Option<String>,
}

/// The state that a repair needs.
pub struct Preflight<'p> {
    pub reader: PlanReader<BufReader<File>>,
    pub references: Vec<ReferenceRepair<'p>>,
    pub children: Vec<RepairTarget<'p>>,
    pub parents: Vec<RepairTarget<'p>>,
    /// The consents that the run of a preview lacks.
    pub missing: MissingConsents,
}

/// Reads the plan, inspects the databases, and refuses the run if a safety check fails.
pub async fn run<'p>(
    context: &'p Context,
    args: &Args,
    file: &Path,
) -> Result<Preflight<'p>, Failure> {
    let reader = read(file)?;
    let references = declared(context, &reader.header.references)?;
    let writes = args.execute && !protected::is_guarded(context, &args.consents);
    let access = if writes {
        Access::Write
    } else {
        Access::ReadOnly
    };
    let named = |of: fn(&PlannedReference) -> &str| {
        let names = reader.header.references.iter().map(of);
        let mut names: Vec<&str> = names.collect();
        names.sort_unstable();
        names.dedup();
        names
    };
    let children = named(|planned| &planned.child.database);
    let parents = named(|planned| &planned.parent.database);
    let mut children = databases(context, args, &children, access, true).await?;
    let mut parents = databases(context, args, &parents, Access::ReadOnly, false).await?;
    for target in &mut children {
        let journaled = journal::journaled_plan(&mut target.session, &reader.header.run).await;
        target.journaled = journaled.map_err(|error| {
            let doing = "reading the journal of repairs";
            Failure::failed(open::cannot_ask(target.database, doing, &error))
        })?;
    }
    let mut faults = check_state(&reader, &children);
    let mut parts = Vec::new();
    for (at, reference) in references.into_iter().enumerate() {
        let inspecting = inspect(args, &reader, at, reference, &mut children, &mut parents);
        let (part, held) = inspecting.await?;
        faults.extend(held);
        parts.push(part);
    }
    let missing = errors::refuse_or_list(context, args, faults, reader.rows > 0)?;
    if args.execute && reader.rows > 0 {
        protected::consent(context, &args.consents)?;
    }
    Ok(Preflight {
        missing,
        reader,
        references: parts,
        children,
        parents,
    })
}

/// Opens the plan and checks that it is complete.
fn read(file: &Path) -> Result<PlanReader<BufReader<File>>, Failure> {
    let name = file.display().to_string();
    let opened = open_regular(file).map_err(|error| {
        let message = format!("cannot read the plan {name}: {error}");
        let fault = Diagnostic::new(Code::Plan, message);
        Failure::failed(fault.hint("bird audit --plan FILE writes one"))
    })?;
    let opened = BufReader::with_capacity(1 << 16, opened);
    PlanReader::open(opened, own_key().as_ref()).map_err(|fault| {
        let message = format!("the plan {name} cannot be used: {fault}");
        let mut diagnostic = Diagnostic::new(Code::Plan, message);
        if let Some(line) = fault.line {
            let mut at = Location::file(&name);
            at.line = u32::try_from(line).unwrap_or(u32::MAX);
            diagnostic = diagnostic.at(at);
        }
        Failure::failed(diagnostic.hint("make a new one: bird audit --plan FILE"))
    })
}

/// Finds the references of a plan in the project.
fn declared<'p>(
    context: &'p Context,
    planned: &[PlannedReference],
) -> Result<Vec<&'p Reference>, Failure> {
    let mut faults = Vec::new();
    let mut all = Vec::new();
    for one in planned {
        let mut references = context.project.references.iter();
        match references.find(|reference| one.is(reference)) {
            Some(reference) => all.push(reference),
            None => {
                let message = format!(
                    "the reference {} was changed or removed since the plan was made",
                    one.name()
                );
                let fault = Diagnostic::new(Code::OtherReference, message);
                faults.push(fault.hint("make a new plan: bird audit --plan FILE"));
            }
        }
    }
    Failure::refuse(faults).map(|()| all)
}

/// Opens databases by name, for the side of the children or of the parents.
async fn databases<'p>(
    context: &'p Context,
    args: &Args,
    names: &[&str],
    access: Access,
    is_child: bool,
) -> Result<Vec<RepairTarget<'p>>, Failure> {
    let databases = context.project.databases.iter();
    let wanted = databases.filter(|database| names.contains(&database.name.as_str()));
    let opened = open_all(
        context,
        wanted,
        access,
        Absent::IsAnError,
        args.connect.wait,
    )
    .await?;
    let mut databases = Vec::new();
    for RunDatabase {
        database, session, ..
    } in opened
    {
        let mut session = session.ok_or_else(|| errors::absent(database))?;
        let failed = |error| Failure::failed(open::cannot_ask(database, "getting ready", &error));
        repair::prepare(&mut session, is_child)
            .await
            .map_err(failed)?;
        primary(args, database, &mut session, is_child).await?;
        let schema = inspect::schema(&mut session, database.target.database()).await;
        let schema = schema.map_err(|error| {
            Failure::failed(open::cannot_ask(database, "reading its schema", &error))
        })?;
        databases.push(RepairTarget {
            database,
            session,
            schema,
            journaled: JournaledPlan::default(),
            guard: None,
        });
    }
    match names.iter().find(|name| {
        let mut databases = databases.iter();
        !databases.any(|target| target.database.name == **name)
    }) {
        None => Ok(databases),
        Some(name) => {
            let message = format!("the plan needs the database `{name}`, which does not exist");
            Err(Failure::failed(Diagnostic::new(Code::NoDatabase, message)))
        }
    }
}

/// Checks that a database is a primary: a replica may lack parents.
async fn primary(
    args: &Args,
    database: &Database,
    session: &mut Session,
    is_child: bool,
) -> Result<(), Failure> {
    let refused = locks::writable(database, session, &args.consents).await;
    refused.map_err(|mut failure| {
        for fault in failure.diagnostics.iter_mut().filter(|_| !is_child) {
            fault.notes.push(
                "bird looks for parents on the primary only, because a replica may lag".into(),
            );
        }
        failure
    })
}

/// Checks the plan against the journals and the clock.
fn check_state(
    reader: &PlanReader<BufReader<File>>,
    children: &[RepairTarget<'_>],
) -> Vec<Diagnostic> {
    let header = &reader.header;
    let begun = children.iter().any(|target| target.journaled.chunks > 0);
    let now = OffsetDateTime::now_utc();
    let mut faults: Vec<Diagnostic> = safety_checks::expired(header, now, begun)
        .into_iter()
        .collect();
    for target in children {
        let (name, journaled) = (&target.database.name, &target.journaled);
        if journaled.undone > 0 {
            let message = format!("the repair of this plan was undone in `{name}`");
            let fault = Diagnostic::new(Code::PlanUndone, message).database(name);
            faults.push(fault.hint("make a new plan: bird audit --plan FILE"));
        }
        if journaled
            .digest
            .as_ref()
            .is_some_and(|digest| *digest != reader.digest)
        {
            let message = format!("`{name}` was repaired by another plan of the same run");
            let fault = Diagnostic::new(Code::PlanChanged, message).database(name);
            faults.push(fault.hint("continue with the plan that was started, or make a new one"));
        }
    }
    faults
}

/// Inspects the tables of one reference. Returns the failed safety checks, too.
async fn inspect<'p>(
    args: &Args,
    reader: &PlanReader<BufReader<File>>,
    at: usize,
    reference: &'p Reference,
    children: &mut [RepairTarget<'p>],
    parents: &mut [RepairTarget<'p>],
) -> Result<(ReferenceRepair<'p>, Vec<Diagnostic>), Failure> {
    let missing = || {
        let message = format!("the database of {reference} was never opened");
        Failure::failed(Diagnostic::new(Code::Database, message))
    };
    let target = |databases: &[RepairTarget<'p>], name: &str| {
        let mut databases = databases.iter();
        databases.position(|target| target.database.name == name)
    };
    let child = target(children, &reference.from.database).ok_or_else(missing)?;
    let parent = target(parents, &reference.to.database).ok_or_else(missing)?;
    let planned = reader.header.references.get(at).ok_or_else(missing)?;
    let totals = reader.totals.get(at).copied();
    let totals = invariant!(totals, some, "a plan has totals for each reference");
    let ours = children.get_mut(child).ok_or_else(missing)?;
    let theirs = parents.get_mut(parent).ok_or_else(missing)?;
    let failed = |error| {
        let doing = format!("checking the tables of {reference}");
        Failure::failed(open::cannot_ask(ours.database, &doing, &error))
    };
    let tables = row_state::tables(
        (&mut ours.session, &ours.schema),
        (&mut theirs.session, &theirs.schema),
        reference,
    );
    let tables = tables.await.map_err(failed)?;
    let facts = row_state::facts(
        (&mut ours.session, &ours.database.target),
        (&mut theirs.session, &theirs.database.target),
        reference,
        &tables,
        &totals,
    );
    let facts = facts.await.map_err(failed)?;
    let allow = &args.consents.allow;
    let mut held = match totals.orphan_rows {
        // Without rows to repair, no check is needed.
        0 => Vec::new(),
        _ => safety_checks::safety_checks(planned, &totals, reader.header.action, &facts, allow),
    };
    for fault in &mut held {
        if fault.location.is_none() {
            fault.location.clone_from(&reference.location);
        }
    }
    let part = ReferenceRepair {
        planned: planned.clone(),
        reference,
        tables,
        child,
        parent,
        quarantine: None,
    };
    Ok((part, held))
}
