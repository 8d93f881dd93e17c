//! `bird audit --explain`: what would be read, and how, and why.

use serde_json::{Value, json};

use crate::audit::{Strategy, seconds};
use crate::db::audit::endpoints::Prepared;
use crate::db::audit::grouping::known;
use crate::db::audit::task::Task;
use crate::dialect::keys::Range;
use crate::output::{Block, Grid};

/// What would be done with one reference.
pub struct Explained {
    pub from: String,
    pub to: String,
    strategy: String,
    why: String,
    guarantee: &'static str,
    rows: Option<u64>,
    keys: Option<u64>,
    parents: Option<u64>,
    seconds: Option<f64>,
    /// Whether the child's keys would come from a replica.
    late: bool,
    /// The statements, with the database that they are sent to.
    statements: Vec<(String, String)>,
}

/// What would be done with the references of all tasks.
pub fn explain(tasks: &[Task]) -> Vec<Explained> {
    let explained = tasks
        .iter()
        .flat_map(|task| task.members.iter().map(|member| explained(task, member)));
    explained.collect()
}

fn explained(task: &Task, member: &Prepared) -> Explained {
    let known = known(member);
    let all = Range::default();
    let (child, parent) = (&member.child, &member.parent);
    let ends = child
        .end(task.qualified(child))
        .ok()
        .zip(parent.end(task.qualified(parent)).ok());
    let joined = parent.end(task.beside(parent)).ok();
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
    Explained {
        from: member.reference.from.to_string(),
        to: member.reference.to.to_string(),
        strategy: task.choice.strategy.to_string(),
        why: task.choice.why.clone(),
        guarantee: task.guarantee(member).word(),
        rows: known.rows,
        keys: known.keys,
        parents: known.parents,
        seconds: seconds(&known, task.choice.strategy),
        late: child.reader.is_some(),
        statements: statements.unwrap_or_default(),
    }
}

impl Explained {
    pub fn json(&self) -> Value {
        let statements = self.statements.iter();
        let statements: Vec<Value> = statements
            .map(|(database, sql)| json!({ "database": database, "sql": sql }))
            .collect();
        json!({
            "from": self.from,
            "to": self.to,
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

/// For people: a table, the reasons, the statements.
pub fn blocks(all: &[Explained]) -> Vec<Block> {
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
        ..Grid::default()
    };
    let about = |number: Option<u64>| number.map_or("?".to_owned(), |number| format!("~{number}"));
    for one in all {
        grid.rows.push(vec![
            one.from.clone(),
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
            one.from, one.strategy, one.why
        )));
        for (at, (database, sql)) in one.statements.iter().enumerate() {
            // The child's is the first.
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
