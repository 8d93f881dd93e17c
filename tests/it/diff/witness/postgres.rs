//! What pg_dump tells of two databases, in an order in which nothing depends on the order of
//! columns or of their making.

use std::process::Command;

use bird::db::shadow::Shadow;

use crate::world::Engine;

pub fn compare(one: &Shadow, other: &Shadow) -> Option<String> {
    let (one, other) = (dump(&one.database), dump(&other.database));
    let only = |these: &[String], those: &[String]| -> Vec<String> {
        let theirs = these.iter().filter(|block| !those.contains(block));
        theirs.cloned().collect()
    };
    let (gone, come) = (only(&one, &other), only(&other, &one));
    (!gone.is_empty() || !come.is_empty()).then(|| {
        format!(
            "pg_dump says\n{}\ninstead of\n{}",
            gone.join("\n"),
            come.join("\n")
        )
    })
}

/// The statements of a dump, sorted.
fn dump(database: &str) -> Vec<String> {
    let url = Engine::Postgres.url().expect("a server");
    let output = Command::new("pg_dump")
        .args(["--schema-only", "--no-owner"])
        .arg(format!("--dbname={url}/{database}"))
        .output()
        .expect("pg_dump");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8_lossy(&output.stdout);
    let lines = text.lines().filter(|line| {
        !line.starts_with("--") && !line.starts_with("\\") && !line.trim().is_empty()
    });
    let mut statements: Vec<String> = Vec::new();
    let mut statement: Vec<&str> = Vec::new();
    for line in lines {
        statement.push(line);
        if line.ends_with(';') {
            statements.push(settled(std::mem::take(&mut statement)));
        }
    }
    statements.sort();
    statements
}

/// A statement whose lines stand in one order where that is the order of columns.
fn settled(mut lines: Vec<&str>) -> String {
    let is_table = lines.first().is_some_and(|line| {
        line.starts_with("CREATE ") && line.contains("TABLE ") && line.ends_with('(')
    });
    if is_table {
        for line in &mut lines {
            *line = line.trim_end_matches(',');
        }
        lines.sort_unstable();
    }
    let statement = sorted_parameters(&lines.join("\n"));
    let doubtful = ["ARRAY[", ")) AND (", ")) OR (", ") AND ("];
    match doubtful.iter().any(|it| statement.contains(it)) {
        // An array that is cast, and what stands between AND, are printed in two ways.
        true => statement
            .replace(['(', ')'], "")
            .replace("::text[]", "")
            .replace("::text", ""),
        false => statement,
    }
}

/// Storage parameters say the same in any order.
fn sorted_parameters(statement: &str) -> String {
    let found = statement.split_once(" WITH (").and_then(|(before, rest)| {
        let (inside, behind) = rest.split_once(')')?;
        let mut parameters: Vec<&str> = inside.split(", ").collect();
        parameters.sort_unstable();
        Some(format!("{before} WITH ({}){behind}", parameters.join(", ")))
    });
    found.unwrap_or_else(|| statement.to_owned())
}
