//! Cases of the diff, proven on the running engines: the statements that lead from one schema to
//! another are run in a scratch database, and must give exactly the other schema, as bird reads it
//! and as the engine's own tools dump it.

mod dump;
mod generate;
mod prover;

use std::collections::HashSet;
use std::ops::Range;
use std::path::PathBuf;

use libtest_mimic::Trial;

use crate::case_file::{CaseFile, Section, difference, is_update, update};
use crate::trial::{Group, engine_trial, slug};
use crate::world::Engine;
pub use generate::trials as random_pairs;
use prover::Pair;
pub use prover::remove_databases;

/// A pair of schemas, and what the diff between them is on each product.
struct Case {
    path: PathBuf,
    title: String,
    line: usize,
    sections: Vec<Section>,
}

impl Case {
    fn section(&self, name: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.name == name)
    }

    fn body(&self, name: &str) -> Option<&str> {
        self.section(name).map(|section| section.body.as_str())
    }

    /// Whether the case is about a product.
    fn is_about(&self, product: Engine) -> bool {
        self.section("only")
            .is_none_or(|only| only.argument == product.name())
    }

    fn fault(&self, what: &str) -> String {
        format!("{}:{}: {what}", self.path.display(), self.line)
    }

    /// Fails if the sections do not make a case.
    fn validate(&self, products: &[Engine]) -> Result<(), String> {
        let both = self.section("to").is_some() && self.section("same").is_some();
        let neither = self.section("to").is_none() && self.section("same").is_none();
        if self.section("from").is_none() || both || neither {
            return Err(self.fault("a case has a section `from`, and one of `to` and `same`"));
        }
        if !products.iter().any(|product| self.is_about(*product)) {
            return Err(self.fault("`only` names no product of this engine"));
        }
        Ok(())
    }
}

/// The parts of a file that are cases, heads included.
fn ranges(file: &CaseFile) -> Vec<Range<usize>> {
    let heads = file.sections.iter().enumerate();
    let starts = heads.filter(|(_, section)| section.name == "case");
    let starts: Vec<usize> = starts.map(|(at, _)| at).collect();
    let ends = starts.iter().skip(1).copied().chain([file.sections.len()]);
    std::iter::zip(starts.iter().copied(), ends)
        .map(|(start, end)| start..end)
        .collect()
}

fn cases(file: &CaseFile) -> Result<Vec<Case>, String> {
    if file.sections[0].name != "case" {
        return Err(format!(
            "{}: a case begins with `=== case TITLE`",
            file.place(&file.sections[0])
        ));
    }
    let cases = ranges(file).into_iter().map(|range| Case {
        path: file.path.clone(),
        title: file.sections[range.start].argument.clone(),
        line: file.sections[range.start].line,
        sections: file.sections[range.start + 1..range.end].to_vec(),
    });
    Ok(cases.collect())
}

pub fn trials(group: &Group) -> Result<Vec<Trial>, String> {
    let products = group.products()?;
    let mut sections = vec!["case", "only", "from", "to", "same", "rows", "kept"];
    sections.extend(products.iter().map(|product| product.name()));
    group.file.expect_sections(&sections)?;
    let mut names = HashSet::new();
    let mut trials = Vec::new();
    for case in cases(&group.file)? {
        case.validate(products)?;
        let name = format!("{}::{}", group.name, slug(&case.title));
        if !names.insert(name.clone()) {
            return Err(case.fault("another case of this file has the same title"));
        }
        let case = std::sync::Arc::new(case);
        for product in products.iter().copied() {
            let is_shared = case.section("only").is_none();
            if !case.is_about(product) || (is_shared && !group.has_turn(product, &name)) {
                continue;
            }
            let name = match products.len() {
                1 => name.clone(),
                _ => format!("{name}::{}", product.name()),
            };
            let case = std::sync::Arc::clone(&case);
            trials.push(engine_trial(name, product, move || check(&case, product)));
        }
    }
    Ok(trials)
}

fn check(case: &Case, product: Engine) -> Result<(), String> {
    let same = case.body("same");
    let proof = prover::prove(
        product,
        &Pair {
            from: case.body("from").unwrap_or_default(),
            to: case.body("to").or(same).unwrap_or_default(),
            rows: case.body("rows"),
            kept: case.body("kept"),
        },
    );
    let mut faults = proof.faults;
    let expected = case.body(product.name());
    if same.is_some() {
        if !proof.sql.is_empty() {
            faults.push(format!("the two are not the same:\n{}", proof.sql));
        }
    } else if expected != Some(&proof.sql) {
        if is_update() {
            renew(case, product, &proof.sql)?;
        } else {
            faults.push(difference(expected.unwrap_or_default(), &proof.sql));
        }
    }
    if faults.is_empty() {
        Ok(())
    } else {
        Err(case.fault(&faults.join("\n")))
    }
}

/// Writes what the diff says of a case into its file.
fn renew(case: &Case, product: Engine, sql: &str) -> Result<(), String> {
    update(&case.path, |file| {
        let mut ranges = ranges(file).into_iter();
        let range = ranges.find(|range| file.sections[range.start].argument == case.title);
        let Some(range) = range else { return };
        let sections = &mut file.sections[range.clone()];
        match sections.iter_mut().find(|one| one.name == product.name()) {
            Some(section) => section.body = sql.to_owned(),
            None => {
                let section = Section::new(product.name(), "", sql.to_owned());
                file.sections.insert(range.end, section);
            }
        }
    })
}
