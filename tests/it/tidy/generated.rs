//! The tables of `docs/reference` are generated from the code, and compared here.
//! `UPDATE=1` writes them.

use std::fmt::Write as _;
use std::fs;

use bird::model::{code::Code, consent::CONSENTS, exit::EXITS};
use bird::output::FORMATS;

use super::source::root;

type Generate = fn() -> String;

/// The generated sections of a page.
type Sections = [(&'static str, Generate)];

/// Every page with generated sections.
const PAGES: &[(&str, &Sections)] = &[
    ("docs/reference/commands.md", COMMANDS),
    ("docs/reference/config.md", CONFIG),
    ("docs/reference/consents.md", &[("consents", consents)]),
    ("docs/reference/error-codes.md", &[("codes", codes)]),
    (
        "docs/reference/exit-codes.md",
        &[("exit-codes", exit_codes)],
    ),
    ("docs/reference/formats.md", &[("formats", formats)]),
];

const COMMANDS: &Sections = &[
    ("commands", commands),
    ("global-flags", global_flags),
    ("flags", flags),
];

const CONFIG: &Sections = &[
    ("config-database", || config("database")),
    ("config-reference", || config("reference")),
    ("config-seed", || config("seed")),
    ("config-assertion", || config("assertion")),
    ("config-environment", || config("environment")),
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
        .map(|consent| [format!("`{}`", consent.name()), consent.meaning.to_owned()]);
    table(["`--allow`", "lets bird"], rows)
}

fn formats() -> String {
    let names: Vec<String> = FORMATS
        .iter()
        .map(|format| format!("`{}`", format.name))
        .collect();
    format!("{}\n", names.join(", "))
}

/// The keys of one table of bird.toml, from the JSON Schema, which is tested against the parser.
fn config(table_name: &str) -> String {
    let text = fs::read_to_string(root().join("docs/bird.schema.json")).expect("the schema");
    let schema: serde_json::Value = serde_json::from_str(&text).expect("the schema is JSON");
    let keys = &schema["definitions"][table_name]["properties"];
    let keys = keys.as_object().expect("the table has keys").iter();
    let rows = keys.map(|(key, rule)| {
        let path = rule["$ref"]
            .as_str()
            .map(|path| path.trim_start_matches('#'));
        let referenced = path.and_then(|path| schema.pointer(path)).unwrap_or(rule);
        // A key of an environment means what it means outside.
        let outside = &schema["properties"][key];
        let described = [rule, referenced, outside].into_iter();
        let mut meanings = described.filter_map(|place| place["description"].as_str());
        let meaning = meanings
            .next()
            .unwrap_or_else(|| panic!("{table_name}.{key} says nothing"));
        let values = rule["enum"]
            .as_array()
            .or_else(|| referenced["enum"].as_array());
        let values = values.map(|values| {
            let values: Vec<String> = values
                .iter()
                .map(|value| format!("`{}`", plain(value)))
                .collect();
            format!(" One of {}.", values.join(", "))
        });
        let default = rule
            .get("default")
            .map(|value| format!(" Default: `{}`.", plain(value)));
        let notes = [values, default].into_iter().flatten();
        [
            format!("`{key}`"),
            meaning.to_owned() + &notes.collect::<String>(),
        ]
    });
    table(["key", "meaning"], rows)
}

/// A value without the quotes of JSON.
fn plain(value: &serde_json::Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// The flags that every command has.
fn global_flags() -> String {
    let command = bird::cmd::command();
    let global = command.get_arguments().filter(|flag| flag.is_global_set());
    table(["flag", "does"], global.map(row))
}

/// A heading for each command, its example, and the flags of its own.
fn flags() -> String {
    let mut text = String::new();
    for command in bird::cmd::command().get_subcommands() {
        let name = command.get_name();
        let about = command.get_about().map(ToString::to_string);
        let about = about.unwrap_or_default();
        let example = command.get_before_help().map(ToString::to_string);
        let _ = write!(text, "### bird {name}\n\n{about}.\n\n");
        if let Some(example) = example {
            let lines = example.trim_start_matches("Example: ").lines();
            let lines: Vec<&str> = lines.map(str::trim).collect();
            let _ = write!(text, "```text\n{}\n```\n\n", lines.join("\n"));
        }
        let own = command
            .get_arguments()
            .filter(|flag| !flag.is_global_set() && !flag.is_hide_set());
        let mut rows = own.map(row).peekable();
        if rows.peek().is_some() {
            let _ = writeln!(text, "{}", table(["flag", "does"], rows));
        }
    }
    text
}

/// A flag or an argument, and its help.
fn row(flag: &clap::Arg) -> [String; 2] {
    let values = flag.get_value_names().unwrap_or_default();
    let values = values.iter().map(|name| format!(" {name}"));
    let values: String = if flag.get_action().takes_values() {
        values.collect()
    } else {
        String::new()
    };
    let short = flag.get_short().map(|short| format!("`-{short}`, "));
    let name = flag.get_long().map_or_else(
        || format!("`{}`", values.trim()),
        |long| format!("`--{long}{values}`"),
    );
    let help = flag.get_help().map(ToString::to_string);
    [
        short.unwrap_or_default() + &name,
        help.unwrap_or_else(|| panic!("{name} has no help")),
    ]
}

/// One heading per code, so that each has a link of its own.
fn codes() -> String {
    let mut text = String::new();
    for code in Code::ALL {
        let severity = format!("{:?}", code.severity()).to_lowercase();
        let (summary, help) = (code.summary(), code.help());
        let _ = writeln!(text, "### {code}\n\n*{severity}*: {summary}\n\n{help}\n");
        if let Some(anchor) = code.page().strip_prefix("docs/recovery.md#") {
            let _ = writeln!(text, "More: [recovery](../recovery.md#{anchor}).\n");
        }
    }
    text
}

/// The text with every generated section renewed.
fn renewed(page: &str, sections: &Sections) -> Result<String, String> {
    let mut text = page.to_owned();
    for (name, generate) in sections {
        let begin = format!("<!-- generated:{name} -->\n");
        let (before, rest) = text
            .split_once(&begin)
            .ok_or_else(|| format!("the page lacks {begin}"))?;
        let (_, after) = rest
            .split_once("<!-- end -->")
            .ok_or_else(|| format!("no <!-- end --> follows {begin}"))?;
        // Markdown wants blank lines around a table that stands between comments.
        text = format!("{before}{begin}\n{}\n<!-- end -->{after}", generate());
    }
    Ok(text)
}

#[test]
fn the_pages_say_what_the_code_says() {
    for (file, sections) in PAGES {
        let path = root().join(file);
        let page = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"));
        let renewed = renewed(&page, sections).unwrap_or_else(|fault| panic!("{file}: {fault}"));
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&path, renewed).expect("the page can be written");
            continue;
        }
        // The sections alone: a whole page in a failing test helps nobody.
        let old = sections
            .iter()
            .filter(|(_, generate)| !page.contains(&generate()));
        let old: Vec<&str> = old.map(|(name, _)| *name).collect();
        assert!(
            renewed == page,
            "{file} is old ({old:?}): UPDATE=1 cargo test --test it pages renews it"
        );
    }
}

#[test]
fn a_section_is_renewed_in_its_place() {
    let sections: &Sections = &[("exit-codes", exit_codes), ("formats", formats)];
    let mut old = String::from("# bird\n");
    for (name, _) in sections {
        let _ = write!(
            old,
            "{name}:\n<!-- generated:{name} -->\nold\n<!-- end -->\n"
        );
    }
    let new = renewed(&old, sections).expect("all sections");
    assert!(!new.contains("\nold\n"), "{new}");
    assert!(new.contains("| 3 | refused"), "{new}");
    assert!(new.contains("\n`table`, `json`"), "{new}");
    assert_eq!(
        renewed(&new, sections).as_ref(),
        Ok(&new),
        "renewing twice changes nothing"
    );
    assert!(renewed("# bird\n", sections).is_err());
}
