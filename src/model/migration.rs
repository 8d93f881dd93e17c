//! The migration: one file `V<version>__<name>.sql`, read once and kept in memory.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use siphasher::sip::SipHasher13;

use super::history::Width;

/// One migration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migration {
    pub version: i64,
    /// The part between `__` and `.sql`.
    pub name: String,
    /// The path as it is shown: relative to the project where it lies inside.
    pub file: String,
    pub text: Arc<str>,
    /// The file that takes it back, where there is one.
    pub undo: Option<Undo>,
    /// The checksum for a history of four bytes, which most have; asked for every file in every
    /// run, so it is computed once, where the file is read.
    narrow: Option<u64>,
}

/// The file `V<version>__<name>.undo.sql` beside a migration, or the statements in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undo {
    pub file: String,
    pub text: Arc<str>,
    /// Whether bird computed the statements: there is no such file.
    pub computed: bool,
}

impl Migration {
    pub fn new(version: i64, name: String, file: String, text: Arc<str>) -> Self {
        let mut migration = Migration {
            version,
            name,
            file,
            text,
            undo: None,
            narrow: None,
        };
        migration.narrow = migration.hash(Width::Four);
        migration
    }

    /// The checksum that refinery stores for this file. A version that does not fit four bytes
    /// has no narrow checksum.
    pub fn checksum(&self, width: Width) -> Option<u64> {
        match width {
            Width::Four => self.narrow,
            Width::Eight => self.hash(width),
        }
    }

    /// SipHash-1-3 with zero keys over name, version and text, each as `std::hash` feeds it: a
    /// string ends in 0xFF.
    fn hash(&self, width: Width) -> Option<u64> {
        let mut hasher = SipHasher13::new();
        self.name.hash(&mut hasher);
        match width {
            Width::Four => i32::try_from(self.version).ok()?.hash(&mut hasher),
            Width::Eight => self.version.hash(&mut hasher),
        }
        self.text.hash(&mut hasher);
        Some(hasher.finish())
    }

    /// What takes it back, as a file of its own.
    pub fn undoing(&self) -> Option<Migration> {
        let undo = self.undo.clone()?;
        let name = self.name.clone();
        Some(Migration::new(self.version, name, undo.file, undo.text))
    }

    /// How people call it: `V3 create_roles`.
    pub fn title(&self) -> String {
        title(self.version, &self.name)
    }
}

/// How people call a migration: `V3 create_roles`.
pub fn title(version: i64, name: &str) -> String {
    format!("V{version} {name}")
}
