//! What goes.

use super::super::print::quote;
use super::Writer;
use super::atoms::{Class, Name, Part};
use crate::model::change::Hazard;

impl<'s> Writer<'_, 's> {
    pub fn drop(&mut self, name: Name<'s>) {
        let Some(part) = self.old(&name) else { return };
        let (table, own) = (quote(name.table), quote(name.name));
        match name.class {
            Class::Extension => self.say(name, format!("DROP EXTENSION {own}")),
            Class::Collation => self.say(name, format!("DROP COLLATION {own}")),
            Class::Enum | Class::Composite | Class::Range => {
                self.say(name, format!("DROP TYPE {own}"))
            }
            Class::Domain => self.say(name, format!("DROP DOMAIN {own}")),
            Class::Sequence => self.say(name, format!("DROP SEQUENCE {own}")),
            Class::Function | Class::Procedure | Class::Aggregate | Class::Operator => {
                let told = signature(name, part);
                let what = word(name.class);
                self.say(name, format!("DROP {what} {told}"))
            }
            Class::Table => {
                self.say(name, format!("DROP TABLE {own}"));
                return self.lose(format!("the rows of {} are gone", name.name));
            }
            Class::Column => {
                if self.comes_from_parent(name, part) {
                    return;
                }
                self.say(name, format!("ALTER TABLE {table} DROP COLUMN {own}"));
                if !matches!(part, Part::Column(_, column) if column.generated.is_some()) {
                    let why = format!("the values of {}.{} are gone", name.table, name.name);
                    return self.lose(why);
                }
                return;
            }
            Class::Default => return self.drop_default(name),
            Class::Identity => self.say(
                name,
                format!("ALTER TABLE {table} ALTER COLUMN {own} DROP IDENTITY"),
            ),
            Class::Owner => {
                let sequence = Name::new(Class::Sequence, "", name.name);
                self.say(sequence, format!("ALTER SEQUENCE {own} OWNED BY NONE"))
            }
            Class::Check | Class::ForeignKey => {
                self.say(name, format!("ALTER TABLE {table} DROP CONSTRAINT {own}"))
            }
            Class::Key => match part {
                Part::Key(key, _) if key.constraint => {
                    self.say(name, format!("ALTER TABLE {table} DROP CONSTRAINT {own}"))
                }
                _ => self.say(name, format!("DROP INDEX {own}")),
            },
            Class::Parent => {
                let parent = self.quoted_table(name.name);
                match part {
                    Part::Parent(_, parent_of) if parent_of.bound.is_some() => self.say(
                        name,
                        format!("ALTER TABLE {parent} DETACH PARTITION {table}"),
                    ),
                    _ => self.say(name, format!("ALTER TABLE {table} NO INHERIT {parent}")),
                }
            }
            Class::Replica => self.say(
                Name::table(name.table),
                format!("ALTER TABLE {table} REPLICA IDENTITY DEFAULT"),
            ),
            Class::Statistics => self.say(name, format!("DROP STATISTICS {own}")),
            Class::View => self.say(name, format!("DROP VIEW {own}")),
            Class::MaterializedView => self.say(name, format!("DROP MATERIALIZED VIEW {own}")),
            Class::Rule => self.say(name, format!("DROP RULE {own} ON {table}")),
            Class::Trigger => self.say(name, format!("DROP TRIGGER {own} ON {table}")),
            Class::Policy => self.say(name, format!("DROP POLICY {own} ON {table}")),
        };
    }

    fn drop_default(&mut self, name: Name<'s>) {
        let only = self.only(name.table);
        let (table, own) = (quote(name.table), quote(name.name));
        self.say(
            name,
            format!("ALTER TABLE {only}{table} ALTER COLUMN {own} DROP DEFAULT"),
        );
    }

    /// Says of the last statement that it loses something.
    pub fn lose(&mut self, why: String) {
        self.risk(Hazard::DataLoss, why);
    }

    /// Says of the last statement what it risks.
    pub fn risk(&mut self, hazard: Hazard, why: impl Into<String>) {
        if let Some(step) = self.steps.pop() {
            self.steps.push(step.risk(hazard, why));
        }
    }

    /// `ONLY ` where a statement would reach a table's children too.
    pub fn only(&self, table: &str) -> &'static str {
        let has = |atoms: &super::Atoms<'s>| atoms.parents.contains_key(table);
        match has(&self.plan.old) || has(&self.plan.new) {
            true => "ONLY ",
            false => "",
        }
    }

    /// A table's name; one of another schema is told with it, and quoted already.
    pub fn quoted_table(&self, name: &str) -> String {
        let known = |atoms: &super::Atoms<'s>| atoms.tables.contains_key(name);
        match known(&self.plan.new) || known(&self.plan.old) {
            true => quote(name),
            false => name.to_owned(),
        }
    }
}

/// What a statement calls a kind of routine.
pub fn word(class: Class) -> &'static str {
    match class {
        Class::Procedure => "PROCEDURE",
        Class::Aggregate => "AGGREGATE",
        Class::Operator => "OPERATOR",
        _ => "FUNCTION",
    }
}

/// A routine as statements name it.
pub fn signature(name: Name<'_>, part: Part<'_>) -> String {
    if name.class == Class::Operator {
        return name.name.to_owned();
    }
    let (own, mut arguments) = name.name.rsplit_once('(').unwrap_or((name.name, ")"));
    if let (Class::Aggregate, Part::Object(object)) = (name.class, part) {
        let identity = object.options.get("identity").map(String::as_str);
        return format!("{}({})", quote(own), identity.unwrap_or("*"));
    }
    arguments = arguments.trim_end_matches(')');
    format!("{}({arguments})", quote(own))
}
