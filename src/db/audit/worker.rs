//! A worker: a thread with sessions of its own that reads one chunk of a task after another.

use std::collections::HashSet;
use std::sync::Arc;
use std::thread::JoinHandle;

use futures_util::future::LocalBoxFuture;
use tokio::sync::Mutex;
use tokio::sync::mpsc::{Receiver, Sender};

use super::confirm::FreshSessions;
use super::error::ReadError;
use super::task::{Chunk, ChunkCounts, Event, Shared, Task};
use super::throttle::Throttle;
use crate::db::session::Session;
use crate::dialect::keys::KeyRange;
use crate::invariant;

/// The number of attempts to read a chunk.
const TRIES: usize = 3;

/// The ranges of a task, from which workers take in turn.
pub type Ranges = Arc<Mutex<Receiver<KeyRange>>>;

/// Reads the keys of a chunk, and may report its beginning as done before its end; `None` if the
/// audit was stopped.
pub type ReadChunk = for<'r> fn(
    &'r mut Worker,
    &'r mut Chunk,
) -> LocalBoxFuture<'r, Result<Option<ChunkResult>, ReadError>>;

/// A worker with its sessions.
pub struct Worker {
    pub task: Arc<Task>,
    pub shared: Shared,
    pub to: Sender<Event>,
    /// One per member, in their order; empty in a snapshot.
    pub children: Vec<Session>,
    pub parents: Session,
    pub fresh: FreshSessions,
    /// The members whose sessions have the file of the parents attached.
    pub attached: HashSet<usize>,
    /// Whether the one session of a snapshot is in its transaction.
    pub in_snapshot: bool,
}

/// The result of a chunk.
pub struct ChunkResult {
    pub all_counts: Vec<ChunkCounts>,
    /// The number of parents' keys that were read.
    pub parents: u64,
}

/// Starts a worker. It ends after the last range, on request, or with a failure.
pub fn start(
    task: Arc<Task>,
    read: ReadChunk,
    shared: Shared,
    throttle: Throttle,
    ranges: Ranges,
    to: Sender<Event>,
) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new()
        .name("audit".into())
        .spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            let runtime = match runtime {
                Ok(runtime) => runtime,
                Err(error) => {
                    let failed = ReadError::other("", "starting a thread")(error.to_string());
                    // A receiver that is gone has stopped the audit.
                    let _: Result<(), _> = to.blocking_send(Event::Failed(failed));
                    return;
                }
            };
            runtime.block_on(async {
                if let Err(fault) = run(&task, read, &shared, &throttle, &ranges, &to).await {
                    // A receiver that is gone has stopped the audit.
                    let _: Result<(), _> = to.send(Event::Failed(fault)).await;
                }
            });
        })
}

async fn run(
    task: &Arc<Task>,
    read: ReadChunk,
    shared: &Shared,
    throttle: &Throttle,
    ranges: &Ranges,
    to: &Sender<Event>,
) -> Result<(), ReadError> {
    let mut worker: Option<Worker> = None;
    loop {
        let range = ranges.lock().await.recv().await;
        let Some(range) = range.filter(|_| !shared.is_stopped()) else {
            break;
        };
        throttle.pause(shared).await;
        let mut chunk = Chunk {
            number: shared.next_number(),
            range,
        };
        let mut tries = 1;
        let read = loop {
            let open = match worker.take() {
                Some(open) => open,
                None => Worker::open(task, shared, to).await?,
            };
            let before = chunk.range.after.clone();
            let read = tokio::select! {
                read = worker.insert(open).read(read, &mut chunk) => read,
                // Its statement may wait forever, and a session that only reads may be dropped.
                () = shared.stopped() => return Ok(()),
            };
            match read {
                Ok(read) => break read,
                Err(fault) => {
                    // It has made progress, so the attempts start over.
                    if chunk.range.after != before {
                        tries = 1;
                    }
                    // A snapshot cannot be retried: a new one is another instant.
                    if tries >= TRIES || task.snapshot || !fault.is_transient() {
                        return Err(fault);
                    }
                    tries += 1;
                    // Its events no longer count, and the state of its sessions is unknown.
                    chunk.number = shared.next_number();
                    worker = None;
                }
            }
        };
        let Some(read) = read else { break };
        let done = Event::Done(chunk, read.all_counts, read.parents);
        if to.send(done).await.is_err() {
            break;
        }
    }
    if let Some(worker) = worker {
        worker.close().await;
    }
    Ok(())
}

impl Worker {
    async fn open(
        task: &Arc<Task>,
        shared: &Shared,
        to: &Sender<Event>,
    ) -> Result<Worker, ReadError> {
        let parent = &task.lead.parent;
        let mut children = Vec::new();
        if !task.snapshot {
            for member in &task.members {
                let doing = if member.child.read_replica.is_some() {
                    "opening a session with its replica to read its keys"
                } else {
                    "opening a session to read its keys"
                };
                let failed = ReadError::of(&member.child.database, doing);
                children.push(member.child.reading().await.map_err(failed)?);
            }
        }
        let failed = ReadError::of(&parent.database, "opening a session to read its keys");
        Ok(Worker {
            task: task.clone(),
            shared: shared.clone(),
            to: to.clone(),
            children,
            parents: parent.session().await.map_err(failed)?,
            fresh: FreshSessions::default(),
            attached: HashSet::new(),
            in_snapshot: false,
        })
    }

    async fn read(
        &mut self,
        read: ReadChunk,
        chunk: &mut Chunk,
    ) -> Result<Option<ChunkResult>, ReadError> {
        if self.task.snapshot && !self.in_snapshot {
            self.begin_snapshot().await?;
        }
        read(self, chunk).await
    }

    async fn begin_snapshot(&mut self) -> Result<(), ReadError> {
        let endpoint = &self.task.lead.parent;
        let doing = "beginning a snapshot of both ends";
        let Some(begin) = endpoint.dialect.keys().snapshot() else {
            let why = "its snapshots end at one database".to_owned();
            return Err(ReadError::other(&endpoint.database, doing)(why));
        };
        let failed = ReadError::of(&endpoint.database, doing);
        self.parents.run(begin).await.map_err(failed)?;
        self.in_snapshot = true;
        Ok(())
    }

    /// The session with the child of a member: in a snapshot the one session there is.
    pub fn child(&mut self, at: usize) -> Result<&mut Session, ReadError> {
        if self.task.snapshot {
            return Ok(&mut self.parents);
        }
        let child = self.children.get_mut(at);
        Ok(invariant!(
            child,
            some,
            "a worker has a session for each member"
        ))
    }

    async fn close(self) {
        for session in self.children {
            session.close().await;
        }
        self.parents.close().await;
        self.fresh.close().await;
    }
}
