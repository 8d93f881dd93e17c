//! Parses a database's URL to a target, without ever showing the text.

use std::path::{Path, PathBuf};

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use secrecy::SecretString;
use url::Url;

use crate::dialect::{self, Dialect};
use crate::model::name::did_you_mean;
use crate::model::target::{FileTarget, ServerTarget, Target, Tls, is_loopback};

/// The error for a text that is not a URL of a database. It never contains the text.
#[derive(Debug, PartialEq, Eq)]
pub struct Wrong {
    pub message: String,
    pub hint: Option<String>,
}

fn wrong<T>(message: impl Into<String>, hint: impl Into<String>) -> Result<T, Wrong> {
    Err(Wrong {
        message: message.into(),
        hint: Some(hint.into()),
    })
}

const PASSWORD_HINT: &str = "in user and password `@`, `/`, `:`, `#`, `?` and `%` are written \
     %40, %2F, %3A, %23, %3F and %25; a \"${VARIABLE}\" there is taken literally";

/// Replaces `${NAME}` by environment variables. Inside user and password a value is literal, so that
/// no secret needs to be percent-encoded.
pub fn expand(text: &str, variable: impl Fn(&str) -> Option<String>) -> Result<String, Wrong> {
    let account_end = text.find("://").and_then(|start| {
        let rest = &text[start + 3..];
        rest[..rest.find('/').unwrap_or(rest.len())]
            .rfind('@')
            .map(|at| start + 3 + at)
    });
    let mut out = String::new();
    let mut at = 0;
    while let Some(start) = text[at..].find("${").map(|found| at + found) {
        out.push_str(&text[at..start]);
        let Some(end) = text[start..].find('}').map(|found| start + found) else {
            return wrong("`${` has no `}`", "write ${NAME}");
        };
        let name = &text[start + 2..end];
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return wrong(
                "`${…}` does not contain the name of a variable",
                "write ${NAME}",
            );
        }
        let Some(value) = variable(name) else {
            return wrong(
                format!("the environment variable {name} is not set"),
                format!("set {name}, or give the whole URL in BIRD_<DATABASE>_URL"),
            );
        };
        if account_end.is_some_and(|account| start < account) {
            out.extend(utf8_percent_encode(&value, NON_ALPHANUMERIC));
        } else {
            out.push_str(&value);
        }
        at = end + 1;
    }
    out.push_str(&text[at..]);
    Ok(out)
}

/// Parses a URL. Relative paths start from `root`.
pub fn parse(text: &str, root: &Path) -> Result<(&'static dyn Dialect, Target), Wrong> {
    let text = text.trim();
    let Some((scheme, rest)) = text.split_once(':') else {
        return wrong("the URL has no scheme", schemes());
    };
    let Some(dialect) = dialect::by_scheme(&scheme.to_ascii_lowercase()) else {
        // Without `://` the text before the colon may be anything, even a user name.
        let near = rest
            .starts_with("//")
            .then(|| did_you_mean(scheme, all_schemes()))
            .flatten();
        return wrong(
            "the URL has an unknown scheme",
            near.unwrap_or_else(schemes),
        );
    };
    let target = match dialect.facts().port {
        None => Target::File(file(rest, root, dialect)?),
        Some(port) => Target::Server(server(text, port, root, dialect)?),
    };
    Ok((dialect, target))
}

fn all_schemes() -> impl Iterator<Item = &'static str> {
    dialect::DIALECTS
        .iter()
        .flat_map(|dialect| dialect.facts().schemes.iter().copied())
}

fn schemes() -> String {
    let all: Vec<String> = all_schemes().map(|scheme| format!("`{scheme}:`")).collect();
    format!("a URL begins with {}", all.join(", "))
}

fn file(rest: &str, root: &Path, dialect: &dyn Dialect) -> Result<FileTarget, Wrong> {
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let mut read_only = false;
    for (key, value) in url::form_urlencoded::parse(query.as_bytes()) {
        known_parameter(&key, dialect)?;
        read_only = match value.as_ref() {
            "ro" => true,
            "rw" | "rwc" => false,
            _ => return wrong("the URL's `mode` must be ro, rw or rwc", "leave it out"),
        };
    }
    let Ok(path) = percent_decode_str(path).decode_utf8() else {
        return wrong("the URL's path is not UTF-8", "percent-encode it");
    };
    if path.is_empty() || path == ":memory:" || path.contains('\0') {
        return wrong(
            "the URL names no file",
            "an in-memory database would be lost after the run: write sqlite:data/ums.db",
        );
    }
    Ok(FileTarget {
        path: root.join(path.as_ref()),
        shown: path.into_owned(),
        read_only,
    })
}

fn known_parameter(key: &str, dialect: &dyn Dialect) -> Result<(), Wrong> {
    let known = dialect.facts().parameters;
    if known.contains(&key) {
        return Ok(());
    }
    // A `?` in a password makes its second half look like a parameter: only a plain word is shown.
    let plain = key.len() <= 40
        && key
            .chars()
            .all(|c| c.is_ascii_alphabetic() || "-_".contains(c));
    let shown = if plain {
        format!(" `{key}`")
    } else {
        String::new()
    };
    let hint = did_you_mean(key, known.iter().copied()).filter(|_| plain);
    wrong(
        format!("the URL has an unknown parameter{shown}"),
        hint.unwrap_or_else(|| format!("the parameters are {}", known.join(", "))),
    )
}

fn server(
    text: &str,
    port: u16,
    root: &Path,
    dialect: &dyn Dialect,
) -> Result<ServerTarget, Wrong> {
    let url = match Url::parse(text) {
        Ok(url) => url,
        Err(reason) => return wrong(format!("the URL is malformed: {reason}"), PASSWORD_HINT),
    };
    if !url.has_authority() || url.fragment().is_some() {
        return wrong("the URL is malformed", PASSWORD_HINT);
    }
    let decode = |text: &str| match percent_decode_str(text).decode_utf8() {
        Ok(text) => Ok(text.into_owned()),
        Err(_) => wrong("a part of the URL is not UTF-8", PASSWORD_HINT),
    };
    let database = decode(url.path().trim_start_matches('/'))?;
    if database.is_empty() || database.contains('/') {
        let scheme = dialect.facts().name;
        return wrong(
            "the URL names no database",
            format!("add the database's name: {scheme}://user@host:{port}/name"),
        );
    }
    let mut target = ServerTarget {
        host: url
            .host_str()
            .filter(|host| !host.is_empty())
            .unwrap_or("localhost")
            .to_owned(),
        port: url.port().unwrap_or(port),
        socket: None,
        user: Some(decode(url.username())?).filter(|user| !user.is_empty()),
        password: url
            .password()
            .map(decode)
            .transpose()?
            .map(SecretString::from),
        database,
        tls: Tls::Local,
        ca: None,
        certificate: None,
        key: None,
    };
    let mut asked = None;
    let mut seen = Vec::new();
    for (key, value) in url.query_pairs() {
        known_parameter(&key, dialect)?;
        if seen.contains(&key) {
            return wrong(format!("the URL has `{key}` twice"), "keep one of them");
        }
        let path = || Some(root.join(value.as_ref()));
        match key.as_ref() {
            "ssl-mode" | "sslmode" => asked = Some(tls(&value)?),
            "ssl-ca" | "sslrootcert" => target.ca = path(),
            "ssl-cert" | "sslcert" => target.certificate = path(),
            "ssl-key" | "sslkey" => target.key = path(),
            "host" if !value.starts_with('/') => target.host = value.clone().into_owned(),
            _ => target.socket = Some(PathBuf::from(value.as_ref())),
        }
        seen.push(key);
    }
    let here = target.socket.is_some() || is_loopback(&target.host);
    // A certificate authority implies verification.
    let default = if here && target.ca.is_none() {
        Tls::Local
    } else {
        Tls::VerifyFull
    };
    target.tls = asked.unwrap_or(default);
    Ok(target)
}

/// Parses the modes of both server engines, in any case, with `-` or `_`.
fn tls(word: &str) -> Result<Tls, Wrong> {
    match word.to_ascii_lowercase().replace('_', "-").as_str() {
        "disabled" | "disable" => Ok(Tls::Off),
        "preferred" | "prefer" => Ok(Tls::Preferred),
        "required" | "require" => Ok(Tls::Required),
        "verify-ca" => Ok(Tls::VerifyCa),
        "verify-identity" | "verify-full" => Ok(Tls::VerifyFull),
        _ => wrong(
            "the URL has an unknown TLS mode",
            "MySQL: disabled, preferred, required, verify_ca, verify_identity; \
             PostgreSQL: disable, prefer, require, verify-ca, verify-full",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Target, Wrong> {
        parse(text, Path::new("/project")).map(|(_, target)| target)
    }

    fn server_of(text: &str) -> ServerTarget {
        match parsed(text) {
            Ok(Target::Server(server)) => server,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn another_host_is_verified_unless_the_url_says_otherwise() {
        for (url, tls) in [
            ("mysql://u@db.example.com/ums", Tls::VerifyFull),
            ("postgres://u@db.example.com/ums", Tls::VerifyFull),
            (
                "mysql://u@db.example.com/ums?ssl-mode=REQUIRED",
                Tls::Required,
            ),
            (
                "postgres://u@db.example.com/ums?sslmode=prefer",
                Tls::Preferred,
            ),
            ("mysql://u@localhost/ums", Tls::Local),
            ("postgres://u@[::1]/ums", Tls::Local),
            (
                "postgres://u@127.0.0.2/ums?sslmode=verify-full",
                Tls::VerifyFull,
            ),
            ("postgres:///ums?host=/run/postgresql", Tls::Local),
        ] {
            assert_eq!(server_of(url).tls, tls, "{url}");
        }
    }

    #[test]
    fn no_error_contains_a_part_of_the_url() {
        for url in [
            "mysql://root:hunter2#x@h/ums",
            "mysql://root:hunter2/x@h/ums",
            "mysql://root:x?hunter2@h/ums",
            "root:hunter2@h/ums",
            "hunter2",
            "hunter2://root@h/ums",
            "mysql://root:hunter2@h:port/ums",
            "mysql://root:hunter2@h",
            "mysql:root:hunter2@h/ums",
            "postgres://u:hunter2@h/ums?hunter2!=1",
            "postgres://u:p@h/ums?sslmode=hunter2",
            "sqlite:x.db?mode=hunter2",
            "mysql://root:hunter2@[::1/ums",
        ] {
            let wrong = parsed(url).expect_err(url);
            assert!(
                !format!("{wrong:?}").contains("hunter2"),
                "{url}: {wrong:?}"
            );
        }
    }

    #[test]
    fn a_variable_in_the_account_is_taken_literally() {
        let variable = |name: &str| (name == "PASSWORD").then(|| "p@ss/w:rd%".to_owned());
        let text = expand("mysql://root:${PASSWORD}@h/ums", variable).expect("expanded");
        let password = server_of(&text).password.expect("a password");
        assert_eq!(
            secrecy::ExposeSecret::expose_secret(&password),
            "p@ss/w:rd%"
        );
        assert!(expand("mysql://${NOPE}@h/ums", variable).is_err());
        assert!(expand("${", variable).is_err());
    }

    #[test]
    fn unknown_parameters_are_errors_with_a_suggestion() {
        let wrong = parsed("mysql://u@h/ums?ssl_mode=VERIFY_IDENTITY").expect_err("unknown");
        assert_eq!(wrong.hint.as_deref(), Some("did you mean `ssl-mode`?"));
    }

    #[test]
    fn sqlite_paths_are_relative_to_the_project() {
        for (url, path) in [
            ("sqlite:data/ums.db", "/project/data/ums.db"),
            ("sqlite://data/ums.db", "/project/data/ums.db"),
            ("sqlite:///var/ums.db", "/var/ums.db"),
            ("sqlite:a%20b.db?mode=rwc", "/project/a b.db"),
        ] {
            match parsed(url) {
                Ok(Target::File(file)) => assert_eq!(file.path, Path::new(path)),
                other => panic!("{url}: {other:?}"),
            }
        }
        assert!(parsed("sqlite::memory:").is_err());
    }
}
