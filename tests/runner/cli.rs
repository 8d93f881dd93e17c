//! Cases of the command line: the files of a project, commands, and what each of them answers.
//! They run on SQLite, because what they are about is the same on every engine.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use libtest_mimic::Trial;

use crate::case_file::{CaseFile, Section, difference, is_update, update};
use crate::mask::mask;
use crate::trial::{Group, engine_trial};
use crate::world::{Engine, Running, World};

pub fn trials(group: &Group) -> Result<Vec<Trial>, String> {
    group.file.expect_sections(&["file", "hex", "$"])?;
    let file = Arc::clone(&group.file);
    let check = move || check(&file);
    Ok(vec![engine_trial(
        group.name.clone(),
        Engine::Sqlite,
        check,
    )])
}

fn check(file: &CaseFile) -> Result<(), String> {
    let world = World::empty();
    let played = CaseFile {
        path: file.path.clone(),
        description: file.description.clone(),
        sections: file
            .sections
            .iter()
            .map(|section| play(&world, section))
            .collect(),
    };
    if played.text() == file.text() {
        Ok(())
    } else if is_update() {
        update(&file.path, |file| file.sections = played.sections)
    } else {
        Err(difference(&file.text(), &played.text()))
    }
}

/// Plays a section; it is returned with the answer that its command really gave.
fn play(world: &World, section: &Section) -> Section {
    let mut played = section.clone();
    match section.name.as_str() {
        "file" => world.write(&section.argument, &section.body),
        "hex" => {
            world.write(&section.argument, "");
            let path = world.path(&section.argument);
            fs::write(path, bytes(&section.body)).expect("the file can be written");
        }
        _ => {
            let found = answer(world, &section.argument);
            if !matches(&section.body, &found) {
                played.body = found;
            }
        }
    }
    played
}

/// Whether an answer is as expected, wildcards included.
fn matches(expected: &str, found: &str) -> bool {
    expected.lines().count() == found.lines().count()
        && std::iter::zip(expected.lines(), found.lines())
            .all(|(expected, found)| line_matches(expected, found))
}

/// Whether a line is as expected; `[..]` stands for anything.
fn line_matches(expected: &str, found: &str) -> bool {
    let Some((start, rest)) = expected.split_once("[..]") else {
        return expected == found;
    };
    let Some(found) = found.strip_prefix(start) else {
        return false;
    };
    let mut ends = found.char_indices().map(|(at, _)| at).chain([found.len()]);
    ends.any(|at| line_matches(rest, &found[at..]))
}

fn bytes(digits: &str) -> Vec<u8> {
    let pairs = digits.split_whitespace();
    pairs
        .map(|pair| u8::from_str_radix(pair, 16).expect("hexadecimal digits"))
        .collect()
}

/// Runs one command of a case; what it answered.
fn answer(world: &World, line: &str) -> String {
    let words = words(line);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let variables = words.iter().take_while(|word| word.contains('=')).count();
    let (variables, command) = words.split_at(variables);
    let answer = match command {
        ["bird", arguments @ ..] => {
            let mut command = world.command(arguments);
            command.envs(variables.iter().filter_map(|pair| pair.split_once('=')));
            let output = Running::start(command).finish();
            let mut answer = format!("exit {}", output.code);
            for (mark, text) in [("1|", &output.stdout), ("2|", &output.stderr)] {
                for line in mask(text, &world.path("")).lines() {
                    let _ = write!(answer, "\n{}", format!("{mark} {line}").trim_end());
                }
            }
            answer
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
            let project = world.path("").display().to_string();
            let text = world.read(file);
            let text = text.replace(project.trim_end_matches('/'), "[project]");
            text.trim_end().to_owned()
        }
        ["rm", file] => {
            fs::remove_file(world.path(file)).expect("the file can be removed");
            String::new()
        }
        ["append", file, text] => {
            world.write(file, &format!("{}{text}\n", world.read(file)));
            String::new()
        }
        other => panic!("no such command: {other:?}"),
    };
    if answer.is_empty() {
        answer
    } else {
        answer + "\n"
    }
}

/// The words of a line; what stands between quotes of either kind is one.
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
