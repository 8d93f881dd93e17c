//! What a shadow gets of the siblings of its database: a schema may refer to them, so its shadow gets
//! first what its migrations `require` of them.

use super::expected::Text;
use crate::cmd::context::Context;
use crate::cmd::run::siblings::siblings;
use crate::project::Database;
use crate::sql::script;

/// A text to replay.
pub struct Step {
    /// The schema of the sibling that it belongs to; `None` for the database itself.
    pub sibling: Option<String>,
    pub text: Text,
}

/// The texts of a database, each behind the migrations of siblings that it requires.
pub fn steps(context: &Context, base: &Database, texts: &[Text]) -> Vec<Step> {
    let mut order = Order {
        context,
        base,
        done: Vec::new(),
        steps: Vec::new(),
    };
    for text in texts {
        order.add_required(base, &text.sql);
        order.steps.push(Step {
            sibling: None,
            text: text.clone(),
        });
    }
    order.steps
}

/// The texts so far.
struct Order<'p> {
    context: &'p Context,
    base: &'p Database,
    /// The siblings, each with the version that it has reached.
    done: Vec<(&'p str, i64)>,
    steps: Vec<Step>,
}

impl<'p> Order<'p> {
    /// Adds the migrations of siblings that a migration of `database` requires.
    fn add_required(&mut self, database: &Database, sql: &str) {
        // The replay reports a file that cannot be parsed, or what a missing file leaves out.
        let Ok(script) = script::read(database.dialect.syntax(), sql) else {
            return;
        };
        for requires in script.requires {
            let mut all = siblings(self.context, self.base);
            let sibling = all.find(|(other, _)| other.name == requires.database);
            drop(all);
            if let Some((sibling, schema)) = sibling {
                self.add_migrations(sibling, schema, requires.version);
            }
        }
    }

    /// Adds the migrations of a sibling up to a version.
    fn add_migrations(&mut self, sibling: &'p Database, schema: &str, version: i64) {
        let reached = self.done.iter().find(|(name, _)| *name == sibling.name);
        let reached = reached.map_or(i64::MIN, |(_, version)| *version);
        if reached >= version {
            return;
        }
        // Beforehand, so that migrations that require each other come to an end.
        self.done.retain(|(name, _)| *name != sibling.name);
        self.done.push((&sibling.name, version));
        let Ok(files) = self.context.project.read_migrations_of(sibling) else {
            return;
        };
        let missing = |version_of: i64| version_of > reached && version_of <= version;
        for file in files.iter().filter(|file| missing(file.version)) {
            self.add_required(sibling, &file.text);
            self.steps.push(Step {
                sibling: Some(schema.to_owned()),
                text: Text::of(file),
            });
        }
    }
}
