//! What differs between engines in the text of SQL: facts, and no behaviour.

/// How an engine writes its SQL: all that the readers of SQL text know of an engine.
#[derive(Debug)]
pub struct Syntax {
    /// How a text is cut into tokens and statements.
    pub lexis: Lexis,
    /// How statements name and drop objects.
    pub grammar: Grammar,
    /// The character before and behind a quoted name; written twice within one.
    pub quote: char,
}

impl Syntax {
    /// Quotes an identifier.
    #[must_use]
    pub fn quoted(&self, identifier: &str) -> String {
        let quote = self.quote;
        let inner = identifier.replace(quote, &format!("{quote}{quote}"));
        format!("{quote}{inner}{quote}")
    }
}

/// The lexical rules of an engine: how a text is cut into tokens and statements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lexis {
    /// `#` begins a comment that ends with its line.
    pub hash_comments: bool,
    /// `--` begins a comment only before a blank, a control character or the end of the text.
    pub dashes_need_blank: bool,
    /// A lone carriage return ends a line comment, as a line feed does.
    pub carriage_return_ends_comment: bool,
    /// `/* /* */ */` is one comment.
    pub nested_comments: bool,
    /// Openings of comments whose content the server executes.
    pub conditional_comments: &'static [&'static str],
    /// `/*+ … */` is a hint for the optimizer.
    pub hints: bool,
    /// The meaning of double quotes.
    pub double_quoted: Quoted,
    /// A backslash escapes the next character in every string literal.
    pub backslash: bool,
    /// Letters that belong to the literal if a quote follows directly.
    pub prefixes: &'static [Prefix],
    /// `` `x` `` is a name.
    pub backticks: bool,
    /// `[x]` is a name.
    pub brackets: bool,
    /// `$tag$ … $tag$` is a string literal, and a word does not begin with a dollar sign.
    pub dollar_quotes: bool,
    /// The client's `DELIMITER` lines are understood.
    pub delimiter_lines: bool,
    /// A semicolon between parentheses does not end a statement.
    pub parentheses_hold: bool,
    /// `COPY … FROM STDIN` makes the client read data from the lines that follow.
    pub inline_data: bool,
    /// The statements that contain other statements.
    pub bodies: Bodies,
    /// The commands of the engine's own client, which its server does not understand.
    pub client: Client,
}

/// The meaning of a text in double quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quoted {
    /// A name.
    Name,
    /// A string literal.
    Text,
}

/// Letters directly before a literal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prefix {
    /// The letters, in any case.
    pub letters: &'static str,
    /// They switch backslash escapes on.
    pub backslash: bool,
    /// They may stand before a double-quoted name too.
    pub names: bool,
}

/// The statements of an engine that contain statements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bodies {
    /// Stored programs made of nested blocks: `BEGIN`, `IF`, `CASE`, loops.
    Blocks,
    /// Routines with a `BEGIN ATOMIC … END` body.
    Atomic,
    /// Triggers, ended by `; END ;`.
    Triggers,
}

/// The commands of an engine's own client, which migrations must not contain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Client {
    /// The name of the client program.
    pub program: &'static str,
    /// The character before the name of a command.
    pub sign: char,
    /// The sign also starts a command in the middle of a statement.
    pub anywhere: bool,
    /// Names behind the sign that are SQL and not commands.
    pub language: &'static [&'static str],
    /// Commands without a sign, recognised where a statement begins a line.
    pub words: &'static [&'static str],
    /// Hints for some commands: their names, and what to do instead.
    pub hints: &'static [(&'static [&'static str], &'static str)],
    /// The hint for all other commands.
    pub hint: &'static str,
}

/// Rules for naming and dropping objects in which engines differ.
#[derive(Debug)]
pub struct Grammar {
    /// How names compare.
    pub names: Names,
    /// The number of parts of a name whose first part is a database.
    pub parts: usize,
    /// Qualifiers that never mean another database.
    pub own: &'static [&'static str],
    /// The qualifier of temporary tables, on engines that have one.
    pub temporary: Option<&'static str>,
    /// Statements that open or close another database.
    pub attaching: &'static [&'static str],
    /// SCHEMA is another word for DATABASE.
    pub schema_is_database: bool,
    /// Words behind `ALTER TABLE … DROP` that drop something other than a column.
    pub not_columns: &'static [&'static str],
}

/// The rule by which two spellings are the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// Case-sensitive.
    Exact,
    /// Case-insensitive.
    AnyCase,
    /// Unquoted names are in lower case, quoted ones keep their case.
    LowerUnlessQuoted,
}
