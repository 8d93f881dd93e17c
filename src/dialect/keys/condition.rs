//! Validates a user's SQL condition, which must not escape its parentheses.

use crate::dialect::Dialect;
use crate::sql::lex::{Kind, tokens};

/// The condition between parentheses, or why it cannot be one.
pub fn condition(dialect: &dyn Dialect, text: &str) -> Result<String, String> {
    let wrong = |why: &str| format!("the condition `{text}` {why}");
    let cut = tokens(dialect.syntax(), text).map_err(|fault| wrong(&fault.message))?;
    let (mut depth, mut empty) = (0_usize, true);
    for token in cut {
        let part = text.get(token.start..token.end).unwrap_or_default();
        match (token.kind, part) {
            (Kind::Terminator, _) | (Kind::Symbol, ";") => {
                return Err(wrong("contains a semicolon, but must be one condition"));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::by_scheme;

    fn checked(scheme: &str, text: &str) -> Result<String, String> {
        condition(by_scheme(scheme).unwrap(), text)
    }

    #[test]
    fn a_condition_stays_between_its_parentheses() {
        for scheme in ["mysql", "postgres", "sqlite"] {
            for good in ["a = 1", "a IN (1, (2))", "a = ')' AND b = ';'", "a = ''')'"] {
                assert_eq!(checked(scheme, good), Ok(format!("({good})")), "{scheme}");
            }
            for bad in [
                "",
                "  ",
                "1 = 1) OR (1 = 1",
                "a = (1",
                "1); DELETE FROM t WHERE (1",
                "1; SELECT 2",
                "1 = 1 -- ",
                "1 = 1 /* x */",
                "a = 'x",
            ] {
                assert!(checked(scheme, bad).is_err(), "{scheme}: {bad}");
            }
        }
        assert!(checked("mysql", "1 /*! ) OR (1 */").is_err());
        assert!(checked("mysql", "a = '\\') OR (''").is_err());
        assert!(checked("postgres", "a = $x$)$x$").is_ok());
    }
}
