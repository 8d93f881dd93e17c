//! Checks a baseline: whether the tables that migrations create exist. Only statements that create,
//! rename and drop tables are read; the effects of stored programs are not.

use std::collections::{BTreeMap, BTreeSet};

use crate::dialect::Dialect;
use crate::dialect::statement::{StatementEffect, table_effects};
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Location};
use crate::model::migration::Migration;
use crate::sql::Name;
use crate::sql::split;

/// Tables by their lower-case names, with the names as written.
type Tables = BTreeMap<String, String>;

/// The tables of a baseline that do not exist.
#[derive(Debug, PartialEq, Eq)]
pub struct Missing {
    pub tables: Vec<String>,
    /// The highest version whose tables all exist.
    pub possible: Option<i64>,
}

/// Checks that the tables of these migrations are all among the live ones. `home` is the qualifier
/// that a table of this database may have.
pub fn check(
    dialect: &dyn Dialect,
    home: &str,
    migrations: &[Migration],
    live: &[String],
) -> Result<Option<Missing>, Vec<Diagnostic>> {
    let live: BTreeSet<String> = live.iter().map(|name| name.to_lowercase()).collect();
    let (mut tables, mut faults) = (Tables::new(), Vec::new());
    let (mut lacking, mut possible) = (Vec::new(), None);
    for migration in migrations {
        if let Err(fault) = follow(dialect, home, migration, &mut tables) {
            faults.push(fault);
        }
        let absent = tables.iter().filter(|(name, _)| !live.contains(*name));
        lacking = absent.map(|(_, written)| written.clone()).collect();
        if lacking.is_empty() && !tables.is_empty() {
            possible = Some(migration.version);
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    Ok((!lacking.is_empty()).then_some(Missing {
        tables: lacking,
        possible,
    }))
}

/// Applies the effects of a migration to a set of tables.
fn follow(
    dialect: &dyn Dialect,
    home: &str,
    migration: &Migration,
    tables: &mut Tables,
) -> Result<(), Diagnostic> {
    let text = &migration.text;
    let statements = split::split(dialect.syntax(), text).map_err(|fault| {
        let place = Location::new(&migration.file, text, text.clone(), fault.range);
        let diagnostic = Diagnostic::new(Code::MigrationUnreadable, fault.message).at(place);
        match fault.hint {
            Some(hint) => diagnostic.hint(hint),
            None => diagnostic,
        }
    })?;
    for statement in statements {
        let sql = text.get(statement.range).unwrap_or_default();
        for effect in table_effects(dialect, sql) {
            apply(effect, dialect.syntax().grammar.temporary, home, tables);
        }
    }
    Ok(())
}

/// What becomes of the tables, as far as they are at home.
fn apply(effect: StatementEffect, temporary: Option<&str>, home: &str, tables: &mut Tables) {
    let at_home = |name: &Name| {
        let qualifier = name.qualifier();
        qualifier.is_none_or(|qualifier| qualifier.to_lowercase() == home.to_lowercase())
            && (temporary.is_none() || qualifier != temporary)
    };
    match effect {
        // A temporary table leaves nothing behind.
        StatementEffect::CreateTable(table) if !table.temporary && at_home(&table.name) => {
            let name = table.name.last();
            tables.insert(name.to_lowercase(), name.to_owned());
        }
        StatementEffect::DropTable(table) if at_home(&table) => {
            tables.remove(&table.last().to_lowercase());
        }
        StatementEffect::RenameTable { from, to } if at_home(&from) => {
            if at_home(&to) {
                change(tables, from.last(), to.last().to_owned());
            } else {
                tables.remove(&from.last().to_lowercase());
            }
        }
        _ => {}
    }
}

fn change(tables: &mut Tables, old: &str, new: String) {
    if tables.remove(&old.to_lowercase()).is_some() {
        tables.insert(new.to_lowercase(), new);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::DIALECTS;

    fn migrations(texts: &[&str]) -> Vec<Migration> {
        let all = (1..).zip(texts);
        all.map(|(version, text)| {
            let file = format!("V{version}__x.sql");
            Migration::new(version, "x".into(), file, (*text).into())
        })
        .collect()
    }

    fn left(dialect: &dyn Dialect, text: &str) -> Vec<String> {
        let missing = check(dialect, "Home", &migrations(&[text]), &[]);
        let missing = missing.expect("a text that can be split");
        let tables = missing.map(|missing| missing.tables).unwrap_or_default();
        tables.iter().map(|name| name.to_lowercase()).collect()
    }

    #[test]
    fn what_creates_renames_and_drops_is_followed() {
        for dialect in DIALECTS {
            let left = |text: &str| left(*dialect, text).join(" ");
            let quoted = dialect.quote("Odd; \"na`me");
            for (text, expected) in [
                (
                    "CREATE TABLE a (id INT); create table if not exists B (id INT)",
                    "a b",
                ),
                ("CREATE TEMPORARY TABLE a (id INT)", ""),
                (
                    "CREATE TABLE home.a (id INT); CREATE TABLE other.b (id INT)",
                    "a",
                ),
                ("CREATE TABLE a (id INT); DROP TABLE IF EXISTS A, b", ""),
                ("CREATE TABLE a (id INT); ALTER TABLE a RENAME TO b", "b"),
                (
                    "CREATE TABLE a (id INT); ALTER TABLE a RENAME COLUMN id TO b",
                    "a",
                ),
                ("CREATE TABLE a (id INT); ALTER TABLE a RENAME id TO b", "a"),
                (
                    "CREATE TABLE a (id INT); ALTER TABLE a ADD x DECIMAL(1, 2), RENAME b",
                    "b",
                ),
                ("CREATE TABLE a (id INT); RENAME TABLE a TO x, x TO c", "c"),
                ("CREATE VIEW v AS SELECT 1; CREATE INDEX i ON v (x)", ""),
                ("INSERT INTO a VALUES ('CREATE TABLE b (id INT)')", ""),
            ] {
                assert_eq!(left(text), expected, "{text}");
            }
            assert_eq!(
                left(&format!("CREATE TABLE {quoted} (id INT)")),
                "odd; \"na`me"
            );
        }
    }

    #[test]
    fn the_highest_version_that_can_be_true_is_found() {
        let all = migrations(&[
            "CREATE TABLE a (id INT);",
            "CREATE TABLE b (id INT);",
            "DROP TABLE b;",
            "CREATE TABLE c (id INT);",
        ]);
        for dialect in DIALECTS {
            let check = |live: &[&str]| {
                let live: Vec<String> = live.iter().map(|name| (*name).to_owned()).collect();
                check(*dialect, "x", &all, &live).expect("texts that can be split")
            };
            let missing = |possible| Missing {
                tables: vec!["c".into()],
                possible,
            };
            assert_eq!(check(&["A", "c", "z"]), None);
            assert_eq!(check(&["a"]), Some(missing(Some(3))));
            let nothing = check(&["z"]).expect("nothing is there");
            assert_eq!((nothing.tables.len(), nothing.possible), (2, None));
        }
    }
}
