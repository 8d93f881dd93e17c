//! SQLite's own opinion on where a statement ends.

/// Checks that a statement without its semicolon is one to SQLite's library as well: with a
/// semicolon it is complete, and no part of it that ends with a semicolon is.
///
/// The library looks at tokens alone, as the splitter does, so the two must agree on every text; it
/// says nothing about whether the text is SQL.
pub fn check(statement: &str) -> Result<(), String> {
    if !is_complete(&format!("{statement};")) {
        return Err(format!("{statement:?} is not complete to SQLite"));
    }
    for (at, _) in statement.match_indices(';') {
        if is_complete(&statement[..=at]) {
            return Err(format!("{statement:?} is complete at {at} to SQLite"));
        }
    }
    Ok(())
}

#[expect(
    unsafe_code,
    reason = "sqlite3_complete has no safe wrapper among the dependencies"
)]
fn is_complete(sql: &str) -> bool {
    let Ok(sql) = std::ffi::CString::new(sql) else {
        return false;
    };
    // SAFETY: the pointer is to a NUL-terminated string that outlives the call, and the function
    // only reads it.
    unsafe { libsqlite3_sys::sqlite3_complete(sql.as_ptr()) == 1 }
}
