//! The order of what is done: a graph, and a way through it that is always the same.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};

use super::actions::Fate;
use super::nodes::{Atoms, Class, Name, Part};
use super::plan::Plan;

/// One thing that is done to an atom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Deed {
    Drop,
    /// A type gets another name.
    PutAside,
    Make,
    /// The type that was put aside goes.
    Discard,
}

pub type Step<'s> = (Deed, Name<'s>);

#[derive(Default)]
struct Graph<'s> {
    steps: Vec<Step<'s>>,
    at: HashMap<Step<'s>, usize>,
    edges: HashSet<(usize, usize)>,
    soft: HashSet<(usize, usize)>,
}

/// The steps in their order, and the functions that come before what they mention.
pub fn order<'s>(plan: &Plan<'s>) -> (Vec<Step<'s>>, bool) {
    let mut graph = Graph::default();
    for (name, fate) in &plan.fates {
        if fate.drops() && !plan.gone_with.contains_key(name) {
            graph.steps.push((Deed::Drop, *name));
        }
        if fate.makes() && !plan.made_with.contains_key(name) {
            graph.steps.push((Deed::Make, *name));
        }
        if *fate == Fate::Retire {
            graph.steps.push((Deed::PutAside, *name));
            graph.steps.push((Deed::Discard, *name));
        }
    }
    let at = |atoms: &Atoms<'s>, name: &Name<'s>| atoms.at.get(name).copied();
    graph.steps.sort_by_cached_key(|(deed, name)| {
        let place = match deed {
            Deed::Drop | Deed::PutAside | Deed::Discard => at(&plan.old, name),
            Deed::Make => at(&plan.new, name),
        };
        (rank(*deed, name.class), place)
    });
    graph.at = std::iter::zip(graph.steps.iter().copied(), 0..).collect();
    graph.old_edges(plan);
    graph.new_edges(plan);
    graph.name_edges(plan);
    graph.walk()
}

/// Drops first, from what stands at the top; then everything else from the ground.
fn rank(deed: Deed, class: Class) -> (u8, Reverse<Class>, Class) {
    let same = Reverse(Class::Extension);
    match deed {
        Deed::Drop => (0, Reverse(class), class),
        Deed::PutAside => (1, same, class),
        Deed::Make => (2, same, class),
        Deed::Discard => (3, Reverse(class), class),
    }
}

impl<'s> Graph<'s> {
    fn find(&self, deed: Deed, name: Name<'s>) -> Option<usize> {
        self.at.get(&(deed, name)).copied()
    }

    /// The step by which something goes.
    fn drop_of(&self, plan: &Plan<'s>, name: Name<'s>) -> Option<usize> {
        let mut name = name;
        while let Some(with) = plan.gone_with.get(&name) {
            name = *with;
        }
        self.find(Deed::Drop, name)
    }

    /// The step by which something comes or is altered.
    fn make_of(&self, plan: &Plan<'s>, name: Name<'s>) -> Option<usize> {
        let mut name = name;
        while let Some(with) = plan.made_with.get(&name) {
            name = *with;
        }
        self.find(Deed::Make, name)
    }

    fn before(&mut self, first: Option<usize>, second: Option<usize>) {
        let both = first.zip(second);
        self.edges
            .extend(both.filter(|(first, second)| first != second));
    }

    fn old_edges(&mut self, plan: &Plan<'s>) {
        for atom in &plan.old.all {
            let fate = plan.fate(&atom.name);
            let (drop, make) = match fate {
                Fate::Keep => continue,
                Fate::Drop | Fate::Rebuild => (self.drop_of(plan, atom.name), None),
                _ => (None, self.make_of(plan, atom.name)),
            };
            if fate == Fate::Retire {
                let aside = self.find(Deed::PutAside, atom.name);
                let discard = self.find(Deed::Discard, atom.name);
                self.before(aside, self.make_of(plan, atom.name));
                self.before(self.make_of(plan, atom.name), discard);
            }
            if fate == Fate::Rebuild {
                self.before(drop, self.make_of(plan, atom.name));
            }
            for need in &atom.needs {
                match plan.fate(need) {
                    Fate::Drop | Fate::Rebuild => {
                        let theirs = self.drop_of(plan, *need);
                        self.before(drop.or(make), theirs);
                        self.before(self.find(Deed::Discard, atom.name), theirs);
                    }
                    Fate::Retire => {
                        self.before(drop, self.find(Deed::PutAside, *need));
                        let discard = self.find(Deed::Discard, *need);
                        self.before(make, discard);
                        self.before(self.find(Deed::Discard, atom.name), discard);
                    }
                    Fate::Alter | Fate::Retype => {
                        self.before(drop, self.make_of(plan, *need));
                    }
                    Fate::Keep | Fate::Make => {}
                }
            }
        }
    }

    fn new_edges(&mut self, plan: &Plan<'s>) {
        for atom in &plan.new.all {
            if !plan.fate(&atom.name).makes() {
                continue;
            }
            let Some(make) = self.make_of(plan, atom.name) else {
                continue;
            };
            for need in &atom.needs {
                if plan.fate(need).makes() {
                    self.before(self.make_of(plan, *need), Some(make));
                }
            }
            let soft = matches!(atom.name.class, Class::Function | Class::Procedure);
            for need in &atom.after {
                let Some(theirs) = self.make_of(plan, *need).filter(|theirs| *theirs != make)
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

    /// Who takes a name waits until whoever has it is gone.
    fn name_edges(&mut self, plan: &Plan<'s>) {
        let mut held: HashMap<(char, &str, String), Vec<usize>> = HashMap::new();
        for atom in &plan.old.all {
            let goes = match plan.fate(&atom.name) {
                Fate::Drop | Fate::Rebuild => self.drop_of(plan, atom.name),
                Fate::Retire => self.find(Deed::PutAside, atom.name),
                _ => None,
            };
            let Some(goes) = goes else { continue };
            for claim in claims(atom.name, atom.part) {
                held.entry(claim).or_default().push(goes);
            }
        }
        for atom in &plan.new.all {
            let fate = plan.fate(&atom.name);
            if !matches!(fate, Fate::Make | Fate::Rebuild | Fate::Retire) {
                continue;
            }
            let make = self.make_of(plan, atom.name);
            for claim in claims(atom.name, atom.part) {
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

/// The names that an atom takes where another kind of atom could have them.
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
