//! Queries that distinguish objects which SHOW CREATE shows alike.

use super::variant::Variant;
use crate::dialect::literals::single_quoted;
use crate::dialect::recovery::Object;
use crate::model::server::Server;

/// Asks when a table was created: another table of the same name and definition differs in it.
pub(super) fn creation_time(object: &Object) -> String {
    let (schema, table) = (schema(object), literal(object.parts.last()));
    format!(
        "SELECT CREATE_TIME FROM information_schema.TABLES \
         WHERE TABLE_SCHEMA = {schema} AND TABLE_NAME = {table}"
    )
}

/// Asks for the identifiers under which InnoDB stores a table or its partitions, and whether there
/// are rows. It needs the privilege PROCESS. The first column is NULL if InnoDB has no table of
/// this name: it encodes names like file names. Only MariaDB has a function for all of that
/// encoding; for MySQL only ASCII characters are encoded here.
pub(super) fn table_id(object: &Object, server: &Server) -> String {
    let (name, schema) = (&object.name, schema(object));
    let last = object.parts.last();
    // As bytes, or the server would decode them again.
    let filed = |name: &str| {
        format!(
            "CAST(CONVERT(IF(@@lower_case_table_names = 0, {name}, LOWER({name})) \
             USING filename) AS BINARY)"
        )
    };
    let variant = Variant::of(server);
    let full = if variant.files_any_name {
        let (schema, table) = (filed(&schema), filed(&literal(last)));
        format!("{schema}, '/', {table}")
    } else {
        let table = literal(&stored(last));
        let schema = format!("REPLACE({schema}, '-', '@002d')");
        format!("{schema}, '/', {table}")
    };
    let tables = variant.innodb_tables;
    // A `#` begins the name of a partition. Letter case counts, unless the server ignores it.
    format!(
        "SELECT (SELECT GROUP_CONCAT(TABLE_ID ORDER BY TABLE_ID) \
         FROM information_schema.{tables} WHERE SUBSTRING_INDEX(NAME, '#', 1) = BINARY \
         IF(@@lower_case_table_names = 0, full, LOWER(full))), EXISTS (SELECT 1 FROM {name}) \
         FROM (SELECT CONCAT({full}) AS full) AS named"
    )
}

fn schema(object: &Object) -> String {
    match object.parts.qualifier() {
        Some(schema) => literal(schema),
        None => "DATABASE()".into(),
    }
}

fn literal(text: &str) -> String {
    single_quoted(&text.replace('\\', "\\\\"))
}

/// A name as InnoDB encodes it.
fn stored(name: &str) -> String {
    let signs = name.chars().map(|sign| match sign {
        '_' => sign.to_string(),
        _ if !sign.is_ascii() || sign.is_ascii_alphanumeric() => sign.to_string(),
        _ => format!("@{:04x}", u32::from(sign)),
    });
    signs.collect()
}
