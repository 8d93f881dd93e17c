//! The SQL that sets up, limits, resets and ends a session.

use std::time::Duration;

/// The statements that bring a session into bird's known state and out of it.
pub trait SessionSql: Sync {
    /// The statements that bring a new session into its known state, in one text. `read_only` makes it
    /// read-only.
    fn settings(&self, schema: Option<&str>, read_only: bool) -> String;

    /// Lets a read-only session read views, for queries that a person wrote; `None` if it always may.
    fn allow_views(&self) -> Option<String> {
        None
    }

    /// The statements that bring a used session back into its known state.
    fn reset(&self, schema: Option<&str>) -> String {
        self.settings(schema, false)
    }

    /// Asks for the session's id, by which another session can cancel its statement.
    fn session_query(&self) -> Option<&'static str> {
        None
    }

    /// Asks whether the session with an id runs a statement: 1 or 0, no row if it is gone, 1 where the
    /// server does not tell.
    fn busy_query(&self, _session: &str) -> Option<String> {
        None
    }

    /// Sets the lock timeout and the statement timeout. A waiting statement blocks every later one
    /// in the server's lock queue, so bird waits for a short time and retries.
    fn limits(&self, _lock: Duration, _statement: Option<Duration>) -> Option<String> {
        None
    }

    /// Makes the server check that its client is still connected.
    fn tcp_keepalive(&self) -> Option<&'static str> {
        None
    }

    /// Undoes [`SessionSql::settings`] before the session ends: a pooler may give it to another
    /// client.
    fn teardown(&self) -> Option<&'static str> {
        None
    }

    /// Begins a transaction that writes.
    fn begin(&self) -> &'static str {
        "BEGIN"
    }

    /// The statement that makes a session enforce foreign keys or not, on engines whose migrations
    /// must not enforce them while a table is rebuilt.
    fn enforce_foreign_keys(&self, _on: bool) -> Option<&'static str> {
        None
    }

    /// The line that makes the engine's own client end a script at the first error, if it would go
    /// on.
    fn stop_on_error(&self) -> Option<&'static str> {
        None
    }

    /// The line that makes the engine's own client connect to a database, by name or file; for
    /// texts about several databases.
    fn connect_command(&self, database: &str) -> String;
}
