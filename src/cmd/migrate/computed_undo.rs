//! Computes undo statements for migrations without an undo file: from the difference between the
//! schemas after and before the migration, tried in a shadow, and run like an undo file.

use std::collections::BTreeMap;

use super::Args;
use crate::cmd::context::Context;
use crate::cmd::run::database::RunDatabase;
use crate::cmd::source::compare::{Compared, Verification, Verified, compare};
use crate::cmd::source::{self, applied_texts};
use crate::dialect::Dialect;
use crate::dialect::statement;
use crate::model::change::{Hazard, Renamed};
use crate::model::code::Code;
use crate::model::count::counted;
use crate::model::diagnostic::{Diagnostic, Failure, Severity};
use crate::model::migration::{Migration, Undo};
use crate::plan;
use crate::plan::{KnownTables, destructive_statements};
use crate::project::Database;
use crate::sql::script;

/// Gives every migration that is to be reverted and has no undo file its undo statements. Returns
/// the losses of data to which nobody has consented.
pub async fn fill(
    context: &Context,
    args: &Args,
    members: &mut [RunDatabase<'_>],
) -> Result<Vec<Diagnostic>, Failure> {
    let named = members.iter().any(|member| member.to.is_some());
    let mut refused = Vec::new();
    for member in members.iter_mut() {
        let versions = plan::taken_back(&member.subject(), named);
        let mut not_restored = Vec::new();
        let mut dropped = dropped(member, &versions);
        for version in versions {
            let mut files = member.migrations.iter();
            let at = files.position(|file| file.version == version);
            let Some(file) = at.and_then(|at| member.migrations.get(at)) else {
                continue;
            };
            let applied = as_applied(member, file);
            // An undo file beside an edited migration may belong to the edited text.
            if let (Some(undo), None) = (&file.undo, &applied) {
                if !writes_rows(member.database.dialect, &undo.text) {
                    let losses = dropped.remove(&version).unwrap_or_default();
                    not_restored.extend(losses.into_iter().map(warning));
                }
                continue;
            }
            let database = member.database;
            if let (Some(undo), Some(_)) = (&file.undo, &applied) {
                context.progress.notice(&format!(
                    "{}: {} is not used: its migration was edited after it was applied",
                    database.name, undo.file
                ));
            }
            let file = applied.as_ref().unwrap_or(file);
            let compared = back(context, member, database, file).await?;
            let mut losses = dropped.remove(&version).unwrap_or_default();
            losses.extend(lost(database, file, &compared));
            if args.consents.allows(Code::DataLoss) {
                not_restored.extend(losses.into_iter().map(warning));
            } else {
                refused.extend(losses);
            }
            let text = text(file, &compared);
            let name = file.file.strip_suffix(".sql").unwrap_or(&file.file);
            let undo = Undo {
                file: format!("{name}.undo.sql (worked out)"),
                text: text.into(),
                computed: true,
            };
            if let Some(file) = at.and_then(|at| member.migrations.get_mut(at)) {
                file.undo = Some(undo);
            }
        }
        member.not_restored = not_restored;
    }
    Ok(refused)
}

/// An edited migration with the text that was applied. `None` if its file says the same, or if that
/// text is not kept.
fn as_applied(member: &RunDatabase<'_>, file: &Migration) -> Option<Migration> {
    let syntax = member.database.dialect.syntax();
    let state = plan::migration_state(syntax, &member.migrations, &member.history);
    let mut changed = state.changed.into_iter();
    let (_, row) = changed.find(|(changed, _)| changed.version == file.version)?;
    let text = plan::stored_migration::applied_text(row, &member.history.stored)?;
    let (name, path) = (row.name.clone(), file.file.clone());
    Some(Migration::new(file.version, name, path, text.into()))
}

/// The statements that lead from the schema after a migration to the one before it.
async fn back(
    context: &Context,
    member: &RunDatabase<'_>,
    database: &Database,
    file: &Migration,
) -> Result<Compared, Failure> {
    let (files, history) = (&member.migrations, &member.history);
    let version = file.version;
    let before = history.applied.iter().map(|row| row.version);
    let before = before.filter(|applied| *applied < version).max();
    let name = &database.name;
    let (label_from, label_to) = match before {
        Some(before) => (format!("{name}@{version}"), format!("{name}@{before}")),
        None => (
            format!("{name}@{version}"),
            format!("{name} with nothing in it"),
        ),
    };
    let from = applied_texts(database, files, history, version);
    let to = before.map_or_else(Vec::new, |before| {
        applied_texts(database, files, history, before)
    });
    let compared = source::with(context, async |pool| {
        let from = pool.replay(&label_from, database, &from, true).await?;
        let mut to = pool.replay(&label_to, database, &to, true).await?;
        // Renames of the file are reverted.
        if let Ok(script) = script::read(database.dialect.syntax(), &file.text) {
            let renames = script.renames.into_iter();
            to.renames = renames
                .map(|rename| Renamed {
                    from: rename.to,
                    to: rename.from,
                })
                .collect();
        }
        compare(pool, from, to, &[], Verification::Demanded).await
    })
    .await?;
    match &compared.verified {
        Verified::Yes => Ok(compared),
        Verified::No(why) | Verified::Wrong(why) => {
            let message = format!(
                "{} of `{name}` has no undo file, and none can be worked out: {why}",
                file.title()
            );
            let wanted = file.file.strip_suffix(".sql").unwrap_or(&file.file);
            let fault = Diagnostic::new(Code::NoUndo, message).database(name);
            let hint = format!("write {wanted}.undo.sql, with the statements that take it back");
            Err(Failure::refused(fault.hint(hint)))
        }
    }
}

/// The data that migrations dropped and that undoing them does not bring back, by version. Nothing
/// was lost with a table that one of them created.
fn dropped(member: &RunDatabase<'_>, versions: &[i64]) -> BTreeMap<i64, Vec<Diagnostic>> {
    let database = member.database;
    let dialect = database.dialect;
    let home = dialect.default_qualifier(database.target.database(), database.schema.as_deref());
    let mut tables = KnownTables::default();
    let mut all = BTreeMap::new();
    for version in versions.iter().rev() {
        let mut files = member.migrations.iter();
        let Some(file) = files.find(|file| file.version == *version) else {
            continue;
        };
        let applied = as_applied(member, file);
        let file = applied.as_ref().unwrap_or(file);
        let Ok(script) = script::read(dialect.syntax(), &file.text) else {
            continue;
        };
        let ranges = script.statements.iter();
        let statements: Vec<&str> = ranges
            .filter_map(|statement| file.text.get(statement.range.clone()))
            .collect();
        let mut losses = tables.file(dialect, home, &statements, 0);
        // Statements about rows are counted by themselves.
        losses.retain(|loss| {
            let sql = statements.get(loss.statement);
            sql.is_none_or(|sql| !statement::changes_rows(dialect, sql))
        });
        let losses = losses.into_iter().map(|loss| {
            let what = format!("{} of `{}` {}", file.title(), database.name, loss.what);
            let message = format!("{what}; undo does not bring its data back");
            let fault = Diagnostic::new(Code::DataLoss, message).database(&database.name);
            fault.hint(without_data(file))
        });
        all.insert(*version, losses.collect());
    }
    all
}

/// A loss that the undo accepts: nothing is to be done about it.
fn warning(mut loss: Diagnostic) -> Diagnostic {
    loss.hint = None;
    loss.severity(Severity::Warning)
}

/// Whether an undo file may put rows back: whether it does more than define objects.
fn writes_rows(dialect: &dyn Dialect, text: &str) -> bool {
    const DEFINING: &[&str] = &["CREATE", "ALTER", "DROP", "COMMENT"];
    let syntax = dialect.syntax();
    let Ok(script) = script::read(syntax, text) else {
        return true;
    };
    script.statements.iter().any(|statement| {
        let sql = text.get(statement.range.clone()).unwrap_or_default();
        let first = script::words(syntax, sql).next().unwrap_or_default();
        !DEFINING.iter().any(|word| word.eq_ignore_ascii_case(first))
    })
}

/// The hint for an undo that cannot bring data back.
fn without_data(file: &Migration) -> String {
    format!(
        "write the undo file by hand, or --allow data-loss to go without this data ({})",
        file.title()
    )
}

/// The losses beyond the tables and columns for which the plan itself asks consent.
fn lost(database: &Database, file: &Migration, compared: &Compared) -> Vec<Diagnostic> {
    let dialect = database.dialect;
    let home = dialect.default_qualifier(database.target.database(), database.schema.as_deref());
    let fault = |message: String| {
        let fault = Diagnostic::new(Code::DataLoss, message).database(&database.name);
        fault.hint(without_data(file)).consent(Code::DataLoss)
    };
    let mut all = Vec::new();
    for step in &compared.ddl.steps {
        if !destructive_statements(dialect, home, &[&step.sql]).is_empty() {
            continue;
        }
        let risks = step
            .risks
            .iter()
            .filter(|risk| risk.hazard == Hazard::DataLoss);
        all.extend(risks.map(|risk| {
            fault(format!(
                "undoing {} of `{}`: {}",
                file.title(),
                database.name,
                risk.why
            ))
        }));
    }
    let changing = changing(dialect, &file.text);
    if changing > 0 {
        let statements = counted(changing, "statement");
        all.push(fault(format!(
            "{} of `{}` has {statements} that changed or deleted rows; what they were before is \
             not known",
            file.title(),
            database.name
        )));
    }
    all
}

/// The number of statements that change or delete rows.
fn changing(dialect: &dyn Dialect, text: &str) -> usize {
    let Ok(script) = script::read(dialect.syntax(), text) else {
        return 0;
    };
    let texts = script.statements.iter();
    let texts = texts.filter_map(|statement| text.get(statement.range.clone()));
    texts
        .filter(|sql| statement::changes_rows(dialect, sql))
        .count()
}

fn text(file: &Migration, compared: &Compared) -> String {
    let catalog = compared.from.base.dialect.catalog();
    let mut text = format!(
        "-- Takes back {}, worked out from the difference.\n",
        file.title()
    );
    if compared.ddl.steps.iter().any(|step| step.alone) {
        text.push_str("-- bird: no-transaction\n");
    }
    text.push('\n');
    text.push_str(&catalog.script(&compared.ddl.steps));
    text
}
