//! Draws diagnostics for people: the message, the place with its source line, notes and help.

use std::collections::HashSet;
use std::io::Write;

use annotate_snippets::{AnnotationKind, Element, Group, Level, Renderer, Snippet};

use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Severity};
use crate::output::escape::terminal;
use crate::output::wrap::{stderr_width, wrap};

/// Writes diagnostics to stderr as text, each with its source line where there is one.
pub fn show(diagnostics: &[Diagnostic], decorate: bool) {
    let limit = stderr_width();
    let renderer = if decorate {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let renderer = match limit {
        usize::MAX => renderer,
        limit => renderer.term_width(limit),
    };
    let mut stderr = anstream::stderr().lock();
    let mut explained = HashSet::new();
    for diagnostic in diagnostics {
        let code = diagnostic.code;
        let is_explained = diagnostic.severity == Severity::Error && code.has_recovery();
        let more = (is_explained && explained.insert(code.name())).then(|| more(code));
        let text = draw(diagnostic, more.as_deref(), &renderer, limit);
        // Nothing can be done about a closed stderr.
        let _: std::io::Result<()> = writeln!(stderr, "{text}\n");
    }
}

/// Where the documentation says how to recover.
fn more(code: Code) -> String {
    format!("see bird help {code}, or {}", code.page())
}

/// One diagnostic as text, its sentences wrapped to a width. `more` leads to the documentation.
fn draw(diagnostic: &Diagnostic, more: Option<&str>, renderer: &Renderer, limit: usize) -> String {
    let (level, word) = match diagnostic.severity {
        Severity::Error => (Level::ERROR, "error"),
        Severity::Warning => (Level::WARNING, "warning"),
        Severity::Note => (Level::NOTE, "note"),
    };
    let label = word.len() + diagnostic.code.name().len();
    let message = terminal(&diagnostic.message, true);
    let message = wrapped(&message, limit, label + "[]: ".len());
    let title = level.primary_title(message).id(diagnostic.code.name());
    let mut group = Group::with_title(title);
    if let Some(place) = &diagnostic.location {
        let file = terminal(&place.file, false);
        match place
            .source
            .as_deref()
            .filter(|source| place.span.start <= source.len())
        {
            Some(source) if place.span != (0..0) => {
                let (window, first_line, span) = window(source, place.span.clone());
                let (window, span) = harmless(window, span);
                let snippet = Snippet::source(window)
                    .path(file)
                    .line_start(first_line)
                    .annotation(AnnotationKind::Primary.span(span));
                group = group.element(snippet);
            }
            _ => {
                let origin = annotate_snippets::Origin::path(file);
                group = group.element(Element::from(origin));
            }
        }
    }
    // Notes are indented as far as the number of the source line is wide.
    let line = diagnostic.location.as_ref().map_or(1, |place| place.line);
    let label = line.to_string().len() + " = note: ".len();
    for note in &diagnostic.notes {
        let note = wrapped(&terminal(note, true), limit, label);
        group = group.element(Level::NOTE.message(note));
    }
    if let Some(hint) = &diagnostic.hint {
        let hint = wrapped(&terminal(hint, true), limit, label);
        group = group.element(Level::HELP.message(hint));
    }
    if let Some(more) = more {
        group = group.element(Level::HELP.message(wrapped(more, limit, label)));
    }
    renderer.render(&[group])
}

/// A text in lines that fit behind a label. A terminal that is too narrow wraps them itself.
fn wrapped(text: &str, limit: usize, label: usize) -> String {
    let room = limit.saturating_sub(label).max(30);
    let lines: Vec<String> = text
        .split('\n')
        .flat_map(|line| wrap(line, room, ""))
        .collect();
    lines.join("\n")
}

/// A source line as it may be shown, and where its span is then.
fn harmless(source: &str, span: std::ops::Range<usize>) -> (String, std::ops::Range<usize>) {
    let before = terminal(&source[..span.start], true);
    // The mark of a place behind the last character is outside the line.
    let end = span.end.min(source.len());
    let marked = terminal(&source[span.start..end], true);
    let after = terminal(&source[end..], true);
    let span = before.len()..before.len() + marked.len() + (span.end - end);
    (before + &marked + &after, span)
}

/// The lines around a span, at most a few: a statement may be long, and so may a line.
fn window(source: &str, span: std::ops::Range<usize>) -> (&str, usize, std::ops::Range<usize>) {
    let floor = |mut at: usize| {
        at = at.min(source.len());
        while !source.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let start = floor(span.start);
    // Only the first line of the span is marked; the rest of a statement adds nothing.
    let line_end = source[start..]
        .find(['\n', '\r'])
        .map_or(source.len(), |at| start + at);
    let mut end = floor(span.end.min(line_end)).max(start);
    if end == start {
        // A place without extent is marked by its next character.
        end += source[start..].chars().next().map_or(0, char::len_utf8);
    }
    let line_start = source[..start].rfind('\n').map_or(0, |at| at + 1);
    let left = floor(line_start.max(start.saturating_sub(160)));
    let right = floor(line_end.min(end + 160));
    let first_line = source[..left].bytes().filter(|byte| *byte == b'\n').count() + 1;
    (&source[left..right], first_line, start - left..end - left)
}
