//! Changes of inheritance that no statement can make, reported because the script lacks them.

use super::Writer;
use super::actions::Action;
use super::nodes::{Name, Part};
use crate::model::schema::{Column, Table};

impl<'s> Writer<'_, 's> {
    pub fn report_unsupported(&mut self) {
        let plan = self.plan;
        for table in &plan.new.schema.tables {
            if table.parents.is_empty() && !has_parents(plan.old.tables.get(table.name.as_str())) {
                continue;
            }
            for column in &table.columns {
                let name = Name::column(&table.name, &column.name);
                if self.is_unsupported(name, table, column) {
                    self.cannot(
                        name,
                        format!("bird cannot change how {} is inherited", column.name),
                    );
                }
            }
        }
    }

    /// Whether a column is dropped from a table but stays in a child that inherits it.
    pub fn leaves_to_children(&self, parent: &str, column: &str) -> bool {
        let gone = Name::column(parent, column);
        let children = self.plan.old.parents.get(parent).into_iter().flatten();
        let stays = |child: &&str| {
            let table = self.plan.new.tables.get(child);
            let linked = table.filter(|table| table.parents.iter().any(|it| it.table == parent));
            let own = linked.and_then(|table| table.column(column));
            own.is_some_and(|column| inherited(column).is_none())
        };
        let mut children = children.copied();
        self.plan.action(&gone) == Action::Drop && children.any(|child| stays(&child))
    }

    fn is_unsupported(&self, name: Name<'s>, table: &'s Table, column: &'s Column) -> bool {
        let Some(before) = self.plan.old.tables.get(name.table) else {
            return false;
        };
        let linked = |table: &Table| -> Vec<(String, bool)> {
            let parents = table.parents.iter();
            parents
                .map(|parent| (parent.table.clone(), parent.bound.is_some()))
                .collect()
        };
        let kept = linked(before) == linked(table);
        let partition = table.parents.iter().any(|parent| parent.bound.is_some());
        let Some(Part::Column(_, old)) = self.old(&name) else {
            let own = inherited(column) == Some("merged");
            return own && kept && self.plan.action(&name) == Action::Create;
        };
        match (inherited(old), inherited(column)) {
            (None, Some("merged")) | (Some("merged"), None) => false,
            (one, other) if one == other => false,
            (None, Some("only")) => !partition || kept,
            (Some("only"), None) => {
                let parents = table.parents.iter();
                let mut left =
                    parents.map(|parent| self.leaves_to_children(&parent.table, name.name));
                kept && !left.any(|left| left)
            }
            _ => true,
        }
    }
}

fn has_parents(table: Option<&&Table>) -> bool {
    table.is_some_and(|table| !table.parents.is_empty())
}

fn inherited(column: &Column) -> Option<&str> {
    column.options.get("inherited").map(String::as_str)
}
