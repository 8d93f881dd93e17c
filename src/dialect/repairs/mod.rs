//! [`Repairs`]: quarantine tables, and the obstacles to repairing a table.

use sha2::{Digest as _, Sha256};

use super::Dialect;
use crate::model::hex;
use crate::model::history::QUARANTINE;
use crate::model::repair::{Hindrance, Obstacle};

/// The columns that bird puts before those of the table whose rows it keeps: a number of its own,
/// the run, the chunk, why, and when.
pub const OWN_COLUMNS: &[&str] = &[
    "bird_row",
    "bird_run",
    "bird_chunk",
    "bird_reason",
    "bird_at",
];

/// A column of a table whose rows are kept aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptColumn {
    pub name: String,
    /// Its type with everything that its values depend upon, such as a character set.
    pub sql: String,
    /// The engine works it out; it is not kept, and comes back by itself.
    pub generated: bool,
    pub not_null: bool,
    /// Its place in the primary key.
    pub key: Option<u32>,
    /// What the table as a whole is made with, as far as values depend upon it.
    pub table: String,
}

impl KeptColumn {
    /// Reads a row of [`Repairs::columns_query`].
    #[must_use]
    pub fn read(row: &[Option<String>]) -> Option<KeptColumn> {
        let cell = |at: usize| row.get(at).and_then(Option::as_deref);
        Some(KeptColumn {
            name: cell(0)?.to_owned(),
            sql: cell(1).unwrap_or_default().to_owned(),
            generated: cell(2) == Some("1"),
            not_null: cell(3) == Some("1"),
            key: cell(4).and_then(|place| place.parse().ok()),
            table: cell(5).unwrap_or_default().to_owned(),
        })
    }
}

/// The SQL of repairs of an engine.
pub trait Repairs: Sync {
    /// Asks for the columns of a table in their order, as [`KeptColumn::read`] reads them.
    fn columns_query(&self, schema: Option<&str>, table: &str) -> String;

    /// Asks for what stands in the way, as [`Repairs::obstacle`] reads it.
    fn obstacles_query(&self, schema: Option<&str>, table: &str) -> String;

    /// Reads a row of [`Repairs::obstacles_query`]: its kind and its name.
    fn obstacle(&self, row: &[Option<String>]) -> Option<Obstacle> {
        let cell = |at: usize| row.get(at).and_then(Option::as_deref).unwrap_or_default();
        Some(Obstacle {
            kind: Hindrance::from_word(cell(0))?,
            name: cell(1).to_owned(),
        })
    }

    /// `CREATE TABLE IF NOT EXISTS` for the rows of a table with these columns: any row of it can
    /// be kept there, byte by byte, whatever rules the table has.
    fn quarantine_table(&self, table: &str, columns: &[KeptColumn]) -> String;

    /// The type that such a table has for a column.
    fn quarantine_type(&self, column: &KeptColumn) -> String {
        column.sql.clone()
    }

    /// Whether an error with this code says that the rows themselves, and the rules for them, are
    /// why a statement was refused.
    fn is_constraint(&self, code: &str) -> bool;

    /// How many bytes a table's name may have.
    fn longest_name(&self) -> usize;

    /// What a session that repairs is set to, beside its known state.
    fn settings(&self) -> Option<&'static str> {
        None
    }

    /// What a session is set to that looks for parents.
    fn parent_lookup_settings(&self) -> Option<&'static str> {
        None
    }

    /// What locks the rows that a SELECT reads, so that nobody changes them.
    fn for_update(&self) -> &'static str {
        " FOR UPDATE"
    }

    /// Begins a transaction in which a key that is looked for by [`Repairs::lock_rows_or_gap`] cannot
    /// appear; `None` where the engine has no locks on what is not there.
    fn begin_absent(&self) -> Option<&'static str> {
        None
    }

    /// Gives a row where this column alone is a whole unique key of the table: only then does
    /// [`Repairs::lock_rows_or_gap`] lock one gap and nothing else.
    fn unique_query(&self, _table: &str, _column: &str) -> Option<String> {
        None
    }

    /// A query that locks the rows which it reads, and the gap where it finds none, while the
    /// transaction lasts.
    fn lock_rows_or_gap(&self, select: &str) -> String {
        select.to_owned()
    }

    /// Gives the column of a table whose highest number a new row gets again, once its row is gone.
    fn numbered_again_query(&self, _table: &str) -> Option<String> {
        None
    }

    /// How the constraints of a table and of those that refer to it are checked before a commit;
    /// `None` if none waits for it.
    fn check_deferred(&self, _table: &str) -> Option<DeferredCheck> {
        None
    }

    /// What stands before VALUES or SELECT of an INSERT that gives values to all columns.
    fn overriding(&self) -> &'static str {
        ""
    }
}

/// How constraints are checked that would be checked at the commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeferredCheck {
    /// A statement that fails if one is violated.
    Statement(&'static str),
    /// A query for the number of violations, and the code of the engine's error about one.
    Violations { query: String, code: &'static str },
}

/// The table's own part of a quarantine table's definition.
pub(crate) fn quarantine_columns(dialect: &dyn Dialect, columns: &[KeptColumn]) -> String {
    let kept = columns.iter().filter(|column| !column.generated);
    let written = kept.map(|column| {
        let sql = dialect.repairs().quarantine_type(column);
        format!(", {} {sql} NULL", dialect.quote(&column.name))
    });
    written.collect()
}

/// What the table is called that keeps rows of another, the n-th of its kind from 1: where the
/// columns have changed since, rows go into another one.
#[must_use]
pub fn quarantine_name(repairs: &dyn Repairs, table: &str, number: u32) -> String {
    let suffix = match number {
        1 => String::new(),
        number => format!("_{number}"),
    };
    let name = format!("{QUARANTINE}{table}{suffix}");
    if name.len() <= repairs.longest_name() {
        return name;
    }
    let hash = hex::digits(&Sha256::digest(table.as_bytes())[..4]);
    let rest = repairs.longest_name() - QUARANTINE.len() - suffix.len() - hash.len() - 1;
    let mut end = rest.min(table.len());
    while !table.is_char_boundary(end) {
        end -= 1;
    }
    let begin = table.get(..end).unwrap_or_default();
    format!("{QUARANTINE}{begin}_{hash}{suffix}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::DIALECTS;

    #[test]
    fn names_fit_and_stay_apart() {
        for repairs in DIALECTS.iter().map(|dialect| dialect.repairs()) {
            assert_eq!(
                quarantine_name(repairs, "messages", 1),
                "bird_quarantine_messages"
            );
            assert_eq!(
                quarantine_name(repairs, "messages", 2),
                "bird_quarantine_messages_2"
            );
            let long = "ö".repeat(31);
            let (one, other) = (format!("{long}a"), format!("{long}b"));
            let names = [(&one, 1), (&one, 2), (&other, 1), (&other, 12)]
                .map(|(table, number)| quarantine_name(repairs, table, number));
            for (at, name) in names.iter().enumerate() {
                assert!(name.len() <= repairs.longest_name(), "{name}");
                assert!(!names[..at].contains(name), "{name}");
            }
        }
    }
}
