//! What is known before a repair: the plan is whole, its databases are those that it was made for,
//! and no brake holds.

use crate::model::code::Code;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use time::OffsetDateTime;

use super::Args;
use super::errors;
use crate::cmd::context::Context;
use crate::cmd::run::database::{RunDatabase, open_all};
use crate::cmd::run::open;
use crate::cmd::run::open::Absent;
use crate::cmd::run::{locks, protected};
use crate::db::lock::Guard;
use crate::db::repair;
use crate::db::repair::journal::{self, Past};
use crate::db::repair::{Tables, row_state};
use crate::db::session::{Access, Session};
use crate::model::diagnostic::{Diagnostic, Failure, Location};
use crate::model::reference::Reference;
use crate::project::Database;
use crate::repair::plan::{Planned, Reader};
use crate::repair::safety_checks;

/// A database with a session.
pub struct Place<'p> {
    pub database: &'p Database,
    pub session: Session,
    pub past: Past,
    pub guard: Option<Guard>,
}

impl Place<'_> {
    /// Gives its lock back, where it has one.
    pub async fn close(mut self) {
        if let Some(guard) = self.guard.take() {
            guard.release(&mut self.session).await;
        }
        self.session.close().await;
    }
}

/// A reference of the plan with what belongs to it.
pub struct Part<'p> {
    pub planned: Planned,
    pub reference: &'p Reference,
    pub tables: Tables,
    /// Its places among the children and the parents.
    pub child: usize,
    pub parent: usize,
    /// The table that keeps its rows, once it is there.
    pub quarantine: Option<String>,
}

/// Everything that a repair needs.
pub struct Ready<'p> {
    pub reader: Reader<BufReader<File>>,
    pub parts: Vec<Part<'p>>,
    pub children: Vec<Place<'p>>,
    pub parents: Vec<Place<'p>>,
}

/// Reads the plan, asks the databases, and refuses what a brake holds.
pub async fn ready<'p>(
    context: &'p Context,
    args: &Args,
    file: &Path,
) -> Result<Ready<'p>, Failure> {
    let reader = read(file)?;
    let references = declared(context, &reader.header.references)?;
    let writes = args.execute && !protected::is_guarded(context, &args.consents);
    let access = if writes { Access::Write } else { Access::Look };
    let named = |of: fn(&Planned) -> &str| {
        let names = reader.header.references.iter().map(of);
        let mut names: Vec<&str> = names.collect();
        names.sort_unstable();
        names.dedup();
        names
    };
    let children = named(|planned| &planned.child.database);
    let parents = named(|planned| &planned.parent.database);
    let mut children = places(context, args, &children, access, true).await?;
    let mut parents = places(context, args, &parents, Access::Look, false).await?;
    for place in &mut children {
        let past = journal::past(&mut place.session, &reader.header.run).await;
        place.past = past.map_err(|error| {
            let doing = "reading the journal of repairs";
            Failure::failed(open::cannot_ask(place.database, doing, &error))
        })?;
    }
    let mut faults = standing(&reader, &children);
    let mut parts = Vec::new();
    for (at, reference) in references.into_iter().enumerate() {
        let looked = part(args, &reader, at, reference, &mut children, &mut parents);
        let (part, held) = looked.await?;
        faults.extend(held);
        parts.push(part);
    }
    errors::refuse(faults)?;
    if args.execute && reader.rows > 0 {
        protected::consent(context, &args.consents)?;
    }
    Ok(Ready {
        reader,
        parts,
        children,
        parents,
    })
}

/// Opens the file and sees that it is whole.
fn read(file: &Path) -> Result<Reader<BufReader<File>>, Failure> {
    let name = file.display().to_string();
    let opened = File::open(file).map_err(|error| {
        let message = format!("cannot read the plan {name}: {error}");
        let fault = Diagnostic::new(Code::Plan, message);
        Failure::failed(fault.hint("bird audit --plan FILE writes one"))
    })?;
    Reader::open(BufReader::with_capacity(1 << 16, opened)).map_err(|fault| {
        let message = format!("the plan {name} is not usable: {fault}");
        let mut told = Diagnostic::new(Code::Plan, message);
        if let Some(line) = fault.line {
            let mut at = Location::file(&name);
            at.line = u32::try_from(line).unwrap_or(u32::MAX);
            told = told.at(at);
        }
        Failure::failed(told.hint("make a new one: bird audit --plan FILE"))
    })
}

/// The references of a plan as the project declares them.
fn declared<'p>(context: &'p Context, planned: &[Planned]) -> Result<Vec<&'p Reference>, Failure> {
    let mut faults = Vec::new();
    let mut all = Vec::new();
    for one in planned {
        let mut references = context.project.references.iter();
        match references.find(|reference| one.is(reference)) {
            Some(reference) => all.push(reference),
            None => {
                let message = format!(
                    "the project declares no reference {} as it was when the plan was made",
                    one.name()
                );
                let fault = Diagnostic::new(Code::OtherReference, message);
                faults.push(fault.hint("make a new plan: bird audit --plan FILE"));
            }
        }
    }
    errors::refuse(faults).map(|()| all)
}

/// Opens databases by their names, each ready for its side of the work.
async fn places<'p>(
    context: &'p Context,
    args: &Args,
    names: &[&str],
    access: Access,
    is_child: bool,
) -> Result<Vec<Place<'p>>, Failure> {
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
    let mut places = Vec::new();
    for RunDatabase {
        database, session, ..
    } in opened
    {
        let mut session = session.ok_or_else(|| errors::absent(database))?;
        let told = |error| Failure::failed(open::cannot_ask(database, "getting ready", &error));
        repair::prepare(&mut session, is_child)
            .await
            .map_err(told)?;
        primary(args, database, &mut session, is_child).await?;
        places.push(Place {
            database,
            session,
            past: Past::default(),
            guard: None,
        });
    }
    match names.iter().find(|name| {
        let mut places = places.iter();
        !places.any(|place| place.database.name == **name)
    }) {
        None => Ok(places),
        Some(name) => {
            let message = format!("the plan needs the database `{name}`, which is not there");
            Err(Failure::failed(Diagnostic::new(Code::NoDatabase, message)))
        }
    }
}

/// A replica lags: what a parent's lacks, its primary may have.
async fn primary(
    args: &Args,
    database: &Database,
    session: &mut Session,
    is_child: bool,
) -> Result<(), Failure> {
    let refused = locks::writable(database, session, &args.consents).await;
    refused.map_err(|mut failure| {
        for fault in failure.diagnostics.iter_mut().filter(|_| !is_child) {
            fault
                .notes
                .push("parents are looked for on the primary alone: a replica may lag".into());
        }
        failure
    })
}

/// What the journals and the clock have against the plan.
fn standing(reader: &Reader<BufReader<File>>, children: &[Place<'_>]) -> Vec<Diagnostic> {
    let header = &reader.header;
    let begun = children.iter().any(|place| place.past.chunks > 0);
    let now = OffsetDateTime::now_utc();
    let mut faults: Vec<Diagnostic> = safety_checks::expired(header, now, begun)
        .into_iter()
        .collect();
    for place in children {
        let (name, past) = (&place.database.name, &place.past);
        if past.undone > 0 {
            let message = format!("the repair of this plan was undone in `{name}`");
            let fault = Diagnostic::new(Code::PlanUndone, message).database(name);
            faults.push(fault.hint("make a new plan: bird audit --plan FILE"));
        }
        if past
            .digest
            .as_ref()
            .is_some_and(|digest| *digest != reader.digest)
        {
            let message = format!("`{name}` was repaired by another plan of the same run");
            let fault = Diagnostic::new(Code::PlanChanged, message).database(name);
            faults.push(fault.hint("go on with the plan that was begun, or make a new one"));
        }
    }
    faults
}

/// Looks at the tables of one reference of the plan; what holds it is told beside.
async fn part<'p>(
    args: &Args,
    reader: &Reader<BufReader<File>>,
    at: usize,
    reference: &'p Reference,
    children: &mut [Place<'p>],
    parents: &mut [Place<'p>],
) -> Result<(Part<'p>, Vec<Diagnostic>), Failure> {
    let missing = || {
        let message = format!("the database of {reference} was never opened");
        Failure::failed(Diagnostic::new(Code::Database, message))
    };
    let place = |places: &[Place<'p>], name: &str| {
        let mut places = places.iter();
        places.position(|place| place.database.name == name)
    };
    let child = place(children, &reference.from.database).ok_or_else(missing)?;
    let parent = place(parents, &reference.to.database).ok_or_else(missing)?;
    let planned = reader.header.references.get(at).ok_or_else(missing)?;
    let totals = reader.totals.get(at).copied().unwrap_or_default();
    let ours = children.get_mut(child).ok_or_else(missing)?;
    let theirs = parents.get_mut(parent).ok_or_else(missing)?;
    let failed = |error| {
        let doing = format!("looking at the tables of {reference}");
        Failure::failed(open::cannot_ask(ours.database, &doing, &error))
    };
    let tables = row_state::tables(&mut ours.session, &mut theirs.session, reference).await;
    let tables = tables.map_err(failed)?;
    let seen = row_state::seen(
        (&mut ours.session, &ours.database.target),
        (&mut theirs.session, &theirs.database.target),
        reference,
        &tables,
        &totals,
    );
    let seen = seen.await.map_err(failed)?;
    let allow = &args.consents.allow;
    let mut held = match totals.orphan_rows {
        // Where nothing is done, nothing has to be held.
        0 => Vec::new(),
        _ => safety_checks::brakes(planned, &totals, reader.header.action, &seen, allow),
    };
    for fault in &mut held {
        if fault.location.is_none() {
            fault.location.clone_from(&reference.location);
        }
    }
    let part = Part {
        planned: planned.clone(),
        reference,
        tables,
        child,
        parent,
        quarantine: None,
    };
    Ok((part, held))
}
