//! Reads extensions, sequences, views, triggers, rules, policies and statistics.

use std::collections::HashMap;

use super::cells::{Answers, Cells, parameters};
use super::keys::Keys;
use super::names::{Names, class};
use super::queries::Topic;
use super::tables::{Columns, Owned};
use super::{is_told, quote};
use crate::model::schema::{Id, Kind, Object, Options, Table};

pub fn extensions(answers: Answers<'_>, names: &Names<'_>) -> Vec<Object> {
    let rows = answers.rows(Topic::Extensions).map(|mut cells| {
        let (oid, name) = (cells.oid(), cells.text());
        let object = extension(name, cells.maybe());
        Object {
            comment: names.comment(class::EXTENSION, oid),
            ..object
        }
    });
    rows.collect()
}

/// An extension, whose version is the server's: another one may not have it.
pub fn extension(name: &str, schema: Option<&str>) -> Object {
    let mut sql = format!("CREATE EXTENSION {}", quote(name));
    let mut options = Options::new();
    if let Some(schema) = schema {
        sql.push_str(&format!(" WITH SCHEMA {}", quote(schema)));
        options.insert("schema".to_owned(), schema.to_owned());
    }
    Object {
        kind: Kind::Extension,
        name: name.to_owned(),
        sql,
        options,
        ..Object::default()
    }
}

/// The options of a sequence that differ from the defaults.
pub fn sequence_options(kind: &str, cells: &mut Cells<'_>) -> Options {
    let [start, step]: [i64; 2] = [cells.number(1), cells.number(1)];
    let [min, max, cache]: [i64; 3] = [cells.number(1), cells.number(1), cells.number(1)];
    let cycle = cells.yes();
    let (low, high) = match kind {
        "smallint" => (i64::from(i16::MIN), i64::from(i16::MAX)),
        "integer" => (i64::from(i32::MIN), i64::from(i32::MAX)),
        _ => (i64::MIN, i64::MAX),
    };
    let up = step > 0;
    let (usual_min, usual_max) = if up { (1, high) } else { (low, -1) };
    let mut options = Options::new();
    let mut set = |name: &str, value: i64, usual: i64| {
        if value != usual {
            options.insert(name.to_owned(), value.to_string());
        }
    };
    set("increment", step, 1);
    set("minimum", min, usual_min);
    set("maximum", max, usual_max);
    set("start", start, if up { min } else { max });
    set("cache", cache, 1);
    set("cycle", i64::from(cycle), 0);
    options
}

/// The sequences that are not part of a column.
pub fn sequences(
    answers: Answers<'_>,
    names: &Names<'_>,
    owned: &[Owned],
    tables: &[Table],
) -> Vec<Object> {
    let mut sequences = Vec::new();
    let by_name: HashMap<&str, &Table> = tables.iter().map(|it| (it.name.as_str(), it)).collect();
    for (mut cells, owned) in answers.rows(Topic::Sequences).zip(owned) {
        let oid = cells.oid();
        let table = names.relation(owned.table);
        let column = names.column(owned.table, owned.column);
        let serial = by_name
            .get(table)
            .and_then(|table| table.column(column))
            .is_some_and(|column| column.identity.as_deref() == Some("serial"));
        let usual = owned.name == format!("{table}_{column}_seq");
        if owned.identity || (serial && usual) || names.is_hidden(class::RELATION, oid) {
            continue;
        }
        let kind = cells.text().to_owned();
        let mut options = sequence_options(&kind, &mut cells);
        let persistence = cells.skip(3).text();
        if kind != "bigint" {
            options.insert("type".to_owned(), kind);
        }
        if persistence == "u" {
            options.insert("persistence".to_owned(), "UNLOGGED".to_owned());
        }
        if !table.is_empty() {
            let owner = format!("{}.{}", quote(table), quote(column));
            options.insert("owner".to_owned(), owner);
        }
        let id = Id::new(Kind::Sequence, &owned.name);
        let mut object = Object {
            kind: Kind::Sequence,
            name: owned.name.clone(),
            options,
            comment: names.comment(class::RELATION, oid),
            needs: names.needs(&[(class::RELATION, oid, 0)], &id),
            ..Object::default()
        };
        object.sql = crate::dialect::postgres::write::clause::create_sequence(&object);
        sequences.push(object);
    }
    sequences
}

/// Views and materialized views.
pub fn views(
    answers: Answers<'_>,
    names: &Names<'_>,
    columns: &mut Columns,
    keys: &mut Keys,
) -> Vec<Object> {
    let rules: Vec<(u32, u32)> = answers
        .rows(Topic::Rules)
        .filter_map(|mut cells| {
            let (oid, view) = (cells.oid(), cells.oid());
            (cells.text() == "_RETURN").then_some((oid, view))
        })
        .collect();
    let rules: HashMap<u32, u32> = rules.into_iter().map(|(rule, view)| (view, rule)).collect();
    let mut views = Vec::new();
    for mut cells in answers.rows(Topic::Relations) {
        let (oid, name) = (cells.oid(), cells.text());
        let kind = match cells.text() {
            "v" => Kind::View,
            "m" => Kind::MaterializedView,
            _ => continue,
        };
        if names.is_hidden(class::RELATION, oid) {
            continue;
        }
        cells.text();
        let mut options = Options::new();
        for (name, usual) in [("access method", "heap"), ("tablespace", "")] {
            let value = cells.text();
            if value != usual && !value.is_empty() {
                options.insert(name.to_owned(), value.to_owned());
            }
        }
        options.extend(parameters(cells.maybe(), ""));
        let definition = cells.skip(7).text();
        let id = Id::new(kind, name);
        let rule = rules.get(&oid).copied().unwrap_or_default();
        let mut object = Object {
            kind,
            name: name.to_owned(),
            columns: columns.remove(&oid).unwrap_or_default(),
            keys: keys.remove(&oid).unwrap_or_default(),
            options,
            comment: names.comment(class::RELATION, oid),
            needs: names.needs(&[(class::RULE, rule, 0), (class::RELATION, oid, 0)], &id),
            ..Object::default()
        };
        let query = super::normalize_text(definition.trim().trim_end_matches(';'));
        object.sql = crate::dialect::postgres::write::clause::create_view(&object, &query);
        views.push(object);
    }
    views
}

/// Triggers, rules, policies and statistics.
pub fn parts(answers: Answers<'_>, names: &Names<'_>) -> Vec<Object> {
    let mut parts = Vec::new();
    for mut cells in answers.rows(Topic::Triggers) {
        parts.push(switched(Kind::Trigger, class::TRIGGER, &mut cells, names));
    }
    for mut cells in answers.rows(Topic::Rules) {
        if cells.skip(2).text() != "_RETURN" {
            parts.push(switched(Kind::Rule, class::RULE, &mut cells, names));
        }
    }
    parts.extend(
        answers
            .rows(Topic::Policies)
            .map(|mut cells| policy(&mut cells, names)),
    );
    for mut cells in answers.rows(Topic::Statistics) {
        let (oid, name, table) = (cells.oid(), cells.text(), cells.oid());
        if names.is_hidden(class::RELATION, table) {
            continue;
        }
        let id = Id::new(Kind::Statistics, name);
        let sql = cells.text().to_owned();
        let target = cells.owned();
        parts.push(Object {
            kind: Kind::Statistics,
            name: name.to_owned(),
            sql,
            options: target
                .map(|it| ("target".to_owned(), it))
                .into_iter()
                .collect(),
            comment: names.comment(class::STATISTICS, oid),
            needs: names.needs(&[(class::STATISTICS, oid, 0)], &id),
            ..Object::default()
        });
    }
    parts.retain(is_told);
    parts
}

/// A trigger or a rule, which can be disabled.
fn switched(kind: Kind, class: u32, cells: &mut Cells<'_>, names: &Names<'_>) -> Object {
    let (oid, table, name) = (cells.oid(), cells.oid(), cells.text());
    let sql = super::normalize_text(cells.text().trim_end_matches(';'));
    let state = match cells.text() {
        "D" => Some("DISABLE"),
        "R" => Some("ENABLE REPLICA"),
        "A" => Some("ENABLE ALWAYS"),
        _ => None,
    };
    let id = Id {
        table: Some(names.relation(table).to_owned()),
        ..Id::new(kind, name)
    };
    let mut options = Options::new();
    options.extend(state.map(|state| ("state".to_owned(), state.to_owned())));
    Object {
        kind,
        name: name.to_owned(),
        table: id.table.clone(),
        sql,
        options,
        comment: names.comment(class, oid),
        needs: names.needs(&[(class, oid, 0)], &id),
        ..Object::default()
    }
}

fn policy(cells: &mut Cells<'_>, names: &Names<'_>) -> Object {
    let (oid, table, name) = (cells.oid(), cells.oid(), cells.text());
    let command = match cells.text() {
        "r" => "SELECT",
        "a" => "INSERT",
        "w" => "UPDATE",
        "d" => "DELETE",
        _ => "ALL",
    };
    let kind = if cells.yes() {
        "PERMISSIVE"
    } else {
        "RESTRICTIVE"
    };
    let roles = cells.array().join(", ");
    let mut options = Options::new();
    let mut set = |name: &str, value: Option<&str>| {
        options.extend(value.map(|value| (name.to_owned(), value.to_owned())));
    };
    set("for", Some(command));
    set("as", Some(kind));
    set("to", Some(&roles));
    set(
        "using",
        cells.maybe().map(super::normalize_expression).as_deref(),
    );
    set(
        "check",
        cells.maybe().map(super::normalize_expression).as_deref(),
    );
    let id = Id {
        table: Some(names.relation(table).to_owned()),
        ..Id::new(Kind::Policy, name)
    };
    let mut policy = Object {
        kind: Kind::Policy,
        name: name.to_owned(),
        table: id.table.clone(),
        options,
        comment: names.comment(class::POLICY, oid),
        needs: names.needs(&[(class::POLICY, oid, 0)], &id),
        ..Object::default()
    };
    policy.sql = crate::dialect::postgres::write::clause::create_policy(&policy);
    policy
}
