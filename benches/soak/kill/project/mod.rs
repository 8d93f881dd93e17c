//! A project made from a seed: files that mix every kind of statement that the journal's protocol
//! tells apart with statements on rows that show it when they run twice, or not at all.
//!
//! What is written is right in itself: the tables that stand are kept in mind.

mod mysql;
mod postgres;
mod rows;
mod sqlite;

use super::engine::Engine;
use super::random::Random;

/// A table that comes and goes.
#[derive(Debug, Clone, Default)]
pub struct Table {
    pub name: String,
    /// Columns beside `id`, `n` and `s`; all of them hold numbers.
    pub columns: Vec<String>,
    pub indexes: Vec<String>,
    pub constraints: Vec<String>,
    pub partitioned: bool,
    /// So many rows at most.
    pub rows: usize,
}

/// Something else that has a name: what kind it is, and the name.
pub type Named = (&'static str, String);

/// What the statements so far have made.
pub struct Draft {
    pub random: Random,
    pub engine: Engine,
    pub tables: Vec<Table>,
    pub others: Vec<Named>,
    /// Whether the file at hand runs without a transaction.
    pub bare: bool,
    /// Whether its server is to die in the middle. Some statements then leave something behind by
    /// the engine's own doing.
    pub mortal: bool,
    names: usize,
}

impl Draft {
    /// A name that was not used before.
    pub fn name(&mut self, kind: &str) -> String {
        self.names += 1;
        format!("{kind}{}", self.names)
    }

    /// The place of any table that comes and goes.
    pub fn any(&mut self) -> Option<usize> {
        match self.tables.len() {
            0 => None,
            count => Some(self.random.below(count)),
        }
    }

    /// Takes away something of a kind.
    pub fn take(&mut self, kind: &str) -> Option<String> {
        let at = self.others.iter().position(|(other, _)| *other == kind)?;
        Some(self.others.swap_remove(at).1)
    }
}

/// Statements that belong together, without their semicolons; nothing where what was drawn does
/// not fit what stands.
pub type Drawn = Option<Vec<String>>;

pub fn one(statement: impl Into<String>) -> Drawn {
    Some(vec![statement.into()])
}

/// The texts of the migrations, V1 first.
pub fn files(engine: Engine, seed: u64, mortal: bool) -> Vec<String> {
    let mut draft = Draft {
        random: Random::new(seed),
        engine,
        tables: Vec::new(),
        others: Vec::new(),
        bare: false,
        mortal,
        names: 0,
    };
    // What everything else may rely on.
    let mut files = vec![
        "CREATE TABLE parents (id INT NOT NULL PRIMARY KEY);\n\
         CREATE TABLE base (id INT, n INT, s VARCHAR(40));\n\
         INSERT INTO parents VALUES (1), (2), (3);\n\
         INSERT INTO base VALUES (1, 1, 'one'), (2, 2, 'two');\n"
            .to_owned(),
    ];
    let count = 3 + draft.random.below(4);
    for _ in 0..count {
        draft.bare = !draft.random.once_in(engine.pick(1, 4, 2));
        let mut text = "-- bird: allow drop-table, data-loss\n".to_owned();
        if draft.bare {
            text.push_str("-- bird: no-transaction\n");
        }
        text.push('\n');
        let mut wanted = 2 + draft.random.below(6);
        while wanted > 0 {
            let Some(statements) = drawn(&mut draft) else {
                continue;
            };
            for statement in statements {
                text.push_str(&statement);
                text.push_str(";\n");
            }
            wanted -= 1;
        }
        files.push(text);
    }
    files
}

fn drawn(draft: &mut Draft) -> Drawn {
    match draft.random.below(5) {
        0 | 1 => rows::draw(draft),
        _ => match draft.engine {
            Engine::MariaDb | Engine::MySql => mysql::draw(draft),
            Engine::Postgres => postgres::draw(draft),
            Engine::Sqlite => sqlite::draw(draft),
        },
    }
}
