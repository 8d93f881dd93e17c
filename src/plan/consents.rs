//! Consents that the statements of a database need: they lose data, write to another database, or
//! change what a declared reference needs.

use super::destructive::KnownTables;
use super::reference_guard::{ReferenceGuard, ReferencedChange};
use super::{Step, Subject};
use crate::dialect::statement::StatementEffect;
use crate::dialect::{Dialect, statement};
use crate::model::code::Code;
use crate::model::diagnostic::Diagnostic;
use crate::model::history::Direction;
use crate::model::migration::Migration;
use crate::sql::script;

/// The consent to change what a declared reference points to or from.
const REFERENCED: Code = Code::Referenced;

/// Checks the consents of one database's steps, in their order.
pub(super) struct Consents<'p> {
    subject: &'p Subject<'p>,
    allow: &'p [String],
    tables: KnownTables,
    guard: ReferenceGuard<'p>,
    /// Whether the guard has read the applied files.
    learned: bool,
    /// Whether an earlier statement may have put rows into a table that was found without any.
    moved: bool,
}

/// A statement that needs a consent.
struct Asked {
    statement: usize,
    consent: Code,
    /// What it does, in words.
    what: String,
    /// The tables that it drops or that lose rows.
    tables: Vec<String>,
}

impl<'p> Consents<'p> {
    pub(super) fn new(subject: &'p Subject<'p>, allow: &'p [String]) -> Self {
        let home = subject
            .dialect
            .default_qualifier(subject.database, subject.schema);
        let was_empty = subject.history.is_empty;
        let guard = ReferenceGuard::new(subject.name, home, subject.references);
        Consents {
            subject,
            allow,
            tables: KnownTables::new(was_empty).without(home, subject.absent),
            guard: guard.in_empty_database(was_empty).without(subject.absent),
            learned: false,
            moved: false,
        }
    }

    /// The changes of statements to what a reference needs.
    fn referenced_changes(&mut self, step: &Step, statements: &[&str]) -> Vec<ReferencedChange> {
        let subject = self.subject;
        if !self.guard.concern(&step.migration.text) {
            return Vec::new();
        }
        if !std::mem::replace(&mut self.learned, true) {
            let syntax = subject.dialect.syntax();
            let mut applied: Vec<&Migration> = subject.applied().collect();
            applied.retain(|file| self.guard.concern(&file.text));
            applied.sort_by_key(|file| file.version);
            for file in applied {
                if let Ok(script) = script::read(syntax, &file.text) {
                    let ranges = script.statements.iter().map(|one| one.range.clone());
                    let texts = ranges.filter_map(|range| file.text.get(range));
                    self.guard
                        .learn(subject.dialect, &texts.collect::<Vec<_>>());
                }
            }
        }
        self.guard.file(subject.dialect, statements, step.from)
    }

    /// The missing consents of a step's statements.
    pub(super) fn step(&mut self, step: &Step) -> Vec<Diagnostic> {
        let dialect = self.subject.dialect;
        let home = dialect.default_qualifier(self.subject.database, self.subject.schema);
        let count = step.script.statements.len();
        let statements: Vec<&str> = (0..count).map(|at| step.sql(at)).collect();
        let mut asked: Vec<Asked> = Vec::new();
        let changes = self.referenced_changes(step, &statements);
        for loss in self.tables.file(dialect, home, &statements, step.from) {
            match asked.last_mut() {
                // One statement may drop several tables.
                Some(last) if (last.statement, last.consent) == (loss.statement, loss.consent) => {
                    last.what.push_str(" and ");
                    last.what.push_str(&loss.what);
                    last.tables.extend(loss.table);
                }
                _ => asked.push(Asked {
                    statement: loss.statement,
                    consent: loss.consent,
                    what: loss.what,
                    tables: loss.table.into_iter().collect(),
                }),
            }
        }
        let pending = statements.iter().enumerate().skip(step.from);
        asked.extend(pending.filter_map(|(at, sql)| {
            let what = self.elsewhere(dialect, sql)?;
            Some(Asked {
                statement: at,
                consent: Code::OtherDatabase,
                what,
                tables: Vec::new(),
            })
        }));
        asked.sort_by_key(|one| one.statement);
        asked.retain(|one| !self.is_allowed(step, one.statement, one.consent));
        let without_rows = self.subject.without_rows;
        if !without_rows.is_empty() {
            let moving = first_move(dialect, &statements, step.from);
            let first = if self.moved {
                0
            } else {
                moving.unwrap_or(count)
            };
            self.moved |= moving.is_some();
            asked.retain(|one| {
                let named = one.tables.iter().all(|table| without_rows.contains(table));
                one.statement >= first || one.tables.is_empty() || !named
            });
        }
        let mut refused: Vec<Diagnostic> = asked
            .into_iter()
            .map(|one| self.refusal(step, one))
            .collect();
        let changes = changes
            .into_iter()
            .filter(|change| !self.is_allowed(step, change.statement, REFERENCED));
        refused.extend(changes.map(|change| self.referenced(step, change)));
        refused
    }

    /// A statement that loses data or writes to another database.
    fn refusal(&self, step: &Step, asked: Asked) -> Diagnostic {
        let (name, title) = (self.subject.name, step.migration.title());
        let (consent, number) = (asked.consent, asked.statement + 1);
        let message = format!("{name}: statement {number} of {title} {}", asked.what);
        let mut refusal = Diagnostic::new(consent, message)
            .database(name)
            .at(step.location(asked.statement))
            .consent(consent)
            .hint(self.ways_to_allow(step, consent));
        refusal.objects = asked.tables;
        refusal
    }

    /// The diagnostic about a change to what a reference needs.
    fn referenced(&self, step: &Step, change: ReferencedChange) -> Diagnostic {
        let (name, title) = (self.subject.name, step.migration.title());
        let ReferencedChange {
            statement,
            what,
            notes,
        } = change;
        let number = statement + 1;
        let message = format!(
            "{name}: statement {number} of {title} {what}, which a declared reference needs"
        );
        let mut refusal = Diagnostic::new(REFERENCED, message)
            .database(name)
            .at(step.location(statement))
            .consent(REFERENCED)
            .hint(format!(
                "first change [[references]] in bird.toml and the code that uses it; {}",
                self.ways_to_allow(step, REFERENCED)
            ));
        refusal.notes = notes;
        refusal
    }

    /// How to give a consent to a statement. Statements that bird computed are in no file that
    /// could hold a directive.
    fn ways_to_allow(&self, step: &Step, consent: Code) -> String {
        let mut files = self.subject.migrations.iter();
        let file = files.find(|file| file.version == step.migration.version);
        let undo = file.and_then(|file| file.undo.as_ref());
        let is_undo = step.direction == Direction::Undo;
        let instead = match undo.filter(|undo| is_undo && undo.computed) {
            Some(_) => "write the undo file by hand".to_owned(),
            None => format!("`-- bird: allow {consent}` on the line before the statement"),
        };
        format!("if this is intended: --allow {consent}, or {instead}")
    }

    fn elsewhere(&self, dialect: &dyn Dialect, sql: &str) -> Option<String> {
        statement::other_database(dialect, sql, self.subject.database)
    }

    fn is_allowed(&self, step: &Step, statement: usize, consent: Code) -> bool {
        let statement = step.script.statements.get(statement);
        let before = statement.map_or(&[][..], |statement| &statement.allow);
        let mut all = self.allow.iter().chain(&step.script.allow).chain(before);
        all.any(|allowed| allowed == consent.name())
    }
}

/// The first statement, from `from` on, after which a table that was empty may hold rows: it writes
/// rows, or gives a table another name.
fn first_move(dialect: &dyn Dialect, statements: &[&str], from: usize) -> Option<usize> {
    const DEFINING: &[&str] = &["CREATE", "ALTER", "DROP", "COMMENT", "PRAGMA"];
    let moves = |sql: &&str| {
        let first = script::words(dialect.syntax(), sql)
            .next()
            .unwrap_or_default();
        let defines = DEFINING.iter().any(|word| word.eq_ignore_ascii_case(first));
        let effects = statement::table_effects(dialect, sql);
        let renames =
            |effect: &StatementEffect| matches!(effect, StatementEffect::RenameTable { .. });
        !defines || effects.iter().any(renames)
    };
    let found = statements.iter().skip(from).position(moves)?;
    Some(from + found)
}
