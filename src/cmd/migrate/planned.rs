//! Shows the plan of a dry run, statement by statement.

use serde_json::{Value, json};

use crate::output::Block;
use crate::plan::{Plan, Step};

pub fn step_json(step: &Step) -> Value {
    let statements = (step.from..step.script.statements.len()).map(|at| {
        let line = step
            .script
            .statements
            .get(at)
            .map(|statement| statement.place.line);
        json!({ "statement": at + 1, "line": line, "sql": step.shown(at) })
    });
    json!({
        "version": step.migration.version,
        "name": step.migration.name,
        "file": step.migration.file,
        "transaction": step.transactional,
        "statements": statements.collect::<Vec<_>>(),
    })
}

/// The SQL in the order in which it would run.
pub fn planned_blocks(plan: &Plan, nothing: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    for (database, step) in plan.ordered() {
        let (name, migration) = (&database.name, step.migration.title());
        let count = step.script.statements.len();
        if count == 0 {
            let title = format!(
                "{name}: {migration}: no statement, only recorded ({})",
                step.migration.file
            );
            blocks.push(Block::Code {
                title,
                language: "sql",
                text: String::new(),
            });
        }
        for at in step.from..count {
            let line = step
                .script
                .statements
                .get(at)
                .map_or(0, |statement| statement.place.line);
            let title = format!(
                "{name}: {migration}: statement {} of {count} ({}:{line})",
                at + 1,
                step.migration.file
            );
            let text = format!("{};", step.shown(at));
            blocks.push(Block::Code {
                title,
                language: "sql",
                text,
            });
        }
    }
    if blocks.is_empty() {
        blocks.push(Block::Line(nothing.to_owned()));
    }
    blocks
}
