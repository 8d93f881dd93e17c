//! Plans foreign keys across a change: which are dropped before the tables change, and which are
//! added afterwards.

use std::collections::{BTreeMap, HashMap};

use crate::model::change::{Alter, Change, Difference};
use crate::model::schema::{Column, ForeignKey, Key, Schema, Table};

/// Foreign keys by table, in the order of the schema.
#[derive(Debug, Default)]
pub struct Foreign {
    pub drops: BTreeMap<String, Vec<ForeignKey>>,
    pub adds: BTreeMap<String, Vec<Added>>,
}

/// A foreign key that is added.
#[derive(Debug)]
pub struct Added {
    pub key: ForeignKey,
    /// Whether it existed before and is only dropped for a change of its columns.
    pub again: bool,
}

/// The changes of one table that affect foreign keys.
#[derive(Debug, Default)]
struct Touch<'d> {
    columns: Vec<&'d str>,
    keys: bool,
    whole: bool,
}

pub fn foreign(difference: &Difference, from: &Schema, to: &Schema) -> Foreign {
    let mut foreign = Foreign::default();
    let mut touched: HashMap<&str, Touch<'_>> = HashMap::new();
    for change in &difference.changes {
        let Change::Alter { table, alters } = change else {
            continue;
        };
        touched.insert(table, touch(alters));
        for alter in alters {
            let (old, new) = match alter {
                Alter::DropForeignKey(old) => (Some(old), None),
                Alter::AddForeignKey(new) => (None, Some(new)),
                Alter::ModifyForeignKey(pair) => (Some(&pair.from), Some(&pair.to)),
                _ => continue,
            };
            let added = new.map(|key| Added {
                key: key.clone(),
                again: false,
            });
            foreign.note(table, old, added);
        }
    }
    let new: HashMap<&str, &Table> = to.tables.iter().map(|it| (it.name.as_str(), it)).collect();
    for table in &from.tables {
        if !new.contains_key(table.name.as_str()) {
            continue;
        }
        for key in &table.foreign_keys {
            let child = Side::new(&table.name, &key.columns);
            let parent = Side::new(&key.to, &key.to_columns);
            let here = !key.options.contains_key("database");
            let disturbed =
                child.is_disturbed(&touched, &new) || here && parent.is_disturbed(&touched, &new);
            if disturbed && !foreign.drops_it(&table.name, key) {
                let again = Added {
                    key: key.clone(),
                    again: true,
                };
                foreign.note(&table.name, Some(key), Some(again));
            }
        }
    }
    foreign
}

impl Foreign {
    fn note(&mut self, table: &str, old: Option<&ForeignKey>, new: Option<Added>) {
        if let Some(old) = old {
            let drops = self.drops.entry(table.to_owned()).or_default();
            drops.push(old.clone());
        }
        if let Some(new) = new {
            self.adds.entry(table.to_owned()).or_default().push(new);
        }
    }

    fn drops_it(&self, table: &str, key: &ForeignKey) -> bool {
        let drops = self.drops.get(table).into_iter().flatten();
        drops.into_iter().any(|drop| drop.name == key.name)
    }
}

fn touch(alters: &[Alter]) -> Touch<'_> {
    let mut touch = Touch::default();
    for alter in alters {
        match alter {
            Alter::ModifyColumn(pair) if reshaped(&pair.from, &pair.to) => {
                touch.columns.push(&pair.from.name);
            }
            Alter::DropColumn(column) => touch.columns.push(&column.name),
            Alter::DropKey(_) | Alter::ModifyKey(_) | Alter::AddKey(_) => touch.keys = true,
            Alter::Partitions(_) => touch.whole = true,
            Alter::Option { name, .. } if name == "engine" || name == "versioning" => {
                touch.whole = true;
            }
            _ => {}
        }
    }
    touch
}

/// Whether a column's values compare differently than before.
fn reshaped(from: &Column, to: &Column) -> bool {
    from.sql != to.sql
        || from.collation != to.collation
        || from.nullable != to.nullable
        || from.generated != to.generated
        || from.identity != to.identity
}

/// The child or the parent side of a foreign key.
struct Side<'s> {
    table: &'s str,
    columns: &'s [String],
}

impl<'s> Side<'s> {
    fn new(table: &'s str, columns: &'s [String]) -> Self {
        Side { table, columns }
    }

    fn is_disturbed(
        &self,
        touched: &HashMap<&str, Touch<'_>>,
        new: &HashMap<&str, &Table>,
    ) -> bool {
        let Some(touch) = touched.get(self.table) else {
            return false;
        };
        let mut columns = self.columns.iter();
        if touch.whole || columns.any(|column| touch.columns.contains(&column.as_str())) {
            return true;
        }
        // Another key that comes in the same statement serves as well.
        let Some(new) = new.get(self.table) else {
            return false;
        };
        touch.keys && !new.keys.iter().any(|key| serves(key, self.columns))
    }
}

/// Whether a key begins with these columns.
pub fn serves(key: &Key, columns: &[String]) -> bool {
    let parts: Vec<&str> = key
        .parts
        .iter()
        .map_while(|part| part.column.as_deref().filter(|_| part.prefix.is_none()))
        .collect();
    parts.len() >= columns.len()
        && parts
            .iter()
            .zip(columns)
            .all(|(part, column)| part == column)
}
