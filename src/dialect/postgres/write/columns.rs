//! Creates and alters columns, their defaults and their identities.

use super::Writer;
use super::actions::Action;
use super::clause;
use super::clause::quote;
use super::nodes::{Class, Name, Part};
use super::plan::serial_of;
use super::tables::parameter_changes;
use crate::model::change::Hazard;
use crate::model::schema::{Column, Options, Table};

impl<'s> Writer<'_, 's> {
    /// The clause of a new column, with its default and its identity if they can be set with it.
    pub fn column_clause(&self, table: &'s Table, column: &'s Column) -> String {
        let comes_along = |class| {
            let name = Name::new(class, &table.name, &column.name);
            self.plan.created_with.contains_key(&name)
        };
        let serial = serial_of(&self.plan.new, &table.name, column)
            .is_some_and(|sequence| self.plan.created_with.contains_key(&sequence));
        let mut shown = column.clone();
        if serial {
            shown.identity = Some("serial".to_owned());
            return clause::column(&shown, false);
        }
        if !comes_along(Class::Default) {
            shown.default = None;
        }
        if !comes_along(Class::Identity) {
            shown.identity = None;
        }
        clause::column(&shown, false)
    }

    /// Whether a child's column is added or dropped with its parent's.
    pub fn comes_from_parent(&self, name: Name<'s>, part: Part<'s>) -> bool {
        let Part::Column(table, column) = part else {
            return false;
        };
        let action = self.plan.action(&Name::table(name.table));
        let stays = matches!(action, Action::Keep | Action::Alter);
        let theirs = table.parents.iter().any(|parent| {
            let name = Name::column(&parent.table, name.name);
            self.plan.action(&name) == self.plan.action(&Name::column(&table.name, name.name))
        });
        let mut parents = table.parents.iter();
        if parents.any(|parent| self.leaves_to_children(&parent.table, name.name)) {
            return false;
        }
        let marked = column.options.contains_key("inherited");
        stays && marked && theirs && self.follows_parent(table, name.name)
    }

    pub fn make_column(
        &mut self,
        name: Name<'s>,
        table: &'s Table,
        column: &'s Column,
        old: Option<&'s Column>,
    ) {
        match old {
            Some(old) => self.alter_column(name, table, old, column),
            None => self.add_column(name, table, column),
        }
    }

    fn add_column(&mut self, name: Name<'s>, table: &'s Table, column: &'s Column) {
        if self.comes_from_parent(name, Part::Column(table, column)) {
            return self.finish_inherited(name, table, column);
        }
        let clause = self.column_clause(table, column);
        let own = quote(&table.name);
        self.say(name, format!("ALTER TABLE {own} ADD COLUMN {clause}"));
        let numbered = column.identity.is_some() || clause.contains("serial");
        if column.generated.as_ref().is_some_and(|it| it.stored) || numbered {
            self.risk(Hazard::Rewrite, "the server rewrites the whole table");
        } else if column.default.as_ref().is_some_and(|it| is_volatile(it)) {
            self.risk(
                Hazard::Rewrite,
                "the server computes the default for every row",
            );
        }
        let filled = column.default.is_some() || column.generated.is_some() || numbered;
        if !column.nullable && !filled {
            let why = format!("existing rows have no value for {}", column.name);
            self.risk(Hazard::MayFail, why);
        }
        self.finish_column(name, table, column, None);
    }

    fn finish_inherited(&mut self, name: Name<'s>, table: &'s Table, column: &'s Column) {
        let parents = table.parents.iter();
        let mut theirs = parents.filter_map(|parent| {
            let parent = self.plan.new.tables.get(parent.table.as_str())?;
            parent.column(&column.name)
        });
        let inherited = theirs.next();
        let default = Name::new(Class::Default, &table.name, &column.name);
        if inherited.is_some_and(|it| it.default != column.default)
            && (column.default.is_none() || self.plan.created_with.contains_key(&default))
        {
            let only = self.only(&table.name);
            let sql = match &column.default {
                Some(default) => format!("SET DEFAULT {default}"),
                None => "DROP DEFAULT".to_owned(),
            };
            let (table, own) = (quote(&table.name), quote(&column.name));
            self.say(
                name,
                format!("ALTER TABLE {only}{table} ALTER COLUMN {own} {sql}"),
            );
        }
        self.finish_column(name, table, column, inherited);
    }

    /// What of a column is set by statements of its own. What a parent's column passes on is
    /// `inherited`, of which comments are no part.
    pub fn finish_column(
        &mut self,
        name: Name<'s>,
        table: &'s Table,
        column: &'s Column,
        inherited: Option<&'s Column>,
    ) {
        let none = Options::new();
        let old = inherited.map_or(&none, |column| &column.options);
        self.column_settings(name, old, column, true);
        let on = format!("COLUMN {}.{}", quote(&table.name), quote(&column.name));
        self.comment(name, None, column.comment.as_deref(), &on);
    }

    fn column_settings(&mut self, name: Name<'s>, old: &Options, column: &'s Column, is_new: bool) {
        let only = self.only(name.table);
        let (table, own) = (quote(name.table), quote(name.name));
        let new = &column.options;
        let alter = format!("ALTER TABLE {only}{table} ALTER COLUMN {own}");
        let differs = |option: &str| old.get(option) != new.get(option);
        if differs("storage") {
            let storage = match new.get("storage") {
                Some(storage) => storage,
                None => usual_storage(&column.sql),
            };
            self.say(name, format!("{alter} SET STORAGE {storage}"));
        }
        if differs("compression") && !is_new {
            let compression = new.get("compression").map_or("default", String::as_str);
            self.say(name, format!("{alter} SET COMPRESSION {compression}"));
        }
        if differs("statistics") {
            let statistics = new.get("statistics").map_or("-1", String::as_str);
            self.say(name, format!("{alter} SET STATISTICS {statistics}"));
        }
        for sql in parameter_changes(old, new) {
            self.say(name, format!("{alter} {sql}"));
        }
    }

    fn alter_column(&mut self, name: Name<'s>, table: &'s Table, old: &'s Column, new: &'s Column) {
        let inherited =
            new.options.contains_key("inherited") && self.follows_parent(table, name.name);
        let parents = table.parents.iter();
        let mut theirs = parents.filter_map(|parent| {
            let parent = self.plan.new.tables.get(parent.table.as_str())?;
            parent.column(&new.name)
        });
        let parent = theirs.next().filter(|_| inherited);
        if self.plan.action(&name) == Action::Retype
            && parent.is_none_or(|parent| parent.sql != new.sql)
        {
            self.retype(name, table, old, new);
        }
        let (own, column) = (quote(&table.name), quote(&new.name));
        let alter = format!("ALTER TABLE {own} ALTER COLUMN {column}");
        if old.generated.is_some() && new.generated.is_none() {
            self.say(name, format!("{alter} DROP EXPRESSION"));
        }
        let follows = parent.is_some_and(|parent| parent.nullable == new.nullable)
            && parent.is_some_and(|_| {
                table.parents.iter().any(|it| {
                    let theirs = self.plan.old.tables.get(it.table.as_str());
                    let theirs = theirs.and_then(|table| table.column(&new.name));
                    theirs.is_some_and(|column| column.nullable != new.nullable)
                })
            });
        if old.nullable != new.nullable && !follows {
            if new.nullable {
                self.say(name, format!("{alter} DROP NOT NULL"));
            } else {
                self.say(name, format!("{alter} SET NOT NULL"));
                let why = format!("existing rows may have NULL in {}", new.name);
                self.risk(Hazard::MayFail, why);
                self.risk(
                    Hazard::Lock,
                    "the table is locked while the server checks all rows",
                );
            }
        }
        let mut settings = old.options.clone();
        if self.plan.action(&name) == Action::Retype {
            // The new type brings its own storage.
            settings.remove("storage");
        }
        self.column_settings(name, &settings, new, false);
        let on = format!("COLUMN {own}.{column}");
        self.comment(name, old.comment.as_deref(), new.comment.as_deref(), &on);
    }

    pub fn set_default(
        &mut self,
        name: Name<'s>,
        table: &'s Table,
        column: &'s Column,
        _: Option<&'s Column>,
    ) {
        let Some(default) = &column.default else {
            return;
        };
        let only = self.only(&table.name);
        let (own, on) = (quote(&column.name), quote(&table.name));
        self.say(
            name,
            format!("ALTER TABLE {only}{on} ALTER COLUMN {own} SET DEFAULT {default}"),
        );
    }

    pub fn set_identity(
        &mut self,
        name: Name<'s>,
        table: &'s Table,
        column: &'s Column,
        old: Option<&'s Column>,
    ) {
        let (on, own) = (quote(&table.name), quote(&column.name));
        let alter = format!("ALTER TABLE {on} ALTER COLUMN {own}");
        let Some(old) = old else {
            let clause = clause::identity(column);
            self.say(name, format!("{alter} ADD {clause}"));
            return;
        };
        let mut sets = Vec::new();
        if old.identity != column.identity {
            let how = column.identity.as_deref().unwrap_or_default();
            sets.push(format!("SET GENERATED {how}"));
        }
        let options = |column: &Column| -> Options {
            let options = column.options.iter();
            let own = options.filter_map(|(name, value)| {
                let name = name.strip_prefix("sequence ")?;
                Some((name.to_owned(), value.clone()))
            });
            own.collect()
        };
        let (before, after) = (options(old), options(column));
        let clauses = sequence_changes(&before, &after, &old.sql, &column.sql);
        sets.extend(clauses.iter().map(|clause| match clause.as_str() {
            "RESTART" => clause.clone(),
            clause => format!("SET {clause}"),
        }));
        if !sets.is_empty() {
            self.say(name, format!("{alter} {}", sets.join(" ")));
        }
        let usual = format!("{}_{}_seq", table.name, column.name);
        let sequence = |options: &Options| options.get("name").cloned().unwrap_or(usual.clone());
        if sequence(&before) != sequence(&after) {
            let (before, after) = (quote(&sequence(&before)), quote(&sequence(&after)));
            self.say(name, format!("ALTER SEQUENCE {before} RENAME TO {after}"));
        }
    }
}

/// The clauses that change one sequence into another.
pub fn sequence_changes(old: &Options, new: &Options, from: &str, to: &str) -> Vec<String> {
    let mut clauses = Vec::new();
    let changed = |name: &str| old.get(name) != new.get(name);
    let down = new.get("increment").is_some_and(|it| it.starts_with('-'));
    let turned = old.get("increment").is_some_and(|it| it.starts_with('-')) != down;
    if changed("increment") {
        let step = new.get("increment").map_or("1", String::as_str);
        clauses.push(format!("INCREMENT BY {step}"));
    }
    let retyped = from != to || turned;
    // In numbers: what NO MAXVALUE means while the type changes too is not what it means alone.
    let (low, high) = bounds(to, down);
    for (name, word, usual) in [("minimum", "MINVALUE", low), ("maximum", "MAXVALUE", high)] {
        if changed(name) || retyped {
            let value = new.get(name).cloned();
            let value = value.unwrap_or_else(|| usual.to_string());
            clauses.push(format!("{word} {value}"));
        }
    }
    if changed("start") || changed("minimum") || changed("maximum") || retyped {
        let usual = if down {
            new.get("maximum").map_or("-1", String::as_str)
        } else {
            new.get("minimum").map_or("1", String::as_str)
        };
        let start = new.get("start").map_or(usual, String::as_str);
        clauses.push(format!("START WITH {start}"));
    }
    if turned || strays(old, new) {
        clauses.push("RESTART".to_owned());
    }
    if changed("cache") {
        let cache = new.get("cache").map_or("1", String::as_str);
        clauses.push(format!("CACHE {cache}"));
    }
    if changed("cycle") {
        let word = if new.contains_key("cycle") {
            "CYCLE"
        } else {
            "NO CYCLE"
        };
        clauses.push(word.to_owned());
    }
    clauses
}

/// The default bounds of a sequence.
pub fn bounds(kind: &str, down: bool) -> (i64, i64) {
    let (low, high) = match kind {
        "smallint" => (i64::from(i16::MIN), i64::from(i16::MAX)),
        "integer" => (i64::from(i32::MIN), i64::from(i32::MAX)),
        _ => (i64::MIN, i64::MAX),
    };
    if down { (low, -1) } else { (1, high) }
}

/// Whether a sequence that nobody used would stand outside of its new bounds.
fn strays(old: &Options, new: &Options) -> bool {
    let number = |options: &Options, name: &str| -> Option<i64> { options.get(name)?.parse().ok() };
    let start = number(old, "start").or(number(old, "minimum")).unwrap_or(1);
    number(new, "minimum").is_some_and(|min| start < min)
        || number(new, "maximum").is_some_and(|max| start > max)
}

/// Whether a default may differ from row to row, by its text.
fn is_volatile(default: &str) -> bool {
    let constant = ["now()", "CURRENT_", "LOCALTIME"];
    default.contains('(')
        && !constant.iter().any(|word| default.contains(word))
        && !default.starts_with('\'')
}

fn usual_storage(sql: &str) -> &'static str {
    let base = sql.split('(').next().unwrap_or_default().trim();
    match base {
        _ if sql.ends_with("[]") => "EXTENDED",
        "smallint" | "integer" | "bigint" | "boolean" | "date" | "uuid" | "real"
        | "double precision" | "timestamp" | "time" | "interval" | "oid" => "PLAIN",
        "numeric" | "inet" | "cidr" => "MAIN",
        _ => "EXTENDED",
    }
}
