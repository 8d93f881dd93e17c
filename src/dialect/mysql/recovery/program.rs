//! Compares the definition in a CREATE statement with the one that the server shows.

use std::collections::{BTreeMap, BTreeSet};

use super::matches::matches;
use super::table::{Table, option_value};
use crate::dialect::mysql::ddl::table::TableOption;
use crate::dialect::recovery::ObjectKind;
use crate::dialect::recovery::normalize::{alike, flat, flat_text, plain};
use crate::dialect::statement::{DdlObject, Head};
use crate::sql::Cursor;

/// The definition in a CREATE statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Created {
    Table(Box<Table>),
    View(View),
    /// The code behind its name.
    Trigger(Vec<String>),
    Routine(Routine),
    Event(Event),
    Sequence(BTreeMap<String, String>),
    Database(BTreeMap<String, String>),
    /// A definition whose printed form is not known.
    Unknown,
}

/// A view without its definer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    invoker: bool,
    columns: Vec<String>,
    query: Vec<String>,
}

/// A procedure or a function without its definer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Routine {
    parameters: Vec<String>,
    returns: Vec<String>,
    traits: BTreeSet<String>,
    body: Vec<String>,
}

/// A recurring event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    every: Vec<String>,
    is_kept: bool,
    state: &'static str,
    comment: Vec<String>,
    body: Vec<String>,
}

impl Created {
    /// Reads a statement from behind the name of the object.
    pub fn said(kind: ObjectKind, head: &Head<'_>, words: Cursor<'_>) -> Created {
        let read = match kind {
            ObjectKind::Table if head.kind == DdlObject::View => {
                View::read(head, words).map(Created::View)
            }
            ObjectKind::Table => Table::parse(words).map(|table| Created::Table(Box::new(table))),
            ObjectKind::Trigger => Some(Created::Trigger(flat(words.tokens()))),
            ObjectKind::Procedure | ObjectKind::Function => {
                Routine::read(words).map(Created::Routine)
            }
            ObjectKind::Event => Event::read(words).map(Created::Event),
            ObjectKind::Sequence => sequence(words).map(Created::Sequence),
            ObjectKind::Database => options(words).map(Created::Database),
            _ => None,
        };
        read.unwrap_or(Created::Unknown)
    }

    /// Whether the server shows this definition.
    pub fn fits(&self, shown: &str) -> bool {
        self.compare(shown).unwrap_or(false)
    }

    fn compare(&self, shown: &str) -> Option<bool> {
        // The number of columns behind the text.
        let behind = match self {
            Created::Unknown => return None,
            Created::Table(table) => return Some(matches(table, &Table::shown(shown)?, ("", ""))),
            Created::View(_) => 2,
            Created::Trigger(_) => 4,
            Created::Routine(_) | Created::Event(_) => 3,
            Created::Sequence(_) | Created::Database(_) => 0,
        };
        let mut words = super::created(shown, behind)?;
        let (kind, head) = super::created_kind(&mut words)?;
        words.name()?;
        Some(match (self, Created::said(kind, &head, words)) {
            (Created::Trigger(said), Created::Trigger(shown)) => alike(said, &shown),
            (Created::View(said), Created::View(shown)) => {
                said.invoker == shown.invoker
                    && said.columns == shown.columns
                    && alike(&said.query, &shown.query)
            }
            (Created::Database(said), Created::Database(shown)) => said
                .iter()
                .all(|(key, value)| shown.get(key) == Some(value)),
            (said, shown) => *said == shown,
        })
    }
}

impl View {
    fn read(head: &Head<'_>, mut words: Cursor<'_>) -> Option<View> {
        let columns = words.group().map(|inside| flat(inside.tokens()));
        words.eat("AS").then_some(())?;
        Some(View {
            invoker: head.has("INVOKER"),
            columns: columns.unwrap_or_default(),
            query: flat(words.tokens()),
        })
    }
}

impl Routine {
    fn read(mut words: Cursor<'_>) -> Option<Routine> {
        let parameters = plain(words.group()?.tokens());
        let mut returns = Vec::new();
        if words.eat("RETURNS") {
            returns.extend(plain([words.next()?]));
            returns.extend(words.group().map(|inside| flat_text(inside.tokens())));
            // What is shown of its characters depends on the server.
            while words.eat_any(&["CHARSET", "COLLATE"]) || words.eat_all(&["CHARACTER", "SET"]) {
                words.skip(1);
            }
            returns.extend(words.eat("UNSIGNED").then(|| "unsigned".to_owned()));
        }
        let mut traits = BTreeSet::new();
        loop {
            let start = words.mark();
            let usual = words.eat_all(&["NOT", "DETERMINISTIC"])
                || words.eat_all(&["CONTAINS", "SQL"])
                || words.eat_all(&["LANGUAGE", "SQL"])
                || words.eat_all(&["SQL", "SECURITY", "DEFINER"]);
            let other = !usual
                && (words.eat("DETERMINISTIC")
                    || words.eat_all(&["NO", "SQL"])
                    || words.eat_all(&["READS", "SQL", "DATA"])
                    || words.eat_all(&["MODIFIES", "SQL", "DATA"])
                    || words.eat_all(&["SQL", "SECURITY", "INVOKER"]));
            let comment = !usual && !other && words.eat("COMMENT");
            words.skip(usize::from(comment));
            if words.mark() == start {
                break;
            }
            if !usual {
                traits.insert(flat_text(words.since(start).tokens()));
            }
        }
        Some(Routine {
            parameters,
            returns,
            traits,
            body: plain(words.tokens()),
        })
    }
}

impl Event {
    fn read(mut words: Cursor<'_>) -> Option<Event> {
        words.eat_all(&["ON", "SCHEDULE", "EVERY"]).then_some(())?;
        let mut event = Event {
            every: Vec::new(),
            is_kept: false,
            state: "enable",
            comment: Vec::new(),
            body: Vec::new(),
        };
        while !words.sees("ON") && !words.sees("DO") && !words.sees("STARTS") {
            event.every.extend(plain([words.next()?]));
        }
        if words.eat("STARTS") {
            // The server shows when it was made, where nothing else is said.
            words.next()?;
        }
        loop {
            if words.eat("DO") {
                event.body = plain(words.tokens());
                return Some(event);
            } else if words.eat_all(&["ON", "COMPLETION"]) {
                event.is_kept = !words.eat("NOT");
                words.eat("PRESERVE").then_some(())?;
            } else if words.eat("ENABLE") {
                event.state = "enable";
            } else if words.eat("DISABLE") {
                event.state = "disable";
            } else if words.eat("COMMENT") {
                event.comment = plain([words.next()?]);
            } else {
                return None;
            }
        }
    }
}

/// The options of a sequence, with the defaults of those that are not written.
fn sequence(mut words: Cursor<'_>) -> Option<BTreeMap<String, String>> {
    let mut options = BTreeMap::new();
    while !words.is_over() {
        let mut key = words.any_case()?;
        if key == "no" {
            key.push_str(&words.any_case()?);
        }
        words.eat_any(&["WITH", "BY", "="]);
        let value = match key.as_str() {
            "nocache" => {
                key = "cache".into();
                "0".into()
            }
            "cycle" => "yes".into(),
            "nocycle" => {
                key = "cycle".into();
                "no".into()
            }
            "nominvalue" | "nomaxvalue" => continue,
            "start" | "increment" | "minvalue" | "maxvalue" | "cache" | "engine" => {
                let minus = words.eat("-");
                let value = words.next()?.text.to_lowercase();
                if minus { format!("-{value}") } else { value }
            }
            _ => return None,
        };
        options.insert(key, value);
    }
    options.remove("engine");
    let start = options.get("minvalue").cloned();
    for (key, value) in [
        ("start", start.as_deref().unwrap_or("1")),
        ("minvalue", "1"),
        ("maxvalue", "9223372036854775806"),
        ("increment", "1"),
        ("cache", "1000"),
        ("cycle", "no"),
    ] {
        options
            .entry(key.into())
            .or_insert_with(|| value.to_owned());
    }
    Some(options)
}

fn options(mut words: Cursor<'_>) -> Option<BTreeMap<String, String>> {
    let mut options = BTreeMap::new();
    while !words.is_over() {
        let option = TableOption::parse(&mut words)?;
        let value = option_value(&option);
        options.insert(option.name, value);
    }
    Some(options)
}
