//! Cases of containment: what becomes of a statement that is replayed in a shadow.

use std::path::Path;

use bird::dialect::containment::{Around, Reach, asleep, reach};
use bird::dialect::{DIALECTS, Dialect};
use bird::sql::split::split;
use libtest_mimic::Trial;

use crate::case_file::CaseFile;
use crate::trial::trial;

/// The database in use is `here`; on its server there are others, some of which are called like
/// tables.
fn around() -> Around {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Around {
        own: "here".to_owned(),
        shadow: "shade".to_owned(),
        schema: Some("public".to_owned()),
        others: names(&["other", "u", "users", "mysql", "sys", "performance_schema"]),
        roles: Some(names(&["app"])),
        opaque: names(&["hidden"]),
    }
}

/// What becomes of a statement in a shadow of `here`.
pub fn describe(dialect: &dyn Dialect, sql: &str) -> String {
    let disabled = asleep(dialect, sql).and_then(|sleep| sleep.sql);
    let sql = disabled.as_deref().unwrap_or(sql);
    match reach(dialect, sql, &around()) {
        Reach::Inside { sql: None, opaque } if disabled.is_none() => match opaque {
            Some(name) => format!("inside, and {name} is opaque"),
            None => "inside".to_owned(),
        },
        Reach::Inside { sql: changed, .. } => changed.unwrap_or(sql.to_owned()),
        Reach::Tells(query) => format!("asks {query}"),
        Reach::Outside(outside) if outside.matters => outside.why,
        Reach::Outside(outside) => format!("({})", outside.why),
    }
}

/// A test over the files of other cases.
pub fn ordinary_statements() -> Trial {
    trial(
        "containment::ordinary_statements_stay_inside".to_owned(),
        ordinary_statements_stay_inside,
    )
}

/// Databases that are called like the tables, aliases and columns of ordinary statements make none
/// of these reach out.
fn ordinary_statements_stay_inside() -> Result<(), String> {
    let mut others: Vec<String> = ('a'..='z').map(String::from).collect();
    let words = [
        "users", "posts", "orders", "id", "name", "new", "old", "public", "accounts",
    ];
    others.extend(words.map(str::to_owned));
    let around = Around {
        others,
        roles: None,
        ..around()
    };
    let (mut seen, mut wrong) = (0, Vec::new());
    for dialect in DIALECTS {
        let folder = format!("tests/cases/diff/{}", dialect.facts().name);
        for path in crate::files(Path::new(&folder)) {
            for section in CaseFile::read(&path)?.sections {
                if !["from", "to", "same"].contains(&section.name.as_str()) {
                    continue;
                }
                let Ok(statements) = split(dialect.syntax(), &section.body) else {
                    continue;
                };
                for statement in statements {
                    let sql = &section.body[statement.range];
                    seen += 1;
                    if let Reach::Outside(outside) = reach(*dialect, sql, &around) {
                        let (path, line) = (path.display(), section.line);
                        wrong.push(format!("{path}:{line}: {sql}\n  {}", outside.why));
                    }
                }
            }
        }
    }
    if seen <= 500 {
        return Err(format!("there are only {seen} statements"));
    }
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(format!("{} of {seen}\n{}", wrong.len(), wrong.join("\n")))
    }
}
