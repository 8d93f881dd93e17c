//! Text that may come from a hostile database, made harmless for the place where it is shown.

/// For a terminal or a log: nothing that moves the cursor, colours, hides or reverses, and nothing
/// that a build server would obey. Line feeds and tabs stay where `lines` allows them.
pub fn terminal(text: &str, lines: bool) -> String {
    escaped(text, lines, true)
}

/// The text with what is hostile escaped; `commands` are those to build servers.
fn escaped(text: &str, lines: bool, commands: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before = None;
    for (at, letter) in text.char_indices() {
        let shown = match letter {
            '\n' | '\t' => lines,
            ':' if commands => !begins_workflow_command(before, &text[at..]),
            '#' if commands => !begins_log_command(&text[at..]),
            _ => !is_hostile(letter),
        };
        if shown {
            out.push(letter)
        } else {
            out.extend(letter.escape_unicode())
        }
        before = Some(letter);
    }
    out
}

/// A text below which another line may stand: its later lines are indented.
pub fn indented(text: &str) -> String {
    terminal(text, true).replace('\n', "\n  ")
}

/// A JSON text, by its escapes without hostile characters: they occur in strings only.
pub fn json(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, letter) in text.char_indices() {
        let hostile = match letter {
            '\n' => false,
            '#' => begins_log_command(&text[at..]),
            _ => is_hostile(letter),
        };
        if hostile {
            let mut units = [0; 2];
            for unit in letter.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(letter);
        }
    }
    out
}

/// Whether this is `::name`, which GitHub obeys where a line begins with it, blanks aside. A line may
/// begin at every blank.
fn begins_workflow_command(before: Option<char>, rest: &str) -> bool {
    let mut next = rest.chars().skip_while(|letter| *letter == ':');
    rest.starts_with("::")
        && before.is_none_or(|before| before.is_whitespace() || is_hostile(before))
        && next
            .next()
            .is_some_and(|letter| letter.is_ascii_alphabetic())
}

/// Whether this is `##[`, `##vso[` or `##teamcity[`, which build servers obey anywhere in a line.
fn begins_log_command(rest: &str) -> bool {
    let Some(rest) = rest.strip_prefix("##") else {
        return false;
    };
    let mut after = rest.chars().skip_while(char::is_ascii_alphabetic);
    after.next() == Some('[')
}

/// Whether a character is not itself visible and changes how others are shown: all of Unicode's
/// control and format characters, separators of lines, and letters that are drawn as nothing.
fn is_hostile(letter: char) -> bool {
    letter.is_control()
        || matches!(
            letter,
            '\u{ad}'
                | '\u{34f}'
                | '\u{600}'..='\u{605}'
                | '\u{61c}'
                | '\u{6dd}'
                | '\u{70f}'
                | '\u{890}'..='\u{891}'
                | '\u{8e2}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{110bd}'
                | '\u{110cd}'
                | '\u{13430}'..='\u{1343f}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e007f}'
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

/// For the message of a workflow command: it stays on its line, in which no other command begins.
pub fn workflow_data(text: &str) -> String {
    let text = escaped(text, true, false).replace('%', "%25");
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
        assert_eq!(
            json("\"\u{9b}##[x] \u{e0041}\""),
            "\"\\u009b\\u0023#[x] \\udb40\\udc41\""
        );
    }

    #[test]
    fn every_control_format_and_bidi_character_is_escaped_everywhere() {
        use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};
        for letter in '\0'..=char::MAX {
            let acts = matches!(
                letter.general_category(),
                GeneralCategory::Control
                    | GeneralCategory::Format
                    | GeneralCategory::LineSeparator
                    | GeneralCategory::ParagraphSeparator
            );
            if !acts {
                continue;
            }
            let text = letter.to_string();
            let shown = [
                terminal(&text, false),
                markdown(&text),
                json(&serde_json::Value::from(text.as_str()).to_string()),
                workflow_data(&text),
                workflow_property(&text),
            ];
            for shown in shown {
                assert!(!shown.contains(letter) || (letter == '\t'), "{shown:?}");
            }
            let lines = [terminal(&text, true), indented(&text), xml(&text)];
            for shown in lines {
                assert!(
                    !shown.contains(letter) || "\n\t".contains(letter),
                    "{shown:?}"
                );
            }
            assert!(!xml_attribute(&text).contains(letter), "{letter:?}");
        }
    }

    #[test]
    fn no_line_is_a_command_to_a_build_server() {
        for text in [
            "::add-mask::x",
            "a\n::add-mask::x",
            "a\n \t::stop-commands::x",
            "a\u{85}::error::x",
            "a\n:::error::x",
            "##[add-mask]x",
            "a ##vso[task.setvariable variable=x]y",
            "a ##teamcity[buildStatus text='x']",
        ] {
            for shown in [terminal(text, true), indented(text), terminal(text, false)] {
                assert!(!shown.contains("##"), "{shown}");
                let mut lines = shown.lines();
                assert!(
                    !lines.any(|line| line.trim_start().starts_with("::")),
                    "{shown}"
                );
            }
        }
        for text in ["a::text", "'1'::int", "## [Unreleased]", "bird::cmd"] {
            assert_eq!(terminal(text, true), text);
        }
    }
}
