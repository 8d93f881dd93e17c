//! Recognises a PostgreSQL server behind the address of a silent MySQL server.
//!
//! A MySQL server speaks first, a PostgreSQL server waits for its client: each side would wait for
//! the other until the connection attempt is over.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::model::target::ServerTarget;

/// The silence after which the question is asked. A server that greets its clients is seldom slower.
const PATIENCE: Duration = Duration::from_secs(2);
/// The silence after PostgreSQL's answer, which is one byte. A greeting can begin with the same
/// byte, and has more.
const ONE_BYTE: Duration = Duration::from_millis(200);
/// The first message of a PostgreSQL client that wants TLS: its length and its code.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

/// Returns after a while if a PostgreSQL server is at the address, and never otherwise: a slow
/// server keeps the whole time of a connection attempt.
pub async fn finds_postgres(target: &ServerTarget) {
    tokio::time::sleep(PATIENCE).await;
    if target.socket.is_some() || !answers_as_postgres(target).await.unwrap_or(false) {
        std::future::pending().await
    }
}

async fn answers_as_postgres(target: &ServerTarget) -> std::io::Result<bool> {
    let host = target.host.trim_matches(['[', ']']);
    let mut stream = TcpStream::connect((host, target.port)).await?;
    stream.write_all(&SSL_REQUEST).await?;
    let mut answer = [0; 2];
    let is_answer = stream.read(&mut answer).await? == 1 && matches!(answer[0], b'S' | b'N');
    if !is_answer {
        return Ok(false);
    }
    let more = tokio::time::timeout(ONE_BYTE, stream.read(&mut answer)).await;
    Ok(more.is_err())
}
