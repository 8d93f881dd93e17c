//! `bird diff`: the SQL that leads from one schema to another, tried in a scratch database.

mod report;

use futures_util::future::join;

use super::context::Context;
use super::facts::CommandFacts;
use super::flags;
use super::source::compare::{Compared, Verification, Verified, compare};
use super::source::{self, Loaded, Origin, ShadowPool, Source, SourceKind, Upto};
use crate::audit::guard;
use crate::model::change::Renamed;
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Failure};
use crate::output::{Format, SQL};
use crate::project::Database;
use report::DiffReport;

/// Show how two schemas differ, and the statements that turn one into the other
#[derive(Debug, clap::Args)]
#[command(
    before_help = "Example: bird diff                        drift: from live to applied\n         \
                   bird diff ums                    from live to migrations\n         \
                   bird diff ums@3 ums@schema       from version 3 to the desired schema\n         \
                   bird diff mysql://… wanted.sql   from a database to a file",
    after_help = "A source is a database of the project (ums: live), ums@migrations, ums@7, \
                  ums@schema, a URL, a .sql file or a folder of them."
)]
pub struct Args {
    /// Schema to start from
    #[arg(value_name = "FROM")]
    from: Option<String>,
    /// Schema to end with [default: the schema of FROM's migrations]
    #[arg(value_name = "TO")]
    to: Option<String>,
    /// Run the statements in a scratch database like FROM, and print them only if they give exactly TO
    #[arg(long)]
    verify: bool,
    /// Treat as renamed: table=table or table.column=table.column; repeatable
    #[arg(long = "rename", value_name = "OLD=NEW", value_parser = flags::rename)]
    renames: Vec<Renamed>,
    /// Server for the scratch database, if neither source names one
    #[arg(long, value_name = "URL")]
    shadow: Option<String>,
    #[command(flatten)]
    consents: flags::Consents,
    #[command(flatten)]
    connect: flags::Connect,
}

impl CommandFacts for Args {
    const FORMATS: &'static [&'static Format] = &[SQL];

    fn stands_alone(&self) -> bool {
        let both = self.from.iter().chain(&self.to);
        self.to.is_some() && both.into_iter().all(|source| source::stands_alone(source))
    }
}

/// Compares schemas; writes to no configured database.
pub async fn run(context: &Context, args: &Args) -> Result<DiffReport, Failure> {
    let pairs = pairs(context, args)?;
    let drift = args.from.is_none();
    let verification = if args.verify {
        Verification::Demanded
    } else {
        Verification::Cheap
    };
    let compared = source::with(context, async |pool| {
        let mut all = Vec::new();
        for pair in &pairs {
            let (from, to) = load(pool, args, pair).await?;
            all.push(compare(pool, from, to, &args.renames, verification).await?);
        }
        Ok(all)
    })
    .await?;
    if args.verify {
        demand(&compared)?;
    }
    let allowed = args.consents.allows(Code::Referenced);
    let guarded = compared.iter().map(|one| {
        if allowed {
            Vec::new()
        } else {
            guarded(context, one)
        }
    });
    let guarded = guarded.collect();
    Ok(DiffReport::new(compared, guarded, drift))
}

/// The changes that would break references of other databases.
fn guarded(context: &Context, one: &Compared) -> Vec<Diagnostic> {
    let name = &one.from.base.name;
    guard(
        name,
        &context.project.references,
        &one.difference,
        &one.renamed,
        &one.from.schema,
    )
}

/// An error if the SQL does not lead to the wanted schema.
fn demand(compared: &[Compared]) -> Result<(), Failure> {
    let wrong = compared.iter().filter_map(|one| match &one.verified {
        Verified::Yes | Verified::Without(_) => None,
        Verified::No(why) => Some(format!("{} cannot be verified: {why}", one.from.label)),
        Verified::Wrong(why) => Some(format!(
            "the statements that bird found do not turn {} into {}: {why}",
            one.from.label, one.to.label
        )),
    });
    let diagnostics: Vec<Diagnostic> = wrong
        .map(|message| {
            let fault = Diagnostic::new(Code::NotVerified, message);
            fault.hint("without --verify, bird shows the differences")
        })
        .collect();
    if diagnostics.is_empty() {
        Ok(())
    } else {
        Err(Failure {
            exit: crate::model::exit::Exit::Failed,
            diagnostics,
        })
    }
}

/// The two sources of each comparison.
fn pairs(context: &Context, args: &Args) -> Result<Vec<(Source, Source)>, Failure> {
    match (&args.from, &args.to) {
        (Some(from), Some(to)) => {
            let both = (Source::parse(context, from)?, Source::parse(context, to)?);
            Ok(vec![both])
        }
        (Some(text), None) => {
            let from = Source::parse(context, text)?;
            let database = from.base();
            let database = database.and_then(|known| context.project.database(&known.name));
            let Some(database) = database else {
                let message = format!("`{text}` has no migrations to compare it with");
                return Err(source::usage(message, "name both: bird diff FROM TO"));
            };
            let to = Source::migrations(database, Upto::All);
            Ok(vec![(from, to)])
        }
        (None, _) => {
            let selected = context.project.selected();
            let pairs = selected.map(|database| {
                let applied = Source::migrations(database, Upto::Applied);
                (Source::live(database), applied)
            });
            Ok(pairs.collect())
        }
    }
}

/// Loads both schemas, two live ones at once.
async fn load(
    pool: &mut ShadowPool<'_>,
    args: &Args,
    (from, to): &(Source, Source),
) -> Result<(Loaded, Loaded), Failure> {
    let context = pool.context;
    if let (SourceKind::Live(one), SourceKind::Live(other)) = (&from.kind, &to.kind) {
        same_engine(one, other)?;
        let both = join(
            source::live(context, &from.label, one, args.connect.wait),
            source::live(context, &to.label, other, args.connect.wait),
        );
        let (one, other) = both.await;
        return Ok((one?, other?));
    }
    let shadow = args.shadow.as_deref().map(source::at_url).transpose()?;
    let base = |mine: Option<&Database>, other: Option<&Database>| {
        let base = mine.or(other).or(shadow.as_ref());
        base.cloned().ok_or_else(source::no_engine)
    };
    let (one, other) = (from.base(), to.base());
    let (one, other) = (base(one, other)?, base(other, one)?);
    same_engine(&one, &other)?;
    let mut from = pool.load(from, &one, args.connect.wait).await?;
    let mut to = pool.load(to, &other, args.connect.wait).await?;
    match (&from.origin, &to.origin) {
        (Origin::Live, Origin::Record(_)) => pool.excuse_upgrade(&mut from, &mut to).await?,
        (Origin::Record(_), Origin::Live) => pool.excuse_upgrade(&mut to, &mut from).await?,
        _ => {}
    }
    Ok((from, to))
}

fn same_engine(one: &Database, other: &Database) -> Result<(), Failure> {
    let names = (one.dialect.facts().name, other.dialect.facts().name);
    if names.0 == names.1 {
        Ok(())
    } else {
        Err(source::usage(
            format!(
                "bird cannot turn a schema on {} into one on {}",
                names.0, names.1
            ),
            "compare two sources of one engine",
        ))
    }
}
