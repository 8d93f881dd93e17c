//! Names inside of texts that the server does not take apart: the bodies of functions.

use std::collections::{HashMap, HashSet};

use super::nodes::{Atoms, Class, Name, Part};

/// The words of a text, as names are written without quotes.
pub fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|word| !word.is_empty())
}

/// A function whose body is a text is made behind whatever the text seems to mention.
pub fn add_soft(atoms: &mut Atoms<'_>) {
    let routine = |name: &Name<'_>| matches!(name.class, Class::Function | Class::Procedure);
    if !atoms.all.iter().any(|atom| routine(&atom.name)) {
        return;
    }
    let mut by_word: HashMap<&str, Vec<Name<'_>>> = HashMap::new();
    for atom in &atoms.all {
        let name = atom.name;
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
    for at in 0..atoms.all.len() {
        let Some(atom) = atoms.all.get(at).filter(|atom| routine(&atom.name)) else {
            continue;
        };
        let Part::Object(object) = atom.part else {
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
            .filter(|name| *name != atom.name)
            .collect();
        let tables = after.clone();
        for table in tables.iter().filter_map(|name| atoms.tables.get(name.name)) {
            let columns = table.columns.iter();
            let columns = columns.filter(|column| found.contains(column.name.as_str()));
            after.extend(columns.map(|column| Name::column(&table.name, &column.name)));
        }
        after.sort();
        if let Some(atom) = atoms.all.get_mut(at) {
            atom.after = after;
        }
    }
}
