//! A cache of replayed migrations in the state directory. The name of an entry is a hash of everything
//! that its schema depends on. Deleting the folder is always safe.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::siblings::{Place, Step};
use crate::cmd::context::Context;
use crate::cmd::run::open;
use crate::db::replay::NotSent;
use crate::db::session::{Access, Session};
use crate::db::shadow;
use crate::model::hex;
use crate::model::schema::Schema;
use crate::model::server::Server;
use crate::project::Database;

/// The folder of the cache in the state directory.
const FOLDER: &str = "replay";

/// The fewest texts worth caching: fewer are replayed faster than they are looked up.
const WORTH: usize = 20;

/// The result of replayed texts: the schema, and by the index of a text its statements that were
/// not replayed.
#[derive(Default, Serialize, Deserialize)]
pub struct Replayed {
    pub schema: Schema,
    pub kept: Vec<(usize, Vec<NotSent>)>,
}

/// The name of the entry, and the server for which it is valid; `None` if it is not cached.
pub async fn key(context: &Context, base: &Database, steps: &[Step]) -> Option<(String, Server)> {
    if steps.len() < WORTH {
        return None;
    }
    let mut hash = Sha256::new();
    let mut add = |text: &str| {
        hash.update(text.len().to_le_bytes());
        hash.update(text);
    };
    let server = match server_of(context, base).await {
        Some(mut session) => {
            let query = base.dialect.defaults_query();
            let defaults = match query {
                Some(query) => session.rows(query).await.ok()?,
                None => Vec::new(),
            };
            add(&format!("{defaults:?}"));
            if let Some(query) = base.dialect.extensions_query() {
                add(&format!("{:?}", session.rows(query).await.ok()?));
            }
            if let Some(query) = base.dialect.settings_like_query("") {
                add(&format!("{:?}", session.rows(&query).await.ok()?));
            }
            let server = session.server.clone();
            session.close().await;
            server
        }
        None => Server::default(),
    };
    add(&program()?);
    add(&format!(
        "{} {server} {:?}",
        base.dialect.facts().name,
        server.variant
    ));
    // Statements may name their database.
    add(base.target.database());
    add(&format!("{:?} {:?}", base.schema, base.collation));
    for step in steps {
        if step.place != Place::Own {
            add(&format!("in {:?}", step.place));
        }
        add(&step.text.sql);
    }
    let name = hex::digits(&hash.finalize()[..16]);
    Some((name, server))
}

/// Identifies this build of bird: another one may read a schema differently.
fn program() -> Option<String> {
    let program = std::env::current_exe().ok()?.metadata().ok()?;
    Some(format!("{} {:?}", program.len(), program.modified().ok()?))
}

fn path(context: &Context, key: &str) -> PathBuf {
    context.project.state.join(&format!("{FOLDER}/{key}.json"))
}

pub fn read(context: &Context, key: &str) -> Option<Replayed> {
    let text = std::fs::read(path(context, key)).ok()?;
    serde_json::from_slice(&text).ok()
}

/// Writes an entry; if that fails, the next run replays again.
pub fn write(context: &Context, key: &str, replayed: &Replayed) {
    let path = path(context, key);
    let keep = || {
        let text = serde_json::to_vec(replayed)?;
        context.project.state.create(FOLDER)?;
        // The rename is atomic: another run may read at the same time.
        let whole = path.with_extension(format!("{}.tmp", context.run));
        std::fs::write(&whole, &text)?;
        std::fs::rename(&whole, &path)
    };
    let kept: std::io::Result<()> = keep();
    if let Err(reason) = kept {
        context
            .progress
            .detail(&format!("could not cache the replayed schema: {reason}"));
    }
}

/// Opens a session with the server on which shadows of a database are created. The database need
/// not exist.
async fn server_of(context: &Context, database: &Database) -> Option<Session> {
    if database.dialect.facts().is_embedded() {
        return shadow::in_memory(database.dialect).await.ok();
    }
    if let Ok(session) = open::session(context, database, Access::ReadOnly, None).await {
        return Some(session);
    }
    let entry = open::entry(context, database, None).await.ok()??;
    Some(entry.1)
}
