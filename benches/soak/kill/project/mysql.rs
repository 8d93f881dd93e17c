//! MySQL and MariaDB: every kind of statement that commits by itself.

use super::super::engine::Engine;
use super::{Draft, Drawn, Table, one};

const COLUMNS: &str = "id INT, n INT, s VARCHAR(40)";

pub fn draw(draft: &mut Draft) -> Drawn {
    match draft.random.below(10) {
        0 | 1 => make(draft),
        2 => remove(draft),
        3 => rename(draft),
        4 | 5 => columns(draft),
        6 => keys(draft),
        7 => table(draft),
        _ => other(draft),
    }
}

fn make(draft: &mut Draft) -> Drawn {
    let name = draft.name("t");
    let mut table = Table {
        name: name.clone(),
        ..Table::default()
    };
    let statement = match draft.random.below(8) {
        0 => {
            // The numbers of a counter that were drawn for nothing do not come again: it is not
            // compared, but it stands in the definition.
            format!(
                "CREATE TABLE {name} ({COLUMNS}, counter BIGINT NOT NULL AUTO_INCREMENT, \
                 KEY (counter))"
            )
        }
        1 => {
            let index = draft.name("i");
            table.indexes.push(index.clone());
            format!("CREATE TABLE IF NOT EXISTS {name} ({COLUMNS}, KEY {index} (n))")
        }
        2 => format!("CREATE TABLE {name} LIKE base"),
        // After `CREATE TABLE … SELECT` only a person can tell.
        3 => format!("CREATE TABLE {name} ({COLUMNS}, CHECK (n > 0))"),
        // MariaDB renames partitions one by one, and one that dies between them cannot go on.
        4 if draft.engine == Engine::MySql || !draft.mortal => {
            table.partitioned = true;
            format!("CREATE TABLE {name} ({COLUMNS}) PARTITION BY HASH (id) PARTITIONS 2")
        }
        5 if draft.engine == Engine::MariaDb => {
            format!("CREATE OR REPLACE TABLE {name} ({COLUMNS})")
        }
        6 if draft.engine == Engine::MariaDb => {
            let at = draft.any()?;
            let name = draft.tables.get(at)?.name.clone();
            let fresh = Table {
                name: name.clone(),
                ..Table::default()
            };
            *draft.tables.get_mut(at)? = fresh;
            return one(format!("CREATE OR REPLACE TABLE {name} ({COLUMNS})"));
        }
        _ => format!("CREATE TABLE {name} ({COLUMNS})"),
    };
    draft.tables.push(table);
    one(statement)
}

fn remove(draft: &mut Draft) -> Drawn {
    match draft.random.below(5) {
        0 => one("DROP TABLE IF EXISTS none"),
        1 if draft.tables.len() > 1 => {
            let at = draft.any()?;
            let first = draft.tables.swap_remove(at).name;
            let at = draft.any()?;
            let second = draft.tables.swap_remove(at).name;
            one(format!("DROP TABLE {first}, {second}"))
        }
        2 | 3 => {
            let at = draft.any()?;
            let table = draft.tables.get_mut(at)?;
            table.rows = 0;
            one(format!("TRUNCATE TABLE {}", table.name))
        }
        _ => {
            let at = draft.any()?;
            let name = draft.tables.swap_remove(at).name;
            one(format!("DROP TABLE {name}"))
        }
    }
}

fn rename(draft: &mut Draft) -> Drawn {
    let to = draft.name("t");
    let at = draft.any()?;
    let from = draft.tables.get(at)?.name.clone();
    match draft.random.below(4) {
        0 if draft.tables.len() > 1 => {
            // Two tables change their names.
            let other = (at + 1) % draft.tables.len();
            let second = draft.tables.get(other)?.name.clone();
            draft.tables.get_mut(other)?.name.clone_from(&from);
            draft.tables.get_mut(at)?.name.clone_from(&second);
            one(format!(
                "RENAME TABLE {from} TO {to}, {second} TO {from}, {to} TO {second}"
            ))
        }
        1 => {
            draft.tables.get_mut(at)?.name.clone_from(&to);
            one(format!("ALTER TABLE {from} RENAME TO {to}"))
        }
        _ => {
            draft.tables.get_mut(at)?.name.clone_from(&to);
            one(format!("RENAME TABLE {from} TO {to}"))
        }
    }
}

fn columns(draft: &mut Draft) -> Drawn {
    let fresh = draft.name("c");
    let index = draft.name("i");
    let kind = draft.random.below(9);
    let at = draft.any()?;
    let table = draft.tables.get_mut(at)?;
    let name = table.name.clone();
    let change = match kind {
        0 | 1 => {
            table.columns.push(fresh.clone());
            let place = ["", " FIRST", " AFTER n", " DEFAULT 5"];
            let place = place.get(table.columns.len() % 4).copied();
            format!("ADD COLUMN {fresh} INT{}", place.unwrap_or_default())
        }
        2 => {
            table.columns.push(fresh.clone());
            table.indexes.push(index.clone());
            format!("ADD COLUMN {fresh} INT, ADD INDEX {index} (n, id)")
        }
        3 => format!("DROP COLUMN {}", table.columns.pop()?),
        4 => format!("MODIFY COLUMN {} BIGINT", table.columns.last()?),
        5 => {
            let old = std::mem::replace(table.columns.last_mut()?, fresh.clone());
            format!("CHANGE COLUMN {old} {fresh} BIGINT NULL")
        }
        6 => {
            let old = std::mem::replace(table.columns.last_mut()?, fresh.clone());
            format!("RENAME COLUMN {old} TO {fresh}")
        }
        7 => format!("ALTER COLUMN {} SET DEFAULT 3", table.columns.last()?),
        _ => {
            // Two changes at once, one of them of a column that is there.
            let old = table.columns.pop()?;
            table.columns.push(fresh.clone());
            format!("DROP COLUMN {old}, ADD COLUMN {fresh} INT NOT NULL DEFAULT 1")
        }
    };
    one(format!("ALTER TABLE {name} {change}"))
}

fn keys(draft: &mut Draft) -> Drawn {
    let fresh = draft.name("i");
    let kind = draft.random.below(10);
    let at = draft.any()?;
    let table = draft.tables.get_mut(at)?;
    let name = table.name.clone();
    match kind {
        0 => {
            table.indexes.push(fresh.clone());
            one(format!("CREATE INDEX {fresh} ON {name} (n)"))
        }
        1 => {
            table.indexes.push(fresh.clone());
            one(format!("ALTER TABLE {name} ADD INDEX {fresh} (s, n)"))
        }
        2 => one(format!("ALTER TABLE {name} ADD INDEX (id)")),
        3 => one(format!("DROP INDEX {} ON {name}", table.indexes.pop()?)),
        4 => one(format!(
            "ALTER TABLE {name} DROP INDEX {}",
            table.indexes.pop()?
        )),
        5 => {
            let old = std::mem::replace(table.indexes.last_mut()?, fresh.clone());
            one(format!("ALTER TABLE {name} RENAME INDEX {old} TO {fresh}"))
        }
        6 => {
            table.constraints.push(fresh.clone());
            one(format!(
                "ALTER TABLE {name} ADD CONSTRAINT {fresh} CHECK (n < 100000)"
            ))
        }
        7 => one(format!(
            "ALTER TABLE {name} DROP CONSTRAINT {}",
            table.constraints.pop()?
        )),
        8 if !table.partitioned => {
            let column = format!("p{fresh}");
            one(format!(
                "ALTER TABLE {name} ADD COLUMN {column} INT, ADD CONSTRAINT k{fresh} \
                 FOREIGN KEY ({column}) REFERENCES parents (id) ON DELETE CASCADE"
            ))
        }
        9 if !table.partitioned && table.rows == 0 => Some(vec![
            format!("ALTER TABLE {name} ADD PRIMARY KEY (id)"),
            format!("ALTER TABLE {name} DROP PRIMARY KEY"),
        ]),
        _ => None,
    }
}

/// What holds for a table as a whole.
fn table(draft: &mut Draft) -> Drawn {
    let number = draft.random.below(900);
    let kind = draft.random.below(9);
    let at = draft.any()?;
    let table = draft.tables.get_mut(at)?;
    let name = table.name.clone();
    match kind {
        0 => one(format!("ALTER TABLE {name} COMMENT = 'told {number}'")),
        1 => one(format!("ALTER TABLE {name} ENGINE = InnoDB")),
        2 => one(format!(
            "ALTER TABLE {name} CONVERT TO CHARACTER SET {}",
            ["utf8mb4", "latin1"].get(number % 2)?
        )),
        3 => one(format!("ALTER TABLE {name} ROW_FORMAT = COMPACT")),
        4 => one(format!("ANALYZE TABLE {name}")),
        5 => one(format!("OPTIMIZE TABLE {name}")),
        6 if table.partitioned => {
            table.partitioned = false;
            one(format!("ALTER TABLE {name} REMOVE PARTITIONING"))
        }
        _ => None,
    }
}

fn other(draft: &mut Draft) -> Drawn {
    let maria = draft.engine == Engine::MariaDb;
    let kind = draft.random.below(14);
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
            "VIEW",
            format!("CREATE OR REPLACE VIEW {name} AS SELECT n + {number} AS n FROM base"),
        ),
        2 => made(
            "TRIGGER",
            format!(
                "CREATE TRIGGER {name} BEFORE INSERT ON base FOR EACH ROW SET NEW.n = NEW.n + 1"
            ),
        ),
        3 => made(
            "PROCEDURE",
            format!("CREATE PROCEDURE {name}() BEGIN SELECT {number}; SELECT 2; END"),
        ),
        4 => made(
            "FUNCTION",
            format!("CREATE FUNCTION {name}() RETURNS INT DETERMINISTIC RETURN {number}"),
        ),
        5 => made(
            "EVENT",
            format!(
                "CREATE EVENT {name} ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01 00:00:00' \
                 DISABLE DO DELETE FROM base"
            ),
        ),
        // MariaDB 10.11 that dies in it comes back with a sequence that has no row, and whoever looks
        // at that brings it down again.
        6 if maria && !draft.mortal => made(
            "SEQUENCE",
            format!("CREATE SEQUENCE {name} START WITH {number} INCREMENT BY 2"),
        ),
        7 if maria => {
            let sequence = draft.take("SEQUENCE")?;
            let text = format!("ALTER SEQUENCE {sequence} INCREMENT BY 5");
            draft.others.push(("SEQUENCE", sequence));
            one(text)
        }
        8 => {
            let procedure = draft.take("PROCEDURE")?;
            let text = format!("ALTER PROCEDURE {procedure} COMMENT 'told'");
            draft.others.push(("PROCEDURE", procedure));
            one(text)
        }
        9 => Some(vec![
            format!("SET @told = {number}"),
            "INSERT INTO base VALUES (@told, @told, 'set')".to_owned(),
        ]),
        _ => {
            let kinds = [
                "VIEW",
                "TRIGGER",
                "PROCEDURE",
                "FUNCTION",
                "EVENT",
                "SEQUENCE",
            ];
            let kind = kinds.get(number % kinds.len())?;
            let gone = draft.take(kind)?;
            let exists = ["", "IF EXISTS "].get(number / 7 % 2)?;
            one(format!("DROP {kind} {exists}{gone}"))
        }
    }
}
