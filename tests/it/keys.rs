//! Keys of references, as each engine gives them: the same bytes for the same value, in the order
//! of the bytes, from whatever type it is in.
//!
//! What is put into tables and what must come out of them is data, in [`cases`].

mod cases;
mod copy;
mod table;

use std::collections::BTreeMap;

use bird::db::inspect;
use bird::db::keys;
use bird::db::session::{Access, Session};
use bird::dialect::by_scheme;
use bird::dialect::keys::{After, Asked, End, Range};
use bird::model::key::Compare;

use crate::world::{Engine, World};
use cases::{Case, cases};
use table::Laid;

engines!(keys_are_the_same_bytes_everywhere);

type Counts = BTreeMap<Vec<u8>, u64>;

fn keys_are_the_same_bytes_everywhere(engine: Engine) {
    let world = World::one(engine);
    world.run(&["provision"]).ok();
    let cases = cases(engine);
    let sql: Vec<String> = cases.iter().map(Case::table).collect();
    world.client("ums", &sql.join("\n"));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let target = table::target(&world);
        let dialect = by_scheme(engine.folder()).expect("an engine");
        let schema = dialect.facts().schema;
        let session = Session::open(&target, dialect, schema, Access::Look).await;
        let mut session = session.expect("a session");
        keys::prepare(&mut session).await.expect("a setting");
        let schema = inspect::schema(&mut session, target.database()).await;
        let schema = schema.expect("a schema");
        for case in &cases {
            let table = schema.table(&case.name).expect("the table");
            let server = session.server.clone();
            let mut laid = Laid {
                case,
                engine,
                session: &mut session,
            };
            let end = laid.end(table, &server, None).expect("an end");
            check(&mut laid, &end, &cases).await;
        }
        session.close().await;
    });
}

async fn check(laid: &mut Laid<'_>, end: &End<'_>, cases: &[Case]) {
    let case = laid.case;
    let whole = Range::default();
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
    laid.explained(end).await;
}

/// Whatever the bounds are, each row is in one range.
async fn ranges(laid: &mut Laid<'_>, end: &End<'_>, bounds: &[Vec<u8>]) {
    let mut bounds: Vec<Option<Vec<u8>>> = bounds.iter().cloned().map(Some).collect();
    bounds.insert(0, None);
    bounds.push(None);
    let mut all = Counts::new();
    // Where blanks at the end are nothing, what is less than a blank stands before the end.
    let is_plain = |bound: &Option<Vec<u8>>| bound.as_ref().is_none_or(|key| !key.contains(&9));
    for pair in bounds.windows(2) {
        let range = Range {
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
