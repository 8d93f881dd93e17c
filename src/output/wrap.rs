//! Breaks text into lines that fit, between words where that is possible. The only user of textwrap.

use std::io;

use terminal_size::{Height, Width, terminal_size_of};
use textwrap::{Options, WordSplitter};

/// The columns of the terminal that shows stdout, else of the variable COLUMNS; without a limit where
/// neither is known.
pub fn stdout_width() -> usize {
    width(terminal_size_of(io::stdout()))
}

/// The same of stderr.
pub fn stderr_width() -> usize {
    width(terminal_size_of(io::stderr()))
}

fn width(terminal: Option<(Width, Height)>) -> usize {
    if let Some((Width(width), _)) = terminal.filter(|(width, _)| width.0 > 0) {
        return usize::from(width);
    }
    let columns = std::env::var("COLUMNS").ok();
    let columns = columns.and_then(|columns| columns.parse().ok());
    columns.filter(|columns| *columns > 0).unwrap_or(usize::MAX)
}

/// The lines of a text, each at most so wide; the second and later ones begin with `indent`. A word
/// is broken only if it is wider than a line.
pub fn wrap(text: &str, limit: usize, indent: &str) -> Vec<String> {
    let options = Options::new(limit)
        .subsequent_indent(indent)
        // An option such as `--dry-run` is one word.
        .word_splitter(WordSplitter::NoHyphenation);
    let lines = textwrap::wrap(text, options);
    lines.into_iter().map(String::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words() {
        assert_eq!(wrap("ums: 3 pending", 80, "  "), ["ums: 3 pending"]);
        assert_eq!(
            wrap("one two three four", 9, "  "),
            ["one two", "  three", "  four"]
        );
        assert_eq!(wrap("  a  b", 80, ""), ["  a  b"]);
        assert_eq!(wrap("", 80, "  "), [""]);
        assert_eq!(
            wrap("run it with --dry-run first", 17, ""),
            ["run it with", "--dry-run first"]
        );
    }

    #[test]
    fn a_word_that_is_too_wide_is_broken() {
        assert_eq!(wrap("ab cdefgh", 4, ""), ["ab", "cdef", "gh"]);
        assert_eq!(wrap("日本語", 4, ""), ["日本", "語"]);
        assert_eq!(wrap("abc", 1, "  ").concat().replace(' ', ""), "abc");
    }
}
