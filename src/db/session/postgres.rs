//! Connecting to PostgreSQL, and the places its errors point at.

use secrecy::ExposeSecret;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgDatabaseError, PgErrorPosition, PgSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions, Executor, Row};

use super::{Connection, DbError, guard};
use crate::dialect::keys::HiddenRows;
use crate::dialect::postgres::hidden_rows;
use crate::model::target::{ServerTarget, Tls};

pub async fn connect(target: &ServerTarget) -> Result<Connection, sqlx::Error> {
    let options = options(target)?;
    let connection = match options.connect().await {
        // The server takes this account over TLS only.
        Err(sqlx::Error::Database(error))
            if target.tls == Tls::Local && error.message().contains("no encryption") =>
        {
            options.ssl_mode(PgSslMode::Require).connect().await?
        }
        connection => connection?,
    };
    Ok(Connection::Postgres(Box::new(connection)))
}

fn options(target: &ServerTarget) -> Result<PgConnectOptions, sqlx::Error> {
    let mode = match target.tls {
        Tls::Local | Tls::Off => PgSslMode::Disable,
        Tls::Preferred => PgSslMode::Prefer,
        Tls::Required => PgSslMode::Require,
        Tls::VerifyCa => PgSslMode::VerifyCa,
        Tls::VerifyFull => PgSslMode::VerifyFull,
    };
    let needs_url = target.password.is_none() || target.parameters.session_options.is_some();
    let mut options = match url(target) {
        // Without a password in the URL, ~/.pgpass may have one: the driver looks for it there
        // when it reads a URL. It takes options as they are from there alone.
        Some(url) if needs_url => PgConnectOptions::from_url(&url)?,
        _ => PgConnectOptions::new_without_pgpass(),
    };
    options = options
        .host(target.host.trim_matches(['[', ']']))
        .port(target.port)
        .database(&target.database)
        .application_name(target.parameters.application.as_deref().unwrap_or("bird"))
        // A pooler refuses what it does not know at the start of a session, and this alone of what
        // the driver says there is unknown to PgBouncer. bird reads no floating-point numbers.
        .extra_float_digits(None)
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
        options = options.ssl_root_cert(ca);
    }
    if let Some(certificate) = &target.certificate {
        options = options.ssl_client_cert(certificate);
    }
    if let Some(key) = &target.key {
        options = options.ssl_client_key(key);
    }
    Ok(options)
}

/// The parts of a target by which `.pgpass` is searched.
fn url(target: &ServerTarget) -> Option<url::Url> {
    let mut url = url::Url::parse("postgres://localhost").ok()?;
    url.set_host(Some(&target.host)).ok()?;
    url.set_port(Some(target.port)).ok()?;
    url.set_username(target.user.as_deref().unwrap_or_default())
        .ok()?;
    url.set_path(&target.database);
    if let Some(options) = &target.parameters.session_options {
        url.query_pairs_mut().append_pair("options", options);
    }
    Some(url)
}

/// How the words end when a standby cannot both replay and answer.
const RECOVERY: &str = "due to conflict with recovery";
const FEEDBACK: &str = "replication removed rows that the statement was reading: set \
    hot_standby_feedback = on or a longer max_standby_streaming_delay on the standby, or read the \
    primary";

/// What only PostgreSQL tells: the place in the statement, in characters from 1, the detail,
/// the hint.
pub fn explain(error: &PgDatabaseError, sql: &str, described: &mut DbError) {
    described.code = Some(error.code().to_owned());
    if let Some(PgErrorPosition::Original(position)) = error.position() {
        let place = sql.char_indices().nth(position.saturating_sub(1));
        described.at = Some(place.map_or(sql.len(), |(byte, _)| byte));
    }
    for (word, text) in [("detail", error.detail()), ("hint", error.hint())] {
        if let Some(text) = text {
            described.notes.push(format!("{word}: {text}"));
        }
    }
    if error.code() == "40001" && error.message().ends_with(RECOVERY) {
        described.notes.push(FEEDBACK.to_owned());
    }
}

/// Names the policies that hide rows, as far as the session still answers.
pub async fn explain_hidden_rows(connection: &mut PgConnection, described: &mut DbError) {
    let Some(table) = hidden_rows::table_of(&described.message).map(str::to_owned) else {
        return;
    };
    let query = sqlx::raw_sql(AssertSqlSafe(hidden_rows::policies_query(&table)));
    let asked = guard::guarded(connection.fetch_optional(query)).await;
    let cells = match asked {
        Ok(Ok(Some(row))) => [0, 1].map(|at| row.try_get_unchecked(at).unwrap_or_default()),
        _ => [None::<String>, None],
    };
    let [policies, forced] = cells;
    let hidden = HiddenRows {
        table,
        policies,
        forced: forced.as_deref() == Some("true"),
    };
    described.message = format!("{hidden}: {}", hidden.hint());
}
