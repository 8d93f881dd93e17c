//! Reads the facts that precede a repair: the identity of databases, the tables, their obstacles.

use sha2::{Digest as _, Sha256};

use super::super::keys;
use super::super::session::{DbError, Session};
use super::unwritable;
use crate::dialect::keys::{KeyLocation, KeySource, comparison, condition};
use crate::dialect::repairs::{KeptColumn, OWN_COLUMNS};
use crate::dialect::{Dialect, ErrorKind};
use crate::model::hex;
use crate::model::key::Compare;
use crate::model::name::ColumnNames;
use crate::model::reference::Reference;
use crate::model::repair::Totals;
use crate::model::schema::{Column, Schema, Table};
use crate::model::target::Target;
use crate::repair::plan::PlannedEndpoint;
use crate::repair::safety_checks;
use crate::repair::safety_checks::TableFacts;

/// The tables of a reference.
#[derive(Debug, Clone)]
pub struct Tables {
    pub child: Table,
    pub parent: Table,
    /// The comparison of each pair of columns.
    pub compare: Vec<Compare>,
    /// The columns of the child as they are quarantined.
    pub kept: Vec<KeptColumn>,
    /// Whether writing the child locks the whole database, the parents included.
    pub alone: bool,
    /// Whether the gap of a missing parent can be locked.
    pub lockable: bool,
}

/// The server and the database of a session.
pub async fn identity(session: &mut Session, target: &Target) -> Result<String, DbError> {
    let query = session.dialect.unique_identity_query(&session.server);
    let server = match query {
        None => String::new(),
        Some(query) => match session.value(query).await {
            Ok(server) => server.unwrap_or_default(),
            // Without the privilege, the name of the database has to do.
            Err(error) if error.kind == ErrorKind::Denied => String::new(),
            Err(error) => return Err(error),
        },
    };
    Ok(match target {
        Target::File(file) => {
            let path = std::fs::canonicalize(&file.path);
            path.unwrap_or_else(|_| file.path.clone())
                .display()
                .to_string()
        }
        Target::Server(place) => {
            let schema = session.schema.as_deref().map(|name| format!("/{name}"));
            format!("{server}/{}{}", place.database, schema.unwrap_or_default())
        }
    })
}

/// An endpoint for the header of a plan: its database, and a digest of all columns of a child or of
/// the referenced columns of a parent.
pub async fn planned_endpoint(
    session: &mut Session,
    target: &Target,
    names: &ColumnNames,
    is_child: bool,
) -> Result<PlannedEndpoint, DbError> {
    let columns = kept(session, &names.table).await?;
    let only = (!is_child).then_some(names.columns.as_slice());
    Ok(PlannedEndpoint {
        database: names.database.clone(),
        identity: identity(session, target).await?,
        columns: digest(&columns, only),
    })
}

/// The columns of a table as they are quarantined.
pub async fn kept(session: &mut Session, table: &str) -> Result<Vec<KeptColumn>, DbError> {
    let repairs = session.dialect.repairs();
    let query = repairs.columns_query(session.schema.as_deref(), table);
    let rows = session.rows(&query).await?;
    let columns: Option<Vec<KeptColumn>> = rows.iter().map(|row| KeptColumn::read(row)).collect();
    columns.ok_or_else(|| unwritable(format!("a column of {table} cannot be read")))
}

fn digest(columns: &[KeptColumn], only: Option<&[String]>) -> String {
    let mut digest = Sha256::new();
    for column in columns {
        if only.is_none_or(|only| only.contains(&column.name)) {
            digest.update(format!("{column:?}\n"));
        }
    }
    hex::digits(&digest.finalize())
}

/// Finds the tables of a reference in the schemas of its databases. Whole schemas are read, as the
/// audit does, because collations and indexes decide how keys are compared.
pub async fn tables(
    (child, ours): (&mut Session, &Schema),
    (parent, theirs): (&mut Session, &Schema),
    reference: &Reference,
) -> Result<Tables, DbError> {
    let (from, to) = (&reference.from, &reference.to);
    let missing = |name: &ColumnNames| {
        let message = format!("the table {} does not exist", name.table_name());
        DbError::new(ErrorKind::MissingTable, message)
    };
    let ours = ours.table(&from.table).cloned();
    let ours = ours.ok_or_else(|| missing(from))?;
    let theirs = theirs.table(&to.table).cloned();
    let theirs = theirs.ok_or_else(|| missing(to))?;
    let mut compare = reference.compare.clone();
    if compare.is_empty() {
        for (from, to) in reference.pairs() {
            let column = |table: &Table, name: &str| {
                let missing = || unwritable(format!("{} has no column {name}", table.name));
                table.column(name).cloned().ok_or_else(missing)
            };
            let (one, other) = (column(&ours, &from.column)?, column(&theirs, &to.column)?);
            let how = comparison((&one, child.dialect), (&other, parent.dialect));
            compare.push(how.map_err(unwritable)?);
        }
    }
    let embedded = child.dialect.facts().is_embedded();
    let unique = match to.columns.as_slice() {
        [one] => parent.dialect.repairs().unique_query(&to.table, one),
        _ => None,
    };
    let lockable = match unique {
        Some(query) => parent.value(&query).await?.is_some(),
        None => false,
    };
    Ok(Tables {
        lockable,
        kept: kept(child, &from.table).await?,
        child: ours,
        parent: theirs,
        compare,
        alone: embedded && from.database == to.database,
    })
}

impl Tables {
    /// The endpoint for queries in a session.
    pub(super) fn end<'e>(
        &self,
        session: &'e SessionFacts<'e>,
        table: &'e Table,
        columns: &[String],
        filter: Option<&str>,
    ) -> Result<KeySource<'e>, DbError> {
        let mut all: Vec<(&Column, Compare)> = Vec::new();
        for (name, compare) in std::iter::zip(columns, &self.compare) {
            let column = table.column(name);
            let missing = || unwritable(format!("{} has no column {name}", table.name));
            all.push((column.ok_or_else(missing)?, compare.clone()));
        }
        let place = KeyLocation {
            dialect: session.dialect,
            server: &session.server,
            schema: session.schema.as_deref(),
            database: None,
        };
        KeySource::new(place, table, &all, filter).map_err(unwritable)
    }
}

/// The facts of a session that queries need.
pub(super) struct SessionFacts<'e> {
    dialect: &'e dyn Dialect,
    server: crate::model::server::Server,
    schema: Option<String>,
}

impl SessionFacts<'_> {
    pub(super) fn new(session: &Session) -> SessionFacts<'static> {
        SessionFacts {
            dialect: session.dialect,
            server: session.server.clone(),
            schema: session.schema.clone(),
        }
    }
}

/// Collects the facts for the safety checks.
pub async fn facts(
    (child, child_target): (&mut Session, &Target),
    (parent, parent_target): (&mut Session, &Target),
    reference: &Reference,
    tables: &Tables,
    totals: &Totals,
) -> Result<TableFacts, DbError> {
    let (from, to) = (&reference.from, &reference.to);
    let ours = planned_endpoint(child, child_target, from, true).await?;
    let theirs = planned_endpoint(parent, parent_target, to, false).await?;
    let mut key: Vec<(u32, String)> = Vec::new();
    for column in &tables.kept {
        key.extend(column.key.map(|place| (place, column.name.clone())));
    }
    key.sort();
    // Generated columns are not quarantined, and quarantined rows are identified by their key.
    let mut columns = tables.kept.iter();
    if columns.any(|column| column.generated && column.key.is_some()) {
        key.clear();
    }
    let columns = tables.kept.iter();
    let not_null = columns.filter(|column| {
        let fixed = column.not_null || column.generated || column.key.is_some();
        fixed && from.columns.contains(&column.name)
    });
    let mut columns = tables.kept.iter();
    let taken = columns.find(|column| {
        let mut own = OWN_COLUMNS.iter();
        own.any(|own| own.eq_ignore_ascii_case(&column.name))
    });
    Ok(TableFacts {
        child: ours.identity,
        parent: theirs.identity,
        child_columns: ours.columns,
        parent_columns: theirs.columns,
        primary_key: key.into_iter().map(|(_, name)| name).collect(),
        not_null: not_null.map(|column| column.name.clone()).collect(),
        taken: taken.map(|column| column.name.clone()),
        obstacles: obstacles(child, &from.table).await?,
        parents: parents(parent, reference, safety_checks::enough(totals)).await?,
    })
}

/// The obstacles of a table.
pub async fn obstacles(
    session: &mut Session,
    table: &str,
) -> Result<Vec<crate::model::repair::Obstacle>, DbError> {
    let repairs = session.dialect.repairs();
    let query = repairs.obstacles_query(session.schema.as_deref(), table);
    let rows = session.rows(&query).await?;
    // An obstacle that is overlooked would be a safety check that passes.
    let obstacles: Option<Vec<_>> = rows.iter().map(|row| repairs.obstacle(row)).collect();
    obstacles.ok_or_else(|| {
        unwritable(format!(
            "a trigger or foreign key of {table} cannot be read"
        ))
    })
}

/// Counts the parents, up to `enough`.
async fn parents(
    session: &mut Session,
    reference: &Reference,
    enough: u64,
) -> Result<u64, DbError> {
    let filter = match &reference.to_filter {
        Some(filter) => {
            let filter = condition(session.dialect, filter).map_err(unwritable)?;
            format!(" WHERE {filter}")
        }
        None => String::new(),
    };
    let table = session.table(&reference.to.table);
    let sql = format!(
        "SELECT COUNT(*) FROM (SELECT 1 AS one FROM {table}{filter} LIMIT {enough}) AS counted"
    );
    keys::count(session, &sql).await
}
