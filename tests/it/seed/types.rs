//! Every type of every engine: a declared value is inserted once and then unchanged, as a value and as
//! a key, and `verify` agrees.

use crate::world::{Engine, World};

engines!(every_type_settles);

/// A type and a declared value of it, in TOML.
type Sample = (&'static str, &'static str);

const MYSQL_AND_MARIADB: &[Sample] = &[
    ("TINYINT", "-5"),
    ("TINYINT(1)", "true"),
    ("SMALLINT UNSIGNED", "65535"),
    ("MEDIUMINT", "'7'"),
    ("INT", "1.5"),
    ("INT", "'2.5'"),
    ("INT(5) ZEROFILL", "42"),
    ("BIGINT", "-9223372036854775808"),
    ("BIGINT UNSIGNED", "18446744073709551615"),
    ("BIGINT UNSIGNED", "'18446744073709551614'"),
    ("DECIMAL(10,2)", "1.505"),
    ("DECIMAL(6,3)", "'1.50005'"),
    (
        "DECIMAL(65,30)",
        "'1234567890.123456789012345678901234567890'",
    ),
    ("DECIMAL(4)", "12"),
    ("FLOAT", "0.1"),
    ("FLOAT", "3.14159"),
    ("FLOAT", "16777217"),
    ("FLOAT(7,2)", "3.14159"),
    ("DOUBLE", "0.1"),
    ("DOUBLE", "9007199254740993"),
    ("DOUBLE(7,2)", "1.555"),
    ("DOUBLE(7,2)", "-1.555"),
    ("BIT(1)", "true"),
    ("BIT(8)", "5"),
    ("BIT(8)", "'101'"),
    ("YEAR", "20"),
    ("YEAR", "'2020'"),
    ("DATE", "'2024-1-2'"),
    ("DATE", "2024-01-02"),
    ("DATE", "2024-01-02T03:04:05Z"),
    ("TIME", "'10:00:00.6'"),
    ("TIME", "10:00:00"),
    ("TIME(3)", "'10:00:00.12345'"),
    ("DATETIME", "'2024-01-01 00:00:00.6'"),
    ("DATETIME", "2024-01-01T00:00:00"),
    ("DATETIME", "2024-01-01T00:00:00+02:00"),
    ("DATETIME(3)", "'2024-01-01 00:00:00.12345'"),
    ("TIMESTAMP NULL", "2020-06-01T10:00:00Z"),
    ("TIMESTAMP(2) NULL", "'2020-06-01T10:00:00.126-07:00'"),
    ("CHAR(5)", "'ab '"),
    ("CHAR(5) CHARACTER SET latin1", "'äb'"),
    ("VARCHAR(5)", "'ab '"),
    ("VARCHAR(3)", "'ab     '"),
    ("VARCHAR(20)", "1.50"),
    ("VARCHAR(20)", "true"),
    ("VARCHAR(20) CHARACTER SET latin1", "'größe'"),
    ("VARCHAR(20) COLLATE utf8mb4_bin", "'Case'"),
    ("TEXT", "'text'"),
    ("TEXT", "7"),
    ("LONGTEXT", "'😀'"),
    ("BINARY(5)", "'ab'"),
    ("BINARY(16)", "'AAAAAAAA-0000-4000-8000-000000000001'"),
    ("VARBINARY(5)", "'ab'"),
    ("VARBINARY(5)", "12"),
    ("BLOB", "'bytes'"),
    ("ENUM('a','b')", "'A'"),
    ("ENUM('a','b')", "'b '"),
    ("ENUM('a','it''s')", "\"it's\""),
    ("ENUM('a','b')", "2"),
    ("SET('x','y','z')", "'z,x'"),
    ("SET('x','y','z')", "'Y,X'"),
    ("SET('x','y','z')", "''"),
    ("SET('x','y','z')", "5"),
    ("JSON", "'{\"b\": 1,   \"a\": [1, 2.50]}'"),
    ("JSON", "'[1,2,3]'"),
    ("JSON", "5"),
    ("JSON", "true"),
    ("GEOMETRY", "'POINT(1 2)'"),
    ("POINT", "'POINT(1 2)'"),
    ("POLYGON", "'POLYGON((0 0, 0 3, 3 3, 0 0))'"),
    ("INT NULL", "{ null = true }"),
];

const MYSQL: &[Sample] = &[
    ("VECTOR(3)", "'[1, 2.5, 3]'"),
    ("POINT NOT NULL SRID 4326", "'POINT(1 2)'"),
    ("VARCHAR(20) COLLATE utf8mb4_0900_ai_ci", "'Größe '"),
    ("CHAR(5) COLLATE utf8mb4_0900_as_cs", "'ab '"),
];

const MARIADB: &[Sample] = &[
    ("UUID", "'AAAAAAAA-0000-0000-0000-000000000001'"),
    ("UUID", "'aaaaaaaa000000000000000000000002'"),
    ("INET6", "'2001:0db8:0000:0000:0000:0000:0000:0001'"),
    ("INET4", "'192.168.0.1'"),
    ("VARCHAR(20) COLLATE utf8mb4_nopad_bin", "'Case '"),
];

const POSTGRES: &[Sample] = &[
    ("smallint", "-5"),
    ("integer", "'7'"),
    ("integer", "1.5"),
    ("integer", "true"),
    ("bigint", "9223372036854775807"),
    ("oid", "4294967295"),
    ("real", "0.1"),
    ("real", "16777217"),
    ("real", "'0.1'"),
    ("double precision", "0.1"),
    ("double precision", "9007199254740993"),
    ("numeric", "1.50"),
    ("numeric", "18446744073709551615"),
    ("numeric", "'NaN'"),
    ("numeric(4,1)", "1.55"),
    ("numeric(4,1)", "'1.55'"),
    ("numeric(5,0)", "1e3"),
    ("money", "12.345"),
    ("boolean", "true"),
    ("boolean", "1"),
    ("boolean", "'yes'"),
    ("text", "5"),
    ("text", "1.50"),
    ("text", "true"),
    ("text", "'trailing '"),
    ("text", "2020-06-01T10:00:00Z"),
    ("character varying(5)", "12"),
    ("character varying(3)", "'ab     '"),
    ("character(5)", "'ab '"),
    ("character(5)", "'ab'"),
    ("\"char\"", "'x'"),
    ("name", "'name'"),
    ("citext", "'Case'"),
    ("text COLLATE caseless", "'Case'"),
    ("text COLLATE \"C\"", "'Case'"),
    ("bytea", "'bytes'"),
    ("bytea", "'AAAAAAAA-0000-4000-8000-000000000001'"),
    ("uuid", "'AAAAAAAA-0000-4000-8000-000000000001'"),
    ("uuid", "'{aaaaaaaa-0000-4000-8000-000000000002}'"),
    ("date", "2024-01-02"),
    ("date", "'January 2, 2024'"),
    ("time", "10:00:00"),
    ("time(0)", "'10:00:00.6'"),
    ("time with time zone", "'10:00:00+02'"),
    ("timestamp", "2024-01-01T00:00:00+02:00"),
    ("timestamp(0)", "'2024-01-01 00:00:00.6'"),
    ("timestamp with time zone", "2024-01-01T00:00:00Z"),
    ("timestamp(0) with time zone", "'2024-01-01 00:00:00.6+02'"),
    ("interval", "'1 day 2 hours'"),
    ("interval(0)", "'1.6 seconds'"),
    ("interval day to minute", "'1 day 2:03:04'"),
    ("json", "'{\"b\": 1,   \"a\": [1, 2.50]}'"),
    ("json", "5"),
    ("jsonb", "'{\"b\": 1,   \"a\": [1, 2.50]}'"),
    ("jsonb", "true"),
    ("jsonpath", "'$.a[*]'"),
    ("xml", "'<a>b</a>'"),
    ("point", "'1,2'"),
    ("line", "'{1,2,3}'"),
    ("lseg", "'(0,0),(1,1)'"),
    ("box", "'(0,0),(1,1)'"),
    ("path", "'((0,0),(1,1))'"),
    ("polygon", "'(0,0),(1,1),(2,0)'"),
    ("circle", "'<(0,0),2>'"),
    ("inet", "'192.168.0.1/32'"),
    ("cidr", "'10.1'"),
    ("macaddr", "'08-00-2B-01-02-03'"),
    ("macaddr8", "'08:00:2b:01:02:03:04:05'"),
    ("bit(3)", "'101'"),
    ("bit", "true"),
    ("bit varying(5)", "'101'"),
    ("tsvector", "'a fat cat'"),
    ("tsquery", "'fat & cat'"),
    ("int4range", "'[1,5]'"),
    ("numrange", "'(1.50,2)'"),
    ("tsrange", "'[2024-01-01,2024-02-01)'"),
    ("int4multirange", "'{[1,3],[4,6)}'"),
    ("integer[]", "'{1, 2,3}'"),
    ("real[]", "'{0.1}'"),
    ("numeric(4,1)[]", "'{1.55}'"),
    ("text[]", "'{a,\"b c\"}'"),
    ("varchar(3)[]", "'{a,\"b c\"}'"),
    ("json[]", "'{\"{\\\"a\\\": 1}\"}'"),
    ("point[]", "'{\"(1,2)\"}'"),
    ("timestamp(0)[]", "'{2024-01-01 00:00:00.6}'"),
    ("mood", "'happy'"),
    ("mood[]", "'{happy,sad}'"),
    ("pair", "'(1,b)'"),
    ("price", "1.555"),
    ("code", "'ab  '"),
    ("document", "'{\"a\":   1}'"),
    ("codes", "'{a,b}'"),
    ("moment", "2024-01-01T00:00:00+02:00"),
    ("hstore", "'a=>1, b=>2'"),
    ("ltree", "'Top.Science'"),
    ("pg_lsn", "'0/16B3748'"),
    ("regclass", "'pg_class'"),
    ("regtype", "'int4'"),
    ("txid_snapshot", "'10:20:10,14'"),
    ("integer", "{ null = true }"),
];

const POSTGRES_TYPES: &str = "CREATE EXTENSION citext; CREATE EXTENSION hstore; CREATE EXTENSION ltree;\n\
    CREATE TYPE mood AS ENUM ('happy', 'sad'); CREATE TYPE pair AS (a integer, b text);\n\
    CREATE DOMAIN price AS numeric(6,2); CREATE DOMAIN code AS varchar(3) CHECK (VALUE <> '');\n\
    CREATE DOMAIN document AS json; CREATE DOMAIN codes AS varchar(3)[];\n\
    CREATE DOMAIN moment AS timestamp(0);\n\
    CREATE COLLATION caseless (provider = icu, locale = 'und-u-ks-level2', deterministic = false);\n";

const SQLITE: &[Sample] = &[
    ("INTEGER", "1"),
    ("INTEGER", "'1'"),
    ("INTEGER", "1.0"),
    ("INTEGER", "1.5"),
    ("INTEGER", "'one'"),
    ("INTEGER", "true"),
    ("INTEGER", "18446744073709551615"),
    ("BIGINT", "-9223372036854775808"),
    ("TEXT", "5"),
    ("TEXT", "1.50"),
    ("TEXT", "true"),
    ("TEXT", "'trailing '"),
    ("TEXT", "2020-06-01T10:00:00Z"),
    ("TEXT COLLATE NOCASE", "'Case'"),
    ("TEXT COLLATE RTRIM", "'ab '"),
    ("VARCHAR(2)", "'longer'"),
    ("REAL", "0.1"),
    ("REAL", "1"),
    ("REAL", "9007199254740993"),
    ("REAL", "'9007199254740993'"),
    ("REAL", "'0.10'"),
    ("REAL", "'one'"),
    ("FLOAT", "16777217"),
    ("DOUBLE PRECISION", "-2.5e3"),
    ("NUMERIC", "1.50"),
    ("NUMERIC", "'1.50'"),
    ("NUMERIC", "'12345678901234567890'"),
    ("NUMERIC", "12345678901234567890"),
    ("DECIMAL(4,1)", "1.55"),
    ("BOOLEAN", "true"),
    ("BOOLEAN", "'true'"),
    ("DATE", "2024-01-02"),
    ("DATETIME", "2024-01-02T03:04:05Z"),
    ("BLOB", "'bytes'"),
    ("BLOB", "5"),
    ("BLOB", "1.5"),
    ("UUID", "'AAAAAAAA-0000-4000-8000-000000000001'"),
    ("BINARY(16)", "'AAAAAAAA-0000-4000-8000-000000000001'"),
    ("JSON", "'{\"b\":   1}'"),
    ("JSON", "5"),
    ("", "'1'"),
    ("", "1"),
    ("INTEGER", "{ null = true }"),
];

/// The types of STRICT tables.
const SQLITE_STRICT: &[Sample] = &[
    ("INT", "1"),
    ("INTEGER", "'1'"),
    ("INTEGER", "true"),
    ("REAL", "1"),
    ("REAL", "'0.1'"),
    ("REAL", "9007199254740993"),
    ("TEXT", "5"),
    ("TEXT", "1.50"),
    ("BLOB", "'bytes'"),
    ("ANY", "'1'"),
    ("ANY", "1"),
    ("ANY", "1.0"),
];

fn every_type_settles(engine: Engine) {
    let (setup, samples) = match engine {
        Engine::Sqlite => ("", vec![(SQLITE, ""), (SQLITE_STRICT, " STRICT")]),
        Engine::MariaDb => ("", vec![(MYSQL_AND_MARIADB, ""), (MARIADB, "")]),
        Engine::MySql | Engine::Galera => ("", vec![(MYSQL_AND_MARIADB, ""), (MYSQL, "")]),
        Engine::Postgres => (POSTGRES_TYPES, vec![(POSTGRES, "")]),
    };
    let samples = samples
        .iter()
        .flat_map(|(samples, options)| samples.iter().map(move |sample| (sample, options)));
    let (mut migration, mut config) = (setup.to_owned(), "[databases.ums]\n".to_owned());
    let mut rows = 0;
    for (at, ((sql, value), options)) in samples.enumerate() {
        migration.push_str(&format!(
            "CREATE TABLE t{at} (id INTEGER PRIMARY KEY, v {sql}){options};\n\
             CREATE TABLE k{at} (v {sql}, n INTEGER){options};\n"
        ));
        let mut declare = |table: &str, key: &str, row: &str| {
            rows += 1;
            config.push_str(&format!(
                "[[seeds]]\ntable = \"ums.{table}{at}\"\nkey = [\"{key}\"]\nrows = [{{ {row} }}]\n"
            ));
        };
        declare("t", "id", &format!("id = 1, v = {value}"));
        if !value.contains("null") {
            declare("k", "v", &format!("v = {value}, n = 1"));
        }
    }
    let world = World::one(engine)
        .file("bird.toml", &config)
        .migration("ums/V1__types.sql", &migration);
    let first = world.run(&["up"]).ok();
    let count =
        |output: &str, word: &str| output.lines().filter(|line| line.contains(word)).count();
    assert_eq!(
        count(&first.stdout, " inserted"),
        rows,
        "{}",
        first.transcript()
    );
    for arguments in [&["seed"][..], &["seed", "--dry-run"]] {
        let again = world.run(arguments).ok();
        assert_eq!(
            count(&again.stdout, " unchanged"),
            rows,
            "{}",
            again.transcript()
        );
    }
    world.run(&["verify"]).ok();
    // Each value was compared as it is stored; nothing had to be remembered.
    world.refused("ums", "SELECT count(*) FROM bird_seed");
}
