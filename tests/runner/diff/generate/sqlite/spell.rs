//! Writes a schema as SQL, in a spelling that chance decides.

use super::Dice;
use super::model::{Column, Key, Schema, Table};

pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A name in one of the ways to write it.
fn name(dice: &mut Dice, name: &str) -> String {
    let simple = name.chars().all(|sign| sign.is_ascii_alphanumeric());
    match dice.below(4) {
        0 if simple => name.to_owned(),
        1 => format!("`{name}`"),
        2 if simple => format!("[{name}]"),
        _ => quoted(name),
    }
}

pub fn schema(dice: &mut Dice, schema: &Schema) -> String {
    let mut statements: Vec<String> = schema.tables.iter().map(|it| table(dice, it)).collect();
    for table in &schema.tables {
        statements.extend(table.indexes.iter().map(|(_, sql)| format!("CREATE {sql}")));
    }
    statements.extend(
        schema
            .others
            .iter()
            .map(|other| format!("CREATE {}", other.sql)),
    );
    let mut text = String::new();
    for statement in statements {
        // A module reads its arguments by itself, and takes comments for a part of them.
        if statement.starts_with("CREATE VIRTUAL") {
            text.push_str(&statement)
        } else {
            text.push_str(&laid_out(dice, &statement))
        }
        text.push_str(";\n");
    }
    text
}

/// A blank that stays one: the engine takes a comment within a type for a part of it.
const FIRM: &str = "\u{1}";

/// The same words with other blanks, comments and letter cases.
fn laid_out(dice: &mut Dice, sql: &str) -> String {
    let mut text = String::new();
    let mut quote = None;
    for sign in sql.chars() {
        match quote {
            Some(open) if sign == open => quote = None,
            None if "\"'`".contains(sign) => quote = Some(sign),
            None if sign == '[' => quote = Some(']'),
            _ => {}
        }
        if sign == ' ' && quote.is_none() {
            text.push_str(match dice.below(30) {
                0 => "\n  ",
                1 => " /* a; 'comment */ ",
                2 => " -- another; one\n",
                _ => " ",
            });
        } else {
            text.push(sign);
        }
    }
    text.replace(FIRM, " ")
}

fn table(dice: &mut Dice, table: &Table) -> String {
    let mut behind: Vec<String> = Vec::new();
    let mut lines: Vec<String> = Vec::new();
    let mut inline_checks = Vec::new();
    for it in &table.columns {
        let mut words = column(dice, it);
        let whole = |key: &&Key| key.columns.len() == 1 && key.columns[0].0 == it.name;
        if let Some(key) = table.key.as_ref().filter(whole)
            && (key.counts || dice.chance(50) && !key.columns[0].1)
        {
            let counts = if key.counts { " AUTOINCREMENT" } else { "" };
            words.push(format!(
                "{}PRIMARY KEY{}{counts}",
                constraint(dice, key.name.as_ref()),
                conflict(key)
            ));
            inline_checks.push("key".to_owned());
        }
        for key in table.uniques.iter().filter(whole) {
            let text = format!(
                "{}UNIQUE{}",
                constraint(dice, key.name.as_ref()),
                conflict(key)
            );
            if dice.chance(50) {
                words.push(text)
            } else {
                behind.push(unique(dice, key))
            }
        }
        if let Some(check) = &it.check {
            if dice.chance(60) {
                words.push(format!("CHECK ({check})"))
            } else {
                behind.push(format!("CHECK (({check}))"))
            }
        }
        for key in table.foreign.iter().filter(|key| key.column == it.name) {
            let name_of = constraint(dice, key.name.as_ref());
            let to = format!(
                "REFERENCES {} ({}){}",
                name(dice, &key.to),
                name(dice, &key.to_column),
                key.rest
            );
            if dice.chance(50) {
                words.push(format!("{name_of}{to}"))
            } else {
                behind.push(format!(
                    "{name_of}FOREIGN KEY ({}) {to}",
                    name(dice, &key.column)
                ))
            }
        }
        lines.push(words.join(" "));
    }
    if let Some(key) = table.key.as_ref().filter(|_| inline_checks.is_empty()) {
        let columns = parts(dice, key);
        behind.push(format!(
            "{}PRIMARY KEY ({columns}){}",
            constraint(dice, key.name.as_ref()),
            conflict(key)
        ));
    }
    for (named, check) in &table.checks {
        behind.push(format!(
            "{}CHECK ({check})",
            constraint(dice, named.as_ref())
        ));
    }
    lines.extend(behind);
    let mut options = Vec::new();
    options.extend(table.without_rowid.then_some("WITHOUT ROWID"));
    options.extend(table.strict.then_some("STRICT"));
    if dice.chance(50) {
        options.reverse();
    }
    format!(
        "CREATE TABLE {} ({}) {}",
        name(dice, &table.name),
        lines.join(", "),
        options.join(", ")
    )
}

fn unique(dice: &mut Dice, key: &Key) -> String {
    let columns = parts(dice, key);
    format!(
        "{}UNIQUE ({columns}){}",
        constraint(dice, key.name.as_ref()),
        conflict(key)
    )
}

fn parts(dice: &mut Dice, key: &Key) -> String {
    let parts: Vec<String> = key
        .columns
        .iter()
        .map(|(column, descends)| {
            let descends = if *descends { " DESC" } else { "" };
            format!("{}{descends}", name(dice, column))
        })
        .collect();
    parts.join(", ")
}

fn constraint(dice: &mut Dice, named: Option<&String>) -> String {
    named.map_or_else(String::new, |it| format!("CONSTRAINT {} ", name(dice, it)))
}

fn conflict(key: &Key) -> String {
    key.conflict
        .map_or_else(String::new, |word| format!(" ON CONFLICT {word}"))
}

fn column(dice: &mut Dice, column: &Column) -> Vec<String> {
    let lower = dice.chance(30);
    let sql = if lower {
        column.sql.to_lowercase()
    } else {
        column.sql.clone()
    };
    let mut words = vec![name(dice, &column.name), sql.replace(' ', FIRM)];
    let mut more = Vec::new();
    if column.not_null {
        more.push("NOT NULL".to_owned());
    }
    more.extend(
        column
            .default
            .as_ref()
            .map(|default| format!("DEFAULT {default}")),
    );
    more.extend(column.collate.map(|collate| format!("COLLATE {collate}")));
    if let Some((text, stored)) = &column.generated {
        let how = if *stored { "STORED" } else { "VIRTUAL" };
        let always = if dice.chance(50) {
            "GENERATED\u{1}ALWAYS "
        } else {
            ""
        };
        more.push(format!("{always}AS ({text}) {how}"));
    }
    if dice.chance(30) {
        more.reverse();
    }
    if column.generated.is_some() {
        words.extend(more);
        return vec![words.join(FIRM)];
    }
    words.extend(more);
    words
}
