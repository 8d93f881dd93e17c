//! Adopts changes that were made by hand and have a migration now: the migration is recorded without
//! being run if the database is exactly what the migration gives.

use super::{Decision, Origin};
use crate::adopt::{Adopted, BASELINE};
use crate::cmd::context::Context;
use crate::cmd::run::database::RunDatabase;
use crate::cmd::source::{self, Source, Upto};
use crate::diff::diff;
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Failure};

/// The pending migrations up to a version, if the live schema is what they give.
pub async fn decision(
    context: &Context,
    member: &RunDatabase<'_>,
    to: i64,
) -> Result<Decision, Failure> {
    let database = member.database;
    let name = &database.name;
    let live = Source::live(database);
    let wanted = Source::migrations(database, Upto::Version(to));
    let difference = source::with(context, async |pool| {
        let live = pool.load(&live, database, None).await?;
        let wanted = pool.load(&wanted, database, None).await?;
        let orders = database.dialect.catalog().orders_columns();
        Ok(diff(&live.schema, &wanted.schema, orders))
    })
    .await?;
    if !difference.is_empty() {
        let differing: Vec<String> = difference.changes.iter().map(|one| one.about()).collect();
        let message = format!("the schema of `{name}` differs from that of V{to}");
        let fault = Diagnostic::new(Code::NotAlike, message).database(name);
        let fault = fault.note(format!("these differ: {}", differing.join(", ")));
        let hint = format!("bird diff {name} {name}@{to} shows how");
        return Err(Failure::refused(fault.hint(hint)));
    }
    let files = member.migrations.iter().enumerate();
    let adopted = files
        .filter(|(_, file)| file.version <= to)
        .map(|(at, _)| Adopted {
            at,
            from: BASELINE.to_owned(),
            applied_on: None,
        });
    Ok(Decision {
        origin: Origin::Baseline,
        adopted: adopted.collect(),
        missing: Vec::new(),
    })
}
