//! Random columns.

use std::fmt::Write as _;

use super::super::Dice;

/// What values a column can hold, and so what it can become.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Family {
    Number,
    Text,
    Time,
    Bytes,
    Choice,
    Json,
    Shape,
}

#[derive(Clone, Debug)]
pub struct Column {
    pub name: String,
    pub family: Family,
    pub sql: &'static str,
    pub nullable: bool,
    pub default: Option<&'static str>,
    /// An expression over `id`, stored or not.
    pub generated: Option<(String, bool)>,
    pub charset: Option<&'static str>,
    pub comment: Option<String>,
    pub invisible: bool,
    /// It comes to rows that are there, which it finds all alike.
    pub fresh: bool,
    /// Behind everything else.
    pub more: &'static str,
}

const NUMBERS: &[&str] = &[
    "TINYINT",
    "SMALLINT UNSIGNED",
    "MEDIUMINT",
    "INT",
    "INT UNSIGNED",
    "BIGINT",
    "DECIMAL(10,2)",
    "DECIMAL(5)",
    "FLOAT",
    "DOUBLE",
    "INT(5) ZEROFILL",
    "DOUBLE(10,3)",
];
const TEXTS: &[&str] = &[
    "CHAR(5)",
    "VARCHAR(20)",
    "VARCHAR(150)",
    "TINYTEXT",
    "TEXT",
    "MEDIUMTEXT",
    "LONGTEXT",
];
const TIMES: &[&str] = &[
    "DATE",
    "DATETIME",
    "DATETIME(3)",
    "TIMESTAMP",
    "TIMESTAMP(6)",
];
const BYTES: &[&str] = &["BINARY(16)", "VARBINARY(20)", "BLOB", "LONGBLOB"];
const CHOICES: &[&str] = &[
    "ENUM('a','b')",
    "ENUM('a','it''s','c')",
    "ENUM('b','a','c','d')",
    "SET('a','b')",
    "SET('b','a','c')",
];
const CHARSETS: &[&str] = &[
    "CHARACTER SET latin1",
    "COLLATE utf8mb4_bin",
    "CHARACTER SET utf8mb4",
    "COLLATE utf8mb4_unicode_ci",
    "CHARACTER SET utf8mb3",
];

pub fn kinds(family: Family) -> &'static [&'static str] {
    match family {
        Family::Number => NUMBERS,
        Family::Text => TEXTS,
        Family::Time => TIMES,
        Family::Bytes => BYTES,
        Family::Choice => CHOICES,
        Family::Json => &["JSON"],
        Family::Shape => &["POINT", "GEOMETRY"],
    }
}

impl Column {
    pub fn new(dice: &mut Dice, name: String) -> Column {
        const FAMILIES: &[Family] = &[
            Family::Number,
            Family::Number,
            Family::Text,
            Family::Text,
            Family::Time,
            Family::Bytes,
            Family::Choice,
            Family::Json,
            Family::Shape,
        ];
        let family = *dice.pick(FAMILIES);
        let sql = *dice.pick(kinds(family));
        let mut column = Column {
            name,
            family,
            sql,
            nullable: dice.chance(70),
            default: None,
            generated: None,
            charset: None,
            comment: None,
            invisible: false,
            fresh: false,
            more: "",
        };
        column.vary_default(dice);
        if column.is_text() && dice.chance(30) {
            column.charset = Some(*dice.pick(CHARSETS));
        }
        if dice.chance(20) {
            column.comment = Some(format!("it''s {}", dice.below(9)));
        }
        column.invisible = dice.chance(5);
        if family == Family::Number && dice.chance(15) {
            column.vary_generated(dice);
        }
        column
    }

    pub fn is_text(&self) -> bool {
        matches!(self.family, Family::Text | Family::Choice)
    }

    /// Whether a key can hold all of it.
    pub fn is_short(&self) -> bool {
        match self.family {
            Family::Text => self.sql.contains("CHAR"),
            Family::Bytes => self.sql.contains("BINARY"),
            Family::Number | Family::Time | Family::Choice => true,
            Family::Json | Family::Shape => false,
        }
    }

    /// Whether each row has another value.
    pub fn is_distinct(&self) -> bool {
        let family = matches!(self.family, Family::Number | Family::Time)
            || self.family == Family::Text && self.is_short();
        family && !self.fresh
    }

    pub fn vary_generated(&mut self, dice: &mut Dice) {
        self.default = None;
        self.nullable = true;
        self.more = "";
        self.invisible = false;
        let expression = format!("id + {}", dice.below(4));
        self.generated = match dice.below(3) {
            0 => None,
            stored => Some((expression, stored == 1)),
        };
    }

    pub fn vary_default(&mut self, dice: &mut Dice) {
        if self.generated.is_some() {
            return;
        }
        self.more = "";
        self.default = match self.family {
            Family::Number => {
                *dice.pick(&[None, Some("0"), Some("7"), Some("'5'"), Some("(1 + 2)")])
            }
            Family::Text if self.is_short() => {
                *dice.pick(&[None, Some("''"), Some("'it\\'s'"), Some("(LOWER('AB'))")])
            }
            Family::Choice if self.sql.contains("'b'") => {
                *dice.pick(&[None, Some("'a'"), Some("'b'")])
            }
            Family::Choice => *dice.pick(&[None, Some("'a'")]),
            Family::Time if self.sql == "DATE" => {
                *dice.pick(&[None, Some("'2020-01-01'"), Some("(CURRENT_DATE)")])
            }
            Family::Time => match self.sql {
                "DATETIME" | "TIMESTAMP" => {
                    if dice.chance(20) {
                        self.more = "ON UPDATE CURRENT_TIMESTAMP";
                    }
                    *dice.pick(&[
                        Some("'2020-01-01 00:00:00'"),
                        Some("CURRENT_TIMESTAMP"),
                        Some("NOW()"),
                    ])
                }
                "DATETIME(3)" => *dice.pick(&[None, Some("CURRENT_TIMESTAMP(3)")]),
                _ => Some("CURRENT_TIMESTAMP(6)"),
            },
            Family::Json => *dice.pick(&[None, Some("(JSON_ARRAY(1))")]),
            _ => None,
        };
        // What a column that comes to rows gets must fit.
        if self.default.is_none()
            && matches!(self.family, Family::Time | Family::Json | Family::Shape)
        {
            self.nullable = true;
        }
    }

    pub fn vary_type(&mut self, dice: &mut Dice) {
        self.sql = *dice.pick(kinds(self.family));
        self.vary_default(dice);
    }

    pub fn vary_characters(&mut self, dice: &mut Dice) {
        if self.is_text() {
            self.charset = dice.chance(70).then(|| *dice.pick(CHARSETS));
        }
    }

    pub fn sql(&self) -> String {
        let mut sql = format!("{} {}", self.name, self.sql);
        if let Some(charset) = self.charset {
            let _ = write!(sql, " {charset}");
        }
        if let Some((expression, stored)) = &self.generated {
            let kind = if *stored { "STORED" } else { "VIRTUAL" };
            let _ = write!(sql, " GENERATED ALWAYS AS ({expression}) {kind}");
        } else {
            sql.push_str(if self.nullable { " NULL" } else { " NOT NULL" });
        }
        if let Some(default) = self.default {
            let _ = write!(sql, " DEFAULT {default}");
        }
        if self.generated.is_none() {
            let _ = write!(sql, " {}", self.more);
        }
        if self.invisible && (self.nullable || self.default.is_some()) {
            sql.push_str(" INVISIBLE");
        }
        if let Some(comment) = &self.comment {
            let _ = write!(sql, " COMMENT '{comment}'");
        }
        sql
    }

    /// The value in a row.
    pub fn value(&self, row: usize) -> String {
        match self.family {
            Family::Number => row.to_string(),
            Family::Text | Family::Bytes => format!("'{row}'"),
            Family::Time => format!("'2020-01-0{row}'"),
            Family::Choice => "'a'".to_owned(),
            Family::Json => format!("'[{row}]'"),
            Family::Shape => format!("ST_GeomFromText('POINT({row} 1)')"),
        }
    }
}
