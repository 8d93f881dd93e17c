//! What the reading of definitions needs to know of the server and the database that they are
//! from.

use std::collections::HashMap;

use super::super::MySql;
use crate::dialect::Literals;
use crate::dialect::catalog::{Rows, SchemaLocation};
use crate::dialect::mysql::ddl::{cursor, utf8mb3};
use crate::model::schema::Family;

/// The defaults of a server and a session, without which its definitions cannot be read.
#[derive(Debug)]
pub struct ServerDefaults<'w> {
    pub database: &'w str,
    /// The account that reads, as it stands behind DEFINER.
    pub account: String,
    /// The SQL mode in which the session makes things.
    pub mode: String,
    /// The collation of a character set where none is named.
    collations: HashMap<String, String>,
}

/// Asks for the account, the mode of the session, and the collations of character sets.
pub const QUESTIONS: &[(&str, usize)] = &[
    ("SELECT CURRENT_USER(), @@SESSION.sql_mode", 2),
    (
        "SELECT CHARACTER_SET_NAME, DEFAULT_COLLATE_NAME FROM information_schema.CHARACTER_SETS",
        2,
    ),
];

impl<'w> ServerDefaults<'w> {
    /// From the answers to [`QUESTIONS`].
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
            collations: pairs.collect(),
        }
    }

    pub fn collation(&self, name: &str) -> String {
        utf8mb3(name)
    }

    /// The collation that a character set has where none is named.
    pub fn usual_collation(&self, charset: &str) -> String {
        let found = self.collations.get(charset);
        found.cloned().unwrap_or_else(|| charset.to_owned())
    }

    /// A definition without the own database's name.
    pub fn own(&self, text: &str) -> String {
        cursor::without_own(text, self.database)
    }

    pub fn quote(&self, name: &str) -> String {
        MySql.quote(name)
    }

    pub fn family(&self, sql: &str) -> Family {
        MySql.family(sql)
    }
}

/// `root@localhost` in its two parts; the name may contain the sign.
fn split_account(account: &str) -> (String, String) {
    let (name, host) = account.rsplit_once('@').unwrap_or((account, "%"));
    (name.to_owned(), host.to_owned())
}

/// An account as it stands in a definition.
pub fn account(name: &str, host: &str) -> String {
    format!("{}@{}", MySql.quote(name), MySql.quote(host))
}
