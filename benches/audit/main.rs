//! How fast `bird audit` is, beside the engines' own ways of finding orphans.
//!
//!     tests/servers cargo bench --bench audit [-- --scale N --quick --load --keep FILTER…]
//!
//! N is 0.1, 1 (the default: a million users, ten million messages, five million subscriptions) or
//! 10. A FILTER is what a case is called, or a part of it: `indexed/mysql`, `unindexed`, `sqlite`.
//! With `--load` the data is only made, with `--keep` it stays on the servers for the next run. The
//! servers should have the data in memory: `BIRD_TEST_BUFFER_POOL=5G BIRD_TEST_SHARED_BUFFERS=2GB`.
//! The answer is a Markdown report on stdout.

mod floors;
mod load;
mod people;
mod project;
#[path = "../race/mod.rs"]
mod race;
mod writers;

use std::cell::RefCell;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};

use floors::{CHILDREN, Child, UNINDEXED};
use people::Size;
use project::Project;
use race::engine::{Engine, Family};
use race::measure::{Entrant, Laps, Stopwatch, say};
use race::report::{Table, Verdict};
use writers::Writers;

const LEGEND: &str = "The floor is the server's own anti-join, both databases on one server; for a \
     reference without an index it is `SELECT DISTINCT`. `comm` merges two ordered key streams of the \
     engine's own client, each reference by itself. bird audits `across` as if the databases were on \
     two servers, and `together` as it finds them.";

struct Asked {
    scale: f64,
    quick: bool,
    load: bool,
    keep: bool,
    filters: Vec<String>,
}

impl Asked {
    fn read() -> Option<Asked> {
        let words: Vec<String> = std::env::args().skip(1).collect();
        // `cargo test --all-targets` runs this too, without the word: it is enough that it builds.
        words.iter().find(|word| *word == "--bench")?;
        let has = |flag: &str| words.iter().any(|word| word == flag);
        let after = words.iter().skip_while(|word| *word != "--scale").nth(1);
        Some(Asked {
            scale: after.and_then(|word| word.parse().ok()).unwrap_or(1.0),
            quick: has("--quick"),
            load: has("--load"),
            keep: has("--keep"),
            filters: words
                .iter()
                .filter(|word| !word.starts_with('-') && Some(*word) != after)
                .cloned()
                .collect(),
        })
    }

    /// A filter's words, between slashes, are all among those of the case's name.
    fn wants(&self, case: &str) -> bool {
        let named = |word: &str| case.split('/').any(|own| own == word);
        let fits = |filter: &String| filter.split('/').all(named);
        self.filters.is_empty() || self.filters.iter().any(fits)
    }

    fn rounds(&self) -> usize {
        if self.quick { 1 } else { 5 }
    }
}

fn main() -> Result<()> {
    let Some(asked) = Asked::read() else {
        return say("nothing is measured outside of `cargo bench`");
    };
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("audit-{}", asked.scale));
    std::fs::create_dir_all(&folder)?;
    let stopwatch = Stopwatch::new(&folder)?;
    let prefix = format!("bird_bench_audit_{}", (asked.scale * 10.0).round());
    let engines = race::engine::available(&folder, &prefix)?;
    let project = Project::write(&folder)?;
    show(&race::report::heading(
        &engines, &folder, &stopwatch, LEGEND,
    )?)?;

    let size = Size::of(asked.scale);
    let titles = [
        format!("audit of three references, {size}"),
        format!(
            "audit of a reference without an index, {} messages",
            size.messages
        ),
    ];
    let mut indexed = Table::new(&titles[0], &["floor", "comm", "across", "together"]);
    let mut unindexed = Table::new(&titles[1], &["floor", "bird"]);
    let mut beside = Table::new("audit across, beside writers", &["quiet", "busy"]);
    let mut verdicts = Vec::new();
    // One product after the other: together they need more memory than there may be.
    for engine in &engines {
        let cases = ["indexed", "unindexed", "writers"];
        let wanted = cases.map(|case| asked.wants(&format!("{case}/{}", engine.name)));
        if !wanted.contains(&true) {
            continue;
        }
        load::load(engine, size, wanted[1])?;
        if wanted[0] && !asked.load {
            let laps = race_indexed(engine, &project, &stopwatch, asked.rounds())?;
            verdicts.extend(indexed_verdicts(engine, &laps));
            indexed.add(engine.title, laps);
        }
        if wanted[1] && !asked.load {
            let laps = race_unindexed(engine, &project, &stopwatch, asked.rounds())?;
            let title = "without an index";
            verdicts.push(limit(title, engine, &laps, ["bird", "floor"], 1.2));
            verdicts.extend(Verdict::memory(title, engine, &laps, "bird", 64));
            unindexed.add(engine.title, laps);
        }
        // A writer has to wait until SQLite's readers are done.
        if wanted[2] && !asked.load && engine.family != Family::Sqlite {
            let (laps, share) = race_writers(engine, &project, &stopwatch, asked.rounds())?;
            let text = format!(
                "confirming beside writers, {}: {:.1} % more, target < 10 %",
                engine.title,
                share * 100.0
            );
            verdicts.push(Verdict::new(share < 0.1, text));
            beside.add(engine.title, laps);
        }
        if !asked.keep && engine.family != Family::Sqlite {
            load::drop(engine)?;
        }
    }
    show(&indexed.to_string())?;
    show(&unindexed.to_string())?;
    show(&beside.to_string())?;
    show(&race::report::verdicts(&verdicts))
}

/// How an audit is told to act as if the databases were on two servers.
const ACROSS: [&str; 3] = ["--apart", "--strategy", "merge"];

fn race_indexed(
    engine: &Engine,
    project: &Project,
    stopwatch: &Stopwatch,
    rounds: usize,
) -> Result<Vec<Laps>> {
    project.check(engine, &CHILDREN, &ACROSS)?;
    project.check(engine, &CHILDREN, &[])?;
    let entrants = [
        Entrant::new("floor", || Ok(floors::anti_join(engine, &CHILDREN))),
        Entrant::new("comm", || Ok(floors::merged(engine, &CHILDREN))),
        Entrant::new("across", || Ok(project.audit(engine, &CHILDREN, &ACROSS))),
        Entrant::new("together", || Ok(project.audit(engine, &CHILDREN, &[]))),
    ];
    let case = format!("indexed/{}", engine.name);
    stopwatch.race(&case, rounds, &entrants, &|| Ok(()))
}

fn race_unindexed(
    engine: &Engine,
    project: &Project,
    stopwatch: &Stopwatch,
    rounds: usize,
) -> Result<Vec<Laps>> {
    let child: [Child; 1] = [UNINDEXED];
    project.check(engine, &child, &[])?;
    let entrants = [
        Entrant::new("floor", || Ok(floors::distinct(engine, UNINDEXED))),
        Entrant::new("bird", || Ok(project.audit(engine, &child, &[]))),
    ];
    let case = format!("unindexed/{}", engine.name);
    stopwatch.race(&case, rounds, &entrants, &|| Ok(()))
}

/// The same audit while nobody writes, and while somebody does; and what confirming candidates then
/// adds to it, at the most.
fn race_writers(
    engine: &Engine,
    project: &Project,
    stopwatch: &Stopwatch,
    rounds: usize,
) -> Result<(Vec<Laps>, f64)> {
    let writers: RefCell<Option<Writers>> = RefCell::new(None);
    let quiet = || match writers.take() {
        Some(writers) => writers.finish(),
        None => Ok(()),
    };
    let busy = || {
        quiet()?;
        writers.replace(Some(Writers::start(engine)?));
        // The first of them are leaving by now.
        std::thread::sleep(std::time::Duration::from_secs(2));
        anyhow::Ok(())
    };
    busy()?;
    project.check(engine, &CHILDREN, &ACROSS)?;
    let mut share: f64 = 0.0;
    for _ in 0..rounds.max(3) {
        share = share.max(project.confirming(engine, &CHILDREN, &ACROSS)?);
    }
    let entrants = [
        Entrant::new("quiet", || {
            quiet()?;
            Ok(project.audit(engine, &CHILDREN, &ACROSS))
        }),
        Entrant::new("busy", || {
            busy()?;
            Ok(project.audit(engine, &CHILDREN, &ACROSS))
        }),
    ];
    let case = format!("writers/{}", engine.name);
    let laps = stopwatch.race(&case, rounds, &entrants, &|| Ok(()));
    quiet()?;
    Ok((laps?, share))
}

fn indexed_verdicts(engine: &Engine, laps: &[Laps]) -> Vec<Verdict> {
    let most = match engine.name {
        "mariadb" => 0.35,
        "mysql" => 0.3,
        _ => 1.0,
    };
    let mut verdicts = match engine.family {
        Family::Sqlite => vec![limit("SQLite", engine, laps, ["together", "floor"], 1.2)],
        _ => vec![
            limit(
                "across two servers",
                engine,
                laps,
                ["across", "floor"],
                most,
            ),
            limit("across two servers", engine, laps, ["across", "comm"], 1.0),
            limit("on one server", engine, laps, ["together", "across"], 1.0),
        ],
    };
    for name in ["across", "together"] {
        verdicts.extend(Verdict::memory(name, engine, laps, name, 64));
    }
    verdicts
}

/// The shortest laps are compared: they were disturbed least.
fn limit(
    title: &str,
    engine: &Engine,
    laps: &[Laps],
    [name, floor]: [&'static str; 2],
    most: f64,
) -> Verdict {
    let least = |name: &str| {
        let own = laps.iter().find(|laps| laps.name == name);
        own.map(|laps| laps.spread().0)
    };
    let found = match (least(name), least(floor)) {
        (Some(own), Some(floor)) => own / floor,
        _ => f64::INFINITY,
    };
    let text = format!(
        "{title}, {}: {name} {found:.2} × {floor}, target ≤ {most}",
        engine.title
    );
    Verdict::new(found <= most, text)
}

fn show(text: &str) -> Result<()> {
    writeln!(std::io::stdout(), "{text}").context("cannot write the report")
}
