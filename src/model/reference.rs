//! The reference: a foreign key that crosses databases, which no engine can enforce.

use super::diagnostic::{Location, Severity};
use super::name::ColumnName;

/// One entry of `[[references]]`: every value of `from` must exist in `to`.
#[derive(Debug, Clone, PartialEq)]
pub struct Reference {
    /// The child: `twitter.messages.author_id`.
    pub from: ColumnName,
    /// The parent: `ums.users.id`.
    pub to: ColumnName,
    /// Only child rows that satisfy this SQL condition count.
    pub filter: Option<String>,
    /// Only parent rows that satisfy this SQL condition count.
    pub to_filter: Option<String>,
    /// Whether a NULL child is fine (`allow`, the default) or an orphan (`orphan`).
    pub null: Option<String>,
    /// How keys are compared, where their types differ.
    pub compare: Option<String>,
    pub severity: Severity,
    /// So many orphans are tolerated.
    pub max_orphans: u64,
    /// Where it is declared.
    pub location: Option<Location>,
}
