//! Looks at the objects that a statement touches.

use super::session::{DbError, Row, Session};
use crate::dialect::Trouble;
use crate::dialect::effect::{Object, Seen};

/// The definitions of objects, or nothing where this account may not see one of them.
pub async fn observe(session: &mut Session, objects: &[&Object]) -> Result<Option<Seen>, DbError> {
    let mut queries = Vec::with_capacity(objects.len());
    for object in objects {
        match session.dialect.look(object, &session.server) {
            Some(query) => queries.push(query),
            None => return Ok(None),
        }
    }
    let mut seen: Seen = Vec::with_capacity(queries.len());
    // Mostly all of them exist, or only the last one does not, and one trip tells it.
    while seen.len() < queries.len() {
        let text = queries.get(seen.len()..).unwrap_or_default().join("; ");
        let (answers, error) = session.answers(&text).await;
        // Something is there, and what it is cannot be told.
        let unseen = |row: &Row| matches!(row.first(), Some(None));
        if answers.iter().flatten().any(unseen) {
            return Ok(None);
        }
        seen.extend(answers.into_iter().map(|rows| definition(session, rows)));
        match error.map(|error| (error.trouble, error)) {
            None if seen.len() < queries.len() => return Ok(None),
            None => {}
            Some((
                Trouble::MissingTable | Trouble::MissingObject | Trouble::MissingDatabase,
                _,
            )) => seen.push(None),
            Some((Trouble::Denied, _)) => return Ok(None),
            Some((_, error)) => return Err(error),
        }
    }
    Ok(Some(seen))
}

/// What a query tells of an object, as one text.
fn definition(session: &Session, rows: Vec<Row>) -> Option<String> {
    let line = |row: Row| {
        let cells: Vec<String> = row.into_iter().map(Option::unwrap_or_default).collect();
        cells.join("\t")
    };
    let lines: Vec<String> = rows.into_iter().map(line).collect();
    (!lines.is_empty()).then(|| session.dialect.settled(lines.join("\n")))
}
