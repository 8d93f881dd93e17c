//! What a database remembers of migrations: its history and its journal.

use serde::Serialize;

/// The table with one row per applied migration; its columns and formats are refinery's.
pub const HISTORY_TABLE: &str = "refinery_schema_history";
/// The table with one row per applied statement; ours.
pub const JOURNAL_TABLE: &str = "bird_journal";
/// The table with what is kept of each applied migration, to tell later what a changed file
/// changed; ours.
pub const APPLIED_TABLE: &str = "bird_applied";
/// The table with the schemas that runs recorded after they wrote; ours.
pub const SCHEMA_TABLE: &str = "bird_schema";
/// The table with what seeds left in place of declared values; ours.
pub const SEED_TABLE: &str = "bird_seed";
/// The table with one row per chunk of a repair; ours.
pub const REPAIR_TABLE: &str = "bird_repair";
/// What the names of the tables begin with that keep the rows which a repair took out; ours.
pub const QUARANTINE: &str = "bird_quarantine_";

/// The tables that are bird's or refinery's by their whole names.
pub const OWN_TABLES: &[&str] = &[
    HISTORY_TABLE,
    JOURNAL_TABLE,
    APPLIED_TABLE,
    SCHEMA_TABLE,
    SEED_TABLE,
    REPAIR_TABLE,
];

/// Whether a table is bird's or refinery's, and so no part of anybody's schema.
#[must_use]
pub fn is_own(table: &str) -> bool {
    OWN_TABLES.contains(&table) || table.starts_with(QUARANTINE)
}

/// How wide versions are in a history, which also decides how its checksums are computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Width {
    /// `int4` versions, hashed as four bytes: stock refinery's command line.
    Four,
    /// `int8` versions, hashed as eight bytes: refinery's feature `int8-versions`.
    Eight,
}

impl Width {
    /// The narrowest that holds a version.
    pub fn for_version(version: i64) -> Width {
        match i32::try_from(version) {
            Ok(_) => Width::Four,
            Err(_) => Width::Eight,
        }
    }
}

/// One row of the history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Applied {
    pub version: i64,
    pub name: String,
    /// RFC 3339, UTC.
    pub applied_on: String,
    /// refinery's SipHash-1-3 over name, version and text.
    #[serde(skip)]
    pub checksum: u64,
}

/// Which way a file goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Direction {
    /// A migration.
    #[default]
    Up,
    /// Its undo file.
    Undo,
}

impl Direction {
    /// The word in the journal.
    pub fn word(self) -> &'static str {
        match self {
            Direction::Up => "up",
            Direction::Undo => "undo",
        }
    }

    /// The direction of a word in the journal.
    pub fn from_word(word: &str) -> Option<Self> {
        let both = [Direction::Up, Direction::Undo];
        both.into_iter().find(|direction| direction.word() == word)
    }
}

/// How far a statement is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// It was about to be sent. Whether it ran is to be found out.
    Intent,
    Done,
    /// A person said that it ran.
    Resolved,
}

impl Progress {
    /// The word in the journal.
    pub fn word(self) -> &'static str {
        match self {
            Progress::Intent => "intent",
            Progress::Done => "done",
            Progress::Resolved => "resolved",
        }
    }

    /// The progress of a word in the journal.
    pub fn from_word(word: &str) -> Option<Self> {
        let all = [Progress::Intent, Progress::Done, Progress::Resolved];
        all.into_iter().find(|progress| progress.word() == word)
    }
}

/// One row of the journal: a statement that is applied, or on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub version: i64,
    pub direction: Direction,
    /// The statement's number in its file, from 1.
    pub statement: u32,
    /// How many statements the file had when this one was applied.
    pub of: u32,
    /// Hex SHA-256 over the statement's tokens.
    pub digest: String,
    pub progress: Progress,
    /// For an intent: the definitions of the objects that it touches, as they were before;
    /// `None` where they could not be seen.
    pub before: Option<Vec<Option<String>>>,
    /// The server on which it was sent, where servers can be told apart.
    pub server: Option<String>,
}

/// What is kept of an applied migration, beside its row in the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredMigration {
    pub version: i64,
    /// Or why it cannot be read: people edit this table by hand as well.
    pub content: Result<StoredContent, String>,
}

/// A row of [`APPLIED_TABLE`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredContent {
    /// The checksum in the history when this was written. Where the history has another one now,
    /// somebody else has recorded another text.
    pub checksum: u64,
    /// Hex SHA-256 over what the file says, whatever its layout.
    pub digest: String,
    /// The file's text; some is not kept.
    pub text: Option<String>,
    /// Where a person has accepted the file as it is: when, and why.
    pub accepted: Option<(String, String)>,
}

/// What shows that a journal is not that of the history beside it: nobody knows then which
/// statements of a half-applied migration ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LostJournal {
    /// The table is missing although it was there: bird makes it before it makes the table of stored
    /// migrations, which exists.
    Missing,
    /// It does not have the newest version that bird has applied: it is empty, or an old copy.
    Lacks(i64),
}

/// History and journal of one database, as they were read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct History {
    /// Whether the history table exists.
    pub exists: bool,
    /// How wide its versions are; asked only where that matters.
    pub width: Option<Width>,
    /// By version, ascending.
    pub applied: Vec<Applied>,
    /// Whether the journal table exists.
    pub has_journal: bool,
    /// What shows that the journal is not that of this history.
    pub lost_journal: Option<LostJournal>,
    /// The statements of migrations that are not in the history: by version and number.
    pub journal: Vec<Entry>,
    /// What is kept of the migrations whose files have another checksum; asked only where there
    /// are such.
    pub stored: Vec<StoredMigration>,
    /// Whether the database has no tables but bird's own; asked only where nothing is applied.
    pub is_empty: bool,
    /// Names of objects that are neither bird's nor refinery's; asked only where there is no
    /// history.
    pub objects: Vec<String>,
}
