//! Parses the partitions of a table.

use super::code::Code;
use crate::sql::cursor::Cursor;

/// The partitions of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partitions {
    /// The code between `PARTITION BY` and the list of partitions.
    pub by: Code,
    pub list: Vec<Partition>,
}

/// A partition, and the code behind its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    pub name: String,
    pub definition: Code,
}

impl Partitions {
    /// Parses partitions from behind `PARTITION BY` on.
    pub fn parse(cursor: &mut Cursor<'_>) -> Option<Partitions> {
        let mark = cursor.mark();
        while !cursor.is_over() {
            let by = cursor.since(mark);
            let Some(inside) = cursor.group() else {
                cursor.next();
                continue;
            };
            if inside.sees("PARTITION") {
                return Some(Partitions {
                    by: Code::of(&by),
                    list: Partition::parse_list(&inside)?,
                });
            }
        }
        Some(Partitions {
            by: Code::of(&cursor.since(mark)),
            list: Vec::new(),
        })
    }
}

impl Partition {
    /// Parses the partitions between two parentheses.
    pub fn parse_list(cursor: &Cursor<'_>) -> Option<Vec<Partition>> {
        let clauses = cursor.clauses().into_iter();
        clauses
            .map(|mut clause| {
                clause.expect("PARTITION")?;
                Some(Partition {
                    name: clause.part()?,
                    definition: Code::of(&clause),
                })
            })
            .collect()
    }

    /// The definition without the engine, which is that of the table and always printed.
    pub fn without_engine(&self) -> Code {
        let mut code = Code::default();
        let mut tokens = self.definition.tokens.as_slice();
        let mut skipped = false;
        while let [token, rest @ ..] = tokens {
            if token.is("ENGINE") {
                let name = rest.iter().position(|token| !token.is("="));
                let end = name.map_or(rest.len(), |name| name + 1);
                (tokens, skipped) = (rest.get(end..).unwrap_or_default(), true);
                continue;
            }
            let closes = matches!(token.text.as_str(), ")" | ",");
            code.tokens.push(super::code::Token {
                spaced: (token.spaced || skipped) && !closes,
                ..token.clone()
            });
            (tokens, skipped) = (rest, false);
        }
        code
    }
}
