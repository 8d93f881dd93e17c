//! Two live databases of a thousand tables with three differences: `bird diff` beside the engine's
//! own client, which only reads the catalogs of both.

use std::fmt::Write;

use anyhow::Result;

use crate::race::BIRD;
use crate::race::engine::{Engine, Family};
use crate::race::measure::{Entrant, Job, Laps, Stopwatch, say};

const TABLES: usize = 1000;

/// Ten columns, three indexes and a foreign key each.
fn schema(family: Family) -> String {
    let mut sql = String::new();
    if family == Family::Sqlite {
        sql.push_str("BEGIN;\n");
    }
    for number in 0..TABLES {
        let parent = number.saturating_sub(1);
        let table = format!("table_{number}");
        let (inside, behind) = match family {
            Family::MySql => (
                format!(
                    ", KEY {table}_a (name), KEY {table}_b (state, amount), \
                     UNIQUE KEY {table}_c (email)"
                ),
                String::new(),
            ),
            _ => (
                String::new(),
                format!(
                    "CREATE INDEX {table}_a ON {table} (name);\n\
                     CREATE INDEX {table}_b ON {table} (state, amount);\n\
                     CREATE UNIQUE INDEX {table}_c ON {table} (email);\n"
                ),
            ),
        };
        // A string never fails to be written to.
        let _ = writeln!(
            sql,
            "CREATE TABLE {table} (id BIGINT NOT NULL PRIMARY KEY, parent_id BIGINT, \
             name VARCHAR(100) NOT NULL DEFAULT 'x', email VARCHAR(255), \
             state INT NOT NULL DEFAULT 0, amount DECIMAL(12, 2), note TEXT, \
             created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, code CHAR(10), size SMALLINT\
             {inside}, CONSTRAINT {table}_f FOREIGN KEY (parent_id) REFERENCES table_{parent} (id));\n\
             {behind}"
        );
    }
    if family == Family::Sqlite {
        sql.push_str("COMMIT;\n");
    }
    sql
}

const DIFFERENCES: &str = "ALTER TABLE table_7 ADD COLUMN extra INT;\n\
     CREATE INDEX table_500_d ON table_500 (code);\n\
     CREATE TABLE one_more (id INT NOT NULL PRIMARY KEY);\n";

/// What any tool must read at least: tables, columns, keys, foreign keys.
fn catalog(engine: &Engine, database: &str) -> String {
    let name = engine.name_of(database);
    match engine.family {
        Family::MySql => [
            "TABLES WHERE TABLE_SCHEMA",
            "COLUMNS WHERE TABLE_SCHEMA",
            "STATISTICS WHERE TABLE_SCHEMA",
            "KEY_COLUMN_USAGE WHERE TABLE_SCHEMA",
            "REFERENTIAL_CONSTRAINTS WHERE CONSTRAINT_SCHEMA",
        ]
        .iter()
        .fold(String::new(), |text, part| {
            format!("{text}SELECT * FROM information_schema.{part} = '{name}';\n")
        }),
        Family::Postgres => "SELECT c.oid, c.relname, c.relkind FROM pg_class c \
             WHERE c.relnamespace = 'public'::regnamespace;\n\
             SELECT a.attrelid, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, \
             pg_get_expr(d.adbin, d.adrelid) FROM pg_attribute a \
             JOIN pg_class c ON c.oid = a.attrelid \
             LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum \
             WHERE c.relnamespace = 'public'::regnamespace AND a.attnum > 0;\n\
             SELECT indexrelid, pg_get_indexdef(indexrelid) FROM pg_index i \
             JOIN pg_class c ON c.oid = i.indrelid \
             WHERE c.relnamespace = 'public'::regnamespace;\n\
             SELECT oid, conname, pg_get_constraintdef(oid) FROM pg_constraint \
             WHERE connamespace = 'public'::regnamespace;\n"
            .to_owned(),
        Family::Sqlite => "SELECT type, name, tbl_name, sql FROM sqlite_schema;\n".to_owned(),
    }
}

/// Both turn by turn.
pub fn race(
    engine: &Engine,
    folder: &std::path::Path,
    stopwatch: &Stopwatch,
    rounds: usize,
) -> Result<Vec<Laps>> {
    say(&format!("diff/{}: filling two databases", engine.name))?;
    let write = |name: &str, text: &str| -> Result<std::path::PathBuf> {
        let path = folder.join(format!("{}-{name}.sql", engine.name));
        std::fs::write(&path, text)?;
        Ok(path)
    };
    let tables = write("schema", &schema(engine.family))?;
    let differences = write("differences", DIFFERENCES)?;
    for database in ["one", "two"] {
        engine.fresh(database)?;
        stopwatch.lap(&engine.client(Some(database)).input(&tables))?;
    }
    stopwatch.lap(&engine.client(Some("two")).input(&differences))?;
    let enter = match engine.family {
        Family::MySql => String::new(),
        Family::Postgres => format!("\\connect {}\n", engine.name_of("two")),
        Family::Sqlite => format!(".open {}\n", engine.name_of("two")),
    };
    let both = catalog(engine, "one") + &enter + &catalog(engine, "two");
    let both = write("catalogs", &both)?;
    let urls = [engine.url("one"), engine.url("two")];
    let entrants = [
        Entrant::new("floor", || Ok(engine.client(Some("one")).input(&both))),
        Entrant::new("bird", || {
            let words = ["diff", &urls[0], &urls[1], "--quiet", "--format", "json"];
            Ok(Job::new(BIRD).args(words).folder(folder).ends(1))
        }),
    ];
    let case = format!("diff/{}", engine.name);
    let laps = stopwatch.race(&case, rounds, &entrants, &|| Ok(()));
    for database in ["one", "two"] {
        engine.drop(database)?;
    }
    laps
}
