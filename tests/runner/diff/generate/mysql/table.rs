//! Random tables.

use std::fmt::Write as _;

use super::super::Dice;
use super::World;
use super::column::{Column, Family};

#[derive(Clone, Debug)]
pub struct Table {
    pub name: String,
    pub id: &'static str,
    pub counts: bool,
    pub columns: Vec<Column>,
    /// Whether `id` is the primary key, or only a unique key.
    pub primary: bool,
    /// Whether the primary key goes on with the first column that can.
    pub compound: bool,
    pub keys: Vec<Key>,
    pub foreign: Vec<Foreign>,
    /// With names or without, over `id`.
    pub checks: Vec<(Option<String>, String)>,
    pub options: Vec<&'static str>,
    pub partitions: Option<&'static str>,
    pub versioned: bool,
    /// A column of numbers from a sequence.
    pub sequence: Option<String>,
}

#[derive(Clone, Debug)]
pub struct Key {
    pub name: String,
    pub kind: &'static str,
    /// Columns with what stands behind them.
    pub parts: Vec<(String, &'static str)>,
    pub more: &'static str,
}

#[derive(Clone, Debug)]
pub struct Foreign {
    pub name: Option<String>,
    pub column: String,
    pub to: String,
    pub actions: &'static str,
}

pub const OPTIONS: &[&str] = &[
    "COMMENT='it''s'",
    "COMMENT='other'",
    "ROW_FORMAT=REDUNDANT",
    "ROW_FORMAT=COMPRESSED",
    "STATS_PERSISTENT=1",
    "STATS_SAMPLE_PAGES=20",
    "CHARSET=latin1",
    "CHARSET=utf8mb4",
    "COLLATE=utf8mb4_unicode_ci",
    "MAX_ROWS=1000",
    "AUTO_INCREMENT=50",
];

pub const PARTITIONS: &[&str] = &[
    "PARTITION BY HASH (id) PARTITIONS 3",
    "PARTITION BY HASH (id) PARTITIONS 5",
    "PARTITION BY KEY (id) PARTITIONS 2",
    "PARTITION BY RANGE (id) (PARTITION a VALUES LESS THAN (2), PARTITION b VALUES LESS THAN (10))",
    "PARTITION BY RANGE (id) (PARTITION a VALUES LESS THAN (2), PARTITION b VALUES LESS THAN (10), PARTITION c VALUES LESS THAN MAXVALUE)",
    "PARTITION BY RANGE (id) (PARTITION b VALUES LESS THAN (10), PARTITION c VALUES LESS THAN (20), PARTITION d VALUES LESS THAN MAXVALUE)",
    "PARTITION BY LIST (id) (PARTITION a VALUES IN (1, 2), PARTITION b VALUES IN (3, 4))",
    "PARTITION BY LIST (id) (PARTITION a VALUES IN (1, 2), PARTITION b VALUES IN (3, 4), PARTITION c VALUES IN (5))",
];

impl Foreign {
    pub fn sql(&self) -> String {
        let name = self
            .name
            .as_ref()
            .map_or_else(String::new, |name| format!("CONSTRAINT {name} "));
        format!(
            "{name}FOREIGN KEY ({}) REFERENCES {} (id) {}",
            self.column, self.to, self.actions
        )
    }
}

impl Table {
    pub fn new(dice: &mut Dice, world: &mut World, name: String) -> Table {
        let id = *dice.pick(&["INT", "INT", "INT", "BIGINT UNSIGNED"]);
        let mut table = Table {
            name,
            id,
            counts: dice.chance(40),
            columns: Vec::new(),
            primary: dice.chance(85),
            compound: dice.chance(20),
            keys: Vec::new(),
            foreign: Vec::new(),
            checks: Vec::new(),
            options: Vec::new(),
            partitions: None,
            versioned: world.is_maria && dice.chance(7),
            sequence: None,
        };
        for _ in 0..1 + dice.below(6) {
            let name = world.name("c");
            table.columns.push(Column::new(dice, name));
        }
        for _ in 0..dice.below(4) {
            table.add_key(dice, world);
        }
        for _ in 0..dice.below(2) {
            table.add_check(dice, world);
        }
        for _ in 0..dice.below(3) {
            table.options.push(*dice.pick(OPTIONS));
        }
        if dice.chance(15) {
            table.partitions = Some(*dice.pick(PARTITIONS));
        }
        if let Some((sequence, _)) = world.sequences.first()
            && dice.chance(50)
        {
            table.sequence = Some(sequence.clone());
        }
        table
    }

    pub fn is_linkable(&self) -> bool {
        self.partitions.is_none() && !self.versioned
    }

    pub fn add_key(&mut self, dice: &mut Dice, world: &mut World) {
        if self.columns.is_empty() {
            return;
        }
        let name = world.name("k");
        let is_maria = world.is_maria;
        let column = dice.pick(&self.columns).clone();
        if !is_maria && column.family == Family::Number && dice.chance(20) {
            let part = (column.name, *dice.pick(&[" + 1", " * 2"]));
            self.keys.push(Key {
                name,
                kind: "KEY",
                parts: vec![part],
                more: "",
            });
            return;
        }
        let mut key = Key {
            name,
            kind: "KEY",
            parts: Vec::new(),
            more: "",
        };
        match column.family {
            Family::Shape | Family::Json => return,
            Family::Text if dice.chance(20) => {
                key.kind = "FULLTEXT KEY";
                key.parts.push((column.name, ""));
            }
            _ if !column.is_short() => key.parts.push((column.name, "(5)")),
            _ => {
                if column.is_distinct() && dice.chance(30) {
                    key.kind = "UNIQUE KEY";
                }
                key.parts
                    .push((column.name, *dice.pick(&["", "", " DESC"])));
                let other = dice.pick(&self.columns).clone();
                if other.is_short() && other.name != key.parts[0].0 {
                    key.parts.push((other.name, ""));
                }
            }
        }
        if key.kind == "KEY" && dice.chance(20) {
            key.more = match dice.below(4) {
                0 => "COMMENT 'it''s'",
                1 => "USING BTREE",
                _ if is_maria => "IGNORED",
                _ => "INVISIBLE",
            };
        }
        self.keys.push(key);
    }

    pub fn add_check(&mut self, dice: &mut Dice, world: &mut World) {
        let name = dice.chance(50).then(|| world.name("x"));
        let expression = match dice.below(3) {
            0 => "id > 0".to_owned(),
            1 => format!("id <> {} OR id IS NULL", 100 + dice.below(5)),
            _ => format!("id BETWEEN 1 AND {}", 1000 + dice.below(5)),
        };
        self.checks.push((name, expression));
    }

    /// Takes away what refers to something that does not exist any more.
    pub fn settle(&mut self, sequences: &[String]) {
        let columns: Vec<Column> = self.columns.clone();
        let column = |name: &str| columns.iter().find(|column| column.name == name);
        let numbered = self.counts;
        self.keys.retain(|key| {
            key.parts.iter().all(|(name, more)| {
                let Some(column) = column(name) else {
                    return name == "id" && !numbered;
                };
                let virtually = column.generated.as_ref().is_some_and(|it| !it.1);
                let fits = match key.kind {
                    "FULLTEXT KEY" => column.family == Family::Text && column.generated.is_none(),
                    _ if *more == "(5)" => !column.is_short(),
                    _ => column.is_short(),
                };
                fits && !(virtually && self.versioned)
            })
        });
        if self.partitions.is_some() {
            self.keys.retain(|key| key.kind == "KEY");
        }
        // MySQL has no expressions over a numbered column.
        if numbered {
            for column in &mut self.columns {
                column.generated = None;
            }
            self.checks.clear();
        }
        if self.partitions.is_some() || self.versioned {
            self.columns.retain(|column| column.family != Family::Shape);
        }
        let known = |sequence: &String| sequences.contains(sequence);
        self.sequence = self.sequence.take().filter(known);
        let names: Vec<&str> = self.columns.iter().map(|it| it.name.as_str()).collect();
        let gone = |foreign: &Foreign| !names.contains(&foreign.column.as_str());
        let foreign = std::mem::take(&mut self.foreign);
        self.foreign = foreign
            .into_iter()
            .filter(|it| !it.column.is_empty() && gone(it))
            .collect();
    }

    pub fn sql(&self, world: &World) -> String {
        let count = if self.counts { " AUTO_INCREMENT" } else { "" };
        let mut lines = vec![format!("id {} NOT NULL{count}", self.id)];
        if let Some(sequence) = &self.sequence {
            lines.push(format!("nr BIGINT DEFAULT NEXT VALUE FOR {sequence}"));
        }
        lines.extend(self.columns.iter().map(Column::sql));
        for foreign in &self.foreign {
            let id = world.table(&foreign.to).map_or("INT", |table| table.id);
            let line = format!("{} {id} NULL", foreign.column);
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
        let id = if self.primary {
            "PRIMARY KEY"
        } else {
            "UNIQUE KEY u"
        };
        let other = self.columns.iter().find(|column| {
            let plain = column.is_short() && column.generated.is_none() && !column.nullable;
            plain && self.compound && self.primary && self.partitions.is_none()
        });
        match other {
            Some(other) => {
                lines.push(format!("PRIMARY KEY (id, {})", other.name));
                lines.push("UNIQUE KEY only (id)".to_owned());
            }
            None => lines.push(format!("{id} (id)")),
        }
        for key in &self.keys {
            let parts: Vec<String> = key
                .parts
                .iter()
                .map(|(name, more)| {
                    if more.contains(['+', '*']) {
                        format!("(({name}{more}))")
                    } else {
                        format!("{name}{more}")
                    }
                })
                .collect();
            lines.push(format!(
                "{} {} ({}) {}",
                key.kind,
                key.name,
                parts.join(", "),
                key.more
            ));
        }
        for (name, expression) in &self.checks {
            let name = name
                .as_ref()
                .map_or_else(String::new, |name| format!("CONSTRAINT {name} "));
            lines.push(format!("{name}CHECK ({expression})"));
        }
        let mut sql = format!("CREATE TABLE {} ({})", self.name, lines.join(", "));
        let mut has_characters = false;
        for option in &self.options {
            let characters = option.starts_with('C') && !option.starts_with("COMMENT");
            if !(characters && has_characters) {
                let _ = write!(sql, " {option}");
            }
            has_characters |= characters;
        }
        if self.versioned {
            sql.push_str(" WITH SYSTEM VERSIONING");
        }
        if let Some(partitions) = self.partitions {
            let _ = write!(sql, " {partitions}");
        }
        sql
    }

    pub fn insert(&self, row: usize) -> String {
        let mut names = vec!["id".to_owned()];
        let mut values = vec![row.to_string()];
        for column in self
            .columns
            .iter()
            .filter(|column| column.generated.is_none())
        {
            names.push(column.name.clone());
            values.push(column.value(row));
        }
        for foreign in &self.foreign {
            if !names.contains(&foreign.column) {
                names.push(foreign.column.clone());
                values.push(row.to_string());
            }
        }
        format!(
            "INSERT INTO {} ({}) VALUES ({})",
            self.name,
            names.join(", "),
            values.join(", ")
        )
    }
}
