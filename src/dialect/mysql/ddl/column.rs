//! Parses the definition of a column.

use std::collections::BTreeMap;

use super::code::Code;
use super::key::Check;
use super::utf8mb3;
use crate::dialect::mysql::CHARACTERS;
use crate::sql::cursor::Cursor;

/// The definition of a column.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Column {
    pub name: String,
    pub data_type: DataType,
    pub charset: Option<String>,
    pub collation: Option<String>,
    /// `NULL` or `NOT NULL`, if one of them is written.
    pub nullable: Option<bool>,
    /// The value behind `DEFAULT`, which may be `NULL`.
    pub default: Option<Code>,
    pub on_update: Option<Code>,
    pub auto_increment: bool,
    pub generated: Option<Generated>,
    pub comment: Option<String>,
    /// Everything else that is known, by its name.
    pub options: BTreeMap<&'static str, String>,
    pub is_primary: bool,
    pub is_unique: bool,
    pub checks: Vec<Check>,
    /// Where an ALTER TABLE puts it.
    pub position: Option<Position>,
    /// Words that the parser does not know.
    pub unknown: Code,
}

/// A type as it is written, its name in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DataType {
    pub name: String,
    /// The code between its parentheses.
    pub arguments: Option<Code>,
    pub unsigned: bool,
    pub zerofill: bool,
}

/// The expression of a generated column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generated {
    pub expression: Code,
    pub stored: bool,
}

/// The position of a new or a moved column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Position {
    First,
    After(String),
}

/// The first word of a type in SQL.
pub fn base(sql: &str) -> &str {
    sql.split(['(', ' ']).next().unwrap_or_default()
}

/// Whether a type in SQL has a character set.
pub fn has_characters(sql: &str) -> bool {
    CHARACTERS.contains(&base(sql))
}

impl Column {
    /// Parses a column from its name on, to the end.
    pub fn parse(cursor: &mut Cursor<'_>) -> Option<Column> {
        let mut column = Column {
            name: cursor.part()?,
            data_type: DataType::parse(cursor)?,
            ..Column::default()
        };
        while !cursor.is_over() {
            column.attribute(cursor)?;
        }
        Some(column)
    }

    fn attribute(&mut self, cursor: &mut Cursor<'_>) -> Option<()> {
        if cursor.eat_all(&["NOT", "NULL"]) {
            self.nullable = Some(false);
        } else if cursor.eat("NULL") {
            self.nullable = Some(true);
        } else if cursor.eat_all(&["CHARACTER", "SET"]) || cursor.eat("CHARSET") {
            cursor.eat("=");
            self.charset = Some(utf8mb3(&cursor.part()?));
        } else if cursor.eat("COLLATE") {
            cursor.eat("=");
            self.collation = Some(utf8mb3(&cursor.part()?));
        } else if cursor.eat("DEFAULT") {
            self.default = Some(value(cursor)?);
        } else if cursor.eat_all(&["ON", "UPDATE"]) {
            self.on_update = Some(value(cursor)?);
        } else if cursor.eat("AUTO_INCREMENT") {
            self.auto_increment = true;
        } else if cursor.eat("COMMENT") {
            self.comment = Some(super::code::string(cursor)?);
        } else if cursor.eat_all(&["GENERATED", "ALWAYS", "AS", "ROW"]) {
            let row = cursor.part()?.to_lowercase();
            self.options.insert("row", row);
        } else if cursor.eat_all(&["GENERATED", "ALWAYS", "AS"]) || cursor.eat("AS") {
            let expression = Code::of(&cursor.group()?);
            let stored = cursor.eat_any(&["STORED", "PERSISTENT"]);
            if !stored {
                cursor.eat("VIRTUAL");
            }
            self.generated = Some(Generated { expression, stored });
        } else if cursor.eat("PRIMARY") {
            cursor.eat("KEY");
            self.is_primary = true;
        } else if cursor.eat("UNIQUE") {
            cursor.eat("KEY");
            self.is_unique = true;
        } else if cursor.eat("CONSTRAINT") {
            let name = if cursor.sees("CHECK") {
                None
            } else {
                cursor.part()
            };
            cursor.expect("CHECK")?;
            self.check(cursor, name)?;
        } else if cursor.eat("CHECK") {
            self.check(cursor, None)?;
        } else if cursor.eat("FIRST") {
            self.position = Some(Position::First);
        } else if cursor.eat("AFTER") {
            self.position = Some(Position::After(cursor.part()?));
        } else if cursor.eat("REFERENCES") {
            // Whether it makes a foreign key differs between the products.
            return None;
        } else if !cursor.eat("VISIBLE") {
            return self.option(cursor);
        }
        Some(())
    }

    fn check(&mut self, cursor: &mut Cursor<'_>, name: Option<String>) -> Option<()> {
        let mut check = Check::parse(cursor, name)?;
        check.column = Some(self.name.clone());
        self.checks.push(check);
        Some(())
    }

    fn option(&mut self, cursor: &mut Cursor<'_>) -> Option<()> {
        let (name, value) = if cursor.eat("INVISIBLE") {
            ("invisible", "yes".to_owned())
        } else if cursor.eat_any(&["SRID", "REF_SYSTEM_ID"]) {
            cursor.eat("=");
            ("srid", cursor.next()?.text.to_owned())
        } else if cursor.eat("COMPRESSED") {
            let method = cursor.eat("=").then(|| cursor.part()).flatten();
            ("compressed", method.unwrap_or_else(|| "yes".to_owned()))
        } else if cursor.eat_all(&["WITHOUT", "SYSTEM", "VERSIONING"]) {
            ("versioning", "without".to_owned())
        } else if cursor.eat_all(&["WITH", "SYSTEM", "VERSIONING"]) {
            ("versioning", "with".to_owned())
        } else if cursor.eat_all(&["NOT", "SECONDARY"]) {
            ("secondary", "no".to_owned())
        } else if cursor.eat("STORAGE") {
            ("storage", cursor.part()?)
        } else if cursor.eat("COLUMN_FORMAT") {
            ("column_format", cursor.part()?)
        } else if cursor.eat("ENGINE_ATTRIBUTE") {
            cursor.eat("=");
            ("engine_attribute", super::code::string(cursor)?)
        } else if cursor.eat("SECONDARY_ENGINE_ATTRIBUTE") {
            cursor.eat("=");
            ("secondary_engine_attribute", super::code::string(cursor)?)
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

impl DataType {
    fn parse(cursor: &mut Cursor<'_>) -> Option<DataType> {
        let mut data_type = DataType {
            name: cursor.next()?.text.to_lowercase(),
            ..DataType::default()
        };
        match data_type.name.as_str() {
            "char" | "character" if cursor.eat("VARYING") => data_type.name = "varchar".into(),
            "double" | "real" | "float8" if cursor.eat("PRECISION") => {
                data_type.name = "double".into();
            }
            _ => {}
        }
        data_type.arguments = cursor.group().map(|inside| Code::of(&inside));
        loop {
            if cursor.eat("UNSIGNED") {
                data_type.unsigned = true;
            } else if cursor.eat("ZEROFILL") {
                data_type.zerofill = true;
            } else if !cursor.eat("SIGNED") {
                return Some(data_type);
            }
        }
    }
}

/// Parses a value: a literal with its sign or its character set, a function with its arguments, or
/// a group, and everything that operators tie to it.
fn value(cursor: &mut Cursor<'_>) -> Option<Code> {
    const OPERATORS: &[&str] = &["+", "-", "*", "/", "%", "|", "&", "^"];
    let mark = cursor.mark();
    loop {
        while cursor.eat_any(&["-", "+"]) {}
        if cursor.peek_text().starts_with('_') {
            cursor.next()?;
        }
        if cursor.group().is_none() {
            cursor.next()?;
            while cursor.eat(".") {
                cursor.next()?;
            }
            let _: Option<Cursor<'_>> = cursor.group();
        }
        if !cursor.eat_any(OPERATORS) {
            return Some(Code::of(&cursor.since(mark)));
        }
    }
}
