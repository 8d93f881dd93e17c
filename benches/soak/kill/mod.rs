//! The soak: a run that is killed at random moments, again and again, loses nothing and does
//! nothing twice. What it leaves is compared with what an undisturbed run leaves.
//!
//! The benchmark `soak` runs this for as long as it is told; a test runs a little of it.

mod engine;
mod project;
mod random;
mod stand;
mod state;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

pub use engine::Engine;
use random::Random;
pub use stand::Ended;
use stand::Stand;

/// So many databases are tried per project.
const DATABASES: usize = 8;
/// Whoever was killed so often is left alone, on a slow machine it may come through no sooner.
pub const OFTEN: usize = 20;
/// PostgreSQL looks after a client that is gone every five seconds, and then ends its statement
/// in the middle; a blocker that stays longer shows what that leaves behind.
const LONG: Duration = Duration::from_secs(6);

/// What was done and what came of it.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    pub projects: usize,
    pub databases: usize,
    pub kills: usize,
    /// Kills while somebody held a table.
    pub blocked: usize,
    /// Kills that left the intent of a statement.
    pub intents: usize,
    /// Of the intents that a run found which then came through: those whose statement had run,
    pub applied: usize,
    /// and those whose statement had not.
    pub not_applied: usize,
    /// Runs that asked a person to decide.
    pub undecided: usize,
    pub failures: Vec<String>,
}

/// Where one engine is soaked, and what with.
pub struct Soak {
    pub stand: Stand,
    pub tally: Tally,
    /// Projects are numbered from here.
    seed: u64,
    pub random: Random,
    /// The folder that a failure leaves its project in.
    kept: PathBuf,
}

/// A project as it is to come out.
pub struct Project {
    pub seed: u64,
    pub wanted: String,
    /// What an undisturbed run takes.
    pub takes: Duration,
}

/// One way to disturb the runs on a database until one comes through.
pub trait Disturb {
    /// Whether it is the server that dies.
    const MORTAL: bool;

    /// Lets runs begin and end, and tells each of them to `trail`. Gives the run that came to an
    /// end of its own.
    fn disturb(&mut self, soak: &mut Soak, project: &Project, trail: &mut Trail) -> Result<Ended>;
}

/// What was done to one database, for whoever has to look at a failure.
#[derive(Debug, Default)]
pub struct Trail {
    pub steps: Vec<String>,
    /// Intents that the run which came through has found.
    pub intents: usize,
}

impl Soak {
    pub fn new(engine: Engine, seed: u64, within: &Path, name: &str, kept: &Path) -> Result<Soak> {
        Ok(Soak {
            stand: Stand::open(engine, within, name)?,
            tally: Tally::default(),
            seed,
            random: Random::new(seed),
            kept: kept.to_owned(),
        })
    }

    /// Disturbs runs until the time is over, a new project every few databases.
    pub fn run<D: Disturb>(&mut self, way: &mut D, enough: &dyn Fn(&Tally) -> bool) -> Result<()> {
        while !enough(&self.tally) {
            let project = self.undisturbed(D::MORTAL)?;
            for _ in 0..DATABASES {
                if enough(&self.tally) {
                    break;
                }
                self.one(&project, way)?;
            }
            self.seed += 1;
        }
        self.stand.drop()
    }

    /// Writes the next project and lets it run through.
    fn undisturbed(&mut self, mortal: bool) -> Result<Project> {
        self.tally.projects += 1;
        let engine = self.stand.engine;
        self.stand
            .write(&project::files(engine, self.seed, mortal))?;
        self.stand.fresh()?;
        let start = Instant::now();
        let ended = self.stand.migrate()?.finish()?;
        let takes = start.elapsed();
        if ended.code != Some(0) {
            let (word, seed) = (engine.word(), self.seed);
            bail!(
                "{word}, seed {seed}: an undisturbed run fails: {}",
                ended.transcript()
            );
        }
        Ok(Project {
            seed: self.seed,
            wanted: self.stand.state()?,
            takes,
        })
    }

    fn one(&mut self, project: &Project, way: &mut impl Disturb) -> Result<()> {
        self.tally.databases += 1;
        self.stand.fresh()?;
        let mut trail = Trail::default();
        let ended = match way.disturb(self, project, &mut trail) {
            Ok(ended) => ended,
            Err(reason) => {
                let output = format!("{reason:#}");
                self.failed(project, &trail, "bird makes no headway", &output)?;
                return self.stand.reopen();
            }
        };
        if ended.code != Some(0) {
            self.tally.undecided += usize::from(ended.code == Some(5));
            return self.failed(
                project,
                &trail,
                "bird does not come through",
                &ended.transcript(),
            );
        }
        if trail.intents > 0 {
            let applied = ended.stdout.matches("\"found_applied\"").count();
            self.tally.applied += applied;
            self.tally.not_applied += trail.intents.saturating_sub(applied);
        }
        let found = self.stand.state()?;
        if found != project.wanted {
            let both = format!(
                "--- undisturbed\n{}\n--- disturbed\n{found}\n{}",
                project.wanted,
                ended.transcript()
            );
            return self.failed(project, &trail, "other than undisturbed", &both);
        }
        let status = self.stand.start(&["status", "--exit-code"])?.finish()?;
        match status.code {
            Some(0) => Ok(()),
            _ => self.failed(
                project,
                &trail,
                "bird status finds something",
                &status.transcript(),
            ),
        }
    }

    /// Keeps what is needed to look at a failure, and tells it.
    fn failed(&mut self, project: &Project, trail: &Trail, what: &str, output: &str) -> Result<()> {
        let (word, number) = (self.stand.engine.word(), self.tally.failures.len() + 1);
        let version = self.stand.version().unwrap_or_default();
        let kept = self.kept.join(format!("{word}-{}-{number}", project.seed));
        copy(&self.stand.folder, &kept)?;
        let text = format!(
            "{word} {version}, seed {}: {what}\n{}\nthe project is kept in {}\n{output}",
            project.seed,
            trail.steps.join("\n"),
            kept.display()
        );
        std::fs::write(kept.join("failure.txt"), &text)?;
        self.tally.failures.push(text);
        Ok(())
    }
}

/// Kills bird.
pub struct KillBird;

impl Disturb for KillBird {
    const MORTAL: bool = false;

    fn disturb(&mut self, soak: &mut Soak, project: &Project, trail: &mut Trail) -> Result<Ended> {
        // How long the one who holds a table still stays, from the start of the next run on.
        let mut held: Option<Duration> = None;
        let mut number = 0;
        loop {
            let before = held.take();
            let last = number == OFTEN;
            number += 1;
            // The last run is let come through, so nobody may stand in its way.
            let holds = !last
                && before.is_none()
                && soak.random.once_in(6)
                && soak.stand.block(&mut soak.random)?;
            let moment = soak.random.part_of(project.takes);
            let start = Instant::now();
            let mut bird = soak.stand.migrate()?;
            if let Some(stays) = before {
                std::thread::sleep(stays);
                soak.stand.release()?;
            }
            std::thread::sleep(moment);
            let at = start.elapsed();
            let killed = !last && bird.kill()?;
            let ended = bird.finish()?;
            if !killed {
                if holds {
                    soak.stand.release()?;
                }
                trail.steps.push(format!("came to its end, before {at:?}"));
                return Ok(ended);
            }
            let intents = soak.stand.intents()?;
            soak.tally.kills += 1;
            soak.tally.blocked += usize::from(holds);
            soak.tally.intents += intents;
            trail.intents = intents;
            let who = if holds { ", a table was held" } else { "" };
            let output = format!(
                "killed after {at:?} of {:?}{who}, intents {intents}",
                project.takes
            );
            trail.steps.push(output);
            if holds {
                let long = soak.stand.engine == Engine::Postgres && soak.random.once_in(12);
                let stays = if long { LONG } else { project.takes };
                held = Some(if long {
                    stays
                } else {
                    soak.random.part_of(stays)
                });
            }
        }
    }
}

impl Ended {
    pub fn transcript(&self) -> String {
        let code = self.code.map_or("none".into(), |code| code.to_string());
        format!(
            "exit {code}\n--- stdout\n{}\n--- stderr\n{}",
            self.stdout, self.stderr
        )
    }
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?
        } else {
            std::fs::copy(entry.path(), target).map(drop)?
        }
    }
    Ok(())
}
