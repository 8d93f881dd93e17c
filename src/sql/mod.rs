//! SQL text: tokens, statements, script files, and the secrets in them. Knows a syntax, no dialect.

pub(super) mod body;
pub mod cursor;
pub mod lex;
pub mod script;
pub(super) mod secrets;
pub mod split;
