//! Computes undo statements for migrations without an undo file: from the difference between the
//! schemas after and before the migration, tried in a shadow, and run like an undo file.

use super::Args;
use crate::cmd::context::Context;
use crate::cmd::run::database::RunDatabase;
use crate::cmd::source::compare::{Compared, Verification, Verified, compare};
use crate::cmd::source::{self, applied_texts};
use crate::dialect::Dialect;
use crate::dialect::statement;
use crate::model::change::{Hazard, Renamed};
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Failure};
use crate::model::exit::Exit;
use crate::model::migration::{Migration, Undo};
use crate::plan;
use crate::plan::destructive_statements;
use crate::project::Database;
use crate::sql::script;

/// Gives every migration that is to be reverted and has no undo file its undo statements; refuses
/// if data would be lost without consent.
pub async fn fill(
    context: &Context,
    args: &Args,
    members: &mut [RunDatabase<'_>],
) -> Result<(), Failure> {
    let named = members.iter().any(|member| member.to.is_some());
    let mut refused = Vec::new();
    for member in members.iter_mut() {
        let versions = plan::taken_back(&member.subject(), named);
        for version in versions {
            let mut files = member.migrations.iter();
            let at = files.position(|file| file.version == version && file.undo.is_none());
            let Some(file) = at.and_then(|at| member.migrations.get(at)) else {
                continue;
            };
            let database = member.database;
            let compared = back(context, member, database, file).await?;
            if !args.consents.allows(Code::DataLoss) {
                refused.extend(lost(database, file, &compared));
            }
            let text = text(file, &compared);
            let name = file.file.strip_suffix(".sql").unwrap_or(&file.file);
            let undo = Undo {
                file: format!("{name}.undo.sql (worked out)"),
                text: text.into(),
            };
            if let Some(file) = at.and_then(|at| member.migrations.get_mut(at)) {
                file.undo = Some(undo);
            }
        }
    }
    if refused.is_empty() {
        Ok(())
    } else {
        Err(Failure {
            exit: Exit::Refused,
            diagnostics: refused,
        })
    }
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

/// The losses beyond the tables and columns for which the plan itself asks consent.
fn lost(database: &Database, file: &Migration, compared: &Compared) -> Vec<Diagnostic> {
    let dialect = database.dialect;
    let home = dialect.default_qualifier(database.target.database(), database.schema.as_deref());
    let fault = |message: String| {
        let fault = Diagnostic::new(Code::DataLoss, message).database(&database.name);
        let hint = format!(
            "write the undo file by hand, or --allow data-loss to go without this data ({})",
            file.title()
        );
        fault.hint(hint)
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
        let statements = match changing {
            1 => "1 statement".to_owned(),
            many => format!("{many} statements"),
        };
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
