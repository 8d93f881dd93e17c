//! Whether a statement that commits by itself has run: from what its objects were before it was
//! sent, and what they are now.

use std::collections::BTreeSet;

use super::{Alone, Kind, Mark};

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

/// Decides. `before` was written into the journal before the statement was sent; nobody else of
/// ours has changed the objects since, because the lock was held by the session that sent it.
pub fn verdict(alone: &Alone, before: &Seen, now: &Seen) -> Verdict {
    if alone.objects.is_empty() || before.len() != now.len() {
        return Verdict::Unclear;
    }
    if before == now {
        return Verdict::NotRun;
    }
    if let [Mark::OneMore(at, name)] = alone.marks.as_slice() {
        return one_more(lines(before.get(*at)), lines(now.get(*at)), name.as_deref());
    }
    // An index whose removal was interrupted is marked invalid, and still to be removed.
    let index = alone
        .objects
        .iter()
        .all(|object| object.kind == Kind::Index);
    if index && now.iter().all(Option::is_some) && before.iter().all(Option::is_some) {
        return Verdict::NotRun;
    }
    if alone.marks.iter().all(|mark| holds(mark, before, now)) && explained(alone, before, now) {
        return Verdict::Ran;
    }
    rest(alone, before, now).map_or(Verdict::Unclear, Verdict::Rest)
}

/// The lines of an object's definition.
fn lines(seen: Option<&Option<String>>) -> Vec<&str> {
    let text = seen.and_then(Option::as_deref).unwrap_or_default();
    text.lines().filter(|line| !line.is_empty()).collect()
}

/// Indexes of a table: a line each, of the name as SQL, `valid` or `invalid`, and the rest.
fn one_more(before: Vec<&str>, now: Vec<&str>, name: Option<&str>) -> Verdict {
    let cells = |line: &&str| -> Vec<String> { line.split('\t').map(str::to_owned).collect() };
    let gone = before.iter().any(|line| !now.contains(line));
    let new: Vec<Vec<String>> = now
        .iter()
        .filter(|line| !before.contains(line))
        .map(cells)
        .collect();
    match new.as_slice() {
        [one] if !gone => {
            let (sql, state) = (one.first(), one.get(1).map(String::as_str));
            let ours = name.is_none_or(|name| sql.is_some_and(|sql| super::plain(sql) == name));
            match (ours, state, sql) {
                (true, Some("valid"), _) => Verdict::Ran,
                (true, Some("invalid"), Some(sql)) => {
                    Verdict::Clean(format!("DROP INDEX CONCURRENTLY IF EXISTS {sql}"))
                }
                _ => Verdict::Unclear,
            }
        }
        _ => Verdict::Unclear,
    }
}

fn holds(mark: &Mark, before: &Seen, now: &Seen) -> bool {
    let is = |at: &usize| now.get(*at).is_some_and(Option::is_some);
    let column = |at: &usize, name: &str| {
        let wanted = format!("`{}`", name.replace('`', "``"));
        let lines = lines(now.get(*at));
        let mut lines = lines.iter().map(|line| line.trim_start().to_lowercase());
        lines.any(|line| line.starts_with(&wanted))
    };
    let key = |at: &usize, name: &str| {
        let quoted = format!("`{}`", name.replace('`', "``"));
        let wanted = match name {
            "primary" => vec!["primary key".to_owned()],
            _ => vec![format!("key {quoted}"), format!("constraint {quoted}")],
        };
        lines(now.get(*at)).iter().any(|line| {
            let line = line.to_lowercase();
            wanted.iter().any(|wanted| line.contains(wanted.as_str()))
        })
    };
    match mark {
        Mark::Present(at) => is(at),
        Mark::Absent(at) => now.get(*at).is_some_and(Option::is_none),
        Mark::Changed(at) => before.get(*at) != now.get(*at),
        Mark::Column(at, name) => column(at, name),
        Mark::NoColumn(at, name) => is(at) && !column(at, name),
        Mark::Key(at, name) => key(at, name),
        Mark::NoKey(at, name) => is(at) && !key(at, name),
        Mark::OneMore(..) => false,
    }
}

/// Whether the statement accounts for every difference: somebody else may have changed the same
/// object, and then what is there proves nothing about the statement.
fn explained(alone: &Alone, before: &Seen, now: &Seen) -> bool {
    let pairs = before.iter().zip(now).enumerate();
    let mut pairs = pairs.filter(|(_, (before, now))| before != now);
    pairs.all(|(at, (before, now))| match (before, now) {
        (Some(before), Some(now)) => {
            let changed = alone.marks.contains(&Mark::Changed(at));
            changed || lines_explained(alone, before, now)
        }
        (None, _) => alone.marks.contains(&Mark::Present(at)),
        (Some(_), None) => alone.marks.contains(&Mark::Absent(at)),
    })
}

fn lines_explained(alone: &Alone, before: &str, now: &str) -> bool {
    let bare = |text: &str| -> BTreeSet<String> {
        let lines = text.lines();
        lines
            .map(|line| line.trim().trim_end_matches(',').to_lowercase())
            .collect()
    };
    let (before, now) = (bare(before), bare(now));
    let head = |line: &str| line.split(' ').next().unwrap_or_default().to_owned();
    let heads = |lines: &BTreeSet<String>| -> BTreeSet<String> {
        lines.iter().map(|line| head(line)).collect()
    };
    let (heads_before, heads_now) = (heads(&before), heads(&now));
    before.symmetric_difference(&now).all(|line| {
        let named = alone
            .names
            .iter()
            .any(|name| line.contains(&format!("`{}`", name.replace('`', "``"))));
        // What is converted keeps its place and its name.
        let kept = || heads_before.contains(&head(line)) && heads_now.contains(&head(line));
        let options = || !line.starts_with('`');
        named || (alone.wide && (options() || kept()))
    })
}

/// What is left to do of a statement that goes through its objects one by one.
fn rest(alone: &Alone, before: &Seen, now: &Seen) -> Option<String> {
    let each = alone.each.as_deref()?;
    let mut left = Vec::new();
    for ((object, before), now) in alone.objects.iter().zip(before).zip(now) {
        match (before, now) {
            (_, None) => {}
            (Some(before), Some(now)) if before == now => left.push(object.name.as_str()),
            _ => return None,
        }
    }
    Some(format!("{each} {}", left.join(", ")))
}
