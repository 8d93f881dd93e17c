//! A TOML document with locations. All faults are collected and shown without secrets.

use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::config::may_be_shown;
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Location};
use crate::model::name::did_you_mean;

/// The text of a config file.
pub struct Document {
    /// The path as it is shown.
    pub file: String,
    pub text: String,
    drawn: Arc<str>,
    /// Where each line begins.
    lines: Vec<usize>,
}

impl Document {
    pub fn new(file: String, text: String) -> Self {
        let (table, _) = DeTable::parse_recoverable(&text);
        let mut drawn = text.clone().into_bytes();
        blot_lines(&text, &mut drawn);
        let mut strings = Vec::new();
        secret_strings(table.get_ref(), &mut strings);
        for span in strings {
            blot(&mut drawn, span);
        }
        // Each character is replaced by as many stars as it has bytes, so that offsets stay.
        let drawn = String::from_utf8(drawn).unwrap_or_default().into();
        let ends = text.match_indices('\n').map(|(at, _)| at + 1);
        let lines = std::iter::once(0).chain(ends).collect();
        Document {
            file,
            text,
            drawn,
            lines,
        }
    }

    /// The place of a span. It reads one line and not all before it: a project may have thousands of
    /// places.
    pub fn location(&self, span: Range<usize>) -> Location {
        let before = self.lines.partition_point(|start| *start <= span.start);
        let start = self
            .lines
            .get(before.saturating_sub(1))
            .copied()
            .unwrap_or(0);
        let end = self.lines.get(before).copied().unwrap_or(self.text.len());
        let line = &self.text[start..end];
        Location::in_line(&self.file, before, (start, line), self.drawn.clone(), span)
    }
}

/// Masks the text between quotes in a span.
fn blot(drawn: &mut [u8], span: Range<usize>) {
    for byte in drawn.get_mut(span).unwrap_or_default() {
        if !matches!(byte, b'"' | b'\'' | b'\n' | b'\r') {
            *byte = b'*';
        }
    }
}

/// Masks line by line, which also works if the file is not TOML: the text after `://`, and the values
/// of keys that may not be shown.
fn blot_lines(text: &str, drawn: &mut [u8]) {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let end = start + line.len();
        if let Some(at) = line.find("://") {
            blot(drawn, start + at + 3..end);
        }
        if let Some((key, _)) = line.split_once('=') {
            let word = key
                .trim()
                .rsplit(['.', '{', ' '])
                .next()
                .unwrap_or_default();
            let word = word.trim_matches(['"', '\'']);
            if !may_be_shown(word) && !line.contains('{') {
                let value = &line[key.len() + 1..];
                let blanks = value.len() - value.trim_start().len();
                blot(drawn, start + key.len() + 1 + blanks..end);
            }
        }
        start = end;
    }
}

fn secret_strings(table: &DeTable<'_>, found: &mut Vec<Range<usize>>) {
    for (key, value) in table.iter() {
        if key.get_ref() != "rows" {
            secret_value(key.get_ref(), value, found);
        }
    }
}

fn secret_value(key: &str, value: &Spanned<DeValue<'_>>, found: &mut Vec<Range<usize>>) {
    match value.get_ref() {
        DeValue::Table(table) => secret_strings(table, found),
        DeValue::Array(items) => {
            for item in items.iter() {
                secret_value(key, item, found);
            }
        }
        _ if !may_be_shown(key) => found.push(value.span()),
        _ => {}
    }
}

/// A name for a message, after a blank; empty if it is not a plain word, because it might be a URL
/// that was pasted to the wrong place.
pub fn shown_name(name: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "_-".contains(letter);
    if name.len() <= 40 && name.chars().all(plain) {
        format!(" `{name}`")
    } else {
        String::new()
    }
}

/// Reads tables and collects their faults.
pub struct ConfigReader<'d> {
    pub document: &'d Document,
    pub faults: Vec<Diagnostic>,
}

impl<'d> ConfigReader<'d> {
    pub fn new(document: &'d Document) -> Self {
        ConfigReader {
            document,
            faults: Vec::new(),
        }
    }

    pub fn fault(&mut self, span: Range<usize>, message: String, hint: Option<String>) {
        let mut fault = Diagnostic::new(Code::Config, message).at(self.document.location(span));
        fault.hint = hint;
        // A place is read once per environment, but reported once.
        if !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
    }

    /// Reports the keys of a table that are not among `known`.
    pub fn unknown_keys(&mut self, table: &DeTable<'_>, known: &[&str], of: &str) {
        for (key, _) in table.iter() {
            let name = key.get_ref();
            if !known.contains(&name.as_ref()) {
                let hint = did_you_mean(name, known.iter().copied())
                    .unwrap_or_else(|| format!("the keys of {of} are {}", known.join(", ")));
                let name = shown_name(name);
                self.fault(key.span(), format!("unknown key{name} in {of}"), Some(hint));
            }
        }
    }

    fn wrong_type(&mut self, value: &Spanned<DeValue<'_>>, key: &str, wanted: &str) {
        let found = value.get_ref().type_str();
        let message = format!("`{key}` must be {wanted}, not {found}");
        self.fault(value.span(), message, None);
    }

    pub fn table<'t, 'i>(
        &mut self,
        value: &'t Spanned<DeValue<'i>>,
        key: &str,
    ) -> Option<&'t DeTable<'i>> {
        let table = value.get_ref().as_table();
        if table.is_none() {
            self.wrong_type(value, key, "a table");
        }
        table
    }

    /// The tables of `[[key]]`.
    pub fn tables<'t, 'i>(
        &mut self,
        table: &'t DeTable<'i>,
        key: &str,
    ) -> Vec<(&'t DeTable<'i>, Range<usize>)> {
        let Some(value) = table.get(key) else {
            return Vec::new();
        };
        let Some(items) = value.get_ref().as_array() else {
            self.wrong_type(value, key, "an array of tables");
            return Vec::new();
        };
        let items = items.iter();
        items
            .filter_map(|item| Some((self.table(item, key)?, item.span())))
            .collect()
    }

    pub fn string(&mut self, table: &DeTable<'_>, key: &str) -> Option<Spanned<String>> {
        let value = table.get(key)?;
        let Some(text) = value.get_ref().as_str() else {
            self.wrong_type(value, key, "a string");
            return None;
        };
        Some(Spanned::new(value.span(), text.to_owned()))
    }

    /// A string that is required.
    pub fn needed(
        &mut self,
        table: &DeTable<'_>,
        key: &str,
        of: &Range<usize>,
    ) -> Option<Spanned<String>> {
        if table.get(key).is_none() {
            self.fault(of.clone(), format!("`{key}` is missing here"), None);
        }
        self.string(table, key)
    }

    pub fn strings(&mut self, table: &DeTable<'_>, key: &str) -> Option<Vec<Spanned<String>>> {
        let value = table.get(key)?;
        let Some(items) = value.get_ref().as_array() else {
            self.wrong_type(value, key, "an array of strings");
            return None;
        };
        let mut strings = Vec::new();
        for item in items.iter() {
            match item.get_ref().as_str() {
                Some(text) => strings.push(Spanned::new(item.span(), text.to_owned())),
                None => self.wrong_type(item, key, "an array of strings"),
            }
        }
        Some(strings)
    }

    pub fn boolean(&mut self, table: &DeTable<'_>, key: &str) -> Option<bool> {
        let value = table.get(key)?;
        let boolean = value.get_ref().as_bool();
        if boolean.is_none() {
            self.wrong_type(value, key, "true or false");
        }
        boolean
    }

    pub fn count(&mut self, table: &DeTable<'_>, key: &str) -> Option<u64> {
        let value = table.get(key)?;
        let integer = value.get_ref().as_integer();
        let count = integer.and_then(|integer| integer.as_str().parse().ok());
        if count.is_none() {
            self.wrong_type(value, key, "a whole number from 0");
        }
        count
    }

    /// One of a few words.
    pub fn word(&mut self, table: &DeTable<'_>, key: &str, words: &[&str]) -> Option<String> {
        let text = self.string(table, key)?;
        if !words.contains(&text.get_ref().as_str()) {
            let hint = did_you_mean(text.get_ref(), words.iter().copied());
            let message = format!("`{key}` must be one of: {}", words.join(", "));
            self.fault(text.span(), message, hint);
            return None;
        }
        Some(text.into_inner())
    }
}

/// Overrides `base` with `over`: tables are merged, other values are replaced.
pub fn overlay<'i>(base: &mut DeTable<'i>, over: &DeTable<'i>) {
    // `url` and `url_file` exclude each other: the one in the overrides wins.
    for (one, other) in [("url", "url_file"), ("url_file", "url")] {
        if over.contains_key(one) && !over.contains_key(other) {
            base.remove(other);
        }
    }
    for (key, value) in over.iter() {
        let name: &str = key.get_ref();
        if let DeValue::Table(upper) = value.get_ref()
            && let Some(lower) = base.get_mut(name)
            && let DeValue::Table(lower) = lower.get_mut()
        {
            overlay(lower, upper);
            continue;
        }
        base.remove(name);
        base.insert(key.clone(), value.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_secret_is_drawn() {
        let text = "[databases.ums]\nurl = \"mysql://root:hunter2@h/ums\"\npasword = 'hunter2'\n\
                    migrations = \"shown\"\n[databases.b]\nurl = \"mysql:root:hunter2@h";
        let document = Document::new("bird.toml".into(), text.into());
        assert!(!document.drawn.contains("hunter2"), "{}", document.drawn);
        assert!(document.drawn.contains("shown"));
        assert_eq!(document.drawn.len(), text.len());
    }

    #[test]
    fn places_are_those_of_the_text() {
        let text = "a = 1\r\n\n# größe 😀\nb = 2";
        let document = Document::new("bird.toml".into(), text.into());
        for start in (0..=text.len()).filter(|at| text.is_char_boundary(*at)) {
            let span = start..text.len();
            let expected = Location::new("bird.toml", text, document.drawn.clone(), span.clone());
            assert_eq!(document.location(span), expected, "{start}");
        }
    }

    /// Where each place costs all the text before it, this takes minutes.
    #[test]
    fn the_places_of_many_rows_are_found() {
        let row = "    { name = \"a name\", text = \"some text of a row\" },\n";
        let text = format!("a = [\n{}]\n", row.repeat(50_000));
        let document = Document::new("bird.toml".into(), text);
        let last = (0..50_000)
            .map(|at| 6 + at * row.len())
            .map(|start| document.location(start..start).line)
            .max();
        assert_eq!(last, Some(50_001));
    }
}
