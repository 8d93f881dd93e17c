//! The reference: a foreign key that crosses databases, which no engine can enforce.

use std::fmt;

use super::diagnostic::{Location, Severity};
use super::key::Compare;
use super::name::{ColumnName, ColumnNames};

/// One entry of `[[references]]`: every value of `from` must exist in `to`.
#[derive(Debug, Clone, PartialEq)]
pub struct Reference {
    /// Its name in reports, if the config gives it one.
    pub name: Option<String>,
    /// The child: `twitter.messages.author_id`.
    pub from: ColumnNames,
    /// The parent: `ums.users.id`. As many columns as `from`.
    pub to: ColumnNames,
    /// Only child rows that satisfy this SQL condition count.
    pub filter: Option<String>,
    /// Only parent rows that satisfy this SQL condition count.
    pub to_filter: Option<String>,
    pub null: Nulls,
    /// How keys are compared, a word for each column; empty where their types tell.
    pub compare: Vec<Compare>,
    pub severity: Severity,
    /// The number of orphan rows that are tolerated.
    pub max_orphans: u64,
    /// Where it is declared.
    pub location: Option<Location>,
    /// Its conditions as text, if it has no name and another reference has the same ends; set by
    /// [`tell_apart`].
    pub suffix: String,
}

/// What a NULL in a child's key means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Nulls {
    /// The row refers to nothing, as with foreign keys (MATCH SIMPLE).
    #[default]
    Ok,
    /// The row is an orphan.
    Orphan,
}

impl Reference {
    /// A reference that says nothing but its two ends.
    #[must_use]
    pub fn new(from: ColumnNames, to: ColumnNames) -> Self {
        Self {
            name: None,
            from,
            to,
            filter: None,
            to_filter: None,
            null: Nulls::default(),
            compare: Vec::new(),
            severity: Severity::Error,
            max_orphans: 0,
            location: None,
            suffix: String::new(),
        }
    }

    /// The columns that are compared with each other, with their full names.
    pub fn pairs(&self) -> impl Iterator<Item = (ColumnName, ColumnName)> + '_ {
        std::iter::zip(self.from.each(), self.to.each())
    }

    /// Its two ends, which another reference may have as well.
    pub fn ends(&self) -> String {
        format!("{} -> {}", self.from, self.to)
    }

    /// Its name, else the child's key, with what fits of the conditions if another reference has the
    /// same ends.
    pub fn title(&self) -> String {
        /// Longer conditions leave no room in a table for its numbers.
        const SHOWN: usize = 40;
        let is_long = self.suffix.chars().count() > SHOWN;
        match (&self.name, &self.location) {
            (Some(name), _) => name.clone(),
            (None, Some(place)) if is_long => format!("{}, line {}", self.from, place.line),
            (None, _) => format!("{}{}", self.from, self.suffix),
        }
    }

    fn conditions(&self) -> String {
        let conditions = [("where", &self.filter), ("to_where", &self.to_filter)];
        let conditions = conditions.into_iter().filter_map(|(key, condition)| {
            let condition = condition.as_ref()?;
            Some(format!(", {key} {condition}"))
        });
        conditions.collect()
    }
}

/// Its ends, with its name or what tells it from another reference with the same ends.
impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{} ({name})", self.ends()),
            None => write!(f, "{}{}", self.ends(), self.suffix),
        }
    }
}

/// Sets the suffixes of references without a name that have the same ends: their conditions, and
/// their lines where these are the same too.
pub fn tell_apart(references: &mut [Reference]) {
    let ends: Vec<String> = references.iter().map(Reference::ends).collect();
    let conditions: Vec<String> = references.iter().map(Reference::conditions).collect();
    for (at, one) in references.iter_mut().enumerate() {
        let twins = (0..ends.len()).filter(|other| *other != at && ends[*other] == ends[at]);
        let twins: Vec<usize> = twins.collect();
        if one.name.is_some() || twins.is_empty() {
            continue;
        }
        one.suffix.clone_from(&conditions[at]);
        let line = one.location.as_ref().map(|place| place.line);
        if twins.iter().any(|twin| conditions[*twin] == conditions[at])
            && let Some(line) = line
        {
            one.suffix.push_str(&format!(", line {line}"));
        }
    }
}
