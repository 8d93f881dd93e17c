//! The orphan: a row whose reference has no parent.

use serde::{Deserialize, Serialize};

/// One orphan row that was confirmed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Orphan {
    /// The place of its reference among the project's.
    pub reference: usize,
    /// What the row refers to, column by column, as [`crate::model::key::describe`] writes it; `None`
    /// for a NULL.
    pub key: Vec<Option<String>>,
    /// What names the row: its primary key, column by column, as text; empty where the table has
    /// nothing that names a row.
    pub row: Vec<(String, String)>,
    /// There is such a parent, but `to_where` does not count it.
    pub hidden: bool,
}
