//! The schema: every object of one database, as data.
//!
//! What an engine tells in several spellings stands here in one, chosen on the way in by
//! `dialect::Catalog`: two parts are the same exactly when they are equal. What makes no
//! difference stands in an [`NotCompared`].

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::access::SchemaAccess;

/// Words that an engine says of a thing, by their names: `engine` is `InnoDB`.
pub type Options = BTreeMap<String, String>;

/// The JSON Schema of [`Schema`] as JSON, generated from the types of this file.
pub const JSON_SCHEMA: &str = include_str!("../../docs/inspect.schema.json");

/// All objects of one database.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Schema {
    /// What holds for the database as a whole, such as the collation of new tables.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: Options,
    /// By name.
    pub tables: Vec<Table>,
    /// Everything that is not a table, by kind and name.
    pub objects: Vec<Object>,
    /// What bird does not understand: never silently equal.
    #[serde(rename = "strangers", default, skip_serializing_if = "Vec::is_empty")]
    pub opaque_objects: Vec<OpaqueObject>,
    /// The options that objects have which do not state them: those of the session that read the
    /// schema, such as the account that is the definer.
    #[serde(skip)]
    pub unstated: NotCompared<Options>,
    /// Who owns the objects, and who may do what with them.
    #[serde(skip)]
    pub access: NotCompared<SchemaAccess>,
}

/// A table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Table {
    pub name: String,
    /// In the order of the table.
    pub columns: Vec<Column>,
    /// Primary key, unique keys, exclusions and indexes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<Key>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub foreign_keys: Vec<ForeignKey>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<Check>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub options: Options,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partitions: Option<Partitions>,
    /// The tables that it inherits from or is a partition of, and for a partition its bound.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parents: Vec<Parent>,
    /// What of its definition bird does not understand, as the server prints it.
    #[serde(rename = "strange", default, skip_serializing_if = "Vec::is_empty")]
    pub opaque_clauses: Vec<String>,
    /// What it is built upon beside the tables of its foreign keys and its parents.
    #[serde(default, skip_serializing_if = "NotCompared::is_default")]
    pub needs: NotCompared<Vec<Id>>,
    /// Its definition as the engine prints it, where it does.
    #[serde(
        rename = "printed",
        default,
        skip_serializing_if = "NotCompared::is_default"
    )]
    pub create_statement: NotCompared<String>,
}

/// A column.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Column {
    pub name: String,
    /// The type as SQL, in the engine's own spelling: `varchar(100)`.
    #[serde(rename = "type")]
    pub sql: String,
    /// What the type means, across engines.
    pub family: Family,
    pub nullable: bool,
    /// The default as SQL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generated: Option<Generated>,
    /// How the engine numbers its rows: `AUTO_INCREMENT`, `GENERATED ALWAYS AS IDENTITY`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collation: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub options: Options,
    /// What it is built upon beside the columns of its table.
    #[serde(default, skip_serializing_if = "NotCompared::is_default")]
    pub needs: NotCompared<Vec<Id>>,
    /// What the name of its type does not say about its values as keys.
    #[serde(skip)]
    pub key_type: NotCompared<KeyType>,
}

/// What the name of a column's type does not say about its values as keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyType {
    /// The type below a domain; `enum` for an enumerated type.
    pub base: Option<String>,
    /// The collation that makes values equal whose bytes differ.
    pub collation: Option<String>,
}

/// How a generated column comes to its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Generated {
    pub expression: String,
    /// Stored with the row, or worked out when it is read.
    pub stored: bool,
}

/// What a column's type means, across engines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// Characters.
    Text,
    /// Bytes; 16 of them can hold a UUID.
    Binary,
    Uuid,
    Bool,
    /// Whole numbers of any width.
    Integer,
    /// Other numbers, times and all the rest: the engine itself compares them.
    #[default]
    Other,
}

/// A primary key, a unique key, an exclusion or an index.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Key {
    pub name: String,
    /// Whether a person chose the name; else the engine did, and it says nothing.
    pub named: bool,
    pub kind: KeyKind,
    /// Made as a constraint of the table, where the engine tells that from an index.
    pub constraint: bool,
    pub parts: Vec<KeyPart>,
    /// Columns that are stored with the key and no part of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub include: Vec<String>,
    /// The condition of a partial index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// `BTREE`, `HASH`, `gin`; none where it is the usual one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub options: Options,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// What it is built upon beside the columns of its table.
    #[serde(default, skip_serializing_if = "NotCompared::is_default")]
    pub needs: NotCompared<Vec<Id>>,
    /// The statement that made it as a person wrote it, where the engine keeps that.
    #[serde(
        rename = "printed",
        default,
        skip_serializing_if = "NotCompared::is_default"
    )]
    pub create_statement: NotCompared<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum KeyKind {
    Primary,
    Unique,
    #[default]
    Index,
    Fulltext,
    Spatial,
    Exclusion,
}

/// One part of a key: a column or an expression.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct KeyPart {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expression: Option<String>,
    /// The number of characters or bytes of the column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<u32>,
    #[serde(default)]
    pub descending: bool,
    /// Collation, operator class, the place of NULL, the operator of an exclusion.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub options: Options,
}

/// A foreign key within the database, or to another one of the same server.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ForeignKey {
    pub name: String,
    /// Whether a person chose the name.
    pub named: bool,
    pub columns: Vec<String>,
    /// The table that it points to, as this database calls it.
    pub to: String,
    /// Empty where the engine takes the primary key of `to`.
    pub to_columns: Vec<String>,
    /// `NO ACTION` and `RESTRICT` are one word where they are one thing.
    pub on_delete: String,
    pub on_update: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub options: Options,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// A check of a table or of a column.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Check {
    pub name: String,
    /// Whether a person chose the name.
    pub named: bool,
    pub expression: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub options: Options,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// What it is built upon beside the columns of its table.
    #[serde(default, skip_serializing_if = "NotCompared::is_default")]
    pub needs: NotCompared<Vec<Id>>,
}

/// How a table's rows are spread.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Partitions {
    /// `RANGE (year(born))`.
    pub by: String,
    /// Where they belong to the table's definition, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Partition>,
}

/// One partition.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Partition {
    pub name: String,
    /// What it holds and how, as SQL: `VALUES LESS THAN (10)`.
    pub sql: String,
}

/// A table that another one inherits from or is a partition of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Parent {
    pub table: String,
    /// The bound of a partition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bound: Option<String>,
}

/// Anything but a table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Object {
    pub kind: Kind,
    /// With the types of its arguments, where several routines may share a name.
    pub name: String,
    /// The table that it belongs to, such as a trigger's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// The statement that makes it, in one spelling.
    pub sql: String,
    /// The labels of an enum, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// The attributes of a composite type.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<Column>,
    /// The checks of a domain.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<Check>,
    /// The indexes of a materialized view.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<Key>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub options: Options,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// What it is built upon.
    #[serde(default, skip_serializing_if = "NotCompared::is_default")]
    pub needs: NotCompared<Vec<Id>>,
    /// Its definition as a person wrote it, where the engine keeps that.
    #[serde(
        rename = "printed",
        default,
        skip_serializing_if = "NotCompared::is_default"
    )]
    pub create_statement: NotCompared<String>,
}

/// The kinds of objects, in the order in which they are listed.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    Extension,
    Collation,
    Enum,
    Domain,
    Composite,
    Range,
    Sequence,
    #[default]
    Table,
    View,
    MaterializedView,
    Function,
    Procedure,
    Aggregate,
    Operator,
    Trigger,
    Rule,
    Policy,
    Statistics,
    Event,
    Grant,
    /// A part of a table that something else is built upon; never an object of its own.
    Column,
    /// As well.
    Key,
    /// What bird does not understand; its name says what it is.
    #[serde(rename = "stranger")]
    Opaque,
}

/// The name of an object within its database.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Id {
    pub kind: Kind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    pub name: String,
}

/// Something that is there and that bird does not understand.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "Stranger"))]
pub struct OpaqueObject {
    /// What it is and what it is called, in words: `text search dictionary simple_de`.
    pub what: String,
    /// What the server tells of it, so that two can be compared.
    #[serde(rename = "printed")]
    pub definition: String,
}

/// Something worth knowing that makes no difference: it equals every other.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(transparent)]
#[cfg_attr(test, schemars(rename = "Aside"))]
pub struct NotCompared<T>(pub T);

impl<T> PartialEq for NotCompared<T> {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl<T> Eq for NotCompared<T> {}

impl<T: Default + PartialEq> NotCompared<T> {
    fn is_default(&self) -> bool {
        self.0 == T::default()
    }
}

impl Schema {
    pub fn table(&self, name: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.name == name)
    }

    pub fn object(&self, id: &Id) -> Option<&Object> {
        let mut objects = self.objects.iter();
        objects.find(|object| {
            object.kind == id.kind && object.name == id.name && object.table == id.table
        })
    }

    /// Brings everything into the order in which it is listed.
    pub fn sort(&mut self) {
        self.tables.sort_by(|a, b| a.name.cmp(&b.name));
        self.objects.sort_by_key(Object::id);
        self.opaque_objects.sort();
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.tables.is_empty() && self.objects.is_empty() && self.opaque_objects.is_empty()
    }
}

impl Table {
    pub fn id(&self) -> Id {
        Id::table(&self.name)
    }

    /// The columns of the primary key, in its order.
    pub fn primary_key(&self) -> Vec<&Column> {
        let key = self.keys.iter().find(|key| key.kind == KeyKind::Primary);
        let parts = key.map_or(&[][..], |key| &key.parts).iter();
        parts
            .filter_map(|part| self.column(part.column.as_deref()?))
            .collect()
    }

    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Whether a column belongs to the primary key.
    pub fn is_key(&self, column: &str) -> bool {
        self.primary_key().iter().any(|key| key.name == column)
    }
}

impl Object {
    pub fn id(&self) -> Id {
        Id {
            kind: self.kind,
            table: self.table.clone(),
            name: self.name.clone(),
        }
    }
}

impl Id {
    pub fn table(name: &str) -> Id {
        Id::new(Kind::Table, name)
    }

    pub fn new(kind: Kind, name: &str) -> Id {
        Id {
            kind,
            table: None,
            name: name.to_owned(),
        }
    }
}

impl Kind {
    /// As it is said in a sentence.
    pub fn noun(self) -> &'static str {
        match self {
            Kind::Extension => "extension",
            Kind::Collation => "collation",
            Kind::Enum => "enum",
            Kind::Domain => "domain",
            Kind::Composite => "composite type",
            Kind::Range => "range type",
            Kind::Sequence => "sequence",
            Kind::Table => "table",
            Kind::View => "view",
            Kind::MaterializedView => "materialized view",
            Kind::Function => "function",
            Kind::Procedure => "procedure",
            Kind::Aggregate => "aggregate",
            Kind::Operator => "operator",
            Kind::Trigger => "trigger",
            Kind::Rule => "rule",
            Kind::Policy => "policy",
            Kind::Statistics => "statistics",
            Kind::Event => "event",
            Kind::Grant => "grant",
            Kind::Opaque => "stranger",
            Kind::Column => "column",
            Kind::Key => "key",
        }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Opaque => f.write_str(&self.name)?,
            kind => write!(f, "{} {}", kind.noun(), self.name)?,
        }
        match &self.table {
            Some(table) => write!(f, " on {table}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `docs/inspect.schema.json` is generated from the types; UPDATE=1 writes it.
    #[test]
    fn the_json_schema_is_as_published() {
        let path =
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/inspect.schema.json");
        let schema = schemars::schema_for!(Schema);
        let generated = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&path, &generated).unwrap();
        }
        let published = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            published == generated,
            "UPDATE=1 cargo test --lib json_schema renews {}",
            path.display()
        );
    }
}
