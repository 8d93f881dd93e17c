//! The state of a database, as every report shows it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use crate::model::code::Code;
use crate::model::count::counted;
use crate::model::diagnostic::Diagnostic;
use crate::model::history::{Applied, Direction, History};
use crate::model::migration::{Migration, title};
use crate::model::server::{Product, Server};
use crate::output::human::duration;
use crate::output::{Grid, Tone, Tones};
use crate::plan::{MigrationState, migration_state};
use crate::project::Database;

/// The state of one database. Its JSON keys are a stable interface.
#[derive(Debug, Clone, Serialize)]
pub struct State {
    pub name: String,
    pub engine: &'static str,
    /// Where it is, without user or password; only for `status`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    pub product: Option<Product>,
    pub server_version: Option<String>,
    /// `absent`, `unreachable`, `unreadable`, `unmanaged`, `half-applied`, `disagrees`, `pending`, `current`.
    pub state: &'static str,
    pub current: Option<i64>,
    pub applied: Vec<Applied>,
    pub pending: Vec<Named>,
    pub partial: Option<FileProgress>,
    pub changed: Vec<Named>,
    /// Changed in blanks or comments only.
    pub reformatted: Vec<Named>,
    pub missing: Vec<Named>,
    /// Every migration; only for `--list`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub migrations: Option<Vec<Listed>>,
}

/// One migration of a list. Its JSON keys are a stable interface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listed {
    pub version: i64,
    pub name: String,
    /// `applied`, `changed`, `reformatted`, `missing`, `pending`, `half-applied`, `half-undone`.
    pub state: &'static str,
    /// `None` if it is not applied.
    pub applied_on: Option<String>,
    /// `None` if it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub milliseconds: Option<u64>,
}

/// A migration by version and name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Named {
    pub version: i64,
    pub name: String,
}

/// The progress of a half-applied file: `statement` of `of` is the next to run. `direction` is written
/// only for `undo`; `in_doubt` if the statement was sent already, which the next run resolves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileProgress {
    pub version: i64,
    pub statement: u32,
    pub of: u32,
    #[serde(skip_serializing_if = "is_up")]
    pub direction: &'static str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub in_doubt: bool,
}

fn is_up(direction: &str) -> bool {
    direction == Direction::Up.word()
}

impl State {
    /// The state of a database that answered, or whose file does not exist.
    pub fn of(
        database: &Database,
        server: Option<&Server>,
        migrations: &[Migration],
        history: History,
    ) -> State {
        let migration_state = migration_state(database.dialect.syntax(), migrations, &history);
        let mut state = State::unreachable(database);
        state.product = server.map(|server| server.product);
        state.server_version = server.map(|server| server.version.to_string());
        state.state = word(server.is_some(), &history, &migration_state);
        state.current = migration_state.current;
        state.pending = migration_state
            .pending
            .iter()
            .map(|file| named(file.version, &file.name))
            .collect();
        state.partial = migration_state
            .partially_applied
            .first()
            .map(|partial| FileProgress {
                version: partial.version,
                statement: partial.applied + 1,
                of: partial.of,
                direction: partial.direction.word(),
                in_doubt: partial.in_doubt,
            });
        state.changed = migration_state
            .changed
            .iter()
            .map(|(file, _)| named(file.version, &file.name))
            .collect();
        state.reformatted = migration_state
            .reformatted
            .iter()
            .map(|(file, _)| named(file.version, &file.name))
            .collect();
        state.missing = migration_state
            .missing
            .iter()
            .map(|row| named(row.version, &row.name))
            .collect();
        state.applied = history.applied;
        state
    }

    /// The state of a database that could not be reached.
    pub fn unreachable(database: &Database) -> State {
        State {
            name: database.name.clone(),
            engine: database.dialect.facts().name,
            target: None,
            product: None,
            server_version: None,
            state: "unreachable",
            current: None,
            applied: Vec::new(),
            pending: Vec::new(),
            partial: None,
            changed: Vec::new(),
            reformatted: Vec::new(),
            missing: Vec::new(),
            migrations: None,
        }
    }

    /// The state of a database whose history cannot be read.
    pub fn unreadable(database: &Database, server: &Server) -> State {
        let mut state = State::unreachable(database);
        state.state = "unreadable";
        state.product = Some(server.product);
        state.server_version = Some(server.version.to_string());
        state
    }

    /// Whether the history was read; that of a database that does not exist is empty.
    pub fn is_read(&self) -> bool {
        !matches!(self.state, "unreachable" | "unreadable")
    }

    /// Product and version, or the engine if the server did not answer.
    pub fn server(&self) -> String {
        match (&self.product, &self.server_version) {
            (Some(product), Some(version)) => format!("{product} {version}"),
            _ => self.engine.to_owned(),
        }
    }

    pub fn version(&self) -> String {
        self.current
            .map_or("-".into(), |current| format!("V{current}"))
    }

    /// A number of migrations; `-` if the history could not be read.
    fn count<T>(&self, migrations: &[T]) -> String {
        match self.state {
            "unreachable" | "unreadable" => "-".to_owned(),
            _ => migrations.len().to_string(),
        }
    }

    pub fn json(&self) -> Value {
        // Strings and numbers always serialize.
        serde_json::to_value(self).unwrap_or_default()
    }
}

/// The finding about the pending migrations of a database; `None` if there are none.
pub fn pending(database: &str, all: &[Named]) -> Option<Diagnostic> {
    if all.is_empty() {
        return None;
    }
    let what = counted(all.len(), "pending migration");
    let message = format!("{database}: {what}: {}", list(all));
    let fault = Diagnostic::new(Code::Pending, message).database(database);
    Some(fault.hint(match all.len() {
        1 => "bird migrate applies it",
        _ => "bird migrate applies them",
    }))
}

/// `V1 a, V2 b, …`: at most the first twelve.
pub fn list(all: &[Named]) -> String {
    const SHOWN: usize = 12;
    let shown: Vec<String> = all
        .iter()
        .take(SHOWN)
        .map(|one| title(one.version, &one.name))
        .collect();
    if all.len() > SHOWN {
        format!("{}, … and {} more", shown.join(", "), all.len() - SHOWN)
    } else {
        shown.join(", ")
    }
}

pub fn named(version: i64, name: &str) -> Named {
    Named {
        version,
        name: name.to_owned(),
    }
}

/// The most important state, as one word.
fn word(present: bool, history: &History, migration_state: &MigrationState<'_>) -> &'static str {
    if !present {
        "absent"
    } else if !migration_state.partially_applied.is_empty() {
        "half-applied"
    } else if !migration_state.agrees() {
        "disagrees"
    } else if !history.objects.is_empty() {
        "unmanaged"
    } else if migration_state.pending.is_empty() {
        "current"
    } else {
        "pending"
    }
}

/// How good a state of a database or a migration is.
fn tone(state: &str) -> Tone {
    match state {
        "current" | "applied" => Tone::Good,
        "absent" | "pending" | "unmanaged" | "reformatted" => Tone::Attention,
        _ => Tone::Bad,
    }
}

/// The states as a table, one row per database.
pub fn grid(states: &[State]) -> Grid {
    Grid {
        headers: vec![
            "database",
            "server",
            "state",
            "version",
            "applied",
            "pending",
            "last applied",
        ],
        rows: states
            .iter()
            .map(|state| {
                vec![
                    state.name.clone(),
                    state.server(),
                    state.state.to_owned(),
                    state.version(),
                    state.count(&state.applied),
                    state.count(&state.pending),
                    state.applied.last().map(last).unwrap_or_default(),
                ]
            })
            .collect(),
        numbers: vec![4, 5],
        optional: vec![1, 4, 6],
        tones: Some(Tones {
            column: 2,
            rows: states.iter().map(|state| tone(state.state)).collect(),
        }),
    }
}

/// The time of a row without its fraction.
fn last(row: &Applied) -> String {
    moment(&row.applied_on)
}

/// A time of the history without its fraction.
fn moment(text: &str) -> String {
    let time = text.split(['.', '+']).next().unwrap_or_default();
    time.trim_end_matches('Z').replacen('T', " ", 1)
}

/// Every migration of a database, by version.
pub fn listed(state: &State, durations: &BTreeMap<i64, Duration>) -> Vec<Listed> {
    let holds = |list: &[Named], version| list.iter().any(|one| one.version == version);
    let half = |version, direction: Direction| {
        let partial = state.partial.as_ref();
        partial.is_some_and(|it| it.version == version && it.direction == direction.word())
    };
    let applied = state.applied.iter().map(|row| {
        let version = row.version;
        let took = durations.get(&version).map(Duration::as_millis);
        Listed {
            version,
            name: row.name.clone(),
            state: if half(version, Direction::Undo) {
                "half-undone"
            } else if holds(&state.changed, version) {
                "changed"
            } else if holds(&state.missing, version) {
                "missing"
            } else if holds(&state.reformatted, version) {
                "reformatted"
            } else {
                "applied"
            },
            applied_on: Some(row.applied_on.clone()),
            milliseconds: took.and_then(|took| u64::try_from(took).ok()),
        }
    });
    let pending = state.pending.iter().map(|file| Listed {
        version: file.version,
        name: file.name.clone(),
        state: if half(file.version, Direction::Up) {
            "half-applied"
        } else {
            "pending"
        },
        applied_on: None,
        milliseconds: None,
    });
    let mut all: Vec<Listed> = applied.chain(pending).collect();
    all.sort_by_key(|one| one.version);
    all
}

/// Every migration of these databases as a table.
pub fn list_grid(states: &[State]) -> Grid {
    let all = states
        .iter()
        .flat_map(|state| state.migrations.iter().flatten());
    let tones = all.map(|one| tone(one.state));
    let rows = states.iter().flat_map(|state| {
        let migrations = state.migrations.iter().flatten();
        migrations.map(|one| {
            let took = one.milliseconds.map(Duration::from_millis);
            vec![
                state.name.clone(),
                title(one.version, &one.name),
                one.state.to_owned(),
                one.applied_on.as_deref().map(moment).unwrap_or_default(),
                took.map(duration).unwrap_or_default(),
            ]
        })
    });
    Grid {
        headers: vec!["database", "migration", "state", "applied on", "took"],
        rows: rows.collect(),
        numbers: vec![4],
        optional: vec![4],
        tones: Some(Tones {
            column: 2,
            rows: tones.collect(),
        }),
    }
}
