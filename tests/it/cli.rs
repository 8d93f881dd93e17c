//! The command line, as conversations: `cases/cli/*.case` hold the files of a project, commands,
//! and what each must answer. On SQLite, because what they are about is the same on every engine.
//!
//! A section begins with `===`, since SQL comments begin with `--`:
//!
//! ```text
//! Why the case is there.
//! === file bird.toml
//! [databases.ums]
//! === $ BIRD_UMS_URL=sqlite:x.db bird status
//! exit 2
//! 1| a line of stdout
//! 2| a line of stderr, [..] stands for anything
//! ```
//!
//! Besides `file` there is `hex`, a file that is no text. Besides `bird` there are `sqlite3 FILE
//! SQL`, `ls` (every file of the project), `rm` and `append FILE TEXT`. Times, durations, ids and
//! versions are masked. UPDATE=1 rewrites what a command answered.

use std::fmt::Write as _;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::mask::mask;
use crate::world::{Engine, Running, World};

#[test]
fn cases() {
    Engine::Sqlite.run(|_| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/cases/cli");
        let entries = fs::read_dir(&folder).expect("the folder of cases");
        let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        files.sort();
        assert!(files.len() >= 60, "only {} cases", files.len());
        // The case under work, by a part of its name.
        if let Ok(only) = std::env::var("CASE") {
            files.retain(|file| file.display().to_string().contains(&only));
        }
        let wrong: String = files.iter().map(|file| check(file)).collect();
        assert!(
            wrong.is_empty(),
            "{wrong}UPDATE=1 rewrites the expectations"
        );
    });
}

/// Plays one case; what is wrong with it, or nothing.
fn check(file: &Path) -> String {
    let case = fs::read_to_string(file).expect("a case is text");
    let played = play(&case);
    if played == case {
        return String::new();
    }
    if std::env::var_os("UPDATE").is_some() {
        fs::write(file, played).expect("a case can be written");
        return String::new();
    }
    let name = file.file_name().expect("a name").to_string_lossy();
    let mut told = format!("--- {name}\n");
    let (mut expected, mut found) = (case.lines(), played.lines());
    loop {
        match (expected.next(), found.next()) {
            (None, None) => return told,
            (one, other) if one == other => {}
            (one, other) => {
                let (one, other) = (one.unwrap_or("(end)"), other.unwrap_or("(end)"));
                let _ = writeln!(told, "expected {one}\nfound    {other}");
            }
        }
    }
}

/// The case with what really came of its commands; the same text where all is as expected.
fn play(case: &str) -> String {
    let world = World::empty();
    // Every line ends, so that the last section is like the others.
    let case = case.trim_end();
    let mut parts = case.split("\n=== ");
    let mut played = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (head, body) = part.split_once('\n').unwrap_or((part, ""));
        let _ = write!(played, "\n=== {head}");
        let (verb, rest) = head.split_once(' ').unwrap_or((head, ""));
        let body = match verb {
            "file" => {
                // The last line feed belongs to the next `===`.
                let text = match body {
                    "" => String::new(),
                    body => format!("{body}\n"),
                };
                world.write(rest, &text);
                body.to_owned()
            }
            "hex" => {
                world.write(rest, "");
                fs::write(world.path(rest), bytes(body)).expect("the file can be written");
                body.to_owned()
            }
            "$" => kept(body, &answer(&world, rest)).to_owned(),
            other => panic!("no section begins with {other}: {head}"),
        };
        if !body.is_empty() {
            let _ = write!(played, "\n{body}");
        }
    }
    format!("{played}\n")
}

/// The expectation where it matches, wildcards included, else what was found.
fn kept<'a>(expected: &'a str, found: &'a str) -> &'a str {
    let same = expected.lines().count() == found.lines().count()
        && std::iter::zip(expected.lines(), found.lines()).all(|(one, other)| like(one, other));
    if same { expected } else { found }
}

/// Whether a line is as expected; `[..]` stands for anything.
fn like(expected: &str, found: &str) -> bool {
    let Some((start, rest)) = expected.split_once("[..]") else {
        return expected == found;
    };
    let Some(found) = found.strip_prefix(start) else {
        return false;
    };
    let mut ends = found.char_indices().map(|(at, _)| at).chain([found.len()]);
    ends.any(|at| like(rest, &found[at..]))
}

fn bytes(digits: &str) -> Vec<u8> {
    let pairs = digits.split_whitespace();
    pairs
        .map(|pair| u8::from_str_radix(pair, 16).expect("hexadecimal digits"))
        .collect()
}

/// Runs one line of a case, and writes down what came of it.
fn answer(world: &World, line: &str) -> String {
    let words = words(line);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let variables = words.iter().take_while(|word| word.contains('=')).count();
    let (variables, command) = words.split_at(variables);
    match command {
        ["bird", arguments @ ..] => {
            let mut command = world.command(arguments);
            command.envs(variables.iter().filter_map(|pair| pair.split_once('=')));
            let output = Running::start(command).finish();
            let mut told = format!("exit {}", output.code);
            for (mark, text) in [("1|", &output.stdout), ("2|", &output.stderr)] {
                for line in mask(text, &world.path("")).lines() {
                    let _ = write!(told, "\n{}", format!("{mark} {line}").trim_end());
                }
            }
            told
        }
        ["sqlite3", file, sql] => {
            let file = world.path(file).display().to_string();
            match Engine::Sqlite.client(Some(&file), sql) {
                Ok(rows) => mask(&rows, &world.path("")).trim_end().to_owned(),
                Err(error) => format!("error: {}", error.trim_end()),
            }
        }
        ["ls"] => {
            let mut found = Vec::new();
            list(&world.path(""), "", &mut found);
            found.sort();
            found.join("\n")
        }
        ["cat", file] => {
            let text = fs::read_to_string(world.path(file)).expect("the file can be read");
            text.trim_end().to_owned()
        }
        ["rm", file] => {
            fs::remove_file(world.path(file)).expect("the file can be removed");
            String::new()
        }
        ["append", file, text] => {
            let path = world.path(file);
            let before = fs::read_to_string(&path).expect("the file can be read");
            world.write(file, &format!("{before}{text}\n"));
            String::new()
        }
        other => panic!("no such command: {other:?}"),
    }
}

/// Words between blanks; what stands between quotes of either kind is one.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = line.trim_start();
    while let Some(first) = rest.chars().next() {
        let (word, after) = match first {
            '\'' | '"' => rest[1..].split_once(first).expect("a closing quote"),
            _ => rest.split_once(' ').unwrap_or((rest, "")),
        };
        words.push(word.to_owned());
        rest = after.trim_start();
    }
    words
}

fn list(folder: &Path, shown: &str, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let name = format!("{shown}{}", entry.file_name().to_string_lossy());
        if entry.file_type().expect("a file type").is_dir() {
            list(&entry.path(), &format!("{name}/"), found);
        } else {
            found.push(name);
        }
    }
}

/// `bird status | head`: the reader goes away, which is nobody's fault.
#[test]
fn a_closed_pipe_is_no_panic() {
    let world = World::bird();
    for arguments in [
        &["status"][..],
        &["status", "--format", "json"],
        &["--help"],
        &["migrate", "--dry-run"],
    ] {
        let mut child = world
            .command(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("bird starts");
        // Nobody reads any more before bird has looked at its databases.
        drop(child.stdout.take());
        let mut stderr = String::new();
        let mut pipe = child.stderr.take().expect("a pipe");
        pipe.read_to_string(&mut stderr).expect("stderr is UTF-8");
        let status = child.wait().expect("its end");
        assert!(
            !stderr.contains("panicked") && !stderr.contains("Broken pipe"),
            "{arguments:?}: {stderr}"
        );
        assert!(status.code() != Some(101), "{arguments:?}: {status}");
    }
}

/// People read the first lines, and copy from them.
#[test]
fn help_leads_with_an_example() {
    let world = World::empty();
    let help = world.run(&["--help"]).ok().says("Exit codes: 0 done");
    assert!(help.stdout.starts_with("Example: bird "), "{}", help.told());
    let commands = help.stdout.lines().skip_while(|line| *line != "Commands:");
    let commands: Vec<&str> = commands
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .filter(|command| *command != "help")
        .collect();
    assert!(commands.contains(&"migrate"), "{commands:?}");
    for command in commands {
        let help = world.run(&[command, "--help"]).ok();
        let example = format!("Example: bird {command}");
        assert!(help.stdout.starts_with(&example), "{}", help.told());
    }
    let nothing = world.run(&[]).exits(2).warns("Usage: bird");
    assert_eq!(nothing.stdout, "");
}

/// Exit 2 promises that nothing was written, and a database is something.
#[test]
fn up_makes_no_database_for_files_that_it_cannot_split() {
    let world = World::one(Engine::Sqlite).migration("ums/V1__a.sql", "SELECT 'open\n");
    world.run(&["up"]).exits(2).warns("never closed");
    assert!(!world.path("data/ums.db").exists());
}

/// The folder of the files does not exist yet, so the engine cannot be asked whether they are one.
#[test]
fn one_target_is_known_before_its_folder_exists() {
    let world = World::bird().env("BIRD_TWITTER_URL", "sqlite:data/../data/ums.db");
    world.run(&["up"]).exits(2);
    assert!(!world.path("data").exists());
}

/// What was asked for is written to stdout alone, and `--quiet` keeps it.
#[test]
fn quiet_silences_only_stderr() {
    let world = World::bird();
    let up = world
        .run(&["up", "--quiet"])
        .ok()
        .says("applied 9 migrations");
    assert_eq!(up.stderr, "");
    world
        .run(&["migrate", "--to", "ums@99", "-q"])
        .exits(2)
        .warns("has no migration with the version 99");
}

/// The config is found from below, and paths start at the project, not at the caller's folder.
#[test]
fn the_project_is_found_from_a_folder_inside_it() {
    let world = World::bird();
    let inside = world.path("migrations/ums");
    let mut command = world.command(&["up"]);
    command.current_dir(&inside);
    Running::start(command).finish().ok();
    assert!(world.path("data/ums.db").is_file());
    assert!(!inside.join("data").exists());
}
