//! Reads the loose foreign keys of GitLab's `config/gitlab_loose_foreign_keys.yml`: a mapping from
//! child tables to lists of entries. Only the YAML that such files use is understood; anything else
//! is an error with its line.

use std::ops::Range;
use std::path::Path;

use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Failure, Location};

/// An entry: a loose foreign key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LooseForeignKey {
    pub child: String,
    /// `table`: the parent.
    pub parent: String,
    /// The child's column.
    pub column: String,
    /// The action on the child's rows when their parent is deleted.
    pub on_delete: String,
    /// The column that `update_column_to` sets, and the value.
    pub target: Option<(String, Scalar)>,
    /// Only child rows with these values count.
    pub conditions: Vec<(String, Scalar)>,
    /// Further keys, which have no meaning for a reference.
    pub others: Vec<String>,
    pub location: Location,
}

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scalar {
    pub text: String,
    /// Whether it is quoted, and so a text.
    pub quoted: bool,
}

const ON_DELETE: &[&str] = &["async_delete", "async_nullify", "update_column_to"];

/// Reads a file; `shown` is its path in messages.
///
/// # Errors
///
/// If the file cannot be read, or for the first part of it that is not understood.
pub fn read_loose_foreign_keys(path: &Path, shown: &str) -> Result<Vec<LooseForeignKey>, Failure> {
    let text = super::read_text(path, super::LARGE).map_err(|reason| {
        let message = format!("cannot read {shown}: {reason}");
        Failure::failed(Diagnostic::new(Code::Import, message))
    })?;
    parse(shown, &text)
}

fn parse(file: &str, text: &str) -> Result<Vec<LooseForeignKey>, Failure> {
    let mut reader = Parser {
        file,
        text,
        keys: Vec::new(),
        child: None,
        entry: None,
    };
    let mut start = 0;
    for raw in text.split_inclusive('\n') {
        let line = raw.trim_end();
        let read = reader.line(line, start);
        read.map_err(|wrong| reader.refuse(wrong, start..start + line.len()))?;
        start += raw.len();
    }
    let ended = reader.close();
    ended.map_err(|wrong| reader.refuse(wrong, start..start))?;
    Ok(reader.keys)
}

/// The error, and its line if that is not the last line read.
struct Wrong(String, Option<Range<usize>>);

impl<T: Into<String>> From<T> for Wrong {
    fn from(why: T) -> Wrong {
        Wrong(why.into(), None)
    }
}

struct Parser<'t> {
    file: &'t str,
    text: &'t str,
    keys: Vec<LooseForeignKey>,
    /// The child table, and the indentation of its entries once there is one.
    child: Option<(String, Option<usize>)>,
    entry: Option<Entry>,
}

/// Keys with their values, in the order of the file.
type Pairs = Vec<(String, Scalar)>;

/// The entry that is being read.
struct Entry {
    child: String,
    /// The indentation of its keys.
    indent: usize,
    span: Range<usize>,
    scalars: Pairs,
    /// The conditions with their keys and indentation, once `conditions` has begun.
    conditions: Option<Vec<(usize, Pairs)>>,
    /// Whether the next lines belong to the conditions.
    in_conditions: bool,
}

impl Parser<'_> {
    fn place(&self, span: Range<usize>) -> Location {
        Location::new(self.file, self.text, self.text.into(), span)
    }

    fn refuse(&self, wrong: Wrong, line: Range<usize>) -> Failure {
        let Wrong(why, place) = wrong;
        let message = format!("{} is not understood: {why}", self.file);
        let hint = "the file lists child tables, each with `table`, `column` and `on_delete`, like \
            GitLab's own";
        let place = self.place(place.unwrap_or(line));
        Failure::failed(Diagnostic::new(Code::Import, message).at(place).hint(hint))
    }

    fn line(&mut self, line: &str, start: usize) -> Result<(), Wrong> {
        let inner = line.trim_start_matches(' ');
        let first = start == 0 || self.text.get(..start).is_some_and(only_comments);
        if inner.is_empty() || inner.starts_with('#') || (line == "---" && first) {
            return Ok(());
        }
        if inner.starts_with('\t') {
            return Err("a tab cannot indent".into());
        }
        let indent = line.len() - inner.len();
        if let Some(item) = inner.strip_prefix("- ") {
            let blanks = item.len() - item.trim_start_matches(' ').len();
            let pair = pair(item.trim_start_matches(' '))?;
            let begin = start + indent;
            return self.item(indent, indent + 2 + blanks, pair, begin..start + line.len());
        }
        let (key, value) = pair(inner)?;
        match indent {
            0 => self.table(key, value),
            _ => Ok(self.pair(indent, key, value)?),
        }
    }

    fn table(&mut self, key: String, value: Option<Scalar>) -> Result<(), Wrong> {
        self.close()?;
        let empty = value.is_none_or(|value| !value.quoted && value.text == "[]");
        self.child = Some((key, None));
        if empty {
            Ok(())
        } else {
            Err("a child table has a list below it".into())
        }
    }

    /// Reads a line that begins a list item.
    fn item(
        &mut self,
        indent: usize,
        keys: usize,
        (key, value): (String, Option<Scalar>),
        span: Range<usize>,
    ) -> Result<(), Wrong> {
        if let Some(entry) = &mut self.entry
            && indent >= entry.indent
        {
            return Ok(entry.condition(keys, key, value)?);
        }
        self.close()?;
        let Some((child, entries)) = &mut self.child else {
            return Err("a list without a child table above it".into());
        };
        if *entries.get_or_insert(indent) != indent {
            return Err("its indentation differs from that of the entry before it".into());
        }
        let mut entry = Entry {
            child: child.clone(),
            indent: keys,
            span,
            scalars: Vec::new(),
            conditions: None,
            in_conditions: false,
        };
        entry.set(key, value)?;
        self.entry = Some(entry);
        Ok(())
    }

    /// Reads a line with a key of the current entry.
    fn pair(&mut self, indent: usize, key: String, value: Option<Scalar>) -> Result<(), String> {
        let Some(entry) = &mut self.entry else {
            return Err("it belongs to no entry of a list".to_owned());
        };
        if indent == entry.indent {
            return entry.set(key, value);
        }
        let mut conditions = entry.conditions.iter_mut().flatten();
        match (conditions.next_back(), value) {
            (Some((keys, pairs)), Some(value)) if entry.in_conditions && *keys == indent => {
                add(pairs, key, value)
            }
            _ => Err("its indentation matches no line before it".to_owned()),
        }
    }

    /// Ends the current entry.
    fn close(&mut self) -> Result<(), Wrong> {
        let Some(entry) = self.entry.take() else {
            return Ok(());
        };
        let span = entry.span.clone();
        let key = entry.finish(self.place(span.clone()));
        self.keys.push(key.map_err(|why| Wrong(why, Some(span)))?);
        Ok(())
    }
}

impl Entry {
    fn set(&mut self, key: String, value: Option<Scalar>) -> Result<(), String> {
        self.in_conditions = false;
        match value {
            Some(value) => add(&mut self.scalars, key, value),
            None if key == "conditions" && self.conditions.is_none() => {
                (self.conditions, self.in_conditions) = (Some(Vec::new()), true);
                Ok(())
            }
            None => Err(format!("`{key}` has no value")),
        }
    }

    fn condition(&mut self, keys: usize, key: String, value: Option<Scalar>) -> Result<(), String> {
        let Some(conditions) = self.conditions.as_mut().filter(|_| self.in_conditions) else {
            return Err("a list is not allowed here".to_owned());
        };
        let value = value.ok_or_else(|| format!("`{key}` has no value"))?;
        conditions.push((keys, vec![(key, value)]));
        Ok(())
    }

    fn finish(mut self, location: Location) -> Result<LooseForeignKey, String> {
        let mut take = |name: &str| {
            let at = self.scalars.iter().position(|(key, _)| key == name)?;
            Some(self.scalars.remove(at).1)
        };
        let (parent, column) = (take("table"), take("column"));
        let (on_delete, target) = (
            take("on_delete"),
            (take("target_column"), take("target_value")),
        );
        let missing = |name: &str| format!("an entry of `{}` has no `{name}`", self.child);
        let on_delete = on_delete.ok_or_else(|| missing("on_delete"))?.text;
        if !ON_DELETE.contains(&on_delete.as_str()) {
            return Err(format!("`on_delete` is one of {}", ON_DELETE.join(", ")));
        }
        let target = match (on_delete == "update_column_to", target) {
            (true, (Some(column), Some(value))) => Some((column.text, value)),
            (true, _) => return Err(missing("target_column` and `target_value")),
            (false, (None, None)) => None,
            (false, _) => return Err("a target without `update_column_to`".to_owned()),
        };
        let mut conditions = Vec::new();
        for (_, pairs) in self.conditions.unwrap_or_default() {
            match pairs.as_slice() {
                [(one, column), (other, value)] if one == "column" && other == "value" => {
                    conditions.push((column.text.clone(), value.clone()));
                }
                _ => return Err("a condition is a `column` and then its `value`".to_owned()),
            }
        }
        let others = self
            .scalars
            .iter()
            .map(|(key, value)| format!("{key}: {}", value.text));
        Ok(LooseForeignKey {
            parent: parent.ok_or_else(|| missing("table"))?.text,
            column: column.ok_or_else(|| missing("column"))?.text,
            others: others.collect(),
            child: self.child,
            on_delete,
            target,
            conditions,
            location,
        })
    }
}

fn only_comments(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim);
    lines.all(|line| line.is_empty() || line.starts_with('#'))
}

fn add(pairs: &mut Pairs, key: String, value: Scalar) -> Result<(), String> {
    if pairs.iter().any(|(known, _)| *known == key) {
        return Err(format!("`{key}` stands there twice"));
    }
    pairs.push((key, value));
    Ok(())
}

/// Splits `key: value`, or `key:` alone.
fn pair(text: &str) -> Result<(String, Option<Scalar>), String> {
    let (key, value) = text.split_once(':').ok_or("no `key: value`")?;
    let plain = |sign: char| sign.is_ascii_alphanumeric() || "_-".contains(sign);
    if key.is_empty() || !key.chars().all(plain) {
        return Err("a key is letters, digits and `_`".to_owned());
    }
    if !value.is_empty() && !value.starts_with(' ') {
        return Err("a blank follows the colon".to_owned());
    }
    Ok((key.to_owned(), scalar(value.trim_start())?))
}

/// Parses a value on one line, without the comment after it.
fn scalar(text: &str) -> Result<Option<Scalar>, String> {
    if text.is_empty() || text.starts_with('#') {
        return Ok(None);
    }
    let quoted = |inner: &str, rest: &str, text: String| {
        let rest = rest.trim_start();
        if rest.is_empty() || rest.starts_with('#') {
            Ok(Some(Scalar { text, quoted: true }))
        } else {
            Err(format!("something follows the text `{inner}`"))
        }
    };
    if let Some(inner) = text.strip_prefix('\'') {
        let end = closing(inner).ok_or("the quote is never closed")?;
        let (inner, rest) = (&inner[..end], &inner[end + 1..]);
        return quoted(inner, rest, inner.replace("''", "'"));
    }
    if let Some(inner) = text.strip_prefix('"') {
        let (inner, rest) = inner.split_once('"').ok_or("the quote is never closed")?;
        return if inner.contains('\\') {
            Err("escapes between quotes are not read".to_owned())
        } else {
            quoted(inner, rest, inner.to_owned())
        };
    }
    let plain = text.find(" #").map_or(text, |at| &text[..at]).trim_end();
    if plain != "[]"
        && plain.starts_with(['[', '{', '&', '*', '!', '|', '>', '%', '@', '`', '?', ','])
    {
        return Err(format!("`{plain}` is YAML that bird does not read"));
    }
    if plain.contains(": ") {
        Err("two values on one line".to_owned())
    } else {
        Ok(Some(Scalar {
            text: plain.to_owned(),
            quoted: false,
        }))
    }
}

/// The position of the single quote that ends a text, in which two stand for one.
fn closing(inner: &str) -> Option<usize> {
    let mut quotes = inner.match_indices('\'').map(|(at, _)| at).peekable();
    while let Some(at) = quotes.next() {
        if quotes.next_if_eq(&(at + 1)).is_none() {
            return Some(at);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_such_files_say_is_read() {
        let text = "# about\n---\nempty: []\nci_builds: # c\n- table: users\n  column: 'user''s'\n  \
                    on_delete: async_nullify # why\n\n  \
                    # between\n- table: p\n  conditions:\n  - column: a\n    value: \"4\"\n  \
                    - column: b\n    value: 5\n  column: p_id\n  on_delete: update_column_to\n  \
                    target_column: status\n  target_value: 4\n  worker_class: W\n";
        let keys = parse("x.yml", text).unwrap();
        let scalar = |text: &str, quoted| Scalar {
            text: text.to_owned(),
            quoted,
        };
        assert_eq!(keys.len(), 2);
        assert_eq!(
            (keys[0].child.as_str(), keys[0].column.as_str()),
            ("ci_builds", "user's")
        );
        assert_eq!(keys[0].location.line, 5);
        assert_eq!(keys[1].target, Some(("status".into(), scalar("4", false))));
        let conditions = [
            ("a".into(), scalar("4", true)),
            ("b".into(), scalar("5", false)),
        ];
        assert_eq!(keys[1].conditions, conditions);
        assert_eq!(keys[1].others, ["worker_class: W"]);
    }

    #[test]
    fn what_is_not_understood_is_refused_with_its_line() {
        let entry = "a:\n  - table: b\n    column: c\n    on_delete: async_delete\n";
        assert_eq!(parse("x.yml", entry).unwrap().len(), 1);
        for (more, line, says) in [
            ("    column: d\n", 5, "twice"),
            ("   column: d\n", 5, "matches no line"),
            ("\tcolumn: d\n", 5, "tab"),
            ("   - table: d\n", 5, "differs from that"),
            ("    conditions: [a]\n", 5, "YAML that bird does not read"),
            ("    conditions:\n      - value: 1\n", 2, "a condition is"),
            ("    target_value: 1\n", 2, "target"),
            ("b: c\n", 5, "list below"),
            ("b: &x\n", 5, "YAML that bird does not read"),
            ("---\n", 5, "key: value"),
            ("b:\n  - table: c\n", 6, "no `on_delete`"),
            ("b:\n  column: c\n", 6, "no entry"),
            ("b:\n  - table: 'c\n", 6, "never closed"),
            ("b:\n  - table: c\nd:\n", 6, "no `on_delete`"),
        ] {
            let failure = parse("x.yml", &format!("{entry}{more}")).unwrap_err();
            let fault = &failure.diagnostics[0];
            assert!(fault.message.contains(says), "{more:?}: {}", fault.message);
            let place = fault.location.as_ref().unwrap();
            assert_eq!(place.line, line, "{more:?}: {}", fault.message);
        }
    }
}
