//! The SQL that sets up, limits, resets and ends a session.

use std::time::Duration;

/// The statements that bring a session into bird's known state and out of it.
pub trait SessionSql: Sync {
    /// What a session is set to, in one text; `looking` makes it read-only.
    fn settings(&self, schema: Option<&str>, looking: bool) -> String;

    /// What takes a session back to its known state, whatever was set in it.
    fn reset(&self, schema: Option<&str>) -> String {
        self.settings(schema, false)
    }

    /// Asks for the number of this session, by which another one can cancel its statement.
    fn session_query(&self) -> Option<&'static str> {
        None
    }

    /// How long a statement may wait in the server's own queue for a lock, and run. Whoever waits
    /// there holds up everybody behind it, so bird waits shortly and comes again.
    fn limits(&self, _lock: Duration, _statement: Option<Duration>) -> Option<String> {
        None
    }

    /// Makes the server notice that its client is gone, where that can be asked for.
    fn tcp_keepalive(&self) -> Option<&'static str> {
        None
    }

    /// Takes back what [`SessionSql::settings`] did, before a session ends: a pooler may hand it to
    /// someone else.
    fn teardown(&self) -> Option<&'static str> {
        None
    }

    /// The statement that starts a transaction which is going to write.
    fn begin(&self) -> &'static str {
        "BEGIN"
    }

    /// What takes the engine's own client to a database, by its name or its file, where a text is
    /// about several.
    fn connect_command(&self, database: &str) -> String;
}
