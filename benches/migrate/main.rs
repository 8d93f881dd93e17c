//! How fast bird is, beside the floor: the same work done by the engine's own client.
//!
//!     tests/servers cargo bench --bench migrate [-- [--quick] FILTER…]
//!
//! A FILTER is what a case is called, or a part of it: `migrate/100/mariadb`, `noop`, `sqlite`,
//! `start`. The answer is a Markdown report on stdout. SQLite needs `sqlite3` on the PATH; peak memory needs GNU time.

mod diff;
mod fixture;
mod journal;
#[path = "../race/mod.rs"]
mod race;

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};

use fixture::Project;
use race::BIRD;
use race::engine::{Engine, Family};
use race::measure::{Entrant, Job, Laps, Stopwatch};
use race::report::{Table, Verdict};

const LEGEND: &str = "The floor is the same work through the engine's own client on one connection, \
     in the same run; for noop it is that client asking `SELECT 1`, its start included, and `history` \
     is that client reading one history.";

const HISTORY: &str = "SELECT version, name, applied_on, checksum FROM refinery_schema_history";

struct Asked {
    quick: bool,
    filters: Vec<String>,
}

impl Asked {
    /// A filter's words, between slashes, are all among those of the case's name.
    fn wants(&self, case: &str) -> bool {
        let named = |word: &str| case.split('/').any(|own| own == word);
        let fits = |filter: &String| filter.split('/').all(named);
        self.filters.is_empty() || self.filters.iter().any(fits)
    }
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // `cargo test --all-targets` runs this too, without the word: it is enough that it builds.
    if !arguments.iter().any(|word| word == "--bench") {
        return race::measure::say("nothing is measured outside of `cargo bench`");
    }
    let asked = Asked {
        quick: arguments.iter().any(|word| word == "--quick"),
        filters: arguments
            .into_iter()
            .filter(|word| !word.starts_with('-'))
            .collect(),
    };
    // Beside the build, because a temporary folder is often in memory, where a sync costs nothing.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let stopwatch = Stopwatch::new(folder.path())?;
    let engines =
        race::engine::available(folder.path(), &format!("bird_bench_{}", std::process::id()))?;
    show(&race::report::heading(
        &engines,
        folder.path(),
        &stopwatch,
        LEGEND,
    )?)?;

    let mut verdicts = Vec::new();
    for count in [100, 1000] {
        let project = Project::write(folder.path(), &format!("migrate-{count}"), count, &["one"])?;
        let title = format!("migrate, N = {count}");
        let mut table = Table::new(&title, &["floor", "bird", "floor-autocommit"]);
        for engine in chosen(&engines, &asked, &format!("migrate/{count}")) {
            let laps = migrate(engine, &project, &stopwatch, rounds(count, asked.quick))?;
            let most = if engine.family == Family::Sqlite {
                1.0
            } else {
                1.25
            };
            verdicts.push(limit(&title, engine, &laps, "bird", most));
            table.add(engine.title, laps);
        }
        show(&table.to_string())?;
    }

    let title = "journal, N = 1000: what each part costs";
    let project = Project::write(folder.path(), "journal", 1000, &["one"])?;
    let mut table = Table::new(title, &journal::PARTS);
    for engine in chosen(&engines, &asked, "journal").filter(|own| own.family == Family::MySql) {
        let laps = journal::race(engine, &project, &stopwatch, rounds(1000, asked.quick))?;
        table.add(engine.title, laps);
    }
    show(&table.to_string())?;

    let title = "noop, N = 1000 in each of two databases";
    let project = Project::write(folder.path(), "noop", 1000, &["one", "two"])?;
    let mut table = Table::new(title, &["floor", "history", "migrate", "status"]);
    for engine in chosen(&engines, &asked, "noop") {
        let laps = noop(
            engine,
            &project,
            &stopwatch,
            if asked.quick { 10 } else { 40 },
        )?;
        for command in ["migrate", "status"] {
            let title = format!("noop, {command}");
            verdicts.push(limit(&title, engine, &laps, command, 1.5));
            verdicts.extend(Verdict::memory(&title, engine, &laps, command, 20));
        }
        table.add(engine.title, laps);
    }
    show(&table.to_string())?;

    let title = "diff of two databases, 1,000 tables each";
    let mut table = Table::new(title, &["floor", "bird"]);
    for engine in chosen(&engines, &asked, "diff") {
        let laps = diff::race(engine, folder.path(), &stopwatch, rounds(100, asked.quick))?;
        verdicts.push(limit(title, engine, &laps, "bird", 4.0));
        verdicts.extend(Verdict::memory(title, engine, &laps, "bird", 100));
        table.add(engine.title, laps);
    }
    show(&table.to_string())?;

    if asked.wants("start") {
        let version = Entrant::new("bird --version", || Ok(Job::new(BIRD).args(["--version"])));
        let laps = stopwatch.race("start", 50, &[version], &|| Ok(()))?;
        verdicts.extend(start(&laps, 5.0));
        let mut table = Table::new("start", &["bird --version"]);
        table.add("this machine", laps);
        show(&table.to_string())?;
        let size = std::fs::metadata(BIRD)?.len();
        show(&format!("The binary has {size} bytes.\n"))?;
        // The target is that of the binary that is shipped: `cargo bench --profile dist`.
        if Path::new(BIRD)
            .components()
            .any(|part| part.as_os_str() == "dist")
        {
            verdicts.push(binary(size, 15));
        }
    }
    show(&race::report::verdicts(&verdicts))
}

fn chosen<'e>(
    engines: &'e [Engine],
    asked: &'e Asked,
    case: &'e str,
) -> impl Iterator<Item = &'e Engine> {
    let wanted = move |engine: &&Engine| asked.wants(&format!("{case}/{}", engine.name));
    engines.iter().filter(wanted)
}

fn rounds(count: usize, quick: bool) -> usize {
    match (count, quick) {
        (100, false) => 5,
        (100, true) => 2,
        (_, false) => 3,
        (_, true) => 1,
    }
}

/// All migrations into an empty database, bird beside the client.
fn migrate(
    engine: &Engine,
    project: &Project,
    stopwatch: &Stopwatch,
    rounds: usize,
) -> Result<Vec<Laps>> {
    let piped = |file: &Path| Ok(engine.client(Some("one")).input(file));
    // Where DDL can be rolled back a migrator must run each file in a transaction. That can be
    // slower or quicker than the bare statements, so both floors are told.
    let transactions = project.sql(engine.family, true);
    let bare = project.sql(engine.family, false);
    let has_transactions = engine.family != Family::MySql;
    let floor = if has_transactions {
        &transactions
    } else {
        &bare
    };
    let mut entrants = vec![
        Entrant::new("floor", || piped(floor)),
        Entrant::new("bird", || Ok(project.bird(engine, "migrate"))),
    ];
    if has_transactions {
        entrants.push(Entrant::new("floor-autocommit", || piped(&bare)));
    }
    let case = format!("migrate/{}/{}", project.count, engine.name);
    let laps = stopwatch.race(&case, rounds, &entrants, &|| engine.fresh("one"));
    engine.drop("one")?;
    laps
}

/// Nothing to do, twice over, beside a client that starts, connects and asks for `1`.
fn noop(
    engine: &Engine,
    project: &Project,
    stopwatch: &Stopwatch,
    rounds: usize,
) -> Result<Vec<Laps>> {
    for database in ["one", "two"] {
        engine.fresh(database)?;
    }
    race::measure::say(&format!("noop/{}: filling two databases", engine.name))?;
    stopwatch.lap(&project.bird(engine, "migrate"))?;
    let entrants = [
        Entrant::new("floor", || Ok(engine.asking(Some("one"), "SELECT 1"))),
        // What reading one of the two histories costs the client itself: SQLite parses the whole
        // schema of a database before it answers the first real question.
        Entrant::new("history", || Ok(engine.asking(Some("one"), HISTORY))),
        Entrant::new("migrate", || Ok(project.bird(engine, "migrate"))),
        Entrant::new("status", || Ok(project.bird(engine, "status"))),
    ];
    let case = format!("noop/{}", engine.name);
    let laps = stopwatch.race(&case, rounds, &entrants, &|| Ok(()));
    for database in ["one", "two"] {
        engine.drop(database)?;
    }
    laps
}

fn show(text: &str) -> Result<()> {
    writeln!(std::io::stdout(), "{text}").context("cannot write the report")
}

fn limit(title: &str, engine: &Engine, laps: &[Laps], name: &str, most: f64) -> Verdict {
    let found = race::report::ratio(laps, name).unwrap_or(f64::INFINITY);
    let text = format!(
        "{title}, {}: {found:.2} × floor, target ≤ {most}",
        engine.title
    );
    Verdict::new(found <= most, text)
}

fn start(laps: &[Laps], below: f64) -> Option<Verdict> {
    let median = laps.first()?.median() * 1000.0;
    let text = format!("bird --version: {median:.1} ms, target < {below} ms");
    Some(Verdict::new(median < below, text))
}

fn binary(bytes: u64, below: u64) -> Verdict {
    let text = format!("binary: {:.1} MB, target < {below} MB", bytes as f64 / 1e6);
    Verdict::new(bytes < below * 1_000_000, text)
}
