//! One column of a key, as an engine reads it.

use super::Wire;
use crate::dialect::Dialect;
use crate::model::key::{Compare, number};

/// How one column of a reference's end is read as canonical bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
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
    /// Whether an index of the column gives the order and the groups.
    pub indexed: bool,
    /// How a key is written to be compared with `order`.
    pub bound: Spelling,
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

/// How a key is written in SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spelling {
    /// Bytes.
    Bytes,
    /// A UUID of 36 characters, in small letters.
    Uuid,
    /// The 32 digits of a UUID, in small letters.
    Hex,
    Number,
    Text,
}

impl Spelling {
    /// The literal for canonical bytes; none where the engine can hold no such value.
    pub fn write(self, dialect: &dyn Dialect, canonical: &[u8]) -> Option<String> {
        match self {
            Spelling::Bytes => Some(dialect.bytes(canonical)),
            Spelling::Uuid | Spelling::Hex => {
                let id = uuid::Uuid::from_slice(canonical).ok()?;
                let told = match self {
                    Spelling::Hex => id.simple().to_string(),
                    _ => id.to_string(),
                };
                dialect.text(&told).ok()
            }
            Spelling::Number => Some(number(canonical)?.to_string()),
            Spelling::Text => dialect.text(std::str::from_utf8(canonical).ok()?).ok(),
        }
    }
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

impl Part {
    /// A column whose values are the keys, each in one spelling, and whose index has them in
    /// their order.
    pub fn plain(column: String, wire: Wire, compare: &Compare, spelling: Spelling) -> Part {
        Part {
            select: column.clone(),
            order: column.clone(),
            wire,
            compare: compare.clone(),
            sorts: true,
            indexed: true,
            bound: spelling,
            probes: vec![Probe::direct(&column, spelling)],
            column,
        }
    }

    /// The condition that finds the rows which have one of these values.
    pub fn among(&self, dialect: &dyn Dialect, values: &[&[u8]]) -> String {
        let ways = self.probes.iter().filter_map(|probe| {
            let literals = values
                .iter()
                .filter_map(|value| probe.spelling.write(dialect, value));
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
            [] => "1 = 0".to_owned(),
            [one] => one.clone(),
            many => format!("({})", many.join(" OR ")),
        }
    }
}
