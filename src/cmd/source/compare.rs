//! Compares two schemas, and verifies in a shadow that the statements lead from one to the other.

use super::{Loaded, ShadowPool};
use crate::db::replay::{self, Sent};
use crate::dialect::containment::Outside;
use crate::diff::{diff, twins};
use crate::model::change::{Ddl, DdlStep, Difference, Renamed};
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Failure};
use crate::model::schema::Schema;

/// The most tables and objects that are verified without being asked for: larger schemas would take
/// too long.
const SMALL: usize = 300;

/// When the statements are verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verification {
    /// If it is cheap and possible.
    Cheap,
    /// Always; without it there is an error.
    Demanded,
}

/// The result of the verification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verified {
    /// The statements were run in a shadow and gave exactly the other schema.
    Yes,
    /// The statements were not run, for this reason.
    No(String),
    /// The statements fail or give another schema; how.
    Wrong(String),
}

/// Two schemas and the statements that lead from one to the other.
pub struct Compared {
    pub from: Loaded,
    pub to: Loaded,
    /// The renames that are made first.
    pub renamed: Vec<Renamed>,
    /// The difference that remains after the renames.
    pub difference: Difference,
    /// The renames and the rest, in an order that works.
    pub ddl: Ddl,
    pub verified: Verified,
    /// Pairs that may be a rename but are not treated as one.
    pub twins: Vec<Renamed>,
}

impl Compared {
    /// Whether the two are the same.
    pub fn is_same(&self) -> bool {
        self.difference.is_empty() && self.renamed.is_empty()
    }
}

/// Compares two schemas. `renames` are given on the command line, in addition to those in files.
pub async fn compare(
    pool: &mut ShadowPool<'_>,
    from: Loaded,
    to: Loaded,
    renames: &[Renamed],
    verification: Verification,
) -> Result<Compared, Failure> {
    compare_renamed(pool, from, to, &[], renames, verification).await
}

/// As [`compare`], after renames that are known for certain: those that apply are made first, one
/// after the other, whatever else has the names.
pub async fn compare_renamed(
    pool: &mut ShadowPool<'_>,
    mut from: Loaded,
    mut to: Loaded,
    certain: &[Renamed],
    renames: &[Renamed],
    verification: Verification,
) -> Result<Compared, Failure> {
    from.leave_out_histories(&to);
    to.leave_out_histories(&from);
    let catalog = from.base.dialect.catalog();
    let mut wanted: Vec<Renamed> = renames.iter().chain(&to.renames).cloned().collect();
    // Tables are renamed first: a column is named with its table's new name.
    wanted.sort_by_key(|renamed| renamed.from.matches('.').count());
    wanted.dedup();
    let mut at = None;
    let (mut renamed, mut steps) = (Vec::new(), Vec::new());
    let mut current = from.schema.clone();
    let certain = certain.iter().map(|rename| (rename.clone(), true));
    let wanted = wanted.into_iter().map(|wish| (wish, false));
    for (mut wish, is_certain) in certain.chain(wanted) {
        if is_certain {
            match spelled(&current, &wish.from) {
                Some(name) => wish.from = name,
                None => continue,
            }
            wish.to = spelled(&to.schema, &wish.to).unwrap_or(wish.to);
        } else {
            let applies = has(&current, &wish.from) && !has(&current, &wish.to);
            if !applies || !has(&to.schema, &wish.to) || has(&to.schema, &wish.from) {
                continue;
            }
        }
        let Some(step) = catalog.rename(&from.place(), &current, &wish) else {
            continue;
        };
        let shadow = match at {
            Some(shadow) => shadow,
            None => reproduced(pool, &mut from).await?,
        };
        at = Some(shadow);
        current = run(pool, shadow, &from, std::slice::from_ref(&step))
            .await
            .map_err(|why| {
                let message = format!("{} cannot become {}: {why}", wish.from, wish.to);
                Failure::failed(Diagnostic::new(Code::Rename, message))
            })?;
        renamed.push(wish);
        steps.push(step);
    }
    unknown_renames(renames, &renamed)?;
    let difference = diff(&current, &to.schema, catalog.orders_columns());
    let mut ddl = catalog.write(&from.place(), &difference, &current, &to.schema);
    let verified = match prove(pool, at, &mut from, &to, (&difference, &ddl), verification).await {
        Err(failure) if verification == Verification::Demanded => return Err(failure),
        Err(failure) => Verified::No(failure.to_string()),
        Ok(verified) => verified,
    };
    ddl.steps.splice(0..0, steps);
    let twins = twins(&difference, &current, &to.schema);
    Ok(Compared {
        from,
        to,
        renamed,
        difference,
        ddl,
        verified,
        twins,
    })
}

/// An error if a rename that was asked for does not apply.
fn unknown_renames(asked: &[Renamed], done: &[Renamed]) -> Result<(), Failure> {
    let mut asked = asked.iter();
    match asked.find(|renamed| !done.contains(renamed)) {
        Some(Renamed { from, to }) => {
            let message = format!("--rename {from}={to} does not apply");
            let hint = "the old name must stand only in the one schema, the new one only in the \
                        other; write table=table, or table.column=table.column";
            Err(Failure::failed(
                Diagnostic::new(Code::Usage, message).hint(hint),
            ))
        }
        None => Ok(()),
    }
}

/// A name as the schema spells it; statements may write it in other letter cases.
fn spelled(schema: &Schema, name: &str) -> Option<String> {
    let (whole, part) = match name.split_once('.') {
        Some((whole, part)) => (whole, Some(part)),
        None => (name, None),
    };
    let tables = schema.tables.iter().map(|table| &table.name);
    let names = tables.chain(schema.objects.iter().map(|object| &object.name));
    let whole = alike(names, whole)?;
    let Some(part) = part else {
        return Some(whole);
    };
    let table = schema.table(&whole);
    let object = schema.objects.iter().find(|object| object.name == whole);
    let columns = table.map(|table| &table.columns);
    let columns = columns.or_else(|| object.map(|object| &object.columns))?;
    let labels = object.into_iter().flat_map(|object| &object.labels);
    let part = alike(
        columns.iter().map(|column| &column.name).chain(labels),
        part,
    )?;
    Some(format!("{whole}.{part}"))
}

/// The one of some names that is this one, or that differs from it in letter case alone.
fn alike<'n>(names: impl Iterator<Item = &'n String> + Clone, name: &str) -> Option<String> {
    let exact = names.clone().find(|known| *known == name);
    let mut names = names;
    let found = exact.or_else(|| names.find(|known| known.eq_ignore_ascii_case(name)));
    found.cloned()
}

/// Whether the schema has a table, an object or a column of this name.
fn has(schema: &Schema, name: &str) -> bool {
    let object = |name: &str| schema.objects.iter().any(|object| object.name == name);
    if schema.table(name).is_some() || object(name) {
        return true;
    }
    let column = name.split_once('.').and_then(|(table, column)| {
        let table = schema.table(table)?;
        table.column(column)
    });
    column.is_some()
}

async fn prove(
    pool: &mut ShadowPool<'_>,
    at: Option<usize>,
    from: &mut Loaded,
    to: &Loaded,
    (difference, ddl): (&Difference, &Ddl),
    verification: Verification,
) -> Result<Verified, Failure> {
    if let Some(unsupported) = ddl.unsupported.first() {
        let why = format!(
            "{} cannot be changed: {}",
            unsupported.about, unsupported.why
        );
        return Ok(Verified::No(why));
    }
    if ddl.steps.is_empty() {
        // Without statements there is nothing to verify, unless nothing differs.
        return Ok(match difference.changes.first() {
            None => Verified::Yes,
            Some(first) => Verified::Wrong(format!("no statement changes {}", first.about())),
        });
    }
    let size = from.schema.tables.len() + from.schema.objects.len();
    if verification == Verification::Cheap && from.shadow.is_none() && at.is_none() && size > SMALL
    {
        let why = "the schema is large; --verify runs the statements in a shadow".to_owned();
        return Ok(Verified::No(why));
    }
    let at = match at {
        Some(at) => at,
        None => reproduced(pool, from).await?,
    };
    let reached = match run(pool, at, from, &ddl.steps).await {
        Ok(reached) => reached,
        Err(why) => return Ok(Verified::Wrong(why)),
    };
    let orders = from.base.dialect.catalog().orders_columns();
    let rest = diff(&reached, &to.schema, orders);
    Ok(match rest.changes.first() {
        None => Verified::Yes,
        Some(first) => Verified::Wrong(format!(
            "run in a shadow they leave {} of {} different, first {}",
            rest.changes.len(),
            to.label,
            first.about()
        )),
    })
}

/// A shadow with exactly the schema of `from`: the one in which it was replayed, else a new one.
async fn reproduced(pool: &mut ShadowPool<'_>, from: &mut Loaded) -> Result<usize, Failure> {
    if let Some(at) = from.shadow.take()
        && pool.at(at).is_some()
    {
        return Ok(at);
    }
    let at = pool.shadow(&from.base).await?;
    let ddl = from.recreation();
    let cannot = |why: String| {
        let message = format!("{} cannot be recreated in a shadow: {why}", from.label);
        Failure::failed(Diagnostic::new(Code::Shadow, message))
    };
    if let Some(unsupported) = ddl.unsupported.first() {
        return Err(cannot(format!(
            "{}: {}",
            unsupported.about, unsupported.why
        )));
    }
    let made = run(pool, at, from, &ddl.steps).await.map_err(cannot)?;
    let orders = from.base.dialect.catalog().orders_columns();
    let rest = diff(&made, &from.schema, orders);
    match rest.changes.first() {
        Some(change) => Err(cannot(format!("{} comes out otherwise", change.about()))),
        None => Ok(at),
    }
}

/// Runs statements in a shadow, and reads its schema.
async fn run(
    pool: &mut ShadowPool<'_>,
    at: usize,
    from: &Loaded,
    steps: &[DdlStep],
) -> Result<Schema, String> {
    let Some(shadow) = pool.at(at) else {
        return Err("there is no shadow".to_owned());
    };
    let (before, behind) = from.base.dialect.catalog().surround(steps);
    let texts = steps.iter().map(|step| &step.sql);
    for sql in before.iter().chain(texts).chain(&behind) {
        match replay::send(shadow, sql).await {
            Ok(Sent::Ran) => {}
            Ok(Sent::Withheld(Outside { why, .. })) => {
                return Err(format!(
                    "it is not replayable, because it {why}: {}",
                    first_line(sql)
                ));
            }
            Err(error) => return Err(format!("{}, at {}", error, first_line(sql))),
        }
    }
    let schema = shadow.inspect().await;
    schema.map_err(|error| error.to_string())
}

fn first_line(sql: &str) -> &str {
    sql.lines().next().unwrap_or_default()
}
