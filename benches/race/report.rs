//! The report: what was measured where, the tables, and whether the targets are met.

use std::fmt::{self, Display, Formatter};
use std::path::Path;

use anyhow::Result;

use super::BIRD;
use super::engine::Engine;
use super::measure::{Job, Laps, Stopwatch};

/// The machine and the versions of all that takes part; the legend says what the floor is.
pub fn heading(
    engines: &[Engine],
    folder: &Path,
    stopwatch: &Stopwatch,
    legend: &str,
) -> Result<String> {
    let read = |file: &str| std::fs::read_to_string(file).unwrap_or_default();
    let field = |text: &str, key: &str| {
        let line = text.lines().find(|line| line.starts_with(key));
        let value = line.and_then(|line| line.split_once(':'));
        value.map(|(_, value)| value.trim().to_owned())
    };
    let cpu = field(&read("/proc/cpuinfo"), "model name");
    let cpu = cpu.unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let cores = std::thread::available_parallelism()?;
    let memory = field(&read("/proc/meminfo"), "MemTotal").and_then(|size| {
        let kilobytes: u64 = size.split(' ').next()?.parse().ok()?;
        Some(format!("{} GB of memory", kilobytes >> 20))
    });
    let memory = memory.unwrap_or_else(|| "memory unknown".into());
    let mounts = read("/proc/self/mounts");
    let kind = |folder: &Path| {
        let mounts = mounts.lines().filter_map(|line| {
            let mut words = line.split(' ').skip(1);
            Some((words.next()?, words.next()?))
        });
        let around = mounts.filter(|(place, _)| folder.starts_with(place));
        // Of those mounted at one place, the last is seen.
        let nearest = around.max_by_key(|(place, _)| place.len());
        nearest.map_or("unknown".to_owned(), |(_, kind)| kind.to_owned())
    };
    let mut lines = vec![
        "# bird, measured\n".to_owned(),
        format!(
            "- Machine: {cpu}, {cores} cores, {memory}, SQLite on {}",
            kind(folder)
        ),
        format!("- {}", Job::new(BIRD).args(["--version"]).output()?),
    ];
    if let Ok(servers) = std::env::var("BIRD_TEST_FOLDER") {
        let kind = kind(Path::new(&servers));
        lines.push(format!("- Servers on loopback, their data on {kind}"));
    }
    for engine in engines {
        lines.push(format!("- {}: {}", engine.title, engine.versions));
    }
    lines.push(format!("\n{legend} A cell is the median (× floor), the peak of resident memory, and the shortest to the longest run.\n"));
    if stopwatch.gnu_time.is_none() {
        lines.push("Memory is not told: there is no GNU time on this machine.\n".to_owned());
    }
    Ok(lines.join("\n"))
}

/// One row per entrant, one column per engine.
pub struct Table<'t> {
    title: &'t str,
    rows: &'t [&'static str],
    columns: Vec<(&'static str, Vec<Laps>)>,
}

impl<'t> Table<'t> {
    pub fn new(title: &'t str, rows: &'t [&'static str]) -> Self {
        let columns = Vec::new();
        Table {
            title,
            rows,
            columns,
        }
    }

    pub fn add(&mut self, engine: &'static str, laps: Vec<Laps>) {
        self.columns.push((engine, laps));
    }
}

impl Display for Table<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.columns.is_empty() {
            return Ok(());
        }
        let mut columns = vec![vec![String::new()]];
        columns[0].extend(self.rows.iter().map(|row| (*row).to_owned()));
        for (engine, laps) in &self.columns {
            let cells = self.rows.iter().map(|row| cell(laps, row));
            columns.push(std::iter::once((*engine).to_owned()).chain(cells).collect());
        }
        let width = |column: &Vec<String>| column.iter().map(|cell| cell.chars().count()).max();
        let widths: Vec<usize> = columns.iter().filter_map(width).collect();
        writeln!(f, "## {}\n", self.title)?;
        for row in 0..=self.rows.len() {
            for (column, width) in columns.iter().zip(&widths) {
                write!(f, "| {:<width$} ", column[row])?;
            }
            writeln!(f, "|")?;
            if row == 0 {
                for width in &widths {
                    write!(f, "|{}", "-".repeat(width + 2))?;
                }
                writeln!(f, "|")?;
            }
        }
        Ok(())
    }
}

fn cell(laps: &[Laps], name: &str) -> String {
    let Some(own) = laps.iter().find(|laps| laps.name == name) else {
        return "-".into();
    };
    let ratio = ratio(laps, name).map_or(String::new(), |ratio| format!(" ({ratio:.2})"));
    let memory = own
        .memory
        .map(|memory| format!(", {:.0} MB", memory as f64 / 1024.0));
    let (least, most) = own.spread();
    let spread = if least >= 1.0 {
        format!("{least:.2}–{most:.2}")
    } else {
        format!("{:.1}–{:.1}", least * 1000.0, most * 1000.0)
    };
    let (time, memory) = (time(own.median()), memory.unwrap_or_default());
    format!("{time}{ratio}{memory}, {spread}")
}

fn time(seconds: f64) -> String {
    if seconds >= 1.0 {
        format!("{seconds:.2} s")
    } else {
        format!("{:.1} ms", seconds * 1000.0)
    }
}

/// How many times the floor it took.
pub fn ratio(laps: &[Laps], name: &str) -> Option<f64> {
    let median = |name: &str| laps.iter().find(|laps| laps.name == name).map(Laps::median);
    Some(median(name)? / median("floor")?)
}

/// One line about one target.
pub struct Verdict {
    passed: bool,
    text: String,
}

impl Verdict {
    pub fn new(passed: bool, text: String) -> Self {
        Verdict { passed, text }
    }

    pub fn memory(
        title: &str,
        engine: &Engine,
        laps: &[Laps],
        name: &str,
        below: u64,
    ) -> Option<Self> {
        let peak = laps.iter().find(|laps| laps.name == name)?.memory? * 1024;
        let megabytes = peak as f64 / 1e6;
        let text = format!(
            "{title}, {}: peak {megabytes:.1} MB, target < {below} MB",
            engine.title
        );
        Some(Verdict::new(peak < below * 1_000_000, text))
    }
}

pub fn verdicts(all: &[Verdict]) -> String {
    let lines = all.iter().map(|verdict| {
        let word = if verdict.passed { "PASS" } else { "MISS" };
        format!("- {word} {}", verdict.text)
    });
    let lines: Vec<String> = lines.collect();
    format!("## Targets\n\n{}", lines.join("\n"))
}
