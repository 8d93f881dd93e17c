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

/// The parameter of PostgreSQL's URLs with a password.
const PARAMETER: &str = "password=";

/// The range of a password among the parameters of a URL.
fn in_parameters(url: &str) -> Option<std::ops::Range<usize>> {
    let mut at = url.find('?')? + 1;
    for pair in url.get(at..)?.split('&') {
        let name = pair.get(..PARAMETER.len());
        if name.is_some_and(|name| name.eq_ignore_ascii_case(PARAMETER)) {
            let value = at + PARAMETER.len()..at + pair.len();
            let text = url.get(value.clone())?;
            return (!text.is_empty() && !text.starts_with("${")).then_some(value);
        }
        at += pair.len() + 1;
    }
    None
}

/// Whether a URL has its password in its text, not in a variable.
pub fn has_password(url: &str) -> bool {
    in_parameters(url).is_some() || in_account(url)
}

fn in_account(url: &str) -> bool {
    let account = url.split_once("://").and_then(|(_, rest)| {
        let (account, _) = rest.rsplit_once('@')?;
        Some(account)
    });
    let password = account.and_then(|account| account.split_once(':'));
    password.is_some_and(|(_, password)| !password.is_empty() && !password.starts_with("${"))
}

/// A URL with the password in its text replaced by a variable; as it is if it has none.
pub fn without_password(url: &str, variable: &str) -> String {
    let mut url = url.to_owned();
    if let Some(value) = in_parameters(&url) {
        url.replace_range(value, &format!("${{{variable}}}"));
    }
    let Some((scheme, rest)) = url.split_once("://").filter(|_| in_account(&url)) else {
        return url;
    };
    let account = rest.rsplit_once('@');
    let parts = account.and_then(|(account, place)| Some((account.split_once(':')?.0, place)));
    match parts {
        Some((user, place)) => format!("{scheme}://{user}:${{{variable}}}@{place}"),
        None => url,
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
        assert!(has_password("postgres://h/db?user=u&Password=secret"));
        assert!(!has_password("postgres://h/db?user=u&password=${P}"));
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
            (
                "postgres://h/db?user=u&password=s&x=1",
                "postgres://h/db?user=u&password=${P}&x=1",
            ),
        ] {
            assert_eq!(without_password(url, "P"), expected);
        }
    }
}
