//! `migrate --dry-run --format sql` is a script for the engines' own clients, and what they make of it
//! is what bird makes of the same files.

use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::world::{Engine, World};

engines!(the_script_of_a_dry_run_gives_the_same_schema);

/// Objects whose text holds semicolons and quotes, by engine.
const MYSQL: &str = "CREATE TABLE `log` (id INT AUTO_INCREMENT PRIMARY KEY, line TEXT);
DELIMITER //
CREATE TRIGGER logged AFTER INSERT ON users FOR EACH ROW
BEGIN
  INSERT INTO `log` (line) VALUES (CONCAT('new; ', NEW.name));
  INSERT INTO `log` (line) VALUES ('it''s in');
END//
DELIMITER ;
";
const POSTGRES: &str = "CREATE TABLE log (id SERIAL PRIMARY KEY, line TEXT);
CREATE FUNCTION logged() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
  INSERT INTO log (line) VALUES ('new; ' || NEW.name);
  INSERT INTO log (line) VALUES ('it''s in');
  RETURN NEW;
END
$body$;
CREATE TRIGGER logged AFTER INSERT ON users FOR EACH ROW EXECUTE FUNCTION logged();
";
const SQLITE: &str = "CREATE TABLE log (id INTEGER PRIMARY KEY, line TEXT);
CREATE TRIGGER logged AFTER INSERT ON users FOR EACH ROW
BEGIN
  INSERT INTO log (line) VALUES ('new; ' || NEW.name);
  INSERT INTO log (line) VALUES ('it''s in');
END;
";

/// Sends a script to the engine's own client, as a person would.
fn feed(world: &World, engine: Engine, script: &str) {
    let mut command = match engine.word() {
        None => Command::new("sqlite3"),
        Some(word) => {
            let client = std::env::var(format!("BIRD_TEST_{word}_CLIENT"));
            Command::new(client.expect("a client"))
        }
    };
    command.arg(world.name("ums"));
    command.stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.stdout(Stdio::piped()).spawn().expect("the client");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(script.as_bytes()).expect("the script");
    drop(stdin);
    let output = child.wait_with_output().expect("its end");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script}\n{errors}");
}

fn the_script_of_a_dry_run_gives_the_same_schema(engine: Engine) {
    let world = World::one(engine)
        .migration(
            "ums/V1__users.sql",
            "CREATE TABLE users (id INT NOT NULL PRIMARY KEY, name VARCHAR(90) DEFAULT 'a;b');\n\
             CREATE INDEX by_name ON users (name);\n",
        )
        .migration("ums/V2__log.sql", engine.pick(MYSQL, POSTGRES, SQLITE))
        .migration(
            "ums/V3__rows.sql",
            "-- a remark; with a semicolon\nINSERT INTO users VALUES (1, 'O''Hara -- \u{e9}');\n\
             CREATE VIEW names AS SELECT name FROM users;\n",
        );
    world.run(&["provision"]).ok();
    let script = world.run(&["migrate", "--dry-run", "--format", "sql"]).ok();
    feed(&world, engine, &script.stdout);
    assert_eq!(
        world.client("ums", "SELECT line FROM log ORDER BY id"),
        "new; O'Hara -- \u{e9}\nit's in\n"
    );
    // The same schema, and no history: bird says so, and takes it over.
    world.run(&["diff", "ums", "ums@migrations"]).ok();
    world.run(&["status"]).ok().says("unmanaged");
    world
        .run(&["migrate"])
        .exits(3)
        .warns("error[non-empty]")
        .warns("bird adopt");
    world.run(&["adopt"]).ok();
    world.run(&["status", "--exit-code"]).ok();
    world.run(&["verify"]).ok();

    // What is taken back by a script is gone as well.
    world.write("migrations/ums/V3__rows.undo.sql", "DROP VIEW names;\n");
    let undo = ["undo", "--dry-run", "--format", "sql"];
    let script = world.run(&undo).ok();
    feed(&world, engine, &script.stdout);
    world.refused("ums", "SELECT * FROM names");
}
