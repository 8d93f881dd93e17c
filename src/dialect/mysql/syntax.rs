//! The syntax of MySQL and MariaDB: facts for the readers of SQL text.

use crate::sql::Cursor;
use crate::sql::cursor::unquoted;
use crate::sql::lex::{Kind, tokens};
use crate::sql::syntax::{Bodies, Client, Grammar, Lexis, Names, Prefix, Quoted, Syntax};

/// The syntax of MySQL and MariaDB, in the one mode in which files are read: double quotes make
/// strings and backslashes escape.
pub static SYNTAX: Syntax = Syntax {
    lexis: LEXIS,
    grammar: GRAMMAR,
    quote: '`',
};

/// The syntax in the SQL mode ANSI_QUOTES.
static QUOTES: Syntax = Syntax {
    lexis: Lexis {
        double_quoted: Quoted::Name,
        ..LEXIS
    },
    grammar: GRAMMAR,
    quote: '`',
};

/// The syntax in the SQL mode NO_BACKSLASH_ESCAPES.
static BACKSLASHES: Syntax = Syntax {
    lexis: Lexis {
        backslash: false,
        ..LEXIS
    },
    grammar: GRAMMAR,
    quote: '`',
};

/// The syntax in both.
static BOTH: Syntax = Syntax {
    lexis: Lexis {
        double_quoted: Quoted::Name,
        backslash: false,
        ..LEXIS
    },
    grammar: GRAMMAR,
    quote: '`',
};

/// The syntax of statements in a SQL mode.
pub fn syntax_of(mode: &str) -> &'static Syntax {
    let has = |word: &str| mode.split(',').any(|it| it.eq_ignore_ascii_case(word));
    match (has("ANSI_QUOTES"), has("NO_BACKSLASH_ESCAPES")) {
        (false, false) => &SYNTAX,
        (true, false) => &QUOTES,
        (false, true) => &BACKSLASHES,
        (true, true) => &BOTH,
    }
}

/// A statement of a SQL mode with its names in backquotes, as files are read. `None` if a file would
/// be cut into other tokens than the server cuts it into, or if it runs a text with double quotes.
pub fn as_in_files(mode: &str, sql: &str) -> Option<String> {
    let syntax = syntax_of(mode);
    if std::ptr::eq(syntax, &SYNTAX) {
        return Some(sql.to_owned());
    }
    let ends = |syntax| {
        let tokens = tokens(syntax, sql).ok()?.into_iter();
        Some(tokens.map(|token| token.end).collect::<Vec<_>>())
    };
    if ends(syntax)? != ends(&SYNTAX)? {
        return None;
    }
    let runs_text = Cursor::new(syntax, sql);
    let runs_text = runs_text.has("PREPARE") || runs_text.has("EXECUTE");
    let mut text = String::new();
    for token in tokens(syntax, sql).ok()? {
        let piece = sql.get(token.start..token.end)?;
        if runs_text && token.kind == Kind::Text && piece.contains('"') {
            return None;
        }
        if token.kind == Kind::QuotedName && piece.starts_with('"') {
            text.push_str(&SYNTAX.quoted(&unquoted(piece)));
        } else {
            text.push_str(piece);
        }
    }
    Some(text)
}

const LEXIS: Lexis = Lexis {
    hash_comments: true,
    dashes_need_blank: true,
    carriage_return_ends_comment: false,
    nested_comments: false,
    conditional_comments: &["/*!", "/*M!"],
    hints: true,
    double_quoted: Quoted::Text,
    backslash: true,
    prefixes: &[
        Prefix {
            letters: "n",
            backslash: false,
            names: false,
        },
        Prefix {
            letters: "x",
            backslash: false,
            names: false,
        },
        Prefix {
            letters: "b",
            backslash: false,
            names: false,
        },
    ],
    backticks: true,
    brackets: false,
    dollar_quotes: false,
    delimiter_lines: true,
    parentheses_hold: false,
    inline_data: false,
    bodies: Bodies::Blocks,
    client: Client {
        program: "mysql",
        sign: '\\',
        anywhere: true,
        // Old servers and MariaDB read `\N` as NULL.
        language: &["N"],
        words: &[
            "source", "system", "tee", "pager", "prompt", "connect", "charset",
        ],
        hints: &[
            (
                &["source", "."],
                "put the statements of the other file here, or make that file a migration",
            ),
            (&["g", "G", "p"], "end the statement with a semicolon"),
            (&["!", "system"], "run shell commands outside of migrations"),
            (
                &["u", "r", "connect"],
                "remove it: bird.toml says which database a migration runs on",
            ),
            (
                &["C", "charset"],
                "remove the line: bird's sessions use utf8mb4",
            ),
            (&["d"], "write a DELIMITER line"),
        ],
        hint: "remove the line: bird sends SQL statements, not client commands",
    },
};

const GRAMMAR: Grammar = Grammar {
    // Whether the case of names counts depends on the server. Telling names apart by case, bird
    // at worst asks for consent once too often.
    names: Names::Exact,
    parts: 2,
    own: &[],
    temporary: None,
    attaching: &[],
    schema_is_database: true,
    not_columns: &[
        "INDEX",
        "KEY",
        "CONSTRAINT",
        "FOREIGN",
        "CHECK",
        "PRIMARY",
        "PARTITION",
        "PERIOD",
        "SYSTEM",
    ],
};
