//! The session settings of PostgreSQL.

use super::{Postgres, schema_name};
use crate::dialect::literals::{Literals, single_quoted};
use crate::dialect::server::number_of;
use crate::dialect::session::SessionSql;
use std::time::Duration;

/// Timeouts that the server, the database or the role may set. bird's own limits hold instead; while
/// a database waits for another one, its session is idle, and must not be ended.
const TIMEOUTS: &[&str] = &[
    "statement_timeout",
    "lock_timeout",
    "transaction_timeout",
    "idle_session_timeout",
    "idle_in_transaction_session_timeout",
];

/// Which kinds of relations a session must not read: known from 12.20, 13.16, 14.13, 15.8, 16.4 and 17
/// on.
const VIEWS: &[&str] = &["restrict_nonsystem_relation_kind"];

/// What a role or a database may have set for transactions: an isolation that raises errors, and
/// waiting for a safe snapshot.
const READ_ONLY: &str = "SET default_transaction_isolation TO 'read committed'; \
    SET default_transaction_deferrable TO off;";

/// Sets settings that not every version has.
fn set_where_known(settings: &[&str], value: &str) -> String {
    let names = settings.join("', '");
    format!(
        "SELECT pg_catalog.set_config(s, '{value}', false) \
         FROM pg_catalog.unnest(ARRAY['{names}']) s \
         WHERE pg_catalog.current_setting(s, true) IS NOT NULL;"
    )
}

impl SessionSql for Postgres {
    /// Schemas of extensions are on the path as well, unless they hold other tables: those belong to
    /// somebody else, and no name of a migration must mean them.
    ///
    /// A policy must not hide rows: a statement that one applies to is an error instead. A session that
    /// only reads refuses to read views, so that nobody can swap a table for one.
    fn settings(&self, schema: Option<&str>, read_only: bool) -> String {
        let schema = single_quoted(schema_name(schema));
        let access = if read_only { "on" } else { "off" };
        let timeouts = set_where_known(TIMEOUTS, "0");
        let reading = if read_only {
            format!("{READ_ONLY}{}", set_where_known(VIEWS, "view"))
        } else {
            String::new()
        };
        format!(
            "SELECT pg_catalog.set_config('search_path', pg_catalog.concat_ws(', ', \
             pg_catalog.quote_ident({schema}), (SELECT pg_catalog.string_agg( \
             pg_catalog.quote_ident(n.nspname), ', ' ORDER BY n.nspname) \
             FROM pg_catalog.pg_namespace n WHERE n.nspname NOT IN ('pg_catalog', {schema}) \
             AND n.oid IN (SELECT e.extnamespace FROM pg_catalog.pg_extension e) \
             AND NOT EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.relnamespace = n.oid \
             AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') \
             AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.deptype = 'e' \
             AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid)))), \
             false); SET TimeZone TO 'UTC'; \
             SET standard_conforming_strings TO on; SET row_security TO off; \
             SET default_transaction_read_only TO {access}; \
             SET transform_null_equals TO off; {timeouts}{reading}"
        )
    }

    fn allow_views(&self) -> Option<String> {
        Some(set_where_known(VIEWS, ""))
    }

    fn reset(&self, schema: Option<&str>) -> String {
        let settings = self.settings(schema, false);
        format!("RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL; {settings}")
    }

    fn session_query(&self) -> Option<&'static str> {
        Some("SELECT pg_backend_pid()")
    }

    fn busy_query(&self, session: &str) -> Option<String> {
        let id = number_of(session)?;
        Some(format!(
            "SELECT CASE WHEN state LIKE 'idle%' THEN 0 ELSE 1 END \
             FROM pg_catalog.pg_stat_activity WHERE pid = {id}"
        ))
    }

    fn limits(&self, lock: Duration, statement: Option<Duration>) -> Option<String> {
        let lock = lock.as_millis().max(1);
        let statement = statement.map_or(0, |statement| statement.as_millis());
        Some(format!(
            "SET lock_timeout TO {lock}; SET statement_timeout TO {statement}"
        ))
    }

    fn tcp_keepalive(&self) -> Option<&'static str> {
        Some("SET client_connection_check_interval TO '5s'")
    }

    fn teardown(&self) -> Option<&'static str> {
        Some("RESET ALL")
    }

    fn stop_on_error(&self) -> Option<&'static str> {
        Some("\\set ON_ERROR_STOP on\n")
    }

    fn connect_command(&self, database: &str) -> String {
        format!("\\connect {}\n", self.quote(database))
    }
}
