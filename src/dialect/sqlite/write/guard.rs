//! A guard for clients that continue after an error.
//!
//! A row that breaks a constraint rolls the whole transaction back. Other errors do not: a value of
//! the wrong type, a function that fails or that an older client does not have. If they are possible,
//! the rows are counted before the old table is dropped, and a different count rolls back.

use super::clause::quote;
use crate::dialect::literals::single_quoted;
use crate::dialect::sqlite::ddl::constraint::expressions;
use crate::dialect::sqlite::ddl::keywords::is_keyword;
use crate::dialect::sqlite::ddl::table::{STRICT, row_alias};
use crate::dialect::sqlite::ddl::tokens::{name_of, tokens};
use crate::model::schema::Table;

/// Functions that every version has and that never fail, in alphabetical order.
const HARMLESS: &[&str] = &[
    "char",
    "coalesce",
    "date",
    "datetime",
    "glob",
    "hex",
    "ifnull",
    "instr",
    "julianday",
    "length",
    "like",
    "lower",
    "ltrim",
    "max",
    "min",
    "nullif",
    "quote",
    "random",
    "randomblob",
    "replace",
    "round",
    "rtrim",
    "strftime",
    "substr",
    "time",
    "trim",
    "typeof",
    "unicode",
    "upper",
    "zeroblob",
];

/// Whether copying rows can fail without breaking a constraint.
pub fn is_needed(old: &Table, new: &Table) -> bool {
    let alias = row_alias(new);
    let typed = alias.is_some() && alias != row_alias(old);
    typed || new.options.contains_key(STRICT) || expressions(new).any(may_fail)
}

fn may_fail(sql: &str) -> bool {
    let tokens = tokens(sql);
    let calls = tokens.windows(2).any(|pair| match pair {
        [name, open] if open.is("(") && !is_keyword(name.text) => {
            name_of(name).is_some_and(|name| {
                let name = name.to_ascii_lowercase();
                HARMLESS.binary_search(&name.as_str()).is_err()
            })
        }
        _ => false,
    });
    calls
        || tokens
            .iter()
            .any(|token| token.is_one_of(&["->", "->>", "MATCH", "REGEXP"]))
}

/// The statements of the guard: the table must exist and have as many rows as the old one.
pub fn statements(source: &str, target: &str, guard: &str) -> [String; 4] {
    let name = single_quoted(target);
    let (source, target, guard) = (quote(source), quote(target), quote(guard));
    let holds = format!("INSERT OR ROLLBACK INTO {guard} SELECT");
    [
        format!("CREATE TABLE {guard} (holds INTEGER CHECK (holds))"),
        format!("{holds} count(*) = 1 FROM sqlite_schema WHERE name = {name}"),
        format!("{holds} count(*) = (SELECT count(*) FROM {source}) FROM {target}"),
        format!("DROP TABLE {guard}"),
    ]
}
