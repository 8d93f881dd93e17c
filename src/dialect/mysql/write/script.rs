//! Renders statements as a script for the client program.

use super::super::SYNTAX;
use crate::dialect::catalog::risks;
use crate::model::change::DdlStep;
use crate::sql::Cursor;
use crate::sql::split::split;

/// The steps in their order, each with its risks; bodies that contain semicolons are enclosed in
/// DELIMITER lines.
pub fn script(steps: &[DdlStep]) -> String {
    let mut text = String::new();
    for step in steps {
        text.push_str(&risks(step));
        match delimiter(&step.sql) {
            None => text.push_str(&format!("{};\n", step.sql)),
            Some(sign) => {
                text.push_str(&format!(
                    "DELIMITER {sign}\n{}{sign}\nDELIMITER ;\n",
                    step.sql
                ));
            }
        }
    }
    text
}

/// The delimiter of a statement that contains semicolons.
fn delimiter(sql: &str) -> Option<&'static str> {
    let semicolons = sql.contains(';') && Cursor::new(&SYNTAX, sql).has(";");
    // A remark at the very end would swallow the semicolon.
    let whole = split(&SYNTAX, &format!("{sql};\n"));
    let alone = whole.is_ok_and(
        |statements| matches!(statements.as_slice(), [one] if one.range == (0..sql.len())),
    );
    if !semicolons && alone {
        return None;
    }
    ["//", "$$", "~~", "//bird//"]
        .into_iter()
        .find(|sign| !sql.contains(sign))
}
