//! Connecting to MySQL and MariaDB.

use secrecy::ExposeSecret;
use sqlx::ConnectOptions;
use sqlx::mysql::{MySqlConnectOptions, MySqlDatabaseError, MySqlSslMode};

use super::Connection;
use crate::model::target::{ServerTarget, Tls};

pub async fn connect(target: &ServerTarget) -> Result<Connection, sqlx::Error> {
    let options = options(target);
    match options.connect().await {
        // Once per account after a start, the server wants to see the password itself. It gets
        // it inside TLS; asking for a handshake every time would cost each run its round trips.
        Err(error) if target.tls == Tls::Local && wants_tls(&error, target) => {
            let options = options.ssl_mode(MySqlSslMode::Required);
            Ok(Connection::MySql(Box::new(options.connect().await?)))
        }
        connection => Ok(Connection::MySql(Box::new(connection?))),
    }
}

/// Whether the server refused a connection only because it is without TLS. For full
/// authentication the driver is built without the backend that would encrypt a password with RSA,
/// and says so; a server that trusts a socket takes the driver's request for its key for a wrong
/// password.
fn wants_tls(error: &sqlx::Error, target: &ServerTarget) -> bool {
    let sqlx::Error::Database(error) = error else {
        return error.to_string().contains("RSA auth backend");
    };
    match error
        .try_downcast_ref::<MySqlDatabaseError>()
        .map(MySqlDatabaseError::number)
    {
        Some(SECURE_TRANSPORT_REQUIRED) => true,
        Some(ACCESS_DENIED) => target.socket.is_some() && target.password.is_some(),
        _ => false,
    }
}

/// `ER_ACCESS_DENIED_ERROR`.
const ACCESS_DENIED: u16 = 1045;
/// `ER_SECURE_TRANSPORT_REQUIRED`.
const SECURE_TRANSPORT_REQUIRED: u16 = 3159;

fn options(target: &ServerTarget) -> MySqlConnectOptions {
    let mode = match target.tls {
        Tls::Local | Tls::Off => MySqlSslMode::Disabled,
        Tls::Preferred => MySqlSslMode::Preferred,
        Tls::Required => MySqlSslMode::Required,
        Tls::VerifyCa => MySqlSslMode::VerifyCa,
        Tls::VerifyFull => MySqlSslMode::VerifyIdentity,
    };
    // The driver's own settings are switched off: bird sets its sessions itself, in one text.
    let mut options = MySqlConnectOptions::new()
        .pipes_as_concat(false)
        .no_engine_substitution(false)
        .timezone(None)
        .set_names(false)
        .host(target.host.trim_matches(['[', ']']))
        .port(target.port)
        .database(&target.database)
        .ssl_mode(mode)
        .disable_statement_logging();
    if let Some(user) = &target.user {
        options = options.username(user);
    }
    if let Some(password) = &target.password {
        options = options.password(password.expose_secret());
    }
    if let Some(socket) = &target.socket {
        options = options.socket(socket);
    }
    if let Some(ca) = &target.ca {
        options = options.ssl_ca(ca);
    }
    if let Some(certificate) = &target.certificate {
        options = options.ssl_client_cert(certificate);
    }
    if let Some(key) = &target.key {
        options = options.ssl_client_key(key);
    }
    options
}
