//! Orders of statements: dependencies of objects, and columns that have to move.

use std::collections::{HashMap, HashSet};

use crate::model::schema::{Id, Kind};
use crate::sql::Cursor;
use crate::sql::lex::Kind as Token;

/// The names in the places of tables in a query, and the functions that it calls.
pub fn named_in(
    cursor: &Cursor<'_>,
    own: &str,
    tables: &HashMap<String, Kind>,
    functions: &HashMap<String, String>,
) -> Vec<Id> {
    let word = |at: usize| cursor.get(at).map_or("", |token| token.text);
    let mut needs = Vec::new();
    for (at, token) in cursor.tokens().enumerate() {
        let Some(name) = token.identifier() else {
            continue;
        };
        if word(at + 1) == "(" {
            let called = functions.get(&name.to_lowercase());
            needs.extend(called.map(|name| Id::new(Kind::Function, name)));
            if !is_lister(&name) {
                continue;
            }
        }
        let before = at.checked_sub(1).map_or("", word);
        let stands_there = ["FROM", "JOIN", ",", "("]
            .iter()
            .any(|mark| before.eq_ignore_ascii_case(mark));
        if token.kind != Token::QuotedName || !stands_there || word(at + 1) == "." || name == own {
            continue;
        }
        needs.extend(tables.get(&name).map(|kind| Id::new(*kind, &name)));
    }
    needs.sort();
    needs.dedup();
    needs
}

/// Words before a parenthesis that are not function names.
fn is_lister(name: &str) -> bool {
    name.eq_ignore_ascii_case("from") || name.eq_ignore_ascii_case("join")
}

/// Sorts the items after those that they need, and otherwise keeps the order. In a cycle the first
/// item comes first.
pub fn behind_needs<'n, T>(
    items: Vec<T>,
    id: impl Fn(&T) -> Id,
    needs: impl Fn(&T) -> Vec<Id> + 'n,
) -> Vec<T> {
    let places: HashMap<Id, usize> = items
        .iter()
        .enumerate()
        .map(|(at, item)| (id(item), at))
        .collect();
    let edges: Vec<Vec<usize>> = items
        .iter()
        .map(|item| {
            let needs = needs(item).into_iter();
            needs.filter_map(|id| places.get(&id).copied()).collect()
        })
        .collect();
    let mut seen = HashSet::new();
    let mut sorted = Vec::new();
    for start in 0..items.len() {
        // Depth first, without recursion: a chain of views may be long.
        let mut stack = vec![(start, 0_usize)];
        if !seen.insert(start) {
            continue;
        }
        while let Some((at, edge)) = stack.pop() {
            match edges.get(at).and_then(|edges| edges.get(edge)) {
                Some(next) => {
                    stack.push((at, edge + 1));
                    if seen.insert(*next) {
                        stack.push((*next, 0));
                    }
                }
                None => sorted.push(at),
            }
        }
    }
    let mut items: Vec<Option<T>> = items.into_iter().map(Some).collect();
    sorted
        .into_iter()
        .filter_map(|at| items.get_mut(at).and_then(Option::take))
        .collect()
}

/// The columns that can keep their position: a longest common subsequence of both orders.
pub fn resting<'o>(old: &'o [String], new: &[String]) -> HashSet<&'o str> {
    let places: HashMap<&str, usize> = new
        .iter()
        .enumerate()
        .map(|(at, name)| (name.as_str(), at))
        .collect();
    let old: Vec<(&str, usize)> = old
        .iter()
        .filter_map(|name| Some((name.as_str(), *places.get(name.as_str())?)))
        .collect();
    // The smallest end of a run of each length, and what stands before each in its run.
    let mut ends: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::new();
    let place = |at: usize| old.get(at).map_or(0, |(_, place)| *place);
    for (at, (_, to)) in old.iter().enumerate() {
        let length = ends.partition_point(|end| place(*end) < *to);
        before.push(
            length
                .checked_sub(1)
                .and_then(|last| ends.get(last).copied()),
        );
        match ends.get_mut(length) {
            Some(end) => *end = at,
            None => ends.push(at),
        }
    }
    let mut rest = HashSet::new();
    let mut next = ends.last().copied();
    while let Some(at) = next {
        rest.extend(old.get(at).map(|(name, _)| *name));
        next = before.get(at).copied().flatten();
    }
    rest
}
