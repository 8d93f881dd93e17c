//! Whether a run of `bird migrate` that is killed at random moments loses nothing and does
//! nothing twice.
//!
//!     tests/servers cargo bench --bench soak [-- --minutes N --kills N --engine E --seed S --servers]
//!
//! It ends after so many minutes (5), or as soon as each engine has seen so many kills. E is
//! `sqlite`, `mariadb`, `mysql` or `postgres`. With `--servers` the servers are killed in place of
//! bird: only servers of one's own, so `tests/servers` has to be started for it. The answer is a
//! Markdown table on stdout; a failure is told on stderr with its seed, and its project is kept.

mod crash;
mod kill;

use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, bail};

use crash::KillServer;
use kill::{Engine, KillBird, Soak, Tally};

const ENGINES: [Engine; 4] = [
    Engine::Sqlite,
    Engine::MariaDb,
    Engine::MySql,
    Engine::Postgres,
];

/// Projects of different workers have different seeds.
const APART: u64 = 1_000_000;

struct Asked {
    minutes: f64,
    kills: usize,
    engines: Vec<Engine>,
    seed: u64,
    servers: bool,
}

/// What one worker has to tell.
struct Soaked {
    engine: Engine,
    version: String,
    seed: u64,
    took: Duration,
    tally: Tally,
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // `cargo test --all-targets` runs this too, without the word: it is enough that it builds.
    if !arguments.iter().any(|word| word == "--bench") {
        return say("nothing is killed outside of `cargo bench`");
    }
    let asked = asked(&arguments)?;
    // Beside the build, because a temporary folder is often in memory, where a sync costs nothing.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let folder = tempfile::tempdir_in(target)?;
    let kept = target.join("soak-failures");
    // Both cores have something to do, and one server is killed by one worker only.
    let times = if asked.servers {
        1
    } else {
        2_usize.div_ceil(asked.engines.len())
    };
    let engines = asked.engines.iter().copied();
    let workers: Vec<Engine> = engines
        .flat_map(|engine| std::iter::repeat_n(engine, times))
        .collect();
    let soaked: Vec<Result<Soaked>> = std::thread::scope(|scope| {
        let (asked, folder, kept) = (&asked, folder.path(), kept.as_path());
        let start = |(number, engine): (usize, &Engine)| {
            let (engine, share) = (*engine, asked.kills.div_ceil(times));
            let seed = asked.seed + number as u64 * APART;
            let within = folder.join(number.to_string());
            scope.spawn(move || soak(asked, engine, seed, share, &within, kept))
        };
        let running: Vec<_> = workers.iter().enumerate().map(start).collect();
        let ends = running.into_iter().map(|one| one.join());
        ends.map(|end| end.unwrap_or_else(|_| bail!("a worker panicked")))
            .collect()
    });
    let soaked: Vec<Soaked> = soaked.into_iter().collect::<Result<_>>()?;
    let table = table(&soaked);
    writeln!(std::io::stdout(), "{table}").context("cannot write the report")?;
    let failures: usize = soaked.iter().map(|one| one.tally.failures.len()).sum();
    match failures {
        0 => Ok(()),
        count => bail!("{count} failures, kept in {}", kept.display()),
    }
}

fn asked(arguments: &[String]) -> Result<Asked> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    let mut asked = Asked {
        minutes: 5.0,
        kills: usize::MAX,
        engines: Vec::new(),
        seed: now.as_secs(),
        servers: false,
    };
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let mut value = || {
            words
                .next()
                .with_context(|| format!("{word} needs a value"))
        };
        match word.as_str() {
            "--bench" => {}
            "--minutes" => asked.minutes = value()?.parse()?,
            "--kills" => asked.kills = value()?.parse()?,
            "--seed" => asked.seed = value()?.parse()?,
            "--servers" => asked.servers = true,
            "--engine" => {
                let wanted = value()?;
                let found = ENGINES.iter().find(|engine| engine.word() == wanted);
                asked.engines.push(*found.context("no such engine")?);
            }
            _ => bail!("{word} means nothing here"),
        }
    }
    if asked.engines.is_empty() {
        asked.engines = ENGINES.to_vec();
    }
    if asked.servers {
        asked.engines.retain(|engine| *engine != Engine::Sqlite);
    }
    Ok(asked)
}

fn soak(
    asked: &Asked,
    engine: Engine,
    seed: u64,
    kills: usize,
    within: &Path,
    kept: &Path,
) -> Result<Soaked> {
    let name = format!(
        "bird_soak_{}_{}",
        std::process::id(),
        within
            .file_name()
            .and_then(|name| name.to_str())
            .context("a name")?
    );
    let mut soak = Soak::new(engine, seed, within, &name, kept)?;
    let version = soak.stand.version()?;
    let start = Instant::now();
    let most = Duration::from_secs_f64(asked.minutes * 60.0);
    let enough = |tally: &Tally| start.elapsed() >= most || tally.kills >= kills;
    if asked.servers {
        soak.run(&mut KillServer::of(engine)?, &enough)?
    } else {
        soak.run(&mut KillBird, &enough)?
    }
    let took = start.elapsed();
    let tally = soak.tally;
    for failure in &tally.failures {
        say(failure)?;
    }
    Ok(Soaked {
        engine,
        version,
        seed,
        took,
        tally,
    })
}

fn table(soaked: &[Soaked]) -> String {
    let mut text =
        "| | seeds | databases | kills | per minute | while a table was held | left an intent \
         | found applied | found not applied | undecided | failures |\n\
         |---|---|---|---|---|---|---|---|---|---|---|\n"
            .to_owned();
    for Soaked {
        engine,
        version,
        seed,
        took,
        tally,
    } in soaked
    {
        let minutes = (took.as_secs_f64() / 60.0).max(0.001);
        let last = seed + (tally.projects as u64).saturating_sub(1);
        text.push_str(&format!(
            "| {} {version} | {seed}–{last} | {} | {} | {:.0} | {} | {} | {} | {} | {} | {} |\n",
            engine.word(),
            tally.databases,
            tally.kills,
            tally.kills as f64 / minutes,
            tally.blocked,
            tally.intents,
            tally.applied,
            tally.not_applied,
            tally.undecided,
            tally.failures.len(),
        ));
    }
    text
}

fn say(text: &str) -> Result<()> {
    writeln!(std::io::stderr(), "{text}").context("cannot write to stderr")
}
