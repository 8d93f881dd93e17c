//! What the engine itself tells of databases that should be the same, without bird's reading.

mod mysql;
mod postgres;
mod sqlite;

use bird::db::shadow::Shadow;

use crate::world::Engine;

/// All that the engine tells of a database; nothing where it is not asked.
pub async fn told(engine: Engine, shadow: &mut Shadow) -> Vec<String> {
    let mut told = match engine {
        Engine::MySql | Engine::MariaDb => mysql::told(shadow).await,
        Engine::Sqlite => sqlite::told(shadow).await,
        Engine::Postgres => postgres::told(shadow),
        Engine::Galera => Vec::new(),
    };
    told.sort();
    told
}

/// How the engine tells two databases apart, if it does.
pub fn compare(one: &[String], other: &[String]) -> Option<String> {
    let only = |these: &[String], those: &[String]| {
        let theirs = these.iter().filter(|told| !those.contains(told));
        theirs.cloned().collect::<Vec<_>>().join("\n")
    };
    (one != other).then(|| format!("{}\ninstead of\n{}", only(one, other), only(other, one)))
}
