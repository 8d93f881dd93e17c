//! The baseline of a database that exists: the migration that recreates its schema, proven in a scratch
//! database.

use super::existing::Read;
use crate::cmd::source::{Loaded, Place, ShadowPool, Step, Text};
use crate::db::audit::connections::Connections;
use crate::diff::diff;
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Failure, Severity};

/// A baseline that is tried.
struct Draft {
    name: String,
    no_transaction: bool,
    body: String,
    /// The indexes of the databases that it names: other schemas of the same database.
    names: Vec<usize>,
    /// The indexes of those whose baselines must be there first.
    requires: Vec<usize>,
    /// Why it is not proven; `None` if it is.
    why: Option<String>,
    /// Whether trying it is useless, because a part of it cannot be written.
    is_partial: bool,
}

impl Draft {
    fn text(&self, all: &[Draft]) -> String {
        let mut text = format!("-- {} as it was when bird took it over\n", self.name);
        if self.no_transaction {
            text.push_str("-- bird: no-transaction\n");
        }
        for required in self.requires.iter().filter_map(|at| all.get(*at)) {
            text.push_str(&format!("-- bird: requires {}@1\n", required.name));
        }
        text.push('\n');
        text.push_str(&self.body);
        text
    }
}

/// The texts of the baselines, and a warning for each that a scratch database did not prove.
pub async fn baselines(
    pool: &mut ShadowPool<'_>,
    all: &mut [Read],
    open: &Connections,
) -> Result<(Vec<String>, Vec<Diagnostic>), Failure> {
    let mut drafts = Vec::new();
    for at in 0..all.len() {
        drafts.push(draft(all, at, open)?);
    }
    // A schema may refer to others of its database: those that are proven come first.
    let mut tried: Vec<Option<Vec<usize>>> = vec![None; drafts.len()];
    let mut is_new = true;
    while is_new {
        is_new = false;
        for (at, read) in all.iter().enumerate() {
            let Some(draft) = drafts.get(at) else {
                continue;
            };
            let is_proven = |at: &&usize| drafts.get(**at).is_some_and(|one| one.why.is_none());
            let requires: Vec<usize> = draft.names.iter().filter(is_proven).copied().collect();
            let before = tried.get_mut(at);
            let before = crate::invariant!(before, some, "every draft has its place");
            if draft.is_partial || draft.why.is_none() || before.as_ref() == Some(&requires) {
                continue;
            }
            *before = Some(requires.clone());
            let mut steps = Vec::new();
            let mut done = Vec::new();
            for sibling in &requires {
                add(&drafts, all, *sibling, &mut done, &mut steps);
            }
            let sql = draft.text(&drafts);
            steps.push(step(&draft.name, sql, Place::Own));
            let why = prove(pool, read, &steps).await;
            is_new |= why.is_none();
            if let Some(draft) = drafts.get_mut(at) {
                draft.requires = if why.is_none() { requires } else { Vec::new() };
                draft.why = why;
            }
        }
    }
    for (read, draft) in all.iter_mut().zip(&drafts) {
        read.existing.proven = draft.why.is_none();
    }
    let faults = (0..drafts.len()).filter_map(|at| fault(&drafts, at));
    let texts = drafts.iter().map(|draft| draft.text(&drafts));
    Ok((texts.collect(), faults.collect()))
}

/// Adds the baseline of a sibling behind those that it requires itself.
fn add(drafts: &[Draft], all: &[Read], at: usize, done: &mut Vec<usize>, steps: &mut Vec<Step>) {
    let (Some(draft), Some(read)) = (drafts.get(at), all.get(at)) else {
        return;
    };
    if done.contains(&at) {
        return;
    }
    done.push(at);
    for required in &draft.requires {
        add(drafts, all, *required, done, steps);
    }
    let schema = read.database.schema.clone();
    let place = schema.map_or(Place::Own, Place::Schema);
    steps.push(step(&draft.name, draft.text(drafts), place));
}

fn step(name: &str, sql: String, place: Place) -> Step {
    let text = Text {
        name: format!("migrations/{name}/V1__baseline.sql"),
        sql: sql.into(),
    };
    Step { place, text }
}

/// The warning about a baseline that is not proven.
fn fault(all: &[Draft], at: usize) -> Option<Diagnostic> {
    let draft = all.get(at)?;
    let (name, why) = (&draft.name, draft.why.as_ref()?);
    let message =
        format!("{name}: bird could not prove that the baseline gives this schema: {why}");
    let fault = Diagnostic::new(Code::NotVerified, message).database(name);
    let named = draft
        .names
        .iter()
        .filter_map(|at| Some((*at, all.get(*at)?)));
    let mut unproven = named.filter(|(_, other)| other.why.is_some());
    let hint = match unproven.next() {
        Some((other, Draft { name: parent, .. })) if at < other => format!(
            "move its foreign keys to {parent} into a file V2__keys.sql that begins with \
             `-- bird: requires {parent}@1`"
        ),
        Some((_, Draft { name: parent, .. })) => format!(
            "begin migrations/{name}/V1__baseline.sql with `-- bird: requires {parent}@1`, and \
             move the foreign keys of {parent} that refer to {name}"
        ),
        None => {
            format!("correct migrations/{name}/V1__baseline.sql by hand; `bird verify` compares")
        }
    };
    Some(fault.severity(Severity::Warning).hint(hint))
}

/// The statements that recreate the schema at an index.
fn draft(all: &mut [Read], at: usize, open: &Connections) -> Result<Draft, Failure> {
    let databases: Vec<_> = all.iter().map(|read| read.database.clone()).collect();
    let read = all.get_mut(at);
    let read = crate::invariant!(read, some, "the index is one of the databases");
    let name = read.existing.name.clone();
    let connected = open.get(&name);
    let connected = crate::invariant!(connected, some, "a database that was read is open");
    let catalog = read.database.dialect.catalog();
    let mut schema = read.schema.clone();
    // Only the default schema shows the others.
    let is_default = read.database.schema.as_deref() == read.database.dialect.facts().schema;
    let mut created = Vec::new();
    for empty in read.empty.iter().filter(|_| is_default) {
        catalog.leave_out_schema(&mut schema, empty);
        created.extend(catalog.create_schema(empty));
    }
    let loaded = Loaded {
        label: name.clone(),
        base: read.database.clone(),
        schema,
        server: connected.session.server.clone(),
        origin: crate::cmd::source::Origin::Live,
        renames: Vec::new(),
        notes: Vec::new(),
        not_sent: Vec::new(),
        shadow: None,
    };
    let mut ddl = loaded.recreation_anywhere();
    for step in &mut ddl.steps {
        // Creating objects in an empty database risks no data.
        step.risks.clear();
    }
    read.existing.statements = created.len() + ddl.steps.len();
    let mut body = String::new();
    for statement in created {
        body.push_str(&format!("{statement};\n"));
    }
    body.push_str(&catalog.script(&ddl.steps));
    let base = &read.database;
    let names = databases.iter().enumerate().filter(|(_, other)| {
        base.shares_database_with(other)
            && other.schema.as_deref().is_some_and(|schema| {
                let quoted = base.dialect.quote(schema);
                [schema, &quoted]
                    .iter()
                    .any(|name| body.contains(&format!("{name}.")))
            })
    });
    let names = names.map(|(at, _)| at).collect();
    let unsupported = ddl.unsupported.first();
    let unsupported = unsupported.map(|first| format!("{}: {}", first.about, first.why));
    Ok(Draft {
        no_transaction: ddl.steps.iter().any(|step| step.alone),
        names,
        requires: Vec::new(),
        is_partial: unsupported.is_some(),
        why: Some(unsupported.unwrap_or_default()),
        name,
        body,
    })
}

/// Runs a baseline in a scratch database, and compares the schema. `None` if it is the same.
async fn prove(pool: &mut ShadowPool<'_>, read: &Read, steps: &[Step]) -> Option<String> {
    let base = &read.database;
    let made = pool.replay_steps("baseline", base, steps, false).await;
    let mut made = match made {
        Ok(made) => made,
        Err(failure) => return Some(failure.to_string()),
    };
    if let Some(note) = made.notes.first() {
        return Some(note.message.clone());
    }
    let catalog = base.dialect.catalog();
    for step in steps {
        if let Place::Schema(sibling) = &step.place {
            catalog.leave_out_schema(&mut made.schema, sibling);
        }
    }
    let rest = diff(&made.schema, &read.schema, catalog.orders_columns());
    let first = rest.changes.first()?;
    Some(format!("{} differs after the replay", first.about()))
}
