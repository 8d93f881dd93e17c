//! Reads enums, domains, ranges, composite types and collations.

use std::collections::HashMap;

use super::cells::{Answers, Oid};
use super::names::{Names, class};
use super::queries::Topic;
use super::tables::{self, Columns};
use crate::dialect::postgres::write::clause;
use crate::model::schema::{Id, Kind, Object, Options};

pub fn types(answers: Answers<'_>, names: &Names<'_>) -> Vec<Object> {
    let mut checks = tables::domain_checks(answers, names);
    let ranges = ranges(answers);
    let mut types = Vec::new();
    for mut cells in answers.rows(Topic::Types) {
        let (oid, name) = (cells.oid(), cells.text());
        if names.is_hidden(class::TYPE, oid) {
            continue;
        }
        let kind = match cells.text() {
            "e" => Kind::Enum,
            "d" => Kind::Domain,
            _ => Kind::Range,
        };
        let mut cells = cells.skip(1);
        let base = cells.maybe();
        let mut cells = cells.skip(1);
        let required = cells.yes();
        let (default, collation) = (cells.maybe(), cells.maybe());
        let labels = cells.array();
        let mut options = Options::new();
        let mut set = |name: &str, value: Option<&str>| {
            options.extend(value.map(|value| (name.to_owned(), value.to_owned())));
        };
        set("type", base);
        set("not null", required.then_some("yes"));
        set("default", default);
        set("collation", collation);
        if let Some(range) = ranges.get(&oid) {
            options.extend(range.clone());
        }
        let id = Id::new(kind, name);
        let mut object = Object {
            kind,
            name: name.to_owned(),
            labels,
            checks: checks.remove(&oid).unwrap_or_default(),
            options,
            comment: names.comment(class::TYPE, oid),
            needs: names.needs(&[(class::TYPE, oid, 0)], &id),
            ..Object::default()
        };
        object.sql = clause::create_type(&object);
        types.push(object);
    }
    types
}

fn ranges(answers: Answers<'_>) -> HashMap<Oid, Options> {
    let rows = answers.rows(Topic::Ranges).map(|mut cells| {
        let oid = cells.oid();
        let mut options = Options::new();
        for name in [
            "subtype",
            "subtype_opclass",
            "collation",
            "canonical",
            "subtype_diff",
            "multirange_type_name",
        ] {
            let value = cells.maybe().map(|value| match name {
                "multirange_type_name" => super::quote(value),
                _ => value.to_owned(),
            });
            options.extend(value.map(|value| (name.to_owned(), value)));
        }
        (oid, options)
    });
    rows.collect()
}

pub fn composites(answers: Answers<'_>, names: &Names<'_>, columns: &mut Columns) -> Vec<Object> {
    let mut types = Vec::new();
    for mut cells in answers.rows(Topic::Relations) {
        let (oid, name, kind) = (cells.oid(), cells.text(), cells.text());
        if kind != "c" || names.is_hidden(class::RELATION, oid) {
            continue;
        }
        let row_type = cells.skip(12).oid();
        let mut columns = columns.remove(&oid).unwrap_or_default();
        let id = Id::new(Kind::Composite, name);
        let mut needs = Vec::new();
        for column in &mut columns {
            needs.append(&mut column.needs.0);
        }
        needs.retain(|need| *need != id);
        let mut object = Object {
            kind: Kind::Composite,
            name: name.to_owned(),
            columns,
            comment: names.comment(class::TYPE, row_type),
            ..Object::default()
        };
        object.needs.0 = needs;
        object.sql = clause::create_type(&object);
        types.push(object);
    }
    types
}

pub fn collations(answers: Answers<'_>, names: &Names<'_>) -> Vec<Object> {
    let mut collations = Vec::new();
    for mut cells in answers.rows(Topic::Collations) {
        let (oid, name, own) = (cells.oid(), cells.text(), cells.yes());
        if !own || names.is_hidden(class::COLLATION, oid) {
            continue;
        }
        let provider = match cells.text() {
            "i" => "icu",
            "b" => "builtin",
            _ => "libc",
        };
        let deterministic = cells.yes();
        let (collate, ctype, locale) = (cells.maybe(), cells.maybe(), cells.maybe());
        let mut parts = vec![format!("provider = {provider}")];
        match (locale.or(collate), ctype) {
            (Some(collate), Some(ctype)) if locale.is_none() && collate != ctype => {
                parts.push(format!("lc_collate = {}", clause::text(collate)));
                parts.push(format!("lc_ctype = {}", clause::text(ctype)));
            }
            (Some(locale), _) => parts.push(format!("locale = {}", clause::text(locale))),
            (None, _) => {}
        }
        if !deterministic {
            parts.push("deterministic = false".to_owned());
        }
        collations.push(Object {
            kind: Kind::Collation,
            name: name.to_owned(),
            sql: format!(
                "CREATE COLLATION {} ({})",
                super::quote(name),
                parts.join(", ")
            ),
            comment: names.comment(class::COLLATION, oid),
            ..Object::default()
        });
    }
    collations
}
