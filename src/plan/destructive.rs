//! Destructive statements: those that lose existing data need consent.
//!
//! No data is lost with a table that the same plan created, nor with one whose rows were copied
//! into the table that takes over its name: that is how a table is rebuilt. A database without
//! tables has none to lose, whatever `IF EXISTS` and `IF NOT EXISTS` leave open, and a table that is not
//! there has no rows.

use crate::model::code::Code;
use std::collections::{HashMap, HashSet};

use crate::dialect::Dialect;
use crate::dialect::statement::{NewTable, StatementEffect, row_copy, table_effects};
use crate::sql::Name;

/// A statement that loses data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DestructiveStatement {
    /// Its number among those that were given, from 0.
    pub statement: usize,
    /// The consent that it needs.
    pub consent: Code,
    /// What it does, as a predicate: ``drops the table `users` ``.
    pub what: String,
    /// The table, as the statement names it.
    pub table: Option<String>,
}

/// The destructive ones of statements that run one after the other. `home` is the default
/// qualifier of a table, see [`Literals::default_qualifier`](crate::dialect::Literals::default_qualifier).
#[must_use]
pub fn destructive_statements(
    dialect: &dyn Dialect,
    home: &str,
    statements: &[&str],
) -> Vec<DestructiveStatement> {
    KnownTables::default().file(dialect, home, statements, 0)
}

/// The tables of a database as far as its pending files show them.
#[derive(Debug, Default)]
pub struct KnownTables {
    /// Whether the database had no tables before these files.
    was_empty: bool,
    /// Those that the database did not have before these files, by qualifier and name.
    absent: HashSet<(String, String)>,
    known: Vec<Table>,
    /// By qualifier and name; `None` for one that certainly does not exist.
    named: HashMap<(String, String), Option<usize>>,
}

#[derive(Debug, Default)]
struct Table {
    /// Whether this plan created it.
    made: bool,
    /// Whether it is dropped with its session.
    temporary: bool,
    /// Every name that it has had.
    names: Vec<(String, String)>,
    /// The tables whose rows were copied into it.
    filled_from: Vec<usize>,
}

impl KnownTables {
    /// The tables of a database that has none yet, or of any other.
    #[must_use]
    pub fn new(was_empty: bool) -> Self {
        KnownTables {
            was_empty,
            ..KnownTables::default()
        }
    }

    /// The tables of a database that does not have these, as statements name them.
    #[must_use]
    pub fn without(mut self, home: &str, absent: &[String]) -> Self {
        let absent = absent.iter().map(|table| match table.split_once('.') {
            Some((qualifier, table)) => (qualifier.to_owned(), table.to_owned()),
            None => (home.to_owned(), table.clone()),
        });
        self.absent.extend(absent);
        self
    }

    /// The destructive statements of one file. Those before `from` were applied by an earlier run,
    /// so only the tables that they created count.
    pub fn file(
        &mut self,
        dialect: &dyn Dialect,
        home: &str,
        statements: &[&str],
        from: usize,
    ) -> Vec<DestructiveStatement> {
        let effects: Vec<Vec<StatementEffect>> = statements
            .iter()
            .map(|sql| table_effects(dialect, sql))
            .collect();
        let is_drop = |effect: &StatementEffect| matches!(effect, StatementEffect::DropTable(_));
        // Copies of rows matter only if a table is dropped.
        let copies = effects.iter().flatten().any(is_drop);
        let mut file = File {
            tables: self,
            temporary: dialect.syntax().grammar.temporary,
            home,
            dropped: Vec::new(),
            losses: Vec::new(),
        };
        for (statement, (sql, effects)) in statements.iter().zip(effects).enumerate() {
            for effect in effects {
                file.apply(statement, effect, statement < from);
            }
            if copies && let Some(copy) = row_copy(dialect, sql) {
                file.copy(&copy.to, &copy.from);
            }
        }
        let File {
            dropped,
            mut losses,
            ..
        } = file;
        let lost = dropped
            .into_iter()
            .filter(|(table, loss)| loss.statement >= from && !self.is_rebuilt(*table));
        losses.extend(lost.map(|(_, loss)| loss));
        losses.sort_by_key(|loss| loss.statement);
        losses.retain(|loss| loss.statement >= from);
        let known = &self.known;
        self.named.retain(|_, table| {
            let table = table.and_then(|at| known.get(at));
            !table.is_some_and(|table| table.temporary)
        });
        losses
    }

    /// Whether another table has its rows and one of its names.
    fn is_rebuilt(&self, table: usize) -> bool {
        let old = &self.known[table];
        self.known.iter().any(|new| {
            new.filled_from.contains(&table)
                && new.names.iter().any(|name| old.names.contains(name))
        })
    }
}

/// The state while one file is read.
struct File<'f> {
    tables: &'f mut KnownTables,
    temporary: Option<&'static str>,
    home: &'f str,
    /// The tables that were dropped, each with its statement, which loses nothing if the table is
    /// rebuilt.
    dropped: Vec<(usize, DestructiveStatement)>,
    losses: Vec<DestructiveStatement>,
}

impl File<'_> {
    fn key(&self, name: &Name) -> (String, String) {
        let home = name.qualifier().unwrap_or(self.home);
        (home.to_owned(), name.last().to_owned())
    }

    /// The table of a name; one that no file created existed before, unless the database was empty.
    fn table(&mut self, name: &Name) -> usize {
        let key = self.key(name);
        match self.tables.named.get(&key) {
            Some(Some(at)) => *at,
            _ => {
                let was_empty = self.tables.was_empty && key.0 == self.home;
                let made = was_empty || self.tables.absent.contains(&key);
                self.make(key, made, false)
            }
        }
    }

    fn make(&mut self, key: (String, String), made: bool, temporary: bool) -> usize {
        let at = self.tables.known.len();
        self.tables.known.push(Table {
            made,
            temporary,
            names: vec![key.clone()],
            filled_from: Vec::new(),
        });
        self.tables.named.insert(key, Some(at));
        at
    }

    /// Whether the table holds no older data: it is new or temporary.
    fn is_new(&mut self, name: &Name) -> bool {
        let temporary = self.temporary.is_some() && name.qualifier() == self.temporary;
        let table = self.table(name);
        temporary || self.tables.known.get(table).is_some_and(|table| table.made)
    }

    fn lose(&mut self, statement: usize, consent: Code, what: String, table: Option<Name>) {
        self.losses.push(DestructiveStatement {
            statement,
            consent,
            what,
            table: table.map(|table| table.parts.join(".")),
        });
    }

    fn apply(&mut self, statement: usize, effect: StatementEffect, done: bool) {
        match effect {
            // Its session has ended, and the table with it.
            StatementEffect::CreateTable(table) if table.temporary && done => {}
            StatementEffect::CreateTable(table) => self.create(statement, table),
            StatementEffect::RenameTable { from, to } => {
                let table = self.table(&from);
                let (from, to) = (self.key(&from), self.key(&to));
                self.tables.named.insert(from, None);
                self.tables.named.insert(to.clone(), Some(table));
                if let Some(table) = self.tables.known.get_mut(table) {
                    table.names.push(to);
                }
            }
            StatementEffect::DropTable(name) => {
                let (new, table) = (self.is_new(&name), self.table(&name));
                self.tables.named.insert(self.key(&name), None);
                if !new {
                    let loss = DestructiveStatement {
                        statement,
                        consent: Code::DropTable,
                        what: format!("drops the table {name}"),
                        table: Some(name.parts.join(".")),
                    };
                    self.dropped.push((table, loss));
                }
            }
            StatementEffect::DropDatabase { name, kind } => {
                let what = format!("drops the {kind} {name} and everything in it");
                self.lose(statement, Code::DataLoss, what, None);
            }
            StatementEffect::DropColumn { table, column } => {
                let what = format!("drops the column {column} of {table}");
                self.lose_data(statement, what, Some(table));
            }
            StatementEffect::DeleteRows { table, what } => {
                self.lose_data(statement, what, Some(table));
            }
            StatementEffect::LoseData { table, what } => self.lose_data(statement, what, table),
            StatementEffect::AddColumn { .. }
            | StatementEffect::RenameColumn { .. }
            | StatementEffect::SetColumnType { .. }
            | StatementEffect::CopyRows(_) => {}
        }
    }

    fn create(&mut self, statement: usize, table: NewTable) {
        let key = self.key(&table.name);
        let known = self.tables.named.get(&key).copied();
        let absent = known == Some(None);
        if table.or_replace {
            if !absent && !self.is_new(&table.name) {
                let what = format!("replaces the table {} with a new one", table.name);
                self.lose(statement, Code::DropTable, what, Some(table.name));
            }
            self.make(key, true, false);
        } else if !table.if_not_exists || absent {
            self.make(key, true, table.temporary);
        }
    }

    /// Records a loss of data unless the table is new.
    fn lose_data(&mut self, statement: usize, what: String, table: Option<Name>) {
        let new = table.as_ref().is_some_and(|table| self.is_new(table));
        if !new {
            self.lose(statement, Code::DataLoss, what, table);
        }
    }

    /// Records a copy of rows; rows that a source received earlier are copied with it.
    fn copy(&mut self, to: &Name, sources: &[Name]) {
        let mut filled_from = Vec::new();
        for source in sources {
            let source = self.table(source);
            filled_from.push(source);
            let before = self.tables.known.get(source);
            filled_from.extend(before.map_or(&[][..], |table| &table.filled_from));
        }
        let to = self.table(to);
        if let Some(table) = self.tables.known.get_mut(to) {
            table.filled_from.extend(filled_from);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::by_scheme;

    /// The tables that statements lose in a database that had none.
    fn lost_when_empty(engine: &str, schema: Option<&str>, statements: &[&str]) -> Vec<String> {
        let dialect = by_scheme(engine).expect("an engine");
        let home = dialect.default_qualifier("ums", schema);
        let losses = KnownTables::new(true).file(dialect, home, statements, 0);
        losses.into_iter().filter_map(|loss| loss.table).collect()
    }

    #[test]
    fn an_empty_database_loses_nothing_of_its_own() {
        let statements = [
            "DROP TABLE IF EXISTS users",
            "CREATE TABLE IF NOT EXISTS users (id INT, nick INT)",
            "ALTER TABLE users DROP COLUMN nick",
            "DELETE FROM users",
            "DROP TABLE users",
            "DROP TABLE IF EXISTS users",
        ];
        for engine in ["mysql", "postgres", "sqlite"] {
            assert_eq!(
                lost_when_empty(engine, None, &statements),
                Vec::<String>::new()
            );
        }
    }

    #[test]
    fn other_schemas_and_databases_may_hold_rows() {
        let elsewhere = ["DROP TABLE IF EXISTS audit.log"];
        assert_eq!(lost_when_empty("postgres", None, &elsewhere), ["audit.log"]);
        assert_eq!(lost_when_empty("mysql", None, &elsewhere), ["audit.log"]);
        let own = ["DROP TABLE IF EXISTS audit.log", "DROP TABLE public.log"];
        assert_eq!(
            lost_when_empty("postgres", Some("audit"), &own),
            ["public.log"]
        );
    }
}
