//! The type of a column becomes another one.

use super::Writer;
use super::clause::{column_type, quote};
use super::nodes::{Class, Name};
use crate::dialect::sizes;
use crate::model::change::Hazard;
use crate::model::schema::{Column, Table};

impl<'s> Writer<'_, 's> {
    pub fn retype(&mut self, name: Name<'s>, table: &'s Table, old: &'s Column, new: &'s Column) {
        if is_partition_key(self.plan.old.tables.get(name.table).copied(), &old.name) {
            return self.cannot(
                name,
                format!(
                    "the type of {} cannot change, because {} is partitioned by it",
                    old.name, table.name
                ),
            );
        }
        let (on, own) = (quote(&table.name), quote(&new.name));
        let mut sql = format!(
            "ALTER TABLE {on} ALTER COLUMN {own} TYPE {}",
            column_type(new)
        );
        if new.collation.is_none() && old.collation.is_some() && old.sql == new.sql {
            // Without a word the type's own collation comes back.
            sql = format!("ALTER TABLE {on} ALTER COLUMN {own} TYPE {}", new.sql);
        }
        let using = match old.sql == new.sql {
            true if self.is_own_type(new) => format!("{own}::text::{}", new.sql),
            true => String::new(),
            false => cast(&own, &old.sql, &new.sql),
        };
        if !using.is_empty() {
            sql.push_str(&format!(" USING {using}"));
        }
        self.say(name, sql);
        let (from, to) = (&old.sql, &new.sql);
        if !is_wider(from, to) {
            if !is_lossless(from, to) {
                let why = format!("it fails if a value of {} is not one of {to}", old.name);
                self.risk(Hazard::MayFail, why);
            }
            if loses(from, to) {
                let why = format!("values of {from} that do not fit {to} are lost");
                self.risk(Hazard::DataLoss, why);
            }
            self.risk(Hazard::Rewrite, "the server rewrites the whole table");
        }
        self.risk(Hazard::Lock, "nobody can read or write the table meanwhile");
    }

    /// Whether the type of a column is put aside and made anew.
    fn is_own_type(&self, column: &'s Column) -> bool {
        let mut needs = column.needs.0.iter().filter_map(Name::of);
        let of_row = |need: &Name<'_>| need.class == Class::Table && column.sql.contains(need.name);
        needs.any(|need| need.is_type() || of_row(&need))
    }
}

fn is_partition_key(table: Option<&Table>, column: &str) -> bool {
    let by = table.and_then(|table| table.partitions.as_ref());
    by.is_some_and(|by| super::body_names::words(&by.by).any(|word| word == column))
}

/// What a type is like, as far as casts go.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sort {
    Text,
    Integer,
    Number,
    Day,
    Time,
    Bool,
    Json,
    Bits,
    Address,
    Other,
}

fn base(sql: &str) -> &str {
    let base = sql.split('(').next().unwrap_or_default().trim();
    match base {
        "timestamp" | "time" if sql.contains("with time zone") => sql,
        base => base,
    }
}

fn sort(sql: &str) -> Sort {
    if sql.ends_with("[]") {
        return Sort::Other;
    }
    match base(sql) {
        "text" | "character varying" | "character" | "name" | "citext" | "bpchar" => Sort::Text,
        "smallint" | "integer" | "bigint" => Sort::Integer,
        "numeric" | "real" | "double precision" => Sort::Number,
        "boolean" => Sort::Bool,
        "json" | "jsonb" => Sort::Json,
        "bit" | "bit varying" => Sort::Bits,
        "inet" | "cidr" => Sort::Address,
        base if base.starts_with("date") || base.starts_with("timestamp") => Sort::Day,
        base if base.starts_with("time") || base.starts_with("interval") => Sort::Time,
        _ => Sort::Other,
    }
}

/// A column as a value of another type: by a cast where there is one, else through its text.
fn cast(column: &str, from: &str, to: &str) -> String {
    let direct = format!("{column}::{to}");
    match (sort(from), sort(to)) {
        (Sort::Text, _) | (_, Sort::Text) => direct,
        (Sort::Integer | Sort::Number, Sort::Integer | Sort::Number) => direct,
        (Sort::Bool, Sort::Integer) | (Sort::Integer, Sort::Bool) => match from == "integer" {
            true => direct,
            false if to == "integer" => direct,
            false => format!("{column}::integer::{to}"),
        },
        (Sort::Other, _) | (_, Sort::Other) => {
            if base(from) == base(to) {
                direct
            } else {
                match (elements(from), elements(to)) {
                    (Some(from), Some(to))
                        if sort(from) != Sort::Other && sort(from) == sort(to) =>
                    {
                        direct
                    }
                    _ => format!("{column}::text::{to}"),
                }
            }
        }
        (one, other) if one == other => direct,
        (Sort::Day, Sort::Time) if from != "date" => direct,
        (Sort::Integer, Sort::Bits) | (Sort::Bits, Sort::Integer) => direct,
        _ => format!("{column}::text::{to}"),
    }
}

/// The type of an array's elements.
fn elements(sql: &str) -> Option<&str> {
    sql.strip_suffix("[]")
}

/// Whether every value fits as it is, so that no row is written.
fn is_wider(from: &str, to: &str) -> bool {
    match (base(from), base(to)) {
        ("character varying", "text") | ("text", "character varying") => sizes(to).is_empty(),
        ("character varying", "character varying") | ("bit varying", "bit varying") => {
            match (sizes(from).first(), sizes(to).first()) {
                (_, None) => true,
                (None, Some(_)) => false,
                (Some(from), Some(to)) => from <= to,
            }
        }
        ("numeric", "numeric") => match (sizes(from).as_slice(), sizes(to).as_slice()) {
            (_, []) => true,
            ([from, rest @ ..], [to, others @ ..]) => from <= to && rest == others,
            _ => false,
        },
        ("cidr", "inet") => true,
        _ => false,
    }
}

/// Whether every value is one of the other type too.
fn is_lossless(from: &str, to: &str) -> bool {
    let rank = |sql: &str| match base(sql) {
        "smallint" => 1,
        "integer" => 2,
        "bigint" => 3,
        "numeric" if sizes(sql).is_empty() => 4,
        _ => 0,
    };
    let days = sort(from) == Sort::Day && sort(to) == Sort::Day && base(to) != "date";
    (rank(from) > 0 && rank(from) <= rank(to))
        || (base(to) == "text" && !from.ends_with("[]") && !to.ends_with("[]"))
        || (base(from) == "real" && base(to) == "double precision")
        || (days && sizes(to).is_empty())
}

/// Whether a value may become another one without an error.
fn loses(from: &str, to: &str) -> bool {
    match (sort(from), sort(to)) {
        (Sort::Number, Sort::Integer) => true,
        (Sort::Number, Sort::Number) => {
            let scale = |sql: &str| sizes(sql).get(1).copied();
            scale(to).is_some() && (scale(from).is_none() || scale(from) > scale(to))
        }
        (Sort::Day, Sort::Time) => true,
        (Sort::Day, Sort::Day) => base(to) == "date" && base(from) != "date",
        (Sort::Text, Sort::Text) => {
            // An explicit cast cuts what is too long.
            match (sizes(from).first(), sizes(to).first()) {
                (Some(from), Some(to)) => from > to,
                (None, Some(_)) => true,
                _ => false,
            }
        }
        (Sort::Integer, Sort::Bool) => true,
        _ => false,
    }
}
