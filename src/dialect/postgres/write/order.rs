//! Order of the steps: a dependency graph and its deterministic topological order.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};

use super::actions::Action;
use super::nodes::{Class, Name, Nodes, Part};
use super::plan::Plan;

/// The kind of a step on a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StepKind {
    Drop,
    /// Renames a type out of the way.
    RenameAside,
    Create,
    /// Drops the type that was renamed.
    DropRenamed,
}

pub type Step<'s> = (StepKind, Name<'s>);

#[derive(Default)]
struct Graph<'s> {
    steps: Vec<Step<'s>>,
    at: HashMap<Step<'s>, usize>,
    edges: HashSet<(usize, usize)>,
    soft: HashSet<(usize, usize)>,
}

/// The steps in their order, and whether a function is created before an object that it mentions.
pub fn order<'s>(plan: &Plan<'s>) -> (Vec<Step<'s>>, bool) {
    let mut graph = Graph::default();
    for (name, action) in &plan.actions {
        if action.drops() && !plan.dropped_with.contains_key(name) {
            graph.steps.push((StepKind::Drop, *name));
        }
        if action.creates() && !plan.created_with.contains_key(name) {
            graph.steps.push((StepKind::Create, *name));
        }
        if matches!(action, Action::RenameAside | Action::RenameAway) {
            graph.steps.push((StepKind::RenameAside, *name));
            graph.steps.push((StepKind::DropRenamed, *name));
        }
    }
    let at = |nodes: &Nodes<'s>, name: &Name<'s>| nodes.at.get(name).copied();
    graph.steps.sort_by_cached_key(|(kind, name)| {
        let place = match kind {
            StepKind::Drop | StepKind::RenameAside | StepKind::DropRenamed => at(&plan.old, name),
            StepKind::Create => at(&plan.new, name),
        };
        (rank(*kind, name.class), place)
    });
    graph.at = std::iter::zip(graph.steps.iter().copied(), 0..).collect();
    graph.old_edges(plan);
    graph.new_edges(plan);
    graph.name_edges(plan);
    graph.walk()
}

/// The rank of a step without dependencies: drops in reverse class order, then the others.
fn rank(kind: StepKind, class: Class) -> (u8, Reverse<Class>, Class) {
    let same = Reverse(Class::Extension);
    match kind {
        StepKind::Drop => (0, Reverse(class), class),
        StepKind::RenameAside => (1, same, class),
        StepKind::Create => (2, same, class),
        StepKind::DropRenamed => (3, Reverse(class), class),
    }
}

impl<'s> Graph<'s> {
    fn find(&self, kind: StepKind, name: Name<'s>) -> Option<usize> {
        self.at.get(&(kind, name)).copied()
    }

    /// The step that drops a node.
    fn drop_of(&self, plan: &Plan<'s>, name: Name<'s>) -> Option<usize> {
        let mut name = name;
        while let Some(with) = plan.dropped_with.get(&name) {
            name = *with;
        }
        self.find(StepKind::Drop, name)
    }

    /// The step that creates or alters a node.
    fn create_of(&self, plan: &Plan<'s>, name: Name<'s>) -> Option<usize> {
        let mut name = name;
        while let Some(with) = plan.created_with.get(&name) {
            name = *with;
        }
        self.find(StepKind::Create, name)
    }

    fn before(&mut self, first: Option<usize>, second: Option<usize>) {
        let both = first.zip(second);
        self.edges
            .extend(both.filter(|(first, second)| first != second));
    }

    fn old_edges(&mut self, plan: &Plan<'s>) {
        for node in &plan.old.all {
            let action = plan.action(&node.name);
            let (drop, make) = match action {
                Action::Keep => continue,
                Action::Drop | Action::Rebuild => (self.drop_of(plan, node.name), None),
                _ => (None, self.create_of(plan, node.name)),
            };
            if action == Action::RenameAside {
                let aside = self.find(StepKind::RenameAside, node.name);
                let discard = self.find(StepKind::DropRenamed, node.name);
                self.before(aside, self.create_of(plan, node.name));
                self.before(self.create_of(plan, node.name), discard);
            }
            if action == Action::Rebuild {
                self.before(drop, self.create_of(plan, node.name));
            }
            for need in &node.needs {
                match plan.action(need) {
                    Action::Drop | Action::Rebuild => {
                        let theirs = self.drop_of(plan, *need);
                        self.before(drop.or(make), theirs);
                        self.before(self.find(StepKind::DropRenamed, node.name), theirs);
                    }
                    Action::RenameAside | Action::RenameAway => {
                        self.before(drop, self.find(StepKind::RenameAside, *need));
                        let discard = self.find(StepKind::DropRenamed, *need);
                        self.before(make, discard);
                        self.before(self.find(StepKind::DropRenamed, node.name), discard);
                    }
                    Action::Alter | Action::Retype => {
                        self.before(drop, self.create_of(plan, *need));
                    }
                    Action::Keep | Action::Create => {}
                }
            }
        }
    }

    fn new_edges(&mut self, plan: &Plan<'s>) {
        for node in &plan.new.all {
            if !plan.action(&node.name).creates() {
                continue;
            }
            let Some(make) = self.create_of(plan, node.name) else {
                continue;
            };
            for need in &node.needs {
                if plan.action(need).creates() {
                    self.before(self.create_of(plan, *need), Some(make));
                }
            }
            let soft = matches!(node.name.class, Class::Function | Class::Procedure);
            for need in &node.after {
                let Some(theirs) = self.create_of(plan, *need).filter(|theirs| *theirs != make)
                else {
                    continue;
                };
                if soft {
                    self.soft.insert((theirs, make));
                } else {
                    self.edges.insert((theirs, make));
                }
            }
        }
    }

    /// A node that takes a name is created after the node that had it is dropped or renamed.
    fn name_edges(&mut self, plan: &Plan<'s>) {
        let mut held: HashMap<(char, &str, String), Vec<usize>> = HashMap::new();
        for node in &plan.old.all {
            let goes = match plan.action(&node.name) {
                Action::Drop | Action::Rebuild => self.drop_of(plan, node.name),
                Action::RenameAside | Action::RenameAway => {
                    self.find(StepKind::RenameAside, node.name)
                }
                _ => None,
            };
            let Some(goes) = goes else { continue };
            for claim in claims(node.name, node.part) {
                held.entry(claim).or_default().push(goes);
            }
        }
        for node in &plan.new.all {
            let action = plan.action(&node.name);
            if !matches!(
                action,
                Action::Create | Action::Rebuild | Action::RenameAside
            ) {
                continue;
            }
            let make = self.create_of(plan, node.name);
            for claim in claims(node.name, node.part) {
                for goes in held.get(&claim).cloned().into_iter().flatten() {
                    self.before(Some(goes), make);
                }
            }
        }
    }

    fn walk(self) -> (Vec<Step<'s>>, bool) {
        let count = self.steps.len();
        let mut next: Vec<Vec<(usize, bool)>> = vec![Vec::new(); count];
        let (mut hard, mut soft) = (vec![0_usize; count], vec![0_usize; count]);
        for (first, second) in &self.edges {
            next[*first].push((*second, false));
            hard[*second] += 1;
        }
        for (first, second) in self.soft.difference(&self.edges) {
            next[*first].push((*second, true));
            soft[*second] += 1;
        }
        let mut ready: BinaryHeap<Reverse<usize>> = BinaryHeap::new();
        ready.extend(
            (0..count)
                .filter(|at| hard[*at] == 0 && soft[*at] == 0)
                .map(Reverse),
        );
        let (mut done, mut order) = (vec![false; count], Vec::new());
        let mut forced = false;
        loop {
            let at = match ready.pop() {
                Some(Reverse(at)) => at,
                None => {
                    let left = |at: &usize| !done[*at];
                    let some = (0..count).filter(left).find(|at| hard[*at] == 0);
                    let Some(at) = some.or_else(|| (0..count).find(left)) else {
                        break;
                    };
                    forced = true;
                    at
                }
            };
            if std::mem::replace(&mut done[at], true) {
                continue;
            }
            order.push(self.steps[at]);
            for (after, is_soft) in &next[at] {
                let waits = if *is_soft { &mut soft } else { &mut hard };
                waits[*after] = waits[*after].saturating_sub(1);
                if hard[*after] == 0 && soft[*after] == 0 && !done[*after] {
                    ready.push(Reverse(*after));
                }
            }
        }
        (order, forced)
    }
}

/// The names that a node takes in name spaces which other classes share.
fn claims<'s>(name: Name<'s>, part: Part<'s>) -> Vec<(char, &'s str, String)> {
    let own = name.name.to_owned();
    match name.class {
        Class::Table | Class::View | Class::MaterializedView | Class::Composite => {
            vec![('r', "", own.clone()), ('t', "", own)]
        }
        Class::Sequence => vec![('r', "", own)],
        Class::Key => vec![('r', "", own.clone()), ('c', name.table, own)],
        Class::Identity => {
            let sequence = match part {
                Part::Column(table, column) => column
                    .options
                    .get("sequence name")
                    .cloned()
                    .unwrap_or_else(|| format!("{}_{}_seq", table.name, column.name)),
                _ => own,
            };
            vec![('r', "", sequence)]
        }
        Class::Enum | Class::Domain | Class::Range => vec![('t', "", own)],
        Class::Check | Class::ForeignKey => vec![('c', name.table, own)],
        Class::Function | Class::Procedure | Class::Aggregate => vec![('p', "", own)],
        _ => Vec::new(),
    }
}
