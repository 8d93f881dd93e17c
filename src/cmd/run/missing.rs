//! Consents that a dry run finds missing: it lists them behind its plan instead of refusing.

use crate::model::consent::CONSENTS;
use crate::model::count::counted;
use crate::model::diagnostic::{Diagnostic, Failure, Severity};
use crate::model::exit::Exit;
use crate::output::Block;

/// The consents that the real run will ask for.
#[derive(Debug, Default)]
pub struct MissingConsents(Vec<Diagnostic>);

impl MissingConsents {
    /// Takes the refusals of the real run. One that guards no data becomes a note.
    pub fn new(missing: impl IntoIterator<Item = Diagnostic>) -> Self {
        let graded = missing.into_iter().map(|one| {
            if guards_data(&one) {
                one
            } else {
                one.severity(Severity::Note)
            }
        });
        MissingConsents(graded.collect())
    }

    /// `Refused` if a consent that guards data is missing.
    pub fn exit(&self) -> Exit {
        if self.0.iter().any(guards_data) {
            Exit::Refused
        } else {
            Exit::Done
        }
    }

    /// The consents as findings, for gates and programs.
    pub fn findings(&self) -> Vec<Diagnostic> {
        self.0.clone()
    }

    /// A line for each consent below a line that introduces them; none if none is missing.
    pub fn lines(&self) -> Vec<String> {
        let heading = match self.0.len() {
            0 => return Vec::new(),
            many => format!("the run needs {}:", counted(many, "consent")),
        };
        let consents = self.0.iter().map(|one| {
            let name = one.consent.map_or("", |consent| consent.name());
            let place = one.location.as_ref();
            let place = place.map_or(String::new(), |at| format!(" ({}:{})", at.file, at.line));
            let notes: String = one.notes.iter().map(|note| format!("; {note}")).collect();
            format!("  --allow {name}: {}{place}{notes}", one.message)
        });
        [heading].into_iter().chain(consents).collect()
    }

    /// The lines as blocks of a report.
    pub fn blocks(&self) -> Vec<Block> {
        self.lines().into_iter().map(Block::Line).collect()
    }
}

/// Whether the consent that lifts a refusal guards data.
fn guards_data(refusal: &Diagnostic) -> bool {
    let known = CONSENTS
        .iter()
        .find(|known| Some(known.code) == refusal.consent);
    known.is_none_or(|known| known.guards_data)
}

/// Divides the refusals of a dry run: those that a consent lifts are returned, any other refuses
/// it.
pub fn liftable<T>(result: Result<T, Failure>) -> Result<Vec<Diagnostic>, Failure> {
    match result {
        Ok(_) => Ok(Vec::new()),
        Err(failure) if is_liftable(&failure) => Ok(failure.diagnostics),
        Err(failure) => Err(failure),
    }
}

fn is_liftable(failure: &Failure) -> bool {
    let mut reasons = failure.diagnostics.iter();
    failure.exit == Exit::Refused && reasons.all(|reason| reason.consent.is_some())
}
