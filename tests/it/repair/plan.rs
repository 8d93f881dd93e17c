//! Plans as an audit writes them.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use bird::db::repair::row_state::planned_endpoint;
use bird::db::session::{Access, Session};
use bird::model::orphan::Orphan;
use bird::model::repair::{Action, Totals};
use bird::project::{self, Database, Project, Request};
use bird::repair::plan::{Header, PlanWriter, PlannedReference};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::world::World;

/// A plan that is going to be written.
pub struct Plan {
    pub action: Action,
    pub made: OffsetDateTime,
    pub totals: Totals,
    rows: Vec<Orphan>,
}

impl Plan {
    pub fn new(action: Action) -> Plan {
        Plan {
            action,
            made: OffsetDateTime::now_utc(),
            totals: Totals {
                orphan_rows: 1,
                orphan_keys: 1,
                rows: 100,
                keys: 10,
                parents: None,
            },
            rows: Vec::new(),
        }
    }

    /// Adds a row: `id=1`, or several such parts.
    pub fn row(mut self, reference: usize, row: &[(&str, &str)], key: &[Option<&str>]) -> Plan {
        let row = row
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let key = key.iter().map(|part| part.map(str::to_owned));
        self.rows.push(Orphan {
            reference,
            key: key.collect(),
            row: row.collect(),
            hidden: false,
        });
        self
    }

    /// Writes it into the project as `orphans.plan`, and gives its run.
    pub fn write(&self, world: &World) -> String {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let run = uuid::Uuid::now_v7().to_string();
        let file = File::create(world.path("orphans.plan")).expect("a file");
        let header = runtime.block_on(self.header(world, &run));
        let count = header.references.len();
        let mut writer = PlanWriter::new(BufWriter::new(file), &header).expect("a first line");
        for orphan in &self.rows {
            writer.row(orphan).expect("a row");
        }
        writer
            .finish(&vec![self.totals; count], None)
            .expect("a last line");
        run
    }

    async fn header(&self, world: &World, run: &str) -> Header {
        let project = load(world);
        let mut references = Vec::new();
        for (place, reference) in project.references.iter().enumerate() {
            let Some(row) = self.rows.iter().find(|row| row.reference == place) else {
                continue;
            };
            let (from, to) = (&reference.from, &reference.to);
            let (ours, theirs) = (find(&project, &from.database), find(&project, &to.database));
            let mut child = open(ours).await;
            let mut parent = open(theirs).await;
            let identity = row.row.iter().map(|(name, _)| name.clone()).collect();
            let child = planned_endpoint(&mut child, &ours.target, from, true).await;
            let parent = planned_endpoint(&mut parent, &theirs.target, to, false).await;
            let (child, parent) = (child.expect("the child"), parent.expect("the parent"));
            references.push(PlannedReference::new(
                reference, place, identity, child, parent,
            ));
        }
        let made = self.made.format(&Rfc3339).expect("a time");
        Header::new(run, &made, self.action, references)
    }
}

fn load(world: &World) -> Project {
    let variable = |name: &str| {
        let database = name.strip_prefix("BIRD_")?.strip_suffix("_URL")?;
        ["UMS", "TWITTER"]
            .contains(&database)
            .then(|| world.url(&database.to_lowercase()).to_owned())
    };
    let request = Request {
        config: None,
        environment: None,
        databases: Vec::new(),
        state_dir: None,
        folder: Path::new(&world.path("")).to_owned(),
        variable: &variable,
    };
    project::load(&request).expect("the project")
}

fn find<'p>(project: &'p Project, name: &str) -> &'p Database {
    let mut databases = project.databases.iter();
    databases
        .find(|database| database.name == name)
        .expect("the database")
}

async fn open(database: &Database) -> Session {
    let schema = database.schema.as_deref();
    Session::open(&database.target, database.dialect, schema, Access::ReadOnly)
        .await
        .expect("a session")
}
