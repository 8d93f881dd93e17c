//! What statements need a person's word for, by database: that they lose data, or write elsewhere.

use super::losses::Tables;
use super::{Step, Subject};
use crate::dialect::{Dialect, targets};
use crate::model::diagnostic::Diagnostic;

/// Asks for the consents of one database's steps, in their order.
pub(super) struct Asks<'p> {
    subject: &'p Subject<'p>,
    allow: &'p [String],
    tables: Tables,
}

impl<'p> Asks<'p> {
    pub(super) fn new(subject: &'p Subject<'p>, allow: &'p [String]) -> Self {
        Asks {
            subject,
            allow,
            tables: Tables::default(),
        }
    }

    /// The statements of a step that nobody has allowed.
    pub(super) fn step(&mut self, step: &Step) -> Vec<Diagnostic> {
        let dialect = self.subject.dialect;
        let home = dialect.home(self.subject.database, self.subject.schema);
        let count = step.script.statements.len();
        let statements: Vec<&str> = (0..count).map(|at| step.sql(at)).collect();
        let mut asked: Vec<(usize, &str, String)> = Vec::new();
        for loss in self.tables.file(dialect, home, &statements, step.from) {
            match asked.last_mut() {
                // One statement may drop several tables.
                Some((statement, consent, what))
                    if (*statement, *consent) == (loss.statement, loss.consent) =>
                {
                    what.push_str(" and ");
                    what.push_str(&loss.what);
                }
                _ => asked.push((loss.statement, loss.consent, loss.what)),
            }
        }
        let pending = statements.iter().enumerate().skip(step.from);
        asked.extend(pending.filter_map(|(at, sql)| {
            let what = self.elsewhere(dialect, sql)?;
            Some((at, "other-database", what))
        }));
        asked.sort_by_key(|(statement, ..)| *statement);
        asked.retain(|(statement, consent, _)| !self.is_allowed(step, *statement, consent));
        let told = asked.into_iter().map(|(statement, consent, what)| {
            let (name, title) = (self.subject.name, step.migration.title());
            let message = format!("{name}: statement {} of {title} {what}", statement + 1);
            Diagnostic::error(consent, message)
                .database(name)
                .at(step.location(statement))
                .hint(format!(
                    "if it is meant: --allow {consent}, or `-- bird: allow {consent}` on the line \
                     before the statement"
                ))
        });
        told.collect()
    }

    fn elsewhere(&self, dialect: &dyn Dialect, sql: &str) -> Option<String> {
        targets::elsewhere(dialect, sql, self.subject.database)
    }

    fn is_allowed(&self, step: &Step, statement: usize, consent: &str) -> bool {
        let statement = step.script.statements.get(statement);
        let before = statement.map_or(&[][..], |statement| &statement.allow);
        let mut all = self.allow.iter().chain(&step.script.allow).chain(before);
        all.any(|allowed| allowed == consent)
    }
}
