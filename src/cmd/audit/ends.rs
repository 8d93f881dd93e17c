//! Both ends of every reference, looked at before a key is read: where they are, what they are,
//! how they compare.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::{Context, open};
use super::Args;
use super::replicas::Reader;
use crate::audit::{self, structure};
use crate::db::inspect;
use crate::db::keys;
use crate::db::session::{Access, DbError, Session};
use crate::dialect::Dialect;
use crate::dialect::keys::{Asked, End, Estimate, Place, Range, Replication, agree, comparison};
use crate::model::diagnostic::{Diagnostic, Failure, Severity};
use crate::model::key::Compare;
use crate::model::name::{ColumnNames, did_you_mean};
use crate::model::reference::Reference;
use crate::model::schema::{Column, KeyKind, Schema, Table};
use crate::model::server::Server;
use crate::model::target::Target;
use crate::project::Database;

/// A database that is looked at.
pub struct Visited {
    /// Open for further questions, until keys are read in sessions of their own.
    pub session: Session,
    pub schema: Schema,
    /// Which server it is, where the engine tells.
    pub identity: Option<String>,
    /// Why its answers may be old: it is a replica.
    pub replica: bool,
}

/// The databases that have an end, by their names.
pub type Visits = BTreeMap<String, Visited>;

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
        match self.unique {
            true => end.ordered(range),
            false => end.distinct(range),
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
        match self.reader.is_some() {
            true => "reading its keys from the replica",
            false => "reading its keys",
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

/// The references of this run: those that were named, else those with an end in a selected
/// database.
pub fn wanted<'p>(
    context: &'p Context,
    args: &Args,
) -> Result<Vec<(usize, &'p Reference)>, Failure> {
    let all = || context.project.references.iter().enumerate();
    let is_named = |name: &str, reference: &Reference| {
        name == reference.from.to_string() || name == reference.to_string()
    };
    for name in &args.references {
        if !all().any(|(_, reference)| is_named(name, reference)) {
            let names: Vec<String> = all().map(|(_, one)| one.from.to_string()).collect();
            let fault = Diagnostic::error("usage", format!("no reference `{name}` is declared"));
            let hint = did_you_mean(name, names.iter().map(String::as_str));
            let hint = hint.unwrap_or_else(|| format!("the references are {}", names.join(", ")));
            return Err(Failure::failed(fault.hint(hint)));
        }
    }
    let selected = |reference: &Reference| {
        let ends = [&reference.from.database, &reference.to.database];
        let mut databases = ends
            .iter()
            .filter_map(|name| context.project.database(name));
        databases.any(|database| database.selected)
    };
    let wanted = all().filter(|(_, reference)| match args.references.as_slice() {
        [] => selected(reference),
        names => names.iter().any(|name| is_named(name, reference)),
    });
    Ok(wanted.collect())
}

/// Opens every database that has an end, and looks at it, all at once.
pub async fn visit(
    context: &Context,
    args: &Args,
    references: &[(usize, &Reference)],
) -> Result<Visits, Failure> {
    let ends = references
        .iter()
        .flat_map(|(_, reference)| [&reference.from.database, &reference.to.database]);
    let mut names: Vec<&String> = ends.collect();
    names.sort();
    names.dedup();
    let looking = names.into_iter().map(|name| async move {
        let Some(database) = context.project.database(name) else {
            let message = format!("the database `{name}` of a reference cannot be reached");
            return Err(Failure::failed(Diagnostic::error("config", message)));
        };
        let visited = look(context, args, database).await?;
        Ok((name.clone(), visited))
    });
    let visits = Failure::collect(futures_util::future::join_all(looking).await)?;
    Ok(visits.into_iter().collect())
}

/// Nothing more is asked of these databases before their keys are read.
pub async fn leave(visits: Visits) {
    for (_, visited) in visits {
        visited.session.close().await;
    }
}

async fn look(context: &Context, args: &Args, database: &Database) -> Result<Visited, Failure> {
    let cannot_open = |error| Failure::failed(open::cannot_open(database, &error));
    if open::is_absent_file(database) {
        let message = format!("the database `{}` does not exist", database.name);
        let fault = Diagnostic::error("no-database", message).database(&database.name);
        return Err(Failure::failed(fault.hint("bird up makes it")));
    }
    let session = open::session(context, database, Access::Look, args.connect.wait).await;
    let mut session = session.map_err(cannot_open)?;
    let asking = async {
        let schema = inspect::schema(&mut session, database.target.database()).await?;
        let identity = keys::identity(&mut session).await?;
        let standing = keys::replication(&mut session).await?;
        let replica = matches!(standing, Replication::Replica(_));
        keys::prepare(&mut session).await?;
        Ok((schema, identity, replica))
    };
    let asked: Result<_, DbError> = asking.await;
    let (schema, identity, replica) = asked.map_err(|error| {
        Failure::failed(open::cannot_ask(database, "looking at its tables", &error))
    })?;
    Ok(Visited {
        session,
        schema,
        identity,
        replica,
    })
}

/// What is wrong with a reference, and its ends where they can be read.
pub fn prepare(context: &Context, visits: &Visits, index: usize, reference: &Reference) -> Looked {
    let none = |remarks| Looked {
        index,
        remarks,
        prepared: None,
    };
    let names = [&reference.from.database, &reference.to.database];
    let [from, to] = names.map(|name| visits.get(name).zip(context.project.database(name)));
    let (Some((ours, child)), Some((theirs, parent))) = (from, to) else {
        return none(Vec::new());
    };
    let from = audit::End {
        schema: &ours.schema,
        dialect: child.dialect,
    };
    let to = audit::End {
        schema: &theirs.schema,
        dialect: parent.dialect,
    };
    let mut remarks = structure(reference, from, to);
    let unique = !remarks
        .iter()
        .any(|fault| fault.code == "reference-not-unique");
    let is_fatal = |fault: &Diagnostic| {
        !matches!(fault.code, "reference-not-unique" | "reference-not-indexed")
    };
    if remarks.iter().any(is_fatal) {
        return none(remarks);
    }
    // What slows an audit down or makes a reference loose is no orphan.
    for remark in &mut remarks {
        remark.severity = Severity::Note;
    }
    let made = sides(reference, (ours, child), (theirs, parent));
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
            let mut fault = Diagnostic::error("reference-type", format!("{reference}: {why}"))
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
    (ours, child): (&Visited, &Database),
    (theirs, parent): (&Visited, &Database),
) -> Result<(Side, Side), String> {
    let mut from = side(ours, child, &reference.from, reference.filter.as_ref())?;
    let mut to = side(theirs, parent, &reference.to, reference.to_filter.as_ref())?;
    for (at, (one, other)) in from.columns.iter_mut().zip(&mut to.columns).enumerate() {
        let compare = match reference.compare.get(at) {
            Some(compare) => compare.clone(),
            None => comparison((&one.0, child.dialect), (&other.0, parent.dialect))?,
        };
        agree(
            &compare,
            ours.session.server.product,
            theirs.session.server.product,
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
    visited: &Visited,
    database: &Database,
    names: &ColumnNames,
    filter: Option<&String>,
) -> Result<Side, String> {
    let missing = || format!("{names} is not there");
    let table = visited.schema.table(&names.table).ok_or_else(missing)?;
    let columns = names.columns.iter().map(|name| table.column(name));
    let columns: Vec<&Column> = columns.collect::<Option<_>>().ok_or_else(missing)?;
    Ok(Side {
        database: database.name.clone(),
        target: database.target.clone(),
        dialect: database.dialect,
        within: database.schema.clone(),
        server: visited.session.server.clone(),
        identity: visited.identity.clone(),
        indexed: table.keys.iter().any(|key| audit::leads(key, &columns)),
        names: row_names(table),
        columns: columns
            .into_iter()
            .map(|column| (column.clone(), Compare::Bytes))
            .collect(),
        table: table.clone(),
        filter: filter.cloned(),
        estimate: Estimate::default(),
        replica: visited.replica,
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
