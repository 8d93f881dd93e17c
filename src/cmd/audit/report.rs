//! What an audit found.

use serde_json::{Map, Value, json};

use crate::model::diagnostic::Diagnostic;
use crate::model::exit::Exit;
use crate::output::{Block, Report};

/// All references of a run.
pub struct AuditReport {
    pub references: Vec<Audited>,
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
        Vec::new()
    }

    fn diagnostics(&self) -> Vec<Diagnostic> {
        let all = self.references.iter();
        all.flat_map(|one| one.findings.clone()).collect()
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
        extra
    }
}
