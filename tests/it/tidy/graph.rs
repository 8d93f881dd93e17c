//! The graph of imports between the files of `src`.

use std::collections::{BTreeMap, BTreeSet};

use super::source::Source;

/// The files and their imports, by the names of their modules: `["db", "session"]`.
pub struct Graph {
    pub imports: BTreeMap<Vec<String>, BTreeSet<Vec<String>>>,
}

impl Graph {
    pub fn new(sources: &[Source]) -> Graph {
        let modules: BTreeSet<Vec<String>> = sources.iter().map(module).collect();
        let mut imports = BTreeMap::new();
        for source in sources {
            let own = module(source);
            let mut used = imports_of(source, &own, &modules);
            used.remove(&own);
            imports.insert(own, used);
        }
        Graph { imports }
    }

    /// The groups of files that import each other in a circle and stand in different folders. A
    /// module and its own submodules count as one folder.
    pub fn circles(&self) -> Vec<Vec<String>> {
        let mut circles = Vec::new();
        let mut seen: BTreeSet<&Vec<String>> = BTreeSet::new();
        for start in self.imports.keys() {
            if seen.contains(start) {
                continue;
            }
            let there = self.reachable(start);
            let circle: Vec<&Vec<String>> = there
                .into_iter()
                .filter(|module| self.reachable(module).contains(start))
                .collect();
            seen.extend(&circle);
            let folders: BTreeSet<&[String]> = circle.iter().map(|one| self.folder(one)).collect();
            if folders.len() > 1 {
                circles.push(circle.iter().map(|module| module.join("::")).collect());
            }
        }
        circles
    }

    /// The modules that a module imports, directly or through others.
    fn reachable<'g>(&'g self, from: &Vec<String>) -> BTreeSet<&'g Vec<String>> {
        let mut found = BTreeSet::new();
        let mut left = vec![from];
        while let Some(module) = left.pop() {
            let imports = self.imports.get(module).into_iter().flatten();
            let others =
                imports.filter(|used| !used.starts_with(module) && !module.starts_with(used));
            for used in others {
                if found.insert(used) {
                    left.push(used);
                }
            }
        }
        found
    }

    /// The folder of a module: its own if it has submodules, else its parent's.
    fn folder<'m>(&self, module: &'m [String]) -> &'m [String] {
        let has_submodules = self
            .imports
            .keys()
            .any(|other| other.len() > module.len() && other.starts_with(module));
        if has_submodules {
            module
        } else {
            &module[..module.len() - 1]
        }
    }
}

/// The name of a file's module.
pub fn module(source: &Source) -> Vec<String> {
    source.module().into_iter().map(str::to_owned).collect()
}

/// The modules that a file names in paths from `crate`, `super` and `self`, or from a module that
/// it imported.
fn imports_of(
    source: &Source,
    own: &[String],
    modules: &BTreeSet<Vec<String>>,
) -> BTreeSet<Vec<String>> {
    let mut found = BTreeSet::new();
    let mut aliases: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (path, alias) in paths(&source.code, &["crate", "super", "self"]) {
        let path = absolute(&path, own);
        if modules.contains(&path) {
            let name = alias.or(path.last().cloned()).unwrap_or_default();
            aliases.insert(name, path.clone());
        }
        found.extend(longest(&path, modules));
    }
    let names: Vec<&str> = aliases.keys().map(String::as_str).collect();
    for (path, _) in paths(&source.code, &names) {
        let mut full = aliases[&path[0]].clone();
        full.extend_from_slice(&path[1..]);
        found.extend(longest(&full, modules));
    }
    found
}

/// The longest beginning of a path that is a module.
fn longest(path: &[String], modules: &BTreeSet<Vec<String>>) -> Option<Vec<String>> {
    let mut ends = (1..=path.len()).rev();
    let end = ends.find(|end| modules.contains(&path[..*end]))?;
    Some(path[..end].to_vec())
}

/// A path from the crate's root.
fn absolute(path: &[String], own: &[String]) -> Vec<String> {
    let mut full = if path[0] == "crate" {
        Vec::new()
    } else {
        own.to_vec()
    };
    for name in path {
        match name.as_str() {
            "crate" | "self" => {}
            "super" => drop(full.pop()),
            _ => full.push(name.clone()),
        }
    }
    full
}

/// Every path that begins with one of some names, as its names, and what it is imported as. A
/// group gives a path for each of its members.
fn paths(code: &str, firsts: &[&str]) -> Vec<(Vec<String>, Option<String>)> {
    let mut found = Vec::new();
    for first in firsts {
        let start = format!("{first}::");
        for (at, _) in code.match_indices(&start) {
            let before = code[..at].chars().next_back();
            if !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
                tree(&mut &code[at..], &mut Vec::new(), &mut found);
            }
        }
    }
    found
}

/// Reads one tree of paths: `a::{b, c::d as e}` is `a::b` and `a::c::d`.
fn tree(rest: &mut &str, before: &mut Vec<String>, found: &mut Vec<(Vec<String>, Option<String>)>) {
    let depth = before.len();
    loop {
        *rest = rest.trim_start();
        if let Some(group) = rest.strip_prefix('{') {
            *rest = group;
            while !rest.is_empty() {
                *rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
                if let Some(after) = rest.strip_prefix('}') {
                    *rest = after;
                    break;
                }
                tree(rest, before, found);
            }
            break;
        }
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
        let (name, after) = rest.split_at(end.unwrap_or(rest.len()));
        if name.is_empty() {
            // `*`, `<` or whatever no path goes on with.
            *rest = rest.strip_prefix('*').unwrap_or(rest);
            let skipped = rest.chars().next().filter(|c| !matches!(c, ',' | '}'));
            *rest = &rest[skipped.map_or(0, char::len_utf8)..];
            found.push((before.clone(), None));
            break;
        }
        before.push(name.to_owned());
        *rest = after;
        match rest.strip_prefix("::") {
            Some(after) => *rest = after,
            None => {
                let alias = rest.strip_prefix(" as ").map(|after| {
                    let end = after.find(|c: char| !c.is_alphanumeric() && c != '_');
                    let (alias, after) = after.split_at(end.unwrap_or(after.len()));
                    *rest = after;
                    alias.to_owned()
                });
                found.push((before.clone(), alias));
                break;
            }
        }
    }
    before.truncate(depth);
}

#[test]
fn imports_are_followed_to_files() {
    let sources = [
        Source::new(
            "src/cmd/migrate/mod.rs",
            "use crate::db::{self, history}; use super::run::{open::Opened as O, locks as l}; \
             fn f() { l::take(); db::journal::now(); super::super::plan::x::<u8>() }",
        ),
        Source::new("src/cmd/run/mod.rs", ""),
        Source::new("src/cmd/run/open.rs", "use super::*;"),
        Source::new("src/cmd/run/locks.rs", "use crate::cmd::migrate::X;"),
        Source::new("src/db/mod.rs", ""),
        Source::new("src/db/history.rs", ""),
        Source::new("src/db/journal.rs", "use super::history::X;"),
        Source::new("src/plan/x.rs", ""),
    ];
    let graph = Graph::new(&sources);
    let of = |name: &str| {
        let name: Vec<String> = name.split("::").map(str::to_owned).collect();
        let used = graph.imports[&name].iter().map(|used| used.join("::"));
        used.collect::<Vec<_>>()
    };
    let expected = [
        "cmd::run::locks",
        "cmd::run::open",
        "db",
        "db::history",
        "db::journal",
        "plan::x",
    ];
    assert_eq!(of("cmd::migrate"), expected);
    assert_eq!(of("cmd::run::open"), ["cmd::run"]);
    assert_eq!(graph.circles(), [["cmd::migrate", "cmd::run::locks"]]);
}
