//! Seeding: from declared rows and what is live to what is to be inserted, updated, left alone.

use crate::model::code::Code;
use uuid::Uuid;

use crate::dialect::Dialect;
use crate::model::diagnostic::{Diagnostic, Location};
use crate::model::schema::{Column, Family, Table};
use crate::model::seed::{Seed, SeedRow, Value};

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
    seed: &'s Seed,
    row: &'s SeedRow,
    /// All columns with their literals; an id that bird makes comes first.
    cells: Vec<(&'s Column, String)>,
    made_id: bool,
    /// The columns of the table's primary key.
    ids: Vec<&'s Column>,
    /// The table as SQL names it.
    table: String,
}

/// Checks a declared row against its table.
pub fn want<'s>(
    dialect: &dyn Dialect,
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
    let mut wanted = Wanted {
        seed,
        row,
        cells: Vec::new(),
        made_id: false,
        ids: table.primary_key(),
        table: table_sql.to_owned(),
    };
    if let Some((column, id)) = made_id(table, seed, row) {
        let literal = dialect
            .literal(&Value::Text(id.to_string()), column)
            .map_err(fault)?;
        wanted.cells.push((column, literal));
        wanted.made_id = true;
    }
    for (name, value) in &row.values {
        let column = table.column(name).ok_or_else(|| {
            let known = table.columns.iter().map(|column| column.name.as_str());
            let mut fault = fault(format!("`{}` has no column `{name}`", seed.table));
            fault.hint = crate::model::name::did_you_mean(name, known);
            fault
        })?;
        let literal = dialect
            .literal(value, column)
            .map_err(|reason| fault(format!("`{name}` cannot be written: {reason}")))?;
        wanted.cells.push((column, literal));
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

impl Wanted<'_> {
    /// The row as people call it: `name=admin`.
    pub fn describe_key(&self) -> String {
        let key = self.seed.key.iter().map(|column| {
            let value = match self.row.get(column) {
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

    /// Where the row is declared.
    pub fn location(&self) -> Location {
        self.row.location.clone()
    }

    fn is_key(&self, column: &Column) -> bool {
        self.seed.key.contains(&column.name)
    }

    /// The cells that an update may change: not the natural key, and no id.
    fn changeable(&self) -> impl Iterator<Item = &(&Column, String)> {
        let cells = self.cells.iter();
        cells.filter(|(column, _)| !self.ids.contains(column) && !self.is_key(column))
    }

    fn found_by(&self, dialect: &dyn Dialect) -> String {
        let key = self.cells.iter().filter(|(column, _)| self.is_key(column));
        let conditions: Vec<String> = key
            .map(|(column, literal)| format!("{} = {literal}", dialect.quote(&column.name)))
            .collect();
        conditions.join(" AND ")
    }

    /// Asks for the live rows with this key: for each changeable column `1` when it is as declared.
    pub fn query(&self, dialect: &dyn Dialect) -> String {
        let same: Vec<String> = self
            .changeable()
            .map(|(column, literal)| {
                format!(
                    "CASE WHEN {} THEN 1 ELSE 0 END",
                    dialect.same(column, literal)
                )
            })
            .chain(std::iter::once("1".to_owned()))
            .collect();
        format!(
            "SELECT {} FROM {} WHERE {}",
            same.join(", "),
            self.table,
            self.found_by(dialect)
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
            [row] => Ok(self.update(dialect, row)),
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
        let columns: Vec<String> = self
            .cells
            .iter()
            .map(|(column, _)| dialect.quote(&column.name))
            .collect();
        let literals: Vec<&str> = self
            .cells
            .iter()
            .map(|(_, literal)| literal.as_str())
            .collect();
        let (columns, literals) = (columns.join(", "), literals.join(", "));
        format!("INSERT INTO {} ({columns}) VALUES ({literals})", self.table)
    }

    fn update(&self, dialect: &dyn Dialect, live: &[Option<String>]) -> Action {
        let differing = self
            .changeable()
            .zip(live)
            .filter(|(_, same)| same.as_deref() != Some("1"))
            .map(|(cell, _)| cell);
        let (mut columns, mut sets) = (Vec::new(), Vec::new());
        for (column, literal) in differing {
            sets.push(format!("{} = {literal}", dialect.quote(&column.name)));
            columns.push(column.name.clone());
        }
        if columns.is_empty() {
            return Action::Leave;
        }
        let sql = format!(
            "UPDATE {} SET {} WHERE {}",
            self.table,
            sets.join(", "),
            self.found_by(dialect)
        );
        Action::Update { sql, columns }
    }
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
