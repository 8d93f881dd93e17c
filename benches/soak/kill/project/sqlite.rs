//! SQLite: nearly all of it can be rolled back, and files that rebuild a table run in a way of
//! their own.

use super::{Draft, Drawn, Table, one};

pub fn draw(draft: &mut Draft) -> Drawn {
    let kind = draft.random.below(14);
    let number = draft.random.below(900);
    let fresh = draft.name("x");
    if kind < 3 {
        draft.tables.push(Table {
            name: fresh.clone(),
            rows: if kind == 0 { 8 } else { 0 },
            ..Table::default()
        });
        return one(match kind {
            0 => format!(
                "CREATE TABLE {fresh} AS SELECT id, n + 1 AS n, s FROM base ORDER BY 1, 2, 3 LIMIT 8"
            ),
            _ => format!("CREATE TABLE {fresh} (id INT, n INT, s VARCHAR(40))"),
        });
    }
    match kind {
        3 => {
            draft.others.push(("VIEW", fresh.clone()));
            return one(format!("CREATE VIEW {fresh} AS SELECT id, n FROM base"));
        }
        4 => return one(format!("DROP VIEW {}", draft.take("VIEW")?)),
        5 => {
            return one(format!(
                "CREATE TRIGGER {fresh} AFTER INSERT ON base BEGIN \
                 UPDATE parents SET id = id + 10; END"
            ));
        }
        6 if draft.bare => {
            let alone = ["VACUUM", "REINDEX", "PRAGMA user_version = 7"];
            return one(*alone.get(number % 3)?);
        }
        _ => {}
    }
    let at = draft.any()?;
    if draft.bare && matches!(kind, 7 | 10 | 13) {
        // bird refuses that.
        return None;
    }
    if kind == 7 {
        return one(format!("DROP TABLE {}", draft.tables.swap_remove(at).name));
    }
    let table = draft.tables.get_mut(at)?;
    let name = table.name.clone();
    match kind {
        8 => {
            table.columns.push(fresh.clone());
            one(format!("ALTER TABLE {name} ADD COLUMN {fresh} INT"))
        }
        9 => {
            let old = std::mem::replace(table.columns.last_mut()?, fresh.clone());
            one(format!("ALTER TABLE {name} RENAME COLUMN {old} TO {fresh}"))
        }
        10 => {
            table.name.clone_from(&fresh);
            one(format!("ALTER TABLE {name} RENAME TO {fresh}"))
        }
        11 => {
            table.indexes.push(fresh.clone());
            one(format!("CREATE INDEX {fresh} ON {name} (n)"))
        }
        12 => one(format!("DROP INDEX {}", table.indexes.pop()?)),
        13 => {
            // The rebuild of a table.
            table.columns.clear();
            table.indexes.clear();
            Some(vec![
                format!("CREATE TABLE {fresh} (id INT, n INT, s VARCHAR(40))"),
                format!("INSERT INTO {fresh} SELECT id, n + {number}, s FROM {name}"),
                format!("DROP TABLE {name}"),
                format!("ALTER TABLE {fresh} RENAME TO {name}"),
            ])
        }
        _ => None,
    }
}
