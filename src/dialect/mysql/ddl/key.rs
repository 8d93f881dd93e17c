//! Keys, foreign keys and checks, as SHOW CREATE TABLE prints them.

use super::cursor::{Cursor, bare};
use crate::dialect::mysql::read::server_defaults::Words;
use crate::model::schema::{Check, ForeignKey, Key, KeyKind, KeyPart};
use crate::sql::lex::Kind;

const KINDS: &[(&[&str], KeyKind)] = &[
    (&["PRIMARY", "KEY"], KeyKind::Primary),
    (&["UNIQUE", "KEY"], KeyKind::Unique),
    (&["FULLTEXT", "KEY"], KeyKind::Fulltext),
    (&["SPATIAL", "KEY"], KeyKind::Spatial),
    (&["KEY"], KeyKind::Index),
];

/// Reads a key from its kind on; nothing where there is none.
pub fn kind(cursor: &mut Cursor<'_>) -> Option<KeyKind> {
    // A column may be called `KEY`, but that is shown in quotes.
    let mut kinds = KINDS.iter();
    let found = kinds.find(|(keywords, _)| cursor.eat(keywords));
    found.map(|(_, kind)| *kind)
}

/// Reads a key from behind its kind on.
pub fn read(cursor: &mut Cursor<'_>, kind: KeyKind, words: &Words<'_>) -> Option<Key> {
    let mut key = Key {
        kind,
        name: "PRIMARY".to_owned(),
        named: kind != KeyKind::Primary,
        ..Key::default()
    };
    if kind != KeyKind::Primary {
        key.name = cursor.name()?;
    }
    for mut clause in cursor.group()?.clauses() {
        key.parts.push(part(&mut clause, words)?);
    }
    while !cursor.is_over() {
        attribute(cursor, &mut key)?;
    }
    Some(key)
}

fn part(cursor: &mut Cursor<'_>, words: &Words<'_>) -> Option<KeyPart> {
    let mut part = KeyPart::default();
    if cursor.sees(&["("]) {
        let expression = cursor.group()?.flat();
        part.expression = Some(words.own(&bare(&expression)));
    } else {
        part.column = Some(cursor.name()?);
        if let Some(inside) = cursor.group() {
            part.prefix = Some(inside.flat().parse().ok()?);
        }
    }
    if cursor.eat(&["WITHOUT", "OVERLAPS"]) {
        part.options.insert("overlaps".into(), "without".into());
    }
    part.descending = cursor.eat(&["DESC"]);
    cursor.eat(&["ASC"]);
    cursor.is_over().then_some(part)
}

fn attribute(cursor: &mut Cursor<'_>, key: &mut Key) -> Option<()> {
    let mut option = |name: &str, value: String| key.options.insert(name.to_owned(), value);
    if cursor.eat(&["USING"]) {
        key.method = Some(cursor.name()?.to_uppercase());
    } else if cursor.eat(&["COMMENT"]) {
        key.comment = Some(cursor.string()?);
    } else if cursor.eat(&["INVISIBLE"]) || cursor.eat(&["IGNORED"]) {
        option("visible", "no".into());
    } else if cursor.eat(&["WITH", "PARSER"]) {
        option("parser", cursor.name()?);
    } else if cursor.eat(&["KEY_BLOCK_SIZE"]) {
        cursor.eat(&["="]);
        let size = cursor.next()?;
        option("key_block_size", cursor.word(size).to_owned());
    } else if cursor.eat(&["ENGINE_ATTRIBUTE"]) {
        cursor.eat(&["="]);
        option("engine_attribute", cursor.string()?);
    } else if cursor.eat(&["SECONDARY_ENGINE_ATTRIBUTE"]) {
        cursor.eat(&["="]);
        option("secondary_engine_attribute", cursor.string()?);
    } else {
        // An option of an engine that is not in the server: its name and its value.
        let name = cursor
            .peek()
            .filter(|token| token.kind == Kind::QuotedName)?;
        cursor.next()?;
        let name = super::cursor::unquoted(cursor.word(name));
        cursor.eat(&["="]);
        option(&format!("`{name}`"), cursor.string()?);
    }
    Some(())
}

/// Reads a foreign key from behind `FOREIGN KEY` on.
pub fn foreign(cursor: &mut Cursor<'_>, name: String, table: &str) -> Option<ForeignKey> {
    let columns = names(&cursor.group()?)?;
    cursor.eat(&["REFERENCES"]).then_some(())?;
    let mut key = ForeignKey {
        named: !is_counted(&name, table, "_ibfk_"),
        name,
        columns,
        on_delete: "NO ACTION".to_owned(),
        on_update: "NO ACTION".to_owned(),
        to: cursor.name()?,
        ..ForeignKey::default()
    };
    if cursor.eat(&["."]) {
        let database = std::mem::replace(&mut key.to, cursor.name()?);
        key.options.insert("database".to_owned(), database);
    }
    key.to_columns = names(&cursor.group()?)?;
    while !cursor.is_over() {
        if cursor.eat(&["ON", "DELETE"]) {
            key.on_delete = action(cursor)?;
        } else if cursor.eat(&["ON", "UPDATE"]) {
            key.on_update = action(cursor)?;
        } else {
            cursor.eat(&["MATCH"]).then_some(())?;
            key.options.insert("match".to_owned(), cursor.name()?);
        }
    }
    Some(key)
}

/// What happens to the rows that point somewhere. RESTRICT and NO ACTION are one thing here.
fn action(cursor: &mut Cursor<'_>) -> Option<String> {
    let actions: &[(&[&str], &str)] = &[
        (&["CASCADE"], "CASCADE"),
        (&["SET", "NULL"], "SET NULL"),
        (&["SET", "DEFAULT"], "SET DEFAULT"),
        (&["RESTRICT"], "NO ACTION"),
        (&["NO", "ACTION"], "NO ACTION"),
    ];
    let mut actions = actions.iter();
    let found = actions.find(|(keywords, _)| cursor.eat(keywords));
    found.map(|(_, action)| (*action).to_owned())
}

fn names(cursor: &Cursor<'_>) -> Option<Vec<String>> {
    let clauses = cursor.clauses().into_iter();
    clauses.map(|mut clause| clause.name()).collect()
}

/// Reads a check from behind `CHECK` on.
pub fn check(
    cursor: &mut Cursor<'_>,
    name: String,
    table: &str,
    words: &Words<'_>,
) -> Option<Check> {
    let expression = words.own(&bare(&cursor.group()?.flat()));
    let mut check = Check {
        named: !is_counted(&name, table, "_chk_") && !is_numbered(&name),
        name,
        expression,
        ..Check::default()
    };
    if cursor.eat(&["NOT", "ENFORCED"]) {
        check.options.insert("enforced".into(), "no".into());
    }
    cursor.is_over().then_some(check)
}

/// Whether a name is the table's with a number behind it, as the server makes it.
fn is_counted(name: &str, table: &str, between: &str) -> bool {
    let number = name
        .strip_prefix(table)
        .and_then(|rest| rest.strip_prefix(between));
    number.is_some_and(is_number)
}

/// MariaDB's way to name checks.
fn is_numbered(name: &str) -> bool {
    name.strip_prefix("CONSTRAINT_").is_some_and(is_number)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
