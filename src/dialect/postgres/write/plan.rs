//! The action on every node, after the actions have spread to dependent nodes.

use std::collections::{HashMap, HashSet, VecDeque};

use super::actions;
use super::actions::Action;
use super::nodes::{Class, Name, Node, Nodes, Part};
use crate::model::schema::Column;

pub struct Plan<'s> {
    pub old: Nodes<'s>,
    pub new: Nodes<'s>,
    pub actions: HashMap<Name<'s>, Action>,
    /// What is dropped along with something else, by what.
    pub dropped_with: HashMap<Name<'s>, Name<'s>>,
    /// What is made along with something else, by what.
    pub created_with: HashMap<Name<'s>, Name<'s>>,
}

impl<'s> Plan<'s> {
    pub fn new(old: Nodes<'s>, new: Nodes<'s>) -> Plan<'s> {
        let mut actions: HashMap<Name<'s>, Action> = HashMap::new();
        for node in &old.all {
            let action = match new.get(&node.name) {
                None => actions::of_old(node, &old, &new),
                Some(other) => actions::of_both(node, other, &old, &new),
            };
            actions.insert(node.name, action);
        }
        for node in &new.all {
            actions.entry(node.name).or_insert(Action::Create);
        }
        let mut plan = Plan {
            old,
            new,
            actions,
            dropped_with: HashMap::new(),
            created_with: HashMap::new(),
        };
        plan.spread();
        plan.absorb_drops();
        plan.absorb_makes();
        plan
    }

    pub fn action(&self, name: &Name<'_>) -> Action {
        self.actions.get(name).copied().unwrap_or(Action::Keep)
    }

    /// Carries what is dropped, retyped or put aside on to what is built upon it.
    fn spread(&mut self) {
        let mut dependants: HashMap<Name<'s>, Vec<usize>> = HashMap::new();
        for (at, node) in self.old.all.iter().enumerate() {
            for need in &node.needs {
                dependants.entry(*need).or_default().push(at);
            }
        }
        let moves =
            |action: &Action| !matches!(action, Action::Keep | Action::Create | Action::Alter);
        let mut queue: VecDeque<Name<'s>> = self
            .old
            .all
            .iter()
            .map(|node| node.name)
            .filter(|name| self.actions.get(name).is_some_and(moves))
            .collect();
        while let Some(cause) = queue.pop_front() {
            let why = self.action(&cause);
            for at in dependants.get(&cause).into_iter().flatten() {
                let node = &self.old.all[*at];
                let now = self.action(&node.name);
                let next = self.reached(node, &cause, why, now);
                if next != now {
                    self.actions.insert(node.name, next);
                    queue.push_back(node.name);
                }
            }
        }
    }

    /// The action of a node when that of something it is built upon is known.
    fn reached(&self, node: &Node<'s>, cause: &Name<'s>, why: Action, now: Action) -> Action {
        if matches!(
            now,
            Action::Drop | Action::Rebuild | Action::RenameAside | Action::RenameAway
        ) {
            return now;
        }
        let class = node.name.class;
        match why {
            Action::Retype => self.reached_by_retype(node, cause, now),
            Action::RenameAside | Action::RenameAway => match class {
                Class::Column if is_generated(node) => Action::Rebuild,
                Class::Column => Action::Retype,
                Class::Domain | Class::Composite | Class::Range => Action::RenameAside,
                Class::Table => now,
                _ => Action::Rebuild,
            },
            _ => {
                let still = self.new.get(&node.name);
                let needed = still.is_some_and(|node| node.needs.contains(cause));
                let stands_alone = matches!(
                    class,
                    Class::View | Class::Function | Class::Procedure | Class::Default
                );
                match class {
                    Class::Table if node.owner != Some(*cause) => now,
                    // The sequence would be dropped with a column that comes back.
                    Class::Owner if node.owner != Some(*cause) && still.is_none() => now,
                    Class::Key if self.is_left(cause) => now,
                    Class::Column if is_generated(node) => Action::Rebuild,
                    Class::Column if node.owner != Some(*cause) => {
                        if needed {
                            Action::Retype
                        } else {
                            now
                        }
                    }
                    _ if now == Action::Alter
                        && !needed
                        && stands_alone
                        && cause.class != Class::Key =>
                    {
                        now
                    }
                    _ => Action::Rebuild,
                }
            }
        }
    }

    fn reached_by_retype(&self, node: &Node<'s>, cause: &Name<'s>, now: Action) -> Action {
        match node.name.class {
            Class::View
            | Class::MaterializedView
            | Class::Rule
            | Class::Policy
            | Class::Trigger
            | Class::Function
            | Class::Procedure => Action::Rebuild,
            Class::Column if is_generated(node) => Action::Rebuild,
            Class::Default if node.owner == Some(*cause) => Action::Rebuild,
            Class::ForeignKey => {
                if self.stays_comparable(cause) {
                    now
                } else {
                    Action::Rebuild
                }
            }
            _ => now,
        }
    }

    /// Whether a retyped column can still be compared with what it was compared with.
    fn stays_comparable(&self, column: &Name<'s>) -> bool {
        let kind = |nodes: &Nodes<'s>| match nodes.get(column).map(|node| node.part) {
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
            && (self.action(&Name::table(key.table)) == Action::Drop
                || self.old.tables.get(key.table).is_some_and(|table| {
                    table.parents.iter().any(|parent| {
                        let link = Name::new(Class::Parent, &table.name, &parent.table);
                        self.action(&link) == Action::Drop
                    })
                }))
    }

    fn absorb_drops(&mut self) {
        let mut gone = HashMap::new();
        for node in &self.old.all {
            if !self.action(&node.name).drops() {
                continue;
            }
            let drops = |name: &Name<'s>| self.action(name).ends();
            let owner = node.owner.filter(drops);
            let with = match node.name.class {
                Class::Table => self.partitioned_by(node).filter(drops),
                Class::Sequence => self.owning_column(node).filter(drops),
                Class::Owner => owner,
                Class::Key => owner.or_else(|| self.attached_to(node).filter(drops)).or_else(|| {
                    let plain = matches!(node.part, Part::Key(key, false)
                        if key.filter.is_none() && key.parts.iter().all(|part| part.column.is_some()));
                    self.dropped_column(node).filter(|_| plain)
                }),
                Class::ForeignKey => owner.or_else(|| self.dropped_column(node)),
                _ => owner,
            };
            if let Some(with) = with {
                gone.insert(node.name, with);
            }
        }
        self.cut_cycles(&mut gone);
        self.dropped_with = gone;
    }

    /// The table that takes its partition along.
    fn partitioned_by(&self, node: &Node<'s>) -> Option<Name<'s>> {
        let Part::Table(table) = node.part else {
            return None;
        };
        let parent = table.parents.first().filter(|it| it.bound.is_some())?;
        Some(Name::table(&parent.table))
    }

    fn owning_column(&self, sequence: &Node<'s>) -> Option<Name<'s>> {
        let owner = Name::new(Class::Owner, "", sequence.name.name);
        let owner = self.old.get(&owner)?;
        owner
            .needs
            .iter()
            .find(|need| need.class == Class::Column)
            .copied()
    }

    /// The key of the parent that a partition's key belongs to.
    fn attached_to(&self, node: &Node<'s>) -> Option<Name<'s>> {
        let Part::Key(key, false) = node.part else {
            return None;
        };
        let name = key.options.get("attached")?;
        let table = self.old.tables.get(node.name.table)?;
        let parent = table.parents.first()?;
        Some(Name::new(Class::Key, &parent.table, name))
    }

    /// A column of its own table that goes, for good or to come back.
    fn dropped_column(&self, node: &Node<'s>) -> Option<Name<'s>> {
        let mut needs = node.needs.iter();
        needs
            .find(|need| {
                need.class == Class::Column
                    && need.table == node.name.table
                    && self.action(need).drops()
            })
            .copied()
    }

    /// Tables that point to each other: their foreign keys are dropped before they are.
    fn cut_cycles(&self, gone: &mut HashMap<Name<'s>, Name<'s>>) {
        let mut points: HashMap<&'s str, Vec<&'s str>> = HashMap::new();
        let mut keys = Vec::new();
        for node in &self.old.all {
            let Part::ForeignKey(table, key) = node.part else {
                continue;
            };
            let to = Name::table(&key.to);
            if table.name != key.to && gone.contains_key(&node.name) && self.action(&to).drops() {
                points.entry(&table.name).or_default().push(&key.to);
                keys.push((node.name, table.name.as_str(), key.to.as_str()));
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
        let comes = |action: Action| matches!(action, Action::Create | Action::Rebuild);
        for node in &self.new.all {
            if !comes(self.action(&node.name)) {
                continue;
            }
            let whole = node.owner.filter(|owner| comes(self.action(owner)));
            let with = match (node.name.class, node.part) {
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
            let table = Name::table(node.name.table);
            if self.action(&table).creates() && self.depends_on_table(node, table) {
                continue;
            }
            made.insert(node.name, with);
        }
        self.absorb_serials(&mut made);
        self.created_with = made;
    }

    /// A sequence that is made for a column that is made comes with it.
    fn absorb_serials(&self, made: &mut HashMap<Name<'s>, Name<'s>>) {
        for node in &self.new.all {
            let Part::Column(table, column) = node.part else {
                continue;
            };
            if node.name.class != Class::Default || !made.contains_key(&node.name) {
                continue;
            }
            let Some(sequence) = serial_of(&self.new, &table.name, column) else {
                continue;
            };
            let owner = Name::new(Class::Owner, "", sequence.name);
            if self.action(&sequence) == Action::Create && self.action(&owner) == Action::Create {
                let column = Name::column(&table.name, &column.name);
                made.insert(sequence, column);
                made.insert(owner, column);
            }
        }
    }

    /// Whether something that is to stand in a table's own statement needs that table first.
    fn depends_on_table(&self, node: &Node<'s>, table: Name<'s>) -> bool {
        let outside = |need: &&Name<'s>| {
            need.table != table.name
                && **need != table
                && !matches!(need.class, Class::Column | Class::Key)
        };
        let mut stack: Vec<Name<'s>> = node.needs.iter().filter(outside).copied().collect();
        let mut seen: HashSet<Name<'s>> = HashSet::new();
        while let Some(name) = stack.pop() {
            if name == table || (name.class == Class::Column && name.table == table.name) {
                return true;
            }
            if name.class == Class::Sequence || name.class == Class::Table || !seen.insert(name) {
                continue;
            }
            if let Some(node) = self.new.get(&name) {
                stack.extend(&node.needs);
            }
        }
        false
    }
}

fn is_generated(node: &Node<'_>) -> bool {
    matches!(node.part, Part::Column(_, column) if column.generated.is_some())
}

/// The sequence by which a column is a serial.
pub fn serial_of<'s>(nodes: &Nodes<'s>, table: &str, column: &'s Column) -> Option<Name<'s>> {
    let mut needs = column.needs.0.iter().filter_map(Name::of);
    let usual = format!("{table}_{}_seq", column.name);
    let sequence = needs.find(|need| need.class == Class::Sequence && need.name == usual)?;
    let Part::Object(object) = nodes.get(&sequence)?.part else {
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
