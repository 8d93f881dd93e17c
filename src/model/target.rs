//! The target: where a database is and how bird may speak to it.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

/// Everything needed to reach one database. It never prints its password.
#[derive(Debug, Clone)]
pub enum Target {
    Server(ServerTarget),
    File(FileTarget),
}

/// A database on a server.
#[derive(Debug, Clone)]
pub struct ServerTarget {
    pub host: String,
    pub port: u16,
    /// A Unix socket; it wins over host and port.
    pub socket: Option<PathBuf>,
    pub user: Option<String>,
    pub password: Option<SecretString>,
    /// The database's name on the server.
    pub database: String,
    pub tls: Tls,
    pub ca: Option<PathBuf>,
    pub certificate: Option<PathBuf>,
    pub key: Option<PathBuf>,
    pub parameters: Box<SessionParameters>,
}

/// What else a URL says about sessions.
#[derive(Debug, Clone, Default)]
pub struct SessionParameters {
    /// What the session calls itself on the server.
    pub application: Option<String>,
    /// Settings for the session that the server reads when it begins: `-c work_mem=64MB`.
    pub session_options: Option<String>,
    /// How long connecting may take.
    pub connect_timeout: Option<Duration>,
    /// The parameters of the URL that other clients know and that have no effect here.
    pub unused: Vec<String>,
}

/// An embedded database.
#[derive(Debug, Clone)]
pub struct FileTarget {
    /// Absolute.
    pub path: PathBuf,
    /// As the URL has it.
    pub shown: String,
    /// The URL asked for `mode=ro`.
    pub read_only: bool,
}

/// How much a connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// Nobody asked, and the way is loopback or a socket: none, unless the login needs it.
    Local,
    /// None, by an explicit word.
    Off,
    /// Encrypted where the server can; not verified.
    Preferred,
    /// Encrypted; not verified.
    Required,
    /// Encrypted; the certificate is verified.
    VerifyCa,
    /// Encrypted; certificate and host name are verified. The default for another host.
    VerifyFull,
}

impl FileTarget {
    /// A database that is nowhere but in memory.
    pub fn memory() -> FileTarget {
        FileTarget {
            path: ":memory:".into(),
            shown: ":memory:".to_owned(),
            read_only: false,
        }
    }
}

impl Target {
    /// What the database is called where it is; an embedded one is the only one there.
    pub fn database(&self) -> &str {
        match self {
            Target::File(_) => "",
            Target::Server(server) => &server.database,
        }
    }

    /// What its engine's own client calls it: a database's name, a file's path.
    pub fn client_target(&self) -> String {
        match self {
            Target::File(file) => file.path.display().to_string(),
            Target::Server(server) => server.database.clone(),
        }
    }

    /// Where it is, without user or password.
    pub fn shown(&self) -> String {
        match self {
            Target::File(file) => file.shown.clone(),
            Target::Server(server) => match &server.socket {
                Some(socket) => format!("{} at {}", server.database, socket.display()),
                None => format!("{} at {}:{}", server.database, server.host, server.port),
            },
        }
    }
}

/// Whether a host name is this machine.
pub fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    match host.parse::<std::net::IpAddr>() {
        Ok(address) => address.is_loopback(),
        Err(_) => host.eq_ignore_ascii_case("localhost"),
    }
}
