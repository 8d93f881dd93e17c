//! Alters types in place, and renames types out of the way.

use std::collections::HashSet;

use super::Writer;
use super::actions::Action;
use super::clause;
use super::clause::{quote, text};
use super::nodes::{Class, Name};
use crate::model::change::Hazard;
use crate::model::schema::Object;

/// The suffix of a type that is renamed out of the way.
const ASIDE: &str = "__old";
/// The length of the longest name, in bytes.
const LONGEST_NAME: usize = 63;

impl<'s> Writer<'_, 's> {
    pub fn rename_aside(&mut self, name: Name<'s>) {
        if name.class == Class::Range {
            return self.melt(name);
        }
        let sql = format!(
            "ALTER {} {} RENAME TO {}",
            word(name.class),
            quote(name.name),
            quote(&self.aside(name.name))
        );
        self.say(name, sql);
    }

    fn aside(&self, name: &str) -> String {
        self.free_name(name, ASIDE)
    }

    /// A name that nothing has: the name of something with a suffix.
    pub fn free_name(&self, name: &str, suffix: &str) -> String {
        let nodes = [&self.plan.old, &self.plan.new].map(|nodes| nodes.all.iter());
        let taken: HashSet<&str> = nodes
            .into_iter()
            .flatten()
            .filter(|node| node.name.table.is_empty() || node.name.class == Class::Key)
            .map(|node| node.name.name)
            .collect();
        let numbers = std::iter::once(String::new()).chain((1..).map(|it: u32| it.to_string()));
        let mut names = numbers.map(|number| {
            let end = format!("{suffix}{number}");
            // The server cuts longer names off, and may find the old one again.
            let mut length = name.len().min(LONGEST_NAME - end.len());
            while !name.is_char_boundary(length) {
                length -= 1;
            }
            name[..length].to_owned() + &end
        });
        let free = names.find(|name| !taken.contains(name.as_str()));
        free.unwrap_or_default()
    }

    /// The functions of a range keep their names when it is renamed, and stand in the way of its
    /// successor: its columns are text meanwhile.
    fn melt(&mut self, name: Name<'s>) {
        let plan = self.plan;
        for node in &plan.old.all {
            if node.name.class == Class::Column
                && node.needs.contains(&name)
                && plan.action(&node.name) == Action::Retype
            {
                let (table, own) = (quote(node.name.table), quote(node.name.name));
                let sql =
                    format!("ALTER TABLE {table} ALTER COLUMN {own} TYPE text USING {own}::text");
                self.say(node.name, sql);
            }
        }
        self.say(name, format!("DROP TYPE {}", quote(name.name)));
    }

    pub fn drop_renamed(&mut self, name: Name<'s>) {
        if name.class == Class::Range {
            return;
        }
        let sql = format!(
            "DROP {} {}",
            word(name.class),
            quote(&self.aside(name.name))
        );
        self.say(name, sql);
        if name.class == Class::Table {
            self.lose(format!("the rows of {} are lost", name.name));
        }
    }

    pub fn alter_type(&mut self, name: Name<'s>, old: &'s Object, new: &'s Object) {
        match name.class {
            Class::Enum => self.add_labels(name, old, new),
            Class::Domain => self.alter_domain(name, old, new),
            Class::Composite => self.alter_composite(name, old, new),
            _ => {}
        }
    }

    fn add_labels(&mut self, name: Name<'s>, old: &'s Object, new: &'s Object) {
        let own = quote(name.name);
        for (at, label) in new.labels.iter().enumerate() {
            if old.labels.contains(label) {
                continue;
            }
            let before = at.checked_sub(1).and_then(|at| new.labels.get(at));
            let place = match before {
                Some(before) if old.labels.last() == Some(before) => String::new(),
                Some(before) if self.is_last(old, new, at) && before != label => String::new(),
                Some(before) => format!(" AFTER {}", text(before)),
                None => match old.labels.first() {
                    Some(first) => format!(" BEFORE {}", text(first)),
                    None => String::new(),
                },
            };
            let sql = format!("ALTER TYPE {own} ADD VALUE {}{place}", text(label));
            let alone = self.mentions(label);
            self.say(name, sql).alone = alone;
        }
    }

    /// Whether all old labels precede this position.
    fn is_last(&self, old: &Object, new: &Object, at: usize) -> bool {
        let rest = new.labels.get(at..).unwrap_or_default();
        !rest.iter().any(|label| old.labels.contains(label))
    }

    /// Whether a label stands in anything of the new schema: it cannot be used in the
    /// transaction that added it.
    fn mentions(&self, label: &str) -> bool {
        let quoted = text(label);
        let has = |sql: Option<&String>| sql.is_some_and(|sql| sql.contains(&quoted));
        self.plan.new.all.iter().any(|node| match node.part {
            super::Part::Column(_, column) => has(column.default.as_ref()),
            super::Part::Check(check) => has(Some(&check.expression)),
            super::Part::Key(key, _) => has(key.filter.as_ref()),
            super::Part::Object(object) => node.name.class != Class::Enum && has(Some(&object.sql)),
            _ => false,
        })
    }

    fn alter_domain(&mut self, name: Name<'s>, old: &'s Object, new: &'s Object) {
        let alter = format!("ALTER DOMAIN {}", quote(name.name));
        let option = |object: &'s Object, name: &str| object.options.get(name);
        if option(old, "default") != option(new, "default") {
            match option(new, "default") {
                Some(default) => self.say(name, format!("{alter} SET DEFAULT {default}")),
                None => self.say(name, format!("{alter} DROP DEFAULT")),
            };
        }
        if option(old, "not null") != option(new, "not null") {
            match option(new, "not null") {
                Some(_) => {
                    self.say(name, format!("{alter} SET NOT NULL"));
                    self.risk(
                        Hazard::MayFail,
                        "it fails if a column of this domain has NULL",
                    );
                }
                None => drop(self.say(name, format!("{alter} DROP NOT NULL"))),
            }
        }
        let (mut gone, mut added) = (Vec::new(), Vec::new());
        for check in &old.checks {
            let twin = new.checks.iter().find(|it| it.name == check.name);
            if twin.is_none_or(|twin| twin.expression != check.expression) {
                gone.push(check);
            }
        }
        for check in &new.checks {
            let twin = old.checks.iter().find(|it| it.name == check.name);
            match twin {
                Some(twin) if twin.expression == check.expression => {
                    let own = quote(&check.name);
                    if clause::is_valid(&check.options) && !clause::is_valid(&twin.options) {
                        self.say(name, format!("{alter} VALIDATE CONSTRAINT {own}"));
                        self.risk(Hazard::MayFail, "it fails if an existing value violates it");
                    }
                    let on = format!("CONSTRAINT {own} ON DOMAIN {}", quote(name.name));
                    let (one, other) = (twin.comment.as_deref(), check.comment.as_deref());
                    self.comment(name, one, other, &on);
                }
                _ => added.push(check),
            }
        }
        gone.retain(|check| {
            let twin = added
                .iter()
                .position(|it| it.expression == check.expression && it.options == check.options);
            let taken = |other: &str| old.checks.iter().any(|it| it.name == other);
            match twin.filter(|at| added.get(*at).is_some_and(|it| !taken(&it.name))) {
                Some(at) => {
                    let twin = added.remove(at);
                    let (one, other) = (quote(&check.name), quote(&twin.name));
                    self.say(name, format!("{alter} RENAME CONSTRAINT {one} TO {other}"));
                    false
                }
                None => true,
            }
        });
        for check in gone {
            self.say(
                name,
                format!("{alter} DROP CONSTRAINT {}", quote(&check.name)),
            );
        }
        for check in added {
            self.say(name, format!("{alter} ADD {}", clause::check(check)));
            self.risk(Hazard::MayFail, "it fails if an existing value violates it");
            self.comment_domain_check(name, check);
        }
    }

    pub fn comment_domain_check(&mut self, name: Name<'s>, check: &'s crate::model::schema::Check) {
        let on = format!(
            "CONSTRAINT {} ON DOMAIN {}",
            quote(&check.name),
            quote(name.name)
        );
        self.comment(name, None, check.comment.as_deref(), &on);
    }

    fn alter_composite(&mut self, name: Name<'s>, old: &'s Object, new: &'s Object) {
        let alter = format!("ALTER TYPE {}", quote(name.name));
        let has = |object: &Object, name: &str| object.columns.iter().any(|it| it.name == name);
        for column in old.columns.iter().filter(|column| !has(new, &column.name)) {
            let own = quote(&column.name);
            self.say(name, format!("{alter} DROP ATTRIBUTE {own}"));
            self.lose(format!(
                "the values of {}.{} are lost",
                name.name, column.name
            ));
        }
        for column in &new.columns {
            let own = quote(&column.name);
            if !has(old, &column.name) {
                let definition = clause::column_type(column);
                self.say(name, format!("{alter} ADD ATTRIBUTE {own} {definition}"));
            }
            let before = old.columns.iter().find(|it| it.name == column.name);
            let before = before.and_then(|before| before.comment.as_deref());
            let on = format!("COLUMN {}.{own}", quote(name.name));
            self.comment(name, before, column.comment.as_deref(), &on);
        }
    }
}

fn word(class: Class) -> &'static str {
    match class {
        Class::Domain => "DOMAIN",
        Class::Collation => "COLLATION",
        Class::Table => "TABLE",
        _ => "TYPE",
    }
}
