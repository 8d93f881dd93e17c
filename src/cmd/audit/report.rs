//! What an audit found.

use serde_json::{Map, Value, json};

use super::assertions::{self, Asserted};
use crate::model::diagnostic::{Diagnostic, Severity};
use crate::model::exit::Exit;
use crate::output::checked::{Checked, Outcome};
use crate::output::{Block, Report};

/// All references of a run.
pub struct AuditReport {
    pub references: Vec<Audited>,
    pub assertions: Vec<Asserted>,
    /// What could not be done beside the references and the assertions.
    pub faults: Vec<Diagnostic>,
    /// From which severity on a finding fails.
    pub fail_on: Severity,
    pub complete: bool,
    pub exit: Exit,
}

/// What came of one reference.
pub struct Audited {
    pub from: String,
    pub to: String,
    pub findings: Vec<Diagnostic>,
}

impl Report for AuditReport {
    fn command(&self) -> &'static str {
        "audit"
    }

    fn exit(&self) -> Exit {
        self.exit
    }

    fn blocks(&self) -> Vec<Block> {
        assertions::block(&self.assertions).into_iter().collect()
    }

    fn diagnostics(&self) -> Vec<Diagnostic> {
        let all = self.references.iter();
        let mut all: Vec<Diagnostic> = all.flat_map(|one| one.findings.clone()).collect();
        all.extend(assertions::diagnostics(&self.assertions));
        all.extend(self.faults.iter().cloned());
        all
    }

    fn checks(&self) -> Vec<Checked> {
        let references = self.references.iter().map(|one| Checked {
            subject: one.from.clone(),
            name: "orphans".to_owned(),
            outcome: Outcome::of(one.findings.clone(), self.fail_on),
        });
        let asserted = self.assertions.iter();
        let asserted = asserted.map(|one| one.checked(self.fail_on));
        let mut all: Vec<Checked> = references.chain(asserted).collect();
        if !self.faults.is_empty() {
            all.push(Checked {
                subject: "bird".to_owned(),
                name: "audit".to_owned(),
                outcome: Outcome::NotDone(self.faults.clone()),
            });
        }
        all
    }

    fn databases(&self) -> Vec<Value> {
        Vec::new()
    }

    fn extra(&self) -> Map<String, Value> {
        let references = self.references.iter();
        let references: Vec<Value> = references
            .map(|one| json!({ "from": one.from, "to": one.to }))
            .collect();
        let mut extra = Map::new();
        extra.insert("complete".into(), json!(self.complete));
        extra.insert("references".into(), json!(references));
        let asserted = self.assertions.iter().map(Asserted::json);
        extra.insert("assertions".into(), asserted.collect());
        extra
    }
}
