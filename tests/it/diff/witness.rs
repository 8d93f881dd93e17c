//! What the engine itself tells of two databases that should be the same, without bird's reading.

mod mysql;
mod postgres;
mod sqlite;

use bird::db::shadow::Shadow;

use crate::world::Engine;

/// How the engine tells two databases apart, or nothing where it does not.
pub async fn compare(engine: Engine, one: &mut Shadow, other: &mut Shadow) -> Option<String> {
    match engine {
        Engine::MySql | Engine::MariaDb => mysql::compare(one, other).await,
        Engine::Sqlite => sqlite::compare(one, other).await,
        Engine::Postgres => postgres::compare(one, other),
        Engine::Galera => None,
    }
}
