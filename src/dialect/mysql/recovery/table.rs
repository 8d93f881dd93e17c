//! A table that recovery compares and changes: the parsed definition in a normal form.

use std::collections::BTreeMap;

use super::column::{inherit, normalize};
use crate::dialect::mysql::ddl::column::{Column, Position};
use crate::dialect::mysql::ddl::key::{Check, ForeignKey, Key, KeyPart, PartSource};
use crate::dialect::mysql::ddl::partition::{Partition, Partitions};
use crate::dialect::mysql::ddl::table::{Element, Period, TableClause, TableOption};
use crate::dialect::recovery::normalize::flat_text;
use crate::model::schema::KeyKind;
use crate::sql::cursor::Cursor;

/// A table with all names in lower case but that of a parent table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Table {
    pub columns: Vec<Column>,
    pub keys: Vec<Key>,
    pub foreign_keys: Vec<ForeignKey>,
    pub checks: Vec<Check>,
    pub periods: Vec<Period>,
    pub options: BTreeMap<String, String>,
    pub partitions: Option<Partitions>,
    /// Columns that a statement converts to another character set, which may widen their types.
    pub converted: Vec<String>,
}

impl Table {
    /// Parses what a server prints.
    pub fn shown(definition: &str) -> Option<Table> {
        let mut cursor = super::created(definition, 0)?;
        cursor.eat_all(&["CREATE", "TABLE"]).then_some(())?;
        cursor.name()?;
        Table::parse(cursor)
    }

    /// Parses a table from behind its name on.
    pub fn parse(mut cursor: Cursor<'_>) -> Option<Table> {
        let mut table = Table::default();
        for element in cursor.group()?.clauses() {
            table.add(Element::parse(element)?);
        }
        while !cursor.is_over() {
            match TableClause::parse(&mut cursor)? {
                TableClause::Partitions(mut partitions) => {
                    partitions.list.iter_mut().for_each(lower_partition);
                    table.partitions = Some(partitions);
                }
                TableClause::Option(option) => {
                    let value = option_value(&option);
                    table.options.insert(option.name, value);
                }
            }
        }
        // It changes with every row.
        table.options.remove("auto_increment");
        table.inherit();
        Some(table)
    }

    /// Adds an element, in its normal form.
    pub fn add(&mut self, element: Element) {
        match element {
            Element::Column(mut column) => {
                normalize(&mut column);
                if let Some(Position::After(name)) = &mut column.position {
                    lower(name);
                }
                for (has, kind) in [
                    (column.is_primary, KeyKind::Primary),
                    (column.is_unique, KeyKind::Unique),
                ] {
                    self.keys
                        .extend(has.then(|| Key::of_column(kind, &column.name)));
                }
                for check in std::mem::take(&mut column.checks) {
                    self.add(Element::Check(check));
                }
                self.columns.push(column);
            }
            Element::Key(mut key) => {
                key.name.iter_mut().for_each(lower);
                key.parts
                    .iter_mut()
                    .for_each(|part| match &mut part.source {
                        PartSource::Column(name, _) => lower(name),
                        PartSource::Expression(_) => {}
                    });
                self.keys.push(key);
            }
            Element::ForeignKey(mut key) => {
                key.name.iter_mut().for_each(lower);
                key.columns.iter_mut().for_each(lower);
                key.table_columns.iter_mut().for_each(lower);
                self.foreign_keys.push(key);
            }
            Element::Check(mut check) => {
                check.name.iter_mut().for_each(lower);
                check.column.iter_mut().for_each(lower);
                self.checks.push(check);
            }
            Element::Period(mut period) => {
                lower(&mut period.name);
                self.periods.push(period);
            }
        }
    }

    /// Gives its columns the character set of the table, unless they have their own.
    pub fn inherit(&mut self) {
        let (charset, collation) = (self.options.get("charset"), self.options.get("collate"));
        for column in &mut self.columns {
            inherit(column, charset, collation);
        }
    }

    /// The parts of its primary key.
    pub fn primary_key(&self) -> &[KeyPart] {
        let key = self.keys.iter().find(|key| key.kind == KeyKind::Primary);
        key.map_or(&[], |key| &key.parts)
    }
}

fn lower(name: &mut String) {
    *name = name.to_lowercase();
}

/// Turns the name of a partition into lower case.
pub fn lower_partition(partition: &mut Partition) {
    lower(&mut partition.name);
}

/// The value of an option of a table or a database in its normal form.
pub fn option_value(option: &TableOption) -> String {
    if option.value.tokens.len() > 1 {
        return flat_text(option.value.words());
    }
    match option.name.as_str() {
        "comment" => option.value(),
        _ => option.value().to_lowercase(),
    }
}
