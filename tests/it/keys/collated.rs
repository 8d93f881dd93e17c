//! Sort keys are the same exactly where the server says that two texts are, whichever character
//! set they are in.

use bird::dialect::keys::KeyLocation;
use bird::model::schema::{Column, Schema};

use super::table::run;
use super::*;

const TEXTS: [&str; 14] = [
    "abc", "Abc", "abc ", "äbc", "abd", "ß", "ss", "é", "e", "E ", "", " ", "z", "ABC",
];

/// Of each collation one column, and one in another character set.
pub fn check(engine: Engine) {
    let world = World::one(engine);
    world.run(&["provision"]).ok();
    let newest = match engine {
        Engine::MySql => "utf8mb4_0900_ai_ci",
        _ => "utf8mb4_uca1400_ai_ci",
    };
    let collations = [newest, "utf8mb4_unicode_520_ci", "utf8mb4_general_ci"];
    let values = TEXTS.iter().enumerate();
    let values: Vec<String> = values
        .map(|(at, text)| format!("({at}, '{text}')"))
        .collect();
    let values = values.join(", ");
    for (number, collation) in collations.iter().enumerate() {
        let own = format!("utf8mb4 COLLATE {collation}");
        let sql = [("own", own), ("other", "latin1".to_owned())].map(|(name, set)| {
            format!(
                "CREATE TABLE {name}{number} (id INT PRIMARY KEY, \
                 k VARCHAR(20) CHARACTER SET {set}, KEY (k)); \
                 INSERT INTO {name}{number} VALUES {values};"
            )
        });
        world.client("ums", &format!("SET NAMES utf8mb4; {}", sql.concat()));
    }
    run(&world, async |mut session, schema| {
        for (number, collation) in collations.iter().enumerate() {
            let sql = format!(
                "SELECT COUNT(*) FROM own{number} GROUP BY k COLLATE {collation} \
                 ORDER BY k COLLATE {collation}"
            );
            let groups = session.rows(&sql).await.expect("groups");
            let groups: Vec<String> = groups.into_iter().flatten().flatten().collect();
            let mut all = Vec::new();
            for name in ["own", "other"] {
                let table = format!("{name}{number}");
                let counts = counts(&mut session, &schema, &table, collation).await;
                let output: Vec<String> = counts.values().map(u64::to_string).collect();
                assert_eq!(output, groups, "{collation} of {name}");
                all.push(counts);
            }
            assert_eq!(all[0], all[1], "{collation}");
        }
        session
    });
}

/// The keys of a table, which are found again, and are the same in two ranges.
async fn counts(session: &mut Session, schema: &Schema, table: &str, collation: &str) -> Counts {
    let output = format!("{collation} of {table}");
    let server = session.server.clone();
    let own = table.starts_with("own");
    let table = schema.table(table).expect("the table");
    let column: &Column = table.column("k").expect("the column");
    let place = KeyLocation {
        dialect: session.dialect,
        server: &server,
        schema: None,
        database: None,
    };
    let compare = Compare::Collated(collation.to_owned());
    let end = KeySource::new(place, table, &[(column, compare)], None).expect("an end");
    assert_eq!(end.indexed(), own, "{output}");
    let counted = keys::all(session, &end.counted(&KeyRange::default())).await;
    let counted = counted.expect("keys");
    let wanted: Vec<Vec<u8>> = counted.iter().map(|(key, _)| key.to_vec()).collect();
    let found = keys::all(session, &end.among(&wanted)).await.expect("keys");
    assert_eq!(found.len(), counted.len(), "{output}");
    let middle = wanted[wanted.len() / 2].clone();
    let mut rows = 0;
    for (after, upto) in [(None, Some(middle.clone())), (Some(middle), None)] {
        let half = end.counted(&KeyRange { after, upto });
        rows += keys::all(session, &half).await.expect("keys").rows();
    }
    assert_eq!(rows, TEXTS.len() as u64, "{output}");
    counted
        .iter()
        .map(|(key, rows)| (key.to_vec(), rows))
        .collect()
}
