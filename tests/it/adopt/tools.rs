//! The history tables of other tools, as each of them makes them on each engine.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256, Sha384};

use crate::world::Engine;

/// When the other tool applied its migrations.
pub const TIME: &str = "2026-01-02 03:04:05";

/// A tool as the tests see it.
pub struct Tool {
    pub name: &'static str,
    pub table: &'static str,
    /// Makes the table.
    pub ddl: fn(Engine) -> String,
    /// Records versions and texts as applied.
    pub rows: fn(Engine, &[(i64, &str)]) -> String,
    /// Whether it keeps times, and in what zone they are is known.
    pub tells_time: fn(Engine) -> bool,
}

pub const TOOLS: &[Tool] = &[
    Tool {
        name: "flyway",
        table: "flyway_schema_history",
        ddl: flyway,
        rows: |engine, applied| {
            let rows = (1..).zip(applied).map(|(rank, (version, text))| {
                let sum = crc(text);
                flyway_row(
                    engine,
                    rank,
                    Some(&version.to_string()),
                    "SQL",
                    Some(sum),
                    true,
                )
            });
            rows.collect()
        },
        tells_time: |engine| engine != Engine::Postgres,
    },
    Tool {
        name: "sqlx",
        table: "_sqlx_migrations",
        ddl: sqlx,
        rows: |engine, applied| {
            let rows = applied
                .iter()
                .map(|(version, text)| sqlx_row(engine, *version, text, true));
            rows.collect()
        },
        tells_time: |_| true,
    },
    Tool {
        name: "prisma",
        table: "_prisma_migrations",
        ddl: prisma,
        rows: |engine, applied| {
            let rows = applied.iter().map(|(version, text)| {
                prisma_row(engine, &format!("{version}_x"), text, true, false)
            });
            rows.collect()
        },
        tells_time: |_| true,
    },
    Tool {
        name: "golang-migrate",
        table: "schema_migrations",
        ddl: golang_migrate,
        rows: |engine, applied| {
            let last = applied.last().map_or(0, |(version, _)| *version);
            let clean = engine.pick("false", "false", "0");
            format!("INSERT INTO schema_migrations (version, dirty) VALUES ({last}, {clean});\n")
        },
        tells_time: |_| false,
    },
    Tool {
        name: "goose",
        table: "goose_db_version",
        ddl: goose,
        rows: |engine, applied| {
            let rows = applied
                .iter()
                .map(|(version, _)| goose_row(engine, *version, true));
            [goose_row(engine, 0, true)]
                .into_iter()
                .chain(rows)
                .collect()
        },
        // A `datetime` or a `timestamp` without a zone.
        tells_time: |engine| engine == Engine::Sqlite,
    },
    Tool {
        name: "dbmate",
        table: "schema_migrations",
        ddl: |_| "CREATE TABLE schema_migrations (version varchar(128) PRIMARY KEY);\n".into(),
        rows: |_, applied| versions("schema_migrations", "version", applied),
        tells_time: |_| false,
    },
    Tool {
        name: "rails",
        table: "schema_migrations",
        ddl: |engine| {
            let text = engine.pick("varchar(255)", "character varying", "varchar");
            let time = engine.pick(
                "datetime(6)",
                "timestamp(6) without time zone",
                "datetime(6)",
            );
            let key = engine.pick("`key`", "\"key\"", "\"key\"");
            format!(
                "CREATE TABLE schema_migrations (version {text} NOT NULL PRIMARY KEY);\n\
                 CREATE TABLE ar_internal_metadata ({key} {text} NOT NULL PRIMARY KEY, \
                 value {text}, created_at {time} NOT NULL, updated_at {time} NOT NULL);\n"
            )
        },
        rows: |_, applied| versions("schema_migrations", "version", applied),
        tells_time: |_| false,
    },
    Tool {
        name: "diesel",
        table: "__diesel_schema_migrations",
        ddl: |_| {
            "CREATE TABLE IF NOT EXISTS __diesel_schema_migrations (\n       \
             version VARCHAR(50) PRIMARY KEY NOT NULL,\n       \
             run_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP\n);\n"
                .into()
        },
        rows: |_, applied| {
            let rows = applied.iter().map(|(version, _)| {
                format!("INSERT INTO __diesel_schema_migrations VALUES ('{version}', '{TIME}');\n")
            });
            rows.collect()
        },
        tells_time: |engine| engine != Engine::Postgres,
    },
    Tool {
        name: "alembic",
        table: "alembic_version",
        ddl: alembic,
        rows: |_, applied| {
            versions(
                "alembic_version",
                "version_num",
                &applied[applied.len() - 1..],
            )
        },
        tells_time: |_| false,
    },
];

pub fn tool(name: &str) -> &'static Tool {
    let mut all = TOOLS.iter();
    all.find(|tool| tool.name == name).expect("a tool")
}

/// Lets the tool's times be what is written.
pub fn in_utc(engine: Engine, sql: &str) -> String {
    let zone = engine.pick("SET time_zone = '+00:00';\n", "SET TimeZone = 'UTC';\n", "");
    format!("{zone}{sql}")
}

fn versions(table: &str, column: &str, applied: &[(i64, &str)]) -> String {
    let mut sql = String::new();
    for (version, _) in applied {
        let _ = writeln!(sql, "INSERT INTO {table} ({column}) VALUES ('{version}');");
    }
    sql
}

fn flyway(engine: Engine) -> String {
    engine
        .pick(
            "CREATE TABLE `flyway_schema_history` (\n    `installed_rank` INT NOT NULL,\n    \
             `version` VARCHAR(50),\n    `description` VARCHAR(200) NOT NULL,\n    \
             `type` VARCHAR(20) NOT NULL,\n    `script` VARCHAR(1000) NOT NULL,\n    \
             `checksum` INT,\n    `installed_by` VARCHAR(100) NOT NULL,\n    \
             `installed_on` TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,\n    \
             `execution_time` INT NOT NULL,\n    `success` BOOL NOT NULL,\n    \
             CONSTRAINT `flyway_schema_history_pk` PRIMARY KEY (`installed_rank`)\n\
             ) ENGINE=InnoDB;\n\
             CREATE INDEX `flyway_schema_history_s_idx` ON `flyway_schema_history` (`success`);\n",
            "CREATE TABLE \"flyway_schema_history\" (\n    \"installed_rank\" INT NOT NULL,\n    \
             \"version\" VARCHAR(50),\n    \"description\" VARCHAR(200) NOT NULL,\n    \
             \"type\" VARCHAR(20) NOT NULL,\n    \"script\" VARCHAR(1000) NOT NULL,\n    \
             \"checksum\" INTEGER,\n    \"installed_by\" VARCHAR(100) NOT NULL,\n    \
             \"installed_on\" TIMESTAMP NOT NULL DEFAULT now(),\n    \
             \"execution_time\" INTEGER NOT NULL,\n    \"success\" BOOLEAN NOT NULL\n);\n\
             ALTER TABLE \"flyway_schema_history\" ADD CONSTRAINT \"flyway_schema_history_pk\" \
             PRIMARY KEY (\"installed_rank\");\n",
            "CREATE TABLE \"flyway_schema_history\" (\n    \
             \"installed_rank\" INT NOT NULL PRIMARY KEY,\n    \"version\" VARCHAR(50),\n    \
             \"description\" VARCHAR(200) NOT NULL,\n    \"type\" VARCHAR(20) NOT NULL,\n    \
             \"script\" VARCHAR(1000) NOT NULL,\n    \"checksum\" INT,\n    \
             \"installed_by\" VARCHAR(100) NOT NULL,\n    \
             \"installed_on\" TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f','now')),\n    \
             \"execution_time\" INT NOT NULL,\n    \"success\" BOOLEAN NOT NULL\n);\n",
        )
        .to_owned()
}

/// A row of Flyway; a repeatable migration has no version.
pub fn flyway_row(
    engine: Engine,
    rank: i64,
    version: Option<&str>,
    kind: &str,
    checksum: Option<i32>,
    success: bool,
) -> String {
    let success = engine.pick(
        success.to_string(),
        success.to_string(),
        u8::from(success).to_string(),
    );
    let script = match version {
        Some(version) => format!("V{version}__x.sql"),
        None => "R__all_views.sql".to_owned(),
    };
    let version = version.map_or("NULL".into(), |version| format!("'{version}'"));
    let checksum = checksum.map_or("NULL".into(), |sum| sum.to_string());
    format!(
        "INSERT INTO flyway_schema_history (installed_rank, version, description, type, script, \
         checksum, installed_by, installed_on, execution_time, success) VALUES ({rank}, {version}, \
         'x', '{kind}', '{script}', {checksum}, 'me', '{TIME}', 7, {success});\n"
    )
}

/// Flyway's checksum of a text whose lines end in LF.
pub fn crc(text: &str) -> i32 {
    i32::from_ne_bytes(crc32fast::hash(text.replace('\n', "").as_bytes()).to_ne_bytes())
}

fn sqlx(engine: Engine) -> String {
    let time = engine.pick(
        "TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP",
        "TIMESTAMPTZ NOT NULL DEFAULT now()",
        "TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP",
    );
    let bytes = engine.pick("BLOB", "BYTEA", "BLOB");
    format!(
        "CREATE TABLE IF NOT EXISTS _sqlx_migrations (\n    version BIGINT PRIMARY KEY,\n    \
         description TEXT NOT NULL,\n    installed_on {time},\n    success BOOLEAN NOT NULL,\n    \
         checksum {bytes} NOT NULL,\n    execution_time BIGINT NOT NULL\n);\n"
    )
}

pub fn sqlx_row(engine: Engine, version: i64, text: &str, success: bool) -> String {
    let digits = hex(&Sha384::digest(text));
    let bytes = match engine {
        Engine::Postgres => format!("'\\x{digits}'"),
        _ => format!("X'{digits}'"),
    };
    format!(
        "INSERT INTO _sqlx_migrations VALUES ({version}, 'x', '{TIME}', {success}, {bytes}, 100);\n"
    )
}

fn prisma(engine: Engine) -> String {
    let time = engine.pick("DATETIME(3)", "TIMESTAMPTZ", "DATETIME");
    let begun = engine.pick("CURRENT_TIMESTAMP(3)", "now()", "current_timestamp");
    let count = engine.pick("INTEGER UNSIGNED", "INTEGER", "INTEGER UNSIGNED");
    let (short, long) = engine.pick(
        ("VARCHAR(36)", "VARCHAR(255)"),
        ("VARCHAR(36)", "VARCHAR(255)"),
        ("TEXT", "TEXT"),
    );
    format!(
        "CREATE TABLE _prisma_migrations (\n    id {short} PRIMARY KEY NOT NULL,\n    \
         checksum {long} NOT NULL,\n    finished_at {time},\n    \
         migration_name {long} NOT NULL,\n    logs TEXT,\n    rolled_back_at {time},\n    \
         started_at {time} NOT NULL DEFAULT {begun},\n    \
         applied_steps_count {count} NOT NULL DEFAULT 0\n);\n"
    )
}

pub fn prisma_row(
    engine: Engine,
    name: &str,
    text: &str,
    finished: bool,
    rolled_back: bool,
) -> String {
    // On SQLite it writes milliseconds since 1970.
    let time = engine.pick(
        "'2026-01-02 03:04:05'",
        "'2026-01-02 03:04:05+00'",
        "1767323045000",
    );
    let output = |is: bool| if is { time } else { "NULL" };
    let (finished, rolled_back) = (output(finished), output(rolled_back));
    let (id, sum) = (uuid::Uuid::now_v7(), hex(&Sha256::digest(text)));
    format!(
        "INSERT INTO _prisma_migrations (id, checksum, finished_at, migration_name, \
         rolled_back_at, started_at, applied_steps_count) VALUES ('{id}', '{sum}', {finished}, \
         '{name}', {rolled_back}, {time}, 1);\n"
    )
}

fn golang_migrate(engine: Engine) -> String {
    engine
        .pick(
            "CREATE TABLE `schema_migrations` (version bigint not null primary key, dirty boolean \
             not null);\n",
            "CREATE TABLE IF NOT EXISTS \"public\".\"schema_migrations\" (version bigint not null \
             primary key, dirty boolean not null);\n",
            "CREATE TABLE IF NOT EXISTS schema_migrations (version uint64,dirty bool);\n\
             CREATE UNIQUE INDEX IF NOT EXISTS version_unique ON schema_migrations (version);\n",
        )
        .to_owned()
}

fn goose(engine: Engine) -> String {
    engine
        .pick(
            "CREATE TABLE goose_db_version (\n\t\tid bigint(20) unsigned NOT NULL AUTO_INCREMENT,\n\
             \t\tversion_id bigint NOT NULL,\n\t\tis_applied boolean NOT NULL,\n\
             \t\ttstamp datetime NULL default CURRENT_TIMESTAMP,\n\t\tPRIMARY KEY(id)\n\t);\n",
            "CREATE TABLE goose_db_version (\n\
             \t\tid integer PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY,\n\
             \t\tversion_id bigint NOT NULL,\n\t\tis_applied boolean NOT NULL,\n\
             \t\ttstamp timestamp NOT NULL DEFAULT now()\n\t);\n",
            "CREATE TABLE goose_db_version (\n\t\tid INTEGER PRIMARY KEY AUTOINCREMENT,\n\
             \t\tversion_id INTEGER NOT NULL,\n\t\tis_applied INTEGER NOT NULL,\n\
             \t\ttstamp TIMESTAMP DEFAULT (datetime('now'))\n\t);\n",
        )
        .to_owned()
}

pub fn goose_row(engine: Engine, version: i64, applied: bool) -> String {
    let applied = engine.pick(
        applied.to_string(),
        applied.to_string(),
        u8::from(applied).to_string(),
    );
    format!(
        "INSERT INTO goose_db_version (version_id, is_applied, tstamp) VALUES ({version}, \
         {applied}, '{TIME}');\n"
    )
}

fn alembic(_: Engine) -> String {
    "CREATE TABLE alembic_version (\n    version_num VARCHAR(32) NOT NULL, \n    \
     CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)\n);\n"
        .into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
