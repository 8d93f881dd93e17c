//! Breaks text into lines that fit, between words where that is possible. The only user of textwrap.

use textwrap::{Options, WordSplitter};

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
