//! All that a run leaves behind, as text: two runs that did the same leave the same text.

use anyhow::Result;

use super::engine::{Client, Engine};

/// What is compared of bird's own tables: neither times nor the ids of runs.
const HISTORY: &str = "SELECT version, name, checksum FROM refinery_schema_history ORDER BY 1;";
const JOURNAL: &str = "SELECT version, direction, statement, statements, digest, state, \
     CASE WHEN before_objects IS NULL THEN 'forgotten' ELSE 'kept' END, \
     CASE WHEN after_print IS NULL THEN 'unseen' ELSE 'seen' END, \
     CASE WHEN applied_on IS NULL THEN 'no time' ELSE 'a time' END \
     FROM bird_journal ORDER BY 1, 2, 3;";
const APPLIED: &str = "SELECT version, digest, checksum FROM bird_applied ORDER BY 1;";
const OWN: &[&str] = &[
    "refinery_schema_history",
    "bird_journal",
    "bird_applied",
    "bird_schema",
];

/// The statements that a run has said it is about to send, and not yet that they are done.
pub const INTENTS: &str = "SELECT version, statement FROM bird_journal WHERE state = 'intent';";

/// Everything in the database that the client is in.
pub fn state(engine: Engine, client: &mut Client) -> Result<String> {
    let own = client.ask(&format!("{HISTORY}\n{JOURNAL}\n{APPLIED}"))?;
    let rest = match engine {
        Engine::MariaDb | Engine::MySql => mysql(client),
        Engine::Postgres => postgres(client),
        Engine::Sqlite => sqlite(client),
    }?;
    Ok(format!("{own}{rest}"))
}

fn mysql(client: &mut Client) -> Result<String> {
    // A number of the counter that was drawn for nothing is gone.
    let tables = client.ask(
        "SELECT t.TABLE_NAME, t.TABLE_TYPE, \
                GROUP_CONCAT(CONCAT('`', c.COLUMN_NAME, '`') ORDER BY c.ORDINAL_POSITION) \
         FROM information_schema.TABLES t JOIN information_schema.COLUMNS c \
           ON c.TABLE_SCHEMA = t.TABLE_SCHEMA AND c.TABLE_NAME = t.TABLE_NAME \
         WHERE t.TABLE_SCHEMA = DATABASE() AND c.COLUMN_NAME <> 'counter' \
         GROUP BY 1, 2 ORDER BY 1;\n\
         SELECT ROUTINE_NAME, ROUTINE_TYPE, '-' FROM information_schema.ROUTINES \
         WHERE ROUTINE_SCHEMA = DATABASE() ORDER BY 1;\n\
         SELECT EVENT_NAME, 'EVENT', '-' FROM information_schema.EVENTS \
         WHERE EVENT_SCHEMA = DATABASE() ORDER BY 1;",
    )?;
    // A trigger's own definition holds the time at which it was made.
    let mut script = "SELECT TRIGGER_NAME, EVENT_OBJECT_TABLE, ACTION_TIMING, EVENT_MANIPULATION, \
         ACTION_STATEMENT FROM information_schema.TRIGGERS \
         WHERE TRIGGER_SCHEMA = DATABASE() ORDER BY ACTION_ORDER, 1;\n"
        .to_owned();
    for line in tables.lines() {
        let cells: Vec<&str> = line.split('\t').collect();
        let (Some(name), Some(kind), Some(columns)) = (cells.first(), cells.get(1), cells.get(2))
        else {
            continue;
        };
        let what = kind.trim_start_matches("BASE ");
        script.push_str(&format!("SHOW CREATE {what} `{name}`;\n"));
        let has_rows = ["TABLE", "VIEW"].contains(&what) && !OWN.contains(name);
        if has_rows {
            let order: Vec<String> = (1..=columns.split(',').count())
                .map(|column| column.to_string())
                .collect();
            let order = order.join(", ");
            script.push_str(&format!(
                "SELECT {columns} FROM `{name}` ORDER BY {order};\n"
            ));
        }
    }
    let output = client.ask(&script)?;
    let settled = output.lines().map(without_counter);
    Ok(settled.map(|line| format!("{line}\n")).collect())
}

/// A table's definition without the number that its counter gives next.
fn without_counter(line: &str) -> String {
    let Some((before, after)) = line.split_once(" AUTO_INCREMENT=") else {
        return line.to_owned();
    };
    let after = after.trim_start_matches(|sign: char| sign.is_ascii_digit());
    format!("{before}{after}")
}

/// What an interrupted `REINDEX … CONCURRENTLY` leaves beside the old index is left out: bird leaves
/// it to a person, and the statement itself is done again.
fn postgres(client: &mut Client) -> Result<String> {
    let own: Vec<String> = OWN.iter().map(|name| format!("'{name}'")).collect();
    let own = own.join(", ");
    client.ask(&format!(
        "SELECT c.relname, c.relkind, string_agg(concat_ws(' ', a.attname, \
                format_type(a.atttypid, a.atttypmod), a.attnotnull), ', ' ORDER BY a.attnum) \
         FROM pg_class c LEFT JOIN pg_attribute a \
           ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
         WHERE c.relnamespace = 'public'::regnamespace AND c.relkind <> 'i' \
         GROUP BY 1, 2 ORDER BY 1;\n\
         SELECT pg_get_indexdef(indexrelid), indisvalid, indisready FROM pg_index i \
         JOIN pg_class c ON c.oid = i.indrelid JOIN pg_class own ON own.oid = i.indexrelid \
         WHERE c.relnamespace = 'public'::regnamespace \
         AND (indisvalid OR own.relname !~ '_cc(new|old)[0-9]*$') ORDER BY 1;\n\
         SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint \
         WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2;\n\
         SELECT relname, pg_get_viewdef(oid) FROM pg_class \
         WHERE relnamespace = 'public'::regnamespace AND relkind IN ('v', 'm') ORDER BY 1;\n\
         SELECT pg_get_functiondef(oid) FROM pg_proc \
         WHERE pronamespace = 'public'::regnamespace ORDER BY 1;\n\
         SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1;\n\
         SELECT typname, string_agg(enumlabel, ' ' ORDER BY enumsortorder) \
         FROM pg_enum JOIN pg_type t ON t.oid = enumtypid GROUP BY 1 ORDER BY 1;\n\
         SELECT format('SELECT %L, t::text FROM %I t ORDER BY 2;', relname, relname) \
         FROM pg_class WHERE relnamespace = 'public'::regnamespace \
         AND relkind IN ('r', 'v', 'm') AND relname NOT IN ({own}) ORDER BY relname \\gexec"
    ))
}

fn sqlite(client: &mut Client) -> Result<String> {
    let tables = client.ask("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY 1;")?;
    let mut output = client.ask(
        "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY 1, 2;\n\
         PRAGMA user_version;\nPRAGMA integrity_check;",
    )?;
    for name in tables.lines().filter(|name| !OWN.contains(name)) {
        let rows = client.ask(&format!("SELECT '{name}', * FROM \"{name}\";"))?;
        let mut rows: Vec<&str> = rows.lines().collect();
        rows.sort_unstable();
        rows.iter()
            .for_each(|row| output.push_str(&format!("{row}\n")));
    }
    Ok(output)
}
