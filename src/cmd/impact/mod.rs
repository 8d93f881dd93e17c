//! `bird audit --impact TABLE --where …`: finds the rows that would become orphans if these rows of a
//! parent were deleted. It only reads.

pub(super) mod report;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use self::report::{Impact, ImpactReport};
use super::context::Context;
use super::run::{open, references};
use super::source;
use crate::db::audit::connections;
use crate::db::audit::endpoints::{self, Endpoint, Inspected, PreparedReference};
use crate::db::audit::error::ReadError;
use crate::db::keys;
use crate::db::session::{DbError, Session};
use crate::dialect::keys::{KeyRange, KeySource, condition};
use crate::invariant::Broken;
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Failure};
use crate::model::exit::Exit;
use crate::model::key::{Batch, describe, split};
use crate::model::name::{TableName, did_you_mean};
use crate::model::orphan::Orphan;
use crate::model::reference::Reference;
use crate::model::schema::Schema;
use crate::project::Database;

/// The number of parents' keys in memory.
const HELD: usize = 200_000;
/// The most keys that are looked up by the child's index; for more, all its keys are read.
const LOOKED_FOR: usize = 50_000;
/// The number of keys that one statement looks up.
const AT_ONCE: usize = 500;
/// The number of batches in the channel.
const WAITING: usize = 4;

/// The rows whose deletion is considered.
pub struct Question<'q> {
    pub table: &'q str,
    /// `--where`; `None` means all rows.
    pub filter: Option<&'q str>,
    /// The number of rows that are shown per child.
    pub sample: usize,
    pub wait: Option<Duration>,
}

/// Computes the impact on every reference that points to the table.
pub async fn run(context: &Context, question: &Question<'_>) -> Result<ImpactReport, Failure> {
    let wait = question.wait;
    let (name, database) = named(context, question.table)?;
    let loaded = source::live(context, &database.name, database, wait).await?;
    exists(&name, &loaded.schema)?;
    let chosen = question.filter.unwrap_or("1 = 1");
    let usage = |why| Failure::failed(Diagnostic::new(Code::Usage, format!("--where: {why}")));
    let filter = condition(database.dialect, chosen).map_err(usage)?;
    let wanted = context.project.references.iter().enumerate();
    let wanted: Vec<(usize, &Reference)> = wanted
        .filter(|(_, one)| one.to.table_name() == name)
        .collect();
    let connected = references::connect(context, wait, &wanted).await?;
    let inspected = wanted
        .iter()
        .map(|(index, reference)| endpoints::prepare(&connected, *index, reference));
    let inspected = inspected.collect::<Result<Vec<Inspected>, Broken>>()?;
    connections::close(connected).await;
    let mut report = ImpactReport::new(name, question.filter.map(str::to_owned));
    report.parents = parents(context, database, &report.table.table, &filter).await?;
    report.foreign_keys(&loaded.schema);
    for one in inspected {
        let Some(prepared) = one.prepared else {
            report.faults.extend(one.notes);
            continue;
        };
        let doing = format!("reading {}", prepared.reference);
        context.progress.detail(&doing);
        let asking = ask(context, &prepared, question.sample, &filter);
        match asking.await {
            Ok(impact) => report.references.push(impact),
            Err(fault) => {
                let hint = "run the command again when the database answers; nothing was changed";
                report.faults.push(fault.diagnose().hint(hint));
            }
        }
    }
    if !report.faults.is_empty() {
        report.exit = Exit::Failed;
    }
    report.exit = open::interrupted(context, report.exit);
    Ok(report)
}

/// Finds the table and its database.
fn named<'c>(context: &'c Context, text: &str) -> Result<(TableName, &'c Database), Failure> {
    let usage = |message: String, hint: String| {
        Failure::failed(Diagnostic::new(Code::Usage, message).hint(hint))
    };
    let name = TableName::parse(text).ok_or_else(|| {
        let message = format!("--impact {text} does not name a table");
        usage(message, "write database.table: --impact ums.users".into())
    })?;
    let database = context.project.database(&name.database).ok_or_else(|| {
        let known = context
            .project
            .databases
            .iter()
            .map(|one| one.name.as_str());
        let hint = did_you_mean(&name.database, known);
        usage(
            format!("--impact {text}: there is no database `{}`", name.database),
            hint.unwrap_or_else(|| "write database.table: --impact ums.users".into()),
        )
    })?;
    Ok((name, database))
}

fn exists(name: &TableName, schema: &Schema) -> Result<(), Failure> {
    if schema.table(&name.table).is_some() {
        return Ok(());
    }
    let known = schema.tables.iter().map(|table| table.name.as_str());
    let mut fault = Diagnostic::new(Code::Usage, format!("--impact: there is no table {name}"));
    fault.hint = did_you_mean(&name.table, known);
    Err(Failure::failed(fault))
}

/// Counts the rows that would be deleted.
async fn parents(
    context: &Context,
    database: &Database,
    table: &str,
    filter: &str,
) -> Result<u64, Failure> {
    let access = crate::db::session::Access::ReadOnly;
    let session = open::session(context, database, access, None).await;
    let mut session =
        session.map_err(|error| Failure::failed(open::cannot_open(database, &error)))?;
    let sql = format!(
        "SELECT COUNT(*) FROM {} WHERE {filter}",
        session.table(table)
    );
    let counted = keys::count(&mut session, &sql).await;
    session.close().await;
    counted.map_err(|error| {
        let fault = open::cannot_ask(database, "counting the rows of --where", &error);
        Failure::failed(fault.hint("write --where as a condition that follows WHERE"))
    })
}

/// Counts the orphans of one reference.
async fn ask(
    context: &Context,
    prepared: &Arc<PreparedReference>,
    sample: usize,
    filter: &str,
) -> Result<Impact, ReadError> {
    let parent = &prepared.parent;
    let doing = "reading the parents";
    let other = ReadError::other(&parent.database, doing);
    let failed = ReadError::of(&parent.database, doing);
    // Parents that `to_where` excludes have no children to lose.
    let counting = parent.filter.as_deref();
    let doomed = joined(counting, filter);
    let end = parent.filtered(None, Some(&doomed)).map_err(&other)?;
    let left = joined(counting, &format!("{filter} IS NOT TRUE"));
    let left = parent.filtered(None, Some(&left)).map_err(&other)?;
    let mut asking = Asking {
        child: prepared.child.end(None).map_err(&other)?,
        left: (!prepared.unique).then_some(left),
        sessions: [
            parent.session().await.map_err(&failed)?,
            prepared.child.session().await.map_err(&failed)?,
        ],
        prepared,
        sample,
        impact: Impact::new(&prepared.reference),
    };
    let mut reading = parent.session().await.map_err(&failed)?;
    let mut range = KeyRange::default();
    loop {
        let step = end.boundary(range.after.as_deref(), HELD as u64);
        let next = keys::all(&mut reading, &step).await.map_err(&failed)?;
        range.upto = next.iter().next().map(|(key, _)| key.to_vec());
        let query = if prepared.unique {
            end.ordered(&range)
        } else {
            end.distinct(&range)
        };
        let (to, from) = mpsc::channel(WAITING);
        let read = async {
            let read = keys::read(&mut reading, &query, &to).await;
            drop(to);
            read
        };
        let (read, counted) = tokio::join!(read, asking.take(from));
        counted?;
        read.map_err(&failed)?;
        if range.upto.is_none() || context.stop.asked().is_some() {
            break;
        }
        range.after = range.upto.take();
    }
    reading.close().await;
    Ok(asking.done().await)
}

/// Joins two conditions with AND.
fn joined(one: Option<&str>, other: &str) -> String {
    one.map_or(other.to_owned(), |one| format!("({one}) AND {other}"))
}

/// The query of one reference.
struct Asking<'a> {
    prepared: &'a PreparedReference,
    child: KeySource<'a>,
    /// The parents that stay, if several may have the same key.
    left: Option<KeySource<'a>>,
    /// The sessions of the parents and of the child.
    sessions: [Session; 2],
    sample: usize,
    impact: Impact,
}

impl Asking<'_> {
    /// Takes the keys of parents as they arrive.
    async fn take(&mut self, mut from: mpsc::Receiver<Batch>) -> Result<(), ReadError> {
        let mut held: Vec<Vec<u8>> = Vec::new();
        while let Some(batch) = from.recv().await {
            self.impact.malformed += batch.malformed.iter().map(|(_, rows)| rows).sum::<u64>();
            held.extend(batch.iter().map(|(key, _)| key.to_vec()));
            if held.len() >= HELD {
                self.count(std::mem::take(&mut held)).await?;
            }
        }
        self.count(held).await
    }

    /// Counts the rows that have one of these keys.
    async fn count(&mut self, mut held: Vec<Vec<u8>>) -> Result<(), ReadError> {
        let (child, parent) = (&self.prepared.child, &self.prepared.parent);
        let [parents, children] = &mut self.sessions;
        if let Some(left) = &self.left {
            let failed = ReadError::of(&parent.database, "looking for other parents");
            let stay = rows(parents, left, parent.indexed, &held).await;
            let stay = stay.map_err(failed)?;
            held.retain(|key| !stay.contains_key(key));
        }
        let failed = || ReadError::of(&child.database, "counting the rows of the child");
        let counts = rows(children, &self.child, child.indexed, &held).await;
        let counts = counts.map_err(failed())?;
        self.impact.keys += counts.len() as u64;
        self.impact.rows += counts.values().sum::<u64>();
        self.show(counts.into_keys()).await.map_err(failed())
    }

    /// Adds rows to the sample while there is room.
    async fn show(&mut self, keys: impl Iterator<Item = Vec<u8>>) -> Result<(), DbError> {
        let room = self.sample.saturating_sub(self.impact.sample.len());
        let keys: Vec<Vec<u8>> = keys.take(room).collect();
        if keys.is_empty() {
            return Ok(());
        }
        let child: &Endpoint = &self.prepared.child;
        let names: Vec<_> = child.names.iter().collect();
        let query = self.child.rows(&names, &keys, None, room as u64);
        let query = query.map_err(|why| DbError::new(crate::dialect::ErrorKind::Other, why))?;
        let (found, _) = keys::rows(&mut self.sessions[1], &query).await?;
        let columns = &child.columns;
        let orphans = found.into_iter().filter_map(|row| {
            let parts = split(row.key.as_deref()?, columns.len());
            let key = std::iter::zip(columns, &parts);
            Some(Orphan {
                reference: self.prepared.index,
                key: key
                    .map(|((_, compare), part)| Some(describe(compare, part)))
                    .collect(),
                row: std::iter::zip(&child.names, &row.identity)
                    .map(|(column, cell)| (column.name.clone(), cell.clone()))
                    .collect(),
                hidden: false,
            })
        });
        self.impact.sample.extend(orphans);
        Ok(())
    }

    async fn done(self) -> Impact {
        for session in self.sessions {
            session.close().await;
        }
        self.impact
    }
}

/// Counts the rows of an endpoint by key; keys without rows are left out.
async fn rows(
    session: &mut Session,
    end: &KeySource<'_>,
    indexed: bool,
    held: &[Vec<u8>],
) -> Result<BTreeMap<Vec<u8>, u64>, DbError> {
    let by_index = indexed && end.probes_by_index();
    if held.len() <= AT_ONCE || (by_index && held.len() <= LOOKED_FOR) {
        look_for(session, end, held).await
    } else {
        read(session, end, indexed, held).await
    }
}

async fn look_for(
    session: &mut Session,
    end: &KeySource<'_>,
    held: &[Vec<u8>],
) -> Result<BTreeMap<Vec<u8>, u64>, DbError> {
    let mut counts = BTreeMap::new();
    for keys in held.chunks(AT_ONCE) {
        let mut wanted: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
        wanted.sort_unstable();
        let found = keys::all(session, &end.counted_among(keys)).await?;
        // The server may find more keys equal than bird does.
        let found = found
            .iter()
            .filter(|(key, _)| wanted.binary_search(key).is_ok());
        for (key, rows) in found {
            *counts.entry(key.to_vec()).or_default() += rows;
        }
    }
    Ok(counts)
}

/// Reads all keys of the endpoint, and counts those in `held`.
async fn read(
    session: &mut Session,
    end: &KeySource<'_>,
    indexed: bool,
    held: &[Vec<u8>],
) -> Result<BTreeMap<Vec<u8>, u64>, DbError> {
    let mut counts: HashMap<&[u8], u64> = held.iter().map(|key| (key.as_slice(), 0)).collect();
    let query = if indexed && end.indexed() {
        end.counted(&KeyRange::default())
    } else {
        end.unordered()
    };
    let (to, mut from) = mpsc::channel::<Batch>(WAITING);
    let reading = async {
        let read = keys::read(session, &query, &to).await;
        drop(to);
        read
    };
    let counting = async {
        while let Some(batch) = from.recv().await {
            for (key, rows) in batch.iter() {
                if let Some(count) = counts.get_mut(key) {
                    *count += rows;
                }
            }
        }
    };
    tokio::join!(reading, counting).0?;
    let found = counts.into_iter().filter(|(_, rows)| *rows > 0);
    Ok(found.map(|(key, rows)| (key.to_vec(), rows)).collect())
}
