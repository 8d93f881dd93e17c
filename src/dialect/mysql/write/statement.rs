//! Writes the statements that create, replace and drop objects other than tables.

use super::clause::{charset, quote, text};
use crate::dialect::mysql::read::object::{CLIENT, CONNECTION, MODE};
use crate::dialect::mysql::session::FOREIGN_MODES;
use crate::dialect::mysql::{SYNTAX, as_in_files};
use crate::model::change::DdlStep;
use crate::model::schema::{Id, Object};
use crate::sql::Cursor;

/// Writes the statements that create an object or replace an older one. `settled` is the collation
/// of the database meanwhile.
pub fn create(object: &Object, replaces: bool, settled: Option<&str>) -> Vec<DdlStep> {
    let option = |name: &str| object.options.get(name).map(String::as_str);
    let sql = defined(object, replaces);
    let step = |sql: String| DdlStep::new(object.id(), sql);
    let mut steps = vec![step(sql)];
    if let Some((set, back)) = names(option(CLIENT), option(CONNECTION)) {
        steps.insert(0, step(set));
        steps.push(step(back));
    }
    if let Some(mode) = option("sql_mode") {
        let mode = text(mode);
        let set = format!("SET @bird_sql_mode = @@SESSION.sql_mode, SESSION sql_mode = {mode}");
        steps.insert(0, step(set));
        let back = "SET SESSION sql_mode = @bird_sql_mode";
        steps.push(step(back.to_owned()));
    }
    if let Some(zone) = option("time_zone") {
        let zone = text(zone);
        let set = format!("SET @bird_time_zone = @@SESSION.time_zone, SESSION time_zone = {zone}");
        steps.insert(0, step(set));
        let back = "SET SESSION time_zone = @bird_time_zone";
        steps.push(step(back.to_owned()));
    }
    if let (Some(collation), Some(settled)) = (option("collation"), settled)
        && collation != settled
    {
        steps.insert(0, step(database(collation)));
        steps.push(step(database(settled)));
    }
    steps
}

/// Sets the character set and the collation in which a statement is read, and puts them back. It does
/// not use SET NAMES, because the two need not belong together.
fn names(client: Option<&str>, connection: Option<&str>) -> Option<(String, String)> {
    let pairs = [(CLIENT, client), (CONNECTION, connection)];
    let pairs = pairs.into_iter();
    let pairs: Vec<(&str, &str)> = pairs
        .filter_map(|(name, value)| Some((name, value?)))
        .collect();
    let all = |clause: fn(&str, &str) -> String| {
        let clauses: Vec<String> = pairs.iter().map(|(name, to)| clause(name, to)).collect();
        clauses.join(", ")
    };
    (!pairs.is_empty()).then(|| {
        let kept = all(|name, _| format!("@bird_{name} = @@SESSION.{name}"));
        let new = all(|name, value| format!("SESSION {name} = {value}"));
        let old = all(|name, _| format!("SESSION {name} = @bird_{name}"));
        (format!("SET {kept}, {new}"), format!("SET {old}"))
    })
}

/// Why a definition cannot be sent: files are read in one SQL mode and are UTF-8.
pub fn unwritable(object: &Object) -> Option<String> {
    if let Some(client) = object.options.get(CLIENT)
        && !client.starts_with("utf8")
        && !object.sql.is_ascii()
    {
        return Some(format!(
            "its text is not ASCII, and was sent in the character set {client}"
        ));
    }
    let mode = object.options.get(MODE)?;
    let mut foreign = mode.split(',').filter(|word| FOREIGN_MODES.contains(word));
    if let Some(word) = foreign.next() {
        return Some(format!(
            "it is written in the SQL mode {word}, in which bird writes nothing"
        ));
    }
    let misread = as_in_files(mode, &object.sql).is_none();
    misread.then(|| format!("a file would not be read as its text is in the SQL mode {mode}"))
}

/// Sets the collation that new tables and the variables of routines get.
pub fn database(collation: &str) -> String {
    format!(
        "ALTER DATABASE CHARACTER SET {} COLLATE {collation}",
        charset(collation)
    )
}

/// The definition behind the settings of the session that created it, for reports: they may be all
/// that two objects differ in.
pub fn described(object: &Object) -> String {
    let names = [MODE, "time_zone", CLIENT, CONNECTION].iter();
    let stated = names.filter_map(|name| Some((*name, object.options.get(*name)?)));
    let stated: Vec<String> = stated.map(|(name, to)| format!("{name} {to}")).collect();
    let sql = defined(object, false);
    if stated.is_empty() {
        return sql;
    }
    format!("[{}] {sql}", stated.join(", "))
}

/// The definition with its options.
pub fn defined(object: &Object, replaces: bool) -> String {
    let rest = object.sql.strip_prefix("CREATE ").unwrap_or(&object.sql);
    let mut sql = String::from("CREATE ");
    if replaces {
        sql.push_str("OR REPLACE ");
    }
    let mut rest = rest;
    if rest.starts_with("ALGORITHM=")
        && let Some((algorithm, behind)) = rest.split_once(' ')
    {
        sql.push_str(&format!("{algorithm} "));
        rest = behind;
    }
    if let Some(definer) = object.options.get("definer") {
        sql.push_str(&format!("DEFINER={definer} "));
    }
    match object.options.get("order") {
        // The place of a trigger stands before its body.
        Some(order) => {
            let (head, body) = trigger_parts(rest);
            sql.push_str(&format!("{head} {order} {body}"));
        }
        None => sql.push_str(rest),
    }
    sql
}

/// The text before a trigger's order and body, and the body.
fn trigger_parts(sql: &str) -> (&str, &str) {
    let mut cursor = Cursor::new(&SYNTAX, sql);
    while !cursor.is_over() {
        if cursor.eat_all(&["FOR", "EACH"]) {
            let end = cursor.peek().map_or(sql.len(), |row| row.end);
            let parts = sql.split_at_checked(end).unwrap_or((sql, ""));
            return (parts.0, parts.1.trim_start());
        }
        cursor.next();
    }
    (sql, "")
}

pub fn drop(id: &Id) -> DdlStep {
    let what = id.kind.noun().to_uppercase();
    DdlStep::new(id.clone(), format!("DROP {what} {}", quote(&id.name)))
}

/// Alters the bounds of a sequence and keeps its next value.
pub fn alter_sequence(from: &Object, to: &Object) -> Option<DdlStep> {
    let engine = |object: &Object| {
        let flat = Cursor::new(&SYNTAX, &object.sql).flat();
        flat.rsplit_once(" ENGINE=")
            .map(|(rest, engine)| (rest.to_owned(), engine.to_owned()))
    };
    let ((_, old), (bounds, new)) = (engine(from)?, engine(to)?);
    if old != new {
        return None;
    }
    let bounds = bounds.strip_prefix("CREATE ")?;
    Some(DdlStep::new(to.id(), format!("ALTER {bounds}")))
}
