//! Killed at any point, a repair and its undoing go on to their ends, and no row is lost or doubled.

use std::process::Stdio;

use bird::model::repair::Action;

use super::{EXECUTE, all, notes, orphans};
use crate::world::{Engine, World};

engines!(
    no_row_is_lost_or_doubled_wherever_a_run_is_killed,
    a_purge_goes_on_wherever_it_is_killed,
);

/// The points that a chunk passes, in its order; those before its transaction last.
const POINTS: &[&str] = &[
    "repair-begun",
    "repair-locked",
    "repair-parents",
    "repair-looked",
    "repair-kept",
    "repair-taken",
    "repair-journaled",
    "repair-committed",
];
const BACK: &[&str] = &[
    "undo-begun",
    "undo-looked",
    "undo-put",
    "undo-emptied",
    "undo-journaled",
    "undo-committed",
];

const PURGE: &[&str] = &[
    "purge-begun",
    "purge-deleted",
    "purge-journaled",
    "purge-committed",
];

fn no_row_is_lost_or_doubled_wherever_a_run_is_killed(engine: Engine) {
    let world = notes(engine);
    let before = all(&world);
    for (at, point) in POINTS.iter().enumerate() {
        let action = match at % 4 {
            1 => Action::SetNull,
            _ => Action::Quarantine,
        };
        // The tables that it makes are there from the second time on.
        let first = match at {
            0 => "repair-tables:1".to_owned(),
            _ => format!("{point}:{}", 1 + at % 3),
        };
        let run = orphans(action).write(&world);
        assert!(killed(&world, EXECUTE, &first), "{engine:?} {first}");
        check(&world, &before, &run, action);
        // Where it went on, it is killed again, in the chunk in which it was or in another one.
        let second = POINTS[POINTS.len() - 1 - at];
        killed(&world, EXECUTE, &format!("{second}:1"));
        check(&world, &before, &run, action);
        world.run(EXECUTE).ok();
        let done = check(&world, &before, &run, action);
        assert_eq!(done, 5, "{engine:?} {first} {action:?}");
        let undo = ["repair", "--undo", &run];
        let back = format!("{}:{}", BACK[at % BACK.len()], 1 + at % 3);
        assert!(killed(&world, &undo, &back), "{engine:?} {back}");
        check(&world, &before, &run, action);
        world.run(&undo).ok();
        assert_eq!(all(&world), before, "{engine:?} {back} {action:?}");
    }
    // Two at once come to the same as one after the other.
    let run = orphans(Action::Quarantine).write(&world);
    let both = [world.start(EXECUTE), world.start(EXECUTE)].map(|one| one.finish().code);
    assert!(both.iter().all(|code| [0, 3, 4].contains(code)), "{both:?}");
    world.run(EXECUTE).ok();
    assert_eq!(check(&world, &before, &run, Action::Quarantine), 5);
}

fn a_purge_goes_on_wherever_it_is_killed(engine: Engine) {
    let world = notes(engine);
    let before = all(&world);
    // What another run has kept is none of its business.
    let other = orphans(Action::SetNull).write(&world);
    world.run(EXECUTE).ok();
    let refer = "UPDATE notes SET person = CASE id WHEN 4 THEN 4 WHEN 5 THEN 12 ELSE 2 END \
                 WHERE person IS NULL";
    world.client("twitter", refer);
    for (at, point) in PURGE.iter().enumerate() {
        let run = orphans(Action::Quarantine).write(&world);
        world.run(EXECUTE).ok();
        let purge = ["repair", "--purge", &run, "--allow", "data-loss"];
        let point = format!("{point}:{}", 1 + at % 3);
        assert!(killed(&world, &purge, &point), "{engine:?} {point}");
        // What is gone was written down, and nothing else was.
        let [purged, kept, others] = purged(&world, &run);
        assert_eq!((purged + kept, others), (5, 5), "{engine:?} {point}");
        assert!(kept > 0, "{engine:?} {point}");
        world.run(&purge).ok();
        assert_eq!(self::purged(&world, &run), [5, 0, 5], "{engine:?} {point}");
        world.client(
            "twitter",
            "INSERT INTO notes VALUES (2, 2, 'two'), (4, 4, 'four'), \
                                 (5, 12, 'five'), (6, 2, 'six'), (7, 2, NULL)",
        );
        assert_eq!(all(&world), before);
    }
    world.client(
        "twitter",
        "UPDATE notes SET person = NULL WHERE id IN (2, 4, 5, 6, 7)",
    );
    world.run(&["repair", "--undo", &other]).ok();
    assert_eq!(all(&world), before);
}

/// How many rows of a run are purged, as the journal has it, how many are kept, and how many are
/// kept of others.
fn purged(world: &World, run: &str) -> [u64; 3] {
    let output = world.client(
        "twitter",
        &format!(
            "SELECT coalesce(sum(repaired), 0) FROM bird_repair \
             WHERE run = '{run}' AND direction = 'purge';\
             SELECT count(*) FROM bird_quarantine_notes WHERE bird_run = '{run}';\
             SELECT count(*) FROM bird_quarantine_notes WHERE bird_run <> '{run}';"
        ),
    );
    let mut numbers = output.lines().map(|line| line.parse().expect("a number"));
    std::array::from_fn(|_| numbers.next().expect("three numbers"))
}

/// Every row is where it was, or aside, and the journal knows how many are; that many.
fn check(world: &World, before: &str, run: &str, action: Action) -> u64 {
    let here = match action {
        Action::SetNull => "WHERE person IS NOT NULL",
        _ => "",
    };
    let count = |way: &str| {
        format!(
            "SELECT 'journal', coalesce(sum(repaired), 0) FROM bird_repair \
             WHERE run = '{run}' AND direction = '{way}';"
        )
    };
    let output = world.client(
        "twitter",
        &format!(
            "{}{}SELECT 'aside', count(*) FROM bird_quarantine_notes;\
             SELECT * FROM notes {here};\
             SELECT id, person, body FROM bird_quarantine_notes WHERE bird_run = '{run}';",
            count("repair"),
            count("undo"),
        ),
    );
    let mut lines: Vec<&str> = output.lines().collect();
    let mut number = || {
        let line = lines.remove(0).rsplit('\t').next();
        line.and_then(|number| number.parse::<u64>().ok())
            .expect("a number")
    };
    let (repaired, returned, aside) = (number(), number(), number());
    assert_eq!(repaired - returned, aside, "{action:?}");
    lines.sort_unstable();
    let mut wanted: Vec<&str> = before.lines().collect();
    wanted.sort_unstable();
    assert_eq!(lines, wanted, "{action:?}");
    repaired
}

/// Whether a run was killed at a point, and did not come to its end before.
fn killed(world: &World, arguments: &[&str], point: &str) -> bool {
    let mut command = world.command(arguments);
    command.env("BIRD_FAILPOINT", point);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.status().expect("bird starts").code().is_none()
}
