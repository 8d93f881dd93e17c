//! The report of `bird adopt`: what was recorded, or would be.

use serde_json::{Map, Value, json};

use super::{BASELINE, Decision, Origin};
use crate::cmd::run::database::RunDatabase;
use crate::cmd::run::missing::MissingConsents;
use crate::cmd::run::state::State;
use crate::model::count::counted;
use crate::model::diagnostic::{Diagnostic, Failure};
use crate::model::exit::Exit;
use crate::model::migration::title;
use crate::output::{Block, Grid, Report};

/// The report of a run.
pub struct AdoptReport {
    dry_run: bool,
    databases: Vec<Taken>,
    /// The consents that the run of a dry run lacks.
    pub(super) missing: MissingConsents,
    diagnostics: Vec<Diagnostic>,
    exit: Exit,
}

/// A database in the report.
struct Taken {
    state: State,
    origin: Origin,
    rows: Vec<AdoptedRow>,
}

/// A migration that is recorded.
struct AdoptedRow {
    version: i64,
    name: String,
    from: String,
    /// `None` if it is the time of this run.
    applied_on: Option<String>,
}

impl AdoptReport {
    pub(super) fn decided(
        members: &mut [RunDatabase<'_>],
        decisions: Vec<Decision>,
        dry_run: bool,
    ) -> Self {
        let databases = members.iter_mut().zip(decisions).map(|(member, decision)| {
            let rows = decision.adopted.into_iter().filter_map(|one| {
                let migration = member.migrations.get(one.at)?;
                Some(AdoptedRow {
                    version: migration.version,
                    name: migration.name.clone(),
                    from: one.from,
                    applied_on: one.applied_on,
                })
            });
            let rows: Vec<AdoptedRow> = rows.collect();
            let history = std::mem::take(&mut member.history);
            let session = member.session.as_ref();
            let server = session.map(|session| &session.server);
            let state = State::of(member.database, server, &member.migrations, history);
            Taken {
                state,
                origin: decision.origin,
                rows,
            }
        });
        AdoptReport {
            dry_run,
            databases: databases.collect(),
            missing: MissingConsents::default(),
            diagnostics: Vec::new(),
            exit: Exit::Done,
        }
    }

    /// Makes the report of a run that ended early: only what the histories have was recorded.
    pub(super) fn stop(&mut self, failure: Failure, exit: Exit) {
        for taken in &mut self.databases {
            let applied = &taken.state.applied;
            taken
                .rows
                .retain(|row| applied.iter().any(|known| known.version == row.version));
        }
        self.exit = failure.exit.most_severe(exit);
        self.diagnostics = failure.diagnostics;
    }
}

impl Taken {
    /// `ums: adopted 3 migrations from flyway, 1 is pending`.
    fn sentence(&self, dry_run: bool) -> String {
        let State {
            name,
            applied,
            pending,
            ..
        } = &self.state;
        if self.origin == Origin::AsItIs {
            let count = counted(applied.len(), "migration");
            return format!("{name}: bird continues its history: {count} applied");
        }
        if self.rows.is_empty() && !applied.is_empty() {
            return format!("{name}: nothing to do, everything is in its history");
        }
        let verb = if dry_run { "would adopt" } else { "adopted" };
        let (count, from) = (counted(self.rows.len(), "migration"), self.origin.name());
        // Until the rows are written they still count as pending.
        let left = if dry_run {
            pending.len().saturating_sub(self.rows.len())
        } else {
            pending.len()
        };
        match self.origin {
            Origin::Baseline => format!("{name}: {verb} {count} as a {from}, {left} pending"),
            _ => format!("{name}: {verb} {count} from {from}, {left} pending"),
        }
    }
}

impl Report for AdoptReport {
    fn command(&self) -> &'static str {
        "adopt"
    }

    fn exit(&self) -> Exit {
        self.exit
    }

    fn blocks(&self) -> Vec<Block> {
        let mut rows = Vec::new();
        for taken in &self.databases {
            for row in &taken.rows {
                rows.push(vec![
                    taken.state.name.clone(),
                    title(row.version, &row.name),
                    taken.origin.name().to_owned(),
                    match taken.origin {
                        Origin::Baseline => String::new(),
                        _ => row.from.clone(),
                    },
                    row.applied_on.clone().unwrap_or_else(|| "now".to_owned()),
                ]);
            }
        }
        let mut blocks = Vec::new();
        if !rows.is_empty() {
            blocks.push(Block::Grid(Grid {
                headers: vec![
                    "database",
                    "migration",
                    "from",
                    "version there",
                    "applied on",
                ],
                rows,
                numbers: vec![],
                ..Grid::default()
            }));
        }
        let lines = self
            .databases
            .iter()
            .map(|taken| taken.sentence(self.dry_run));
        blocks.extend(lines.map(Block::Line));
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
        let databases = self.databases.iter().map(|taken| {
            let mut json = taken.state.json();
            json["tool"] = json!(taken.origin.name());
            let adopted = taken.rows.iter().map(|row| {
                let from = Some(&row.from).filter(|_| taken.origin.name() != BASELINE);
                json!({
                    "version": row.version,
                    "name": row.name,
                    "from": from,
                    "applied_on": row.applied_on,
                })
            });
            json["adopted"] = adopted.collect();
            json
        });
        databases.collect()
    }

    fn extra(&self) -> Map<String, Value> {
        Map::from_iter([("dry_run".to_owned(), json!(self.dry_run))])
    }
}
