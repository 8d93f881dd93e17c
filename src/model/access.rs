//! Access: who owns the objects of a schema, and what other accounts may do with them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::schema::Id;

/// The access to the objects of a schema. It is not compared: it is given back where an object is
/// dropped and created again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchemaAccess {
    /// Whether it is what the database says in which statements will run. Otherwise somebody may have
    /// given access that is not known here.
    pub is_live: bool,
    /// Why the account cannot read all of it.
    pub unread: Option<String>,
    /// The account that read it, to which new objects belong.
    pub account: String,
    /// By object. One that is missing belongs to the account and has the engine's usual grants.
    #[serde(with = "pairs")]
    pub objects: BTreeMap<Id, Access>,
    /// The grants that come with a new object, by their kind.
    pub usual: BTreeMap<GrantKind, BTreeSet<Grant>>,
    /// The grants that the account's default privileges give to a new object, where it has some.
    pub defaults: BTreeMap<GrantKind, BTreeSet<Grant>>,
}

/// The access to one object.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// `None` for the account that read it.
    pub owner: Option<String>,
    /// Why the account cannot make this owner the owner again.
    pub lost_owner: Option<String>,
    /// Why the account cannot give its grants again.
    pub lost_grants: Option<String>,
    /// `None` for the usual grants.
    pub grants: Option<BTreeSet<Grant>>,
}

/// A privilege that somebody has.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Grant {
    pub grantee: Grantee,
    pub privilege: String,
    /// Whether the grantee may grant it to others.
    pub grantable: bool,
    /// Who granted it; `None` for the owner.
    pub by: Option<String>,
}

/// Who has a privilege.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Grantee {
    Owner,
    Everyone,
    Account(String),
}

/// The kinds of objects that have privileges of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum GrantKind {
    /// Tables and views.
    Relation,
    Column,
    Sequence,
    Routine,
    Type,
}

impl SchemaAccess {
    /// The grants of an object, the usual ones included.
    pub fn grants_of(&self, access: &Access, kind: GrantKind) -> BTreeSet<Grant> {
        let usual = || self.usual.get(&kind).cloned().unwrap_or_default();
        access.grants.clone().unwrap_or_else(usual)
    }
}

/// Grants without those who granted them.
pub fn without_grantors(grants: BTreeSet<Grant>) -> BTreeSet<Grant> {
    let grants = grants.into_iter();
    grants.map(|grant| Grant { by: None, ..grant }).collect()
}

/// Writes a map as a list of pairs: JSON has only texts as keys.
mod pairs {
    use std::collections::BTreeMap;

    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    use super::{Access, Id};

    pub fn serialize<S: Serializer>(
        map: &BTreeMap<Id, Access>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        map.iter().collect::<Vec<_>>().serialize(serializer)
    }

    pub fn deserialize<'d, D: Deserializer<'d>>(
        deserializer: D,
    ) -> Result<BTreeMap<Id, Access>, D::Error> {
        let pairs = Vec::<(Id, Access)>::deserialize(deserializer)?;
        Ok(pairs.into_iter().collect())
    }
}
