//! Random schemas of MySQL and MariaDB.
//!
//! Every table has a key `id`, and the rows of all tables are numbered from 1 to 3: whatever a column
//! holds is made of that number, so that any change of the schema finds rows that bear it.

mod change;
mod column;
mod table;

use std::fmt::Write as _;

use super::{Dice, Generated};
use crate::world::Engine;
use table::Table;

/// A schema as the generator knows it.
#[derive(Clone)]
pub struct World {
    pub is_maria: bool,
    pub tables: Vec<Table>,
    pub views: Vec<View>,
    pub triggers: Vec<Trigger>,
    /// Their definitions behind CREATE, by name.
    pub routines: Vec<(String, String)>,
    pub events: Vec<(String, String)>,
    pub sequences: Vec<(String, String)>,
    pub names: usize,
    /// Of the database.
    pub collation: &'static str,
    /// Of the connection in which some views and programs are created.
    pub connection: &'static str,
}

/// The first stands for that of the session.
pub const CONNECTIONS: &[&str] = &["", "utf8mb4_bin", "latin1_swedish_ci"];

const COLLATIONS: &[&str] = &["utf8mb4_bin", "latin1_swedish_ci", "utf8mb4_unicode_ci"];

/// A view of some columns of a table or of the `id` of another view.
#[derive(Clone)]
pub struct View {
    pub name: String,
    pub from: String,
    pub head: &'static str,
    pub query: String,
}

#[derive(Clone)]
pub struct Trigger {
    pub name: String,
    pub table: String,
    pub sql: String,
}

pub fn pair(dice: &mut Dice, engine: Engine) -> Generated {
    let mut from = World::new(dice, engine.product() == "MariaDB", 0);
    from.settle();
    let mut to = from.clone();
    match dice.below(10) {
        0 => to = World::new(dice, from.is_maria, from.names),
        _ => {
            for _ in 0..=dice.below(6) {
                to.change(dice);
            }
        }
    }
    to.settle();
    let rows = from.rows();
    let both = from
        .tables
        .iter()
        .filter(|table| to.table(&table.name).is_some());
    let kept: Vec<String> = both
        .map(|table| format!("(SELECT GROUP_CONCAT(id ORDER BY id) FROM {})", table.name))
        .collect();
    Generated {
        from: from.sql(),
        to: to.sql(),
        rows,
        kept: if kept.is_empty() {
            String::new()
        } else {
            format!("SELECT {}", kept.join(", "))
        },
    }
}

impl World {
    fn new(dice: &mut Dice, is_maria: bool, names: usize) -> World {
        let mut world = World {
            is_maria,
            tables: Vec::new(),
            views: Vec::new(),
            triggers: Vec::new(),
            routines: Vec::new(),
            events: Vec::new(),
            sequences: Vec::new(),
            names,
            collation: COLLATIONS[0],
            connection: CONNECTIONS[0],
        };
        for _ in 0..1 + dice.below(5) {
            world.add_table(dice);
        }
        for _ in 0..dice.below(4) {
            world.add_view(dice);
        }
        for _ in 0..dice.below(3) {
            world.add_trigger(dice);
        }
        for _ in 0..dice.below(3) {
            world.add_program(dice);
        }
        world
    }

    /// A name that nothing has yet.
    pub fn name(&mut self, prefix: &str) -> String {
        self.names += 1;
        format!("{prefix}{}", self.names)
    }

    pub fn table(&self, name: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.name == name)
    }

    /// Takes away what refers to something that does not exist any more.
    fn settle(&mut self) {
        for at in 0..self.tables.len() {
            let (whole, simple): (Vec<String>, Vec<String>) = {
                let linked = self.tables.iter().filter(|table| table.is_linkable());
                (
                    self.tables.iter().map(|table| table.name.clone()).collect(),
                    linked.map(|table| table.name.clone()).collect(),
                )
            };
            let sequences: Vec<String> = self.sequences.iter().map(|it| it.0.clone()).collect();
            let table = &mut self.tables[at];
            table.settle(&sequences);
            let linkable = table.is_linkable();
            table.foreign.retain(|foreign| {
                linkable && simple.contains(&foreign.to) && whole.contains(&foreign.to)
            });
        }
        let tables: Vec<String> = self.tables.iter().map(|table| table.name.clone()).collect();
        self.triggers
            .retain(|trigger| tables.contains(&trigger.table));
        loop {
            let views: Vec<String> = self.views.iter().map(|view| view.name.clone()).collect();
            let before = views.len();
            self.views
                .retain(|view| tables.contains(&view.from) || views.contains(&view.from));
            if self.views.len() == before {
                break;
            }
        }
    }

    fn sql(&self) -> String {
        let mut sql = format!("ALTER DATABASE COLLATE {};\n", self.collation);
        sql.push_str(
            "SET @client = @@character_set_client, @connection = @@collation_connection;\n",
        );
        for (name, rest) in &self.sequences {
            let _ = writeln!(sql, "CREATE SEQUENCE {name} {rest};");
        }
        for table in &self.tables {
            let _ = writeln!(sql, "{};", table.sql(self));
        }
        for table in &self.tables {
            for foreign in &table.foreign {
                let _ = writeln!(sql, "ALTER TABLE {} ADD {};", table.name, foreign.sql());
            }
        }
        for (name, rest) in &self.routines {
            let mode = if name.ends_with('7') {
                "'PIPES_AS_CONCAT'"
            } else {
                "DEFAULT"
            };
            let _ = writeln!(sql, "SET sql_mode = {mode};");
            let _ = writeln!(
                sql,
                "{}CREATE {};\nSET sql_mode = DEFAULT;",
                self.names(name),
                rest.replace("NAME", name)
            );
        }
        let mut left: Vec<&View> = self.views.iter().collect();
        let mut made: Vec<&str> = self.tables.iter().map(|it| it.name.as_str()).collect();
        while let Some(at) = left
            .iter()
            .position(|view| made.contains(&view.from.as_str()))
        {
            let view = left.remove(at);
            made.push(&view.name);
            let _ = writeln!(
                sql,
                "{}CREATE {} VIEW {} AS {};",
                self.names(&view.name),
                view.head,
                view.name,
                view.query
            );
        }
        for trigger in &self.triggers {
            let _ = writeln!(sql, "{}{};", self.names(&trigger.name), trigger.sql);
        }
        for (name, rest) in &self.events {
            let _ = writeln!(sql, "{}CREATE EVENT {name} {rest};", self.names(name));
        }
        // What follows runs in the session as it was.
        sql.push_str(&self.names("0"));
        sql
    }

    /// Sets the connection for an object: every other one is created in that of the schema.
    fn names(&self, object: &str) -> String {
        const BACK: &str = "SET character_set_client = @client, character_set_results = @client, \
                            collation_connection = @connection;\n";
        let number = object.bytes().last().unwrap_or_default();
        let (charset, _) = self.connection.split_once('_').unwrap_or_default();
        if number.is_multiple_of(2) || charset.is_empty() {
            BACK.to_owned()
        } else {
            format!("SET NAMES {charset} COLLATE {};\n", self.connection)
        }
    }

    fn rows(&self) -> String {
        let mut sql = "SET foreign_key_checks = 0;\n".to_owned();
        for trigger in &self.triggers {
            let _ = writeln!(sql, "SET @{} = 0;", trigger.name);
        }
        for table in &self.tables {
            for row in 1..=3 {
                let _ = writeln!(sql, "{};", table.insert(row));
            }
        }
        sql.push_str("SET foreign_key_checks = 1;\n");
        sql
    }

    pub fn add_table(&mut self, dice: &mut Dice) {
        let name = self.name("t");
        let table = Table::new(dice, self, name);
        self.tables.push(table);
        let at = self.tables.len() - 1;
        for _ in 0..dice.below(3) {
            self.add_foreign(dice, at);
        }
    }

    pub fn add_view(&mut self, dice: &mut Dice) {
        const HEADS: &[&str] = &[
            "",
            "",
            "ALGORITHM=MERGE",
            "SQL SECURITY INVOKER",
            "ALGORITHM=TEMPTABLE",
        ];
        let name = self.name("v");
        let mut sources: Vec<String> = self.tables.iter().map(|it| it.name.clone()).collect();
        sources.extend(self.views.iter().map(|view| view.name.clone()));
        if sources.is_empty() {
            return;
        }
        let from = dice.pick(&sources).clone();
        let query = match dice.below(4) {
            0 => format!(
                "SELECT id, 'it''s; x' AS x FROM {from} WHERE id > {}",
                dice.below(5)
            ),
            1 => format!("SELECT COUNT(*) AS n, MAX(id) AS id FROM {from} GROUP BY id"),
            2 => format!(
                "SELECT a.id, b.id + 1 AS other FROM {from} a LEFT JOIN {from} b ON a.id = b.id"
            ),
            _ => format!("SELECT id FROM {from} WHERE id IN (SELECT id FROM {from})"),
        };
        let head = *dice.pick(HEADS);
        self.views.push(View {
            name,
            from,
            head,
            query,
        });
    }

    pub fn add_trigger(&mut self, dice: &mut Dice) {
        const MOMENTS: &[&str] = &[
            "BEFORE INSERT",
            "AFTER INSERT",
            "BEFORE UPDATE",
            "AFTER DELETE",
        ];
        let name = self.name("r");
        if self.tables.is_empty() {
            return;
        }
        let table = dice.pick(&self.tables).name.clone();
        let body = match dice.below(3) {
            0 => format!("SET @{name} = {}", dice.below(5)),
            1 => format!("BEGIN\n  IF @{name} > 1 THEN\n    SET @{name} = 'a;b';\n  END IF;\nEND"),
            _ => format!(
                "BEGIN DECLARE x INT; -- it's; so\n SET x = {}; END",
                dice.below(9)
            ),
        };
        let moment = *dice.pick(MOMENTS);
        let sql = format!("CREATE TRIGGER {name} {moment} ON {table} FOR EACH ROW {body}");
        self.triggers.push(Trigger { name, table, sql });
    }

    pub fn add_program(&mut self, dice: &mut Dice) {
        let number = dice.below(100);
        match dice.below(if self.is_maria { 4 } else { 3 }) {
            0 => {
                let name = self.name("f");
                let sql = format!(
                    "FUNCTION NAME (x INT, y VARCHAR(10)) RETURNS VARCHAR({}) DETERMINISTIC RETURN CONCAT(x, y)",
                    number + 1
                );
                self.routines.push((name, sql));
            }
            1 => {
                let name = self.name("p");
                let sql = format!(
                    "PROCEDURE NAME (OUT x INT) COMMENT 'it''s' BEGIN SET x = {number}; END"
                );
                self.routines.push((name, sql));
            }
            2 => {
                let name = self.name("e");
                let sql = format!(
                    "ON SCHEDULE EVERY {} HOUR DISABLE DO SET @x = 1",
                    number + 1
                );
                self.events.push((name, sql));
            }
            _ => {
                let name = self.name("s");
                let sql = format!("INCREMENT BY {} CACHE {}", number % 5 + 1, number + 2);
                self.sequences.push((name, sql));
            }
        }
    }
}
