//! # bird: schema as code for a system whose data lives in several databases
//!
//! bird **reads** a project, **asks** its databases, **thinks** about the answers, **acts** if
//! told to, and **shows** one report. Each verb is a place below; data goes through them in that
//! order and never back.
//!
//! ```text
//!   bird.toml + migrations/        databases
//!         │ read                       │ ask
//!         ▼                            ▼
//!   Project, Migration         History, Schema, rows
//!         └─────────────┬──────────────┘
//!                       ▼ think (pure)
//!   Standing · Plan · Difference · Merge · seed::Action
//!                       ▼ act (provision, adopt, migrate, undo, seed, repair)
//!                     Report
//!                       ▼ show
//!    table │ json │ sql │ markdown │ github │ junit
//! ```
//!
//! ## The floors
//!
//! A floor uses only the floors below it.
//!
//! | floor | rooms | what it may touch |
//! |---|---|---|
//! | 0, nouns | [`model`] | plain data: no I/O, no SQL, no engine |
//! | 1, thought | [`dialect`]; then [`plan`], [`diff`], [`seed`], [`adopt`], [`audit`], [`repair`], which may use it but never each other | pure functions over nouns |
//! | 2, the world | [`project`] (files; the only user of toml), [`db`] (databases; sqlx in `db::session`, refinery in `db::history`) | I/O; the two don't use each other |
//! | 3, verbs | [`cmd`], one file per command (the only user of clap) | everything |
//! | beside | [`output`] (formats; comfy-table in `output::table`), [`error`] | nouns |
//!
//! A schema comes from a source (`cmd::source`): a live database, or files that were replayed in a
//! shadow ([`db::shadow`]). [`diff`] tells two schemas apart and knows no engine: what is the same
//! was made equal when it was read ([`dialect::catalog`]), and the same place writes the statements
//! that lead from one to the other. `cmd::source::compare` tries them in a shadow before anybody sees them.
//!
//! A reference that crosses databases is read as keys: bytes that are equal and ordered alike on
//! every engine ([`model::key`], [`dialect::keys`]). [`audit`] merges them and confirms what it
//! finds, `cmd::audit` drives that over live databases, [`repair`] and `cmd::repair` take orphans out
//! as a plan says.
//!
//! ## Invariants
//!
//! `tests/it/tidy.rs` proves those that a machine can prove.
//!
//! - An engine is a pure half (a [`dialect::Dialect`]) and a live half (an arm of
//!   [`db::session::Session`]). No engine is named outside of these two places.
//! - The plan exists before the first write, for all databases; `--dry-run` prints it. If any
//!   database would be refused, none is written.
//! - The lock is held by the connection that runs the statements, whose session is proven to be
//!   nobody else's, and a statement goes alone in its round trip: a server outlives its client.
//! - Where no transaction holds a file, a statement commits with its journal row, or has its intent
//!   in the journal before it is sent ([`db::apply`]); nothing is guessed from an error or from
//!   silence, only from what the database shows.
//! - Looking commands open their databases so that the engine itself refuses a write.
//! - Commands return a report, plain data; one line in `main` renders it. Nothing else prints,
//!   but for [`output::progress`], which speaks on stderr.
//! - What bird cannot read of a schema for certain is named and compared as the server prints it;
//!   what it cannot write is said to be impossible. Nothing is left out silently.
//! - Every child is read before its parents, and every candidate again, child, parent, child, before
//!   it is called an orphan ([`audit`]); rows are taken out in chunks that commit with their journal
//!   row, and what is taken out is kept.
//! - Nothing that is replayed in a shadow reaches past it ([`dialect::containment`]).
//! - What comes from outside is an error with words, never a panic: a hand-edited history row, a
//!   file that is not UTF-8, a URL that is none.
//! - A secret is never shown: targets, config files and statements are drawn without them.
//!
//! Deliberately absent: an ORM, a daemon, plug-ins, `cfg` features per engine, templates inside
//! SQL, calls of the engines' own tools.
//!
//! ## Reading order
//!
//! [`model::migration`], [`model::history`], [`plan`], [`dialect`], [`dialect::recovery`],
//! [`db::apply`], `cmd::migrate`; then [`model::schema`], [`mod@diff`], [`dialect::catalog`],
//! `cmd::source::compare`, `cmd::diff`; then [`model::key`], [`audit`], `cmd::audit`, [`repair`].

pub mod invariant;
pub mod model;

pub mod sql;

pub mod adopt;
pub mod audit;
pub mod dialect;
pub mod diff;
pub mod plan;
pub mod repair;
pub mod seed;

pub mod db;
pub mod project;

pub mod cmd;

pub mod error;
pub mod output;
