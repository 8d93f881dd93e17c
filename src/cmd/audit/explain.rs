//! Explains what an audit would read (`--explain`): strategies, reasons, statements.

use serde_json::{Value, json};

use crate::audit::{Strategy, seconds};
use crate::db::audit::endpoints::PreparedReference;
use crate::db::audit::grouping::facts;
use crate::db::audit::task::Task;
use crate::dialect::keys::KeyRange;
use crate::output::{Block, Grid};

/// The explanation of one reference.
pub struct Explanation {
    title: String,
    name: Option<String>,
    filter: Option<String>,
    to_filter: Option<String>,
    pub from: String,
    pub to: String,
    strategy: String,
    why: String,
    guarantee: &'static str,
    rows: Option<u64>,
    keys: Option<u64>,
    parents: Option<u64>,
    seconds: Option<f64>,
    /// Whether the keys of the child would come from a replica.
    late: bool,
    /// The statements, with the database that they are sent to.
    statements: Vec<(String, String)>,
}

/// Explains the references of all tasks.
pub fn explain(tasks: &[Task]) -> Vec<Explanation> {
    let explained = tasks
        .iter()
        .flat_map(|task| task.members.iter().map(|member| explained(task, member)));
    explained.collect()
}

fn explained(task: &Task, member: &PreparedReference) -> Explanation {
    let facts = facts(member);
    let all = KeyRange::default();
    let (child, parent) = (&member.child, &member.parent);
    let ends = child
        .end(task.qualifier(child))
        .ok()
        .zip(parent.end(task.qualifier(parent)).ok());
    let joined = parent.end(task.parent_qualifier(parent)).ok();
    let statements = ends.map(|(ours, theirs)| {
        let one = |side: &str, sql: String| (side.to_owned(), sql);
        match task.choice.strategy {
            Strategy::Sql => joined
                .map(|joined| one(&child.database, ours.unmatched(&joined, &all).sql))
                .into_iter()
                .collect(),
            Strategy::Merge => vec![
                one(&child.database, ours.counted(&all).sql),
                one(&parent.database, member.parents(&theirs, &all).sql),
            ],
            Strategy::Hash => vec![
                one(&child.database, child.whole(&ours).sql),
                one(&parent.database, theirs.unordered().sql),
            ],
            Strategy::Probe => vec![one(&child.database, child.whole(&ours).sql)],
        }
    });
    Explanation {
        title: member.reference.title(),
        name: member.reference.name.clone(),
        filter: member.reference.filter.clone(),
        to_filter: member.reference.to_filter.clone(),
        from: member.reference.from.to_string(),
        to: member.reference.to.to_string(),
        strategy: task.choice.strategy.to_string(),
        why: task.choice.why.clone(),
        guarantee: task.guarantee(member).word(),
        rows: facts.rows,
        keys: facts.keys,
        parents: facts.parents,
        seconds: seconds(&facts, task.choice.strategy),
        late: child.read_replica.is_some(),
        statements: statements.unwrap_or_default(),
    }
}

impl Explanation {
    pub fn json(&self) -> Value {
        let statements = self.statements.iter();
        let statements: Vec<Value> = statements
            .map(|(database, sql)| json!({ "database": database, "sql": sql }))
            .collect();
        json!({
            "name": self.name,
            "from": self.from,
            "to": self.to,
            "where": self.filter,
            "to_where": self.to_filter,
            "strategy": self.strategy,
            "why": self.why,
            "guarantee": self.guarantee,
            "estimate": {
                "rows": self.rows,
                "keys": self.keys,
                "parents": self.parents,
                "seconds": self.seconds,
            },
            "statements": statements,
        })
    }
}

/// The explanations for people: a table, the reasons, the statements.
pub fn blocks(all: &[Explanation]) -> Vec<Block> {
    let mut grid = Grid {
        headers: vec![
            "reference",
            "to",
            "strategy",
            "rows",
            "keys",
            "parents",
            "seconds",
            "guarantee",
        ],
        numbers: vec![3, 4, 5, 6],
        optional: vec![7, 1, 5],
        ..Grid::default()
    };
    let about = |number: Option<u64>| number.map_or("?".to_owned(), |number| format!("~{number}"));
    for one in all {
        grid.rows.push(vec![
            one.title.clone(),
            one.to.clone(),
            one.strategy.clone(),
            about(one.rows),
            about(one.keys),
            about(one.parents),
            one.seconds
                .map_or("?".to_owned(), |seconds| format!("~{seconds:.1}")),
            one.guarantee.to_owned(),
        ]);
    }
    let mut blocks = vec![Block::Grid(grid)];
    for one in all {
        blocks.push(Block::Line(format!(
            "{}: {}, because {}.",
            one.title, one.strategy, one.why
        )));
        for (at, (database, sql)) in one.statements.iter().enumerate() {
            // The first statement is that of the child.
            let of = if one.late && at == 0 {
                "the replica of "
            } else {
                ""
            };
            blocks.push(Block::Code {
                title: format!("Asked of {of}{database}:"),
                language: "sql",
                text: sql.clone(),
            });
        }
    }
    blocks
}
