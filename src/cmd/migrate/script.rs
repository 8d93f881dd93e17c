//! The plan as a script for the engines' own clients.

use crate::invariant::present;
use crate::model::change::DdlStep;
use crate::model::history::Direction;
use crate::model::schema::Id;
use crate::plan::{DatabasePlan, Plan, Step};
use crate::project::Database;

/// The statements of a plan in their order, each file in its transaction, with the settings of
/// bird's own sessions.
pub fn script(plan: &Plan, databases: &[Database], direction: Direction) -> String {
    let mut text = String::new();
    if !plan.order.is_empty() {
        let command = match direction {
            Direction::Up => "migrate",
            Direction::Undo => "undo",
        };
        text.push_str(&comment(&format!(
            "bird {command} runs and records these statements; a client that runs this script \
             records nothing"
        )));
    }
    let idle = |own: &&DatabasePlan| own.steps.is_empty();
    let several = plan.databases.iter().filter(|own| !idle(own)).count() > 1;
    let mut last = None;
    for (own, step) in plan.ordered() {
        let mut databases = databases.iter();
        let database = databases.find(|database| database.name == own.name);
        let database = present(database, "a dry run has the databases of its plan");
        if last.replace(own.name.as_str()) != Some(&own.name) {
            text.push_str(&session(database, several));
        }
        text.push_str(&file(database, step));
    }
    text
}

/// The lines that bring a client's session into the state of bird's own.
fn session(database: &Database, several: bool) -> String {
    let dialect = database.dialect;
    let mut text = String::from("\n");
    if several {
        text.push_str(&dialect.connect_command(&database.target.client_target()));
    }
    if let Some(line) = dialect.stop_on_error() {
        text.push_str(line);
    }
    let settings = dialect.settings(database.schema.as_deref(), false);
    text.push_str(settings.trim_end_matches(';'));
    text.push_str(";\n");
    text
}

/// The statements of one file that are not applied.
fn file(database: &Database, step: &Step) -> String {
    let (name, dialect) = (&database.name, database.dialect);
    let title = step.migration.title();
    let mut text = format!(
        "\n{}",
        comment(&format!("{name}: {title} ({})", step.migration.file))
    );
    let enforce = |on| {
        let sql = dialect.enforce_foreign_keys(on);
        let sql = sql.filter(|_| step.suspends_keys);
        sql.map_or(String::new(), |sql| format!("{sql};\n"))
    };
    text.push_str(&enforce(false));
    if step.transactional {
        text.push_str(&format!("{};\n", dialect.begin()));
    }
    for at in step.from..step.script.statements.len() {
        let shown = step.shown(at);
        if shown != step.sql(at) {
            // What is shown in place of a secret must not become the secret.
            let secret = format!(
                "statement {} contains a secret, which is not shown; run it by hand:",
                at + 1
            );
            text.push_str(&comment(&secret));
            shown.lines().for_each(|line| text.push_str(&comment(line)));
            continue;
        }
        let statement = DdlStep::new(Id::default(), shown);
        text.push_str(&dialect.catalog().script(&[statement]));
    }
    if step.transactional {
        text.push_str("COMMIT;\n");
    }
    text.push_str(&enforce(true));
    text
}

/// A text as one line of an SQL comment.
pub fn comment(text: &str) -> String {
    let line = text.split(['\n', '\r']).collect::<Vec<_>>().join(" ");
    format!("-- {line}\n")
}
