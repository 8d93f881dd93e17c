//! Candidates are confirmed: child, parent and child are read anew, in sessions of their own.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::mpsc::Sender;

use super::endpoints::{Prepared, Side};
use super::error::Fault;
use super::task::{Part, Task, Told};
use crate::audit::{Confirmation, Seen};
use crate::db::keys;
use crate::db::session::Session;
use crate::dialect::keys::{After, End, Found};
use crate::model::key::{Batch, describe, split};
use crate::model::orphan::Orphan;
use crate::model::schema::Column;

/// How many keys are confirmed together.
const KEYS: usize = 500;
/// How many rows of them at once.
const ROWS: u64 = 2000;

/// Sessions in which every statement sees what is committed when it begins; opened when the first
/// candidate needs them.
#[derive(Default)]
pub struct Fresh {
    children: HashMap<String, Session>,
    parents: Option<Session>,
}

/// Where confirmed orphans go.
pub struct Out<'o> {
    pub portion: u64,
    pub to: &'o Sender<Told>,
    pub part: &'o mut Part,
}

impl Out<'_> {
    async fn send(&mut self, orphans: Vec<Orphan>) {
        self.part.orphan_rows += orphans.len() as u64;
        if !orphans.is_empty() {
            // Whoever stopped listening has stopped the audit.
            let _: Result<(), _> = self.to.send(Told::Orphans(self.portion, orphans)).await;
        }
    }
}

impl Fresh {
    /// Confirms candidates of one member; what is confirmed is handed on.
    pub async fn confirm(
        &mut self,
        member: &Arc<Prepared>,
        candidates: &[Vec<u8>],
        out: &mut Out<'_>,
    ) -> Result<(), Fault> {
        if candidates.is_empty() {
            return Ok(());
        }
        let side = &member.child;
        if !self.children.contains_key(&side.database) {
            let session = open(side).await?;
            self.children.insert(side.database.clone(), session);
        }
        if self.parents.is_none() {
            self.parents = Some(open(&member.parent).await?);
        }
        let child = self.children.get_mut(&side.database);
        if let (Some(child), Some(parents)) = (child, &mut self.parents) {
            let mut pair = Pair {
                member,
                child: Some(child),
                parents,
                database: (None, None),
            };
            pair.all(candidates, out).await?;
        }
        Ok(())
    }

    pub async fn close(self) {
        for (_, session) in self.children {
            session.close().await;
        }
        if let Some(session) = self.parents {
            session.close().await;
        }
    }
}

/// Confirms candidates: in the snapshot where there is one, else by fresh reads.
pub async fn confirm(
    task: &Task,
    parents: &mut Session,
    fresh: &mut Fresh,
    member: &Arc<Prepared>,
    keys: &[Vec<u8>],
    out: &mut Out<'_>,
) -> Result<(), Fault> {
    if !task.snapshot {
        return fresh.confirm(member, keys, out).await;
    }
    let database = (
        task.qualified(&member.child),
        task.qualified(&member.parent),
    );
    let mut pair = Pair {
        member,
        child: None,
        parents,
        database,
    };
    pair.all(keys, out).await
}

async fn open(side: &Side) -> Result<Session, Fault> {
    let failed = Fault::of(&side.database, "opening a session to confirm orphans");
    side.session().await.map_err(failed)
}

/// The two ends of a reference, and the sessions in which they are read again.
struct Pair<'p> {
    member: &'p Arc<Prepared>,
    /// Nothing where the parents' session sees the child too.
    child: Option<&'p mut Session>,
    parents: &'p mut Session,
    /// What qualifies the tables of child and parents.
    database: (Option<&'p str>, Option<&'p str>),
}

impl Pair<'_> {
    /// Confirms the rows of any number of keys.
    async fn all(&mut self, keys: &[Vec<u8>], out: &mut Out<'_>) -> Result<(), Fault> {
        let begun = Instant::now();
        out.part.candidates += keys.len() as u64;
        for some in keys.chunks(KEYS) {
            self.confirm(some, out).await?;
        }
        let micros = u64::try_from(begun.elapsed().as_micros());
        out.part.confirming += micros.unwrap_or(u64::MAX);
        Ok(())
    }

    /// Confirms the rows of some keys: those that something names, and the others.
    async fn confirm(&mut self, keys: &[Vec<u8>], out: &mut Out<'_>) -> Result<(), Fault> {
        let member = self.member;
        let wrong = Fault::other(&member.child.database, "reading orphans again");
        let child = member.child.end(self.database.0).map_err(&wrong)?;
        let names: Vec<&Column> = member.child.names.iter().collect();
        let (named, nameless) = child.named(&names);
        let mut orphaned = HashSet::new();
        if let Some(named) = named {
            orphaned.extend(self.rows(&named, &names, keys, out).await?);
        }
        if let Some(nameless) = nameless {
            orphaned.extend(self.count(&nameless, keys, out).await?);
        }
        out.part.orphan_keys += orphaned.len() as u64;
        Ok(())
    }

    /// Confirms rows by what names them, page by page: the keys that they have.
    async fn rows(
        &mut self,
        child: &End<'_>,
        names: &[&Column],
        keys: &[Vec<u8>],
        out: &mut Out<'_>,
    ) -> Result<HashSet<Vec<u8>>, Fault> {
        let member = self.member;
        let wrong = Fault::other(&member.child.database, "reading orphans again");
        let mut orphaned: HashSet<Vec<u8>> = HashSet::new();
        let mut after: Option<After> = None;
        loop {
            let asked = child
                .rows(names, keys, after.as_ref(), ROWS)
                .map_err(&wrong)?;
            let (found, next) = keys::rows(self.child(), &asked)
                .await
                .map_err(self.child_failed())?;
            let mut confirmation = Confirmation::new(seen(&found));
            let present = self.parents(&confirmation.keys(), true).await?;
            confirmation.parents(&present);
            if !confirmation.rows().is_empty() {
                let rows: Vec<Vec<String>> = confirmation
                    .rows()
                    .iter()
                    .map(|row| row.row.clone())
                    .collect();
                let asked = child.again(names, &rows).map_err(&wrong)?;
                let (again, _) = keys::rows(self.child(), &asked)
                    .await
                    .map_err(self.child_failed())?;
                let rows = confirmation.confirmed(&seen(&again));
                orphaned.extend(rows.iter().map(|row| row.key.clone()));
                let hidden = self.hidden(&rows).await?;
                let told: HashMap<&Vec<String>, &Vec<String>> =
                    found.iter().map(|row| (&row.identity, &row.told)).collect();
                let orphans = rows.iter().map(|row| Orphan {
                    reference: member.index,
                    key: told.get(&row.row).map_or_else(
                        || key_told(member, &row.key),
                        |told| self.readable(&row.key, told),
                    ),
                    row: names
                        .iter()
                        .zip(&row.row)
                        .map(|(column, cell)| (column.name.clone(), cell.clone()))
                        .collect(),
                    hidden: hidden.contains(&row.key),
                });
                let orphans: Vec<Orphan> = orphans.collect();
                out.send(orphans).await;
            }
            match next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        Ok(orphaned)
    }

    /// Confirms rows that nothing names: of each key as many as both reads counted.
    async fn count(
        &mut self,
        child: &End<'_>,
        keys: &[Vec<u8>],
        out: &mut Out<'_>,
    ) -> Result<HashSet<Vec<u8>>, Fault> {
        let mut orphaned = HashSet::new();
        let asked = child.counted_among(keys);
        let before = keys::all(self.child(), &asked)
            .await
            .map_err(self.child_failed())?;
        let wanted: Vec<Vec<u8>> = before.iter().map(|(key, _)| key.to_vec()).collect();
        let present = self.parents(&wanted, true).await?;
        let present: HashSet<&[u8]> = present.iter().map(|(key, _)| key).collect();
        let again = keys::all(self.child(), &asked)
            .await
            .map_err(self.child_failed())?;
        let again: HashMap<&[u8], u64> = again.iter().collect();
        for (key, rows) in before.iter().filter(|(key, _)| !present.contains(key)) {
            let rows = rows.min(again.get(key).copied().unwrap_or(0));
            if rows > 0 {
                orphaned.insert(key.to_vec());
            }
            let names = self.member.child.names.iter();
            let orphan = Orphan {
                reference: self.member.index,
                key: key_told(self.member, key),
                row: names
                    .map(|column| (column.name.clone(), "NULL".to_owned()))
                    .collect(),
                hidden: false,
            };
            let mut left = rows;
            while left > 0 {
                let some = left.min(ROWS);
                out.send(vec![orphan.clone(); usize::try_from(some).unwrap_or(1)])
                    .await;
                left -= some;
            }
        }
        Ok(orphaned)
    }

    fn child(&mut self) -> &mut Session {
        match &mut self.child {
            Some(child) => child,
            None => self.parents,
        }
    }

    fn child_failed(&self) -> impl Fn(crate::db::session::DbError) -> Fault + use<> {
        Fault::of(&self.member.child.database, "reading orphans again")
    }

    /// Which keys have parents; `counted` are those alone that `to_where` counts.
    async fn parents(&mut self, keys: &[Vec<u8>], counted: bool) -> Result<Batch, Fault> {
        if keys.is_empty() {
            return Ok(Batch::default());
        }
        let side = &self.member.parent;
        let filter = side.filter.as_deref().filter(|_| counted);
        let end = side.filtered(self.database.1, filter);
        let end = end.map_err(Fault::other(&side.database, "looking for parents"))?;
        let asked = end.among(keys);
        let found = keys::all(self.parents, &asked).await;
        found.map_err(Fault::of(&side.database, "looking for parents"))
    }

    /// The keys whose parents are there but do not count.
    async fn hidden(&mut self, rows: &[Seen]) -> Result<HashSet<Vec<u8>>, Fault> {
        if self.member.parent.filter.is_none() {
            return Ok(HashSet::new());
        }
        let mut keys: Vec<Vec<u8>> = rows.iter().map(|row| row.key.clone()).collect();
        keys.dedup();
        let found = self.parents(&keys, false).await?;
        Ok(found.iter().map(|(key, _)| key.to_vec()).collect())
    }

    /// A key for people: canonical bytes as they are told, but for a collation's, which nobody
    /// can read.
    fn readable(&self, key: &[u8], told: &[String]) -> Vec<Option<String>> {
        use crate::model::key::Compare;
        let columns = &self.member.child.columns;
        let parts = split(key, columns.len());
        let both = columns.iter().zip(parts.iter().zip(told));
        both.map(|((_, compare), (part, cell))| {
            Some(match compare {
                Compare::Collated(_) => cell.clone(),
                _ => describe(compare, part),
            })
        })
        .collect()
    }
}

fn key_told(member: &Prepared, key: &[u8]) -> Vec<Option<String>> {
    let columns = &member.child.columns;
    let parts = split(key, columns.len());
    let told = columns.iter().zip(&parts);
    told.map(|((_, compare), part)| Some(describe(compare, part)))
        .collect()
}

/// Rows with a key that can be one.
fn seen(found: &[Found]) -> Vec<Seen> {
    let seen = found.iter().filter_map(|row| {
        Some(Seen {
            key: row.key.clone()?,
            row: row.identity.clone(),
        })
    });
    seen.collect()
}
