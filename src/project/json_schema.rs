//! Compares `docs/bird.schema.json`, which editors use, with what the parser accepts.

use serde_json::Value;
use toml::de::DeTable;

use super::assertions::ASSERTION;
use super::config::{self, DATABASE, SEED, TOP};
use super::document::{ConfigReader, Document};
use super::references::REFERENCE;
use crate::dialect;

/// The tables of a config: the name of the definition, what makes a table complete, and its keys.
const TABLES: &[(&str, &str, &[&str])] = &[
    ("database", "databases.app", DATABASE),
    ("reference", "references", REFERENCE),
    ("seed", "seeds", SEED),
    ("assertion", "assertions", ASSERTION),
];

fn schema() -> Value {
    serde_json::from_str(include_str!("../../docs/bird.schema.json")).unwrap()
}

fn keys(table: &Value) -> Vec<String> {
    assert_eq!(table["additionalProperties"], false, "{table}");
    let mut keys: Vec<String> = table["properties"]
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    keys.sort();
    keys
}

fn sorted(keys: &[&str]) -> Vec<String> {
    let mut keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
    keys.sort();
    keys
}

/// The faults that the parser finds in a config.
fn faults(text: &str) -> Vec<String> {
    let document = Document::new("bird.toml".into(), text.into());
    let table = DeTable::parse(&document.text).unwrap();
    let mut reader = ConfigReader::new(&document);
    config::read(&mut reader, table.get_ref());
    reader
        .faults
        .into_iter()
        .map(|fault| fault.message)
        .collect()
}

/// A config with one table: its pairs, each with its value as TOML.
fn with_table(place: &str, pairs: &[(&str, String)]) -> String {
    let mut text = match place {
        "databases.app" => "[databases.app]\n".to_owned(),
        list => format!("[databases.app]\nurl = \"x\"\n[[{list}]]\n"),
    };
    for (key, value) in pairs {
        text.push_str(&format!("{key} = {value}\n"));
    }
    text
}

fn toml(value: &Value) -> String {
    toml::Value::try_from(value).unwrap().to_string()
}

/// A property with its reference to a definition followed.
fn resolved(schema: &Value, property: &Value) -> Value {
    let mut property = property.clone();
    if let Some(name) = property["$ref"].as_str() {
        let definition = name.strip_prefix("#/definitions/").unwrap();
        for (key, value) in schema["definitions"][definition].as_object().unwrap() {
            property[key] = value.clone();
        }
    }
    property
}

#[test]
fn the_published_schema_has_the_keys_of_the_parser() {
    let schema = schema();
    assert_eq!(keys(&schema), sorted(TOP));
    let inner: Vec<&str> = TOP.iter().copied().filter(|key| *key != "env").collect();
    assert_eq!(keys(&schema["definitions"]["environment"]), sorted(&inner));
    for (name, _, known) in TABLES {
        assert_eq!(keys(&schema["definitions"][name]), sorted(known), "{name}");
    }
    let engines = &schema["definitions"]["database"]["properties"]["engine"]["enum"];
    assert_eq!(toml(engines), toml(&dialect::names().into()));
}

#[test]
fn the_published_schema_and_the_parser_accept_the_same_values() {
    let schema = schema();
    for (name, place, _) in TABLES {
        let definition = &schema["definitions"][name];
        let properties = definition["properties"].as_object().unwrap();
        let required = definition["required"].as_array();
        let is_required = |key: &str| required.is_some_and(|all| all.iter().any(|one| one == key));
        for (key, property) in properties {
            let example = |of: &Value| toml(&of["examples"][0]);
            let with = |value: String| {
                let mut pairs = vec![(key.as_str(), value)];
                let others = properties.iter().filter(|(other, _)| *other != key);
                let others = others.filter(|(other, _)| is_required(other));
                pairs.extend(others.map(|(other, of)| (other.as_str(), example(of))));
                faults(&with_table(place, &pairs))
            };
            assert_eq!(with(example(property)), [""; 0], "{name}.{key}");
            let property = resolved(&schema, property);
            let wrong = if property["type"] == "boolean" {
                "\"x\""
            } else {
                "true"
            };
            let found = with(wrong.to_owned());
            assert!(found[0].contains("must be"), "{name}.{key}: {found:?}");
            for word in property["enum"].as_array().into_iter().flatten() {
                assert_eq!(with(toml(word)), [""; 0], "{name}.{key} = {word}");
            }
            if property["enum"].is_array() {
                assert_eq!(with("\"nonsense\"".to_owned()).len(), 1, "{name}.{key}");
            }
            if is_required(key) {
                let others = properties.iter().filter(|(other, _)| *other != key);
                let others = others.filter(|(other, _)| is_required(other));
                let pairs: Vec<_> = others
                    .map(|(other, of)| (other.as_str(), example(of)))
                    .collect();
                assert_ne!(faults(&with_table(place, &pairs)), [""; 0], "{name}.{key}");
            }
        }
    }
}
