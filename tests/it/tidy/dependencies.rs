//! The rules of `deny.toml`, checked without a network: licences, sources and second versions.
//!
//! `cargo deny check` checks the same lists, and security advisories as well.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use serde::Deserialize;

use super::source::root;

#[derive(Deserialize)]
struct Policy {
    licenses: Licenses,
    bans: Bans,
    sources: Sources,
}

#[derive(Deserialize)]
struct Licenses {
    allow: Vec<String>,
}

#[derive(Deserialize)]
struct Bans {
    deny: Vec<Rule>,
    skip: Vec<Rule>,
}

/// A crate, or with `@` one version of it.
#[derive(Deserialize)]
struct Rule {
    #[serde(rename = "crate")]
    spec: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Sources {
    allow_registry: Vec<String>,
}

#[derive(Deserialize)]
struct Lock {
    package: Vec<Locked>,
}

/// A package of `Cargo.lock`, which lists those of every platform.
#[derive(Deserialize)]
struct Locked {
    name: String,
    version: String,
    /// `None` for bird itself.
    source: Option<String>,
}

/// What `cargo metadata` prints.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    license: Option<String>,
}

fn policy() -> Policy {
    let text = fs::read_to_string(root().join("deny.toml")).expect("deny.toml");
    toml::from_str(&text).expect("the lists of deny.toml")
}

fn locked() -> Vec<Locked> {
    let text = fs::read_to_string(root().join("Cargo.lock")).expect("Cargo.lock");
    let lock: Lock = toml::from_str(&text).expect("Cargo.lock's packages");
    lock.package
}

fn cargo(arguments: &[&str]) -> String {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(program)
        .args(arguments)
        .current_dir(root())
        .output()
        .expect("cargo runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo {arguments:?}: {errors}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// The packages that this platform builds: only their sources are certain to be on this machine.
fn built() -> Vec<Package> {
    let version = cargo(&["-vV"]);
    let host = version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .expect("cargo names its host");
    let arguments = "metadata --offline --locked --format-version 1 --filter-platform";
    let mut arguments: Vec<&str> = arguments.split(' ').collect();
    arguments.push(host);
    let metadata: Metadata =
        serde_json::from_str(&cargo(&arguments)).expect("cargo's description of the packages");
    metadata.packages
}

/// Whether a licence expression can be satisfied with the allowed licences alone. `AND` binds more
/// tightly than `OR`, and some packages write `/` for `OR`.
fn satisfied(expression: &str, allowed: &[String]) -> bool {
    let spaced = expression
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ");
    let mut words = spaced.split_whitespace().peekable();
    let holds = any(&mut words, allowed);
    assert!(words.next().is_none(), "not a licence: {expression}");
    holds
}

type Words<'a> = std::iter::Peekable<std::str::SplitWhitespace<'a>>;

fn any(words: &mut Words, allowed: &[String]) -> bool {
    let mut holds = all(words, allowed);
    while words.next_if_eq(&"OR").is_some() {
        holds |= all(words, allowed);
    }
    holds
}

fn all(words: &mut Words, allowed: &[String]) -> bool {
    let mut holds = one(words, allowed);
    while words.next_if_eq(&"AND").is_some() {
        holds &= one(words, allowed);
    }
    holds
}

fn one(words: &mut Words, allowed: &[String]) -> bool {
    let word = words.next().expect("a licence");
    if word == "(" {
        let holds = any(words, allowed);
        assert_eq!(words.next(), Some(")"), "a parenthesis is not closed");
        return holds;
    }
    let mut name = word.to_owned();
    if words.next_if_eq(&"WITH").is_some() {
        name = format!("{name} WITH {}", words.next().expect("an exception"));
    }
    allowed.contains(&name)
}

impl Rule {
    /// `digest@0.10` covers 0.10 and 0.10.7, and `digest` covers every version.
    fn covers(&self, package: &Locked) -> bool {
        match self.spec.split_once('@') {
            Some((name, version)) => {
                let rest = package.version.strip_prefix(version);
                name == package.name
                    && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            }
            None => self.spec == package.name,
        }
    }
}

#[test]
fn every_licence_is_allowed() {
    let allowed = policy().licenses.allow;
    let refused = |package: &Package| match &package.license {
        Some(license) if satisfied(license, &allowed) => None,
        license => Some(format!("{} {}: {license:?}", package.name, package.version)),
    };
    let refused: Vec<String> = built().iter().filter_map(refused).collect();
    assert!(refused.is_empty(), "{refused:#?}");
}

#[test]
fn licence_expressions_are_understood() {
    let allowed = ["MIT".to_owned(), "ISC".to_owned()];
    for (expression, expected) in [
        ("MIT", true),
        ("GPL-3.0", false),
        ("GPL-3.0 OR MIT", true),
        ("MIT/Apache-2.0", true),
        ("Apache-2.0 AND ISC", false),
        ("MIT AND ISC OR GPL-3.0", true),
        ("(MIT OR GPL-3.0) AND ISC", true),
        ("(MIT OR ISC) AND GPL-3.0", false),
        ("MIT WITH Classpath-exception-2.0", false),
    ] {
        assert_eq!(satisfied(expression, &allowed), expected, "{expression}");
    }
}

#[test]
fn every_package_comes_from_an_allowed_registry() {
    let allowed = policy().sources.allow_registry;
    let known = |source: &str| {
        let registry = source.strip_prefix("registry+");
        registry.is_some_and(|url| allowed.iter().any(|allowed| allowed == url))
    };
    for package in locked() {
        let source = package.source.as_deref();
        assert!(source.is_none_or(known), "{}: {source:?}", package.name);
    }
}

#[test]
fn no_package_is_banned_or_there_twice() {
    let bans = policy().bans;
    let locked = locked();
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for package in &locked {
        let banned = bans.deny.iter().any(|rule| rule.covers(package));
        assert!(!banned, "{} is banned", package.name);
        if !bans.skip.iter().any(|rule| rule.covers(package)) {
            let versions = versions.entry(&package.name).or_default();
            versions.push(&package.version);
        }
    }
    versions.retain(|_, versions| versions.len() > 1);
    assert!(versions.is_empty(), "more than one version: {versions:#?}");

    for rule in &bans.skip {
        let needed = locked.iter().any(|package| rule.covers(package));
        assert!(needed, "{} is not needed any more", rule.spec);
    }
}
