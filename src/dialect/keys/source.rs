//! [`KeySource`]: one side of a reference and the queries for its keys.

use super::column::NOTHING;
use super::{After, KeyColumn, RowQuery, Spelling, Wire, condition, rows};
use crate::dialect::{Dialect, sizes};
use crate::model::key::{Compare, split};
use crate::model::schema::{Column, Family, Table};
use crate::model::server::Server;

/// The location of a table.
#[derive(Clone, Copy)]
pub struct KeyLocation<'e> {
    pub dialect: &'e dyn Dialect,
    pub server: &'e Server,
    pub schema: Option<&'e str>,
    /// The qualifier of the table in a statement that spans databases.
    pub database: Option<&'e str>,
}

/// One side of a reference: its table, its columns and how they are read.
#[derive(Clone)]
pub struct KeySource<'e> {
    pub place: KeyLocation<'e>,
    pub table: &'e Table,
    pub columns: Vec<&'e Column>,
    pub parts: Vec<KeyColumn>,
    /// The table, quoted and qualified.
    pub from: String,
    /// The conditions on every key: the user's own, and that no part is NULL.
    pub(super) conditions: Vec<String>,
    pub(super) filter: Option<String>,
}

/// Keys of the first column beyond `after`, up to and with `upto`: canonical bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyRange {
    pub after: Option<Vec<u8>>,
    pub upto: Option<Vec<u8>>,
}

/// A query whose rows are keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyQuery {
    pub sql: String,
    pub parts: Vec<(Wire, Compare)>,
    /// Whether a last column has the number of rows, and how that comes.
    pub counted: Option<Wire>,
}

impl<'e> KeySource<'e> {
    /// # Errors
    ///
    /// The reason why the columns cannot be read as a key.
    pub fn new(
        place: KeyLocation<'e>,
        table: &'e Table,
        columns: &[(&'e Column, Compare)],
        filter: Option<&str>,
    ) -> Result<KeySource<'e>, String> {
        let dialect = place.dialect;
        let parts = columns
            .iter()
            .map(|(column, compare)| dialect.keys().part(column, compare, place.server));
        let parts = parts.collect::<Result<Vec<KeyColumn>, String>>()?;
        let filter = filter.map(|text| condition(dialect, text)).transpose()?;
        let from = match place.database {
            Some(database) => format!("{}.{}", dialect.quote(database), dialect.quote(&table.name)),
            None => dialect.table(place.schema, &table.name),
        };
        let filled = parts
            .iter()
            .map(|part| format!("{} IS NOT NULL", part.column));
        Ok(KeySource {
            place,
            table,
            columns: columns.iter().map(|(column, _)| *column).collect(),
            conditions: filter.iter().cloned().chain(filled).collect(),
            parts,
            from,
            filter,
        })
    }

    /// Whether the server's order is that of the canonical bytes.
    pub fn sorts(&self) -> bool {
        self.parts.iter().all(|part| part.sorts)
    }

    /// Whether an index that begins with these columns serves order and groups.
    pub fn indexed(&self) -> bool {
        self.parts.iter().all(|part| part.indexed)
    }

    /// The length of the longest canonical key in bytes, where its types say it.
    #[must_use]
    pub fn longest(&self) -> Option<usize> {
        let columns = self.columns.iter().zip(&self.parts);
        let lengths = columns.map(|(column, part)| match part.compare {
            Compare::Uuid | Compare::Integer => Some(16),
            Compare::Bytes if column.family == Family::Binary => sizes(&column.sql)
                .first()
                .and_then(|size| usize::try_from(*size).ok()),
            _ => None,
        });
        lengths.sum()
    }

    /// Whether such an index serves [`KeyRange`], whichever end its bounds are from.
    pub fn ranges_by_index(&self) -> bool {
        self.parts.first().is_some_and(|part| {
            // Bytes need not be characters, and then no bound of characters stands for them.
            let is_mixed = part.wire == Wire::Bytes && part.compare == Compare::Text;
            let bounded = !matches!(part.bound, Spelling::Never) && !is_mixed;
            part.indexed && part.order == part.column && bounded
        })
    }

    /// Whether such an index finds keys.
    pub fn probes_by_index(&self) -> bool {
        let mut probes = self.parts.iter().flat_map(|part| &part.probes);
        probes.all(|probe| probe.indexed)
    }

    /// Each key once with the number of its rows, in order.
    pub fn counted(&self, range: &KeyRange) -> KeyQuery {
        let mut conditions = self.conditions.clone();
        conditions.extend(self.within(range));
        self.groups(&conditions)
    }

    /// The keys under these conditions, each with the number of its rows, in order. Where the
    /// server's groups are not to be trusted, each row comes by itself and is counted on arrival.
    pub(super) fn groups(&self, conditions: &[String]) -> KeyQuery {
        let (selects, orders) = (self.selects(), self.orders());
        if !self.parts.iter().all(|part| part.groups) {
            return self.query(&selects, conditions, &format!(" ORDER BY {orders}"), None);
        }
        let counts = self.place.dialect.keys().counts();
        let tail = format!(" GROUP BY {orders} ORDER BY {orders}");
        let selects = format!("{selects}, COUNT(*)");
        self.query(&selects, conditions, &tail, Some(counts))
    }

    /// Each key once, in order; where the server's groups are not to be trusted, several times.
    pub fn distinct(&self, range: &KeyRange) -> KeyQuery {
        if !self.parts.iter().all(|part| part.groups) {
            return self.ordered(range);
        }
        let orders = self.orders();
        let tail = format!(" GROUP BY {orders} ORDER BY {orders}");
        self.asked(&self.selects(), range, &tail, None)
    }

    /// The keys of a unique end, in order.
    pub fn ordered(&self, range: &KeyRange) -> KeyQuery {
        let tail = format!(" ORDER BY {}", self.orders());
        self.asked(&self.selects(), range, &tail, None)
    }

    /// All keys in any order, a key once for each of its rows.
    pub fn unordered(&self) -> KeyQuery {
        self.asked(&self.selects(), &KeyRange::default(), "", None)
    }

    /// Which of these keys exist; the answer may have others too, and a key several times.
    pub fn among(&self, keys: &[Vec<u8>]) -> KeyQuery {
        let mut conditions = self.conditions.clone();
        conditions.push(self.found(keys));
        self.query(&self.selects(), &conditions, "", None)
    }

    /// Gives the number of rows with a NULL in any part.
    pub fn nulls(&self) -> String {
        let conditions = self.null_conditions().join(" AND ");
        format!("SELECT COUNT(*) FROM {} WHERE {conditions}", self.from)
    }

    /// The conditions that hold for every row with a NULL in any part of its key.
    pub(super) fn null_conditions(&self) -> Vec<String> {
        let parts = self.parts.iter();
        let nulls: Vec<String> = parts
            .map(|part| format!("{} IS NULL", part.column))
            .collect();
        let nulls = format!("({})", nulls.join(" OR "));
        self.filter.iter().cloned().chain([nulls]).collect()
    }

    /// The value of the first column `step` rows after another one: no row if there are fewer.
    pub fn boundary(&self, after: Option<&[u8]>, step: u64) -> KeyQuery {
        let Some(first) = self.parts.first() else {
            return self.unordered();
        };
        let range = KeyRange {
            after: after.map(<[u8]>::to_vec),
            upto: None,
        };
        let tail = format!(" ORDER BY {} LIMIT 1 OFFSET {step}", first.order);
        let mut asked = self.asked(&first.select, &range, &tail, None);
        asked.parts.truncate(1);
        asked
    }

    /// The rows that have one of these keys, ordered by key and identity.
    pub fn rows(
        &self,
        identity: &[&Column],
        keys: &[Vec<u8>],
        after: Option<&After>,
        limit: u64,
    ) -> Result<RowQuery, String> {
        let mut conditions = self.conditions.clone();
        conditions.push(self.found(keys));
        let mut order: Vec<&Column> = self.columns.clone();
        order.extend(identity);
        if let Some(after) = after {
            let values: Vec<&String> = after.key.iter().chain(&after.identity).collect();
            conditions.push(rows::beyond(self.place.dialect, &order, &values)?);
        }
        let order: Vec<String> = order
            .iter()
            .map(|column| self.place.dialect.keys().row_order(column))
            .collect();
        let tail = format!(" ORDER BY {} LIMIT {limit}", order.join(", "));
        let mut wanted = keys.to_vec();
        wanted.sort_unstable();
        Ok(self.rows_asked(identity, &conditions, &tail, Some(wanted), Some(limit)))
    }

    /// These rows again, as they are now; one whose key is NULL by now, or that is outside of the
    /// user's condition, is not among them.
    pub fn again(&self, identity: &[&Column], rows: &[Vec<String>]) -> Result<RowQuery, String> {
        let mut conditions = self.conditions.clone();
        conditions.push(rows::identified(self.place.dialect, identity, rows)?);
        Ok(self.rows_asked(identity, &conditions, "", None, None))
    }

    /// As [`KeySource::again`], and rows whose key is NULL are among them. `tail` ends the query: it may
    /// lock what it reads.
    pub fn as_they_are(
        &self,
        identity: &[&Column],
        rows: &[Vec<String>],
        tail: &str,
    ) -> Result<RowQuery, String> {
        let mut conditions: Vec<String> = self.filter.iter().cloned().collect();
        conditions.push(rows::identified(self.place.dialect, identity, rows)?);
        Ok(self.rows_asked(identity, &conditions, tail, None, None))
    }

    /// The condition that a row that counts has this key and no other, where an index finds it at
    /// once and one column is the key; with the key as a literal.
    pub fn exactly(&self, key: &[u8]) -> Option<(String, String)> {
        let [part] = self.parts.as_slice() else {
            return None;
        };
        let [probe] = part.probes.as_slice() else {
            return None;
        };
        // The server's equality must not be wider than the key's.
        let exact = part.groups && part.order == part.column;
        let direct = exact && probe.indexed && probe.within.is_none();
        let direct = direct && probe.expression == part.column;
        let literals = probe.spelling.write(self.place.dialect, key);
        let [literal] = literals.as_slice() else {
            return None;
        };
        let mut condition = format!("{} = {literal}", part.column);
        if let Some(filter) = &self.filter {
            condition = format!("{condition} AND {filter}");
        }
        direct.then(|| (condition, literal.clone()))
    }

    pub(super) fn rows_asked(
        &self,
        identity: &[&Column],
        conditions: &[String],
        tail: &str,
        wanted: Option<Vec<Vec<u8>>>,
        limit: Option<u64>,
    ) -> RowQuery {
        // Named apart, so that what the rows are ordered by means the columns.
        let as_text = |(at, column): (usize, &&Column)| {
            format!(
                "{} AS bird_{at}",
                super::row_expression(self.place.dialect, column)
            )
        };
        let texts = identity
            .iter()
            .chain(&self.columns)
            .enumerate()
            .map(as_text);
        let selects = self.parts.iter().map(|part| part.select.clone());
        let all: Vec<String> = texts.chain(selects).collect();
        let asked = self.query(&all.join(", "), conditions, tail, None);
        RowQuery {
            sql: asked.sql,
            parts: asked.parts,
            identity: identity.iter().map(|column| (*column).clone()).collect(),
            columns: self
                .columns
                .iter()
                .map(|column| (*column).clone())
                .collect(),
            wanted,
            limit,
        }
    }

    pub(super) fn selects(&self) -> String {
        let selects = self.parts.iter().map(|part| part.select.as_str());
        selects.collect::<Vec<_>>().join(", ")
    }

    pub(super) fn orders(&self) -> String {
        let orders = self.parts.iter().map(|part| part.order.as_str());
        orders.collect::<Vec<_>>().join(", ")
    }

    fn asked(&self, select: &str, range: &KeyRange, tail: &str, counted: Option<Wire>) -> KeyQuery {
        let mut conditions = self.conditions.clone();
        conditions.extend(self.within(range));
        self.query(select, &conditions, tail, counted)
    }

    pub(super) fn query(
        &self,
        select: &str,
        conditions: &[String],
        tail: &str,
        counted: Option<Wire>,
    ) -> KeyQuery {
        let sql = format!(
            "SELECT {select} FROM {} WHERE {}{tail}",
            self.from,
            conditions.join(" AND ")
        );
        KeyQuery {
            sql,
            parts: self.parts.iter().map(KeyColumn::read).collect(),
            counted,
        }
    }

    /// The conditions of a range.
    pub(super) fn within(&self, range: &KeyRange) -> Vec<String> {
        let Some(first) = self.parts.first() else {
            return Vec::new();
        };
        let dialect = self.place.dialect;
        let after = range.after.as_ref();
        let after = after.and_then(|key| first.beyond(dialect, key));
        let upto = range.upto.as_ref();
        let upto = upto.and_then(|key| first.upto(dialect, key));
        after.into_iter().chain(upto).collect()
    }

    /// The condition that finds the rows of these keys: the values of the last column together
    /// for all keys that are the same before it.
    pub(super) fn found(&self, keys: &[Vec<u8>]) -> String {
        let mut keys: Vec<Vec<Vec<u8>>> = keys
            .iter()
            .map(|key| split(key, self.parts.len()))
            .collect();
        keys.retain(|key| key.len() == self.parts.len());
        keys.sort_unstable();
        let Some((last, before)) = self.parts.split_last() else {
            return NOTHING.to_owned();
        };
        let dialect = self.place.dialect;
        let same = keys.chunk_by(|one, other| {
            one.iter()
                .take(before.len())
                .eq(other.iter().take(before.len()))
        });
        let groups = same.map(|keys| {
            let first = keys.first().map_or(&[][..], Vec::as_slice);
            let fixed = std::iter::zip(before, first)
                .map(|(part, value)| part.among(dialect, &[value.as_slice()]));
            let values: Vec<&[u8]> = keys
                .iter()
                .filter_map(|key| key.last())
                .map(Vec::as_slice)
                .collect();
            let conditions: Vec<String> = fixed.chain([last.among(dialect, &values)]).collect();
            conditions.join(" AND ")
        });
        let groups: Vec<String> = groups.collect();
        match groups.as_slice() {
            [] => NOTHING.to_owned(),
            [one] => one.clone(),
            many => {
                let many: Vec<String> = many.iter().map(|one| format!("({one})")).collect();
                rows::any(&many)
            }
        }
    }
}
