//! Tables whose rows a policy hides from the account (row-level security).

use super::schema_name;
use crate::dialect::literals::single_quoted;

/// The beginning of the server's error about a table; the name follows in quotes.
const REFUSED: &str = "query would be affected by row-level security policy for table \"";

/// The table that an error of the server is about. `None` if it is about something else.
pub fn table_of(message: &str) -> Option<&str> {
    message.strip_prefix(REFUSED)?.strip_suffix('"')
}

/// Asks for a table that an error was about, whose schema the error does not name: its policies, and
/// whether they apply to the owner as well.
pub fn policies_query(table: &str) -> String {
    let table = single_quoted(table);
    format!(
        "SELECT pg_catalog.string_agg(DISTINCT p.polname::text, ', '), \
         pg_catalog.bool_or(c.relforcerowsecurity)::text FROM pg_catalog.pg_class c \
         LEFT JOIN pg_catalog.pg_policy p ON c.oid = p.polrelid \
         WHERE c.relname = {table} AND c.relrowsecurity"
    )
}

/// Asks for the tables of a schema whose rows policies hide from the account: table, policies, and
/// whether they apply to the owner as well.
pub(super) fn query(schema: Option<&str>) -> String {
    let schema = single_quoted(schema_name(schema));
    format!(
        "SELECT c.relname::text, (SELECT pg_catalog.string_agg(p.polname::text, ', ' \
         ORDER BY p.polname) FROM pg_catalog.pg_policy p WHERE p.polrelid = c.oid), \
         c.relforcerowsecurity::text FROM pg_catalog.pg_class c \
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         WHERE n.nspname = {schema} AND c.relrowsecurity \
         AND pg_catalog.row_security_active(c.oid) ORDER BY 1"
    )
}
