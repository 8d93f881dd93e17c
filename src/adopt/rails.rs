//! Ruby on Rails: dbmate's table, with another one beside it.

use super::{Ask, Tool, dbmate};

/// The table that Rails alone has.
pub const BESIDE: &str = "ar_internal_metadata";

pub static TOOL: Tool = Tool {
    name: "rails",
    tables: &["schema_migrations"],
    columns: &[("version", Ask::Text)],
    never: Some("dirty"),
    beside: Some((BESIDE, true)),
    order: &["version"],
    read: dbmate::read,
    is_unchanged: None,
    step: None,
    way_back: None,
};
