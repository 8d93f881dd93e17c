//! What goes.

use super::Writer;
use super::clause::quote;
use super::nodes::{Class, Name, Part};
use crate::model::change::Hazard;

impl<'s> Writer<'_, 's> {
    pub fn drop(&mut self, name: Name<'s>) {
        let Some(part) = self.old(&name) else { return };
        if name.class == Class::Column && self.comes_from_parent(name, part) {
            return;
        }
        let sql = match name.class {
            Class::Key | Class::Parent | Class::Default => self.drop_part(name, part),
            Class::Column if self.leaves_to_children(name.table, name.name) => {
                let (table, own) = (quote(name.table), quote(name.name));
                format!("ALTER TABLE ONLY {table} DROP COLUMN {own}")
            }
            _ => drop_statement(name, part),
        };
        let about = match name.class {
            Class::Owner => Name::new(Class::Sequence, "", name.name),
            _ => name,
        };
        self.say(about, sql);
        match part {
            Part::Table(_) if name.class == Class::Table => {
                self.lose(format!("the rows of {} are lost", name.name));
            }
            Part::Column(_, column)
                if name.class == Class::Column && column.generated.is_none() =>
            {
                self.lose(format!(
                    "the values of {}.{} are lost",
                    name.table, name.name
                ));
            }
            _ => {}
        }
    }

    fn drop_part(&self, name: Name<'s>, part: Part<'s>) -> String {
        let (table, own) = (quote(name.table), quote(name.name));
        match part {
            Part::Key(key, _) if !key.constraint => format!("DROP INDEX {own}"),
            Part::Key(..) => format!("ALTER TABLE {table} DROP CONSTRAINT {own}"),
            Part::Parent(_, parent) => {
                let of = self.quoted_table(name.name);
                match parent.bound {
                    Some(_) => format!("ALTER TABLE {of} DETACH PARTITION {table}"),
                    None => format!("ALTER TABLE {table} NO INHERIT {of}"),
                }
            }
            _ => {
                let only = self.only(name.table);
                format!("ALTER TABLE {only}{table} ALTER COLUMN {own} DROP DEFAULT")
            }
        }
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
        let has = |nodes: &super::Nodes<'s>| nodes.parents.contains_key(table);
        if has(&self.plan.old) || has(&self.plan.new) {
            "ONLY "
        } else {
            ""
        }
    }

    /// A table's name; one of another schema stands qualified and quoted already.
    pub fn quoted_table(&self, name: &str) -> String {
        let known = |nodes: &super::Nodes<'s>| nodes.tables.contains_key(name);
        if known(&self.plan.new) || known(&self.plan.old) {
            quote(name)
        } else {
            name.to_owned()
        }
    }
}

/// The statement that drops what needs no look at anything else.
fn drop_statement(name: Name<'_>, part: Part<'_>) -> String {
    let (table, own) = (quote(name.table), quote(name.name));
    let alter = format!("ALTER TABLE {table}");
    match name.class {
        Class::Extension => format!("DROP EXTENSION {own}"),
        Class::Collation => format!("DROP COLLATION {own}"),
        Class::Enum | Class::Composite | Class::Range => format!("DROP TYPE {own}"),
        Class::Domain => format!("DROP DOMAIN {own}"),
        Class::Sequence => format!("DROP SEQUENCE {own}"),
        Class::Function | Class::Procedure | Class::Aggregate | Class::Operator => {
            format!("DROP {} {}", word(name.class), signature(name, part))
        }
        Class::Table => format!("DROP TABLE {own}"),
        Class::Column => format!("{alter} DROP COLUMN {own}"),
        Class::Identity => format!("{alter} ALTER COLUMN {own} DROP IDENTITY"),
        Class::Owner => format!("ALTER SEQUENCE {own} OWNED BY NONE"),
        Class::Replica => format!("{alter} REPLICA IDENTITY DEFAULT"),
        Class::Statistics => format!("DROP STATISTICS {own}"),
        Class::View => format!("DROP VIEW {own}"),
        Class::MaterializedView => format!("DROP MATERIALIZED VIEW {own}"),
        Class::Rule => format!("DROP RULE {own} ON {table}"),
        Class::Trigger => format!("DROP TRIGGER {own} ON {table}"),
        Class::Policy => format!("DROP POLICY {own} ON {table}"),
        Class::Check | Class::ForeignKey | Class::Key | Class::Parent | Class::Default => {
            format!("{alter} DROP CONSTRAINT {own}")
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
