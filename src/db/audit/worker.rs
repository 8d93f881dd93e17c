//! A worker: a thread with sessions of its own that reads one chunk of a task after another.

use std::collections::HashSet;
use std::sync::Arc;
use std::thread::JoinHandle;

use futures_util::future::LocalBoxFuture;
use tokio::sync::Mutex;
use tokio::sync::mpsc::{Receiver, Sender};

use super::confirm::Fresh;
use super::error::Fault;
use super::task::{Part, Portion, Shared, Task, Told};
use super::throttle::Throttle;
use crate::db::session::Session;
use crate::dialect::keys::Range;

/// How often a portion is read anew before its failure is told.
const TRIES: usize = 3;

/// Where ranges come from; lanes take them in turn.
pub type Ranges = Arc<Mutex<Receiver<Range>>>;

/// A way of reading the keys of a portion.
pub trait Reader: Sync {
    /// Reads a portion, of which the beginning may be told to be done before its end; `None` if the
    /// audit was stopped in the middle of it.
    fn read<'r>(
        &'r self,
        lane: &'r mut Lane,
        portion: &'r mut Portion,
    ) -> LocalBoxFuture<'r, Result<Option<Read>, Fault>>;
}

/// The sessions of a lane.
pub struct Lane {
    pub task: Arc<Task>,
    pub shared: Shared,
    pub to: Sender<Told>,
    /// One for each member, in their order.
    pub children: Vec<Session>,
    pub parents: Session,
    pub fresh: Fresh,
    /// The members whose sessions see the parents' file.
    pub attached: HashSet<usize>,
    /// The one session is in its transaction.
    pub in_snapshot: bool,
}

/// What came of a portion.
pub struct Read {
    pub parts: Vec<Part>,
    /// How many keys of parents were read.
    pub parents: u64,
}

/// Starts a lane. It ends when there are no more portions, when it is asked to stop, or when it
/// cannot go on.
pub fn start(
    task: Arc<Task>,
    reader: &'static dyn Reader,
    shared: Shared,
    throttle: Throttle,
    ranges: Ranges,
    to: Sender<Told>,
) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new()
        .name("audit".into())
        .spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            let Ok(runtime) = runtime else { return };
            runtime.block_on(async {
                if let Err(fault) = run(&task, reader, &shared, &throttle, &ranges, &to).await {
                    // Whoever stopped listening has stopped the audit.
                    let _: Result<(), _> = to.send(Told::Failed(fault)).await;
                }
            });
        })
}

async fn run(
    task: &Arc<Task>,
    reader: &dyn Reader,
    shared: &Shared,
    throttle: &Throttle,
    ranges: &Ranges,
    to: &Sender<Told>,
) -> Result<(), Fault> {
    let mut lane: Option<Lane> = None;
    loop {
        let range = ranges.lock().await.recv().await;
        let Some(range) = range.filter(|_| !shared.is_stopped()) else {
            break;
        };
        throttle.pause(shared).await;
        let mut portion = Portion {
            number: shared.number(),
            range,
        };
        let mut tries = 1;
        let read = loop {
            let open = match lane.take() {
                Some(open) => open,
                None => Lane::open(task, shared, to).await?,
            };
            let before = portion.range.after.clone();
            let read = tokio::select! {
                read = lane.insert(open).read(reader, &mut portion) => read,
                // What it waits for may never come, and whoever looks only may leave.
                () = shared.left() => return Ok(()),
            };
            match read {
                Ok(read) => break read,
                Err(fault) => {
                    // It has come further, and begins there.
                    if portion.range.after != before {
                        tries = 1;
                    }
                    // A second snapshot would be another instant.
                    if tries >= TRIES || task.snapshot || !fault.may_pass() {
                        return Err(fault);
                    }
                    tries += 1;
                    // What was told of it does not count, and its sessions are in an unknown state.
                    portion.number = shared.number();
                    lane = None;
                }
            }
        };
        let Some(read) = read else { break };
        let done = Told::Done(portion, read.parts, read.parents);
        if to.send(done).await.is_err() {
            break;
        }
    }
    if let Some(lane) = lane {
        lane.close().await;
    }
    Ok(())
}

impl Lane {
    async fn open(task: &Arc<Task>, shared: &Shared, to: &Sender<Told>) -> Result<Lane, Fault> {
        let Some(first) = task.first() else {
            return Err(Fault::other("", "reading keys")(
                "nothing is to be read".to_owned(),
            ));
        };
        let mut children = Vec::new();
        if !task.snapshot {
            for member in &task.members {
                let doing = if member.child.reader.is_some() {
                    "opening a session with its replica to read its keys"
                } else {
                    "opening a session to read its keys"
                };
                let failed = Fault::of(&member.child.database, doing);
                children.push(member.child.reading().await.map_err(failed)?);
            }
        }
        let failed = Fault::of(&first.parent.database, "opening a session to read its keys");
        Ok(Lane {
            task: task.clone(),
            shared: shared.clone(),
            to: to.clone(),
            children,
            parents: first.parent.session().await.map_err(failed)?,
            fresh: Fresh::default(),
            attached: HashSet::new(),
            in_snapshot: false,
        })
    }

    async fn read(
        &mut self,
        reader: &dyn Reader,
        portion: &mut Portion,
    ) -> Result<Option<Read>, Fault> {
        if self.task.snapshot && !self.in_snapshot {
            self.begin_snapshot().await?;
        }
        reader.read(self, portion).await
    }

    async fn begin_snapshot(&mut self) -> Result<(), Fault> {
        let Some(first) = self.task.first() else {
            return Ok(());
        };
        let side = &first.parent;
        let doing = "beginning a snapshot of both ends";
        let Some(begin) = side.dialect.keys().snapshot() else {
            let why = "its snapshots end at one database".to_owned();
            return Err(Fault::other(&side.database, doing)(why));
        };
        let failed = Fault::of(&side.database, doing);
        self.parents.run(begin).await.map_err(failed)?;
        self.in_snapshot = true;
        Ok(())
    }

    async fn close(self) {
        for session in self.children {
            session.close().await;
        }
        self.parents.close().await;
        self.fresh.close().await;
    }
}
