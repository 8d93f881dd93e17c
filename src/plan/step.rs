//! From a migration to a step: its statements, checked, and where a half-applied one goes on.

use super::standing::Standing;
use super::{Step, Subject, Trouble, in_file};
use crate::dialect::script;
use crate::model::consent::CONSENTS;
use crate::model::diagnostic::Diagnostic;
use crate::model::migration::Migration;
use crate::model::name::did_you_mean;
use crate::model::script::{Fault, Script};

/// So many words tell what a statement is.
const FIRST_WORDS: usize = 16;

pub(super) fn step(
    subject: &Subject<'_>,
    migration: &Migration,
    standing: &Standing<'_>,
    trouble: &mut Trouble,
) -> Option<Step> {
    let lexis = subject.dialect.lexis();
    let script = match script::read(lexis, &migration.text) {
        Ok(script) => script,
        Err(faults) => {
            let told = faults
                .into_iter()
                .map(|fault| file_fault(subject, migration, fault));
            trouble.failed.extend(told);
            return None;
        }
    };
    let transactional = subject.dialect.facts().transactional_ddl && !script.no_transaction;
    let mut step = Step {
        migration: migration.clone(),
        digests: Vec::with_capacity(script.statements.len()),
        from: 0,
        transactional,
        rebuilt: Vec::new(),
        changes_session: false,
        settings: Vec::new(),
        waits_for: Vec::new(),
        keep_sql: subject.keep_sql,
        script,
    };
    for statement in &step.script.statements {
        let sql = migration
            .text
            .get(statement.range.clone())
            .unwrap_or_default();
        let mut words: Vec<&str> = script::words(lexis, sql).take(FIRST_WORDS).collect();
        let is_setting = words
            .first()
            .is_some_and(|word| word.eq_ignore_ascii_case("SET"));
        if is_setting {
            words = script::words(lexis, sql).collect();
        }
        if let Some(refusal) = subject.dialect.refuse(&words) {
            let message = format!("{} cannot stand in a migration", refusal.what);
            trouble.refused.push(
                Diagnostic::error("statement-refused", message)
                    .database(subject.name)
                    .at(in_file(migration, statement.range.clone()))
                    .note(refusal.why)
                    .hint("take the statement out of the file"),
            );
        }
        step.rebuilt.extend(subject.dialect.rebuilt_tables(&words));
        step.changes_session |= may_change_session(&words, sql);
        step.settings.push(is_setting);
        step.digests.push(script::digest(lexis, sql));
    }
    if !transactional && !step.rebuilt.is_empty() {
        let tables = step.rebuilt.join(", ");
        let message = format!(
            "{} drops or rebuilds {tables} without a transaction",
            step.migration.title()
        );
        trouble.refused.push(
            Diagnostic::error("rebuild-without-transaction", message)
                .database(subject.name)
                .at(in_file(migration, 0..0))
                .note("foreign keys would delete the rows of other tables, and nothing could be taken back")
                .hint("put these statements into a migration without `-- bird: no-transaction`"),
        );
    }
    unknown_consents(subject, migration, &step.script, trouble);
    if let Some(partial) = &standing.partial
        && partial.version == migration.version
    {
        step.from = resume(subject, &step, trouble)?;
    }
    Some(step)
}

/// A consent that nobody asks for is a mistake: it would hide that another is missing.
fn unknown_consents(
    subject: &Subject<'_>,
    migration: &Migration,
    script: &Script,
    trouble: &mut Trouble,
) {
    let names = || CONSENTS.iter().map(|consent| consent.name);
    let of_file = script.allow.iter().map(|name| (name, 0..0));
    let of_statements = script.statements.iter().flat_map(|statement| {
        statement
            .allow
            .iter()
            .map(|name| (name, statement.range.clone()))
    });
    for (name, span) in of_file.chain(of_statements) {
        if !names().any(|known| known == name) {
            let known = names().collect::<Vec<_>>().join(", ");
            let hint = did_you_mean(name, names()).unwrap_or(format!("the consents are {known}"));
            trouble.failed.push(
                Diagnostic::error("unknown-consent", format!("there is no consent `{name}`"))
                    .database(subject.name)
                    .at(in_file(migration, span))
                    .hint(hint),
            );
        }
    }
}

/// Whether a statement may leave the session other than it was: whatever is not plainly a change
/// of the schema might call something that does.
fn may_change_session(words: &[&str], sql: &str) -> bool {
    const HARMLESS: &[&str] = &[
        "CREATE", "ALTER", "DROP", "COMMENT", "RENAME", "TRUNCATE", "GRANT", "REVOKE",
    ];
    let first = words.first().copied().unwrap_or_default();
    let harmless = HARMLESS.iter().any(|word| word.eq_ignore_ascii_case(first));
    !harmless || sql.to_ascii_lowercase().contains("set_config")
}

pub(super) fn file_fault(subject: &Subject<'_>, migration: &Migration, fault: Fault) -> Diagnostic {
    let mut told = Diagnostic::error("sql", fault.message)
        .database(subject.name)
        .at(in_file(migration, fault.range));
    told.hint = fault.hint;
    told
}

/// Where a half-applied file goes on: after its applied statements, which must not have changed.
fn resume(subject: &Subject<'_>, step: &Step, trouble: &mut Trouble) -> Option<usize> {
    let version = step.migration.version;
    let entries = subject
        .history
        .journal
        .iter()
        .filter(|entry| entry.version == version);
    let mut done = 0;
    for entry in entries {
        let told = |message: String, span| {
            Diagnostic::error("applied-part-changed", message)
                .database(subject.name)
                .at(in_file(&step.migration, span))
                .note(
                    "the file is half applied; it may be edited from the statement that failed on",
                )
                .hint("restore the statements that are applied, and run bird migrate again")
        };
        let at = done;
        let statement = step.script.statements.get(at);
        let span = statement.map_or(0..0, |statement| statement.range.clone());
        let same = step.digests.get(at) == Some(&entry.digest);
        if entry.statement as usize != at + 1 || !same {
            let title = step.migration.title();
            let message = match statement {
                Some(_) => format!(
                    "statement {} of {title} is applied, and was changed",
                    at + 1
                ),
                None => format!("statement {} of {title} is applied, and is gone", at + 1),
            };
            trouble.refused.push(told(message, span));
            return None;
        }
        done += 1;
    }
    Some(done)
}
