//! Parses a database's URL to a target, without ever showing the text.

use std::path::{Path, PathBuf};
use std::time::Duration;

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

/// Whether a parameter has an effect; an error if no client knows it.
fn known_parameter(key: &str, dialect: &dyn Dialect) -> Result<bool, Wrong> {
    let known = dialect.facts().parameters;
    if known.contains(&key) {
        return Ok(true);
    }
    if dialect.facts().unused_parameters.contains(&key) {
        return Ok(false);
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
    let mut names = url.query_pairs();
    let named = names.find(|(key, _)| key.eq_ignore_ascii_case("dbname"));
    let path = decode(url.path().trim_start_matches('/'))?;
    let database = match named {
        Some((_, name)) if path.is_empty() || name == path => name.into_owned(),
        Some(_) => {
            let message = "the URL names two databases: in its path and as `dbname`";
            return wrong(message, "keep one of them");
        }
        None => path,
    };
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
        parameters: Box::default(),
    };
    let mut asked = AskedTls::default();
    let mut seen = Vec::new();
    for (written, value) in url.query_pairs() {
        let mut key = written.to_ascii_lowercase();
        // Java's driver writes it in one word.
        if key == "sslmode" && dialect.facts().parameters.contains(&"ssl-mode") {
            key = "ssl-mode".to_owned();
        }
        if !known_parameter(&key, dialect)? {
            target.parameters.unused.push(written.into_owned());
            continue;
        }
        if seen.contains(&key) {
            return wrong(format!("the URL has `{key}` twice"), "keep one of them");
        }
        parameter(&key, &value, root, &mut target, &mut asked)?;
        seen.push(key);
    }
    let here = target.socket.is_some() || is_loopback(&target.host);
    // A certificate authority implies verification.
    let default = if here && target.ca.is_none() {
        Tls::Local
    } else {
        Tls::VerifyFull
    };
    target.tls = match asked.strict.or(asked.mode).or(asked.switch) {
        Some(Tls::Required) if target.ca.is_some() => Tls::VerifyCa,
        Some(asked) => asked,
        None => default,
    };
    Ok(target)
}

/// What the parameters of a URL ask of TLS: the first that is given counts, whatever their order.
#[derive(Default)]
struct AskedTls {
    /// The authorities of the system serve only with full verification.
    strict: Option<Tls>,
    mode: Option<Tls>,
    switch: Option<Tls>,
}

/// Sets what a parameter says.
fn parameter(
    key: &str,
    value: &str,
    root: &Path,
    target: &mut ServerTarget,
    asked: &mut AskedTls,
) -> Result<(), Wrong> {
    let path = || Some(root.join(value));
    match key {
        "ssl-mode" | "sslmode" => asked.mode = Some(tls(value)?),
        "ssl" | "tls" | "usessl" | "requiressl" | "sslaccept" => {
            asked.switch = Some(switch(key, value)?);
        }
        "ssl-ca" | "sslrootcert" if value == "system" => asked.strict = Some(Tls::VerifyFull),
        "ssl-ca" | "sslrootcert" => target.ca = path(),
        "ssl-cert" | "sslcert" => target.certificate = path(),
        "ssl-key" | "sslkey" => target.key = path(),
        "host" if value.starts_with('/') => target.socket = Some(PathBuf::from(value)),
        "host" => value.clone_into(&mut target.host),
        // The certificate is checked by the name, so that the address serves only in its place.
        "hostaddr" if target.host == "localhost" => value.clone_into(&mut target.host),
        "hostaddr" => target.parameters.unused.push(key.to_owned()),
        "port" => match value.parse() {
            Ok(port) => target.port = port,
            Err(_) => return wrong("the URL's `port` is not a port", "write a number, as 5432"),
        },
        "user" => target.user = Some(value.to_owned()),
        "password" => target.password = Some(SecretString::from(value.to_owned())),
        "dbname" => {}
        "application_name" => target.parameters.application = Some(value.to_owned()),
        "options" => target.parameters.session_options = Some(value.to_owned()),
        "connect_timeout" | "connect-timeout" => match value.parse::<i64>() {
            // As for libpq, nothing below one second is a limit.
            Ok(seconds) => {
                let seconds = u64::try_from(seconds).unwrap_or_default();
                target.parameters.connect_timeout =
                    (seconds > 0).then(|| Duration::from_secs(seconds));
            }
            Err(_) => {
                let message = format!("the URL's `{key}` is not a number of seconds");
                return wrong(message, "write a number, as 10");
            }
        },
        _ => target.socket = Some(PathBuf::from(value)),
    }
    Ok(())
}

/// Parses the words by which drivers switch TLS on and off.
fn switch(key: &str, value: &str) -> Result<Tls, Wrong> {
    let value = value.to_ascii_lowercase();
    match (key, value.replace(' ', "").as_str()) {
        ("ssl" | "usessl" | "requiressl", "true" | "1") => Ok(Tls::Required),
        (_, "true" | "1" | "strict" | "{\"rejectunauthorized\":true}") => Ok(Tls::VerifyFull),
        (_, "false" | "0") if key != "requiressl" => Ok(Tls::Off),
        (_, "preferred" | "false" | "0") => Ok(Tls::Preferred),
        (_, "skip-verify" | "accept_invalid_certs" | "{\"rejectunauthorized\":false}") => {
            Ok(Tls::Required)
        }
        _ => wrong(
            format!("the URL has an unknown value of `{key}`"),
            "write ssl-mode=disabled, preferred, required, verify_ca or verify_identity instead",
        ),
    }
}

/// Parses the modes of both server engines, in any case, with `-` or `_`.
fn tls(word: &str) -> Result<Tls, Wrong> {
    match word.to_ascii_lowercase().replace('_', "-").as_str() {
        "disabled" | "disable" => Ok(Tls::Off),
        // Not encrypted, unless the server takes no such login.
        "allow" => Ok(Tls::Local),
        "preferred" | "prefer" => Ok(Tls::Preferred),
        "required" | "require" => Ok(Tls::Required),
        "verify-ca" => Ok(Tls::VerifyCa),
        "verify-identity" | "verify-full" => Ok(Tls::VerifyFull),
        _ => wrong(
            "the URL has an unknown TLS mode",
            "MySQL: disabled, preferred, required, verify_ca, verify_identity; \
             PostgreSQL: disable, allow, prefer, require, verify-ca, verify-full",
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
            "postgres://u:p@h/ums?dbname=hunter2",
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
    fn urls_are_taken_as_hosting_companies_hand_them_out() {
        let unused = |url: &str| server_of(url).parameters.unused.join(" ");
        for (url, tls, without_effect) in [
            (
                "postgresql://u:p@h.neon.tech/db?sslmode=require&channel_binding=require",
                Tls::Required,
                "channel_binding",
            ),
            (
                "postgres://u:p@h/db?sslmode=allow&target_session_attrs=read-write",
                Tls::Local,
                "target_session_attrs",
            ),
            (
                "postgres://u:p@h:6543/postgres?pgbouncer=true&connection_limit=1",
                Tls::VerifyFull,
                "pgbouncer connection_limit",
            ),
            (
                "postgres://u:p@h/db?sslrootcert=system&sslnegotiation=direct",
                Tls::VerifyFull,
                "sslnegotiation",
            ),
            (
                "postgres://u:p@h/db?sslmode=require&sslrootcert=ca.pem",
                Tls::VerifyCa,
                "",
            ),
            ("postgres://u:p@h/db?ssl=true", Tls::Required, ""),
            (
                "postgres://u:p@h/db?sslmode=verify-full&ssl=true",
                Tls::VerifyFull,
                "",
            ),
            (
                "postgres://u:p@h/db?ssl=true&sslmode=verify-full",
                Tls::VerifyFull,
                "",
            ),
            (
                "postgres://u:p@h/db?sslrootcert=system&sslmode=require",
                Tls::VerifyFull,
                "",
            ),
            ("postgres://u:p@h/db?DBNAME=db", Tls::VerifyFull, ""),
            (
                "mysql://u:p@h/db?ssl-mode=REQUIRED&charset=utf8mb4",
                Tls::Required,
                "charset",
            ),
            ("mysql://u:p@h/db?sslaccept=strict", Tls::VerifyFull, ""),
            (
                "mysql://u:p@h/db?ssl={%22rejectUnauthorized%22:true}",
                Tls::VerifyFull,
                "",
            ),
            (
                "mysql://u:p@h/db?useSSL=false&serverTimezone=UTC&allowPublicKeyRetrieval=true",
                Tls::Off,
                "serverTimezone allowPublicKeyRetrieval",
            ),
            (
                "mysql://u:p@h/db?tls=skip-verify&parseTime=true",
                Tls::Required,
                "parseTime",
            ),
            ("mysql://u:p@h/db?sslMode=VERIFY_CA", Tls::VerifyCa, ""),
        ] {
            assert_eq!(server_of(url).tls, tls, "{url}");
            assert_eq!(unused(url), without_effect, "{url}");
        }
    }

    #[test]
    fn parameters_stand_for_parts_of_the_url() {
        let server = server_of(
            "postgresql:///?host=db.example.com&port=5433&user=u&dbname=ums&application_name=ci\
             &options=-c%20work_mem%3D8MB&connect_timeout=7",
        );
        assert_eq!(
            (server.host.as_str(), server.port),
            ("db.example.com", 5433)
        );
        assert_eq!(server.user.as_deref(), Some("u"));
        assert_eq!(server.database, "ums");
        assert_eq!(server.parameters.application.as_deref(), Some("ci"));
        assert_eq!(
            server.parameters.session_options.as_deref(),
            Some("-c work_mem=8MB")
        );
        assert_eq!(
            server.parameters.connect_timeout,
            Some(Duration::from_secs(7))
        );
        for url in [
            "postgres://h/ums?port=x",
            "postgres://h/ums?connect_timeout=soon",
            "mysql://h/ums?tls=custom",
            "postgres://h/ums?nonsense=1",
        ] {
            assert!(parsed(url).is_err(), "{url}");
        }
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
