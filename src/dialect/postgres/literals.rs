//! Names, literals and comparisons of PostgreSQL.

use super::{Postgres, SYNTAX, schema_name};
use crate::dialect::literals::{Literals, single_quoted};
use crate::model::hex;
use crate::model::schema::{Column, Family};

impl Literals for Postgres {
    fn default_qualifier<'n>(&self, _database: &'n str, schema: Option<&'n str>) -> &'n str {
        schema_name(schema)
    }

    fn quote(&self, identifier: &str) -> String {
        SYNTAX.quoted(identifier)
    }

    fn text(&self, text: &str) -> Result<String, String> {
        if text.contains('\0') {
            Err("PostgreSQL has no character NUL".into())
        } else {
            Ok(single_quoted(text))
        }
    }

    fn bytes(&self, bytes: &[u8]) -> String {
        // With the prefix it means the same whatever `standard_conforming_strings` is set to.
        format!("E'\\\\x{}'", hex::capitals(bytes))
    }

    fn boolean(&self, yes: bool) -> &'static str {
        if yes { "TRUE" } else { "FALSE" }
    }

    fn table(&self, schema: Option<&str>, table: &str) -> String {
        format!("{}.{}", self.quote(schema_name(schema)), self.quote(table))
    }

    fn family(&self, sql_type: &str) -> Family {
        let base = sql_type.split('(').next().unwrap_or_default().trim();
        match base {
            "text" | "character varying" | "character" | "name" | "citext" | "\"char\"" => {
                Family::Text
            }
            "bytea" => Family::Binary,
            "uuid" => Family::Uuid,
            "boolean" => Family::Bool,
            "smallint" | "integer" | "bigint" => Family::Integer,
            _ => Family::Other,
        }
    }

    fn replace(&self, table: &str, columns: &[&str], values: &[String]) -> String {
        let (key, rest) = columns.split_first().unwrap_or((&"", &[]));
        let set: Vec<String> = rest
            .iter()
            .map(|column| format!("{column} = EXCLUDED.{column}"))
            .collect();
        format!(
            "INSERT INTO {table} ({}) VALUES ({}) ON CONFLICT ({key}) DO UPDATE SET {}",
            columns.join(", "),
            values.join(", "),
            set.join(", ")
        )
    }

    fn hex_of(&self, column: &str) -> String {
        format!("encode({column}, 'hex')")
    }

    fn utc_of(&self, column: &Column, is_utc: bool) -> Option<String> {
        let name = self.quote(&column.name);
        let moment = match column.sql.ends_with("with time zone") {
            true => format!("{name} AT TIME ZONE 'UTC'"),
            false if is_utc => name,
            false => return None,
        };
        Some(format!(
            r#"to_char({moment}, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"#
        ))
    }
}
