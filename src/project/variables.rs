//! Environment variables that look like a database's URL and are none.

use super::Database;
use crate::model::name::did_you_mean;

/// Describes each variable `BIRD_*_URL` or `BIRD_*_URL_FILE` that no database of the project
/// reads: a misspelt one would leave its database on the URL of the config.
#[must_use]
pub fn unread(variables: impl IntoIterator<Item = String>, databases: &[Database]) -> Vec<String> {
    let read: Vec<String> = databases
        .iter()
        .map(|database| format!("BIRD_{}_URL", database.name.to_ascii_uppercase()))
        .flat_map(|name| [format!("{name}_FILE"), name])
        .collect();
    let mut unread: Vec<String> = variables
        .into_iter()
        .filter(|name| {
            let is_url = name.ends_with("_URL") || name.ends_with("_URL_FILE");
            name.starts_with("BIRD_") && is_url && !read.contains(name)
        })
        .collect();
    unread.sort_unstable();
    let described = unread.into_iter().map(|name| {
        let near = did_you_mean(&name, read.iter().map(String::as_str));
        let near = near.map_or(String::new(), |near| format!("; {near}"));
        format!("warning: the environment variable {name} matches no database{near}")
    });
    described.collect()
}
