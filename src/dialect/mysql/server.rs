//! Server facts of MySQL and MariaDB: version, locks, replication, load.

use super::MySql;
use crate::dialect::Lock;
use crate::dialect::server::{ServerFacts, number_of, variant};
use crate::model::hex;
use crate::model::server::Server;
use sha2::{Digest, Sha256};

/// What speaks MySQL's language and is something else, by a word in what it says of itself.
const VARIANTS: &[(&str, &str)] = &[
    ("tidb", "TiDB"),
    ("vitess", "Vitess"),
    ("planetscale", "PlanetScale"),
    ("aurora", "Amazon Aurora"),
    ("singlestore", "SingleStore"),
    ("oceanbase", "OceanBase"),
];

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
            product: if maria { "MariaDB" } else { "MySQL" },
            version: number.to_owned(),
            variant: variant(row, VARIANTS),
        }
    }

    fn identity_query(&self, server: &Server) -> Option<&'static str> {
        Some(match server.product {
            "MariaDB" => "SELECT @@server_id",
            _ => "SELECT @@server_uuid",
        })
    }

    /// MariaDB shows no metadata locks unless a plugin is loaded; whoever holds one has a
    /// transaction open.
    fn blockers_query(&self, server: &Server) -> Option<&'static str> {
        Some(match server.product {
            "MariaDB" => {
                "SELECT p.ID, p.USER, p.HOST, p.TIME \
                 FROM information_schema.INNODB_TRX t \
                 JOIN information_schema.PROCESSLIST p ON p.ID = t.trx_mysql_thread_id \
                 WHERE p.ID <> CONNECTION_ID() ORDER BY t.trx_started LIMIT 3"
            }
            _ => {
                "SELECT DISTINCT t.PROCESSLIST_ID, t.PROCESSLIST_USER, t.PROCESSLIST_HOST, \
                        t.PROCESSLIST_TIME \
                 FROM performance_schema.metadata_locks m \
                 JOIN performance_schema.threads t ON t.THREAD_ID = m.OWNER_THREAD_ID \
                 WHERE m.OBJECT_SCHEMA = DATABASE() AND m.LOCK_STATUS = 'GRANTED' \
                 AND t.PROCESSLIST_ID <> CONNECTION_ID() \
                 ORDER BY t.PROCESSLIST_TIME DESC LIMIT 3"
            }
        })
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
            "SHOW VARIABLES WHERE Variable_name = 'pxc_strict_mode' \
             OR (Variable_name = 'wsrep_on' AND Value = 'ON') \
             OR (Variable_name = 'group_replication_single_primary_mode' AND Value = 'OFF')",
        )
    }

    fn cancel(&self, session: &str) -> Option<String> {
        Some(format!("KILL QUERY {}", number_of(session)?))
    }

    /// A crash in the middle of a DDL statement leaves nothing half done since MySQL 8.0 and
    /// MariaDB 10.6; what only speaks their language is another matter.
    fn doubts(&self, server: &Server) -> Vec<String> {
        let mut doubts = Vec::new();
        let atomic: [u32; 2] = match server.product {
            "MariaDB" => [10, 6],
            _ => [8, 0],
        };
        if server.numbers().as_slice() < atomic.as_slice() {
            let [major, minor] = atomic;
            doubts.push(format!(
                "{server} is older than {major}.{minor}: a crash may leave a statement half done"
            ));
        }
        if let Some(variant) = server.variant {
            doubts.push(format!("it is {variant}, on which bird is not tested"));
        }
        doubts
    }

    fn replication_right(&self, server: &Server) -> Option<&'static str> {
        Some(match server.product {
            "MariaDB" if server.numbers() >= vec![10, 5, 9] => "SLAVE MONITOR",
            _ => "REPLICATION CLIENT",
        })
    }

    fn replication(&self, server: &Server) -> Option<&'static str> {
        Some(match server.product {
            // Each source has a name there, and the other statement tells of one without.
            "MariaDB" => "SHOW ALL SLAVES STATUS",
            _ if server.numbers() < vec![8, 0, 22] => "SHOW SLAVE STATUS",
            _ => "SHOW REPLICA STATUS",
        })
    }

    fn load(&self) -> Option<&'static str> {
        Some("SHOW GLOBAL STATUS LIKE 'Threads_running'")
    }
}
