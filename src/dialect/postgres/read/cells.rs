//! Reads the cells of result sets one after the other.

use super::queries::{TOPICS, Topic};
use crate::dialect::catalog::Rows;

/// The number by which a catalog knows an object.
pub type Oid = u32;

/// The result sets of all queries.
#[derive(Clone, Copy)]
pub struct Answers<'a>(pub &'a [Rows]);

/// One row, read from the left.
pub struct Cells<'a>(pub std::slice::Iter<'a, Option<String>>);

impl<'a> Answers<'a> {
    pub fn rows(self, topic: Topic) -> impl Iterator<Item = Cells<'a>> {
        let at = TOPICS.iter().position(|(is, _, _)| *is == topic);
        let answer = at.and_then(|at| self.0.get(at));
        let rows = answer.map_or(&[][..], Vec::as_slice).iter();
        rows.map(|row| Cells(row.iter()))
    }
}

impl<'a> Cells<'a> {
    /// The row without its next cells.
    pub fn skip(&self, cells: usize) -> Cells<'a> {
        let rest = self.0.as_slice().get(cells..).unwrap_or_default();
        Cells(rest.iter())
    }

    pub fn maybe(&mut self) -> Option<&'a str> {
        self.0.next().and_then(Option::as_deref)
    }

    /// Empty if it is NULL.
    pub fn text(&mut self) -> &'a str {
        self.maybe().unwrap_or_default()
    }

    pub fn owned(&mut self) -> Option<String> {
        self.maybe().map(str::to_owned)
    }

    pub fn yes(&mut self) -> bool {
        self.maybe() == Some("1")
    }

    /// 0 where it is none, which is no object's number.
    pub fn oid(&mut self) -> Oid {
        self.number(0)
    }

    pub fn number<T: std::str::FromStr>(&mut self, otherwise: T) -> T {
        let cell = self.maybe().and_then(|cell| cell.parse().ok());
        cell.unwrap_or(otherwise)
    }

    /// The numbers of a vector: `1 2 0`.
    pub fn vector(&mut self) -> Vec<i64> {
        let parts = self.text().split(' ');
        parts.filter_map(|part| part.parse().ok()).collect()
    }

    pub fn array(&mut self) -> Vec<String> {
        self.maybe().map(array).unwrap_or_default()
    }
}

/// The elements of an array of one dimension, as the server writes it: `{a,"b c"}`.
pub fn array(text: &str) -> Vec<String> {
    let inner = text
        .strip_prefix('{')
        .and_then(|text| text.strip_suffix('}'))
        .unwrap_or_default();
    let mut elements = Vec::new();
    let mut element = String::new();
    let (mut quoted, mut escaped, mut any) = (false, false, false);
    for character in inner.chars() {
        any = true;
        match character {
            _ if escaped => {
                element.push(character);
                escaped = false;
            }
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            ',' if !quoted => elements.push(std::mem::take(&mut element)),
            _ => element.push(character),
        }
    }
    if any {
        elements.push(element);
    }
    elements
}

/// Storage parameters by their names, each with `with ` before it.
pub fn parameters(text: Option<&str>, prefix: &str) -> Vec<(String, String)> {
    let all = text.map(array).unwrap_or_default();
    all.into_iter()
        .map(|parameter| {
            let (name, value) = parameter.split_once('=').unwrap_or((&parameter, "true"));
            (format!("with {prefix}{name}"), value.to_owned())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::array;

    #[test]
    fn arrays_are_taken_apart() {
        assert_eq!(array("{}"), Vec::<String>::new());
        assert_eq!(
            array(r#"{a,"b, c","d \"e\"",""}"#),
            ["a", "b, c", "d \"e\"", ""]
        );
    }
}
