//! What the engine itself says of databases that should be the same, without bird's reading.

mod mysql;
mod postgres;
mod sqlite;

use bird::db::shadow::Shadow;

use crate::world::Engine;

/// All that the engine says of a database, a text for each object.
pub async fn dump(engine: Engine, shadow: &mut Shadow) -> Vec<String> {
    let mut dump = match engine {
        Engine::MySql | Engine::MariaDb => mysql::dump(shadow).await,
        Engine::Sqlite => sqlite::dump(shadow).await,
        Engine::Postgres => postgres::dump(shadow),
        Engine::Galera => Vec::new(),
    };
    dump.sort();
    dump
}

/// The difference between two dumps, if there is one.
pub fn compare(found: &[String], wanted: &[String]) -> Option<String> {
    let only = |these: &[String], those: &[String]| {
        let theirs = these.iter().filter(|text| !those.contains(text));
        theirs.cloned().collect::<Vec<_>>().join("\n")
    };
    (found != wanted).then(|| {
        let (found, wanted) = (only(found, wanted), only(wanted, found));
        format!("{found}\ninstead of\n{wanted}")
    })
}
