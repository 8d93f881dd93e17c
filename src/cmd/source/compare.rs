//! Compares two schemas, and verifies in a shadow that the statements lead from one to the other.

use super::{Loaded, ShadowPool, access, siblings};
use crate::db::replay::{self, Sent};
use crate::db::shadow::Shadow;
use crate::dialect::ErrorKind;
use crate::dialect::containment::{self, Outside};
use crate::diff::{diff, twins};
use crate::model::change::{Change, Ddl, DdlStep, Difference, Hazard, Renamed};
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Failure};
use crate::model::schema::{Kind, Schema};
use crate::sql::script;

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
    /// As well, in a shadow that lacks these objects: bird does not write them, they are the same in
    /// both schemas, and no statement is about them.
    Without(Vec<String>),
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
    /// Whether a statement is only to be read. Where the wanted schema may lack objects, because not
    /// every statement was replayed, nothing is taken away: an applied migration may have made it.
    pub fn is_doubtful(&self, step: &DdlStep) -> bool {
        let takes_away = || {
            let syntax = self.from.base.dialect.syntax();
            let mut words = script::words(syntax, &step.sql);
            words.any(|word| word.eq_ignore_ascii_case("DROP"))
                || step
                    .risks
                    .iter()
                    .any(|risk| risk.hazard == Hazard::DataLoss)
        };
        self.to.is_incomplete() && takes_away()
    }

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
    from.align(&mut to);
    let catalog = from.base.dialect.catalog();
    let mut wanted: Vec<Renamed> = renames.iter().chain(&to.renames).cloned().collect();
    // Tables are renamed first: a column is named with its table's new name.
    wanted.sort_by_key(|renamed| renamed.from.matches('.').count());
    wanted.dedup();
    let mut at: Option<(usize, Vec<LeftOut>)> = None;
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
        let (shadow, mut left_out) = match at {
            Some(reproduced) => reproduced,
            None => reproduced(pool, &mut from, &to).await?,
        };
        let cannot = |why: String| {
            let message = format!("bird cannot turn {} into {}: {why}", wish.from, wish.to);
            Failure::failed(Diagnostic::new(Code::Rename, message))
        };
        current = run(
            pool,
            shadow,
            &from,
            std::slice::from_ref(&step),
            &mut left_out,
        )
        .await
        .map_err(cannot)?;
        if let Some(untried) = left_out.iter().find_map(LeftOut::untried) {
            return Err(cannot(untried));
        }
        // What bird does not write is not in the shadow either.
        current
            .opaque_objects
            .clone_from(&from.schema.opaque_objects);
        at = Some((shadow, left_out));
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
            let hint = "the old name must exist only in the first schema, the new name only in the \
                second; write table=table or table.column=table.column";
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
    at: Option<(usize, Vec<LeftOut>)>,
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
        let why =
            "the schema is large; --verify tries the statements in a scratch database".to_owned();
        return Ok(Verified::No(why));
    }
    let (at, mut left_out) = match at {
        Some(reproduced) => reproduced,
        None => reproduced(pool, from, to).await?,
    };
    if let Some(why) = touched(from, to, ddl, &left_out) {
        return Ok(Verified::No(why));
    }
    siblings::accompany(pool, at, &from.base, &ddl.steps).await?;
    let reached = match run(pool, at, from, &ddl.steps, &mut left_out).await {
        Ok(reached) => reached,
        Err(why) => return Ok(Verified::Wrong(why)),
    };
    let orders = from.base.dialect.catalog().orders_columns();
    let rest = diff(&reached, &to.schema, orders);
    let rest = tried_changes(&rest, &left_out);
    if let Some(about) = access::not_given_back(&reached, &ddl.given_back, &left_out) {
        let why = format!("in a scratch database, the statements leave other grants on {about}");
        return Ok(Verified::Wrong(why));
    }
    if let Some(first) = rest.first() {
        return Ok(Verified::Wrong(format!(
            "in a scratch database, the statements leave {} of {} different, first {}",
            rest.len(),
            to.label,
            first.about()
        )));
    }
    Ok(match left_out.iter().find_map(LeftOut::untried) {
        Some(why) => Verified::No(why),
        None if left_out.is_empty() => Verified::Yes,
        None => Verified::Without(left_out.into_iter().map(|it| it.about).collect()),
    })
}

/// Why the shadow proves too little: an object that it lacks and that bird does not write names one
/// that the statements change.
fn touched(from: &Loaded, to: &Loaded, ddl: &Ddl, left_out: &[LeftOut]) -> Option<String> {
    let dialect = from.base.dialect;
    let schemas = [&from.schema, &to.schema];
    let opaque = schemas.iter().flat_map(|schema| &schema.opaque_objects);
    let mut opaque = opaque.filter(|object| !is_tried(left_out, &object.what));
    opaque.find_map(|object| {
        let mut steps = ddl.steps.iter();
        let step = steps.find(|step| {
            let names = [Some(&step.about.name), step.about.table.as_ref()];
            let names: Vec<String> = names
                .into_iter()
                .flatten()
                .map(|it| it.to_lowercase())
                .collect();
            containment::mentions(dialect, &object.definition, &names).is_some()
        })?;
        Some(format!(
            "{}, which bird does not write, names {}",
            object.what, step.about
        ))
    })
}

/// An object of a schema that a shadow lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LeftOut {
    pub(super) about: String,
    /// Why the statement that makes it could not be tried, as a predicate; `None` for an object that
    /// bird does not write, and that is the same in both schemas.
    pub(super) why: Option<String>,
}

impl LeftOut {
    fn untried(&self) -> Option<String> {
        let why = self.why.as_ref()?;
        Some(format!("{} {why}", self.about))
    }
}

/// Whether a shadow has this object like the schemas that are compared.
fn is_tried(left_out: &[LeftOut], about: &str) -> bool {
    !left_out.iter().any(|left_out| left_out.about == about)
}

/// The changes of objects that a shadow has.
fn tried_changes<'c>(rest: &'c Difference, left_out: &[LeftOut]) -> Vec<&'c Change> {
    let mut changes: Vec<&Change> = rest.changes.iter().collect();
    changes.retain(|change| is_tried(left_out, &change.about()));
    changes
}

/// A shadow with exactly the schema of `from`: the one in which it was replayed, else a new one, which
/// may lack objects.
async fn reproduced(
    pool: &mut ShadowPool<'_>,
    from: &mut Loaded,
    to: &Loaded,
) -> Result<(usize, Vec<LeftOut>), Failure> {
    if let Some(at) = from.shadow.take()
        && pool.claim(at)
    {
        return Ok((at, Vec::new()));
    }
    let at = pool.shadow(&from.base).await?;
    pool.claim(at);
    let ddl = from.recreation();
    siblings::accompany(pool, at, &from.base, &ddl.steps).await?;
    let cannot = |why: String| {
        let message = format!(
            "{} cannot be recreated in a scratch database: {why}",
            from.label
        );
        Failure::failed(Diagnostic::new(Code::Shadow, message))
    };
    let mut left_out = Vec::new();
    for unsupported in &ddl.unsupported {
        let about = unsupported.about.to_string();
        let same = from
            .schema
            .opaque_objects
            .iter()
            .any(|object| object.what == about && to.schema.opaque_objects.contains(object));
        if !same {
            return Err(cannot(format!("{about}: {}", unsupported.why)));
        }
        left_out.push(LeftOut { about, why: None });
    }
    let made = run(pool, at, from, &ddl.steps, &mut left_out)
        .await
        .map_err(cannot)?;
    let orders = from.base.dialect.catalog().orders_columns();
    let rest = diff(&made, &from.schema, orders);
    match tried_changes(&rest, &left_out).first() {
        Some(change) => Err(cannot(format!(
            "{} differs after the replay",
            change.about()
        ))),
        None => Ok((at, left_out)),
    }
}

/// Runs statements in a shadow, and reads its schema. What may not run there is left out, with all
/// statements about the same object.
async fn run(
    pool: &mut ShadowPool<'_>,
    at: usize,
    from: &Loaded,
    steps: &[DdlStep],
    left_out: &mut Vec<LeftOut>,
) -> Result<Schema, String> {
    let Some(shadow) = pool.at(at) else {
        return Err("no scratch database is available".to_owned());
    };
    let (before, behind) = from.base.dialect.catalog().surround(steps);
    for sql in &before {
        send(shadow, sql).await?;
    }
    let mut broken: Vec<(&DdlStep, String)> = Vec::new();
    for step in steps {
        if step.gives_back {
            access::give_back(shadow, step, left_out).await?;
            continue;
        }
        let about = step.about.to_string();
        if !is_tried(left_out, &about) {
            continue;
        }
        match replay::send(shadow, &step.sql).await {
            Ok(Sent::Ran) => {}
            Ok(Sent::Withheld(Outside { why, .. })) => left_out.push(LeftOut {
                about,
                why: Some(why),
            }),
            Err(error) => {
                let lacks = matches!(
                    error.kind,
                    ErrorKind::MissingTable | ErrorKind::MissingObject
                );
                let why = format!("{}, at {}", error, first_line(&step.sql));
                if !lacks || step.about.kind != Kind::View {
                    return Err(why);
                }
                broken.push((step, error.to_string()));
            }
        }
    }
    // The server keeps a view whose table is gone, and prints a definition that it would refuse. If
    // a later statement made the table, the order is wrong.
    for (step, why) in broken {
        let about = step.about.to_string();
        match replay::send(shadow, &step.sql).await {
            Ok(Sent::Ran) => return Err(format!("{why}, at {}", first_line(&step.sql))),
            Ok(Sent::Withheld(Outside { why, .. })) => left_out.push(LeftOut {
                about,
                why: Some(why),
            }),
            Err(_) => left_out.push(LeftOut {
                about,
                why: Some(format!("needs what is not there: {why}")),
            }),
        }
    }
    for sql in &behind {
        send(shadow, sql).await?;
    }
    let schema = shadow.inspect().await;
    schema.map_err(|error| error.to_string())
}

/// Sends a statement that must run.
async fn send(shadow: &mut Shadow, sql: &str) -> Result<(), String> {
    match replay::send(shadow, sql).await {
        Ok(Sent::Ran) => Ok(()),
        Ok(Sent::Withheld(Outside { why, .. })) => Err(format!(
            "it is not replayable, because it {why}: {}",
            first_line(sql)
        )),
        Err(error) => Err(format!("{}, at {}", error, first_line(sql))),
    }
}

pub(super) fn first_line(sql: &str) -> &str {
    sql.lines().next().unwrap_or_default()
}
