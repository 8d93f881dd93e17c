//! A stream of keys on its way: one future reads it from its session, another takes its batches.

use std::future::Future;

use tokio::sync::{mpsc, oneshot};

use crate::db::keys;
use crate::db::session::{DbError, Session};
use crate::dialect::keys::Asked;
use crate::model::key::Batch;

/// How many batches may wait: enough that neither side stands still, little enough to fit.
const WAITING: usize = 4;

/// The end at which batches arrive.
pub struct Source {
    batches: mpsc::Receiver<Batch>,
    ended: Option<oneshot::Receiver<Result<(), DbError>>>,
    start: Option<oneshot::Sender<()>>,
}

/// A source, and the work that fills it; `starts` sends the statement at once, else it is sent
/// when the first batch is asked for.
pub fn open(
    session: &mut Session,
    asked: Asked,
    starts: bool,
) -> (Source, impl Future<Output = ()> + '_) {
    let (to, batches) = mpsc::channel(WAITING);
    let (end, ended) = oneshot::channel();
    let (start, mut started) = oneshot::channel();
    let mut source = Source {
        batches,
        ended: Some(ended),
        start: Some(start),
    };
    if starts {
        source.begin();
    }
    let work = async move {
        // Whoever drops the source before it was asked for wants nothing.
        if (&mut started).await.is_err() {
            return;
        }
        let read = keys::read(session, &asked, &to).await;
        drop(to);
        // A source that was dropped wants no result.
        let _: Result<(), _> = end.send(read);
    };
    (source, work)
}

impl Source {
    fn begin(&mut self) {
        if let Some(start) = self.start.take() {
            // The work has ended where nobody listens, and the result says how.
            let _: Result<(), ()> = start.send(());
        }
    }

    /// The next batch, or nothing at the end.
    pub async fn next(&mut self) -> Result<Option<Batch>, DbError> {
        self.begin();
        if let Some(batch) = self.batches.recv().await {
            return Ok(Some(batch));
        }
        match self.ended.take() {
            Some(ended) => ended.await.unwrap_or(Ok(())).map(|()| None),
            None => Ok(None),
        }
    }
}
