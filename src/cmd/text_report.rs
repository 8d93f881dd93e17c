//! The report of commands whose answer is a text of bird's own: help, completions, manual pages.

use serde_json::{Map, Value};

use crate::model::diagnostic::Diagnostic;
use crate::model::exit::Exit;
use crate::output::{Block, Report};

/// The report of a command whose answer is a text of bird's own.
pub struct TextReport {
    pub command: &'static str,
    pub text: String,
    /// The answer as data.
    pub data: Map<String, Value>,
}

impl Report for TextReport {
    fn command(&self) -> &'static str {
        self.command
    }

    fn exit(&self) -> Exit {
        Exit::Done
    }

    fn blocks(&self) -> Vec<Block> {
        vec![Block::Text(self.text.clone())]
    }

    fn diagnostics(&self) -> Vec<Diagnostic> {
        Vec::new()
    }

    fn databases(&self) -> Vec<Value> {
        Vec::new()
    }

    fn extra(&self) -> Map<String, Value> {
        let mut data = self.data.clone();
        data.insert("text".to_owned(), self.text.as_str().into());
        data
    }
}
