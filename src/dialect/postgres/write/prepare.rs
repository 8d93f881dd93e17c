//! Preparation of two schemas for a comparison by name: serials become sequences with defaults,
//! and keys and checks that differ only in name are renamed.

use std::collections::{HashMap, HashSet};

use super::clause::quote;
use crate::model::change::DdlStep;
use crate::model::schema::{ForeignKey, Id, Kind, Object, Schema, Table};

/// Replaces every serial by its sequence and its default.
pub fn serials(schema: &mut Schema) {
    for table in &mut schema.tables {
        for column in &mut table.columns {
            if column.identity.as_deref() != Some("serial") {
                continue;
            }
            column.identity = None;
            let name = format!("{}_{}_seq", table.name, column.name);
            let shown = quote(&name).replace('\'', "''");
            column.default = Some(format!("nextval('{shown}'::regclass)"));
            column.needs.0.push(Id::new(Kind::Sequence, &name));
            let mut sequence = Object {
                kind: Kind::Sequence,
                name,
                ..Object::default()
            };
            if column.sql != "bigint" {
                let kind = ("type".to_owned(), column.sql.clone());
                sequence.options.extend([kind]);
            }
            let owner = format!("{}.{}", quote(&table.name), quote(&column.name));
            sequence.options.insert("owner".to_owned(), owner);
            sequence.sql = super::clause::create_sequence(&sequence);
            schema.objects.push(sequence);
        }
    }
}

/// A default in one spelling, whether it comes from a serial or not.
pub fn plain_default(default: &str) -> String {
    match default.strip_prefix("nextval('\"") {
        Some(rest) => match rest.split_once("\"'") {
            Some((name, rest)) if is_plain(name) => format!("nextval('{name}'{rest}"),
            _ => default.to_owned(),
        },
        None => default.to_owned(),
    }
}

fn is_plain(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    name.chars().all(plain) && !name.starts_with(|c: char| c.is_ascii_digit())
}

/// Adds to a partition of the old schema what it keeps when it is detached, and removes what it
/// shares with a new parent.
pub fn detached(from: &mut Schema, to: &Schema) {
    let kept: HashMap<&str, &Table> = to.tables.iter().map(|it| (it.name.as_str(), it)).collect();
    let old: HashMap<String, Table> = from
        .tables
        .iter()
        .filter(|table| !table.parents.is_empty() || table.partitions.is_some())
        .map(|table| (table.name.clone(), table.clone()))
        .collect();
    for table in &mut from.tables {
        let Some(new) = kept.get(table.name.as_str()) else {
            continue;
        };
        let coming = new.parents.iter().filter(|parent| {
            parent.bound.is_some() && !table.parents.iter().any(|it| it.table == parent.table)
        });
        for parent in coming.filter_map(|parent| kept.get(parent.table.as_str())) {
            // Checks and keys that a new parent has too become inherited.
            table
                .checks
                .retain(|check| !parent.checks.contains(check) || new.checks.contains(check));
            let theirs = &parent.foreign_keys;
            let same = |key: &ForeignKey| {
                theirs.iter().any(|it| {
                    ForeignKey {
                        name: key.name.clone(),
                        ..it.clone()
                    } == *key
                })
            };
            table
                .foreign_keys
                .retain(|key| !same(key) || new.foreign_keys.contains(key));
        }
        let leaving = |parent: &&crate::model::schema::Parent| {
            parent.bound.is_some() && !new.parents.iter().any(|it| it.table == parent.table)
        };
        let parents: Vec<String> = table
            .parents
            .iter()
            .filter(leaving)
            .map(|parent| parent.table.clone())
            .collect();
        for parent in parents {
            let Some(parent) = old.get(&parent) else {
                continue;
            };
            table
                .foreign_keys
                .extend(parent.foreign_keys.iter().cloned());
            let inherited = parent.checks.iter();
            let inherited = inherited.filter(|check| !check.options.contains_key("inherit"));
            table.checks.extend(inherited.cloned());
            for key in &mut table.keys {
                key.options.remove("attached");
            }
        }
    }
}

/// Renames keys, checks and foreign keys of the old schema that differ only in name, and returns
/// the statements.
pub fn renames(from: &mut Schema, to: &Schema) -> Vec<DdlStep> {
    let mut steps = Vec::new();
    let mut taken: HashSet<String> = HashSet::new();
    for table in &from.tables {
        taken.insert(table.name.clone());
        taken.extend(table.keys.iter().map(|key| key.name.clone()));
    }
    taken.extend(from.objects.iter().map(|object| object.name.clone()));
    let new: HashMap<&str, &Table> = to.tables.iter().map(|it| (it.name.as_str(), it)).collect();
    let mut attached: HashMap<(String, String), String> = HashMap::new();
    for table in &mut from.tables {
        if let Some(new) = new.get(table.name.as_str()) {
            rename_keys(table, new, &mut taken, &mut steps, &mut attached);
            rename_constraints(table, new, &mut steps);
        }
    }
    if attached.is_empty() {
        return steps;
    }
    for table in &mut from.tables {
        for parent in &table.parents {
            for key in &mut table.keys {
                let Some(name) = key.options.get_mut("attached") else {
                    continue;
                };
                if let Some(new) = attached.get(&(parent.table.clone(), name.clone())) {
                    name.clone_from(new);
                }
            }
        }
    }
    steps
}

fn rename_keys(
    table: &mut Table,
    new: &Table,
    taken: &mut HashSet<String>,
    steps: &mut Vec<DdlStep>,
    attached: &mut HashMap<(String, String), String>,
) {
    let names: HashSet<&str> = new.keys.iter().map(|key| key.name.as_str()).collect();
    let mut given: HashSet<String> = table.keys.iter().map(|key| key.name.clone()).collect();
    for key in &mut table.keys {
        if names.contains(key.name.as_str()) {
            continue;
        }
        let twin = new.keys.iter().find(|twin| {
            let mut renamed = key.clone();
            renamed.name.clone_from(&twin.name);
            !given.contains(&twin.name) && !taken.contains(&twin.name) && renamed == **twin
        });
        let Some(twin) = twin else { continue };
        let sql = format!(
            "ALTER INDEX {} RENAME TO {}",
            quote(&key.name),
            quote(&twin.name)
        );
        steps.push(DdlStep::new(Id::table(&table.name), sql));
        attached.insert((table.name.clone(), key.name.clone()), twin.name.clone());
        let identity = table.options.get_mut("replica identity");
        let old = format!("USING INDEX {}", quote(&key.name));
        if let Some(identity) = identity.filter(|identity| **identity == old) {
            *identity = format!("USING INDEX {}", quote(&twin.name));
        }
        taken.insert(twin.name.clone());
        given.insert(twin.name.clone());
        key.name.clone_from(&twin.name);
    }
}

fn rename_constraints(table: &mut Table, new: &Table, steps: &mut Vec<DdlStep>) {
    let mut given: HashSet<String> = HashSet::new();
    given.extend(table.checks.iter().map(|check| check.name.clone()));
    given.extend(table.foreign_keys.iter().map(|key| key.name.clone()));
    given.extend(table.keys.iter().map(|key| key.name.clone()));
    let name = table.name.clone();
    let mut rename = |old: &mut String, new: &str| {
        let sql = format!(
            "ALTER TABLE {} RENAME CONSTRAINT {} TO {}",
            quote(&name),
            quote(old),
            quote(new)
        );
        steps.push(DdlStep::new(Id::table(&name), sql));
        new.clone_into(old);
    };
    for check in &mut table.checks {
        if new.checks.iter().any(|it| it.name == check.name) {
            continue;
        }
        let twin = new.checks.iter().find(|twin| {
            let mut renamed = check.clone();
            renamed.name.clone_from(&twin.name);
            !given.contains(&twin.name) && renamed == **twin
        });
        if let Some(twin) = twin {
            given.insert(twin.name.clone());
            rename(&mut check.name, &twin.name);
        }
    }
    for key in &mut table.foreign_keys {
        if new.foreign_keys.iter().any(|it| it.name == key.name) {
            continue;
        }
        let twin = new.foreign_keys.iter().find(|twin| {
            let mut renamed = key.clone();
            renamed.name.clone_from(&twin.name);
            !given.contains(&twin.name) && renamed == **twin
        });
        if let Some(twin) = twin {
            given.insert(twin.name.clone());
            rename(&mut key.name, &twin.name);
        }
    }
}
