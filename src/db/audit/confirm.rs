//! Confirms candidates: reads child, parent and child again, in sessions of its own.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::mpsc::Sender;

use super::endpoints::{Endpoint, PreparedReference};
use super::error::ReadError;
use super::task::{ChunkCounts, Event, Task};
use crate::audit::{Confirmation, SeenRow};
use crate::db::keys;
use crate::db::session::Session;
use crate::dialect::keys::{After, FoundRow, KeySource};
use crate::model::key::{Batch, Compare, describe, split};
use crate::model::orphan::Orphan;
use crate::model::schema::Column;

/// The number of keys that are confirmed together.
const KEYS: usize = 500;
/// The number of their rows that are read by one statement.
const ROWS: u64 = 2000;

/// Sessions in which each statement sees everything that was committed before it; opened for the
/// first candidate.
#[derive(Default)]
pub struct FreshSessions {
    children: HashMap<String, Session>,
    parents: Option<Session>,
}

/// The receiver and the counters of confirmed orphans.
pub struct OrphanSink<'o> {
    pub chunk: u64,
    pub to: &'o Sender<Event>,
    pub counts: &'o mut ChunkCounts,
}

impl OrphanSink<'_> {
    async fn send(&mut self, orphans: Vec<Orphan>) {
        self.counts.orphan_rows += orphans.len() as u64;
        if !orphans.is_empty() {
            // A receiver that is gone has stopped the audit.
            let _: Result<(), _> = self.to.send(Event::Orphans(self.chunk, orphans)).await;
        }
    }
}

impl FreshSessions {
    /// Confirms candidates of one member, and sends those that are orphans.
    pub async fn confirm(
        &mut self,
        member: &Arc<PreparedReference>,
        candidates: &[Vec<u8>],
        out: &mut OrphanSink<'_>,
    ) -> Result<(), ReadError> {
        if candidates.is_empty() {
            return Ok(());
        }
        let child = match self.children.entry(member.child.database.clone()) {
            Entry::Occupied(open) => open.into_mut(),
            Entry::Vacant(missing) => missing.insert(open(&member.child).await?),
        };
        let parents = match &mut self.parents {
            Some(open) => open,
            missing => missing.insert(open(&member.parent).await?),
        };
        let mut confirmer = Confirmer {
            member,
            child: Some(child),
            parents,
            database: (None, None),
        };
        confirmer.all(candidates, out).await
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

/// Confirms candidates: within the snapshot if there is one, else by fresh reads.
pub async fn confirm(
    task: &Task,
    parents: &mut Session,
    fresh: &mut FreshSessions,
    member: &Arc<PreparedReference>,
    keys: &[Vec<u8>],
    out: &mut OrphanSink<'_>,
) -> Result<(), ReadError> {
    if !task.snapshot {
        return fresh.confirm(member, keys, out).await;
    }
    let database = (
        task.qualifier(&member.child),
        task.qualifier(&member.parent),
    );
    let mut confirmer = Confirmer {
        member,
        child: None,
        parents,
        database,
    };
    confirmer.all(keys, out).await
}

async fn open(endpoint: &Endpoint) -> Result<Session, ReadError> {
    let failed = ReadError::of(&endpoint.database, "opening a session to confirm orphans");
    endpoint.session().await.map_err(failed)
}

/// Both endpoints of a reference, and the sessions in which they are read again.
struct Confirmer<'p> {
    member: &'p Arc<PreparedReference>,
    /// `None` if the session of the parents sees the child, too.
    child: Option<&'p mut Session>,
    parents: &'p mut Session,
    /// The qualifiers of the child's and the parents' tables.
    database: (Option<&'p str>, Option<&'p str>),
}

impl Confirmer<'_> {
    /// Confirms the rows of any number of keys.
    async fn all(&mut self, keys: &[Vec<u8>], out: &mut OrphanSink<'_>) -> Result<(), ReadError> {
        let begun = Instant::now();
        out.counts.candidates += keys.len() as u64;
        for some in keys.chunks(KEYS) {
            self.confirm(some, out).await?;
        }
        let micros = u64::try_from(begun.elapsed().as_micros());
        out.counts.confirming += micros.unwrap_or(u64::MAX);
        Ok(())
    }

    /// Confirms the rows of some keys: those with a row identity, and the others.
    async fn confirm(
        &mut self,
        keys: &[Vec<u8>],
        out: &mut OrphanSink<'_>,
    ) -> Result<(), ReadError> {
        let member = self.member;
        let wrong = ReadError::other(&member.child.database, "reading orphans again");
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
        out.counts.orphan_keys += orphaned.len() as u64;
        Ok(())
    }

    /// Confirms rows by their identity, page by page. Returns the keys of those that are orphans.
    async fn rows(
        &mut self,
        child: &KeySource<'_>,
        names: &[&Column],
        keys: &[Vec<u8>],
        out: &mut OrphanSink<'_>,
    ) -> Result<HashSet<Vec<u8>>, ReadError> {
        let member = self.member;
        let wrong = ReadError::other(&member.child.database, "reading orphans again");
        let mut orphaned: HashSet<Vec<u8>> = HashSet::new();
        let mut after: Option<After> = None;
        loop {
            let query = child
                .rows(names, keys, after.as_ref(), ROWS)
                .map_err(&wrong)?;
            let (found, next) = keys::rows(self.child(), &query)
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
                let query = child.again(names, &rows).map_err(&wrong)?;
                let (again, _) = keys::rows(self.child(), &query)
                    .await
                    .map_err(self.child_failed())?;
                let rows = confirmation.confirmed(&seen(&again));
                orphaned.extend(rows.iter().map(|row| row.key.clone()));
                let hidden = self.hidden(&rows).await?;
                let texts: HashMap<&Vec<String>, &Vec<String>> = found
                    .iter()
                    .map(|row| (&row.identity, &row.texts))
                    .collect();
                let orphans = rows.iter().map(|row| Orphan {
                    reference: member.index,
                    key: texts.get(&row.row).map_or_else(
                        || key_text(member, &row.key),
                        |text| self.readable(&row.key, text),
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

    /// Confirms rows without an identity: of each key the lower of both counts.
    async fn count(
        &mut self,
        child: &KeySource<'_>,
        keys: &[Vec<u8>],
        out: &mut OrphanSink<'_>,
    ) -> Result<HashSet<Vec<u8>>, ReadError> {
        let mut orphaned = HashSet::new();
        let query = child.counted_among(keys);
        let before = keys::all(self.child(), &query)
            .await
            .map_err(self.child_failed())?;
        let wanted: Vec<Vec<u8>> = before.iter().map(|(key, _)| key.to_vec()).collect();
        let present = self.parents(&wanted, true).await?;
        let present: HashSet<&[u8]> = present.iter().map(|(key, _)| key).collect();
        let again = keys::all(self.child(), &query)
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
                key: key_text(self.member, key),
                row: names
                    .map(|column| (column.name.clone(), "NULL".to_owned()))
                    .collect(),
                hidden: false,
            };
            let mut left = rows;
            while left > 0 {
                let some = left.min(ROWS);
                out.send(vec![orphan.clone(); some as usize]).await;
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

    fn child_failed(&self) -> impl Fn(crate::db::session::DbError) -> ReadError + use<> {
        ReadError::of(&self.member.child.database, "reading orphans again")
    }

    /// The keys that have parents; `counted` restricts the parents to those of `to_where`.
    async fn parents(&mut self, keys: &[Vec<u8>], counted: bool) -> Result<Batch, ReadError> {
        if keys.is_empty() {
            return Ok(Batch::default());
        }
        let endpoint = &self.member.parent;
        let filter = endpoint.filter.as_deref().filter(|_| counted);
        let end = endpoint.filtered(self.database.1, filter);
        let end = end.map_err(ReadError::other(&endpoint.database, "looking for parents"))?;
        let query = end.among(keys);
        let found = keys::all(self.parents, &query).await;
        found.map_err(ReadError::of(&endpoint.database, "looking for parents"))
    }

    /// The keys whose parents exist but are excluded by `to_where`.
    async fn hidden(&mut self, rows: &[SeenRow]) -> Result<HashSet<Vec<u8>>, ReadError> {
        if self.member.parent.filter.is_none() {
            return Ok(HashSet::new());
        }
        let mut keys: Vec<Vec<u8>> = rows.iter().map(|row| row.key.clone()).collect();
        keys.dedup();
        let found = self.parents(&keys, false).await?;
        Ok(found.iter().map(|(key, _)| key.to_vec()).collect())
    }

    /// Renders a key for people: from its canonical bytes, except for collation keys, which are
    /// unreadable.
    fn readable(&self, key: &[u8], text: &[String]) -> Vec<Option<String>> {
        let columns = &self.member.child.columns;
        let parts = split(key, columns.len());
        let both = columns.iter().zip(parts.iter().zip(text));
        both.map(|((_, compare), (part, cell))| {
            Some(match compare {
                Compare::Collated(_) => cell.clone(),
                _ => describe(compare, part),
            })
        })
        .collect()
    }
}

fn key_text(member: &PreparedReference, key: &[u8]) -> Vec<Option<String>> {
    let columns = &member.child.columns;
    let parts = split(key, columns.len());
    let text = columns.iter().zip(&parts);
    text.map(|((_, compare), part)| Some(describe(compare, part)))
        .collect()
}

/// The rows whose value is a valid key.
fn seen(found: &[FoundRow]) -> Vec<SeenRow> {
    let seen = found.iter().filter_map(|row| {
        Some(SeenRow {
            key: row.key.clone()?,
            row: row.identity.clone(),
        })
    });
    seen.collect()
}
