//! What takes back each statement of the migrations whose undo was computed, in reports.

use serde_json::{Value, json};

use super::report::MANY;
use crate::model::migration::title;
use crate::output::{Block, Grid};
use crate::plan::reversal::Account;

/// A table with a row for each statement. Of many only those that nothing takes back are shown,
/// unless all are asked for.
pub fn blocks(accounts: &[(String, Account)], all: bool) -> Vec<Block> {
    let statements = || {
        accounts.iter().flat_map(|(database, account)| {
            let statements = account.statements.iter();
            statements.map(move |one| (database, account, one))
        })
    };
    let many = statements().count() > MANY && !all;
    let shown = statements().filter(|(_, _, one)| !many || one.reversal.stays().is_some());
    let rows = shown.map(|(database, account, one)| {
        vec![
            database.clone(),
            title(account.version, &account.name),
            format!("{} (line {})", one.statement, one.line),
            one.reversal.by(),
        ]
    });
    let rows: Vec<Vec<String>> = rows.collect();
    let hidden = statements().count() - rows.len();
    let mut blocks = Vec::new();
    if !rows.is_empty() {
        blocks.push(Block::Grid(Grid {
            headers: vec!["database", "migration", "statement", "undone by"],
            rows,
            ..Grid::default()
        }));
    }
    if hidden > 0 {
        let line = format!("{hidden} more statements are undone; -v shows all");
        blocks.push(Block::Line(line));
    }
    blocks
}

/// The accounts of a database.
pub fn json(accounts: &[(String, Account)], database: &str) -> Value {
    let own = accounts.iter().filter(|(name, _)| name == database);
    let accounts = own.map(|(_, account)| {
        let statements = account.statements.iter().map(|one| {
            json!({
                "statement": one.statement,
                "line": one.line,
                "by": one.reversal.by(),
                "stays": one.reversal.stays(),
            })
        });
        json!({
            "version": account.version,
            "name": account.name,
            "statements": statements.collect::<Vec<_>>(),
        })
    });
    accounts.collect()
}
