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

/// How an engine writes its SQL, as far as cutting it into tokens and statements needs to know.
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
    /// What begins a comment whose content the server executes.
    pub conditional_comments: &'static [&'static str],
    /// `/*+ … */` tells the optimizer something.
    pub hints: bool,
    /// What stands between double quotes.
    pub double_quoted: Quoted,
    /// A backslash escapes the next character in every string literal.
    pub backslash: bool,
    /// Letters that belong to the literal when a quote follows at once.
    pub prefixes: &'static [Prefix],
    /// `` `x` `` is a name.
    pub backticks: bool,
    /// `[x]` is a name.
    pub brackets: bool,
    /// `$tag$ … $tag$` is a string literal, and a word does not begin with a dollar sign.
    pub dollar_quotes: bool,
    /// The client's `DELIMITER` lines are understood.
    pub delimiter_lines: bool,
    /// A semicolon between parentheses ends no statement.
    pub parentheses_hold: bool,
    /// `COPY … FROM STDIN` makes the client read data from the lines that follow.
    pub inline_data: bool,
    /// Which statements contain statements.
    pub bodies: Bodies,
    /// What the engine's own client understands and its server does not.
    pub client: Client,
}

/// What a pair of quotes makes of its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quoted {
    /// A name.
    Name,
    /// A string literal.
    Text,
}

/// Letters glued to the front of a literal.
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

/// The commands of an engine's own client that look like SQL to people and not to servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Client {
    /// The name of the client program.
    pub program: &'static str,
    /// The character before the name of a command.
    pub sign: char,
    /// The sign makes a command in the middle of a statement too.
    pub anywhere: bool,
    /// What looks like a command behind the sign and belongs to the language.
    pub language: &'static [&'static str],
    /// Commands without a sign; they count where a statement begins a line.
    pub words: &'static [&'static str],
    /// What to do instead, by the names of commands.
    pub hints: &'static [(&'static [&'static str], &'static str)],
    /// What to do instead of all others.
    pub hint: &'static str,
}

/// How an engine names and drops things, as far as engines differ.
#[derive(Debug)]
pub struct Grammar {
    /// How names compare.
    pub names: Names,
    /// So many parts has a name whose first part is a database.
    pub parts: usize,
    /// First parts of such a name that never mean another database.
    pub own: &'static [&'static str],
    /// Where temporary tables are.
    pub temporary: Option<&'static str>,
    /// Statements that open or close another database.
    pub attaching: &'static [&'static str],
    /// SCHEMA is another word for DATABASE.
    pub schema_is_database: bool,
    /// Behind `ALTER TABLE … DROP` these words begin something else than a column.
    pub not_columns: &'static [&'static str],
}

/// When two names are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// When they are written alike.
    Exact,
    /// Whatever their case.
    AnyCase,
    /// Unquoted ones are in lower case.
    LowerUnlessQuoted,
}
