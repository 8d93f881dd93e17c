//! What a report has checked, and how that came out, for formats that count what passed as well.

use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Severity};
use crate::model::exit::{EXITS, Exit};

/// One thing that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// What it was checked of: a database, a reference.
    pub subject: String,
    /// The check.
    pub name: String,
    pub outcome: Outcome,
}

/// How it came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing that fails, with what is worth saying all the same.
    Passed(Vec<Diagnostic>),
    Found(Vec<Diagnostic>),
    /// It could not be done; why.
    NotDone(Vec<Diagnostic>),
    /// Something else that failed left nothing to check.
    Skipped(String),
}

impl Outcome {
    /// What findings mean where those from `fail_on` on fail.
    #[must_use]
    pub fn of(found: Vec<Diagnostic>, fail_on: Severity) -> Outcome {
        if found.iter().any(|one| one.severity >= fail_on) {
            Outcome::Found(found)
        } else {
            Outcome::Passed(found)
        }
    }

    /// What the end of a whole command means.
    #[must_use]
    pub fn of_exit(exit: Exit, mut findings: Vec<Diagnostic>) -> Outcome {
        if findings.is_empty() && exit != Exit::Done {
            let meaning = EXITS.iter().find(|(known, _)| *known == exit);
            let meaning = meaning.map_or("", |(_, meaning)| *meaning);
            findings.push(Diagnostic::new(
                Code::Exit,
                format!("exit {}: {meaning}", exit.code()),
            ));
        }
        match exit {
            Exit::Done => Outcome::Passed(findings),
            Exit::Found => Outcome::Found(findings),
            _ => Outcome::NotDone(findings),
        }
    }
}
