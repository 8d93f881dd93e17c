//! Reads the schema of a database.

use super::session::{DbError, Row, Session};
use crate::dialect::ErrorKind;
use crate::dialect::catalog::{Query, Rows, SchemaLocation};
use crate::model::schema::{
    Column, Generated, Key, KeyKind, KeyPart, KeyType, NotCompared, Schema, Table,
};

/// The whole schema: its number of round trips does not grow with it.
pub async fn schema(session: &mut Session, database: &str) -> Result<Schema, DbError> {
    let (dialect, server) = (session.dialect, session.server.clone());
    let schema = session.schema.clone();
    let place = SchemaLocation {
        server: &server,
        database,
        schema: schema.as_deref(),
    };
    let catalog = dialect.catalog();
    let settings = catalog.print_settings(&place);
    let questions = catalog.queries(&place);
    let mut answers = ask(session, &settings, &questions).await?;
    let questions = catalog.follow_up(&place, &answers);
    answers.extend(ask(session, &settings, &questions).await?);
    let (name, within) = (database.to_owned(), session.schema.clone());
    let on = server.clone();
    // Two schemas that are compared are read at the same time.
    let reading = tokio::task::spawn_blocking(move || {
        let place = SchemaLocation {
            server: &on,
            database: &name,
            schema: within.as_deref(),
        };
        let mut schema = dialect.catalog().read(&place, &answers)?;
        schema.sort();
        Ok(schema)
    });
    let read: Result<Result<Schema, String>, _> = reading.await;
    let read = read.unwrap_or_else(|broken| Err(broken.to_string()));
    let mut schema = read.map_err(|message| DbError::new(ErrorKind::Other, message))?;
    if let Some(query) = catalog.grants_query(&place, &schema) {
        let rows = match session.many_rows(&query.sql, query.columns).await {
            Err(error) if !error.kind.is_of_statement() => return Err(error),
            rows => rows.map_err(|error| error.to_string()),
        };
        schema.access.0 = catalog.read_grants(rows);
    }
    Ok(schema)
}

async fn ask(
    session: &mut Session,
    settings: &[String],
    questions: &[Query],
) -> Result<Vec<Rows>, DbError> {
    if session.dialect.facts().is_embedded() {
        let mut answers = Vec::new();
        for question in questions {
            answers.push(session.many_rows(&question.sql, question.columns).await?);
        }
        return Ok(answers);
    }
    if questions.is_empty() {
        return Ok(Vec::new());
    }
    let queries = questions.iter().map(|question| question.sql.as_str());
    let texts = settings.iter().map(String::as_str).chain(queries);
    let texts: Vec<&str> = texts.collect();
    match session.answers(&texts.join("; ")).await {
        (answers, None) => Ok(answers.into_iter().skip(settings.len()).collect()),
        (_, Some(error)) => Err(error),
    }
}

/// The names of all tables that are neither bird's nor refinery's.
pub async fn tables(session: &mut Session) -> Result<Vec<String>, DbError> {
    let query = session.dialect.tables_query(session.schema.as_deref());
    let rows = session.rows(&query).await?;
    Ok(rows
        .into_iter()
        .flat_map(|row| row.into_iter().flatten())
        .collect())
}

/// The columns and the primary key of one table or view, or nothing when it does not exist. Of a
/// generated column it is not asked how it is generated.
pub async fn table(session: &mut Session, name: &str) -> Result<Option<Table>, DbError> {
    let query = session
        .dialect
        .columns_query(session.schema.as_deref(), name);
    let mut table = Table {
        name: name.to_owned(),
        ..Table::default()
    };
    let mut key: Vec<(u32, KeyPart)> = Vec::new();
    for row in session.rows(&query).await? {
        let (column, place) = column(session, row);
        let Some(column) = column else { continue };
        key.extend(place.map(|place| {
            let part = KeyPart {
                column: Some(column.name.clone()),
                ..KeyPart::default()
            };
            (place, part)
        }));
        table.columns.push(column);
    }
    key.sort_by_key(|(place, _)| *place);
    table.keys.push(Key {
        kind: KeyKind::Primary,
        parts: key.into_iter().map(|(_, part)| part).collect(),
        ..Key::default()
    });
    Ok((!table.columns.is_empty()).then_some(table))
}

/// A column, and its place in the primary key.
fn column(session: &Session, row: Row) -> (Option<Column>, Option<u32>) {
    let mut cells = row.into_iter();
    let (name, sql) = (cells.next().flatten(), cells.next().flatten());
    let place = cells.next().flatten().and_then(|place| place.parse().ok());
    let key_type = KeyType {
        base: cells.next().flatten(),
        collation: cells.next().flatten(),
    };
    let collation = cells.next().flatten();
    let generated = cells.next().flatten();
    let identity = cells.next().flatten();
    let srid = cells.next().flatten().map(|srid| ("srid".to_owned(), srid));
    let column = name.zip(sql).map(|(name, sql)| Column {
        name,
        collation,
        key_type: NotCompared(key_type),
        family: session.dialect.family(&sql),
        generated: generated.map(|_| Generated {
            expression: String::new(),
            stored: true,
        }),
        identity,
        options: srid.into_iter().collect(),
        sql,
        ..Column::default()
    });
    (column, place)
}
