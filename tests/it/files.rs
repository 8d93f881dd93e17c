//! Files that are not what they should be: pipes and devices where bird reads, and links where it
//! writes.
#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Command;

use crate::world::{Engine, World};

fn make_pipe(world: &World, path: &str) {
    let made = Command::new("mkfifo").arg(world.path(path)).status();
    assert!(made.expect("mkfifo").success());
}

#[test]
fn a_pipe_or_a_device_is_refused_at_once() {
    if !Engine::Sqlite.is_there() {
        return;
    }
    let world = World::one(Engine::Sqlite).migration("ums/V1__a.sql", "CREATE TABLE a (id INT);\n");
    make_pipe(&world, "pipe");
    make_pipe(&world, "pipe.sql");
    let pipe_url = "[databases.x]\nurl_file = \"pipe\"\n";
    let device_url = "[databases.x]\nurl_file = \"/dev/zero\"\n";
    let pipe_database = "[databases.x]\nurl = \"sqlite:pipe\"\nmigrations = \"migrations/ums\"\n";
    world.write("pipe_url.toml", pipe_url);
    world.write("device_url.toml", device_url);
    world.write("pipe_database.toml", pipe_database);
    for arguments in [
        &["status", "--config", "pipe"] as &[&str],
        &["status", "--config", "/dev/zero"],
        &["status", "--config", "pipe_url.toml"],
        &["status", "--config", "device_url.toml"],
        &["status", "--config", "pipe_database.toml"],
        &["migrate", "--plan", "pipe"],
        &["repair", "--plan", "pipe"],
        &["audit", "--import", "pipe"],
        &["diff", "pipe.sql", "ums"],
    ] {
        let refused = world.run(arguments).exits(2);
        let text = format!("{}{}", refused.stdout, refused.stderr);
        assert!(
            text.contains("not a regular file"),
            "{}",
            refused.transcript()
        );
    }
}

#[test]
fn metrics_keep_the_mode_of_the_file_that_they_replace() {
    if !Engine::Sqlite.is_there() {
        return;
    }
    let world = World::one(Engine::Sqlite).migration("ums/V1__a.sql", "CREATE TABLE a (id INT);\n");
    let mode = |path: &str| {
        fs::metadata(world.path(path))
            .expect("a file")
            .permissions()
            .mode()
    };
    world.write("bird.prom", "");
    fs::set_permissions(world.path("bird.prom"), fs::Permissions::from_mode(0o600))
        .expect("a mode");
    world.run(&["up"]).ok();
    world.run(&["status", "--metrics-file", "bird.prom"]).ok();
    assert_eq!(mode("bird.prom") & 0o777, 0o600);
    assert_ne!(world.read("bird.prom"), "");
}

#[test]
fn a_migration_that_links_to_a_secret_is_not_read() {
    if !Engine::Sqlite.is_there() {
        return;
    }
    let world = World::one(Engine::Sqlite).migration("ums/V1__a.sql", "CREATE TABLE a (id INT);\n");
    world.write("secret", "S3cr3t-canary\n");
    symlink(world.path("secret"), world.path("migrations/ums/V2__b.sql")).expect("a link");
    for command in ["status", "migrate"] {
        let refused = world.run(&[command]).exits(2).warns("this is a link");
        assert!(
            !refused.stderr.contains("S3cr3t-canary"),
            "{}",
            refused.transcript()
        );
    }
}
