//! The clauses for columns.

use std::collections::HashSet;

use super::{Builder, silence};
use crate::dialect::mysql::write::clause::{self, quote};
use crate::dialect::mysql::write::order::resting;
use crate::dialect::mysql::write::{filled, risk};
use crate::model::change::{Alter, Hazard, Pair};
use crate::model::schema::{Column, Table};

impl<'t> Builder<'t> {
    pub(super) fn drop_column(&mut self, column: &Column) {
        self.clauses
            .push(format!("DROP COLUMN {}", quote(&column.name)));
        let virtually = column.generated.is_some();
        if !virtually {
            let why = format!("the values of `{}` are lost", column.name);
            self.risk(Hazard::DataLoss, why);
        }
    }

    /// Drops a column that a generated column still needs while the statement changes that.
    pub(super) fn drop_column_later(&mut self, column: &Column) {
        let mut later = Builder::new(self.to, self.to, self.variant);
        later.drop_column(column);
        self.later.extend(later.finish());
    }

    /// Columns in the order of the new table, so that the column before each one is there already.
    pub(super) fn columns(&mut self, alters: &[Alter], recreated: &HashSet<&str>) {
        let names = |columns: &[Column], others: &[Column]| -> Vec<String> {
            let names = columns.iter().map(|column| column.name.clone());
            names
                .filter(|name| others.iter().any(|other| other.name == *name))
                .filter(|name| !recreated.contains(name.as_str()))
                .collect()
        };
        let old = names(&self.from.columns, &self.to.columns);
        let new = names(&self.to.columns, &self.from.columns);
        let rest = resting(&old, &new);
        let is_added = |column: &Column| {
            recreated.contains(column.name.as_str()) || self.from.column(&column.name).is_none()
        };
        let end = self.to.columns.iter().rposition(|column| !is_added(column));
        let tail = end.map_or(0, |at| at + 1);
        let added: Vec<bool> = self.to.columns.iter().map(is_added).collect();
        let mut before: Option<&str> = None;
        for (at, column) in self.to.columns.iter().enumerate() {
            let place = match before {
                None => " FIRST".to_owned(),
                Some(before) => format!(" AFTER {}", quote(before)),
            };
            before = Some(&column.name);
            if let Some(old) = self.spelled_before(&column.name) {
                self.spell_column(old, column, &place);
                continue;
            }
            if added.get(at) == Some(&true) {
                let place = if at >= tail { String::new() } else { place };
                self.add_column(column, &place, recreated);
                continue;
            }
            let modified = alters.iter().find_map(|alter| match alter {
                Alter::ModifyColumn(pair) if pair.to.name == column.name => Some(pair),
                _ => None,
            });
            let moved = !rest.contains(column.name.as_str());
            if modified.is_some() || moved {
                let place = if moved { place } else { String::new() };
                self.modify_column(column, &place, modified.map(AsRef::as_ref));
            }
        }
    }

    /// The name in the new table of a column that differs only in letter case, which the server
    /// ignores.
    pub(super) fn respelled(&self, old: &str) -> Option<&'t Column> {
        let lower = old.to_lowercase();
        let mut columns = self.to.columns.iter();
        let found = columns.find(|column| column.name.to_lowercase() == lower);
        found.filter(|column| column.name != old)
    }

    /// The column of the old table that [`Builder::respelled`] finds in the new one.
    fn spelled_before(&self, new: &str) -> Option<&'t Column> {
        let lower = new.to_lowercase();
        let mut columns = self.from.columns.iter();
        let found = columns.find(|column| column.name.to_lowercase() == lower);
        found.filter(|column| column.name != new)
    }

    fn spell_column(&mut self, old: &Column, new: &Column, place: &str) {
        let clause = clause::column(new, self.collation());
        let name = quote(&old.name);
        self.clauses
            .push(format!("CHANGE COLUMN {name} {clause}{place}"));
        self.silence(new);
        for (hazard, why) in risk::modified_column(old, new) {
            self.risk(hazard, why);
        }
    }

    /// The default collation of columns, if the statement does not change it.
    fn collation(&self) -> Option<&'t str> {
        let collation = |table: &'t Table| table.options.get("collation").map(String::as_str);
        collation(self.to).filter(|_| collation(self.to) == collation(self.from))
    }

    fn add_column(&mut self, column: &Column, place: &str, recreated: &HashSet<&str>) {
        let again = recreated.contains(column.name.as_str());
        if again {
            let drop = format!("DROP COLUMN {}", quote(&column.name));
            self.clauses.push(drop);
        }
        let filled = self.variant.adds_steady_defaults_only && filled::is_volatile(column);
        let first = filled.then(|| filled::without_default(column));
        let clause = clause::column(first.as_ref().unwrap_or(column), self.collation());
        self.clauses.push(format!("ADD COLUMN {clause}{place}"));
        self.silence(column);
        if filled {
            self.filled.push(column.name.clone());
            self.later.extend(filled::fill(self.from, self.to, column));
        }
        for (hazard, why) in risk::added_column(column, again) {
            self.risk(hazard, why);
        }
    }

    fn modify_column(&mut self, column: &Column, place: &str, pair: Option<&Pair<Column>>) {
        let clause = clause::column(column, self.collation());
        self.clauses.push(format!("MODIFY COLUMN {clause}{place}"));
        self.silence(column);
        match pair {
            Some(pair) => {
                for (hazard, why) in risk::modified_column(&pair.from, &pair.to) {
                    self.risk(hazard, why);
                }
            }
            None => self.risk(Hazard::Rewrite, "the order of the columns changes"),
        }
    }

    /// Drops the implicit default of a column that may be NULL.
    fn silence(&mut self, column: &Column) {
        if column.options.contains_key("default") {
            self.later.push(silence(self.to, column));
        }
    }
}
