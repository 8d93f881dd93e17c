//! Session settings that are needed while a table is created or changed.

use crate::dialect::mysql::ddl::column::base;
use crate::dialect::mysql::read::object::{CLIENT, CONNECTION};
use crate::model::change::DdlStep;
use crate::model::schema::{Id, Kind, Schema, Table};

/// The statement that sets a variable, and the one that restores it.
type Setting = (&'static str, &'static str);

/// The server changes a versioned table only if the session accepts that its history changes too.
const HISTORY: Setting = (
    "SET SESSION system_versioning_alter_history = KEEP",
    "SET SESSION system_versioning_alter_history = DEFAULT",
);

/// Tables from before the server became strict may have a default that is not a valid date; every
/// change of such a table checks it again.
const ZERO_DATES: Setting = (
    "SET @bird_sql_mode = @@SESSION.sql_mode, SESSION sql_mode = \
     REPLACE(REPLACE(@@SESSION.sql_mode, 'NO_ZERO_DATE', ''), 'NO_ZERO_IN_DATE', '')",
    "SET SESSION sql_mode = @bird_sql_mode",
);

/// Wraps the statements that create a table in the settings that they need.
pub fn around_new(table: &Table, steps: Vec<DdlStep>) -> Vec<DdlStep> {
    let settings: &[Setting] = if has_zero_dates(table) {
        &[ZERO_DATES]
    } else {
        &[]
    };
    around(table, settings, steps)
}

/// Wraps the statements that change a table in the settings that they need.
pub fn around_change(old: &Table, new: &Table, steps: Vec<DdlStep>) -> Vec<DdlStep> {
    let mut settings = Vec::new();
    if old.options.contains_key("versioning") {
        settings.push(HISTORY);
    }
    if has_zero_dates(old) || has_zero_dates(new) {
        settings.push(ZERO_DATES);
    }
    around(new, &settings, steps)
}

/// Sets the character set and the collation in which bird's own session creates objects: clients have
/// others, and an object keeps those of the session that created it.
pub fn of_client(schema: &Schema) -> Option<String> {
    let mut objects = schema.objects.iter();
    objects.find(|object| object.kind != Kind::Sequence)?;
    let unstated = |name: &str| schema.unstated.0.get(name);
    let (client, connection) = (unstated(CLIENT)?, unstated(CONNECTION)?);
    Some(format!("SET NAMES {client} COLLATE {connection}"))
}

fn around(table: &Table, settings: &[Setting], steps: Vec<DdlStep>) -> Vec<DdlStep> {
    if steps.is_empty() {
        return steps;
    }
    let step = |sql: &str| DdlStep::new(Id::table(&table.name), sql);
    let before = settings.iter().map(|(set, _)| step(set));
    let behind = settings.iter().rev().map(|(_, back)| step(back));
    before.chain(steps).chain(behind).collect()
}

fn has_zero_dates(table: &Table) -> bool {
    table.columns.iter().any(|column| {
        let default = column.default.as_deref().unwrap_or_default();
        let dated = matches!(base(&column.sql), "date" | "datetime" | "timestamp");
        dated
            && ["-00'", "-00 ", "-00-"]
                .iter()
                .any(|zero| default.contains(zero))
    })
}
