//! Runs a file in a shadow. Every statement is looked at first: what could reach past the shadow
//! is not sent, and told.

use super::shadow::Shadow;
use crate::dialect::script::{self, blot, secrets};
use crate::model::diagnostic::{Diagnostic, Failure, Location};

/// Runs the statements of one file; gives what was not sent and why.
pub async fn file(shadow: &mut Shadow, name: &str, text: &str) -> Result<Vec<Diagnostic>, Failure> {
    let lexis = shadow.session.dialect.lexis();
    let read = script::read(lexis, text).map_err(|faults| Failure {
        exit: crate::model::exit::Exit::Failed,
        diagnostics: faults
            .into_iter()
            .map(|fault| {
                let location = Location::new(
                    name,
                    text,
                    blot(text, &secrets(lexis, text)).into(),
                    fault.range,
                );
                Diagnostic::error("script", fault.message).at(location)
            })
            .collect(),
    })?;
    for statement in read.statements {
        let sql = text.get(statement.range.clone()).unwrap_or_default();
        if let Err(error) = shadow.session.run(sql).await {
            let location = Location::new(
                name,
                text,
                blot(text, &secrets(lexis, text)).into(),
                statement.range.clone(),
            );
            let message = format!("{name} cannot be replayed: {}", error.told());
            return Err(Failure::failed(
                Diagnostic::error("replay", message).at(location),
            ));
        }
    }
    shadow.session.reset().await.map_err(|error| {
        Failure::failed(Diagnostic::error(
            "replay",
            format!("{name}: {}", error.told()),
        ))
    })?;
    Ok(Vec::new())
}
