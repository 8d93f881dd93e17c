//! Server facts of PostgreSQL: version, locks, replication, load.

use super::variant::LOOKALIKES;
use super::{Postgres, schema_name};
use crate::dialect::Lock;
use crate::dialect::server::{ServerFacts, lookalike, number_of};
use crate::model::server::{Product, Server, Version};
use sha2::{Digest, Sha256};

impl ServerFacts for Postgres {
    fn server_query(&self) -> &'static str {
        "SELECT current_setting('server_version'), version()"
    }

    fn server(&self, row: &[Option<String>]) -> Server {
        let text = row.first().and_then(Option::as_deref).unwrap_or_default();
        Server {
            product: Product::Postgres,
            version: Version::new(text.split(' ').next().unwrap_or_default()),
            variant: lookalike(row, LOOKALIKES),
        }
    }

    /// A promoted replica has its primary's number, but a timeline of its own.
    fn environment_query(&self) -> Option<&'static str> {
        Some(
            "SELECT name, setting FROM pg_catalog.pg_settings WHERE name IN \
             ('array_nulls', 'default_table_access_method', 'default_tablespace', \
              'default_toast_compression', 'default_with_oids', 'standard_conforming_strings', \
              'transform_null_equals') ORDER BY name",
        )
    }

    fn identity_query(&self, _server: &Server) -> Option<&'static str> {
        Some(
            "SELECT s.system_identifier || '/' || c.timeline_id \
             FROM pg_control_system() s, pg_control_checkpoint() c",
        )
    }

    fn blockers_query(&self, _server: &Server) -> Option<&'static str> {
        Some(
            "SELECT a.pid, a.usename, coalesce(a.client_addr::text, 'local'), \
                    extract(epoch FROM now() - coalesce(a.xact_start, a.backend_start))::bigint \
             FROM pg_stat_activity a WHERE a.pid <> pg_backend_pid() \
             AND a.datname = current_database() AND EXISTS (\
               SELECT 1 FROM pg_locks l JOIN pg_class c ON c.oid = l.relation \
               WHERE l.pid = a.pid AND l.granted AND l.locktype = 'relation' \
               AND c.relnamespace = current_schema()::regnamespace) \
             ORDER BY 4 DESC LIMIT 3",
        )
    }

    fn prepared_query(&self) -> Option<&'static str> {
        Some(
            "SELECT p.gid FROM pg_prepared_xacts p JOIN pg_locks own ON own.pid IS NULL \
             AND own.locktype = 'transactionid' AND own.transactionid = p.transaction \
             WHERE p.database = current_database() AND EXISTS (\
               SELECT 1 FROM pg_locks l JOIN pg_class c ON c.oid = l.relation \
               WHERE l.pid IS NULL AND l.virtualtransaction = own.virtualtransaction \
               AND l.granted AND c.relnamespace = current_schema()::regnamespace) \
             ORDER BY p.prepared LIMIT 3",
        )
    }

    /// An advisory lock belongs to one database; the key tells the schemas in it apart. It is
    /// polled: a blocking `pg_advisory_lock` deadlocks with `CREATE INDEX CONCURRENTLY`.
    fn lock(&self, _database: &str, schema: Option<&str>) -> Option<Lock> {
        let digest = Sha256::digest(format!("bird:{}", schema_name(schema)));
        let word = |at: usize| {
            let bytes = [digest[at], digest[at + 1], digest[at + 2], digest[at + 3]];
            i32::from_be_bytes(bytes)
        };
        let (class, object) = (word(0), word(4));
        // `pg_locks` shows the two keys as unsigned numbers.
        let lock = format!(
            "l.locktype = 'advisory' AND l.classid = {} AND l.objid = {} AND l.objsubid = 2 \
             AND l.granted AND l.database = (SELECT oid FROM pg_database \
             WHERE datname = current_database())",
            class.cast_unsigned(),
            object.cast_unsigned()
        );
        Some(Lock {
            take: format!("SELECT pg_try_advisory_lock({class}, {object})::int"),
            held: format!(
                "SELECT count(*) FROM pg_locks l WHERE {lock} AND l.pid = pg_backend_pid()"
            ),
            session: "SELECT concat_ws(':', extract(epoch FROM pg_postmaster_start_time()), \
                      pg_backend_pid())",
            // A lock that is taken in a shared session might stay there, and nobody gets at it.
            pins: false,
            holder: format!(
                "SELECT l.pid, a.usename, coalesce(a.client_addr::text, 'local'), \
                 extract(epoch FROM now() - coalesce(a.query_start, a.backend_start))::bigint, \
                 a.query FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid \
                 WHERE {lock}"
            ),
            release: format!("SELECT pg_advisory_unlock({class}, {object})::int"),
        })
    }

    /// The session's own default, before bird's SET.
    fn unwritable_query(&self) -> Option<&'static str> {
        Some(
            "SELECT CASE WHEN pg_is_in_recovery() THEN 'pg_is_in_recovery()' ELSE \
             (SELECT name FROM pg_settings WHERE name = 'default_transaction_read_only' \
              AND reset_val = 'on') END",
        )
    }

    fn cancel(&self, session: &str) -> Option<String> {
        Some(format!(
            "SELECT pg_cancel_backend({})::int",
            number_of(session)?
        ))
    }

    fn doubts(&self, server: &Server) -> Vec<String> {
        let variant = server.variant.iter();
        variant
            .map(|variant| format!("bird is not tested on {variant}"))
            .collect()
    }

    /// A standby is its primary's whole cluster; one that follows by publications is another.
    fn copies_identity(&self) -> bool {
        true
    }

    /// While a primary is idle, the time since its last transaction grows, and nothing is behind:
    /// what was replayed is compared with what was received, and with what the primary said that it
    /// has, which only some accounts see. A standby that has lost its primary has replayed all that
    /// it received; unless an archive goes on feeding it, it does not follow.
    fn replication(&self, _server: &Server) -> Option<&'static str> {
        Some(
            "SELECT pg_is_in_recovery()::text AS replica, (CASE \
             WHEN NOT pg_is_in_recovery() THEN NULL \
             WHEN w.pid IS NULL AND pg_last_wal_receive_lsn() IS NOT NULL \
             AND current_setting('restore_command', true) = '' THEN NULL \
             WHEN w.pid IS NOT NULL AND GREATEST(pg_last_wal_receive_lsn(), w.latest_end_lsn) \
             <= pg_last_wal_replay_lsn() THEN 0 \
             ELSE EXTRACT(EPOCH FROM now() - pg_last_xact_replay_timestamp())::bigint END)::text AS lag \
             FROM (SELECT) AS one LEFT JOIN pg_catalog.pg_stat_wal_receiver w ON true",
        )
    }

    fn load(&self) -> Option<&'static str> {
        Some(
            "SELECT COUNT(*) FROM pg_catalog.pg_stat_activity \
             WHERE state = 'active' AND backend_type = 'client backend'",
        )
    }
}
