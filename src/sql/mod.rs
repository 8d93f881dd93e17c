//! SQL text: tokens, statements, script files, and the secrets in them. Knows a [`Syntax`], no
//! dialect.

pub(super) mod body;
pub mod cursor;
pub mod lex;
pub mod name;
pub mod script;
pub(super) mod secrets;
pub mod split;
pub mod syntax;
mod token;

pub use cursor::Cursor;
pub use name::Name;
pub use syntax::Syntax;
