//! What becomes of a statement that a run left in doubt, beside the cases in `tests/cases/recovery`.

mod account;
mod failing;
mod proof;
