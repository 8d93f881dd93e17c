//! The change: one difference between two schemas, and the statements that make it.

use serde::Serialize;

use super::access::{Access, GrantKind};
use super::schema::{
    Check, Column, ForeignKey, Id, Key, Object, OpaqueObject, Parent, Partitions, Schema,
};

/// Old and new.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Pair<T> {
    pub from: T,
    pub to: T,
}

/// What leads from one schema to another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Difference {
    /// By object, in the order in which schemas list them.
    pub changes: Vec<Change>,
    /// What differs and is no difference, such as an order of columns that the engine cannot
    /// change.
    pub remarks: Vec<Change>,
}

/// One object that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It is in the new schema alone.
    Create(Id),
    /// It is in the old schema alone.
    Drop(Id),
    /// A table that is in both.
    Alter { table: String, alters: Vec<Alter> },
    /// Something else that is in both.
    Replace(Box<Pair<Object>>),
    /// Something of the database as a whole.
    Setting {
        name: String,
        value: Pair<Option<String>>,
    },
    /// Something that bird does not understand.
    Opaque(Pair<Option<OpaqueObject>>),
}

/// One difference within a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Alter {
    AddColumn(Box<Column>),
    DropColumn(Box<Column>),
    ModifyColumn(Box<Pair<Column>>),
    /// The columns that both have stand in another order.
    MoveColumns(Pair<Vec<String>>),
    AddKey(Key),
    DropKey(Key),
    ModifyKey(Box<Pair<Key>>),
    /// The same key under another name.
    RenameKey(Box<Pair<Key>>),
    AddForeignKey(ForeignKey),
    DropForeignKey(ForeignKey),
    ModifyForeignKey(Box<Pair<ForeignKey>>),
    AddCheck(Check),
    DropCheck(Check),
    ModifyCheck(Box<Pair<Check>>),
    Option {
        name: String,
        value: Pair<Option<String>>,
    },
    Comment(Pair<Option<String>>),
    Partitions(Box<Pair<Option<Partitions>>>),
    Parents(Pair<Vec<Parent>>),
    /// What bird does not understand of the table.
    Opaque(Pair<Vec<String>>),
}

/// One name of a table, a column or another object that became another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Renamed {
    /// `users`, or `users.nick`.
    pub from: String,
    /// With as many parts.
    pub to: String,
}

/// The statements of some changes, in an order that works.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ddl {
    pub steps: Vec<DdlStep>,
    /// The changes that bird cannot make.
    pub unsupported: Vec<Unsupported>,
    /// What the statements give back to objects that they drop and create again.
    pub given_back: Vec<GivenBack>,
}

/// The access that an object has after the statements, because it had it before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenBack {
    pub about: Id,
    pub kind: Option<GrantKind>,
    pub access: Access,
}

/// One statement and what it risks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DdlStep {
    /// Without a terminator.
    pub sql: String,
    /// What it changes.
    pub about: Id,
    pub risks: Vec<Risk>,
    /// It cannot run inside a transaction.
    pub alone: bool,
    /// It gives an object its owner or its grants back.
    pub gives_back: bool,
}

/// What a statement risks, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Risk {
    pub hazard: Hazard,
    pub why: String,
}

/// The kinds of risk, the most severe first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hazard {
    /// Rows or values are gone, and nothing brings them back.
    DataLoss,
    /// Somebody may do less, or more, with the object than before.
    GrantsLost,
    /// It depends on the rows whether it can be done.
    MayFail,
    /// All rows are written anew.
    Rewrite,
    /// Readers or writers wait meanwhile.
    Lock,
}

/// A change that bird cannot make, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unsupported {
    #[serde(serialize_with = "as_text")]
    pub about: Id,
    pub why: String,
}

fn as_text<S: serde::Serializer>(id: &Id, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(id)
}

impl<T> Pair<T> {
    pub fn new(from: T, to: T) -> Self {
        Pair { from, to }
    }

    pub fn as_ref(&self) -> Pair<&T> {
        Pair {
            from: &self.from,
            to: &self.to,
        }
    }
}

impl Difference {
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}

impl Change {
    /// What differs.
    pub fn about(&self) -> String {
        match self {
            Change::Create(id) | Change::Drop(id) => id.to_string(),
            Change::Alter { table, .. } => Id::table(table).to_string(),
            Change::Replace(pair) => pair.to.id().to_string(),
            Change::Setting { name, .. } => format!("setting {name}"),
            Change::Opaque(pair) => {
                let opaque = pair.to.as_ref().or(pair.from.as_ref());
                opaque.map_or_else(String::new, |opaque| opaque.what.clone())
            }
        }
    }
}

impl DdlStep {
    pub fn new(about: Id, sql: impl Into<String>) -> Self {
        DdlStep {
            sql: sql.into(),
            about,
            risks: Vec::new(),
            alone: false,
            gives_back: false,
        }
    }

    pub fn risk(mut self, hazard: Hazard, why: impl Into<String>) -> Self {
        self.risks.push(Risk {
            hazard,
            why: why.into(),
        });
        self
    }
}

impl Hazard {
    /// As it is named in reports.
    pub fn name(self) -> &'static str {
        match self {
            Hazard::DataLoss => "data-loss",
            Hazard::GrantsLost => "grants-lost",
            Hazard::MayFail => "may-fail",
            Hazard::Rewrite => "rewrite",
            Hazard::Lock => "lock",
        }
    }
}

/// A schema with nothing in it and the settings of another, as a scratch database for it has.
pub fn nothing_like(schema: &Schema) -> Schema {
    let mut settings = schema.settings.clone();
    // A new database has the collation of its like, and no comment.
    settings.remove("comment");
    Schema {
        settings,
        ..Schema::default()
    }
}
