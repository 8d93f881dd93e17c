//! Creates and alters keys, foreign keys, checks and links to parents.

use super::Writer;
use super::actions::Action;
use super::clause;
use super::clause::quote;
use super::nodes::{Class, Name};
use super::tables::parameter_changes;
use crate::invariant::present;
use crate::model::change::Hazard;
use crate::model::schema::{Check, ForeignKey, Key, KeyKind, Options, Parent, Table};

impl<'s> Writer<'_, 's> {
    pub fn add_key(&mut self, name: Name<'s>, key: &'s Key, on_view: bool) {
        let table = quote(name.table);
        let is_new = self.plan.old.get(&Name::table(name.table)).is_none();
        let partitioned = self.plan.new.tables.get(name.table);
        let partitioned = partitioned.is_some_and(|table| table.partitions.is_some());
        let incomplete = partitioned && !clause::is_valid(&key.options);
        if !partitioned && !clause::is_valid(&key.options) {
            self.cannot(
                name,
                format!(
                    "{} is invalid, and no statement creates an invalid index",
                    key.name
                ),
            );
        }
        if key.constraint {
            let only = if incomplete { "ONLY " } else { "" };
            let clause = clause::key_constraint(key);
            self.say(name, format!("ALTER TABLE {only}{table} ADD {clause}"));
        } else {
            self.say(name, clause::create_index(key, name.table, incomplete));
        }
        if !is_new && !on_view {
            if matches!(
                key.kind,
                KeyKind::Primary | KeyKind::Unique | KeyKind::Exclusion
            ) {
                self.risk(
                    Hazard::MayFail,
                    "it fails if existing rows have equal values",
                );
            }
            self.risk(Hazard::Lock, "writers wait until the index is built");
        }
        self.finish_key(name, key, None, on_view);
    }

    /// The settings of a key that need statements of their own.
    pub fn finish_key(
        &mut self,
        name: Name<'s>,
        key: &'s Key,
        old: Option<&'s Key>,
        on_view: bool,
    ) {
        let none = Options::new();
        let before = old.map_or(&none, |old| &old.options);
        let own = quote(&key.name);
        let on = if on_view {
            format!("MATERIALIZED VIEW {}", quote(name.table))
        } else {
            format!("TABLE {}", quote(name.table))
        };
        match (
            before.contains_key("clustered"),
            key.options.contains_key("clustered"),
        ) {
            (false, true) => drop(self.say(name, format!("ALTER {on} CLUSTER ON {own}"))),
            (true, false) => drop(self.say(name, format!("ALTER {on} SET WITHOUT CLUSTER"))),
            _ => {}
        }
        let parent = key.options.get("attached");
        if parent != before.get("attached") {
            self.attach_key(name, key);
        }
        let old_comment = old.and_then(|old| old.comment.as_deref());
        let on = if key.constraint {
            format!("CONSTRAINT {own} ON {}", quote(name.table))
        } else {
            format!("INDEX {own}")
        };
        self.comment(name, old_comment, key.comment.as_deref(), &on);
        let index = "comment of the index";
        let (old, new) = (before.get(index), key.options.get(index));
        let on = format!("INDEX {own}");
        self.comment(name, old.map(String::as_str), new.map(String::as_str), &on);
    }

    /// Whether a partition's key is attached by its parent's, because that or the partition is new.
    fn attach_key(&mut self, name: Name<'s>, key: &'s Key) {
        let table = self.plan.new.tables.get(name.table).copied();
        let table = present(table, "the table of a new key is in the new schema");
        let (Some(parent), Some(link)) = (key.options.get("attached"), table.parents.first())
        else {
            return;
        };
        let link_comes = self
            .plan
            .action(&Name::new(Class::Parent, &table.name, &link.table));
        let theirs = Name::new(Class::Key, &link.table, parent);
        let comes = |action: Action| matches!(action, Action::Create | Action::Rebuild);
        if comes(link_comes) {
            return;
        }
        let incomplete = self.plan.new.get(&theirs).is_some_and(
            |node| matches!(node.part, super::Part::Key(key, _) if !clause::is_valid(&key.options)),
        );
        if comes(self.plan.action(&theirs)) && !incomplete {
            return;
        }
        let (parent, own) = (quote(parent), quote(&key.name));
        self.say(name, format!("ALTER INDEX {parent} ATTACH PARTITION {own}"));
    }

    pub fn alter_key(&mut self, name: Name<'s>, old: &'s Key, new: &'s Key, on_view: bool) {
        let own = quote(&new.name);
        for sql in parameter_changes(&old.options, &new.options) {
            self.say(name, format!("ALTER INDEX {own} {sql}"));
        }
        if old.options.get("tablespace") != new.options.get("tablespace") {
            let space = new
                .options
                .get("tablespace")
                .map_or("pg_default", String::as_str);
            let space = quote(space);
            self.say(name, format!("ALTER INDEX {own} SET TABLESPACE {space}"));
        }
        self.finish_key(name, new, Some(old), on_view);
    }

    pub fn add_foreign_key(&mut self, name: Name<'s>, key: &'s ForeignKey) {
        let to = self.quoted_table(&key.to);
        let clause = clause::foreign_key(key, &to);
        self.say(
            name,
            format!("ALTER TABLE {} ADD {clause}", quote(name.table)),
        );
        if self.plan.old.get(&Name::table(name.table)).is_some() {
            let why = format!("it fails if an existing row has no parent in {}", key.to);
            self.risk(Hazard::MayFail, why);
            self.risk(
                Hazard::Lock,
                "writers of both tables wait while the server checks the rows",
            );
        }
        self.comment_constraint(name, None, key.comment.as_deref());
    }

    pub fn alter_foreign_key(&mut self, name: Name<'s>, old: &'s ForeignKey, new: &'s ForeignKey) {
        let alter = format!("ALTER TABLE {}", quote(name.table));
        let own = quote(&new.name);
        if old.options.get("deferrable") != new.options.get("deferrable") {
            let words = match new.options.get("deferrable") {
                Some(deferral) => format!("DEFERRABLE {deferral}"),
                None => "NOT DEFERRABLE".to_owned(),
            };
            self.say(name, format!("{alter} ALTER CONSTRAINT {own} {words}"));
        }
        if clause::is_valid(&old.options) != clause::is_valid(&new.options) {
            self.say(name, format!("{alter} VALIDATE CONSTRAINT {own}"));
            self.risk(Hazard::MayFail, "it fails if an existing row violates it");
        }
        self.comment_constraint(name, old.comment.as_deref(), new.comment.as_deref());
    }

    pub fn add_check(&mut self, name: Name<'s>, check: &'s Check) {
        let clause = clause::check(check);
        self.say(
            name,
            format!("ALTER TABLE {} ADD {clause}", quote(name.table)),
        );
        if clause::is_valid(&check.options) && self.plan.old.get(&Name::table(name.table)).is_some()
        {
            self.risk(Hazard::MayFail, "it fails if an existing row violates it");
            self.risk(
                Hazard::Lock,
                "the table is locked while the server checks all rows",
            );
        }
        self.comment_constraint(name, None, check.comment.as_deref());
    }

    pub fn alter_check(&mut self, name: Name<'s>, old: &'s Check, new: &'s Check) {
        if clause::is_valid(&old.options) != clause::is_valid(&new.options) {
            let (table, own) = (quote(name.table), quote(&new.name));
            self.say(
                name,
                format!("ALTER TABLE {table} VALIDATE CONSTRAINT {own}"),
            );
            self.risk(Hazard::MayFail, "it fails if an existing row violates it");
        }
        self.comment_constraint(name, old.comment.as_deref(), new.comment.as_deref());
    }

    pub fn attach(&mut self, name: Name<'s>, table: &'s Table, parent: &'s Parent) {
        let (own, to) = (quote(&table.name), self.quoted_table(&parent.table));
        match &parent.bound {
            Some(bound) => {
                self.say(
                    name,
                    format!("ALTER TABLE {to} ATTACH PARTITION {own} {bound}"),
                );
            }
            None => {
                self.say(name, format!("ALTER TABLE {own} INHERIT {to}"));
            }
        }
        if self.plan.old.get(&Name::table(&table.name)).is_some() {
            self.risk(
                Hazard::MayFail,
                "it fails if its columns or rows do not match",
            );
        }
    }
}
