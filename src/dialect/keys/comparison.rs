//! The default comparison of two columns.

use super::{base, resolved};
use crate::dialect::{Dialect, sizes};
use crate::model::key::Compare;
use crate::model::schema::{Column, Family};
use crate::model::server::Product;

/// Which characters are the same to a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Equality {
    /// The same bytes.
    Exact,
    /// The same bytes, but for blanks at the end.
    Padded,
    /// Whatever a collation says.
    Collation(String),
    /// Whatever a collation says of which only the server knows it: no sort key tells.
    Unreadable(String),
}

/// How a child's column is compared with its parent's where the config says nothing, or why that
/// must be said.
pub fn comparison(
    (child, ours): (&Column, &dyn Dialect),
    (parent, theirs): (&Column, &dyn Dialect),
) -> Result<Compare, String> {
    let differ = || format!("{} and {} cannot be compared", child.sql, parent.sql);
    let (child, parent) = (&*resolved(child), &*resolved(parent));
    let families = (family(child, ours), family(parent, theirs));
    let length = |column: &Column| sizes(&column.sql).first().copied();
    match families {
        (Family::Binary, Family::Binary) => match (length(child), length(parent)) {
            (Some(one), Some(other)) if one != other => Err(differ()),
            _ => Ok(Compare::Bytes),
        },
        (Family::Uuid, Family::Uuid) => Ok(Compare::Uuid),
        // A UUID is 16 bytes wherever it is.
        (Family::Uuid, Family::Binary) | (Family::Binary, Family::Uuid) => {
            let other = length(child).or(length(parent));
            if other.is_some_and(|bytes| bytes != 16) {
                Err(differ())
            } else {
                Ok(Compare::Uuid)
            }
        }
        (Family::Integer, Family::Integer) => Ok(Compare::Integer),
        (Family::Text, Family::Text) => characters((child, ours), (parent, theirs)),
        _ => same_type((child, ours), (parent, theirs)).ok_or_else(differ),
    }
}

/// How columns of one type are compared, where the type is of no family.
fn same_type(
    (child, ours): (&Column, &dyn Dialect),
    (parent, theirs): (&Column, &dyn Dialect),
) -> Option<Compare> {
    let natural = |column: &Column, dialect: &dyn Dialect| match family(column, dialect) {
        Family::Integer => Some(Compare::Integer),
        Family::Text if dialect.keys().equality(column) == Equality::Exact => Some(Compare::Text),
        _ => dialect.keys().natural(column),
    };
    let compare = natural(child, ours)?;
    if natural(parent, theirs)? != compare {
        return None;
    }
    let fits = match compare {
        Compare::DateTime => moment(child) == moment(parent),
        Compare::Value => ours.facts().name == theirs.facts().name && base(child) == base(parent),
        _ => true,
    };
    fits.then_some(compare)
}

/// What a date or a time means: a day, a moment in UTC, a moment of no zone, a time of the day.
fn moment(column: &Column) -> &'static str {
    let sql = column.sql.to_ascii_lowercase();
    match base(column).as_str() {
        "date" => "date",
        "time" => "time",
        "datetime" => "datetime",
        _ if sql.ends_with("without time zone") => "datetime",
        _ => "moment",
    }
}

/// Characters are compared as both columns compare them, where they agree.
fn characters(
    (child, ours): (&Column, &dyn Dialect),
    (parent, theirs): (&Column, &dyn Dialect),
) -> Result<Compare, String> {
    let engines = (ours.facts().name, theirs.facts().name);
    match (ours.keys().equality(child), theirs.keys().equality(parent)) {
        (Equality::Padded, Equality::Padded) => Ok(Compare::Collated("RTRIM".to_owned())),
        (Equality::Collation(one), Equality::Collation(other))
            if one == other && engines.0 == engines.1 =>
        {
            Ok(Compare::Collated(one))
        }
        (Equality::Unreadable(collation), _) | (_, Equality::Unreadable(collation)) => {
            Err(format!(
                "{collation} decides which texts are equal, and {} gives no sort keys for it; set \
                 `compare` to text for their bytes, or to text:NOCASE to ignore the case of ASCII \
                 letters",
                if matches!(ours.keys().equality(child), Equality::Unreadable(_)) {
                    engines.0
                } else {
                    engines.1
                }
            ))
        }
        (one @ Equality::Collation(_), other) | (one, other @ Equality::Collation(_)) => {
            let name = |equality: Equality| match equality {
                Equality::Collation(collation) => collation,
                Equality::Exact | Equality::Padded | Equality::Unreadable(_) => {
                    "their bytes".to_owned()
                }
            };
            Err(format!(
                "{} compares its characters by {}, {} by {}",
                child.name,
                name(one),
                parent.name,
                name(other)
            ))
        }
        _ => Ok(Compare::Text),
    }
}

/// What a column means as a key: decimal numbers without a fraction are whole ones.
fn family(column: &Column, dialect: &dyn Dialect) -> Family {
    let family = dialect.family(&column.sql);
    let whole = matches!(base(column).as_str(), "decimal" | "numeric")
        && matches!(sizes(&column.sql).as_slice(), [_] | [_, 0]);
    if whole { Family::Integer } else { family }
}

/// Why servers of two products, make different keys of the same value where
/// it is compared in this way.
pub fn agree(compare: &Compare, ours: Product, theirs: Product) -> Result<(), String> {
    match compare {
        Compare::Value if ours != theirs => Err(format!(
            "only one product has this type, but the sides are on {ours} and {theirs}"
        )),
        Compare::Collated(collation) if ours != theirs && !is_everywhere(collation) => Err(
            format!("only one product has {collation}, but the sides are on {ours} and {theirs}"),
        ),
        _ => Ok(()),
    }
}

/// Whether a collation is one of those of SQLite, whose rules are known without it.
pub fn is_everywhere(collation: &str) -> bool {
    matches!(collation, "BINARY" | "NOCASE" | "RTRIM")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::by_scheme;

    /// `mysql varchar(9) utf8mb4_bin`: the engine, a type, a collation.
    fn described(child: &str, parent: &str) -> String {
        let column = |text: &str| {
            let words: Vec<&str> = text.split(' ').collect();
            let dialect = by_scheme(words[0]).unwrap();
            let column = Column {
                name: "k".to_owned(),
                sql: words[1].to_owned(),
                collation: words.get(2).map(|word| (*word).to_owned()),
                ..Column::default()
            };
            (column, dialect)
        };
        let ((child, ours), (parent, theirs)) = (column(child), column(parent));
        match comparison((&child, ours), (&parent, theirs)) {
            Ok(compare) => compare.word(),
            Err(why) => why,
        }
    }

    #[test]
    fn columns_are_compared_as_both_mean_it() {
        assert_eq!(described("mysql binary(16)", "postgres uuid"), "uuid");
        assert_eq!(described("sqlite BLOB", "mysql binary(16)"), "bytes");
        assert_eq!(described("mysql bigint", "sqlite INTEGER"), "integer");
        assert_eq!(
            described("mysql decimal(20,0)", "postgres bigint"),
            "integer"
        );
        assert_eq!(described("postgres text", "sqlite TEXT"), "text");
        assert_eq!(
            described("mysql char(9) utf8mb4_bin", "postgres text"),
            "text"
        );
        let padded = "mysql varchar(9) utf8mb4_bin";
        assert_eq!(described(padded, padded), "text:RTRIM");
        let loose = "mysql varchar(9) utf8mb4_unicode_ci";
        assert_eq!(described(loose, loose), "text:utf8mb4_unicode_ci");
        assert_eq!(
            described("sqlite TEXT NOCASE", "sqlite TEXT NOCASE"),
            "text:NOCASE"
        );
        assert_eq!(
            described(loose, "postgres text"),
            "k compares its characters by utf8mb4_unicode_ci, k by their bytes"
        );
        for (child, parent) in [
            ("mysql binary(8)", "mysql binary(16)"),
            ("mysql binary(8)", "postgres uuid"),
            ("mysql char(36) ascii_bin", "postgres uuid"),
            ("mysql bigint", "postgres text"),
            ("mysql decimal(20,2)", "mysql bigint"),
        ] {
            let why = described(child, parent);
            assert!(why.ends_with("cannot be compared"), "{why}");
        }
    }

    #[test]
    fn sort_keys_are_those_of_one_product() {
        let collated = Compare::Collated("utf8mb4_unicode_ci".to_owned());
        assert!(agree(&collated, Product::MySql, Product::MySql).is_ok());
        assert!(agree(&collated, Product::MySql, Product::MariaDb).is_err());
        let everywhere = Compare::Collated("NOCASE".to_owned());
        assert!(agree(&everywhere, Product::Sqlite, Product::MariaDb).is_ok());
    }
}
