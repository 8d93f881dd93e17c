//! PostgreSQL: what cannot run inside a transaction, among all the rest, which can.

use super::{Draft, Drawn, Table, one};

pub fn draw(draft: &mut Draft) -> Drawn {
    match draft.random.below(8) {
        0 | 1 => make(draft),
        2 => change(draft),
        3 | 4 if draft.bare => concurrently(draft),
        5 if draft.bare => alone(draft),
        6 => remove(draft),
        _ => other(draft),
    }
}

fn make(draft: &mut Draft) -> Drawn {
    let name = draft.name("t");
    let mut table = Table {
        name: name.clone(),
        ..Table::default()
    };
    let statement = match draft.random.below(3) {
        0 => {
            table.rows = 8;
            format!(
                "CREATE TABLE {name} AS SELECT id, n + 1 AS n, s FROM base ORDER BY 1, 2, 3 LIMIT 8"
            )
        }
        1 => format!("CREATE TABLE {name} (LIKE base)"),
        _ => format!("CREATE TABLE {name} (id INT, n INT, s VARCHAR(40))"),
    };
    draft.tables.push(table);
    one(statement)
}

fn change(draft: &mut Draft) -> Drawn {
    let fresh = draft.name("c");
    let kind = draft.random.below(7);
    let at = draft.any()?;
    let table = draft.tables.get_mut(at)?;
    let name = table.name.clone();
    match kind {
        0 | 1 => {
            table.columns.push(fresh.clone());
            one(format!("ALTER TABLE {name} ADD COLUMN {fresh} INT"))
        }
        2 => {
            let old = std::mem::replace(table.columns.last_mut()?, fresh.clone());
            one(format!("ALTER TABLE {name} RENAME COLUMN {old} TO {fresh}"))
        }
        3 => {
            let column = table.columns.last()?;
            one(format!("ALTER TABLE {name} ALTER {column} TYPE BIGINT"))
        }
        4 => {
            let old = std::mem::replace(&mut table.name, fresh.clone());
            one(format!("ALTER TABLE {old} RENAME TO {fresh}"))
        }
        5 => one(format!(
            "ALTER TABLE {name} ADD CONSTRAINT {fresh} CHECK (n < 100000)"
        )),
        _ => {
            table.indexes.push(fresh.clone());
            one(format!("CREATE INDEX {fresh} ON {name} (n)"))
        }
    }
}

/// What commits by itself, and is told apart by the indexes of its table.
fn concurrently(draft: &mut Draft) -> Drawn {
    let fresh = draft.name("i");
    let kind = draft.random.below(7);
    let at = draft.any();
    let table = at.and_then(|at| draft.tables.get_mut(at));
    let Some(table) = table else {
        return one(format!("CREATE INDEX CONCURRENTLY {fresh} ON base (n)"));
    };
    let name = table.name.clone();
    match kind {
        0 | 1 => {
            table.indexes.push(fresh.clone());
            one(format!(
                "CREATE INDEX CONCURRENTLY {fresh} ON {name} (n, id)"
            ))
        }
        2 => one(format!("CREATE INDEX CONCURRENTLY ON {name} (n)")),
        3 => {
            table.indexes.push(fresh.clone());
            one(format!(
                "CREATE INDEX CONCURRENTLY IF NOT EXISTS {fresh} ON {name} (s) WHERE n > 5"
            ))
        }
        4 => one(format!(
            "CREATE UNIQUE INDEX CONCURRENTLY {fresh} ON parents (id)"
        )),
        5 => one(format!("DROP INDEX CONCURRENTLY {}", table.indexes.pop()?)),
        _ => one(format!(
            "DROP INDEX CONCURRENTLY IF EXISTS {}",
            table.indexes.pop()?
        )),
    }
}

/// What cannot be rolled back, and may run twice.
fn alone(draft: &mut Draft) -> Drawn {
    let kind = draft.random.below(4);
    let at = draft.any()?;
    let table = draft.tables.get(at)?;
    match kind {
        0 => one(format!("VACUUM (ANALYZE) {}", table.name)),
        1 => one(format!("VACUUM FULL {}", table.name)),
        2 => one(format!(
            "REINDEX INDEX CONCURRENTLY {}",
            table.indexes.last()?
        )),
        _ => one(format!("ANALYZE {}", table.name)),
    }
}

fn remove(draft: &mut Draft) -> Drawn {
    let kind = draft.random.below(3);
    let at = draft.any()?;
    match kind {
        0 => {
            let table = draft.tables.get_mut(at)?;
            table.rows = 0;
            one(format!("TRUNCATE {}", table.name))
        }
        1 => {
            let table = draft.tables.get_mut(at)?;
            one(format!("DROP INDEX {}", table.indexes.pop()?))
        }
        _ => one(format!("DROP TABLE {}", draft.tables.swap_remove(at).name)),
    }
}

fn other(draft: &mut Draft) -> Drawn {
    let kind = draft.random.below(10);
    let number = draft.random.below(900);
    let name = draft.name("o");
    let mut made = |kind: &'static str, text: String| {
        draft.others.push((kind, name.clone()));
        one(text)
    };
    match kind {
        0 => made(
            "VIEW",
            format!("CREATE VIEW {name} AS SELECT id, n FROM base"),
        ),
        1 => made(
            "MATERIALIZED VIEW",
            format!("CREATE MATERIALIZED VIEW {name} AS SELECT count(*) AS n FROM base"),
        ),
        2 => {
            let view = draft.take("MATERIALIZED VIEW")?;
            let text = format!("REFRESH MATERIALIZED VIEW {view}");
            draft.others.push(("MATERIALIZED VIEW", view));
            one(text)
        }
        3 => made(
            "FUNCTION",
            format!(
                "CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS \
                 $$ BEGIN NEW.n := NEW.n + 1; RETURN NEW; END; $$"
            ),
        ),
        4 => {
            let function = draft.take("FUNCTION")?;
            one(format!(
                "CREATE TRIGGER {name} BEFORE INSERT ON base FOR EACH ROW \
                 EXECUTE FUNCTION {function}()"
            ))
        }
        5 => made("TYPE", format!("CREATE TYPE {name} AS ENUM ('a{number}')")),
        6 => {
            let kind = draft.take("TYPE")?;
            let text = format!("ALTER TYPE {kind} ADD VALUE 'b{number}'");
            draft.others.push(("SPENT TYPE", kind));
            one(text)
        }
        7 => one(format!(
            "DO $$ BEGIN UPDATE base SET n = (n * 3 + {number}) % 9973; END $$"
        )),
        8 => one(format!("SET work_mem TO '{}kB'", 1024 + number)),
        _ => {
            let kinds = ["VIEW", "MATERIALIZED VIEW"];
            let kind = kinds.get(number % kinds.len())?;
            one(format!("DROP {kind} {}", draft.take(kind)?))
        }
    }
}
