//! Who is named by a path, inside the crate and outside of it.

use std::collections::BTreeSet;

use super::source::{Source, words};

/// The rooms that a file uses, by its paths from the crate on.
pub fn uses(source: &Source) -> BTreeSet<String> {
    let depth = source.module().len();
    let mut rooms = BTreeSet::new();
    let mut starts = vec![("crate".to_owned(), "crate::".to_owned())];
    // As many `super` as the file is deep lead to the crate.
    let up = "super::".repeat(depth);
    if depth > 0 {
        starts.push(("super".to_owned(), up));
    }
    for (first, start) in &starts {
        for (at, _) in source.code.match_indices(start.as_str()) {
            let before = source.code[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
                continue;
            }
            let rest = &source.code[at + start.len()..];
            let lost = rest.starts_with('*') || (first == "super" && rest.starts_with("super"));
            assert!(!lost, "{}: a path that cannot be followed", source.path);
            match rest.strip_prefix('{') {
                Some(group) => rooms.extend(heads(group)),
                None => rooms.extend(words(rest).next().map(str::to_owned)),
            }
        }
    }
    rooms
}

/// The first words of a group's members: `model::{a, b}, db};` gives `model` and `db`.
fn heads(group: &str) -> Vec<String> {
    let (mut depth, mut heads, mut member) = (1, Vec::new(), String::new());
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 || (c == ',' && depth == 1) {
            heads.extend(words(&member).next().map(str::to_owned));
            member.clear();
        } else {
            member.push(c);
        }
        if depth == 0 {
            break;
        }
    }
    heads
}

/// Whether a crate is named: as the head of a path, or in a `use` by itself.
pub fn names_crate(code: &str, name: &str) -> bool {
    code.match_indices(name).any(|(at, _)| {
        let (before, after) = (&code[..at], &code[at + name.len()..]);
        let in_word = |c: char| c.is_alphanumeric() || c == '_';
        let whole = !before.ends_with(in_word) && !after.starts_with(in_word);
        let inner = before
            .strip_suffix("::")
            .is_some_and(|path| path.ends_with(in_word));
        let head = !inner && after.starts_with("::");
        whole && (head || before.ends_with("use ") || before.ends_with("extern crate "))
    })
}

#[test]
fn paths_are_followed() {
    let source = Source::new(
        "src/plan/order.rs",
        "use crate::model::x; use crate::{db::{self, history}, project}; use super::Step; \
         fn f() { super::super::seed::g(); crate::output::h(); not_crate::cmd::i() }",
    );
    let expected = ["db", "model", "output", "project", "seed"];
    assert_eq!(uses(&source), expected.map(str::to_owned).into());
}

#[test]
fn crates_are_told_from_words() {
    for code in [
        "use sqlx;",
        "use sqlx as s;",
        "use ::sqlx::x;",
        "return sqlx::x()",
        "<sqlx::X>",
    ] {
        assert!(names_crate(code, "sqlx"), "{code}");
    }
    for code in [
        "use crate::sqlx::x;",
        "mysqlx::x()",
        "let sqlx = 1;",
        "sqlx_core::x()",
    ] {
        assert!(!names_crate(code, "sqlx"), "{code}");
    }
}
