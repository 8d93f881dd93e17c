//! What a statement does to tables, told from its words: what it makes, renames, drops and empties,
//! and which objects it writes to.
//!
//! Only what its words say plainly is told. What a routine, a trigger or a prepared text does when
//! it runs cannot be seen here.

use std::fmt;

use super::lex::Kind;
use super::{Dialect, script};

/// So many words hold the head of any statement, up to the name of what it makes or fills.
const HEAD: usize = 48;

/// How an engine names and drops things, as far as engines differ.
#[derive(Debug)]
pub struct Grammar {
    /// How names compare.
    pub names: Names,
    /// So many parts has a name whose first part is a database.
    pub parts: usize,
    /// First parts of such a name that never mean another database.
    pub own: &'static [&'static str],
    /// Where temporary tables are.
    pub temporary: Option<&'static str>,
    /// Statements that open or close another database.
    pub attaching: &'static [&'static str],
    /// SCHEMA is another word for DATABASE.
    pub schema_is_database: bool,
    /// Behind `ALTER TABLE … DROP` these words begin something else than a column.
    pub not_columns: &'static [&'static str],
}

/// When two names are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// When they are written alike.
    Exact,
    /// Whatever their case.
    AnyCase,
    /// Unquoted ones are in lower case.
    LowerUnlessQuoted,
}

/// A name as the engine compares it, with its qualifiers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    pub parts: Vec<String>,
}

impl Name {
    /// The name without its qualifiers.
    #[must_use]
    pub fn last(&self) -> &str {
        self.parts.last().map_or("", String::as_str)
    }

    /// What the name is qualified with, if it is.
    #[must_use]
    pub fn qualifier(&self) -> Option<&str> {
        let before = self.parts.len().checked_sub(2)?;
        self.parts.get(before).map(String::as_str)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.parts.join("."))
    }
}

/// One thing that a statement does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    Create {
        table: Name,
        temporary: bool,
        /// Not `IF NOT EXISTS`: after it the table is a new one.
        certain: bool,
    },
    /// `CREATE OR REPLACE TABLE`.
    Replace(Name),
    Rename {
        from: Name,
        to: Name,
    },
    Drop(Name),
    /// Loses data in another way: in words, and of which table where it is one.
    Lose {
        table: Option<Name>,
        what: String,
    },
}

/// What a statement does to tables, in its order.
#[must_use]
pub fn deeds(dialect: &dyn Dialect, sql: &str) -> Vec<Deed> {
    let mut words = Words::of(dialect, sql);
    match words.first().as_str() {
        "CREATE" => create(&mut words),
        "DROP" => drop_statement(&mut words),
        "ALTER" => alter(&mut words),
        "RENAME" => rename(&mut words),
        "TRUNCATE" => truncate(&mut words),
        "DELETE" => delete(&mut words).into_iter().collect(),
        "WITH" => deletes_inside(&mut words),
        _ => Vec::new(),
    }
}

/// The table that an `INSERT … SELECT` or a `CREATE TABLE … SELECT` fills, and those it reads.
#[must_use]
pub fn fill(dialect: &dyn Dialect, sql: &str) -> Option<(Name, Vec<Name>)> {
    let mut words = Words::whole(dialect, sql);
    let target = match words.verb().as_str() {
        "INSERT" | "REPLACE" => written(&mut words)?,
        "CREATE" => match create(&mut words).into_iter().next()? {
            Deed::Create { table, .. } | Deed::Replace(table) => table,
            _ => return None,
        },
        _ => return None,
    };
    // What is read may stand before what is written: `WITH x AS (SELECT … FROM y) INSERT …`.
    if words.first() == "WITH" {
        words.at = 0;
    }
    let mut sources = Vec::new();
    while let Some(word) = words.next() {
        if word.is_one_of(&["FROM", "JOIN", "TABLE"]) {
            while words.eat("(") {}
            sources.extend(words.name());
        }
    }
    (!sources.is_empty()).then_some((target, sources))
}

/// Which other database a statement writes to, in words; `database` is the one in use.
#[must_use]
pub fn elsewhere(dialect: &dyn Dialect, sql: &str, database: &str) -> Option<String> {
    let grammar = dialect.grammar();
    let mut words = Words::of(dialect, sql);
    let first = words.first();
    if grammar.attaching.contains(&first.as_str()) {
        return Some(format!("has {first}, which is about another database"));
    }
    let other = |name: &str| name != database && !grammar.own.contains(&name);
    let (databases, targets) = targets(&mut words, &first);
    let named = targets
        .iter()
        .filter(|name| name.parts.len() == grammar.parts);
    let named = named.filter_map(|name| name.parts.first());
    let found = databases
        .iter()
        .map(Name::last)
        .chain(named.map(String::as_str));
    let found = found.into_iter().find(|name| other(name))?;
    Some(format!("writes to another database, `{found}`"))
}

/// One word of code.
#[derive(Debug, Clone, Copy)]
struct Word<'a> {
    kind: Kind,
    text: &'a str,
}

impl Word<'_> {
    /// Whether it is this keyword or sign.
    fn is(&self, keyword: &str) -> bool {
        matches!(self.kind, Kind::Word | Kind::Symbol) && self.text.eq_ignore_ascii_case(keyword)
    }

    fn is_one_of(&self, keywords: &[&str]) -> bool {
        keywords.iter().any(|keyword| self.is(keyword))
    }
}

/// The words of a statement, read from the front.
struct Words<'a> {
    grammar: &'static Grammar,
    all: Vec<Word<'a>>,
    at: usize,
}

impl<'a> Words<'a> {
    /// All words of a statement whose end matters, else its head.
    fn of(dialect: &'a dyn Dialect, sql: &'a str) -> Self {
        let mut words = Words::cut(dialect, sql, 1);
        let whole = ["DROP", "ALTER", "RENAME", "TRUNCATE", "DELETE", "WITH"];
        let most = if whole.contains(&words.first().as_str()) {
            usize::MAX
        } else {
            HEAD
        };
        words = Words::cut(dialect, sql, most);
        words
    }

    fn whole(dialect: &'a dyn Dialect, sql: &'a str) -> Self {
        Words::cut(dialect, sql, usize::MAX)
    }

    fn cut(dialect: &'a dyn Dialect, sql: &'a str, most: usize) -> Self {
        let code = script::code(dialect.lexis(), sql).take(most);
        let all = code.map(|token| Word {
            kind: token.kind,
            text: sql.get(token.start..token.end).unwrap_or_default(),
        });
        Words {
            grammar: dialect.grammar(),
            all: all.collect(),
            at: 0,
        }
    }

    /// The first word, in capitals.
    fn first(&self) -> String {
        self.all
            .first()
            .map(|word| word.text.to_ascii_uppercase())
            .unwrap_or_default()
    }

    /// The word that says what is done; behind WITH that is the first one outside of parentheses.
    /// It is passed where it is not the first.
    fn verb(&mut self) -> String {
        let first = self.first();
        if first != "WITH" {
            return first;
        }
        let mut depth = 0_usize;
        for (at, word) in self.all.iter().enumerate() {
            match word.text {
                "(" => depth += 1,
                ")" => depth = depth.saturating_sub(1),
                _ if depth == 0 && word.is_one_of(&["INSERT", "REPLACE", "UPDATE", "DELETE"]) => {
                    self.at = at;
                    return word.text.to_ascii_uppercase();
                }
                _ => {}
            }
        }
        first
    }

    fn peek(&self) -> Option<Word<'a>> {
        self.all.get(self.at).copied()
    }

    fn next(&mut self) -> Option<Word<'a>> {
        let word = self.peek();
        self.at += 1;
        word
    }

    fn sees(&self, keyword: &str) -> bool {
        self.peek().is_some_and(|word| word.is(keyword))
    }

    fn eat(&mut self, keyword: &str) -> bool {
        let sees = self.sees(keyword);
        self.at += usize::from(sees);
        sees
    }

    fn eat_any(&mut self, keywords: &[&str]) -> bool {
        keywords.iter().any(|keyword| self.eat(keyword))
    }

    /// `IF EXISTS` or `IF NOT EXISTS`.
    fn eat_if_exists(&mut self) -> bool {
        let at = self.at;
        let whole = self.eat("IF") && {
            self.eat("NOT");
            self.eat("EXISTS")
        };
        if !whole {
            self.at = at;
        }
        whole
    }

    fn has(&self, keyword: &str) -> bool {
        self.all.iter().any(|word| word.is(keyword))
    }

    fn part(&mut self) -> Option<String> {
        let word = self.peek()?;
        let quoted = match word.kind {
            Kind::Word => false,
            Kind::QuotedName | Kind::Text => true,
            _ => return None,
        };
        self.at += 1;
        let text = if quoted {
            unquoted(word.text)
        } else {
            word.text.to_owned()
        };
        Some(match self.grammar.names {
            Names::Exact => text,
            Names::LowerUnlessQuoted if quoted => text,
            Names::AnyCase | Names::LowerUnlessQuoted => text.to_ascii_lowercase(),
        })
    }

    fn name(&mut self) -> Option<Name> {
        let mut parts = vec![self.part()?];
        while self.sees(".") {
            self.at += 1;
            parts.push(self.part()?);
        }
        Some(Name { parts })
    }

    /// Names with commas between them; what may stand around each is passed.
    fn names(&mut self) -> Vec<Name> {
        let mut names = Vec::new();
        loop {
            self.eat("ONLY");
            names.extend(self.name());
            self.eat("*");
            if !self.eat(",") {
                return names;
            }
        }
    }

    /// The rest, cut at the commas outside of parentheses.
    fn clauses(&self) -> Vec<Words<'a>> {
        let (mut clauses, mut clause, mut depth) = (Vec::new(), Vec::new(), 0_usize);
        for word in self.all.get(self.at..).unwrap_or_default() {
            match word.text {
                "(" => depth += 1,
                ")" => depth = depth.saturating_sub(1),
                "," if depth == 0 && word.kind == Kind::Symbol => {
                    clauses.push(std::mem::take(&mut clause));
                    continue;
                }
                _ => {}
            }
            clause.push(*word);
        }
        clauses.push(clause);
        let grammar = self.grammar;
        let clauses = clauses.into_iter();
        clauses
            .map(|all| Words {
                grammar,
                all,
                at: 0,
            })
            .collect()
    }
}

/// A name without its quotes.
fn unquoted(text: &str) -> String {
    let text = match text.find('"') {
        // `U&"name"`
        Some(at) if text.starts_with(['u', 'U']) => text.get(at..).unwrap_or(text),
        _ => text,
    };
    let close = match text.chars().next() {
        Some('[') => ']',
        Some(open) => open,
        None => return String::new(),
    };
    let inner = text
        .get(1..text.len().saturating_sub(1))
        .unwrap_or_default();
    inner.replace(&format!("{close}{close}"), &close.to_string())
}

fn create(words: &mut Words<'_>) -> Vec<Deed> {
    words.at += 1;
    let replace = words.eat("OR") && words.eat("REPLACE");
    words.eat_any(&["GLOBAL", "LOCAL"]);
    let temporary = words.eat_any(&["TEMPORARY", "TEMP"]);
    words.eat_any(&["UNLOGGED", "VIRTUAL"]);
    if !words.eat("TABLE") {
        return Vec::new();
    }
    let certain = !words.eat_if_exists();
    let Some(table) = words.name() else {
        return Vec::new();
    };
    match replace && !temporary {
        true => vec![Deed::Replace(table)],
        false => vec![Deed::Create {
            table,
            temporary,
            certain,
        }],
    }
}

fn drop_statement(words: &mut Words<'_>) -> Vec<Deed> {
    words.at += 1;
    if words.eat("TEMPORARY") {
        return Vec::new();
    }
    let cascade = words.has("CASCADE");
    if words.eat_any(&["TABLE", "TABLES"]) {
        words.eat_if_exists();
        return words.names().into_iter().map(Deed::Drop).collect();
    }
    let whole = |name: Name, what: &str| Deed::Lose {
        table: None,
        what: format!("drops the {what} {name} and everything in it"),
    };
    let database = words.eat("DATABASE");
    let schema = !database && words.eat("SCHEMA");
    if database || schema && (cascade || words.grammar.schema_is_database) {
        words.eat_if_exists();
        let what = if schema && !words.grammar.schema_is_database {
            "schema"
        } else {
            "database"
        };
        let names = words.names().into_iter();
        return names.map(|name| whole(name, what)).collect();
    }
    if words.eat("OWNED") && words.eat("BY") {
        let names = words.names().into_iter();
        let lose = |name| Deed::Lose {
            table: None,
            what: format!("drops everything that {name} owns"),
        };
        return names.map(lose).collect();
    }
    let of_columns = ["TYPE", "DOMAIN", "COLLATION", "EXTENSION"];
    let kind = of_columns.iter().find(|kind| words.eat(kind));
    match kind.filter(|_| cascade) {
        None => Vec::new(),
        Some(kind) => {
            words.eat_if_exists();
            let kind = kind.to_ascii_lowercase();
            let lose = |name| Deed::Lose {
                table: None,
                what: format!("drops the {kind} {name} and every column that uses it"),
            };
            words.names().into_iter().map(lose).collect()
        }
    }
}

fn alter(words: &mut Words<'_>) -> Vec<Deed> {
    words.at += 1;
    words.eat("ONLINE");
    words.eat("IGNORE");
    let composite = words.eat("TYPE");
    if !composite && !words.eat("TABLE") {
        return Vec::new();
    }
    words.eat_if_exists();
    words.eat("ONLY");
    let Some(table) = words.name() else {
        return Vec::new();
    };
    words.eat("*");
    let clauses = words.clauses().into_iter();
    match composite {
        true => clauses
            .filter_map(|mut clause| attribute(&mut clause, &table))
            .collect(),
        false => clauses
            .filter_map(|mut clause| clause_deed(&mut clause, &table))
            .collect(),
    }
}

/// One clause of `ALTER TYPE`.
fn attribute(clause: &mut Words<'_>, of: &Name) -> Option<Deed> {
    let drops = clause.eat("DROP") && clause.eat("ATTRIBUTE");
    clause.eat_if_exists();
    let name = clause.name().filter(|_| drops)?;
    let what = format!("drops the attribute {name} of {of}");
    Some(Deed::Lose { table: None, what })
}

/// One clause of `ALTER TABLE`.
fn clause_deed(clause: &mut Words<'_>, table: &Name) -> Option<Deed> {
    let lose = |what: String| {
        let table = Some(table.clone());
        Some(Deed::Lose { table, what })
    };
    if clause.eat("TRUNCATE") {
        return lose(format!("deletes all rows of partitions of {table}"));
    }
    if clause.eat("DISCARD") {
        return lose(format!("discards the rows of {table}"));
    }
    if clause.eat("SET") && clause.eat("SCHEMA") {
        let mut parts = clause.name()?.parts;
        parts.push(table.last().to_owned());
        let (from, to) = (table.clone(), Name { parts });
        return Some(Deed::Rename { from, to });
    }
    if clause.eat("RENAME") {
        let said = clause.eat_any(&["TO", "AS", "="]);
        let to = clause.name()?;
        // `RENAME a TO b` renames a column.
        let whole = said || clause.peek().is_none();
        let from = table.clone();
        return whole.then_some(Deed::Rename { from, to });
    }
    if !clause.eat("DROP") {
        return None;
    }
    if !clause.eat("COLUMN") {
        let other = clause
            .grammar
            .not_columns
            .iter()
            .find(|word| clause.sees(word));
        match other {
            Some(&"PARTITION") => return lose(format!("drops partitions of {table}")),
            Some(&"SYSTEM") => return lose(format!("drops the history of {table}")),
            Some(_) => return None,
            None => {}
        }
    }
    clause.eat_if_exists();
    let column = clause.name()?;
    lose(format!("drops the column {column} of {table}"))
}

fn rename(words: &mut Words<'_>) -> Vec<Deed> {
    words.at += 1;
    if !words.eat_any(&["TABLE", "TABLES"]) {
        return Vec::new();
    }
    words.eat_if_exists();
    let pairs = words.clauses().into_iter().filter_map(|mut pair| {
        let from = pair.name()?;
        // MariaDB lets one say how long to wait.
        while pair.peek().is_some_and(|word| !word.is("TO")) {
            pair.at += 1;
        }
        pair.eat("TO");
        let to = pair.name()?;
        Some(Deed::Rename { from, to })
    });
    pairs.collect()
}

fn truncate(words: &mut Words<'_>) -> Vec<Deed> {
    words.at += 1;
    words.eat("TABLE");
    let cascade = words.has("CASCADE");
    let also = if cascade {
        " and of every table that refers to it"
    } else {
        ""
    };
    let lose = |table| Deed::Lose {
        what: format!("deletes all rows of {table}{also}"),
        table: Some(table),
    };
    words.names().into_iter().map(lose).collect()
}

/// A DELETE that nothing holds back, from the place of its verb.
fn delete(words: &mut Words<'_>) -> Option<Deed> {
    words.at += 1;
    let history = words.eat("HISTORY");
    while words.eat_any(&["LOW_PRIORITY", "QUICK", "IGNORE"]) {}
    if !words.eat("FROM") {
        return None;
    }
    words.eat("ONLY");
    let table = words.name()?;
    let mut depth = 0_usize;
    for word in words.all.get(words.at..).unwrap_or_default() {
        match word.text {
            "(" => depth += 1,
            // The end of the parentheses that it stands in.
            ")" if depth == 0 => break,
            ")" => depth -= 1,
            _ if depth == 0 && word.is_one_of(&["WHERE", "USING", "JOIN"]) && !history => {
                return None;
            }
            _ => {}
        }
    }
    let what = match history {
        true => format!("deletes the history of {table}"),
        false => format!("deletes all rows of {table}"),
    };
    let table = Some(table);
    Some(Deed::Lose { table, what })
}

/// The DELETEs of a statement that begins with WITH.
fn deletes_inside(words: &mut Words<'_>) -> Vec<Deed> {
    let mut deeds = Vec::new();
    while let Some(word) = words.peek() {
        let at = words.at;
        if word.is("DELETE") {
            deeds.extend(delete(words));
        }
        words.at = at + 1;
    }
    deeds
}

/// The table of an INSERT, a REPLACE, an UPDATE of one table or a DELETE, from its verb on.
fn written(words: &mut Words<'_>) -> Option<Name> {
    const BETWEEN: &[&str] = &[
        "LOW_PRIORITY",
        "HIGH_PRIORITY",
        "DELAYED",
        "QUICK",
        "IGNORE",
        "ONLY",
    ];
    let verb = words.next()?;
    if words.eat("OR") {
        words.at += 1;
    }
    while words.eat_any(BETWEEN) {}
    let led = words.eat_any(&["INTO", "FROM"]);
    words.eat("ONLY");
    if verb.is("DELETE") && !led {
        return None;
    }
    let table = words.name()?;
    // An UPDATE of several tables does not say here which of them it changes.
    let rest = words.all.get(words.at..).unwrap_or_default().iter();
    let mut before_set = rest.take_while(|word| !word.is("SET"));
    let several = verb.is("UPDATE") && before_set.any(|word| word.is_one_of(&[",", "JOIN"]));
    (!several).then_some(table)
}

/// The databases that a statement makes, changes or drops, and the other objects.
fn targets(words: &mut Words<'_>, first: &str) -> (Vec<Name>, Vec<Name>) {
    let none = Vec::new;
    match first {
        "CREATE" | "ALTER" | "DROP" => defined(words, first == "DROP"),
        "RENAME" | "TRUNCATE" => {
            let deeds = match first {
                "RENAME" => rename(words),
                _ => truncate(words),
            };
            let names = deeds.into_iter().flat_map(|deed| match deed {
                Deed::Rename { from, to } => vec![from, to],
                Deed::Lose { table, .. } => table.into_iter().collect(),
                _ => Vec::new(),
            });
            (none(), names.collect())
        }
        _ => {
            let verb = words.verb();
            let writes = ["INSERT", "REPLACE", "UPDATE", "DELETE"].contains(&verb.as_str());
            let table = writes.then(|| written(words)).flatten();
            (none(), table.into_iter().collect())
        }
    }
}

/// The names behind the kind of object in a CREATE, an ALTER or a DROP.
fn defined(words: &mut Words<'_>, list: bool) -> (Vec<Name>, Vec<Name>) {
    const KINDS: &[&str] = &[
        "TABLE",
        "TABLES",
        "VIEW",
        "INDEX",
        "TRIGGER",
        "PROCEDURE",
        "FUNCTION",
        "EVENT",
        "SEQUENCE",
        "TYPE",
        "DOMAIN",
        "PACKAGE",
    ];
    words.at += 1;
    let kind = loop {
        let Some(word) = words.next() else {
            return (Vec::new(), Vec::new());
        };
        let database = word.is("DATABASE") || word.is("SCHEMA") && words.grammar.schema_is_database;
        if database {
            words.eat_if_exists();
            return (words.name().into_iter().collect(), Vec::new());
        }
        if word.is_one_of(KINDS) {
            break word;
        }
        // What these words begin has no kind that counts.
        if word.is_one_of(&["USER", "ROLE", "SERVER", "AS", "ON", "("]) {
            return (Vec::new(), Vec::new());
        }
        // The value of an option, such as `DEFINER = user@host`.
        if word.is_one_of(&["=", "@"]) {
            words.at += 1;
        }
    };
    words.eat("BODY");
    words.eat("CONCURRENTLY");
    words.eat_if_exists();
    let mut names = match list {
        true => words.names(),
        false => {
            words.eat("ONLY");
            let nameless = kind.is("INDEX") && words.sees("ON");
            let name = if nameless { None } else { words.name() };
            name.into_iter().collect()
        }
    };
    if kind.is("INDEX") || kind.is("TRIGGER") {
        while let Some(word) = words.next() {
            if word.is("ON") {
                words.eat("ONLY");
                names.extend(words.name());
                break;
            }
        }
    } else if kind.is("TABLE")
        && let Some(table) = names.first().cloned()
    {
        for mut clause in words.clauses() {
            if let Some(Deed::Rename { to, .. }) = clause_deed(&mut clause, &table) {
                names.push(to);
            }
        }
    }
    (Vec::new(), names)
}
