//! The queries of the catalog, and the schema from their rows.

pub(super) mod access;
mod column;
mod key;
pub(super) mod object;
pub(super) mod server_defaults;
mod table;

use std::collections::HashMap;

use self::object::{Clock, Said};
use self::server_defaults::ServerDefaults;
use super::SYNTAX;
use super::write::order;
use crate::dialect::catalog::{Query, Rows, SchemaLocation};
use crate::dialect::{Literals, mysql::MySql};
use crate::model::history::is_own;
use crate::model::schema::{Kind, NotCompared, Object, OpaqueObject, Schema};
use crate::sql::Cursor;

/// The first catalog queries, sent after those of [`server_defaults::QUESTIONS`].
const FIRST: &[(&str, usize)] = &[
    ("SHOW FULL TABLES", 2),
    (
        // Libraries of JavaScript are only named; MariaDB takes the comment for one.
        "SELECT ROUTINE_TYPE, ROUTINE_NAME FROM information_schema.ROUTINES \
         WHERE ROUTINE_SCHEMA = DATABASE() \
         /*!90200 UNION ALL SELECT 'LIBRARY', LIBRARY_NAME FROM information_schema.LIBRARIES \
         WHERE LIBRARY_SCHEMA = DATABASE() */ ORDER BY ROUTINE_TYPE, ROUTINE_NAME",
        2,
    ),
    (
        "SELECT TRIGGER_NAME, EVENT_OBJECT_TABLE, ACTION_TIMING, EVENT_MANIPULATION, \
                CAST(ACTION_ORDER AS CHAR) \
         FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE() \
         ORDER BY EVENT_OBJECT_TABLE, ACTION_TIMING, EVENT_MANIPULATION, ACTION_ORDER",
        5,
    ),
    (
        "SELECT EVENT_NAME, COALESCE(CONVERT_TZ(STARTS, TIME_ZONE, @@time_zone) = CREATED, 0), \
                TIME_ZONE, @@system_time_zone IN ('UTC', 'GMT', 'Etc/UTC') \
         FROM information_schema.EVENTS WHERE EVENT_SCHEMA = DATABASE() ORDER BY EVENT_NAME",
        4,
    ),
    (
        "SELECT DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA \
         WHERE SCHEMA_NAME = DATABASE()",
        1,
    ),
];

/// The index of the first rows of [`FIRST`].
const BEHIND: usize = server_defaults::QUESTIONS.len();
/// The number of row sets in the first round.
const ALL: usize = BEHIND + FIRST.len();

pub fn queries() -> Vec<Query> {
    let all = server_defaults::QUESTIONS.iter().chain(FIRST);
    all.map(|(sql, columns)| Query {
        sql: (*sql).to_owned(),
        columns: *columns,
    })
    .collect()
}

/// An object whose definition is queried.
#[derive(Debug, PartialEq, Eq)]
struct Wanted<'w> {
    /// The kind as SHOW CREATE writes it.
    what: &'static str,
    name: &'w str,
    /// Other cells of its row in the first round.
    row: &'w [Option<String>],
}

fn cell(row: &[Option<String>], at: usize) -> &str {
    row.get(at).and_then(Option::as_deref).unwrap_or_default()
}

/// The objects in the order of their queries, and those that cannot be queried.
fn wanted(answers: &[Rows]) -> (Vec<Wanted<'_>>, Vec<OpaqueObject>) {
    let rows = |at: usize| answers.get(BEHIND + at).into_iter().flatten();
    let (mut wanted, mut opaque) = (Vec::new(), Vec::new());
    for row in rows(0) {
        let (name, kind) = (cell(row, 0), cell(row, 1));
        let what = match kind {
            _ if is_own(name) => continue,
            "TEMPORARY TABLE" | "TEMPORARY SEQUENCE" => continue,
            "VIEW" => "VIEW",
            "SEQUENCE" => "SEQUENCE",
            "BASE TABLE" | "SYSTEM VERSIONED" => "TABLE",
            _ => {
                opaque.push(opaque_object(kind, name));
                continue;
            }
        };
        wanted.push(Wanted { what, name, row });
    }
    for row in rows(1) {
        let (kind, name) = (cell(row, 0), cell(row, 1));
        let what = match kind {
            "PROCEDURE" => "PROCEDURE",
            "FUNCTION" => "FUNCTION",
            "PACKAGE" => "PACKAGE",
            "PACKAGE BODY" => "PACKAGE BODY",
            _ => {
                opaque.push(opaque_object(kind, name));
                continue;
            }
        };
        wanted.push(Wanted { what, name, row });
    }
    for (at, what) in [(2, "TRIGGER"), (3, "EVENT")] {
        let named = rows(at).map(|row| Wanted {
            what,
            name: cell(row, 0),
            row,
        });
        wanted.extend(named);
    }
    (wanted, opaque)
}

fn opaque_object(kind: &str, name: &str) -> OpaqueObject {
    OpaqueObject {
        what: format!("{} {name}", kind.to_lowercase()),
        definition: String::new(),
    }
}

/// The queries of the second round, one for every definition.
pub fn follow_up(answers: &[Rows]) -> Vec<Query> {
    let (wanted, _) = wanted(answers);
    let wanted = wanted.into_iter();
    wanted
        .map(|wanted| Query {
            sql: format!("SHOW CREATE {} {}", wanted.what, MySql.quote(wanted.name)),
            columns: 7,
        })
        .collect()
}

/// The schema from the rows of both rounds.
pub fn schema(place: &SchemaLocation<'_>, answers: &[Rows]) -> Result<Schema, String> {
    let words = ServerDefaults::new(place, answers);
    let (wanted, opaque_objects) = wanted(answers);
    let mut schema = Schema {
        opaque_objects,
        unstated: NotCompared(object::unstated(&words)),
        ..Schema::default()
    };
    let defaults = answers.get(BEHIND + 4).and_then(|answer| answer.first());
    if let Some(collation) = defaults.map(|row| cell(row, 0)) {
        let collation = words.collation(collation);
        schema.settings.insert("collation".to_owned(), collation);
    }
    let mut before: HashMap<[&str; 3], &str> = HashMap::new();
    for (at, wanted) in wanted.iter().enumerate() {
        let answer = answers.get(ALL + at).and_then(|answer| answer.first());
        let row = answer.map_or(&[][..], Vec::as_slice);
        let Some(printed) = row.get(printed_at(wanted.what)).and_then(Option::as_deref) else {
            return Err(format!(
                "the account may not see the definition of {} {}",
                wanted.what.to_lowercase(),
                wanted.name
            ));
        };
        if wanted.what == "TABLE" {
            schema
                .tables
                .push(table::table(wanted.name, printed, &words));
            continue;
        }
        match read_object(wanted, row, printed, &words) {
            Some(mut object) => {
                if object.kind == Kind::Trigger {
                    let moment = [1, 2, 3].map(|at| cell(wanted.row, at));
                    if let Some(first) = before.insert(moment, wanted.name) {
                        object
                            .options
                            .insert("follows".to_owned(), first.to_owned());
                    }
                }
                schema.objects.push(object);
            }
            None => schema.opaque_objects.push(OpaqueObject {
                what: format!("{} {}", wanted.what.to_lowercase(), wanted.name),
                definition: printed.to_owned(),
            }),
        }
    }
    needs(&mut schema);
    Ok(schema)
}

/// The column of SHOW CREATE that holds the definition.
fn printed_at(what: &str) -> usize {
    match what {
        "EVENT" => 3,
        "TABLE" | "VIEW" | "SEQUENCE" => 1,
        _ => 2,
    }
}

fn read_object(
    wanted: &Wanted<'_>,
    row: &[Option<String>],
    printed: &str,
    words: &ServerDefaults<'_>,
) -> Option<Object> {
    let name = wanted.name;
    // The column of the client's character set; the two collations follow it.
    let client = match wanted.what {
        "EVENT" => 4,
        "VIEW" => 2,
        _ => 3,
    };
    let text = |at: usize| row.get(at).and_then(Option::as_deref);
    let said = Said {
        sql: printed,
        mode: text(1),
        client: text(client),
        connection: text(client + 1),
        collation: text(client + 2),
    };
    match wanted.what {
        "VIEW" => {
            let said = Said {
                mode: None,
                collation: None,
                ..said
            };
            object::view(name, &said, words)
        }
        "SEQUENCE" => object::sequence(name, printed, words),
        "PROCEDURE" => object::routine(Kind::Procedure, name, &said, words),
        "FUNCTION" => object::routine(Kind::Function, name, &said, words),
        "TRIGGER" => object::trigger(name, &said, words),
        "EVENT" => {
            let clock = Clock {
                starts_at_birth: cell(wanted.row, 1) == "1",
                zone: cell(wanted.row, 2),
                is_utc: cell(wanted.row, 3) == "1",
            };
            object::event(name, &said, &clock, words)
        }
        _ => None,
    }
}

/// Sets the objects that each view needs: the tables and views in its definition, and the
/// functions that it calls.
fn needs(schema: &mut Schema) {
    let tables = schema
        .tables
        .iter()
        .map(|table| (table.name.clone(), Kind::Table));
    let mut kinds: HashMap<String, Kind> = tables.collect();
    let mut functions = HashMap::new();
    for object in &schema.objects {
        match object.kind {
            Kind::View | Kind::Sequence => drop(kinds.insert(object.name.clone(), object.kind)),
            Kind::Function => {
                drop(functions.insert(object.name.to_lowercase(), object.name.clone()));
            }
            _ => {}
        }
    }
    for object in &mut schema.objects {
        if object.kind == Kind::View {
            let cursor = Cursor::new(&SYNTAX, &object.sql);
            object.needs = NotCompared(order::named_in(&cursor, &object.name, &kinds, &functions));
        }
    }
}
