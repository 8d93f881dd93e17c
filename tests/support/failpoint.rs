//! Runs that are killed at a point of their work, and what the next run makes of what is left.

use std::process::Stdio;

use crate::world::{Output, World};

/// `migrate`, with every consent that a statement may need.
pub const MIGRATE: &[&str] = &[
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

/// Runs [`MIGRATE`] until it passes a point of `db::failpoint`, which kills it; the exit code of a
/// run that ended before.
pub fn killed(world: &World, point: &str) -> Option<i32> {
    let mut command = world.command(MIGRATE);
    command.env("BIRD_FAILPOINT", point);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.status().expect("bird starts").code()
}

/// What a run made of the statement that an earlier run left in doubt.
pub fn outcome(run: &Output) -> String {
    let notice = run.stderr.lines().find_map(|line| {
        let (_, sql) = line.split_once("an earlier run was interrupted: ")?;
        Some(sql.to_owned())
    });
    let found = run
        .transcript()
        .contains("is already applied by an earlier run");
    match (run.code, notice) {
        (0, Some(sql)) => format!("goes on with {sql}"),
        (0, None) if found => "found applied".into(),
        (0, None) => "run".into(),
        (5, None) => "undecided".into(),
        (4, None) => "run, and fails".into(),
        (code, notice) => panic!("exit {code} {notice:?}\n{}", run.transcript()),
    }
}
