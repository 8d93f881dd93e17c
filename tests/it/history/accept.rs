//! `--accept-checksum`: a person takes a changed file as it is.

use serde_json::json;

use super::{FILE, LATER, TEXT, applied, checksum, stored, ums};
use crate::world::{Engine, World, database};

engines!(
    an_accepted_file_is_as_if_it_had_been_applied,
    a_renamed_file_can_be_accepted,
    a_wide_history_is_stamped_wide,
    what_cannot_be_accepted_is_refused,
    accepting_and_migrating_are_one_run,
);

const BECAUSE: &str = "it's a typo: 'größe' \\ 100 %";

fn accept(version: &str) -> Vec<&str> {
    vec!["migrate", "--accept-checksum", version, "--reason", BECAUSE]
}

fn history(world: &World) -> String {
    let columns = "version, name, checksum";
    let sql = format!("SELECT {columns} FROM refinery_schema_history ORDER BY version");
    world.client("ums", &sql)
}

fn edited() -> String {
    TEXT.replace("lines", "rows")
}

fn an_accepted_file_is_as_if_it_had_been_applied(engine: Engine) {
    let world = applied(engine);
    let on = "SELECT applied_on FROM refinery_schema_history";
    let (before, on_before) = (history(&world), world.client("ums", on));
    world.write(FILE, &edited());
    world
        .run(&["migrate"])
        .exits(3)
        .warns("--accept-checksum ums@V1");

    let dry: Vec<&str> = [accept("V1"), vec!["--dry-run"]].concat();
    world.run(&dry).ok().says("V1 first would be accepted");
    let dry = [dry, vec!["--format", "json"]].concat();
    let output = world.run(&dry).ok().json();
    let named = json!([{ "version": 1, "name": "first" }]);
    assert_eq!(database(&output, "ums")["accepted"], named);
    assert_eq!(history(&world), before);
    assert_eq!(stored(&world, "count(*), count(reason)"), "1\t0\n");

    let output = [accept("ums@V1"), vec!["--format", "json"]].concat();
    let output = world.run(&output).ok().json();
    let one = database(&output, "ums");
    assert_eq!(one["accepted"], named);
    assert_eq!(one["changed"], json!([]));
    assert_eq!(one["state"], "current");
    world.run(&["status", "--exit-code"]).ok();
    assert_eq!(world.run(&["migrate"]).ok().stderr, "");
    assert_eq!(stored(&world, "version, reason").trim_end(), shown(engine));
    assert_eq!(stored(&world, "count(accepted_on)"), "1\n");
    assert_eq!(world.client("ums", on), on_before);
    // The statements were not run again.
    assert_eq!(world.client("ums", "SELECT count(*) FROM a"), "1\n");

    let fresh = World::one(engine).file(FILE, &edited());
    fresh.run(&["up"]).ok();
    assert_eq!(history(&world), history(&fresh));
    assert_ne!(history(&world), before);
    assert_eq!(stored(&world, "digest"), stored(&fresh, "digest"));

    // What is told of the next change is told from here.
    world.write(FILE, &edited().replace("rows", "words"));
    let output = world
        .run(&["migrate"])
        .exits(3)
        .warns("it was accepted as it was");
    let output = output.warns(BECAUSE).warns("+words -- no comment");
    assert!(!output.stderr.contains("-lines"), "{}", output.transcript());
}

/// The row as the client shows it: one of them doubles backslashes.
fn shown(engine: Engine) -> String {
    let because = engine.pick(
        BECAUSE.replace('\\', "\\\\"),
        BECAUSE.into(),
        BECAUSE.into(),
    );
    format!("1\t{because}")
}

fn a_renamed_file_can_be_accepted(engine: Engine) {
    let world = applied(engine);
    std::fs::remove_file(world.path(FILE)).expect("the file can be removed");
    world.write("migrations/ums/V1__other.sql", TEXT);
    let output = world.run(&["migrate"]).exits(3);
    let output = output.warns("V1 other is in the history as `V1 first`");
    assert!(!output.stderr.contains("+++"), "{}", output.transcript());
    assert_eq!(ums(&world)["reformatted"], json!([]));
    world
        .run(&accept("1"))
        .ok()
        .says("ums: the changed file of V1 other is accepted");
    assert!(history(&world).starts_with("1\tother\t"));
    world.run(&["status", "--exit-code"]).ok();
}

/// As refinery's library writes it where it is compiled with `int8-versions`.
fn a_wide_history_is_stamped_wide(engine: Engine) {
    let world = World::one(engine).file(FILE, TEXT).file(
        "migrations/ums/V20260101120000__wide.sql",
        "CREATE TABLE wide (id INT);\n",
    );
    world.run(&["up"]).ok();
    world.write(FILE, &edited());
    world.run(&accept("V1")).ok();
    let theirs = refinery_core::Migration::unapplied("V1__first", &edited()).expect("a name");
    assert_eq!(checksum(&world), format!("{}\n", theirs.checksum()));
    world.run(&["status", "--exit-code"]).ok();
}

fn what_cannot_be_accepted_is_refused(engine: Engine) {
    let world = applied(engine).file(LATER, "CREATE TABLE b (id INT);\n");
    let before = history(&world);
    for (version, output) in [
        ("V1", "V1 first was not changed"),
        ("V2", "V2 later is not applied"),
        ("V9", "has no migration V9"),
    ] {
        world.run(&accept(version)).exits(3).warns(output);
    }
    world
        .run(&accept("ums@x"))
        .exits(2)
        .warns("is not a version");
    world
        .run(&accept("umd@1"))
        .exits(2)
        .warns("no database `umd`");
    for arguments in [
        &["migrate", "--accept-checksum", "V1"][..],
        &["migrate", "--reason", "why"],
        &["migrate", "--accept-checksum", "V1", "--reason", " "],
    ] {
        world.run(arguments).exits(2).warns("--reason");
    }
    // One that is fine does not carry one that is not.
    world.write(FILE, &edited());
    let two = [accept("V1"), vec!["--accept-checksum", "V2"]].concat();
    world.run(&two).exits(3).warns("V2 later is not applied");
    world.write(FILE, &format!("{}SELECT 'open", edited()));
    world.run(&accept("V1")).exits(2).warns("never closed");
    std::fs::remove_file(world.path(FILE)).expect("the file can be removed");
    world
        .run(&accept("V1"))
        .exits(3)
        .warns("the file of V1 first is missing");
    assert_eq!(history(&world), before);
    assert_eq!(stored(&world, "count(reason)"), "0\n");
    world.refused("ums", "SELECT * FROM b");
}

fn accepting_and_migrating_are_one_run(engine: Engine) {
    let world = applied(engine).file(LATER, "CREATE TABLE b (id INT);\n");
    // Only reformatted: stock refinery, which compares every byte, can go on after this.
    world.write(FILE, &format!("{TEXT}-- the end\n"));
    let output = world.run(&accept("V1")).ok().says("V1 first is accepted");
    output.says("applied 1 migration, 1 statement: ums at V2");
    assert_eq!(world.run(&["status", "--exit-code"]).ok().stderr, "");
    // What was accepted stays so where a later statement fails.
    world.write(FILE, &edited());
    world.write(
        "migrations/ums/V3__broken.sql",
        "CREATE TABEL c (id INT);\n",
    );
    let failed = world
        .run(&accept("V1"))
        .exits(4)
        .says("V1 first is accepted");
    assert!(
        !failed.stderr.contains("migration-changed"),
        "{}",
        failed.transcript()
    );
    assert_eq!(ums(&world)["changed"], json!([]));
}

/// The other tool goes on where bird has accepted.
mod stock {
    use super::*;
    use crate::refinery::{refine, refinery};

    engines!(refinery_takes_what_was_accepted);

    fn refinery_takes_what_was_accepted(engine: Engine) {
        let Some(program) = refinery() else { return };
        let world = applied(engine);
        world.write(FILE, &edited());
        refine(&program, &world).expect_err("a divergent migration");
        world.run(&accept("V1")).ok();
        world.write(LATER, "CREATE TABLE b (id INT);\n");
        refine(&program, &world).unwrap_or_else(|output| panic!("{output}"));
        world.run(&["status", "--exit-code"]).ok();
        assert_eq!(stored(&world, "version"), "1\n");
    }
}
