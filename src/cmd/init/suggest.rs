//! References that a guess and values suggest, as comments for bird.toml.

use std::fmt::Write as _;
use std::sync::Arc;

use crate::cmd::context::Context;
use crate::db::audit::connections::Connections;
use crate::db::audit::endpoints::{PreparedReference, prepare};
use crate::db::audit::sample::{Evidence, evidence};
use crate::guess::{Guess, LIKELY, guess};
use crate::model::diagnostic::Failure;
use crate::model::key::Compare;
use crate::model::name::ColumnNames;
use crate::model::reference::Reference;
use crate::model::schema::{Family, Schema};

/// A guess with its evidence.
#[derive(Debug, Clone)]
pub struct Suggestion {
    pub guess: Guess,
    /// How the values are compared; `None` if their types tell.
    pub compare: Option<Compare>,
    /// `None` if the values could not be compared.
    pub evidence: Option<Evidence>,
    /// Whether it is worth an entry in bird.toml, which is a comment all the same.
    pub is_written: bool,
}

impl Suggestion {
    /// Its reason and its evidence in words.
    pub fn describe(&self) -> String {
        let mut words = self.guess.reason.describe().to_owned();
        if self.guess.is_ambiguous {
            words.push_str("; another table fits as well");
        }
        let how = match &self.compare {
            Some(Compare::Uuid) => " as UUIDs",
            Some(_) => " as text",
            None => "",
        };
        match self.evidence {
            None => words.push_str("; values cannot be compared"),
            Some(Evidence { values: 0, .. }) => words.push_str("; no values yet"),
            Some(Evidence { values, found }) => {
                let _ = write!(words, "; {found} of {values} values found{how}");
            }
        }
        words
    }

    /// Whether it is worth an entry: names that fit well and values that do not refute them, or
    /// values that cannot be there by chance.
    fn is_likely(&self, family: Family) -> bool {
        let Some(Evidence { values, found }) = self.evidence else {
            return self.guess.score >= LIKELY;
        };
        if self.guess.compare.is_some() && values == 0 {
            // Only values tell that a text is the text of a UUID.
            return false;
        }
        let most = found * 2 > values;
        // Small whole numbers are found in every table.
        let by_chance = family == Family::Integer || values < 2;
        if self.guess.score >= LIKELY {
            values == 0 || most
        } else {
            most && !by_chance && found == values
        }
    }
}

/// Guesses references between databases that are open, and looks a sample of values up.
pub async fn suggestions(
    context: &Context,
    schemas: &[(&str, &Schema)],
    open: &mut Connections,
) -> Result<Vec<Suggestion>, Failure> {
    let guesses = guess(schemas);
    let mut all = Vec::new();
    context.progress.begin(guesses.len());
    for guess in guesses {
        context.progress.advance(1, &guess.from.to_string());
        let (compare, prepared) = prepared(&guess, open)?;
        let mut suggestion = Suggestion {
            guess,
            compare,
            evidence: None,
            is_written: false,
        };
        if let Some(reference) = prepared {
            // What cannot be read is no evidence, and a suggestion is not worth an error.
            suggestion.evidence = evidence(&reference, open).await.ok();
            let child = reference.child.columns.first();
            let family = child.map_or(Family::Other, |(column, _)| column.family);
            suggestion.is_written = suggestion.is_likely(family);
        }
        all.push(suggestion);
    }
    context.progress.finish();
    Ok(all)
}

/// The reference of a guess as an audit reads it, and how its values are compared where their types do
/// not tell.
fn prepared(
    guess: &Guess,
    open: &Connections,
) -> Result<(Option<Compare>, Option<Arc<PreparedReference>>), Failure> {
    let [from, to] = [&guess.from, &guess.to].map(|name| ColumnNames {
        database: name.database.clone(),
        table: name.table.clone(),
        columns: vec![name.column.clone()],
    });
    let mut reference = Reference::new(from, to);
    // Two engines order characters differently: they are then compared exactly.
    for compare in [guess.compare.clone(), Some(Compare::Text)] {
        reference.compare = compare.clone().into_iter().collect();
        if let Some(prepared) = prepare(open, 0, &reference)?.prepared {
            return Ok((compare, Some(prepared)));
        }
    }
    Ok((None, None))
}

/// The entries of likely references, each a comment with its evidence; empty if there are none.
pub fn text(suggestions: &[Suggestion]) -> String {
    let written: Vec<&Suggestion> = suggestions.iter().filter(|one| one.is_written).collect();
    if written.is_empty() {
        return String::new();
    }
    let mut text = "\
# Columns that look like references. Check each, and take its comment signs off if it is one:
# `bird audit` then finds rows without a parent.
"
    .to_owned();
    for one in written {
        let [from, to] = [&one.guess.from, &one.guess.to]
            .map(|name| serde_json::Value::String(name.to_string()).to_string());
        let _ = write!(
            text,
            "\n# {}\n# [[references]]\n# from = {from}\n# to   = {to}\n",
            one.describe()
        );
        if let Some(compare) = &one.compare {
            let word = serde_json::Value::String(compare.word());
            let _ = writeln!(text, "# compare = {word}");
        }
    }
    text
}
