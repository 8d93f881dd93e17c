//! Changes of a column's type that lose something of its values, so that the old type brings them
//! back otherwise than they were.

use crate::dialect::sizes;
use crate::sql::Cursor;

/// The types between which values change their meaning or their precision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Whole,
    Exact,
    Single,
    Double,
    Text,
    Moment,
    Day,
    Clock,
    Json,
    JsonBinary,
}

fn kind(base: &str) -> Option<Kind> {
    Some(match base {
        "tinyint" | "smallint" | "mediumint" | "int" | "integer" | "bigint" => Kind::Whole,
        "decimal" | "numeric" | "dec" => Kind::Exact,
        "float" | "real" => Kind::Single,
        "double" | "double precision" => Kind::Double,
        "char" | "varchar" | "character" | "character varying" | "text" | "tinytext"
        | "mediumtext" | "longtext" => Kind::Text,
        "datetime" => Kind::Moment,
        base if base.starts_with("timestamp") => Kind::Moment,
        "date" => Kind::Day,
        base if base.starts_with("time") => Kind::Clock,
        "json" => Kind::Json,
        "jsonb" => Kind::JsonBinary,
        _ => return None,
    })
}

/// Whether values lose something when a column of one type gets another, where the server does not
/// refuse it.
#[must_use]
pub fn loses_values(before: &str, after: &str) -> bool {
    let base = |sql: &str| {
        let base = sql.split('(').next().unwrap_or_default();
        let base = base.trim_end_matches(" unsigned").trim();
        base.to_lowercase()
    };
    let (from, to) = (base(before), base(after));
    let (Some(old), Some(new)) = (kind(&from), kind(&to)) else {
        return false;
    };
    let (had, has) = (sizes(before), sizes(after));
    match (old, new) {
        (Kind::Exact, Kind::Exact) => match (had.get(1), has.get(1)) {
            (Some(had), Some(has)) => has < had,
            // Without sizes it keeps every digit on PostgreSQL; other servers print them.
            (None, _) => had.is_empty() && !has.is_empty(),
            (Some(had), None) => *had > 0 && !has.is_empty(),
        },
        (Kind::Moment, Kind::Moment) | (Kind::Clock, Kind::Clock) => {
            match (had.first(), has.first()) {
                (Some(had), Some(has)) => has < had,
                (Some(had), None) => *had > 0 && to == "datetime",
                _ => false,
            }
        }
        (Kind::Exact | Kind::Single | Kind::Double, Kind::Whole)
        | (Kind::Single | Kind::Double, Kind::Exact)
        | (Kind::Double, Kind::Single)
        | (Kind::Moment, Kind::Day | Kind::Clock)
        | (Kind::Json, Kind::JsonBinary) => true,
        (Kind::Text, new) => new != Kind::Text,
        _ => false,
    }
}

/// The columns, as statements name them, that an ALTER TABLE computes anew with `USING`, from behind
/// the table's name. A plain cast counts as no computation.
pub fn computed_anew(rest: &Cursor<'_>) -> Vec<String> {
    let mut columns = Vec::new();
    for mut clause in rest.clauses() {
        if !clause.eat("ALTER") {
            continue;
        }
        clause.eat("COLUMN");
        let Some(column) = clause.part() else {
            continue;
        };
        clause.eat_all(&["SET", "DATA"]);
        if !clause.eat("TYPE") {
            continue;
        }
        while !clause.is_over() && !clause.eat("USING") {
            // `numeric(10, USING)` is no type: parentheses hold sizes.
            if clause.group().is_none() {
                clause.next();
            }
        }
        if clause.is_over() {
            continue;
        }
        let mut value = clause.bare();
        if value.eat("CAST")
            && let Some(group) = value.group()
        {
            value = group;
        }
        let same = value.part().as_ref() == Some(&column);
        let cast = value.is_over() || value.sees("AS") || value.sees_all(&[":", ":"]);
        let cast = cast || value.sees("::");
        if !(same && cast) {
            columns.push(column);
        }
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::loses_values;

    #[test]
    fn what_a_type_cannot_hold_is_lost() {
        for (before, after) in [
            ("numeric(10,4)", "numeric(10,2)"),
            ("numeric", "numeric(10,2)"),
            ("decimal(10,4)", "int"),
            ("double precision", "integer"),
            ("double", "float"),
            ("double", "decimal(10,2)"),
            ("timestamp without time zone", "date"),
            (
                "timestamp(6) without time zone",
                "timestamp(3) without time zone",
            ),
            ("datetime(6)", "datetime"),
            ("text", "integer"),
            ("varchar(20)", "date"),
            ("json", "jsonb"),
        ] {
            assert!(loses_values(before, after), "{before} to {after}");
        }
    }

    #[test]
    fn what_fits_is_kept_and_what_does_not_is_refused_by_the_server() {
        for (before, after) in [
            ("numeric(10,2)", "numeric(12,4)"),
            ("numeric(10,2)", "numeric"),
            ("int", "bigint"),
            ("bigint", "int"),
            ("int unsigned", "bigint unsigned"),
            ("varchar(20)", "varchar(10)"),
            ("varchar(20)", "text"),
            ("integer", "text"),
            ("date", "timestamp without time zone"),
            (
                "timestamp(3) without time zone",
                "timestamp without time zone",
            ),
            ("datetime", "datetime(6)"),
            ("enum('a','b')", "varchar(9)"),
        ] {
            assert!(!loses_values(before, after), "{before} to {after}");
        }
    }
}
