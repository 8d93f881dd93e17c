//! Names in function bodies, which the server does not analyse.

use std::collections::{HashMap, HashSet};

use super::nodes::{Class, Name, Nodes, Part};

/// The words of a text that may be unquoted names.
pub fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|word| !word.is_empty())
}

/// Orders a function with a text body after the objects that the text seems to mention.
pub fn add_soft(nodes: &mut Nodes<'_>) {
    let routine = |name: &Name<'_>| matches!(name.class, Class::Function | Class::Procedure);
    if !nodes.all.iter().any(|node| routine(&node.name)) {
        return;
    }
    let mut by_word: HashMap<&str, Vec<Name<'_>>> = HashMap::new();
    for node in &nodes.all {
        let name = node.name;
        let word = match name.class {
            Class::Function | Class::Procedure | Class::Aggregate => {
                name.name.split('(').next().unwrap_or_default()
            }
            Class::Table
            | Class::View
            | Class::MaterializedView
            | Class::Sequence
            | Class::Enum
            | Class::Domain
            | Class::Composite
            | Class::Range => name.name,
            _ => continue,
        };
        by_word.entry(word).or_default().push(name);
    }
    for at in 0..nodes.all.len() {
        let node = &nodes.all[at];
        if !routine(&node.name) {
            continue;
        }
        let Part::Object(object) = node.part else {
            continue;
        };
        let own = object.name.split('(').next().unwrap_or_default();
        let mut found: HashSet<&str> = words(&object.sql).collect();
        found.remove(own);
        let mut after: Vec<Name<'_>> = found
            .iter()
            .filter_map(|word| by_word.get(word))
            .flatten()
            .copied()
            .filter(|name| *name != node.name)
            .collect();
        let tables = after.clone();
        for table in tables.iter().filter_map(|name| nodes.tables.get(name.name)) {
            let columns = table.columns.iter();
            let columns = columns.filter(|column| found.contains(column.name.as_str()));
            after.extend(columns.map(|column| Name::column(&table.name, &column.name)));
        }
        after.sort();
        if let Some(node) = nodes.all.get_mut(at) {
            node.after = after;
        }
    }
}
