//! What a terminal gets that a pipe does not: colours, and a bar for work that takes a while.
#![cfg(unix)]

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::process::Command;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::world::{Engine, World};

/// The begin of every sequence that sets a colour or moves the cursor.
const ESCAPE: &str = "\u{1b}[";

/// A terminal: the end that the test reads, and the end that bird writes to.
fn terminal() -> (File, OwnedFd) {
    let reader = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
    grantpt(&reader).expect("the right to use it");
    unlockpt(&reader).expect("an unlocked terminal");
    let name = ptsname(&reader, Vec::new()).expect("its name");
    let flags = OFlags::RDWR | OFlags::NOCTTY;
    let writer = rustix::fs::open(&*name, flags, Mode::empty()).expect("its other end");
    (reader.into(), writer)
}

/// Reads the terminal until bird has ended, or until this text has come.
fn read(mut reader: File, until: Option<&str>) -> String {
    let (sender, pieces) = mpsc::channel();
    std::thread::spawn(move || {
        let mut piece = [0; 4096];
        // The last writer's end is an error here (EIO), not the end of a file.
        while let Ok(length @ 1..) = reader.read(&mut piece) {
            if sender.send(piece[..length].to_vec()).is_err() {
                break;
            }
        }
    });
    let start = Instant::now();
    let mut all = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&all);
        if until.is_some_and(|until| text.contains(until)) {
            return text.into_owned();
        }
        let left = Duration::from_mins(1).saturating_sub(start.elapsed());
        match pieces.recv_timeout(left) {
            Ok(piece) => all.extend(piece),
            Err(_) => return text.into_owned(),
        }
    }
}

/// Runs a command to its end. Returns what its stdout writes to a terminal.
fn shown(mut command: Command) -> String {
    let (reader, writer) = terminal();
    let status = command.env("TERM", "xterm").stdout(writer).status();
    assert!(status.expect("bird runs").success());
    // The command holds the terminal's other end open.
    drop(command);
    read(reader, None)
}

#[test]
fn colours_are_for_terminals_that_want_them() {
    let world = World::one(Engine::Sqlite).migration("ums/V1__a.sql", "SELECT 1;\n");
    let coloured = shown(world.command(&["status"]));
    assert!(coloured.contains(ESCAPE), "{coloured:?}");
    for command in [world.command(&["status", "--color", "never"]), {
        let mut command = world.command(&["status"]);
        command.env("NO_COLOR", "1");
        command
    }] {
        let plain = shown(command);
        assert!(plain.contains("pending"), "{plain:?}");
        assert!(!plain.contains(ESCAPE), "{plain:?}");
    }
    // Without a terminal there are none unless they are asked for.
    let piped = world.run(&["status"]).ok().stdout;
    assert!(!piped.contains(ESCAPE), "{piped:?}");
    let asked = world.run(&["status", "--color", "always"]).ok().stdout;
    assert!(asked.contains(ESCAPE), "{asked:?}");
}

/// Work that ends at once must not make a bar flash.
#[test]
fn a_bar_is_drawn_for_work_that_takes_a_while() {
    let quick = World::one(Engine::Sqlite).migration("ums/V1__a.sql", "SELECT 1;\n");
    let (reader, writer) = terminal();
    let mut command = quick.command(&["migrate"]);
    let ran = command.env("TERM", "xterm").stderr(writer).output();
    assert!(ran.expect("bird runs").status.success());
    drop(command);
    assert_eq!(read(reader, None), "");

    let slow = "CREATE TABLE n AS WITH RECURSIVE n(i) AS \
                (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 300000000) \
                SELECT count(*) AS c FROM n;\n";
    let slow = World::one(Engine::Sqlite).migration("ums/V1__slow.sql", slow);
    let (reader, writer) = terminal();
    let mut command = slow.command(&["migrate"]);
    let mut child = command.env("TERM", "xterm").stderr(writer).spawn();
    let child = child.as_mut().expect("bird runs");
    let text = read(reader, Some("0/1 statements"));
    child.kill().expect("bird is still at work");
    child.wait().expect("bird has ended");
    assert!(text.contains("0/1 statements"), "{text:?}");
}
