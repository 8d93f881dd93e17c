//! Random schemas of PostgreSQL. Whatever refers to something that a mutation took away is left out
//! when the schema is written, so that every schema is valid.

mod model;
mod mutate;
mod rows;
mod spell;

use super::{Dice, Generated};

pub fn pair(dice: &mut Dice) -> Generated {
    let from = model::Schema::random(dice);
    let to = if dice.chance(5) {
        model::Schema::random(dice)
    } else {
        let mut to = from.clone();
        for _ in 0..1 + dice.below(9) {
            mutate::mutate(dice, &mut to);
        }
        to
    };
    Generated {
        rows: rows::rows(&from, &to),
        kept: rows::kept(&from, &to),
        from: spell::schema(&from),
        to: spell::schema(&to),
    }
}
