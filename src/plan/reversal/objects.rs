//! The objects that migrations create, rename and drop, followed from statement to statement.

use std::collections::HashMap;

use crate::dialect::Dialect;
use crate::dialect::statement::{
    DdlObject, Head, Renaming, StatementEffect, renamings, table_effects,
};
use crate::model::change::Renamed;
use crate::sql::{Cursor, Name};

/// A qualifier and a name, both in lower case.
type Key = (String, String);

/// The objects of a database as far as statements name them.
#[derive(Debug)]
pub struct Objects<'h> {
    home: &'h str,
    temporary: Option<&'static str>,
    all: Vec<Object>,
    named: HashMap<Key, usize>,
}

/// An object: it was there before the statements, or one of them created it.
#[derive(Debug)]
struct Object {
    /// The name before the statements; `None` if one of them created it.
    initial: Option<Key>,
    /// The name now; `None` if it was dropped.
    current: Option<Key>,
    /// Both names as they are written.
    shown: (String, String),
    is_temporary: bool,
    /// Its columns, attributes or values, as far as statements name them.
    parts: Vec<Part>,
}

#[derive(Debug)]
struct Part {
    /// The name before the statements; `None` if one of them added it.
    initial: Option<String>,
    /// The name now; `None` if it was dropped.
    current: Option<String>,
}

/// A column by its object and its number there.
pub type PartId = (usize, usize);

impl<'h> Objects<'h> {
    pub fn new(dialect: &dyn Dialect, home: &'h str) -> Self {
        Objects {
            home,
            temporary: dialect.syntax().grammar.temporary,
            all: Vec::new(),
            named: HashMap::new(),
        }
    }

    fn key(&self, name: &Name) -> Key {
        let qualifier = name.qualifier().unwrap_or(self.home);
        (qualifier.to_lowercase(), name.last().to_lowercase())
    }

    /// The object of a name; one that no statement created was there before.
    pub fn object(&mut self, name: &Name) -> usize {
        let key = self.key(name);
        match self.named.get(&key) {
            Some(at) => *at,
            None => self.add(name, key.clone(), Some(key), false),
        }
    }

    /// The object of this name that a statement created.
    pub fn created(&self, name: &Name) -> Option<usize> {
        let at = *self.named.get(&self.key(name))?;
        self.all[at].initial.is_none().then_some(at)
    }

    /// Whether this text names an object that a statement created, or begins with its name and an
    /// underscore, as the names of sequences do.
    pub fn belongs_to_created(&self, text: &str) -> bool {
        let text = text.rsplit('.').next().unwrap_or(text).trim_matches('"');
        let text = text.to_lowercase();
        self.named.iter().any(|((_, name), at)| {
            let rest = text.strip_prefix(name.as_str());
            let belongs = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('_'));
            belongs && self.is_gone(*at)
        })
    }

    fn add(&mut self, name: &Name, key: Key, initial: Option<Key>, is_temporary: bool) -> usize {
        let at = self.all.len();
        self.all.push(Object {
            initial,
            current: Some(key.clone()),
            shown: (name.last().to_owned(), name.last().to_owned()),
            is_temporary: is_temporary || self.temporary.is_some_and(|it| it == key.0),
            parts: Vec::new(),
        });
        self.named.insert(key, at);
        at
    }

    /// A column of an object; one that no statement added was there before.
    pub fn part(&mut self, of: usize, name: &str) -> PartId {
        let is_new_table = self.all[of].initial.is_none();
        let parts = &mut self.all[of].parts;
        let found = parts.iter().position(|part| is(&part.current, name));
        let at = found.unwrap_or_else(|| {
            parts.push(Part {
                initial: Some(name.to_owned()).filter(|_| !is_new_table),
                current: Some(name.to_owned()),
            });
            parts.len() - 1
        });
        (of, at)
    }

    /// Whether a statement drops columns that earlier statements added, and nothing else with data.
    pub fn drops_new_columns(&mut self, dialect: &dyn Dialect, sql: &str) -> bool {
        let mut dropped = Vec::new();
        for effect in table_effects(dialect, sql) {
            match effect {
                StatementEffect::DropColumn { table, column } => {
                    let table = self.object(&table);
                    dropped.push(self.part(table, column.last()));
                }
                StatementEffect::AddColumn { .. } | StatementEffect::RenameColumn { .. } => {}
                _ => return false,
            }
        }
        let is_new = |(of, at): &PartId| self.all[*of].parts[*at].initial.is_none();
        !dropped.is_empty() && dropped.iter().all(is_new)
    }

    /// Follows a statement.
    pub fn learn(&mut self, dialect: &dyn Dialect, sql: &str) {
        let renamed = renamings(dialect, sql);
        for effect in table_effects(dialect, sql) {
            match effect {
                StatementEffect::AddColumn { table, column } => {
                    let table = self.object(&table);
                    let current = Some(column.name);
                    self.all[table].parts.push(Part {
                        initial: None,
                        current,
                    });
                }
                StatementEffect::DropColumn { table, column } => {
                    let table = self.object(&table);
                    let (table, part) = self.part(table, column.last());
                    self.all[table].parts[part].current = None;
                }
                _ => {}
            }
        }
        for renaming in renamed {
            self.rename(renaming);
        }
        self.defined(dialect, sql);
    }

    fn rename(&mut self, renaming: Renaming) {
        match renaming {
            Renaming::Object { from, to } => {
                let at = self.object(&from);
                let key = self.key(&to);
                self.named.remove(&self.key(&from));
                self.named.insert(key.clone(), at);
                self.all[at].current = Some(key);
                self.all[at].shown.1 = to.last().to_owned();
            }
            Renaming::Parts { of, pairs } => {
                let of = self.object(&of);
                // One statement renames all of them at once, so that two may change their names.
                let parts: Vec<(usize, String)> = pairs
                    .into_iter()
                    .map(|(from, to)| (self.part(of, &from).1, to))
                    .collect();
                for (part, to) in parts {
                    self.all[of].parts[part].current = Some(to);
                }
            }
        }
    }

    /// Follows a CREATE or a DROP.
    fn defined(&mut self, dialect: &dyn Dialect, sql: &str) {
        let mut words = Cursor::head(dialect.syntax(), sql);
        let creates = match words.first().as_str() {
            "CREATE" => true,
            "DROP" => false,
            _ => return,
        };
        words.next();
        let Some(head) = Head::read(&mut words) else {
            return;
        };
        // These have names of their own, beside those of tables.
        let apart = matches!(
            head.kind,
            DdlObject::Trigger | DdlObject::Database | DdlObject::Account | DdlObject::Server
        );
        words.eat("CONCURRENTLY");
        let conditional = words.eat_if_exists();
        if apart || words.sees("ON") {
            return;
        }
        if !creates {
            for name in words.names() {
                let at = self.object(&name);
                self.named.remove(&self.key(&name));
                self.all[at].current = None;
            }
            return;
        }
        let temporary = head.has("TEMPORARY") || head.has("TEMP");
        if let Some(name) = words.name() {
            let key = self.key(&name);
            // Nobody knows whether it was there.
            let older = conditional && !self.named.contains_key(&key);
            let replaced = head.has("REPLACE") && !temporary;
            if older || replaced {
                self.object(&name);
            } else if self.created(&name).is_none() {
                self.add(&name, key, None, temporary);
            }
        }
    }

    pub fn is_temporary(&self, at: usize) -> bool {
        self.all[at].is_temporary
    }

    /// Whether nothing of the object is left once the statements are taken back: they created it,
    /// and it has not taken the place of one that was dropped.
    pub fn is_gone(&self, at: usize) -> bool {
        let object = &self.all[at];
        object.is_temporary || object.initial.is_none() && self.replaces(at).is_none()
    }

    /// The dropped object whose name this one has got.
    pub fn replaces(&self, at: usize) -> Option<usize> {
        let object = self.all.get(at).filter(|it| it.initial.is_none())?;
        let mut all = self.all.iter();
        all.position(|old| {
            old.current.is_none() && old.initial.is_some() && old.initial == object.current
        })
    }

    /// Whether nothing of a column is left once the statements are taken back.
    pub fn is_part_gone(&self, (of, at): PartId) -> bool {
        let parts = &self.all[of].parts;
        let replaces = |part: &Part| {
            let mut all = parts.iter();
            let current = part.current.as_deref();
            all.any(|old| {
                old.current.is_none() && current.is_some_and(|name| is(&old.initial, name))
            })
        };
        let part = &parts[at];
        self.is_gone(of) || part.initial.is_none() && !replaces(part)
    }

    /// The renames that take the renames of the statements back, in an order that works, with names
    /// in between where two objects have changed names. `None` if the name that something had before
    /// belongs to something that the statements created.
    pub fn back(&self) -> Option<Vec<Renamed>> {
        let own = |key: &Key| key.0.eq_ignore_ascii_case(self.home);
        let mut pairs = Vec::new();
        for object in &self.all {
            let (Some(initial), Some(current)) = (&object.initial, &object.current) else {
                continue;
            };
            let (old, new) = &object.shown;
            if old != new && own(initial) && own(current) {
                pairs.push((new.clone(), old.clone()));
            }
        }
        let is_taken = |name: &str| {
            let key = (self.home.to_lowercase(), name.to_lowercase());
            let holder = self.named.get(&key).map(|at| &self.all[*at]);
            holder.is_some_and(|object| object.initial.is_none())
        };
        let mut back = ordered(pairs, is_taken)?;
        for object in &self.all {
            let (Some(initial), Some(_)) = (&object.initial, &object.current) else {
                continue;
            };
            if !own(initial) {
                continue;
            }
            let renamed = object.parts.iter().filter_map(|part| {
                let (initial, current) = (part.initial.clone()?, part.current.clone()?);
                (initial != current).then_some((current, initial))
            });
            let is_taken = |name: &str| {
                let mut parts = object.parts.iter();
                parts.any(|part| part.initial.is_none() && is(&part.current, name))
            };
            let table = &object.shown.0;
            back.extend(
                ordered(renamed.collect(), is_taken)?
                    .into_iter()
                    .map(|one| Renamed {
                        from: format!("{table}.{}", one.from),
                        to: format!("{table}.{}", one.to),
                    }),
            );
        }
        Some(back)
    }
}

/// Whether a name is this one, in any letter case.
fn is(known: &Option<String>, name: &str) -> bool {
    known
        .as_ref()
        .is_some_and(|known| known.eq_ignore_ascii_case(name))
}

/// Pairs of names in an order in which no new name is still in use. `None` if a new name is taken.
fn ordered(
    mut pairs: Vec<(String, String)>,
    is_taken: impl Fn(&str) -> bool,
) -> Option<Vec<Renamed>> {
    let mut back = Vec::new();
    if pairs.iter().any(|(_, to)| is_taken(to)) {
        return None;
    }
    while !pairs.is_empty() {
        let in_use = |to: &str| pairs.iter().any(|(from, _)| from.eq_ignore_ascii_case(to));
        let free = pairs.iter().position(|(_, to)| !in_use(to));
        match free {
            Some(at) => {
                let (from, to) = pairs.remove(at);
                back.push(Renamed { from, to });
            }
            None => {
                let between = format!("bird_renaming_{}", back.len());
                let from = std::mem::replace(&mut pairs[0].0, between.clone());
                back.push(Renamed { from, to: between });
            }
        }
    }
    Some(back)
}
