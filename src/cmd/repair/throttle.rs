//! Limits the speed of a repair between chunks, where nothing is locked.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::Args;
use super::errors;
use crate::cmd::context::Context;
use crate::cmd::run::{open, replica};
use crate::db::limits::{INTERVAL, Monitor, MonitoredServer};
use crate::db::session::{Access, Session};
use crate::db::{failpoint, keys};
use crate::dialect::keys::Replication;
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Failure};
use crate::model::target::Target;
use crate::project::Database;

/// The throttle of one run.
pub struct Throttle<'c> {
    context: &'c Context,
    /// Whether the run writes; a preview never waits.
    writes: bool,
    /// The most rows per second.
    rate: Option<u64>,
    /// `None` without limits on servers.
    watch: Option<Monitor>,
    /// The time of the last check.
    asked: Option<Instant>,
    begun: Instant,
    rows: u64,
}

impl<'c> Throttle<'c> {
    /// Opens sessions with the servers whose load or lag is limited: those of all databases, and
    /// the replicas of written ones.
    pub async fn new(
        context: &'c Context,
        args: &Args,
        written: &[&Database],
        read: &[&Database],
    ) -> Result<Throttle<'c>, Failure> {
        let mut watch = None;
        let limits = args.limits.settings();
        if limits.are_set() {
            let servers = servers(context, args, written, read).await?;
            let mut watched = Monitor::new(&limits, servers);
            if let Some(limit) = watched.unobservable().await.map_err(Failure::failed)? {
                let fault = Diagnostic::new(Code::Usage, limit);
                let hint =
                    "--replica NAME=URL names a replica; --max-rate slows bird down everywhere";
                return Err(Failure::failed(fault.hint(hint)));
            }
            watch = Some(watched);
        }
        Ok(Throttle {
            context,
            writes: args.writes(),
            rate: args.max_rate,
            watch,
            asked: None,
            begun: Instant::now(),
            rows: 0,
        })
    }

    /// Waits until the next chunk may begin; fails after a signal.
    pub async fn next(&mut self) -> Result<(), Failure> {
        // The signal task and its listener run first.
        tokio::task::yield_now().await;
        tokio::task::yield_now().await;
        let stop = self.context.stop.clone();
        if let Some(exit) = stop.asked() {
            return Err(errors::interrupted(exit));
        }
        if !self.writes {
            return Ok(());
        }
        let waited = stop.race(self.wait()).await;
        waited.map_err(errors::interrupted)?
    }

    /// Counts rows that were processed.
    pub fn did(&mut self, rows: u64) {
        self.rows += rows;
    }

    pub async fn close(self) {
        if let Some(watch) = self.watch {
            watch.close().await;
        }
    }

    async fn wait(&mut self) -> Result<(), Failure> {
        if let Some(rate) = self.rate {
            let due = Duration::from_millis(self.rows.saturating_mul(1000) / rate.max(1));
            tokio::time::sleep(due.saturating_sub(self.begun.elapsed())).await;
        }
        let Some(watch) = &mut self.watch else {
            return Ok(());
        };
        if self.asked.is_some_and(|asked| asked.elapsed() < INTERVAL) {
            return Ok(());
        }
        let notice = |text: &str| self.context.progress.notice(text);
        while watch.is_exceeded(notice).await.map_err(Failure::failed)? {
            failpoint::at("repair-waits");
            tokio::time::sleep(INTERVAL).await;
        }
        self.asked = Some(Instant::now());
        Ok(())
    }
}

/// Opens a session with each server once.
async fn servers(
    context: &Context,
    args: &Args,
    written: &[&Database],
    read: &[&Database],
) -> Result<Vec<MonitoredServer>, Failure> {
    let both = written.iter().chain(read);
    let mut places: Vec<(&Database, Target, bool)> = both
        .map(|database| (*database, database.target.clone(), false))
        .collect();
    for asked in &args.replicas {
        let (database, replica) = replica::named(context, asked).map_err(Failure::failed)?;
        if !written.iter().any(|one| one.name == database.name) {
            let message = format!("--replica: nothing is written to `{}`", database.name);
            return Err(Failure::failed(Diagnostic::new(Code::Usage, message)));
        }
        places.push((database, replica.target, true));
    }
    let mut seen = BTreeSet::new();
    places.retain(|(_, target, replica)| seen.insert((target.shown(), *replica)));
    // The identities of the databases' own servers.
    let mut identities = BTreeMap::new();
    let mut servers = Vec::new();
    for (database, target, replica) in places {
        let doing = "opening a session to check the load of its server";
        let failed = |error| Failure::failed(open::cannot_ask(database, doing, &error));
        let schema = database.schema.as_deref();
        let open = || Session::open(&target, database.dialect, schema, Access::ReadOnly);
        let session = open::retry(context, &target, args.connect.wait, open).await;
        let mut session = session.map_err(failed)?;
        let identity = keys::identity(&mut session).await.map_err(failed)?;
        if replica {
            let replication = keys::replication(&mut session).await.map_err(failed)?;
            let ours = identities.get(&database.name).unwrap_or(&None);
            let place = target.shown();
            replica::limited(database, &session.server, &place, &replication)?;
            replica::same_cluster(database, &place, (ours, &identity), &replication)?;
            if let Replication::Replica(following) = &replication
                && let Some(diagnostic) =
                    replica::elsewhere(&database.name, ours, &place, following)
            {
                context.progress.notice(&diagnostic.message);
            }
        } else {
            identities.insert(&database.name, identity);
        }
        servers.push(MonitoredServer {
            name: database.name.clone(),
            session,
            target,
            replica,
        });
    }
    Ok(servers)
}
