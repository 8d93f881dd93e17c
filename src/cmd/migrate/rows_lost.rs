//! Counts the rows that an undo would lose: for the person who has to consent, and because nothing
//! is lost with a table that has none.

use crate::cmd::run::database::RunDatabase;
use crate::db::session::Session;
use crate::model::diagnostic::Diagnostic;

/// Adds to each refused loss how many rows its tables hold, and remembers the tables without rows.
pub async fn count(members: &mut [RunDatabase<'_>], refusals: &mut [Diagnostic]) {
    for member in members {
        let database = member.database;
        let Some(session) = &mut member.session else {
            continue; // A database that does not exist has no rows to lose.
        };
        let home = database
            .dialect
            .default_qualifier(database.target.database(), database.schema.as_deref());
        let faults = refusals.iter_mut();
        for fault in faults.filter(|fault| fault.database.as_ref() == Some(&database.name)) {
            for table in &fault.objects {
                // A table that cannot be counted is lost all the same.
                let Some(rows) = rows(session, home, table).await else {
                    continue;
                };
                if rows == "0" {
                    member.without_rows.push(table.clone());
                }
                let noun = if rows == "1" { "row" } else { "rows" };
                fault.notes.push(format!("`{table}` holds {rows} {noun}"));
            }
        }
    }
}

/// The number of rows of a table; `None` if they cannot be counted.
async fn rows(session: &mut Session, home: &str, table: &str) -> Option<String> {
    let own = table.strip_prefix(home);
    let own = own.and_then(|rest| rest.strip_prefix('.'));
    let sql = format!(
        "SELECT count(*) FROM {}",
        session.table(own.unwrap_or(table))
    );
    session.value(&sql).await.ok().flatten()
}
