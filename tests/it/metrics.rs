//! Metrics, read by those who read them: promtool and node_exporter's textfile collector.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::world::{Engine, World, skip};

const REFERENCES: &str = "\
[databases.ums]\n[databases.twitter]\n\
[[references]]\nfrom = \"twitter.m.a\"\nto = \"ums.u.id\"\nwhere = \"id > 0 AND 'a\\\\\\\"' <> ''\"\n\
[[references]]\nfrom = \"twitter.m.a\"\nto = \"ums.u.id\"\n\
[[references]]\nfrom = \"twitter.m.a\"\nto = \"ums.u.id\"\ncompare = \"integer\"\n\
[[assertions]]\ndatabase = \"ums\"\nname = \"nobody is called \\\"x\\\"\"\n\
sql = \"SELECT id FROM u WHERE id = 1\"\n";

/// A project with orphans, and enough rows that an audit can be interrupted.
fn project(rows: u32) -> World {
    let world = World::empty()
        .file("bird.toml", REFERENCES)
        .migration(
            "ums/V1__u.sql",
            "CREATE TABLE u (id INTEGER PRIMARY KEY);\nINSERT INTO u VALUES (1), (2);\n",
        )
        .migration(
            "twitter/V1__m.sql",
            "CREATE TABLE m (id INTEGER PRIMARY KEY, a INTEGER);\n\
             CREATE INDEX m_a ON m (a);\n",
        )
        .engine("ums", Engine::Sqlite)
        .engine("twitter", Engine::Sqlite);
    world.run(&["up"]).ok();
    let fill = format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT {rows}) \
         INSERT INTO m (a) SELECT i FROM n"
    );
    world.client("twitter", &fill);
    world
}

/// Whether a program is there; else its tests are skipped.
fn has(program: &str, package: &str) -> bool {
    let there = Command::new(program).arg("--version").output().is_ok();
    if !there {
        skip("METRICS TESTS", &format!("{program} (Debian's {package})"));
    }
    there
}

/// Runs promtool, which must find nothing.
fn promtool(arguments: &[&str], input: &str) {
    let mut child = Command::new("promtool")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(input.as_bytes()).expect("it reads");
    drop(stdin);
    let output = child.wait_with_output().expect("its end");
    let found = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {found}\n{input}");
}

/// Every file of two projects, each command once.
fn written(folder: &Path) -> Vec<String> {
    let mut texts = Vec::new();
    for (at, world) in [project(3), project(4)].iter().enumerate() {
        for (name, arguments) in [
            ("audit", &["audit"][..]),
            ("part", &["audit", "--reference", "twitter.m.a"]),
            ("since", &["audit", "--since", "id=2"]),
            ("status", &["status"]),
            ("one", &["status", "--database", "ums"]),
            ("verify", &["verify"]),
        ] {
            let file = folder.join(format!("{name}-{at}.prom"));
            let path = file.display().to_string();
            world.run(&[arguments, &["--metrics-file", &path]].concat());
            texts.push(fs::read_to_string(&file).expect("it was written"));
        }
    }
    texts
}

#[test]
fn promtool_accepts_every_file() {
    if !has("promtool", "prometheus") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    for text in written(folder.path()) {
        promtool(&["check", "metrics"], &text);
    }
}

#[test]
fn promtool_accepts_the_alert_rules() {
    if !has("promtool", "prometheus") {
        return;
    }
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/examples/bird.rules.yaml");
    promtool(&["check", "rules", &rules.display().to_string()], "");
}

/// Every metric of an example is one that bird writes.
#[test]
fn the_examples_use_metrics_that_exist() {
    let folder = tempfile::tempdir().expect("a folder");
    let written = written(folder.path()).concat();
    for example in ["bird.rules.yaml", "grafana-panel.json"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/examples");
        let text = fs::read_to_string(path.join(example)).expect("an example");
        let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        let words = text.split(|letter| !is_part(letter));
        for name in words.filter(|word| word.starts_with("bird_")) {
            assert!(written.contains(&format!("# TYPE {name} gauge")), "{name}");
        }
    }
}

/// A node_exporter with the textfile collector alone, killed at its end.
struct Exporter(Child);

impl Drop for Exporter {
    fn drop(&mut self) {
        let _: std::io::Result<()> = self.0.kill();
        let _: std::io::Result<std::process::ExitStatus> = self.0.wait();
    }
}

/// The files of two projects, of whole audits and of parts, never collide.
#[test]
fn node_exporter_takes_two_projects_side_by_side() {
    const EXPORTER: &str = "prometheus-node-exporter";
    if !has(EXPORTER, EXPORTER) {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let texts = written(folder.path());
    let free = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = free.local_addr().expect("its address").to_string();
    drop(free);
    let child = Command::new(EXPORTER)
        .args(["--collector.disable-defaults", "--collector.textfile"])
        .arg(format!(
            "--collector.textfile.directory={}",
            folder.path().display()
        ))
        .arg(format!("--web.listen-address={address}"))
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let _exporter = Exporter(child);
    let answer = scrape(&address);
    assert!(answer.starts_with("HTTP/1.0 200"), "{answer}");
    assert!(
        answer.contains("\nnode_textfile_scrape_error 0\n"),
        "{answer}"
    );
    let samples = |text: &str| {
        text.lines()
            .filter(|line| line.starts_with("bird_"))
            .count()
    };
    let all: usize = texts.iter().map(|text| samples(text)).sum();
    assert_eq!(samples(&answer), all, "{answer}");
}

/// What node_exporter answers once it listens.
fn scrape(address: &str) -> String {
    for _ in 0..400 {
        if let Ok(mut stream) = TcpStream::connect(address) {
            // An answer to HTTP/1.0 comes whole, not in chunks that may cut a line in two.
            let request = "GET /metrics HTTP/1.0\r\n\r\n";
            stream.write_all(request.as_bytes()).expect("it is sent");
            let mut answer = String::new();
            stream.read_to_string(&mut answer).expect("UTF-8");
            return answer;
        }
        std::thread::sleep(Duration::from_millis(25));
    }
    panic!("node_exporter does not listen on {address}")
}

/// The value of a series, by its name and a part of its labels.
fn value(text: &str, name: &str, label: &str) -> Option<f64> {
    let mut found = text
        .lines()
        .filter(|line| line.starts_with(&format!("{name}{{")) && line.contains(label));
    let (_, number) = found.next()?.rsplit_once(' ')?;
    Some(number.parse().expect("a number"))
}

/// What was not read is absent, never 0; the time of the last complete audit stays.
#[test]
fn an_interrupted_audit_counts_nothing() {
    let world = project(50_000);
    let reference = ["--reference", "twitter.m.a", "--metrics-file", "bird.prom"];
    world.run(&[&["audit"][..], &reference].concat()).exits(1);
    let whole = world.read("bird.prom");
    let orphans = |text: &str| value(text, "bird_audit_orphan_rows", "line=");
    assert_eq!(orphans(&whole), Some(49_998.0), "{whole}");
    assert_eq!(value(&whole, "bird_run_exit_code", "audit"), Some(1.0));
    let last = "bird_audit_last_complete_timestamp_seconds";
    let before = value(&whole, last, "line=").expect("a time");

    let slow = ["audit", "--max-rate", "20000"];
    let slow = world.start(&[&slow[..], &reference].concat());
    let is_begun = || {
        let folder = world.path(".bird/audit").read_dir();
        let files = folder.into_iter().flatten().flatten();
        let texts = files.map(|file| fs::read_to_string(file.path()).unwrap_or_default());
        texts.into_iter().any(|text| text.contains("{\"Audit\""))
    };
    for _ in 0..2_000 {
        if is_begun() {
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    std::thread::sleep(Duration::from_millis(300));
    slow.signal("INT");
    slow.finish().exits(130);
    let text = world.read("bird.prom");
    assert_eq!(orphans(&text), None, "{text}");
    assert_eq!(value(&text, "bird_audit_rows", ""), None, "{text}");
    assert_eq!(value(&text, "bird_audit_complete", "line="), Some(0.0));
    assert_eq!(value(&text, "bird_run_exit_code", "audit"), Some(130.0));
    assert_eq!(value(&text, last, "line="), Some(before), "{text}");
}

/// A run that could not begin says so, and takes the counts of the run before away.
#[test]
fn a_run_that_fails_counts_nothing() {
    let world = project(3).env("BIRD_TWITTER_URL", "mysql://nobody@127.0.0.1:1/x");
    for (command, complete) in [
        ("status", "bird_status_complete"),
        ("verify", "bird_verify_complete"),
    ] {
        world
            .run(&[command, "--metrics-file", "bird.prom"])
            .exits(2);
        let text = world.read("bird.prom");
        let twitter = "database=\"twitter\"";
        assert_eq!(value(&text, complete, twitter), Some(0.0), "{text}");
        let drift = "database=\"twitter\",check=\"drift\"";
        assert_eq!(value(&text, "bird_verify_findings", drift), None, "{text}");
        assert_eq!(
            value(&text, "bird_migrations_pending", twitter),
            None,
            "{text}"
        );
        assert_eq!(value(&text, "bird_run_exit_code", command), Some(2.0));
    }
    world
        .run(&["audit", "--metrics-file", "bird.prom"])
        .exits(2);
    let text = world.read("bird.prom");
    assert_eq!(value(&text, "bird_audit_complete", ""), Some(0.0), "{text}");
    assert_eq!(value(&text, "bird_audit_orphan_rows", ""), None, "{text}");
}
