//! The session settings of PostgreSQL.

use super::{Postgres, schema_name};
use crate::dialect::literals::{Literals, single_quoted};
use crate::dialect::session::SessionSql;
use std::time::Duration;

/// Sets which kinds of relations this session must not read, where the server knows the setting: from
/// 12.20, 13.16, 14.13, 15.8, 16.4 and 17 on.
fn views(restricted: &str) -> String {
    format!(
        "SELECT pg_catalog.set_config(s.name, '{restricted}', false) FROM pg_catalog.pg_settings s \
         WHERE s.name = 'restrict_nonsystem_relation_kind';"
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
        let views = if read_only {
            views("view")
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
             SET default_transaction_read_only TO {access};{views}"
        )
    }

    fn allow_views(&self) -> Option<String> {
        Some(views(""))
    }

    fn reset(&self, schema: Option<&str>) -> String {
        let settings = self.settings(schema, false);
        format!("RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL; {settings}")
    }

    fn session_query(&self) -> Option<&'static str> {
        Some("SELECT pg_backend_pid()")
    }

    fn limits(&self, lock: Duration, statement: Option<Duration>) -> Option<String> {
        let lock = lock.as_millis().max(1);
        let statement = statement.map_or(0, |statement| statement.as_millis());
        // While a database waits for another one, its session is idle, and must not be ended.
        Some(format!(
            "SET lock_timeout TO {lock}; SET statement_timeout TO {statement}; \
             SELECT set_config(name, '0', false) FROM pg_settings \
             WHERE name IN ('idle_session_timeout', 'idle_in_transaction_session_timeout')"
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
