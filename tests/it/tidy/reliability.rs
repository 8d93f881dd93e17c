//! `docs/reliability.md` names every case once, and for each a test that exists, or a reason.

use std::fs;

use super::source::root;

/// The cases: their letter, and how many there are of it.
const CASES: &[(char, usize)] = &[
    ('C', 18),
    ('L', 18),
    ('F', 25),
    ('S', 15),
    ('A', 25),
    ('X', 18),
];

const NONE: &str = "does not apply: ";

fn page() -> String {
    fs::read_to_string(root().join("docs/reliability.md")).expect("the page")
}

/// The rows of cases, by their cells.
fn rows(page: &str) -> Vec<Vec<&str>> {
    let rows = page.lines().filter_map(|line| {
        let line = line.strip_prefix("| ")?.strip_suffix(" |")?;
        let cells: Vec<&str> = line.split(" | ").collect();
        let id = cells.first()?;
        let mut signs = id.chars();
        let letter = signs.next()?;
        let digits = signs.as_str();
        let is_id = digits.len() == 2 && digits.bytes().all(|sign| sign.is_ascii_digit());
        (letter.is_ascii_uppercase() && is_id).then_some(cells)
    });
    rows.collect()
}

#[test]
fn every_case_is_told_once_and_in_order() {
    let page = page();
    let output: Vec<String> = rows(&page).iter().map(|row| row[0].to_owned()).collect();
    let wanted = CASES
        .iter()
        .flat_map(|(letter, count)| (1..=*count).map(move |number| format!("{letter}{number:02}")));
    assert_eq!(output, wanted.collect::<Vec<_>>());
}

#[test]
fn every_case_has_a_test_that_exists_or_a_reason() {
    let page = page();
    let mut wrong = Vec::new();
    for row in rows(&page) {
        let [id, happens, does, shown] = row.as_slice() else {
            wrong.push(format!("{row:?} has not four cells"));
            continue;
        };
        if happens.is_empty() || does.is_empty() {
            wrong.push(format!("{id} says nothing"));
        }
        if shown.strip_prefix(NONE).is_some_and(|why| !why.is_empty()) {
            continue;
        }
        for place in shown.split(", ") {
            let bare = place
                .strip_prefix('`')
                .and_then(|rest| rest.strip_suffix('`'));
            let fault = bare.map_or(Some("is no place".to_owned()), missing);
            wrong.extend(fault.map(|fault| format!("{id}: {place} {fault}")));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Why a test is not there: `path::name`, or a file alone.
fn missing(place: &str) -> Option<String> {
    let (path, name) = match place.split_once("::") {
        Some((path, name)) => (path, Some(name)),
        None => (place, None),
    };
    let Ok(text) = fs::read_to_string(root().join(path)) else {
        return Some("has no such file".into());
    };
    let is_case = path.ends_with(".case") && name.is_none();
    let found = name.is_some_and(|name| is_test(&text, name));
    (!is_case && !found).then(|| "has no such test".into())
}

/// Whether a file has a function that is a test, by its attribute or in `engines!`.
fn is_test(text: &str, name: &str) -> bool {
    let mut before = "";
    for line in text.lines().map(str::trim) {
        if line.starts_with(&format!("fn {name}(")) {
            let listed = || {
                let lists = text.split("engines!(").skip(1);
                let mut lists = lists.filter_map(|rest| rest.split(')').next());
                lists.any(|list| list.split(',').any(|listed| listed.trim() == name))
            };
            return before == "#[test]" || listed();
        }
        before = line;
    }
    false
}

#[test]
fn tests_are_told_from_what_only_looks_like_them() {
    let text = "engines!(listed, also);\nfn listed(e: Engine) {}\nfn helper() {}\n\
                #[test]\nfn marked() {}\nfn listed_too() {}\n";
    for (name, wanted) in [
        ("listed", true),
        ("marked", true),
        ("helper", false),
        ("listed_too", false),
        ("also", false),
    ] {
        assert_eq!(is_test(text, name), wanted, "{name}");
    }
}
