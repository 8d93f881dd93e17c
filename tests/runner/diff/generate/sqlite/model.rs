//! A schema as the generator thinks of it.

use super::Dice;

#[derive(Clone, Default)]
pub struct Schema {
    pub tables: Vec<Table>,
    /// Views, triggers and virtual tables: their names, what they mention, and their statements.
    pub others: Vec<Other>,
    /// So many names were given.
    pub count: usize,
}

#[derive(Clone, PartialEq)]
pub struct Other {
    pub name: String,
    pub on: String,
    pub sql: String,
}

#[derive(Clone, Default, PartialEq)]
pub struct Table {
    pub name: String,
    pub columns: Vec<Column>,
    pub key: Option<Key>,
    pub uniques: Vec<Key>,
    pub checks: Vec<(Option<String>, String)>,
    pub foreign: Vec<Foreign>,
    /// Names and statements behind `CREATE`.
    pub indexes: Vec<(String, String)>,
    pub strict: bool,
    pub without_rowid: bool,
}

/// What the values of a column are.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Class {
    Int,
    Text,
    Real,
    Blob,
}

#[derive(Clone, PartialEq)]
pub struct Column {
    pub name: String,
    pub class: Class,
    pub sql: String,
    pub not_null: bool,
    pub default: Option<String>,
    pub collate: Option<&'static str>,
    pub generated: Option<(String, bool)>,
    pub check: Option<String>,
}

#[derive(Clone, PartialEq)]
pub struct Key {
    pub name: Option<String>,
    pub columns: Vec<(String, bool)>,
    pub conflict: Option<&'static str>,
    pub counts: bool,
}

#[derive(Clone, PartialEq)]
pub struct Foreign {
    pub name: Option<String>,
    pub column: String,
    pub to: String,
    pub to_column: String,
    pub rest: String,
}

const CLASSES: &[Class] = &[
    Class::Int,
    Class::Int,
    Class::Text,
    Class::Text,
    Class::Real,
    Class::Blob,
];

impl Class {
    pub fn types(self, strict: bool) -> &'static [&'static str] {
        match (self, strict) {
            (Class::Int, true) => &["INT", "INTEGER"],
            (Class::Text, true) => &["TEXT"],
            (Class::Real, true) => &["REAL"],
            (Class::Blob, true) => &["BLOB", "ANY"],
            (Class::Int, false) => &[
                "INT",
                "INTEGER",
                "BIGINT",
                "",
                "NUMERIC",
                "DECIMAL(10, 2)",
                "UNSIGNED BIG INT",
            ],
            (Class::Text, false) => &["TEXT", "VARCHAR(10)", "CLOB", "NVARCHAR(5)", ""],
            (Class::Real, false) => &["REAL", "DOUBLE PRECISION", "FLOAT"],
            (Class::Blob, false) => &["BLOB", ""],
        }
    }

    pub fn default(self, dice: &mut Dice) -> String {
        let all: &[&str] = match self {
            Class::Int => &[
                "0",
                "-1",
                "(1 + 2)",
                "(abs(-3))",
                "+7",
                "NULL",
                "(5)",
                "0x1F",
                "TRUE",
            ],
            Class::Text => &[
                "'a'",
                "'it''s'",
                "''",
                "CURRENT_TIMESTAMP",
                "('x' || 'y')",
                "\"dq\"",
                "NULL",
                "word",
            ],
            Class::Real => &["1.5", "-2.5e3", "(0.5)", ".5"],
            Class::Blob => &["x'00'", "X'ab'", "(randomblob(4))"],
        };
        (*dice.pick(all)).to_owned()
    }
}

impl Schema {
    pub fn random(dice: &mut Dice) -> Schema {
        let mut schema = Schema::default();
        for _ in 0..1 + dice.below(4) {
            let table = schema.table(dice);
            schema.tables.push(table);
        }
        for _ in 0..dice.below(4) {
            schema.foreign(dice);
        }
        for _ in 0..dice.below(4) {
            schema.other(dice);
        }
        schema
    }

    pub fn name(&mut self, prefix: &str) -> String {
        self.count += 1;
        let odd = match self.count % 9 {
            0 => " odd",
            4 => "\"x",
            _ => "",
        };
        format!("{prefix}{}{odd}", self.count)
    }

    pub fn table(&mut self, dice: &mut Dice) -> Table {
        let mut table = Table {
            name: self.name("t"),
            strict: dice.chance(20),
            ..Table::default()
        };
        for _ in 0..2 + dice.below(5) {
            let column = self.column(dice, &table);
            table.columns.push(column);
        }
        self.key(dice, &mut table);
        for _ in 0..dice.below(3) {
            self.part(dice, &mut table);
        }
        table
    }

    pub fn key(&mut self, dice: &mut Dice, table: &mut Table) {
        table.key = None;
        table.without_rowid = false;
        let ordinary: Vec<&Column> = table
            .columns
            .iter()
            .filter(|column| column.generated.is_none())
            .collect();
        if ordinary.is_empty() || dice.chance(20) {
            return;
        }
        let mut columns = vec![*dice.pick(&ordinary)];
        if dice.chance(25) {
            let second = *dice.pick(&ordinary);
            if second.name != columns[0].name {
                columns.push(second);
            }
        }
        let alias = columns.len() == 1 && columns[0].sql == "INTEGER";
        if alias && columns[0].class != Class::Int {
            return;
        }
        // Two clauses about conflicts of the same columns contradict each other.
        let among = |name: &String| columns.iter().any(|column| column.name == *name);
        table
            .uniques
            .retain(|key| !key.columns.iter().all(|(name, _)| among(name)));
        table.without_rowid = dice.chance(20);
        table.key = Some(Key {
            name: dice.chance(30).then(|| self.name("pk")),
            columns: columns
                .iter()
                .map(|column| (column.name.clone(), dice.chance(15)))
                .collect(),
            conflict: dice.chance(10).then_some("REPLACE"),
            counts: alias && !table.without_rowid && dice.chance(40),
        });
        if table.key.as_ref().is_some_and(|key| key.counts)
            && let Some(key) = &mut table.key
        {
            key.columns[0].1 = false;
        }
    }

    pub fn column(&mut self, dice: &mut Dice, table: &Table) -> Column {
        let class = *dice.pick(CLASSES);
        let name = self.name("c");
        let mut column = Column {
            sql: (*dice.pick(class.types(table.strict))).to_owned(),
            class,
            not_null: dice.chance(30),
            default: dice.chance(40).then(|| class.default(dice)),
            collate: (class == Class::Text && dice.chance(20))
                .then(|| *dice.pick(&["NOCASE", "RTRIM", "BINARY"])),
            generated: None,
            check: dice.chance(15).then(|| check(dice, &name)),
            name,
        };
        let before: Vec<&Column> = table
            .columns
            .iter()
            .filter(|column| column.generated.is_none())
            .collect();
        if dice.chance(12) && !before.is_empty() {
            let of = super::spell::quoted(&dice.pick(&before).name);
            column.default = None;
            column.not_null = false;
            column.class = Class::Text;
            column.sql = if table.strict { "ANY" } else { "TEXT" }.to_owned();
            column.generated = Some((format!("{of} || 'g'"), dice.chance(50)));
            column.check = None;
        }
        column
    }

    /// A check, a unique constraint or an index.
    pub fn part(&mut self, dice: &mut Dice, table: &mut Table) {
        let column = dice.pick(&table.columns).clone();
        let quoted = super::spell::quoted(&column.name);
        match dice.below(3) {
            0 => {
                let name = dice.chance(50).then(|| self.name("ck"));
                let check = check(dice, &column.name);
                if !table.checks.iter().any(|(_, other)| *other == check) {
                    table.checks.push((name, check));
                }
            }
            1 if column.generated.is_none() => {
                let mut columns = vec![(column.name.clone(), false)];
                let second = dice.pick(&table.columns);
                if dice.chance(30) && second.name != column.name && second.generated.is_none() {
                    columns.push((second.name.clone(), false));
                }
                let key = Key {
                    name: dice.chance(50).then(|| self.name("uq")),
                    columns,
                    conflict: dice.chance(15).then_some("IGNORE"),
                    counts: false,
                };
                let same =
                    |other: &Key| other.columns.len() == 1 && other.columns[0].0 == column.name;
                if !table.uniques.iter().any(same) && !table.key.as_ref().is_some_and(same) {
                    table.uniques.push(key);
                }
            }
            _ => {
                let name = self.name("i");
                let on = super::spell::quoted(&table.name);
                let parts = match dice.below(5) {
                    0 => format!("{quoted} DESC"),
                    1 => format!("{quoted} COLLATE NOCASE"),
                    2 => format!("lower({quoted})"),
                    3 => format!(
                        "{quoted}, {} DESC",
                        super::spell::quoted(&dice.pick(&table.columns).name)
                    ),
                    _ => quoted.clone(),
                };
                let filter = match dice.below(4) {
                    0 => format!(" WHERE {quoted} IS NOT NULL"),
                    1 => format!(" WHERE ({quoted} > 5 AND {quoted} <> 'x')"),
                    _ => String::new(),
                };
                let unique = if dice.chance(20) && !parts.contains("lower") {
                    "UNIQUE "
                } else {
                    ""
                };
                let quoted_name = super::spell::quoted(&name);
                table.indexes.push((
                    name,
                    format!("{unique}INDEX {quoted_name} ON {on} ({parts}){filter}"),
                ));
            }
        }
    }

    /// A foreign key to what is unique.
    pub fn foreign(&mut self, dice: &mut Dice) {
        let parent = dice.pick(&self.tables).clone();
        let mut keys: Vec<&Key> = parent.uniques.iter().chain(&parent.key).collect();
        keys.retain(|key| key.columns.len() == 1);
        if keys.is_empty() {
            return;
        }
        let to = dice.pick(&keys).columns[0].0.clone();
        let class = parent
            .columns
            .iter()
            .find(|column| column.name == to)
            .map(|column| column.class);
        let name = dice.chance(50).then(|| self.name("fk"));
        let at = dice.below(self.tables.len());
        let child = &mut self.tables[at];
        let fits = |column: &&Column| {
            Some(column.class) == class && column.generated.is_none() && column.collate.is_none()
        };
        let Some(column) = child.columns.iter().find(fits) else {
            return;
        };
        if child
            .foreign
            .iter()
            .any(|other| other.column == column.name)
        {
            return;
        }
        let rest = *dice.pick(&[
            "",
            " ON DELETE CASCADE",
            " ON UPDATE SET NULL ON DELETE RESTRICT",
            " DEFERRABLE INITIALLY DEFERRED",
            " ON DELETE SET DEFAULT NOT DEFERRABLE",
            " ON DELETE NO ACTION MATCH SIMPLE",
        ]);
        child.foreign.push(Foreign {
            name,
            column: column.name.clone(),
            to: parent.name,
            to_column: to,
            rest: rest.to_owned(),
        });
    }

    pub fn other(&mut self, dice: &mut Dice) {
        if self.tables.is_empty() {
            return;
        }
        let table = dice.pick(&self.tables).clone();
        let column = dice.pick(&table.columns).name.clone();
        let elsewhere = super::spell::quoted(&dice.pick(&self.tables).name);
        let (on, column) = (
            super::spell::quoted(&table.name),
            super::spell::quoted(&column),
        );
        let kind = dice.below(6);
        let name = self.name(if kind < 2 { "v" } else { "g" });
        let quoted = super::spell::quoted(&name);
        let (on_name, sql) = match kind {
            0 => (
                table.name,
                format!(
                    "VIEW {quoted} AS SELECT {column}, 'a''b' AS x FROM {on} WHERE {column} <> 3"
                ),
            ),
            1 => (
                table.name,
                format!(
                    "VIEW {quoted} (a, b) AS SELECT count(*), max({column}) FROM {on} GROUP BY {column}"
                ),
            ),
            2 => {
                let view = self
                    .others
                    .iter()
                    .find(|other| other.sql.starts_with("VIEW"));
                let Some(view) = view.map(|view| view.name.clone()) else {
                    return;
                };
                let on = super::spell::quoted(&view);
                (
                    view,
                    format!(
                        "TRIGGER {quoted} INSTEAD OF DELETE ON {on} BEGIN DELETE FROM {elsewhere} WHERE 0; END"
                    ),
                )
            }
            3 => (
                table.name,
                format!(
                    "TRIGGER {quoted} AFTER UPDATE OF {column} ON {on} WHEN NEW.{column} IS NOT OLD.{column} BEGIN SELECT CASE WHEN 1 THEN 2 ELSE 3 END; END"
                ),
            ),
            4 => (
                table.name,
                format!(
                    "TRIGGER {quoted} BEFORE INSERT ON {on} BEGIN DELETE FROM {elsewhere} WHERE 0; SELECT max({column}) FROM {on} WHERE NEW.{column} = 3; END"
                ),
            ),
            _ => {
                let module = *dice.pick(&[
                    "fts5(a, b)",
                    "fts5(a, b, tokenize = 'porter ascii')",
                    "fts5(a, b, c UNINDEXED)",
                    "rtree(id, x0, x1)",
                ]);
                let name = self.name("f").replace([' ', '"'], "_");
                let sql = format!("VIRTUAL TABLE {name} USING {module}");
                (name.clone(), sql)
            }
        };
        let name = if kind == 5 { on_name.clone() } else { name };
        self.others.push(Other {
            name,
            on: on_name,
            sql,
        });
    }

    /// Takes out what points to nothing.
    pub fn settle(&mut self, dice: &mut Dice) {
        let columns: Vec<(String, Vec<String>)> = self
            .tables
            .iter()
            .map(|table| {
                (
                    table.name.clone(),
                    table
                        .columns
                        .iter()
                        .map(|column| column.name.clone())
                        .collect(),
                )
            })
            .collect();
        let has = |table: &str, column: &str| {
            columns
                .iter()
                .any(|(name, all)| name == table && all.iter().any(|one| one == column))
        };
        for table in &mut self.tables {
            let name = table.name.clone();
            table
                .foreign
                .retain(|key| has(&key.to, &key.to_column) && has(&name, &key.column));
        }
        let exists: Vec<String> = columns.into_iter().map(|(name, _)| name).collect();
        let leave = dice.chance(30);
        let views: Vec<String> = self
            .others
            .iter()
            .filter(|other| leave || exists.contains(&other.on))
            .map(|other| other.name.clone())
            .collect();
        self.others.retain(|other| {
            let lonely = other.sql.starts_with("VIEW") && leave;
            lonely
                || other.name == other.on
                || exists.contains(&other.on)
                || views.contains(&other.on) && other.sql.contains("INSTEAD")
        });
        let all: Vec<String> = self.others.iter().map(|other| other.name.clone()).collect();
        self.others
            .retain(|other| !other.sql.contains("INSTEAD") || all.contains(&other.on));
    }
}

/// A check that holds for every value.
pub fn check(dice: &mut Dice, column: &str) -> String {
    let column = super::spell::quoted(column);
    let number = 50 + dice.below(50);
    match dice.below(4) {
        0 => format!("length({column}) < {number}"),
        1 => format!("{column} <> 'it''s {number}'"),
        2 => format!("{column} IS NULL OR typeof({column}) NOT IN ('x', 'y{number}')"),
        _ => format!("CASE {column} WHEN {number}.25 THEN 0 ELSE 1 END"),
    }
}
