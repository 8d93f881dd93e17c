//! What takes each statement of a migration back when bird computes the undo: the difference of the
//! schemas, a rename, another statement, or nothing.

mod conversions;
mod derived;
mod effects;
mod objects;
mod rows;

use crate::dialect::Dialect;
use crate::dialect::statement::{self, Head, StatementEffect, row_copy};
use crate::model::change::Renamed;
use crate::model::code::Code;
use crate::model::diagnostic::Diagnostic;
use crate::model::migration::Migration;
use crate::model::schema::Id;
use crate::model::script::Script;
use crate::sql::{Cursor, Name, Syntax};

use super::prior::conditionals;
use super::{KnownTables, in_file};
pub use conversions::loses_values;
use objects::{Objects, PartId};

/// What takes a statement back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reversal {
    /// It leaves nothing behind.
    Unneeded,
    /// The statements that lead from the schema after the migration to the one before it.
    Difference,
    /// The new names become the old ones.
    Rename,
    /// The undo drops what it was done to, or that is gone already: which.
    With(String),
    /// This statement, which follows from its text.
    Statement(String),
    /// Nothing has to: this was there before the migration.
    WasThere(String),
    /// Nothing; what the statement did, as a predicate: ``inserts rows into `fees` ``.
    Stays(String),
}

impl Reversal {
    /// What takes the statement back, in words.
    #[must_use]
    pub fn by(&self) -> String {
        match self {
            Reversal::Unneeded => "leaves nothing to undo".to_owned(),
            Reversal::Difference => "the difference of the schemas".to_owned(),
            Reversal::Rename => "renaming back".to_owned(),
            Reversal::With(what) => format!("goes with {what}"),
            Reversal::Statement(sql) => sql.split_whitespace().collect::<Vec<_>>().join(" "),
            Reversal::WasThere(what) => format!("stays: {what} was there before"),
            Reversal::Stays(what) => format!("nothing: it {what}"),
        }
    }

    /// What the statement did, if nothing takes it back.
    #[must_use]
    pub fn stays(&self) -> Option<&str> {
        match self {
            Reversal::Stays(what) => Some(what),
            _ => None,
        }
    }
}

/// A migration whose undo was computed: what takes back each of its statements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    pub version: i64,
    pub name: String,
    pub statements: Vec<Accounted>,
}

/// A statement and what takes it back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accounted {
    /// Its number, from 1.
    pub statement: usize,
    /// Its line in the migration.
    pub line: u32,
    pub reversal: Reversal,
}

impl Account {
    #[must_use]
    pub fn new(file: &Migration, script: &Script, reversals: Vec<Reversal>) -> Self {
        let statements = reversals.into_iter().zip(&script.statements).enumerate();
        let statements = statements.map(|(at, (reversal, statement))| Accounted {
            statement: at + 1,
            line: statement.place.line,
            reversal,
        });
        Account {
            version: file.version,
            name: file.name.clone(),
            statements: statements.collect(),
        }
    }
}

/// What is known of a statement before the rest of its migration is read.
#[derive(Debug)]
pub enum Found {
    Known(Reversal),
    /// It did this to objects, and nothing else.
    Objects {
        objects: Vec<usize>,
        did: String,
    },
    /// It changed these columns in rows.
    Columns {
        columns: Vec<PartId>,
        did: String,
    },
    /// It copied rows from tables into this one.
    Copy {
        to: usize,
        from: Vec<usize>,
        did: String,
    },
}

/// Reads the statements of the migrations to take back, the oldest first.
pub struct Reversals<'d> {
    dialect: &'d dyn Dialect,
    database: &'d str,
    home: &'d str,
    tables: KnownTables,
    objects: Objects<'d>,
}

impl<'d> Reversals<'d> {
    /// `database` is its name on its server.
    #[must_use]
    pub fn new(dialect: &'d dyn Dialect, database: &'d str, schema: Option<&'d str>) -> Self {
        let home = dialect.default_qualifier(database, schema);
        Reversals {
            dialect,
            database,
            home,
            tables: KnownTables::default(),
            objects: Objects::new(dialect, home),
        }
    }

    /// Reads the statements of one migration. `withheld` says why no scratch database ran one.
    pub fn file(
        &mut self,
        statements: &[&str],
        withheld: impl Fn(usize) -> Option<String>,
    ) -> Vec<Found> {
        let losses = self.tables.file(self.dialect, self.home, statements, 0);
        let mut all = Vec::with_capacity(statements.len());
        for (at, sql) in statements.iter().enumerate() {
            let lost = losses.iter().filter(|loss| loss.statement == at);
            let mut lost: Vec<&str> = lost.map(|loss| loss.what.as_str()).collect();
            if self.objects.drops_new_columns(self.dialect, sql) {
                lost.clear();
            }
            let earlier = statements.get(..at).unwrap_or_default();
            let found = self.statement(sql, &lost, earlier, withheld(at));
            all.push(found);
            self.objects.learn(self.dialect, sql);
        }
        all
    }

    /// What takes a statement back, once all migrations are read.
    #[must_use]
    pub fn reversal(&self, found: &Found) -> Reversal {
        let objects = &self.objects;
        match found {
            Found::Known(reversal) => reversal.clone(),
            Found::Objects { objects: of, did } => {
                if !of.is_empty() && of.iter().all(|at| objects.is_gone(*at)) {
                    Reversal::With("its table".to_owned())
                } else {
                    Reversal::Stays(did.clone())
                }
            }
            Found::Columns { columns, did } => {
                if !columns.is_empty() && columns.iter().all(|it| objects.is_part_gone(*it)) {
                    Reversal::With("its column".to_owned())
                } else {
                    Reversal::Stays(did.clone())
                }
            }
            Found::Copy { to, from, did } => match objects.replaces(*to) {
                Some(old) if from.contains(&old) => Reversal::With("the rebuilt table".to_owned()),
                _ if objects.is_gone(*to) => Reversal::With("its table".to_owned()),
                _ => Reversal::Stays(did.clone()),
            },
        }
    }

    fn statement(
        &mut self,
        sql: &str,
        lost: &[&str],
        earlier: &[&str],
        withheld: Option<String>,
    ) -> Found {
        let mut words = Cursor::new(self.dialect.syntax(), sql);
        let verb = words.verb();
        if rows::WRITING.contains(&verb.as_str()) {
            return self.rows(&verb, words, sql);
        }
        if !lost.is_empty() {
            let lost = lost.join(" and ");
            return Found::Known(Reversal::Stays(format!("{lost}, whose data is lost")));
        }
        match verb.as_str() {
            "CREATE" | "ALTER" | "DROP" | "RENAME" | "COMMENT" => {
                self.definition(words, sql, withheld)
            }
            _ => match (self.other(&verb, words, earlier), withheld) {
                // No schema shows what it did.
                (Found::Known(Reversal::Difference), Some(why)) => {
                    Found::Known(Reversal::Stays(why))
                }
                (found, _) => found,
            },
        }
    }

    /// A statement about the schema.
    fn definition(&mut self, mut words: Cursor<'_>, sql: &str, withheld: Option<String>) -> Found {
        let known = |reversal| Found::Known(reversal);
        if effects::is_temporary(&words) {
            return known(Reversal::Unneeded);
        }
        if let Some(found) = self.beside_the_schema(&words) {
            return found;
        }
        let elsewhere = statement::other_database(self.dialect, sql, self.database)
            .or_else(|| self.other_schema(sql));
        if withheld.is_none() && elsewhere.is_none() {
            words.rewind();
            return known(if statement::renamings(self.dialect, sql).is_empty() {
                Reversal::Difference
            } else {
                Reversal::Rename
            });
        }
        if let Some(back) = derived::reverse(self.dialect, sql) {
            return known(Reversal::Statement(back));
        }
        let why = elsewhere.or(withheld).unwrap_or_default();
        known(Reversal::Stays(why))
    }

    /// The other schema of the database that a statement writes to, as a predicate.
    fn other_schema(&self, sql: &str) -> Option<String> {
        let grammar = &self.dialect.syntax().grammar;
        if grammar.parts < 3 {
            return None;
        }
        let targets = statement::write_targets(Cursor::head(self.dialect.syntax(), sql));
        let mut qualifiers = targets.objects.iter().filter_map(Name::qualifier);
        let other = qualifiers.find(|it| *it != self.home && Some(*it) != grammar.temporary)?;
        Some(format!("writes to another schema, `{other}`"))
    }
}

/// The renames that take the renames of statements back; `None` if one statement's renames cannot
/// be told from what others created under the old names.
#[must_use]
pub fn renames_back(
    dialect: &dyn Dialect,
    home: &str,
    statements: &[&str],
) -> Option<Vec<Renamed>> {
    let mut objects = Objects::new(dialect, home);
    for sql in statements {
        objects.learn(dialect, sql);
    }
    objects.back()
}

/// The numbers of statements, from 0, before which the schemas are compared too, so that renames and
/// what took the old names come apart: those that begin or end a run of renames.
#[must_use]
pub fn borders(dialect: &dyn Dialect, statements: &[&str]) -> Vec<usize> {
    let renames = |sql: &&str| !statement::renamings(dialect, sql).is_empty();
    let runs: Vec<bool> = statements.iter().map(renames).collect();
    let pairs = runs.windows(2).enumerate();
    let borders = pairs.filter(|(_, pair)| pair[0] != pair[1]);
    borders.map(|(at, _)| at + 1).collect()
}

/// The statements of a migration that nothing takes back and that nobody allows to stay: one
/// diagnostic for each kind of effect.
#[must_use]
pub fn not_undone(
    syntax: &Syntax,
    database: &str,
    file: &Migration,
    script: &Script,
    reversals: &[Reversal],
) -> Vec<Diagnostic> {
    let mut kinds: Vec<(&str, Vec<usize>)> = Vec::new();
    for (at, reversal) in reversals.iter().enumerate() {
        let Some(what) = reversal.stays() else {
            continue;
        };
        match kinds.iter_mut().find(|(known, _)| *known == what) {
            Some((_, statements)) => statements.push(at),
            None => kinds.push((what, vec![at])),
        }
    }
    let wanted = file.file.strip_suffix(".sql").unwrap_or(&file.file);
    let diagnostics = kinds.into_iter().map(|(what, statements)| {
        let first = statements.first().copied().unwrap_or_default();
        let span = script.statements.get(first).map(|it| it.range.clone());
        let more = match statements.len() {
            1 => String::new(),
            many => format!(" (and {} more like it)", many - 1),
        };
        let message = format!(
            "{database}: nothing undoes statement {}{more} of {}: it {what}",
            first + 1,
            file.title()
        );
        Diagnostic::new(Code::NotUndone, message)
            .database(database)
            .at(in_file(syntax, file, span.unwrap_or(0..0)))
            .consent(Code::NotUndone)
            .hint(format!(
                "write {wanted}.undo.sql, or --allow not-undone to leave what it did as it is"
            ))
    });
    diagnostics.collect()
}

/// Whether a migration itself allows that a statement is not undone.
#[must_use]
pub fn may_stay(script: &Script, statement: usize) -> bool {
    let own = script.statements.get(statement);
    let own = own.map_or(&[][..], |statement| &statement.allow);
    let mut all = script.allow.iter().chain(own);
    all.any(|allowed| allowed == Code::NotUndone.name())
}

/// Marks the statements that found in place what the undo keeps, and those that changed it. `is_known`
/// says whether it was certainly there before them.
pub fn mark_kept(
    dialect: &dyn Dialect,
    home: &str,
    (kept, is_known): (&[Id], bool),
    statements: &[&str],
    reversals: &mut [Reversal],
) {
    for (sql, reversal) in statements.iter().zip(reversals) {
        if !matches!(reversal, Reversal::Difference | Reversal::Rename) {
            continue;
        }
        let mut words = Cursor::head(dialect.syntax(), sql);
        let targets = statement::write_targets(words.clone()).objects;
        let creates = words.eat("CREATE");
        let replaces = Head::read(&mut words).is_some_and(|head| head.has("REPLACE"));
        let wanted = conditionals(dialect, home, sql);
        let mut all = kept.iter();
        let found = all.find(|part| wanted.iter().any(|it| it.may_be(part)));
        let is_kept = |name: &&Name| {
            let is_own = name.qualifier().is_none_or(|it| it == home);
            let mut kept = kept.iter().filter(|part| part.table.is_none());
            is_own && kept.any(|part| part.name.eq_ignore_ascii_case(name.last()))
        };
        let changed = targets.iter().find(is_kept);
        *reversal = match (found, changed, is_known) {
            (Some(part), _, true) if creates => Reversal::WasThere(part.to_string()),
            (Some(part), _, false) => Reversal::Stays(format!(
                "may have found {part} in place, so the undo keeps it"
            )),
            (None, Some(name), true) if creates && replaces => {
                Reversal::Stays(format!("replaces {name}, which was there before"))
            }
            (None, Some(name), false) => {
                Reversal::Stays(format!("changes {name}, which may have been there before"))
            }
            // What is known to be older is compared part by part.
            _ => continue,
        };
    }
}

/// Whether a statement gives a column of a table another type. Both names are in lower case.
#[must_use]
pub fn sets_type(dialect: &dyn Dialect, sql: &str, table: &str, column: &str) -> bool {
    let effects = statement::table_effects(dialect, sql);
    effects.iter().any(|effect| match effect {
        StatementEffect::SetColumnType {
            table: of,
            column: changed,
        } => of.last().to_lowercase() == table && changed.name == column,
        _ => false,
    })
}

/// The table of an `INSERT … SELECT`, and those that it reads.
fn copied(dialect: &dyn Dialect, sql: &str) -> Option<(Name, Vec<Name>)> {
    row_copy(dialect, sql).map(|copy| (copy.to, copy.from))
}
