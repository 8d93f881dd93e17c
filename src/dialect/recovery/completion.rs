//! Whether a statement that commits by itself has run: from what its objects were before it was
//! sent, and what they are now.
//!
//! A statement is said to have run only where its own words lead from the one to the other, and
//! not to have run only where nothing has changed and running it does what it says. Whatever
//! else is so, somebody else had a hand in it, and a person decides.

use super::{Alone, Kind, Proof};
use crate::dialect::postgres::recovery::IndexState;

/// The definitions of a statement's objects, in their order; `None` for one that does not exist.
pub type Seen = Vec<Option<String>>;

/// What is to be done about a statement that may have run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It has not run, or running it again changes nothing.
    NotRun,
    Ran,
    /// It was half done; this statement does the rest.
    Rest(String),
    /// It failed and left something behind, which this statement clears away.
    Clean(String),
    /// Only a person can tell.
    Unclear,
}

/// One object, before and now.
type Sides<'s> = (Option<&'s str>, Option<&'s str>);

/// Decides. `before` was written into the journal before the statement was sent; nobody else of
/// ours has changed the objects since, because the lock was held by the session that sent it.
pub fn verdict(alone: &Alone, before: &Seen, now: &Seen) -> Verdict {
    let count = alone.objects.len();
    if count == 0 || before.len() != count || now.len() != count {
        return Verdict::Unclear;
    }
    let pairs = std::iter::zip(before, now);
    let sides: Vec<Sides<'_>> = pairs
        .map(|(before, now)| (before.as_deref(), now.as_deref()))
        .collect();
    let first = sides.first().copied().unwrap_or_default();
    let second = sides.get(1).copied();
    let same = before == now;
    match &alone.proof {
        Proof::None => Verdict::Unclear,
        Proof::Gone(each) => gone(alone, &sides, each.as_deref()),
        _ if same && !alone.looks_inside() => Verdict::NotRun,
        Proof::Created(said) => match first {
            (None, Some(now)) => ran(said.fits(now)),
            _ => Verdict::Unclear,
        },
        Proof::Copied => match (first, second) {
            ((Some(source), Some(still)), Some((None, Some(now)))) => {
                ran(source == still && crate::dialect::mysql::recovery::copied(source, now))
            }
            _ => Verdict::Unclear,
        },
        Proof::Altered(alter) => match (first, second) {
            ((Some(before), Some(_)), None) if same => not_run(!alter.hides(before)),
            ((Some(before), Some(now)), None) | ((Some(before), None), Some((None, Some(now)))) => {
                ran(alter.explains(before, now))
            }
            _ => not_run(same),
        },
        Proof::Renamed(pairs) => ran(pairs.iter().all(|(from, to)| {
            let (from, to) = (
                (alone.objects.get(*from), sides.get(*from)),
                (alone.objects.get(*to), sides.get(*to)),
            );
            match (from, to) {
                ((Some(old), Some((Some(was), None))), (Some(new), Some((None, Some(is))))) => {
                    crate::dialect::mysql::recovery::renamed(
                        was,
                        is,
                        (old.parts.last(), new.parts.last()),
                    )
                }
                // Where it may be missing it is passed over.
                ((_, Some((None, None))), (_, Some((was, is)))) => was == is,
                _ => false,
            }
        })),
        Proof::Swapped(pairs) => swapped(&sides, pairs),
        Proof::Emptied => emptied(first),
        Proof::Replaced(said) => match second {
            Some((_, Some(now))) if first.0.is_none() => ran(said.fits(now)),
            // A server that dies in it may have dropped the old one and not made the new one; the
            // old one was to go anyway.
            Some((Some(_), None)) => Verdict::NotRun,
            Some((was, now)) => match (emptied(first), alone.objects.get(1)) {
                (Verdict::NotRun, _) => not_run(was == now),
                // It always has its one row.
                (Verdict::Unclear, Some(object)) if object.kind != Kind::Sequence => {
                    Verdict::Unclear
                }
                _ => ran(moved(first) && now.is_some_and(|now| said.fits(now))),
            },
            None => Verdict::Unclear,
        },
        Proof::OneMore(index) => {
            let lines = |seen: Option<&str>| -> Vec<IndexState> {
                seen.map(IndexState::lines).unwrap_or_default()
            };
            index.verdict(&lines(first.0), &lines(first.1))
        }
    }
}

impl Alone {
    /// Whether objects that look the same may still be told apart, or have to be.
    fn looks_inside(&self) -> bool {
        matches!(
            self.proof,
            Proof::Altered(_) | Proof::Swapped(_) | Proof::Emptied | Proof::Replaced(_)
        )
    }
}

fn ran(sure: bool) -> Verdict {
    if sure { Verdict::Ran } else { Verdict::Unclear }
}

fn not_run(sure: bool) -> Verdict {
    if sure {
        Verdict::NotRun
    } else {
        Verdict::Unclear
    }
}

/// What a DROP has come to: each of its things is gone, or there, or another.
fn gone(alone: &Alone, sides: &[Sides<'_>], each: Option<&str>) -> Verdict {
    let things = alone.objects.iter().filter(|one| one.kind != Kind::Birth);
    let count = things.count().max(1);
    let (mut left, mut dropped) = (Vec::new(), 0);
    let is_index = alone.objects.iter().all(|one| one.kind == Kind::Index);
    for (at, sides) in sides.chunks(alone.objects.len() / count).enumerate() {
        let stays = |(before, now): &Sides<'_>| match (before, now) {
            // One whose removal was interrupted is marked invalid, and still to be removed.
            (Some(before), Some(now)) if is_index => IndexState::is_same(before, now),
            _ => before == now,
        };
        match sides.first() {
            Some((Some(_), None)) => dropped += 1,
            Some((None, None)) => {}
            _ if sides.iter().all(stays) => left.push(at),
            _ => return Verdict::Unclear,
        }
    }
    if dropped == 0 {
        return Verdict::NotRun;
    }
    if left.is_empty() {
        return Verdict::Ran;
    }
    let size = alone.objects.len() / count;
    let names = left.iter().filter_map(|at| alone.objects.get(at * size));
    let names: Vec<&str> = names.map(|object| object.name.as_str()).collect();
    match each {
        Some(each) => Verdict::Rest(format!("{each} {}", names.join(", "))),
        None => Verdict::Unclear,
    }
}

/// Where rows are stored; nothing where that is not to be seen.
fn place(seen: &str) -> Option<&str> {
    let (place, _) = seen.split_once('\t')?;
    (!place.is_empty()).then_some(place)
}

/// Whether the rows that are there now are stored elsewhere than those before.
fn moved(sides: Sides<'_>) -> bool {
    let (before, now) = (sides.0.and_then(place), sides.1.and_then(place));
    before.is_some() && now.is_some() && before != now
}

/// Rows elsewhere mean that the table was emptied, or rebuilt by somebody; it is empty in the
/// first case, unless somebody has written since.
fn emptied(sides: Sides<'_>) -> Verdict {
    let (Some(before), Some(now)) = sides else {
        return not_run(sides == (None, None));
    };
    match (place(before), place(now)) {
        (Some(before), Some(now)) if before == now => Verdict::NotRun,
        (Some(_), Some(_)) => ran(now.ends_with("\t0")),
        _ => Verdict::Unclear,
    }
}

/// Follows the rows from name to name.
fn swapped(sides: &[Sides<'_>], pairs: &[(usize, usize)]) -> Verdict {
    let hidden = |seen: Option<&str>| seen.is_some_and(|seen| place(seen).is_none());
    if sides.iter().any(|(was, is)| hidden(*was) || hidden(*is)) {
        return Verdict::Unclear;
    }
    let before: Vec<_> = sides.iter().map(|sides| sides.0.and_then(place)).collect();
    let now: Vec<_> = sides.iter().map(|sides| sides.1.and_then(place)).collect();
    if before == now {
        Verdict::NotRun
    } else {
        ran(followed(before, pairs).is_some_and(|wanted| wanted == now))
    }
}

/// Where the rows are behind all renames; nothing where the server would refuse one of them.
fn followed<'s>(
    mut places: Vec<Option<&'s str>>,
    pairs: &[(usize, usize)],
) -> Option<Vec<Option<&'s str>>> {
    for (from, to) in pairs {
        let rows = places.get_mut(*from)?.take()?;
        let to = places.get_mut(*to)?;
        to.is_none().then_some(())?;
        *to = Some(rows);
    }
    Some(places)
}
