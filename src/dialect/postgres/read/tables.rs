//! Reads tables with their columns and checks.

use std::collections::{BTreeMap, HashMap};

use super::cells::{Answers, Cells, Oid, array, parameters};
use super::keys::{self, Keys};
use super::names::{Names, class};
use super::queries::Topic;
use crate::dialect::Literals;
use crate::dialect::postgres::Postgres;
use crate::model::schema::{
    Check, Column, Generated, Id, KeyType, Kind, NotCompared, Options, Parent, Partitions, Table,
};

/// The columns of every relation that has some, in their order.
pub type Columns = HashMap<Oid, Vec<Column>>;

/// The sequence of a column's identity or serial.
pub struct Owned {
    pub table: Oid,
    pub column: i32,
    pub name: String,
    pub identity: bool,
    /// Its options that differ from the defaults.
    pub options: Options,
    pub kind: String,
    pub plain: bool,
}

pub fn columns(answers: Answers<'_>, names: &Names<'_>, owned: &[Owned]) -> Columns {
    let by_column: HashMap<(Oid, i32), &Owned> = owned
        .iter()
        .map(|owned| ((owned.table, owned.column), owned))
        .collect();
    let mut columns = Columns::new();
    for mut cells in answers.rows(Topic::Columns) {
        let relation = cells.oid();
        let number: i32 = cells.number(0);
        let sequence = by_column.get(&(relation, number)).copied();
        let column = column(relation, number, &mut cells, names, sequence);
        columns.entry(relation).or_default().push(column);
    }
    columns
}

fn column(
    relation: Oid,
    number: i32,
    cells: &mut Cells<'_>,
    names: &Names<'_>,
    sequence: Option<&Owned>,
) -> Column {
    let (name, sql, _, required) = (cells.text(), cells.text(), cells.oid(), cells.yes());
    let (identity, generated) = (cells.text(), cells.text());
    let (local, parents): (bool, i32) = (cells.yes(), cells.number(0));
    let mut column = Column {
        name: name.to_owned(),
        family: Postgres.family(sql),
        sql: sql.to_owned(),
        nullable: !required,
        collation: cells.owned(),
        comment: names.comment_at((class::RELATION, relation, number)),
        ..Column::default()
    };
    let mut set = |name: &str, value: Option<&str>| {
        let value = value.filter(|value| !value.is_empty());
        column
            .options
            .extend(value.map(|value| (name.to_owned(), value.to_owned())));
    };
    set("storage", cells.maybe().map(storage));
    let compression = match cells.text() {
        "p" => Some("pglz"),
        "l" => Some("lz4"),
        _ => None,
    };
    set("compression", compression);
    set("statistics", cells.maybe());
    if parents > 0 {
        set("inherited", Some(if local { "merged" } else { "only" }));
    }
    column.options.extend(parameters(cells.maybe(), ""));
    let (default, expression) = (cells.oid(), cells.owned());
    match generated {
        "" => column.default = expression.as_deref().map(super::normalize_text),
        kind => {
            column.generated = expression.map(|expression| Generated {
                expression: super::normalize_expression(&expression),
                stored: kind == "s",
            });
        }
    }
    let itself = Id {
        kind: Kind::Column,
        table: Some(names.relation(relation).to_owned()),
        name: name.to_owned(),
    };
    let addresses = [
        (class::RELATION, relation, number),
        (class::DEFAULT, default, 0),
    ];
    column.needs = names.needs(&addresses, &itself);
    // The kind of the relation, and the collation by number.
    let (_, _) = (cells.maybe(), cells.maybe());
    column.key_type = NotCompared(KeyType {
        base: cells.owned(),
        collation: cells.owned(),
    });
    if let Some(sequence) = sequence {
        number_rows(&mut column, identity, sequence, names.relation(relation));
    }
    column
}

/// Sets the sequence of a column if nothing else uses it.
fn number_rows(column: &mut Column, identity: &str, sequence: &Owned, table: &str) {
    let usual = format!("{table}_{}_seq", column.name);
    match identity {
        "a" | "d" => {
            let how = if identity == "a" {
                "ALWAYS"
            } else {
                "BY DEFAULT"
            };
            column.identity = Some(how.to_owned());
            column.options.extend(sequence.options.clone());
            if sequence.name != usual {
                let name = sequence.name.clone();
                column.options.insert("sequence name".to_owned(), name);
            }
        }
        _ if is_serial(column, sequence, &usual) => {
            column.identity = Some("serial".to_owned());
            column.default = None;
            let itself = Id::new(Kind::Sequence, &sequence.name);
            column.needs.0.retain(|id| *id != itself);
        }
        _ => {}
    }
}

/// Whether the column is a serial: its default is its own sequence, which has default options.
pub fn is_serial(column: &Column, sequence: &Owned, usual: &str) -> bool {
    let default = format!(
        "nextval('{}'::regclass)",
        quoted(&sequence.name).replace('\'', "''")
    );
    sequence.plain
        && sequence.name == usual
        && !column.nullable
        && sequence.kind == column.sql
        && column.default.as_ref() == Some(&default)
}

/// An identifier as the server itself prints it, as far as simple names go.
fn quoted(name: &str) -> String {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let starts = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_');
    if starts && name.chars().all(plain) {
        name.to_owned()
    } else {
        Postgres.quote(name)
    }
}

fn storage(letter: &str) -> &'static str {
    match letter {
        "p" => "PLAIN",
        "e" => "EXTERNAL",
        "m" => "MAIN",
        _ => "EXTENDED",
    }
}

/// All tables, and the numbers by which the others know them.
pub fn tables(
    answers: Answers<'_>,
    names: &Names<'_>,
    columns: &mut Columns,
    keys: &mut Keys,
) -> Vec<Table> {
    let mut tables = Vec::new();
    let mut parents = parents(answers, names);
    let mut checks = checks(answers, names);
    let mut foreign_keys = keys::foreign_keys(answers, names);
    for mut cells in answers.rows(Topic::Relations) {
        let (oid, name, kind) = (cells.oid(), cells.text(), cells.text());
        if !matches!(kind, "r" | "p") || names.is_hidden(class::RELATION, oid) {
            continue;
        }
        let id = Id::table(name);
        let mut table = Table {
            name: name.to_owned(),
            columns: columns.remove(&oid).unwrap_or_default(),
            checks: checks.remove(&oid).unwrap_or_default(),
            foreign_keys: foreign_keys.remove(&oid).unwrap_or_default(),
            keys: keys.remove(&oid).unwrap_or_default(),
            parents: parents.remove(&oid).unwrap_or_default(),
            comment: names.comment(class::RELATION, oid),
            needs: names.needs(&[(class::RELATION, oid, 0)], &id),
            ..Table::default()
        };
        describe(&mut table, &mut cells);
        tables.push(table);
    }
    tables
}

/// The cells of a relation's row behind its name and its kind.
fn describe(table: &mut Table, cells: &mut Cells<'_>) {
    let options = &mut table.options;
    let mut set = |name: &str, value: &str| options.insert(name.to_owned(), value.to_owned());
    if cells.text() == "u" {
        set("persistence", "UNLOGGED");
    }
    for (name, usual) in [("access method", "heap"), ("tablespace", "")] {
        let value = cells.text();
        if value != usual && !value.is_empty() {
            set(name, value);
        }
    }
    for prefix in ["", "toast."] {
        for (name, value) in parameters(cells.maybe(), prefix) {
            set(&name, &value);
        }
    }
    for name in ["row security", "force row security"] {
        if cells.yes() {
            set(name, "on");
        }
    }
    match cells.text() {
        "f" => drop(set("replica identity", "FULL")),
        "n" => drop(set("replica identity", "NOTHING")),
        "i" => {
            let mut keys = table.keys.iter();
            let key = keys.find(|key| key.options.contains_key("replica identity"));
            let name = key.map(|key| Postgres.quote(&key.name));
            set(
                "replica identity",
                &format!("USING INDEX {}", name.unwrap_or_default()),
            );
        }
        _ => {}
    }
    for key in &mut table.keys {
        key.options.remove("replica identity");
    }
    if let (Some(bound), Some(parent)) = (cells.maybe(), table.parents.first_mut()) {
        parent.bound = Some(bound.to_owned());
    }
    table.partitions = cells.owned().map(|by| Partitions {
        by,
        parts: Vec::new(),
    });
    if let Some(of) = cells.maybe() {
        set("of", of);
    }
}

fn parents(answers: Answers<'_>, names: &Names<'_>) -> HashMap<Oid, Vec<Parent>> {
    let mut parents: HashMap<Oid, Vec<Parent>> = HashMap::new();
    for mut cells in answers.rows(Topic::Inheritance) {
        let (child, parent, _, shown) = (cells.oid(), cells.oid(), cells.oid(), cells.text());
        let own = names.relation(parent);
        parents.entry(child).or_default().push(Parent {
            table: if own.is_empty() { shown } else { own }.to_owned(),
            bound: None,
        });
    }
    parents
}

/// The checks of tables without the inherited ones.
fn checks(answers: Answers<'_>, names: &Names<'_>) -> HashMap<Oid, Vec<Check>> {
    let mut checks: HashMap<Oid, Vec<Check>> = HashMap::new();
    for mut cells in answers.rows(Topic::Constraints) {
        let (oid, table, domain) = (cells.oid(), cells.oid(), cells.oid());
        let (name, kind, definition) = (cells.text(), cells.text(), cells.text());
        let (_, local) = (cells.oid(), cells.yes());
        let owner = if table == 0 { domain } else { table };
        if kind != "c" || (table != 0 && !local) {
            continue;
        }
        let itself = Id::default();
        checks.entry(owner).or_default().push(Check {
            comment: names.comment(class::CONSTRAINT, oid),
            needs: names.needs(&[(class::CONSTRAINT, oid, 0)], &itself),
            ..check(name, definition)
        });
    }
    for checks in checks.values_mut() {
        checks.sort_by(|a, b| a.name.cmp(&b.name));
    }
    checks
}

/// The checks of domains, by the domain's number.
pub fn domain_checks(answers: Answers<'_>, names: &Names<'_>) -> HashMap<Oid, Vec<Check>> {
    checks(answers, names)
}

/// A check from its definition: `CHECK ((a > 0)) NO INHERIT NOT VALID`.
fn check(name: &str, definition: &str) -> Check {
    let mut options: Options = BTreeMap::new();
    let mut rest = definition;
    for (words, option) in [
        (" NOT ENFORCED", ("enforced", "no")),
        (" NOT VALID", ("valid", "no")),
        (" NO INHERIT", ("inherit", "no")),
    ] {
        if let Some(before) = rest.strip_suffix(words) {
            rest = before;
            options.insert(option.0.to_owned(), option.1.to_owned());
        }
    }
    let expression = rest
        .strip_prefix("CHECK (")
        .and_then(|rest| rest.strip_suffix(')'))
        .unwrap_or(rest);
    Check {
        name: name.to_owned(),
        named: true,
        expression: super::normalize_expression(expression),
        options,
        ..Check::default()
    }
}

/// The sequences that belong to columns.
pub fn owned(answers: Answers<'_>, names: &Names<'_>) -> Vec<Owned> {
    let mut all = Vec::new();
    for mut cells in answers.rows(Topic::Sequences) {
        let sequence = cells.oid();
        let kind = cells.text().to_owned();
        let options = super::objects::sequence_options(&kind, &mut cells);
        let (table, column) = (cells.oid(), cells.number(0));
        let identity = cells.text() == "i";
        let persistence = cells.text();
        all.push(Owned {
            table,
            column,
            name: names.relation(sequence).to_owned(),
            identity,
            plain: options.is_empty()
                && persistence == "p"
                && names.comment(class::RELATION, sequence).is_none(),
            options: options
                .into_iter()
                .map(|(name, value)| (format!("sequence {name}"), value))
                .collect(),
            kind,
        });
    }
    all
}

/// The numbers of an array of numbers: `{1,2}`.
pub fn numbers(text: Option<&str>) -> Vec<i32> {
    let elements = text.map(array).unwrap_or_default();
    elements
        .iter()
        .filter_map(|number| number.parse().ok())
        .collect()
}
