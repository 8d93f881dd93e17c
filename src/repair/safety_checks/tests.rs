//! Each brake holds, and lets go of what is no reason to hold.

use super::*;
use crate::model::code::Code;
use crate::repair::plan::Side;

fn planned() -> Planned {
    let side = |database: &str| Side {
        database: database.to_owned(),
        identity: format!("server/{database}"),
        columns: "columns".to_owned(),
    };
    Planned {
        from: "twitter.messages.author_id".to_owned(),
        to: "ums.users.id".to_owned(),
        filter: None,
        to_where: None,
        null: "ok".to_owned(),
        compare: Vec::new(),
        key: vec!["id".to_owned()],
        child: side("twitter"),
        parent: side("ums"),
        place: 0,
    }
}

fn seen() -> Seen {
    Seen {
        child: "server/twitter".to_owned(),
        parent: "server/ums".to_owned(),
        child_columns: "columns".to_owned(),
        parent_columns: "columns".to_owned(),
        primary_key: vec!["id".to_owned()],
        parents: 100,
        ..Seen::default()
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

fn codes(totals: Totals, action: Action, seen: &Seen, allow: &[Code]) -> Vec<&'static str> {
    let allow: Vec<String> = allow.iter().map(|code| code.name().to_owned()).collect();
    let faults = brakes(&planned(), &totals, action, seen, &allow);
    faults.iter().map(|fault| fault.code.name()).collect()
}

const NONE: [&str; 0] = [];

#[test]
fn too_many_orphans_are_not_believed() {
    let of = |orphans, rows| codes(totals(orphans, rows), Action::Quarantine, &seen(), &[]);
    assert_eq!(of(50, 1000), NONE);
    assert_eq!(of(51, 1000), ["mostly-orphans"]);
    // A small table may have a few.
    assert_eq!(of(499, 999), NONE);
    assert_eq!(of(500, 999), ["mostly-orphans"]);
    assert_eq!(of(20, 20), NONE);
    assert_eq!(of(21, 40), ["mostly-orphans"]);
    let allowed = codes(totals(21, 40), Action::Quarantine, &seen(), &[MOSTLY]);
    assert_eq!(allowed, NONE);
}

#[test]
fn parents_that_are_missing_are_not_believed() {
    let of = |parents, allow: &[Code]| {
        let seen = Seen { parents, ..seen() };
        codes(totals(1, 100), Action::Quarantine, &seen, allow)
    };
    assert_eq!(enough(&totals(1, 100)), 50);
    assert_eq!(of(50, &[]), NONE);
    assert_eq!(of(49, &[]), ["parent-shrunk"]);
    assert_eq!(of(49, &[MOSTLY]), NONE);
    assert_eq!(of(0, &[MOSTLY]), ["parent-empty"]);
}

#[test]
fn another_place_is_not_repaired() {
    let of = |change: fn(&mut Seen)| {
        let mut seen = seen();
        change(&mut seen);
        codes(totals(1, 100), Action::Quarantine, &seen, &[])
    };
    assert_eq!(of(|seen| seen.child.clear()), ["other-database"]);
    assert_eq!(of(|seen| seen.parent.clear()), ["other-database"]);
    assert_eq!(of(|seen| seen.child_columns.clear()), ["table-changed"]);
    assert_eq!(of(|seen| seen.primary_key.clear()), ["no-primary-key"]);
    assert_eq!(
        of(|seen| seen.taken = Some("bird_run".into())),
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
        let seen = Seen {
            obstacles,
            ..seen()
        };
        codes(totals(1, 100), action, &seen, allow) == ["side-effects"]
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
    let of = |allow: &[Code]| codes(totals(1, 100), Action::Delete, &seen(), allow);
    assert_eq!(of(&[]), ["data-loss"]);
    assert_eq!(of(&[DATA_LOSS]), NONE);
    let seen = Seen {
        not_null: vec!["author_id".to_owned()],
        ..seen()
    };
    assert_eq!(
        codes(totals(1, 100), Action::SetNull, &seen, &[]),
        ["not-null"]
    );
    assert_eq!(codes(totals(1, 100), Action::Quarantine, &seen, &[]), NONE);
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
