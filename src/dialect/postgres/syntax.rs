//! The syntax of PostgreSQL: facts for the readers of SQL text.

use crate::sql::syntax::{Bodies, Client, Grammar, Lexis, Names, Prefix, Quoted, Syntax};

/// The syntax of PostgreSQL, with `standard_conforming_strings` on.
pub static SYNTAX: Syntax = Syntax {
    lexis: Lexis {
        hash_comments: false,
        dashes_need_blank: false,
        carriage_return_ends_comment: true,
        nested_comments: true,
        conditional_comments: &[],
        hints: false,
        double_quoted: Quoted::Name,
        backslash: false,
        prefixes: &[
            Prefix {
                letters: "e",
                backslash: true,
                names: false,
            },
            Prefix {
                letters: "b",
                backslash: false,
                names: false,
            },
            Prefix {
                letters: "x",
                backslash: false,
                names: false,
            },
            Prefix {
                letters: "n",
                backslash: false,
                names: false,
            },
            Prefix {
                letters: "u&",
                backslash: false,
                names: true,
            },
        ],
        backticks: false,
        brackets: false,
        dollar_quotes: true,
        delimiter_lines: false,
        parentheses_hold: true,
        inline_data: true,
        bodies: Bodies::Atomic,
        client: Client {
            program: "psql",
            sign: '\\',
            anywhere: true,
            language: &[],
            words: &[],
            hints: &[
                (
                    &["i", "ir", "include", "include_relative"],
                    "put the statements of the other file here, or make that file a migration",
                ),
                (
                    &["c", "connect"],
                    "remove it: bird.toml says which database a migration runs on",
                ),
                (
                    &["restrict", "unrestrict"],
                    "take the line out; pg_dump writes it for psql alone",
                ),
                (&["copy", "."], "write the rows as INSERT statements"),
                (
                    &["g", "gexec", "gset", "gx", "crosstabview"],
                    "end the statement with a semicolon",
                ),
                (
                    &["set", "unset", "if", "elif", "else", "endif"],
                    "write the statements in full: migrations have no variables or conditions",
                ),
                (&["encoding"], "remove the line: bird's sessions use UTF-8"),
                (&["!"], "run shell commands outside of migrations"),
            ],
            hint: "remove the line: bird sends SQL statements, not client commands",
        },
    },
    grammar: Grammar {
        names: Names::LowerUnlessQuoted,
        parts: 3,
        own: &[],
        temporary: Some("pg_temp"),
        attaching: &[],
        schema_is_database: false,
        not_columns: &["CONSTRAINT"],
    },
    quote: '"',
};
