//! The statements that lead from the schema after a migration to the one before it, tried in a
//! shadow.

use std::collections::{BTreeMap, BTreeSet};

use crate::cmd::context::Context;
use crate::cmd::run::database::RunDatabase;
use crate::cmd::source::compare::{Compared, Verification, Verified, compare_renamed};
use crate::cmd::source::{self, Loaded, RecordedSchema, ShadowPool, Text, applied_texts};
use crate::dialect::statement::{StatementEffect, table_effects};
use crate::model::access::SchemaAccess;
use crate::model::change::{Alter, Change, DdlStep, Difference, Renamed};
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Failure};
use crate::model::migration::Migration;
use crate::model::schema::{Id, Kind};
use crate::model::script::Script;
use crate::plan::prior::{Conditional, Prior, conditionals, keep};
use crate::plan::reversal::{borders, loses_values, renames_back};
use crate::plan::schema_record::{state, state_up_to};
use crate::project::Database;

/// The way back from a migration.
#[derive(Debug, Default)]
pub struct Back {
    pub steps: Vec<DdlStep>,
    /// The statements of the migration that no shadow ran, by their numbers from 0, and why.
    pub withheld: BTreeMap<usize, String>,
    /// The tables and columns, in lower case, whose type the migration changed such that values lost
    /// something.
    pub narrowed: Vec<(String, String)>,
    /// The parts of the schema that were, or may have been, there before the migration.
    pub kept: Vec<Id>,
    /// Whether it is known that they were.
    pub kept_is_known: bool,
}

/// What runs recorded of a database: for the states before and after each version to take back, and
/// for now.
pub struct Records {
    by_state: BTreeMap<String, RecordedSchema>,
    prior: Option<Prior>,
    /// Who owns the objects of the database, and who may do what with them.
    access: SchemaAccess,
}

impl Records {
    /// Reads them.
    pub async fn read(
        context: &Context,
        member: &RunDatabase<'_>,
        versions: &[i64],
    ) -> Result<Records, Failure> {
        let history = &member.history;
        let before = versions.iter().filter_map(|it| version_before(member, *it));
        let all = versions.iter().copied().chain(before);
        let now = state(history);
        let states: BTreeSet<String> = all
            .map(|version| state_up_to(history, version))
            .chain([now.clone()])
            .collect();
        let states: Vec<String> = states.into_iter().collect();
        let by_state = source::recorded(context, member.database, &states).await?;
        let prior = by_state.get(&now).and_then(|record| record.prior.clone());
        let access = if member.database.dialect.facts().is_embedded() {
            SchemaAccess::default()
        } else {
            let name = &member.database.name;
            let live = source::live(context, name, member.database, None).await?;
            live.schema.access.0
        };
        Ok(Records {
            by_state,
            prior,
            access,
        })
    }

    /// The schema that a run recorded after a version.
    fn after(
        &self,
        context: &Context,
        (label, member): (&str, &RunDatabase<'_>),
        version: i64,
    ) -> Option<Loaded> {
        let state = state_up_to(&member.history, version);
        let recorded = self.by_state.get(&state)?.clone();
        Some(recorded.loaded(context, label, member.database))
    }

    /// Whether it is known what a version found in the database.
    fn know(&self, version: i64) -> bool {
        self.prior.as_ref().is_some_and(|it| it.knows(version))
    }
}

/// The version that was applied before another one.
fn version_before(member: &RunDatabase<'_>, version: i64) -> Option<i64> {
    let applied = member.history.applied.iter().map(|row| row.version);
    applied.filter(|applied| *applied < version).max()
}

/// The parts that a migration found in the database, or may have found.
struct Found<'r> {
    prior: Option<&'r Prior>,
    version: i64,
    conditionals: Vec<Conditional>,
    /// The columns that its statements give to tables that may be there, in lower case.
    declared: Vec<(String, String)>,
}

impl<'r> Found<'r> {
    fn new(
        records: &'r Records,
        member: &RunDatabase<'_>,
        version: i64,
        statements: &[&str],
    ) -> Self {
        let database = member.database;
        let dialect = database.dialect;
        let name = database.target.database();
        let home = dialect.default_qualifier(name, database.schema.as_deref());
        let mut found = Found {
            prior: records.prior.as_ref().filter(|_| records.know(version)),
            version,
            conditionals: Vec::new(),
            declared: Vec::new(),
        };
        for sql in statements {
            let conditionals = conditionals(dialect, home, sql);
            if conditionals.is_empty() {
                continue;
            }
            found.conditionals.extend(conditionals);
            for effect in table_effects(dialect, sql) {
                if let StatementEffect::CreateTable(table) = effect {
                    let name = table.name.last().to_lowercase();
                    let columns = table.columns.into_iter().flatten();
                    let columns = columns.map(|column| (name.clone(), column.name));
                    found.declared.extend(columns);
                }
            }
        }
        found
    }

    fn has(&self, part: &Id) -> bool {
        let Some(prior) = self.prior else {
            return self.conditionals.iter().any(|it| it.may_be(part));
        };
        if prior.precedes(part, self.version) {
            return true;
        }
        // The statement that found the table did not add its columns.
        let table = part.table.as_deref().filter(|_| part.kind == Kind::Column);
        table.is_some_and(|table| {
            let column = (table.to_lowercase(), part.name.to_lowercase());
            let found = prior.precedes(&Id::table(table), self.version);
            found && self.declared.contains(&column)
        })
    }
}

/// A part of a migration between two schemas: the statements from one number to another.
struct Part {
    start: usize,
    end: usize,
    /// The renames that take its renames back.
    renames: Vec<Renamed>,
}

/// Computes the way back from a migration. Renames are taken back as renames. Where a new object has
/// got an old name, the migration is taken back in parts, so that neither is mistaken for the other.
pub async fn back(
    pool: &mut ShadowPool<'_>,
    member: &RunDatabase<'_>,
    records: &Records,
    (file, script, statements): (&Migration, &Script, &[&str]),
) -> Result<Back, Failure> {
    let parts = parts(member, statements);
    let found = Found::new(records, member, file.version, statements);
    let mut back = Back {
        kept_is_known: found.prior.is_some(),
        ..Back::default()
    };
    for part in parts.iter().rev() {
        let known = (records, &found);
        step_back(pool, member, (file, script), part, known, &mut back).await?;
        // The migration before this one begins with the schema that this one led back to.
        pool.remove_claimed().await;
    }
    Ok(back)
}

/// The parts of a migration: all of it, if its renames can be told from its new objects.
fn parts(member: &RunDatabase<'_>, statements: &[&str]) -> Vec<Part> {
    let database = member.database;
    let dialect = database.dialect;
    let home = dialect.default_qualifier(database.target.database(), database.schema.as_deref());
    let part = |start: usize, end: usize| {
        let own = statements.get(start..end).unwrap_or_default();
        let renames = renames_back(dialect, home, own);
        (
            Part {
                start,
                end,
                renames: renames.clone().unwrap_or_default(),
            },
            renames.is_some(),
        )
    };
    let count = statements.len();
    let (whole, told_apart) = part(0, count);
    if told_apart {
        return vec![whole];
    }
    let mut starts = vec![0];
    starts.extend(borders(dialect, statements));
    let ends = starts.iter().skip(1).copied().chain([count]);
    let ranges = starts.iter().copied().zip(ends);
    ranges.map(|(start, end)| part(start, end).0).collect()
}

/// Adds the statements that take one part back.
async fn step_back(
    pool: &mut ShadowPool<'_>,
    member: &RunDatabase<'_>,
    (file, script): (&Migration, &Script),
    part: &Part,
    (records, found): (&Records, &Found<'_>),
    back: &mut Back,
) -> Result<(), Failure> {
    let (files, history) = (&member.migrations, &member.history);
    let database = member.database;
    let (name, version) = (&database.name, file.version);
    let before = version_before(member, version);
    let label_before = match before {
        Some(before) => format!("{name}@{before}"),
        None => format!("the empty {name}"),
    };
    let texts = |end: usize| {
        let mut texts = before.map_or_else(Vec::new, |before| {
            applied_texts(database, files, history, before)
        });
        if end == script.statements.len() {
            texts = applied_texts(database, files, history, version);
        } else if end > 0 {
            texts.push(Text {
                name: file.file.clone(),
                sql: beginning(file, script, end).into(),
            });
        }
        texts
    };
    let after = texts(part.end);
    let label_after = format!("{name}@{version}");
    let mut from = pool.replay(&label_after, database, &after, true).await?;
    from.schema.access.0.clone_from(&records.access);
    let mut to = pool
        .replay(&label_before, database, &texts(part.start), true)
        .await?;
    let last = after.len().checked_sub(1);
    let of_file = from.not_sent.iter().filter(|(at, _)| Some(*at) == last);
    for not_sent in of_file.flat_map(|(_, not_sent)| not_sent) {
        let at = not_sent.number.saturating_sub(1);
        back.withheld.insert(at, not_sent.why.why.clone());
    }
    // Renames that directives of the file declare are reverted too.
    to.renames = script
        .renames
        .iter()
        .map(|rename| Renamed {
            from: rename.to.clone(),
            to: rename.from.clone(),
        })
        .collect();
    let kept = keep(&from.schema, &mut to.schema, |part| found.has(part));
    back.kept.extend(kept);
    let demanded = Verification::Demanded;
    let mut compared = compare_renamed(pool, from, to, &part.renames, &[], demanded).await?;
    let recorded = |label: &str, version| records.after(pool.context, (label, member), version);
    let (after, recorded_before) = (
        recorded(&label_after, version),
        before.and_then(|before| recorded(&label_before, before)),
    );
    if let Some(mut after) = after
        && let Some(table) = made_otherwise(&mut compared, &mut after)
    {
        // The replay would take back a table that another day's settings make.
        let is_whole = part.start == 0 && part.end == script.statements.len();
        let before = recorded_before.filter(|_| is_whole);
        let Some(mut before) = before else {
            let why = format!(
                "under the settings of today, its migrations make the table `{table}` otherwise \
                 than when they were applied"
            );
            return Err(no_undo(database, file, &why));
        };
        before.renames.clone_from(&compared.to.renames);
        after.schema.access.0.clone_from(&records.access);
        keep(&after.schema, &mut before.schema, |part| found.has(part));
        // A shadow has the settings of today, and the undo of a file does not change them.
        for schema in [&mut before.schema, &mut after.schema] {
            schema.settings.clone_from(&compared.from.schema.settings);
        }
        compared = compare_renamed(pool, after, before, &part.renames, &[], demanded).await?;
    }
    match &compared.verified {
        Verified::Yes | Verified::Without(_) => {
            back.narrowed.extend(narrowed(&compared.difference));
            back.steps.extend(compared.ddl.steps);
            Ok(())
        }
        Verified::No(why) | Verified::Wrong(why) => Err(no_undo(database, file, why)),
    }
}

/// The columns whose values lost something on the way to the schema from which a difference leads
/// back.
fn narrowed(back: &Difference) -> Vec<(String, String)> {
    let mut narrowed = Vec::new();
    for change in &back.changes {
        let Change::Alter { table, alters } = change else {
            continue;
        };
        let columns = alters.iter().filter_map(|alter| match alter {
            Alter::ModifyColumn(pair) => Some(pair.as_ref()),
            _ => None,
        });
        let lossy = columns.filter(|pair| loses_values(&pair.to.sql, &pair.from.sql));
        narrowed.extend(lossy.map(|pair| (table.to_lowercase(), pair.to.name.to_lowercase())));
    }
    narrowed
}

/// The table that the undo would alter and that the replay gave otherwise than it was recorded.
fn made_otherwise(compared: &mut Compared, recorded: &mut Loaded) -> Option<String> {
    recorded.align(&mut compared.from);
    let (replayed, recorded) = (&compared.from.schema, &recorded.schema);
    let mut changes = compared.difference.changes.iter();
    changes.find_map(|change| match change {
        Change::Alter { table, .. } => {
            // A table that is renamed first has another name in the record.
            let both = (replayed.table(table), recorded.table(table));
            matches!(both, (Some(is), Some(was)) if is != was).then(|| table.clone())
        }
        _ => None,
    })
}

fn no_undo(database: &Database, file: &Migration, why: &str) -> Failure {
    let name = &database.name;
    let message = format!(
        "{} of `{name}` has no undo file, and bird cannot compute one: {why}",
        file.title()
    );
    let wanted = file.file.strip_suffix(".sql").unwrap_or(&file.file);
    let fault = Diagnostic::new(Code::NoUndo, message).database(name);
    let hint = format!("write {wanted}.undo.sql with the statements that undo it");
    Failure::refused(fault.hint(hint))
}

/// The text of a migration up to a statement, with the terminator of the one before it.
fn beginning(file: &Migration, script: &Script, end: usize) -> String {
    let last = end.checked_sub(1).and_then(|at| script.statements.get(at));
    let last = last.map_or(0, |statement| statement.range.end);
    let next = script.statements.get(end);
    let next = next.map_or(file.text.len(), |statement| statement.range.start);
    let text = file.text.get(..last).unwrap_or_default();
    let between = file.text.get(last..next).unwrap_or_default();
    let stop = between.find(['\n', '\r', '#']);
    let comment = between.find("--").into_iter().chain(between.find("/*"));
    let stop = comment.chain(stop).min().unwrap_or(between.len());
    let terminator = between.get(..stop).unwrap_or_default();
    format!("{text}{terminator}\n")
}
