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

/// The columns that a condition fixes to one value each: `kind` in `kind = 'Post' AND id > 3`. A
/// column that is left out costs time only.
#[must_use]
pub fn fixed_columns(dialect: &dyn Dialect, text: &str) -> Vec<String> {
    let Ok(cut) = tokens(dialect.syntax(), text) else {
        return Vec::new();
    };
    let cut: Vec<(Kind, &str)> = cut
        .into_iter()
        .filter(|token| token.kind != Kind::Blank)
        .map(|token| {
            let part = text.get(token.start..token.end).unwrap_or_default();
            (token.kind, part)
        })
        .collect();
    let is_word = |(kind, part): &(Kind, &str), words: &[&str]| {
        *kind == Kind::Word && words.iter().any(|word| part.eq_ignore_ascii_case(word))
    };
    let choices = ["OR", "XOR", "NOT", "CASE", "BETWEEN"];
    let choice = |token: &(Kind, &str)| is_word(token, &choices) || matches!(token.1, "|" | "!");
    if cut.iter().any(choice) {
        return Vec::new();
    }
    let parts = cut.split(|token| is_word(token, &["AND"]));
    let fixed = parts.filter_map(|part| {
        let inner: Vec<&(Kind, &str)> = part
            .iter()
            .filter(|(_, part)| !matches!(*part, "(" | ")"))
            .collect();
        match inner.as_slice() {
            [(name, column), (_, "="), (value, _)] | [(value, _), (_, "="), (name, column)]
                if matches!(name, Kind::Word | Kind::QuotedName)
                    && matches!(value, Kind::Text | Kind::Number) =>
            {
                Some(unquoted(column))
            }
            _ => None,
        }
    });
    fixed.collect()
}

/// Every name in a condition, some of which may be columns.
#[must_use]
pub fn named_columns(dialect: &dyn Dialect, text: &str) -> Vec<String> {
    let cut = tokens(dialect.syntax(), text).unwrap_or_default();
    let names = cut
        .into_iter()
        .filter(|token| matches!(token.kind, Kind::Word | Kind::QuotedName));
    names
        .map(|token| unquoted(text.get(token.start..token.end).unwrap_or_default()))
        .collect()
}

/// A name without its quotes.
fn unquoted(name: &str) -> String {
    name.trim_matches(['"', '`', '[', ']']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::by_scheme;

    fn checked(scheme: &str, text: &str) -> Result<String, String> {
        condition(by_scheme(scheme).unwrap(), text)
    }

    #[test]
    fn columns_that_are_fixed_have_one_value() {
        let fixed = |text| fixed_columns(by_scheme("postgres").unwrap(), text).join(" ");
        assert_eq!(fixed("kind = 'Post'"), "kind");
        assert_eq!(fixed("(3 = \"kind\") AND (a > 1 AND b=2)"), "kind b");
        for open in [
            "kind = 'a' OR b = 1",
            "NOT (kind = 'a')",
            "kind = other",
            "kind = 'a' || x",
            "kind IN ('a')",
        ] {
            assert_eq!(fixed(open), "", "{open}");
        }
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
