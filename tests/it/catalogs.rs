//! The lists in `catalogs/` know every column of the engines' catalogs, and say what bird does with
//! it: a column that a newer server has must be looked at by a person. `docs/internals/catalogs.md` is
//! generated from them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::world::{Engine, World};

/// What bird does with a column, in the order of the page.
pub const TREATMENTS: &[&str] = &[
    "read",
    "printed",
    "named",
    "access",
    "not compared",
    "internal",
];

/// The lists, with the engine and the folder of its queries.
const LISTS: &[(Engine, &str, &str)] = &[
    (Engine::MySql, "mysql", "mysql/read"),
    (Engine::MariaDb, "mariadb", "mysql/read"),
    (Engine::Postgres, "postgres", "postgres/read"),
    (Engine::Sqlite, "sqlite", "sqlite"),
];

/// The columns of each catalog, by what bird does with them; `*` stands for all columns.
type Catalogs = BTreeMap<String, Vec<(String, Vec<String>)>>;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn list(name: &str) -> Catalogs {
    let path = root().join(format!("tests/it/catalogs/{name}.txt"));
    let text = fs::read_to_string(path).expect("a list");
    let mut catalogs = Catalogs::new();
    let mut current = String::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        match line.strip_prefix("  ") {
            None => current = line.to_owned(),
            Some(line) => {
                let (treatment, columns) = line.split_once(": ").expect("a treatment");
                assert!(TREATMENTS.contains(&treatment), "{name}: {line}");
                let columns = columns.split(' ').map(str::to_owned).collect();
                let catalog = catalogs.entry(current.clone()).or_default();
                catalog.push((treatment.to_owned(), columns));
            }
        }
    }
    catalogs
}

/// The catalogs of a running server and their columns.
fn live(engine: Engine, catalogs: &Catalogs) -> Vec<(String, String)> {
    let pragmas = catalogs.keys().map(|table| {
        format!("SELECT '{table}', name FROM pragma_table_xinfo('{table}') WHERE hidden = 0")
    });
    let of_sqlite = pragmas.collect::<Vec<_>>().join(" UNION ALL ");
    let sql = engine.pick(
        "SELECT table_name, column_name FROM information_schema.columns \
         WHERE table_schema = 'information_schema' AND table_name NOT LIKE 'INNODB%'"
            .to_owned(),
        "SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid \
         WHERE c.relnamespace = 'pg_catalog'::regnamespace AND c.relkind = 'r' AND a.attnum > 0"
            .to_owned(),
        of_sqlite,
    );
    let world = World::one(engine);
    world.provision("ums");
    let rows = world.client("ums", &sql);
    let rows = rows.lines().filter_map(|row| row.split_once('\t'));
    rows.map(|(table, column)| (table.to_owned(), column.to_owned()))
        .collect()
}

/// Every column of a running server is on the list.
fn every_column_of_a_catalog_is_known(engine: Engine) {
    let (_, name, _) = LISTS.iter().find(|one| one.0 == engine).expect("a list");
    let catalogs = list(name);
    let live = live(engine, &catalogs);
    assert!(live.len() > 20, "{live:?}");
    let is_known = |table: &str, column: &str| {
        let catalog = catalogs.get(table).into_iter().flatten();
        let mut columns = catalog.flat_map(|(_, columns)| columns);
        columns.any(|known| known == "*" || known == column)
    };
    let unknown: Vec<String> = live
        .iter()
        .filter(|(table, column)| !is_known(table, column))
        .map(|(table, column)| format!("{table}.{column}"))
        .collect();
    assert!(
        unknown.is_empty(),
        "{name}: decide what bird does with these columns: {unknown:?}"
    );
}

engines!(every_column_of_a_catalog_is_known);

/// What a list calls read or named stands in a query of the engine.
#[test]
fn every_column_that_is_read_stands_in_a_query() {
    let mut wrong = Vec::new();
    for (_, name, folder) in LISTS {
        let mut source = String::new();
        for file in fs::read_dir(root().join("src/dialect").join(folder)).expect("a folder") {
            let path = file.expect("a file").path();
            if path.is_file() {
                source.push_str(&fs::read_to_string(path).expect("text"));
            }
        }
        for (table, treatments) in list(name) {
            for (treatment, columns) in treatments {
                let is_read = ["read", "named"].contains(&treatment.as_str());
                let missing = columns.iter().filter(|column| {
                    is_read && *column != "*" && !source.contains(column.as_str())
                });
                wrong.extend(missing.map(|column| format!("{name}: {table}.{column}")));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The table of the page for an engine, without what is internal.
fn table(name: &str) -> String {
    let mut text = String::from("| catalog | compared | not, or only named |\n|---|---|---|\n");
    for (catalog, treatments) in list(name) {
        let mut cells = [Vec::new(), Vec::new()];
        for (treatment, columns) in treatments.iter().filter(|one| one.0 != "internal") {
            let columns = columns.iter().map(|column| format!("`{column}`"));
            let columns = columns.collect::<Vec<_>>().join(" ").replace("`*`", "all");
            let (at, label) = match treatment.as_str() {
                "read" => (0, ""),
                "printed" => (0, "printed: "),
                "access" => (1, "given back: "),
                "named" => (1, "named: "),
                _ => (1, ""),
            };
            cells[at].push(format!("{label}{columns}"));
        }
        if cells.iter().any(|cell| !cell.is_empty()) {
            let [compared, not] = cells.map(|cell| cell.join("; "));
            let _ = writeln!(text, "| `{catalog}` | {compared} | {not} |");
        }
    }
    text
}

/// `UPDATE=1` writes the page.
#[test]
fn the_page_shows_the_lists() {
    let path = root().join("docs/internals/catalogs.md");
    let page = fs::read_to_string(&path).expect("the page");
    let mut wanted = page.clone();
    for (_, name, _) in LISTS {
        let (before, rest) = wanted
            .split_once(&format!("<!-- catalogs of {name} -->\n"))
            .expect("a place for the list");
        let (_, after) = rest.split_once("<!-- end -->").expect("its end");
        wanted = format!(
            "{before}<!-- catalogs of {name} -->\n\n{}\n<!-- end -->{after}",
            table(name)
        );
    }
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &wanted).expect("it is written");
    }
    assert!(
        page == wanted || std::env::var_os("UPDATE").is_some(),
        "docs/internals/catalogs.md is behind: UPDATE=1 writes it"
    );
}
