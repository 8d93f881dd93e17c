//! The command line: what holds for every command. The cases in `tests/cases/cli` show single ones.

use std::io::Read as _;
use std::process::Stdio;

use crate::world::{Engine, Running, World};

/// `bird status | head`: the reader goes away, which is nobody's fault.
#[test]
fn a_closed_pipe_is_no_panic() {
    let world = World::bird();
    for arguments in [
        &["status"][..],
        &["status", "--format", "json"],
        &["--help"],
        &["migrate", "--dry-run"],
    ] {
        let mut child = world
            .command(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("bird starts");
        // Nobody reads any more before bird has looked at its databases.
        drop(child.stdout.take());
        let mut stderr = String::new();
        let mut pipe = child.stderr.take().expect("a pipe");
        pipe.read_to_string(&mut stderr).expect("stderr is UTF-8");
        let status = child.wait().expect("its end");
        assert!(
            !stderr.contains("panicked") && !stderr.contains("Broken pipe"),
            "{arguments:?}: {stderr}"
        );
        assert!(status.code() != Some(101), "{arguments:?}: {status}");
    }
}

/// People read the first lines, and copy from them.
#[test]
fn help_leads_with_an_example() {
    let world = World::empty();
    let help = world.run(&["--help"]).ok().says("Exit codes: 0 done");
    assert!(
        help.stdout.starts_with("Example: bird "),
        "{}",
        help.transcript()
    );
    let commands = help.stdout.lines().skip_while(|line| *line != "Commands:");
    let commands: Vec<&str> = commands
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(commands.contains(&"migrate"), "{commands:?}");
    for command in commands {
        let help = world.run(&[command, "--help"]).ok();
        let example = format!("Example: bird {command}");
        assert!(help.stdout.starts_with(&example), "{}", help.transcript());
    }
    let nothing = world.run(&[]).exits(2).warns("Usage: bird");
    assert_eq!(nothing.stdout, "");
}

/// A command's own options come first, with the names of all consents; those of every command last.
#[test]
fn help_lists_own_options_before_those_of_every_command() {
    let world = World::empty();
    let help = world.run(&["migrate", "--help"]).ok().stdout;
    let place = |text: &str| help.find(text).unwrap_or_else(|| panic!("{text}: {help}"));
    let order = [
        "  --to ",
        "  --dry-run ",
        "  --allow ",
        "Options of every",
        "  --config ",
        "--verbose",
    ];
    assert!(order.map(place).is_sorted(), "{help}");
    assert!(place("drop-table") < place("Options of every"), "{help}");
}

/// The pages of all commands are there, and the completions know the flags.
#[test]
fn man_pages_and_completions_are_written_for_every_command() {
    let world = World::empty();
    world.run(&["man", "--dir", "man"]).ok();
    for command in bird::cmd::command().get_subcommands() {
        let name = command.get_name();
        let page = world.read(&format!("man/bird-{name}.1"));
        assert!(page.contains(".SH OPTIONS"), "{name}: {page}");
    }
    assert!(world.read("man/bird.1").contains("migrate"));
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = world.run(&["completions", shell]).ok().stdout;
        assert!(script.contains("lock-timeout"), "{shell}: {script}");
    }
}

/// Exit 2 promises that nothing was written, and a database is something.
#[test]
fn up_makes_no_database_for_files_that_it_cannot_split() {
    let world = World::one(Engine::Sqlite).migration("ums/V1__a.sql", "SELECT 'open\n");
    world.run(&["up"]).exits(2).warns("never closed");
    assert!(!world.path("data/ums.db").exists());
}

/// The folder of the files does not exist yet, so the engine cannot be asked whether they are one.
#[test]
fn one_target_is_known_before_its_folder_exists() {
    let world = World::bird().env("BIRD_TWITTER_URL", "sqlite:data/../data/ums.db");
    world.run(&["up"]).exits(2);
    assert!(!world.path("data").exists());
}

/// What was asked for is written to stdout alone, and `--quiet` keeps it.
#[test]
fn quiet_silences_only_stderr() {
    let world = World::bird();
    let up = world
        .run(&["up", "--quiet"])
        .ok()
        .says("applied 9 migrations");
    assert_eq!(up.stderr, "");
    world
        .run(&["migrate", "--to", "ums@99", "-q"])
        .exits(2)
        .warns("has no migration with the version 99");
}

/// The config is found from below, and paths start at the project, not at the caller's folder.
#[test]
fn the_project_is_found_from_a_folder_inside_it() {
    let world = World::bird();
    let inside = world.path("migrations/ums");
    let mut command = world.command(&["up"]);
    command.current_dir(&inside);
    Running::start(command).finish().ok();
    assert!(world.path("data/ums.db").is_file());
    assert!(!inside.join("data").exists());
}
