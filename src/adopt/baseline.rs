//! A baseline: whether the tables that migrations leave behind are there. A light reading of what
//! creates, renames and drops tables; what a stored program does is not seen.

use std::collections::{BTreeMap, BTreeSet};

use crate::dialect::{Dialect, script, split};
use crate::model::diagnostic::{Diagnostic, Location};
use crate::model::migration::Migration;

/// Tables by their names in small letters, each as it is written.
type Tables = BTreeMap<String, String>;

/// What a baseline claims that is not so.
#[derive(Debug, PartialEq, Eq)]
pub struct Missing {
    pub tables: Vec<String>,
    /// The highest version whose tables all are there.
    pub possible: Option<i64>,
}

/// Whether the tables of these migrations are all among the live ones. `home` is what a table of
/// this database may be qualified with.
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

/// Does to a set of tables what a migration does.
fn follow(
    dialect: &dyn Dialect,
    home: &str,
    migration: &Migration,
    tables: &mut Tables,
) -> Result<(), Diagnostic> {
    let text = &migration.text;
    let statements = split::split(dialect.lexis(), text).map_err(|fault| {
        let place = Location::new(&migration.file, text, text.clone(), fault.range);
        let told = Diagnostic::error("migration-unreadable", fault.message).at(place);
        match fault.hint {
            Some(hint) => told.hint(hint),
            None => told,
        }
    })?;
    for statement in statements {
        let sql = text.get(statement.range).unwrap_or_default();
        let words = script::words(dialect.lexis(), sql).collect();
        let mut reader = Reader { words, at: 0, home };
        if reader.eat("CREATE") {
            reader.create(tables);
        } else if reader.eat("DROP") {
            reader.drop(tables);
        } else if reader.eat("ALTER") {
            reader.alter(tables);
        } else if reader.eat("RENAME") {
            reader.rename(tables);
        }
    }
    Ok(())
}

/// The words of a statement, read one by one.
struct Reader<'s> {
    words: Vec<&'s str>,
    at: usize,
    home: &'s str,
}

impl<'s> Reader<'s> {
    fn peek(&self) -> &'s str {
        self.words.get(self.at).copied().unwrap_or_default()
    }

    /// Goes behind a word where it stands here.
    fn eat(&mut self, word: &str) -> bool {
        let found = self.peek().eq_ignore_ascii_case(word);
        self.at += usize::from(found);
        found
    }

    fn eat_any(&mut self, words: &[&str]) -> bool {
        words.iter().any(|word| self.eat(word))
    }

    fn skip(&mut self, words: &[&str]) {
        while self.eat_any(words) {}
    }

    /// A table's name; nothing where it is qualified as another database's.
    fn name(&mut self) -> Option<String> {
        let mut parts = vec![unquoted(self.next())];
        while self.eat(".") {
            parts.push(unquoted(self.next()));
        }
        let name = parts.pop()?;
        let at_home = parts
            .last()
            .is_none_or(|last| last.is_empty() || last.to_lowercase() == self.home.to_lowercase());
        (at_home && !name.is_empty()).then_some(name)
    }

    fn next(&mut self) -> &'s str {
        let word = self.peek();
        self.at += 1;
        word
    }

    fn create(&mut self, tables: &mut Tables) {
        self.skip(&[
            "OR", "REPLACE", "GLOBAL", "LOCAL", "UNLOGGED", "FOREIGN", "VIRTUAL",
        ]);
        // A temporary table leaves nothing behind.
        if self.eat("TABLE") {
            self.skip(&["IF", "NOT", "EXISTS"]);
            if let Some(name) = self.name() {
                tables.insert(name.to_lowercase(), name);
            }
        }
    }

    fn drop(&mut self, tables: &mut Tables) {
        self.skip(&["FOREIGN"]);
        if self.eat_any(&["TABLE", "TABLES"]) {
            self.skip(&["IF", "EXISTS"]);
            loop {
                if let Some(name) = self.name() {
                    tables.remove(&name.to_lowercase());
                }
                if !self.eat(",") {
                    break;
                }
            }
        }
    }

    fn alter(&mut self, tables: &mut Tables) {
        self.skip(&["ONLINE", "IGNORE", "FOREIGN"]);
        if !self.eat("TABLE") {
            return;
        }
        self.skip(&["IF", "EXISTS", "ONLY"]);
        let Some(old) = self.name() else { return };
        let (mut depth, mut begins) = (0_usize, true);
        while self.at < self.words.len() {
            if begins && depth == 0 && self.eat("RENAME") {
                self.new_name(&old, tables);
                return;
            }
            if begins && depth == 0 && self.eat("SET") && self.eat("SCHEMA") {
                tables.remove(&old.to_lowercase());
                return;
            }
            let word = self.next();
            match word {
                "(" => depth += 1,
                ")" => depth = depth.saturating_sub(1),
                _ => {}
            }
            begins = word == ",";
        }
    }

    /// What follows `ALTER TABLE … RENAME`: a name for the table, or something inside of it.
    fn new_name(&mut self, old: &str, tables: &mut Tables) {
        if self.eat_any(&["COLUMN", "INDEX", "KEY", "CONSTRAINT"]) {
            return;
        }
        let plainly = self.eat_any(&["TO", "AS", "="]);
        let Some(new) = self.name() else { return };
        // `RENAME a TO b` is about a column.
        if plainly || !self.eat("TO") {
            change(tables, old, new);
        }
    }

    fn rename(&mut self, tables: &mut Tables) {
        if !self.eat_any(&["TABLE", "TABLES"]) {
            return;
        }
        self.skip(&["IF", "EXISTS"]);
        loop {
            let old = self.name();
            // MariaDB may wait for others before it renames.
            while self.at < self.words.len() && !self.eat("TO") {
                self.at += 1;
            }
            if let (Some(old), Some(new)) = (old, self.name()) {
                change(tables, &old, new);
            }
            if !self.eat(",") {
                return;
            }
        }
    }
}

fn change(tables: &mut Tables, old: &str, new: String) {
    if tables.remove(&old.to_lowercase()).is_some() {
        tables.insert(new.to_lowercase(), new);
    }
}

/// A name without its quotes.
fn unquoted(word: &str) -> String {
    let inner = |open: char, close: char| word.strip_prefix(open)?.strip_suffix(close);
    for (open, close) in [('"', '"'), ('`', '`'), ('\'', '\''), ('[', ']')] {
        if let Some(inner) = inner(open, close) {
            return inner.replace(&format!("{close}{close}"), &close.to_string());
        }
    }
    word.to_owned()
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
        missing.map(|missing| missing.tables).unwrap_or_default()
    }

    #[test]
    fn what_creates_renames_and_drops_is_followed() {
        for dialect in DIALECTS {
            let left = |text: &str| left(*dialect, text).join(" ");
            let quoted = dialect.quote("Odd; \"na`me");
            for (text, expected) in [
                (
                    "CREATE TABLE a (id INT); create table if not exists B (id INT)",
                    "a B",
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
                "Odd; \"na`me"
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
