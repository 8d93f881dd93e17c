//! The floors inside the rooms, and circles of imports between files of different folders.

use super::graph::{Graph, module};
use super::source::sources;

/// The floors inside a room, from the bottom up, by modules. A module uses its own submodules and
/// the floors below, not its neighbours. The longest name that fits a file counts. The room's own
/// `mod.rs` is everybody's, and uses all of them.
const FLOORS: &[(&str, &[&[&str]])] = &[
    (
        "sql",
        &[
            &["syntax"],
            &["lex", "name"],
            &["body", "secrets", "token"],
            &["split"],
            &["script"],
            &["cursor"],
        ],
    ),
    (
        "dialect",
        &[
            &["bookkeeping", "literals", "seeds", "server", "session"],
            &["catalog", "checks", "keys", "statement"],
            &["containment", "recovery", "repairs"],
            &["statements"],
            &["provisioning"],
            // No engine uses another.
            &["mysql", "postgres", "sqlite"],
        ],
    ),
    (
        "db",
        &[
            &["failpoint"],
            &["session", "stop", "file", "clock", "compressed"],
            &[
                "definitions",
                "inspect",
                "journal",
                "keys",
                "own_tables",
                "pooler",
                "rebuild",
            ],
            &["history", "limits", "lock", "writability"],
            &[
                "drop_database",
                "provision",
                "schema_record",
                "seed_record",
                "shadow",
                "stored_migration",
            ],
            &["apply", "audit", "doctor", "repair", "replay"],
        ],
    ),
    (
        "cmd",
        &[
            &["context", "facts", "flags", "memory", "text_report"],
            &["run"],
            &["source"],
            &[
                "adopt",
                "completions",
                "diff",
                "doctor",
                "help",
                "impact",
                "import",
                "init",
                "inspect",
                "man",
                "migrate",
                "new",
                "provision",
                "repair",
                "resolve",
                "seed",
                "status",
            ],
            // Commands that consist of others.
            &["audit", "undo", "up", "verify"],
            &["reset"],
            &["cli"],
            &["execute"],
        ],
    ),
];

/// Imports against the floors that still stand: the file, what it imports, and why.
const FLOORS_ALLOWED: &[(&str, &str, &str)] = &[];

/// Files of circles that still stand, and why.
const CIRCLES_ALLOWED: &[(&str, &str)] = &[];

#[test]
fn modules_of_a_room_use_only_the_floors_below() {
    let graph = Graph::new(&sources("src"));
    let mut wrong = Vec::new();
    let mut allowed = FLOORS_ALLOWED.to_vec();
    for (module, imports) in &graph.imports {
        let room = FLOORS
            .iter()
            .find(|(room, _)| module.first().is_some_and(|first| first == room));
        let Some((room, floors)) = room.filter(|_| module.len() > 1) else {
            continue;
        };
        let Some((floor, name)) = place(floors, module) else {
            wrong.push(format!("{} is on no floor", module.join("::")));
            continue;
        };
        let inside = imports
            .iter()
            .filter(|used| used.len() > 1 && used[0] == *room);
        for used in inside {
            let Some((below, used_name)) = place(floors, used) else {
                continue; // It is named above.
            };
            if below < floor || used_name == name {
                continue;
            }
            let (module, used) = (module.join("::"), used.join("::"));
            let before = allowed.len();
            allowed.retain(|(from, to, _)| (*from, *to) != (&module, &used));
            if allowed.len() == before {
                wrong.push(format!("{module} uses {used}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(
        allowed.is_empty(),
        "take these exceptions out: {allowed:#?}"
    );
}

/// The floor of a module, and the name that it has there.
fn place<'f>(floors: &'f [&[&str]], module: &[String]) -> Option<(usize, &'f str)> {
    let inner = module[1..].join("::");
    let is_in = |name: &str| {
        let rest = inner.strip_prefix(name);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    };
    let names = floors.iter().enumerate();
    let names = names.flat_map(|(floor, names)| names.iter().map(move |name| (floor, *name)));
    names
        .filter(|(_, name)| is_in(name))
        .max_by_key(|(_, name)| name.len())
}

#[test]
fn every_floor_has_files() {
    let modules: Vec<Vec<String>> = sources("src").iter().map(module).collect();
    for (room, floors) in FLOORS {
        for name in floors.iter().flat_map(|names| names.iter()) {
            let full = format!("{room}::{name}");
            let mut all = modules.iter().map(|module| module.join("::"));
            assert!(all.any(|module| module == full), "{full} is not there");
        }
    }
}

#[test]
fn no_files_of_different_folders_import_each_other_in_a_circle() {
    let graph = Graph::new(&sources("src"));
    let mut allowed: Vec<&str> = CIRCLES_ALLOWED.iter().map(|(file, _)| *file).collect();
    let mut wrong = Vec::new();
    for circle in graph.circles() {
        if circle
            .iter()
            .all(|file| CIRCLES_ALLOWED.iter().any(|(known, _)| known == file))
        {
            allowed.retain(|known| !circle.iter().any(|file| file == known));
        } else {
            wrong.push(circle);
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(
        allowed.is_empty(),
        "take these exceptions out: {allowed:#?}"
    );
}
