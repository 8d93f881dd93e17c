//! The parser of CREATE TABLE, as the engine stores it. Only the layout is lost.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;

use super::constraint::{self, Clause};
use super::tokens::{ColumnNames, canonical, code, name as read_name, name_of, plain};
use crate::dialect::Literals as _;
use crate::dialect::sqlite::Sqlite;
use crate::model::schema::{Column, Key, KeyKind, KeyPart, Options, Table};
use crate::sql::Cursor;
use crate::sql::cursor::CodeToken;
use crate::sql::lex::Kind;

/// A table, and the places of its parts in the text.
pub struct Parsed {
    pub table: Table,
    /// The bytes of the table's name.
    pub name: Range<usize>,
    /// The redundant qualifiers of columns by the table's name, with the dot.
    pub qualifiers: Vec<Range<usize>>,
    /// The definitions of the columns, in their order.
    pub columns: Vec<Definition>,
}

/// The definition of a column in the text.
#[derive(Debug, Clone, Default)]
pub struct Definition {
    pub range: Range<usize>,
    /// The number of checks in it.
    pub checks: usize,
    /// The number of foreign keys in it.
    pub foreign_keys: usize,
    /// Whether it contains a primary or a unique key.
    pub has_key: bool,
}

/// A parsed column whose constraints are not applied yet: their expressions may name later columns.
struct Draft<'a> {
    column: Column,
    definition: Definition,
    clauses: Vec<Clause<'a>>,
}

pub const STRICT: &str = "strict";
pub const WITHOUT_ROWID: &str = "without rowid";
pub const ON: &str = "on";

/// Parses a table. `None` if a part of the text is not understood.
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
    let known = ColumnNames::new(drafts.iter().map(|draft| draft.column.name.as_str()));
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
    normalize(&mut parsed.table);
    Some(parsed)
}

/// The code without redundant qualifiers of columns, and the places of these.
fn unqualified<'a>(code: &Cursor<'a>, table: &str) -> (Cursor<'a>, Vec<Range<usize>>) {
    let mut qualifiers = Vec::new();
    if !code.has(".") {
        return (code.clone(), qualifiers);
    }
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

/// Parses the columns and the constraints of the table. The comma between constraints is optional.
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

/// Parses the optional type of a column, in capitals.
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

/// Normalizes a table: sets the properties that several of its parts decide together.
fn normalize(table: &mut Table) {
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

/// Removes the collations of a key's parts that are those of their columns.
pub fn usual_collations(key: &mut Key, table: &Table) {
    for part in &mut key.parts {
        let column = part.column.as_deref().and_then(|name| table.column(name));
        let usual = column.map(|column| column.collation.as_deref().unwrap_or("BINARY"));
        if usual.is_some() && part.options.get(COLLATE).map(String::as_str) == usual {
            part.options.remove(COLLATE);
        }
    }
}

/// The column that is an alias of the rowid.
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

/// Parses the parts of an index or a key.
pub fn parts(code: &Cursor<'_>, known: &ColumnNames) -> Option<Vec<KeyPart>> {
    let clauses = code.clauses().into_iter();
    clauses.map(|clause| part(clause, known)).collect()
}

fn part(mut code: Cursor<'_>, known: &ColumnNames) -> Option<KeyPart> {
    let mut part = KeyPart::default();
    // The engine rejects `NULLS FIRST` and `NULLS LAST`.
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

/// The option for the name of a constraint that has the same name as another one of its table. The
/// engine allows that, and a comparison needs distinct names.
pub const CALLED: &str = "called";

/// Gives unnamed keys and checks distinct names.
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

/// Adds an index. A constraint of the same name gets another one.
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
