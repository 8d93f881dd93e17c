//! Text that may come from a hostile database, made harmless for the place where it is shown.

/// For a terminal: nothing that moves the cursor, colours, hides or reverses. Line feeds and tabs
/// stay where `lines` allows them.
pub fn terminal(text: &str, lines: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        let shown = match letter {
            '\n' | '\t' => lines,
            _ => !is_hostile(letter),
        };
        match shown {
            true => out.push(letter),
            false => out.extend(letter.escape_unicode()),
        }
    }
    out
}

fn is_hostile(letter: char) -> bool {
    letter.is_control()
        || matches!(
            letter,
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
        )
}

/// For a cell or a line of Markdown.
pub fn markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in terminal(text, false).chars() {
        if matches!(
            letter,
            '|' | '`' | '*' | '_' | '<' | '>' | '[' | ']' | '\\' | '#'
        ) {
            out.push('\\');
        }
        out.push(letter);
    }
    out
}

/// A fence that the text cannot close.
pub fn fence(text: &str) -> String {
    let longest = text
        .split(|letter| letter != '`')
        .map(str::len)
        .max()
        .unwrap_or(0);
    "`".repeat(longest.max(2) + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_is_shown_not_obeyed() {
        assert_eq!(
            terminal("a\x1b[2Jb\u{202e}c", true),
            "a\\u{1b}[2Jb\\u{202e}c"
        );
        assert_eq!(terminal("größe 😀", false), "größe 😀");
        assert_eq!(terminal("a\nb", false), "a\\u{a}b");
        assert_eq!(markdown("a|b\n<script>"), "a\\|b\\\\u{a}\\<script\\>");
        assert_eq!(fence("x ```` y"), "`````");
    }
}
