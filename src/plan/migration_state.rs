//! Comparison of a database's history with its files: applied, pending, partially applied,
//! changed and missing migrations.

use crate::model::code::Code;
use std::cmp::Ordering;

use super::stored_migration;
use crate::model::diagnostic::{Diagnostic, Location};
use crate::model::history::{
    Applied, Direction, Entry, History, JOURNAL_TABLE, LostJournal, Progress, StoredMigration,
    Width,
};
use crate::model::migration::{Migration, title};
use crate::sql::Syntax;

/// The comparison of a database's history with its files.
#[derive(Debug)]
pub struct MigrationState<'p> {
    /// The highest applied version.
    pub current: Option<i64>,
    /// Files that are not in the history, by version.
    pub pending: Vec<&'p Migration>,
    /// Files whose SQL differs from what was applied under their version.
    pub changed: Vec<(&'p Migration, &'p Applied)>,
    /// Files that differ from what was applied only in layout or comments.
    pub reformatted: Vec<(&'p Migration, &'p Applied)>,
    /// Applied migrations that have no file.
    pub missing: Vec<&'p Applied>,
    /// Whether a missing one is newer than all files.
    pub ahead: bool,
    /// The partially applied files, by version.
    pub partially_applied: Vec<PartiallyApplied>,
    /// A migration whose statements are all in the journal, but whose row was deleted from the
    /// history.
    pub unrecorded: Option<PartiallyApplied>,
    /// What shows that the journal was lost.
    pub lost_journal: Option<LostJournal>,
    syntax: &'static Syntax,
    stored: &'p [StoredMigration],
}

/// A file of which some statements are applied or in doubt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartiallyApplied {
    pub version: i64,
    pub direction: Direction,
    /// How many of its statements are applied.
    pub applied: u32,
    /// How many it had when the last of them was applied.
    pub of: u32,
    /// Whether the next statement was sent, and its outcome is not known.
    pub in_doubt: bool,
    /// Its rows in the journal.
    pub entries: Vec<Entry>,
}

/// Compares files with a history; both lists are sorted by version.
pub fn migration_state<'p>(
    syntax: &'static Syntax,
    migrations: &'p [Migration],
    history: &'p History,
) -> MigrationState<'p> {
    let mut state = MigrationState {
        current: history.applied.last().map(|row| row.version),
        pending: Vec::new(),
        changed: Vec::new(),
        reformatted: Vec::new(),
        missing: Vec::new(),
        ahead: false,
        partially_applied: Vec::new(),
        unrecorded: None,
        lost_journal: history.lost_journal,
        syntax,
        stored: &history.stored,
    };
    let (mut files, mut rows) = (
        migrations.iter().peekable(),
        history.applied.iter().peekable(),
    );
    loop {
        let order = match (files.peek(), rows.peek()) {
            (None, None) => break,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(file), Some(row)) => file.version.cmp(&row.version),
        };
        match order {
            Ordering::Less => state.pending.extend(files.next()),
            Ordering::Greater => state.missing.extend(rows.next()),
            Ordering::Equal => {
                if let (Some(file), Some(row)) = (files.next(), rows.next())
                    && !same(file, row)
                {
                    if stored_migration::is_reformatted(syntax, file, row, &history.stored) {
                        state.reformatted.push((file, row))
                    } else {
                        state.changed.push((file, row))
                    }
                }
            }
        }
    }
    let last = migrations.last().map(|migration| migration.version);
    state.ahead = state.missing.iter().any(|row| Some(row.version) > last);
    // They are sorted.
    let files = history
        .journal
        .chunk_by(|one, other| (one.version, one.direction) == (other.version, other.direction));
    for partial in files.filter_map(partial) {
        // The last statement is recorded together with the migration, or not at all, unless a
        // person has answered for it.
        let answered = |entry: &Entry| entry.progress == Progress::Resolved;
        let whole = partial.applied >= partial.of && !partial.entries.last().is_some_and(answered);
        match (whole, &state.unrecorded) {
            (true, None) => state.unrecorded = Some(partial),
            (true, Some(_)) => {}
            (false, _) => state.partially_applied.push(partial),
        }
    }
    state
}

/// The error about a journal that is not that of the history.
pub fn lost_journal(database: &str, lost: LostJournal) -> Diagnostic {
    let message = match lost {
        LostJournal::Missing => {
            format!("`{database}` has bird's tables, but `{JOURNAL_TABLE}` is missing")
        }
        LostJournal::Lacks(version) => {
            format!(
                "`{JOURNAL_TABLE}` of `{database}` lacks V{version}, which bird applied: it is an old copy"
            )
        }
    };
    Diagnostic::new(Code::LostJournal, message)
        .database(database)
        .note("it says which statements of a half-applied migration ran")
        .hint(
            "restore it from a backup or the old primary; or, if no migration was interrupted: \
             --allow lost-journal, which continues without it",
        )
        .consent(Code::LostJournal)
}

/// The state of one file by its rows in the journal.
fn partial(entries: &[Entry]) -> Option<PartiallyApplied> {
    let first = entries.first()?;
    let sent = |entry: &&Entry| entry.progress == Progress::Intent;
    let doubts = entries.iter().filter(sent).count();
    Some(PartiallyApplied {
        version: first.version,
        direction: first.direction,
        applied: u32::try_from(entries.len() - doubts).unwrap_or(u32::MAX),
        of: entries.last().map_or(0, |last| last.of),
        in_doubt: doubts > 0,
        entries: entries.to_vec(),
    })
}

/// Whether a file is byte by byte what was applied, whichever width the history's checksums have.
fn same(file: &Migration, row: &Applied) -> bool {
    file.name == row.name
        && [Width::Four, Width::Eight]
            .iter()
            .any(|width| file.checksum(*width) == Some(row.checksum))
}

/// The location of a file, without a line.
fn whole(file: &Migration) -> Location {
    Location::file(&file.file)
}

/// The versions whose files are not byte by byte what was applied: only for them the stored text
/// matters.
pub fn differing(migrations: &[Migration], history: &History) -> Vec<i64> {
    let differs = |row: &&Applied| {
        let found = migrations.binary_search_by_key(&row.version, |file| file.version);
        let file = found.ok().and_then(|at| migrations.get(at));
        file.is_some_and(|file| !same(file, row))
    };
    let rows = history.applied.iter().filter(differs);
    rows.map(|row| row.version).collect()
}

impl MigrationState<'_> {
    /// Whether files and history agree on what is applied.
    pub fn agrees(&self) -> bool {
        self.changed.is_empty() && self.missing.is_empty() && self.unrecorded.is_none()
    }

    /// Diagnostics of severity note.
    pub fn notes(&self, database: &str) -> Vec<Diagnostic> {
        let reformatted = self.reformatted.iter();
        let notes = reformatted.map(|(file, row)| {
            let message = format!(
                "{} was reformatted after it was applied: the same SQL",
                file.title()
            );
            Diagnostic::new(Code::MigrationReformatted, message)
                .database(database)
                .at(whole(file))
                .note(format!("it was applied on {}", row.applied_on))
        });
        let lost = self.lost_journal.map(|lost| lost_journal(database, lost));
        notes.chain(lost).collect()
    }

    /// Diagnostics about history and files that disagree, which stop a run.
    pub fn disagreements(&self, database: &str) -> Vec<Diagnostic> {
        let mut all = Vec::new();
        for (file, row) in &self.changed {
            let newest = self.current == Some(row.version);
            let undo = if newest && stored_migration::applied_text(row, self.stored).is_some() {
                format!(
                    "or undo it with bird undo --database {database} and apply it again with bird up; "
                )
            } else {
                String::new()
            };
            let message = if file.name == row.name {
                format!("{} was changed after it was applied", file.title())
            } else {
                format!(
                    "{} is in the history as `{}`",
                    file.title(),
                    title(row.version, &row.name)
                )
            };
            let mut fault = Diagnostic::new(Code::MigrationChanged, message)
                .database(database)
                .at(whole(file))
                .note(format!("it was applied on {}", row.applied_on))
                .hint(format!(
                    "restore the file and put the change into a new migration; {undo}or, if the \
                     new text is right: bird migrate --accept-checksum \
                     {database}@V{} --reason '…'",
                    row.version
                ));
            let notes = stored_migration::what_changed(self.syntax, file, row, self.stored);
            fault.notes.extend(notes);
            all.push(fault);
        }
        for row in &self.missing {
            let title = title(row.version, &row.name);
            let fault = if self.ahead {
                Diagnostic::new(
                    Code::DatabaseAhead,
                    format!("`{database}` is newer than these files: it has {title}"),
                )
                .hint("update this checkout: the database was migrated with newer files")
            } else {
                Diagnostic::new(
                    Code::MigrationMissing,
                    format!("the file of {title} is missing, but it is applied"),
                )
                .hint("restore the file: without it, bird cannot check the history or the schema")
            };
            all.push(
                fault
                    .database(database)
                    .note(format!("it was applied on {}", row.applied_on)),
            );
        }
        if let Some(entry) = &self.unrecorded {
            let version = entry.version;
            let file = self.pending.iter().find(|file| file.version == version);
            let title = file.map_or(format!("V{version}"), |file| file.title());
            let message =
                format!("{title} is in the journal of `{database}` but not in its history");
            all.push(
                Diagnostic::new(Code::HistoryEdited, message)
                    .database(database)
                    .note(
                        "bird writes both together, so a row of refinery_schema_history was deleted",
                    )
                    .hint(format!(
                        "restore the row; or, if V{version} is undone, delete the rows of version \
                         {version} from bird_journal, which makes it pending"
                    )),
            );
        }
        for entry in &self.partially_applied {
            if entry.direction == Direction::Undo {
                let message = format!("V{} of `{database}` is half undone", entry.version);
                all.push(
                    Diagnostic::new(Code::HalfUndone, message)
                        .database(database)
                        .note(format!(
                            "{} of the {} statements of its undo file are applied",
                            entry.applied, entry.of
                        ))
                        .hint(format!(
                            "run bird undo --database {database}, which continues there"
                        )),
                );
                continue;
            }
            let known = self
                .pending
                .iter()
                .any(|file| file.version == entry.version);
            if !known {
                let message = format!(
                    "the file of V{} is missing, but it is half applied",
                    entry.version
                );
                all.push(
                    Diagnostic::new(Code::MigrationMissing, message)
                        .database(database)
                        .note(format!(
                            "{} of its {} statements are applied",
                            entry.applied, entry.of
                        ))
                        .hint("restore the file"),
                );
            }
        }
        all
    }
}
