//! The report of `bird seed`: the action for every declared row.

use serde_json::{Map, Value, json};

use crate::cmd::run::missing::MissingConsents;
use crate::model::diagnostic::Diagnostic;
use crate::model::exit::Exit;
use crate::model::seed::SeedRecord;
use crate::output::{Block, Grid, Report};
use crate::seed::Action;

/// The report: the action for every declared row.
pub struct SeedReport {
    pub(super) dry_run: bool,
    pub(super) databases: Vec<(String, &'static str, Seeds)>,
    /// The consents that the run of a dry run lacks.
    pub(super) missing: MissingConsents,
    pub(super) diagnostics: Vec<Diagnostic>,
    pub(super) exit: Exit,
}

/// The declared rows of a database, and the counters that they leave behind.
#[derive(Default)]
pub struct Seeds {
    pub rows: Vec<SeedRow>,
    pub counters: Vec<CounterRow>,
    /// What was left in place of declared values.
    pub(super) records: Vec<SeedRecord>,
}

impl Seeds {
    /// Whether a row or a counter differs from its declaration.
    pub fn would_write(&self) -> bool {
        self.rows.iter().any(|row| row.action != Action::Leave) || !self.counters.is_empty()
    }
}

/// A counter whose next number is one that its column has.
pub struct CounterRow {
    pub table: String,
    pub column: String,
    /// The number behind which it goes on.
    pub to: i64,
    pub sql: String,
}

/// A declared row.
pub struct SeedRow {
    pub table: String,
    pub key: String,
    pub action: Action,
}

fn describe(action: &Action, dry_run: bool) -> String {
    match (action, dry_run) {
        (Action::Insert { .. }, false) => "inserted".into(),
        (Action::Insert { .. }, true) => "would be inserted".into(),
        (Action::Update { columns, .. }, false) => format!("updated: {}", columns.join(", ")),
        (Action::Update { columns, .. }, true) => {
            format!("would be updated: {}", columns.join(", "))
        }
        (Action::Leave, _) => "unchanged".into(),
    }
}

impl Report for SeedReport {
    fn command(&self) -> &'static str {
        "seed"
    }

    fn exit(&self) -> Exit {
        self.exit
    }

    fn blocks(&self) -> Vec<Block> {
        let all = || self.databases.iter().flat_map(|(_, _, seeds)| &seeds.rows);
        let counters = || {
            self.databases
                .iter()
                .flat_map(|(_, _, seeds)| &seeds.counters)
        };
        let moved = if self.dry_run {
            "would go on"
        } else {
            "goes on"
        };
        let rows: Vec<_> = all()
            .map(|row| {
                vec![
                    row.table.clone(),
                    row.key.clone(),
                    describe(&row.action, self.dry_run),
                ]
            })
            .chain(counters().map(|counter| {
                vec![
                    counter.table.clone(),
                    format!("counter of {}", counter.column),
                    format!("{moved} behind {}", counter.to),
                ]
            }))
            .collect();
        if rows.is_empty() {
            return if self.diagnostics.is_empty() {
                vec![Block::Line("no seeds are declared".into())]
            } else {
                Vec::new()
            };
        }
        let headers = vec!["table", "row", "seeded"];
        let mut blocks = vec![Block::Grid(Grid {
            headers,
            rows,
            numbers: vec![],
            ..Grid::default()
        })];
        if self.dry_run {
            for row in all() {
                if let Action::Insert { sql } | Action::Update { sql, .. } = &row.action {
                    let title = format!("{}: {}", row.table, row.key);
                    blocks.push(Block::Code {
                        title,
                        language: "sql",
                        text: format!("{sql};"),
                    });
                }
            }
            blocks.extend(counters().map(|counter| Block::Code {
                title: format!("{}: counter of {}", counter.table, counter.column),
                language: "sql",
                text: format!("{};", counter.sql),
            }));
        }
        blocks.extend(self.missing.blocks());
        blocks
    }

    fn shown_findings(&self) -> Vec<Diagnostic> {
        self.missing.findings()
    }

    fn diagnostics(&self) -> Vec<Diagnostic> {
        self.diagnostics.clone()
    }

    fn databases(&self) -> Vec<Value> {
        let databases = self.databases.iter().map(|(name, engine, seeds)| {
            let rows: Vec<Value> = seeds.rows.iter().map(row_json).collect();
            let counters: Vec<Value> = seeds.counters.iter().map(counter_json).collect();
            json!({ "name": name, "engine": engine, "seeds": rows, "counters": counters })
        });
        databases.collect()
    }

    fn extra(&self) -> Map<String, Value> {
        Map::from_iter([("dry_run".to_owned(), json!(self.dry_run))])
    }
}

fn row_json(row: &SeedRow) -> Value {
    let (action, columns, sql) = match &row.action {
        Action::Insert { sql } => ("insert", &[][..], Some(sql)),
        Action::Update { sql, columns } => ("update", columns.as_slice(), Some(sql)),
        Action::Leave => ("leave", &[][..], None),
    };
    json!({ "table": row.table, "key": row.key, "action": action, "columns": columns, "sql": sql })
}

fn counter_json(counter: &CounterRow) -> Value {
    let (table, column) = (&counter.table, &counter.column);
    json!({ "table": table, "column": column, "behind": counter.to, "sql": counter.sql })
}
