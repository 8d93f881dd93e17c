//! Writes the statements that lead from one schema to another.
//!
//! Both schemas are taken apart into nodes, the smallest things that a statement creates or drops
//! ([`nodes`]). Each node gets an action ([`actions`]), which extends to what depends on it
//! ([`plan`]). The actions form a graph, whose topological order is the order of the statements
//! ([`order`]).

mod access;
mod actions;
mod body_names;
pub(super) mod clause;
mod columns;
mod comments;
pub(super) mod describe;
mod drop;
mod hand_over;
mod keys;
mod nodes;
mod objects;
mod order;
mod plan;
mod prepare;
pub(super) mod rename;
mod retype;
mod tables;
mod types;
mod unsupported;

use crate::invariant::present;
use crate::model::change::{Change, Ddl, DdlStep, Difference, GivenBack, Unsupported};
use crate::model::schema::{Id, Kind, Schema};

use actions::Action;
use nodes::{Class, Name, Nodes, Part};
use order::StepKind;
use plan::Plan;

/// The statements written so far, and the changes that are not supported.
pub struct Writer<'p, 's> {
    pub plan: &'p Plan<'s>,
    pub steps: Vec<DdlStep>,
    pub unsupported: Vec<Unsupported>,
    pub given_back: Vec<GivenBack>,
}

pub fn ddl(schema: &str, difference: &Difference, from: &Schema, to: &Schema) -> Ddl {
    if difference.is_empty() {
        return Ddl::default();
    }
    let (mut old, mut new) = (from.clone(), to.clone());
    prepare::serials(&mut old);
    prepare::serials(&mut new);
    prepare::detached(&mut old, &new);
    let renames = prepare::renames(&mut old, &new);
    let plan = Plan::new(Nodes::new(&old), Nodes::new(&new));
    let (order, forced) = order::order(&plan);
    let mut writer = Writer {
        plan: &plan,
        steps: renames,
        unsupported: Vec::new(),
        given_back: Vec::new(),
    };
    for (kind, name) in order {
        match kind {
            StepKind::Drop => writer.drop(name),
            StepKind::RenameAside => writer.rename_aside(name),
            StepKind::Create => writer.create(name),
            StepKind::DropRenamed => writer.drop_renamed(name),
        }
    }
    writer.report_unsupported();
    let given_back = writer.given_back;
    let mut steps = writer.steps;
    hand_over::hand_over(&mut steps, &old, &new);
    let makes_functions = steps.iter().any(|step| {
        matches!(step.about.kind, Kind::Function | Kind::Procedure)
            && step.sql.starts_with("CREATE")
    });
    if let Some(first) = steps.first().filter(|_| forced && makes_functions) {
        // Functions mention each other: the server must not check their bodies yet.
        let step = DdlStep::new(first.about.clone(), "SET check_function_bodies TO off");
        steps.insert(0, step);
    }
    let comment = |schema: &Schema| schema.settings.get("comment").cloned();
    if comment(from) != comment(to) {
        let text = comment(to).map_or("NULL".to_owned(), |text| clause::text(&text));
        let sql = format!("COMMENT ON SCHEMA {} IS {text}", clause::quote(schema));
        steps.push(DdlStep::new(Id::default(), sql));
    }
    let mut unsupported = writer.unsupported;
    unsupported.extend(unsupported_changes(difference));
    Ddl {
        steps,
        unsupported,
        given_back,
    }
}

/// The changes of objects that bird does not support.
fn unsupported_changes(difference: &Difference) -> Vec<Unsupported> {
    let changes = difference.changes.iter();
    changes
        .filter_map(|change| match change {
            Change::Opaque(pair) => {
                let what = pair.to.as_ref().or(pair.from.as_ref())?.what.clone();
                Some(Unsupported {
                    about: Id::new(Kind::Opaque, &what),
                    why: format!("bird cannot write {what}"),
                })
            }
            _ => None,
        })
        .collect()
}

impl<'s> Writer<'_, 's> {
    fn say(&mut self, name: Name<'s>, sql: impl Into<String>) -> &mut DdlStep {
        let at = self.steps.len();
        self.steps.push(DdlStep::new(name.about(), sql));
        &mut self.steps[at]
    }

    fn cannot(&mut self, name: Name<'s>, why: impl Into<String>) {
        self.unsupported.push(Unsupported {
            about: name.about(),
            why: why.into(),
        });
    }

    /// The node in the old schema.
    fn old(&self, name: &Name<'s>) -> Option<Part<'s>> {
        self.plan.old.get(name).map(|node| node.part)
    }

    fn create(&mut self, name: Name<'s>) {
        let first = self.steps.len();
        self.make(name);
        self.give_back(name, first);
    }

    fn make(&mut self, name: Name<'s>) {
        let action = self.plan.action(&name);
        let part = present(
            self.plan.new.get(&name),
            "a node to create is in the new schema",
        )
        .part;
        let old = self
            .old(&name)
            .filter(|_| matches!(action, Action::Alter | Action::Retype));
        match (part, old) {
            (Part::Table(table), old) if name.class == Class::Replica => {
                let old = match old {
                    Some(Part::Table(old)) => Some(old),
                    _ => None,
                };
                self.set_replica(name, table, old);
            }
            (Part::Table(table), None) => self.create_table(name, table),
            (Part::Table(table), Some(Part::Table(old))) => self.alter_table(name, old, table),
            (Part::Column(table, column), old) => {
                let old = match old {
                    Some(Part::Column(_, old)) => Some(old),
                    _ => None,
                };
                match name.class {
                    Class::Default => self.set_default(name, table, column, old),
                    Class::Identity => self.set_identity(name, table, column, old),
                    _ => self.make_column(name, table, column, old),
                }
            }
            (Part::Key(key, on_view), None) => self.add_key(name, key, on_view),
            (Part::Key(key, on_view), Some(Part::Key(old, _))) => {
                self.alter_key(name, old, key, on_view);
            }
            (Part::ForeignKey(_, key), None) => self.add_foreign_key(name, key),
            (Part::ForeignKey(_, key), Some(Part::ForeignKey(_, old))) => {
                self.alter_foreign_key(name, old, key);
            }
            (Part::Check(check), None) => self.add_check(name, check),
            (Part::Check(check), Some(Part::Check(old))) => {
                self.alter_check(name, old, check);
            }
            (Part::Parent(table, parent), _) => self.attach(name, table, parent),
            (Part::Object(object), old) => {
                let old = match old {
                    Some(Part::Object(old)) => Some(old),
                    _ => None,
                };
                self.make_object(name, object, old);
            }
            _ => {}
        }
    }
}
