//! What the engine itself tells of two databases that should be the same, without bird's reading.

use bird::db::shadow::Shadow;

use crate::world::Engine;

/// How the engine tells two databases apart, or nothing where it does not.
pub async fn compare(_engine: Engine, _one: &mut Shadow, _other: &mut Shadow) -> Option<String> {
    None
}
