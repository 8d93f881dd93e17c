//! Normalises expressions. The server prints an expression differently once it has read its own
//! output: both spellings become the second one.

/// An expression without parentheses around all of it.
pub fn bare(expression: &str) -> &str {
    let mut text = expression.trim();
    while let Some(inner) = text.strip_prefix('(').and_then(|it| it.strip_suffix(')')) {
        let (mut depth, mut quoted) = (0_i32, false);
        let closes = inner.chars().any(|c| {
            match c {
                '\'' => quoted = !quoted,
                '(' if !quoted => depth += 1,
                ')' if !quoted => depth -= 1,
                _ => {}
            }
            depth < 0
        });
        if closes || quoted {
            break;
        }
        text = inner.trim();
    }
    text
}

/// Normalises an expression without parentheses around all of it.
pub fn normalize_expression(expression: &str) -> String {
    normalize_text(bare(expression))
}

/// Normalises the expressions in a text.
pub fn normalize_text(sql: &str) -> String {
    flat(&arrays(sql))
}

/// `((a) AND (b)) AND (c)` is `(a) AND (b) AND (c)`, and so with OR.
fn flat(sql: &str) -> String {
    let mut text = sql.to_owned();
    while let Some((open, close)) = nested(&text) {
        text.remove(close);
        text.remove(open);
    }
    text
}

/// The parentheses around a conjunction that is the first part of another one.
fn nested(sql: &str) -> Option<(usize, usize)> {
    if !sql.contains(")) AND ") && !sql.contains(")) OR ") {
        return None;
    }
    let mut quoted = None;
    // What is open: its place, whether it begins a group, and the words at its top.
    let mut open: Vec<(usize, bool, [bool; 2])> = Vec::new();
    let mut before = '(';
    for (at, c) in sql.char_indices() {
        let rest = sql.get(at..).unwrap_or_default();
        match (c, quoted) {
            ('\'' | '"', None) => quoted = Some(c),
            (c, Some(end)) if c == end => quoted = None,
            (_, Some(_)) => {}
            ('(', None) => open.push((at, before == '(', [false; 2])),
            (')', None) => {
                let (start, first, words) = open.pop()?;
                let behind = rest.get(1..).unwrap_or_default();
                let joins = [behind.starts_with(" AND "), behind.starts_with(" OR ")];
                let joined = std::iter::zip(joins, words).any(|(one, other)| one && other);
                if first && joined && words != [true; 2] {
                    return Some((start, at));
                }
            }
            (' ', None) => {
                if let Some((_, _, words)) = open.last_mut() {
                    words[0] |= rest.starts_with(" AND ");
                    words[1] |= rest.starts_with(" OR ");
                }
            }
            _ => {}
        }
        before = c;
    }
    None
}

/// `(ARRAY['a'::character varying])::text[]` is `ARRAY[('a'::character varying)::text]`.
fn arrays(sql: &str) -> String {
    const HEAD: &str = "(ARRAY[";
    if !sql.contains(HEAD) {
        return sql.to_owned();
    }
    let mut text = String::with_capacity(sql.len());
    let (mut rest, mut quoted) = (sql, None);
    while let Some(first) = rest.chars().next() {
        let body = rest.strip_prefix(HEAD).filter(|_| quoted.is_none());
        if let Some((array, behind)) = body.and_then(cast) {
            text.push_str(&array);
            rest = behind;
            continue;
        }
        match (first, quoted) {
            ('\'' | '"', None) => quoted = Some(first),
            (first, Some(open)) if first == open => quoted = None,
            _ => {}
        }
        text.push(first);
        rest = rest.get(first.len_utf8()..).unwrap_or_default();
    }
    text
}

/// The array whose elements begin here, cast one by one, and what stands behind it.
fn cast(body: &str) -> Option<(String, &str)> {
    let (mut depth, mut quoted, mut start) = (0_i32, None, 0);
    let mut elements = Vec::new();
    let mut end = None;
    for (at, c) in body.char_indices() {
        match (c, quoted) {
            ('\'' | '"', None) => quoted = Some(c),
            (c, Some(open)) if c == open => quoted = None,
            (_, Some(_)) => {}
            ('(' | '[', None) => depth += 1,
            (']', None) if depth == 0 => {
                elements.push(body.get(start..at)?);
                end = Some(at);
                break;
            }
            (')' | ']', None) => depth -= 1,
            (',', None) if depth == 0 => {
                elements.push(body.get(start..at)?);
                start = at + 1;
            }
            _ => {}
        }
    }
    let behind = body.get(end? + 1..)?.strip_prefix(")::")?;
    let (name, behind) = behind.split_once("[]")?;
    let plain = |c: char| c.is_alphanumeric() || " _\"().,".contains(c);
    if !name.chars().all(plain) {
        return None;
    }
    let elements: Vec<String> = elements
        .iter()
        .map(|element| format!("({})::{name}", element.trim()))
        .collect();
    Some((format!("ARRAY[{}]", elements.join(", ")), behind))
}

#[cfg(test)]
mod tests {
    use super::{arrays, bare, flat};

    #[test]
    fn conjunctions_are_flat() {
        assert_eq!(
            flat("(((a > 1) AND (b = ')')) AND (c)) OR (d)"),
            "((a > 1) AND (b = ')') AND (c)) OR (d)"
        );
        assert_eq!(flat("(a) AND ((b) AND (c))"), "(a) AND ((b) AND (c))");
        assert_eq!(flat("((a) OR (b)) AND (c)"), "((a) OR (b)) AND (c)");
    }

    #[test]
    fn parentheses_around_all_go() {
        assert_eq!(bare("((a > 0))"), "a > 0");
        assert_eq!(bare("(a) + (b)"), "(a) + (b)");
        assert_eq!(bare("(a = ')')"), "a = ')'");
    }

    #[test]
    fn arrays_are_cast_by_element() {
        assert_eq!(
            arrays("(a = ANY ((ARRAY['x'::varchar, 'y, ]'::varchar])::text[]))"),
            "(a = ANY (ARRAY[('x'::varchar)::text, ('y, ]'::varchar)::text]))"
        );
        assert_eq!(arrays("'(ARRAY[1])::text[]'"), "'(ARRAY[1])::text[]'");
    }
}
