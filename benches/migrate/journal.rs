//! What each part of the bookkeeping costs on an engine whose DDL commits by itself: the statements
//! that bird sends beside the migrations, part by part, through the engine's own client.

use std::fmt::Write;
use std::path::PathBuf;

use anyhow::Result;

use crate::fixture::Project;
use crate::race::engine::{Engine, Family};
use crate::race::measure::{Entrant, Laps, Stopwatch};

/// Each part comes on top of those before it.
pub const PARTS: [&str; 5] = ["ddl", "history", "done", "intent", "kept"];

const TABLES: &str = "CREATE TABLE history (version INT PRIMARY KEY, name VARCHAR(255), \
     applied_on VARCHAR(255), checksum VARCHAR(255)) ENGINE = InnoDB;\n\
     CREATE TABLE journal (version BIGINT, direction VARCHAR(4), statement INT, statements INT, \
     digest VARCHAR(64), state VARCHAR(8), before_objects MEDIUMTEXT, before_print VARCHAR(64), \
     after_print VARCHAR(64), server VARCHAR(100), run VARCHAR(36), started_on VARCHAR(40), \
     applied_on VARCHAR(40), PRIMARY KEY (version, direction, statement)) ENGINE = InnoDB;\n\
     CREATE TABLE kept (version BIGINT PRIMARY KEY, digest CHAR(64), checksum VARCHAR(20), \
     sql_text MEDIUMBLOB) ENGINE = InnoDB;\n";

/// The migrations with the bookkeeping of so many parts, as one file for the client.
fn script(project: &Project, part: usize) -> Result<PathBuf> {
    let has = |name: &str| PARTS.iter().position(|known| *known == name) <= Some(part);
    let mut sql = TABLES.to_owned();
    let hash = "0123456789abcdef".repeat(4);
    let (run, now) = (
        "00000000-0000-0000-0000-000000000000",
        "2026-01-01T00:00:00.000000000Z",
    );
    let intent = |version: usize| {
        format!(
            "INSERT INTO journal (version, direction, statement, statements, digest, state, \
             before_objects, before_print, server, run, started_on) VALUES ({version}, 'up', 1, \
             1, '{hash}', 'intent', '[null]', '{hash}', '1', '{run}', '{now}');\n"
        )
    };
    if has("intent") {
        sql.push_str(&intent(1));
    }
    for (at, statement) in project.statements(Family::MySql).iter().enumerate() {
        let version = at + 1;
        let touched = |number: usize| number - usize::from(number.is_multiple_of(5));
        sql.push_str(statement);
        if !has("history") {
            continue;
        }
        if has("intent") {
            let (done, next) = (touched(version), touched(version + 1));
            writeln!(
                sql,
                "SHOW CREATE TABLE table_{done};\nSHOW CREATE TABLE table_{next};"
            )?;
        }
        sql.push_str("BEGIN;\n");
        if has("intent") {
            writeln!(
                sql,
                "UPDATE journal SET state = 'done', before_objects = NULL, after_print = '{hash}', \
                 applied_on = '{now}' WHERE version = {version} AND direction = 'up' \
                 AND statement = 1;"
            )?;
            sql.push_str(&intent(version + 1));
        } else if has("done") {
            writeln!(
                sql,
                "INSERT INTO journal (version, direction, statement, statements, digest, state, \
                 run, applied_on) VALUES ({version}, 'up', 1, 1, '{hash}', 'done', '{run}', '{now}');"
            )?;
        }
        if has("kept") {
            let text = "ab".repeat(statement.len() / 2);
            writeln!(
                sql,
                "REPLACE INTO kept VALUES ({version}, '{hash}', '1', X'{text}');"
            )?;
        }
        writeln!(
            sql,
            "INSERT INTO history VALUES ({version}, 'm', '{now}', '1');\nCOMMIT;"
        )?;
    }
    let file = project.beside(&format!("part-{part}.sql"));
    std::fs::write(&file, sql)?;
    Ok(file)
}

/// Runs them all, turn by turn.
pub fn race(
    engine: &Engine,
    project: &Project,
    stopwatch: &Stopwatch,
    rounds: usize,
) -> Result<Vec<Laps>> {
    let files = (0..PARTS.len()).map(|part| script(project, part));
    let files = files.collect::<Result<Vec<_>>>()?;
    let entrants: Vec<Entrant<'_>> = std::iter::zip(PARTS, &files)
        .map(|(name, file)| {
            // A table that is not there yet is looked for as well, and is an error.
            Entrant::new(name, move || {
                Ok(engine.client(Some("one")).args(["-f"]).input(file))
            })
        })
        .collect();
    let case = format!("journal/{}", engine.name);
    let laps = stopwatch.race(&case, rounds, &entrants, &|| engine.fresh("one"));
    engine.drop("one")?;
    laps
}
