//! Looks at the tables that a plan would drop or cut. Nothing is lost with a table that is not there, or,
//! in an undo, with one that has no rows; the refusal says how many rows a table has.

use crate::cmd::run::database::RunDatabase;
use crate::db::session::Session;
use crate::model::diagnostic::Diagnostic;
use crate::project::Database;

/// Remembers the tables of refused losses that do not exist.
pub async fn find_absent(members: &mut [RunDatabase<'_>], refusals: &[Diagnostic]) {
    for member in members {
        let database = member.database;
        let Some(session) = &mut member.session else {
            continue;
        };
        let home = home(database);
        let faults = refusals.iter();
        let faults = faults.filter(|fault| fault.database.as_ref() == Some(&database.name));
        for table in faults.flat_map(|fault| &fault.objects) {
            let name = own(home, table);
            let query = database.dialect.named_table_query(name);
            let Some(query) = query.filter(|_| !name.contains('.')) else {
                continue;
            };
            // Where the database does not say, the table may be there.
            if session.rows(&query).await.is_ok_and(|rows| rows.is_empty()) {
                member.absent.push(table.clone());
            }
        }
    }
}

/// Adds to each refused loss how many rows its tables hold, and remembers the tables without rows.
pub async fn count(members: &mut [RunDatabase<'_>], refusals: &mut [Diagnostic]) {
    for member in members {
        let database = member.database;
        let Some(session) = &mut member.session else {
            continue; // A database that does not exist has no rows to lose.
        };
        let home = home(database);
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
    let sql = format!("SELECT count(*) FROM {}", session.table(own(home, table)));
    session.value(&sql).await.ok().flatten()
}

fn home(database: &Database) -> &str {
    let (own, schema) = (database.target.database(), database.schema.as_deref());
    database.dialect.default_qualifier(own, schema)
}

/// A table's name without the qualifier that it has anyway.
fn own<'t>(home: &str, table: &'t str) -> &'t str {
    let rest = table.strip_prefix(home);
    rest.and_then(|rest| rest.strip_prefix('.'))
        .unwrap_or(table)
}
