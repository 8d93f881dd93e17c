//! Writes the bird.toml of a new project.

use std::fmt::Write as _;

use toml::de::DeTable;

use super::{CONFIG_SCHEMA_FILE, embedded};
use crate::dialect::Dialect;
use crate::invariant;
use crate::model::diagnostic::Failure;

/// The entry of a database.
#[derive(Debug, Clone, Default)]
pub struct NewDatabase {
    pub name: String,
    pub url: String,
    pub schema_name: Option<String>,
    pub collation: Option<String>,
}

/// What a config says about references if there are none.
const REFERENCE: &str = "\
# A reference is a foreign key that crosses databases. `bird audit` finds rows without a parent.
#
# [[references]]
# from = \"twitter.messages.author_id\"
# to   = \"ums.users.id\"
";

const ENVIRONMENT: &str = "\
# [env.production]           # bird --env production
# protected = true
";

/// The text of a config. `references` are its entries, or comments.
pub fn config(databases: &[NewDatabase], references: &str) -> String {
    let mut text = format!(
        "{}# The databases of this project. Paths are relative to the folder of this file.\n",
        schema_line()
    );
    for database in databases {
        let name = &database.name;
        let variable = name.to_ascii_uppercase();
        let _ = writeln!(text, "\n[databases.{name}]");
        let pairs = [
            ("url", Some(database.url.clone())),
            ("migrations", Some(format!("migrations/{name}"))),
            ("schema_name", database.schema_name.clone()),
            ("collation", database.collation.clone()),
        ];
        let pairs = pairs
            .into_iter()
            .filter_map(|(key, value)| Some((key, value?)));
        let pairs: Vec<(&str, String)> = pairs
            .map(|(key, value)| (key, toml::Value::String(value).to_string()))
            .collect();
        let widest = pairs.iter().map(|(key, _)| key.len()).max().unwrap_or(0);
        for (key, value) in pairs {
            let _ = write!(text, "{key:widest$} = {value}");
            if key == "url" {
                let _ = write!(text, "   # BIRD_{variable}_URL overrides it");
            }
            text.push('\n');
        }
    }
    let references = if references.is_empty() {
        REFERENCE
    } else {
        references
    };
    let _ = write!(text, "\n{references}\n{ENVIRONMENT}");
    text
}

/// The line by which editors find the JSON Schema.
fn schema_line() -> String {
    format!("#:schema ./{CONFIG_SCHEMA_FILE}\n")
}

/// The config of a template with its databases on one engine, and their names.
pub fn on_engine(
    text: &str,
    dialect: &dyn Dialect,
    url: &dyn Fn(&dyn Dialect, &str) -> String,
) -> Result<(Vec<String>, String), Failure> {
    let parsed = DeTable::parse(text);
    let parsed = invariant!(parsed.ok(), some, "a template's bird.toml is TOML");
    let databases = parsed.get_ref().get("databases");
    let databases = databases.and_then(|value| value.get_ref().as_table());
    let databases = invariant!(databases, some, "a template declares databases");
    let mut found = Vec::new();
    for (name, value) in databases.iter() {
        let written = value
            .get_ref()
            .as_table()
            .and_then(|table| table.get("url"));
        let written = written.map(toml::Spanned::span);
        found.push((name.span().start, name.get_ref().to_string(), written));
    }
    found.sort_by_key(|(start, ..)| *start);
    let mut out = text.to_owned();
    // From the end on, so that the places before stay where they are.
    for (_, name, span) in found.iter().rev() {
        if let Some(span) = span
            && dialect.facts().name != embedded().facts().name
        {
            out.replace_range(span.clone(), &format!("\"{}\"", url(dialect, name)));
        }
    }
    let body = match out.split_once('\n') {
        Some((first, rest)) if first.starts_with("#:schema") => rest,
        _ => &out,
    };
    let names = found.into_iter().map(|(_, name, _)| name).collect();
    Ok((names, schema_line() + body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_config_is_toml_whatever_a_url_holds() {
        let database = NewDatabase {
            name: "app".into(),
            url: "x:\"a\\b".into(),
            collation: Some("c".into()),
            ..NewDatabase::default()
        };
        let text = config(&[database], "");
        let table: toml::Table = text.parse().unwrap();
        let app = &table["databases"]["app"];
        assert_eq!(app["url"].as_str(), Some("x:\"a\\b"));
        assert_eq!(app["collation"].as_str(), Some("c"));
        assert!(app.get("schema_name").is_none());
    }
}
