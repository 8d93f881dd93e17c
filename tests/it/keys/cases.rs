//! What is put into tables, and what must come out of them.

use std::collections::BTreeMap;

use bird::dialect::Dialect;
use bird::dialect::by_scheme;
use bird::model::key::{Compare, append, integer};
use uuid::Uuid;

use crate::world::Engine;

/// A table with one key, of one or several columns.
pub struct Case {
    pub name: String,
    pub engine: Engine,
    pub types: Vec<String>,
    pub compare: Vec<Compare>,
    /// Whether an index can have the whole key.
    pub index: bool,
    /// Whether equal values are spelled alike, so that what promises an order keeps it.
    pub in_order: bool,
    pub rows: Vec<Row>,
}

/// A row, and what its key must be: canonical bytes, or a value that is no key.
pub struct Row {
    pub cells: Vec<Cell>,
    pub key: Result<Vec<u8>, String>,
}

pub enum Cell {
    Bytes(Vec<u8>),
    Text(String),
    Number(String),
}

impl Case {
    pub fn expected(&self) -> BTreeMap<Vec<u8>, u64> {
        let mut all = BTreeMap::new();
        for key in self.rows.iter().filter_map(|row| row.key.as_ref().ok()) {
            *all.entry(key.clone()).or_default() += 1;
        }
        all
    }

    pub fn malformed(&self) -> BTreeMap<String, u64> {
        let mut all = BTreeMap::new();
        for output in self.rows.iter().filter_map(|row| row.key.as_ref().err()) {
            *all.entry(output.clone()).or_default() += 1;
        }
        all
    }

    pub fn columns(&self) -> Vec<String> {
        (0..self.types.len()).map(|at| format!("k{at}")).collect()
    }

    /// The statements that make and fill the table.
    pub fn table(&self) -> String {
        let dialect = by_scheme(self.engine.folder()).expect("an engine");
        let columns: Vec<String> = self
            .columns()
            .iter()
            .zip(&self.types)
            .map(|(name, sql)| format!("{name} {sql}"))
            .collect();
        let (name, names) = (&self.name, self.columns().join(", "));
        let mut sql = format!(
            "CREATE TABLE {name} (id INTEGER PRIMARY KEY, {});\n",
            columns.join(", ")
        );
        if self.index {
            sql.push_str(&format!("CREATE INDEX {name}_k ON {name} ({names});\n"));
        }
        let mut rows: Vec<Vec<String>> = self
            .rows
            .iter()
            .map(|row| row.cells.iter().map(|cell| cell.literal(dialect)).collect())
            .collect();
        // One row with a NULL, in the last column.
        let mut null = rows[0].clone();
        *null.last_mut().expect("a column") = "NULL".to_owned();
        rows.push(null);
        let rows: Vec<String> = rows
            .iter()
            .enumerate()
            .map(|(at, row)| format!("({}, {})", at + 1, row.join(", ")))
            .collect();
        sql.push_str(&format!("INSERT INTO {name} VALUES {};\n", rows.join(", ")));
        sql
    }
}

impl Cell {
    pub fn literal(&self, dialect: &dyn Dialect) -> String {
        match self {
            Cell::Bytes(bytes) => dialect.bytes(bytes),
            Cell::Text(text) => dialect.text(text).expect("a text"),
            Cell::Number(number) => number.clone(),
        }
    }
}

const IDS: [&str; 6] = [
    "00000000-0000-0000-0000-000000000000",
    "0a000000-0000-4000-8000-0000000000ff",
    "018f2b5e-7c4a-7b3d-9e6f-0123456789ab",
    "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
    "abcdef01-2345-4789-abcd-ef0123456789",
    "ffffffff-ffff-ffff-ffff-ffffffffffff",
];

fn id(at: usize) -> Uuid {
    Uuid::parse_str(IDS[at]).expect("a UUID")
}

fn bytes(value: &[u8]) -> Row {
    Row {
        cells: vec![Cell::Bytes(value.to_vec())],
        key: Ok(value.to_vec()),
    }
}

fn text(value: &str, key: &[u8]) -> Row {
    Row {
        cells: vec![Cell::Text(value.to_owned())],
        key: Ok(key.to_vec()),
    }
}

fn no_key(value: &str) -> Row {
    Row {
        cells: vec![Cell::Text(value.to_owned())],
        key: Err(value.to_owned()),
    }
}

fn number(value: i128) -> Row {
    Row {
        cells: vec![Cell::Number(value.to_string())],
        key: Ok(integer(value).to_vec()),
    }
}

struct Cases {
    engine: Engine,
    all: Vec<Case>,
}

impl Cases {
    /// A case whose values are spelled alike.
    fn add(&mut self, sql: &str, compare: Compare, rows: Vec<Row>) -> &mut Case {
        let case = Case {
            name: format!("t{}", self.all.len()),
            engine: self.engine,
            types: vec![sql.to_owned()],
            compare: vec![compare],
            index: !sql.to_lowercase().starts_with("text c") || self.engine.folder() != "mysql",
            in_order: true,
            rows,
        };
        self.all.push(case);
        self.all.last_mut().expect("the case")
    }

    fn mixed(&mut self, sql: &str, compare: Compare, rows: Vec<Row>) {
        self.add(sql, compare, rows).in_order = false;
    }
}

/// All cases of an engine.
pub fn cases(engine: Engine) -> Vec<Case> {
    let mut cases = Cases {
        engine,
        all: Vec::new(),
    };
    uuids(&mut cases);
    byte_strings(&mut cases);
    numbers(&mut cases);
    texts(&mut cases);
    folded(&mut cases);
    several(&mut cases);
    cases.all
}

fn uuids(cases: &mut Cases) {
    let engine = cases.engine;
    let raw = || -> Vec<Row> {
        let all = [5, 1, 1, 0, 4, 2, 3].map(|at| bytes(id(at).as_bytes()));
        all.into_iter().collect()
    };
    let spelled = |spell: fn(usize) -> String| -> Vec<Row> {
        let all = [3, 1, 2, 0, 4, 1, 5].map(|at| text(&spell(at), id(at).as_bytes()));
        all.into_iter().collect()
    };
    let small = || spelled(|at| id(at).to_string());
    let large = || spelled(|at| id(at).to_string().to_uppercase());
    let all = || -> Vec<Row> {
        let forms: [fn(&Uuid) -> String; 7] = [
            |id| id.to_string(),
            |id| id.to_string().to_uppercase(),
            |id| {
                let output = id.to_string();
                format!("{}{}", output[..8].to_uppercase(), &output[8..])
            },
            |id| id.simple().to_string(),
            |id| id.simple().to_string().to_uppercase(),
            |id| id.braced().to_string().to_uppercase(),
            |id| id.urn().to_string(),
        ];
        let mut rows = Vec::new();
        for at in [4, 1, 3, 2] {
            let spelled = forms.iter().map(|form| form(&id(at)));
            rows.extend(spelled.map(|output| text(&output, id(at).as_bytes())));
        }
        rows
    };
    // What looks like a UUID to a collation, and is none.
    let doubtful = || -> Vec<Row> {
        let output = id(4).to_string();
        let mut rows = all();
        rows.push(no_key(&output.replace('e', "é")));
        rows.push(no_key(&output.replace('1', "１")));
        rows.extend(["", "x", "0a000000-0000-4000-8000-0000000000fg"].map(no_key));
        rows.push(no_key("0a0000000000-4000-8000-0000000000-ff"));
        rows
    };
    cases.add(
        engine.pick("binary(16)", "uuid", "BLOB"),
        Compare::Uuid,
        match engine {
            Engine::Postgres => small(),
            _ => raw(),
        },
    );
    let other = engine.pick("varbinary(20)", "bytea", "BLOB");
    let mut odd = raw();
    odd.push(Row {
        cells: vec![Cell::Bytes(vec![7; 15])],
        key: Err(format!("0x{}", "07".repeat(15))),
    });
    cases.add(other, Compare::Uuid, odd);
    match engine {
        Engine::Sqlite => {
            cases.add("TEXT", Compare::Uuid, small());
            cases.add("TEXT COLLATE NOCASE", Compare::Uuid, large());
            cases.mixed("TEXT COLLATE NOCASE", Compare::Uuid, doubtful());
            let mut both = doubtful();
            both.extend(raw());
            both.push(Row {
                cells: vec![Cell::Number("7".to_owned())],
                key: Err("7".to_owned()),
            });
            cases.mixed("BLOB", Compare::Uuid, both);
        }
        Engine::Postgres => {
            cases.add("char(36)", Compare::Uuid, small());
            cases.add("varchar(36) COLLATE \"C\"", Compare::Uuid, large());
            cases.mixed("text", Compare::Uuid, doubtful());
        }
        _ => {
            let set = "CHARACTER SET";
            cases.add(
                &format!("char(36) {set} ascii COLLATE ascii_bin"),
                Compare::Uuid,
                small(),
            );
            cases.add(
                &format!("char(36) {set} ascii COLLATE ascii_general_ci"),
                Compare::Uuid,
                large(),
            );
            let mixed = spelled(|at| match at {
                1 | 2 => id(at).to_string(),
                _ => id(at).to_string().to_uppercase(),
            });
            cases.add("char(36) COLLATE utf8mb4_unicode_ci", Compare::Uuid, mixed);
            cases.mixed(
                &format!("char(45) {set} ascii COLLATE ascii_general_ci"),
                Compare::Uuid,
                all(),
            );
            for collation in ["utf8mb4_unicode_ci", "utf8mb4_general_ci", "utf8mb4_bin"] {
                cases.mixed(
                    &format!("varchar(45) COLLATE {collation}"),
                    Compare::Uuid,
                    doubtful(),
                );
            }
            let usual = match engine {
                Engine::MySql => "utf8mb4_0900_ai_ci",
                _ => "uca1400_ai_ci",
            };
            cases.mixed(
                &format!("varchar(45) {set} utf8mb4 COLLATE {usual}"),
                Compare::Uuid,
                doubtful(),
            );
            cases.mixed("text COLLATE utf8mb4_bin", Compare::Uuid, doubtful());
            if engine != Engine::MySql {
                cases.add("uuid", Compare::Uuid, small());
            }
        }
    }
}

fn byte_strings(cases: &mut Cases) {
    let all: [&[u8]; 9] = [
        &[],
        &[0],
        &[0, 0],
        b"a",
        b"a\0",
        b"a ",
        &[0xFF; 20],
        &[0xFF],
        b"a",
    ];
    let rows = || all.iter().map(|value| bytes(value)).collect::<Vec<_>>();
    let sql = cases.engine.pick("varbinary(20)", "bytea", "BLOB");
    cases.add(sql, Compare::Bytes, rows());
    // The same bytes, as characters that both ends have.
    let plain = [&b"abc"[..], b"ABC", "日本".as_bytes()].map(bytes);
    cases.add(sql, Compare::Text, plain.into_iter().collect());
    if cases.engine.folder() == "mysql" {
        cases.add(
            "binary(2)",
            Compare::Bytes,
            vec![bytes(b"ab"), bytes(b"a\0"), bytes(&[0, 0])],
        );
        cases.add("blob", Compare::Bytes, rows()).index = false;
    }
}

fn numbers(cases: &mut Cases) {
    let some = |values: &[i128]| {
        values
            .iter()
            .map(|value| number(*value))
            .collect::<Vec<_>>()
    };
    let engine = cases.engine;
    let (small, big) = (i128::from(i64::MIN), i128::from(i64::MAX));
    let huge = i128::from(u64::MAX);
    let bits64 = [5, small, -1, 0, 5, 10, big, 9];
    cases.add(
        engine.pick("bigint", "bigint", "INTEGER"),
        Compare::Integer,
        some(&bits64),
    );
    let digits = |last: &str| -> Vec<Row> {
        let mut rows = vec![
            text("5", &integer(5)),
            text("007", &integer(7)),
            text("-3", &integer(-3)),
            text("10", &integer(10)),
            text("0", &integer(0)),
            text("-0", &integer(0)),
            text("18446744073709551615", &integer(huge)),
        ];
        rows.extend(["1abc", "", " 5", "+5", "5.0", "-", last].map(no_key));
        rows
    };
    let sql = engine.pick("varchar(60) COLLATE utf8mb4_unicode_ci", "text", "TEXT");
    cases.mixed(sql, Compare::Integer, digits("x"));
    match engine {
        Engine::Sqlite => {
            let mut both = digits("y");
            both.extend(some(&bits64));
            both.push(Row {
                cells: vec![Cell::Number("9.0".to_owned())],
                key: Ok(integer(9).to_vec()),
            });
            both.push(Row {
                cells: vec![Cell::Number("9.5".to_owned())],
                key: Err("9.5".to_owned()),
            });
            both.push(Row {
                cells: vec![Cell::Bytes(b"5".to_vec())],
                key: Err("0x35".to_owned()),
            });
            cases.mixed("BLOB", Compare::Integer, both);
        }
        Engine::Postgres => {
            cases.add("smallint", Compare::Integer, some(&[-32768, 5, 5, 32767]));
            cases.add(
                "integer",
                Compare::Integer,
                some(&[i128::from(i32::MIN), 5, 9]),
            );
            let mut wide = some(&[5, huge, -huge]);
            cases.add("numeric(20,0)", Compare::Integer, some(&[5, huge, -huge]));
            wide.push(Row {
                cells: vec![Cell::Number("10.00".to_owned())],
                key: Ok(integer(10).to_vec()),
            });
            wide.push(Row {
                cells: vec![Cell::Number("10.5".to_owned())],
                key: Err("10.5".to_owned()),
            });
            cases.add("numeric", Compare::Integer, wide);
        }
        _ => {
            cases.add("tinyint", Compare::Integer, some(&[-128, 5, 5, 127]));
            cases.add(
                "mediumint unsigned",
                Compare::Integer,
                some(&[0, 5, 16_777_215]),
            );
            cases.add(
                "bigint unsigned",
                Compare::Integer,
                some(&[0, 5, huge, big]),
            );
            cases.add(
                "int(10) zerofill",
                Compare::Integer,
                some(&[0, 5, 5, 4_294_967_295]),
            );
            cases.add("decimal(20,0)", Compare::Integer, some(&[5, huge, -huge]));
        }
    }
}

/// Texts that this or that collation takes for the same.
const TEXTS: [&str; 18] = [
    "a", "A", "abc", "Abc", "abc", "ä", "é", "e", "E", "ß", "ss", "日本", "", "😀", "o'k", "b\\s",
    "ab", "z",
];

fn texts(cases: &mut Cases) {
    let exact = |values: &[&str]| {
        values
            .iter()
            .map(|value| text(value, value.as_bytes()))
            .collect::<Vec<_>>()
    };
    // Whether blanks at the end are kept.
    let kept = || {
        let mut all = TEXTS.to_vec();
        all.extend(["a ", "a  ", " ", "a\tb"]);
        exact(&all)
    };
    let dropped = || {
        let mut all = exact(&TEXTS);
        all.push(text("a ", b"a"));
        all
    };
    let ascii = || exact(&["a", "A", "abc", "Abc", "", "o'k"]);
    let latin = || exact(&["a", "A", "é", "e", "ß", "ss", "", "€", "ÿ"]);
    match cases.engine {
        Engine::Sqlite => {
            for sql in [
                "TEXT",
                "TEXT COLLATE NOCASE",
                "TEXT COLLATE RTRIM",
                "VARCHAR(20)",
            ] {
                cases.add(sql, Compare::Text, kept());
            }
            cases.add("TEXT", Compare::Bytes, kept());
        }
        Engine::Postgres => {
            for sql in [
                "text",
                "varchar(20) COLLATE \"C\"",
                "varchar(20) COLLATE \"POSIX\"",
                "name",
            ] {
                cases.add(sql, Compare::Text, kept());
            }
            cases.add("char(10)", Compare::Text, dropped());
            cases.add("char(10) COLLATE \"C\"", Compare::Text, dropped());
            cases.add("text", Compare::Bytes, kept());
        }
        engine => {
            let (usual, nopad) = match engine {
                Engine::MySql => ("utf8mb4_0900_ai_ci", "utf8mb4_0900_bin"),
                _ => ("uca1400_ai_ci", "utf8mb4_nopad_bin"),
            };
            for collation in [
                usual,
                nopad,
                "utf8mb4_bin",
                "utf8mb4_general_ci",
                "utf8mb4_unicode_ci",
            ] {
                let collated = format!("CHARACTER SET utf8mb4 COLLATE {collation}");
                cases.add(&format!("varchar(20) {collated}"), Compare::Text, kept());
                cases.add(&format!("char(10) {collated}"), Compare::Text, dropped());
            }
            cases.add("text COLLATE utf8mb4_bin", Compare::Text, kept());
            cases.add(
                "varchar(20) COLLATE utf8mb4_unicode_ci",
                Compare::Bytes,
                kept(),
            );
            let of = |set: &str, collation: &str| {
                format!("varchar(20) CHARACTER SET {set} COLLATE {collation}")
            };
            cases.add(&of("ascii", "ascii_bin"), Compare::Text, ascii());
            cases.add(
                "char(20) CHARACTER SET ascii COLLATE ascii_bin",
                Compare::Text,
                ascii(),
            );
            cases.add(&of("latin1", "latin1_swedish_ci"), Compare::Text, latin());
            cases.add(
                "char(20) CHARACTER SET latin1 COLLATE latin1_bin",
                Compare::Text,
                latin(),
            );
            cases.add(
                "enum('b', 'a', 'c') COLLATE utf8mb4_bin",
                Compare::Text,
                exact(&["a", "b", "c", "a"]),
            );
        }
    }
}

/// The collations of SQLite, which can be told anywhere.
fn folded(cases: &mut Cases) {
    let sql = cases
        .engine
        .pick("varchar(20) COLLATE utf8mb4_unicode_ci", "text", "TEXT");
    let no_case = |value: &str| text(value, value.to_ascii_lowercase().as_bytes());
    let rows = || {
        ["Abc", "abc", "É", "é", "ab ", "ab", "x"]
            .map(no_case)
            .into_iter()
            .collect::<Vec<_>>()
    };
    cases.mixed(sql, Compare::Collated("NOCASE".to_owned()), rows());
    if cases.engine == Engine::Sqlite {
        cases.add(
            "TEXT COLLATE NOCASE",
            Compare::Collated("NOCASE".to_owned()),
            rows(),
        );
    }
    let trimmed = |value: &str| text(value, value.trim_end_matches(' ').as_bytes());
    let rows = ["Abc", "abc", "abc ", "", " ", "ab\t "]
        .map(trimmed)
        .into_iter()
        .collect();
    cases.mixed(sql, Compare::Collated("RTRIM".to_owned()), rows);
}

/// A key of two columns.
fn several(cases: &mut Cases) {
    let rows = [(3, 1), (1, 0), (1, 5), (2, 1), (1, 0), (-4, 2), (3, 0)].map(|(tenant, at)| {
        let mut key = Vec::new();
        append(&integer(tenant), &mut key);
        append(id(at).as_bytes(), &mut key);
        let second = match cases.engine {
            Engine::Postgres => Cell::Text(id(at).to_string()),
            _ => Cell::Bytes(id(at).as_bytes().to_vec()),
        };
        Row {
            cells: vec![Cell::Number(tenant.to_string()), second],
            key: Ok(key),
        }
    });
    let sql = cases.engine.pick("binary(16)", "uuid", "BLOB");
    let case = cases.add("integer", Compare::Integer, rows.into_iter().collect());
    case.types.push(sql.to_owned());
    case.compare.push(Compare::Uuid);
}
