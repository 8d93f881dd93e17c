//! Somebody who writes while bird reads: people sign up, post a message, and are gone a second
//! later, message first, as an application would have it.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::race::engine::{Engine, Family};

/// So many people come together, and so often.
const TOGETHER: u64 = 4;
const EVERY: Duration = Duration::from_millis(20);
/// So many times they stay.
const STAY: u64 = 50;

/// Writes until it is dropped, and leaves nothing behind.
pub struct Writers {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Result<()>>>,
}

impl Writers {
    pub fn start(engine: &Engine) -> Result<Writers> {
        let mut clients = Vec::new();
        for database in ["ums", "twitter"] {
            let mut command = engine.client(Some(database)).command()?;
            let piped = command.stdin(Stdio::piped()).stdout(Stdio::null());
            clients.push(piped.spawn()?);
        }
        let (family, stop) = (engine.family, Arc::new(AtomicBool::new(false)));
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || write(family, clients, &stopped));
        Ok(Writers {
            stop,
            thread: Some(thread),
        })
    }

    pub fn finish(mut self) -> Result<()> {
        self.stop.store(true, Ordering::Relaxed);
        let ended = self.thread.take().map(JoinHandle::join);
        ended.context("no thread")?.ok().context("a writer broke")?
    }
}

fn write(family: Family, mut clients: Vec<Child>, stop: &AtomicBool) -> Result<()> {
    let mut pipes = Vec::new();
    for client in &mut clients {
        pipes.push(client.stdin.take().context("no pipe")?);
    }
    let [ums, twitter] = pipes.as_mut_slice() else {
        return Ok(());
    };
    let (mut come, mut gone) = (0, 0);
    while gone < come || !stop.load(Ordering::Relaxed) {
        if !stop.load(Ordering::Relaxed) {
            ums.write_all(statements(family, come, sign_up).as_bytes())?;
            // The parent is there before its child is sent: the pipes know nothing of each other.
            std::thread::sleep(EVERY / 2);
            twitter.write_all(statements(family, come, post).as_bytes())?;
            come += 1;
        }
        std::thread::sleep(EVERY / 2);
        if come > gone + STAY || stop.load(Ordering::Relaxed) {
            twitter.write_all(statements(family, gone, take_back).as_bytes())?;
            std::thread::sleep(EVERY / 2);
            ums.write_all(statements(family, gone, leave).as_bytes())?;
            gone += 1;
        }
    }
    drop(pipes);
    for mut client in clients {
        ensure!(client.wait()?.success(), "a writer's client failed");
    }
    Ok(())
}

fn statements(family: Family, batch: u64, one: fn(&str, u64) -> String) -> String {
    let mut sql = "BEGIN;\n".to_owned();
    for number in batch * TOGETHER..(batch + 1) * TOGETHER {
        // Spread over all keys.
        let begin = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let digits = format!("{begin:016x}{:016x}", number << 8);
        let id = match family {
            Family::Postgres => format!("'{digits}'"),
            Family::MySql | Family::Sqlite => format!("x'{digits}'"),
        };
        // A string never fails to be written to.
        let _ = writeln!(sql, "{};", one(&id, number));
    }
    sql.push_str("COMMIT;\n");
    sql
}

fn sign_up(id: &str, number: u64) -> String {
    format!(
        "INSERT INTO users (id, name, email, password_hash) \
         VALUES ({id}, 'Somebody', 'somebody-{number}@example.org', 'x')"
    )
}

fn post(id: &str, _: u64) -> String {
    format!("INSERT INTO messages (id, author_id, content) VALUES ({id}, {id}, 'Hello')")
}

fn take_back(id: &str, _: u64) -> String {
    format!("DELETE FROM messages WHERE id = {id}")
}

fn leave(id: &str, _: u64) -> String {
    format!("DELETE FROM users WHERE id = {id}")
}
