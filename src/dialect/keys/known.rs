//! Facts that a server keeps by itself: estimates of rows and keys, and replication state.

use super::KeySource;
use crate::model::schema::KeyKind;

/// About how much an end holds, as the catalog says; it may be off by any factor.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Estimate {
    pub rows: Option<u64>,
    /// How many different keys.
    pub keys: Option<u64>,
}

/// Where a server stands among its replicas.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replication {
    /// It follows no other server.
    Primary,
    /// It is there to follow another server.
    Replica(Following),
    /// The account may not ask, or the server does not know the question.
    Unknown,
}

/// How a replica follows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Following {
    /// So many seconds behind; `None` while it does not follow or where the server does not say.
    pub behind: Option<u64>,
    /// What identifies the servers that it follows, where it names them.
    pub sources: Vec<String>,
    /// The filter by which it leaves out databases or tables: a setting with its value.
    pub filter: Option<String>,
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

impl KeySource<'_> {
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
const SOURCES: [&str; 3] = ["Source_UUID", "Master_UUID", "Master_Server_Id"];
/// The columns of replication filters begin so, as `Replicate_Do_DB`.
const FILTERS: [&str; 3] = ["Replicate_Do_", "Replicate_Ignore_", "Replicate_Wild_"];
/// The members of a group follow each other by channels whose names begin so.
const GROUP: &str = "group_replication_";

/// Where a server stands, by the columns and the rows of [`ServerFacts::replication`](crate::dialect::ServerFacts::replication): a row for
/// each server that it follows. It is as far behind as the slowest of them lets it be.
#[must_use]
pub fn replication(columns: &[String], rows: &[Vec<Option<String>>]) -> Replication {
    let named = |row: &[Option<String>], names: &[&str]| {
        let mut columns = columns.iter();
        let at = columns.position(|column| names.contains(&column.as_str()));
        row.get(at?).cloned().flatten()
    };
    let followed = rows.iter().filter(|row| {
        let channel = named(row, &["Channel_Name"]);
        let is_group = channel.is_some_and(|channel| channel.starts_with(GROUP));
        let is_replica = named(row, &["replica"]);
        !is_group && is_replica.is_none_or(|text| text.starts_with('t'))
    });
    let followed: Vec<&Vec<Option<String>>> = followed.collect();
    if followed.is_empty() {
        return Replication::Primary;
    }
    let lags = followed.iter().map(|row| {
        let lag = named(row, &LAGS)?;
        lag.split('.').next()?.parse::<u64>().ok()
    });
    let lags: Option<Vec<u64>> = lags.collect();
    let sources = followed.iter().filter_map(|row| named(row, &SOURCES));
    let filter = followed.iter().find_map(|row| {
        let mut cells = std::iter::zip(columns, *row);
        cells.find_map(|(column, cell)| {
            let value = cell.as_deref().filter(|value| !value.is_empty())?;
            let is_filter = FILTERS.iter().any(|begin| column.starts_with(begin));
            is_filter.then(|| format!("{column} = {value}"))
        })
    });
    Replication::Replica(Following {
        behind: lags.and_then(|lags| lags.into_iter().max()),
        sources: sources.collect(),
        filter,
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(columns: &[&str], rows: &[&[Option<&str>]]) -> Replication {
        let columns: Vec<String> = columns.iter().map(|&column| column.to_owned()).collect();
        let row = |row: &&[Option<&str>]| row.iter().map(|cell| cell.map(str::to_owned)).collect();
        let rows: Vec<Vec<Option<String>>> = rows.iter().map(row).collect();
        replication(&columns, &rows)
    }

    #[test]
    fn a_replica_of_several_is_as_far_behind_as_the_worst() {
        let columns = ["Channel_Name", "Source_UUID", "Seconds_Behind_Source"];
        let one = [Some(""), Some("a"), Some("0")];
        let other = [Some("o"), Some("b"), Some("7")];
        let stopped = [Some("s"), Some("c"), None];
        let following = |behind, sources: &[&str]| {
            Replication::Replica(Following {
                behind,
                sources: sources.iter().map(|&source| source.to_owned()).collect(),
                filter: None,
            })
        };
        assert_eq!(parsed(&columns, &[&one]), following(Some(0), &["a"]));
        assert_eq!(
            parsed(&columns, &[&one, &other]),
            following(Some(7), &["a", "b"])
        );
        assert_eq!(
            parsed(&columns, &[&other, &stopped]),
            following(None, &["b", "c"])
        );
    }

    #[test]
    fn members_of_a_group_are_no_replicas() {
        let columns = ["Channel_Name", "Source_UUID", "Seconds_Behind_Source"];
        let group = [Some("group_replication_applier"), Some(""), Some("0")];
        assert_eq!(parsed(&columns, &[&group]), Replication::Primary);
        assert_eq!(parsed(&[], &[]), Replication::Primary);
    }

    #[test]
    fn a_partial_replica_names_its_filter() {
        let columns = ["Replicate_Do_DB", "Replicate_Ignore_Table", "Last_Error"];
        let filter = |row: &[Option<&str>]| match parsed(&columns, &[row]) {
            Replication::Replica(following) => following.filter,
            _ => None,
        };
        assert_eq!(filter(&[Some(""), Some(""), Some("x")]), None);
        let ignored = filter(&[Some(""), Some("a.b"), None]);
        assert_eq!(ignored.as_deref(), Some("Replicate_Ignore_Table = a.b"));
    }

    #[test]
    fn a_standby_says_so_itself() {
        let columns = ["replica", "lag"];
        assert_eq!(
            parsed(&columns, &[&[Some("false"), None]]),
            Replication::Primary
        );
        for (lag, behind) in [(None, None), (Some("12"), Some(12))] {
            let following = Following {
                behind,
                ..Following::default()
            };
            let standing = parsed(&columns, &[&[Some("true"), lag]]);
            assert_eq!(standing, Replication::Replica(following));
        }
    }
}
