//! Queries over both sides of a reference, for an engine that sees both.

use super::{After, KeyQuery, KeyRange, KeySource, RowQuery, rows};
use crate::model::schema::Column;

impl<'e> KeySource<'e> {
    /// The keys of this end that the other one does not have, each with the number of its rows.
    /// The keys are counted first, where an index gives them in groups: each is then looked up
    /// once, however many rows have it.
    #[must_use]
    pub fn unmatched(&self, parents: &KeySource<'_>, range: &KeyRange) -> KeyQuery {
        let mut conditions = self.conditions.clone();
        conditions.extend(self.within(range));
        let columns: Vec<&str> = self.parts.iter().map(|part| part.column.as_str()).collect();
        let aliased = columns.iter().enumerate();
        let aliased: Vec<String> = aliased
            .map(|(at, column)| format!("{column} AS bird_k{at}"))
            .collect();
        let keys = (0..columns.len()).map(|at| format!("d.bird_k{at}"));
        let keys: Vec<String> = keys.collect();
        let theirs = parents
            .parts
            .iter()
            .map(|part| format!("p.{}", part.column));
        let pairs = std::iter::zip(theirs, &keys);
        let mut same: Vec<String> = pairs
            .map(|(one, other)| format!("{one} = {other}"))
            .collect();
        same.extend(parents.filter.iter().cloned());
        let missing = parents
            .parts
            .first()
            .map_or("p", |part| part.column.as_str());
        // In this form no engine sorts or keeps anything: it looks each key up as it is counted.
        let sql = format!(
            "SELECT {keys}, d.bird_n FROM (SELECT {aliased}, COUNT(*) AS bird_n FROM {from} WHERE \
             {conditions} GROUP BY {columns}) d LEFT JOIN {parents} p ON {same} WHERE p.{missing} \
             IS NULL",
            keys = keys.join(", "),
            aliased = aliased.join(", "),
            from = self.from,
            conditions = conditions.join(" AND "),
            columns = columns.join(", "),
            parents = parents.from,
            same = same.join(" AND "),
        );
        KeyQuery {
            sql,
            parts: self.parts.iter().map(super::KeyColumn::read).collect(),
            counted: Some(self.place.dialect.keys().counts()),
        }
    }

    /// Gives the number of rows that have a key, and of different keys.
    #[must_use]
    pub fn totals(&self, range: &KeyRange) -> String {
        let mut conditions = self.conditions.clone();
        conditions.extend(self.within(range));
        let orders = self.orders();
        format!(
            "SELECT COALESCE(SUM(n), 0), COUNT(*) FROM (SELECT COUNT(*) AS n FROM {} WHERE {} \
             GROUP BY {orders}) d",
            self.from,
            conditions.join(" AND ")
        )
    }

    /// Whether one statement may compare the two: each key is its column's own value on both
    /// sides, and equal for the engine exactly where it is equal.
    #[must_use]
    pub fn joins(&self, parents: &KeySource<'_>) -> bool {
        let plain = |end: &KeySource<'_>| {
            let mut parts = end.parts.iter();
            parts.all(|part| {
                let bare = part.select == part.column && part.order == part.column;
                bare && part.sorts && part.groups
            })
        };
        let mut pairs = std::iter::zip(&self.columns, &parents.columns);
        let same = pairs.all(|(one, other)| {
            one.sql.eq_ignore_ascii_case(&other.sql) && one.collation == other.collation
        });
        same && plain(self) && plain(parents)
    }

    /// The rows that these columns name, and those that nothing names: without such columns all of
    /// them, else those with a NULL, which an engine may let into a primary key.
    #[must_use]
    pub fn named(&self, identity: &[&Column]) -> (Option<KeySource<'e>>, Option<KeySource<'e>>) {
        if identity.is_empty() {
            return (None, Some(self.clone()));
        }
        let nullable = identity.iter().filter(|column| column.nullable);
        let name = |column: &&&Column| self.place.dialect.quote(&column.name);
        let nulls: Vec<String> = nullable
            .map(|column| format!("{} IS NULL", name(&column)))
            .collect();
        if nulls.is_empty() {
            return (Some(self.clone()), None);
        }
        let nulls = format!("({})", nulls.join(" OR "));
        let named = self.clone().narrowed(format!("NOT {nulls}"));
        (Some(named), Some(self.clone().narrowed(nulls)))
    }

    fn narrowed(mut self, condition: String) -> Self {
        self.filter = Some(match self.filter.take() {
            Some(filter) => format!("{filter} AND {condition}"),
            None => condition.clone(),
        });
        self.conditions.push(condition);
        self
    }

    /// The rows with a NULL in any part of their key, ordered by what names them.
    pub fn null_rows(
        &self,
        identity: &[&Column],
        after: Option<&After>,
        limit: u64,
    ) -> Result<RowQuery, String> {
        let mut conditions = self.null_conditions();
        let dialect = self.place.dialect;
        if let Some(after) = after {
            let values: Vec<&String> = after.identity.iter().collect();
            conditions.push(rows::beyond(dialect, identity, &values)?);
        }
        let names = identity
            .iter()
            .map(|column| dialect.keys().row_order(column));
        let names: Vec<String> = names.collect();
        let tail = format!(" ORDER BY {} LIMIT {limit}", names.join(", "));
        Ok(self.rows_asked(identity, &conditions, &tail, None, Some(limit)))
    }

    /// Each of these keys once with the number of its rows.
    #[must_use]
    pub fn counted_among(&self, keys: &[Vec<u8>]) -> KeyQuery {
        let mut conditions = self.conditions.clone();
        conditions.push(self.found(keys));
        self.groups(&conditions)
    }
}

impl KeyQuery {
    /// Limits it to its first rows.
    #[must_use]
    pub fn limited(mut self, rows: u64) -> KeyQuery {
        self.sql.push_str(&format!(" LIMIT {rows}"));
        self
    }
}
