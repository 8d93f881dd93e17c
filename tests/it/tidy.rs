//! The invariants of the house, proven on its source text: a rule that nobody checks is
//! decoration. What is named here as an exception must still exist.

mod banned_names;
mod dependencies;
mod docs;
mod floors;
mod generated;
mod graph;
mod pages;
mod paths;
mod reliability;
mod sessions;
mod source;

use std::fs;

use paths::{names_crate, uses};
use source::{Source, files, root, sources, words};

/// Who may use whom; a room may always use itself.
const ROOMS: &[(&str, &[&str])] = &[
    ("model", &[]),
    // Its macro is everybody's.
    ("invariant", &["model"]),
    ("sql", &["model"]),
    ("dialect", &["model", "sql"]),
    ("plan", &["model", "sql", "dialect"]),
    ("diff", &["model"]),
    ("guess", &["model", "dialect"]),
    ("audit", &["model", "sql", "dialect"]),
    ("repair", &["model"]),
    ("seed", &["model", "sql", "dialect"]),
    ("adopt", &["model", "sql", "dialect"]),
    ("project", &["model", "sql", "dialect"]),
    (
        "db",
        &["model", "sql", "dialect", "plan", "repair", "audit"],
    ),
    ("output", &["model"]),
    ("error", &["model", "output"]),
    (
        "cmd",
        &[
            "model", "sql", "dialect", "plan", "diff", "guess", "audit", "repair", "seed", "adopt",
            "project", "db", "output", "error",
        ],
    ),
];

/// The only places of what comes from outside.
const OWNERS: &[(&str, &str)] = &[
    ("sqlx", "src/db/session/"),
    ("libsqlite3_sys", "src/db/session/"),
    ("refinery_core", "src/db/history.rs"),
    ("toml", "src/project/"),
    ("clap", "src/cmd/"),
    ("clap_complete", "src/cmd/completions.rs"),
    ("clap_mangen", "src/cmd/man.rs"),
    ("anstyle", "src/output/table.rs"),
    ("comfy_table", "src/output/table.rs"),
    ("textwrap", "src/output/wrap.rs"),
    ("indicatif", "src/output/progress.rs"),
    ("annotate_snippets", "src/error.rs"),
];

/// The words that a place has for itself.
const WORDS: &[(&str, &[&str])] = &[
    // A secret is read where a connection is made, and nowhere else.
    ("expose_secret", &["src/db/session/"]),
    // A report is data; these show it.
    ("print", SHOWING),
    ("println", SHOWING),
    ("eprint", SHOWING),
    ("eprintln", SHOWING),
    ("dbg", &[]),
    ("stdout", SHOWING),
    ("stderr", SHOWING),
];
const SHOWING: &[&str] = &["src/main.rs", "src/error.rs", "src/output/"];

/// Where a word of [`WORDS`] stands all the same, and why.
const WORDS_ALLOWED: &[(&str, &str)] = &[
    // Help, the version and mistakes on the command line exist before any report does.
    ("src/cmd/cli.rs", "print"),
    ("src/cmd/cli.rs", "stdout"),
];

/// Strings that name an engine outside of `dialect` and `db`: the file, and a part of the string.
/// They are words of help for people; nothing is decided by them.
const NAMING_ALLOWED: &[(&str, &str)] = &[
    ("src/cmd/run/open.rs", "ssl-ca=FILE"),
    ("src/project/migrations.rs", "name the folder sqlite"),
    ("src/cmd/diff/mod.rs", "drift: from live to applied"),
    ("src/cmd/init/mod.rs", "bird init shop --from"),
    ("src/cmd/source/mod.rs", "--shadow mysql://…"),
    ("src/model/code.rs", "may give a deleted row's number"),
    ("src/project/url.rs", "an in-memory database would be lost"),
    ("src/project/url.rs", "MySQL: disabled, preferred, required"),
];

#[test]
fn a_floor_uses_only_the_floors_below() {
    let mut wrong = Vec::new();
    for source in sources("src") {
        let module = source.module();
        let Some(room) = module.first() else {
            continue; // main.rs and lib.rs stand above the floors.
        };
        let allowed = ROOMS.iter().find(|(name, _)| name == room);
        let (_, allowed) = allowed.unwrap_or_else(|| panic!("{room} is on no floor"));
        for used in uses(&source) {
            let known = used != "invariant" && ROOMS.iter().any(|(name, _)| *name == used);
            if known && used != *room && !allowed.contains(&used.as_str()) {
                wrong.push(format!("{} uses {used}", source.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_comes_from_outside_has_one_place() {
    let mut wrong = Vec::new();
    let all = sources("src");
    for (name, place) in OWNERS {
        let (inside, outside): (Vec<_>, Vec<_>) = all
            .iter()
            .filter(|source| names_crate(&source.code, name))
            .partition(|source| source.path.starts_with(place));
        assert!(
            !inside.is_empty(),
            "{place} does not use {name}: is it still so called?"
        );
        wrong.extend(
            outside
                .iter()
                .map(|source| format!("{} uses {name}", source.path)),
        );
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn some_words_have_their_place() {
    let mut wrong = Vec::new();
    let all = sources("src");
    for (word, places) in WORDS {
        for source in all.iter().filter(|source| source.has_word(word)) {
            let placed = places.iter().any(|place| source.path.starts_with(place));
            if !placed && !WORDS_ALLOWED.contains(&(&source.path, word)) {
                wrong.push(format!("{} says {word}", source.path));
            }
        }
    }
    for (path, word) in WORDS_ALLOWED {
        let still = all
            .iter()
            .any(|one| one.path == *path && one.has_word(word));
        assert!(still, "{path} says {word} no more: take the exception out");
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn engines_are_named_in_dialect_and_db_alone() {
    let names = ["mysql", "mariadb", "postgres", "sqlite"];
    let mut wrong = Vec::new();
    let all = sources("src");
    // The list of products is a noun; which one a server is, a dialect decides.
    let inside = |source: &Source| {
        source.path.starts_with("src/dialect/")
            || source.path.starts_with("src/db/")
            || source.path == "src/model/server.rs"
    };
    for source in all.iter().filter(|source| !inside(source)) {
        let allowed = |text: &str| {
            let mut exceptions = NAMING_ALLOWED.iter();
            exceptions.any(|(path, part)| source.path == *path && text.contains(part))
        };
        for text in source.strings.iter().filter(|text| !allowed(text)) {
            let lower = text.to_ascii_lowercase();
            if names.iter().any(|name| lower.contains(name)) {
                wrong.push(format!("{}: {text:?}", source.path));
            }
        }
        for word in words(&source.code) {
            let lower = word.to_ascii_lowercase();
            if names.iter().any(|name| lower.contains(name)) {
                wrong.push(format!("{}: {word}", source.path));
            }
        }
    }
    for (path, part) in NAMING_ALLOWED {
        let still = all
            .iter()
            .any(|one| one.path == *path && one.strings.iter().any(|text| text.contains(part)));
        assert!(
            still,
            "{path} says {part:?} no more: take the exception out"
        );
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn files_are_short_and_say_what_they_are() {
    let mut wrong = Vec::new();
    for source in sources("src").into_iter().chain(sources("tests")) {
        let path = &source.path;
        if !source.text.starts_with("//! ") {
            wrong.push(format!("{path} does not begin with //!"));
        }
        let lines = source.text.lines().count();
        let most = if path == "src/main.rs" { 60 } else { 600 };
        if lines > most {
            wrong.push(format!("{path} has {lines} lines"));
        }
        // The compiler is told nothing to overlook, tests included.
        let code = source.code.replace(char::is_whitespace, "");
        if code.contains("#[allow(") || code.contains("#![allow(") {
            wrong.push(format!("{path} allows what a lint forbids"));
        }
        let name = source.module().last().map(|name| (*name).to_owned());
        if name.is_some_and(|name| ["util", "utils", "common", "helpers"].contains(&name.as_str()))
        {
            wrong.push(format!("{path} has a name that says nothing"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A looking command never asks for a session that could write.
#[test]
fn looking_commands_only_look() {
    let looking = [
        "status",
        "doctor",
        "audit/assertions",
        "impact/mod",
        "init/existing",
        "source/load",
        "source/expected",
        "verify/mod",
    ];
    for name in looking {
        let path = format!("src/cmd/{name}.rs");
        let text = fs::read_to_string(root().join(&path)).expect("the command's file");
        let code = Source::new(&path, &text).code;
        assert!(code.contains("Access::ReadOnly"), "{path}");
        for access in ["Access::Write", "Access::Create"] {
            assert!(!code.contains(access), "{path} asks for {access}");
        }
    }
}

/// No engine's own tool is called, nor any other program.
#[test]
fn no_other_program_is_called() {
    for source in sources("src") {
        let code = source.code.replace(char::is_whitespace, "");
        assert!(!code.contains("process::Command"), "{}", source.path);
    }
}

/// A file that no `mod` names is never compiled, and its tests never run.
#[test]
fn every_file_of_tests_is_run() {
    for source in sources("tests") {
        let path = source.path.trim_end_matches(".rs");
        let path = path.trim_end_matches("/mod");
        let (folder, name) = path.rsplit_once('/').expect("a folder");
        let parent = match folder {
            "tests/it" | "tests/runner" if name == "main" => continue,
            // What both programs share is declared in both.
            "tests/support" => "tests/it/main.rs".to_owned(),
            "tests/it" | "tests/runner" => format!("{folder}/main.rs"),
            _ if root().join(folder).join("mod.rs").exists() => format!("{folder}/mod.rs"),
            _ => format!("{folder}.rs"),
        };
        let text = fs::read_to_string(root().join(&parent)).expect("the parent module");
        let code = Source::new(&parent, &text).code;
        assert!(
            code.contains(&format!("mod {name};")),
            "{parent} lacks mod {name}"
        );
    }
}

#[test]
fn every_migration_exists_for_every_engine() {
    for database in ["ums", "twitter"] {
        let names = |engine: &str| {
            let folder = format!("migrations/{database}/{engine}");
            let all = files(&folder, "").into_iter();
            let names =
                all.filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
            names.collect::<Vec<_>>()
        };
        let mysql = names("mysql");
        assert!(!mysql.is_empty());
        for engine in ["postgres", "sqlite"] {
            assert_eq!(mysql, names(engine), "{database}: mysql and {engine}");
        }
    }
}
