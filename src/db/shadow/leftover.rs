//! Finds the shadows that killed runs have left on a server.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use uuid::Uuid;

use super::super::session::{DbError, Session};
use super::PREFIX;

/// How long a shadow may have no session while a run creates or drops it.
const BETWEEN: Duration = Duration::from_secs(5);

/// A shadow that no run uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    pub name: String,
    /// The time since it was created.
    pub age: Duration,
    /// The statement that drops it.
    pub sql: String,
}

/// Finds the shadows without sessions on the server of a session.
pub async fn leftovers(session: &mut Session) -> Result<Vec<Leftover>, DbError> {
    let dialect = session.dialect;
    let (Some(databases), Some(used)) = (
        dialect.databases_query(PREFIX),
        dialect.in_use_query(PREFIX),
    ) else {
        return Ok(Vec::new());
    };
    let first = |rows: Vec<Vec<Option<String>>>| {
        let cells = rows.into_iter().filter_map(|row| row.into_iter().next());
        cells.flatten().collect::<Vec<String>>()
    };
    let used = first(session.rows(&used).await?);
    let names = first(session.rows(&databases).await?);
    let left = names.into_iter().filter_map(|name| {
        let age = age(&name).filter(|age| *age >= BETWEEN && !used.contains(&name))?;
        let sql = dialect.drop_database(&name)?;
        Some(Leftover { name, age, sql })
    });
    Ok(left.collect())
}

/// The age of a shadow by its name; `None` if it is not the name of a shadow.
fn age(name: &str) -> Option<Duration> {
    let id = Uuid::try_parse(name.strip_prefix(PREFIX)?).ok()?;
    let (seconds, _) = id.get_timestamp()?.to_unix();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    Some(now.saturating_sub(Duration::from_secs(seconds)))
}
