//! A random schema as SQL.

use std::collections::HashMap;
use std::fmt::Write as _;

use super::model::{Column, Id, Schema, Table, View};

pub fn quote(name: &str) -> String {
    format!("\"{name}\"")
}

fn text(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A type, whose own name is quoted.
fn kind(schema: &Schema, kind: &str) -> String {
    let base = kind.trim_end_matches("[]");
    let own = schema.enums.iter().any(|it| it.name == base)
        || schema.domains.iter().any(|it| it.name == base)
        || schema.composites.iter().any(|it| it.name == base);
    match own {
        true => format!("{}{}", quote(base), &kind[base.len()..]),
        false if schema.knows(kind) => kind.to_owned(),
        false => "integer".to_owned(),
    }
}

/// The type without the domain around it.
pub fn base<'s>(schema: &'s Schema, kind: &'s str) -> &'s str {
    match schema.domains.iter().find(|it| it.name == kind) {
        Some(domain) => base(schema, &domain.base),
        None if schema.knows(kind) => kind,
        None => "integer",
    }
}

fn is_number(kind: &str) -> bool {
    matches!(kind, "integer" | "bigint" | "smallint" | "double precision")
        || kind.starts_with("num")
}

fn is_text(kind: &str) -> bool {
    kind == "text" || kind.starts_with("varchar") || kind.starts_with("char")
}

/// Whether an index can have it.
fn sorts(schema: &Schema, kind: &str) -> bool {
    kind != "jsonb" && schema.knows(kind)
}

pub fn schema(schema: &Schema) -> String {
    let mut sql = String::new();
    if let Some(comment) = &schema.comment {
        let _ = writeln!(sql, "COMMENT ON SCHEMA public IS {};", text(comment));
    }
    types(schema, &mut sql);
    for function in &schema.functions {
        let (name, returns) = (quote(&function.name), &function.returns);
        let body = if function.standard {
            format!("RETURN (x + {})", function.adds)
        } else {
            format!("AS 'SELECT (x + {})::{returns}'", function.adds)
        };
        let _ = writeln!(
            sql,
            "CREATE FUNCTION {name}(x integer) RETURNS {returns} LANGUAGE sql IMMUTABLE {body};"
        );
        if let Some(comment) = &function.comment {
            let _ = writeln!(
                sql,
                "COMMENT ON FUNCTION {name}(integer) IS {};",
                text(comment)
            );
        }
    }
    for sequence in &schema.sequences {
        let _ = writeln!(
            sql,
            "CREATE SEQUENCE {}{};",
            quote(&sequence.name),
            sequence.options
        );
    }
    if schema.tables.iter().any(|table| !table.triggers.is_empty()) {
        sql.push_str("CREATE FUNCTION on_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';\n");
    }
    for it in &schema.tables {
        table(schema, it, &mut sql);
    }
    for it in &schema.tables {
        foreign_keys(schema, it, &mut sql);
    }
    for sequence in &schema.sequences {
        let Some((table, column)) = &sequence.owner else {
            continue;
        };
        let found = schema.tables.iter().find(|it| it.name == *table);
        if found.is_some_and(|table| table.columns.iter().any(|it| it.name == *column)) {
            let _ = writeln!(
                sql,
                "ALTER SEQUENCE {} OWNED BY {}.{};",
                quote(&sequence.name),
                quote(table),
                quote(column)
            );
        }
    }
    views(schema, &mut sql);
    sql
}

fn types(schema: &Schema, sql: &mut String) {
    for it in &schema.enums {
        let labels: Vec<String> = it.labels.iter().map(|label| text(label)).collect();
        let name = quote(&it.name);
        let _ = writeln!(sql, "CREATE TYPE {name} AS ENUM ({});", labels.join(", "));
        if let Some(comment) = &it.comment {
            let _ = writeln!(sql, "COMMENT ON TYPE {name} IS {};", text(comment));
        }
    }
    for it in &schema.domains {
        let mut line = format!(
            "CREATE DOMAIN {} AS {}",
            quote(&it.name),
            kind(schema, &it.base)
        );
        let base = base(schema, &it.base);
        if it.default && (is_number(base) || is_text(base)) {
            line.push_str(" DEFAULT '1'");
        }
        for number in &it.checks {
            let _ = if is_number(base) {
                write!(line, " CONSTRAINT c{number} CHECK (VALUE > -{number} - 5)")
            } else {
                write!(
                    line,
                    " CONSTRAINT c{number} CHECK (VALUE::text <> 'x{number}')"
                )
            };
        }
        let _ = writeln!(sql, "{line};");
    }
    for it in &schema.composites {
        let attributes: Vec<String> = it
            .attributes
            .iter()
            .map(|(name, of)| format!("{} {}", quote(name), kind(schema, of)))
            .collect();
        let _ = writeln!(
            sql,
            "CREATE TYPE {} AS ({});",
            quote(&it.name),
            attributes.join(", ")
        );
    }
}

fn column(schema: &Schema, table: &Table, column: &Column) -> String {
    let of = base(schema, &column.kind);
    let mut line = format!("{} {}", quote(&column.name), kind(schema, &column.kind));
    if column.collation && is_text(of) {
        line.push_str(" COLLATE \"C\"");
    }
    if is_generated(schema, table, column) {
        let number = column.generated.unwrap_or(0);
        let _ = write!(line, " GENERATED ALWAYS AS (id + {number}) STORED");
        return line;
    }
    let from = column.default_from.as_ref().filter(|_| is_number(of));
    let function = from.filter(|from| schema.functions.iter().any(|it| it.name == **from));
    let sequence = from.filter(|from| schema.sequences.iter().any(|it| it.name == **from));
    if let Some(function) = function {
        let _ = write!(line, " DEFAULT {}(3)", quote(function));
    } else if let Some(sequence) = sequence {
        let _ = write!(line, " DEFAULT nextval('{}')", quote(sequence));
    } else if let Some(value) = value(schema, &column.kind, 1).filter(|_| column.default) {
        let _ = write!(line, " DEFAULT {value}");
    }
    if column.required {
        line.push_str(" NOT NULL");
    }
    line
}

pub fn is_generated(schema: &Schema, table: &Table, column: &Column) -> bool {
    let numbered = !matches!(table.id, Id::Plain("text"));
    column.generated.is_some() && column.kind == "bigint" && numbered && schema.knows("bigint")
}

/// A value that fits a type; another one per row.
pub fn value(schema: &Schema, kind: &str, row: usize) -> Option<String> {
    let of = base(schema, kind);
    let element = of.trim_end_matches("[]");
    if let Some(it) = schema.enums.iter().find(|it| it.name == element) {
        let label = it.labels.first()?;
        return Some(if of == element {
            text(label)
        } else {
            format!("'{{{label}}}'")
        });
    }
    Some(match of {
        "boolean" => "true".to_owned(),
        "timestamptz" | "date" => format!("'2020-01-0{row}'"),
        "uuid" => format!("'00000000-0000-0000-0000-00000000000{row}'"),
        "jsonb" => format!("'{{\"a\": {row}}}'"),
        "interval" => format!("'{row} days'"),
        "integer[]" | "text[]" => format!("'{{{row}}}'"),
        of if is_number(of) || is_text(of) || of == "bytea" => format!("'{row}'"),
        _ => return None,
    })
}

fn id(table: &Table) -> String {
    match table.id {
        Id::Plain(kind) => format!("id {kind} NOT NULL"),
        Id::Serial(kind) => format!(
            "id {}",
            if kind == "bigint" {
                "bigserial"
            } else {
                "serial"
            }
        ),
        Id::Always(kind) => format!("id {kind} GENERATED ALWAYS AS IDENTITY"),
        Id::Limited(kind) => format!(
            "id {kind} GENERATED ALWAYS AS IDENTITY (MINVALUE 10 START WITH 20 INCREMENT BY 2 CYCLE)"
        ),
        Id::ByDefault(kind) => format!("id {kind} GENERATED BY DEFAULT AS IDENTITY (START WITH 3)"),
    }
}

/// The types of the columns that a table has.
fn kinds<'s>(schema: &'s Schema, table: &'s Table) -> HashMap<&'s str, &'s str> {
    let columns = table.columns.iter();
    let mut kinds: HashMap<&str, &str> = columns
        .map(|it| (it.name.as_str(), base(schema, &it.kind)))
        .collect();
    kinds.insert("id", id_kind(table));
    kinds
}

fn id_kind(table: &Table) -> &'static str {
    match table.id {
        Id::Plain(kind)
        | Id::Serial(kind)
        | Id::Always(kind)
        | Id::Limited(kind)
        | Id::ByDefault(kind) => kind,
    }
}

fn table(schema: &Schema, table: &Table, sql: &mut String) {
    let name = quote(&table.name);
    let kinds = kinds(schema, table);
    let sorts = |column: &String| {
        kinds
            .get(column.as_str())
            .is_some_and(|of| sorts(schema, of))
    };
    let mut lines = vec![id(table)];
    lines.extend(table.columns.iter().map(|it| column(schema, table, it)));
    if let Some(key) = &table.key {
        lines.push(format!("CONSTRAINT {} PRIMARY KEY (id)", quote(key)));
    }
    for unique in &table.uniques {
        let partitioned = table.partitions.is_some();
        let columns = columns(&unique.columns);
        let has_id = unique.columns.iter().any(|it| it == "id");
        if unique.columns.iter().all(sorts) && (has_id || !partitioned) {
            let lazy = if unique.deferrable { " DEFERRABLE" } else { "" };
            lines.push(format!(
                "CONSTRAINT {} UNIQUE ({columns}){lazy}",
                quote(&unique.name)
            ));
        }
    }
    for check in &table.checks {
        let column = quote(&check.column);
        let number = check.number;
        let function = check.function.as_ref();
        let function = function.filter(|name| schema.functions.iter().any(|it| it.name == **name));
        let condition = match (kinds.get(check.column.as_str()), function) {
            (Some(&"integer"), Some(function)) => {
                format!("{}({column}) > -{number} - 9", quote(function))
            }
            (Some(of), _) if is_number(of) => format!("{column} > -{number} - 7"),
            (Some(_), _) => format!("{column}::text <> 'zz{number}'"),
            (None, _) => continue,
        };
        lines.push(format!(
            "CONSTRAINT {} CHECK ({condition})",
            quote(&check.name)
        ));
    }
    let partition = match table.partitions {
        Some(_) => " PARTITION BY RANGE (id)",
        None => "",
    };
    let options = match table.options.as_slice() {
        [] => String::new(),
        _ if table.partitions.is_some() => String::new(),
        options => format!(" WITH ({})", options.join(", ")),
    };
    let _ = writeln!(
        sql,
        "CREATE TABLE {name} (\n  {}\n){partition}{options};",
        lines.join(",\n  ")
    );
    for number in table.partitions.iter().flatten() {
        let (from, to) = (number * 10, number * 10 + 10);
        let part = quote(&format!("{} p{number}", table.name));
        let _ = writeln!(
            sql,
            "CREATE TABLE {part} PARTITION OF {name} FOR VALUES FROM ({from}) TO ({to});"
        );
    }
    if table.child && table.partitions.is_none() {
        let child = quote(&format!("{} child", table.name));
        let _ = writeln!(
            sql,
            "CREATE TABLE {child} (extra integer) INHERITS ({name});"
        );
    }
    parts(schema, table, &kinds, sql);
}

fn columns(names: &[String]) -> String {
    let mut quoted: Vec<String> = names.iter().map(|name| quote(name)).collect();
    quoted.dedup();
    quoted.join(", ")
}

/// What of a table stands behind it.
fn parts(schema: &Schema, table: &Table, kinds: &HashMap<&str, &str>, sql: &mut String) {
    let name = quote(&table.name);
    let known = |column: &String| kinds.contains_key(column.as_str());
    let sortable = |column: &String| {
        kinds
            .get(column.as_str())
            .is_some_and(|of| sorts(schema, of))
    };
    for index in table
        .indexes
        .iter()
        .filter(|it| it.columns.iter().all(sortable))
    {
        let (own, column) = (quote(&index.name), quote(&index.columns[0]));
        let of = kinds
            .get(index.columns[0].as_str())
            .copied()
            .unwrap_or_default();
        let all = columns(&index.columns);
        let rest = match index.how {
            0 => format!("({column} DESC)"),
            1 => format!("({column} NULLS FIRST)"),
            2 => format!("({all}) WHERE {column} IS NOT NULL"),
            3 if is_text(of) => format!("(lower({column}), {column} text_pattern_ops)").replace(
                "text_pattern_ops",
                if of.starts_with("char") {
                    "bpchar_pattern_ops"
                } else {
                    "text_pattern_ops"
                },
            ),
            4 if is_number(of) => {
                format!("((id::text || 'x'), ({column} + 1))").replace("(id::text || 'x'), ", "")
            }
            5 => format!("({all}) WITH (fillfactor=60)"),
            6 => format!("USING hash ({column})"),
            7 => format!("({column}) INCLUDE (id)"),
            8 | 9 if of == "integer" => {
                let values = 16 * (index.how - 7);
                format!("USING brin ({column} int4_minmax_multi_ops(values_per_range={values}))")
            }
            _ => format!("({all})"),
        };
        let _ = writeln!(sql, "CREATE INDEX {own} ON {name} {rest};");
        if let Some(comment) = &index.comment {
            let _ = writeln!(sql, "COMMENT ON INDEX {own} IS {};", text(comment));
        }
    }
    for trigger in table.triggers.iter().filter(|it| known(&it.column)) {
        let (own, column) = (quote(&trigger.name), quote(&trigger.column));
        let rest = match trigger.how {
            0 => format!("BEFORE INSERT ON {name} FOR EACH ROW"),
            1 => format!("AFTER UPDATE OF {column} ON {name} FOR EACH ROW"),
            2 => format!("AFTER UPDATE ON {name} FOR EACH ROW WHEN (NEW.{column} IS NOT NULL)"),
            3 => format!("AFTER DELETE ON {name} FOR EACH STATEMENT"),
            _ => format!("BEFORE UPDATE OR DELETE ON {name} FOR EACH ROW"),
        };
        let _ = writeln!(
            sql,
            "CREATE TRIGGER {own} {rest} EXECUTE FUNCTION on_change();"
        );
        if trigger.disabled {
            let _ = writeln!(sql, "ALTER TABLE {name} DISABLE TRIGGER {own};");
        }
    }
    for policy in table.policies.iter().filter(|it| known(&it.column)) {
        let (own, column) = (quote(&policy.name), quote(&policy.column));
        let rest = match policy.how {
            0 => format!("USING ({column} IS NOT NULL)"),
            1 => format!("FOR SELECT USING ({column} IS NULL)"),
            2 => {
                format!("AS RESTRICTIVE FOR UPDATE USING (true) WITH CHECK ({column} IS NOT NULL)")
            }
            3 => "TO postgres USING (false)".to_owned(),
            _ => "FOR INSERT WITH CHECK (true)".to_owned(),
        };
        let _ = writeln!(sql, "CREATE POLICY {own} ON {name} {rest};");
    }
    if table.row_security {
        let _ = writeln!(sql, "ALTER TABLE {name} ENABLE ROW LEVEL SECURITY;");
    }
    if let Some(comment) = &table.comment {
        let _ = writeln!(sql, "COMMENT ON TABLE {name} IS {};", text(comment));
    }
    for column in &table.columns {
        if let Some(comment) = &column.comment {
            let own = quote(&column.name);
            let _ = writeln!(sql, "COMMENT ON COLUMN {name}.{own} IS {};", text(comment));
        }
    }
    let first = table
        .columns
        .first()
        .filter(|it| table.statistics && sortable(&it.name));
    if let Some(column) = first {
        let own = quote(&format!("{} stat", table.name));
        let _ = writeln!(
            sql,
            "CREATE STATISTICS {own} ON id, {} FROM {name};",
            quote(&column.name)
        );
    }
}

fn foreign_keys(schema: &Schema, table: &Table, sql: &mut String) {
    let kinds = kinds(schema, table);
    for key in &table.foreign_keys {
        let Some(to) = schema.tables.iter().find(|it| it.name == key.to) else {
            continue;
        };
        let fits = kinds.get(key.column.as_str()) == Some(&id_kind(to));
        let plain = table
            .columns
            .iter()
            .any(|it| it.name == key.column && !is_generated(schema, table, it));
        if to.key.is_none() || !fits || !plain || key.column == "id" {
            continue;
        }
        let lazy = if key.deferrable {
            " DEFERRABLE INITIALLY DEFERRED"
        } else {
            ""
        };
        let _ = writeln!(
            sql,
            "ALTER TABLE {} ADD CONSTRAINT {} FOREIGN KEY ({}) REFERENCES {} ON DELETE {}{lazy};",
            quote(&table.name),
            quote(&key.name),
            quote(&key.column),
            quote(&to.name),
            key.on_delete
        );
    }
}

fn views(schema: &Schema, sql: &mut String) {
    let mut made: Vec<&View> = Vec::new();
    for view in &schema.views {
        let table = schema.tables.iter().find(|it| it.name == view.of);
        let under = made.iter().find(|it| it.name == view.of);
        let columns: Vec<&String> = match (table, under) {
            (Some(table), _) => {
                let has = |name: &&String| table.columns.iter().any(|it| it.name == **name);
                view.columns.iter().filter(has).collect()
            }
            (None, Some(_)) => Vec::new(),
            (None, None) => continue,
        };
        let mut all: Vec<String> = columns.iter().map(|name| quote(name)).collect();
        all.sort();
        all.dedup();
        let function = view.function.as_ref();
        let function = function.filter(|name| schema.functions.iter().any(|it| it.name == **name));
        all.insert(
            0,
            if table.is_some() {
                "id".to_owned()
            } else {
                "1 AS id".to_owned()
            },
        );
        all.extend(function.map(|name| format!("{}(2) AS made", quote(name))));
        let (name, of) = (quote(&view.name), quote(&view.of));
        let what = if view.materialized {
            "MATERIALIZED VIEW"
        } else {
            "VIEW"
        };
        let with = if view.barrier && !view.materialized {
            " WITH (security_barrier)"
        } else {
            ""
        };
        let _ = writeln!(
            sql,
            "CREATE {what} {name}{with} AS SELECT {} FROM {of};",
            all.join(", ")
        );
        if view.materialized && view.index {
            let own = quote(&format!("{} i", view.name));
            let _ = writeln!(sql, "CREATE INDEX {own} ON {name} (id);");
        }
        if let Some(comment) = &view.comment {
            let _ = writeln!(sql, "COMMENT ON {what} {name} IS {};", text(comment));
        }
        made.push(view);
    }
}
