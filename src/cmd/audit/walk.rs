//! The portions of a task: ranges of keys that hold about as many parents each, given out one
//! after another. Pauses fall between them, never inside a stream.

use tokio::sync::mpsc::Sender;

use super::lane::TRIES;
use super::task::{Fault, Portion, Shared, Task};
use super::throttle::Throttle;
use crate::db::keys;
use crate::dialect::keys::Range;

/// How many parents a range has: some tenths of a second of reading.
const STEP: u64 = 200_000;

/// What of all keys no finished range covers.
#[must_use]
pub fn rest(done: &[Range]) -> Vec<Range> {
    let mut done: Vec<&Range> = done.iter().collect();
    done.sort_by(|one, other| one.after.cmp(&other.after));
    let (mut rest, mut after, mut open) = (Vec::new(), None, true);
    for range in done {
        if open && range.after > after {
            rest.push(Range {
                after: after.clone(),
                upto: range.after.clone(),
            });
        }
        match &range.upto {
            None => open = false,
            upto if *upto > after => after.clone_from(upto),
            _ => {}
        }
    }
    if open {
        rest.push(Range { after, upto: None });
    }
    rest
}

/// Gives out the portions of what is left, until all is given out or the audit is stopped.
pub async fn walk(
    task: &Task,
    rest: Vec<Range>,
    first: u64,
    shared: &Shared,
    throttle: &Throttle,
    to: Sender<Portion>,
) -> Result<(), Fault> {
    let mut number = first;
    let mut give = async |range: Range| {
        throttle.pause(shared).await;
        let portion = Portion { number, range };
        // A lane that reads a portion anew takes the next number for it.
        number += TRIES + 1;
        to.send(portion).await.is_ok() && !shared.is_stopped()
    };
    let Some(member) = task.first().filter(|_| task.is_ranged()) else {
        for range in rest {
            if !give(range).await {
                break;
            }
        }
        return Ok(());
    };
    let side = &member.parent;
    let failed = Fault::of(&side.database, "looking for ranges of its keys");
    let end = side.end(None).map_err(Fault::other(
        &side.database,
        "looking for ranges of its keys",
    ))?;
    let mut session = side.session().await.map_err(&failed)?;
    'all: for range in rest {
        let mut after = range.after;
        loop {
            let step = throttle.step(STEP);
            let found = keys::all(&mut session, &end.boundary(after.as_deref(), step))
                .await
                .map_err(&failed)?;
            let bound = (!found.is_empty()).then(|| found.key(0).to_vec());
            // Where a key is spelled in several ways, the column's order may lead back.
            let bound = bound.filter(|bound| after.as_ref().is_none_or(|after| bound > after));
            let bound = bound.filter(|bound| range.upto.as_ref().is_none_or(|upto| bound < upto));
            let more = bound.is_some();
            let portion = Range {
                after,
                upto: bound.or_else(|| range.upto.clone()),
            };
            after = portion.upto.clone();
            if !give(portion).await {
                break 'all;
            }
            if !more {
                break;
            }
        }
    }
    session.close().await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(after: Option<u8>, upto: Option<u8>) -> Range {
        let key = |byte: Option<u8>| byte.map(|byte| vec![byte]);
        Range {
            after: key(after),
            upto: key(upto),
        }
    }

    #[test]
    fn what_is_left_is_between_what_is_done() {
        let all = range(None, None);
        assert_eq!(rest(&[]), [range(None, None)]);
        assert_eq!(rest(&[all]), []);
        let done = [
            range(Some(5), Some(7)),
            range(None, Some(3)),
            range(Some(9), None),
        ];
        assert_eq!(
            rest(&done),
            [range(Some(3), Some(5)), range(Some(7), Some(9))]
        );
        assert_eq!(
            rest(&done[..2]),
            [range(Some(3), Some(5)), range(Some(7), None)]
        );
    }
}
