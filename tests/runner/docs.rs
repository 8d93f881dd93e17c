//! Runs the pages of the documentation: each `console` block as it stands, in a copy of the
//! repository's project on SQLite. Other blocks are files if the line before says "save as `PATH`:".
//!
//! Commands begin with `$ `, their further lines with `> `. A line `…` of an answer stands for any
//! lines; times, durations, ids and versions are masked. `UPDATE=1` writes the answers.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use libtest_mimic::Trial;

use crate::case_file::{difference, is_update, root};
use crate::mask::mask;
use crate::trial::{engine_trial, slug};
use crate::world::{Engine, World};

/// Says in a page that its commands begin in an empty folder.
const EMPTY: &str = "<!-- project: empty -->";

/// A test for each page that has a `console` block, and for each example workflow.
pub fn trials() -> Vec<Trial> {
    let pages = files("docs", "md").into_iter().chain(["README.md".into()]);
    let pages = pages.filter(|page| text(page).contains("\n```console\n"));
    let mut trials: Vec<Trial> = pages
        .map(|page| {
            let name = format!("docs::{}", slug(&page.with_extension("").to_string_lossy()));
            engine_trial(name, Engine::Sqlite, move || check_page(&page))
        })
        .collect();
    let workflows = files("docs/examples", "yml").into_iter();
    for path in workflows.chain([".pre-commit-hooks.yaml".into()]) {
        let name = format!("docs::{}", slug(&path.to_string_lossy()));
        let check = move || check_workflow(&path);
        trials.push(engine_trial(name, Engine::Sqlite, check));
    }
    trials
}

/// The files below a folder of the repository with an extension.
fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let all = super::files(Path::new(folder));
    all.into_iter()
        .filter(|path| path.extension().is_some_and(|end| end == extension))
        .collect()
}

fn text(path: &Path) -> String {
    fs::read_to_string(root().join(path))
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn check_page(page: &Path) -> Result<(), String> {
    let expected = text(page);
    let world = if expected.contains(EMPTY) {
        World::empty()
    } else {
        World::bird()
    };
    let found = play(&world, &expected);
    if found == expected {
        Ok(())
    } else if is_update() {
        fs::write(root().join(page), found).map_err(|error| error.to_string())
    } else {
        Err(difference(&expected, &found))
    }
}

/// Runs the `bird` lines of an example workflow or of the hooks, as they stand.
fn check_workflow(path: &Path) -> Result<(), String> {
    let world = World::bird().env("GITHUB_STEP_SUMMARY", "summary.md");
    let mut shell = Shell::new(&world);
    let text = text(path);
    let lines = text.lines().map(|line| {
        let line = line.trim_start_matches([' ', '-']);
        line.strip_prefix("entry: ").unwrap_or(line)
    });
    let mut count = 0;
    for line in lines.filter(|line| line.starts_with("bird ")) {
        count += 1;
        let answer = shell.run(line);
        if shell.code != 0 {
            return Err(format!("{line}: exit code {}\n{answer}", shell.code));
        }
    }
    if count > 1 {
        Ok(())
    } else {
        Err("the workflow has hardly a line that calls bird".to_owned())
    }
}

/// Plays a page; it is returned with the answers that its commands really gave.
fn play(world: &World, page: &str) -> String {
    let mut shell = Shell::new(world);
    let mut played = String::new();
    let mut lines = page.lines().peekable();
    // The path to save the next block at, if the last line of text names one.
    let mut save = None;
    while let Some(line) = lines.next() {
        let _ = writeln!(played, "{line}");
        if line == "```console" {
            while let Some(line) = lines.next_if(|line| *line != "```") {
                let first = line.strip_prefix("$ ");
                let first = first.unwrap_or_else(|| panic!("an answer without a command: {line}"));
                let _ = writeln!(played, "{line}");
                let mut command = first.to_owned();
                while let Some(line) = lines.next_if(|line| line.starts_with("> ")) {
                    let _ = writeln!(played, "{line}");
                    let _ = write!(command, "\n{}", &line[2..]);
                }
                let mut expected = String::new();
                let is_answer = |line: &&str| *line != "```" && !line.starts_with("$ ");
                while let Some(line) = lines.next_if(is_answer) {
                    let _ = writeln!(expected, "{line}");
                }
                played.push_str(&shell.answer(&command, &expected));
            }
        } else if line.starts_with("```") {
            let mut body = String::new();
            while let Some(line) = lines.next_if(|line| *line != "```") {
                let _ = writeln!(body, "{line}");
            }
            played.push_str(&body);
            if let Some(path) = save.take() {
                world.write(path, &body);
            }
        } else {
            if !line.is_empty() {
                save = saved_path(line);
            }
            continue;
        }
        // The end of the block.
        if let Some(line) = lines.next() {
            let _ = writeln!(played, "{line}");
        }
    }
    played
}

/// The path in "Save this as `PATH`:".
fn saved_path(line: &str) -> Option<&str> {
    let says_save = line
        .split_whitespace()
        .any(|word| word.eq_ignore_ascii_case("save"));
    let (_, path) = line.strip_suffix("`:")?.rsplit_once('`')?;
    says_save.then_some(path)
}

/// A shell in the folder of a project. Each command is a process of its own; folder, variables and
/// the last exit code are carried over.
struct Shell<'w> {
    world: &'w World,
    /// The `cd` and `export` lines so far.
    prelude: String,
    code: i32,
    /// The ids on the page, and those of this run.
    ids: Vec<(String, String)>,
}

impl Shell<'_> {
    fn new(world: &World) -> Shell<'_> {
        Shell {
            world,
            prelude: String::new(),
            code: 0,
            ids: Vec::new(),
        }
    }

    /// The answer to a command: the expected one, if what came fits.
    fn answer(&mut self, command: &str, expected: &str) -> String {
        let mut command = command.to_owned();
        for (page, run) in &self.ids {
            command = command.replace(page, run);
        }
        let mut found = self.run(&command);
        let project = self.world.path("").display().to_string();
        found = found.replace(project.trim_end_matches('/'), "[project]");
        let (old, new) = (ids(expected), ids(&found));
        self.ids.extend(std::iter::zip(old, new));
        let masked = |text: &str| {
            let text: Vec<&str> = text.lines().map(str::trim_end).collect();
            mask(&text.join("\n"), &self.world.path(""))
        };
        if fits(&masked(expected), &masked(&found)) {
            return expected.to_owned();
        }
        for (page, run) in &self.ids {
            found = found.replace(run, page);
        }
        let lines = found.lines().map(|line| format!("{}\n", line.trim_end()));
        lines.collect()
    }

    /// Runs a command; what it wrote to stdout and stderr.
    fn run(&mut self, command: &str) -> String {
        let world = self.world.command(&[]);
        let program = Path::new(world.get_program());
        let mut path = OsString::from(program.parent().expect("the folder of the program"));
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap_or_default());
        let script = format!(
            "exec 2>&1\n{}(exit {})\n{command}\n",
            self.prelude, self.code
        );
        if command.starts_with("cd ") || command.starts_with("export ") {
            let _ = writeln!(self.prelude, "{command}");
        }
        let variables = world.get_envs();
        let variables = variables.filter_map(|(name, value)| Some((name, value?)));
        let output = Command::new("bash")
            .args(["-c", &script])
            .env_clear()
            .envs(variables)
            .env("PATH", path)
            .current_dir(self.world.path(""))
            .stdin(Stdio::null())
            .output()
            .expect("bash runs");
        self.code = output.status.code().expect("an exit code");
        String::from_utf8(output.stdout).expect("the answer is UTF-8")
    }
}

/// The ids of runs and rows in an answer, in order.
fn ids(text: &str) -> Vec<String> {
    let is_part = |c: char| c.is_ascii_hexdigit() || c == '-';
    text.split(|c: char| !is_part(c))
        .filter(|word| word.len() == 36 && word.matches('-').count() == 4)
        .map(str::to_owned)
        .collect()
}

/// Whether an answer is as expected, line by line; `…` stands for any lines.
fn fits(expected: &str, found: &str) -> bool {
    let (expected, found): (Vec<&str>, Vec<&str>) =
        (expected.lines().collect(), found.lines().collect());
    fits_lines(&expected, &found)
}

fn fits_lines(expected: &[&str], found: &[&str]) -> bool {
    match (expected, found) {
        ([], []) => true,
        ([any, rest @ ..], _) if any.trim() == "…" => {
            (0..=found.len()).any(|skipped| fits_lines(rest, &found[skipped..]))
        }
        ([first, rest @ ..], [line, others @ ..]) => first == line && fits_lines(rest, others),
        _ => false,
    }
}

/// What this file itself promises.
pub fn own_trial() -> Trial {
    crate::trial::trial("docs::answers_are_compared".to_owned(), || {
        assert!(fits("a\n…\nd", "a\nb\nc\nd") && fits("a\n…", "a") && fits("", ""));
        assert!(!fits("a\n…\nd", "a\nb") && !fits("a", "a\nb") && !fits("a\nb", "a"));
        let id = "01a21fe2-380a-75f3-8edf-06a695423893";
        assert_eq!(ids(&format!("undo {id}, a-b {id}.")), [id, id]);
        assert_eq!(saved_path("Save this as `a/b.sql`:"), Some("a/b.sql"));
        assert_eq!(saved_path("In `a.toml`:"), None);
        Ok(())
    })
}
