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
use crate::model::access::SchemaAccess;
use crate::model::hex;
use crate::model::schema::{NotCompared, Schema};
use crate::model::server::Server;
use crate::project::{Database, LARGE, own_key, read_regular};

/// The folder of the cache in the state directory.
const FOLDER: &str = "replay";

/// The fewest texts worth caching: fewer are replayed faster than they are looked up.
const WORTH: usize = 20;

/// The result of replayed texts: the schema, and by the index of a text its statements that were
/// not replayed.
#[derive(Default, Serialize, Deserialize)]
pub struct Replayed {
    pub schema: Schema,
    /// The access to the objects of the schema, which its JSON does not have.
    access: SchemaAccess,
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

/// The file of an entry in the state directory.
fn file(key: &str) -> String {
    format!("{FOLDER}/{key}.json")
}

fn path(context: &Context, key: &str) -> PathBuf {
    context.project.state.join(&file(key))
}

/// Reads an entry. What this user did not write is never trusted: the folder may come from a shared
/// cache, and a changed entry would hide a difference.
pub fn read(context: &Context, key: &str) -> Option<Replayed> {
    let bytes = read_regular(&path(context, key), LARGE).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (code, text) = text.split_once('\n')?;
    let is_own = own_key()?.code(key, text.as_bytes()) == code;
    let mut replayed: Replayed = is_own.then(|| serde_json::from_str(text).ok())??;
    replayed.schema.access = NotCompared(std::mem::take(&mut replayed.access));
    Some(replayed)
}

/// Writes an entry; if that fails, the next run replays again.
pub fn write(context: &Context, key: &str, replayed: &mut Replayed) {
    replayed.access.clone_from(&replayed.schema.access.0);
    let keep = || {
        let Some(own) = own_key() else {
            let message = "this user has no home folder for a key";
            return Err(std::io::Error::other(message));
        };
        let text = serde_json::to_string(replayed)?;
        let text = format!("{}\n{text}", own.code(key, text.as_bytes()));
        context.project.state.create(FOLDER)?;
        // Another run may read at the same time.
        context.project.state.replace(&file(key), &text)
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
