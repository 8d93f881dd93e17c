//! The report of an impact query.

use serde_json::{Map, Value, json};

use crate::cmd::run::orphans;
use crate::model::count::counted;
use crate::model::diagnostic::Diagnostic;
use crate::model::exit::Exit;
use crate::model::name::{ColumnNames, TableName};
use crate::model::orphan::Orphan;
use crate::model::reference::Reference;
use crate::model::schema::Schema;
use crate::output::{Block, Grid, Report};

/// The impact on all references to a table.
pub struct ImpactReport {
    pub table: TableName,
    /// `--where`.
    choice: Option<String>,
    /// The number of its rows that would be deleted.
    pub parents: u64,
    pub references: Vec<Impact>,
    /// Foreign keys of its own database, each with its ON DELETE action.
    foreign: Vec<(String, String)>,
    /// The failures.
    pub faults: Vec<Diagnostic>,
    pub exit: Exit,
}

/// The impact on one reference.
pub struct Impact {
    title: String,
    name: Option<String>,
    filter: Option<String>,
    to_filter: Option<String>,
    from: String,
    to: String,
    /// Keys of the child that would lose their parent.
    pub keys: u64,
    /// Rows with these keys.
    pub rows: u64,
    /// Parents whose value is not a valid key.
    pub malformed: u64,
    pub sample: Vec<Orphan>,
}

impl Impact {
    pub fn new(reference: &Reference) -> Impact {
        Impact {
            title: reference.title(),
            name: reference.name.clone(),
            filter: reference.filter.clone(),
            to_filter: reference.to_filter.clone(),
            from: reference.from.to_string(),
            to: reference.to.to_string(),
            keys: 0,
            rows: 0,
            malformed: 0,
            sample: Vec::new(),
        }
    }
}

impl ImpactReport {
    pub fn new(table: TableName, choice: Option<String>) -> ImpactReport {
        ImpactReport {
            table,
            choice,
            parents: 0,
            references: Vec::new(),
            foreign: Vec::new(),
            faults: Vec::new(),
            exit: Exit::Done,
        }
    }

    /// Adds the foreign keys of its own database that point to the table.
    pub fn foreign_keys(&mut self, schema: &Schema) {
        for table in &schema.tables {
            let own = table.foreign_keys.iter();
            for key in own.filter(|key| key.to.eq_ignore_ascii_case(&self.table.table)) {
                let from = ColumnNames {
                    database: self.table.database.clone(),
                    table: table.name.clone(),
                    columns: key.columns.clone(),
                };
                self.foreign.push((from.to_string(), key.on_delete.clone()));
            }
        }
    }

    fn said(&self) -> String {
        let rows = counted(self.parents, "row");
        let all = match &self.choice {
            Some(choice) => format!(" where {choice}"),
            None => ", which is all of it,".to_owned(),
        };
        let lost: u64 = self.references.iter().map(|one| one.rows).sum();
        let lost = match lost {
            0 => "no row of another table would become an orphan".to_owned(),
            1 => "1 row would become an orphan".to_owned(),
            rows => format!("{rows} rows would become orphans"),
        };
        format!("If {rows} of {}{all} were deleted, {lost}.", self.table)
    }
}

impl Report for ImpactReport {
    fn command(&self) -> &'static str {
        "audit"
    }

    fn exit(&self) -> Exit {
        self.exit
    }

    fn blocks(&self) -> Vec<Block> {
        let mut blocks = Vec::new();
        if !self.references.is_empty() {
            let rows = self.references.iter().map(|one| {
                let (keys, rows) = (one.keys.to_string(), one.rows.to_string());
                vec![one.title.clone(), one.to.clone(), keys, rows]
            });
            blocks.push(Block::Grid(Grid {
                headers: vec!["reference", "to", "keys", "rows"],
                rows: rows.collect(),
                numbers: vec![2, 3],
                ..Grid::default()
            }));
        }
        for one in self.references.iter().filter(|one| !one.sample.is_empty()) {
            blocks.push(Block::Line(format!("Some of {}:", one.title)));
            blocks.push(Block::Grid(orphans::grid("key", &one.sample)));
        }
        if self.faults.is_empty() {
            blocks.push(Block::Line(self.said()));
        }
        if self.references.is_empty() && self.faults.is_empty() {
            let none = format!("No reference points to {}.", self.table);
            blocks.push(Block::Line(none));
        }
        for one in self.references.iter().filter(|one| one.malformed > 0) {
            let rows = one.malformed;
            blocks.push(Block::Line(format!(
                "{}: {rows} rows have a value that cannot be compared as a key, and are not counted.",
                one.to
            )));
        }
        for (from, on_delete) in &self.foreign {
            let then = match on_delete.as_str() {
                "CASCADE" => {
                    ": its rows would be deleted too, but rows that refer to them are not counted"
                }
                _ => "",
            };
            blocks.push(Block::Line(format!(
                "{from} has a foreign key to it, ON DELETE {on_delete}{then}."
            )));
        }
        blocks
    }

    fn diagnostics(&self) -> Vec<Diagnostic> {
        self.faults.clone()
    }

    fn databases(&self) -> Vec<Value> {
        Vec::new()
    }

    fn extra(&self) -> Map<String, Value> {
        let references = self.references.iter().map(|one| {
            let sample = one.sample.iter().map(orphans::json).map(Value::Object);
            json!({
                "name": one.name,
                "from": one.from,
                "to": one.to,
                "where": one.filter,
                "to_where": one.to_filter,
                "keys": one.keys,
                "rows": one.rows,
                "malformed_parents": one.malformed,
                "sample": sample.collect::<Vec<_>>(),
            })
        });
        let references: Vec<Value> = references.collect();
        let foreign = self.foreign.iter();
        let foreign = foreign.map(|(from, does)| json!({ "from": from, "on_delete": does }));
        let foreign: Vec<Value> = foreign.collect();
        let mut extra = Map::new();
        extra.insert("complete".into(), json!(self.exit == Exit::Done));
        let impact = json!({
            "table": self.table,
            "where": self.choice,
            "parents": self.parents,
            "foreign_keys": foreign,
        });
        extra.insert("impact".into(), impact);
        extra.insert("references".into(), json!(references));
        extra
    }
}
