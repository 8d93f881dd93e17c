//! What a session must be set to while a table is made or changed.

use crate::dialect::mysql::ddl::column::base;
use crate::model::change::DdlStep;
use crate::model::schema::{Id, Table};

/// A setting and the way back.
type Setting = (&'static str, &'static str);

/// A versioned table changes only for those who know that its history changes too.
const HISTORY: Setting = (
    "SET SESSION system_versioning_alter_history = KEEP",
    "SET SESSION system_versioning_alter_history = DEFAULT",
);

/// A default that is no date stands in tables from before the server became strict; every change
/// of such a table looks at it again.
const ZERO_DATES: Setting = (
    "SET @bird_sql_mode = @@SESSION.sql_mode, SESSION sql_mode = \
     REPLACE(REPLACE(@@SESSION.sql_mode, 'NO_ZERO_DATE', ''), 'NO_ZERO_IN_DATE', '')",
    "SET SESSION sql_mode = @bird_sql_mode",
);

/// Statements that make a table.
pub fn around_new(table: &Table, steps: Vec<DdlStep>) -> Vec<DdlStep> {
    let settings: &[Setting] = if has_zero_dates(table) {
        &[ZERO_DATES]
    } else {
        &[]
    };
    around(table, settings, steps)
}

/// Statements that change a table.
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
