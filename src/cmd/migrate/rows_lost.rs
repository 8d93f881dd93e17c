//! Counts the rows that an undo would lose, for the person who has to consent.

use crate::cmd::run::database::RunDatabase;
use crate::db::session::Session;
use crate::model::diagnostic::Failure;

/// Adds to each refused loss how many rows its tables hold.
pub async fn counted(members: &mut [RunDatabase<'_>], mut failure: Failure) -> Failure {
    for member in members {
        let name = &member.database.name;
        let Some(session) = &mut member.session else {
            continue; // A database that does not exist has no rows to lose.
        };
        let faults = failure.diagnostics.iter_mut();
        for fault in faults.filter(|fault| fault.database.as_ref() == Some(name)) {
            for table in &fault.objects {
                // A table that cannot be counted is lost all the same.
                if let Some(rows) = rows(session, table).await {
                    fault.notes.push(format!("`{table}` holds {rows} rows"));
                }
            }
        }
    }
    failure
}

/// The number of rows of a table; `None` if they cannot be counted.
async fn rows(session: &mut Session, table: &str) -> Option<String> {
    let sql = format!("SELECT count(*) FROM {}", session.table(table));
    session.value(&sql).await.ok().flatten()
}
