//! How values of columns of two types can be the same.

use crate::dialect::sizes;
use crate::model::schema::{Column, Family};

/// How values of two types can be the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fit {
    /// As they are.
    Alike,
    /// One is a UUID, and the other the text of one.
    AsUuids,
}

/// How values of both columns can be the same; `None` if they cannot.
pub fn fit(one: &Column, other: &Column) -> Option<Fit> {
    match (one.family, other.family) {
        (Family::Integer, Family::Integer)
        | (Family::Text, Family::Text)
        | (Family::Uuid, Family::Uuid)
        | (Family::Binary, Family::Binary) => Some(Fit::Alike),
        (Family::Uuid, Family::Binary) => is_uuid(other).then_some(Fit::Alike),
        (Family::Binary, Family::Uuid) => is_uuid(one).then_some(Fit::Alike),
        (Family::Text, Family::Uuid | Family::Binary)
        | (Family::Uuid | Family::Binary, Family::Text) => {
            (is_uuid(one) && is_uuid(other)).then_some(Fit::AsUuids)
        }
        _ => None,
    }
}

/// Whether the type of a column has room for a UUID, and can have no other length where it is bytes.
fn is_uuid(column: &Column) -> bool {
    let size = sizes(&column.sql).first().copied();
    match column.family {
        Family::Uuid => true,
        Family::Binary => size.is_none_or(|bytes| bytes == 16),
        // 32 digits, with or without hyphens.
        Family::Text => size.is_none_or(|characters| characters >= 32),
        Family::Integer | Family::Bool | Family::Other => false,
    }
}
