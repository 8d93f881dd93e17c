//! What a shadow gets of the siblings of its database. A schema may refer to them, so what its
//! migrations `require` of them comes first.
//!
//! Other schemas of a PostgreSQL database are replayed in the same shadow. Other databases of a MySQL
//! server get shadows of their own; what is named without a `requires` is replayed as a whole.

use super::ShadowPool;
use super::expected::Text;
use crate::cmd::context::Context;
use crate::cmd::run::siblings::{beside, siblings};
use crate::db::replay::{self, NotSent};
use crate::db::shadow::{Shadow, ShadowBase};
use crate::dialect::containment::names_one_of;
use crate::invariant;
use crate::model::change::DdlStep;
use crate::model::diagnostic::Failure;
use crate::project::Database;
use crate::sql::script;

/// The place in which a text is replayed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The database itself.
    Own,
    /// Another schema of the same shadow.
    Schema(String),
    /// Another database, by its name in the project and its name on the server.
    Beside(String, String),
}

/// A text to replay.
pub struct Step {
    pub place: Place,
    pub text: Text,
}

/// The texts of a database, each behind the migrations of siblings that it needs.
pub fn steps(context: &Context, base: &Database, texts: &[Text]) -> Vec<Step> {
    // A borrowed database is only one.
    let is_alone = base.shadow.is_some();
    let mut order = Order {
        context,
        base,
        siblings: siblings(context, base)
            .map(|(sibling, schema)| (sibling, Place::Schema(schema.to_owned())))
            .chain(beside(context, base).filter(|_| !is_alone).map(|other| {
                let database = other.target.database().to_owned();
                (other, Place::Beside(other.name.clone(), database))
            }))
            .collect(),
        done: Vec::new(),
        steps: Vec::new(),
    };
    for text in texts {
        order.add_needed(base, &text.sql);
        order.steps.push(Step {
            place: Place::Own,
            text: text.clone(),
        });
    }
    order.steps
}

/// The texts so far.
struct Order<'p> {
    context: &'p Context,
    base: &'p Database,
    siblings: Vec<(&'p Database, Place)>,
    /// The siblings, each with the version that it has reached.
    done: Vec<(&'p str, i64)>,
    steps: Vec<Step>,
}

impl<'p> Order<'p> {
    /// Adds the migrations of siblings that a migration of `database` requires or names.
    fn add_needed(&mut self, database: &Database, sql: &str) {
        if self.siblings.is_empty() {
            return;
        }
        // The replay reports a file that cannot be parsed, or what a missing file leaves out.
        let Ok(script) = script::read(database.dialect.syntax(), sql) else {
            return;
        };
        for (at, (sibling, place)) in self.siblings.clone().into_iter().enumerate() {
            let required = script.requires.iter();
            let required = required.filter(|requires| requires.database == sibling.name);
            let version = match (required.map(|it| it.version).max(), &place) {
                (Some(version), _) => version,
                // What an earlier file required is what the later ones build on.
                (None, Place::Beside(_, database)) if self.reached(sibling).is_none() => {
                    let names = [database.clone()];
                    let mut statements = script.statements.iter();
                    let dialect = self.base.dialect;
                    let is_named = sql.to_lowercase().contains(&database.to_lowercase())
                        && statements.any(|statement| {
                            let sql = sql.get(statement.range.clone()).unwrap_or_default();
                            names_one_of(dialect, sql, &names)
                        });
                    if !is_named {
                        continue;
                    }
                    i64::MAX
                }
                (None, _) => continue,
            };
            self.add_migrations(at, version);
        }
    }

    fn reached(&self, sibling: &Database) -> Option<i64> {
        let mut done = self.done.iter();
        let reached = done.find(|(name, _)| *name == sibling.name);
        reached.map(|(_, version)| *version)
    }

    /// Adds the migrations of a sibling up to a version.
    fn add_migrations(&mut self, at: usize, version: i64) {
        let Some((sibling, place)) = self.siblings.get(at).cloned() else {
            return;
        };
        let reached = self.reached(sibling).unwrap_or(i64::MIN);
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
            self.add_needed(sibling, &file.text);
            self.steps.push(Step {
                place: place.clone(),
                text: Text::of(file),
            });
        }
    }
}

/// Replays a text of another database beside a shadow. If that fails, the database is given up:
/// statements that name it are not sent, as before.
pub async fn replay_beside(
    context: &Context,
    shadow: &mut Shadow,
    name: &str,
    text: &Text,
) -> Result<Vec<NotSent>, Failure> {
    let Some(sibling) = context.project.database(name) else {
        return Ok(Vec::new());
    };
    let base = ShadowBase {
        target: &sibling.target,
        dialect: sibling.dialect,
        schema: None,
        collation: sibling.collation.as_deref(),
        own_extensions: &[],
    };
    let own = sibling.target.database();
    let replayed = match shadow.beside(base).await {
        Ok(Some(beside)) => replay::statements(beside, &text.name, &text.sql).await,
        Ok(None) => return Ok(Vec::new()),
        Err(error) => {
            let reason = error.to_string();
            context.progress.notice(&format!(
                "{name}: a scratch database for what names it cannot be made: {reason}"
            ));
            shadow.give_up(own);
            return Ok(Vec::new());
        }
    };
    if replayed.is_err() {
        shadow.give_up(own);
    }
    Ok(replayed.unwrap_or_default())
}

/// Replays the other databases that statements name beside the shadow in which they are going to run,
/// unless they are there.
pub async fn accompany(
    pool: &mut ShadowPool<'_>,
    at: usize,
    base: &Database,
    statements: &[DdlStep],
) -> Result<(), Failure> {
    let context = pool.context;
    if beside(context, base).next().is_none() {
        return Ok(());
    }
    let texts = statements.iter().map(|step| Text {
        name: String::new(),
        sql: step.sql.as_str().into(),
    });
    let steps = steps(context, base, &texts.collect::<Vec<Text>>());
    let shadow = invariant!(pool.at(at), some, "a shadow that was just created is there");
    let there = shadow.known_beside();
    for step in steps {
        if let Place::Beside(name, database) = &step.place
            && !there.contains(database)
        {
            replay_beside(context, shadow, name, &step.text).await?;
        }
    }
    Ok(())
}
