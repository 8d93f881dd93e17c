//! Renders columns, keys, checks, foreign keys and options of a table as clauses.

use super::super::MySql;
use crate::dialect::Literals;
use crate::dialect::mysql::ddl::column::has_characters;
use crate::dialect::mysql::variant::Variant;
use crate::model::schema::{Check, Column, ForeignKey, Key, KeyKind, KeyPart, Partitions, Table};

pub fn quote(name: &str) -> String {
    MySql.quote(name)
}

/// The string literal of a text.
pub fn text(value: &str) -> String {
    let value = value.replace('\\', "\\\\").replace('\'', "''");
    let value = value.replace('\0', "\\0").replace('\n', "\\n");
    format!("'{}'", value.replace('\r', "\\r").replace('\u{1a}', "\\Z"))
}

pub fn list(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| quote(name)).collect();
    names.join(", ")
}

/// The clause of a column, with its collation unless that is the default of its table.
pub fn column(column: &Column, table: Option<&str>) -> String {
    let mut sql = format!("{} {}", quote(&column.name), column.sql);
    let option = |name: &str| column.options.get(name).map(String::as_str);
    if let Some(way) = option("compressed") {
        sql.push_str(" COMPRESSED");
        if way != "yes" {
            sql.push_str(&format!("={way}"));
        }
    }
    if let Some(collation) = column.collation.as_deref()
        && has_characters(&column.sql)
        && table != Some(collation)
    {
        if table.map(charset) != Some(charset(collation)) {
            sql.push_str(&format!(" CHARACTER SET {}", charset(collation)));
        }
        sql.push_str(&format!(" COLLATE {collation}"));
    }
    if let Some(row) = option("row") {
        sql.push_str(&format!(" GENERATED ALWAYS AS ROW {}", row.to_uppercase()));
    }
    if let Some(generated) = &column.generated {
        let kind = if generated.stored {
            "STORED"
        } else {
            "VIRTUAL"
        };
        sql.push_str(&format!(
            " GENERATED ALWAYS AS ({}) {kind}",
            generated.expression
        ));
    }
    if !column.nullable {
        sql.push_str(" NOT NULL");
    } else if column.sql.starts_with("timestamp")
        && column.generated.is_none()
        && option("row").is_none()
    {
        // Without the word, the first timestamp of a table may not be NULL on some servers.
        sql.push_str(" NULL");
    }
    if let Some(srid) = option("srid") {
        sql.push_str(&format!(" SRID {srid}"));
    }
    if let Some(default) = &column.default {
        sql.push_str(&format!(" DEFAULT {default}"));
    }
    if let Some(value) = option("on update") {
        sql.push_str(&format!(" ON UPDATE {value}"));
    }
    if let Some(identity) = &column.identity {
        sql.push_str(&format!(" {identity}"));
    }
    for (name, word) in [("storage", "STORAGE"), ("column_format", "COLUMN_FORMAT")] {
        if let Some(value) = option(name) {
            sql.push_str(&format!(" {word} {value}"));
        }
    }
    for name in ["engine_attribute", "secondary_engine_attribute"] {
        if let Some(value) = option(name) {
            sql.push_str(&format!(" {} {}", name.to_uppercase(), text(value)));
        }
    }
    if option("secondary").is_some() {
        sql.push_str(" NOT SECONDARY");
    }
    if option("invisible").is_some() {
        sql.push_str(" INVISIBLE");
    }
    if let Some(versioning) = option("versioning") {
        sql.push_str(&format!(" {} SYSTEM VERSIONING", versioning.to_uppercase()));
    }
    if let Some(comment) = &column.comment {
        sql.push_str(&format!(" COMMENT {}", text(comment)));
    }
    if let Some(check) = option("check") {
        sql.push_str(&format!(" CHECK ({check})"));
    }
    sql
}

/// The character set of a collation, which begins its name.
pub fn charset(collation: &str) -> &str {
    collation.split('_').next().unwrap_or_default()
}

pub fn key(key: &Key, variant: &Variant) -> String {
    let mut sql = match key.kind {
        KeyKind::Primary => "PRIMARY KEY".to_owned(),
        KeyKind::Unique => format!("UNIQUE KEY {}", quote(&key.name)),
        KeyKind::Fulltext => format!("FULLTEXT KEY {}", quote(&key.name)),
        KeyKind::Spatial => format!("SPATIAL KEY {}", quote(&key.name)),
        KeyKind::Index | KeyKind::Exclusion => format!("KEY {}", quote(&key.name)),
    };
    let parts: Vec<String> = key.parts.iter().map(key_part).collect();
    sql.push_str(&format!(" ({})", parts.join(", ")));
    if let Some(method) = &key.method {
        sql.push_str(&format!(" USING {method}"));
    }
    for (name, value) in &key.options {
        match name.as_str() {
            "parser" => sql.push_str(&format!(" WITH PARSER {}", quote(value))),
            "key_block_size" => sql.push_str(&format!(" KEY_BLOCK_SIZE={value}")),
            "visible" => sql.push_str(&hidden(variant)),
            "engine_attribute" | "secondary_engine_attribute" => {
                sql.push_str(&format!(" {} {}", name.to_uppercase(), text(value)));
            }
            _ => sql.push_str(&format!(" {name}={}", text(value))),
        }
    }
    if let Some(comment) = &key.comment {
        sql.push_str(&format!(" COMMENT {}", text(comment)));
    }
    sql
}

/// The keyword with which a product hides an index from the optimizer.
pub fn hidden(variant: &Variant) -> String {
    format!(" {}", variant.hide_index[0])
}

fn key_part(part: &KeyPart) -> String {
    let mut sql = match (&part.column, &part.expression) {
        (Some(column), _) => quote(column),
        (None, expression) => format!("({})", expression.as_deref().unwrap_or_default()),
    };
    if let Some(prefix) = part.prefix {
        sql.push_str(&format!("({prefix})"));
    }
    if part.options.contains_key("overlaps") {
        sql.push_str(" WITHOUT OVERLAPS");
    }
    if part.descending {
        sql.push_str(" DESC");
    }
    sql
}

pub fn foreign_key(key: &ForeignKey) -> String {
    let mut sql = String::new();
    if key.named {
        sql = format!("CONSTRAINT {} ", quote(&key.name));
    }
    let database = key.options.get("database");
    let database = database.map_or_else(String::new, |name| format!("{}.", quote(name)));
    sql.push_str(&format!(
        "FOREIGN KEY ({}) REFERENCES {database}{} ({})",
        list(&key.columns),
        quote(&key.to),
        list(&key.to_columns)
    ));
    if let Some(kind) = key.options.get("match") {
        sql.push_str(&format!(" MATCH {kind}"));
    }
    for (moment, action) in [("DELETE", &key.on_delete), ("UPDATE", &key.on_update)] {
        if action != "NO ACTION" {
            sql.push_str(&format!(" ON {moment} {action}"));
        }
    }
    sql
}

pub fn check(check: &Check) -> String {
    let mut sql = String::new();
    if check.named {
        sql = format!("CONSTRAINT {} ", quote(&check.name));
    }
    sql.push_str(&format!("CHECK ({})", check.expression));
    if check.options.contains_key("enforced") {
        sql.push_str(" NOT ENFORCED");
    }
    sql
}

pub fn partitions(partitions: &Partitions) -> String {
    let mut sql = format!("PARTITION BY {}", partitions.by);
    if !partitions.parts.is_empty() {
        let parts: Vec<String> = partitions.parts.iter().map(partition).collect();
        sql.push_str(&format!("\n(\n  {}\n)", parts.join(",\n  ")));
    }
    sql
}

pub fn partition(partition: &crate::model::schema::Partition) -> String {
    format!("PARTITION {} {}", quote(&partition.name), partition.sql)
        .trim_end()
        .to_owned()
}

/// The clause of a table option; without a value, the clause that restores its default.
pub fn option(name: &str, value: Option<&str>) -> Option<String> {
    let upper = name.to_uppercase();
    Some(match (name, value) {
        ("collation", Some(value)) => {
            format!("DEFAULT CHARACTER SET {} COLLATE {value}", charset(value))
        }
        ("engine", Some(value)) => format!("ENGINE={value}"),
        ("tablespace", Some(value)) => format!("TABLESPACE {}", quote(value)),
        ("tablespace", None) => "TABLESPACE `innodb_file_per_table`".to_owned(),
        ("union" | "insert_method", Some(value)) => format!("{upper}={value}"),
        ("union", None) => "UNION=()".to_owned(),
        ("insert_method", None) => "INSERT_METHOD=NO".to_owned(),
        ("encryption", None) => "ENCRYPTION='N'".to_owned(),
        ("compression", None) => "COMPRESSION='NONE'".to_owned(),
        ("connection" | "password", None) => format!("{upper}=''"),
        (
            "max_rows" | "min_rows" | "avg_row_length" | "key_block_size" | "checksum"
            | "delay_key_write" | "autoextend_size",
            None,
        ) => format!("{upper}=0"),
        (
            "row_format" | "pack_keys" | "stats_persistent" | "stats_auto_recalc"
            | "stats_sample_pages" | "transactional" | "page_checksum",
            None,
        ) => format!("{upper}=DEFAULT"),
        ("data directory" | "index directory", Some(value)) => {
            format!("{upper}={}", text(value))
        }
        ("data directory" | "index directory" | "versioning" | "collation" | "engine", _) => {
            return None;
        }
        (
            "connection"
            | "password"
            | "encryption"
            | "compression"
            | "engine_attribute"
            | "secondary_engine_attribute",
            Some(value),
        ) => format!("{upper}={}", text(value)),
        (name, Some(value)) if name.starts_with('`') => format!("{name}={}", text(value)),
        (name, None) if name.starts_with('`') => format!("{name}=DEFAULT"),
        (_, Some(value)) => format!("{upper}={value}"),
        (_, None) => return None,
    })
}

/// The clauses behind the parentheses of a table.
pub fn options(table: &Table) -> String {
    let mut sql = String::new();
    let first = ["engine", "collation"];
    let named = first
        .iter()
        .filter_map(|name| table.options.get_key_value(*name));
    let others = table.options.iter();
    let others = others.filter(|(name, _)| !first.contains(&name.as_str()));
    for (name, value) in named.chain(others) {
        let clause = option(name, Some(value)).filter(|_| !name.starts_with("period "));
        sql.extend(clause.map(|clause| format!(" {clause}")));
    }
    if let Some(comment) = &table.comment {
        sql.push_str(&format!(" COMMENT={}", text(comment)));
    }
    if table.options.contains_key("versioning") {
        sql.push_str(" WITH SYSTEM VERSIONING");
    }
    sql
}

/// The CREATE TABLE of a table, with some of its foreign keys.
pub fn create(table: &Table, foreign_keys: &[&ForeignKey], variant: &Variant) -> String {
    let collation = table.options.get("collation").map(String::as_str);
    let columns = table.columns.iter().map(|it| column(it, collation));
    let periods = table.options.iter().filter_map(|(name, columns)| {
        let name = name.strip_prefix("period ")?;
        Some(format!("PERIOD FOR {} {columns}", period(name)))
    });
    let keys = table.keys.iter().map(|it| key(it, variant));
    let foreign = foreign_keys.iter().map(|it| foreign_key(it));
    let checks = table.checks.iter().map(check);
    let clauses = columns
        .chain(periods)
        .chain(keys)
        .chain(foreign)
        .chain(checks);
    let clauses: Vec<String> = clauses.map(|clause| format!("  {clause}")).collect();
    let mut sql = format!(
        "CREATE TABLE {} (\n{}\n){}",
        quote(&table.name),
        clauses.join(",\n"),
        options(table)
    );
    if let Some(cut) = &table.partitions {
        sql.push_str(&format!("\n{}", partitions(cut)));
    }
    sql
}

/// The name of a period; that of the system time is a keyword.
pub fn period(name: &str) -> String {
    match name {
        "SYSTEM_TIME" => name.to_owned(),
        _ => quote(name),
    }
}
