//! The desired-schema file of a database: whether it is behind the migrations, and how it is brought
//! up to date.

use std::path::{Path, PathBuf};

use super::{Loaded, Source, Upto, with};
use crate::cmd::context::Context;
use crate::dialect;
use crate::diff::diff;
use crate::model::change::{Alter, Change, Difference};
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Failure};
use crate::model::target::{Target, is_loopback};
use crate::project::{Database, replace};

/// A schema file that differs from what the migrations give.
struct Differing {
    difference: Difference,
    migrations: Loaded,
}

/// The diagnostic if the schema file of a database is behind its migrations. `None` if it is not,
/// if it cannot be found out, or if the server is not on this machine: scratch databases are for
/// development there.
pub async fn behind(context: &Context, database: &Database) -> Option<Diagnostic> {
    let near = match &database.target {
        Target::File(_) => true,
        Target::Server(server) => server.socket.is_some() || is_loopback(&server.host),
    };
    let path = file(database).filter(|path| near && path.is_file())?;
    let differing = compare(context, database, true).await.ok()??;
    let lacks = differing.difference.changes.iter();
    let lacking: Vec<String> = lacks
        .filter(|change| is_lack(change))
        .map(Change::about)
        .collect();
    let (first, rest) = lacking.split_first()?;
    let more = match rest.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let (name, shown) = (&database.name, context.project.shown(&path));
    let message = format!("{shown} does not match the migrations of `{name}`: {first}{more}");
    let fault = Diagnostic::new(Code::SchemaBehind, message).database(name);
    Some(fault.hint(format!(
        "update it by hand, or: bird migrate --database {name} --write-schema"
    )))
}

/// Writes what the migrations of a database give into its schema file. Returns the file's name;
/// `None` if the file says the same already.
pub async fn write(context: &Context, database: &Database) -> Result<Option<String>, Failure> {
    let name = &database.name;
    let wrong = |message: String, hint: &str| {
        let fault = Diagnostic::new(Code::SchemaFile, message).database(name);
        Failure::failed(fault.hint(hint))
    };
    let Some(path) = file(database) else {
        let message = format!("`{name}` has no schema file that bird could write");
        let hint = "set `schema` in bird.toml to a .sql file, or to a folder with one per engine";
        return Err(wrong(message, hint));
    };
    let shown = context.project.shown(&path);
    let Some(differing) = compare(context, database, path.is_file()).await? else {
        return Ok(None);
    };
    let ddl = differing.migrations.recreation();
    if let Some(unsupported) = ddl.unsupported.first() {
        let message = format!(
            "{shown} was not written: {} cannot be recreated: {}",
            unsupported.about, unsupported.why
        );
        return Err(wrong(message, "write the file by hand"));
    }
    let mut steps = ddl.steps;
    // Creating objects in an empty database risks no data.
    steps.iter_mut().for_each(|step| step.risks.clear());
    let script = database.dialect.catalog().script(&steps);
    let text = format!("-- What the migrations of {name} give. Written by bird.\n\n{script}");
    let written = path
        .parent()
        .map_or(Ok(()), std::fs::create_dir_all)
        .and_then(|()| replace(&path, &text));
    match written {
        Ok(()) => Ok(Some(shown)),
        Err(reason) => {
            let message = format!("cannot write {shown}: {reason}");
            Err(wrong(message, "change its permissions"))
        }
    }
}

/// Compares a schema file, if there is one, with the migrations. `None` if they are the same.
async fn compare(
    context: &Context,
    database: &Database,
    exists: bool,
) -> Result<Option<Differing>, Failure> {
    with(context, async |pool| {
        let source = Source::migrations(database, Upto::All);
        let migrations = pool.load(&source, database, None).await?;
        let mut difference = Difference::default();
        if exists {
            let desired = pool
                .load(&Source::desired(database), database, None)
                .await?;
            let orders = database.dialect.catalog().orders_columns();
            difference = diff(&desired.schema, &migrations.schema, orders);
            if difference.is_empty() {
                return Ok(None);
            }
        }
        Ok(Some(Differing {
            difference,
            migrations,
        }))
    })
    .await
}

/// The schema file of a database for its engine. `None` if there is none in bird.toml, or if it is a
/// folder of several files.
fn file(database: &Database) -> Option<PathBuf> {
    let path = database.desired.as_ref()?;
    let is_sql = |path: &Path| path.extension().is_some_and(|ending| ending == "sql");
    if path.is_file() || (is_sql(path) && !path.is_dir()) {
        return Some(path.clone());
    }
    let names: Vec<String> = dialect::names()
        .iter()
        .map(|engine| format!("{engine}.sql"))
        .collect();
    let foreign = std::fs::read_dir(path).is_ok_and(|mut entries| {
        entries.any(|entry| {
            let found = entry.map(|entry| entry.path()).unwrap_or_default();
            let name = found.file_name().unwrap_or_default();
            is_sql(&found) && !names.iter().any(|own| name == own.as_str())
        })
    });
    let own = path.join(format!("{}.sql", database.dialect.facts().name));
    (!foreign).then_some(own)
}

/// Whether a change that leads from the file to the migrations is something that the file lacks. What
/// only the file has may be a wish that no migration fulfils yet.
fn is_lack(change: &Change) -> bool {
    let wish = |alter: &Alter| {
        matches!(
            alter,
            Alter::DropColumn(_)
                | Alter::DropKey(_)
                | Alter::DropForeignKey(_)
                | Alter::DropCheck(_)
        )
    };
    match change {
        Change::Drop(_) => false,
        Change::Alter { alters, .. } => !alters.iter().all(wish),
        Change::Create(_) | Change::Replace(_) | Change::Setting { .. } | Change::Opaque(_) => true,
    }
}
