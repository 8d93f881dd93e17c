//! Defaults of a server, a session and a database, without which definitions cannot be read.

use std::collections::HashMap;

use super::super::MySql;
use crate::dialect::Literals;
use crate::dialect::catalog::{Rows, SchemaLocation};
use crate::dialect::mysql::ddl::{text, utf8mb3};
use crate::model::schema::Family;

/// The defaults of a server and a session, without which its definitions cannot be read.
#[derive(Debug)]
pub struct ServerDefaults<'w> {
    pub database: &'w str,
    /// The account that reads, as DEFINER writes it.
    pub account: String,
    /// The SQL mode in which the session creates objects.
    pub mode: String,
    /// The character set in which the session sends objects, and the collation of their literals.
    pub client: String,
    pub connection: String,
    /// The default collation of each character set.
    collations: HashMap<String, String>,
}

/// Asks for the account, the mode and the character set of the session, and the collations of
/// character sets.
pub const QUESTIONS: &[(&str, usize)] = &[
    (
        "SELECT CURRENT_USER(), @@SESSION.sql_mode, @@SESSION.character_set_client, \
                @@SESSION.collation_connection",
        4,
    ),
    (
        "SELECT CHARACTER_SET_NAME, DEFAULT_COLLATE_NAME FROM information_schema.CHARACTER_SETS",
        2,
    ),
];

impl<'w> ServerDefaults<'w> {
    /// Reads the rows of [`QUESTIONS`].
    pub fn new(place: &SchemaLocation<'w>, answers: &[Rows]) -> ServerDefaults<'w> {
        let cell = |at: usize| {
            let row = answers.first().and_then(|answer| answer.first());
            row.and_then(|row| row.get(at).cloned().flatten())
                .unwrap_or_default()
        };
        let pairs = answers.get(1).into_iter().flatten();
        let pairs = pairs.filter_map(|row| match row.as_slice() {
            [Some(charset), Some(collation)] => Some((utf8mb3(charset), utf8mb3(collation))),
            _ => None,
        });
        let (name, host) = split_account(&cell(0));
        ServerDefaults {
            database: place.database,
            account: account(&name, &host),
            mode: cell(1),
            client: utf8mb3(&cell(2)),
            connection: utf8mb3(&cell(3)),
            collations: pairs.collect(),
        }
    }

    pub fn collation(&self, name: &str) -> String {
        utf8mb3(name)
    }

    /// The default collation of a character set.
    pub fn usual_collation(&self, charset: &str) -> String {
        let found = self.collations.get(charset);
        found.cloned().unwrap_or_else(|| charset.to_owned())
    }

    /// A definition without the own database's name.
    pub fn own(&self, text: &str) -> String {
        text::without_own(text, self.database)
    }

    pub fn quote(&self, name: &str) -> String {
        MySql.quote(name)
    }

    pub fn family(&self, sql: &str) -> Family {
        MySql.family(sql)
    }
}

/// Splits `root@localhost` into its two parts; the name may contain `@`.
fn split_account(account: &str) -> (String, String) {
    let (name, host) = account.rsplit_once('@').unwrap_or((account, "%"));
    (name.to_owned(), host.to_owned())
}

/// An account as a definition writes it.
pub fn account(name: &str, host: &str) -> String {
    format!("{}@{}", MySql.quote(name), MySql.quote(host))
}
