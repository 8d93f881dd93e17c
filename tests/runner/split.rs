//! Cases of the splitter: a file of SQL, and the statements, directives and faults in it.

use std::sync::Arc;

use bird::dialect::{Dialect, by_scheme};
use bird::model::script::{Fault, Script};
use bird::sql::Syntax;
use bird::sql::script::read;
use bird::sql::split::split;
use libtest_mimic::Trial;

use crate::case_file::{CaseFile, Section, difference, is_update, update};
use crate::sqlite_complete;
use crate::trial::{Group, trial};
use crate::world::Engine;

/// The sections of a case: the input, and what comes of it.
const SECTIONS: &[&str] = &[
    "input",
    "file",
    "requires",
    "rename",
    "statement",
    "nothing",
    "fault",
];

pub fn trials(group: &Group) -> Result<Vec<Trial>, String> {
    let file = &group.file;
    file.expect_sections(SECTIONS)?;
    let engine = group.products()?[0];
    let inputs = file.sections.iter().filter(|one| one.name == "input");
    if inputs.count() != 1 || file.sections[0].name != "input" {
        return Err(format!(
            "{}: one section `input` comes first",
            file.path.display()
        ));
    }
    let input = input(&file.sections[0])
        .map_err(|mark| format!("{}: no such mark: {mark}", file.place(&file.sections[0])))?;
    let file = Arc::clone(file);
    let check = move || check(engine, &file, &input);
    Ok(vec![trial(group.name.clone(), check)])
}

/// The input of a case, with what an editor would not keep.
fn input(section: &Section) -> Result<String, String> {
    let mut text = section.body.clone();
    for mark in section.argument.split_whitespace() {
        text = match mark {
            // The file ends without a line feed.
            "chomp" => text.trim_end_matches('\n').to_owned(),
            "nul" => text.replace('␀', "\0"),
            "cr" => text.replace('␍', "\r"),
            "crlf" => text.replace('\n', "\r\n"),
            "bom" => format!("\u{feff}{text}"),
            other => return Err(other.to_owned()),
        }
    }
    Ok(text)
}

fn check(engine: Engine, file: &CaseFile, input: &str) -> Result<(), String> {
    let dialect = by_scheme(engine.folder()).expect("an engine");
    let mut found = CaseFile {
        path: file.path.clone(),
        description: file.description.clone(),
        sections: vec![file.sections[0].clone()],
    };
    found.sections.extend(outcome(dialect.syntax(), input));
    if engine == Engine::Sqlite {
        sqlite_agrees(dialect, input)?;
    }
    if found.text() == file.text() {
        Ok(())
    } else if is_update() {
        update(&file.path, |file| file.sections = found.sections)
    } else {
        Err(difference(&file.text(), &found.text()))
    }
}

/// The case files are better SQL than the random fragments of which the same is asked elsewhere.
fn sqlite_agrees(dialect: &dyn Dialect, text: &str) -> Result<(), String> {
    let statements = split(dialect.syntax(), text).unwrap_or_default();
    statements
        .into_iter()
        .try_for_each(|statement| sqlite_complete::check(&text[statement.range]))
}

/// What comes of a text, as the sections of a case.
fn outcome(syntax: &Syntax, text: &str) -> Vec<Section> {
    let mut sections = match read(syntax, text) {
        Ok(script) => {
            assert_eq!(
                split(syntax, text).map(|found| found.len()),
                Ok(script.statements.len())
            );
            described(text, &script)
        }
        Err(faults) => faults.iter().map(|fault| complaint(text, fault)).collect(),
    };
    for section in &mut sections {
        section.body = section.body.replace('\r', "␍").replace("␍\n", "\n");
    }
    sections
}

fn described(text: &str, script: &Script) -> Vec<Section> {
    let head = |name: &str, argument: &str| Section::new(name, argument, String::new());
    let mut sections = Vec::new();
    if script.no_transaction {
        sections.push(head("file", "no-transaction"));
    }
    if script.empty {
        sections.push(head("file", "empty"));
    }
    if script.idempotent {
        sections.push(head("file", "idempotent"));
    }
    if !script.allow.is_empty() {
        let allow = format!("allow {}", script.allow.join(" "));
        sections.push(head("file", &allow));
    }
    for need in &script.requires {
        let (line, column) = (need.place.line, need.place.column);
        let what = format!("{}@{} at {line}:{column}", need.database, need.version);
        sections.push(head("requires", &what));
    }
    for rename in &script.renames {
        let (line, column) = (rename.place.line, rename.place.column);
        let what = format!("{} -> {} at {line}:{column}", rename.from, rename.to);
        sections.push(head("rename", &what));
    }
    for statement in &script.statements {
        let mut about = format!("{}:{}", statement.place.line, statement.place.column);
        if !statement.allow.is_empty() {
            about.push_str(&format!(" allow {}", statement.allow.join(" ")));
        }
        if statement.idempotent {
            about.push_str(" idempotent");
        }
        let sql = &text[statement.range.clone()];
        sections.push(Section::new("statement", &about, format!("{sql}\n")));
    }
    if script.statements.is_empty() {
        sections.push(head("nothing", ""));
    }
    sections
}

fn complaint(text: &str, fault: &Fault) -> Section {
    let place = format!("{}:{}", fault.place.line, fault.place.column);
    let range = text.get(fault.range.clone()).unwrap_or("(no such range)");
    let mut body = format!("at: {range:?}\nmessage: {}\n", fault.message);
    if let Some(hint) = &fault.hint {
        body.push_str(&format!("hint: {hint}\n"));
    }
    Section::new("fault", &place, body)
}
