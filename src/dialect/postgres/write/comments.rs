//! Comments.

use super::Writer;
use super::clause::{quote, text};
use super::nodes::{Class, Name};

impl<'s> Writer<'_, 's> {
    /// Sets a comment that differs; `on` is what it stands on.
    pub fn comment(&mut self, name: Name<'s>, old: Option<&str>, new: Option<&str>, on: &str) {
        if old == new {
            return;
        }
        let comment = new.map_or("NULL".to_owned(), text);
        self.say(name, format!("COMMENT ON {on} IS {comment}"));
    }

    pub fn comment_constraint(&mut self, name: Name<'s>, old: Option<&str>, new: Option<&str>) {
        let on = format!("CONSTRAINT {} ON {}", quote(name.name), quote(name.table));
        self.comment(name, old, new, &on);
    }

    /// The comment of an object that is not part of a table.
    pub fn comment_object(
        &mut self,
        name: Name<'s>,
        old: Option<&str>,
        new: Option<&str>,
        signature: &str,
    ) {
        let (table, own) = (quote(name.table), quote(name.name));
        let on = match name.class {
            Class::Extension => format!("EXTENSION {own}"),
            Class::Collation => format!("COLLATION {own}"),
            Class::Domain => format!("DOMAIN {own}"),
            Class::Enum | Class::Composite | Class::Range => format!("TYPE {own}"),
            Class::Sequence => format!("SEQUENCE {own}"),
            Class::View => format!("VIEW {own}"),
            Class::MaterializedView => format!("MATERIALIZED VIEW {own}"),
            Class::Statistics => format!("STATISTICS {own}"),
            Class::Trigger => format!("TRIGGER {own} ON {table}"),
            Class::Rule => format!("RULE {own} ON {table}"),
            Class::Policy => format!("POLICY {own} ON {table}"),
            class => format!("{} {signature}", super::drop::word(class)),
        };
        self.comment(name, old, new, &on);
    }
}
