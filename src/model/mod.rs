//! Floor 0, the nouns: plain data with public fields; no I/O, no SQL, no engine.

#[doc(hidden)]
pub mod access;
#[doc(hidden)]
pub mod assertion;
#[doc(hidden)]
pub mod change;
#[doc(hidden)]
pub mod check;
pub mod code;
#[doc(hidden)]
pub mod consent;
#[doc(hidden)]
pub mod count;
pub mod diagnostic;
pub mod exit;
#[doc(hidden)]
pub mod hex;
#[doc(hidden)]
pub mod history;
#[doc(hidden)]
pub mod key;
#[doc(hidden)]
pub mod migration;
#[doc(hidden)]
pub mod name;
#[doc(hidden)]
pub mod orphan;
#[doc(hidden)]
pub mod own_key;
pub mod password;
#[doc(hidden)]
pub mod plan_file;
#[doc(hidden)]
pub mod reference;
#[doc(hidden)]
pub mod repair;
#[doc(hidden)]
pub mod schema;
#[doc(hidden)]
pub mod script;
#[doc(hidden)]
pub mod seed;
#[doc(hidden)]
pub mod server;
#[doc(hidden)]
pub mod target;
