//! Tests that each safety check fails when it should, and only then.

use super::*;
use crate::model::code::Code;
use crate::repair::plan::PlannedEndpoint;

fn planned() -> PlannedReference {
    let side = |database: &str| PlannedEndpoint {
        database: database.to_owned(),
        identity: format!("server/{database}"),
        columns: "columns".to_owned(),
    };
    PlannedReference {
        name: None,
        from: "twitter.messages.author_id".to_owned(),
        to: "ums.users.id".to_owned(),
        filter: None,
        to_where: None,
        null: "ok".to_owned(),
        compare: Vec::new(),
        key: vec!["id".to_owned()],
        child: side("twitter"),
        parent: side("ums"),
        index: 0,
    }
}

fn facts() -> TableFacts {
    TableFacts {
        child: "server/twitter".to_owned(),
        parent: "server/ums".to_owned(),
        child_columns: "columns".to_owned(),
        parent_columns: "columns".to_owned(),
        primary_key: vec!["id".to_owned()],
        parents: 100,
        ..TableFacts::default()
    }
}

fn totals(orphan_rows: u64, rows: u64) -> Totals {
    Totals {
        orphan_rows,
        orphan_keys: 1,
        rows,
        keys: 10,
        parents: Some(100),
    }
}

fn codes(totals: Totals, action: Action, facts: &TableFacts, allow: &[Code]) -> Vec<&'static str> {
    let allow: Vec<String> = allow.iter().map(|code| code.name().to_owned()).collect();
    let faults = safety_checks(&planned(), &totals, action, facts, &allow);
    faults.iter().map(|fault| fault.code.name()).collect()
}

const NONE: [&str; 0] = [];

#[test]
fn too_many_orphans_are_not_believed() {
    let of = |orphans, rows| codes(totals(orphans, rows), Action::Quarantine, &facts(), &[]);
    assert_eq!(of(50, 1000), NONE);
    assert_eq!(of(51, 1000), ["mostly-orphans"]);
    // A small table may have a few.
    assert_eq!(of(499, 999), NONE);
    assert_eq!(of(500, 999), ["mostly-orphans"]);
    assert_eq!(of(20, 20), NONE);
    assert_eq!(of(21, 40), ["mostly-orphans"]);
    let allowed = codes(totals(21, 40), Action::Quarantine, &facts(), &[MOSTLY]);
    assert_eq!(allowed, NONE);
}

#[test]
fn parents_that_are_missing_are_not_believed() {
    let of = |parents, allow: &[Code]| {
        let facts = TableFacts { parents, ..facts() };
        codes(totals(1, 100), Action::Quarantine, &facts, allow)
    };
    assert_eq!(enough(&totals(1, 100)), 50);
    assert_eq!(of(50, &[]), NONE);
    assert_eq!(of(49, &[]), ["parent-shrunk"]);
    assert_eq!(of(49, &[MOSTLY]), NONE);
    assert_eq!(of(0, &[MOSTLY]), ["parent-empty"]);
}

#[test]
fn another_place_is_not_repaired() {
    let of = |change: fn(&mut TableFacts)| {
        let mut facts = facts();
        change(&mut facts);
        codes(totals(1, 100), Action::Quarantine, &facts, &[])
    };
    assert_eq!(of(|facts| facts.child.clear()), ["other-database"]);
    assert_eq!(of(|facts| facts.parent.clear()), ["other-database"]);
    assert_eq!(of(|facts| facts.child_columns.clear()), ["table-changed"]);
    assert_eq!(of(|facts| facts.primary_key.clear()), ["no-primary-key"]);
    assert_eq!(
        of(|facts| facts.taken = Some("bird_run".into())),
        ["column-taken"]
    );
}

#[test]
fn side_effects_are_named_before_they_happen() {
    let of = |kind, action, allow: &[Code]| {
        let obstacles = vec![Obstacle {
            kind,
            name: "it".to_owned(),
        }];
        let facts = TableFacts {
            obstacles,
            ..facts()
        };
        codes(totals(1, 100), action, &facts, allow) == ["side-effects"]
    };
    let allow = [SIDE_EFFECTS, DATA_LOSS];
    let loss = [DATA_LOSS];
    for (kind, actions) in [
        (Hindrance::DeleteTrigger, [true, true, false]),
        (Hindrance::InsertTrigger, [true, false, false]),
        (Hindrance::UpdateTrigger, [false, false, false]),
        (Hindrance::DeleteCascade, [true, true, false]),
        (Hindrance::UpdateCascade, [false, false, true]),
    ] {
        for (action, holds) in Action::ALL.into_iter().zip(actions) {
            assert_eq!(of(kind, action, &loss), holds, "{kind:?} {action:?}");
            assert!(!of(kind, action, &allow), "{kind:?} {action:?}");
        }
    }
    for kind in [
        Hindrance::NotTable,
        Hindrance::Untransactional,
        Hindrance::Inherited,
        Hindrance::Rule,
    ] {
        assert!(of(kind, Action::Quarantine, &allow), "{kind:?}");
    }
}

#[test]
fn what_cannot_be_undone_needs_a_word() {
    let of = |allow: &[Code]| codes(totals(1, 100), Action::Delete, &facts(), allow);
    assert_eq!(of(&[]), ["data-loss"]);
    assert_eq!(of(&[DATA_LOSS]), NONE);
    let facts = TableFacts {
        not_null: vec!["author_id".to_owned()],
        ..facts()
    };
    assert_eq!(
        codes(totals(1, 100), Action::SetNull, &facts, &[]),
        ["not-null"]
    );
    assert_eq!(codes(totals(1, 100), Action::Quarantine, &facts, &[]), NONE);
}

#[test]
fn a_plan_expires_unless_it_was_begun() {
    let header = Header::new(
        "run",
        "2026-01-01T00:00:00Z",
        Action::Quarantine,
        Vec::new(),
    );
    let at = |time: &str, begun| expired(&header, moment(time).unwrap(), begun).is_some();
    assert!(!at("2026-01-01T01:00:00Z", false));
    assert!(at("2026-01-01T01:00:01Z", false));
    assert!(!at("2026-01-02T01:00:00Z", true));
    assert!(at("2026-01-02T01:00:01Z", true));
}

#[test]
fn a_plan_is_not_valid_for_longer_by_a_clock_or_an_edit() {
    let header = |made: &str| Header::new("run", made, Action::Quarantine, Vec::new());
    let now = moment("2026-01-01T00:00:00Z").unwrap();
    let of = |header: &Header, begun| expired(header, now, begun).map(|fault| fault.message);
    let ahead = header("2026-01-01T00:10:00Z");
    let message = of(&ahead, false).unwrap_or_default();
    assert!(message.contains("in the future"), "{message}");
    // What was begun is finished, and clocks differ a little.
    assert_eq!(of(&ahead, true), None);
    assert_eq!(of(&header("2026-01-01T00:04:00Z"), false), None);
    let mut edited = header("2025-12-01T00:00:00Z");
    edited.expires_on = "2030-01-01T00:00:00Z".to_owned();
    assert!(of(&edited, false).is_some());
}

#[test]
fn a_plan_of_the_last_hour_that_can_be_written_is_no_panic() {
    let header = Header::new(
        "run",
        "9999-12-31T23:30:00Z",
        Action::Quarantine,
        Vec::new(),
    );
    assert_eq!(header.expires_on, header.made_on);
}
