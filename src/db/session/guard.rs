//! [`guarded`]: turns a panic of a driver into an error. Drivers index into received bytes and
//! allocate announced lengths, and a server may send anything.

use std::any::Any;
use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::panic::{self, AssertUnwindSafe};
use std::pin::pin;
use std::sync::Once;

use super::DbError;
use crate::dialect::ErrorKind;

thread_local! {
    /// Whether a driver is at work on this thread.
    static AT_WORK: Cell<bool> = const { Cell::new(false) };
}

static HOOK: Once = Once::new();

/// Runs a driver's future and returns its panic as an error. After that the connection can only be
/// closed.
pub async fn guarded<T>(work: impl Future<Output = T>) -> Result<T, DbError> {
    HOOK.call_once(silence);
    let mut work = pin!(work);
    let step = poll_fn(|context| {
        AT_WORK.set(true);
        let step = panic::catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context)));
        AT_WORK.set(false);
        match step {
            Ok(step) => step.map(Ok),
            Err(broken) => std::task::Poll::Ready(Err(describe_panic(broken.as_ref()))),
        }
    });
    step.await
}

/// Keeps the default hook from printing a driver's panic, which is reported as an error.
fn silence() {
    let tell = panic::take_hook();
    panic::set_hook(Box::new(move |broken| {
        if !AT_WORK.get() {
            tell(broken);
        }
    }));
}

fn describe_panic(broken: &(dyn Any + Send)) -> DbError {
    let text = broken.downcast_ref::<&str>().copied();
    let text = text.or_else(|| broken.downcast_ref::<String>().map(String::as_str));
    let message = format!(
        "what the server sent cannot be read: {}",
        text.unwrap_or("the driver failed on it")
    );
    DbError::new(ErrorKind::Connection, message)
}
