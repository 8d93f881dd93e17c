//! `--quiet`: the answer on stdout is the same with it and without, for every command. On stderr it
//! leaves out progress, notices and notes, and keeps warnings and errors.

use std::collections::BTreeSet;

use crate::mask::mask;
use crate::world::{Engine, Output, World};

const EDITED: (&str, &str) = (
    "migrations/ums/sqlite/V5__later.sql",
    "ALTER TABLE users ADD COLUMN nick TEXT;\n",
);
const USER: &str = "INSERT INTO users (name, email, password_hash) VALUES ('a', 'a@b', 'x')";
const ORPHAN: &str =
    "INSERT INTO messages (author_id, content) VALUES (X'00112233445566778899AABBCCDDEEFF', 'hi')";

/// Each command with its exit code, with findings where it can have some, and what happens before it.
fn commands() -> Vec<(Step, i32, Vec<&'static str>)> {
    let lines: &[(Step, i32, &str)] = &[
        (Step::None, 0, "init --template bird"),
        (Step::None, 0, "up"),
        (Step::None, 0, "provision"),
        (Step::None, 0, "new later --database ums"),
        (Step::None, 1, "status --exit-code"),
        (Step::None, 0, "migrate"),
        (Step::Edit, 1, "status --exit-code --list"),
        (Step::None, 0, "migrate --dry-run"),
        (Step::None, 0, "migrate"),
        (Step::None, 0, "seed --dry-run"),
        (Step::None, 0, "seed"),
        (Step::None, 0, "inspect ums"),
        (Step::None, 1, "diff ums@schema ums@migrations"),
        (Step::None, 1, "verify"),
        (Step::None, 0, "undo --database ums --dry-run"),
        (Step::None, 0, "undo --database ums --allow data-loss"),
        (Step::None, 3, "resolve ums@1.1 --applied"),
        (Step::Orphan, 1, "audit --plan orphans.plan"),
        (Step::None, 0, "repair --plan orphans.plan"),
        (
            Step::None,
            0,
            "repair --plan orphans.plan --execute --allow mostly-orphans",
        ),
        (Step::None, 0, "audit"),
        (Step::None, 0, "adopt --dry-run"),
        (Step::None, 0, "doctor"),
        (Step::None, 0, "reset --allow drop-database"),
        (Step::None, 0, "help drift"),
        (Step::None, 0, "completions bash"),
        (Step::None, 0, "man"),
    ];
    let lines = lines.iter();
    lines
        .map(|(step, code, line)| (*step, *code, line.split(' ').collect()))
        .collect()
}

/// What happens in a project between two commands.
#[derive(Debug, Clone, Copy)]
enum Step {
    None,
    Edit,
    Orphan,
}

/// What a command says on stdout, without what differs from run to run.
fn answer(world: &World, output: &Output) -> String {
    mask(&output.stdout, &world.path(""))
}

#[test]
fn every_command_answers_the_same() {
    Engine::Sqlite.run(|_| {
        let world = || {
            let world = World::empty().engine("ums", Engine::Sqlite);
            world.engine("twitter", Engine::Sqlite)
        };
        let worlds = [world(), world()];
        let mut ran = BTreeSet::new();
        let mut notes = 0;
        for (step, code, command) in commands() {
            let [loud, quiet] = worlds.each_ref().map(|world| {
                match step {
                    Step::None => {}
                    Step::Edit => world.write(EDITED.0, EDITED.1),
                    Step::Orphan => {
                        world.client("ums", USER);
                        world.client("twitter", ORPHAN);
                    }
                }
                world
            });
            let loud_output = loud.run(&command).exits(code);
            let quiet_output = quiet.run(&[&command[..], &["--quiet"]].concat());
            assert_eq!(
                answer(loud, &loud_output),
                answer(quiet, &quiet_output),
                "{}",
                quiet_output.transcript()
            );
            assert_eq!(quiet_output.code, code, "{command:?}");
            let is_said = |line: &&str| line.starts_with("note[") || line.starts_with("bird: ");
            notes += loud_output.stderr.lines().filter(is_said).count();
            assert_eq!(
                quiet_output.stderr.lines().find(is_said),
                None,
                "{command:?}"
            );
            let severe = |output: &Output| {
                let lines = output.stderr.lines();
                let lines =
                    lines.filter(|line| line.starts_with("error[") || line.starts_with("warning["));
                lines.map(str::to_owned).collect::<Vec<_>>()
            };
            assert_eq!(severe(&loud_output), severe(&quiet_output), "{command:?}");
            ran.insert(command[0]);
        }
        assert!(notes > 0, "no command had anything to leave out");
        let help = worlds[0].run(&["--help"]).ok();
        let names = help
            .stdout
            .lines()
            .skip_while(|line| *line != "Commands:")
            .skip(1);
        let names = names.take_while(|line| !line.is_empty());
        let names = names.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
        let names: BTreeSet<&str> = names.filter(|name| !name.is_empty()).collect();
        assert_eq!(ran, names, "every command is tried");
    });
}

/// A URL in a variable that belongs to no database may mean that the wrong database is used.
#[test]
fn warnings_stay() {
    Engine::Sqlite.run(|engine| {
        let world = World::one(engine).env("BIRD_USM_URL", "sqlite:other.db");
        let status = world.run(&["status", "--quiet"]).ok();
        status.warns("BIRD_USM_URL");
        let status = world.run(&["status", "--quiet", "--log-format", "json"]);
        status.ok().warns("\"level\":\"warning\"");
    });
}
