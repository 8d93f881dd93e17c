//! Indexes: exactly those that the model's queries need, and the queries use them.

use std::fmt::Write as _;

use super::{id, up};
use crate::world::{Engine, World};

engines!(
    the_indexes_are_those_of_the_model,
    the_queries_use_their_indexes
);

/// Table, kind, columns, name; the name only of an index that is not part of a constraint.
const UMS: &[&str] = &[
    "roles\tprimary\tid\t",
    "roles\tunique\tname\t",
    "sessions\tindex\tuser_id\tsessions_user_id_idx",
    "sessions\tprimary\tid\t",
    "users\tprimary\tid\t",
    "users\tunique\temail\t",
    "users_roles\tindex\trole_id\tusers_roles_role_id_idx",
    "users_roles\tprimary\tuser_id,role_id\t",
];
const TWITTER: &[&str] = &[
    "messages\tindex\tauthor_id,created_at DESC,id DESC\tmessages_by_author_idx",
    "messages\tindex\tcreated_at DESC,id DESC\tmessages_timeline_idx",
    "messages\tprimary\tid\t",
    "subscriptions\tindex\tproducer_id,subscriber_id\tsubscriptions_by_producer_idx",
    "subscriptions\tprimary\tsubscriber_id,producer_id\t",
];

const INDEXES_MYSQL: &str = "
    SELECT table_name,
      CASE WHEN index_name = 'PRIMARY' THEN 'primary' WHEN non_unique = 0 THEN 'unique' ELSE 'index' END,
      GROUP_CONCAT(CONCAT(column_name, IF(collation = 'D', ' DESC', '')) ORDER BY seq_in_index),
      IF(non_unique, index_name, '')
    FROM information_schema.statistics
    WHERE table_schema = DATABASE()
      AND table_name NOT IN ('refinery_schema_history', 'bird_journal', 'bird_applied', 'bird_schema')
    GROUP BY table_name, index_name, non_unique";
const INDEXES_POSTGRES: &str = "
    SELECT t.relname,
      CASE WHEN indisprimary THEN 'primary' WHEN indisunique THEN 'unique' ELSE 'index' END,
      (SELECT string_agg(a.attname || CASE WHEN indoption[k.n - 1] & 1 = 1 THEN ' DESC' ELSE '' END,
         ',' ORDER BY k.n)
       FROM unnest(indkey) WITH ORDINALITY k (attnum, n)
       JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.attnum),
      CASE WHEN indisunique THEN '' ELSE i.relname END
    FROM pg_index JOIN pg_class t ON t.oid = indrelid JOIN pg_class i ON i.oid = indexrelid
    WHERE t.relnamespace = 'public'::regnamespace
      AND t.relname NOT IN ('refinery_schema_history', 'bird_journal', 'bird_applied', 'bird_schema')";
const INDEXES_SQLITE: &str = "
    SELECT t.name,
      CASE i.origin WHEN 'pk' THEN 'primary' WHEN 'u' THEN 'unique' ELSE 'index' END,
      (SELECT group_concat(c.name || CASE WHEN c.\"desc\" THEN ' DESC' ELSE '' END)
       FROM pragma_index_xinfo(i.name) c WHERE c.key),
      CASE WHEN i.origin = 'c' THEN i.name ELSE '' END
    FROM sqlite_schema t JOIN pragma_index_list(t.name) i
    WHERE t.type = 'table' AND t.name NOT IN ('refinery_schema_history', 'bird_journal', 'bird_applied', 'bird_schema')";

/// Not one more: InnoDB makes an index of its own for a foreign key that has none.
fn the_indexes_are_those_of_the_model(engine: Engine) {
    let world = up(engine);
    let query = engine.pick(INDEXES_MYSQL, INDEXES_POSTGRES, INDEXES_SQLITE);
    for (database, expected) in [("ums", UMS), ("twitter", TWITTER)] {
        let rows = world.client(database, query);
        let mut found: Vec<&str> = rows.lines().collect();
        found.sort_unstable();
        assert_eq!(found, expected);
    }
}

/// Enough rows to plan for.
fn with_content(engine: Engine) -> World {
    let world = up(engine);
    let mut sql = String::from("INSERT INTO messages (author_id, content, created_at) VALUES ");
    for number in 0..1200_u16 {
        let author = id(engine, number % 60);
        let (minute, second) = (number / 60, number % 60);
        let comma = if number == 0 { "" } else { ", " };
        let _ = write!(
            sql,
            "{comma}({author}, 'x', '2024-01-01 00:{minute:02}:{second:02}')"
        );
    }
    sql.push_str("; INSERT INTO subscriptions (subscriber_id, producer_id) VALUES ");
    for number in 0..1200_u16 {
        let (from, to) = (id(engine, number % 60), id(engine, number / 60));
        let comma = if number == 0 { "" } else { ", " };
        let _ = write!(sql, "{comma}({from}, {to})");
    }
    sql.push_str(engine.pick(
        "; ANALYZE TABLE messages, subscriptions",
        "; ANALYZE messages; ANALYZE subscriptions",
        "; ANALYZE",
    ));
    world.client("twitter", &sql);
    world
}

/// Each query is served by its index alone: no sorting, no search through other rows. Whether
/// that is the cheapest way depends on the number of rows, so the planners are told to take it
/// where it exists.
fn the_queries_use_their_indexes(engine: Engine) {
    let world = with_content(engine);
    let someone = id(engine, 7);
    let whom = engine.pick(
        "PRIMARY",
        "subscriptions_pkey",
        "sqlite_autoindex_subscriptions_1",
    );
    let newest = "ORDER BY created_at DESC, id DESC LIMIT 20";
    for (columns, table, rest, index) in [
        ("*", "messages", newest.to_owned(), "messages_timeline_idx"),
        (
            "*",
            "messages",
            format!("WHERE author_id = {someone} {newest}"),
            "messages_by_author_idx",
        ),
        (
            "producer_id",
            "subscriptions",
            format!("WHERE subscriber_id = {someone}"),
            whom,
        ),
        (
            "subscriber_id",
            "subscriptions",
            format!("WHERE producer_id = {someone}"),
            "subscriptions_by_producer_idx",
        ),
    ] {
        let query = engine.pick(
            format!(
                "EXPLAIN FORMAT=TRADITIONAL SELECT {columns} FROM {table} \
                 FORCE INDEX ({index}) {rest}"
            ),
            format!(
                "SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off; \
                 EXPLAIN SELECT {columns} FROM {table} {rest}"
            ),
            format!("EXPLAIN QUERY PLAN SELECT {columns} FROM {table} {rest}"),
        );
        let plan = world.client("twitter", &query);
        assert!(plan.contains(index), "{query}\n{plan}");
        if rest.starts_with("WHERE") {
            let seeks = engine.pick("\tref\t", "Index Cond: ", "SEARCH ");
            assert!(plan.contains(seeks), "{query}\n{plan}");
        }
        let sorts = engine.pick("filesort", "Sort", "TEMP B-TREE");
        assert!(!plan.contains(sorts), "{query}\n{plan}");
    }
}
