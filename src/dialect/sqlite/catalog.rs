//! Schemas of SQLite. The engine stores the CREATE statement of every object, which is parsed.

use super::Sqlite;
use super::write::clause::quote;
use crate::dialect::catalog::{Catalog, Query, Rows, SchemaLocation, SchemaPart};
use crate::model::change::{Ddl, DdlStep, Difference, Renamed};
use crate::model::schema::{Schema, Table};

impl Catalog for Sqlite {
    fn queries(&self, _place: &SchemaLocation<'_>) -> Vec<Query> {
        super::read::queries()
    }

    fn read(&self, _place: &SchemaLocation<'_>, results: &[Rows]) -> Result<Schema, String> {
        super::read::read(results)
    }

    fn rows_elsewhere(&self, table: &Table) -> Option<String> {
        super::ddl::virtual_table::is_virtual(table).then(|| "virtual table".to_owned())
    }

    fn describe(&self, part: SchemaPart<'_>) -> String {
        super::write::clause::describe(part)
    }

    fn write(
        &self,
        _: &SchemaLocation<'_>,
        difference: &Difference,
        from: &Schema,
        to: &Schema,
    ) -> Ddl {
        super::write::write(difference, from, to)
    }

    fn rename(
        &self,
        _: &SchemaLocation<'_>,
        schema: &Schema,
        renamed: &Renamed,
    ) -> Option<DdlStep> {
        if let Some(table) = schema.table(&renamed.from) {
            let (from, to) = (quote(&renamed.from), quote(&renamed.to));
            let sql = format!("ALTER TABLE {from} RENAME TO {to}");
            return Some(DdlStep::new(table.id(), sql));
        }
        let (table, from) = renamed.from.rsplit_once('.')?;
        let (_, to) = renamed.to.rsplit_once('.')?;
        let table = schema.table(table)?;
        table.column(from)?;
        let (on, from, to) = (quote(&table.name), quote(from), quote(to));
        let sql = format!("ALTER TABLE {on} RENAME COLUMN {from} TO {to}");
        Some(DdlStep::new(table.id(), sql))
    }

    fn surround(&self, steps: &[DdlStep]) -> (Vec<String>, Vec<String>) {
        if steps.is_empty() {
            return (Vec::new(), Vec::new());
        }
        let drops = steps.iter().any(|step| step.sql.starts_with("DROP TABLE "));
        let lines = |lines: &[&str]| lines.iter().map(|&line| line.to_owned()).collect();
        if drops {
            (
                lines(&["PRAGMA foreign_keys = OFF;", "BEGIN;"]),
                lines(&["PRAGMA foreign_key_check;", "COMMIT;"]),
            )
        } else {
            (lines(&["BEGIN;"]), lines(&["COMMIT;"]))
        }
    }
}
