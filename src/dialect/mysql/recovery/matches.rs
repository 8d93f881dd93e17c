//! Compares the table that a statement leads to with the table that a server prints.

use super::column::{self, same_collation};
use super::table::Table;
use crate::dialect::Literals as _;
use crate::dialect::mysql::MySql;
use crate::dialect::mysql::ddl::code::Code;
use crate::dialect::mysql::ddl::key::{Check, ForeignKey, Key, KeyPart, PartSource};
use crate::dialect::mysql::ddl::partition::Partition;
use crate::dialect::mysql::ddl::table::Period;
use crate::dialect::recovery::normalize::{GAP, flat, flat_text, plain};
use crate::model::schema::KeyKind;

/// Whether the server prints the wanted table as `shown`. `names` are the names of the table
/// before and now: the server derives names of constraints from them.
pub fn matches(wanted: &Table, shown: &Table, names: (&str, &str)) -> bool {
    columns(wanted, shown)
        && checks(&wanted.checks, &shown.checks, names)
        && foreign_keys(&wanted.foreign_keys, &shown.foreign_keys, names)
        && keys(wanted, shown)
        && options(wanted, shown)
        && partitions(wanted, shown)
        && periods(&wanted.periods).eq(periods(&shown.periods))
}

fn same_code(wanted: &Code, shown: &Code) -> bool {
    flat(wanted.words()) == flat(shown.words())
}

fn columns(wanted: &Table, shown: &Table) -> bool {
    let primary = shown.primary_key();
    let is_primary = |name: &str| primary.iter().any(|part| part.column() == Some(name));
    wanted.columns.len() == shown.columns.len()
        && std::iter::zip(&wanted.columns, &shown.columns)
            .all(|(one, other)| column::matches(wanted, one, other, is_primary(&other.name)))
}

fn periods(periods: &[Period]) -> impl Iterator<Item = (&str, Vec<String>)> {
    periods
        .iter()
        .map(|period| (period.name.as_str(), flat(period.columns.words())))
}

/// Pairs what is wanted with what is shown, that with names first, and gives what is left of both.
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

/// Whether a name is the wanted one. Where the server chooses the name, it may be any.
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

fn checks(wanted: &[Check], shown: &[Check], names: (&str, &str)) -> bool {
    let same = |wanted: &Check, shown: &Check| {
        named(wanted.name.as_ref(), shown.name.as_ref(), names)
            && same_code(&wanted.expression, &shown.expression)
            && wanted.enforced == shown.enforced
    };
    let left = paired(wanted, shown, |check| check.name.is_some(), same);
    left.0.is_empty() && left.1.is_empty()
}

fn foreign_keys(wanted: &[ForeignKey], shown: &[ForeignKey], names: (&str, &str)) -> bool {
    let same = |wanted: &ForeignKey, shown: &ForeignKey| {
        let to_itself = wanted.table == names.0 && shown.table == names.1;
        named(wanted.name.as_ref(), shown.name.as_ref(), names)
            && wanted.columns == shown.columns
            && (wanted.table == shown.table || to_itself)
            && wanted.table_columns == shown.table_columns
            && wanted.on_delete == shown.on_delete
            && wanted.on_update == shown.on_update
            && wanted.match_kind == shown.match_kind
    };
    let left = paired(wanted, shown, |key| key.name.is_some(), same);
    left.0.is_empty() && left.1.is_empty()
}

/// A part of a key in its normal form.
fn normal_part(part: &KeyPart) -> String {
    let mut text = match &part.source {
        PartSource::Column(name, None) => name.clone(),
        PartSource::Column(name, Some(prefix)) => format!("{name}{GAP}{prefix}"),
        PartSource::Expression(code) => flat_text(code.words()),
    };
    if part.without_overlaps {
        text.push_str(&format!("{GAP}without{GAP}overlaps"));
    }
    if part.descending {
        text.push_str(&format!("{GAP}desc"));
    }
    text
}

fn normal_parts(key: &Key) -> Vec<String> {
    key.parts.iter().map(normal_part).collect()
}

fn keys(wanted: &Table, shown: &Table) -> bool {
    let same = |wanted: &Key, shown: &Key| {
        (wanted.name.is_none() || wanted.name == shown.name)
            && wanted.kind == shown.kind
            && normal_parts(wanted) == normal_parts(shown)
            && wanted.comment == shown.comment
            && wanted.options == shown.options
            && plain(wanted.unknown.words()) == plain(shown.unknown.words())
    };
    let is_named = |key: &Key| key.name.is_some();
    let (missing, more) = paired(&wanted.keys, &shown.keys, is_named, same);
    // A foreign key brings an index of its columns along, which goes when another one serves.
    let serves = |key: &Key| {
        let mut foreign_keys = wanted.foreign_keys.iter();
        let parts = normal_parts(key);
        key.kind == KeyKind::Index && foreign_keys.any(|foreign| foreign.columns == parts)
    };
    let is_covered = |key: &Key| {
        let parts = normal_parts(key);
        let mut others = shown.keys.iter();
        others.any(|other| normal_parts(other).starts_with(&parts))
    };
    missing.iter().all(|key| serves(key) && is_covered(key)) && more.iter().all(|key| serves(key))
}

/// Whether all wanted options are shown, but for those that the server assumes anyway.
fn options(wanted: &Table, shown: &Table) -> bool {
    const NOTHING: &[&str] = &["", "0", "default"];
    let said = wanted.options.iter().all(|(key, value)| {
        let is = shown.options.get(key);
        let nothing = NOTHING.contains(&value.as_str());
        let anyway = key == "collate" && same_collation(Some(value), None);
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
    let part = |part: &Partition| (part.name.clone(), flat(part.without_engine().words()));
    same_code(&wanted.by, &shown.by) && wanted.list.iter().map(part).eq(shown.list.iter().map(part))
}

/// Whether one table is a copy of another, but for its foreign keys.
pub fn copied(source: &str, shown: &str) -> bool {
    let sides = Table::shown(source).zip(Table::shown(shown));
    sides.is_some_and(|(mut wanted, shown)| {
        wanted.foreign_keys.clear();
        // Each product makes names for checks in its own way.
        for check in &mut wanted.checks {
            check.name = None;
        }
        matches(&wanted, &shown, ("", ""))
    })
}

/// Whether a table or a view is the one that had the other name.
pub fn renamed(was: &str, is: &str, names: (&str, &str)) -> bool {
    match (Table::shown(was), Table::shown(is)) {
        (Some(was), Some(is)) => matches(&was, &is, names),
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
