//! Counts the rows that an undo would lose, for the person who has to consent.

use crate::cmd::run::database::{RunDatabase, subjects};
use crate::db::session::Session;
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Failure};
use crate::plan;

/// Adds the number of rows of the table to each loss that lacks consent.
pub async fn counted(members: &mut [RunDatabase<'_>], mut failure: Failure) -> Failure {
    let tables: Vec<Vec<String>> = subjects(members).iter().map(plan::lost_tables).collect();
    for (member, tables) in members.iter_mut().zip(tables) {
        let name = &member.database.name;
        let Some(session) = &mut member.session else {
            continue;
        };
        for table in tables {
            let asked = |fault: &&mut Diagnostic| {
                fault.database.as_ref() == Some(name)
                    && matches!(fault.code, Code::DropTable | Code::DataLoss)
                    && fault.message.contains(&format!("`{table}`"))
            };
            let Some(rows) = rows(session, &table).await else {
                continue;
            };
            let faults: Vec<&mut Diagnostic> =
                failure.diagnostics.iter_mut().filter(asked).collect();
            for fault in faults {
                fault.notes.push(format!("`{table}` holds {rows} rows"));
            }
        }
    }
    failure
}

async fn rows(session: &mut Session, table: &str) -> Option<String> {
    let sql = format!("SELECT count(*) FROM {}", session.table(table));
    // A table that cannot be counted would be lost as well.
    session.value(&sql).await.ok().flatten()
}
