//! Queries for keys and orphans in PostgreSQL.

use crate::dialect::keys::{
    Equality, KeyColumn, KeyLocation, Keys, Probe, Spelling, Statistics, WHOLE, Wire, refused,
    resolved, rows,
};
use crate::dialect::postgres::{Postgres, hidden_rows};
use crate::dialect::{Literals, sizes};
use crate::model::key::Compare;
use crate::model::schema::{Column, Family};
use crate::model::server::Server;

impl Keys for Postgres {
    fn part(
        &self,
        column: &Column,
        compare: &Compare,
        _server: &Server,
    ) -> Result<KeyColumn, String> {
        let name = Postgres.quote(&column.name);
        let resolved = resolved(column);
        let base = base_of(&resolved);
        let base = base.as_str();
        let text = format!("{name}::text");
        let plain = |wire, spelling| KeyColumn::plain(name.clone(), wire, compare, spelling);
        Ok(match (base, compare) {
            ("uuid", Compare::Uuid) => plain(Wire::Bytes, Spelling::Uuid),
            ("bytea", Compare::Bytes | Compare::Uuid | Compare::Text) => {
                plain(Wire::Bytes, Spelling::Bytes)
            }
            ("smallint", Compare::Integer) => plain(Wire::BigEndian, Spelling::bits(16, true)),
            ("integer", Compare::Integer) => plain(Wire::BigEndian, Spelling::bits(32, true)),
            ("bigint", Compare::Integer) => plain(Wire::BigEndian, Spelling::bits(64, true)),
            ("numeric", Compare::Integer)
                if sizes(&resolved.sql).get(1).copied().unwrap_or(0) == 0 =>
            {
                KeyColumn {
                    select: format!("trim_scale({name})::text"),
                    ..plain(Wire::Digits, WHOLE)
                }
            }
            ("text" | "character varying" | "character" | "name" | "citext", compare) => {
                characters(name, column, base, compare)?
            }
            ("oid", Compare::Integer) => KeyColumn {
                select: format!("{name}::bigint AS bird_key"),
                ..plain(Wire::BigEndian, Spelling::bits(32, false))
            },
            ("numeric" | "smallint" | "integer" | "bigint", Compare::Decimal) => KeyColumn {
                sorts: false,
                select: format!("{text} AS bird_key"),
                bound: Spelling::Never,
                wide: Some((name.clone(), Spelling::Decimal)),
                ..plain(Wire::Characters, Spelling::Decimal)
            },
            ("double precision", Compare::Double) => KeyColumn {
                select: format!("{text} AS bird_key"),
                ..plain(Wire::Characters, Spelling::Double)
            },
            (base, Compare::DateTime) if MOMENTS.contains(&base) => KeyColumn {
                select: format!("{text} AS bird_key"),
                ..plain(Wire::Characters, Spelling::Text)
            },
            (base, Compare::Value) if VALUES.contains(&base) => KeyColumn {
                sorts: false,
                select: format!("{text} AS bird_key"),
                bound: Spelling::Never,
                wide: Some((name.clone(), Spelling::Text)),
                ..plain(Wire::Characters, Spelling::Text)
            },
            // Whatever the type is, the server writes it as text.
            (_, Compare::Text) if resolved.family != Family::Integer => {
                let bytes = format!("{text} COLLATE \"C\"");
                KeyColumn {
                    select: bytes.clone(),
                    order: bytes.clone(),
                    indexed: false,
                    probes: vec![Probe::every(bytes, Spelling::Text)],
                    ..plain(Wire::Characters, Spelling::Text)
                }
            }
            _ => return Err(refused(column, compare)),
        })
    }

    fn statistics(
        &self,
        place: &KeyLocation<'_>,
        table: &str,
        columns: &[&str],
    ) -> Option<Statistics> {
        let text = |text: &str| Postgres.text(text).ok();
        let (schema, table) = (text(place.schema.unwrap_or("public"))?, text(table)?);
        // Of several columns the catalog knows nothing together.
        let column = match columns {
            [column] => text(column)?,
            _ => "NULL".to_owned(),
        };
        Some(Statistics {
            otherwise: None,
            there: None,
            sql: format!(
                "SELECT CASE WHEN c.reltuples >= 0 THEN c.reltuples::bigint END, \
                 CASE WHEN s.n_distinct >= 0 THEN s.n_distinct::bigint \
                 WHEN c.reltuples >= 0 THEN (-s.n_distinct * c.reltuples)::bigint END \
                 FROM pg_catalog.pg_class c \
                 JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
                 LEFT JOIN pg_catalog.pg_stats s ON s.schemaname = n.nspname \
                 AND s.tablename = c.relname AND s.attname = {column} \
                 WHERE n.nspname = {schema} AND c.relname = {table} \
                 ORDER BY s.inherited DESC LIMIT 1"
            ),
        })
    }

    fn hidden_rows_query(&self, schema: Option<&str>) -> Option<String> {
        Some(hidden_rows::query(schema))
    }

    fn counts(&self) -> Wire {
        Wire::BigEndian
    }

    fn row_expression(&self, column: &Column) -> String {
        let name = Postgres.quote(&column.name);
        match column.family {
            Family::Binary => format!("encode({name}, 'hex')"),
            _ => format!("{name}::text"),
        }
    }

    fn row_order(&self, column: &Column) -> String {
        Postgres.quote(&column.name)
    }

    fn row_literal(&self, column: &Column, value: &str) -> Result<String, String> {
        match column.family {
            Family::Binary => Ok(Postgres.bytes(&rows::bytes_of(column, value)?)),
            Family::Integer => rows::number(column, value),
            Family::Text => Postgres.text(value),
            _ => Ok(format!("{}::{}", Postgres.text(value)?, column.sql)),
        }
    }

    fn natural(&self, column: &Column) -> Option<Compare> {
        Some(match base_of(column).as_str() {
            "numeric" => Compare::Decimal,
            "double precision" => Compare::Double,
            "oid" => Compare::Integer,
            "enum" => Compare::Text,
            base if MOMENTS.contains(&base) => Compare::DateTime,
            base if VALUES.contains(&base) => Compare::Value,
            _ => return None,
        })
    }

    fn equality(&self, column: &Column) -> Equality {
        match (column.sql.as_str(), &column.key_type.0.collation) {
            ("citext", _) => Equality::Unreadable("the type citext".to_owned()),
            (_, Some(collation)) => Equality::Unreadable(format!("the collation {collation}")),
            _ => Equality::Exact,
        }
    }

    /// A hash of all keys spills where the order of the index needs no memory.
    fn streaming(&self) -> Option<&'static str> {
        // Texts of dates and numbers are keys, whatever the settings of the role.
        Some(
            "SET enable_hashagg = off; SET jit = off; SET max_parallel_workers_per_gather = 0; \
             SET datestyle = 'ISO, YMD'; SET extra_float_digits = 1",
        )
    }
}

/// Types whose text is a date or a time.
const MOMENTS: &[&str] = &[
    "date",
    "time without time zone",
    "timestamp without time zone",
    "timestamp with time zone",
];

/// Types whose values are equal exactly where the server writes them alike.
const VALUES: &[&str] = &[
    "bit",
    "bit varying",
    "boolean",
    "cidr",
    "inet",
    "macaddr",
    "macaddr8",
    "pg_lsn",
    "time with time zone",
];

/// The type of a column without its size: `timestamp without time zone` of
/// `timestamp(3) without time zone`.
fn base_of(column: &Column) -> String {
    match (column.sql.split_once('('), column.sql.split_once(')')) {
        (Some((before, _)), Some((_, after))) => format!("{}{after}", before.trim_end()),
        _ => column.sql.clone(),
    }
}

fn characters(
    name: String,
    column: &Column,
    base: &str,
    compare: &Compare,
) -> Result<KeyColumn, String> {
    let bytewise = base == "name" || column.collation.as_deref().is_some_and(is_bytewise);
    let text = format!("{name}::text");
    let order = if bytewise {
        name.clone()
    } else {
        format!("{text} COLLATE \"C\"")
    };
    let part = KeyColumn {
        // The blanks that fill a CHAR are no part of its value.
        select: match base {
            // Without a name of its own, it would be what `ORDER BY` means.
            "character" if bytewise => format!("{text} AS bird_key"),
            _ => order.clone(),
        },
        order,
        indexed: bytewise,
        ..KeyColumn::plain(name, Wire::Characters, compare, Spelling::Text)
    };
    Ok(match compare {
        Compare::Text | Compare::Bytes => part,
        // Where large letters come before small ones, no one bound serves for both.
        Compare::Uuid => {
            let digits = format!(
                "translate(replace(lower({text}), 'urn:uuid:', ''), '-{{}}', '') COLLATE \"C\""
            );
            KeyColumn {
                bound: Spelling::Never,
                wide: Some((digits.clone(), Spelling::Hex)),
                probes: vec![Probe::every(digits, Spelling::Hex)],
                ..part
            }
        }
        Compare::Integer => {
            let number = format!("CASE WHEN {text} ~ '^-?[0-9]+$' THEN {text}::numeric ELSE 0 END");
            KeyColumn {
                sorts: false,
                bound: Spelling::Never,
                wide: Some((number.clone(), WHOLE)),
                probes: vec![Probe::every(number, WHOLE)],
                ..part
            }
        }
        Compare::Decimal | Compare::DateTime | Compare::Double | Compare::Value => {
            return Err(refused(column, compare));
        }
        Compare::Collated(collation) => match collation.as_str() {
            "BINARY" => part,
            "NOCASE" => KeyColumn {
                sorts: false,
                probes: vec![Probe::every(
                    format!("lower({text} COLLATE \"C\")"),
                    Spelling::Text,
                )],
                ..part
            },
            "RTRIM" => KeyColumn {
                probes: vec![Probe::every(format!("rtrim({text}, ' ')"), Spelling::Text)],
                ..part
            },
            _ => {
                return Err(format!(
                    "{} cannot be compared by {collation}: PostgreSQL gives no sort keys; `compare` \
                     can be text for bytes, which deterministic collations compare too",
                    column.name
                ));
            }
        },
    })
}

/// Whether a collation, as the server writes its name, has the order of bytes.
fn is_bytewise(collation: &str) -> bool {
    let name = collation.strip_prefix("pg_catalog.").unwrap_or(collation);
    let known = ["C", "POSIX", "ucs_basic", "pg_c_utf8", "C.UTF-8", "C.utf8"];
    known.contains(&name.trim_matches('"'))
}
