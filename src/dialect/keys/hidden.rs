//! [`HiddenRows`]: a table of which the account does not see every row.

use std::fmt;

/// A table whose rows a policy hides from the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HiddenRows {
    pub table: String,
    /// The names of its policies, where they are known; without any, every row is hidden.
    pub policies: Option<String>,
    /// Whether they apply to the table's owner as well.
    pub forced: bool,
}

impl HiddenRows {
    /// Reads a row of [`Keys::hidden_rows_query`](super::Keys::hidden_rows_query).
    #[must_use]
    pub fn read(row: &[Option<String>]) -> Option<HiddenRows> {
        let [Some(table), policies, forced] = row else {
            return None;
        };
        Some(HiddenRows {
            table: table.clone(),
            policies: policies.clone(),
            forced: forced.as_deref() == Some("true"),
        })
    }

    /// The way out.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        if self.forced {
            "use an account with BYPASSRLS"
        } else {
            "use an account with BYPASSRLS, or the owner of the table"
        }
    }
}

impl fmt::Display for HiddenRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let table = &self.table;
        let policies = self.policies.as_deref();
        let policies = policies.map(|names| format!(" (policy {names})"));
        let policies = policies.unwrap_or_default();
        write!(
            f,
            "row-level security{policies} hides rows of `{table}` from this account"
        )
    }
}
