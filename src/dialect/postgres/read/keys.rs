//! Reads keys, indexes and foreign keys.

use std::collections::HashMap;

use super::cells::{Answers, Cells, Oid, array, parameters};
use super::names::{Names, class};
use super::queries::Topic;
use super::tables::numbers;
use crate::model::schema::{ForeignKey, Id, Key, KeyKind, KeyPart, Kind, Options};

/// The keys of every table and materialized view.
pub type Keys = HashMap<Oid, Vec<Key>>;

struct OperatorClass<'a> {
    name: &'a str,
    usual: bool,
    takes: Oid,
    schema: Option<&'a str>,
}

/// The parts of an index in the catalog.
struct Parts {
    columns: Vec<i64>,
    classes: Vec<i64>,
    collations: Vec<i64>,
    flags: Vec<i64>,
    /// Empty if all parts are columns.
    expressions: Vec<String>,
    types: Vec<i32>,
    /// The parameters of operator classes, by the number of the part: `1 {siglen=100}`.
    parameters: Vec<String>,
}

struct Reader<'a, 'n> {
    names: &'n Names<'a>,
    classes: HashMap<Oid, OperatorClass<'a>>,
    collations: HashMap<Oid, &'a str>,
    /// The type and the collation of every column.
    columns: HashMap<(Oid, i64), (Oid, Oid)>,
}

/// The types that operator classes take for many: arrays, enums, records, ranges.
const POLYMORPHIC: &[Oid] = &[2277, 3500, 2249, 3831, 4537];
const TEXT: Oid = 25;
const CHARACTER_VARYING: Oid = 1043;
const INET: Oid = 869;
const CIDR: Oid = 650;

/// The keys of all tables and materialized views.
pub fn keys(answers: Answers<'_>, names: &Names<'_>) -> Keys {
    let reader = Reader::new(answers, names);
    let mut keys = Keys::new();
    for mut cells in answers.rows(Topic::Indexes) {
        let (oid, table) = (cells.oid(), cells.oid());
        let key = reader.key(oid, table, &mut cells);
        keys.entry(table).or_default().push(key);
    }
    for keys in keys.values_mut() {
        let rank = |key: &Key| (key.kind != KeyKind::Primary, !key.constraint);
        keys.sort_by(|a, b| (rank(a), &a.name).cmp(&(rank(b), &b.name)));
    }
    keys
}

impl<'a, 'n> Reader<'a, 'n> {
    fn new(answers: Answers<'a>, names: &'n Names<'a>) -> Reader<'a, 'n> {
        let classes = answers
            .rows(Topic::OperatorClasses)
            .map(|mut cells| {
                let oid = cells.oid();
                let class = OperatorClass {
                    name: cells.text(),
                    usual: cells.yes(),
                    takes: cells.oid(),
                    schema: cells.maybe(),
                };
                (oid, class)
            })
            .collect();
        let collations = answers
            .rows(Topic::Collations)
            .map(|mut cells| (cells.oid(), cells.skip(7).text()))
            .collect();
        let columns = answers
            .rows(Topic::Columns)
            .map(|mut cells| {
                let place = (cells.oid(), cells.number(0));
                (place, (cells.skip(2).oid(), cells.skip(16).oid()))
            })
            .collect();
        Reader {
            names,
            classes,
            collations,
            columns,
        }
    }

    fn key(&self, oid: Oid, table: Oid, cells: &mut Cells<'_>) -> Key {
        let name = cells.text();
        let method = cells.text();
        let (unique, primary) = (cells.yes(), cells.yes());
        let mut options = Options::new();
        let mut set = |name: &str, value: &str| {
            options.insert(name.to_owned(), value.to_owned());
        };
        if !cells.yes() {
            set("valid", "no");
        }
        for flag in ["clustered", "replica identity"] {
            if cells.yes() {
                set(flag, "yes");
            }
        }
        if cells.yes() {
            set("nulls", "NOT DISTINCT");
        }
        let count = cells.number(0_usize);
        let (columns, classes) = (cells.vector(), cells.vector());
        let (collations, flags) = (cells.vector(), cells.vector());
        for (name, value) in parameters(cells.maybe(), "") {
            set(&name, &value);
        }
        if let Some(tablespace) = cells.maybe() {
            set("tablespace", tablespace);
        }
        let filter = cells.maybe().map(super::normalize_expression);
        let mut parts = Parts {
            columns,
            classes,
            collations,
            flags,
            expressions: cells.array(),
            types: numbers(cells.maybe()),
            parameters: Vec::new(),
        };
        let (constraint, kind) = (cells.oid(), cells.text());
        let (deferrable, deferred) = (cells.yes(), cells.yes());
        if deferrable {
            set("deferrable", deferral(deferred));
        }
        let definition = cells.maybe();
        if let Some(definition) = definition {
            set("definition", definition);
        }
        if let Some(parent) = cells.maybe() {
            set("attached", parent);
        }
        parts.parameters = cells.array();
        let include = parts.columns.iter().skip(count);
        let include = include.map(|column| self.column(table, *column).to_owned());
        let itself = Id {
            kind: Kind::Key,
            table: Some(self.names.relation(table).to_owned()),
            name: name.to_owned(),
        };
        let comment = match constraint {
            0 => None,
            constraint => self.names.comment(class::CONSTRAINT, constraint),
        };
        let index_comment = self.names.comment(class::RELATION, oid);
        if let (true, Some(comment)) = (constraint != 0, &index_comment) {
            set("comment of the index", comment);
        }
        Key {
            name: name.to_owned(),
            named: true,
            kind: match kind {
                "x" => KeyKind::Exclusion,
                _ if primary => KeyKind::Primary,
                _ if unique => KeyKind::Unique,
                _ => KeyKind::Index,
            },
            constraint: constraint != 0,
            include: include.collect(),
            parts: (0..count)
                .map(|at| {
                    let mut part = self.part(table, &parts, at);
                    if constraint != 0 {
                        // A constraint takes the usual ones, and cannot name them.
                        part.options.clear();
                    }
                    part
                })
                .collect(),
            filter,
            method: Some(method.to_owned()).filter(|method| method != "btree"),
            options,
            comment: comment.or(index_comment.filter(|_| constraint == 0)),
            needs: self.names.needs(
                &[
                    (class::RELATION, oid, 0),
                    (class::CONSTRAINT, constraint, 0),
                ],
                &itself,
            ),
            ..Key::default()
        }
    }

    fn column(&self, table: Oid, number: i64) -> &'a str {
        self.names
            .column(table, i32::try_from(number).unwrap_or_default())
    }

    fn part(&self, table: Oid, parts: &Parts, at: usize) -> KeyPart {
        let number = |all: &[i64]| all.get(at).copied().unwrap_or_default();
        let oid = |all: &[i64]| Oid::try_from(number(all)).unwrap_or_default();
        let column = number(&parts.columns);
        let of_column = self.columns.get(&(table, column)).copied();
        let (type_of, collation_of) = of_column.unwrap_or_else(|| {
            let type_of = parts.types.get(at).copied().unwrap_or_default();
            (type_of.unsigned_abs(), 100)
        });
        let mut options = Options::new();
        let collation = oid(&parts.collations);
        if collation != 0 && collation != collation_of {
            let name = match collation {
                100 => "\"default\"",
                other => self.collations.get(&other).copied().unwrap_or_default(),
            };
            options.insert("collation".to_owned(), name.to_owned());
        }
        let class = self.classes.get(&oid(&parts.classes));
        let mut settings = parts.parameters.iter().filter_map(|settings| {
            let (number, settings) = settings.split_once(' ')?;
            (number.parse() == Ok(at + 1)).then_some(settings)
        });
        let settings = parameters(settings.next(), "");
        // Only a class that is named can have parameters.
        let is_named =
            |class: &&OperatorClass<'_>| !class.is_usual(type_of) || !settings.is_empty();
        if let Some(class) = class.filter(is_named) {
            options.insert("class".to_owned(), class.sql());
        }
        options.extend(settings);
        let flags = number(&parts.flags);
        let (descending, nulls_first) = (flags & 1 == 1, flags & 2 == 2);
        if nulls_first != descending {
            let nulls = if nulls_first { "FIRST" } else { "LAST" };
            options.insert("nulls".to_owned(), nulls.to_owned());
        }
        KeyPart {
            column: Some(self.column(table, column).to_owned()).filter(|_| column != 0),
            expression: match column {
                0 => parts
                    .expressions
                    .get(at)
                    .map(|it| super::normalize_expression(it)),
                _ => None,
            },
            prefix: None,
            descending,
            options,
        }
    }
}

impl OperatorClass<'_> {
    /// Whether it is the default of its type.
    fn is_usual(&self, of: Oid) -> bool {
        self.usual
            && (self.takes == of
                || (self.takes == TEXT && of == CHARACTER_VARYING)
                || (self.takes == INET && of == CIDR)
                || POLYMORPHIC.contains(&self.takes))
    }

    fn sql(&self) -> String {
        match self.schema {
            Some(schema) => format!("{schema}.{}", self.name),
            None => self.name.to_owned(),
        }
    }
}

fn deferral(deferred: bool) -> &'static str {
    if deferred {
        "INITIALLY DEFERRED"
    } else {
        "INITIALLY IMMEDIATE"
    }
}

/// The foreign keys of all tables, by name.
pub fn foreign_keys(answers: Answers<'_>, names: &Names<'_>) -> HashMap<Oid, Vec<ForeignKey>> {
    let mut keys: HashMap<Oid, Vec<ForeignKey>> = HashMap::new();
    for mut cells in answers.rows(Topic::Constraints) {
        let (oid, table) = (cells.oid(), cells.oid());
        if cells.skip(2).text() == "f" {
            let key = foreign_key(oid, table, &mut cells, names);
            keys.entry(table).or_default().push(key);
        }
    }
    for keys in keys.values_mut() {
        keys.sort_by(|a, b| a.name.cmp(&b.name));
    }
    keys
}

fn foreign_key(oid: Oid, table: Oid, cells: &mut Cells<'_>, names: &Names<'_>) -> ForeignKey {
    cells.oid();
    let name = cells.text();
    let mut cells = cells.skip(4);
    let mut options = Options::new();
    let mut set = |name: &str, value: &str| {
        options.insert(name.to_owned(), value.to_owned());
    };
    if !cells.yes() {
        set("valid", "no");
    }
    let named = |numbers: Vec<i32>| -> Vec<String> {
        let columns = numbers.into_iter();
        columns
            .map(|number| names.column(table, number).to_owned())
            .collect()
    };
    let columns = named(numbers(cells.maybe()));
    let (to, to_columns, letters) = (cells.text(), cells.array(), cells.text());
    let mut letters = letters.chars();
    let (on_delete, on_update) = (action(letters.next()), action(letters.next()));
    if letters.next() == Some('f') {
        set("match", "FULL");
    }
    match cells.text() {
        "10" => set("deferrable", deferral(false)),
        "11" => set("deferrable", deferral(true)),
        _ => {}
    }
    let only = cells.maybe().map(array).unwrap_or_default();
    let only = named(only.iter().filter_map(|it| it.parse().ok()).collect());
    if !only.is_empty() {
        let quoted: Vec<String> = only.iter().map(|column| super::quote(column)).collect();
        set("set columns", &quoted.join(", "));
    }
    let target = cells.oid();
    let own = names.relation(target);
    let own_columns = numbers(cells.maybe()).into_iter();
    let own_columns = own_columns.map(|number| names.column(target, number).to_owned());
    ForeignKey {
        name: name.to_owned(),
        named: true,
        columns,
        to: if own.is_empty() { to } else { own }.to_owned(),
        to_columns: if own.is_empty() {
            to_columns
        } else {
            own_columns.collect()
        },
        on_delete: on_delete.to_owned(),
        on_update: on_update.to_owned(),
        options,
        comment: names.comment(class::CONSTRAINT, oid),
    }
}

fn action(letter: Option<char>) -> &'static str {
    match letter {
        Some('r') => "RESTRICT",
        Some('c') => "CASCADE",
        Some('n') => "SET NULL",
        Some('d') => "SET DEFAULT",
        _ => "NO ACTION",
    }
}
