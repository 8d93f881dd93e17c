//! What each kind of statement is to the journal, proven on real servers: a run is killed before
//! the statement is sent, right behind it, and before it while somebody else changes the same
//! object; the next run must run it, find it applied, and ask.
//!
//! A case is a file of `cases/effect/<engine>`: sections that begin with `===`. `setup` is what
//! is there, `statement` what the migration says, each `meanwhile` what somebody else does in its
//! place; `{name}` is the database's name. What comes of them stands behind them, one section per
//! product: UPDATE=1 rewrites it, CASE=name selects one. Whatever the section says, a run that
//! goes on must come out where an undisturbed one does.

mod account;
mod failing;
mod proof;
mod state;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Mutex;

use bird::dialect::recovery::{Alone, Effect};
use bird::dialect::{DIALECTS, Dialect};
use bird::sql::cursor::Words;
use bird::sql::split::split;

use crate::consent::tables::check as check_lines;
use crate::world::{Engine, Output, World};
use state::state;

engines!(statements_run_exactly_once);

/// What a person would have to allow for statements of every kind.
const MIGRATE: &[&str] = &[
    "migrate",
    "--allow",
    "non-empty",
    "--allow",
    "drop-table",
    "--allow",
    "data-loss",
    "--allow",
    "other-database",
];

/// So many cases at once; most of their time servers and clients start and end.
const AT_ONCE: usize = 4;

struct Case {
    path: PathBuf,
    /// What it is about, and the sections in their order.
    title: String,
    sections: Vec<(String, String)>,
}

impl Case {
    fn read(path: PathBuf) -> Case {
        let text = fs::read_to_string(&path).expect("a case");
        let mut sections: Vec<(String, String)> = Vec::new();
        let mut title = String::new();
        for line in text.lines() {
            match (line.strip_prefix("=== "), sections.last_mut()) {
                (Some(name), _) => sections.push((name.to_owned(), String::new())),
                (None, Some((_, body))) => body.push_str(&format!("{line}\n")),
                (None, None) => title.push_str(&format!("{line}\n")),
            }
        }
        Case {
            path,
            title,
            sections,
        }
    }

    fn all(&self, name: &str) -> Vec<&str> {
        let named = self.sections.iter().filter(|(is, _)| is == name);
        named.map(|(_, body)| body.as_str()).collect()
    }

    fn one(&self, name: &str) -> &str {
        self.all(name).first().copied().unwrap_or_default()
    }

    /// The project, with what is there and the one migration.
    fn world(&self, engine: Engine) -> World {
        let directive = if engine.is_transactional() {
            "-- bird: no-transaction\n\n"
        } else {
            ""
        };
        let world = World::one(engine);
        let fill = |text: &str| text.replace("{name}", world.name("ums"));
        let file = format!("{directive}{}", fill(self.one("statement")));
        world.write("migrations/ums/V1__f.sql", &file);
        match engine {
            Engine::Sqlite => world.write("data/.keep", ""),
            Engine::Postgres => drop(world.server("ums", "CREATE DATABASE {name}")),
            _ => drop(world.server("ums", "CREATE DATABASE {name} CHARACTER SET utf8mb4")),
        }
        world
    }

    /// Makes what is there; what the engine says against it.
    fn set_up(&self, world: &World) -> Result<(), String> {
        let sql = self.one("setup").replace("{name}", world.name("ums"));
        world.try_client("ums", &sql).map(drop)
    }

    fn ready(&self, engine: Engine) -> World {
        let world = self.world(engine);
        self.set_up(&world).expect("what is there");
        world
    }

    /// What comes of it on an engine.
    fn told(&self, engine: Engine) -> String {
        let mut told = format!(
            "{}\n",
            effect(engine, &self.one("statement").replace("{name}", "here"))
        );
        let sent = self.world(engine);
        if let Err(error) = self.set_up(&sent) {
            assert!(error.contains("syntax"), "{}: {error}", self.path.display());
            return "not known to this product\n".into();
        }
        match killed(&sent, "sent") {
            None => {}
            // It commits with its journal row, or may be run twice: there is no such point.
            Some(0) => return told,
            Some(_) => return format!("{told}fails\n"),
        }
        // The statement has run once, and nothing else has happened since.
        let wanted = state(&sent);
        let unsent = self.ready(engine);
        assert_eq!(killed(&unsent, "intended"), None);
        for (what, world) in [("not sent", unsent), ("sent", sent)] {
            let run = world.run(MIGRATE);
            let _ = writeln!(told, "{what}: {}", outcome(&run));
            if run.code == 0 {
                let name = self.path.display();
                assert_eq!(state(&world), wanted, "{name}: {what}: {}", run.told());
            }
        }
        for meanwhile in self.all("meanwhile") {
            let world = self.ready(engine);
            assert_eq!(killed(&world, "intended"), None);
            let sql = meanwhile.replace("{name}", world.name("ums"));
            if let Err(error) = world.try_client("ums", &sql) {
                panic!("{}: {sql}: {error}", self.path.display());
            }
            let before = state(&world);
            let run = world.run(MIGRATE);
            let _ = writeln!(told, "meanwhile: {}", outcome(&run));
            if run.code == 5 {
                assert_eq!(
                    state(&world),
                    before,
                    "{}: {meanwhile}",
                    self.path.display()
                );
                let shown = [" before: ", " now: "].map(|side| run.stderr.contains(side));
                let nothing = told.starts_with("alone: nothing");
                assert_eq!(shown, [!nothing, !nothing], "{}", run.told());
            }
        }
        told
    }

    /// The case with what a product makes of it.
    fn renewed(mut self, product: &str, told: String) -> String {
        let mut sections = self.sections.iter_mut();
        match sections.find(|(name, _)| name == product) {
            Some((_, body)) => *body = told,
            None => self.sections.push((product.to_owned(), told)),
        }
        let sections = self.sections.iter();
        let sections = sections.map(|(name, body)| format!("=== {name}\n{body}"));
        self.title + &sections.collect::<String>()
    }
}

/// What the statements of a file are, and what they touch.
fn effect(engine: Engine, text: &str) -> String {
    let mut dialects = DIALECTS.iter().copied();
    let dialect = dialects.find(|dialect| dialect.facts().name == engine.folder());
    let dialect = dialect.expect("an engine");
    let statements = split(dialect.lexis(), text).expect("statements");
    let effects = statements.iter();
    let effects = effects.map(|statement| kind(dialect, &text[statement.range.clone()]));
    effects.collect::<Vec<_>>().join("\n")
}

fn kind(dialect: &dyn Dialect, sql: &str) -> String {
    let Alone { objects, .. } = match dialect.effect(&Words::whole(dialect, sql)) {
        Effect::Alone(alone) => *alone,
        Effect::Unclear(why) => return format!("unclear: {why}"),
        Effect::Fleeting(why) => return format!("fleeting: {why}"),
        other => return format!("{other:?}").to_lowercase(),
    };
    let objects = objects.iter();
    let objects: Vec<String> = objects
        .map(|object| format!("{:?} {}", object.kind, object.name))
        .collect();
    if objects.is_empty() {
        "alone: nothing".into()
    } else {
        format!("alone: {}", objects.join(", "))
    }
}

#[test]
fn what_statements_are_to_the_journal() {
    check_lines("effect/kinds", 120, kind);
}

/// What a run that found an intent made of it.
fn outcome(run: &Output) -> String {
    let notice = run.stderr.lines().find_map(|line| {
        let (_, sql) = line.split_once("an earlier run was interrupted: ")?;
        Some(sql.to_owned())
    });
    let found = run.told().contains("was found applied");
    match (run.code, notice) {
        (0, Some(sql)) => format!("goes on with {sql}"),
        (0, None) if found => "found applied".into(),
        (0, None) => "run".into(),
        (5, None) => "undecided".into(),
        (4, None) => "run, and fails".into(),
        (code, notice) => panic!("exit {code} {notice:?}\n{}", run.told()),
    }
}

/// A run that is to be killed at a point; its exit code where it came to its end before.
fn killed(world: &World, point: &str) -> Option<i32> {
    let mut command = world.command(MIGRATE);
    command.env("BIRD_FAILPOINT", point);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.status().expect("bird starts").code()
}

fn cases(engine: Engine) -> Vec<Case> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/cases/effect");
    let entries = fs::read_dir(root.join(engine.folder())).expect("cases");
    let wanted = std::env::var("CASE").unwrap_or_default();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("a case").path()).collect();
    paths.retain(|path| wanted.is_empty() || path.file_stem().is_some_and(|stem| *stem == *wanted));
    paths.sort();
    let every = !wanted.is_empty() || std::env::var_os("UPDATE").is_some();
    let cases = paths.into_iter().map(Case::read).enumerate();
    let chosen = cases.filter(|(at, case)| every || is_turn(engine, *at, case));
    chosen.map(|(_, case)| case).collect()
}

/// MariaDB and MySQL take turns with the cases of which both tell the same, for the sake of time;
/// `BIRD_TEST_EVERY=1` runs them all on both.
fn is_turn(engine: Engine, at: usize, case: &Case) -> bool {
    let alike = case.one("mariadb") == case.one("mysql");
    let turn = match engine {
        Engine::MariaDb => !at.is_multiple_of(2),
        Engine::MySql => at.is_multiple_of(2),
        _ => true,
    };
    turn || !alike || std::env::var_os("BIRD_TEST_EVERY").is_some()
}

fn statements_run_exactly_once(engine: Engine) {
    let product = engine.product().to_lowercase();
    let waiting = Mutex::new(cases(engine));
    let wrong = Mutex::new(String::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let next = waiting.lock().expect("no case panics here").pop();
                    let Some(case) = next else { return };
                    let result = std::panic::catch_unwind(|| case.told(engine));
                    check(&case, &product, result, &wrong);
                }
            });
        }
    });
    let wrong = wrong.into_inner().expect("no case panics here");
    assert!(
        wrong.is_empty(),
        "{wrong}UPDATE=1 rewrites the expectations"
    );
}

/// Two products share a file, so it is read once more before it is rewritten.
static REWRITING: Mutex<()> = Mutex::new(());

fn check(case: &Case, product: &str, result: std::thread::Result<String>, wrong: &Mutex<String>) {
    let name = case
        .path
        .file_stem()
        .unwrap_or_default()
        .display()
        .to_string();
    let mut wrong = wrong.lock().expect("no case panics here");
    let told = match result {
        Ok(told) => told,
        Err(panic) => {
            let why = panic.downcast_ref::<String>().cloned().unwrap_or_default();
            let _ = writeln!(wrong, "{product} {name}: {why}");
            return;
        }
    };
    if std::env::var_os("UPDATE").is_some() {
        let _rewriting = REWRITING.lock().expect("no case panics here");
        let case = Case::read(case.path.clone());
        let path = case.path.clone();
        fs::write(path, case.renewed(product, told)).expect("a case can be written");
    } else if case.one(product) != told {
        let expected = case.one(product);
        let _ = writeln!(
            wrong,
            "{product} {name}:\nexpected\n{expected}found\n{told}"
        );
    }
}
