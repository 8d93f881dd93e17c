//! Declared rows that the engine cannot hold: values that do not fit their columns, and rows that are
//! one row under the types and collations of their key.

use super::write::{self, cell_fault};
use crate::cmd::run::open;
use crate::db::session::Session;
use crate::invariant;
use crate::model::diagnostic::{Diagnostic, Failure};
use crate::model::schema::Table;
use crate::model::seed::Seed;
use crate::project::Database;
use crate::seed::{self, Wanted};

/// So many conditions are asked for at once.
const AT_ONCE: usize = 100;

/// Asks the engine about all declared rows of a database.
pub async fn find(
    database: &Database,
    session: &mut Session,
    seeds: &[(&Seed, Table)],
) -> Result<Vec<Diagnostic>, Failure> {
    let wanted = write::wanted(session, database, seeds)?;
    let faults = unfit(database, session, &wanted).await?;
    if faults.is_empty() {
        twins(database, session, &wanted).await
    } else {
        Ok(faults)
    }
}

/// Values that their columns cannot hold.
async fn unfit(
    database: &Database,
    session: &mut Session,
    wanted: &[Vec<Wanted<'_>>],
) -> Result<Vec<Diagnostic>, Failure> {
    let rows = wanted.iter().flatten();
    let asked = rows.flat_map(|row| {
        row.conditions()
            .map(move |(column, fits)| (row, column, fits))
    });
    let asked: Vec<_> = asked.collect();
    let mut faults = Vec::new();
    for some in asked.chunks(AT_ONCE) {
        let cells: Vec<String> = some
            .iter()
            .map(|(_, _, fits)| format!("CASE WHEN {fits} THEN 1 ELSE 0 END"))
            .collect();
        let answer = session.rows(&format!("SELECT {}", cells.join(", "))).await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                for (row, ..) in some {
                    if let Some(fault) = cell_fault(session, row, &error).await {
                        return Err(Failure::failed(fault));
                    }
                }
                let fault = open::cannot_ask(database, "reading the values of its seeds", &error);
                return Err(Failure::failed(fault));
            }
        };
        let answers: Vec<Option<String>> = answer.into_iter().flatten().collect();
        invariant!(
            answers.len() == some.len(),
            "each condition about a seed has an answer"
        );
        for ((row, column, _), answer) in some.iter().zip(&answers) {
            if answer.as_deref() != Some("1") {
                faults.push(row.unfit(column, "its type does not hold this value"));
            }
        }
    }
    Ok(faults)
}

/// Rows that have one key; two entries for one table count as one.
async fn twins(
    database: &Database,
    session: &mut Session,
    wanted: &[Vec<Wanted<'_>>],
) -> Result<Vec<Diagnostic>, Failure> {
    let mut groups: Vec<Vec<&Wanted<'_>>> = Vec::new();
    for row in wanted.iter().flatten() {
        let of = |group: &&mut Vec<&Wanted<'_>>| {
            let first = group.first();
            first.is_some_and(|first| first.table == row.table && first.seed.key == row.seed.key)
        };
        match groups.iter_mut().find(of) {
            Some(group) => group.push(row),
            None => groups.push(vec![row]),
        }
    }
    let mut faults = Vec::new();
    for group in groups {
        let Some(query) = seed::twins_query(database.dialect, &session.server, &group) else {
            continue;
        };
        let pairs = match session.rows(&query).await {
            Ok(pairs) => pairs,
            Err(error) => {
                for row in &group {
                    if let Some(fault) = cell_fault(session, row, &error).await {
                        return Err(Failure::failed(fault));
                    }
                }
                let fault = open::cannot_ask(database, "comparing the keys of its seeds", &error);
                return Err(Failure::failed(fault));
            }
        };
        let row = |cell: Option<&Option<String>>| {
            let at = cell?.as_deref()?.parse::<usize>().ok()?;
            group.get(at).copied()
        };
        for pair in &pairs {
            let one = row(pair.first());
            let other = row(pair.get(1));
            let one = invariant!(one, some, "the first of two equal rows is declared");
            let other = invariant!(other, some, "the second of two equal rows is declared");
            faults.push(seed::twins(one, other));
        }
    }
    Ok(faults)
}
