//! The format that an engine's own client runs as it is. What is not SQL stands in comments.

use std::io::{self, IsTerminal, Write};

use super::escape::terminal;

/// Writes a script. On a terminal hostile characters are shown; in a file or a pipe the text is
/// what the client must get, to the byte.
pub fn render(script: &str, to: &mut dyn Write) -> io::Result<()> {
    if io::stdout().is_terminal() {
        to.write_all(terminal(script, true).as_bytes())
    } else {
        to.write_all(script.as_bytes())
    }
}
