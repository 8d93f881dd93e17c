//! The databases in which pairs are tried. On a server it takes long to make one, so they are emptied
//! and used again; in memory they cost nothing.

mod empty;

use std::cell::RefCell;

use bird::db::shadow::{Shadow, ShadowBase};
use bird::dialect::Dialect;
use bird::model::target::Target;

use crate::world::Engine;

pub struct Scratch {
    pub dialect: &'static dyn Dialect,
    engine: Engine,
    target: Target,
    shadows: RefCell<Vec<Shadow>>,
}

impl Scratch {
    pub fn new(engine: Engine) -> Scratch {
        let url = match engine.url() {
            Some(url) => format!("{url}/{}", engine.pick("mysql", "postgres", "")),
            None => "sqlite:none.db".to_owned(),
        };
        let read = bird::project::parse_url(&url, std::path::Path::new("/"));
        let (dialect, target) = read.expect("a URL");
        Scratch {
            dialect,
            engine,
            target,
            shadows: RefCell::default(),
        }
    }

    /// Three empty databases.
    pub async fn take(&self) -> Result<[Shadow; 3], String> {
        Ok([self.one().await?, self.one().await?, self.one().await?])
    }

    /// Each is emptied before its first use too, so that all come to be in one way.
    async fn one(&self) -> Result<Shadow, String> {
        let used = self.shadows.borrow_mut().pop();
        if let Some(mut shadow) = used {
            match empty::empty(self.engine, &mut shadow).await {
                Ok(()) => return Ok(shadow),
                // Whatever is in the way goes with the database.
                Err(_) => shadow.remove().await.map_err(|error| error.to_string())?,
            }
        }
        let base = ShadowBase {
            target: &self.target,
            dialect: self.dialect,
            schema: self.dialect.facts().schema,
            collation: None,
            own_extensions: &[],
        };
        let made = Shadow::create(base).await;
        let mut shadow = made.map_err(|error| error.to_string())?;
        empty::empty(self.engine, &mut shadow).await?;
        Ok(shadow)
    }

    pub fn put_back(&self, shadows: [Shadow; 3]) {
        if !self.dialect.facts().is_embedded() {
            self.shadows.borrow_mut().extend(shadows);
        }
    }

    /// Drops all databases.
    pub async fn clear(&self) {
        for shadow in self.shadows.take() {
            let removed = shadow.remove().await;
            removed.expect("a shadow is dropped");
        }
    }
}
