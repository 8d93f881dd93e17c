//! The results of a run's replays: a check often needs the same texts as the one before.

use std::sync::Arc;

use super::cache::Replayed;
use super::siblings::{Place, Step};
use crate::model::server::Server;
use crate::model::target::Target;
use crate::project::Database;

/// Everything that the result of a replay depends on within one run.
#[derive(PartialEq, Eq)]
pub struct Replay {
    database: Vec<Option<String>>,
    /// Each text, behind its place.
    texts: Vec<(Place, Arc<str>)>,
}

impl Replay {
    pub fn of(base: &Database, steps: &[Step]) -> Replay {
        let user = match &base.target {
            Target::Server(server) => server.user.clone(),
            Target::File(_) => None,
        };
        let texts = steps
            .iter()
            .map(|step| (step.place.clone(), step.text.sql.clone()));
        Replay {
            database: vec![
                Some(base.name.clone()),
                Some(base.dialect.facts().name.to_owned()),
                Some(base.target.shown()),
                user,
                base.schema.clone(),
                base.collation.clone(),
                base.shadow.as_ref().map(Target::shown),
            ],
            texts: texts.collect(),
        }
    }
}

/// The result of a replay.
pub struct ReplayResult {
    pub replayed: Replayed,
    pub server: Server,
    /// The index of the shadow in which it ran; `None` if it comes from the cache.
    pub shadow: Option<usize>,
}

/// All results of a run.
#[derive(Default)]
pub struct ReplayResults(Vec<(Replay, Arc<ReplayResult>)>);

impl ReplayResults {
    pub fn get(&self, replay: &Replay) -> Option<Arc<ReplayResult>> {
        let mut results = self.0.iter();
        let (_, result) = results.find(|(of, _)| of == replay)?;
        Some(result.clone())
    }

    pub fn add(&mut self, replay: Replay, result: ReplayResult) -> Arc<ReplayResult> {
        let result = Arc::new(result);
        self.0.push((replay, result.clone()));
        result
    }
}
