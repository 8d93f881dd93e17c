//! What a look at a database's surroundings finds, one thing at a time.

use serde::Serialize;

/// How a check came out: `warning` and `error` are findings, `note` is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Ok,
    /// Worth knowing.
    Note,
    /// It may go wrong.
    Warning,
    /// Migrating will not work.
    Error,
}

impl Verdict {
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Ok => "ok",
            Verdict::Note => "note",
            Verdict::Warning => "warning",
            Verdict::Error => "error",
        }
    }
}

/// What was found, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckResult {
    pub verdict: Verdict,
    /// A few words that stand for themselves.
    pub found: String,
    pub fix: Option<String>,
}

impl CheckResult {
    pub fn ok(found: impl Into<String>) -> CheckResult {
        CheckResult {
            verdict: Verdict::Ok,
            found: found.into(),
            fix: None,
        }
    }

    pub fn note(found: impl Into<String>) -> CheckResult {
        CheckResult {
            verdict: Verdict::Note,
            ..CheckResult::ok(found)
        }
    }

    pub fn warning(found: impl Into<String>) -> CheckResult {
        CheckResult {
            verdict: Verdict::Warning,
            ..CheckResult::ok(found)
        }
    }

    pub fn error(found: impl Into<String>) -> CheckResult {
        CheckResult {
            verdict: Verdict::Error,
            ..CheckResult::ok(found)
        }
    }

    /// What to do about it.
    pub fn fix(mut self, fix: impl Into<String>) -> CheckResult {
        self.fix = Some(fix.into());
        self
    }
}
