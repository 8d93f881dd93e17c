//! Markers of other tools in the comments of a migration: which of their migrations it holds.

use std::cmp::Ordering;

use super::{Tool, VersionStep};
use crate::sql::Syntax;
use crate::sql::lex::{Kind, Lexer};
use crate::sql::split::split;

/// The markers in a text.
#[derive(Default)]
pub struct Markers {
    /// The versions that it names: `-- flyway: 1.2, 1.3`.
    pub foreign_versions: Vec<String>,
    /// The steps that the tool itself wrote into it.
    pub steps: Vec<VersionStep>,
    /// The comment that begins the down section, if statements follow it.
    pub down_section: Option<std::ops::Range<usize>>,
}

/// Reads the markers in the comments of a text.
pub fn read(tool: &Tool, syntax: &Syntax, text: &str) -> Markers {
    let mut markers = Markers::default();
    let tokens = Lexer::new(syntax, text).map_while(Result::ok);
    for token in tokens.filter(|token| token.kind == Kind::Comment) {
        let comment = text.get(token.start..token.end).unwrap_or_default();
        let Some(line) = comment.strip_prefix("--").or(comment.strip_prefix('#')) else {
            continue;
        };
        let line = line.trim();
        if let Some(list) = named(tool, line) {
            let names = list
                .split(',')
                .map(str::trim)
                .filter(|name| is_version(name));
            markers.foreign_versions.extend(names.map(str::to_owned));
        }
        if let Some(step) = tool.step.and_then(|read| read(line)) {
            markers.foreign_versions.extend(step.to.iter().cloned());
            markers.steps.push(step);
        }
        let begins = tool.down_marker.is_some_and(|way| line.starts_with(way));
        if begins && markers.down_section.is_none() && has_statements(syntax, text, token.end) {
            markers.down_section = Some(token.start..token.start + comment.trim_end().len());
        }
    }
    markers
}

/// The text after `flyway:`.
fn named<'l>(tool: &Tool, line: &'l str) -> Option<&'l str> {
    line.strip_prefix(tool.name)?.strip_prefix(':')
}

/// Whether a text is a version, not a sentence that begins with the name of a tool.
fn is_version(name: &str) -> bool {
    let script = name.ends_with(".sql");
    !name.is_empty() && (script || !name.contains(char::is_whitespace))
}

fn has_statements(syntax: &Syntax, text: &str, from: usize) -> bool {
    let statements = split(syntax, text).unwrap_or_default();
    statements
        .iter()
        .any(|statement| statement.range.start >= from)
}

/// A text without the lines that only bird needs: the tool made its checksum of this.
pub fn without_remarks(tool: &Tool, text: &str) -> String {
    let is_remark = |line: &str| {
        let comment = line.trim_start().strip_prefix("--").map(str::trim);
        comment.is_some_and(|line| line.starts_with("bird:") || named(tool, line).is_some())
    };
    let lines = text.split_inclusive('\n').filter(|line| !is_remark(line));
    lines.collect()
}

/// Compares two versions part by part if all parts are numbers, else as texts.
pub fn compare(one: &str, other: &str) -> Ordering {
    let (Some(mut left), Some(mut right)) = (parts(one), parts(other)) else {
        return one.cmp(other);
    };
    let longest = left.len().max(right.len());
    left.resize(longest, "");
    right.resize(longest, "");
    let by_size = |part: &&str| (part.len(), (*part).to_owned());
    left.iter().map(by_size).cmp(right.iter().map(by_size))
}

/// The numbers of a version without leading zeros: `1` and `2` for `1.02`; `None` if a part is not a
/// number.
fn parts(version: &str) -> Option<Vec<&str>> {
    let parts = version.split(['.', '_']);
    let digits = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let parts: Vec<&str> = parts.collect();
    let whole = parts.iter().all(digits);
    whole.then(|| {
        parts
            .iter()
            .map(|part| part.trim_start_matches('0'))
            .collect()
    })
}

/// Whether two texts are the same version.
pub fn same(one: &str, other: &str) -> bool {
    one == other || compare(&plain(one), &plain(other)) == Ordering::Equal
}

/// A version without dashes if it has only digits besides.
fn plain(version: &str) -> String {
    let dated = version
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'-');
    if dated {
        version.replace('-', "")
    } else {
        version.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adopt::{alembic, dbmate, flyway};
    use crate::dialect::DIALECTS;

    #[test]
    fn versions_compare_by_their_parts() {
        for (one, order, other) in [
            ("1.2", Ordering::Less, "1.10"),
            ("1.0", Ordering::Equal, "1"),
            ("001", Ordering::Equal, "1"),
            ("2_1", Ordering::Equal, "2.1"),
            (
                "99999999999999999999",
                Ordering::Greater,
                "9999999999999999999",
            ),
            ("0", Ordering::Less, "0.1"),
            ("abc", Ordering::Less, "abd"),
        ] {
            assert_eq!(compare(one, other), order, "{one} {other}");
        }
        assert!(same("2026-05-05-120000", "20260505120000"));
        assert!(!same("1975ea83b712", "1975EA83B712"));
        assert!(!same("1.2", "12"));
    }

    #[test]
    fn comments_name_originals_and_sentences_do_not() {
        for dialect in DIALECTS {
            let read = |tool, text| read(tool, dialect.syntax(), text).foreign_versions;
            let text = "-- flyway: 1.2, 1.3\n-- flyway: R__all views.sql\n-- flyway:2\n\
                        -- flyway: was here before\n-- flywayx: 3\nSELECT '-- flyway: 4';\n";
            assert_eq!(
                read(&flyway::TOOL, text),
                ["1.2", "1.3", "R__all views.sql", "2"]
            );
            let text = "-- Running upgrade  -> a1\n-- Running upgrade a1, b2 -> c3, merge\n\
                        -- alembic: d4\n";
            assert_eq!(read(&alembic::TOOL, text), ["a1", "c3", "d4"]);
        }
    }

    #[test]
    fn a_way_back_counts_where_statements_follow() {
        for dialect in DIALECTS {
            let read = |text: &str| read(&dbmate::TOOL, dialect.syntax(), text).down_section;
            let up = "-- migrate:up\nSELECT 1;\n";
            assert_eq!(read(&format!("{up}-- migrate:down\n")), None);
            assert!(read(&format!("{up}-- migrate:down\nSELECT 2;\n")).is_some());
        }
    }

    #[test]
    fn remarks_are_taken_out_line_by_line() {
        let text = "-- flyway: 1\r\n-- bird: no-transaction\n-- flyways\nSELECT 1;\r\n";
        assert_eq!(
            without_remarks(&flyway::TOOL, text),
            "-- flyways\nSELECT 1;\r\n"
        );
    }
}
