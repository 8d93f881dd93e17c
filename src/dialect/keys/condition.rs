//! A user's own condition, which must stay between the parentheses it is put in.

use crate::dialect::Dialect;
use crate::dialect::lex::{Kind, tokens};

/// The condition between parentheses, or why it cannot be one.
pub fn condition(dialect: &dyn Dialect, text: &str) -> Result<String, String> {
    let wrong = |why: &str| format!("the condition `{text}` {why}");
    let cut = tokens(dialect.lexis(), text).map_err(|fault| wrong(&fault.message))?;
    let (mut depth, mut empty) = (0_usize, true);
    for token in cut {
        let part = text.get(token.start..token.end).unwrap_or_default();
        match (token.kind, part) {
            (Kind::Terminator, _) | (Kind::Symbol, ";") => {
                return Err(wrong(
                    "has a semicolon, and only one condition can stand here",
                ));
            }
            (Kind::Comment | Kind::Hint | Kind::Conditional, _) => {
                return Err(wrong("has a comment"));
            }
            (Kind::Symbol, "(") => depth += 1,
            (Kind::Symbol, ")") => {
                depth = depth
                    .checked_sub(1)
                    .ok_or_else(|| wrong("closes a parenthesis that it never opened"))?;
            }
            _ => {}
        }
        empty &= token.kind == Kind::Blank;
    }
    match (depth, empty) {
        (_, true) => Err("the condition is empty".to_owned()),
        (0, false) => Ok(format!("({text})")),
        _ => Err(wrong("leaves a parenthesis open")),
    }
}
