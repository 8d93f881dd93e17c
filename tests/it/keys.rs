//! Keys of references, as each engine gives them: the same bytes for the same value, in the order
//! of the bytes, from whatever type it is in.
//!
//! What is put into tables and what must come out of them is data, in [`cases`].

mod cases;
mod collated;
mod copy;
mod table;

use std::collections::BTreeMap;

use bird::db::keys;
use bird::db::session::Session;
use bird::dialect::ErrorKind;
use bird::dialect::keys::{After, KeyQuery, KeyRange, KeySource, Replication, Wire};
use bird::model::key::Compare;
use bird::model::target::Target;

use crate::world::{Engine, World};
use cases::{Case, cases};
use table::Laid;

engines!(keys_are_the_same_bytes_everywhere);

#[test]
fn a_collation_is_that_of_its_server() {
    for engine in [Engine::MariaDb, Engine::MySql] {
        engine.run(collated::check);
    }
}

type Counts = BTreeMap<Vec<u8>, u64>;

fn keys_are_the_same_bytes_everywhere(engine: Engine) {
    let world = World::one(engine);
    world.run(&["provision"]).ok();
    let cases = cases(engine);
    let mut sql: Vec<String> = cases.iter().map(Case::table).collect();
    let analyzed = cases.iter().map(|case| case.name.as_str());
    let analyzed = analyzed.collect::<Vec<_>>().join(", ");
    sql.push(engine.pick(
        format!("ANALYZE TABLE {analyzed};"),
        "ANALYZE;".into(),
        "ANALYZE;".into(),
    ));
    world.client("ums", &sql.join("\n"));
    let mut output = Vec::new();
    table::run(&world, async |mut session, schema| {
        let server = session.server.clone();
        for case in &cases {
            let table = schema.table(&case.name).expect("the table");
            let mut laid = Laid {
                case,
                engine,
                session: &mut session,
            };
            let end = laid.end(table, &server, None).expect("an end");
            output.push(laid.promises(&end));
            check(&mut laid, &end, &cases).await;
            let some = laid.end(table, &server, Some("id > 1 AND (id < 3 OR ')' = ';')"));
            let some = some.expect("an end");
            let (counted, malformed) = laid
                .counts(&some.counted(&KeyRange::default()), false)
                .await;
            let rows = counted.values().chain(malformed.values()).sum::<u64>();
            assert_eq!(rows, 1, "{}: with a condition", case.name);
            laid.exactly(&some, &counted).await;
        }
        let standing = keys::replication(&mut session).await.expect("an answer");
        assert_eq!(standing, Replication::Primary);
        let load = keys::load(&mut session).await.expect("an answer");
        assert_eq!(load.is_some_and(|load| load > 0), engine != Engine::Sqlite);
        ends_early(&session, &table::target(&world), &cases[0]).await;
        session
    });
    table::check_promises(engine, &output);
}

/// Whoever stops listening ends the stream; what the server has against a query is an error, and
/// the session it happened in never gives a wrong answer.
async fn ends_early(session: &Session, target: &Target, case: &Case) {
    let part = (Wire::Bytes, Compare::Bytes);
    let asked = |sql: String| KeyQuery {
        sql,
        parts: vec![part.clone()],
        counted: None,
    };
    let mut other = session.another(target).await.expect("a session");
    let wrong = asked("SELECT k0 FROM nowhere".to_owned());
    let wrong = keys::all(&mut other, &wrong)
        .await
        .expect_err("no such table");
    assert_eq!(wrong.kind, ErrorKind::MissingTable, "{}", wrong);
    let next = other.value("SELECT 7").await;
    assert!(next.is_err() || next.is_ok_and(|next| next.as_deref() == Some("7")));
    let mut other = session.another(target).await.expect("a session");
    let (to, from) = tokio::sync::mpsc::channel(1);
    drop(from);
    let from = &case.name;
    let much =
        format!("SELECT a.k0 FROM {from} a, {from} b, {from} c, {from} d, {from} e, {from} f");
    keys::read(&mut other, &asked(much), &to)
        .await
        .expect("an early end");
    let next = other.value("SELECT 7").await;
    assert!(next.is_err() || next.is_ok_and(|next| next.as_deref() == Some("7")));
}

async fn check(laid: &mut Laid<'_>, end: &KeySource<'_>, cases: &[Case]) {
    let case = laid.case;
    let whole = KeyRange::default();
    let expected = case.expected();
    let (counted, malformed) = laid
        .counts(&end.counted(&whole), end.sorts() && case.in_order)
        .await;
    assert_eq!(counted, expected, "{}: counted", case.name);
    assert_eq!(malformed, case.malformed(), "{}: malformed", case.name);
    assert_eq!(
        laid.counts(&end.unordered(), false).await.0,
        expected,
        "{}: unordered",
        case.name
    );
    let keys: Vec<Vec<u8>> = expected.keys().cloned().collect();
    let (distinct, _) = laid.counts(&end.distinct(&whole), false).await;
    assert!(
        distinct.keys().eq(expected.keys()),
        "{}: distinct",
        case.name
    );
    // Keys of all other tables of its kind, so that bounds and probes come from other types too.
    let same = cases.iter().filter(|other| other.compare == case.compare);
    let foreign: Counts = same.flat_map(|other| other.expected()).collect();
    let foreign: Vec<Vec<u8>> = foreign.into_keys().collect();
    ranges(laid, end, &foreign).await;
    let found = keys::all(laid.session, &end.among(&foreign))
        .await
        .expect("an answer");
    let found: Vec<Vec<u8>> = found.iter().map(|(key, _)| key.to_vec()).collect();
    let found: Vec<Vec<u8>> = found
        .into_iter()
        .filter(|key| foreign.contains(key))
        .collect();
    assert_eq!(found, keys, "{}: among", case.name);
    for key in &foreign {
        let found = keys::all(laid.session, &end.among(std::slice::from_ref(key))).await;
        let found = found.expect("an answer");
        let found = found.iter().any(|(one, _)| one == key);
        assert_eq!(found, keys.contains(key), "{}: among {key:02x?}", case.name);
    }
    let nulls = laid.session.value(&end.nulls()).await.expect("a number");
    assert_eq!(nulls.as_deref(), Some("1"), "{}: nulls", case.name);
    laid.rows(end, &foreign).await;
    laid.walked(end).await;
    laid.estimated(end).await;
    laid.explained(end).await;
}

/// Whatever the bounds are, each row is in one range.
async fn ranges(laid: &mut Laid<'_>, end: &KeySource<'_>, bounds: &[Vec<u8>]) {
    let mut bounds: Vec<Option<Vec<u8>>> = bounds.iter().cloned().map(Some).collect();
    bounds.insert(0, None);
    bounds.push(None);
    let mut all = Counts::new();
    // Where blanks at the end are nothing, what is less than a blank stands before the end.
    let is_plain = |bound: &Option<Vec<u8>>| bound.as_ref().is_none_or(|key| !key.contains(&9));
    for pair in bounds.windows(2) {
        let range = KeyRange {
            after: pair[0].clone(),
            upto: pair[1].clone(),
        };
        let (some, _) = laid.counts(&end.counted(&range), false).await;
        for (key, rows) in some {
            let promised = laid.case.in_order && end.sorts() && end.parts.len() == 1;
            if promised && pair.iter().all(is_plain) {
                let inside = range.after.as_ref().is_none_or(|after| key > *after)
                    && range.upto.as_ref().is_none_or(|upto| key <= *upto);
                assert!(inside, "{}: {key:02x?} in {range:02x?}", laid.case.name);
            }
            *all.entry(key).or_default() += rows;
        }
    }
    assert_eq!(all, laid.case.expected(), "{}: ranges", laid.case.name);
}
