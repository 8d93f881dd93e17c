//! What pg_dump tells of a database, in an order in which nothing depends on the order of columns or
//! of their making.

use std::process::Command;

use bird::db::shadow::Shadow;

use crate::world::Engine;

/// The statements of a dump.
pub fn dump(shadow: &Shadow) -> Vec<String> {
    let url = Engine::Postgres.url().expect("a server");
    let program = std::env::var("BIRD_TEST_POSTGRES_DUMP");
    let output = Command::new(program.unwrap_or("pg_dump".to_owned()))
        .args(["--schema-only", "--no-owner"])
        .arg(format!("--dbname={url}/{}", shadow.database))
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
    if doubtful.iter().any(|it| statement.contains(it)) {
        statement
            .replace(['(', ')'], "")
            .replace("::text[]", "")
            .replace("::text", "")
    } else {
        statement
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
