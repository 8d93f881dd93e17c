//! Cases of containment: what becomes of a statement that is replayed in a shadow.

use std::path::Path;

use bird::dialect::containment::{Containment, Scope, check, disable_event};
use bird::dialect::{DIALECTS, Dialect};
use bird::sql::split::split;
use libtest_mimic::Trial;

use crate::case_file::CaseFile;
use crate::trial::trial;

/// The database in use is `here`; on its server there are others, some of which are called like
/// tables.
fn scope() -> Scope {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Scope {
        siblings: Vec::new(),
        own: "here".to_owned(),
        shadow: "shade".to_owned(),
        schema: Some("public".to_owned()),
        others: names(&["other", "u", "users", "mysql", "sys", "performance_schema"]),
        roles: Some(names(&["app"])),
        dynamic_routines: names(&["hidden"]),
    }
}

/// What becomes of a statement in a shadow of `here`.
pub fn describe(dialect: &dyn Dialect, sql: &str) -> String {
    let disabled = disable_event(dialect, sql).and_then(|sleep| sleep.sql);
    let sql = disabled.as_deref().unwrap_or(sql);
    match check(dialect, sql, &scope()) {
        Containment::Inside {
            sql: None,
            dynamic_sql,
        } if disabled.is_none() => match dynamic_sql {
            Some(name) => format!("inside, and {name} is opaque"),
            None => "inside".to_owned(),
        },
        Containment::Inside { sql: changed, .. } => changed.unwrap_or(sql.to_owned()),
        Containment::Dynamic(query) => format!("asks {query}"),
        Containment::Outside(outside) if outside.matters => outside.why,
        Containment::Outside(outside) => format!("({})", outside.why),
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
    let scope = Scope {
        others,
        roles: None,
        ..scope()
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
                    // Accounts are those of the whole server.
                    if dialect.facts().name == "mysql" && sql.starts_with("GRANT ") {
                        continue;
                    }
                    seen += 1;
                    if let Containment::Outside(outside) = check(*dialect, sql, &scope) {
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
