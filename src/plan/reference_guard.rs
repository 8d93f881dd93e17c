//! Changes to referenced columns: what a declared reference points to or from is dropped, renamed,
//! retyped or emptied only with consent. No engine knows of the reference, so no engine refuses.
//!
//! Tables and columns are followed from file to file. What the same run created is not guarded,
//! and a table that is rebuilt with the same column counts as unchanged.

use std::collections::{HashMap, HashSet};

use crate::dialect::Dialect;
use crate::dialect::statement::{Column, NewTable, RowCopy, StatementEffect, effects};
use crate::model::reference::Reference;
use crate::sql::Name;

/// A statement that changes an end of a reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReferencedChange {
    /// Its number among those of its file, from 0.
    pub statement: usize,
    /// What it does, as a predicate.
    pub what: String,
    /// The references that need the column.
    pub notes: Vec<String>,
}

/// One end of a reference in this database.
#[derive(Debug, Clone)]
struct End<'r> {
    reference: &'r Reference,
    table: String,
    column: String,
    /// Whether this is the child's end, else the parent's.
    is_child: bool,
}

/// A table as far as the files show it.
#[derive(Debug, Clone, Default)]
struct Table {
    /// Whether this run created it.
    made: bool,
    /// By name: the type, and whether this run added the column.
    columns: HashMap<String, (String, bool)>,
    /// Whether these are all columns.
    complete: bool,
    /// The names, at the beginning of the file, of the tables whose rows it has.
    rows_of: Vec<(String, String)>,
}

/// The guarded tables of a database, followed from file to file.
#[derive(Debug)]
pub struct ReferenceGuard<'r> {
    ends: Vec<End<'r>>,
    home: String,
    /// Whether the database had no tables before this run.
    was_empty: bool,
    /// The names, in lower case, of tables that it did not have.
    absent: HashSet<String>,
    tables: HashMap<(String, String), Table>,
}

impl<'r> ReferenceGuard<'r> {
    /// Guards the ends that are in a database of this name; `home` is the default qualifier.
    pub fn new(database: &str, home: &str, references: &'r [Reference]) -> Self {
        let ends = references.iter().flat_map(|reference| {
            let from = reference.from.each().map(|name| (name, true));
            let both = from.chain(reference.to.each().map(|name| (name, false)));
            let here = both.filter(|(name, _)| name.database == database);
            here.map(move |(name, is_child)| End {
                reference,
                table: name.table.to_lowercase(),
                column: name.column.to_lowercase(),
                is_child,
            })
        });
        ReferenceGuard {
            ends: ends.collect(),
            home: home.to_lowercase(),
            was_empty: false,
            absent: HashSet::new(),
            tables: HashMap::new(),
        }
    }

    /// Sets whether the database had no tables before this run, and so no rows to guard.
    #[must_use]
    pub fn in_empty_database(mut self, was_empty: bool) -> Self {
        self.was_empty = was_empty;
        self
    }

    /// Sets the tables that the database did not have before this run, as statements name them.
    #[must_use]
    pub fn without(mut self, absent: &[String]) -> Self {
        let names = absent.iter().map(|table| table.to_lowercase());
        let own = names.filter_map(|name| match name.split_once('.') {
            Some((home, table)) => (home == self.home).then(|| table.to_owned()),
            None => Some(name),
        });
        self.absent = own.collect();
        self
    }

    /// Whether a file may be about a guarded table: only such files are read.
    pub fn concern(&self, text: &str) -> bool {
        if self.ends.is_empty() {
            return false;
        }
        let text = text.to_lowercase();
        let whole = ["database", "schema"]
            .iter()
            .any(|word| text.contains(word));
        whole || self.ends.iter().any(|end| text.contains(&end.table))
    }

    /// Follows the statements of an applied file.
    pub fn learn(&mut self, dialect: &dyn Dialect, statements: &[&str]) {
        for sql in statements {
            for effect in effects(dialect, sql) {
                self.apply(&effect, false);
            }
        }
    }

    /// The changes of a pending file's statements to the ends; those before `from` are applied.
    pub fn file(
        &mut self,
        dialect: &dyn Dialect,
        statements: &[&str],
        from: usize,
    ) -> Vec<ReferencedChange> {
        let mut found: Vec<(usize, Finding<'r>)> = Vec::new();
        for (key, table) in &mut self.tables {
            table.rows_of = vec![key.clone()];
        }
        let before = self.tables.clone();
        for (statement, sql) in statements.iter().enumerate() {
            for effect in effects(dialect, sql) {
                if statement >= from {
                    let new = self.findings(&effect).into_iter();
                    found.extend(new.map(|finding| (statement, finding)));
                }
                self.apply(&effect, true);
            }
        }
        self.drop_rebuilt(&before, &mut found);
        Self::merged(found)
    }

    fn key(&self, name: &Name) -> (String, String) {
        let home = name
            .qualifier()
            .map_or(self.home.clone(), str::to_lowercase);
        (home, name.last().to_lowercase())
    }

    /// The ends at a table that existed before this run, or at one of its columns.
    fn ends_at(&self, table: &Name, column: Option<&str>) -> Vec<End<'r>> {
        let key = self.key(table);
        let known = self.tables.get(&key);
        let is_new = self.was_empty || self.absent.contains(&key.1);
        if is_new || key.0 != self.home || known.is_some_and(|table| table.made) {
            return Vec::new();
        }
        let is_made = |column: &str| {
            let column = known.and_then(|table| table.columns.get(column));
            column.is_some_and(|(_, made)| *made)
        };
        let ends = self.ends.iter().filter(|end| {
            let same = column.is_none_or(|column| end.column == column);
            end.table == key.1 && same && !is_made(&end.column)
        });
        ends.cloned().collect()
    }

    /// The ends that an effect changes, each with what it does.
    fn findings(&self, effect: &StatementEffect) -> Vec<Finding<'r>> {
        let drop = |table: &Name| {
            let what = format!("drops the table {table}");
            (self.ends_at(table, None), what, true)
        };
        let (ends, what, gone) = match effect {
            StatementEffect::CreateTable(table) if table.or_replace => drop(&table.name),
            StatementEffect::DropTable(table) => drop(table),
            StatementEffect::CreateTable(_)
            | StatementEffect::CopyRows(_)
            | StatementEffect::AddColumn { .. }
            | StatementEffect::LoseData { .. } => return Vec::new(),
            StatementEffect::RenameTable { from, to } => {
                let what = format!("renames the table {from} to {to}");
                (self.ends_at(from, None), what, true)
            }
            StatementEffect::DeleteRows { table, what } => {
                (self.ends_at(table, None), what.clone(), false)
            }
            StatementEffect::DropDatabase { name, .. } => {
                let own = name.last().eq_ignore_ascii_case(&self.home);
                let ends = if own { self.ends.clone() } else { Vec::new() };
                let what = format!("drops {name} and everything in it");
                (ends, what, false)
            }
            StatementEffect::DropColumn { table, column } => {
                let column = column.last().to_lowercase();
                let what = format!("drops the column `{column}` of {table}");
                (self.ends_at(table, Some(&column)), what, false)
            }
            StatementEffect::RenameColumn { table, from, to } => {
                let what = format!("renames the column `{from}` of {table} to `{to}`");
                (self.ends_at(table, Some(from)), what, false)
            }
            StatementEffect::SetColumnType { table, column } => {
                let known = self.tables.get(&self.key(table));
                let known = known.and_then(|table| table.columns.get(&column.name));
                if known.is_some_and(|(sql, _)| *sql == column.sql) {
                    return Vec::new();
                }
                let was = known.map_or(String::new(), |(sql, _)| format!(" {sql}"));
                let name = &column.name;
                let what = format!(
                    "gives the column `{name}` of {table} the type {} in place of{}",
                    column.sql,
                    if was.is_empty() {
                        " its own".to_owned()
                    } else {
                        was
                    }
                );
                (self.ends_at(table, Some(name)), what, false)
            }
        };
        let finding = |end| Finding {
            end,
            what: what.clone(),
            gone,
        };
        ends.into_iter().map(finding).collect()
    }

    fn apply(&mut self, effect: &StatementEffect, now: bool) {
        match effect {
            StatementEffect::CreateTable(table) => self.create(table, now),
            StatementEffect::CopyRows(copy) => self.copy(copy),
            StatementEffect::DropTable(table) => {
                self.tables.remove(&self.key(table));
            }
            StatementEffect::RenameTable { from, to } => {
                let from = self.key(from);
                let table = self.known(from.clone()).clone();
                self.tables.remove(&from);
                self.tables.insert(self.key(to), table);
            }
            StatementEffect::DropDatabase { name, .. } => {
                if name.last().eq_ignore_ascii_case(&self.home) {
                    self.tables.clear();
                }
            }
            StatementEffect::DeleteRows { .. } | StatementEffect::LoseData { .. } => {}
            StatementEffect::AddColumn { table, column } => {
                let key = self.key(table);
                let known = self.known(key);
                let new = (column.sql.clone(), now);
                known.columns.entry(column.name.clone()).or_insert(new);
            }
            StatementEffect::DropColumn { table, column } => {
                let key = self.key(table);
                let column = column.last().to_lowercase();
                self.known(key).columns.remove(&column);
            }
            StatementEffect::RenameColumn { table, from, to } => {
                let key = self.key(table);
                let known = self.known(key);
                if let Some(column) = known.columns.remove(from) {
                    known.columns.insert(to.clone(), column);
                }
            }
            StatementEffect::SetColumnType { table, column } => {
                let key = self.key(table);
                let known = self.known(key);
                let made = known
                    .columns
                    .get(&column.name)
                    .is_some_and(|(_, made)| *made);
                let typed = (column.sql.clone(), made);
                known.columns.insert(column.name.clone(), typed);
            }
        }
    }

    fn create(&mut self, new: &NewTable, now: bool) {
        if new.temporary {
            return;
        }
        let key = self.key(&new.name);
        if new.or_replace {
            self.tables.remove(&key);
        }
        let like = new.like.as_ref().map(|like| self.key(like));
        let model = like.and_then(|like| self.tables.get(&like));
        let mut table = model.cloned().unwrap_or_default();
        table.rows_of.clear();
        for Column { name, sql } in new.columns.iter().flatten() {
            table.columns.insert(name.clone(), (sql.clone(), false));
        }
        table.complete |= new.columns.is_some();
        // With IF NOT EXISTS it may be an older table.
        table.made = now && !new.if_not_exists;
        self.tables.entry(key).or_insert(table);
    }

    fn copy(&mut self, copy: &RowCopy) {
        let mut rows = Vec::new();
        for from in &copy.from {
            let key = self.key(from);
            rows.extend_from_slice(&self.known(key).rows_of);
        }
        let key = self.key(&copy.to);
        self.known(key).rows_of.extend(rows);
    }

    /// The table of a name; one that no file created existed before.
    fn known(&mut self, key: (String, String)) -> &mut Table {
        self.tables.entry(key.clone()).or_insert_with(|| Table {
            rows_of: vec![key],
            ..Table::default()
        })
    }

    /// Drops the findings about rebuilt tables: a table that has the name and the rows of a guarded
    /// one at the end of a file has replaced it, and only its column counts.
    fn drop_rebuilt(
        &mut self,
        before: &HashMap<(String, String), Table>,
        found: &mut Vec<(usize, Finding<'r>)>,
    ) {
        let mut taken = Vec::new();
        found.retain_mut(|(_, finding)| {
            if !finding.gone {
                return true;
            }
            let end = &finding.end;
            let key = (self.home.clone(), end.table.clone());
            let new = self.tables.get(&key);
            let Some(new) = new.filter(|new| new.rows_of.contains(&key)) else {
                return true;
            };
            taken.push(key.clone());
            let old = before.get(&key).and_then(|old| old.columns.get(&end.column));
            match (old, new.columns.get(&end.column)) {
                (_, None) if !new.complete => false,
                (_, None) => {
                    finding.what = format!(
                        "rebuilds the table `{}` without the column `{}`",
                        end.table, end.column
                    );
                    true
                }
                (Some((old, _)), Some((new, _))) if old != new => {
                    finding.what = format!(
                        "rebuilds the table `{}`, whose column `{}` is then {new} in place of {old}",
                        end.table, end.column
                    );
                    true
                }
                _ => false,
            }
        });
        for key in taken {
            if let Some(table) = self.tables.get_mut(&key) {
                table.made = false;
            }
        }
    }

    /// Merges the findings of a statement that do the same to several references.
    fn merged(found: Vec<(usize, Finding<'r>)>) -> Vec<ReferencedChange> {
        let mut all: Vec<ReferencedChange> = Vec::new();
        for (statement, Finding { end, what, .. }) in found {
            let note = describe(end.reference, end.is_child);
            let same = all
                .iter_mut()
                .find(|one| one.statement == statement && one.what == what);
            match same {
                Some(one) if one.notes.contains(&note) => {}
                Some(one) => one.notes.push(note),
                None => all.push(ReferencedChange {
                    statement,
                    what,
                    notes: vec![note],
                }),
            }
        }
        all
    }
}

/// What a statement does, and whether it frees the table's name.
#[derive(Debug)]
struct Finding<'r> {
    end: End<'r>,
    what: String,
    gone: bool,
}

/// Describes a reference from one of its ends.
fn describe(reference: &Reference, is_child: bool) -> String {
    let Reference { from, to, .. } = reference;
    let place = reference.location.as_ref();
    let place = place.map_or(String::new(), |at| format!(" ({}:{})", at.file, at.line));
    if is_child {
        format!("{from} points from here to {to}{place}")
    } else {
        format!("{from} points here, to {to}{place}")
    }
}
