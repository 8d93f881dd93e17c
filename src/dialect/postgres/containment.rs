//! Statements of PostgreSQL that could reach beyond their database.

use crate::dialect::containment::{Dynamic, Mode, Rules, Signs};

const ACCOUNTS: &str = "changes roles, which belong to the whole server";
const DATABASES: &str = "creates or drops a database";
const SERVER: &str = "changes a setting or object of the whole server";
const ACTS: &str = "affects the whole server";
const FILES: &str = "reads or writes files of the server";
const ELSEWHERE: &str = "connects to another server";

const HEADS: Signs = &[
    (&["CREATE", "ROLE"], ACCOUNTS),
    (&["ALTER", "ROLE"], ACCOUNTS),
    (&["DROP", "ROLE"], ACCOUNTS),
    (&["CREATE", "USER", "MAPPING"], ELSEWHERE),
    (&["ALTER", "USER", "MAPPING"], ELSEWHERE),
    (&["DROP", "USER", "MAPPING"], ELSEWHERE),
    (&["CREATE", "USER"], ACCOUNTS),
    (&["ALTER", "USER"], ACCOUNTS),
    (&["DROP", "USER"], ACCOUNTS),
    (&["CREATE", "GROUP"], ACCOUNTS),
    (&["ALTER", "GROUP"], ACCOUNTS),
    (&["DROP", "GROUP"], ACCOUNTS),
    (
        &["REASSIGN", "OWNED"],
        "changes the owner of objects of the whole server",
    ),
    (
        &["DROP", "OWNED"],
        "revokes privileges on objects of the whole server",
    ),
    (&["COMMENT", "ON", "ROLE"], ACCOUNTS),
    (&["COMMENT", "ON", "TABLESPACE"], SERVER),
    (&["SECURITY", "LABEL"], SERVER),
    (&["CREATE", "DATABASE"], DATABASES),
    (&["DROP", "DATABASE"], DATABASES),
    (&["CREATE", "TABLESPACE"], SERVER),
    (&["ALTER", "TABLESPACE"], SERVER),
    (&["DROP", "TABLESPACE"], SERVER),
    (&["ALTER", "SYSTEM"], SERVER),
    (&["CHECKPOINT"], ACTS),
    (&["LOAD"], "loads a library into the server"),
    (&["CREATE", "SERVER"], ELSEWHERE),
    (&["ALTER", "SERVER"], ELSEWHERE),
    (&["DROP", "SERVER"], ELSEWHERE),
    (&["CREATE", "FOREIGN"], ELSEWHERE),
    (&["ALTER", "FOREIGN"], ELSEWHERE),
    (&["DROP", "FOREIGN"], ELSEWHERE),
    (&["IMPORT", "FOREIGN"], ELSEWHERE),
    (&["CREATE", "SUBSCRIPTION"], ELSEWHERE),
    (&["ALTER", "SUBSCRIPTION"], ELSEWHERE),
    (&["DROP", "SUBSCRIPTION"], ELSEWHERE),
    (&["COPY"], FILES),
];

const FUNCTIONS: Signs = &[
    (
        &[
            "pg_read_file",
            "pg_read_binary_file",
            "pg_stat_file",
            "pg_ls_*",
            "pg_file_*",
            "lo_import",
            "lo_export",
        ],
        FILES,
    ),
    (
        &["dblink", "dblink_*", "postgres_fdw_*"],
        "connects to another database",
    ),
    (
        &[
            "pg_terminate_backend",
            "pg_cancel_backend",
            "pg_reload_conf",
            "pg_rotate_logfile",
            "pg_switch_wal",
            "pg_create_restore_point",
            "pg_backup_*",
            "pg_start_backup",
            "pg_stop_backup",
            "pg_promote",
            "pg_wal_replay_*",
            "pg_create_*",
            "pg_drop_replication_slot",
            "pg_copy_*",
            "pg_replication_*",
            "pg_logical_*",
            "pg_log_*",
            "pg_stat_reset*",
        ],
        ACTS,
    ),
];

pub static RULES: Rules = Rules {
    heads: HEADS,
    signs: &[],
    functions: FUNCTIONS,
    values: &[],
    shared: &[
        "pg_auth_members",
        "pg_authid",
        "pg_database",
        "pg_db_role_setting",
        "pg_parameter_acl",
        "pg_replication_origin",
        "pg_shdepend",
        "pg_shdescription",
        "pg_shseclabel",
        "pg_subscription",
        "pg_tablespace",
    ],
    catalogs: &["information_schema"],
    globals: &[],
    untrusted: &[
        "c",
        "internal",
        "plpython3u",
        "plpython2u",
        "plpythonu",
        "plperlu",
        "pltclu",
        "plsh",
        "plr",
        "pljava",
        "javau",
    ],
    dynamic: Some(Dynamic::InBodies),
    grants_inside: true,
    scope_query: Some(
        "SELECT 'database', datname::text FROM pg_database WHERE datname <> current_database() \
         UNION ALL SELECT 'role', rolname::text FROM pg_roles",
    ),
    routines_query: Some(
        "SELECT lower(proname::text), CASE WHEN prosrc ~* \
         '\\m(create|alter|drop|comment|grant|revoke|execute|into\\s+table)\\M' \
         THEN 'defines' ELSE 'rows' END FROM pg_proc WHERE oid >= 16384",
    ),
    mode: Some(Mode {
        name: "standard_conforming_strings",
        read: "SHOW standard_conforming_strings",
        misleading: &["off"],
        as_in_files: |_, sql| Some(sql.to_owned()),
    }),
    event_kind: None,
    qualified: None,
};
