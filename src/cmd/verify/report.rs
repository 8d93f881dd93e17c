//! The report of `bird verify`, check by check.

use serde_json::{Value, json};

use super::checks::{Check, CheckOutcome};
use crate::model::code::Code;
use crate::model::count::counted;
use crate::model::diagnostic::{Diagnostic, Failure, Severity};
use crate::model::exit::Exit;
use crate::model::server::Server;
use crate::output::{Block, Grid, Report, Tone, Tones, checked};
use crate::project::Database;

/// The report: the checks of all databases.
pub struct VerifyReport {
    pub databases: Vec<Checked>,
    /// The files that could not be written.
    pub faults: Vec<Diagnostic>,
    /// The least severity with which a finding fails.
    pub fail_on: Severity,
    pub exit: Exit,
}

/// The checks of one database.
pub struct Checked {
    pub name: String,
    engine: &'static str,
    /// Whether the engine has accounts, which nobody compares.
    has_accounts: bool,
    pub server: Option<Server>,
    pub(super) outcomes: Vec<(Check, CheckOutcome)>,
    /// Why nothing but its files could be checked.
    failed: Vec<Diagnostic>,
}

impl Checked {
    pub fn new(database: &Database) -> Checked {
        Checked {
            name: database.name.clone(),
            engine: database.dialect.facts().name,
            has_accounts: !database.dialect.facts().is_embedded(),
            server: None,
            outcomes: Vec::new(),
            failed: Vec::new(),
        }
    }

    pub fn add(&mut self, check: Check, outcome: CheckOutcome) {
        let found = self.outcomes.iter_mut().find(|(known, _)| *known == check);
        match (found, outcome) {
            (Some((_, CheckOutcome::Found(all))), CheckOutcome::Found(more)) => all.extend(more),
            (Some((_, known @ CheckOutcome::Ok)), outcome) => *known = outcome,
            (Some(_), _) => {}
            (None, outcome) => self.outcomes.push((check, outcome)),
        }
        self.outcomes.sort_by_key(|(check, _)| *check);
    }

    pub fn found(&mut self, check: Check, found: Vec<Diagnostic>) {
        self.add(check, CheckOutcome::of(found));
    }

    /// Records that a check could not be done.
    pub fn not_done(&mut self, check: Check, failure: Failure) {
        let why = failure.to_string();
        let faults = failure.diagnostics;
        self.add(check, CheckOutcome::NotDone { why, faults });
    }

    /// Whether its files cannot be read, which is reported as findings and skips the other checks.
    fn is_broken(&self) -> bool {
        let mut outcomes = self.outcomes.iter();
        outcomes.any(|(check, outcome)| {
            *check == Check::Files && matches!(outcome, CheckOutcome::Found(_))
        })
    }

    /// A check for formats that count checks.
    fn counted(&self, outcome: &CheckOutcome, fail_on: Severity) -> checked::Outcome {
        match outcome {
            CheckOutcome::Ok => checked::Outcome::Passed(Vec::new()),
            CheckOutcome::Found(found) => checked::Outcome::of(found.clone(), fail_on),
            CheckOutcome::NotDone { why, .. } if self.is_broken() => {
                checked::Outcome::Skipped(why.clone())
            }
            CheckOutcome::NotDone { why, faults } if faults.is_empty() => {
                let fault = Diagnostic::new(Code::NotDone, why).database(&self.name);
                checked::Outcome::NotDone(vec![fault])
            }
            CheckOutcome::NotDone { faults, .. } => checked::Outcome::NotDone(faults.clone()),
        }
    }

    /// Whether every check was done.
    pub(super) fn is_complete(&self) -> bool {
        let mut outcomes = self.outcomes.iter();
        let not_done = |outcome: &CheckOutcome| matches!(outcome, CheckOutcome::NotDone { .. });
        self.failed.is_empty() && !outcomes.any(|(_, outcome)| not_done(outcome))
    }

    /// Records that no check could be done.
    pub fn failed(&mut self, fault: Diagnostic) {
        self.failed.push(fault);
    }
}

impl VerifyReport {
    /// The result in one line.
    fn verdict(&self) -> String {
        let databases = counted(self.databases.len(), "database");
        match self.exit {
            Exit::Done => {
                let checks = self.databases.iter().map(|one| one.outcomes.len());
                format!(
                    "ok: {} in {databases}",
                    counted(checks.sum::<usize>(), "check")
                )
            }
            Exit::Found => {
                let found = |one: &&Checked| {
                    let mut outcomes = one.outcomes.iter();
                    outcomes.any(|(_, outcome)| matches!(outcome, CheckOutcome::Found(_)))
                };
                let with = self.databases.iter().filter(found).count();
                let findings = counted(self.findings().count(), "finding");
                format!("failed: {findings} in {with} of {databases}")
            }
            _ => "failed: not everything could be checked".to_owned(),
        }
    }

    pub fn findings(&self) -> impl Iterator<Item = &Diagnostic> {
        let outcomes = self.databases.iter().flat_map(|one| &one.outcomes);
        outcomes.flat_map(|(_, outcome)| match outcome {
            CheckOutcome::Found(found) => found.as_slice(),
            CheckOutcome::Ok | CheckOutcome::NotDone { .. } => &[],
        })
    }

    /// Why something could not be checked.
    fn check_faults(&self) -> impl Iterator<Item = &Diagnostic> {
        self.databases.iter().flat_map(|one| {
            let outcomes = one.outcomes.iter().flat_map(|(_, outcome)| match outcome {
                CheckOutcome::NotDone { faults, .. } => faults.as_slice(),
                CheckOutcome::Ok | CheckOutcome::Found(_) => &[],
            });
            outcomes.chain(&one.failed)
        })
    }

    /// Why databases could not be opened.
    pub fn unopened(&self) -> impl Iterator<Item = &Diagnostic> {
        self.databases.iter().flat_map(|one| &one.failed)
    }

    /// Whether something could not be checked in a database that was opened.
    pub fn unfinished(&self) -> bool {
        self.databases.iter().any(|one| {
            let mut outcomes = one.outcomes.iter();
            outcomes.any(|(_, outcome)| match outcome {
                // Without its files the rest of a database is skipped, which is one finding.
                CheckOutcome::NotDone { faults, .. } => !faults.is_empty() || !one.is_broken(),
                CheckOutcome::Ok | CheckOutcome::Found(_) => false,
            })
        })
    }
}

fn are_notes(found: &[Diagnostic]) -> bool {
    found.iter().all(|one| one.severity == Severity::Note)
}

fn tone(outcome: &CheckOutcome) -> Tone {
    match outcome {
        CheckOutcome::Ok => Tone::Good,
        CheckOutcome::Found(found) if are_notes(found) => Tone::Attention,
        CheckOutcome::Found(_) => Tone::Bad,
        CheckOutcome::NotDone { .. } => Tone::Attention,
    }
}

fn describe(outcome: &CheckOutcome) -> String {
    match outcome {
        CheckOutcome::Ok => "ok".to_owned(),
        CheckOutcome::Found(found) if are_notes(found) => counted(found.len(), "note"),
        CheckOutcome::Found(found) => counted(found.len(), "finding"),
        CheckOutcome::NotDone { why, .. } => format!("not checked: {why}"),
    }
}

impl Report for VerifyReport {
    fn command(&self) -> &'static str {
        "verify"
    }

    fn exit(&self) -> Exit {
        self.exit
    }

    fn blocks(&self) -> Vec<Block> {
        let rows = self.databases.iter().flat_map(|one| {
            let outcomes = one.outcomes.iter().map(|(check, outcome)| {
                let row = vec![one.name.clone(), check.name().to_owned(), describe(outcome)];
                (row, tone(outcome))
            });
            let failed = one.failed.first().filter(|_| one.outcomes.len() <= 1);
            let failed = failed.map(|_| {
                let why = "not checked: the database cannot be opened".to_owned();
                let row = vec![one.name.clone(), "everything else".to_owned(), why];
                (row, Tone::Attention)
            });
            outcomes.chain(failed)
        });
        let (rows, tones) = rows.unzip();
        let grid = Grid {
            headers: vec!["database", "check", "result"],
            rows,
            tones: Some(Tones {
                column: 2,
                rows: tones,
            }),
            ..Grid::default()
        };
        let tone = match self.exit {
            Exit::Done => Tone::Good,
            _ => Tone::Bad,
        };
        let mut blocks = vec![Block::Grid(grid), Block::Verdict(tone, self.verdict())];
        if self.databases.iter().any(|one| one.has_accounts) {
            let note = "note: verify does not compare grants and owners of objects";
            blocks.push(Block::Line(note.to_owned()));
        }
        blocks
    }

    fn diagnostics(&self) -> Vec<Diagnostic> {
        self.findings()
            .chain(self.check_faults())
            .chain(&self.faults)
            .cloned()
            .collect()
    }

    fn checks(&self) -> Vec<checked::Checked> {
        let all = self.databases.iter().flat_map(|one| {
            let outcomes = one.outcomes.iter();
            let mut all: Vec<_> = outcomes
                .map(|(check, outcome)| (check.name(), one.counted(outcome, self.fail_on)))
                .collect();
            if !one.failed.is_empty() {
                let rest = checked::Outcome::NotDone(one.failed.clone());
                all.push(("everything else", rest));
            }
            all.into_iter().map(|(name, outcome)| checked::Checked {
                subject: one.name.clone(),
                name: name.to_owned(),
                outcome,
            })
        });
        all.collect()
    }

    fn databases(&self) -> Vec<Value> {
        let all = self.databases.iter().map(|one| {
            let checks = one.outcomes.iter().map(|(check, outcome)| {
                let (result, why) = match outcome {
                    CheckOutcome::Ok => ("ok", None),
                    CheckOutcome::Found(_) => ("found", None),
                    CheckOutcome::NotDone { why, .. } => ("not-done", Some(why)),
                };
                json!({ "check": check.name(), "result": result, "why": why })
            });
            json!({
                "name": one.name,
                "engine": one.engine,
                "product": one.server.as_ref().map(|server| server.product),
                "server_version": one.server.as_ref().map(|server| &server.version),
                "checks": checks.collect::<Vec<_>>(),
                "not_compared": if one.has_accounts { json!(["grants", "owners"]) } else { json!([]) },
            })
        });
        all.collect()
    }
}
