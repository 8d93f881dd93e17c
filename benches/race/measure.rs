//! Children, their time and their memory.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

pub fn say(text: &str) -> Result<()> {
    writeln!(std::io::stderr(), "{text}").context("cannot write to stderr")
}

/// A program to be run, as often as needed.
#[derive(Clone)]
pub struct Job {
    pub program: PathBuf,
    pub args: Vec<String>,
    pub variables: Vec<(String, String)>,
    /// Whether `variables` is all of its environment.
    pub alone: bool,
    folder: Option<PathBuf>,
    input: Option<PathBuf>,
    /// The exit code that means success.
    exit: i32,
}

impl Job {
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Job {
            program: program.into(),
            args: Vec::new(),
            variables: Vec::new(),
            alone: false,
            folder: None,
            input: None,
            exit: 0,
        }
    }

    pub fn args(mut self, args: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    pub fn variable(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    /// With this environment and nothing of the caller's.
    pub fn alone(mut self, variables: Vec<(String, String)>) -> Self {
        (self.variables, self.alone) = (variables, true);
        self
    }

    pub fn folder(mut self, folder: &Path) -> Self {
        self.folder = Some(folder.to_owned());
        self
    }

    /// Reads its input from a file, as from a shell's `<`.
    pub fn input(mut self, file: &Path) -> Self {
        self.input = Some(file.to_owned());
        self
    }

    /// Ends with this exit code where all is well.
    pub fn ends(mut self, exit: i32) -> Self {
        self.exit = exit;
        self
    }

    pub fn command(&self) -> Result<Command> {
        let mut command = Command::new(&self.program);
        if self.alone {
            command.env_clear();
        }
        command
            .args(&self.args)
            .envs(self.variables.iter().map(|(name, value)| (name, value)));
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        command.stdin(match &self.input {
            Some(file) => Stdio::from(File::open(file)?),
            None => Stdio::null(),
        });
        Ok(command)
    }

    /// Its output, without the line's end.
    pub fn output(&self) -> Result<String> {
        let output = self.command()?.output()?;
        if !output.status.success() {
            let reason = String::from_utf8_lossy(&output.stderr).into_owned();
            bail!("{} failed: {reason}", self.program.display());
        }
        Ok(String::from_utf8(output.stdout)?.trim_end().to_owned())
    }
}

/// One who takes part in a race: each lap runs a job that it makes.
pub struct Entrant<'e> {
    name: &'static str,
    job: Box<dyn Fn() -> Result<Job> + 'e>,
}

impl<'e> Entrant<'e> {
    pub fn new(name: &'static str, job: impl Fn() -> Result<Job> + 'e) -> Self {
        let job = Box::new(job);
        Entrant { name, job }
    }
}

/// What an entrant's laps took, shortest first.
pub struct Laps {
    pub name: &'static str,
    times: Vec<Duration>,
    /// Peak resident memory in KiB, where it could be measured.
    pub memory: Option<u64>,
}

impl Laps {
    pub fn median(&self) -> f64 {
        let at = |place: usize| self.times.get(place).map_or(0.0, Duration::as_secs_f64);
        let middle = self.times.len() / 2;
        match self.times.len() % 2 {
            0 => f64::midpoint(at(middle.saturating_sub(1)), at(middle)),
            _ => at(middle),
        }
    }

    pub fn spread(&self) -> (f64, f64) {
        let seconds = |time: Option<&Duration>| time.map_or(0.0, Duration::as_secs_f64);
        (seconds(self.times.first()), seconds(self.times.last()))
    }
}

pub struct Stopwatch {
    /// GNU time, by which name it is found.
    pub gnu_time: Option<&'static str>,
    errors: PathBuf,
    memory: PathBuf,
}

impl Stopwatch {
    pub fn new(folder: &Path) -> Result<Self> {
        let memory = folder.join("peak");
        let tells = |name: &&str| {
            let mut command = Command::new(name);
            command.args(["-f", "%M", "-o"]).arg(&memory).arg("true");
            command
                .stderr(Stdio::null())
                .status()
                .is_ok_and(|status| status.success())
        };
        Ok(Stopwatch {
            gnu_time: ["time", "gtime"].into_iter().find(tells),
            errors: folder.join("errors"),
            memory,
        })
    }

    /// Rounds in which everyone runs once, so that a slow moment of the machine meets all alike.
    /// `fresh` gets the place ready before each lap, outside of its time.
    pub fn race(
        &self,
        case: &str,
        rounds: usize,
        entrants: &[Entrant<'_>],
        fresh: &dyn Fn() -> Result<()>,
    ) -> Result<Vec<Laps>> {
        let mut laps = Vec::new();
        // The first lap warms every cache; it is not timed, and so it can tell the memory.
        say(&format!("{case}: warming up"))?;
        for entrant in entrants {
            fresh()?;
            let memory = self.peak(&(entrant.job)()?).context(entrant.name)?;
            let times = Vec::new();
            laps.push(Laps {
                name: entrant.name,
                times,
                memory,
            });
        }
        for round in 1..=rounds {
            if rounds <= 10 || round % 10 == 0 {
                say(&format!("{case}: round {round} of {rounds}"))?;
            }
            for (entrant, laps) in entrants.iter().zip(&mut laps) {
                fresh()?;
                laps.times
                    .push(self.lap(&(entrant.job)()?).context(entrant.name)?);
            }
        }
        for laps in &mut laps {
            laps.times.sort();
        }
        Ok(laps)
    }

    /// Runs a job to its end, from the start of its process.
    pub fn lap(&self, job: &Job) -> Result<Duration> {
        let mut command = job.command()?;
        // A pipe would have to be read meanwhile; a file keeps what a failure has to say.
        command
            .stdout(Stdio::null())
            .stderr(File::create(&self.errors)?);
        let start = Instant::now();
        let status = command.spawn()?.wait()?;
        let took = start.elapsed();
        if status.code() != Some(job.exit) {
            let reason = std::fs::read_to_string(&self.errors)?;
            bail!("{} ended with {status}: {reason}", job.program.display());
        }
        Ok(took)
    }

    /// The peak is asked of GNU time: a child of this program would inherit this program's.
    fn peak(&self, job: &Job) -> Result<Option<u64>> {
        let Some(time) = self.gnu_time else {
            self.lap(job)?;
            return Ok(None);
        };
        let mut timed = job.clone();
        timed.program = time.into();
        timed.args = ["-f", "%M", "-o"].map(str::to_owned).to_vec();
        let paths = [&self.memory, &job.program].map(|path| path.display().to_string());
        timed.args.extend(paths);
        timed.args.extend(job.args.iter().cloned());
        self.lap(&timed)?;
        let output = std::fs::read_to_string(&self.memory)?;
        // Before the number stands a word about an exit code that is not 0.
        let number = output.lines().last().unwrap_or_default();
        Ok(Some(number.parse().context("GNU time told no number")?))
    }
}
