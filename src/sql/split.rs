//! The splitter: cuts a file into statements, which are sent one by one.

use super::body::{Body, BodyToken};
use super::lex::{self, Kind, Lexer, Places, Token};
use super::syntax::Syntax;
use crate::model::script::{Fault, Statement};

/// The statements of a text.
///
/// # Errors
///
/// The first quote, comment or body that is never closed, or the first command for a client program.
pub fn split(syntax: &Syntax, text: &str) -> Result<Vec<Statement>, Fault> {
    let mut statements = Vec::new();
    walk(syntax, text, &mut |event| {
        if let Event::Statement(statement) = event {
            statements.push(statement);
        }
    })?;
    Ok(statements)
}

/// A part of a text that [`walk`] reports, in the order of the text.
#[derive(Debug)]
pub(crate) enum Event {
    /// White space outside of statements.
    Blank(Token),
    /// A comment, and whether it stands inside a statement.
    Comment(Token, bool),
    /// The first token of a statement.
    Begin,
    /// A statement that is complete.
    Statement(Statement),
    /// A delimiter, or a line that changes the delimiter.
    Separator,
}

/// Goes through a text once and reports its parts.
pub(crate) fn walk(
    syntax: &Syntax,
    text: &str,
    report: &mut dyn FnMut(Event),
) -> Result<(), Fault> {
    let mut walk = Walk {
        syntax,
        text,
        lexer: Lexer::new(syntax, text),
        places: Places::new(text),
        open: None,
        report,
    };
    while let Some(token) = walk.lexer.next() {
        walk.take(token?)?;
    }
    walk.finish()
}

struct Walk<'a, 't> {
    syntax: &'a Syntax,
    text: &'a str,
    lexer: Lexer<'a>,
    places: Places<'a>,
    open: Option<Open<'a>>,
    report: &'t mut dyn FnMut(Event),
}

/// The statement that has begun.
struct Open<'a> {
    start: usize,
    /// The offset behind the last token that certainly belongs to the statement.
    end: usize,
    body: Body,
    parens: usize,
    /// The text of the last token.
    before: &'a str,
    /// Whether it begins with COPY, which may read rows from the file itself.
    copies: bool,
}

impl<'a> Walk<'a, '_> {
    fn take(&mut self, token: Token) -> Result<(), Fault> {
        match token.kind {
            Kind::Blank if self.open.is_none() => (self.report)(Event::Blank(token)),
            Kind::Blank => {}
            Kind::Comment => (self.report)(Event::Comment(token, self.open.is_some())),
            // A hint before the first token of a statement has no effect.
            Kind::Hint if self.open.is_none() => (self.report)(Event::Comment(token, false)),
            Kind::Terminator => return self.terminator(),
            Kind::Symbol if self.word(token) == ";" => return self.semicolon(),
            _ => return self.code(token),
        }
        Ok(())
    }

    fn word(&self, token: Token) -> &'a str {
        self.text.get(token.start..token.end).unwrap_or_default()
    }

    /// Handles the current delimiter. A delimiter of the user's own ends every open body.
    fn terminator(&mut self) -> Result<(), Fault> {
        if self.lexer.delimiter() == ";" {
            return self.semicolon();
        }
        if !self.lexer.conditional() {
            self.close();
        }
        Ok(())
    }

    fn semicolon(&mut self) -> Result<(), Fault> {
        let conditional = self.lexer.conditional();
        let own = self.lexer.delimiter() != ";";
        let holds = self.syntax.lexis.parentheses_hold;
        let ends = self.open.as_mut().is_none_or(|open| {
            open.before = ";";
            let ends = open.body.semicolon();
            let held = conditional || holds && open.parens > 0 || own && open.body.program();
            ends && !held
        });
        if ends {
            self.close();
        }
        Ok(())
    }

    fn code(&mut self, token: Token) -> Result<(), Fault> {
        self.refuse(token)?;
        if self.delimiter_line(token)? {
            return Ok(());
        }
        let text = self.word(token);
        if self.open.is_none() {
            (self.report)(Event::Begin);
        }
        let bodies = self.syntax.lexis.bodies;
        let open = self.open.get_or_insert_with(|| Open {
            start: token.start,
            end: token.end,
            body: Body::new(bodies),
            parens: 0,
            before: "",
            copies: text.eq_ignore_ascii_case("COPY"),
        });
        open.end = token.end;
        if token.kind == Kind::Conditional {
            return Ok(());
        }
        match text {
            "(" => open.parens += 1,
            // The server reports an unmatched parenthesis.
            ")" => open.parens = open.parens.saturating_sub(1),
            _ => {}
        }
        let piece = BodyToken {
            kind: token.kind,
            text,
            start: token.start,
            before: open.before,
        };
        open.body.take(piece);
        let reads = open.copies
            && open.before.eq_ignore_ascii_case("FROM")
            && text.eq_ignore_ascii_case("STDIN");
        open.before = text;
        if reads && self.syntax.lexis.inline_data {
            Err(self.inline_data(token))
        } else {
            Ok(())
        }
    }

    /// Ends the open statement, if there is one.
    fn close(&mut self) {
        if let Some(open) = self.open.take() {
            let place = self.places.at(open.start);
            (self.report)(Event::Statement(Statement::new(
                open.start..open.end,
                place,
            )));
        }
        (self.report)(Event::Separator);
    }

    /// Ends the text. The last terminator may be missing, the end of a body may not.
    fn finish(&mut self) -> Result<(), Fault> {
        let unclosed = self.open.as_ref().and_then(|open| open.body.open());
        if let Some(start) = unclosed {
            let rest = self.text.get(start..).unwrap_or_default();
            let word = rest
                .find(|letter: char| !letter.is_alphanumeric())
                .unwrap_or(rest.len());
            let hint = if self.syntax.lexis.delimiter_lines {
                "close every block, or put a DELIMITER line before the statement"
            } else {
                "close the body with END and a semicolon"
            };
            return Err(self.fault(
                start,
                start + word,
                "the body that begins here has no END",
                hint,
            ));
        }
        if self.open.is_some() {
            self.close();
        }
        Ok(())
    }

    fn fault(&self, start: usize, end: usize, message: &str, hint: &str) -> Fault {
        lex::fault(self.text, start..end, message, Some(hint))
    }

    /// Whether an offset is the first on its line that is not blank.
    fn begins_line(&self, at: usize) -> bool {
        let before = self.text.get(..at).unwrap_or_default();
        let line = before.trim_end_matches([' ', '\t', '\r', '\u{b}', '\u{c}', '\u{feff}']);
        line.is_empty() || line.ends_with('\n')
    }
}

/// Commands of the engine's own client, which bird executes or rejects.
impl<'a> Walk<'a, '_> {
    /// Passes a `DELIMITER` line, if this token begins one.
    fn delimiter_line(&mut self, token: Token) -> Result<bool, Fault> {
        let known = self.syntax.lexis.delimiter_lines
            && token.kind == Kind::Word
            && !self.lexer.conditional();
        if !known || !self.word(token).eq_ignore_ascii_case("DELIMITER") {
            return Ok(false);
        }
        let rest = self.text.get(token.end..).unwrap_or_default();
        let line = rest.split('\n').next().unwrap_or_default();
        if !line.is_empty() && !line.starts_with([' ', '\t', '\r']) {
            return Ok(false);
        }
        if self.open.is_some() && !(self.begins_line(token.start) && unmistakable(line.trim())) {
            return Ok(false);
        }
        let delimiter = self.delimiter(token, line)?;
        self.finish()?;
        self.lexer.delimit(delimiter, token.end + line.len());
        (self.report)(Event::Separator);
        Ok(true)
    }

    /// The delimiter that a line names.
    fn delimiter(&self, token: Token, line: &'a str) -> Result<&'a str, Fault> {
        let end = token.end + line.trim_end().len();
        let fault = |message, hint| Err(self.fault(token.start, end, message, hint));
        let mut words = line.split_whitespace();
        let Some(delimiter) = words.next() else {
            return fault(
                "DELIMITER needs a delimiter",
                "write one after it: DELIMITER //",
            );
        };
        if delimiter.contains('\\') {
            return fault("a delimiter cannot contain a backslash", "use // or $$");
        }
        // The client silently truncates longer ones, and then they match somewhere else.
        if delimiter.len() > 15 {
            return fault("a delimiter has at most 15 bytes", "use // or $$");
        }
        let commented = words
            .next()
            .is_none_or(|word| word.starts_with("--") || word.starts_with('#'));
        if !commented {
            return fault(
                "the line has text after the delimiter",
                "begin a new line after the delimiter",
            );
        }
        Ok(delimiter)
    }

    /// Rejects a command that only a client program understands.
    fn refuse(&self, token: Token) -> Result<(), Fault> {
        let client = &self.syntax.lexis.client;
        let begins = self.open.is_none();
        let text = self.word(token);
        let rest = self.text.get(token.end..).unwrap_or_default();
        let (name, end) = match token.kind {
            Kind::Symbol if text.starts_with(client.sign) && (begins || client.anywhere) => {
                let name = command(rest);
                (name, token.end + name.len())
            }
            Kind::Word
                if begins && rest.starts_with([' ', '\t']) && self.begins_line(token.start) =>
            {
                let Some(word) = client
                    .words
                    .iter()
                    .find(|word| text.eq_ignore_ascii_case(word))
                else {
                    return Ok(());
                };
                (*word, token.end)
            }
            _ => return Ok(()),
        };
        if client.language.contains(&name) {
            return Ok(());
        }
        let written = self.text.get(token.start..end).unwrap_or_default();
        let special = client.hints.iter().find(|(names, _)| names.contains(&name));
        let hint = special.map_or(client.hint, |(_, hint)| hint);
        let message = format!(
            "`{written}` is a command of the {} client, not SQL",
            client.program
        );
        Err(self.fault(token.start, end, &message, hint))
    }

    fn inline_data(&self, token: Token) -> Fault {
        let start = self.open.as_ref().map_or(token.start, |open| open.start);
        let message = format!(
            "`COPY … FROM STDIN` makes the {} client read data from the file",
            self.syntax.lexis.client.program
        );
        self.fault(
            start,
            token.end,
            &message,
            "write the rows as INSERT statements",
        )
    }
}

/// The name of a command behind its sign: letters, or one other character.
fn command(rest: &str) -> &str {
    let first = rest.chars().next().filter(|first| !first.is_whitespace());
    let letters = rest
        .find(|letter: char| !letter.is_alphanumeric() && letter != '_')
        .unwrap_or(rest.len());
    rest.get(..letters.max(first.map_or(0, char::len_utf8)))
        .unwrap_or_default()
}

/// Whether this is certainly a delimiter: in a statement, the word DELIMITER could be a column.
fn unmistakable(delimiter: &str) -> bool {
    matches!(delimiter, ";" | ";;" | "//" | "$$")
}
