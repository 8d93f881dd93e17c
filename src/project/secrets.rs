//! Finds files with a password that other users may read.

use std::path::PathBuf;

use super::{Database, Project};
use crate::model::target::Target;

/// The place where the text of a URL was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// In a variable, or in the config without a password in it.
    Elsewhere,
    /// In the config, password included.
    Config,
    /// In a file of its own.
    File(PathBuf),
}

/// Whether a URL has its password in its text, not in a variable.
pub fn has_password(url: &str) -> bool {
    let account = url.split_once("://").and_then(|(_, rest)| {
        let (account, _) = rest.rsplit_once('@')?;
        Some(account)
    });
    let password = account.and_then(|account| account.split_once(':'));
    password.is_some_and(|(_, password)| !password.is_empty() && !password.starts_with("${"))
}

/// A URL with the password in its text replaced by a variable; as it is if it has none.
pub fn without_password(url: &str, variable: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://").filter(|_| has_password(url)) else {
        return url.to_owned();
    };
    let account = rest.rsplit_once('@');
    let parts = account.and_then(|(account, place)| Some((account.split_once(':')?.0, place)));
    match parts {
        Some((user, place)) => format!("{scheme}://{user}:${{{variable}}}@{place}"),
        None => url.to_owned(),
    }
}

impl Project {
    /// The file with a database's password, and its mode if others than its owner may read it; `None` if
    /// no file has one.
    pub fn secret(&self, database: &Database) -> Option<(String, Option<u32>)> {
        let path = match &database.written {
            Written::Elsewhere => return None,
            Written::Config => &self.config,
            Written::File(path) => path,
        };
        let has_password =
            matches!(&database.target, Target::Server(server) if server.password.is_some());
        has_password.then(|| (self.shown(path), open_to_others(path)))
    }
}

#[cfg(unix)]
fn open_to_others(path: &std::path::Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(path).ok()?.permissions().mode() & 0o777;
    (mode & 0o044 != 0).then_some(mode)
}

#[cfg(not(unix))]
fn open_to_others(_path: &std::path::Path) -> Option<u32> {
    None
}

#[cfg(test)]
mod tests {
    use super::{has_password, without_password};

    #[test]
    fn a_password_is_seen_where_it_stands() {
        assert!(has_password("mysql://app:secret@host/db"));
        assert!(has_password("mysql://app:se:c@ret@host/db"));
        assert!(!has_password("mysql://app:${PASSWORD}@host/db"));
        assert!(!has_password("mysql://app@host/db"));
        assert!(!has_password("sqlite:data/ums.db"));
    }

    #[test]
    fn a_password_is_replaced_by_a_variable() {
        for (url, expected) in [
            (
                "mysql://app:se:c@ret@host/db?x=1",
                "mysql://app:${P}@host/db?x=1",
            ),
            (
                "mysql://app:${PASSWORD}@host/db",
                "mysql://app:${PASSWORD}@host/db",
            ),
            ("mysql://app@host/db", "mysql://app@host/db"),
        ] {
            assert_eq!(without_password(url, "P"), expected);
        }
    }
}
