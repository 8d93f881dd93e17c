//! Random schemas of this engine.

use super::{Dice, Generated};
use crate::world::Engine;

pub fn pair(_dice: &mut Dice, _engine: Engine) -> Generated {
    Generated {
        from: String::new(),
        to: String::new(),
        rows: String::new(),
        kept: String::new(),
    }
}
