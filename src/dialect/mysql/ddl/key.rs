//! Parses keys, foreign keys and checks.

use std::collections::BTreeMap;

use super::code::{Code, string};
use crate::model::schema::KeyKind;
use crate::sql::cursor::Cursor;
use crate::sql::lex::Kind;

/// The words that begin a key.
pub const KEYS: &[&str] = &["PRIMARY", "UNIQUE", "FULLTEXT", "SPATIAL", "INDEX", "KEY"];

/// The definition of a key or an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    pub kind: KeyKind,
    /// `None` if the server chooses it.
    pub name: Option<String>,
    pub parts: Vec<KeyPart>,
    pub method: Option<String>,
    pub comment: Option<String>,
    pub options: BTreeMap<String, String>,
    /// Words that the parser does not know.
    pub unknown: Code,
}

/// A column or an expression of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPart {
    pub source: PartSource,
    pub descending: bool,
    pub without_overlaps: bool,
}

/// The source of a part of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PartSource {
    /// A column, and the length of its prefix.
    Column(String, Option<String>),
    Expression(Code),
}

/// The definition of a foreign key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignKey {
    pub name: Option<String>,
    pub columns: Vec<String>,
    /// The database of the parent table, if it is written.
    pub database: Option<String>,
    pub table: String,
    pub table_columns: Vec<String>,
    pub on_delete: &'static str,
    pub on_update: &'static str,
    pub match_kind: Option<String>,
}

/// The definition of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    pub name: Option<String>,
    pub expression: Code,
    pub enforced: bool,
    /// The column in whose definition it is.
    pub column: Option<String>,
}

impl Key {
    /// A key of one column.
    pub fn of_column(kind: KeyKind, column: &str) -> Key {
        Key {
            kind,
            name: None,
            parts: vec![KeyPart {
                source: PartSource::Column(column.to_owned(), None),
                descending: false,
                without_overlaps: false,
            }],
            method: None,
            comment: None,
            options: BTreeMap::new(),
            unknown: Code::default(),
        }
    }

    /// Parses a key from its kind on, to the end; `constraint` is the name before the kind.
    pub fn parse(cursor: &mut Cursor<'_>, constraint: Option<String>) -> Option<Key> {
        let kind = match cursor.eat_one(&["PRIMARY", "UNIQUE", "FULLTEXT", "SPATIAL"]) {
            Some("PRIMARY") => KeyKind::Primary,
            Some("UNIQUE") => KeyKind::Unique,
            Some("FULLTEXT") => KeyKind::Fulltext,
            Some(_) => KeyKind::Spatial,
            None => KeyKind::Index,
        };
        cursor.eat_any(&["INDEX", "KEY"]);
        cursor.eat_if_exists();
        let mut key = Key::of_column(kind, "");
        if !cursor.sees("(") && !cursor.sees("USING") {
            key.name = Some(cursor.part()?);
        }
        key.name = key.name.or(constraint);
        if kind == KeyKind::Primary {
            key.name = None;
        }
        key.method(cursor)?;
        let parts = cursor.group()?.clauses().into_iter().map(KeyPart::parse);
        key.parts = parts.collect::<Option<_>>()?;
        while !cursor.is_over() {
            key.attribute(cursor)?;
        }
        Some(key)
    }

    /// Parses how the index is built, if that is next.
    fn method(&mut self, cursor: &mut Cursor<'_>) -> Option<bool> {
        let found = cursor.eat_any(&["USING", "TYPE"]);
        if found {
            self.method = Some(cursor.part()?.to_uppercase());
        }
        Some(found)
    }

    fn attribute(&mut self, cursor: &mut Cursor<'_>) -> Option<()> {
        let (name, value) =
            if self.method(cursor)? || cursor.eat("VISIBLE") || cursor.eat_all(&["NOT", "IGNORED"])
            {
                return Some(());
            } else if cursor.eat("COMMENT") {
                self.comment = Some(string(cursor)?);
                return Some(());
            } else if cursor.eat_any(&["INVISIBLE", "IGNORED"]) {
                ("visible".to_owned(), "no".to_owned())
            } else if cursor.eat_all(&["WITH", "PARSER"]) {
                ("parser".to_owned(), cursor.part()?)
            } else if cursor.eat("KEY_BLOCK_SIZE") {
                cursor.eat("=");
                ("key_block_size".to_owned(), cursor.next()?.text.to_owned())
            } else if cursor.eat("ENGINE_ATTRIBUTE") {
                cursor.eat("=");
                ("engine_attribute".to_owned(), string(cursor)?)
            } else if cursor.eat("SECONDARY_ENGINE_ATTRIBUTE") {
                cursor.eat("=");
                ("secondary_engine_attribute".to_owned(), string(cursor)?)
            } else if cursor.peek()?.kind == Kind::QuotedName {
                // An option of an engine that is not part of the server.
                let name = cursor.identifier()?;
                cursor.eat("=");
                (format!("`{name}`"), string(cursor)?)
            } else {
                let mark = cursor.mark();
                cursor.next();
                self.unknown.extend(&cursor.since(mark));
                return Some(());
            };
        self.options.insert(name, value);
        Some(())
    }
}

impl KeyPart {
    fn parse(mut cursor: Cursor<'_>) -> Option<KeyPart> {
        let source = if let Some(inside) = cursor.group() {
            PartSource::Expression(Code::of(&inside))
        } else {
            let column = cursor.part()?;
            let prefix = cursor.group().map(|inside| inside.flat());
            PartSource::Column(column, prefix)
        };
        let without_overlaps = cursor.eat_all(&["WITHOUT", "OVERLAPS"]);
        let descending = cursor.eat("DESC");
        cursor.eat("ASC");
        cursor.is_over().then_some(KeyPart {
            source,
            descending,
            without_overlaps,
        })
    }

    /// The name of the column, if the part is one.
    pub fn column(&self) -> Option<&str> {
        match &self.source {
            PartSource::Column(name, _) => Some(name),
            PartSource::Expression(_) => None,
        }
    }
}

impl ForeignKey {
    /// Parses a foreign key from behind `FOREIGN KEY` on, to the end.
    pub fn parse(cursor: &mut Cursor<'_>, constraint: Option<String>) -> Option<ForeignKey> {
        cursor.eat_if_exists();
        let index = if cursor.sees("(") {
            None
        } else {
            Some(cursor.part()?)
        };
        let columns = names(&cursor.group()?)?;
        cursor.expect("REFERENCES")?;
        let parent = cursor.name()?;
        let mut key = ForeignKey {
            name: constraint.or(index),
            columns,
            database: parent.qualifier().map(str::to_owned),
            table: parent.last().to_owned(),
            table_columns: names(&cursor.group()?)?,
            on_delete: "NO ACTION",
            on_update: "NO ACTION",
            match_kind: None,
        };
        while !cursor.is_over() {
            if cursor.eat_all(&["ON", "DELETE"]) {
                key.on_delete = action(cursor)?;
            } else if cursor.eat_all(&["ON", "UPDATE"]) {
                key.on_update = action(cursor)?;
            } else {
                cursor.expect("MATCH")?;
                key.match_kind = Some(cursor.part()?);
            }
        }
        Some(key)
    }
}

/// Parses what happens to the rows of the child. RESTRICT and NO ACTION mean the same here.
fn action(cursor: &mut Cursor<'_>) -> Option<&'static str> {
    const ACTIONS: &[(&[&str], &str)] = &[
        (&["CASCADE"], "CASCADE"),
        (&["SET", "NULL"], "SET NULL"),
        (&["SET", "DEFAULT"], "SET DEFAULT"),
        (&["RESTRICT"], "NO ACTION"),
        (&["NO", "ACTION"], "NO ACTION"),
    ];
    let found = ACTIONS
        .iter()
        .find(|(keywords, _)| cursor.eat_all(keywords));
    found.map(|(_, action)| *action)
}

fn names(cursor: &Cursor<'_>) -> Option<Vec<String>> {
    let clauses = cursor.clauses().into_iter();
    clauses
        .map(|mut clause| clause.part().filter(|_| clause.is_over()))
        .collect()
}

impl Check {
    /// Parses a check from behind `CHECK` on.
    pub fn parse(cursor: &mut Cursor<'_>, name: Option<String>) -> Option<Check> {
        let expression = Code::of(&cursor.group()?);
        let enforced = !cursor.eat_all(&["NOT", "ENFORCED"]);
        cursor.eat("ENFORCED");
        Some(Check {
            name,
            expression,
            enforced,
            column: None,
        })
    }
}
