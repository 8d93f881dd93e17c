//! Object names by number, and dependencies between objects.

use std::collections::{HashMap, HashSet};

use super::cells::{Answers, Oid};
use super::queries::Topic;
use crate::model::history::is_own;
use crate::model::schema::{Id, Kind, NotCompared};

/// The catalogs by their numbers, which are the same on every server.
pub mod class {
    pub const TYPE: u32 = 1247;
    pub const ROUTINE: u32 = 1255;
    pub const RELATION: u32 = 1259;
    pub const DEFAULT: u32 = 2604;
    pub const CONSTRAINT: u32 = 2606;
    pub const OPERATOR: u32 = 2617;
    pub const RULE: u32 = 2618;
    pub const TRIGGER: u32 = 2620;
    pub const EXTENSION: u32 = 3079;
    pub const POLICY: u32 = 3256;
    pub const STATISTICS: u32 = 3381;
    pub const COLLATION: u32 = 3456;
}

/// An object, or with the third number a column of one.
type Address = (u32, Oid, i32);

pub struct Names<'a> {
    /// By catalog and number.
    ids: HashMap<(u32, Oid), Id>,
    columns: HashMap<(Oid, i32), &'a str>,
    comments: HashMap<Address, &'a str>,
    needs: HashMap<Address, Vec<Address>>,
    /// What belongs to an extension or to a range, and to which.
    members: HashMap<(u32, Oid), (u32, Oid)>,
    /// Bird's own tables and refinery's, and what belongs to them.
    hidden: HashSet<Oid>,
}

impl<'a> Names<'a> {
    pub fn new(answers: Answers<'a>) -> Names<'a> {
        let mut names = Names {
            ids: HashMap::new(),
            columns: HashMap::new(),
            comments: HashMap::new(),
            needs: HashMap::new(),
            members: HashMap::new(),
            hidden: HashSet::new(),
        };
        names.read_relations(answers);
        names.read_types(answers);
        names.read_others(answers);
        names.read_parts(answers);
        for mut cells in answers.rows(Topic::Comments) {
            let address = (cells.oid(), cells.oid(), cells.number(0));
            names.comments.insert(address, cells.text());
        }
        for mut cells in answers.rows(Topic::Dependencies) {
            let from: Address = (cells.oid(), cells.oid(), cells.number(0));
            let to: Address = (cells.oid(), cells.oid(), cells.number(0));
            match cells.text() {
                "e" => drop(
                    names
                        .members
                        .insert((from.0, from.1), (class::EXTENSION, to.1)),
                ),
                // The server makes the functions of a range along with it.
                "i" if from.0 == class::ROUTINE => {
                    names.members.insert((from.0, from.1), (to.0, to.1));
                }
                _ => names.needs.entry(from).or_default().push(to),
            }
        }
        names
    }

    fn set(&mut self, class: u32, oid: Oid, id: Id) {
        self.ids.insert((class, oid), id);
    }

    fn read_relations(&mut self, answers: Answers<'a>) {
        for mut cells in answers.rows(Topic::Relations) {
            let (oid, name) = (cells.oid(), cells.text());
            let kind = match cells.text() {
                "v" => Kind::View,
                "m" => Kind::MaterializedView,
                "S" => Kind::Sequence,
                "c" => Kind::Composite,
                _ => Kind::Table,
            };
            if is_own(name) {
                self.hidden.insert(oid);
            }
            let id = Id::new(kind, name);
            for row_type in cells.0.clone().skip(12).flatten() {
                if let Ok(row_type) = row_type.parse::<Oid>() {
                    self.set(class::TYPE, row_type, id.clone());
                }
            }
            self.set(class::RELATION, oid, id);
        }
        for mut cells in answers.rows(Topic::Columns) {
            let place = (cells.oid(), cells.number(0));
            self.columns.insert(place, cells.text());
        }
        for mut cells in answers.rows(Topic::Indexes) {
            let (oid, table, name) = (cells.oid(), cells.oid(), cells.text());
            let id = self.part_of(table, Kind::Key, name);
            let mut constraint = cells.skip(17);
            self.set(class::CONSTRAINT, constraint.oid(), id.clone());
            self.set(class::RELATION, oid, id);
        }
        for mut cells in answers.rows(Topic::Sequences) {
            let oid = cells.oid();
            let mut owner = cells.skip(7);
            if self.is_hidden(class::RELATION, owner.oid()) {
                self.hidden.insert(oid);
            }
        }
    }

    fn read_types(&mut self, answers: Answers<'a>) {
        for mut cells in answers.rows(Topic::Types) {
            let (oid, name) = (cells.oid(), cells.text());
            let kind = match cells.text() {
                "e" => Kind::Enum,
                "d" => Kind::Domain,
                _ => Kind::Range,
            };
            let id = Id::new(kind, name);
            self.set(class::TYPE, cells.oid(), id.clone());
            self.set(class::TYPE, oid, id);
        }
        for mut cells in answers.rows(Topic::Ranges) {
            let range = cells.oid();
            let multiple = cells.skip(6).oid();
            if let Some(id) = self.ids.get(&(class::TYPE, range)).cloned() {
                self.set(class::TYPE, multiple, id);
            }
        }
    }

    fn read_others(&mut self, answers: Answers<'a>) {
        for mut cells in answers.rows(Topic::Routines) {
            let (oid, name) = (cells.oid(), cells.text());
            let kind = match cells.text() {
                "p" => Kind::Procedure,
                "a" => Kind::Aggregate,
                _ => Kind::Function,
            };
            let name = format!("{name}({})", cells.text());
            self.set(class::ROUTINE, oid, Id::new(kind, &name));
        }
        for mut cells in answers.rows(Topic::Collations) {
            let (oid, name) = (cells.oid(), cells.text());
            if cells.yes() {
                self.set(class::COLLATION, oid, Id::new(Kind::Collation, name));
            }
        }
        for mut cells in answers.rows(Topic::Extensions) {
            let oid = cells.oid();
            self.set(
                class::EXTENSION,
                oid,
                Id::new(Kind::Extension, cells.text()),
            );
        }
        for mut cells in answers.rows(Topic::Operators) {
            let oid = cells.oid();
            let (name, left, right) = (cells.text(), cells.maybe(), cells.text());
            let name = format!("{name} ({}, {right})", left.unwrap_or("NONE"));
            self.set(class::OPERATOR, oid, Id::new(Kind::Operator, &name));
        }
        for mut cells in answers.rows(Topic::Statistics) {
            let oid = cells.oid();
            let name = cells.text();
            self.set(class::STATISTICS, oid, Id::new(Kind::Statistics, name));
        }
    }

    fn read_parts(&mut self, answers: Answers<'a>) {
        for (topic, class, kind) in [
            (Topic::Triggers, class::TRIGGER, Kind::Trigger),
            (Topic::Rules, class::RULE, Kind::Rule),
            (Topic::Policies, class::POLICY, Kind::Policy),
        ] {
            for mut cells in answers.rows(topic) {
                let (oid, table, name) = (cells.oid(), cells.oid(), cells.text());
                let whole = self.ids.get(&(class::RELATION, table));
                let id = match (name, whole) {
                    ("_RETURN", Some(view)) => view.clone(),
                    _ => self.part_of(table, kind, name),
                };
                self.set(class, oid, id);
            }
        }
    }

    fn part_of(&self, table: Oid, kind: Kind, name: &str) -> Id {
        Id {
            table: Some(self.relation(table).to_owned()),
            ..Id::new(kind, name)
        }
    }

    /// A relation's name.
    pub fn relation(&self, oid: Oid) -> &str {
        let id = self.ids.get(&(class::RELATION, oid));
        id.map_or("", |id| &id.name)
    }

    pub fn id(&self, class: u32, oid: Oid) -> Option<&Id> {
        self.ids.get(&(class, oid))
    }

    pub fn column(&self, table: Oid, number: i32) -> &'a str {
        self.columns
            .get(&(table, number))
            .copied()
            .unwrap_or_default()
    }

    pub fn comment(&self, class: u32, oid: Oid) -> Option<String> {
        self.comment_at((class, oid, 0))
    }

    pub fn comment_at(&self, address: Address) -> Option<String> {
        self.comments.get(&address).map(|&text| text.to_owned())
    }

    /// Whether it belongs to bird or to an extension, and is left out.
    pub fn is_hidden(&self, class: u32, oid: Oid) -> bool {
        self.members.contains_key(&(class, oid))
            || (class == class::RELATION && self.hidden.contains(&oid))
    }

    /// The dependencies of some objects, without themselves.
    pub fn needs(&self, addresses: &[Address], but: &Id) -> NotCompared<Vec<Id>> {
        let mut needs: Vec<Id> = addresses
            .iter()
            .filter_map(|address| self.needs.get(address))
            .flatten()
            .filter_map(|address| self.resolve(*address))
            .filter(|id| id != but)
            .collect();
        needs.sort();
        needs.dedup();
        NotCompared(needs)
    }

    fn resolve(&self, (class, oid, column): Address) -> Option<Id> {
        if let Some(whole) = self.members.get(&(class, oid)) {
            return self.ids.get(whole).cloned();
        }
        let id = self.ids.get(&(class, oid))?;
        if class != class::RELATION || id.kind != Kind::Table || column == 0 {
            return Some(id.clone());
        }
        Some(Id {
            kind: Kind::Column,
            table: Some(id.name.clone()),
            name: self.column(oid, column).to_owned(),
        })
    }
}
