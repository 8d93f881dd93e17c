//! Server facts of MySQL and MariaDB: version, locks, replication, load.

use super::MySql;
use super::variant::{LOOKALIKES, Variant, newest};
use crate::dialect::Lock;
use crate::dialect::server::{ServerFacts, lookalike, number_of};
use crate::model::hex;
use crate::model::server::{Product, Server, Version};
use sha2::{Digest, Sha256};

impl ServerFacts for MySql {
    fn server_query(&self) -> &'static str {
        "SELECT VERSION(), @@version_comment, @@basedir"
    }

    fn server(&self, row: &[Option<String>]) -> Server {
        let text = row.first().and_then(Option::as_deref).unwrap_or_default();
        // MariaDB may lead with a version that old replicas understand: `5.5.5-10.11.6-MariaDB`.
        let maria = text.to_ascii_lowercase().contains("mariadb");
        let text = text.strip_prefix("5.5.5-").unwrap_or(text);
        let number = text.split(['-', '+', ' ', '~']).next().unwrap_or_default();
        Server {
            product: if maria {
                Product::MariaDb
            } else {
                Product::MySql
            },
            version: Version::new(number),
            variant: lookalike(row, LOOKALIKES),
        }
    }

    fn environment_query(&self) -> Option<&'static str> {
        Some(
            "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('sql_mode', 'default_storage_engine', \
             'default_collation_for_utf8mb4', 'character_set_collations', 'collation_server', \
             'explicit_defaults_for_timestamp', 'innodb_default_row_format', \
             'sql_generate_invisible_primary_key', 'lower_case_table_names', \
             'restrict_fk_on_non_standard_key')",
        )
    }

    fn identity_query(&self, server: &Server) -> Option<&'static str> {
        Some(Variant::of(server).identity_query)
    }

    fn unique_identity_query(&self, server: &Server) -> Option<&'static str> {
        Some(Variant::of(server).unique_identity_query)
    }

    fn blockers_query(&self, server: &Server) -> Option<&'static str> {
        Some(Variant::of(server).blockers_query)
    }

    fn prepared_query(&self) -> Option<&'static str> {
        Some("XA RECOVER")
    }

    /// The name is one for the whole server and at most 64 characters: a hash with the
    /// database's name in it.
    fn lock(&self, database: &str, _schema: Option<&str>) -> Option<Lock> {
        let hash = hex::digits(&Sha256::digest(database.as_bytes())[..16]);
        let name = format!("'bird_{hash}'");
        Some(Lock {
            take: format!("SELECT GET_LOCK({name}, 0)"),
            held: format!("SELECT IS_USED_LOCK({name}) = CONNECTION_ID()"),
            // A proxy answers to `SELECT CONNECTION_ID()` by itself, but not to this.
            session: "SELECT CONCAT_WS(':', @@hostname, @@port, CONNECTION_ID())",
            // ProxySQL does.
            pins: true,
            holder: format!(
                "SELECT ID, USER, HOST, TIME, INFO FROM information_schema.PROCESSLIST \
                 WHERE ID = IS_USED_LOCK({name})"
            ),
            release: format!("SELECT RELEASE_LOCK({name})"),
        })
    }

    /// An account with many rights may write all the same, and then a replica is none any more.
    fn unwritable_query(&self) -> Option<&'static str> {
        Some(
            "SHOW GLOBAL VARIABLES WHERE Variable_name IN \
             ('read_only', 'super_read_only', 'innodb_read_only') AND Value IN ('ON', '1')",
        )
    }

    fn replicas_take_writes(&self) -> bool {
        true
    }

    /// Galera, Percona XtraDB Cluster, and group replication with several primaries.
    fn cluster_query(&self) -> Option<&'static str> {
        Some(
            "SHOW GLOBAL VARIABLES WHERE Variable_name = 'pxc_strict_mode' \
             OR (Variable_name = 'wsrep_on' AND Value = 'ON') \
             OR (Variable_name = 'group_replication_single_primary_mode' AND Value = 'OFF')",
        )
    }

    fn cancel(&self, session: &str) -> Option<String> {
        Some(format!("KILL QUERY {}", number_of(session)?))
    }

    /// DDL has to be atomic, so that a crash leaves no statement half done.
    fn doubts(&self, server: &Server) -> Vec<String> {
        let mut doubts = Vec::new();
        let [major, minor] = Variant::of(server).atomic_ddl_since;
        if !server.version.is_at_least(&[major, minor]) {
            doubts.push(format!(
                "{server} is older than {major}.{minor}: after a crash, a statement may be half done"
            ));
        }
        if let Some(variant) = server.variant {
            doubts.push(format!("bird is not tested on {variant}"));
        }
        doubts
    }

    fn replication_right(&self, server: &Server) -> Option<&'static str> {
        newest(Variant::of(server).replication_right, &server.version)
    }

    fn replication(&self, server: &Server) -> Option<&'static str> {
        newest(Variant::of(server).replication_query, &server.version)
    }

    fn load(&self) -> Option<&'static str> {
        Some("SHOW GLOBAL STATUS LIKE 'Threads_running'")
    }
}
