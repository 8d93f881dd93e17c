//! Both ends of every reference, looked at before a key is read: where they are, what they are,
//! how they compare.

use crate::model::code::Code;
use std::sync::Arc;

use super::connections::{Connected, Connections};
use super::replica::Reader;
use crate::audit::{self, structure};
use crate::db::keys;
use crate::db::session::{Access, DbError, Session};
use crate::dialect::Dialect;
use crate::dialect::keys::{Asked, End, Estimate, Place, Range, agree, comparison};
use crate::model::diagnostic::{Diagnostic, Severity};
use crate::model::key::Compare;
use crate::model::name::ColumnNames;
use crate::model::reference::Reference;
use crate::model::schema::{Column, KeyKind, Table};
use crate::model::server::Server;
use crate::model::target::Target;

/// One end of a reference, with all that a thread of its own needs to ask for its keys.
#[derive(Clone)]
pub struct Side {
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
    /// What names a row; empty where nothing does.
    pub names: Vec<Column>,
    pub estimate: Estimate,
    /// Whether an index begins with the columns.
    pub indexed: bool,
    pub replica: bool,
    /// A watermark leaves few of its rows.
    pub marked: bool,
    /// Where its keys are read from, where that is not the primary.
    pub reader: Option<Reader>,
}

/// A reference that can be audited.
#[derive(Clone)]
pub struct Prepared {
    /// Its place among the project's references.
    pub index: usize,
    pub reference: Reference,
    pub child: Side,
    pub parent: Side,
    /// Whether each key of the parents stands once.
    pub unique: bool,
}

impl Prepared {
    /// What is asked of the parents for their keys in order, each once.
    pub fn parents(&self, end: &End<'_>, range: &Range) -> Asked {
        if self.unique {
            end.ordered(range)
        } else {
            end.distinct(range)
        }
    }
}

/// A reference, and what is to be said of it before its keys are read.
pub struct Looked {
    pub index: usize,
    pub remarks: Vec<Diagnostic>,
    /// Nothing where it cannot be audited; the remarks say why.
    pub prepared: Option<Arc<Prepared>>,
}

impl Side {
    /// The end as a dialect asks for it; `database` qualifies its table.
    pub fn end<'s>(&'s self, database: Option<&'s str>) -> Result<End<'s>, String> {
        self.filtered(database, self.filter.as_deref())
    }

    /// The end with another condition, or with none.
    pub fn filtered<'s>(
        &'s self,
        database: Option<&'s str>,
        filter: Option<&str>,
    ) -> Result<End<'s>, String> {
        let place = Place {
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
        End::new(place, &self.table, &columns, filter)
    }

    /// What is asked for all keys in whatever order: counted, where an index alone gives them; else
    /// as they lie.
    pub fn whole(&self, end: &End<'_>) -> Asked {
        if self.indexed && end.indexed() && self.filter.is_none() {
            end.counted(&Range::default())
        } else {
            end.unordered()
        }
    }

    /// A session with the primary.
    pub async fn session(&self) -> Result<Session, DbError> {
        self.open(&self.target).await
    }

    /// A session in which keys are read, which may be one with a replica.
    pub async fn reading(&self) -> Result<Session, DbError> {
        self.open(self.read_at()).await
    }

    /// What is being done while its keys are read, for whoever must know which server failed.
    pub fn reading_keys(&self) -> &'static str {
        if self.reader.is_some() {
            "reading its keys from the replica"
        } else {
            "reading its keys"
        }
    }

    /// Where its keys are read.
    pub fn read_at(&self) -> &Target {
        self.reader
            .as_ref()
            .map_or(&self.target, |reader| &reader.target)
    }

    async fn open(&self, target: &Target) -> Result<Session, DbError> {
        let within = self.within.as_deref();
        let mut session = Session::open(target, self.dialect, within, Access::Look).await?;
        keys::prepare(&mut session).await?;
        Ok(session)
    }

    /// Where its answers come from, in words.
    pub fn source(&self) -> String {
        let identity = self.identity.as_deref();
        let identity = identity.map(|identity| format!(" {identity}"));
        let role = if self.replica { "replica" } else { "primary" };
        let reader = self.reader.as_ref();
        let reader =
            reader.map(|reader| format!(", keys from the replica {}", reader.target.shown()));
        let (identity, reader) = (identity.unwrap_or_default(), reader.unwrap_or_default());
        format!("{} {role}{identity}{reader}", self.database)
    }
}

/// What is wrong with a reference, and its ends where they can be read.
pub fn prepare(connections: &Connections, index: usize, reference: &Reference) -> Looked {
    let none = |remarks| Looked {
        index,
        remarks,
        prepared: None,
    };
    let names = [&reference.from.database, &reference.to.database];
    let [Some(child), Some(parent)] = names.map(|name| connections.get(name)) else {
        return none(Vec::new());
    };
    let from = audit::End {
        schema: &child.schema,
        dialect: child.session.dialect,
    };
    let to = audit::End {
        schema: &parent.schema,
        dialect: parent.session.dialect,
    };
    let mut remarks = structure(reference, from, to);
    let unique = !remarks
        .iter()
        .any(|fault| fault.code == Code::ReferenceNotUnique);
    let is_fatal = |fault: &Diagnostic| {
        !matches!(
            fault.code,
            Code::ReferenceNotUnique | Code::ReferenceNotIndexed
        )
    };
    if remarks.iter().any(is_fatal) {
        return none(remarks);
    }
    // What slows an audit down or makes a reference loose is no orphan.
    for remark in &mut remarks {
        remark.severity = Severity::Note;
    }
    let made = sides(reference, child, parent);
    match made {
        Ok((child, parent)) => Looked {
            index,
            remarks,
            prepared: Some(Arc::new(Prepared {
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
                .hint("say how they are compared with `compare`, or change `where` or `to_where`");
            fault.location.clone_from(&reference.location);
            remarks.push(fault);
            none(remarks)
        }
    }
}

fn sides(
    reference: &Reference,
    child: &Connected,
    parent: &Connected,
) -> Result<(Side, Side), String> {
    let mut from = side(child, &reference.from, reference.filter.as_ref())?;
    let mut to = side(parent, &reference.to, reference.to_filter.as_ref())?;
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
    // Whatever cannot be asked for is known before anything is read.
    from.end(None)?;
    to.end(None)?;
    Ok((from, to))
}

fn side(
    connected: &Connected,
    names: &ColumnNames,
    filter: Option<&String>,
) -> Result<Side, String> {
    let missing = || format!("{names} is not there");
    let table = connected.schema.table(&names.table).ok_or_else(missing)?;
    let columns = names.columns.iter().map(|name| table.column(name));
    let columns: Vec<&Column> = columns.collect::<Option<_>>().ok_or_else(missing)?;
    Ok(Side {
        database: names.database.clone(),
        target: connected.target.clone(),
        dialect: connected.session.dialect,
        within: connected.within.clone(),
        server: connected.session.server.clone(),
        identity: connected.identity.clone(),
        indexed: table.keys.iter().any(|key| audit::leads(key, &columns)),
        names: row_names(table),
        columns: columns
            .into_iter()
            .map(|column| (column.clone(), Compare::Bytes))
            .collect(),
        table: table.clone(),
        filter: filter.cloned(),
        estimate: Estimate::default(),
        replica: connected.replica,
        marked: false,
        reader: None,
    })
}

/// The columns that name a row: the primary key, else a unique key without NULL.
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
