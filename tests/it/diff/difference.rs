//! What the diff says of two schemas, without an engine: names, orders, and what makes no difference.

use bird::diff::diff;
use bird::model::change::{Alter, Change, Pair};
use bird::model::schema::{
    Check, Column, Key, KeyKind, KeyPart, Kind, Object, OpaqueObject, Schema, Table,
};

fn column(name: &str) -> Column {
    Column {
        name: name.to_owned(),
        sql: "int".to_owned(),
        ..Column::default()
    }
}

fn key(name: &str, named: bool, of: &str) -> Key {
    let part = KeyPart {
        column: Some(of.to_owned()),
        ..Default::default()
    };
    Key {
        name: name.to_owned(),
        named,
        kind: KeyKind::Unique,
        parts: vec![part],
        ..Key::default()
    }
}

fn check(name: &str, named: bool, expression: &str) -> Check {
    Check {
        name: name.to_owned(),
        named,
        expression: expression.to_owned(),
        ..Check::default()
    }
}

fn with(columns: &[&str]) -> Table {
    Table {
        name: "t".to_owned(),
        columns: columns.iter().map(|name| column(name)).collect(),
        ..Table::default()
    }
}

fn schema(table: Table) -> Schema {
    Schema {
        tables: vec![table],
        ..Schema::default()
    }
}

fn alters(from: Table, to: Table) -> Vec<Alter> {
    altered(diff(&schema(from), &schema(to), true).changes)
}

fn altered(changes: Vec<Change>) -> Vec<Alter> {
    let alters = changes.into_iter().flat_map(|change| match change {
        Change::Alter { alters, .. } => alters,
        other => panic!("{other:?}"),
    });
    alters.collect()
}

fn keyed(keys: &[Key]) -> Table {
    Table {
        keys: keys.to_vec(),
        ..with(&["a", "b"])
    }
}

fn checked(checks: &[Check]) -> Table {
    Table {
        checks: checks.to_vec(),
        ..with(&["a"])
    }
}

#[test]
fn what_is_the_same_differs_in_nothing() {
    let one = keyed(&[key("k", true, "a"), key("l", true, "b")]);
    let other = keyed(&[key("l", true, "b"), key("k", true, "a")]);
    assert_eq!(alters(one.clone(), one.clone()), []);
    // The order in which keys are told is none.
    assert_eq!(alters(one, other), []);
}

#[test]
fn a_key_under_another_name_is_renamed() {
    let (old, new) = (key("k", true, "a"), key("l", true, "a"));
    let renamed = Alter::RenameKey(Box::new(Pair::new(old.clone(), new.clone())));
    assert_eq!(alters(keyed(&[old]), keyed(&[new])), [renamed]);
}

#[test]
fn a_name_that_stays_wins_over_a_twin() {
    let from = keyed(&[key("k", true, "a"), key("l", true, "b")]);
    let to = keyed(&[key("k", true, "b"), key("l", true, "a")]);
    let modified = |name: &str, old: &str, new: &str| {
        Alter::ModifyKey(Box::new(Pair::new(
            key(name, true, old),
            key(name, true, new),
        )))
    };
    let output = [modified("k", "a", "b"), modified("l", "b", "a")];
    assert_eq!(alters(from, to), output);
}

#[test]
fn a_name_of_the_engine_says_nothing() {
    let (old, new) = (key("t_ibfk_1", false, "a"), key("t_ibfk_2", false, "a"));
    assert_eq!(alters(keyed(std::slice::from_ref(&old)), keyed(&[new])), []);
    // That a person names it is a difference.
    let named = key("k", true, "a");
    let renamed = Alter::RenameKey(Box::new(Pair::new(old.clone(), named.clone())));
    assert_eq!(alters(keyed(&[old]), keyed(&[named])), [renamed]);
}

#[test]
fn numbers_of_the_engine_that_shifted_are_no_change() {
    let from = [
        check("t_chk_1", false, "a > 0"),
        check("t_chk_2", false, "a < 9"),
        check("t_chk_3", false, "a <> 5"),
    ];
    let to = [
        check("t_chk_1", false, "a < 9"),
        check("t_chk_2", false, "a <> 5"),
    ];
    let dropped = Alter::DropCheck(check("t_chk_1", false, "a > 0"));
    assert_eq!(alters(checked(&from), checked(&to)), [dropped]);
    let added = Alter::AddCheck(check("t_chk_1", false, "a > 0"));
    assert_eq!(alters(checked(&to), checked(&from)), [added]);
}

#[test]
fn the_same_twice_is_more_than_once() {
    let one = [check("c_1", false, "a > 0")];
    let two = [check("c_1", false, "a > 0"), check("c_2", false, "a > 0")];
    assert_eq!(alters(checked(&one), checked(&two)).len(), 1);
    assert_eq!(alters(checked(&two), checked(&one)).len(), 1);
}

#[test]
fn columns_that_change_places_are_moved() {
    let output = alters(with(&["a", "b", "c"]), with(&["c", "a", "b"]));
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let moved = Pair::new(names(&["a", "b", "c"]), names(&["c", "a", "b"]));
    assert_eq!(output, [Alter::MoveColumns(moved)]);
}

#[test]
fn columns_that_come_and_go_move_no_other() {
    let output = alters(with(&["a", "b"]), with(&["x", "b"]));
    let output: Vec<bool> = output
        .iter()
        .map(|alter| matches!(alter, Alter::MoveColumns(_)))
        .collect();
    assert_eq!(output, [false, false]);
}

#[test]
fn an_order_that_cannot_change_is_a_remark() {
    let (from, to) = (schema(with(&["a", "b"])), schema(with(&["b", "a"])));
    let difference = diff(&from, &to, false);
    assert!(difference.is_empty(), "{difference:?}");
    assert_eq!(altered(difference.remarks).len(), 1);
    // The place of a new column is one, too; behind the others it is not.
    let middle = diff(&from, &schema(with(&["a", "x", "b"])), false);
    assert_eq!((middle.changes.len(), middle.remarks.len()), (1, 1));
    let behind = diff(&from, &schema(with(&["a", "b", "x"])), false);
    assert_eq!((behind.changes.len(), behind.remarks.len()), (1, 0));
}

#[test]
fn what_makes_no_difference_makes_none() {
    let mut output = with(&["a"]);
    output.create_statement.0 = "CREATE TABLE t (a int)".to_owned();
    assert_eq!(alters(with(&["a"]), output), []);
}

#[test]
fn what_is_not_understood_is_never_the_same() {
    let opaque = |printed: &str| OpaqueObject {
        what: "dictionary d".to_owned(),
        definition: printed.to_owned(),
    };
    let with = |opaque_objects: &[OpaqueObject]| Schema {
        opaque_objects: opaque_objects.to_vec(),
        ..Schema::default()
    };
    let (one, other) = (with(&[opaque("x")]), with(&[opaque("y")]));
    assert_eq!(diff(&one, &other, true).changes.len(), 1);
    assert_eq!(diff(&one, &with(&[]), true).changes.len(), 1);
    assert!(diff(&one, &one, true).is_empty());
    let opaque = Table {
        opaque_clauses: vec!["x".to_owned()],
        ..self::with(&["a"])
    };
    assert_eq!(alters(self::with(&["a"]), opaque).len(), 1);
}

#[test]
fn triggers_of_two_tables_share_a_name() {
    let on = |table: &str| Object {
        kind: Kind::Trigger,
        name: "g".to_owned(),
        table: Some(table.to_owned()),
        ..Object::default()
    };
    let with = |objects: &[Object]| Schema {
        objects: objects.to_vec(),
        ..Schema::default()
    };
    let difference = diff(&with(&[on("a"), on("b")]), &with(&[on("b")]), true);
    assert_eq!(difference.changes, [Change::Drop(on("a").id())]);
}
