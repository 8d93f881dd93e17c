//! Facts about a server: product and version, locks, replication, load.

use crate::model::server::Server;

/// The statements of a session-level lock. Each SELECT gives one row of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    /// Tries once, without waiting: `1` when taken.
    pub take: String,
    /// `1` when this very session holds it.
    pub held: String,
    /// The server's session behind the connection, in words that no other session of any server
    /// has; the last part, after a colon, is the id that the server itself uses.
    pub session: &'static str,
    /// Whether proxies that share sessions stop sharing one while it holds such a lock; then it
    /// shows only afterwards whether it is shared.
    pub pins: bool,
    /// Who holds it: session id, account, address, since when (seconds), what it runs.
    pub holder: String,
    pub release: String,
}

/// What a server is, who holds its locks, and whether it follows another server.
pub trait ServerFacts: Sync {
    /// Asks for product and version, in the columns that [`ServerFacts::server`] reads.
    fn server_query(&self) -> &'static str;

    fn server(&self, row: &[Option<String>]) -> Server;

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

    /// Who holds locks that this session may be waiting for: session id, account, address, for
    /// how long (seconds).
    fn blockers_query(&self, _server: &Server) -> Option<&'static str> {
        None
    }

    /// The lock of a database; `None` where the engine's own transactions must do.
    fn lock(&self, database: &str, schema: Option<&str>) -> Option<Lock>;

    /// Asks for what makes this server, or this database, one that is not to be written to: its
    /// first cell names it.
    fn unwritable_query(&self) -> Option<&'static str> {
        None
    }

    /// Whether a server that follows another one may take writes all the same, so that only its
    /// replication tells what it is.
    fn replicas_take_writes(&self) -> bool {
        false
    }

    /// Gives a row, beginning with a setting's name, where the server is a node of a cluster and
    /// its locks hold on that node only.
    fn cluster_query(&self) -> Option<&'static str> {
        None
    }

    /// Ends what a session of the server does, named as [`Lock::session`] names it.
    fn cancel(&self, _session: &str) -> Option<String> {
        None
    }

    /// What is doubtful about a server of this product and version, in words.
    fn doubts(&self, _server: &Server) -> Vec<String> {
        Vec::new()
    }

    /// The right that an account needs for [`ServerFacts::replication`], where not everybody may ask.
    fn replication_right(&self, _server: &Server) -> Option<&'static str> {
        None
    }

    /// Whether a replica has the identity of its primary, as a copy of all that it is.
    fn copies_identity(&self) -> bool {
        false
    }

    /// Asks whether this server follows another one, for `keys::replication`.
    fn replication(&self, _server: &Server) -> Option<&'static str> {
        None
    }

    /// Asks how many statements run on the server: the number is the last cell.
    fn load(&self) -> Option<&'static str> {
        None
    }
}

/// The server's own id in the name of a session.
pub(super) fn number_of(session: &str) -> Option<u64> {
    session.rsplit(':').next()?.parse().ok()
}

/// The product that only speaks another product's protocol, by a word in what it says of itself.
pub(super) fn lookalike(
    row: &[Option<String>],
    known: &[(&'static str, &'static str)],
) -> Option<&'static str> {
    let told: Vec<&str> = row.iter().flatten().map(String::as_str).collect();
    let told = told.join(" ").to_ascii_lowercase();
    let mut known = known.iter();
    known
        .find(|(word, _)| told.contains(word))
        .map(|(_, name)| *name)
}
