//! A column, as a statement says it or as the server shows it.

use super::key::{Check, Key};
use crate::dialect::mysql::CHARACTERS;
use crate::dialect::recovery::normalize::{GAP, flat_text, plain};
use crate::sql::Cursor;

/// A column's definition, in the words that both sides can be brought to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Column {
    pub name: String,
    pub kind: String,
    pub charset: Option<String>,
    pub collation: Option<String>,
    pub nullable: Option<bool>,
    pub default: Option<String>,
    pub on_update: Option<String>,
    pub generated: Option<String>,
    pub comment: String,
    pub counts: bool,
    /// Words that nothing is known of: they must stand on both sides.
    pub rest: Vec<String>,
    /// Where a statement puts it: at the front, or behind another column.
    pub place: Option<Place>,
    /// It is converted to another character set, and may need a wider type.
    pub converted: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    First,
    After(String),
}

/// What a column brings along.
#[derive(Debug, Default)]
pub struct Beside {
    pub keys: Vec<Key>,
    pub checks: Vec<Check>,
}

/// Types by their other names.
const SYNONYMS: &[(&str, &str)] = &[
    ("integer", "int"),
    ("int1", "tinyint"),
    ("int2", "smallint"),
    ("int3", "mediumint"),
    ("middleint", "mediumint"),
    ("int4", "int"),
    ("int8", "bigint"),
    ("bool", "tinyint"),
    ("boolean", "tinyint"),
    ("dec", "decimal"),
    ("numeric", "decimal"),
    ("fixed", "decimal"),
    ("real", "double"),
    ("float4", "float"),
    ("float8", "double"),
    ("character", "char"),
];
/// What is shown of these is as wide as it is: the number only tells how wide to print it.
const WHOLE: &[&str] = &["tinyint", "smallint", "mediumint", "int", "bigint", "year"];
const FRACTIONS: &[&str] = &["decimal", "float", "double"];
/// From the narrowest one.
const TEXTS: &[&str] = &["tinytext", "text", "mediumtext", "longtext"];
impl Column {
    /// Reads a column from its name on.
    pub fn read(mut words: Cursor<'_>) -> Option<(Column, Beside)> {
        let mut column = Column {
            name: words.any_case()?,
            ..Column::default()
        };
        let mut beside = Beside::default();
        column.kind = kind(&mut words)?;
        while !words.is_over() {
            column.attribute(&mut words, &mut beside)?;
        }
        column.settle(&mut beside);
        Some((column, beside))
    }

    fn attribute(&mut self, words: &mut Cursor<'_>, beside: &mut Beside) -> Option<()> {
        let key = |kind: &'static str| Key {
            kind,
            parts: vec![self.name.clone()],
            ..Key::default()
        };
        if words.eat_all(&["NOT", "NULL"]) {
            self.nullable = Some(false);
        } else if words.eat("NULL") {
            self.nullable = Some(true);
        } else if words.eat("DEFAULT") {
            self.default = Some(self.value(words)?);
        } else if words.eat_all(&["ON", "UPDATE"]) {
            self.on_update = Some(self.value(words)?);
        } else if words.eat("AUTO_INCREMENT") {
            self.counts = true;
        } else if words.eat("COMMENT") {
            self.comment = plain([words.next()?]).concat();
        } else if words.eat_all(&["CHARACTER", "SET"]) || words.eat("CHARSET") {
            words.eat("=");
            self.charset = Some(charset(&words.any_case()?));
        } else if words.eat("COLLATE") {
            words.eat("=");
            self.collation = Some(charset(&words.any_case()?));
        } else if words.eat_all(&["GENERATED", "ALWAYS", "AS"]) || words.eat("AS") {
            let expression = flat_text(words.group()?.tokens());
            let stored = words.eat_any(&["STORED", "PERSISTENT"]);
            words.eat("VIRTUAL");
            self.generated = Some(format!("{expression} stored={stored}"));
        } else if words.eat("PRIMARY") {
            words.eat("KEY");
            beside.keys.push(key("primary"));
        } else if words.eat("UNIQUE") {
            words.eat("KEY");
            beside.keys.push(key("unique"));
        } else if words.eat("CONSTRAINT") {
            let name = (!words.sees("CHECK")).then(|| words.any_case()).flatten();
            words.eat("CHECK").then_some(())?;
            self.check(words, name, beside)?;
        } else if words.eat("CHECK") {
            self.check(words, None, beside)?;
        } else if words.eat("FIRST") {
            self.place = Some(Place::First);
        } else if words.eat("AFTER") {
            self.place = Some(Place::After(words.any_case()?));
        } else if words.eat("REFERENCES") {
            // Whether a key comes of it differs from product to product.
            return None;
        } else if !words.eat("VISIBLE") {
            self.rest.extend(plain([words.next()?]));
        }
        Some(())
    }

    fn check(
        &self,
        words: &mut Cursor<'_>,
        name: Option<String>,
        beside: &mut Beside,
    ) -> Option<()> {
        let mut check = Check::read(words, name)?;
        check.of = Some(self.name.clone());
        beside.checks.push(check);
        Some(())
    }

    /// A default, or what an update sets: one value, or an expression in parentheses or of one
    /// function.
    fn value(&self, words: &mut Cursor<'_>) -> Option<String> {
        let start = words.mark();
        if !words.eat_any(&["-", "+"]) {
            let introduced = words.peek()?.text.starts_with('_');
            words.skip(usize::from(introduced));
        }
        if words.group().is_none() {
            words.next()?;
            let _: Option<Cursor<'_>> = words.group();
        }
        Some(self.number(&flat_text(words.since(start).tokens())))
    }

    /// A default that is said apart from the column.
    pub fn value_of(&self, said: &str) -> Option<String> {
        Some(self.number(said)).filter(|value| value != "null")
    }

    /// A value that may be shown as a text and as a number.
    fn number(&self, value: &str) -> String {
        let value = &value.replace(&format!("-{GAP}"), "-");
        let bare = value.strip_prefix('\'').unwrap_or(value);
        let base = base(&self.kind);
        if WHOLE.contains(&base) {
            return match bare {
                "true" => "1".into(),
                "false" => "0".into(),
                _ => bare.into(),
            };
        }
        match FRACTIONS.contains(&base) && bare.contains('.') {
            true => bare.trim_end_matches('0').trim_end_matches('.').into(),
            false if FRACTIONS.contains(&base) => bare.into(),
            false => value.clone(),
        }
    }

    /// What a server shows where a statement says nothing, and the other way round.
    fn settle(&mut self, beside: &mut Beside) {
        if self.default.as_deref() == Some("null") {
            self.default = None;
        }
        if self.comment == "'" {
            self.comment.clear();
        }
        if self.nullable == Some(true) {
            self.nullable = None;
        }
        // A type of its own only on one of the two products.
        let json = format!("json_valid{GAP}{}", self.name);
        let is_json = |check: &Check| check.expression == json;
        if self.kind == "longtext" && beside.checks.iter().any(is_json) {
            beside.checks.retain(|check| !is_json(check));
            self.kind = "json".into();
            (self.charset, self.collation) = (None, None);
        }
    }

    /// Takes what it does not say of its characters from its table.
    pub fn inherit(&mut self, charset: Option<&String>, collation: Option<&String>) {
        let own = self.charset.is_some() || self.collation.is_some();
        if !self.has_characters() {
            (self.charset, self.collation) = (None, None);
        } else if !own {
            (self.charset, self.collation) = (charset.cloned(), collation.cloned());
        } else if let (None, Some(collation)) = (&self.charset, &self.collation) {
            let set = collation.split('_').next();
            self.charset = set.map(str::to_owned);
        }
    }

    /// Whether a server shows this column so. `keyed` where it is in the primary key.
    pub fn fits(&self, shown: &Column, keyed: bool) -> bool {
        let kind = self.kind == shown.kind
            || self.converted && TEXTS.contains(&base(&self.kind)) && self.widens_to(shown);
        let nullable = self.nullable == shown.nullable
            || self.nullable.is_none() && (keyed || self.counts && shown.counts);
        self.name == shown.name
            && kind
            && nullable
            // What is not said of characters is the server's choice.
            && (self.charset.is_none() || self.charset == shown.charset)
            && collated(self.collation.as_deref(), shown.collation.as_deref())
            && self.default == shown.default
            && self.on_update == shown.on_update
            && self.generated == shown.generated
            && self.comment == shown.comment
            && self.counts == shown.counts
            && self.rest == shown.rest
    }

    fn widens_to(&self, shown: &Column) -> bool {
        let width = |kind: &str| TEXTS.iter().position(|text| *text == base(kind));
        width(&self.kind) < width(&shown.kind)
    }

    /// Whether it has a character set.
    pub fn has_characters(&self) -> bool {
        CHARACTERS.contains(&base(&self.kind))
    }
}

/// A type without what is in parentheses behind it.
pub fn base(kind: &str) -> &str {
    kind.split(['(', ' ']).next().unwrap_or_default()
}

/// A character set or a collation by the longer of its names.
pub fn charset(name: &str) -> String {
    match name.strip_prefix("utf8") {
        Some(rest) if rest.is_empty() || rest.starts_with('_') => format!("utf8mb3{rest}"),
        _ => name.to_owned(),
    }
}

/// Whether a collation is shown as it is wanted: what a character set has anyway may be left out.
pub fn collated(wanted: Option<&str>, shown: Option<&str>) -> bool {
    const ANYWAY: &[&str] = &[
        "ascii_general_ci",
        "binary",
        "latin1_swedish_ci",
        "utf8mb3_general_ci",
    ];
    match (wanted, shown) {
        (None, _) => true,
        (Some(wanted), None) => ANYWAY.contains(&wanted),
        (Some(wanted), Some(shown)) => wanted == shown,
    }
}

/// A type with what belongs to it.
fn kind(words: &mut Cursor<'_>) -> Option<String> {
    let said = words.next()?.text.to_lowercase();
    let known = SYNONYMS.iter().find(|(other, _)| *other == said);
    let mut name = known.map_or(said.as_str(), |(_, name)| name);
    if name == "char" && words.eat("VARYING") {
        name = "varchar";
    }
    if name == "double" {
        words.eat("PRECISION");
    }
    let between = match name {
        // A comma may be a part of a value.
        "enum" | "set" => GAP.to_string(),
        _ => String::new(),
    };
    let arguments = words.group();
    let arguments = arguments.map(|inside| plain(inside.tokens()).join(&between));
    let arguments = match (name, arguments.as_deref()) {
        (whole, _) if WHOLE.contains(&whole) => None,
        ("decimal", None) => Some("10,0".to_owned()),
        ("decimal", Some(digits)) if !digits.contains(',') => Some(format!("{digits},0")),
        ("bit" | "char" | "binary", None) => Some("1".to_owned()),
        ("time" | "datetime" | "timestamp", Some("0")) => None,
        _ => arguments,
    };
    let mut kind = match arguments {
        Some(arguments) => format!("{name}({arguments})"),
        None => name.to_owned(),
    };
    let (mut unsigned, mut filled) = (false, false);
    loop {
        if words.eat("UNSIGNED") {
            unsigned = true;
        } else if words.eat("ZEROFILL") {
            (unsigned, filled) = (true, true);
        } else if !words.eat("SIGNED") {
            break;
        }
    }
    kind.push_str(if unsigned { " unsigned" } else { "" });
    kind.push_str(if filled { " zerofill" } else { "" });
    Some(kind)
}
