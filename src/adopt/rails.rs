//! Ruby on Rails: dbmate's table, with a companion table.

use super::{Ask, Tool, dbmate};

pub static TOOL: Tool = Tool {
    name: "rails",
    tables: &["schema_migrations"],
    columns: &[("version", Ask::Text)],
    absent_column: Some("dirty"),
    companion_table: Some((dbmate::RAILS_COMPANION_TABLE, true)),
    order: &["version"],
    read: dbmate::read,
    is_unchanged: None,
    step: None,
    down_marker: None,
};
