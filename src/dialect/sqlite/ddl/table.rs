//! Reads CREATE TABLE as the engine keeps it: the text, with nothing but its layout lost.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;

use super::constraint::{self, Clause};
use super::tokens::{Known, canonical, code, name as read_name, name_of, plain};
use crate::dialect::Literals as _;
use crate::dialect::sqlite::Sqlite;
use crate::model::schema::{Column, Key, KeyKind, KeyPart, Options, Table};
use crate::sql::Cursor;
use crate::sql::cursor::CodeToken;
use crate::sql::lex::Kind;

/// A table, and how its text is made.
pub struct Parsed {
    pub table: Table,
    /// The bytes of the table's name.
    pub name: Range<usize>,
    /// Where the table's name qualifies a column, the dot included; it says nothing there.
    pub qualifiers: Vec<Range<usize>>,
    /// The definitions of the columns, in their order.
    pub columns: Vec<Definition>,
}

/// One column in the text.
#[derive(Debug, Clone, Default)]
pub struct Definition {
    pub range: Range<usize>,
    /// So many checks and foreign keys stand within it.
    pub checks: usize,
    pub foreign_keys: usize,
    /// A primary or a unique key stands within it.
    pub has_key: bool,
}

/// A column that has been read but for the expressions in it, which may name columns behind it.
struct Draft<'a> {
    column: Column,
    definition: Definition,
    clauses: Vec<Clause<'a>>,
}

pub const STRICT: &str = "strict";
pub const WITHOUT_ROWID: &str = "without rowid";
pub const ON: &str = "on";

/// The table; nothing where a part of the text is not understood.
pub fn read(sql: &str) -> Option<Parsed> {
    let code = code(sql)?;
    let name = name_of(&code.get(2)?)?;
    let (mut cursor, qualifiers) = unqualified(&code, &name);
    if !cursor.eat_all(&["CREATE", "TABLE"]) {
        return None;
    }
    let place = cursor.peek()?;
    read_name(&mut cursor)?;
    let body = cursor.group()?;
    let options = options(&mut cursor)?;
    let (drafts, clauses) = items(body)?;
    let known = Known::new(drafts.iter().map(|draft| draft.column.name.as_str()));
    let mut parsed = Parsed {
        table: Table {
            name,
            options,
            ..Table::default()
        },
        name: place.start..place.end,
        qualifiers,
        columns: Vec::new(),
    };
    for mut draft in drafts {
        for clause in draft.clauses {
            let column = &mut draft.column;
            constraint::apply(
                clause,
                column,
                &mut draft.definition,
                &mut parsed.table,
                &known,
            )?;
        }
        parsed.table.columns.push(draft.column);
        parsed.columns.push(draft.definition);
    }
    for clause in clauses {
        constraint::add(clause, None, &mut parsed.table, &known)?;
    }
    settle(&mut parsed.table);
    Some(parsed)
}

/// The tokens without the table's name before its columns, and where that stood.
fn unqualified<'a>(code: &Cursor<'a>, table: &str) -> (Cursor<'a>, Vec<Range<usize>>) {
    let mut qualifiers = Vec::new();
    let mut kept: Vec<CodeToken<'a>> = Vec::with_capacity(code.count());
    for token in code.tokens() {
        let before = kept.last().filter(|_| token.is(".")).copied();
        let name = before.and_then(|before| name_of(&before));
        match (before, name) {
            (Some(before), Some(name)) if name.eq_ignore_ascii_case(table) => {
                qualifiers.push(before.start..token.end);
                kept.pop();
            }
            _ => kept.push(token),
        }
    }
    let kept = kept.into_iter().map(Into::into);
    (Cursor::of(code.syntax(), code.sql(), kept), qualifiers)
}

fn options(cursor: &mut Cursor<'_>) -> Option<BTreeMap<String, String>> {
    let mut options = BTreeMap::new();
    while !cursor.is_over() {
        let name = if cursor.eat_all(&["WITHOUT", "ROWID"]) {
            WITHOUT_ROWID
        } else if cursor.eat("STRICT") {
            STRICT
        } else {
            return None;
        };
        options.insert(name.to_owned(), ON.to_owned());
        if !cursor.eat(",") {
            break;
        }
    }
    cursor.is_over().then_some(options)
}

type Items<'a> = (Vec<Draft<'a>>, Vec<Clause<'a>>);

/// The columns and the constraints of the table; between constraints the comma may be missing.
fn items(mut cursor: Cursor<'_>) -> Option<Items<'_>> {
    let (mut drafts, mut clauses) = (Vec::new(), Vec::new());
    while !cursor.is_over() {
        match constraint::of_table(&mut cursor)? {
            Some(clause) => clauses.push(clause),
            None if clauses.is_empty() => drafts.push(column(&mut cursor)?),
            None => return None,
        }
        if cursor.is_over() {
            return (!drafts.is_empty()).then_some((drafts, clauses));
        }
        let comma = cursor.eat(",");
        if !comma && clauses.is_empty() {
            return None;
        }
    }
    None
}

fn column<'a>(cursor: &mut Cursor<'a>) -> Option<Draft<'a>> {
    let first = cursor.peek()?;
    let (name, sql) = (read_name(cursor)?, kind(cursor)?);
    let column = Column {
        name,
        family: Sqlite.family(&sql),
        sql,
        nullable: true,
        ..Column::default()
    };
    let mut clauses = Vec::new();
    let mut end = first.end;
    while let Some(clause) = constraint::of_column(cursor)? {
        clauses.push(clause);
    }
    if let Some(last) = cursor.passed() {
        end = last.end;
    }
    let definition = Definition {
        range: first.start..end,
        ..Definition::default()
    };
    Some(Draft {
        column,
        definition,
        clauses,
    })
}

/// The type of a column, in capitals; it may be missing.
fn kind(cursor: &mut Cursor<'_>) -> Option<String> {
    let mut words = Vec::new();
    while let Some(token) = cursor.peek() {
        match token.kind {
            Kind::Word if token.is_one_of(constraint::BEGINS) => break,
            Kind::Word => words.push(token.text.to_ascii_uppercase()),
            Kind::QuotedName | Kind::Text => {
                words.push(plain(&name_of(&token)?.to_ascii_uppercase()))
            }
            _ => break,
        }
        cursor.next();
    }
    let mut sql = words.join(" ");
    if !words.is_empty()
        && let Some(inside) = cursor.group()
    {
        sql.push_str(&format!("({})", canonical(&inside, None)));
    }
    Some(sql)
}

/// Brings what the parts of a table decide together into one form.
fn settle(table: &mut Table) {
    let keys: Vec<String> = table
        .primary_key()
        .iter()
        .map(|column| column.name.clone())
        .collect();
    let strict = table.options.contains_key(STRICT);
    let without = table.options.contains_key(WITHOUT_ROWID);
    let alias = row_alias(table).map(str::to_owned);
    let mut all = std::mem::take(&mut table.keys);
    for key in &mut all {
        usual_collations(key, table);
    }
    table.keys = all;
    for column in &mut table.columns {
        let is_key = keys.contains(&column.name) && alias.as_ref() != Some(&column.name);
        if is_key && (strict || without) {
            column.nullable = false;
        }
    }
}

/// Takes out the collations that the columns of a key have anyway.
pub fn usual_collations(key: &mut Key, table: &Table) {
    for part in &mut key.parts {
        let column = part.column.as_deref().and_then(|name| table.column(name));
        let usual = column.map(|column| column.collation.as_deref().unwrap_or("BINARY"));
        if usual.is_some() && part.options.get(COLLATE).map(String::as_str) == usual {
            part.options.remove(COLLATE);
        }
    }
}

/// The column that is another name of the row's number.
pub fn row_alias(table: &Table) -> Option<&str> {
    let key = table.keys.iter().find(|key| key.kind == KeyKind::Primary)?;
    let [part] = key.parts.as_slice() else {
        return None;
    };
    let column = table.column(part.column.as_deref()?)?;
    let whole = column.sql == "INTEGER"
        && !table.options.contains_key(WITHOUT_ROWID)
        && !key.options.contains_key(constraint::NO_ALIAS);
    whole.then_some(column.name.as_str())
}

/// The parts of an index or a key.
pub fn parts(code: &Cursor<'_>, known: &Known) -> Option<Vec<KeyPart>> {
    let clauses = code.clauses().into_iter();
    clauses.map(|clause| part(clause, known)).collect()
}

fn part(mut code: Cursor<'_>, known: &Known) -> Option<KeyPart> {
    let mut part = KeyPart::default();
    // `NULLS FIRST` and `NULLS LAST` are refused by the engine.
    if let Some((rest, last)) = code.split_last()
        && last.is_one_of(&["ASC", "DESC"])
    {
        part.descending = last.is("DESC");
        code = rest;
    }
    if let Some((before, collation)) = code.split_last()
        && let Some((rest, word)) = before.split_last()
        && word.is("COLLATE")
    {
        let collation = name_of(&collation)?.to_ascii_uppercase();
        part.options.insert(COLLATE.to_owned(), collation);
        code = rest;
    }
    let code = code.bare();
    if code.is_over() {
        return None;
    }
    let name = code.only().and_then(|one| name_of(&one));
    match name.and_then(|name| known.resolve(&name)) {
        Some(column) => part.column = Some(column.to_owned()),
        None => part.expression = Some(canonical(&code, Some(known))),
    }
    Some(part)
}

pub const COLLATE: &str = "collate";

/// On a constraint whose name another one of its table has, too: its own name. The engine takes
/// that, and what is compared must be told apart.
pub const CALLED: &str = "called";

/// Gives the parts that have no name one that tells them apart.
pub fn name(table: &mut Table) {
    let columns = |names: &[String]| {
        let names: Vec<String> = names.iter().map(|name| plain(name)).collect();
        names.join(", ")
    };
    table.keys.dedup_by(|b, a| a == b && !a.named);
    let mut seen = HashSet::new();
    for key in &mut table.keys {
        if !key.named {
            key.name = key_name(key);
        }
        distinct(&mut seen, &mut key.name, key.named, &mut key.options);
    }
    seen.clear();
    for key in &mut table.foreign_keys {
        if !key.named {
            let (of, to) = (columns(&key.columns), plain(&key.to));
            key.name = format!("FOREIGN KEY ({of}) REFERENCES {to}");
        }
        distinct(&mut seen, &mut key.name, key.named, &mut key.options);
    }
    seen.clear();
    for check in &mut table.checks {
        if !check.named {
            check.name = format!("CHECK ({})", check.expression);
        }
        distinct(&mut seen, &mut check.name, check.named, &mut check.options);
    }
}

/// An index takes its name from a constraint that is called alike.
pub fn add_index(table: &mut Table, index: Key) {
    let name = &index.name;
    if let Some(key) = table.keys.iter_mut().find(|key| key.name == *name) {
        let mut seen = HashSet::from([name.clone()]);
        distinct(&mut seen, &mut key.name, key.named, &mut key.options);
    }
    table.keys.push(index);
}

fn key_name(key: &Key) -> String {
    if key.kind == KeyKind::Primary {
        return "PRIMARY KEY".to_owned();
    }
    let parts = key.parts.iter().map(|part| {
        let name = part.column.as_deref().map(plain);
        name.or_else(|| part.expression.clone()).unwrap_or_default()
    });
    format!("UNIQUE ({})", parts.collect::<Vec<_>>().join(", "))
}

fn distinct(seen: &mut HashSet<String>, name: &mut String, named: bool, options: &mut Options) {
    if seen.insert(name.clone()) {
        return;
    }
    if named {
        options.insert(CALLED.to_owned(), name.clone());
    }
    let mut count = 2_usize;
    while !seen.insert(format!("{name} {count}")) {
        count += 1;
    }
    *name = format!("{name} {count}");
}
