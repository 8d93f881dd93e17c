//! Unified diff of two texts, with a bounded number and length of lines.

use std::time::{Duration, Instant};

use similar::TextDiff;

/// The most lines of a diff, and the most characters of a line.
const LINES: usize = 30;
const WIDTH: usize = 160;
/// The time after which the comparison may become coarser.
const PATIENCE: Duration = Duration::from_millis(300);

/// A unified diff from the applied text to the file's. Line endings are ignored: an editor that
/// changed all of them would hide the one line that matters.
pub fn difference(applied: &str, file: &str) -> String {
    let (old, new) = (plain(applied), plain(file));
    let diff = TextDiff::configure()
        .deadline(Instant::now() + PATIENCE)
        .diff_lines(old.as_str(), new.as_str());
    let mut unified = diff.unified_diff();
    let unified = unified.context_radius(2).missing_newline_hint(false);
    let mut lines = vec![
        "--- as it was applied".to_owned(),
        "+++ the file".to_owned(),
    ];
    let mut more = 0;
    for hunk in unified.iter_hunks() {
        let header = hunk.header().to_string();
        let changes = hunk.iter_changes().map(|change| {
            let line = change.value().trim_end_matches('\n');
            format!("{}{line}", change.tag())
        });
        for line in std::iter::once(header).chain(changes) {
            if lines.len() < LINES {
                lines.push(cut(&line))
            } else {
                more += 1
            }
        }
    }
    if lines.len() == 2 {
        return "only line endings differ, but some of them are inside a string".into();
    }
    if more > 0 {
        // One line makes room for this one.
        lines.pop();
        lines.push(format!("… and {} more lines", more + 1));
    }
    lines.join("\n")
}

/// The text without a byte order mark, with `\n` at the end of every line.
fn plain(text: &str) -> String {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut plain = text.replace("\r\n", "\n").replace('\r', "\n");
    if !plain.ends_with('\n') {
        plain.push('\n');
    }
    plain
}

fn cut(line: &str) -> String {
    match line.char_indices().nth(WIDTH) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_shown() {
        let diff = difference("\u{feff}a\r\nb\r\nc\r\n", "a\nB\nc");
        assert!(diff.contains("\n-b\n+B\n"), "{diff}");
        assert!(!diff.contains("-a"), "{diff}");
        assert!(difference("'a\r\n'", "'a\n'").contains("line endings"));
    }

    #[test]
    fn much_is_bounded() {
        let many =
            |word: &str| (0..5000).fold(String::new(), |all, at| format!("{all}{word}{at}\n"));
        let diff = difference(&many("old"), &many("new"));
        assert_eq!(diff.lines().count(), LINES);
        assert!(diff.ends_with("… and 9974 more lines"), "{diff}");
        let long = difference(&"ä".repeat(100_000), "b");
        assert!(long.len() < 1000, "{} bytes", long.len());
    }
}
