//! How two columns are compared where nobody says it.

use super::base;
use crate::dialect::{Dialect, sizes};
use crate::model::key::Compare;
use crate::model::schema::{Column, Family};

/// How a child's column is compared with its parent's where the config says nothing, or why that
/// must be said.
pub fn comparison(
    (child, ours): (&Column, &dyn Dialect),
    (parent, theirs): (&Column, &dyn Dialect),
) -> Result<Compare, String> {
    let families = (family(child, ours), family(parent, theirs));
    let length = |column: &Column| sizes(&column.sql).first().copied();
    let differ = || format!("{} and {} cannot be compared", child.sql, parent.sql);
    match families {
        (Family::Binary, Family::Binary) => match (length(child), length(parent)) {
            (Some(one), Some(other)) if one != other => Err(differ()),
            _ => Ok(Compare::Bytes),
        },
        (Family::Uuid, Family::Uuid) => Ok(Compare::Uuid),
        // A UUID is 16 bytes wherever it is.
        (Family::Uuid, Family::Binary) | (Family::Binary, Family::Uuid) => {
            let other = length(child).or(length(parent));
            match other.is_some_and(|bytes| bytes != 16) {
                true => Err(differ()),
                false => Ok(Compare::Uuid),
            }
        }
        (Family::Integer, Family::Integer) => Ok(Compare::Integer),
        (Family::Text, Family::Text) => Ok(Compare::Text),
        _ => Err(differ()),
    }
}

/// What a column means as a key: decimal numbers without a fraction are whole ones.
fn family(column: &Column, dialect: &dyn Dialect) -> Family {
    let family = dialect.family(&column.sql);
    let whole = matches!(base(column).as_str(), "decimal" | "numeric")
        && matches!(sizes(&column.sql).as_slice(), [_] | [_, 0]);
    if whole { Family::Integer } else { family }
}

/// Whether servers of two products, as their names are, make the same of a key that is compared
/// in this way.
pub fn agree(compare: &Compare, ours: &str, theirs: &str) -> Result<(), String> {
    match compare {
        Compare::Collated(collation)
            if ours != theirs && !matches!(collation.as_str(), "BINARY" | "NOCASE" | "RTRIM") =>
        {
            Err(format!(
                "the sort keys of {collation} are those of one product, but the ends are on {ours} and {theirs}"
            ))
        }
        _ => Ok(()),
    }
}
