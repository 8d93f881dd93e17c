//! Statements on rows, the same on every engine. None of them can run twice, be left out or
//! change its place without leaving other rows behind.

use super::{Draft, Drawn, one};

/// More rows would only take time.
const MANY: usize = 64;

pub fn draw(draft: &mut Draft) -> Drawn {
    let kind = draft.random.below(7);
    let number = draft.random.below(900);
    let Some(at) = draft.any() else {
        return one(format!(
            "INSERT INTO base SELECT id + 1, n + {number}, s FROM base WHERE id < 4"
        ));
    };
    let table = draft.tables.get_mut(at)?;
    let name = table.name.clone();
    match kind {
        0 | 1 => {
            table.rows += 2;
            one(format!(
                "INSERT INTO {name} (id, n, s) VALUES ({number}, {number}, 'x'), (7, {number}, NULL)"
            ))
        }
        2 if table.rows * 2 <= MANY => {
            table.rows *= 2;
            one(format!(
                "INSERT INTO {name} (id, n, s) SELECT id + 1, n + {number}, s FROM {name}"
            ))
        }
        3 => one(format!("UPDATE {name} SET n = (n * 3 + id) % 9973")),
        4 => one(format!("DELETE FROM {name} WHERE n % 5 = {}", number % 5)),
        5 => {
            let column = table.columns.first()?.clone();
            one(format!(
                "UPDATE {name} SET {column} = coalesce({column}, 0) + n"
            ))
        }
        6 => one(format!(
            "INSERT INTO base SELECT count(*), coalesce(sum(n), 0) % 9973, 'sum' FROM {name}"
        )),
        _ => None,
    }
}
