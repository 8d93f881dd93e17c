//! Creates and alters tables: partitions, options, parents.

use super::Writer;
use super::actions::Action;
use super::clause;
use super::clause::quote;
use super::nodes::{Class, Name, replica};
use crate::model::change::Hazard;
use crate::model::schema::{Column, Options, Table};

impl<'s> Writer<'_, 's> {
    pub fn create_table(&mut self, name: Name<'s>, table: &'s Table) {
        let plan = self.plan;
        let made_here = |part: &Name<'s>| plan.created_with.contains_key(part);
        let bare: Vec<&'s str> = self.bare_parents(table);
        let mut lines = Vec::new();
        let mut late: Vec<(Name<'s>, &'s Column)> = Vec::new();
        for column in &table.columns {
            let part = Name::column(&table.name, &column.name);
            if !made_here(&part) {
                continue;
            }
            if is_inherited(column) && !bare.is_empty() {
                late.push((part, column));
                continue;
            }
            lines.push(self.column_clause(table, column));
        }
        for key in &table.keys {
            if made_here(&Name::new(Class::Key, &table.name, &key.name)) {
                lines.push(clause::key_constraint(key));
            }
        }
        for check in &table.checks {
            if made_here(&Name::new(Class::Check, &table.name, &check.name)) {
                lines.push(clause::check(check));
            }
        }
        lines.extend(self.inherited_checks(table));
        self.say(name, create(table, &lines, &bare));
        for (part, column) in late {
            self.adjust_inherited(part, table, column);
        }
        self.finish_table(name, table);
    }

    /// The parents in a new table's INHERITS clause.
    fn bare_parents(&self, table: &'s Table) -> Vec<&'s str> {
        let parents = table.parents.iter().filter(|parent| parent.bound.is_none());
        parents.map(|parent| parent.table.as_str()).collect()
    }

    /// A partition is made with the checks of its parents, which it must have to become one.
    fn inherited_checks(&self, table: &'s Table) -> Vec<String> {
        let mut checks = Vec::new();
        let mut at = table;
        let mut known: Vec<&str> = table.checks.iter().map(|it| it.name.as_str()).collect();
        while let Some(parent) = at.parents.first().filter(|parent| parent.bound.is_some()) {
            let Some(parent) = self.plan.new.tables.get(parent.table.as_str()) else {
                break;
            };
            for check in &parent.checks {
                if !check.options.contains_key("inherit") && !known.contains(&check.name.as_str()) {
                    known.push(&check.name);
                    checks.push(clause::check(check));
                }
            }
            at = parent;
        }
        checks
    }

    /// The settings of an inherited column that differ from its parent's.
    fn adjust_inherited(&mut self, part: Name<'s>, table: &'s Table, column: &'s Column) {
        let inherited = table.parents.iter().find_map(|parent| {
            let parent = self.plan.new.tables.get(parent.table.as_str())?;
            parent.column(&column.name)
        });
        let Some(inherited) = inherited else { return };
        let alter = format!(
            "ALTER TABLE {} ALTER COLUMN {}",
            quote(&table.name),
            quote(&column.name)
        );
        if inherited.default != column.default && column.generated.is_none() {
            match &column.default {
                Some(default) => self.say(part, format!("{alter} SET DEFAULT {default}")),
                None => self.say(part, format!("{alter} DROP DEFAULT")),
            };
        }
        if inherited.nullable && !column.nullable {
            self.say(part, format!("{alter} SET NOT NULL"));
        }
    }

    /// The settings of a new table that need statements of their own.
    fn finish_table(&mut self, name: Name<'s>, table: &'s Table) {
        for (option, words) in [
            ("row security", "ENABLE ROW LEVEL SECURITY"),
            ("force row security", "FORCE ROW LEVEL SECURITY"),
        ] {
            if table.options.contains_key(option) {
                let own = quote(&table.name);
                self.say(name, format!("ALTER TABLE {own} {words}"));
            }
        }
        if let (None, Some(identity)) = (replica(table), table.options.get("replica identity")) {
            let own = quote(&table.name);
            self.say(
                name,
                format!("ALTER TABLE {own} REPLICA IDENTITY {identity}"),
            );
        }
        if let Some(of) = table.options.get("of") {
            self.say(name, format!("ALTER TABLE {} OF {of}", quote(&table.name)));
        }
        self.comment(
            name,
            None,
            table.comment.as_deref(),
            &format!("TABLE {}", quote(&table.name)),
        );
        for column in &table.columns {
            let part = Name::column(&table.name, &column.name);
            if self.plan.created_with.contains_key(&part) {
                self.finish_column(part, table, column, None);
            }
        }
        for key in &table.keys {
            let part = Name::new(Class::Key, &table.name, &key.name);
            if self.plan.created_with.contains_key(&part) {
                self.finish_key(part, key, None, false);
            }
        }
        for check in &table.checks {
            let part = Name::new(Class::Check, &table.name, &check.name);
            if self.plan.created_with.contains_key(&part) {
                self.comment_constraint(part, None, check.comment.as_deref());
            }
        }
    }

    pub fn alter_table(&mut self, name: Name<'s>, old: &'s Table, new: &'s Table) {
        let table = quote(&new.name);
        let option = |table: &'s Table, option: &str| table.options.get(option).map(String::as_str);
        if option(old, "persistence") != option(new, "persistence") {
            let word = option(new, "persistence").unwrap_or("LOGGED");
            self.say(name, format!("ALTER TABLE {table} SET {word}"));
            self.risk(Hazard::Rewrite, "the server rewrites the whole table");
            self.risk(Hazard::Lock, "nobody can read or write the table meanwhile");
        }
        if option(old, "access method") != option(new, "access method") {
            let method = quote(option(new, "access method").unwrap_or("heap"));
            self.say(
                name,
                format!("ALTER TABLE {table} SET ACCESS METHOD {method}"),
            );
            self.risk(Hazard::Rewrite, "the server rewrites the whole table");
        }
        if option(old, "tablespace") != option(new, "tablespace") {
            let space = quote(option(new, "tablespace").unwrap_or("pg_default"));
            self.say(name, format!("ALTER TABLE {table} SET TABLESPACE {space}"));
            self.risk(
                Hazard::Lock,
                "nobody can read or write the table while it is moved",
            );
        }
        for sql in parameter_changes(&old.options, &new.options) {
            self.say(name, format!("ALTER TABLE {table} {sql}"));
        }
        for (what, on, off) in [
            (
                "row security",
                "ENABLE ROW LEVEL SECURITY",
                "DISABLE ROW LEVEL SECURITY",
            ),
            (
                "force row security",
                "FORCE ROW LEVEL SECURITY",
                "NO FORCE ROW LEVEL SECURITY",
            ),
        ] {
            if option(old, what) != option(new, what) {
                let words = if option(new, what).is_some() { on } else { off };
                self.say(name, format!("ALTER TABLE {table} {words}"));
            }
        }
        if option(old, "of") != option(new, "of") {
            match option(new, "of") {
                Some(of) => self.say(name, format!("ALTER TABLE {table} OF {of}")),
                None => self.say(name, format!("ALTER TABLE {table} NOT OF")),
            };
        }
        let identity = |table: &'s Table| match replica(table) {
            Some(_) => None,
            None => option(table, "replica identity"),
        };
        if identity(old) != identity(new) && replica(new).is_none() {
            let words = identity(new).unwrap_or("DEFAULT");
            if replica(old).is_none() || identity(new).is_some() {
                self.say(
                    name,
                    format!("ALTER TABLE {table} REPLICA IDENTITY {words}"),
                );
            }
        }
        self.comment(
            name,
            old.comment.as_deref(),
            new.comment.as_deref(),
            &format!("TABLE {table}"),
        );
    }

    pub fn set_replica(&mut self, name: Name<'s>, table: &'s Table, _: Option<&'s Table>) {
        if let Some(identity) = table.options.get("replica identity") {
            let own = quote(&table.name);
            let name = Name::table(name.table);
            self.say(
                name,
                format!("ALTER TABLE {own} REPLICA IDENTITY {identity}"),
            );
        }
    }

    /// Whether a column changes with its parent's.
    pub fn follows_parent(&self, table: &Table, column: &str) -> bool {
        let (Some(old), Some(new)) = (
            self.plan.old.tables.get(table.name.as_str()),
            self.plan.new.tables.get(table.name.as_str()),
        ) else {
            return false;
        };
        let known = self.plan.new.tables.get_key_value(table.name.as_str());
        let Some((child, _)) = known else {
            return false;
        };
        new.parents.iter().any(|parent| {
            let link = Name::new(Class::Parent, child, &parent.table);
            let stays = old.parents.iter().any(|it| it.table == parent.table);
            let column = Name {
                class: Class::Column,
                table: &parent.table,
                name: column,
            };
            stays
                && self.plan.action(&link) == Action::Keep
                && self.plan.action(&column) != Action::Keep
        })
    }
}

/// Whether a column is only inherited.
pub fn is_inherited(column: &Column) -> bool {
    column
        .options
        .get("inherited")
        .is_some_and(|how| how == "only")
}

fn create(table: &Table, lines: &[String], parents: &[&str]) -> String {
    let persistence = match table.options.get("persistence") {
        Some(word) => format!("{word} "),
        None => String::new(),
    };
    let mut sql = format!("CREATE {persistence}TABLE {}", quote(&table.name));
    let body = if lines.is_empty() {
        "()".to_owned()
    } else {
        format!("(\n  {}\n)", lines.join(",\n  "))
    };
    sql.push_str(&format!(" {body}"));
    if !parents.is_empty() {
        let parents: Vec<String> = parents.iter().map(|parent| quote(parent)).collect();
        sql.push_str(&format!(" INHERITS ({})", parents.join(", ")));
    }
    if let Some(partitions) = &table.partitions {
        sql.push_str(&format!(" PARTITION BY {}", partitions.by));
    }
    if let Some(method) = table.options.get("access method") {
        sql.push_str(&format!(" USING {}", quote(method)));
    }
    sql.push_str(&clause::with(&table.options));
    if let Some(tablespace) = table.options.get("tablespace") {
        sql.push_str(&format!(" TABLESPACE {}", quote(tablespace)));
    }
    sql
}

/// `SET (...)` and `RESET (...)` for the storage parameters that differ.
pub fn parameter_changes(old: &Options, new: &Options) -> Vec<String> {
    let own = |name: &&String| name.starts_with("with ");
    let short = |name: &str| name.trim_start_matches("with ").to_owned();
    let mut changes = Vec::new();
    let set: Vec<String> = new
        .iter()
        .filter(|(name, value)| own(name) && old.get(*name) != Some(*value))
        .map(|(name, value)| format!("{}={}", short(name), clause::parameter_value(value)))
        .collect();
    if !set.is_empty() {
        changes.push(format!("SET ({})", set.join(", ")));
    }
    let gone: Vec<String> = old
        .keys()
        .filter(|name| own(name) && !new.contains_key(*name))
        .map(|name| short(name))
        .collect();
    if !gone.is_empty() {
        changes.push(format!("RESET ({})", gone.join(", ")));
    }
    changes
}
