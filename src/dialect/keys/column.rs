//! One column of a key, as an engine reads it.

use super::{Spelling, Wire};
use crate::dialect::Dialect;
use crate::model::key::{Compare, number};

/// How one column of a reference's end is read as canonical bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyColumn {
    /// The column, quoted.
    pub column: String,
    /// What is selected.
    pub select: String,
    /// What is grouped and ordered by: the column itself wherever its index serves.
    pub order: String,
    pub wire: Wire,
    pub compare: Compare,
    /// Whether the server's order is the order of the canonical bytes. Columns of characters may
    /// hold what contradicts it, so whoever relies on it looks at each key.
    pub sorts: bool,
    /// Whether an index of the column gives the order.
    pub indexed: bool,
    /// Whether what the server takes for one group is one key. Else it gives a row for each row,
    /// and equal keys are counted as they arrive.
    pub groups: bool,
    /// How a key is written to be compared with `order`.
    pub bound: Spelling,
    /// What else is compared with a bound that cannot be written for `order`, and how.
    pub wide: Option<(String, Spelling)>,
    /// Where rows with a key are to be looked for: each finds some of its spellings, all together
    /// find every one.
    pub probes: Vec<Probe>,
}

/// A way to find rows by their key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// What is compared with the key.
    pub expression: String,
    /// How the key is written for it.
    pub spelling: Spelling,
    /// The condition under which it is worth a look.
    pub within: Option<String>,
    /// Whether an index of the column serves it.
    pub indexed: bool,
}

/// Where a bound of a range lies for a column.
enum Bound {
    /// What is compared with which literal.
    At(String, String),
    /// Before every value that the column can hold.
    Before,
    /// Behind every such value.
    Behind,
}

impl Probe {
    /// A look at the column itself, through its index.
    pub fn direct(column: &str, spelling: Spelling) -> Probe {
        Probe {
            expression: column.to_owned(),
            spelling,
            within: None,
            indexed: true,
        }
    }

    /// A look at every row.
    pub fn every(expression: String, spelling: Spelling) -> Probe {
        Probe {
            expression,
            spelling,
            within: None,
            indexed: false,
        }
    }
}

impl KeyColumn {
    /// A column whose values are the keys, each in one spelling, and whose index has them in
    /// their order.
    pub fn plain(column: String, wire: Wire, compare: &Compare, spelling: Spelling) -> KeyColumn {
        KeyColumn {
            select: column.clone(),
            order: column.clone(),
            wire,
            compare: compare.clone(),
            sorts: true,
            indexed: true,
            groups: true,
            bound: spelling,
            wide: None,
            probes: vec![Probe::direct(&column, spelling)],
            column,
        }
    }

    /// The condition that finds the rows which have one of these values.
    pub fn among(&self, dialect: &dyn Dialect, values: &[&[u8]]) -> String {
        let ways = self.probes.iter().filter_map(|probe| {
            let literals = values
                .iter()
                .flat_map(|value| probe.spelling.write(dialect, value));
            let literals: Vec<String> = literals.collect();
            let found = format!("{} IN ({})", probe.expression, literals.join(", "));
            let condition = match &probe.within {
                Some(within) => format!("({within} AND {found})"),
                None => found,
            };
            (!literals.is_empty()).then_some(condition)
        });
        let ways: Vec<String> = ways.collect();
        match ways.as_slice() {
            [] => NOTHING.to_owned(),
            [one] => one.clone(),
            many => format!("({})", many.join(" OR ")),
        }
    }

    /// The condition that values lie beyond a key.
    pub fn beyond(&self, dialect: &dyn Dialect, key: &[u8]) -> Option<String> {
        match self.bound(dialect, key) {
            Bound::At(what, literal) => Some(format!("{what} > {literal}")),
            Bound::Before => None,
            Bound::Behind => Some(NOTHING.to_owned()),
        }
    }

    /// The condition that values lie before a key, or are it.
    pub fn upto(&self, dialect: &dyn Dialect, key: &[u8]) -> Option<String> {
        match self.bound(dialect, key) {
            Bound::At(what, literal) => Some(format!("{what} <= {literal}")),
            Bound::Before => Some(NOTHING.to_owned()),
            Bound::Behind => None,
        }
    }

    fn bound(&self, dialect: &dyn Dialect, key: &[u8]) -> Bound {
        if let Some(literal) = self.bound.one(dialect, key) {
            return Bound::At(self.order.clone(), literal);
        }
        if let Some((wide, spelling)) = &self.wide
            && let Some(literal) = spelling.one(dialect, key)
        {
            return Bound::At(wide.clone(), literal);
        }
        match (self.bound, number(key)) {
            (Spelling::Whole { low, .. }, Some(number)) if number < low => Bound::Before,
            _ => Bound::Behind,
        }
    }

    /// What a reader needs to know of it.
    pub fn read(&self) -> (Wire, Compare) {
        (self.wire, self.compare.clone())
    }
}

/// The condition that no row satisfies.
pub const NOTHING: &str = "1 = 0";
