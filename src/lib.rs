//! bird: schema as code for a system whose data lives in several databases.
//!
//! bird is a program first; this library is the program without its `main`. A command line goes
//! in, a report comes out:
//!
//! ```
//! use bird::cmd;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! let config = folder.path().join("bird.toml");
//! let migrations = folder.path().join("migrations/shop");
//! std::fs::create_dir_all(&migrations)?;
//! std::fs::write(&config, "[databases.shop]\nurl = \"sqlite:shop.db\"\n")?;
//! std::fs::write(
//!     migrations.join("V1__create_orders.sql"),
//!     "CREATE TABLE orders (id INTEGER PRIMARY KEY, total INTEGER NOT NULL);",
//! )?;
//!
//! let words = ["bird", "up", "--quiet", "--config", &config.to_string_lossy()];
//! let cli = cmd::parse(words.map(Into::into)).map_err(|_| "the command line is wrong")?;
//! let result = cmd::run(cli);
//! assert_eq!(result.exit().code(), 0);
//!
//! let report = result.result.map_err(|failure| format!("{failure:?}"))?;
//! assert_eq!(report.databases()[0]["name"], "shop");
//! # Ok(())
//! # }
//! ```
//!
//! # What is stable
//!
//! Stable, in the sense of semantic versioning, are the command line, exit codes, file formats, the
//! tables that bird writes, and the JSON documents; of this library what the example uses, which is
//! what `main` uses:
//!
//! - [`cmd::parse`] and [`cmd::run`], which give the result of a run;
//! - [`model::exit`], [`model::code`] and [`model::diagnostic`];
//! - [`output`]: the trait [`output::Report`] and the formats.
//!
//! The other modules are public because tests and benchmarks use them. They are hidden here and
//! may change in any release.
//!
//! # The map
//!
//! A module uses only modules on the floors below it; `tests/it/tidy.rs` checks that.
//!
//! | floor | modules | about |
//! |---|---|---|
//! | 3 | `cmd` | commands, one file or folder each; the only user of clap |
//! | 2 | `project`, `db` | files; databases. They do not use each other |
//! | 1 | `plan`, `diff`, `guess`, `seed`, `adopt`, `audit`, `repair` | decisions, as pure functions that do not use each other |
//! | 1 | `dialect`, `sql` | engines without a connection; SQL text |
//! | 0 | `model`, `invariant` | plain data |
//! | beside | `output`, `error` | formats; diagnostics on a terminal |
//!
//! `ARCHITECTURE.md` shows how a statement travels from its file to the server, how a column
//! travels from a catalog to DDL, the invariants, and a glossary. `CONTRIBUTING.md` has recipes.

#[doc(hidden)]
pub mod invariant;
pub mod model;

#[doc(hidden)]
pub mod sql;

#[doc(hidden)]
pub mod adopt;
#[doc(hidden)]
pub mod audit;
#[doc(hidden)]
pub mod dialect;
#[doc(hidden)]
pub mod diff;
#[doc(hidden)]
pub mod guess;
#[doc(hidden)]
pub mod plan;
#[doc(hidden)]
pub mod repair;
#[doc(hidden)]
pub mod seed;

#[doc(hidden)]
pub mod db;
#[doc(hidden)]
pub mod project;

pub mod cmd;

#[doc(hidden)]
pub mod error;
pub mod output;
