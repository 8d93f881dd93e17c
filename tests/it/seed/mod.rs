//! Reference data: found by its natural key, written exactly, and nothing else touched.

mod converge;
mod types;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::{Engine, World, database};

engines!(
    ids_are_the_same_on_every_engine,
    rows_are_inserted_updated_or_left_and_the_rest_stays,
    values_arrive_exactly,
    numbers_and_booleans_are_what_they_are,
    a_failing_row_takes_the_others_back,
    a_dry_run_writes_nothing,
    a_missing_table_is_told_beforehand,
);

/// What the README prints.
const NAMESPACE: Uuid = Uuid::from_u128(0x6fd80a60_c3c5_4e87_99f4_1fa3e0676d09);

fn roles(engine: Engine) -> &'static str {
    engine.pick(
        "CREATE TABLE roles (id BINARY(16) PRIMARY KEY, name VARCHAR(100) NOT NULL UNIQUE, \
         description VARCHAR(200), kept VARCHAR(20) DEFAULT 'default');\n",
        "CREATE TABLE roles (id uuid PRIMARY KEY, name varchar(100) NOT NULL UNIQUE, \
         description varchar(200), kept varchar(20) DEFAULT 'default');\n",
        "CREATE TABLE roles (id BLOB PRIMARY KEY, name TEXT NOT NULL UNIQUE, \
         description TEXT CHECK (length(description) <= 200), kept TEXT DEFAULT 'default');\n",
    )
}

/// A project with the table `roles` and these rows, not seeded yet.
fn world(engine: Engine, rows: &str) -> World {
    let world = World::one(engine).migration("ums/V1__roles.sql", roles(engine));
    declare(&world, rows);
    world.run(&["provision"]).ok();
    world.run(&["migrate"]).ok();
    world
}

fn declare(world: &World, rows: &str) {
    let seeds = format!("[[seeds]]\ntable = \"ums.roles\"\nkey = [\"name\"]\nrows = [\n{rows}]\n");
    world.write("bird.toml", &format!("[databases.ums]\n{seeds}"));
}

/// The id of a row as 32 digits.
fn id(world: &World, name: &str) -> String {
    let column = world
        .engine_of("ums")
        .pick("HEX(id)", "replace(id::text, '-', '')", "hex(id)");
    let sql = format!("SELECT {column} FROM roles WHERE name = '{name}'");
    world.client("ums", &sql).trim().to_lowercase()
}

fn ids_are_the_same_on_every_engine(engine: Engine) {
    let world = World::bird().engine("ums", engine);
    world.run(&["up"]).ok();
    for name in ["admin", "moderator", "member"] {
        let text = format!("[\"ums\",\"roles\",\"{name}\"]");
        let expected = Uuid::new_v5(&NAMESPACE, text.as_bytes());
        assert_eq!(id(&world, name), expected.simple().to_string());
    }
}

fn rows_are_inserted_updated_or_left_and_the_rest_stays(engine: Engine) {
    let world = world(
        engine,
        "{ name = \"admin\", description = \"new\" },\n{ name = \"member\", description = \"same\" },\n\
         { name = \"guest\" },\n",
    );
    let own = "00112233445566778899aabbccddeeff";
    let literal = |id: &str| engine.pick(format!("X'{id}'"), format!("'{id}'"), format!("X'{id}'"));
    let (one, two, three) = (
        literal(own),
        literal(&own.replace('0', "1")),
        literal(&own.replace('0', "2")),
    );
    world.client(
        "ums",
        &format!(
            "INSERT INTO roles VALUES ({one}, 'admin', 'old', 'mine'), \
             ({two}, 'member', 'same', 'mine'), ({three}, 'undeclared', NULL, 'mine')"
        ),
    );
    let report = world.run(&["seed", "--format", "json"]).ok().json();
    let rows = database(&report, "ums")["seeds"]
        .as_array()
        .expect("seeds")
        .clone();
    let output: Vec<(&Value, &Value)> = rows
        .iter()
        .map(|row| (&row["action"], &row["columns"]))
        .collect();
    assert_eq!(
        output,
        [
            (&json!("update"), &json!(["description"])),
            (&json!("leave"), &json!([])),
            (&json!("insert"), &json!([])),
        ]
    );
    // A row that exists keeps its id, and what the project does not mention.
    assert_eq!(id(&world, "admin"), own);
    let all = world.client(
        "ums",
        "SELECT name, description, kept FROM roles ORDER BY name",
    );
    assert_eq!(
        all,
        "admin\tnew\tmine\nguest\tNULL\tdefault\nmember\tsame\tmine\nundeclared\tNULL\tmine\n"
    );
    let again = world.run(&["seed"]).ok();
    assert_eq!(
        again.stdout.matches("unchanged").count(),
        3,
        "{}",
        again.transcript()
    );
    declare(
        &world,
        "{ name = \"admin\", description = { null = true } },\n",
    );
    world.run(&["seed"]).ok().says("updated: description");
    world.run(&["seed"]).ok().says("unchanged");
    let null = "SELECT count(*) FROM roles WHERE name = 'admin' AND description IS NULL";
    assert_eq!(world.client("ums", null), "1\n");
}

/// What means something to SQL, to a shell or to a client, and what is more than one byte.
fn values_arrive_exactly(engine: Engine) {
    let values = [
        "it's",
        "\"double\"",
        "back\\slash",
        "ends in \\",
        "\\'",
        "''",
        "`tick`",
        "100%",
        "%s",
        "a;b",
        "-- no comment",
        "/* nor */",
        "$$ $1",
        "größe 😀",
        "tab\there",
        "line\nfeed",
        "return\r",
        " blanks ",
        "",
        "NULL",
        "{x}",
        "?",
        ":name",
        "\u{7f}",
        "e\u{301} é",
    ];
    let rows: String = values
        .iter()
        .enumerate()
        .map(|(at, value)| {
            let text = serde_json::to_string(value).expect("a text");
            // TOML wants this control character escaped, JSON leaves it.
            let text = text.replace('\u{7f}', "\\u007f");
            format!("{{ name = \"n{at}\", description = {text} }},\n")
        })
        .collect();
    let world = world(engine, &rows);
    world.run(&["seed"]).ok();
    let hex = engine.pick(
        "HEX(description)",
        "upper(encode(convert_to(description, 'UTF8'), 'hex'))",
        "hex(description)",
    );
    for (at, value) in values.iter().enumerate() {
        let sql = format!("SELECT {hex} FROM roles WHERE name = 'n{at}'");
        let expected: String = value.bytes().map(|byte| format!("{byte:02X}")).collect();
        assert_eq!(world.client("ums", &sql).trim(), expected, "{value:?}");
    }
    // Equal means equal: nothing is updated for ever.
    let again = world.run(&["seed"]).ok();
    assert_eq!(
        again.stdout.matches("unchanged").count(),
        values.len(),
        "{}",
        again.transcript()
    );
    // As keys they are found again.
    let keys: String = values
        .iter()
        .filter(|value| !value.trim().is_empty())
        .map(|value| {
            let text = serde_json::to_string(value).expect("a text");
            format!("{{ name = {} }},\n", text.replace('\u{7f}', "\\u007f"))
        })
        .collect();
    declare(&world, &keys);
    world.run(&["seed"]).ok().says("inserted");
    let again = world.run(&["seed"]).ok();
    assert!(!again.stdout.contains("inserted"), "{}", again.transcript());
}

fn numbers_and_booleans_are_what_they_are(engine: Engine) {
    let real = engine.pick("DOUBLE", "double precision", "REAL");
    let table = format!(
        "CREATE TABLE limits (id INT PRIMARY KEY, big BIGINT, amount {real}, is_on BOOLEAN);\n"
    );
    let config = "[databases.ums]\n[[seeds]]\ntable = \"ums.limits\"\nkey = [\"id\"]\nrows = [\n\
                  { id = 1, big = 9223372036854775807, amount = 1.5, is_on = true },\n\
                  { id = -2, big = -9223372036854775808, amount = -2.5e3, is_on = false },\n\
                  { id = 3, big = { null = true }, amount = 0.1, is_on = { null = true } },\n]\n";
    let world = World::one(engine)
        .file("bird.toml", config)
        .migration("ums/V1__limits.sql", &table);
    world.run(&["up"]).ok();
    let (yes, no) = engine.pick(("1", "0"), ("t", "f"), ("1", "0"));
    let zero = engine.pick("-2500", "-2500", "-2500.0");
    assert_eq!(
        world.client("ums", "SELECT * FROM limits ORDER BY id"),
        format!(
            "-2\t-9223372036854775808\t{zero}\t{no}\n1\t9223372036854775807\t1.5\t{yes}\n\
             3\tNULL\t0.1\tNULL\n"
        )
    );
    let again = world.run(&["seed"]).ok();
    assert_eq!(
        again.stdout.matches("unchanged").count(),
        3,
        "{}",
        again.transcript()
    );
}

fn a_failing_row_takes_the_others_back(engine: Engine) {
    let id = "00112233-4455-6677-8899-aabbccddeeff";
    let rows =
        format!("{{ name = \"good\", id = \"{id}\" }},\n{{ name = \"bad\", id = \"{id}\" }},\n");
    let world = world(engine, &rows);
    let failed = world
        .run(&["seed"])
        .exits(4)
        .warns("seed-failed")
        .warns("name=bad");
    assert!(
        failed.stderr.contains("rolled back"),
        "{}",
        failed.transcript()
    );
    assert!(
        failed.stderr.contains("bird.toml:7"),
        "{}",
        failed.transcript()
    );
    assert_eq!(world.client("ums", "SELECT count(*) FROM roles"), "0\n");
}

fn a_dry_run_writes_nothing(engine: Engine) {
    let world = world(engine, "{ name = \"admin\", description = \"x\" },\n");
    world
        .run(&["seed", "--dry-run"])
        .ok()
        .says("would be inserted")
        .says("INSERT INTO");
    assert_eq!(world.client("ums", "SELECT count(*) FROM roles"), "0\n");
    world.run(&["seed"]).ok();
    declare(&world, "{ name = \"admin\", description = \"y\" },\n");
    world
        .run(&["seed", "--dry-run"])
        .ok()
        .says("would be updated: description");
    assert_eq!(world.client("ums", "SELECT description FROM roles"), "x\n");
}

fn a_missing_table_is_told_beforehand(engine: Engine) {
    let world = World::one(engine).file("migrations/ums/V1__roles.sql", roles(engine));
    declare(&world, "{ name = \"admin\" },\n");
    world.run(&["provision"]).ok();
    let seeds = "[[seeds]]\ntable = \"ums.nothing\"\nkey = [\"id\"]\nrows = [{ id = 1 }]\n";
    world
        .run(&["seed"])
        .exits(2)
        .warns("no-table")
        .warns("bird migrate");
    world.run(&["migrate"]).ok();
    let config = std::fs::read_to_string(world.path("bird.toml")).expect("the config");
    world.write("bird.toml", &format!("{config}{seeds}"));
    world.run(&["seed"]).exits(2).warns("ums.nothing");
    // Not even the table that is there: everything is looked at first.
    assert_eq!(world.client("ums", "SELECT count(*) FROM roles"), "0\n");
}
