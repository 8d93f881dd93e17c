//! The DDL of MySQL and MariaDB as data, parsed from what SHOW CREATE prints.

pub(super) mod column;
pub(super) mod cursor;
pub(super) mod key;
pub(super) mod table;
