//! The README's tables are the code's: generated, and compared here. `UPDATE=1` writes them.

use std::fmt::Write as _;
use std::fs;

use bird::model::{consent::CONSENTS, exit::EXITS};
use bird::output::FORMATS;

use super::source::root;

type Generate = fn() -> String;

const SECTIONS: &[(&str, Generate)] = &[
    ("commands", commands),
    ("exit-codes", exit_codes),
    ("consents", consents),
    ("formats", formats),
];

fn table(headers: [&str; 2], rows: impl Iterator<Item = [String; 2]>) -> String {
    let mut text = format!("| {} | {} |\n|---|---|\n", headers[0], headers[1]);
    for [left, right] in rows {
        let right = right.replace('|', "\\|");
        let _ = writeln!(text, "| {left} | {right} |");
    }
    text
}

fn commands() -> String {
    let command = bird::cmd::command();
    let rows = command.get_subcommands().map(|command| {
        let about = command.get_about().map(ToString::to_string);
        let name = format!("`bird {}`", command.get_name());
        [
            name,
            about.unwrap_or_else(|| panic!("a command says nothing of itself")),
        ]
    });
    table(["command", "does"], rows)
}

fn exit_codes() -> String {
    let rows = EXITS
        .iter()
        .map(|(exit, meaning)| [exit.code().to_string(), (*meaning).to_owned()]);
    table(["exit code", "meaning"], rows)
}

fn consents() -> String {
    let rows = CONSENTS
        .iter()
        .map(|consent| [format!("`{}`", consent.name), consent.meaning.to_owned()]);
    table(["`--allow`", "lets bird"], rows)
}

fn formats() -> String {
    let names: Vec<String> = FORMATS
        .iter()
        .map(|(name, _)| format!("`{name}`"))
        .collect();
    format!("{}\n", names.join(", "))
}

/// The text with every generated section renewed.
fn renewed(readme: &str) -> Result<String, String> {
    let mut text = readme.to_owned();
    for (name, generate) in SECTIONS {
        let begin = format!("<!-- generated:{name} -->\n");
        let (before, rest) = text
            .split_once(&begin)
            .ok_or_else(|| format!("the README lacks {begin}"))?;
        let (_, after) = rest
            .split_once("<!-- end -->")
            .ok_or_else(|| format!("no <!-- end --> follows {begin}"))?;
        // Markdown wants blank lines around a table that stands between comments.
        text = format!("{before}{begin}\n{}\n<!-- end -->{after}", generate());
    }
    Ok(text)
}

#[test]
fn the_readme_says_what_the_code_says() {
    let path = root().join("README.md");
    let Ok(readme) = fs::read_to_string(&path) else {
        return;
    };
    let renewed = renewed(&readme).unwrap_or_else(|fault| panic!("{fault}"));
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, renewed).expect("the README can be written");
        return;
    }
    // The sections alone: a whole page in a failing test helps nobody.
    let old: Vec<&str> = SECTIONS
        .iter()
        .filter(|(_, generate)| !readme.contains(&generate()))
        .map(|(name, _)| *name)
        .collect();
    assert!(
        renewed == readme,
        "the README is old ({old:?}): UPDATE=1 cargo test --test it readme renews it"
    );
}

#[test]
fn a_section_is_renewed_in_its_place() {
    let mut old = String::from("# bird\n");
    for (name, _) in SECTIONS {
        let _ = write!(
            old,
            "{name}:\n<!-- generated:{name} -->\nold\n<!-- end -->\n"
        );
    }
    let new = renewed(&old).expect("all sections");
    assert!(!new.contains("\nold\n"), "{new}");
    assert!(new.contains("| `bird migrate` | "), "{new}");
    assert!(new.contains("| 3 | refused"), "{new}");
    assert!(new.contains("| `out-of-order` | "), "{new}");
    assert!(new.contains("\n`table`, `json`"), "{new}");
    assert_eq!(
        renewed(&new).as_ref(),
        Ok(&new),
        "renewing twice changes nothing"
    );
    assert!(renewed("# bird\n").is_err());
}
