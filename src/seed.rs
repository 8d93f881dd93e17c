//! Seeding: from declared rows and what is live to what is to be inserted, updated, left alone.

use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::dialect::Dialect;
use crate::dialect::seeds::Cell;
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Location};
use crate::model::hex;
use crate::model::schema::{Column, Family, Table};
use crate::model::seed::{Seed, SeedRecord, SeedRow, Value};
use crate::model::server::Server;

/// The namespace of the ids that bird makes for seed data (UUIDv5, RFC 9562). It never changes:
/// every environment must get the same ids.
pub const NAMESPACE: Uuid = Uuid::from_u128(0x6fd80a60_c3c5_4e87_99f4_1fa3e0676d09);

/// What a declared row needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    Insert {
        sql: String,
    },
    /// `columns` differ.
    Update {
        sql: String,
        columns: Vec<String>,
    },
    Leave,
}

/// One declared row, ready to be looked for.
#[derive(Debug)]
pub struct Wanted<'s> {
    pub seed: &'s Seed,
    row: &'s SeedRow,
    /// All columns with their values; an id that bird makes comes first.
    cells: Vec<(&'s Column, Cell)>,
    /// The columns of the table's primary key.
    ids: Vec<&'s Column>,
    /// The table as SQL names it.
    pub table: String,
}

/// Checks a declared row against its table.
pub fn want<'s>(
    dialect: &dyn Dialect,
    server: &Server,
    table_sql: &str,
    table: &'s Table,
    seed: &'s Seed,
    row: &'s SeedRow,
) -> Result<Wanted<'s>, Diagnostic> {
    let fault = |message: String| {
        Diagnostic::new(Code::Seed, message)
            .database(&seed.table.database)
            .at(row.location.clone())
    };
    let refused = |name: &str, reason: &str| {
        let (table, key) = (&seed.table, describe_key(seed, row));
        fault(format!(
            "`{name}` of `{table}` with {key} cannot be written: {reason}"
        ))
    };
    let mut wanted = Wanted {
        seed,
        row,
        cells: Vec::new(),
        ids: table.primary_key(),
        table: table_sql.to_owned(),
    };
    if let Some((column, id)) = made_id(table, seed, row) {
        let cell = dialect
            .cell(server, column, &Value::Text(id.to_string()))
            .map_err(fault)?;
        wanted.cells.push((column, cell));
    }
    for (name, value) in &row.values {
        let column = table.column(name).ok_or_else(|| {
            let known = table.columns.iter().map(|column| column.name.as_str());
            let mut fault = fault(format!("`{}` has no column `{name}`", seed.table));
            fault.hint = crate::model::name::did_you_mean(name, known);
            fault
        })?;
        if column.generated.is_some() {
            let fault = refused(name, "it is generated");
            return Err(fault.hint("leave it out; the engine computes it"));
        }
        let cell = dialect
            .cell(server, column, value)
            .map_err(|reason| refused(name, &reason))?;
        wanted.cells.push((column, cell));
    }
    Ok(wanted)
}

/// The id for a row that omits it, where the table's primary key is a single UUID.
fn made_id<'t>(table: &'t Table, seed: &Seed, row: &SeedRow) -> Option<(&'t Column, Uuid)> {
    let key = table.primary_key();
    let [column] = key.as_slice() else {
        return None;
    };
    let sixteen = column.sql.ends_with("(16)") || column.sql.eq_ignore_ascii_case("blob");
    let holds = column.family == Family::Uuid || (column.family == Family::Binary && sixteen);
    let omitted = row.get(&column.name).is_none();
    (holds && omitted).then(|| (*column, id(seed, row)))
}

/// UUIDv5 over the compact JSON array of database, table and key values.
fn id(seed: &Seed, row: &SeedRow) -> Uuid {
    let mut name = vec![
        serde_json::Value::from(seed.table.database.as_str()),
        serde_json::Value::from(seed.table.table.as_str()),
    ];
    name.extend(seed.key.iter().map(|column| {
        match row.get(column) {
            Some(Value::Text(text)) => text.as_str().into(),
            Some(Value::Integer(number)) => (*number).into(),
            Some(Value::Bool(yes)) => (*yes).into(),
            Some(Value::Number(number)) => number
                .parse()
                .map_or(serde_json::Value::Null, serde_json::Value::Number),
            Some(Value::Null) | None => serde_json::Value::Null,
        }
    }));
    let name = serde_json::Value::from(name).to_string();
    Uuid::new_v5(&NAMESPACE, name.as_bytes())
}

/// The row as people call it: `name=admin`.
fn describe_key(seed: &Seed, row: &SeedRow) -> String {
    let key = seed.key.iter().map(|column| {
        let value = match row.get(column) {
            Some(Value::Text(text)) => text.clone(),
            Some(Value::Integer(number)) => number.to_string(),
            Some(Value::Number(number)) => number.clone(),
            Some(Value::Bool(yes)) => yes.to_string(),
            Some(Value::Null) | None => "NULL".to_owned(),
        };
        format!("{column}={value}")
    });
    key.collect::<Vec<_>>().join(", ")
}

impl Wanted<'_> {
    /// The row as people call it: `name=admin`.
    pub fn describe_key(&self) -> String {
        describe_key(self.seed, self.row)
    }

    /// Where the row is declared.
    pub fn location(&self) -> Location {
        self.row.location.clone()
    }

    fn is_key(&self, column: &Column) -> bool {
        self.seed.key.contains(&column.name)
    }

    /// The cells that an update may change: not the natural key, and no id.
    fn changeable(&self) -> impl Iterator<Item = &(&Column, Cell)> {
        let cells = self.cells.iter();
        cells.filter(|(column, _)| !self.ids.contains(column) && !self.is_key(column))
    }

    /// The cells of the key, in its order.
    fn key_cells(&self) -> impl Iterator<Item = &(&Column, Cell)> {
        let key = self.seed.key.iter();
        key.filter_map(|name| self.cells.iter().find(|(column, _)| column.name == *name))
    }

    fn found_by(&self) -> String {
        let conditions: Vec<&str> = self
            .key_cells()
            .map(|(_, cell)| cell.found.as_str())
            .collect();
        conditions.join(" AND ")
    }

    /// Asks for the live rows with this key: for each changeable column `1` when it is as declared.
    pub fn query(&self) -> String {
        let same: Vec<String> = self
            .changeable()
            .map(|(_, cell)| format!("CASE WHEN {} THEN 1 ELSE 0 END", cell.same))
            .chain(std::iter::once("1".to_owned()))
            .collect();
        format!(
            "SELECT {} FROM {} WHERE {}",
            same.join(", "),
            self.table,
            self.found_by()
        )
    }

    /// What the answer to [`Wanted::query`] means.
    pub fn decide(
        &self,
        dialect: &dyn Dialect,
        live: &[Vec<Option<String>>],
    ) -> Result<Action, Diagnostic> {
        match live {
            [] => Ok(Action::Insert {
                sql: self.insert(dialect),
            }),
            [row] => Ok(self.update(dialect, &self.differing(row))),
            more => {
                let (rows, key) = (more.len(), self.describe_key());
                let message = format!("{rows} rows of `{}` have the key {key}", self.seed.table);
                Err(Diagnostic::new(Code::SeedKey, message)
                    .database(&self.seed.table.database)
                    .at(self.row.location.clone())
                    .hint("choose columns whose values are unique in the table"))
            }
        }
    }

    fn insert(&self, dialect: &dyn Dialect) -> String {
        let names: Vec<&Column> = self.cells.iter().map(|(column, _)| *column).collect();
        let overriding = dialect.overriding(&names);
        let columns: Vec<String> = names
            .iter()
            .map(|column| dialect.quote(&column.name))
            .collect();
        let values: Vec<&str> = self
            .cells
            .iter()
            .map(|(_, cell)| cell.written.as_str())
            .collect();
        let (columns, values) = (columns.join(", "), values.join(", "));
        format!(
            "INSERT INTO {} ({columns}){overriding} VALUES ({values})",
            self.table
        )
    }

    /// The columns of an answer to [`Wanted::query`] that are not as declared.
    pub fn differing(&self, live: &[Option<String>]) -> Vec<String> {
        let differing = self
            .changeable()
            .zip(live)
            .filter(|(_, same)| same.as_deref() != Some("1"));
        differing
            .map(|((column, _), _)| column.name.clone())
            .collect()
    }

    /// What brings some columns to their declared values.
    pub fn update(&self, dialect: &dyn Dialect, columns: &[String]) -> Action {
        let cells = self.changeable();
        let cells = cells.filter(|(column, _)| columns.contains(&column.name));
        let (mut columns, mut sets) = (Vec::new(), Vec::new());
        for (column, cell) in cells {
            sets.push(format!(
                "{} = {}",
                dialect.quote(&column.name),
                cell.written
            ));
            columns.push(column.name.clone());
        }
        if columns.is_empty() {
            return Action::Leave;
        }
        let sql = format!(
            "UPDATE {} SET {} WHERE {}",
            self.table,
            sets.join(", "),
            self.found_by()
        );
        Action::Update { sql, columns }
    }

    /// Asks for what some columns hold.
    pub fn held_query(&self, dialect: &dyn Dialect, columns: &[String]) -> String {
        let held = self
            .changeable()
            .filter(|(column, _)| columns.contains(&column.name))
            .map(|(column, _)| dialect.held(column));
        let held = held.collect::<Vec<_>>().join(", ");
        format!(
            "SELECT {held} FROM {} WHERE {}",
            self.table,
            self.found_by()
        )
    }

    /// What the answer to [`Wanted::held_query`] says about these columns.
    pub fn records(&self, columns: &[String], held: &[Option<String>]) -> Vec<SeedRecord> {
        let key: Vec<&str> = self
            .key_cells()
            .flat_map(|(column, cell)| [column.name.as_str(), cell.written.as_str()])
            .collect();
        let cells = self
            .changeable()
            .filter(|(column, _)| columns.contains(&column.name));
        let records = cells.zip(held).map(|((column, cell), held)| {
            let mut place = vec![self.seed.table.table.as_str(), column.name.as_str()];
            place.extend(&key);
            let held = held.as_deref();
            SeedRecord {
                place: digest(&place),
                declared: digest(&[&cell.written]),
                held: digest(&[held.map_or("NULL", |_| "text"), held.unwrap_or_default()]),
            }
        });
        records.collect()
    }

    /// The conditions that are true if columns can hold their values, by the columns.
    pub fn conditions(&self) -> impl Iterator<Item = (&Column, &str)> {
        let cells = self.cells.iter();
        cells.filter_map(|(column, cell)| Some((*column, cell.fits.as_deref()?)))
    }

    /// The fault of a value that a column cannot hold.
    pub fn unfit(&self, column: &Column, reason: &str) -> Diagnostic {
        let (table, key, name) = (&self.seed.table, self.describe_key(), &column.name);
        let message = format!("`{name}` of `{table}` with {key} cannot be written: {reason}");
        Diagnostic::new(Code::Seed, message)
            .database(&table.database)
            .at(self.location())
            .hint(format!("write a value of the type {}", column.sql))
    }

    /// For each cell a text of queries that fail if the engine cannot read its value.
    pub fn probes(&self) -> impl Iterator<Item = (&Column, String)> {
        self.cells.iter().map(|(column, cell)| {
            let of_row = if self.is_key(column) {
                &cell.found
            } else {
                &cell.same
            };
            let (value, table) = (&cell.grouped, &self.table);
            let sql = format!("SELECT {value}; SELECT 1 FROM {table} WHERE 1 = 0 AND {of_row}");
            (*column, sql)
        })
    }
}

/// Asks for pairs of rows, by their places, that are one row under the types and collations of their
/// key. All have the same table and key. `None` if there are none to compare.
pub fn twins_query(dialect: &dyn Dialect, server: &Server, rows: &[&Wanted<'_>]) -> Option<String> {
    let (first, _) = rows
        .split_first()
        .filter(|(_, others)| !others.is_empty())?;
    let columns: Vec<String> = first
        .key_cells()
        .map(|(column, _)| dialect.key(column))
        .collect();
    let rows: Vec<Vec<&str>> = rows
        .iter()
        .map(|row| {
            row.key_cells()
                .map(|(_, cell)| cell.grouped.as_str())
                .collect()
        })
        .collect();
    Some(dialect.twins_query(server, &first.table, &columns, &rows))
}

/// The fault of two declared rows that are one.
pub fn twins(one: &Wanted<'_>, other: &Wanted<'_>) -> Diagnostic {
    let table = &one.seed.table;
    let (first, second) = (one.describe_key(), other.describe_key());
    let message = format!("`{table}`: the rows {first} and {second} are the same row");
    let place = one.location();
    let (file, line) = (&place.file, place.line);
    Diagnostic::new(Code::Seed, message)
        .database(&table.database)
        .at(other.location())
        .note(format!("{first} is declared at {file}:{line}"))
        .note("their keys are equal under the columns' types and collations")
        .hint("keep one of the two rows")
}

/// The largest number that rows declare for a column. `None` if no row declares one.
pub fn largest(rows: &[&Wanted<'_>], column: &str) -> Option<i64> {
    let numbers = rows.iter().filter_map(|row| match row.row.get(column)? {
        Value::Integer(number) => Some(*number),
        Value::Text(text) | Value::Number(text) => text.trim().parse().ok(),
        Value::Null | Value::Bool(_) => None,
    });
    numbers.max()
}

fn digest(parts: &[&str]) -> String {
    let text = serde_json::Value::from(parts.to_vec()).to_string();
    hex::digits(&Sha256::digest(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::name::TableName;

    /// The id of a role is an interface: it stands in every environment's data.
    #[test]
    fn ids_never_change() {
        let row = SeedRow {
            values: vec![("name".into(), Value::Text("admin".into()))],
            location: Location::file("bird.toml"),
        };
        let seed = Seed {
            table: TableName {
                database: "ums".into(),
                table: "roles".into(),
            },
            key: vec!["name".into()],
            rows: Vec::new(),
            location: Location::file("bird.toml"),
        };
        let expected = Uuid::new_v5(&NAMESPACE, br#"["ums","roles","admin"]"#);
        assert_eq!(id(&seed, &row), expected);
        assert_eq!(expected.get_version_num(), 5);
    }
}
