//! Facts about a server: product and version, locks, replication, load.

use crate::model::server::Server;

/// The statements of a session-level lock. Each SELECT gives one row of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    /// Tries once to take it, without waiting: `1` if taken.
    pub take: String,
    /// `1` if this session holds it.
    pub held: String,
    /// The identity of the server's session, unique among all servers. The part after the last
    /// colon is the server's own session id.
    pub session: &'static str,
    /// Whether a proxy that shares sessions pins one that holds such a lock. Sharing is then visible
    /// only after the lock is released.
    pub pins: bool,
    /// The holder: session id, account, address, seconds since, statement.
    pub holder: String,
    pub release: String,
}

/// Product and version, locks, replication and load of a server.
pub trait ServerFacts: Sync {
    /// Asks for product and version, in the columns that [`ServerFacts::server`] reads.
    fn server_query(&self) -> &'static str;

    /// Reads a row of [`ServerFacts::server_query`].
    fn server(&self, row: &[Option<String>]) -> Server;

    /// Asks for the settings that decide what a statement makes where it does not say so itself: rows
    /// of a name and a value.
    fn environment_query(&self) -> Option<&'static str> {
        None
    }

    /// Asks for the server's identity, which changes with a failover; replicas name their source by
    /// it.
    fn identity_query(&self, _server: &Server) -> Option<&'static str> {
        None
    }

    /// Asks for an identity that no other server has. [`ServerFacts::identity_query`] is one unless
    /// servers may share it.
    fn unique_identity_query(&self, server: &Server) -> Option<&'static str> {
        self.identity_query(server)
    }

    /// Asks for the sessions that may block this one: session id, account, address, seconds since.
    fn blockers_query(&self, _server: &Server) -> Option<&'static str> {
        None
    }

    /// Asks for transactions that were prepared for a two-phase commit and may block this session,
    /// without belonging to one; the last cell of each row is the name.
    fn prepared_query(&self) -> Option<&'static str> {
        None
    }

    /// The session lock of a database. `None` if the engine has only transactions for it.
    fn lock(&self, database: &str, schema: Option<&str>) -> Option<Lock>;

    /// Asks for the setting that makes the server or the database read-only; the first cell names
    /// it.
    fn unwritable_query(&self) -> Option<&'static str> {
        None
    }

    /// Whether a replica may accept writes, so that only its replication state reveals it.
    fn replicas_take_writes(&self) -> bool {
        false
    }

    /// Asks whether the server is a node of a cluster in which a lock holds on one node only: a row
    /// that begins with the name of a setting, or no row.
    fn cluster_query(&self) -> Option<&'static str> {
        None
    }

    /// Cancels the statement of a session, which is named as [`Lock::session`] names it.
    fn cancel(&self, _session: &str) -> Option<String> {
        None
    }

    /// The warnings about a server of this product and version.
    fn doubts(&self, _server: &Server) -> Vec<String> {
        Vec::new()
    }

    /// The privilege for [`ServerFacts::replication`]. `None` if every account may ask.
    fn replication_right(&self, _server: &Server) -> Option<&'static str> {
        None
    }

    /// Whether a replica has the identity of its primary, as a physical copy of it.
    fn copies_identity(&self) -> bool {
        false
    }

    /// Asks whether this server follows another one, for `keys::replication`.
    fn replication(&self, _server: &Server) -> Option<&'static str> {
        None
    }

    /// Asks for the number of running statements, in the last cell.
    fn load(&self) -> Option<&'static str> {
        None
    }
}

/// The server's own session id in the identity of a session.
pub(super) fn number_of(session: &str) -> Option<u64> {
    session.rsplit(':').next()?.parse().ok()
}

/// The product that only speaks another product's protocol, by a word in what it says of itself.
pub(super) fn lookalike(
    row: &[Option<String>],
    known: &[(&'static str, &'static str)],
) -> Option<&'static str> {
    let settings: Vec<&str> = row.iter().flatten().map(String::as_str).collect();
    let settings = settings.join(" ").to_ascii_lowercase();
    let mut known = known.iter();
    known
        .find(|(word, _)| settings.contains(word))
        .map(|(_, name)| *name)
}
