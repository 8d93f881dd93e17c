//! The syntax of MySQL and MariaDB: facts for the readers of SQL text.

use crate::sql::syntax::{Bodies, Client, Grammar, Lexis, Names, Prefix, Quoted, Syntax};

/// The syntax of MySQL and MariaDB, in the one mode in which files are read: double quotes make
/// strings and backslashes escape.
pub static SYNTAX: Syntax = Syntax {
    lexis: Lexis {
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
    },
    grammar: Grammar {
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
    },
    quote: '`',
};
