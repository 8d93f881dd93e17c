//! Declared rows that are one row under the types and collations of their key.

use super::write::{self, cell_fault};
use crate::cmd::run::open;
use crate::db::session::Session;
use crate::model::diagnostic::{Diagnostic, Failure};
use crate::model::schema::Table;
use crate::model::seed::Seed;
use crate::project::Database;
use crate::seed::{self, Wanted};

/// Asks the engine which declared rows have one key; two entries for one table count as one.
pub async fn find(
    database: &Database,
    session: &mut Session,
    seeds: &[(&Seed, Table)],
) -> Result<Vec<Diagnostic>, Failure> {
    let wanted = write::wanted(session, database, seeds)?;
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
                    if let Some(fault) = cell_fault(session, database, row, &error).await {
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
            if let (Some(one), Some(other)) = (row(pair.first()), row(pair.get(1))) {
                faults.push(seed::twins(one, other));
            }
        }
    }
    Ok(faults)
}
