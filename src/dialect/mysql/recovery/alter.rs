//! Parses the clauses of an ALTER TABLE.

use super::matches::matches;
use super::simulate::{Outcome, simulate};
use super::table::{Table, lower_partition, option_value};
use crate::dialect::mysql::ddl::code::Code;
use crate::dialect::mysql::ddl::partition::{Partition, Partitions};
use crate::dialect::mysql::ddl::table::{Element, TableOption};
use crate::dialect::mysql::ddl::utf8mb3;
use crate::sql::Cursor;

/// The clauses of an ALTER TABLE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alter {
    clauses: Vec<Clause>,
    /// The names of the table before and after it.
    names: (String, String),
}

/// One clause, or a part of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Clause {
    /// Columns, keys and checks to add; whether `IF NOT EXISTS` is written.
    Add(Box<Table>, bool),
    DropColumn(String, bool),
    Change(String, Box<Table>, bool),
    RenameColumn(String, String, bool),
    Default(String, Option<Code>),
    Visible(String, bool),
    DropPrimary(bool),
    DropKey(String, bool),
    RenameKey(String, String, bool),
    ShowKey(String, bool),
    DropForeign(String, bool),
    DropCheck(String, bool),
    /// A key, a foreign key or a check.
    DropConstraint(String, bool),
    Enforce(String, bool),
    Option(String, String),
    Convert(String, Option<String>),
    Partition(Option<Partitions>),
    AddParts(Vec<Partition>),
    DropParts(Vec<String>, bool),
    ReplaceParts(Vec<String>, Vec<Partition>),
    /// A clause that changes no definition.
    Nothing,
}

impl Alter {
    /// Reads the clauses. `None` if one of them is not understood.
    pub fn read(clauses: Vec<Cursor<'_>>, names: (&str, &str)) -> Option<Alter> {
        let clauses: Option<Vec<Vec<Clause>>> = clauses.into_iter().map(Clause::read).collect();
        Some(Alter {
            clauses: clauses?.concat(),
            names: (names.0.to_owned(), names.1.to_owned()),
        })
    }

    /// Whether the statement leads from the table before to the table now.
    pub fn explains(&self, before: &str, now: &str) -> bool {
        let outcome = self.outcome(before);
        let now = Table::shown(now);
        outcome.zip(now).is_some_and(|(outcome, now)| {
            matches(&outcome.table, &now, (&self.names.0, &self.names.1))
        })
    }

    /// Whether it may have run although the table looks the same, and would do harm if repeated.
    pub fn hides(&self, before: &str) -> bool {
        let outcome = self.outcome(before);
        outcome.is_some_and(|outcome| outcome.moved) && self.explains(before, before)
    }

    fn outcome(&self, before: &str) -> Option<Outcome> {
        simulate(Table::shown(before)?, &self.clauses)
    }
}

impl Clause {
    /// Reads one clause; `ADD COLUMN (…)` adds several columns.
    fn read(mut words: Cursor<'_>) -> Option<Vec<Clause>> {
        let one = |clause| Some(vec![clause]);
        let begin = words.mark();
        match crate::dialect::recovery::upper(&mut words).as_str() {
            "ADD" => one(added(words)?),
            "DROP" => one(dropped(words)?),
            "MODIFY" | "CHANGE" => {
                let changes = words.first() == "CHANGE";
                words.eat("COLUMN");
                let exists = words.eat_if_exists();
                let named = words.mark();
                let column = words.any_case()?;
                if !changes {
                    words.back_to(named);
                }
                let mut table = Table::default();
                table.add(Element::parse(words.rest())?);
                one(Clause::Change(column, Box::new(table), exists))
            }
            "RENAME" => one(renamed(words)?),
            "ALTER" => one(altered(words)?),
            "CONVERT" => {
                words.eat("TO");
                let charset_said = words.eat_all(&["CHARACTER", "SET"]) || words.eat("CHARSET");
                charset_said.then_some(())?;
                let set = utf8mb3(&words.part()?);
                let collation = if words.eat("COLLATE") {
                    Some(utf8mb3(&words.part()?))
                } else {
                    None
                };
                one(Clause::Convert(set, collation))
            }
            "FORCE" | "ALGORITHM" | "LOCK" | "ORDER" | "ENABLE" | "DISABLE" => one(Clause::Nothing),
            "REMOVE" if words.eat("PARTITIONING") => one(Clause::Partition(None)),
            "PARTITION" if words.eat("BY") => {
                let mut partitions = Partitions::parse(&mut words)?;
                partitions.list.iter_mut().for_each(lower_partition);
                one(Clause::Partition(Some(partitions)))
            }
            "COALESCE" => None,
            "REORGANIZE" => {
                words.eat("PARTITION").then_some(())?;
                let mut names = Vec::new();
                while !words.eat("INTO") {
                    names.push(words.any_case()?);
                    words.eat(",");
                }
                one(Clause::ReplaceParts(names, partitions(&mut words)?))
            }
            "REBUILD" | "OPTIMIZE" | "ANALYZE" | "CHECK" | "REPAIR" if words.eat("PARTITION") => {
                one(Clause::Nothing)
            }
            _ => {
                words.back_to(begin);
                let mut options = Vec::new();
                while !words.is_over() {
                    let option = TableOption::parse(&mut words)?;
                    options.push(match option.name.as_str() {
                        "auto_increment" => Clause::Nothing,
                        _ => Clause::Option(option.name.clone(), option_value(&option)),
                    });
                }
                Some(options)
            }
        }
    }
}

fn added(mut words: Cursor<'_>) -> Option<Clause> {
    if words.eat("PARTITION") {
        words.eat_if_exists();
        if words.eat("PARTITIONS") {
            return None;
        }
        return Some(Clause::AddParts(partitions(&mut words)?));
    }
    let mut table = Table::default();
    let exists = without_exists(&words);
    if let Some(without) = &exists {
        words = without.clone();
    }
    words.eat("COLUMN");
    let elements = match words.group() {
        Some(elements) => elements.clauses(),
        None => vec![words.rest()],
    };
    for element in elements {
        table.add(Element::parse(element)?);
    }
    Some(Clause::Add(Box::new(table), exists.is_some()))
}

/// The partitions in the parentheses that open here.
fn partitions(words: &mut Cursor<'_>) -> Option<Vec<Partition>> {
    let mut partitions = Partition::parse_list(&words.group()?)?;
    partitions.iter_mut().for_each(lower_partition);
    Some(partitions)
}

/// The clause without `IF NOT EXISTS`; `None` if it has none before the first parenthesis.
fn without_exists<'w>(words: &Cursor<'w>) -> Option<Cursor<'w>> {
    let mut head = words.tokens().take_while(|word| !word.is("("));
    let at = head.position(|word| word.is("IF"))?;
    let end = at + 3;
    (end <= words.count()).then(|| words.filtered(|position, _| !(at..end).contains(&position)))
}

fn dropped(mut words: Cursor<'_>) -> Option<Clause> {
    if words.eat_all(&["PRIMARY", "KEY"]) {
        return Some(Clause::DropPrimary(false));
    }
    let kinds = [
        "PARTITION",
        "FOREIGN",
        "INDEX",
        "KEY",
        "CONSTRAINT",
        "CHECK",
        "COLUMN",
    ];
    let kind = kinds.iter().find(|kind| words.eat(kind)).copied();
    if kind == Some("FOREIGN") {
        words.eat("KEY");
    }
    if kind.is_none() && words.peek()?.is_one_of(&["PERIOD", "SYSTEM"]) {
        return None;
    }
    let exists = words.eat_if_exists();
    let name = words.any_case()?;
    Some(match kind {
        Some("PARTITION") => {
            let mut names = vec![name];
            while words.eat(",") {
                names.push(words.any_case()?);
            }
            Clause::DropParts(names, exists)
        }
        Some("FOREIGN") => Clause::DropForeign(name, exists),
        Some("INDEX" | "KEY") if name == "primary" => Clause::DropPrimary(exists),
        Some("INDEX" | "KEY") => Clause::DropKey(name, exists),
        Some("CONSTRAINT") => Clause::DropConstraint(name, exists),
        Some("CHECK") => Clause::DropCheck(name, exists),
        _ => Clause::DropColumn(name, exists),
    })
}

fn renamed(mut words: Cursor<'_>) -> Option<Clause> {
    let column = words.eat("COLUMN");
    if !column && !words.eat_any(&["INDEX", "KEY"]) {
        // The table's name, which is looked for under the other one.
        return Some(Clause::Nothing);
    }
    let exists = words.eat_if_exists();
    let old = words.any_case()?;
    words.eat("TO").then_some(())?;
    let new = words.any_case()?;
    Some(if column {
        Clause::RenameColumn(old, new, exists)
    } else {
        Clause::RenameKey(old, new, exists)
    })
}

fn altered(mut words: Cursor<'_>) -> Option<Clause> {
    if words.eat_any(&["INDEX", "KEY"]) {
        words.eat_if_exists();
        let name = words.any_case()?;
        if words.eat_any(&["INVISIBLE", "IGNORED"]) {
            return Some(Clause::ShowKey(name, false));
        }
        let visible = words.eat("VISIBLE") || words.eat_all(&["NOT", "IGNORED"]);
        return visible.then_some(Clause::ShowKey(name, true));
    }
    if words.eat_any(&["CHECK", "CONSTRAINT"]) {
        let name = words.any_case()?;
        let enforced = !words.eat("NOT");
        return words
            .eat("ENFORCED")
            .then_some(Clause::Enforce(name, enforced));
    }
    words.eat("COLUMN");
    words.eat_if_exists();
    let name = words.any_case()?;
    if words.eat_all(&["DROP", "DEFAULT"]) {
        return Some(Clause::Default(name, None));
    }
    words.eat("SET").then_some(())?;
    if words.eat_any(&["VISIBLE", "INVISIBLE"]) {
        let last = words.tokens().next_back().or_else(|| words.passed());
        let seen = last?.is("VISIBLE");
        return Some(Clause::Visible(name, seen));
    }
    words.eat("DEFAULT").then_some(())?;
    Some(Clause::Default(name, Some(Code::of(&words))))
}
