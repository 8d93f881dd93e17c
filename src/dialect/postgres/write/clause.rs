//! Renders CREATE statements and the clauses of columns, keys and checks.

use crate::dialect::Literals;
use crate::dialect::literals::single_quoted;
use crate::dialect::postgres::Postgres;
use crate::model::schema::{
    Check, Column, ForeignKey, Key, KeyKind, KeyPart, Kind, Object, Options,
};

pub fn quote(name: &str) -> String {
    Postgres.quote(name)
}

pub fn text(text: &str) -> String {
    single_quoted(text)
}

pub fn list(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| quote(name)).collect();
    quoted.join(", ")
}

/// The storage parameters among some options: `fillfactor='70'`.
pub fn parameters(options: &Options) -> Vec<String> {
    let parameters = options.iter().filter_map(|(name, value)| {
        let name = name.strip_prefix("with ")?;
        Some(format!("{name}={}", parameter_value(value)))
    });
    parameters.collect()
}

/// A storage parameter's value: words and numbers without quotes.
pub fn parameter_value(value: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.' || c == '-';
    if !value.is_empty() && value.chars().all(plain) {
        value.to_owned()
    } else {
        text(value)
    }
}

/// ` WITH (fillfactor=70)`, or nothing.
pub fn with(options: &Options) -> String {
    let parameters = parameters(options);
    if parameters.is_empty() {
        String::new()
    } else {
        format!(" WITH ({})", parameters.join(", "))
    }
}

/// The type of a column as `CREATE TABLE` takes it.
pub fn column_type(column: &Column) -> String {
    match &column.collation {
        Some(collation) => format!("{} COLLATE {collation}", column.sql),
        None => column.sql.clone(),
    }
}

/// The serial type of an integer type.
pub fn serial(column: &Column) -> &'static str {
    match column.sql.as_str() {
        "smallint" => "smallserial",
        "bigint" => "bigserial",
        _ => "serial",
    }
}

/// A column's clause. With `bare` it has neither a default nor an identity.
pub fn column(column: &Column, bare: bool) -> String {
    let serial_kind = column.identity.as_deref() == Some("serial");
    let mut clause = if serial_kind && !bare {
        return format!("{} {}", quote(&column.name), serial(column));
    } else {
        format!("{} {}", quote(&column.name), column_type(column))
    };
    if let Some(compression) = column.options.get("compression") {
        clause.push_str(&format!(" COMPRESSION {compression}"));
    }
    if let (Some(default), false) = (&column.default, bare) {
        clause.push_str(&format!(" DEFAULT {default}"));
    }
    if let Some(generated) = &column.generated {
        let kind = if generated.stored {
            "STORED"
        } else {
            "VIRTUAL"
        };
        clause.push_str(&format!(
            " GENERATED ALWAYS AS ({}) {kind}",
            generated.expression
        ));
    }
    if let (Some(_), false) = (&column.identity, bare) {
        clause.push_str(&format!(" {}", identity(column)));
    }
    if !column.nullable {
        clause.push_str(" NOT NULL");
    }
    clause
}

/// `GENERATED ALWAYS AS IDENTITY (START WITH 10)`.
pub fn identity(column: &Column) -> String {
    let how = column.identity.as_deref().unwrap_or_default();
    let mut options = Options::new();
    for (name, value) in &column.options {
        if let Some(name) = name.strip_prefix("sequence ") {
            options.insert(name.to_owned(), value.clone());
        }
    }
    let mut clauses = Vec::new();
    if let Some(name) = options.get("name") {
        clauses.push(format!("SEQUENCE NAME {}", quote(name)));
    }
    clauses.extend(sequence_clauses(&options));
    if clauses.is_empty() {
        format!("GENERATED {how} AS IDENTITY")
    } else {
        format!("GENERATED {how} AS IDENTITY ({})", clauses.join(" "))
    }
}

/// The clauses of a sequence's options.
pub fn sequence_clauses(options: &Options) -> Vec<String> {
    let mut clauses = Vec::new();
    for (name, words) in [
        ("type", "AS"),
        ("increment", "INCREMENT BY"),
        ("minimum", "MINVALUE"),
        ("maximum", "MAXVALUE"),
        ("start", "START WITH"),
        ("cache", "CACHE"),
    ] {
        let value = options.get(name);
        clauses.extend(value.map(|value| format!("{words} {value}")));
    }
    if options.contains_key("cycle") {
        clauses.push("CYCLE".to_owned());
    }
    clauses
}

/// A sequence's CREATE, without its owner, which may not exist yet.
pub fn create_sequence(sequence: &Object) -> String {
    let persistence = match sequence.options.get("persistence") {
        Some(word) => format!("{word} "),
        None => String::new(),
    };
    let name = quote(&sequence.name);
    let mut sql = format!("CREATE {persistence}SEQUENCE {name}");
    for clause in sequence_clauses(&sequence.options) {
        sql.push_str(&format!(" {clause}"));
    }
    sql
}

pub fn create_view(view: &Object, query: &str) -> String {
    let what = view.kind.noun().to_uppercase();
    let mut sql = format!("CREATE {what} {}", quote(&view.name));
    if let Some(method) = view.options.get("access method") {
        sql.push_str(&format!(" USING {}", quote(method)));
    }
    sql.push_str(&with(&view.options));
    if let Some(tablespace) = view.options.get("tablespace") {
        sql.push_str(&format!(" TABLESPACE {}", quote(tablespace)));
    }
    sql.push_str(&format!(" AS\n{query}"));
    sql
}

pub fn create_policy(policy: &Object) -> String {
    let option = |name: &str| policy.options.get(name);
    let mut sql = format!(
        "CREATE POLICY {} ON {}",
        quote(&policy.name),
        quote(policy.table.as_deref().unwrap_or_default())
    );
    if let Some(kind) = option("as").filter(|kind| *kind != "PERMISSIVE") {
        sql.push_str(&format!(" AS {kind}"));
    }
    if let Some(command) = option("for").filter(|command| *command != "ALL") {
        sql.push_str(&format!(" FOR {command}"));
    }
    if let Some(roles) = option("to").filter(|roles| *roles != "PUBLIC") {
        sql.push_str(&format!(" TO {roles}"));
    }
    if let Some(using) = option("using") {
        sql.push_str(&format!(" USING ({using})"));
    }
    if let Some(check) = option("check") {
        sql.push_str(&format!(" WITH CHECK ({check})"));
    }
    sql
}

pub fn create_type(object: &Object) -> String {
    let name = quote(&object.name);
    let option = |name: &str| object.options.get(name);
    match object.kind {
        Kind::Enum => {
            let labels: Vec<String> = object.labels.iter().map(|label| text(label)).collect();
            format!("CREATE TYPE {name} AS ENUM ({})", labels.join(", "))
        }
        Kind::Domain => {
            let base = option("type").map_or("", String::as_str);
            let mut sql = format!("CREATE DOMAIN {name} AS {base}");
            if let Some(collation) = option("collation") {
                sql.push_str(&format!(" COLLATE {collation}"));
            }
            if let Some(default) = option("default") {
                sql.push_str(&format!(" DEFAULT {default}"));
            }
            if option("not null").is_some() {
                sql.push_str(" NOT NULL");
            }
            for it in object.checks.iter().filter(|it| is_valid(&it.options)) {
                sql.push_str(&format!("\n  {}", check(it)));
            }
            sql
        }
        Kind::Range => {
            let parts: Vec<String> = object
                .options
                .iter()
                .map(|(name, value)| format!("{name} = {value}"))
                .collect();
            format!("CREATE TYPE {name} AS RANGE ({})", parts.join(", "))
        }
        _ => {
            let columns: Vec<String> = object
                .columns
                .iter()
                .map(|column| format!("{} {}", quote(&column.name), column_type(column)))
                .collect();
            format!("CREATE TYPE {name} AS ({})", columns.join(", "))
        }
    }
}

/// Whether a constraint is validated.
pub fn is_valid(options: &Options) -> bool {
    !options.contains_key("valid")
}

/// A check as a constraint's clause.
pub fn check(check: &Check) -> String {
    let mut sql = format!(
        "CONSTRAINT {} CHECK ({})",
        quote(&check.name),
        check.expression
    );
    if check.options.contains_key("inherit") {
        sql.push_str(" NO INHERIT");
    }
    if check.options.contains_key("enforced") {
        sql.push_str(" NOT ENFORCED");
    } else if !is_valid(&check.options) {
        sql.push_str(" NOT VALID");
    }
    sql
}

/// A foreign key as a constraint's clause; `to` is the quoted name of its table.
pub fn foreign_key(key: &ForeignKey, to: &str) -> String {
    let mut sql = format!(
        "CONSTRAINT {} FOREIGN KEY ({}) REFERENCES {to} ({})",
        quote(&key.name),
        list(&key.columns),
        list(&key.to_columns)
    );
    if let Some(kind) = key.options.get("match") {
        sql.push_str(&format!(" MATCH {kind}"));
    }
    if key.on_update != "NO ACTION" {
        sql.push_str(&format!(" ON UPDATE {}", key.on_update));
    }
    if key.on_delete != "NO ACTION" {
        sql.push_str(&format!(" ON DELETE {}", key.on_delete));
        if let Some(columns) = key.options.get("set columns") {
            sql.push_str(&format!(" ({columns})"));
        }
    }
    if let Some(deferral) = key.options.get("deferrable") {
        sql.push_str(&deferrable(deferral));
    }
    if !is_valid(&key.options) {
        sql.push_str(" NOT VALID");
    }
    sql
}

pub fn deferrable(deferral: &str) -> String {
    match deferral {
        "INITIALLY DEFERRED" => " DEFERRABLE INITIALLY DEFERRED".to_owned(),
        _ => " DEFERRABLE".to_owned(),
    }
}

/// A primary key, a unique key or an exclusion as a constraint's clause.
pub fn key_constraint(key: &Key) -> String {
    let name = quote(&key.name);
    if let Some(definition) = key.options.get("definition") {
        return format!("CONSTRAINT {name} {definition}");
    }
    let what = match key.kind {
        KeyKind::Primary => "PRIMARY KEY",
        _ => "UNIQUE",
    };
    let mut sql = format!("CONSTRAINT {name} {what}");
    if let Some(nulls) = key.options.get("nulls") {
        sql.push_str(&format!(" NULLS {nulls}"));
    }
    sql.push_str(&format!(" ({})", parts(key)));
    sql.push_str(&include(key));
    sql.push_str(&with(&key.options));
    if let Some(tablespace) = key.options.get("tablespace") {
        sql.push_str(&format!(" USING INDEX TABLESPACE {}", quote(tablespace)));
    }
    if let Some(deferral) = key.options.get("deferrable") {
        sql.push_str(&deferrable(deferral));
    }
    sql
}

fn include(key: &Key) -> String {
    if key.include.is_empty() {
        String::new()
    } else {
        format!(" INCLUDE ({})", list(&key.include))
    }
}

fn parts(key: &Key) -> String {
    let parts: Vec<String> = key.parts.iter().map(part).collect();
    parts.join(", ")
}

fn part(part: &KeyPart) -> String {
    let mut sql = match (&part.column, &part.expression) {
        (Some(column), _) => quote(column),
        (None, Some(expression)) => format!("({expression})"),
        (None, None) => String::new(),
    };
    if let Some(collation) = part.options.get("collation") {
        sql.push_str(&format!(" COLLATE {collation}"));
    }
    if let Some(class) = part.options.get("class") {
        let parameters = parameters(&part.options);
        match parameters.as_slice() {
            [] => sql.push_str(&format!(" {class}")),
            parameters => sql.push_str(&format!(" {class} ({})", parameters.join(", "))),
        }
    }
    if part.descending {
        sql.push_str(" DESC");
    }
    if let Some(nulls) = part.options.get("nulls") {
        sql.push_str(&format!(" NULLS {nulls}"));
    }
    sql
}

/// An index's CREATE; `only` does not create the indexes of partitions.
pub fn create_index(key: &Key, on: &str, only: bool) -> String {
    let unique = match key.kind {
        KeyKind::Unique => "UNIQUE ",
        _ => "",
    };
    let only = if only { "ONLY " } else { "" };
    let mut sql = format!(
        "CREATE {unique}INDEX {} ON {only}{}",
        quote(&key.name),
        quote(on)
    );
    if let Some(method) = &key.method {
        sql.push_str(&format!(" USING {method}"));
    }
    sql.push_str(&format!(" ({})", parts(key)));
    sql.push_str(&include(key));
    if let Some(nulls) = key.options.get("nulls") {
        sql.push_str(&format!(" NULLS {nulls}"));
    }
    sql.push_str(&with(&key.options));
    if let Some(tablespace) = key.options.get("tablespace") {
        sql.push_str(&format!(" TABLESPACE {}", quote(tablespace)));
    }
    if let Some(filter) = &key.filter {
        sql.push_str(&format!(" WHERE ({filter})"));
    }
    sql
}
