//! Passwords in URLs, taken out of texts that are shown.

use std::borrow::Cow;

/// What stands for a password.
const MASK: &str = "***";

/// The parameters of a URL that are passwords.
const PARAMETERS: [&str; 3] = ["password=", "passwd=", "sslpassword="];

/// A text in which the password of each URL is masked. A URL may be mistyped, in any way, and stand in
/// quotes, which are its end even where it has blanks.
pub fn masked(text: &str) -> Cow<'_, str> {
    if !text.contains('@')
        && !text.contains("://")
        && !PARAMETERS.iter().any(|name| text.contains(name))
    {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, word, after)) = next_word(rest) {
        out.push_str(before);
        out.push_str(&without_parameters(&without_account(word)));
        rest = after;
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// The next word that may be a URL, with the text before and behind it. Between quotes of a URL
/// everything is one word.
fn next_word(text: &str) -> Option<(&str, &str, &str)> {
    let is_end = |letter: char| letter.is_whitespace() || "`'\"".contains(letter);
    let start = text.find(|letter| !is_end(letter))?;
    let rest = &text[start..];
    let mut end = rest.find(is_end).unwrap_or(rest.len());
    let quote = text[..start].chars().next_back();
    let quote = quote.filter(|quote| "`'\"".contains(*quote));
    if let Some(quote) = quote.filter(|_| rest[..end].contains(':')) {
        end = rest.find(quote).unwrap_or(end);
    }
    Some((&text[..start], &rest[..end], &rest[end..]))
}

/// The word without the password of `scheme://user:password@host`, `scheme:user:password@host`.
fn without_account(word: &str) -> Cow<'_, str> {
    let parts = || {
        let (scheme, rest) = word.split_once(':')?;
        let rest = rest.trim_start_matches('/');
        let head = &word[..word.len() - rest.len()];
        let Some((account, host)) = rest.rsplit_once('@') else {
            // The text was cut at the `@`; behind a host there are digits.
            let (user, password) = rest.split_once(':').filter(|_| head.ends_with("://"))?;
            let is_port = password
                .split('/')
                .next()?
                .chars()
                .all(|c| c.is_ascii_digit());
            let is_secret = !is_port && !password.starts_with("${") && !user.contains('/');
            return is_secret.then(|| format!("{head}{user}:{MASK}"));
        };
        let (user, password) = account.split_once(':')?;
        let is_secret = !password.is_empty() && !password.starts_with("${");
        let is_account = !user.contains('/') && !scheme.contains('@');
        (is_secret && is_account).then(|| format!("{head}{user}:{MASK}@{host}"))
    };
    parts().map_or(Cow::Borrowed(word), Cow::Owned)
}

/// The word without passwords among the parameters of its URL.
fn without_parameters(word: &str) -> String {
    let mut out = String::with_capacity(word.len());
    let mut parts = word.split_inclusive(['?', '&']);
    out.extend(parts.next());
    for part in parts {
        match PARAMETERS.iter().find(|name| part.starts_with(**name)) {
            Some(name) if !part[name.len()..].starts_with("${") => {
                out.push_str(name);
                out.push_str(MASK);
                if part.ends_with('&') {
                    out.push('&');
                }
            }
            _ => out.push_str(part),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn no_password_of_a_url_is_left() {
        for (text, expected) in [
            (
                "no database `postgres://app:hunter2@db/shop`",
                "no database `postgres://app:***@db/shop`",
            ),
            ("mysql://app:a@b:c/d@h/x y", "mysql://app:***@h/x y"),
            ("'mysql://app:two words@h/x' no", "'mysql://app:***@h/x' no"),
            (
                "/here/postgres:/app:pw@h/db",
                "/here/postgres:/app:***@h/db",
            ),
            ("mysql:root:pw@h/db", "mysql:root:***@h/db"),
            (
                "postgres://h/db?password=pw&x=1",
                "postgres://h/db?password=***&x=1",
            ),
            ("--to=pg://:pw@h", "--to=pg://:***@h"),
            ("`postgres://app:pw`", "`postgres://app:***`"),
        ] {
            assert_eq!(masked(text), expected);
        }
    }

    #[test]
    fn other_text_stays() {
        for text in [
            "postgres://app:${PASSWORD}@db/shop",
            "mysql://app@db:3306/shop",
            "http://db:9090/metrics and sqlite://C:/x.db",
            "Access denied for user 'app'@'localhost' (using password: YES)",
            "write to git@example.com:shop.git",
            "V1__a.sql:3:4: `a@b`",
            "file:///srv/a:b@c",
        ] {
            assert_eq!(masked(text), text);
        }
    }
}
