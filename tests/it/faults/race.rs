//! Many runners at the very same point.

use std::fs;

use crate::world::{Engine, Running, World};

engines!(
    ten_runners_before_the_lock_run_each_statement_once,
    ten_impatient_runners_are_refused_or_find_the_work_done,
);

const RUNNERS: usize = 10;

/// Every statement leaves a row when it runs, so that one which ran twice would show.
fn world(engine: Engine) -> World {
    let mut world = World::one(engine).migration(
        "ums/V1__counter.sql",
        "CREATE TABLE counter (statement INT);\n",
    );
    for version in 2..=4 {
        let text = format!(
            "INSERT INTO counter VALUES ({version}1);\nCREATE TABLE t{version} (id INT);\n\
             INSERT INTO counter VALUES ({version}2);\n"
        );
        world = world.migration(&format!("ums/V{version}__t.sql"), &text);
    }
    world.run(&["provision"]).ok();
    world
}

/// Starts all of them, held at a point until all are there.
fn start(world: &World, point: &str, arguments: &[&str]) -> Vec<Running> {
    let folder = world.path("barrier");
    fs::create_dir_all(&folder).expect("a folder");
    let barrier = format!("{point}:{RUNNERS}:{}", folder.display());
    let runners = (0..RUNNERS).map(|_| {
        let mut command = world.command(arguments);
        command.env("BIRD_BARRIER", &barrier);
        Running::start(command)
    });
    runners.collect()
}

fn each_once(world: &World) {
    let counted = world.client("ums", "SELECT statement FROM counter ORDER BY 1");
    assert_eq!(counted, "21\n22\n31\n32\n41\n42\n");
    let journal = "SELECT count(*) FROM bird_journal WHERE state = 'done'";
    assert_eq!(world.client("ums", journal), "10\n");
    world.run(&["status", "--exit-code"]).ok();
}

/// Even the tables of history and journal are made by all of them at once, if they are let.
fn ten_runners_before_the_lock_run_each_statement_once(engine: Engine) {
    let world = world(engine);
    let runners = start(&world, "before-lock", &["migrate", "--lock-timeout", "60s"]);
    for runner in runners {
        runner.finish().ok();
    }
    let there = fs::read_dir(world.path("barrier")).expect("the folder");
    assert_eq!(there.count(), RUNNERS);
    each_once(&world);
}

fn ten_impatient_runners_are_refused_or_find_the_work_done(engine: Engine) {
    let world = world(engine);
    let arguments = ["migrate", "--lock-timeout", "1ms"];
    let runners = start(&world, "before-lock", &arguments);
    let ended: Vec<_> = runners.into_iter().map(Running::finish).collect();
    for output in &ended {
        let fine = match output.code {
            0 => true,
            3 => output.stderr.contains("error[locked]"),
            // SQLite has a lock per file only, and stops between two of them.
            4 => engine == Engine::Sqlite && output.stderr.contains("error[locked]"),
            _ => false,
        };
        assert!(fine, "{}", output.transcript());
    }
    if engine != Engine::Sqlite {
        assert!(ended.iter().any(|output| output.code == 0));
    }
    world.run(&["migrate"]).ok();
    each_once(&world);
}

/// Whoever is inside holds the others off: the second is not let in while one waits there.
#[test]
fn only_one_is_inside_the_lock() {
    for engine in [Engine::MariaDb, Engine::MySql, Engine::Postgres] {
        engine.run(|engine| {
            let world = world(engine);
            let folder = world.path("barrier");
            fs::create_dir_all(&folder).expect("a folder");
            let held = |arguments: &[&str]| {
                let mut command = world.command(arguments);
                command.env("BIRD_BARRIER", format!("locked:2:{}", folder.display()));
                Running::start(command)
            };
            let first = held(&["migrate"]);
            crate::until::until("the first is inside", || {
                fs::read_dir(&folder).is_ok_and(|all| all.count() == 1)
            });
            let others = (1..RUNNERS).map(|_| held(&["migrate", "--lock-timeout", "300ms"]));
            let others: Vec<_> = others.collect();
            for other in others {
                other.finish().exits(3).warns("error[locked]");
            }
            assert_eq!(fs::read_dir(&folder).expect("the folder").count(), 1);
            fs::write(folder.join("go"), "").expect("a file");
            first.finish().ok();
            each_once(&world);
        });
    }
}
