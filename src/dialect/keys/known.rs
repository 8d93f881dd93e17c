//! What a server knows by itself: about how much a table holds, whether it is a replica and how
//! far behind, how busy it is.

use super::End;
use crate::model::schema::KeyKind;

/// About how much an end holds, as the catalog says; it may be off by any factor.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Estimate {
    pub rows: Option<u64>,
    /// How many different keys.
    pub keys: Option<u64>,
}

/// Where a server stands among its replicas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replication {
    Primary,
    /// It follows another server, so many seconds behind; nothing where that cannot be told, as
    /// while it does not follow.
    Replica(Option<u64>),
    /// The account may not ask.
    Unknown,
}

/// The queries of an engine. Each gives one row, or none where nothing is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Gives a row where the other query can be asked.
    pub there: Option<String>,
    /// Two numbers, each of which may be missing: rows and keys.
    pub sql: String,
    /// What is asked where the other cannot be: about how many rows there are.
    pub otherwise: Option<String>,
}

impl End<'_> {
    /// What is asked for [`Estimate`].
    #[must_use]
    pub fn statistics(&self) -> Option<Statistics> {
        let columns = self.columns.iter().map(|column| column.name.as_str());
        let columns: Vec<&str> = columns.collect();
        let dialect = self.place.dialect;
        dialect
            .keys()
            .statistics(&self.place, &self.table.name, &columns)
    }

    /// What the answer says. Keys that are unique are as many as the rows.
    #[must_use]
    pub fn estimate(&self, row: &[Option<String>]) -> Estimate {
        let number = |at: usize| {
            let cell = row.get(at).and_then(Option::as_deref)?;
            cell.split('.').next()?.parse().ok()
        };
        let rows = number(0);
        let keys = if self.is_unique() { rows } else { number(1) };
        Estimate { rows, keys }
    }

    /// Whether each key can stand once only.
    fn is_unique(&self) -> bool {
        self.table.keys.iter().any(|key| {
            let unique = matches!(key.kind, KeyKind::Primary | KeyKind::Unique);
            unique
                && key.filter.is_none()
                && key.parts.iter().all(|part| {
                    let mut columns = self.columns.iter();
                    part.column
                        .as_ref()
                        .is_some_and(|name| columns.any(|column| column.name == *name))
                })
        })
    }
}

/// The columns of an answer by which [`replication`] reads it.
const LAGS: [&str; 3] = ["Seconds_Behind_Source", "Seconds_Behind_Master", "lag"];

/// Where a server stands, by the columns and the first row of [`super::Keys::replication`].
#[must_use]
pub fn replication(columns: &[String], row: Option<&[Option<String>]>) -> Replication {
    let Some(row) = row else {
        return Replication::Primary;
    };
    let named = |names: &[&str]| {
        let at = columns
            .iter()
            .position(|column| names.contains(&column.as_str()));
        row.get(at?).and_then(Option::as_deref)
    };
    match named(&["replica"]) {
        Some("f" | "false") => Replication::Primary,
        _ => {
            let seconds = named(&LAGS).and_then(|lag| lag.split('.').next()?.parse().ok());
            Replication::Replica(seconds)
        }
    }
}

/// The condition that an index, whose columns a query has by number and name, begins with these.
#[must_use]
pub fn begins(
    columns: &[&str],
    number: &str,
    name: &str,
    first: usize,
    text: impl Fn(&str) -> Option<String>,
) -> Option<String> {
    let each = columns.iter().enumerate().map(|(at, column)| {
        Some(format!(
            "({number} = {} AND {name} = {})",
            at + first,
            text(column)?
        ))
    });
    let each: Option<Vec<String>> = each.collect();
    each.map(|each| format!("({})", each.join(" OR ")))
}
