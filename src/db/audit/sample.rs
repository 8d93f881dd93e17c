//! Looks up a sample of a child's values among the parents: evidence for a reference that nobody
//! declared.

use std::collections::HashSet;

use super::connections::Connections;
use super::endpoints::PreparedReference;
use super::error::ReadError;
use crate::db::keys;
use crate::db::session::Session;
use crate::dialect::keys::KeyRange;
use crate::invariant;

/// The most rows of the child that are read.
const ROWS: u64 = 1000;
/// The most keys that are looked up by one statement.
const KEYS: usize = 500;

/// The number of different values of a child that were looked up, and of those that were found. A
/// value that cannot be a key, such as a text that is no UUID, is never found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Evidence {
    pub values: usize,
    pub found: usize,
}

/// Reads up to 1,000 values of the child, and looks each up among the parents.
pub async fn evidence(
    reference: &PreparedReference,
    open: &mut Connections,
) -> Result<Evidence, ReadError> {
    let (child, parent) = (&reference.child, &reference.parent);
    let failed = ReadError::of(&child.database, "reading its keys");
    let wrong = ReadError::other(&child.database, "reading its keys");
    let end = child.end(None).map_err(&wrong)?;
    let query = if child.indexed && end.indexed() {
        end.distinct(&KeyRange::default())
    } else {
        end.unordered()
    };
    let session = session_of(open, &child.database)?;
    let read = keys::all(session, &query.limited(ROWS)).await;
    let mut values: Vec<Vec<u8>> = Vec::new();
    let read = read.map_err(&failed)?;
    for (key, _) in read.iter() {
        values.push(key.to_vec());
    }
    values.sort();
    values.dedup();
    let malformed: HashSet<&str> = read
        .malformed
        .iter()
        .map(|(text, _)| text.as_str())
        .collect();
    let mut evidence = Evidence {
        values: values.len() + malformed.len(),
        found: 0,
    };
    if values.is_empty() {
        return Ok(evidence);
    }
    let failed = ReadError::of(&parent.database, "looking for parents");
    let wrong = ReadError::other(&parent.database, "looking for parents");
    let end = parent.end(None).map_err(wrong)?;
    let session = session_of(open, &parent.database)?;
    let mut known: HashSet<Vec<u8>> = HashSet::new();
    for some in values.chunks(KEYS) {
        let found = keys::all(session, &end.among(some)).await;
        known.extend(found.map_err(&failed)?.iter().map(|(key, _)| key.to_vec()));
    }
    evidence.found = values.iter().filter(|key| known.contains(*key)).count();
    Ok(evidence)
}

fn session_of<'c>(open: &'c mut Connections, database: &str) -> Result<&'c mut Session, ReadError> {
    let connected = open.get_mut(database);
    Ok(&mut invariant!(connected, some, "the databases of a guess are open").session)
}
