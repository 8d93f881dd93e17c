//! Differences between the products that the MySQL engine serves: MySQL and MariaDB.

use crate::model::server::{Product, Server, Version};

/// Values for versions from a number on, newest first; the last entry is for every version.
pub type Since = &'static [(&'static [u32], &'static str)];

/// The value for a version.
pub fn newest(values: Since, version: &Version) -> Option<&'static str> {
    let mut values = values.iter();
    let found = values.find(|(since, _)| version.is_at_least(since));
    found.map(|(_, value)| *value)
}

/// What differs between the products. MySQL has all of it, another product overrides a part.
#[derive(Debug)]
pub struct Variant {
    /// The version since which a crash leaves no DDL statement half done.
    pub atomic_ddl_since: [u32; 2],
    /// The collation of a new database.
    pub default_collation: &'static str,
    /// Asks for the identity by which replicas name their source.
    pub identity_query: &'static str,
    /// Asks for an identity that no other server has.
    pub unique_identity_query: &'static str,
    /// Asks who holds metadata locks.
    pub blockers_query: &'static str,
    pub replication_query: Since,
    /// The privilege for the replication query.
    pub replication_right: Since,
    /// Makes the session read fresh statistics.
    pub fresh_statistics: &'static str,
    /// InnoDB's list of tables in `information_schema`.
    pub innodb_tables: &'static str,
    /// Whether that list can be searched for a name of any characters, or only of ASCII ones.
    pub files_any_name: bool,
    pub has_sequences: bool,
    /// The version since which `RENAME COLUMN` exists.
    pub rename_column_since: &'static [u32],
    /// The clause that hides an index from the optimizer, and the one that shows it.
    pub hide_index: [&'static str; 2],
    /// The word that drops a check constraint.
    pub drop_check: &'static str,
    /// Whether `NOT ENFORCED` of a check can be altered.
    pub alters_enforcement: bool,
    /// Whether the name of a check is unique in the database, and not only in its table.
    pub check_names_are_of_database: bool,
    /// Whether `CREATE OR REPLACE` replaces events, functions and procedures.
    pub replaces_routines: bool,
    /// Whether a `KEY_BLOCK_SIZE` that a table loses is written into each of its remaining keys.
    pub keys_inherit_block_size: bool,
    /// Whether a column is added only with a default that gives the same value at each call.
    pub adds_steady_defaults_only: bool,
}

pub static MYSQL: Variant = Variant {
    atomic_ddl_since: [8, 0],
    default_collation: "utf8mb4_0900_ai_ci",
    identity_query: "SELECT @@server_uuid",
    unique_identity_query: "SELECT @@server_uuid",
    blockers_query: "SELECT DISTINCT t.PROCESSLIST_ID, t.PROCESSLIST_USER, t.PROCESSLIST_HOST, \
                            t.PROCESSLIST_TIME \
                     FROM performance_schema.metadata_locks m \
                     JOIN performance_schema.threads t ON t.THREAD_ID = m.OWNER_THREAD_ID \
                     WHERE m.OBJECT_SCHEMA = DATABASE() AND m.LOCK_STATUS = 'GRANTED' \
                     AND t.PROCESSLIST_ID <> CONNECTION_ID() \
                     ORDER BY t.PROCESSLIST_TIME DESC LIMIT 3",
    replication_query: &[
        (&[8, 0, 22], "SHOW REPLICA STATUS"),
        (&[], "SHOW SLAVE STATUS"),
    ],
    replication_right: &[(&[], "REPLICATION CLIENT")],
    // The statistics that MySQL caches may be a day old.
    fresh_statistics: "SET SESSION information_schema_stats_expiry = 0; ",
    innodb_tables: "INNODB_TABLES",
    files_any_name: false,
    has_sequences: false,
    rename_column_since: &[8],
    hide_index: ["INVISIBLE", "VISIBLE"],
    drop_check: "CHECK",
    alters_enforcement: true,
    check_names_are_of_database: true,
    replaces_routines: false,
    keys_inherit_block_size: false,
    adds_steady_defaults_only: true,
};

static MARIADB: Variant = Variant {
    atomic_ddl_since: [10, 6],
    default_collation: "utf8mb4_unicode_520_ci",
    identity_query: "SELECT @@server_id",
    // A server has no number of its own unless somebody gives it one.
    unique_identity_query: "SELECT CONCAT_WS(':', @@server_id, @@hostname, @@port)",
    // Metadata locks are visible with a plugin only; their holder has a transaction open.
    blockers_query: "SELECT p.ID, p.USER, p.HOST, p.TIME \
                     FROM information_schema.INNODB_TRX t \
                     JOIN information_schema.PROCESSLIST p ON p.ID = t.trx_mysql_thread_id \
                     WHERE p.ID <> CONNECTION_ID() ORDER BY t.trx_started LIMIT 3",
    // `SHOW SLAVE STATUS` shows only a source without a name.
    replication_query: &[(&[], "SHOW ALL SLAVES STATUS")],
    replication_right: &[(&[10, 5, 9], "SLAVE MONITOR"), (&[], "REPLICATION CLIENT")],
    fresh_statistics: "",
    innodb_tables: "INNODB_SYS_TABLES",
    files_any_name: true,
    has_sequences: true,
    rename_column_since: &[10, 5, 2],
    hide_index: ["IGNORED", "NOT IGNORED"],
    drop_check: "CONSTRAINT",
    alters_enforcement: false,
    check_names_are_of_database: false,
    replaces_routines: true,
    keys_inherit_block_size: true,
    adds_steady_defaults_only: false,
};

impl Variant {
    /// The variant of a server. A server that nobody asked counts as MySQL.
    pub fn of(server: &Server) -> &'static Variant {
        match server.product {
            Product::MariaDb => &MARIADB,
            Product::MySql | Product::Unknown | Product::Postgres | Product::Sqlite => &MYSQL,
        }
    }
}

/// Products that speak MySQL's protocol and on which bird is not tested, by a word in what the
/// server says of itself. Their differences become a [`Variant`].
pub const LOOKALIKES: &[(&str, &str)] = &[
    ("tidb", "TiDB"),
    ("vitess", "Vitess"),
    ("planetscale", "PlanetScale"),
    ("aurora", "Amazon Aurora"),
    ("singlestore", "SingleStore"),
    ("oceanbase", "OceanBase"),
];
