//! Everything that is in a database but for bird's own tables, as one text.

use crate::world::{Engine, World};

pub fn state(world: &World) -> String {
    let engine = world.engine_of("ums");
    let name = world.name("ums");
    let tables = engine.pick(
        format!(
            "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = '{name}' \
             AND TABLE_NAME NOT LIKE 'bird\\_%' AND TABLE_NAME NOT LIKE 'refinery\\_%' ORDER BY BINARY TABLE_NAME"
        ),
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace \
         AND relname NOT LIKE 'bird\\_%' AND relname NOT LIKE 'refinery\\_%' ORDER BY 1"
            .into(),
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'bird%' \
         AND name NOT LIKE 'refinery%' ORDER BY 1"
            .into(),
    );
    let mut sql = String::new();
    for table in world.client("ums", &tables).lines() {
        // As the client escapes it.
        let table = table.replace("\\t", "\t");
        let table = match engine {
            Engine::Postgres | Engine::Sqlite => format!("\"{}\"", table.replace('"', "\"\"")),
            _ => format!("`{}`", table.replace('`', "``")),
        };
        if engine.folder() == "mysql" {
            sql.push_str(&format!("SHOW CREATE TABLE {table};\n"));
        }
        sql.push_str(&format!("SELECT * FROM {table} ORDER BY 1;\n"));
    }
    let rest = engine.pick(
        format!(
            "SELECT TRIGGER_NAME, EVENT_MANIPULATION, EVENT_OBJECT_TABLE, ACTION_STATEMENT \
             FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = '{name}' ORDER BY 1;\n\
             SELECT ROUTINE_NAME, ROUTINE_TYPE, ROUTINE_DEFINITION, ROUTINE_COMMENT \
             FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = '{name}' ORDER BY 1;\n\
             SELECT EVENT_NAME, EVENT_DEFINITION, STATUS, INTERVAL_VALUE \
             FROM information_schema.EVENTS WHERE EVENT_SCHEMA = '{name}' ORDER BY 1;\n"
        ),
        "SELECT c.relname, c.relkind, indisvalid, pg_get_indexdef(c.oid) FROM pg_class c \
         LEFT JOIN pg_index ON c.oid = indexrelid \
         WHERE relnamespace = 'public'::regnamespace AND relkind <> 't' ORDER BY 1;\n\
         SELECT attrelid::regclass, attname, atttypid::regtype FROM pg_attribute \
         JOIN pg_class c ON c.oid = attrelid \
         WHERE relnamespace = 'public'::regnamespace AND attnum > 0 ORDER BY 1, 2;\n\
         SELECT enumlabel FROM pg_enum ORDER BY enumsortorder;\n"
            .into(),
        "SELECT * FROM sqlite_schema WHERE name NOT LIKE '%bird%' AND name NOT LIKE '%refinery%' \
         ORDER BY name;\nPRAGMA user_version;\n"
            .into(),
    );
    sql.push_str(&rest);
    let output = world.client("ums", &sql);
    // Rows that an AUTO_INCREMENT has seen are not told apart.
    output
        .lines()
        .map(|line| match line.split_once(" AUTO_INCREMENT=") {
            Some((before, after)) => {
                let rest = after.trim_start_matches(|sign: char| sign.is_ascii_digit());
                format!("{before}{rest}\n")
            }
            None => format!("{line}\n"),
        })
        .collect()
}
