//! The SQL with which an audit reads and compares keys on MySQL and MariaDB.

use crate::dialect::keys::comparison::is_everywhere;
use crate::dialect::keys::{
    Equality, KeyColumn, KeyLocation, Keys, Probe, Spelling, Statistics, WHOLE, Wire,
};
use crate::dialect::keys::{base, known, refused, rows};
use crate::dialect::mysql::variant::Variant;
use crate::dialect::mysql::{CHARACTERS, MySql};
use crate::dialect::{Literals, sizes};
use crate::model::key::Compare;
use crate::model::schema::{Column, Family};
use crate::model::server::Server;

impl Keys for MySql {
    fn snapshot(&self) -> Option<&'static str> {
        Some(
            "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ; \
             START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
        )
    }

    fn part(
        &self,
        column: &Column,
        compare: &Compare,
        server: &Server,
    ) -> Result<KeyColumn, String> {
        let name = MySql.quote(&column.name);
        let plain = |wire, spelling| KeyColumn::plain(name.clone(), wire, compare, spelling);
        let characters = || Characters::new(&name, column, compare);
        Ok(match (holds(column), compare) {
            (Holds::Bytes { indexed }, Compare::Bytes | Compare::Uuid | Compare::Text) => {
                let mut part = plain(Wire::Bytes, Spelling::Bytes);
                part.indexed = indexed;
                part.probes
                    .iter_mut()
                    .for_each(|probe| probe.indexed = indexed);
                part
            }
            // It keeps the bytes in another order than the one it shows them in.
            (Holds::Uuid, Compare::Uuid) => KeyColumn {
                sorts: false,
                bound: Spelling::Never,
                wide: Some((format!("CAST({name} AS CHAR)"), Spelling::Uuid)),
                ..plain(Wire::Characters, Spelling::Uuid)
            },
            (Holds::Whole(spelling), Compare::Integer) => plain(Wire::Digits, spelling),
            // One expression for the groups as for the order: an index would read other values.
            (Holds::Year, Compare::Integer) => {
                let number = format!("CAST({name} AS UNSIGNED)");
                KeyColumn {
                    select: number.clone(),
                    order: number.clone(),
                    indexed: false,
                    probes: vec![Probe::every(number, WHOLE)],
                    ..plain(Wire::Digits, WHOLE)
                }
            }
            (Holds::Bits, Compare::Integer) => KeyColumn {
                select: format!("CAST({name} AS UNSIGNED)"),
                ..plain(Wire::Digits, Spelling::bits(64, false))
            },
            (Holds::Whole(_) | Holds::Decimal, Compare::Decimal) => KeyColumn {
                sorts: false,
                select: format!("CAST({name} AS CHAR)"),
                bound: Spelling::Never,
                wide: Some((name.clone(), Spelling::Decimal)),
                ..plain(Wire::Characters, Spelling::Decimal)
            },
            (Holds::Double, Compare::Double) => KeyColumn {
                select: format!("CAST({name} AS CHAR)"),
                ..plain(Wire::Characters, Spelling::Double)
            },
            (Holds::Moment, Compare::DateTime) => KeyColumn {
                select: format!("CAST({name} AS CHAR)"),
                ..plain(Wire::Characters, Spelling::Text)
            },
            (Holds::Value, Compare::Value) => KeyColumn {
                sorts: false,
                select: format!("CAST({name} AS CHAR)"),
                bound: Spelling::Never,
                wide: Some((name.clone(), Spelling::Text)),
                ..plain(Wire::Characters, Spelling::Text)
            },
            // Whatever the type is, the server writes it as text.
            (
                Holds::Year
                | Holds::Bits
                | Holds::Decimal
                | Holds::Double
                | Holds::Moment
                | Holds::Value
                | Holds::Other,
                Compare::Text,
            ) => {
                let bytes = format!("CAST(CAST({name} AS CHAR) AS BINARY)");
                KeyColumn {
                    select: bytes.clone(),
                    order: bytes.clone(),
                    indexed: false,
                    bound: Spelling::Bytes,
                    probes: vec![Probe::every(bytes, Spelling::Bytes)],
                    ..plain(Wire::Characters, Spelling::Bytes)
                }
            }
            (Holds::Characters, Compare::Text | Compare::Bytes) => characters().exact(),
            (Holds::Characters, Compare::Uuid) => characters().uuids(),
            (Holds::Characters, Compare::Integer) => characters().numbers(),
            (Holds::Characters, Compare::Collated(collation)) => {
                characters().collated(collation, server)?
            }
            _ => return Err(refused(column, compare)),
        })
    }

    fn statistics(
        &self,
        place: &KeyLocation<'_>,
        table: &str,
        columns: &[&str],
    ) -> Option<Statistics> {
        let text = |text: &str| MySql.text(text).ok();
        let database = match place.database {
            Some(database) => text(database)?,
            None => "DATABASE()".to_owned(),
        };
        let table = text(table)?;
        let begins = known::begins(columns, "SEQ_IN_INDEX", "COLUMN_NAME", 1, text)?;
        let most = columns.len();
        let fresh = Variant::of(place.server).fresh_statistics;
        Some(Statistics {
            otherwise: None,
            there: None,
            sql: format!(
                "{fresh}SELECT TABLE_ROWS, (SELECT MAX(n) FROM (SELECT MAX(CARDINALITY) AS n \
                 FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = {database} \
                 AND TABLE_NAME = {table} AND {begins} GROUP BY INDEX_NAME \
                 HAVING COUNT(*) = {most}) AS found) FROM information_schema.TABLES \
                 WHERE TABLE_SCHEMA = {database} AND TABLE_NAME = {table}"
            ),
        })
    }

    fn counts(&self) -> Wire {
        Wire::Digits
    }

    fn natural(&self, column: &Column) -> Option<Compare> {
        Some(match holds(column) {
            Holds::Year | Holds::Bits => Compare::Integer,
            Holds::Decimal => Compare::Decimal,
            Holds::Double => Compare::Double,
            Holds::Moment => Compare::DateTime,
            Holds::Value => Compare::Value,
            _ => return None,
        })
    }

    fn equality(&self, column: &Column) -> Equality {
        let collation = column.collation.as_deref().unwrap_or_default();
        match collation.ends_with("_bin") || collation == "binary" {
            true if base(column) != "char" && pads(collation) => Equality::Padded,
            true => Equality::Exact,
            false => Equality::Collation(collation.to_owned()),
        }
    }

    /// One SQL mode pads a CHAR with blanks that are not part of it; others find no row by its zero
    /// date.
    fn streaming(&self) -> Option<&'static str> {
        Some(
            "SET sql_mode = REPLACE(REPLACE(REPLACE(@@sql_mode, 'PAD_CHAR_TO_FULL_LENGTH', ''), \
             'NO_ZERO_DATE', ''), 'NO_ZERO_IN_DATE', '')",
        )
    }

    fn row_expression(&self, column: &Column) -> String {
        let name = MySql.quote(&column.name);
        match column.family {
            _ if base(column) == "bit" => format!("CAST({name} + 0 AS CHAR)"),
            // As few digits as it is shown with would name no row.
            _ if base(column) == "float" => format!("CAST({name} + 0e0 AS CHAR)"),
            Family::Binary => format!("HEX({name})"),
            Family::Text => format!("CONVERT({name} USING utf8mb4)"),
            _ => format!("CAST({name} AS CHAR)"),
        }
    }

    /// An ENUM is ordered by its numbers and compared by its texts.
    fn row_order(&self, column: &Column) -> String {
        let name = MySql.quote(&column.name);
        match base(column).as_str() {
            "enum" | "set" => format!("CAST({name} AS CHAR)"),
            _ => name,
        }
    }

    fn row_literal(&self, column: &Column, text: &str) -> Result<String, String> {
        match column.family {
            Family::Binary => Ok(MySql.bytes(&rows::bytes_of(column, text)?)),
            Family::Integer | Family::Bool => rows::number(column, text),
            _ if base(column) == "bit" => rows::number(column, text),
            _ => MySql.text(text),
        }
    }
}

/// The kind of values in a column.
enum Holds {
    Bytes {
        indexed: bool,
    },
    Uuid,
    Whole(Spelling),
    Characters,
    Year,
    Bits,
    /// Numbers with digits behind the point.
    Decimal,
    Double,
    /// Dates and times.
    Moment,
    /// Values that are equal where the server writes them alike.
    Value,
    Other,
}

fn holds(column: &Column) -> Holds {
    let signed = !["unsigned", "zerofill"]
        .iter()
        .any(|word| column.sql.contains(word));
    let whole = |bits| Holds::Whole(Spelling::bits(bits, signed));
    match base(column).as_str() {
        "binary" | "varbinary" => Holds::Bytes { indexed: true },
        // An index has the beginning of each value only.
        "tinyblob" | "blob" | "mediumblob" | "longblob" => Holds::Bytes { indexed: false },
        "uuid" => Holds::Uuid,
        "tinyint" => whole(8),
        "smallint" => whole(16),
        "mediumint" => whole(24),
        "int" => whole(32),
        "bigint" => whole(64),
        "decimal" if sizes(&column.sql).get(1).copied().unwrap_or(0) == 0 => Holds::Whole(WHOLE),
        "decimal" => Holds::Decimal,
        "double" => Holds::Double,
        "year" => Holds::Year,
        "bit" => Holds::Bits,
        "date" | "datetime" | "timestamp" | "time" => Holds::Moment,
        "inet4" | "inet6" => Holds::Value,
        base if CHARACTERS.contains(&base) => Holds::Characters,
        _ => Holds::Other,
    }
}

/// A character column and its comparison.
struct Characters<'a> {
    name: &'a str,
    compare: &'a Compare,
    base: String,
    collation: &'a str,
}

impl<'a> Characters<'a> {
    fn new(name: &'a str, column: &'a Column, compare: &'a Compare) -> Self {
        Characters {
            name,
            compare,
            base: base(column),
            collation: column.collation.as_deref().unwrap_or_default(),
        }
    }

    /// Whether an index holds whole values in the order of their characters.
    fn has_index(&self) -> bool {
        matches!(self.base.as_str(), "char" | "varchar")
    }

    fn is_unicode(&self) -> bool {
        ["utf8", "uca1400"]
            .iter()
            .any(|word| self.collation.starts_with(word))
    }

    fn is_ascii(&self) -> bool {
        self.collation.starts_with("ascii_")
    }

    /// Whether two values that differ in trailing blanks can be equal to the column. A CHAR keeps
    /// none.
    fn pads(&self) -> bool {
        self.base != "char" && pads(self.collation)
    }

    /// Whether the column's own equality is that of its bytes, and its order that of UTF-8.
    fn is_exact(&self) -> bool {
        self.collation.ends_with("_bin")
            && (self.is_unicode() || self.is_ascii())
            && self.has_index()
            && !self.pads()
    }

    /// The expression for the characters as bytes.
    fn bytes(&self) -> String {
        format!("CAST(CONVERT({} USING utf8mb4) AS BINARY)", self.name)
    }

    /// A comparison that distinguishes all values. Equal bytes are equal in every collation, so the
    /// index finds them.
    fn exact(&self) -> KeyColumn {
        let part = KeyColumn::plain(
            self.name.to_owned(),
            Wire::Characters,
            self.compare,
            Spelling::Text,
        );
        let bytes = self.bytes();
        // The server takes no literal that the column's own characters cannot write.
        let mut own = Probe::direct(self.name, Spelling::Text);
        own.indexed = self.has_index() || self.base == "enum";
        let mut probes = vec![own];
        if !self.is_unicode() {
            probes
                .iter_mut()
                .for_each(|probe| probe.spelling = Spelling::Plain);
        }
        if !self.is_unicode() && !self.is_ascii() {
            probes.push(Probe::every(bytes.clone(), Spelling::Beyond));
        }
        if self.is_exact() {
            return KeyColumn {
                bound: match (self.is_unicode(), pads(self.collation)) {
                    (false, _) => Spelling::Ascii,
                    (true, true) => Spelling::Padded,
                    (true, false) => Spelling::Text,
                },
                wide: Some((bytes, Spelling::Bytes)),
                probes,
                ..part
            };
        }
        KeyColumn {
            select: bytes.clone(),
            order: bytes,
            bound: Spelling::Bytes,
            indexed: false,
            probes,
            ..part
        }
    }

    fn uuids(&self) -> KeyColumn {
        // ASCII's own collation takes large and small letters for the same, and nothing else;
        // other collations are not as sure to leave apart what is no UUID.
        let folds = self.collation == "ascii_general_ci" && self.has_index() && !self.pads();
        let ci = self.collation.ends_with("_ci") && self.has_index();
        let digits = ["'-'", "'{'", "'}'", "'urn:uuid:'"].iter().fold(
            format!("LOWER(CONVERT({} USING utf8mb4))", self.name),
            |text, sign| format!("REPLACE({text}, {sign}, '')"),
        );
        let digits = format!("CAST({digits} AS BINARY)");
        let probe = if ci {
            Probe::direct(self.name, Spelling::Forms)
        } else {
            Probe::every(digits.clone(), Spelling::Hex)
        };
        let part = if ci || self.is_exact() {
            KeyColumn::plain(
                self.name.to_owned(),
                Wire::Characters,
                self.compare,
                Spelling::Uuid,
            )
        } else {
            self.exact()
        };
        KeyColumn {
            groups: !ci || folds,
            // Where large letters come before small ones, no one bound serves for both.
            bound: if ci { Spelling::Uuid } else { Spelling::Never },
            wide: Some((digits, Spelling::Hex)),
            probes: vec![probe],
            ..part
        }
    }

    fn numbers(&self) -> KeyColumn {
        let number = format!("CAST({} AS DECIMAL(65, 0))", self.name);
        KeyColumn {
            sorts: false,
            bound: Spelling::Never,
            wide: Some((number.clone(), WHOLE)),
            probes: vec![Probe::every(number, WHOLE)],
            ..self.exact()
        }
    }

    /// A comparison by collation: its sort keys are the keys.
    fn collated(&self, collation: &str, server: &Server) -> Result<KeyColumn, String> {
        if is_everywhere(collation) {
            return Ok(self.folded(collation));
        }
        let known = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if collation.is_empty() || !collation.bytes().all(known) {
            return Err(format!("{} has no collation `{collation}`", server.product));
        }
        let charset = match collation.split('_').next() {
            Some("uca1400") | None => "utf8mb4",
            Some(charset) => charset,
        };
        let own = self.collation == collation && self.has_index();
        let value = if own {
            self.name.to_owned()
        } else {
            format!("CONVERT({} USING {charset}) COLLATE {collation}", self.name)
        };
        // To such a collation blanks at the end are nothing, but its sort keys have them.
        let sort_key = if pads(collation) {
            format!("WEIGHT_STRING(TRIM(TRAILING ' ' FROM {value}))")
        } else {
            format!("WEIGHT_STRING({value})")
        };
        let name = self.name.to_owned();
        Ok(KeyColumn {
            order: if own { name.clone() } else { sort_key.clone() },
            select: sort_key.clone(),
            indexed: own,
            // A sort key is compared with nothing but sort keys.
            bound: if own {
                Spelling::Never
            } else {
                Spelling::Bytes
            },
            wide: own.then(|| (sort_key.clone(), Spelling::Bytes)),
            probes: vec![Probe::every(sort_key, Spelling::Bytes)],
            ..KeyColumn::plain(name, Wire::Bytes, self.compare, Spelling::Bytes)
        })
    }

    /// A comparison as the collations of the embedded engine do it.
    fn folded(&self, collation: &str) -> KeyColumn {
        let text = format!("CONVERT({} USING utf8mb4)", self.name);
        let (text, spelling) = match collation {
            "NOCASE" => (format!("LOWER({text})"), Spelling::Small),
            "RTRIM" => (format!("TRIM(TRAILING ' ' FROM {text})"), Spelling::Bytes),
            _ => (text, Spelling::Bytes),
        };
        let exact = self.exact();
        let bin = self.collation.ends_with("_bin") && self.is_unicode() && self.has_index();
        if collation == "RTRIM" && bin && self.pads() {
            let name = self.name.to_owned();
            return KeyColumn {
                bound: Spelling::Padded,
                ..KeyColumn::plain(name, Wire::Characters, self.compare, Spelling::Text)
            };
        }
        KeyColumn {
            sorts: collation == "BINARY",
            probes: vec![Probe::every(format!("CAST({text} AS BINARY)"), spelling)],
            ..exact
        }
    }
}

/// Whether a collation ignores trailing blanks.
fn pads(collation: &str) -> bool {
    !(collation == "binary" || collation.contains("_0900_") || collation.contains("nopad_"))
}
