//! The DDL of tables of MySQL and MariaDB as data: one parser for what a statement says and for
//! what SHOW CREATE TABLE prints, one model for the catalog and for recovery.
//!
//! The model keeps the code as it is written: names in their letter case, expressions as tokens.
//! The catalog turns it into [`crate::model::schema`]; recovery changes it as ALTER TABLE says and
//! compares it with what the server prints.

pub(super) mod code;
pub(super) mod column;
pub(super) mod key;
pub(super) mod partition;
pub(super) mod table;
pub(super) mod text;

/// Renames a character set or a collation of `utf8` to today's name, in lower case.
pub(super) fn utf8mb3(name: &str) -> String {
    let name = name.to_lowercase();
    match name.strip_prefix("utf8") {
        Some(rest) if rest.is_empty() || rest.starts_with('_') => format!("utf8mb3{rest}"),
        _ => name,
    }
}
