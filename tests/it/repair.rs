//! Orphans are taken out as a plan says, exactly once, and put back as they were.

mod audited;
mod brakes;
mod chains;
mod killed;
mod plan;
mod purged;
mod rows;
mod texts;
mod throttled;
mod together;

use std::path::PathBuf;

use crate::until::until;
use crate::world::{Engine, Output, Running, World};
use bird::model::repair::Action;
use plan::Plan;

/// Two databases, `ums` with people and `twitter` with what refers to them.
fn world(engine: Engine, people: &str, tweets: &str, references: &[(&str, &str)]) -> World {
    let references: String = references
        .iter()
        .map(|(from, rest)| format!("[[references]]\nfrom = \"{from}\"\n{rest}\n"))
        .collect();
    let config = format!("[databases.ums]\n[databases.twitter]\n{references}");
    let world = World::empty()
        .file("bird.toml", &config)
        .migration("ums/V1__people.sql", people)
        .migration("twitter/V1__tweets.sql", tweets)
        .engine("ums", engine)
        .engine("twitter", engine);
    world.run(&["provision"]).ok();
    world.run(&["migrate"]).ok();
    world
}

/// Numbered people 1, 3, 5 and 9, and 2 who does not count; notes of theirs and of nobody.
fn notes(engine: Engine) -> World {
    let people = "CREATE TABLE people (id INT PRIMARY KEY, name VARCHAR(10));\n\
                  INSERT INTO people VALUES (1, 'a'), (2, 'gone'), (3, 'b'), (5, 'c'), (9, 'd');\n";
    let tweets = "CREATE TABLE notes (id INT PRIMARY KEY, person INT, body VARCHAR(20), \
                  CONSTRAINT u UNIQUE (body));\n\
                  CREATE INDEX by_person ON notes (person);\n\
                  INSERT INTO notes VALUES (1, 1, 'one'), (2, 2, 'two'), (3, 3, 'three'), \
                  (4, 4, 'four'), (5, 12, 'five'), (6, 2, 'six'), (7, 2, NULL);\n";
    let to = "to = \"ums.people.id\"\nto_where = \"name <> 'gone'\"";
    world(engine, people, tweets, &[("twitter.notes.person", to)])
}

/// The plan for the orphans among [`notes`].
fn orphans(action: Action) -> Plan {
    let mut plan = Plan::new(action);
    for (id, person) in [("2", "2"), ("4", "4"), ("5", "12"), ("6", "2"), ("7", "2")] {
        plan = plan.row(0, &[("id", id)], &[Some(person)]);
    }
    plan.totals.orphan_rows = 5;
    plan
}

/// All notes, a line each.
fn all(world: &World) -> String {
    world.client("twitter", "SELECT * FROM notes ORDER BY id")
}

const PLAN: &[&str] = &["repair", "--plan", "orphans.plan"];
const EXECUTE: &[&str] = &[
    "repair",
    "--plan",
    "orphans.plan",
    "--execute",
    "--chunk",
    "2",
    "--format",
    "json",
];
/// As [`EXECUTE`], in chunks of the usual size.
pub const WHOLE: &[&str] = &[
    "repair",
    "--plan",
    "orphans.plan",
    "--execute",
    "--format",
    "json",
];

/// A run of bird that is held at a point.
pub struct Held {
    running: Running,
    folder: PathBuf,
}

/// Starts bird and holds it at a point: it waits there for a second one that never comes.
pub fn held(world: &World, arguments: &[&str], point: &str) -> Held {
    let folder = world.path(point);
    std::fs::create_dir_all(&folder).expect("a folder");
    let mut command = world.command(arguments);
    command.env("BIRD_BARRIER", format!("{point}:2:{}", folder.display()));
    let running = Running::start(command);
    let here = || std::fs::read_dir(&folder).is_ok_and(|files| files.count() == 1);
    until(point, here);
    Held { running, folder }
}

impl Held {
    /// Interrupts it and lets it go.
    pub fn interrupt(self) -> Output {
        self.running.signal("INT");
        self.release().exits(130)
    }

    /// Lets it go to its end.
    pub fn release(self) -> Output {
        std::fs::write(self.folder.join("other"), "").expect("a file");
        let ended = self.running.finish();
        std::fs::remove_dir_all(self.folder).expect("the folder goes");
        ended
    }
}
