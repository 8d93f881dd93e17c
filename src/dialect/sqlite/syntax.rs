//! The syntax of SQLite: facts for the readers of SQL text.

use crate::sql::syntax::{Bodies, Client, Grammar, Lexis, Names, Prefix, Quoted, Syntax};

/// The syntax of SQLite.
pub static SYNTAX: Syntax = Syntax {
    lexis: Lexis {
        hash_comments: false,
        dashes_need_blank: false,
        carriage_return_ends_comment: false,
        nested_comments: false,
        conditional_comments: &[],
        hints: false,
        double_quoted: Quoted::Name,
        backslash: false,
        prefixes: &[Prefix {
            letters: "x",
            backslash: false,
            names: false,
        }],
        backticks: true,
        brackets: true,
        dollar_quotes: false,
        delimiter_lines: false,
        parentheses_hold: false,
        inline_data: false,
        bodies: Bodies::Triggers,
        client: Client {
            program: "sqlite3",
            sign: '.',
            // In the middle of a statement the dot stands between the parts of a name.
            anywhere: false,
            language: &[],
            words: &[],
            hints: &[
                (
                    &["read"],
                    "put the statements of the other file here, or make that file a migration",
                ),
                (&["import"], "write the rows as INSERT statements"),
                (
                    &["open", "restore", "load"],
                    "remove it: bird.toml says which database a migration runs on",
                ),
                (
                    &["shell", "system"],
                    "run shell commands outside of migrations",
                ),
            ],
            hint: "remove the line: bird sends SQL statements, not client commands",
        },
    },
    grammar: Grammar {
        names: Names::AnyCase,
        parts: 2,
        own: &["main", "temp"],
        temporary: Some("temp"),
        attaching: &["ATTACH", "DETACH"],
        schema_is_database: false,
        not_columns: &["CONSTRAINT"],
    },
    quote: '"',
};
