//! The endpoints of references: location, columns, conditions and comparison, known before a key
//! is read.

use std::sync::Arc;

use super::connections::{Connected, Connections};
use super::replica::ReadReplica;
use crate::audit::{self, structure};
use crate::db::keys;
use crate::db::session::{Access, DbError, Session};
use crate::dialect::Dialect;
use crate::dialect::keys::{
    Estimate, KeyLocation, KeyQuery, KeyRange, KeySource, agree, comparison, fixed_columns,
    named_columns,
};
use crate::invariant;
use crate::invariant::Broken;
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Severity};
use crate::model::key::Compare;
use crate::model::name::ColumnNames;
use crate::model::reference::Reference;
use crate::model::schema::{Column, KeyKind, Table};
use crate::model::server::Server;
use crate::model::target::Target;

/// One endpoint of a reference, with everything that a thread needs to query its keys.
#[derive(Clone)]
pub struct Endpoint {
    /// Its name in the project.
    pub database: String,
    pub target: Target,
    pub dialect: &'static dyn Dialect,
    pub within: Option<String>,
    pub server: Server,
    pub identity: Option<String>,
    pub table: Table,
    pub columns: Vec<(Column, Compare)>,
    pub filter: Option<String>,
    /// The columns that identify a row; empty if there are none.
    pub names: Vec<Column>,
    pub estimate: Estimate,
    /// Whether an index gives the keys in order.
    pub indexed: bool,
    /// Whether an index gives the keys in order, and the condition needs nothing but that index.
    pub ordered: bool,
    pub replica: bool,
    /// Whether only the rows from a watermark on are read.
    pub has_watermark: bool,
    /// The replica from which its keys are read; `None` for the primary.
    pub read_replica: Option<ReadReplica>,
}

/// A reference that can be audited.
#[derive(Clone)]
pub struct PreparedReference {
    /// Its index among the project's references.
    pub index: usize,
    pub reference: Reference,
    pub child: Endpoint,
    pub parent: Endpoint,
    /// Whether each key occurs once among the parents.
    pub unique: bool,
}

impl PreparedReference {
    /// The query for the keys of the parents in order, each once.
    pub fn parents(&self, end: &KeySource<'_>, range: &KeyRange) -> KeyQuery {
        if self.unique {
            end.ordered(range)
        } else {
            end.distinct(range)
        }
    }
}

/// A reference with the findings that precede the reading of its keys.
pub struct Inspected {
    pub index: usize,
    pub notes: Vec<Diagnostic>,
    /// `None` if it cannot be audited; the notes say why.
    pub prepared: Option<Arc<PreparedReference>>,
}

impl Endpoint {
    /// The endpoint for queries; `database` qualifies its table.
    pub fn end<'s>(&'s self, database: Option<&'s str>) -> Result<KeySource<'s>, String> {
        self.filtered(database, self.filter.as_deref())
    }

    /// The endpoint with another condition, or with none.
    pub fn filtered<'s>(
        &'s self,
        database: Option<&'s str>,
        filter: Option<&str>,
    ) -> Result<KeySource<'s>, String> {
        let place = KeyLocation {
            dialect: self.dialect,
            server: &self.server,
            schema: self.within.as_deref(),
            database,
        };
        let columns: Vec<(&Column, Compare)> = self
            .columns
            .iter()
            .map(|(column, compare)| (column, compare.clone()))
            .collect();
        KeySource::new(place, &self.table, &columns, filter)
    }

    /// The query for all keys in any order: grouped and counted if an index alone serves it, else in
    /// physical order.
    pub fn whole(&self, end: &KeySource<'_>) -> KeyQuery {
        if self.ordered && end.indexed() {
            end.counted(&KeyRange::default())
        } else {
            end.unordered()
        }
    }

    /// Opens a session with the primary.
    pub async fn session(&self) -> Result<Session, DbError> {
        self.open(&self.target).await
    }

    /// Opens a session for reading keys, with the replica if there is one.
    pub async fn reading(&self) -> Result<Session, DbError> {
        self.open(self.read_at()).await
    }

    /// The activity for error messages while its keys are read: it names the server.
    pub fn reading_keys(&self) -> &'static str {
        if self.read_replica.is_some() {
            "reading its keys from the replica"
        } else {
            "reading its keys"
        }
    }

    /// The server that its keys are read from.
    pub fn read_at(&self) -> &Target {
        self.read_replica
            .as_ref()
            .map_or(&self.target, |read_replica| &read_replica.target)
    }

    async fn open(&self, target: &Target) -> Result<Session, DbError> {
        let within = self.within.as_deref();
        let mut session = Session::open(target, self.dialect, within, Access::ReadOnly).await?;
        keys::prepare(&mut session).await?;
        Ok(session)
    }

    /// The servers that its keys and confirmations come from, for people.
    pub fn source(&self) -> String {
        let identity = self.identity.as_deref();
        let identity = identity.map(|identity| format!(" {identity}"));
        let role = if self.replica { "replica" } else { "primary" };
        let read_replica = self.read_replica.as_ref();
        let read_replica = read_replica
            .map(|read_replica| format!(", keys from the replica {}", read_replica.target.shown()));
        let (identity, read_replica) = (
            identity.unwrap_or_default(),
            read_replica.unwrap_or_default(),
        );
        format!("{} {role}{identity}{read_replica}", self.database)
    }
}

/// Checks a reference and prepares its endpoints.
pub fn prepare(
    connections: &Connections,
    index: usize,
    reference: &Reference,
) -> Result<Inspected, Broken> {
    let none = |notes| Inspected {
        index,
        notes,
        prepared: None,
    };
    let names = [&reference.from.database, &reference.to.database];
    let [child, parent] = names.map(|name| connections.get(name));
    let child = invariant!(child, some, "the database of each endpoint is open");
    let parent = invariant!(parent, some, "the database of each endpoint is open");
    let from = audit::EndpointSchema {
        schema: &child.schema,
        dialect: child.session.dialect,
    };
    let to = audit::EndpointSchema {
        schema: &parent.schema,
        dialect: parent.session.dialect,
    };
    let mut notes = structure(reference, from, to);
    notes.extend(hidden(reference, &reference.from, child));
    notes.extend(hidden(reference, &reference.to, parent));
    let unique = !notes
        .iter()
        .any(|fault| fault.code == Code::ReferenceNotUnique);
    let is_fatal = |fault: &Diagnostic| {
        !matches!(
            fault.code,
            Code::ReferenceNotUnique | Code::ReferenceNotIndexed | Code::ReferenceInexact
        )
    };
    if notes.iter().any(is_fatal) {
        return Ok(none(notes));
    }
    // A slow or ambiguous reference can still be audited.
    for remark in &mut notes {
        remark.severity = Severity::Note;
    }
    let made = endpoints(reference, child, parent);
    Ok(match made {
        Ok((child, parent)) => Inspected {
            index,
            notes,
            prepared: Some(Arc::new(PreparedReference {
                index,
                reference: reference.clone(),
                child,
                parent,
                unique,
            })),
        },
        Err(why) => {
            let mut fault = Diagnostic::new(Code::ReferenceType, format!("{reference}: {why}"))
                .database(&reference.from.database)
                .hint("set how they are compared with `compare`, or change `where` or `to_where`");
            fault.location.clone_from(&reference.location);
            notes.push(fault);
            none(notes)
        }
    })
}

/// The finding about an end of which the account does not see every row: keys that are only hidden
/// would be orphans, and hidden rows would not be found.
fn hidden(reference: &Reference, names: &ColumnNames, end: &Connected) -> Option<Diagnostic> {
    let mut hidden = end.hidden.iter();
    let hidden = hidden.find(|hidden| hidden.table == names.table)?;
    let message = format!("{reference}: {hidden}");
    let mut fault = Diagnostic::new(Code::HiddenRows, message)
        .database(&names.database)
        .hint(hidden.hint());
    fault.location.clone_from(&reference.location);
    Some(fault)
}

fn endpoints(
    reference: &Reference,
    child: &Connected,
    parent: &Connected,
) -> Result<(Endpoint, Endpoint), String> {
    let mut from = endpoint(child, &reference.from, reference.filter.as_ref())?;
    let mut to = endpoint(parent, &reference.to, reference.to_filter.as_ref())?;
    for (at, (one, other)) in from.columns.iter_mut().zip(&mut to.columns).enumerate() {
        let compare = match reference.compare.get(at) {
            Some(compare) => compare.clone(),
            None => comparison((&one.0, from.dialect), (&other.0, to.dialect))?,
        };
        agree(
            &compare,
            child.session.server.product,
            parent.session.server.product,
        )?;
        one.1 = compare.clone();
        other.1 = compare;
    }
    // Finds out before anything is read whether the queries can be written.
    from.end(None)?;
    to.end(None)?;
    Ok((from, to))
}

fn endpoint(
    connected: &Connected,
    names: &ColumnNames,
    filter: Option<&String>,
) -> Result<Endpoint, String> {
    let missing = || format!("{names} does not exist");
    let table = connected.schema.table(&names.table).ok_or_else(missing)?;
    let columns = names.columns.iter().map(|name| table.column(name));
    let columns: Vec<&Column> = columns.collect::<Option<_>>().ok_or_else(missing)?;
    let condition = filter.map_or("", String::as_str);
    let dialect = connected.session.dialect;
    let (fixed, named) = (
        fixed_columns(dialect, condition),
        named_columns(dialect, condition),
    );
    Ok(Endpoint {
        database: names.database.clone(),
        target: connected.target.clone(),
        dialect: connected.session.dialect,
        within: connected.within.clone(),
        server: connected.session.server.clone(),
        identity: connected.identity.clone(),
        indexed: table
            .keys
            .iter()
            .any(|key| audit::leads(key, &columns, &fixed)),
        ordered: table
            .keys
            .iter()
            .any(|key| audit::leads(key, &columns, &fixed) && audit::covers(key, table, &named)),
        names: row_names(table),
        columns: columns
            .into_iter()
            .map(|column| (column.clone(), Compare::Bytes))
            .collect(),
        table: table.clone(),
        filter: filter.cloned(),
        estimate: Estimate::default(),
        replica: connected.replica,
        has_watermark: false,
        read_replica: None,
    })
}

/// The columns that identify a row: the primary key, else a unique key without NULL.
fn row_names(table: &Table) -> Vec<Column> {
    let columns = |key: &crate::model::schema::Key| -> Option<Vec<Column>> {
        let parts = key.parts.iter().map(|part| {
            let column = part.column.as_deref().and_then(|name| table.column(name));
            column.filter(|_| part.prefix.is_none())
        });
        parts.map(|column| column.cloned()).collect()
    };
    let primary = table.keys.iter().find(|key| key.kind == KeyKind::Primary);
    if let Some(columns) = primary.and_then(columns) {
        return columns;
    }
    let unique = table
        .keys
        .iter()
        .filter(|key| key.kind == KeyKind::Unique && key.filter.is_none());
    let mut unique = unique.filter_map(columns);
    let full = unique.find(|columns| columns.iter().all(|column| !column.nullable));
    full.unwrap_or_default()
}
