//! The DDL of SQLite as data, parsed from the statements that `sqlite_schema` keeps.

pub(super) mod constraint;
pub(super) mod keywords;
pub(super) mod object;
pub(super) mod table;
pub(super) mod tokens;
pub(super) mod virtual_table;
