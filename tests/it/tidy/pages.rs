//! The pages for contributors name files, functions and links that exist.

use std::fs;

use super::source::{Source, root, words};

const PAGES: &[&str] = &[
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "README.md",
    "SECURITY.md",
];

/// A word in backticks that begins so is a path of the repository.
const PLACES: &[&str] = &[
    ".ci/",
    ".github/",
    "benches/",
    "docs/",
    "packaging/",
    "src/",
    "tests/",
];

/// What stands between backticks outside of code blocks.
fn quoted(page: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut fenced = false;
    for line in page.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            found.extend(line.split('`').skip(1).step_by(2));
        }
    }
    found
}

/// The targets of Markdown links that lead to files of the repository.
fn linked(page: &str) -> Vec<&str> {
    let targets = page.split("](").skip(1);
    let targets = targets.filter_map(|rest| rest.split_once(')').map(|(target, _)| target));
    let local = targets.filter(|target| !target.contains("://") && !target.starts_with('#'));
    local
        .map(|target| target.split_once('#').map_or(target, |(path, _)| path))
        .collect()
}

/// Whether the path exists. After `::` stands a name that the file's code must have; `NAME` and
/// `<…>` stand for anything, as far as the folder before them exists.
fn exists(path: &str) -> bool {
    let (path, name) = match path.split_once("::") {
        Some((path, name)) => (path, Some(name)),
        None => (path, None),
    };
    let fixed = path.split(['<', '*']).next().unwrap_or_default();
    let fixed = fixed.split("NAME").next().unwrap_or_default();
    let whole = fixed.len() == path.len();
    let fixed = if whole {
        path
    } else {
        fixed.rsplit_once('/').map_or("", |(folder, _)| folder)
    };
    let place = root().join(fixed);
    let Some(name) = name else {
        return place.exists();
    };
    let Ok(text) = fs::read_to_string(&place) else {
        return false;
    };
    let code = Source::new(path, &text).code;
    name.split("::")
        .all(|part| words(&code).any(|word| word == part.trim_end_matches("()")))
}

#[test]
fn what_the_pages_name_exists() {
    let mut wrong = Vec::new();
    for page in PAGES {
        let text = fs::read_to_string(root().join(page)).unwrap_or_default();
        assert!(!text.is_empty(), "{page} is missing");
        // `tests/run --fast` is a path and its arguments.
        let named = quoted(&text).into_iter().filter_map(|word| {
            let path = word.split(' ').next().unwrap_or_default();
            let known = PLACES.iter().any(|place| path.starts_with(place));
            known.then_some(path)
        });
        for path in named.chain(linked(&text)) {
            if !exists(path) {
                wrong.push(format!("{page} names {path}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn paths_and_links_are_found_in_a_page() {
    let page = "`src/a.rs::f` and [b](docs/b.md#part), [c](https://c)\n```\n`not me`\n```\n`x`";
    assert_eq!(quoted(page), ["src/a.rs::f", "x"]);
    assert_eq!(linked(page), ["docs/b.md"]);
    assert!(exists("src/main.rs::main"));
    assert!(exists("src/<room>/mod.rs"));
    assert!(!exists("src/main.rs::no_such_function"));
    assert!(!exists("src/no_such_file.rs"));
}
