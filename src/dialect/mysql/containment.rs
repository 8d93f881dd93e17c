//! Containment rules of MySQL and MariaDB: statements that could reach beyond their database.

use super::as_in_files;
use super::session::FOREIGN_MODES;
use crate::dialect::containment::{Dynamic, Mode, Rules, Signs};

const ACCOUNTS: &str = "changes accounts, which belong to the whole server";
const DATABASES: &str = "creates or drops a database";
const SERVER: &str = "changes a setting or object of the whole server";
const ACTS: &str = "affects the whole server";
const FILES: &str = "reads or writes files of the server";
const ELSEWHERE: &str = "connects to another server";

const HEADS: Signs = &[
    (&["USE"], "switches to another database"),
    (
        &["GRANT"],
        "grants privileges, which belong to the whole server",
    ),
    (
        &["REVOKE"],
        "revokes privileges, which belong to the whole server",
    ),
    (&["CREATE", "USER"], ACCOUNTS),
    (&["ALTER", "USER"], ACCOUNTS),
    (&["DROP", "USER"], ACCOUNTS),
    (&["RENAME", "USER"], ACCOUNTS),
    (&["CREATE", "ROLE"], ACCOUNTS),
    (&["DROP", "ROLE"], ACCOUNTS),
    (&["SET", "PASSWORD"], ACCOUNTS),
    (&["SET", "DEFAULT", "ROLE"], ACCOUNTS),
    (&["SET", "RESOURCE", "GROUP"], ACTS),
    (&["CREATE", "DATABASE"], DATABASES),
    (&["CREATE", "SCHEMA"], DATABASES),
    (&["DROP", "DATABASE"], DATABASES),
    (&["DROP", "SCHEMA"], DATABASES),
    (&["CREATE", "SERVER"], SERVER),
    (&["ALTER", "SERVER"], SERVER),
    (&["DROP", "SERVER"], SERVER),
    (&["CREATE", "TABLESPACE"], SERVER),
    (&["ALTER", "TABLESPACE"], SERVER),
    (&["DROP", "TABLESPACE"], SERVER),
    (&["CREATE", "UNDO"], SERVER),
    (&["ALTER", "UNDO"], SERVER),
    (&["DROP", "UNDO"], SERVER),
    (&["CREATE", "LOGFILE"], SERVER),
    (&["ALTER", "LOGFILE"], SERVER),
    (&["DROP", "LOGFILE"], SERVER),
    (&["CREATE", "RESOURCE"], SERVER),
    (&["ALTER", "RESOURCE"], SERVER),
    (&["DROP", "RESOURCE"], SERVER),
    (&["CREATE", "SPATIAL", "REFERENCE"], SERVER),
    (&["DROP", "SPATIAL", "REFERENCE"], SERVER),
    (&["ALTER", "INSTANCE"], ACTS),
    (&["LOCK", "INSTANCE"], ACTS),
    (&["UNLOCK", "INSTANCE"], ACTS),
    (&["INSTALL"], SERVER),
    (&["UNINSTALL"], SERVER),
    (&["KILL"], ACTS),
    (&["FLUSH"], ACTS),
    (&["RESET"], ACTS),
    (&["SHUTDOWN"], ACTS),
    (&["RESTART"], ACTS),
    (&["CLONE"], ACTS),
    (&["BACKUP"], ACTS),
    (&["BINLOG"], ACTS),
    (&["PURGE"], ACTS),
    (&["CHANGE"], ACTS),
    (&["START", "SLAVE"], ACTS),
    (&["START", "ALL"], ACTS),
    (&["START", "REPLICA"], ACTS),
    (&["START", "GROUP_REPLICATION"], ACTS),
    (&["STOP"], ACTS),
    (&["CACHE"], ACTS),
    (&["XA"], "begins or ends a transaction of the whole server"),
    (&["LOAD"], FILES),
    (&["IMPORT"], FILES),
];

const SIGNS: Signs = &[
    (&["INTO", "OUTFILE"], FILES),
    (&["INTO", "DUMPFILE"], FILES),
    (&["DATA", "DIRECTORY"], FILES),
    (&["INDEX", "DIRECTORY"], FILES),
    (&["SONAME"], "loads a library into the server"),
];

const FUNCTIONS: Signs = &[
    (&["load_file"], FILES),
    (
        &["get_lock", "release_lock", "release_all_locks"],
        "takes or releases locks of the whole server",
    ),
    (
        &[
            "sys_exec",
            "sys_eval",
            "asynchronous_connection_failover_*",
            "group_replication_*",
            "keyring_key_*",
            "service_*_locks",
        ],
        ACTS,
    ),
];

pub static RULES: Rules = Rules {
    heads: HEADS,
    signs: SIGNS,
    functions: FUNCTIONS,
    values: &[(
        "ENGINE",
        &[
            "FEDERATED",
            "FEDERATEDX",
            "CONNECT",
            "SPIDER",
            "S3",
            "NDB",
            "NDBCLUSTER",
            "MROONGA",
            "COLUMNSTORE",
        ],
        ELSEWHERE,
    )],
    shared: &[],
    catalogs: &["information_schema"],
    globals: &["GLOBAL", "PERSIST", "PERSIST_ONLY"],
    untrusted: &[],
    dynamic: Some(Dynamic::Prepared),
    grants_inside: false,
    scope_query: Some(
        "SELECT 'database', CAST(schema_name AS CHAR) FROM information_schema.schemata \
         WHERE schema_name <> 'information_schema' AND schema_name <> DATABASE()",
    ),
    routines_query: Some(
        "SELECT LOWER(routine_name), IF(LOWER(routine_definition) REGEXP \
         '(^|[^a-z_])(create|alter|drop|rename|execute)([^a-z_]|$)', 'defines', 'rows') \
         FROM information_schema.routines WHERE routine_schema = DATABASE()",
    ),
    mode: Some(Mode {
        name: "sql_mode",
        read: "SELECT @@sql_mode",
        misleading: FOREIGN_MODES,
        as_in_files,
    }),
    event_kind: Some("EVENT"),
    qualified: Some(("DROP", "FUNCTION")),
};
