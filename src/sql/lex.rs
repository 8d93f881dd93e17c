//! The lexer: cuts a SQL text into tokens.
//!
//! It knows no engine. Every difference between engines is a fact in a [`Lexis`]. The tokens cover
//! the text without gaps, so an iteration over them sees every byte exactly once.

use std::ops::Range;

use super::syntax::{Lexis, Prefix, Quoted, Syntax};
use crate::model::script::{Fault, Place};

/// The kind of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// White space.
    Blank,
    /// A comment that the server ignores.
    Comment,
    /// A comment for the optimizer.
    Hint,
    /// The beginning or the end of a comment whose content is code; the content follows as tokens.
    Conditional,
    /// A keyword, a name without quotes, or a numbered parameter.
    Word,
    /// A name in quotes, with the quotes.
    QuotedName,
    /// A string literal with its quotes and prefix.
    Text,
    /// A number.
    Number,
    /// One other character.
    Symbol,
    /// The current delimiter: a semicolon, unless a `DELIMITER` line names another one.
    Terminator,
}

/// One token: its kind and its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    pub kind: Kind,
    /// The offset of its first byte.
    pub start: usize,
    /// The offset behind its last byte.
    pub end: usize,
}

/// All tokens of a text.
///
/// # Errors
///
/// A quote, comment or dollar quote that is never closed, at its opening; a NUL character.
pub fn tokens(syntax: &Syntax, text: &str) -> Result<Vec<Token>, Fault> {
    Lexer::new(syntax, text).collect()
}

/// An iterator over the tokens of a text, which stops after the first fault.
#[derive(Debug, Clone)]
pub struct Lexer<'a> {
    lexis: &'a Lexis,
    text: &'a str,
    at: usize,
    delimiter: &'a str,
    /// The offset of the executed comment that contains `at`.
    conditional: Option<usize>,
    /// The first NUL character; looked up once, because servers and logs cut texts there.
    nul: usize,
}

impl Iterator for Lexer<'_> {
    type Item = Result<Token, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        let start = self.at;
        let cut = if start < self.text.len() {
            self.cut(start)
        } else {
            let open = self.conditional.take()?;
            Err(self.unterminated(open, 3, "the comment that begins here is never closed"))
        };
        Some(self.checked(start, cut))
    }
}

impl<'a> Lexer<'a> {
    /// Begins at the first character behind a byte order mark.
    #[must_use]
    pub fn new(syntax: &'a Syntax, text: &'a str) -> Self {
        Lexer {
            lexis: &syntax.lexis,
            text,
            at: bom(text),
            delimiter: ";",
            conditional: None,
            nul: text.find('\0').unwrap_or(usize::MAX),
        }
    }

    /// The current delimiter.
    #[must_use]
    pub fn delimiter(&self) -> &'a str {
        self.delimiter
    }

    /// Continues at an offset with another delimiter.
    pub fn delimit(&mut self, delimiter: &'a str, at: usize) {
        self.delimiter = delimiter;
        if self.text.is_char_boundary(at) {
            self.at = at;
        }
    }

    /// Whether the last token lies within a comment whose content is code.
    #[must_use]
    pub fn conditional(&self) -> bool {
        self.conditional.is_some()
    }

    /// Rejects a NUL, and stops after a fault: the rest of the text would be misread.
    fn checked(&mut self, start: usize, cut: Result<(Kind, usize), Fault>) -> Result<Token, Fault> {
        let fault = match cut {
            Ok((kind, end)) if end <= self.nul => {
                self.at = end;
                return Ok(Token { kind, start, end });
            }
            Ok(_) => {
                let mut fault = self.unterminated(self.nul, 1, "a NUL character");
                fault.hint =
                    Some("save the file as UTF-8 text; a server would stop reading here".into());
                fault
            }
            Err(fault) => fault,
        };
        self.at = self.text.len();
        self.conditional = None;
        Err(fault)
    }

    #[inline]
    fn cut(&mut self, start: usize) -> Result<(Kind, usize), Fault> {
        if self.delimited(start) {
            return Ok((Kind::Terminator, start + self.delimiter.len()));
        }
        let next = self.byte(start + 1);
        match self.byte(start) {
            byte if blank(byte) => Ok((Kind::Blank, self.run(start, blank))),
            b'\'' => self.quoted(start, start, Kind::Text, self.lexis.backslash),
            b'"' => self.double(start, start, self.lexis.backslash),
            b'`' if self.lexis.backticks => self.quoted(start, start, Kind::QuotedName, false),
            b'[' if self.lexis.brackets => self.bracketed(start),
            b'-' if next == b'-' && self.dashes(start) => Ok((Kind::Comment, self.line(start))),
            b'#' if self.lexis.hash_comments => Ok((Kind::Comment, self.line(start))),
            b'/' if next == b'*' => self.block(start),
            b'*' if next == b'/' && self.conditional.is_some() => {
                self.conditional = None;
                Ok((Kind::Conditional, start + 2))
            }
            b'$' if self.lexis.dollar_quotes => self.dollar(start),
            byte if byte.is_ascii_digit() => Ok((Kind::Number, self.number(start))),
            byte if wordy(byte) => self.word(start),
            _ => Ok((Kind::Symbol, start + 1)),
        }
    }

    /// The byte at an offset. At the end it is a NUL, which no accepted text contains.
    #[inline]
    fn byte(&self, at: usize) -> u8 {
        self.text.as_bytes().get(at).copied().unwrap_or(0)
    }

    fn bytes(&self, range: Range<usize>) -> &'a [u8] {
        self.text.as_bytes().get(range).unwrap_or_default()
    }

    #[inline]
    fn delimited(&self, at: usize) -> bool {
        let delimiter = self.delimiter.as_bytes();
        self.text.as_bytes().get(at) == delimiter.first()
            && self.bytes(at..at + delimiter.len()) == delimiter
    }

    /// The end of the run of matching bytes that starts at an offset.
    fn run(&self, start: usize, belongs: impl Fn(u8) -> bool) -> usize {
        let rest = self.text.as_bytes().get(start..).unwrap_or_default();
        start
            + rest
                .iter()
                .position(|byte| !belongs(*byte))
                .unwrap_or(rest.len())
    }

    /// The end of a run of word characters. A delimiter made of them, such as `$$`, ends it too.
    fn letters(&self, start: usize, belongs: impl Fn(u8) -> bool) -> usize {
        let end = self.run(start, belongs);
        let first = self.delimiter.as_bytes().first().copied().unwrap_or(b';');
        if !wordy(first) {
            return end;
        }
        (start..end)
            .find(|at| self.byte(*at) == first && self.delimited(*at))
            .unwrap_or(end)
    }

    fn dashes(&self, start: usize) -> bool {
        let next = self.byte(start + 2);
        !self.lexis.dashes_need_blank || next <= b' ' || next == 0x7f
    }

    fn line(&self, start: usize) -> usize {
        let returns = self.lexis.carriage_return_ends_comment;
        self.run(start, |byte| byte != b'\n' && !(returns && byte == b'\r'))
    }

    fn block(&mut self, start: usize) -> Result<(Kind, usize), Fault> {
        let bytes = self.text.as_bytes();
        let mark = |mark: &&&str| {
            bytes
                .get(start..)
                .is_some_and(|rest| rest.starts_with(mark.as_bytes()))
        };
        let mark = self.lexis.conditional_comments.iter().find(mark);
        if let Some(mark) = mark.filter(|mark| !self.is_never_executed(start, mark)) {
            // Such comments don't nest: within one, another opening changes nothing.
            self.conditional.get_or_insert(start);
            return Ok((Kind::Conditional, self.version(start + mark.len())));
        }
        let end = if self.lexis.nested_comments {
            self.nested(start)
        } else {
            self.behind(start + 2, "*/")
        };
        let hint = self.lexis.hints && self.byte(start + 2) == b'+';
        let kind = if hint { Kind::Hint } else { Kind::Comment };
        end.map(|end| (kind, end)).ok_or_else(|| {
            self.unterminated(start, 2, "the comment that begins here is never closed")
        })
    }

    /// Passes the version at the start of an executed comment: five or six digits. Fewer are code.
    fn version(&self, start: usize) -> usize {
        let end = self.run(start, |byte| byte.is_ascii_digit()).min(start + 6);
        if end >= start + 5 { end } else { start }
    }

    /// Whether an executed comment has a version that no server has, and ends at the same place for
    /// those that nest comments and for those that do not. Versions of MariaDB have six digits, and it
    /// runs whatever `/*M!` has for a lower one.
    fn is_never_executed(&self, open: usize, mark: &str) -> bool {
        let start = open + mark.len();
        let version = self.text.get(start..self.version(start));
        let number = version.and_then(|version| version.parse::<u32>().ok());
        let is_general = mark == "/*!";
        number.is_some_and(|number| {
            number >= 990_000 || is_general && (99_000..=99_999).contains(&number)
        }) && self.nested(open) == self.behind(open + 2, "*/")
    }

    fn nested(&self, start: usize) -> Option<usize> {
        let mut depth = 0_usize;
        let mut at = start;
        loop {
            at = self.run(at, |byte| byte != b'/' && byte != b'*');
            match (self.byte(at), self.byte(at + 1)) {
                (0, _) if at >= self.text.len() => return None,
                (b'/', b'*') => (depth, at) = (depth + 1, at + 2),
                (b'*', b'/') if depth == 1 => return Some(at + 2),
                (b'*', b'/') => (depth, at) = (depth.saturating_sub(1), at + 2),
                _ => at += 1,
            }
        }
    }

    /// The offset behind the next occurrence of a text.
    fn behind(&self, start: usize, what: &str) -> Option<usize> {
        let found = self.text.get(start..)?.find(what)?;
        Some(start + found + what.len())
    }

    /// Reads the token that begins at `start` and whose opening quote is at `open`.
    fn quoted(
        &self,
        start: usize,
        open: usize,
        kind: Kind,
        backslash: bool,
    ) -> Result<(Kind, usize), Fault> {
        let quote = self.byte(open);
        let mut at = open + 1;
        loop {
            at = self.run(at, |byte| byte != quote && !(backslash && byte == b'\\'));
            if at >= self.text.len() {
                let what = if kind == Kind::Text {
                    "string"
                } else {
                    "quoted name"
                };
                let message = format!("the {what} that begins here is never closed");
                return Err(self.unterminated(start, open + 1 - start, &message));
            }
            if self.byte(at) == b'\\' && backslash || self.byte(at + 1) == quote {
                at += 2;
            } else {
                return Ok((kind, at + 1));
            }
        }
    }

    fn double(&self, start: usize, open: usize, backslash: bool) -> Result<(Kind, usize), Fault> {
        match self.lexis.double_quoted {
            Quoted::Text => self.quoted(start, open, Kind::Text, backslash),
            Quoted::Name => self.quoted(start, open, Kind::QuotedName, false),
        }
    }

    fn bracketed(&self, start: usize) -> Result<(Kind, usize), Fault> {
        self.behind(start + 1, "]")
            .map(|end| (Kind::QuotedName, end))
            .ok_or_else(|| {
                self.unterminated(start, 1, "the quoted name that begins here is never closed")
            })
    }

    /// Reads what a dollar sign begins: a parameter, a dollar-quoted string, or a symbol.
    fn dollar(&self, start: usize) -> Result<(Kind, usize), Fault> {
        if self.byte(start + 1).is_ascii_digit() {
            return Ok((
                Kind::Word,
                self.run(start + 1, |byte| byte.is_ascii_digit()),
            ));
        }
        let tag = self.run(start + 1, |byte| wordy(byte) && byte != b'$') + 1;
        match self.text.get(start..tag) {
            Some(mark) if mark.len() > 1 && mark.ends_with('$') => self
                .behind(tag, mark)
                .map(|end| (Kind::Text, end))
                .ok_or_else(|| {
                    let message = format!("the string that begins here is never closed by {mark}");
                    self.unterminated(start, mark.len(), &message)
                }),
            _ => Ok((Kind::Symbol, start + 1)),
        }
    }

    /// The end of a number: digits with a fraction, an exponent, or hexadecimal letters.
    fn number(&self, start: usize) -> usize {
        let glued = |byte| wordy(byte) && !(byte == b'$' && self.lexis.dollar_quotes);
        let decimal = |end| {
            self.bytes(start..end)
                .iter()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'.'))
        };
        let mut end = self.letters(start, glued);
        if self.byte(end) == b'.'
            && self.byte(end + 1).is_ascii_digit()
            && decimal(end)
            && !self.delimited(end)
        {
            end = self.letters(end + 1, glued);
        }
        let exponent = matches!(self.byte(end.saturating_sub(1)), b'e' | b'E')
            && decimal(end.saturating_sub(1));
        let sign = matches!(self.byte(end), b'+' | b'-') && self.byte(end + 1).is_ascii_digit();
        if exponent && sign && !self.delimited(end) {
            end = self.letters(end + 1, glued);
        }
        end
    }

    fn word(&self, start: usize) -> Result<(Kind, usize), Fault> {
        for prefix in self.lexis.prefixes {
            let open = start + prefix.letters.len();
            let quote = self.byte(open);
            let fits = quote == b'\'' || quote == b'"' && prefix.names;
            if fits
                && self
                    .bytes(start..open)
                    .eq_ignore_ascii_case(prefix.letters.as_bytes())
            {
                return self.prefixed(start, open, *prefix);
            }
        }
        Ok((Kind::Word, self.letters(start, wordy)))
    }

    fn prefixed(&self, start: usize, open: usize, prefix: Prefix) -> Result<(Kind, usize), Fault> {
        let backslash = self.lexis.backslash || prefix.backslash;
        if self.byte(open) == b'"' {
            return self.double(start, open, backslash);
        }
        let (kind, mut end) = self.quoted(start, open, Kind::Text, backslash)?;
        while prefix.backslash
            && let Some(open) = self.continued(end)
        {
            (_, end) = self.quoted(start, open, Kind::Text, backslash)?;
        }
        Ok((kind, end))
    }

    /// The opening quote where a literal continues after a line break. The prefix still applies.
    fn continued(&self, end: usize) -> Option<usize> {
        let mut at = end;
        let mut broken = false;
        loop {
            let next = self.run(at, blank);
            broken |= self
                .bytes(at..next)
                .iter()
                .any(|byte| matches!(byte, b'\n' | b'\r'));
            match (self.byte(next), self.byte(next + 1)) {
                (b'\'', _) => return broken.then_some(next),
                (b'-', b'-') => at = self.line(next),
                _ => return None,
            }
        }
    }

    fn unterminated(&self, start: usize, length: usize, message: &str) -> Fault {
        fault(self.text, start..start + length, message, None)
    }
}

/// Makes a fault that points at some bytes of a text.
#[must_use]
pub fn fault(text: &str, range: Range<usize>, message: &str, hint: Option<&str>) -> Fault {
    Fault {
        place: place(text, range.start),
        range,
        message: message.to_owned(),
        hint: hint.map(str::to_owned),
    }
}

/// The line and column of an offset, counted from the beginning. For many offsets use [`Places`].
#[must_use]
pub fn place(text: &str, offset: usize) -> Place {
    Places::new(text).at(offset)
}

/// Lines and columns of offsets in mostly ascending order, counted in one pass over the text.
#[derive(Debug, Clone)]
pub struct Places<'a> {
    text: &'a str,
    at: usize,
    place: Place,
}

impl<'a> Places<'a> {
    /// Starts behind a byte order mark, which editors do not count as a column.
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        Places {
            text,
            at: bom(text),
            place: Place { line: 1, column: 1 },
        }
    }

    /// The line and column of an offset, or of the end of the text if it is shorter.
    pub fn at(&mut self, offset: usize) -> Place {
        if offset < self.at {
            *self = Places::new(self.text);
        }
        let end = offset.min(self.text.len());
        for byte in self.text.as_bytes().get(self.at..end).unwrap_or_default() {
            if *byte == b'\n' {
                self.place = Place {
                    line: self.place.line.saturating_add(1),
                    column: 1,
                };
            } else if byte & 0xc0 != 0x80 {
                // Continuation bytes of a character do not start a new column.
                self.place.column = self.place.column.saturating_add(1);
            }
        }
        self.at = self.at.max(end);
        self.place
    }
}

fn bom(text: &str) -> usize {
    if text.starts_with('\u{feff}') {
        '\u{feff}'.len_utf8()
    } else {
        0
    }
}

fn blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// Whether a byte belongs to a word. Non-ASCII bytes do, so a token never ends within a character.
fn wordy(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$') || byte >= 0x80
}
