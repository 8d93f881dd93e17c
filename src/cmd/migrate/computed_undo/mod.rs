//! Computes undo statements for migrations without an undo file: from the difference between the
//! schemas after and before the migration and from its statements, and run like an undo file. Every
//! statement is accounted for: what nothing takes back needs consent.

mod schemas;

use std::collections::BTreeMap;

use super::Args;
use crate::cmd::context::Context;
use crate::cmd::run::database::RunDatabase;
use crate::cmd::source::{self, ShadowPool};
use crate::dialect::Dialect;
use crate::dialect::statement;
use crate::model::change::{DdlStep, Hazard};
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Failure, Severity};
use crate::model::migration::{Migration, Undo};
use crate::model::schema::Id;
use crate::model::script::Script;
use crate::plan;
use crate::plan::reversal::{
    Account, Found, Reversal, Reversals, mark_kept, may_stay, not_undone, sets_type,
};
use crate::plan::{KnownTables, destructive_statements};
use crate::project::Database;
use crate::sql::script;
use schemas::{Back, Records};

/// A migration to take back without an undo file.
struct Computed {
    file: Migration,
    script: Script,
    back: Back,
}

/// Gives every migration that is to be reverted and has no undo file its undo statements. Returns
/// the effects that would stay and the losses of data to which nobody has consented.
pub async fn fill(
    context: &Context,
    args: &Args,
    members: &mut [RunDatabase<'_>],
) -> Result<Vec<Diagnostic>, Failure> {
    source::with(context, async |pool| fill_from(pool, args, members).await).await
}

async fn fill_from(
    pool: &mut ShadowPool<'_>,
    args: &Args,
    members: &mut [RunDatabase<'_>],
) -> Result<Vec<Diagnostic>, Failure> {
    let named = members.iter().any(|member| member.to.is_some());
    let mut refused = Vec::new();
    for member in members.iter_mut() {
        let versions = plan::taken_back(&member.subject(), named);
        let mut computed = BTreeMap::new();
        let mut not_restored = Vec::new();
        let mut dropped = dropped(member, &versions);
        let mut records = None;
        for version in &versions {
            let mut files = member.migrations.iter();
            let Some(file) = files.find(|file| file.version == *version) else {
                continue;
            };
            let applied = as_applied(member, file);
            // An undo file beside an edited migration may belong to the edited text.
            if let (Some(undo), None) = (&file.undo, &applied) {
                if !writes_rows(member.database.dialect, &undo.text) {
                    let losses = dropped.remove(version).unwrap_or_default();
                    not_restored.extend(losses);
                }
                continue;
            }
            if let (Some(undo), Some(_)) = (&file.undo, &applied) {
                pool.context.progress.notice(&format!(
                    "{}: {} is not used, because its migration was edited after it was applied",
                    member.database.name, undo.file
                ));
            }
            let file = applied.unwrap_or_else(|| file.clone());
            let syntax = member.database.dialect.syntax();
            // The replay reports a file that cannot be read.
            let script = script::read(syntax, &file.text).unwrap_or_default();
            let statements = texts(&file, &script);
            let records = match &records {
                Some(records) => records,
                None => records.insert(Records::read(pool.context, member, &versions).await?),
            };
            let applied = (&file, &script, statements.as_slice());
            let back = schemas::back(pool, member, records, applied).await?;
            computed.insert(*version, Computed { file, script, back });
        }
        let reversals = reversals(member, &versions, &computed);
        for (version, reversals) in reversals.into_iter().rev() {
            let Some(one) = computed.remove(&version) else {
                continue;
            };
            let (missing, accepted) = unaccounted(member.database, args, &one, &reversals);
            refused.extend(missing);
            not_restored.extend(accepted);
            let undo = undo(member.database, &one, &reversals);
            let account = Account::new(&one.file, &one.script, reversals);
            member.accounts.push(account);
            let mut files = member.migrations.iter_mut();
            if let Some(file) = files.find(|file| file.version == version) {
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

/// The texts of a file's statements.
fn texts<'f>(file: &'f Migration, script: &Script) -> Vec<&'f str> {
    let ranges = script.statements.iter().map(|one| one.range.clone());
    let texts = ranges.map(|range| file.text.get(range).unwrap_or_default());
    texts.collect()
}

/// What takes back each statement of the migrations whose undo is computed, by version. Rows are gone
/// with a table that any of the migrations to take back created.
fn reversals(
    member: &RunDatabase<'_>,
    versions: &[i64],
    computed: &BTreeMap<i64, Computed>,
) -> BTreeMap<i64, Vec<Reversal>> {
    let database = member.database;
    let dialect = database.dialect;
    let name = database.target.database();
    let mut reversals = Reversals::new(dialect, name, database.schema.as_deref());
    let mut found: BTreeMap<i64, Vec<Found>> = BTreeMap::new();
    for version in versions.iter().rev() {
        if let Some(one) = computed.get(version) {
            let statements = texts(&one.file, &one.script);
            let withheld = |at: usize| one.back.withheld.get(&at).cloned();
            found.insert(*version, reversals.file(&statements, withheld));
        } else if let Some(file) = member.migrations.iter().find(|it| it.version == *version) {
            let script = script::read(dialect.syntax(), &file.text).unwrap_or_default();
            reversals.file(&texts(file, &script), |_| None);
        }
    }
    let all = found.iter().map(|(version, found)| {
        let each = found.iter().map(|one| reversals.reversal(one));
        let mut each: Vec<Reversal> = each.collect();
        if let Some(one) = computed.get(version) {
            narrowed(dialect, one, &mut each);
            let home = dialect.default_qualifier(name, database.schema.as_deref());
            let kept = (one.back.kept.as_slice(), one.back.kept_is_known);
            let statements = texts(&one.file, &one.script);
            mark_kept(dialect, home, kept, &statements, &mut each);
        }
        (*version, each)
    });
    all.collect()
}

/// Marks the statements that gave a column a type in which its values lost something: the old type
/// does not bring that back.
fn narrowed(dialect: &dyn Dialect, one: &Computed, reversals: &mut [Reversal]) {
    for (sql, reversal) in texts(&one.file, &one.script).into_iter().zip(reversals) {
        let is_schema = matches!(reversal, Reversal::Difference | Reversal::Rename);
        let mut columns = one.back.narrowed.iter();
        let found = columns.find(|(table, column)| sets_type(dialect, sql, table, column));
        if let (Some((table, column)), true) = (found, is_schema) {
            let did =
                format!("converts the values of `{column}` of `{table}`, which lose precision");
            *reversal = Reversal::Stays(did);
        }
    }
}

/// The effects of a migration that stay and the data that its undo loses: those that need a consent,
/// and warnings about those that have it.
fn unaccounted(
    database: &Database,
    args: &Args,
    one: &Computed,
    reversals: &[Reversal],
) -> (Vec<Diagnostic>, Vec<Diagnostic>) {
    let syntax = database.dialect.syntax();
    let allowed = args.consents.allows(Code::NotUndone);
    let of = |wanted: bool| {
        let chosen = reversals.iter().enumerate().map(|(at, reversal)| {
            let accepted = allowed || may_stay(&one.script, at);
            match reversal {
                Reversal::Stays(_) if accepted != wanted => Reversal::Unneeded,
                other => other.clone(),
            }
        });
        let chosen: Vec<Reversal> = chosen.collect();
        not_undone(syntax, &database.name, &one.file, &one.script, &chosen)
    };
    let (mut refused, mut accepted) = (of(false), of(true));
    let losses = lost(database, &one.file, &one.back.steps);
    if args.consents.allows(Code::DataLoss) {
        accepted.extend(losses);
    } else {
        refused.extend(losses);
    }
    (refused, accepted.into_iter().map(warning).collect())
}

/// A loss that the undo accepts: nothing is to be done about it.
fn warning(mut loss: Diagnostic) -> Diagnostic {
    loss.hint = None;
    loss.consent = None;
    loss.severity(Severity::Warning)
}

/// The losses beyond the tables and columns for which the plan itself asks consent.
fn lost(database: &Database, file: &Migration, steps: &[DdlStep]) -> Vec<Diagnostic> {
    let dialect = database.dialect;
    let home = dialect.default_qualifier(database.target.database(), database.schema.as_deref());
    let mut all = Vec::new();
    for step in steps {
        if !destructive_statements(dialect, home, &[&step.sql]).is_empty() {
            continue;
        }
        let risks = step.risks.iter();
        let risks = risks.filter(|risk| risk.hazard == Hazard::DataLoss);
        all.extend(risks.map(|risk| {
            let title = file.title();
            let message = format!("undoing {title} of `{}`: {}", database.name, risk.why);
            Diagnostic::new(Code::DataLoss, message)
                .database(&database.name)
                .consent(Code::DataLoss)
                .hint(format!(
                    "write the undo file by hand, or --allow data-loss to go without this data \
                     ({title})"
                ))
        }));
    }
    all
}

/// Warnings about the data that migrations with an undo file dropped, by version. Nothing was lost
/// with a table that one of them created.
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
        let script = script::read(dialect.syntax(), &file.text).unwrap_or_default();
        let statements = texts(file, &script);
        let mut losses = tables.file(dialect, home, &statements, 0);
        losses.retain(|loss| {
            let sql = statements.get(loss.statement);
            sql.is_none_or(|sql| !statement::changes_rows(dialect, sql))
        });
        let losses = losses.into_iter().map(|loss| {
            let what = format!("{} of `{}` {}", file.title(), database.name, loss.what);
            let message = format!("{what}; undo does not bring its data back");
            warning(Diagnostic::new(Code::DataLoss, message).database(&database.name))
        });
        all.insert(*version, losses.collect());
    }
    all
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

/// The undo of a migration as a file: what follows from single statements, the last one first, then
/// what leads back to the schema before it. No statement that a shadow runs can need one that none
/// runs.
fn undo(database: &Database, one: &Computed, reversals: &[Reversal]) -> Undo {
    let catalog = database.dialect.catalog();
    let derived = reversals
        .iter()
        .rev()
        .filter_map(|reversal| match reversal {
            Reversal::Statement(sql) => Some(DdlStep::new(Id::default(), sql.as_str())),
            _ => None,
        });
    let steps: Vec<DdlStep> = derived.chain(one.back.steps.iter().cloned()).collect();
    let mut text = format!(
        "-- Undoes {}, computed from the difference.\n",
        one.file.title()
    );
    if steps.iter().any(|step| step.alone) {
        text.push_str("-- bird: no-transaction\n");
    }
    text.push('\n');
    text.push_str(&catalog.script(&steps));
    let name = &one.file.file;
    let name = name.strip_suffix(".sql").unwrap_or(name);
    Undo {
        file: format!("{name}.undo.sql (computed)"),
        text: text.into(),
        computed: true,
    }
}
