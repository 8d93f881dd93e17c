//! Whether the table that a server shows is the one that was to come out.

use super::column::collated;
use super::key::{Check, Foreign, Key};
use super::table::{Part, Table};
use crate::dialect::Literals as _;
use crate::dialect::mysql::MySql;
use crate::dialect::recovery::normalize::GAP;

/// Compares what was to come out with what is shown. `renamed` are the names of the table before
/// and now: the server makes names of its own from them.
pub fn fits(wanted: &Table, shown: &Table, renamed: (&str, &str)) -> bool {
    columns(wanted, shown)
        && checks(&wanted.checks, &shown.checks, renamed)
        && foreign(&wanted.foreign, &shown.foreign, renamed)
        && keys(wanted, shown)
        && options(wanted, shown)
        && partitions(wanted, shown)
        && wanted.others == shown.others
}

fn columns(wanted: &Table, shown: &Table) -> bool {
    let primary = shown.primary();
    wanted.columns.len() == shown.columns.len()
        && std::iter::zip(&wanted.columns, &shown.columns)
            .all(|(one, other)| one.fits(other, primary.contains(&other.name)))
}

/// Takes out of what is shown one for each that was wanted, those with names first. What is left
/// of both sides.
fn paired<'w, 's, T>(
    wanted: &'w [T],
    shown: &'s [T],
    is_named: impl Fn(&T) -> bool,
    same: impl Fn(&T, &T) -> bool,
) -> (Vec<&'w T>, Vec<&'s T>) {
    let mut left: Vec<&T> = shown.iter().collect();
    let (mut ordered, unnamed): (Vec<&T>, Vec<&T>) = wanted.iter().partition(|one| is_named(one));
    ordered.extend(unnamed);
    ordered.retain(|one| {
        let found = left.iter().position(|other| same(one, other));
        found.map(|at| left.remove(at)).is_none()
    });
    (ordered, left)
}

/// A name that is chosen by the server fits any.
fn named(wanted: Option<&String>, shown: Option<&String>, (old, new): (&str, &str)) -> bool {
    let (Some(wanted), Some(shown)) = (wanted, shown) else {
        return wanted.is_none();
    };
    let made = ["_ibfk_", "_chk_"].iter().any(|middle| {
        let number = |name: &str, of: &str| {
            let rest = name.strip_prefix(&of.to_lowercase())?;
            rest.strip_prefix(middle).map(str::to_owned)
        };
        let was = number(wanted, old);
        was.is_some() && was == number(shown, new)
    });
    wanted == shown || made
}

fn checks(wanted: &[Check], shown: &[Check], renamed: (&str, &str)) -> bool {
    let same = |one: &Check, other: &Check| {
        named(one.name.as_ref(), other.name.as_ref(), renamed)
            && one.expression == other.expression
            && one.enforced == other.enforced
    };
    let left = paired(wanted, shown, |check| check.name.is_some(), same);
    left.0.is_empty() && left.1.is_empty()
}

fn foreign(wanted: &[Foreign], shown: &[Foreign], renamed: (&str, &str)) -> bool {
    let same = |one: &Foreign, other: &Foreign| {
        let to_itself = one.table == renamed.0 && other.table == renamed.1;
        named(one.name.as_ref(), other.name.as_ref(), renamed)
            && one.columns == other.columns
            && (one.table == other.table || to_itself)
            && one.refers == other.refers
            && one.actions == other.actions
    };
    let left = paired(wanted, shown, |key| key.name.is_some(), same);
    left.0.is_empty() && left.1.is_empty()
}

fn keys(wanted: &Table, shown: &Table) -> bool {
    let same = |one: &Key, other: &Key| {
        let named = one.name.is_none() || one.name == other.name;
        named && one.kind == other.kind && one.parts == other.parts && one.rest == other.rest
    };
    let is_named = |key: &Key| key.name.is_some();
    let (missing, more) = paired(&wanted.keys, &shown.keys, is_named, same);
    // A foreign key brings an index of its columns along, which goes when another one serves.
    let serves = |key: &Key| {
        let mut foreign = wanted.foreign.iter();
        key.kind.is_empty() && foreign.any(|foreign| foreign.columns == key.parts)
    };
    let other = |key: &Key| {
        let mut all = shown.keys.iter();
        all.any(|other| other.parts.starts_with(&key.parts))
    };
    missing.iter().all(|key| serves(key) && other(key)) && more.iter().all(|key| serves(key))
}

/// What a statement says is shown, unless it is what would be so anyway.
fn options(wanted: &Table, shown: &Table) -> bool {
    const NOTHING: &[&str] = &["", "0", "default"];
    let said = wanted.options.iter().all(|(key, value)| {
        let is = shown.options.get(key);
        let nothing = NOTHING.contains(&value.as_str());
        let anyway = key == "collate" && collated(Some(value), None);
        is.map_or(nothing || anyway, |is| is == value)
    });
    let more = shown.options.iter().all(|(key, value)| {
        let of = |other: &str, begins: bool| {
            let set = wanted.options.get(other);
            set.is_none_or(|set| {
                if begins {
                    value.starts_with(set.as_str())
                } else {
                    set.starts_with(value.as_str())
                }
            })
        };
        match key.as_str() {
            // A character set has its collation, and the other way round.
            "collate" if !wanted.options.contains_key("collate") => of("charset", true),
            "charset" if !wanted.options.contains_key("charset") => of("collate", false),
            "engine" => true,
            _ => wanted.options.contains_key(key),
        }
    });
    said && more
}

fn partitions(wanted: &Table, shown: &Table) -> bool {
    let (Some(wanted), Some(shown)) = (&wanted.partitions, &shown.partitions) else {
        return wanted.partitions.is_none() && shown.partitions.is_none();
    };
    let part = |part: &Part| (part.name.clone(), part.said.join(&GAP.to_string()));
    wanted.by == shown.by
        && wanted
            .parts
            .iter()
            .map(part)
            .eq(shown.parts.iter().map(part))
}

/// Whether one table is made like another: all but its foreign keys.
pub fn copied(source: &str, shown: &str) -> bool {
    let sides = Table::shown(source).zip(Table::shown(shown));
    sides.is_some_and(|(mut wanted, shown)| {
        wanted.foreign.clear();
        // Each product makes names for checks in its own way.
        for check in &mut wanted.checks {
            check.name = None;
        }
        fits(&wanted, &shown, ("", ""))
    })
}

/// Whether a table or a view is the one that had the other name.
pub fn renamed(was: &str, is: &str, names: (&str, &str)) -> bool {
    match (Table::shown(was), Table::shown(is)) {
        (Some(was), Some(is)) => fits(&was, &is, names),
        (None, None) => {
            let quoted = |name: &str| format!(" VIEW {} AS ", MySql.quote(name));
            let text = |seen: &str| seen.split_once('\t').map(|(_, text)| text.to_owned());
            let (was, is) = (text(was), text(is));
            let was = was.map(|was| was.replacen(&quoted(names.0), &quoted(names.1), 1));
            was.is_some() && was == is
        }
        _ => false,
    }
}
