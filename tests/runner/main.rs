//! Runs the case files of `tests/cases`, each case as a test of its own, and the pages of `docs`.
//!
//! `cargo test --test cases` runs all of them, `cargo test diff::mysql::partitions` those of one
//! file, and so does `cargo nextest run`. `UPDATE=1` rewrites what a case expects instead of
//! checking it. How cases are written stands in `tests/cases/README.md`.
// The lints know what is a test by this attribute, helpers included.
#![cfg(test)]

#[path = "../support/case_file.rs"]
mod case_file;
mod cli;
mod containment;
mod diff;
mod docs;
#[path = "../support/failpoint.rs"]
mod failpoint;
#[path = "../support/mask.rs"]
mod mask;
mod recovery;
mod split;
#[path = "../support/sqlite_complete.rs"]
mod sqlite_complete;
mod statements;
mod trial;
#[path = "../support/world/mod.rs"]
#[expect(dead_code, unused_imports, reason = "tests/it uses more of it")]
mod world;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Trial};

use case_file::{CaseFile, root};
use trial::{Group, trial};

/// Reads the cases of a file and makes their tests.
type Trials = fn(&Group) -> Result<Vec<Trial>, String>;

/// The folders of `tests/cases`: how many files each has at least, so that none gets lost unnoticed,
/// and who runs them.
const KINDS: &[(&str, usize, Trials)] = &[
    ("cli", 87, cli::trials),
    ("containment", 3, statements::trials),
    ("destructive", 3, statements::trials),
    ("diff", 34, diff::trials),
    ("forbidden", 1, statements::trials),
    ("recovery", 158, recovery::trials),
    ("recovery_class", 3, statements::trials),
    ("reference_guard", 3, statements::trials),
    ("reversal", 3, statements::trials),
    ("secrets", 3, statements::trials),
    ("split", 112, split::trials),
    ("write_targets", 3, statements::trials),
];

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = arguments.test_threads.or_else(trial::test_threads);
    trial::keep_panics();
    let every_product = arguments.filter.is_some() || trial::wants_every_product();
    let mut trials = diff::random_pairs();
    trials.push(containment::ordinary_statements());
    trials.push(docs::own_trial());
    trials.extend(docs::trials());
    for (kind, least, make) in KINDS {
        let files = files(&Path::new("tests/cases").join(kind));
        let (kind, least, count) = (*kind, *least, files.len());
        trials.push(trial(format!("{kind}::no_file_is_missing"), move || {
            let fewer = format!("tests/cases/{kind} has {count} files, and had {least}");
            if count < least { Err(fewer) } else { Ok(()) }
        }));
        for path in files {
            let name = name(&path);
            let made = CaseFile::read(&path).and_then(|file| {
                make(&Group {
                    name: name.clone(),
                    file: Arc::new(file),
                    every_product,
                })
            });
            // A file that cannot be read is a test that fails.
            trials.extend(made.unwrap_or_else(|fault| vec![trial(name, || Err(fault))]));
        }
    }
    trials.push(trial(
        "every_folder_has_a_kind".to_owned(),
        every_folder_has_a_kind,
    ));
    let conclusion = libtest_mimic::run(&arguments, trials);
    diff::remove_databases();
    conclusion.exit_code()
}

/// The name of a file's tests: `tests/cases/diff/mysql/keys.case` is `diff::mysql::keys`.
fn name(path: &Path) -> String {
    let path = path.strip_prefix("tests/cases").unwrap_or(path);
    let parts = path.with_extension("");
    let parts = parts.iter().map(|part| part.to_string_lossy());
    parts.collect::<Vec<_>>().join("::")
}

/// All files below a folder, in order.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let entries = std::fs::read_dir(root().join(folder)).expect("a folder of cases");
    for entry in entries {
        let path = folder.join(entry.expect("an entry").file_name());
        if root().join(&path).is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn every_folder_has_a_kind() -> Result<(), String> {
    for path in files(Path::new("tests/cases")) {
        let is_case = path.extension().is_some_and(|end| end == "case");
        let of_a_kind = KINDS
            .iter()
            .any(|(kind, ..)| path.starts_with(Path::new("tests/cases").join(kind)));
        if path != Path::new("tests/cases/README.md") && !(is_case && of_a_kind) {
            return Err(format!("nothing runs {}", path.display()));
        }
    }
    Ok(())
}
