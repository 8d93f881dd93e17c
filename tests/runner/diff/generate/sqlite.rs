//! Random schemas of SQLite. All values of a column differ from row to row, and every check holds for
//! all of them, so that rows which fit one schema fit the other one too.

mod model;
mod mutate;
mod rows;
mod spell;

use super::{Dice, Generated};
use model::Schema;

pub fn pair(dice: &mut Dice) -> Generated {
    let from = Schema::random(dice);
    let mut to = from.clone();
    for _ in 0..1 + dice.below(4) {
        mutate::mutate(dice, &mut to);
    }
    mutate::fit(&from, &mut to);
    to.settle(dice);
    Generated {
        from: spell::schema(dice, &from),
        to: spell::schema(dice, &to),
        rows: rows::rows(dice, &from, &to),
        kept: rows::kept(&from, &to),
    }
}
