//! A driver that stumbles over what a server sends must not take bird with it: drivers index into
//! what they got and make room for what was announced, and a server may be anybody's.

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

/// Does a driver's work; where the driver breaks, the connection is as good as lost. Whoever
/// opened it still owns it, and can only close it.
pub async fn guarded<T>(work: impl Future<Output = T>) -> Result<T, DbError> {
    HOOK.call_once(silence);
    let mut work = pin!(work);
    let step = poll_fn(|context| {
        AT_WORK.set(true);
        let step = panic::catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context)));
        AT_WORK.set(false);
        match step {
            Ok(step) => step.map(Ok),
            Err(broken) => std::task::Poll::Ready(Err(told(broken.as_ref()))),
        }
    });
    step.await
}

/// What broke is told as an error, and not beside it.
fn silence() {
    let tell = panic::take_hook();
    panic::set_hook(Box::new(move |broken| {
        if !AT_WORK.get() {
            tell(broken);
        }
    }));
}

fn told(broken: &(dyn Any + Send)) -> DbError {
    let text = broken.downcast_ref::<&str>().copied();
    let text = text.or_else(|| broken.downcast_ref::<String>().map(String::as_str));
    let message = format!(
        "what the server sent cannot be read: {}",
        text.unwrap_or("the driver broke over it")
    );
    DbError::new(ErrorKind::Connection, message)
}
