//! The diff, proven on the running engines: what leads from one schema to another is made in a
//! throw-away database, and must give exactly the other one, in bird's eyes and in those of the
//! engine's own tools.
//!
//! A case stands in a file of `cases/diff/<engine>`, where `=== ` begins a case with its title and
//! `--- ` a section: `from` and `to` are SQL, `only` names the product where there is but one,
//! `rows` is SQL that fills `from`, `kept` a query that must answer the same before and after.
//! What the diff says stands behind them, one section per product: UPDATE=1 rewrites it, CASE=word
//! selects the cases whose title or file has the word. `same` in place of `to` says that two
//! spellings mean one schema: the diff must be empty.

mod client;
mod difference;
mod generate;
mod laboratory;
mod witness;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use crate::world::Engine;
use laboratory::Laboratory;

engines!(cases_hold);

struct Case {
    title: String,
    /// In the order of the file.
    sections: Vec<(String, String)>,
}

impl Case {
    fn one(&self, name: &str) -> Option<&str> {
        let mut sections = self.sections.iter();
        let found = sections.find(|(is, _)| is == name);
        found.map(|(_, body)| body.as_str())
    }

    fn set(&mut self, name: &str, body: String) {
        match self.sections.iter_mut().find(|(is, _)| is == name) {
            Some((_, old)) => *old = body,
            None => self.sections.push((name.to_owned(), body)),
        }
    }
}

fn read(path: &Path) -> Vec<Case> {
    let text = fs::read_to_string(path).expect("a file of cases");
    let mut cases: Vec<Case> = Vec::new();
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("=== ") {
            cases.push(Case {
                title: title.to_owned(),
                sections: Vec::new(),
            });
            continue;
        }
        let case = cases.last_mut().expect("a case begins with `=== `");
        match (line.strip_prefix("--- "), case.sections.last_mut()) {
            (Some(name), _) => case.sections.push((name.to_owned(), String::new())),
            (None, Some((_, body))) => {
                body.push_str(line);
                body.push('\n');
            }
            (None, None) => panic!("{}: `{line}` is in no section", path.display()),
        }
    }
    cases
}

fn written(cases: &[Case]) -> String {
    cases.iter().fold(String::new(), |mut text, case| {
        let _ = writeln!(text, "=== {}", case.title);
        for (name, body) in &case.sections {
            let _ = write!(text, "--- {name}\n{body}");
        }
        text
    })
}

fn files(engine: Engine) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/it/cases/diff")
        .join(engine.folder());
    let entries = fs::read_dir(folder).expect("a folder of cases");
    let mut files: Vec<_> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    files
}

/// MariaDB and MySQL take turns with the cases that both share: each is proven on one of them, and
/// with `BIRD_TEST_EVERY=1` on both.
fn has_turn(engine: Engine, number: usize) -> bool {
    match engine {
        Engine::MariaDb => number.is_multiple_of(2),
        Engine::MySql => !number.is_multiple_of(2),
        _ => true,
    }
}

fn cases_hold(engine: Engine) {
    let (update, wanted) = (std::env::var_os("UPDATE"), std::env::var("CASE").ok());
    let laboratory = Laboratory::new(engine);
    let every = std::env::var_os("BIRD_TEST_EVERY").is_some() || update.is_some();
    let mut wrong = String::new();
    let (mut seen, mut shared) = (0, 0);
    for path in files(engine) {
        let mut cases = read(&path);
        let name = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        for case in &mut cases {
            let mine = case
                .one("only")
                .is_none_or(|only| only.trim() == engine.product());
            let is_wanted = |word: &String| name.contains(word) || case.title.contains(word);
            if !mine || !wanted.as_ref().is_none_or(is_wanted) {
                continue;
            }
            seen += 1;
            if case.one("only").is_none() && wanted.is_none() && !every {
                shared += 1;
                if !has_turn(engine, shared) {
                    continue;
                }
            }
            let proof = laboratory.prove(&laboratory::Pair {
                from: case.one("from").expect("a section `from`"),
                to: case
                    .one("to")
                    .or(case.one("same"))
                    .expect("a section `to` or `same`"),
                rows: case.one("rows"),
                kept: case.one("kept"),
            });
            let mut faults = proof.faults;
            if case.one("same").is_some() && !proof.sql.is_empty() {
                faults.push(format!("the two are not the same:\n{}", proof.sql));
            }
            let product = engine.product();
            if case.one("same").is_none() {
                if update.is_some() {
                    case.set(product, proof.sql);
                } else if case.one(product) != Some(&proof.sql) {
                    let stood = case.one(product).unwrap_or("nothing\n");
                    faults.push(format!("stood:\n{stood}now:\n{}", proof.sql));
                }
            }
            for fault in faults {
                let _ = writeln!(wrong, "{name}: {}: {fault}", case.title);
            }
        }
        if update.is_some() {
            fs::write(&path, written(&cases)).expect("a file of cases");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(seen > 0 || wanted.is_some(), "there are no cases");
}
