//! A stream of keys: one future reads it from a session, another takes its batches.

use std::future::Future;

use tokio::sync::{mpsc, oneshot};

use crate::db::keys;
use crate::db::session::{DbError, Session};
use crate::dialect::keys::KeyQuery;
use crate::invariant;
use crate::model::key::Batch;

/// The number of batches in the channel: enough to keep both futures busy, few enough for memory.
const WAITING: usize = 4;

/// The receiving half of a stream.
pub struct KeyStream {
    batches: mpsc::Receiver<Batch>,
    ended: Option<oneshot::Receiver<Result<(), DbError>>>,
    start: Option<oneshot::Sender<()>>,
}

/// Opens a stream, and returns the future that fills it. The statement is sent at once if `starts`
/// is set, else with the first call of [`KeyStream::next`].
pub fn open(
    session: &mut Session,
    query: KeyQuery,
    starts: bool,
) -> (KeyStream, impl Future<Output = ()> + '_) {
    let (to, batches) = mpsc::channel(WAITING);
    let (end, ended) = oneshot::channel();
    let (start, mut started) = oneshot::channel();
    let mut stream = KeyStream {
        batches,
        ended: Some(ended),
        start: Some(start),
    };
    if starts {
        stream.begin();
    }
    let work = async move {
        // The stream was dropped before its first batch was needed.
        if (&mut started).await.is_err() {
            return;
        }
        let read = keys::read(session, &query, &to).await;
        drop(to);
        // A stream that was dropped needs no result.
        let _: Result<(), _> = end.send(read);
    };
    (stream, work)
}

impl KeyStream {
    fn begin(&mut self) {
        if let Some(start) = self.start.take() {
            // If the receiver is gone, the work has ended, and `ended` has its result.
            let _: Result<(), ()> = start.send(());
        }
    }

    /// The next batch; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Batch>, DbError> {
        self.begin();
        if let Some(batch) = self.batches.recv().await {
            return Ok(Some(batch));
        }
        match self.ended.take() {
            Some(ended) => {
                let result = ended.await.ok();
                let result = invariant!(result, some, "a stream of keys ends with a result");
                result.map(|()| None)
            }
            None => Ok(None),
        }
    }
}
