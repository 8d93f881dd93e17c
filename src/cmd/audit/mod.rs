//! `bird audit`: the references; finds the rows that refer to nothing.

mod assertions;
mod confirming;
mod driving;
mod ends;
mod explain;
mod finish;
mod gathering;
mod hashing;
mod impact;
mod impacted;
mod import;
mod joining;
mod journal;
mod lane;
mod merging;
mod metrics;
mod nulls;
mod report;
mod snapshot;
mod source;
mod spill;
mod tally;
mod task;
mod throttle;
mod walk;

use std::cell::RefCell;
use std::path::PathBuf;
use std::sync::Arc;

use futures_util::stream::{self, StreamExt as _};
use sha2::{Digest as _, Sha256};

use super::{Context, cli, open};
use crate::audit::{STRATEGIES, Strategy};
use crate::db::history::now;
use crate::model::diagnostic::{Diagnostic, Failure, Severity};
use crate::model::exit::Exit;
use crate::model::name::did_you_mean;
use crate::output::Report;
use assertions::Asserted;
use driving::{Driving, Written};
use ends::{Looked, Prepared};
use journal::Journal;
use report::AuditReport;
use tally::Tally;
use task::{Fault, Guarantee, Shared, Task, Why};
use throttle::Throttle;

/// Find the rows whose references have no parent, on live data
#[derive(Debug, clap::Args)]
#[command(
    before_help = "Example: bird audit --orphans orphans.jsonl        every orphan, a line each"
)]
pub struct Args {
    /// Only this reference, by its child: twitter.messages.author_id; repeatable
    #[arg(long = "reference", value_name = "NAME")]
    references: Vec<String>,
    /// Show what would be read, and how, and why; read no keys
    #[arg(long)]
    explain: bool,
    /// Write every orphan to this file, one JSON object a line
    #[arg(long, value_name = "FILE")]
    orphans: Option<PathBuf>,
    /// Show so many orphans of each reference
    #[arg(long, value_name = "N", default_value_t = 10)]
    sample: usize,
    /// Go on with an audit that was cut short
    #[arg(long)]
    resume: bool,
    /// Read at most so many rows a second
    #[arg(long, value_name = "ROWS")]
    max_rate: Option<u64>,
    /// So many threads read ranges of keys; each takes a connection for every reference
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
    /// Compare keys in this way: sql, merge, probe, hash; else the cheapest is chosen
    #[arg(long, value_name = "NAME", value_parser = strategy)]
    strategy: Option<Strategy>,
    /// Read each end by itself, even where one server has both
    #[arg(long)]
    apart: bool,
    /// Write the numbers to this file, as Prometheus reads them
    #[arg(long, value_name = "FILE")]
    metrics_file: Option<PathBuf>,
    /// Print the references that a file of loose foreign keys declares (GitLab's YAML), for
    /// bird.toml; audit nothing
    #[arg(long, value_name = "FILE")]
    import: Option<PathBuf>,
    /// Tell what would become orphans if rows of this table were deleted: ums.users; audit nothing
    #[arg(long, value_name = "TABLE", conflicts_with = "import")]
    impact: Option<String>,
    /// Which rows --impact means, as a condition in SQL; else all of them
    #[arg(long = "where", value_name = "CONDITION", requires = "impact")]
    choice: Option<String>,
    /// From which severity on a finding fails: note, warning, error
    #[arg(long, value_name = "LEVEL", value_parser = cli::severity, default_value = "warning")]
    fail_on: Severity,
    #[command(flatten)]
    connect: cli::Connect,
}

fn strategy(name: &str) -> Result<Strategy, String> {
    let names = || STRATEGIES.iter().map(|(name, _)| *name);
    let mut known = STRATEGIES.iter();
    let found = known.find(|(known, _)| *known == name);
    found.map(|(_, strategy)| *strategy).ok_or_else(|| {
        let known = names().collect::<Vec<_>>().join(", ");
        did_you_mean(name, names()).unwrap_or(format!("the strategies are {known}"))
    })
}

/// Does what was asked for; it writes to no configured database.
pub async fn run(context: &Context, args: &Args) -> Result<Box<dyn Report>, Failure> {
    if let Some(file) = &args.import {
        let imported = import::run(context, file, args.connect.wait).await?;
        return Ok(Box::new(imported));
    }
    if let Some(table) = &args.impact {
        return Ok(Box::new(impact::run(context, args, table).await?));
    }
    let clock = metrics::Clock::start();
    if let Some(file) = &args.metrics_file {
        metrics::check(file)?;
    }
    let mut report = audit(context, args).await?;
    // Whoever asks for one reference, or what would be done, asks for nothing else.
    if args.references.is_empty() && !args.explain {
        report.assertions = assertions::run(context, args.connect.wait).await;
    }
    if let Some(file) = &args.metrics_file {
        report
            .faults
            .extend(metrics::write(file, &report, &clock).err());
    }
    report.exit = exit(context, args, &report);
    Ok(Box::new(report))
}

/// Reads both ends of every reference, and confirms what it finds.
async fn audit(context: &Context, args: &Args) -> Result<AuditReport, Failure> {
    let wanted = ends::wanted(context, args)?;
    let known = ends::databases(context, args, &wanted).await?;
    let looked = wanted
        .iter()
        .map(|(index, reference)| ends::prepare(context, &known, *index, reference));
    let looked: Vec<Looked> = looked.collect();
    let members: Vec<Arc<Prepared>> = looked
        .iter()
        .filter_map(|one| one.prepared.clone())
        .collect();
    let tasks = gathering::tasks(args, &members)?;
    if args.explain {
        return Ok(explain::report(context, args.fail_on, looked, &tasks));
    }
    let mut tallies = vec![Tally::default(); context.project.references.len()];
    let folder = context.project.root.join(".bird/audit");
    let fingerprint = fingerprint(&members, &tasks);
    let run = context.run.to_string();
    let journal = Journal::open(&folder, &fingerprint, &run, args.resume, now());
    let mut journal = journal.map_err(|error| finish::cannot_write(&folder, &error))?;
    let throttle = Throttle::new(args.max_rate);
    context.progress.begin_rows(expected(&members));
    let audit = Audit {
        many: tasks.len(),
        driving: Driving {
            context,
            written: RefCell::new(Written {
                journal: &mut journal,
                tallies: &mut tallies,
            }),
            throttle: &throttle,
            shared: Shared::default(),
        },
    };
    let ended = tokio::select! {
        ended = audit.tasks(tasks) => ended,
        () = audit.driving.watch() => Vec::new(),
    };
    drop(audit);
    let (read, faults): (Vec<Arc<Task>>, Vec<Vec<Diagnostic>>) = ended.into_iter().unzip();
    context.progress.finish();
    let mut report = finish::report(
        context,
        (Some(args.sample), args.fail_on),
        looked,
        &tallies,
        &read,
    );
    report.begun_on.clone_from(&journal.begun_on);
    report.faults = faults.into_iter().flatten().collect();
    finish::files(context, args, &mut report, journal)?;
    Ok(report)
}

/// One run through all tasks.
struct Audit<'a> {
    many: usize,
    driving: Driving<'a>,
}

impl Audit<'_> {
    /// Drives all tasks, some of them beside each other: the tasks as they were read in the end,
    /// each with what went wrong.
    async fn tasks(&self, tasks: Vec<Task>) -> Vec<(Arc<Task>, Vec<Diagnostic>)> {
        let beside = std::thread::available_parallelism()
            .map_or(1, usize::from)
            .clamp(2, 4);
        let numbered = tasks.into_iter().enumerate();
        let driven = numbered.map(|(number, task)| self.task(number, Arc::new(task)));
        stream::iter(driven).buffered(beside).collect().await
    }

    async fn task(&self, number: usize, mut task: Arc<Task>) -> (Arc<Task>, Vec<Diagnostic>) {
        let mut faults = Vec::new();
        // Another instant would be another snapshot.
        if task.snapshot {
            self.forget(number, &task, &mut faults);
        }
        let mut drove = self.driving.drive(number, &task).await;
        if let Err(fault) = &drove
            && let Some(why) = fault.another_way(&task)
        {
            self.driving
                .context
                .progress
                .detail(&format!("{}: {why}", told(fault)));
            self.forget(number, &task, &mut faults);
            task = Arc::new(instead(&task, fault, why));
            drove = self.driving.drive(self.many + number, &task).await;
        }
        match drove {
            Ok(()) => nulls::count(&self.driving, self.many * 2 + number, &task, &mut faults).await,
            Err(fault) => faults.push(cannot(&fault)),
        }
        (task, faults)
    }

    /// What was read of a task does not count.
    fn forget(&self, number: usize, task: &Task, faults: &mut Vec<Diagnostic>) {
        let mut written = self.driving.written.borrow_mut();
        for member in &task.members {
            if let Some(tally) = written.tallies.get_mut(member.index) {
                *tally = Tally::default();
            }
        }
        if let Err(error) = written.journal.drop_task(number) {
            let root = &self.driving.context.project.root;
            faults.extend(finish::cannot_write(root, &error).diagnostics);
        }
    }
}

/// The same references, read in a way that does without what could not be had.
fn instead(task: &Task, fault: &Fault, why: &str) -> Task {
    let mut choice = task.choice.clone();
    choice.why = why.to_owned();
    let guarantee = match task.guarantee {
        Guarantee::Snapshot if !matches!(fault.why, Why::Disorder) => Guarantee::Confirmed,
        as_it_was => as_it_was,
    };
    if matches!(fault.why, Why::Disorder) {
        choice.strategy = Strategy::Hash;
    } else if choice.strategy == Strategy::Sql {
        choice.strategy = Strategy::Merge;
    }
    Task {
        members: task.members.clone(),
        choice,
        guarantee,
        snapshot: task.snapshot && guarantee == Guarantee::Snapshot,
        lanes: 1,
    }
}

fn told(fault: &Fault) -> String {
    let why = match &fault.why {
        Why::Database(error) => error.told(),
        Why::Disorder => "the keys do not come in the order that their type promises".to_owned(),
        Why::Other(why) => why.clone(),
    };
    let database = match fault.database.as_str() {
        "" => String::new(),
        name => format!("{name}: "),
    };
    format!("{database}{}: {why}", fault.doing)
}

/// Why the audit could not go on.
fn cannot(fault: &Fault) -> Diagnostic {
    let code = match &fault.why {
        Why::Database(error) => open::code(error),
        _ => "audit",
    };
    let mut told = Diagnostic::error(code, told(fault))
        .hint("what was read before is kept: bird audit --resume goes on behind it");
    if !fault.database.is_empty() {
        told = told.database(&fault.database);
    }
    if let Why::Database(error) = &fault.why {
        told.notes.clone_from(&error.notes);
    }
    told
}

/// Names everything that the answer of an audit follows from.
fn fingerprint(members: &[Arc<Prepared>], tasks: &[Task]) -> String {
    let mut hash = Sha256::new();
    let mut add = |text: String| {
        hash.update(text.len().to_le_bytes());
        hash.update(text);
    };
    for member in members {
        let reference = &member.reference;
        add(format!(
            "{reference} {:?} {:?} {:?}",
            reference.filter, reference.to_filter, reference.null
        ));
        for side in [&member.child, &member.parent] {
            add(format!(
                "{:?} {} {:?} {:?}",
                side.columns,
                side.target.shown(),
                side.filter,
                side.identity
            ));
        }
    }
    for task in tasks {
        let members: Vec<usize> = task.members.iter().map(|member| member.index).collect();
        add(format!(
            "{members:?} {} {}",
            task.choice.strategy, task.snapshot
        ));
    }
    hash.finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// About how many rows will be read.
fn expected(members: &[Arc<Prepared>]) -> Option<u64> {
    let rows = members.iter().map(|member| member.child.estimate.rows);
    let parents = members
        .first()
        .and_then(|member| member.parent.estimate.rows);
    rows.sum::<Option<u64>>()
        .zip(parents)
        .map(|(rows, parents)| rows + parents)
}

/// An audit that did not finish is never clean.
fn exit(context: &Context, args: &Args, report: &AuditReport) -> Exit {
    let mut exit = report.exit;
    let worst = report.findings().map(|finding| finding.severity).max();
    if worst.is_some_and(|worst| worst >= args.fail_on) {
        exit = exit.worst(Exit::Found);
    }
    if !report.complete() || !report.assertions.iter().all(Asserted::is_done) {
        exit = exit.worst(Exit::Failed);
    }
    open::interrupted(context, exit)
}
