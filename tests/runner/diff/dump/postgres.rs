//! What pg_dump says of a database, in an order that does not depend on the order of columns or on
//! the order in which objects were made.

use std::process::Command;

use bird::db::shadow::Shadow;

/// The statements of a dump.
pub fn dump(shadow: &Shadow) -> Vec<String> {
    let program = std::env::var_os("BIRD_TEST_POSTGRES_DUMP").expect("pg_dump");
    let output = Command::new(program)
        .args(["--schema-only", "--no-owner", &shadow.database])
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
    // A schema that was dropped and created again lacks the comment of a new database's, which says nothing.
    statements.retain(|statement| statement != "COMMENT ON SCHEMA public IS '';");
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
