//! Makes a step of a migration: checks its statements and finds where a partially applied one
//! continues.

use super::migration_state::{MigrationState, PartiallyApplied};
use super::{Problems, Step, Subject, in_file};
use crate::dialect::recovery::RecoveryClass;
use crate::dialect::runs_without_transaction;
use crate::model::code::Code;
use crate::model::consent::CONSENTS;
use crate::model::diagnostic::Diagnostic;
use crate::model::history::{Direction, Progress};
use crate::model::migration::Migration;
use crate::model::name::did_you_mean;
use crate::model::script::{Fault, Script};
use crate::sql::Cursor;
use crate::sql::script;

/// The words that classify a statement about rows, whose text may have megabytes.
const FIRST_WORDS: usize = 16;
/// The first words of such statements.
const ROWS: &[&str] = &["INSERT", "REPLACE", "UPDATE", "DELETE", "COPY"];

pub(super) fn step(
    subject: &Subject<'_>,
    migration: &Migration,
    direction: Direction,
    state: &MigrationState<'_>,
    untransactional: &mut Vec<String>,
    problems: &mut Problems,
) -> Option<Step> {
    let syntax = subject.dialect.syntax();
    let mut script = match script::read(syntax, &migration.text) {
        Ok(script) => script,
        Err(faults) => {
            let faults = faults
                .into_iter()
                .map(|fault| file_fault(subject, migration, fault));
            problems.failed.extend(faults);
            return None;
        }
    };
    script.no_transaction = runs_without_transaction(subject.dialect, &script, &migration.text);
    let transactional = subject.dialect.facts().transactional_ddl && !script.no_transaction;
    let mut step = Step {
        migration: migration.clone(),
        digests: Vec::with_capacity(script.statements.len()),
        from: 0,
        in_doubt: None,
        direction,
        recovery: Vec::with_capacity(script.statements.len()),
        transactional,
        rebuilt: Vec::new(),
        suspends_keys: false,
        switches_keys: false,
        changes_session: false,
        waits_for: Vec::new(),
        keep_sql: subject.keep_sql,
        script,
        syntax,
    };
    for statement in &step.script.statements {
        let sql = migration
            .text
            .get(statement.range.clone())
            .unwrap_or_default();
        let first = script::words(syntax, sql).next().unwrap_or_default();
        let of_rows = ROWS.iter().any(|word| word.eq_ignore_ascii_case(first));
        let read = if of_rows && untransactional.is_empty() {
            Cursor::cut(subject.dialect.syntax(), sql, FIRST_WORDS)
        } else {
            Cursor::new(subject.dialect.syntax(), sql)
        };
        let words = read.texts();
        let twice = step.script.idempotent || statement.idempotent;
        let effect = subject.dialect.recovery(&read);
        let own = !transactional
            && twice
            && matches!(effect, RecoveryClass::Begin | RecoveryClass::Commit);
        let switched = subject.dialect.switches_foreign_keys(&words);
        step.suspends_keys |= switched == Some(false);
        step.switches_keys |= switched.is_some();
        // In a transaction it does nothing, and bird does what it asks for.
        let idle = transactional && switched.is_some();
        let refusal = subject.dialect.forbid(&words);
        if let Some(refusal) = refusal.filter(|_| !own && !idle) {
            let message = format!("{} is not allowed in a migration", refusal.what);
            problems.refused.push(
                Diagnostic::new(Code::StatementRefused, message)
                    .database(subject.name)
                    .at(in_file(syntax, migration, statement.range.clone()))
                    .note(refusal.why)
                    .hint("remove the statement from the file"),
            );
        }
        step.rebuilt.extend(subject.dialect.rebuilt_tables(&words));
        step.suspends_keys |= !step.rebuilt.is_empty();
        step.changes_session |= may_change_session(&words, sql);
        let known = Exactly {
            subject,
            migration,
            transactional,
            twice,
            untransactional,
        };
        let range = statement.range.clone();
        let effect = known.effect(effect, &words, range, problems);
        // A copy of such a table is one too, and so is the table under a new name.
        if let RecoveryClass::AutoCommit(alone) = &effect
            && known.unsafe_name(&words).is_some()
        {
            let names = alone
                .objects
                .iter()
                .map(|object| object.parts.last().to_lowercase());
            untransactional.extend(names.collect::<Vec<_>>());
        }
        step.recovery.push(effect);
        untransactional.extend(subject.dialect.loses_transactions(&read));
        step.digests.push(script::digest(syntax, sql));
    }
    if !transactional && !step.rebuilt.is_empty() {
        let tables = step.rebuilt.join(", ");
        let message = format!(
            "{} drops or rebuilds {tables} without a transaction",
            step.migration.title()
        );
        problems.refused.push(
            Diagnostic::new(Code::RebuildWithoutTransaction, message)
                .database(subject.name)
                .at(in_file(syntax, migration, 0..0))
                .note(
                    "foreign keys would delete rows of other tables, and nothing could be rolled \
                    back",
                )
                .hint("put these statements into a migration without `-- bird: no-transaction`"),
        );
    }
    unknown_consents(subject, migration, &step.script, problems);
    let partial = |partial: &&PartiallyApplied| {
        partial.version == migration.version && partial.direction == direction
    };
    if let Some(partial) = state.partially_applied.iter().find(partial) {
        resume(subject.name, partial, &mut step, problems)?;
    }
    Some(step)
}

/// Reports consents that do not exist: a misspelt one would hide that the right one is missing.
fn unknown_consents(
    subject: &Subject<'_>,
    migration: &Migration,
    script: &Script,
    problems: &mut Problems,
) {
    let names = || CONSENTS.iter().map(|consent| consent.name());
    let of_file = script.allow.iter().map(|name| (name, 0..0));
    let of_statements = script.statements.iter().flat_map(|statement| {
        statement
            .allow
            .iter()
            .map(|name| (name, statement.range.clone()))
    });
    for (name, span) in of_file.chain(of_statements) {
        let (message, hint) = match CONSENTS.iter().find(|consent| consent.name() == name) {
            Some(consent) if consent.in_files => continue,
            Some(_) => (
                format!("a migration cannot consent to `{name}`"),
                format!(
                    "remove it: this consent is given on the command line only, with --allow {name}"
                ),
            ),
            None => {
                let known = names().collect::<Vec<_>>().join(", ");
                let hint = did_you_mean(name, names());
                (
                    format!("there is no consent `{name}`"),
                    hint.unwrap_or(format!("the consents are {known}")),
                )
            }
        };
        problems.failed.push(
            Diagnostic::new(Code::UnknownConsent, message)
                .database(subject.name)
                .at(in_file(subject.dialect.syntax(), migration, span))
                .hint(hint),
        );
    }
}

/// Whether a statement may change the session's settings: every statement that is not plainly a
/// change of the schema may call a function that does.
fn may_change_session(words: &[&str], sql: &str) -> bool {
    const HARMLESS: &[&str] = &[
        "CREATE", "ALTER", "DROP", "COMMENT", "RENAME", "TRUNCATE", "GRANT", "REVOKE",
    ];
    let first = words.first().copied().unwrap_or_default();
    let harmless = HARMLESS.iter().any(|word| word.eq_ignore_ascii_case(first));
    !harmless || sql.to_ascii_lowercase().contains("set_config")
}

pub(super) fn file_fault(subject: &Subject<'_>, migration: &Migration, fault: Fault) -> Diagnostic {
    let mut diagnostic = Diagnostic::new(Code::Sql, fault.message)
        .database(subject.name)
        .at(in_file(subject.dialect.syntax(), migration, fault.range));
    diagnostic.hint = fault.hint;
    diagnostic
}

/// The facts that decide whether a statement can run exactly once.
struct Exactly<'e> {
    subject: &'e Subject<'e>,
    migration: &'e Migration,
    transactional: bool,
    /// Whether it is marked as idempotent.
    twice: bool,
    untransactional: &'e [String],
}

impl Exactly<'_> {
    /// The recovery class of a statement; one that cannot run exactly once is refused.
    fn effect(
        &self,
        effect: RecoveryClass,
        words: &[&str],
        span: std::ops::Range<usize>,
        problems: &mut Problems,
    ) -> RecoveryClass {
        let refusal = |message: String, note: String, hint: &str| {
            Diagnostic::new(Code::NotExact, message)
                .database(self.subject.name)
                .at(in_file(
                    self.subject.dialect.syntax(),
                    self.migration,
                    span.clone(),
                ))
                .note(note)
                .hint(hint)
        };
        let what = words.iter().take(3).copied().collect::<Vec<_>>().join(" ");
        if self.transactional {
            let bare = matches!(
                &effect,
                RecoveryClass::AutoCommit(_) | RecoveryClass::Unknown(_)
            ) || self.subject.dialect.refuses_transaction(words);
            if bare {
                problems.refused.push(refusal(
                    format!("`{what} …` cannot run inside a transaction"),
                    "this file runs in one".into(),
                    "put it into a file of its own that begins with `-- bird: no-transaction`",
                ));
            }
            return effect;
        }
        const TWICE: &str = "if running it twice does no harm, mark it: `-- bird: idempotent` on \
            the line before it";
        match effect {
            RecoveryClass::Begin | RecoveryClass::Commit => effect,
            RecoveryClass::Volatile(_) if self.twice => RecoveryClass::SessionState,
            _ if self.twice => RecoveryClass::Repeatable,
            RecoveryClass::Unknown(why) | RecoveryClass::Volatile(why) => {
                let message = format!("`{what} …` cannot be made to run exactly once");
                problems.refused.push(refusal(message, why.into(), TWICE));
                effect
            }
            RecoveryClass::Transactional => {
                if let Some(name) = self.unsafe_name(words) {
                    let message = format!("`{what} …` changes rows that cannot be rolled back");
                    let note = format!(
                        "`{name}` is on a storage engine without transactions, or may write to \
                         one: a crash would leave its rows changed but not recorded in the journal"
                    );
                    problems.refused.push(refusal(message, note, TWICE));
                }
                effect
            }
            RecoveryClass::AutoCommit(_)
            | RecoveryClass::Repeatable
            | RecoveryClass::SessionState => effect,
        }
    }

    /// A name in the statement whose rows cannot be rolled back.
    fn unsafe_name(&self, words: &[&str]) -> Option<String> {
        if self.untransactional.is_empty() {
            return None;
        }
        let mut names = words.iter().map(|word| {
            let bare = word.trim_matches(['`', '"', '[', ']']);
            bare.to_lowercase()
        });
        names.find(|name| self.untransactional.contains(name))
    }
}

/// Continues a partially applied file after its applied statements. Neither these nor a statement
/// in doubt may have changed.
pub(super) fn resume(
    database: &str,
    partial: &PartiallyApplied,
    step: &mut Step,
    problems: &mut Problems,
) -> Option<()> {
    for (at, entry) in partial.entries.iter().enumerate() {
        let in_doubt = entry.progress == Progress::Intent;
        let state = if in_doubt {
            "may be applied"
        } else {
            "is applied"
        };
        let refusal = |message: String, span| {
            Diagnostic::new(Code::AppliedPartChanged, message)
                .database(database)
                .at(step.place(span))
                .note(
                    "the file is half applied; only the failed statement and those after it may be \
                     edited",
                )
                .hint("restore the statements that are applied, and run bird migrate again")
        };
        let statement = step.script.statements.get(at);
        let span = statement.map_or(0..0, |statement| statement.range.clone());
        let same = step.digests.get(at) == Some(&entry.digest);
        if entry.statement as usize != at + 1 || !same {
            let title = step.migration.title();
            let message = match statement {
                Some(_) => format!("statement {} of {title} {state}, but was changed", at + 1),
                None => format!("statement {} of {title} {state}, but was removed", at + 1),
            };
            problems.refused.push(refusal(message, span));
            return None;
        }
        if in_doubt {
            step.in_doubt = Some(entry.clone())
        } else {
            step.from = at + 1
        }
    }
    Some(())
}
