//! Creates and alters objects outside of tables.

use super::Writer;
use super::actions::Action;
use super::clause;
use super::clause::quote;
use super::columns::sequence_changes;
use super::drop::signature;
use super::nodes::{Class, Name, Part};
use super::tables::parameter_changes;
use crate::model::schema::Object;

impl<'s> Writer<'_, 's> {
    pub fn make_object(&mut self, name: Name<'s>, new: &'s Object, old: Option<&'s Object>) {
        if name.class == Class::Owner {
            let owner = new.options.get("owner").map_or("NONE", String::as_str);
            let sequence = Name::new(Class::Sequence, "", name.name);
            let own = quote(name.name);
            self.follow_owner(sequence, new);
            self.say(sequence, format!("ALTER SEQUENCE {own} OWNED BY {owner}"));
            return;
        }
        match old {
            None => self.create_object(name, new),
            Some(old) => self.alter_object(name, old, new),
        }
    }

    fn create_object(&mut self, name: Name<'s>, object: &'s Object) {
        self.say(name, object.sql.clone());
        self.finish_object(name, object, None);
        if self.plan.action(&name) == Action::RenameAside {
            return;
        }
        if name.class == Class::Domain {
            for check in &object.checks {
                if !clause::is_valid(&check.options) {
                    let (own, clause) = (quote(name.name), clause::check(check));
                    self.say(name, format!("ALTER DOMAIN {own} ADD {clause}"));
                }
            }
        }
    }

    /// The statements behind a CREATE: comments and settings of an object.
    fn finish_object(&mut self, name: Name<'s>, new: &'s Object, old: Option<&'s Object>) {
        let comment = old.and_then(|old| old.comment.as_deref());
        let target = match name.class {
            Class::Function | Class::Procedure | Class::Aggregate | Class::Operator => {
                signature(name, Part::Object(new))
            }
            _ => String::new(),
        };
        if name.class == Class::Extension && old.is_none() && new.comment.is_none() {
            // It comes with the comment of its author.
            self.say(
                name,
                format!("COMMENT ON EXTENSION {} IS NULL", quote(name.name)),
            );
        } else {
            self.comment_object(name, comment, new.comment.as_deref(), &target);
        }
        let option = |object: &'s Object, option: &str| object.options.get(option);
        let state = |object: Option<&'s Object>| object.and_then(|it| option(it, "state"));
        if matches!(name.class, Class::Trigger | Class::Rule) && state(old) != state(Some(new)) {
            let words = state(Some(new)).map_or("ENABLE", String::as_str);
            let what = if name.class == Class::Rule {
                "RULE"
            } else {
                "TRIGGER"
            };
            let (table, own) = (quote(name.table), quote(name.name));
            self.say(name, format!("ALTER TABLE {table} {words} {what} {own}"));
        }
        if name.class == Class::Statistics {
            let target = old.and_then(|old| option(old, "target"));
            if target != option(new, "target") {
                let target = option(new, "target").map_or("-1", String::as_str);
                let own = quote(name.name);
                self.say(
                    name,
                    format!("ALTER STATISTICS {own} SET STATISTICS {target}"),
                );
            }
        }
        if matches!(
            name.class,
            Class::View | Class::MaterializedView | Class::Composite
        ) {
            self.finish_columns(name, new, old);
        }
        if name.class == Class::Domain && old.is_none() {
            for check in &new.checks {
                self.comment_domain_check(name, check);
            }
        }
    }

    fn finish_columns(&mut self, name: Name<'s>, new: &'s Object, old: Option<&'s Object>) {
        for column in &new.columns {
            let before = old.and_then(|old| old.columns.iter().find(|it| it.name == column.name));
            let comment = before.and_then(|before| before.comment.as_deref());
            let (on, own) = (quote(name.name), quote(&column.name));
            let target = format!("COLUMN {on}.{own}");
            self.comment(name, comment, column.comment.as_deref(), &target);
            let default = before.and_then(|before| before.default.as_ref());
            if default != column.default.as_ref() {
                let words = match &column.default {
                    Some(default) => format!("SET DEFAULT {default}"),
                    None => "DROP DEFAULT".to_owned(),
                };
                self.say(name, format!("ALTER VIEW {on} ALTER COLUMN {own} {words}"));
            }
            let statistics = before.and_then(|before| before.options.get("statistics"));
            if statistics != column.options.get("statistics") {
                let target = column
                    .options
                    .get("statistics")
                    .map_or("-1", String::as_str);
                self.say(
                    name,
                    format!(
                        "ALTER MATERIALIZED VIEW {on} ALTER COLUMN {own} SET STATISTICS {target}"
                    ),
                );
            }
        }
    }

    fn alter_object(&mut self, name: Name<'s>, old: &'s Object, new: &'s Object) {
        let own = quote(name.name);
        match name.class {
            Class::Extension => {
                let option = |object: &'s Object, option: &str| object.options.get(option);
                if option(old, "schema") != option(new, "schema") {
                    let schema = quote(option(new, "schema").map_or("public", String::as_str));
                    self.say(name, format!("ALTER EXTENSION {own} SET SCHEMA {schema}"));
                }
            }
            Class::Sequence => self.alter_sequence(name, old, new),
            Class::Enum | Class::Domain | Class::Composite => self.alter_type(name, old, new),
            Class::Function | Class::Procedure if old.sql != new.sql => {
                self.say(name, new.sql.clone());
            }
            Class::View if old.sql != new.sql => {
                let sql = new.sql.replacen("CREATE VIEW", "CREATE OR REPLACE VIEW", 1);
                self.say(name, sql);
            }
            Class::MaterializedView => {
                for sql in parameter_changes(&old.options, &new.options) {
                    self.say(name, format!("ALTER MATERIALIZED VIEW {own} {sql}"));
                }
                if old.options.get("tablespace") != new.options.get("tablespace") {
                    let space = new
                        .options
                        .get("tablespace")
                        .map_or("pg_default", String::as_str);
                    let sql = format!(
                        "ALTER MATERIALIZED VIEW {own} SET TABLESPACE {}",
                        quote(space)
                    );
                    self.say(name, sql);
                }
            }
            Class::Policy => self.alter_policy(name, old, new),
            _ => {}
        }
        self.finish_object(name, new, Some(old));
    }

    fn alter_sequence(&mut self, name: Name<'s>, old: &'s Object, new: &'s Object) {
        let own = quote(name.name);
        let persistence = |object: &'s Object| object.options.get("persistence");
        if persistence(old) != persistence(new) {
            let word = persistence(new).map_or("LOGGED", String::as_str);
            self.say(name, format!("ALTER SEQUENCE {own} SET {word}"));
        }
        let kind = |object: &'s Object| object.options.get("type").map_or("bigint", String::as_str);
        let (from, to) = (kind(old), kind(new));
        let mut clauses = Vec::new();
        if from != to {
            clauses.push(format!("AS {to}"));
        }
        clauses.extend(sequence_changes(&old.options, &new.options, from, to));
        if !clauses.is_empty() {
            self.say(name, format!("ALTER SEQUENCE {own} {}", clauses.join(" ")));
            if clauses.iter().any(|clause| clause == "RESTART") {
                self.lose(format!("{} starts again", name.name));
            }
        }
    }

    fn alter_policy(&mut self, name: Name<'s>, old: &'s Object, new: &'s Object) {
        let mut clauses = Vec::new();
        for (option, words) in [
            ("to", "TO "),
            ("using", "USING ("),
            ("check", "WITH CHECK ("),
        ] {
            let (before, after) = (old.options.get(option), new.options.get(option));
            if let Some(after) = after.filter(|after| before != Some(*after)) {
                let end = if words.ends_with('(') { ")" } else { "" };
                clauses.push(format!("{words}{after}{end}"));
            }
        }
        if !clauses.is_empty() {
            let (table, own) = (quote(name.table), quote(name.name));
            let clauses = clauses.join(" ");
            self.say(name, format!("ALTER POLICY {own} ON {table} {clauses}"));
        }
    }
}
