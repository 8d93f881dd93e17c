//! Reads the definitions of the objects that a statement touches.

use super::session::{DbError, Row, Session};
use crate::dialect::ErrorKind;
use crate::dialect::recovery::{Definitions, Object};
use crate::sql::script;

/// The definitions of objects, or nothing where this account may not see one of them.
pub async fn observe(
    session: &mut Session,
    objects: &[&Object],
) -> Result<Option<Definitions>, DbError> {
    let mut queries = Vec::with_capacity(objects.len());
    for object in objects {
        match session.dialect.definition_query(object, &session.server) {
            Some(query) => queries.push(query),
            None => return Ok(None),
        }
    }
    let mut seen: Definitions = Vec::with_capacity(queries.len());
    // Mostly all of them exist, or only the last one does not, and one trip tells it.
    while seen.len() < queries.len() {
        let text = queries.get(seen.len()..).unwrap_or_default().join("; ");
        let (answers, error) = session.answers(&text).await;
        for rows in answers {
            let object = objects.get(seen.len());
            let null = rows.iter().flatten().any(Option::is_none);
            // What an account did not make itself it may see without its body.
            if null && object.is_some_and(|object| object.kind.is_program()) {
                return Ok(None);
            }
            seen.push(definition(session, rows));
        }
        match error.map(|error| (error.kind, error)) {
            None if seen.len() < queries.len() => return Ok(None),
            None => {}
            Some((
                ErrorKind::MissingTable | ErrorKind::MissingObject | ErrorKind::MissingDatabase,
                _,
            )) => seen.push(None),
            // Those pass; whoever asks again may see it.
            Some((ErrorKind::Connection | ErrorKind::Busy | ErrorKind::Cancelled, error)) => {
                return Err(error);
            }
            // It may not be looked at, or not in this way: it is of another kind, or broken.
            Some(_) => return Ok(None),
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
    (!lines.is_empty()).then(|| {
        let definition = session.dialect.normalize(lines.join("\n"));
        // It goes into the journal, and is shown where nothing can be decided.
        let secrets = script::secrets(session.dialect.syntax(), &definition);
        script::blot(&definition, &secrets)
    })
}
