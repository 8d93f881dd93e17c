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
        if shown {
            out.push(letter)
        } else {
            out.extend(letter.escape_unicode())
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

/// For XML between tags: what XML cannot hold is replaced.
pub fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in terminal(text, true).chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            letter => out.push(letter),
        }
    }
    out
}

/// For XML between quotes, where a reader makes blanks of line feeds and tabs.
pub fn xml_attribute(text: &str) -> String {
    xml(text).replace('\n', "&#10;").replace('\t', "&#9;")
}

/// For the message of a workflow command: it stays on its line.
pub fn workflow_data(text: &str) -> String {
    let text = terminal(text, true).replace('%', "%25");
    text.replace('\r', "%0D").replace('\n', "%0A")
}

/// For a property of a workflow command, which ends at a comma or a colon.
pub fn workflow_property(text: &str) -> String {
    workflow_data(text).replace(':', "%3A").replace(',', "%2C")
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
        assert_eq!(xml("a<&\u{0}\u{ffff}\n"), "a&lt;&amp;\\u{0}\u{fffd}\n");
        assert_eq!(xml_attribute("\"\n"), "&quot;&#10;");
        assert_eq!(
            workflow_data("100%\r\n::error::x"),
            "100%25\\u{d}%0A::error::x"
        );
        assert_eq!(workflow_property("C:\\a,b"), "C%3A\\a%2Cb");
    }
}
