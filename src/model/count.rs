//! Numbers of things in sentences.

use std::fmt::Display;

/// A number with its noun, which takes an `s` unless it is one: `1 file`, `2 files`.
pub fn counted<N: Display + PartialEq + From<u8>>(number: N, noun: &str) -> String {
    let plural = if number == N::from(1) { "" } else { "s" };
    format!("{number} {noun}{plural}")
}
