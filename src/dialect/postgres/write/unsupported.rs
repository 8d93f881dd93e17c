//! Changes of inheritance that no statement can make, reported because the script lacks them.

use super::Writer;
use super::actions::Action;
use super::clause;
use super::clause::quote;
use super::nodes::{Name, Part};
use crate::model::schema::{Column, Table};

impl<'s> Writer<'_, 's> {
    pub fn report_unsupported(&mut self) {
        let plan = self.plan;
        for table in &plan.new.schema.tables {
            if table.parents.is_empty() && !has_parents(plan.old.tables.get(table.name.as_str())) {
                continue;
            }
            if self.becomes_local(table) {
                self.make_local(table);
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

    /// Whether all that is missing is that inherited columns become the table's own as well.
    fn becomes_local(&self, table: &'s Table) -> bool {
        let Some(before) = self.plan.old.tables.get(table.name.as_str()) else {
            return false;
        };
        let is_partition = table.parents.iter().any(|parent| parent.bound.is_some());
        let unsupported = table.columns.iter().filter(|column| {
            let name = Name::column(&table.name, &column.name);
            self.is_unsupported(name, table, column)
        });
        let mut becoming = unsupported.map(inherited).peekable();
        becoming.peek().is_some()
            && becoming.all(|how| how == Some("merged"))
            && !is_partition
            && before.parents == table.parents
    }

    /// A table that leaves its parents gets their columns as its own, and keeps them when it comes back.
    /// Meanwhile another parent has what must not become its own.
    fn make_local(&mut self, table: &'s Table) {
        let name = Name::table(&table.name);
        let own = quote(&table.name);
        let mut kept: Vec<String> = Vec::new();
        let only = |column: &&Column| inherited(column) == Some("only");
        for column in table.columns.iter().filter(only) {
            let mut bare = column.clone();
            bare.nullable = true;
            kept.push(clause::column(&bare, true));
        }
        let mut checks: Vec<&str> = table.checks.iter().map(|it| it.name.as_str()).collect();
        for parent in &table.parents {
            let parent = self.plan.new.tables.get(parent.table.as_str());
            for check in parent.into_iter().flat_map(|parent| &parent.checks) {
                if !check.options.contains_key("inherit") && !checks.contains(&check.name.as_str())
                {
                    checks.push(&check.name);
                    kept.push(clause::check(check));
                }
            }
        }
        let meanwhile = quote(&self.free_name(&table.name, "__parent"));
        if !kept.is_empty() {
            let kept = kept.join(",\n  ");
            self.say(name, format!("CREATE TABLE {meanwhile} (\n  {kept}\n)"));
            self.say(name, format!("ALTER TABLE {own} INHERIT {meanwhile}"));
        }
        for word in ["NO INHERIT", "INHERIT"] {
            for parent in &table.parents {
                let of = self.quoted_table(&parent.table);
                self.say(name, format!("ALTER TABLE {own} {word} {of}"));
            }
        }
        if !kept.is_empty() {
            self.say(name, format!("ALTER TABLE {own} NO INHERIT {meanwhile}"));
            self.say(name, format!("DROP TABLE {meanwhile}"));
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
