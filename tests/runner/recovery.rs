//! Cases of recovery, proven on real servers: a run is killed before it sends a statement, right
//! after the server ran it, and before it sends it while somebody else changes the same object. The
//! next run must run the statement, find it applied, or ask.
//!
//! Whatever a case expects: a run that goes on must leave the state that an undisturbed run leaves.

mod state;

use std::fmt::Write as _;
use std::sync::Arc;

use bird::dialect::by_scheme;
use bird::sql::split::split;
use libtest_mimic::Trial;

use crate::case_file::{CaseFile, Section, difference, is_update, update};
use crate::failpoint::{MIGRATE, killed, outcome};
use crate::statements::recovery_class;
use crate::trial::{Group, engine_trial};
use crate::world::{Engine, World};
use state::state;

pub fn trials(group: &Group) -> Result<Vec<Trial>, String> {
    let products = group.products()?;
    let mut sections = vec!["setup", "statement", "meanwhile"];
    sections.extend(products.iter().map(|product| product.name()));
    group.file.expect_sections(&sections)?;
    let is_alike = {
        let case = Case { file: &group.file };
        case.body("mariadb") == case.body("mysql")
    };
    let mine = products
        .iter()
        .filter(|product| !is_alike || group.has_turn(**product, &group.name));
    let trials = mine.map(|product| {
        let (file, product) = (Arc::clone(&group.file), *product);
        let name = match products.len() {
            1 => group.name.clone(),
            _ => format!("{}::{}", group.name, product.name()),
        };
        engine_trial(name, product, move || check(&file, product))
    });
    Ok(trials.collect())
}

fn check(file: &CaseFile, product: Engine) -> Result<(), String> {
    let case = Case { file };
    let found = case.outcomes(product);
    let expected = case.body(product.name());
    if found == expected {
        return Ok(());
    }
    if !is_update() {
        return Err(format!(
            "{}\n{}",
            file.path.display(),
            difference(expected, &found)
        ));
    }
    update(&file.path, |file| {
        let mut sections = file.sections.iter_mut();
        match sections.find(|section| section.name == product.name()) {
            Some(section) => section.body = found,
            None => file.sections.push(Section::new(product.name(), "", found)),
        }
    })
}

/// A statement, the state before it, and what others do in the meantime. In their SQL `{name}` is
/// the database's name.
struct Case<'f> {
    file: &'f CaseFile,
}

impl Case<'_> {
    fn bodies(&self, name: &str) -> impl Iterator<Item = &str> {
        let sections = self.file.sections.iter();
        sections
            .filter(move |section| section.name == name)
            .map(|section| section.body.as_str())
    }

    fn body(&self, name: &str) -> &str {
        self.bodies(name).next().unwrap_or_default()
    }

    /// A project whose one migration is the statement, and its database, which is empty.
    fn empty_world(&self, engine: Engine) -> World {
        let directive = if engine.is_transactional() {
            "-- bird: no-transaction\n\n"
        } else {
            ""
        };
        let world = World::one(engine);
        let statement = self.body("statement").replace("{name}", world.name("ums"));
        let file = format!("{directive}{statement}");
        world.write("migrations/ums/V1__f.sql", &file);
        match engine {
            Engine::Sqlite => world.write("data/.keep", ""),
            Engine::Postgres => drop(world.server("ums", "CREATE DATABASE {name}")),
            _ => drop(world.server("ums", "CREATE DATABASE {name} CHARACTER SET utf8mb4")),
        }
        world
    }

    /// Makes the state before the statement; the engine's error if it does not know such a thing.
    fn set_up(&self, world: &World) -> Result<(), String> {
        let sql = self.body("setup").replace("{name}", world.name("ums"));
        world.try_client("ums", &sql).map(drop)
    }

    /// As [`Case::empty_world`], in the state before the statement.
    fn world(&self, engine: Engine) -> World {
        let world = self.empty_world(engine);
        self.set_up(&world).expect("the state before");
        world
    }

    /// The class of each statement and the objects that it touches.
    fn classes(&self, engine: Engine) -> String {
        let dialect = by_scheme(engine.folder()).expect("an engine");
        let text = self.body("statement").replace("{name}", "here");
        let statements = split(dialect.syntax(), &text).expect("statements");
        let classes = statements
            .into_iter()
            .map(|statement| recovery_class(dialect, &text[statement.range]));
        classes.collect::<Vec<_>>().join("\n")
    }

    /// What comes of the statement on an engine.
    fn outcomes(&self, engine: Engine) -> String {
        let path = self.file.path.display();
        let mut text = format!("{}\n", self.classes(engine));
        let sent = self.empty_world(engine);
        if let Err(error) = self.set_up(&sent) {
            assert!(error.contains("syntax"), "{path}: {error}");
            return "not known to this product\n".into();
        }
        match killed(&sent, "sent") {
            None => {}
            // It commits with its journal row, or may be run twice: there is no such point.
            Some(0) => return text,
            Some(_) => return format!("{text}fails\n"),
        }
        // The statement has run once, and nothing else has happened since.
        let wanted = state(&sent);
        let unsent = self.world(engine);
        assert_eq!(killed(&unsent, "intended"), None);
        for (what, world) in [("not sent", unsent), ("sent", sent)] {
            let run = world.run(MIGRATE);
            let _ = writeln!(text, "{what}: {}", outcome(&run));
            if run.code == 0 {
                assert_eq!(
                    state(&world),
                    wanted,
                    "{path}: {what}: {}",
                    run.transcript()
                );
            }
        }
        for meanwhile in self.bodies("meanwhile") {
            let world = self.world(engine);
            assert_eq!(killed(&world, "intended"), None);
            let sql = meanwhile.replace("{name}", world.name("ums"));
            if let Err(error) = world.try_client("ums", &sql) {
                panic!("{path}: {sql}: {error}");
            }
            let before = state(&world);
            let run = world.run(MIGRATE);
            let _ = writeln!(text, "meanwhile: {}", outcome(&run));
            if run.code == 5 {
                assert_eq!(state(&world), before, "{path}: {meanwhile}");
                let shown = [" before: ", " now: "].map(|side| run.stderr.contains(side));
                let nothing = text.starts_with("alone: nothing");
                assert_eq!(shown, [!nothing, !nothing], "{}", run.transcript());
            }
        }
        text
    }
}
