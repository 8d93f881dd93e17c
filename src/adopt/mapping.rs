//! Maps the migrations that another tool has applied to migrations of the project.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::markers;
use super::markers::{Markers, compare, same};
use super::{ForeignHistory, ForeignMigration, Tool, number};
use crate::dialect::Dialect;
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Location};
use crate::model::migration::Migration;

/// The most versions without a file that are listed.
const LISTED: usize = 10;

/// A migration that another tool has applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adopted {
    /// The index of the migration.
    pub at: usize,
    /// The version in the tool.
    pub from: String,
    /// RFC 3339, UTC, if the tool knows it.
    pub applied_on: Option<String>,
}

/// Maps everything that a tool has applied, or gives every reason why it cannot. `changed` consents
/// to files that are not what the tool ran.
pub fn adopt(
    tool: &Tool,
    history: ForeignHistory,
    dialect: &dyn Dialect,
    migrations: &[Migration],
    changed: bool,
) -> Result<Vec<Adopted>, Vec<Diagnostic>> {
    let files = migrations
        .iter()
        .map(|migration| File {
            migration,
            markers: markers::read(tool, dialect.syntax(), &migration.text),
        })
        .collect();
    let mut mapping = Mapping {
        tool,
        files,
        taken: BTreeMap::new(),
        unmatched: Vec::new(),
        faults: history.refused,
    };
    mapping.check_down_sections();
    for one in &history.applied {
        mapping.applied(one);
    }
    mapping.heads(&history.heads);
    mapping.check_markers();
    mapping.check_texts(changed);
    for one in &history.up_to {
        mapping.up_to(&one.last, one.must_exist);
    }
    mapping.finish()
}

struct File<'m> {
    migration: &'m Migration,
    markers: Markers,
}

impl File<'_> {
    /// The versions that the tool may have for this migration: those of its markers, else its own.
    fn names(&self) -> Vec<String> {
        if self.markers.foreign_versions.is_empty() {
            vec![self.migration.version.to_string()]
        } else {
            self.markers.foreign_versions.clone()
        }
    }
}

/// What is known of an applied migration.
#[derive(Default)]
struct Taken {
    foreign: Vec<ForeignMigration>,
    /// A later migration that is applied, if this one is not named itself.
    before: Option<ForeignMigration>,
}

struct Mapping<'m> {
    tool: &'m Tool,
    files: Vec<File<'m>>,
    /// By the index of the migration.
    taken: BTreeMap<usize, Taken>,
    unmatched: Vec<ForeignMigration>,
    faults: Vec<Diagnostic>,
}

impl Mapping<'_> {
    /// The migrations that hold a foreign migration; several if it was split.
    fn holders(&self, original: &ForeignMigration) -> Vec<usize> {
        let claimed = |file: &File<'_>| {
            let mut names = file.markers.foreign_versions.iter();
            names.any(|name| same(name, &original.version))
        };
        let claiming: Vec<usize> = self.places(claimed);
        if !claiming.is_empty() {
            return claiming;
        }
        self.places(|file| {
            file.markers.foreign_versions.is_empty()
                && original.number == Some(file.migration.version)
        })
    }

    fn places(&self, wanted: impl Fn(&File<'_>) -> bool) -> Vec<usize> {
        let all = self.files.iter().enumerate();
        all.filter(|(_, file)| wanted(file))
            .map(|(at, _)| at)
            .collect()
    }

    /// Marks the migrations that hold a foreign migration as applied.
    fn applied(&mut self, original: &ForeignMigration) -> Vec<usize> {
        let holders = self.holders(original);
        if holders.is_empty() {
            self.unmatched.push(original.clone());
        }
        for at in &holders {
            self.taken
                .entry(*at)
                .or_default()
                .foreign
                .push(original.clone());
        }
        holders
    }

    /// Checks that all foreign migrations of a file are applied, and that a file without markers has only
    /// one.
    fn check_markers(&mut self) {
        for (at, file) in self.files.iter().enumerate() {
            let taken = self.taken.get(&at).filter(|taken| taken.before.is_none());
            let Some(taken) = taken else {
                continue;
            };
            let title = file.migration.title();
            let applied: Vec<&str> = taken.foreign.iter().map(|one| &*one.version).collect();
            let lacking: Vec<&str> = file
                .markers
                .foreign_versions
                .iter()
                .filter(|name| !applied.iter().any(|applied| same(name, applied)))
                .map(String::as_str)
                .collect();
            let fault = if file.markers.foreign_versions.is_empty() && applied.len() > 1 {
                let which = applied.join("` and `");
                self.fault(
                    Code::AdoptAmbiguous,
                    file,
                    format!("{title} could be `{which}`"),
                )
                .hint(self.marker_hint())
            } else if !lacking.is_empty() {
                let (lacking, applied) = (lacking.join("`, `"), applied.join("`, `"));
                let message = format!("only a part of {title} is applied");
                self.fault(Code::AdoptHalf, file, message)
                    .note(format!("`{applied}` is applied, `{lacking}` is not"))
                    .hint("split it into a migration of the applied statements and one of the rest")
            } else {
                continue;
            };
            self.faults.push(fault);
        }
    }

    /// Compares files with checksums if one file is one foreign migration.
    fn check_texts(&mut self, changed: bool) {
        let Some(is_unchanged) = self.tool.is_unchanged.filter(|_| !changed) else {
            return;
        };
        for (at, file) in self.files.iter().enumerate() {
            let foreign = self.taken.get(&at).map(|taken| taken.foreign.as_slice());
            let Some([original]) = foreign else {
                continue;
            };
            let split = self.holders(original).len() > 1;
            let Some(checksum) = original.checksum.as_deref().filter(|_| !split) else {
                continue;
            };
            let text = &file.migration.text;
            let bare = markers::without_remarks(self.tool, text);
            if is_unchanged(text, checksum) || is_unchanged(&bare, checksum) {
                continue;
            }
            let message = format!(
                "{} is not what {} ran as `{}`",
                file.migration.title(),
                self.tool.name,
                original.version
            );
            let fault = self.fault(Code::ChangedFile, file, message);
            self.faults.push(
                fault
                    .note(format!("{} keeps the checksum {checksum}", self.tool.name))
                    .hint(
                        "restore the file as it was applied, or accept its new text with --allow \
                        changed-file",
                    )
                    .consent(Code::ChangedFile),
            );
        }
    }

    /// Marks everything up to a version as applied, for a tool that stores only its last version.
    fn up_to(&mut self, last: &ForeignMigration, must_exist: bool) {
        let mut found = false;
        for (at, file) in self.files.iter().enumerate() {
            let names = file.names();
            found |= names.iter().any(|name| same(name, &last.version));
            let before = |name: &&String| compare(name, &last.version) != Ordering::Greater;
            match names.iter().filter(before).count() {
                0 => {}
                count if count == names.len() => {
                    self.taken.entry(at).or_default().before = Some(last.clone());
                }
                _ => {
                    let message = format!("only a part of {} is applied", file.migration.title());
                    let fault = self
                        .fault(Code::AdoptHalf, file, message)
                        .note(format!("what is applied ends with `{}`", last.version))
                        .hint(
                            "split it into a migration of the applied statements and one of the \
                            rest",
                        );
                    self.faults.push(fault);
                }
            }
        }
        if must_exist && !found {
            self.unmatched.push(last.clone());
        }
    }

    /// Marks the heads of a graph of revisions and what led to them, by the steps in the files. Without
    /// steps the revisions are one line, in the order of the files.
    fn heads(&mut self, heads: &[ForeignMigration]) {
        let mut left: Vec<ForeignMigration> = heads.to_vec();
        let mut seen: Vec<String> = Vec::new();
        while let Some(original) = left.pop() {
            if seen.contains(&original.version) {
                continue;
            }
            seen.push(original.version.clone());
            let holders = self.applied(&original);
            let Some(last) = holders.last() else { continue };
            match (self.origins(&original.version), heads) {
                (Some(from), _) => left.extend(from.into_iter().map(|version| ForeignMigration {
                    number: number(&version),
                    version,
                    ..ForeignMigration::default()
                })),
                (None, [only]) => {
                    for at in 0..*last {
                        self.taken.entry(at).or_default().before = Some(only.clone());
                    }
                }
                (None, _) => {
                    let message = format!(
                        "there are several heads, and no file describes the way to `{}`",
                        original.version
                    );
                    let fault = Diagnostic::new(Code::AdoptHeads, message).hint(
                        "take the files from `alembic upgrade --sql`: it writes \
                         `-- Running upgrade FROM -> TO` above each revision",
                    );
                    self.faults.push(fault);
                }
            }
        }
    }

    /// The revisions that lead to this one; `None` if no file names them.
    fn origins(&self, version: &str) -> Option<Vec<String>> {
        let steps = self.files.iter().flat_map(|file| &file.markers.steps);
        let mut leading = steps.filter(|step| step.to.iter().any(|to| to == version));
        leading.next().map(|step| step.from.clone())
    }

    /// Refuses files with a down section: all statements of a file run, so it would undo itself.
    fn check_down_sections(&mut self) {
        let faults: Vec<Diagnostic> = self
            .files
            .iter()
            .filter_map(|file| {
                let (span, migration) = (file.markers.down_section.clone()?, file.migration);
                let message = format!("{} contains the undo statements as well", migration.title());
                let text = migration.text.clone();
                Some(
                    Diagnostic::new(Code::AdoptWayBack, message)
                        .at(Location::new(&migration.file, &migration.text, text, span))
                        .note("bird runs all statements of a file, so the migration would undo itself")
                        .hint(
                            "move the statements from here on into a file of the same name that \
                             ends in .undo.sql",
                        ),
                )
            })
            .collect();
        self.faults.extend(faults);
    }

    fn fault(&self, code: Code, file: &File<'_>, message: String) -> Diagnostic {
        Diagnostic::new(code, message).at(Location::file(&file.migration.file))
    }

    fn marker_hint(&self) -> String {
        let name = self.tool.name;
        format!(
            "add the original's version to the migration that contains it: `-- {name}: VERSION`"
        )
    }

    fn finish(mut self) -> Result<Vec<Adopted>, Vec<Diagnostic>> {
        if !self.unmatched.is_empty() {
            let name = self.tool.name;
            let message = format!(
                "{name} has applied {} for which bird finds no file",
                match self.unmatched.len() {
                    1 => "a migration".to_owned(),
                    count => format!("{count} migrations"),
                }
            );
            let mut fault = Diagnostic::new(Code::AdoptUnmatched, message);
            for one in self.unmatched.iter().take(LISTED) {
                let about = one.about.as_deref().map(|about| format!(" ({about})"));
                let version = &one.version;
                fault.notes.push(format!(
                    "{version}{}: `-- {name}: {version}`",
                    about.unwrap_or_default()
                ));
            }
            let more = self.unmatched.len().saturating_sub(LISTED);
            if more > 0 {
                fault.notes.push(format!("and {more} more"));
            }
            let hint = "if the files begin with a baseline of the database, use `bird adopt --from \
                baseline`; else add each comment to the migration that contains that version";
            self.faults.push(fault.hint(hint));
        }
        if !self.faults.is_empty() {
            return Err(self.faults);
        }
        let adopted = self.taken.into_iter().map(|(at, taken)| {
            let times = taken.foreign.iter().chain(&taken.before);
            let last = times.filter_map(|one| one.applied_on.as_ref()).max();
            let names: Vec<&str> = taken.foreign.iter().map(|one| &*one.version).collect();
            let from = match (names.as_slice(), &taken.before) {
                ([], Some(last)) => format!("up to {}", last.version),
                _ => names.join(", "),
            };
            let applied_on = last.cloned();
            Adopted {
                at,
                from,
                applied_on,
            }
        });
        Ok(adopted.collect())
    }
}
