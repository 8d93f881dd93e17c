//! The fate of every atom, once what happens to one has reached what is built upon it.

use std::collections::{HashMap, HashSet, VecDeque};

use super::actions;
use super::actions::Fate;
use super::nodes::{Atom, Atoms, Class, Name, Part};
use crate::model::schema::Column;

pub struct Plan<'s> {
    pub old: Atoms<'s>,
    pub new: Atoms<'s>,
    pub fates: HashMap<Name<'s>, Fate>,
    /// What is dropped along with something else, by what.
    pub gone_with: HashMap<Name<'s>, Name<'s>>,
    /// What is made along with something else, by what.
    pub made_with: HashMap<Name<'s>, Name<'s>>,
}

impl<'s> Plan<'s> {
    pub fn new(old: Atoms<'s>, new: Atoms<'s>) -> Plan<'s> {
        let mut fates: HashMap<Name<'s>, Fate> = HashMap::new();
        for atom in &old.all {
            let fate = match new.get(&atom.name) {
                None => Fate::Drop,
                Some(other) => actions::of_both(atom, other, &old, &new),
            };
            fates.insert(atom.name, fate);
        }
        for atom in &new.all {
            fates.entry(atom.name).or_insert(Fate::Make);
        }
        let mut plan = Plan {
            old,
            new,
            fates,
            gone_with: HashMap::new(),
            made_with: HashMap::new(),
        };
        plan.spread();
        plan.absorb_drops();
        plan.absorb_makes();
        plan
    }

    pub fn fate(&self, name: &Name<'_>) -> Fate {
        self.fates.get(name).copied().unwrap_or(Fate::Keep)
    }

    /// Carries what is dropped, retyped or put aside on to what is built upon it.
    fn spread(&mut self) {
        let mut dependants: HashMap<Name<'s>, Vec<usize>> = HashMap::new();
        for (at, atom) in self.old.all.iter().enumerate() {
            for need in &atom.needs {
                dependants.entry(*need).or_default().push(at);
            }
        }
        let moves = |fate: &Fate| !matches!(fate, Fate::Keep | Fate::Make | Fate::Alter);
        let mut queue: VecDeque<Name<'s>> = self
            .old
            .all
            .iter()
            .map(|atom| atom.name)
            .filter(|name| self.fates.get(name).is_some_and(moves))
            .collect();
        while let Some(cause) = queue.pop_front() {
            let why = self.fate(&cause);
            for at in dependants.get(&cause).into_iter().flatten() {
                let Some(atom) = self.old.all.get(*at) else {
                    continue;
                };
                let now = self.fate(&atom.name);
                let next = self.reached(atom, &cause, why, now);
                if next != now {
                    self.fates.insert(atom.name, next);
                    queue.push_back(atom.name);
                }
            }
        }
    }

    /// The fate of an atom when that of something it is built upon is known.
    fn reached(&self, atom: &Atom<'s>, cause: &Name<'s>, why: Fate, now: Fate) -> Fate {
        if matches!(now, Fate::Drop | Fate::Rebuild | Fate::Retire) {
            return now;
        }
        let class = atom.name.class;
        match why {
            Fate::Retype => self.reached_by_retype(atom, cause, now),
            Fate::Retire => match class {
                Class::Column if is_generated(atom) => Fate::Rebuild,
                Class::Column => Fate::Retype,
                Class::Domain | Class::Composite | Class::Range => Fate::Retire,
                Class::Table => now,
                _ => Fate::Rebuild,
            },
            _ => {
                let still = self.new.get(&atom.name);
                let needed = still.is_some_and(|atom| atom.needs.contains(cause));
                let stands_alone = matches!(
                    class,
                    Class::View | Class::Function | Class::Procedure | Class::Default
                );
                match class {
                    Class::Table | Class::Owner if atom.owner != Some(*cause) => now,
                    Class::Key if self.is_left(cause) => now,
                    Class::Column if is_generated(atom) => Fate::Rebuild,
                    Class::Column if atom.owner != Some(*cause) => {
                        if needed {
                            Fate::Retype
                        } else {
                            now
                        }
                    }
                    _ if now == Fate::Alter
                        && !needed
                        && stands_alone
                        && cause.class != Class::Key =>
                    {
                        now
                    }
                    _ => Fate::Rebuild,
                }
            }
        }
    }

    fn reached_by_retype(&self, atom: &Atom<'s>, cause: &Name<'s>, now: Fate) -> Fate {
        match atom.name.class {
            Class::View
            | Class::MaterializedView
            | Class::Rule
            | Class::Policy
            | Class::Trigger
            | Class::Function
            | Class::Procedure => Fate::Rebuild,
            Class::Column if is_generated(atom) => Fate::Rebuild,
            Class::Default if atom.owner == Some(*cause) => Fate::Rebuild,
            Class::ForeignKey => {
                if self.stays_comparable(cause) {
                    now
                } else {
                    Fate::Rebuild
                }
            }
            _ => now,
        }
    }

    /// Whether a retyped column can still be compared with what it was compared with.
    fn stays_comparable(&self, column: &Name<'s>) -> bool {
        let kind = |atoms: &Atoms<'s>| match atoms.get(column).map(|atom| atom.part) {
            Some(Part::Column(_, column)) => column.sql.clone(),
            _ => String::new(),
        };
        let (old, new) = (kind(&self.old), kind(&self.new));
        let group = |kind: &str| match kind.split('(').next().unwrap_or_default() {
            "smallint" | "integer" | "bigint" => 1,
            "text" | "character varying" => 2,
            _ => 0,
        };
        group(&old) != 0 && group(&old) == group(&new)
    }

    /// Whether it is the key of a partition that goes or leaves its parent.
    fn is_left(&self, key: &Name<'s>) -> bool {
        key.class == Class::Key
            && (self.fate(&Name::table(key.table)) == Fate::Drop
                || self.old.tables.get(key.table).is_some_and(|table| {
                    table.parents.iter().any(|parent| {
                        let link = Name::new(Class::Parent, &table.name, &parent.table);
                        self.fate(&link) == Fate::Drop
                    })
                }))
    }

    fn absorb_drops(&mut self) {
        let mut gone = HashMap::new();
        for atom in &self.old.all {
            if !self.fate(&atom.name).drops() {
                continue;
            }
            let drops = |name: &Name<'s>| self.fate(name).drops();
            let owner = atom.owner.filter(drops);
            let with = match atom.name.class {
                Class::Table => self.partitioned_by(atom).filter(drops),
                Class::Sequence => self.owning_column(atom).filter(drops),
                Class::Owner => owner,
                Class::Key => owner.or_else(|| self.attached_to(atom).filter(drops)).or_else(|| {
                    let plain = matches!(atom.part, Part::Key(key, false)
                        if key.filter.is_none() && key.parts.iter().all(|part| part.column.is_some()));
                    self.dropped_column(atom).filter(|_| plain)
                }),
                Class::ForeignKey => owner.or_else(|| self.dropped_column(atom)),
                _ => owner,
            };
            if let Some(with) = with {
                gone.insert(atom.name, with);
            }
        }
        self.cut_cycles(&mut gone);
        self.gone_with = gone;
    }

    /// The table that takes its partition along.
    fn partitioned_by(&self, atom: &Atom<'s>) -> Option<Name<'s>> {
        let Part::Table(table) = atom.part else {
            return None;
        };
        let parent = table.parents.first().filter(|it| it.bound.is_some())?;
        Some(Name::table(&parent.table))
    }

    fn owning_column(&self, sequence: &Atom<'s>) -> Option<Name<'s>> {
        let owner = Name::new(Class::Owner, "", sequence.name.name);
        let owner = self.old.get(&owner)?;
        owner
            .needs
            .iter()
            .find(|need| need.class == Class::Column)
            .copied()
    }

    /// The key of the parent that a partition's key belongs to.
    fn attached_to(&self, atom: &Atom<'s>) -> Option<Name<'s>> {
        let Part::Key(key, false) = atom.part else {
            return None;
        };
        let name = key.options.get("attached")?;
        let table = self.old.tables.get(atom.name.table)?;
        let parent = table.parents.first()?;
        Some(Name::new(Class::Key, &parent.table, name))
    }

    /// A column of its own table that goes, for good or to come back.
    fn dropped_column(&self, atom: &Atom<'s>) -> Option<Name<'s>> {
        let mut needs = atom.needs.iter();
        needs
            .find(|need| {
                need.class == Class::Column
                    && need.table == atom.name.table
                    && self.fate(need).drops()
            })
            .copied()
    }

    /// Tables that point to each other: their foreign keys are dropped before they are.
    fn cut_cycles(&self, gone: &mut HashMap<Name<'s>, Name<'s>>) {
        let mut points: HashMap<&'s str, Vec<&'s str>> = HashMap::new();
        let mut keys = Vec::new();
        for atom in &self.old.all {
            let Part::ForeignKey(table, key) = atom.part else {
                continue;
            };
            let to = Name::table(&key.to);
            if table.name != key.to && gone.contains_key(&atom.name) && self.fate(&to).drops() {
                points.entry(&table.name).or_default().push(&key.to);
                keys.push((atom.name, table.name.as_str(), key.to.as_str()));
            }
        }
        for (name, from, to) in keys {
            let mut seen = HashSet::from([to]);
            let mut stack = vec![to];
            while let Some(at) = stack.pop() {
                for next in points.get(at).into_iter().flatten() {
                    if seen.insert(next) {
                        stack.push(next);
                    }
                }
            }
            if seen.contains(from) {
                gone.remove(&name);
            }
        }
    }

    fn absorb_makes(&mut self) {
        let mut made: HashMap<Name<'s>, Name<'s>> = HashMap::new();
        let comes = |fate: Fate| matches!(fate, Fate::Make | Fate::Rebuild);
        for atom in &self.new.all {
            if !comes(self.fate(&atom.name)) {
                continue;
            }
            let whole = atom.owner.filter(|owner| comes(self.fate(owner)));
            let with = match (atom.name.class, atom.part) {
                (Class::Column | Class::Default | Class::Identity, _) => whole,
                (Class::Check, Part::Check(check)) => {
                    whole.filter(|_| super::clause::is_valid(&check.options))
                }
                (Class::Key, Part::Key(key, false)) => whole.filter(|_| key.constraint),
                (Class::Parent, Part::Parent(_, parent)) => {
                    whole.filter(|_| parent.bound.is_none())
                }
                _ => None,
            };
            let Some(with) = with else { continue };
            let table = Name::table(atom.name.table);
            if self.fate(&table).makes() && self.depends_on_table(atom, table) {
                continue;
            }
            made.insert(atom.name, with);
        }
        self.absorb_serials(&mut made);
        self.made_with = made;
    }

    /// A sequence that is made for a column that is made comes with it.
    fn absorb_serials(&self, made: &mut HashMap<Name<'s>, Name<'s>>) {
        for atom in &self.new.all {
            let Part::Column(table, column) = atom.part else {
                continue;
            };
            if atom.name.class != Class::Default || !made.contains_key(&atom.name) {
                continue;
            }
            let Some(sequence) = serial_of(&self.new, &table.name, column) else {
                continue;
            };
            let owner = Name::new(Class::Owner, "", sequence.name);
            if self.fate(&sequence) == Fate::Make && self.fate(&owner) == Fate::Make {
                let column = Name::column(&table.name, &column.name);
                made.insert(sequence, column);
                made.insert(owner, column);
            }
        }
    }

    /// Whether something that is to stand in a table's own statement needs that table first.
    fn depends_on_table(&self, atom: &Atom<'s>, table: Name<'s>) -> bool {
        let outside = |need: &&Name<'s>| {
            need.table != table.name
                && **need != table
                && !matches!(need.class, Class::Column | Class::Key)
        };
        let mut stack: Vec<Name<'s>> = atom.needs.iter().filter(outside).copied().collect();
        let mut seen: HashSet<Name<'s>> = HashSet::new();
        while let Some(name) = stack.pop() {
            if name == table || (name.class == Class::Column && name.table == table.name) {
                return true;
            }
            if name.class == Class::Sequence || name.class == Class::Table || !seen.insert(name) {
                continue;
            }
            if let Some(atom) = self.new.get(&name) {
                stack.extend(&atom.needs);
            }
        }
        false
    }
}

fn is_generated(atom: &Atom<'_>) -> bool {
    matches!(atom.part, Part::Column(_, column) if column.generated.is_some())
}

/// The sequence by which a column is a serial.
pub fn serial_of<'s>(atoms: &Atoms<'s>, table: &str, column: &'s Column) -> Option<Name<'s>> {
    let mut needs = column.needs.0.iter().filter_map(Name::of);
    let usual = format!("{table}_{}_seq", column.name);
    let sequence = needs.find(|need| need.class == Class::Sequence && need.name == usual)?;
    let Part::Object(object) = atoms.get(&sequence)?.part else {
        return None;
    };
    let mut options = object.options.clone();
    let kind = options.remove("type");
    options.remove("owner");
    let owner = super::nodes::owner(object)?;
    let fits = kind.as_deref().unwrap_or("bigint") == column.sql
        && options.is_empty()
        && object.comment.is_none()
        && owner == (table.to_owned(), column.name.clone())
        && !column.nullable;
    fits.then_some(sequence)
}
