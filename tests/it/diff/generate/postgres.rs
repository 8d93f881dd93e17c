//! Random schemas of this engine.

use super::{Dice, Generated};

pub fn pair(_dice: &mut Dice) -> Generated {
    Generated {
        from: String::new(),
        to: String::new(),
        rows: String::new(),
        kept: String::new(),
    }
}
