//! Keys of types that are neither bytes, whole numbers nor plain text.

use super::{counted, world};
use crate::world::Engine;

engines!(keys_of_one_type_are_compared);

/// The type of the child, that of the parent, and three values, the last of which has no parent.
type Kind = (&'static str, &'static str, [&'static str; 3]);

const DATES: [&str; 3] = ["'2020-01-01'", "'2024-02-29'", "'1999-12-31'"];
const MOMENTS: [&str; 3] = [
    "'2020-01-01 00:00:00'",
    "'2020-01-01 10:00:00.5'",
    "'2021-01-01 00:00:00'",
];
const DECIMALS: [&str; 3] = ["1.50", "-20", "0.25"];
const DOUBLES: [&str; 3] = ["1.5e0", "-2e300", "0.1e0"];

const POSTGRES: &[Kind] = &[
    ("numeric", "numeric", DECIMALS),
    ("numeric(10,2)", "numeric(12,4)", DECIMALS),
    ("date", "date", DATES),
    ("timestamp(3)", "timestamp", MOMENTS),
    ("timestamptz", "timestamptz", MOMENTS),
    ("time", "time", ["'10:00'", "'10:00:00.25'", "'23:59:59'"]),
    (
        "timetz",
        "timetz",
        ["'10:00+01'", "'10:00+02'", "'23:59:59+00'"],
    ),
    ("mood", "mood", ["'sad'", "'ok'", "'happy'"]),
    ("mood", "text", ["'sad'", "'ok'", "'happy'"]),
    ("number", "number", ["1", "2", "3"]),
    ("number", "integer", ["1", "2", "3"]),
    ("numbers", "bigint", ["1", "2", "3"]),
    ("price", "price", DECIMALS),
    (
        "ident",
        "uuid",
        [
            "'00000000-0000-4000-8000-000000000001'",
            "'00000000-0000-4000-8000-000000000002'",
            "'00000000-0000-4000-8000-000000000003'",
        ],
    ),
    ("oid", "oid", ["1", "3000000000", "2"]),
    ("bit(4)", "bit(4)", ["B'0001'", "B'1000'", "B'0100'"]),
    ("inet", "inet", ["'10.0.0.1'", "'10.0.0.0/24'", "'::1'"]),
    ("double precision", "double precision", DOUBLES),
];

const MYSQL: &[Kind] = &[
    ("DATE", "DATE", DATES),
    ("DATETIME(6)", "DATETIME(3)", MOMENTS),
    ("TIMESTAMP(1)", "TIMESTAMP(6)", MOMENTS),
    (
        "TIME(6)",
        "TIME(6)",
        ["'10:00:00'", "'-10:00:00.25'", "'23:59:59'"],
    ),
    ("YEAR", "YEAR", ["2020", "0", "2000"]),
    ("BIT(8)", "BIT(8)", ["b'1'", "b'11111111'", "b'10'"]),
    ("DECIMAL(10,2)", "DECIMAL(10,2)", DECIMALS),
    ("DECIMAL(10,2)", "DECIMAL(12,4)", DECIMALS),
    ("DOUBLE", "DOUBLE", DOUBLES),
    ("VARCHAR(20)", "VARCHAR(20)", ["'a'", "'b'", "'c'"]),
];

const INET: &[Kind] = &[("INET6", "INET6", ["'::1'", "'::2'", "'fe80::1'"])];

const TYPES: &str = "CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy'); \
                     CREATE DOMAIN number AS integer; CREATE DOMAIN numbers AS number; \
                     CREATE DOMAIN ident AS uuid; CREATE DOMAIN price AS numeric(10,2);";

/// Every type with every strategy, and a repair by its keys.
fn keys_of_one_type_are_compared(engine: Engine) {
    let kinds: Vec<&Kind> = match engine {
        Engine::Sqlite => return,
        Engine::Postgres => POSTGRES.iter().collect(),
        Engine::MySql => MYSQL.iter().collect(),
        Engine::MariaDb | Engine::Galera => MYSQL.iter().chain(INET).collect(),
    };
    let types = engine.pick("", TYPES, "");
    let (mut parents, mut children) = (types.to_owned(), types.to_owned());
    let mut references = String::new();
    for (at, (child, parent, [one, other, missing])) in kinds.iter().enumerate() {
        parents.push_str(&format!(
            "CREATE TABLE p{at} (k {parent} NOT NULL PRIMARY KEY); \
             INSERT INTO p{at} VALUES ({one}), ({other});"
        ));
        children.push_str(&format!(
            "CREATE TABLE c{at} (id INT PRIMARY KEY, n INT, k {child} NULL); \
             CREATE INDEX i{at} ON c{at} (k); INSERT INTO c{at} VALUES \
             (1, 1, {one}), (2, 1, {other}), (3, 1, {missing}), (4, 1, {other});"
        ));
        references.push_str(&format!(
            "[[references]]\nfrom = \"twitter.c{at}.k\"\nto = \"ums.p{at}.k\"\n"
        ));
    }
    // A key of several columns, as that of a partitioned table.
    parents.push_str(
        "CREATE TABLE dim (n INT, day DATE, PRIMARY KEY (n, day)); \
         INSERT INTO dim VALUES (1, '2020-01-01'), (1, '2020-01-02');",
    );
    children.push_str(
        "CREATE TABLE fact (id INT PRIMARY KEY, n INT, day DATE); \
         CREATE INDEX by_day ON fact (n, day); INSERT INTO fact VALUES \
         (1, 1, '2020-01-01'), (2, 1, '2020-01-03'), (3, 1, '2020-01-02'), (4, 1, '2020-01-02');",
    );
    references
        .push_str("[[references]]\nfrom = \"twitter.fact.(n, day)\"\nto = \"ums.dim.(n, day)\"\n");
    let world = world(engine, &references, &parents, &children);
    let wanted = vec![[4, 3, 1, 1]; kinds.len() + 1];
    for strategy in [
        &[][..],
        &["--strategy", "hash"],
        &["--strategy", "probe"],
        &["--apart"],
    ] {
        let flags = [&["audit", "--format", "json"], strategy].concat();
        let audited = world.run(&flags).exits(1).json();
        assert_eq!(counted(&audited), wanted, "{strategy:?}: {audited}");
    }
    world.run(&["audit", "--plan", "orphans.plan"]).exits(1);
    world
        .run(&["repair", "--plan", "orphans.plan", "--execute"])
        .ok();
    world.run(&["audit"]).ok();
}

/// Equality that only the server knows must not become that of bytes.
#[test]
fn texts_that_only_the_server_compares_are_refused() {
    Engine::Postgres.run(|engine| {
        let loose = "CREATE COLLATION nd (provider = icu, locale = 'und-u-ks-level2', \
                     deterministic = false); ";
        let both =
            |of: &str| format!("[[references]]\nfrom = \"twitter.c.{of}\"\nto = \"ums.p.id\"\n");
        let world = world(
            engine,
            &both("loose"),
            &format!(
                "{loose} CREATE TABLE p (id text COLLATE nd PRIMARY KEY); \
                      INSERT INTO p VALUES ('Foo'), ('bar')"
            ),
            &format!(
                "{loose} CREATE TABLE c (id INT PRIMARY KEY, loose varchar(9) COLLATE nd, \
                      exact text); CREATE INDEX l ON c (loose); CREATE INDEX e ON c (exact); \
                      INSERT INTO c VALUES (1, 'FOO', 'Foo'), (2, 'BAR', 'bar'), (3, 'zzz', 'zzz')"
            ),
        );
        let config = world.read("bird.toml");
        for of in ["loose", "exact"] {
            world.write("bird.toml", &config.replace("c.loose", &format!("c.{of}")));
            let refused = world.run(&["audit"]).exits(2);
            refused.warns("the collation nd").warns("`compare`");
        }
        // The child's equality is wider than the parent's.
        let swapped = config
            .replace("twitter.c.loose", "ums.p.id")
            .replace("to = \"ums.p.id\"", "to = \"twitter.c.exact\"");
        world.write("bird.toml", &swapped);
        world.run(&["audit"]).exits(2).warns("the collation nd");
        world.write("bird.toml", &format!("{config}compare = \"text:NOCASE\"\n"));
        let audited = world.run(&["audit", "--format", "json"]).exits(1).json();
        assert_eq!(counted(&audited), [[3, 3, 1, 1]], "{audited}");
    });
}
