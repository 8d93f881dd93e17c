//! What differs from run to run, replaced in what a run told, so that the rest can be compared.

use std::path::Path;

/// Shapes and what stands for them: `0` is a digit, `x` a hexadecimal one, everything else itself.
const SHAPES: &[(&str, &str)] = &[
    ("0000-00-00T00:00:00", "[time]"),
    ("0000-00-00 00:00:00", "[time]"),
    ("xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", "[uuid]"),
];

/// Masks times, durations, ids, versions of engines and the project's folder.
pub fn mask(text: &str, project: &Path) -> String {
    let project = project.display().to_string();
    let text = text
        .replace(project.trim_end_matches('/'), "[project]")
        .replace('\u{1b}', "[escape]");
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(letter) = rest.chars().next() {
        let found = SHAPES.iter().find(|(shape, _)| is_shaped(rest, shape));
        rest = if let Some((shape, name)) = found {
            out.push_str(name);
            let rest = &rest[shape.len()..];
            match rest.strip_prefix('.') {
                // The fraction of a second and the zone.
                Some(fraction) if *name == "[time]" => fraction
                    .trim_start_matches(|c: char| c.is_ascii_digit())
                    .trim_start_matches('Z'),
                _ => rest,
            }
        } else if let Some(after) = rest
            .strip_prefix("SQLite ")
            .filter(|after| after.starts_with(|c: char| c.is_ascii_digit()))
        {
            out.push_str("SQLite [version]");
            after.trim_start_matches(|c: char| c == '.' || c.is_ascii_digit())
        } else if let Some(after) = number_before(rest, " ms") {
            out.push_str("[ms]");
            after
        } else if let Some(after) = rest.strip_prefix("\"milliseconds\": ") {
            out.push_str("\"milliseconds\": [number]");
            after.trim_start_matches(|c: char| c.is_ascii_digit())
        } else if let Some(after) = rest.strip_prefix("\"server_version\": \"") {
            out.push_str("\"server_version\": \"[version]");
            after.trim_start_matches(|c: char| c == '.' || c.is_ascii_digit())
        } else {
            out.push(letter);
            &rest[letter.len_utf8()..]
        };
    }
    if out.contains("[ms]") {
        out.lines().map(one_gap).collect()
    } else {
        out
    }
}

fn is_shaped(text: &str, shape: &str) -> bool {
    text.len() >= shape.len()
        && std::iter::zip(text.bytes(), shape.bytes()).all(|(letter, wanted)| match wanted {
            b'0' => letter.is_ascii_digit(),
            b'x' => letter.is_ascii_hexdigit(),
            wanted => letter == wanted,
        })
}

/// What follows `12.3 ms`.
fn number_before<'t>(text: &'t str, unit: &str) -> Option<&'t str> {
    let end = text.find(|c: char| c != '.' && !c.is_ascii_digit())?;
    (end > 0).then(|| text[end..].strip_prefix(unit)).flatten()
}

/// A line of a table whose columns are as wide as a duration happened to be.
fn one_gap(line: &str) -> String {
    let mut out = String::new();
    let mut blanks = 0;
    for letter in line.chars() {
        blanks = if letter == ' ' { blanks + 1 } else { 0 };
        if blanks <= 2 {
            out.push(letter);
        }
    }
    format!("{}\n", out.trim_end())
}
