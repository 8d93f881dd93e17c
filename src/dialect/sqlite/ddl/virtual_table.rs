//! Changes of virtual tables. Their module stores the rows, and only some modules can move them.

use super::object::{USING, module};
use super::tokens::{code, name_of};
use crate::dialect::sqlite::write::clause;
use crate::dialect::sqlite::write::clause::quote;
use crate::dialect::sqlite::write::guard;
use crate::dialect::sqlite::write::rebuild::{Marks, Rebuild};
use crate::model::change::{DdlStep, Hazard};
use crate::model::schema::Table;

pub fn is_virtual(table: &Table) -> bool {
    table.options.contains_key(USING)
}

/// Replaces a table by another one, at least one of them virtual.
pub fn replace(marks: &Marks, old: &Table, new: &Table) -> Rebuild {
    let step = |sql: String| DdlStep::new(new.id(), sql);
    let create = step(clause::create(new));
    let mut rebuild = Rebuild::default();
    if let Some(columns) = movable(old, new) {
        let beside = marks.name("old", &new.name);
        let guard = marks.name("guard", &new.name);
        let guard = guard::statements(&beside, &new.name, &guard);
        let (name, beside) = (quote(&new.name), quote(&beside));
        let copy = format!(
            "INSERT OR ROLLBACK INTO {name} (rowid, {columns}) SELECT rowid, {columns} FROM {beside}"
        );
        let why = format!("SQLite rewrites all rows of {}", new.name);
        let rename = format!("ALTER TABLE {} RENAME TO {beside}", quote(&old.name));
        rebuild.makes = vec![step(rename), create];
        rebuild.fills = vec![step(copy).risk(Hazard::Rewrite, why)];
        rebuild.fills.extend(guard.map(step));
        rebuild.drops = vec![step(format!("DROP TABLE {beside}"))];
        return rebuild;
    }
    let drop = step(format!("DROP TABLE {}", quote(&old.name)));
    if is_virtual(old) && indexes_others(new) {
        let name = quote(&new.name);
        let fill = step(format!("INSERT INTO {name} ({name}) VALUES ('rebuild')"));
        let why = format!("SQLite indexes all rows of {} again", new.name);
        rebuild.makes = vec![drop, create];
        rebuild.fills = vec![fill.risk(Hazard::Rewrite, why)];
        return rebuild;
    }
    let why = format!("all rows of {} are lost", old.name);
    rebuild.makes = vec![drop.risk(Hazard::DataLoss, why), create];
    rebuild
}

/// Whether a full-text table indexes the content of another table.
fn indexes_others(table: &Table) -> bool {
    let using = table.options.get(USING).map_or("", String::as_str);
    let sql = format!("CREATE VIRTUAL TABLE x USING {using}");
    let Some((module, arguments)) = module(&sql) else {
        return false;
    };
    let content = arguments
        .iter()
        .filter_map(|argument| argument.split_once('='));
    let mut content = content.filter(|(name, _)| name.trim().eq_ignore_ascii_case("content"));
    module == "fts5" && content.any(|(_, table)| !matches!(table.trim(), "" | "''" | "\"\""))
}

/// The columns that two full-text tables share. `None` if one does not store its content.
fn movable(old: &Table, new: &Table) -> Option<String> {
    let (old, new) = (columns(old)?, columns(new)?);
    let shared = new
        .iter()
        .filter(|new| old.iter().any(|old| old.eq_ignore_ascii_case(new)));
    let shared: Vec<String> = shared.map(|name| quote(name)).collect();
    let all = old
        .iter()
        .all(|old| new.iter().any(|new| old.eq_ignore_ascii_case(new)));
    (all && !shared.is_empty()).then(|| shared.join(", "))
}

/// The columns of a full-text table with a content of its own.
fn columns(table: &Table) -> Option<Vec<String>> {
    let using = table.options.get(USING)?;
    let sql = format!("CREATE VIRTUAL TABLE x USING {using}");
    let (module, arguments) = module(&sql)?;
    if module != "fts5"
        || arguments
            .iter()
            .any(|argument| argument.to_lowercase().starts_with("content"))
    {
        return None;
    }
    let columns = arguments.iter().filter(|argument| !argument.contains('='));
    columns
        .map(|argument| name_of(&code(argument)?.peek()?))
        .collect()
}
