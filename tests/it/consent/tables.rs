//! Statements and what is told of them, one line each, from `cases/consent`.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use bird::dialect::{DIALECTS, Dialect, targets};
use bird::plan::losses;
use bird::sql::script::{blot, hide, secrets, words};
use bird::sql::split::split;

/// Runs every file of a folder of cases.
pub fn check(folder: &str, least: usize, tell: fn(&dyn Dialect, &str) -> String) {
    let mut seen = 0;
    let mut wrong = String::new();
    for dialect in DIALECTS {
        let path = format!("tests/it/cases/{folder}/{}.txt", dialect.facts().name);
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
        let Ok(text) = fs::read_to_string(&path) else {
            continue;
        };
        let mut renewed = String::new();
        for line in text.lines() {
            let (sql, expected) = line.split_once(" => ").unwrap_or((line, ""));
            if line.starts_with("# ") {
                let _ = writeln!(renewed, "{line}");
                continue;
            }
            seen += 1;
            let found = tell(*dialect, sql);
            let _ = writeln!(renewed, "{sql} => {found}");
            if found != expected {
                let name = dialect.facts().name;
                let _ = writeln!(
                    wrong,
                    "{name}: {sql}\n  expected {expected}\n  found    {found}"
                );
            }
        }
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&path, renewed).expect("a case can be written");
            wrong.clear();
        }
    }
    assert!(
        wrong.is_empty(),
        "{wrong}UPDATE=1 rewrites the expectations"
    );
    assert!(seen >= least, "{folder}: only {seen} cases");
}

fn or_nothing(told: Vec<String>) -> String {
    if told.is_empty() {
        "nothing".to_owned()
    } else {
        told.join("; ")
    }
}

#[test]
fn what_statements_lose() {
    check("consent/losses", 90, |dialect, sql| {
        let statements = split(dialect.lexis(), sql).expect("statements");
        let statements: Vec<&str> = statements
            .iter()
            .map(|one| &sql[one.range.clone()])
            .collect();
        let home = dialect.home("ums", None);
        let all = losses(dialect, home, &statements).into_iter();
        or_nothing(
            all.map(|loss| format!("{}: {} {}", loss.statement + 1, loss.consent, loss.what))
                .collect(),
        )
    });
}

#[test]
fn where_statements_write() {
    check("consent/elsewhere", 60, |dialect, sql| {
        or_nothing(
            targets::elsewhere(dialect, sql, "here")
                .into_iter()
                .collect(),
        )
    });
}

#[test]
fn settings_that_no_migration_may_change() {
    check("consent/refused", 15, |dialect, sql| {
        let words: Vec<&str> = words(dialect.lexis(), sql).collect();
        let refusal = dialect
            .refuse(&words)
            .map(|refusal| refusal.what.to_owned());
        or_nothing(refusal.into_iter().collect())
    });
}

#[test]
fn what_is_secret_is_blotted_out() {
    check("consent/secrets", 40, |dialect, sql| {
        let blotted = blot(sql, &secrets(dialect.lexis(), sql));
        assert_eq!(blotted.len(), sql.len(), "{sql}");
        blotted
    });
}

/// Engines quote a statement from where it went wrong, whole or cut, and values without quotes.
#[test]
fn a_message_tells_no_secret() {
    for dialect in DIALECTS {
        let sql = "CREATE USER a IDENTIFIED BY 'pass''word' NONSENSE";
        for (message, expected) in [
            (
                "near '\\'pass''word' NONSENSE' at line 1",
                "near '\\'***' NONSENSE' at line 1",
            ),
            ("near 'BY 'pass''wo' at line 1", "near 'BY '***' at line 1"),
            ("Duplicate entry pass'word", "Duplicate entry ***"),
            ("for the right syntax to use", "for the right syntax to use"),
            ("'past'", "'***t'"),
        ] {
            assert_eq!(hide(dialect.lexis(), sql, message), expected);
        }
        let short = "CREATE USER a IDENTIFIED BY 'a'";
        let told = hide(dialect.lexis(), short, "syntax near a, 'a' at a line");
        assert_eq!(told, "syntax near ***, '***' at *** line");
        let none = "CREATE USER a IDENTIFIED BY ''";
        assert_eq!(hide(dialect.lexis(), none, "syntax"), "syntax");
    }
}
