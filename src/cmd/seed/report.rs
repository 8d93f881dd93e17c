//! The report of `bird seed`: the action for every declared row.

use serde_json::{Map, Value, json};

use crate::cmd::run::missing::MissingConsents;
use crate::model::diagnostic::Diagnostic;
use crate::model::exit::Exit;
use crate::output::{Block, Grid, Report};
use crate::seed::Action;

/// The report: the action for every declared row.
pub struct SeedReport {
    pub(super) dry_run: bool,
    pub(super) databases: Vec<(String, &'static str, Vec<SeedRow>)>,
    /// The consents that the run of a dry run lacks.
    pub(super) missing: MissingConsents,
    pub(super) diagnostics: Vec<Diagnostic>,
    pub(super) exit: Exit,
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
        let all = || self.databases.iter().flat_map(|(_, _, rows)| rows);
        let rows: Vec<_> = all()
            .map(|row| {
                vec![
                    row.table.clone(),
                    row.key.clone(),
                    describe(&row.action, self.dry_run),
                ]
            })
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
        let databases = self.databases.iter().map(|(name, engine, rows)| {
            let rows: Vec<Value> = rows.iter().map(row_json).collect();
            json!({ "name": name, "engine": engine, "seeds": rows })
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
