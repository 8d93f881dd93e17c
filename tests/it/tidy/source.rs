//! Rust's source text as the rules look at it: without comments, with or without strings, and
//! without the tests inside of it.

use std::fs;
use std::path::{Path, PathBuf};

/// One file.
pub struct Source {
    /// From the repository's root, with `/`.
    pub path: String,
    /// As it is.
    pub text: String,
    /// Without comments and without `#[cfg(test)]` modules; strings are empty.
    pub code: String,
    /// What stands in the strings of that code.
    pub strings: Vec<String>,
}

impl Source {
    pub fn new(path: &str, text: &str) -> Source {
        let (code, strings) = lex(text);
        let (code, strings) = without_tests(&code, strings);
        Source {
            path: path.to_owned(),
            text: text.to_owned(),
            code,
            strings,
        }
    }

    /// The names between the crate and this file: `src/db/session/mod.rs` is `["db", "session"]`.
    pub fn module(&self) -> Vec<&str> {
        let path = self.path.trim_start_matches("src/").trim_end_matches(".rs");
        let mut names: Vec<&str> = path.split('/').collect();
        if matches!(names.last(), Some(&("mod" | "lib" | "main"))) {
            names.pop();
        }
        names
    }

    /// Whether a word stands in the code.
    pub fn has_word(&self, word: &str) -> bool {
        words(&self.code).any(|found| found == word)
    }
}

/// The repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All files below a folder that end so, in order.
pub fn files(folder: &str, end: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        let entries =
            fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        for entry in entries {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(end) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The Rust files below a folder.
pub fn sources(folder: &str) -> Vec<Source> {
    let all: Vec<Source> = files(folder, ".rs")
        .iter()
        .map(|path| {
            let text = fs::read_to_string(path).expect("UTF-8");
            let path = path.strip_prefix(root()).expect("a path inside");
            Source::new(&path.to_string_lossy().replace('\\', "/"), &text)
        })
        .collect();
    assert!(!all.is_empty(), "{folder} has no source");
    all
}

/// Identifiers, keywords and numbers.
pub fn words(code: &str) -> impl Iterator<Item = &str> {
    code.split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|word| !word.is_empty())
}

/// The code, in which each string is `""` and comments are blanks, and what the strings hold.
fn lex(text: &str) -> (String, Vec<String>) {
    let (mut code, mut strings) = (String::new(), Vec::new());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            block_comment(rest)
        } else if let Some((length, body)) = string(rest, code.chars().next_back()) {
            code.push_str("\"\"");
            strings.push(body.to_owned());
            length
        } else if let Some(length) = character(rest) {
            code.push_str("' '");
            length
        } else {
            code.push(first);
            first.len_utf8()
        };
        rest = &rest[length..];
    }
    (code, strings)
}

fn block_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        match &rest.as_bytes()[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

/// A string at the beginning: its length and its body. `before` tells `r"` from `for"`.
fn string(rest: &str, before: Option<char>) -> Option<(usize, &str)> {
    let inside_word = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let prefix = rest.len() - rest.trim_start_matches(['b', 'c', 'r']).len();
    if prefix > 2 || (prefix > 0 && inside_word) {
        return None;
    }
    let (letters, quoted) = rest.split_at(prefix);
    let hashes = quoted.len() - quoted.trim_start_matches('#').len();
    let body = quoted[hashes..].strip_prefix('"')?;
    let start = prefix + hashes + 1;
    if letters.contains('r') {
        let end = format!("\"{}", "#".repeat(hashes));
        let length = body.find(&end)?;
        return Some((start + length + end.len(), &body[..length]));
    }
    if hashes > 0 {
        return None;
    }
    let mut escaped = false;
    let end = body.find(|c| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    })?;
    Some((start + end + 1, &body[..end]))
}

/// The length of a character literal; a lifetime is none.
fn character(rest: &str) -> Option<usize> {
    let body = rest.strip_prefix('\'')?;
    let mut chars = body.char_indices();
    if chars.next()?.1 == '\\' {
        chars.next();
        let close = chars.find(|(_, c)| *c == '\'')?;
        return Some(close.0 + 2);
    }
    let (at, close) = chars.next()?;
    (close == '\'').then_some(at + 2)
}

/// Cuts the modules out that are compiled for tests alone.
fn without_tests(code: &str, strings: Vec<String>) -> (String, Vec<String>) {
    let (mut kept, mut rest) = (String::new(), code);
    let mut strings = strings.into_iter();
    let mut left = Vec::new();
    let count = |code: &str| code.matches("\"\"").count();
    while let Some(at) = rest.find("#[cfg(test)]") {
        let (before, test) = rest.split_at(at);
        kept.push_str(before);
        left.extend(strings.by_ref().take(count(before)));
        let end = item_end(test);
        strings.by_ref().take(count(&test[..end])).for_each(drop);
        rest = &test[end..];
    }
    kept.push_str(rest);
    left.extend(strings);
    (kept, left)
}

/// Where an item ends: at its closing brace, or at its semicolon.
fn item_end(code: &str) -> usize {
    let mut depth = 0;
    for (at, c) in code.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 1 => return at + 1,
            '}' => depth -= 1,
            ';' if depth == 0 => return at + 1,
            _ => {}
        }
    }
    code.len()
}

#[test]
fn comments_strings_and_tests_are_told_apart() {
    let source = Source::new(
        "src/db/session/mod.rs",
        r##"//! sqlx::docs
use std::fmt; // "no string"
/* nested /* comment */ with "quotes" */
fn f<'a>(x: &'a str) -> char { let r = "say \"mysql\" // here"; '"' }
const RAW: &str = r#"a "postgres" b"#; const B: &[u8] = b"sqlite";
const QUOTE: char = '\''; const BACK: char = '\\'; const END: &str = "";
#[cfg(test)]
mod tests { use sqlx; const IN: &str = "hidden { brace"; fn g() { } }
fn after() { sqlx_like(); "kept"; }
"##,
    );
    assert_eq!(
        source.strings,
        [
            "say \\\"mysql\\\" // here",
            "a \"postgres\" b",
            "sqlite",
            "",
            "kept"
        ]
    );
    assert!(source.has_word("after") && source.has_word("sqlx_like"));
    for gone in ["sqlx", "nested", "docs", "tests", "here", "g"] {
        assert!(!source.has_word(gone), "{gone} in {}", source.code);
    }
    assert_eq!(source.module(), ["db", "session"]);
}
