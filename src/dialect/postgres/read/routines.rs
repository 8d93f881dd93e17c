//! Reads functions, procedures, aggregates and operators.

use std::collections::HashMap;

use super::cells::{Answers, Cells, Oid};
use super::names::{Names, class};
use super::queries::Topic;
use super::quote;
use crate::dialect::postgres::write::clause;
use crate::model::schema::{Id, Kind, Object, Options};

pub fn routines(answers: Answers<'_>, names: &Names<'_>) -> Vec<Object> {
    let aggregates: HashMap<Oid, String> = answers
        .rows(Topic::Aggregates)
        .map(|mut cells| (cells.oid(), aggregate(&mut cells)))
        .collect();
    let mut routines = Vec::new();
    for mut cells in answers.rows(Topic::Routines) {
        let (oid, name) = (cells.oid(), cells.text());
        if names.is_hidden(class::ROUTINE, oid) {
            continue;
        }
        let Some(id) = names.id(class::ROUTINE, oid) else {
            continue;
        };
        let mut cells = cells.skip(2);
        let definition = cells.text();
        let mut options = Options::new();
        for option in ["returns", "arguments", "defaults", "language"] {
            let value = cells.owned();
            options.extend(value.map(|value| (option.to_owned(), value)));
        }
        let sql = match aggregates.get(&oid) {
            Some(body) => {
                let arguments = if definition.is_empty() {
                    "*"
                } else {
                    definition
                };
                options.insert("identity".to_owned(), arguments.to_owned());
                format!("CREATE AGGREGATE {}({arguments}) ({body})", quote(name))
            }
            None => unqualified(definition, name),
        };
        routines.push(Object {
            kind: id.kind,
            name: id.name.clone(),
            sql,
            options,
            comment: names.comment(class::ROUTINE, oid),
            needs: names.needs(&[(class::ROUTINE, oid, 0)], id),
            ..Object::default()
        });
    }
    routines
}

/// A definition without the schema before the routine's name, which the server always prints.
fn unqualified(definition: &str, name: &str) -> String {
    let definition = definition.trim_end();
    let Some((head, rest)) = definition.split_once('(') else {
        return definition.to_owned();
    };
    let (words, parenthesis) = if head.contains(name) {
        (head, rest)
    } else {
        return definition.to_owned();
    };
    match words.rsplit_once(' ') {
        Some((before, qualified)) if qualified.contains('.') && !name.contains(' ') => {
            format!("{before} {}({parenthesis}", quote(name))
        }
        _ => definition.to_owned(),
    }
}

/// The options in the parentheses of an aggregate's definition.
fn aggregate(cells: &mut Cells<'_>) -> String {
    let kind = cells.text();
    let mut parts = Vec::new();
    let mut add = |name: &str, value: Option<String>| {
        parts.extend(value.map(|value| format!("{name} = {value}")));
    };
    add("SFUNC", cells.owned());
    add("STYPE", cells.owned());
    add("SSPACE", cells.owned());
    let finish = cells.owned();
    let any = finish.is_some();
    add("FINALFUNC", finish);
    let extra = cells.maybe() == Some("true");
    add_flag(&mut parts, "FINALFUNC_EXTRA", extra);
    let usual = if kind == "n" { "r" } else { "w" };
    let modify = modifies(cells.text(), usual).filter(|_| any);
    let mut add = |name: &str, value: Option<String>| {
        parts.extend(value.map(|value| format!("{name} = {value}")));
    };
    add("FINALFUNC_MODIFY", modify);
    for name in ["COMBINEFUNC", "SERIALFUNC", "DESERIALFUNC"] {
        add(name, cells.owned());
    }
    add("INITCOND", cells.maybe().map(clause::text));
    for name in ["MSFUNC", "MINVFUNC", "MSTYPE", "MSSPACE"] {
        add(name, cells.owned());
    }
    let finish = cells.owned();
    let any = finish.is_some();
    add("MFINALFUNC", finish);
    let extra = cells.maybe() == Some("true");
    add_flag(&mut parts, "MFINALFUNC_EXTRA", extra);
    let modify = modifies(cells.text(), usual).filter(|_| any);
    let mut add = |name: &str, value: Option<String>| {
        parts.extend(value.map(|value| format!("{name} = {value}")));
    };
    add("MFINALFUNC_MODIFY", modify);
    add("MINITCOND", cells.maybe().map(clause::text));
    let sort = cells
        .maybe()
        .and_then(|operator| operator.split('(').next());
    add("SORTOP", sort.map(str::to_owned));
    let parallel = match cells.text() {
        "s" => Some("SAFE"),
        "r" => Some("RESTRICTED"),
        _ => None,
    };
    add("PARALLEL", parallel.map(str::to_owned));
    add_flag(&mut parts, "HYPOTHETICAL", kind == "h");
    parts.join(", ")
}

fn add_flag(parts: &mut Vec<String>, flag: &str, yes: bool) {
    parts.extend(yes.then(|| flag.to_owned()));
}

fn modifies(letter: &str, usual: &str) -> Option<String> {
    let word = match letter {
        _ if letter == usual => return None,
        "r" => "READ_ONLY",
        "s" => "SHAREABLE",
        _ => "READ_WRITE",
    };
    Some(word.to_owned())
}

pub fn operators(answers: Answers<'_>, names: &Names<'_>) -> Vec<Object> {
    let mut operators = Vec::new();
    for mut cells in answers.rows(Topic::Operators) {
        let (oid, name) = (cells.oid(), cells.text());
        if names.is_hidden(class::OPERATOR, oid) {
            continue;
        }
        let (left, right) = (cells.maybe(), cells.text());
        let mut parts = vec![format!("FUNCTION = {}", cells.text())];
        parts.extend(left.map(|left| format!("LEFTARG = {left}")));
        parts.push(format!("RIGHTARG = {right}"));
        for option in ["COMMUTATOR", "NEGATOR", "RESTRICT", "JOIN"] {
            let value = cells.maybe();
            parts.extend(value.map(|value| format!("{option} = {value}")));
        }
        for flag in ["HASHES", "MERGES"] {
            add_flag(&mut parts, flag, cells.yes());
        }
        let signature = format!("{name} ({}, {right})", left.unwrap_or("NONE"));
        let id = Id::new(Kind::Operator, &signature);
        operators.push(Object {
            kind: Kind::Operator,
            name: signature,
            sql: format!("CREATE OPERATOR {name} ({})", parts.join(", ")),
            comment: names.comment(class::OPERATOR, oid),
            needs: names.needs(&[(class::OPERATOR, oid, 0)], &id),
            ..Object::default()
        });
    }
    operators
}
