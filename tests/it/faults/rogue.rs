//! Servers that are none, or mean harm: they say nothing, or too much, or drop by drop.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use crate::world::{CANARY, Running, World};

/// How a server behaves, after somebody has connected.
type Manner = fn(TcpStream);

/// bird's own end of patience, and what a busy machine adds.
const PATIENCE: Duration = Duration::from_secs(45);

const MANNERS: &[(&str, Manner)] = &[
    ("silent", silent),
    ("drops", drops),
    ("garbage", garbage),
    ("endless", endless),
    ("closing", closing),
];

/// Of MySQL a handshake that is none, of PostgreSQL an answer that is none.
fn silent(stream: TcpStream) {
    hold(stream);
}

fn hold(mut stream: TcpStream) {
    let mut buffer = [0; 1024];
    while let Ok(1..) = stream.read(&mut buffer) {}
}

fn drops(mut stream: TcpStream) {
    for byte in greeting().iter().cycle() {
        if stream.write_all(&[*byte]).is_err() {
            return;
        }
        std::thread::sleep(Duration::from_millis(700));
    }
}

fn garbage(mut stream: TcpStream) {
    let bytes: Vec<u8> = (0..64 * 1024_u32)
        .map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    let _: std::io::Result<()> = stream.write_all(&bytes);
    hold(stream);
}

/// A packet that says it is as large as can be, and never comes to its end.
fn endless(mut stream: TcpStream) {
    let _: std::io::Result<()> = stream.write_all(&[0xff, 0xff, 0xff, 0]);
    let start = Instant::now();
    while start.elapsed() < PATIENCE && stream.write_all(&[b'x'; 1024]).is_ok() {
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn closing(stream: TcpStream) {
    drop(stream);
}

/// What MySQL says first.
fn greeting() -> Vec<u8> {
    let mut body = vec![10];
    body.extend(b"9.7.4\0");
    body.extend(7_u32.to_le_bytes());
    body.extend(b"12345678\0");
    body.extend(0xa201_u16.to_le_bytes()); // SECURE_CONNECTION, PROTOCOL_41, no TLS, …
    body.push(0xff);
    body.extend(2_u16.to_le_bytes());
    body.extend(0x000a_u16.to_le_bytes()); // PLUGIN_AUTH
    body.push(21);
    body.extend([0; 10]);
    body.extend(b"123456789012\0");
    body.extend(b"mysql_native_password\0");
    packet(0, &body)
}

/// A packet of MySQL.
fn packet(number: u8, body: &[u8]) -> Vec<u8> {
    let mut all = (body.len() as u32).to_le_bytes()[..3].to_vec();
    all.push(number);
    all.extend(body);
    all
}

const OK: &[u8] = &[0, 0, 0, 2, 0, 0, 0];

fn one(stream: &mut TcpStream) -> bool {
    let mut buffer = [0; 64 * 1024];
    matches!(stream.read(&mut buffer), Ok(1..))
}

/// Lets bird in, and then answers every query in one way.
fn mysql(mut stream: TcpStream, answer: &[u8]) {
    let said = stream.write_all(&greeting());
    if said.is_err() || !one(&mut stream) || stream.write_all(&packet(2, OK)).is_err() {
        return;
    }
    while one(&mut stream) {
        if stream.write_all(answer).is_err() {
            return;
        }
    }
}

/// It wants a file of the client's.
fn wants_a_file(stream: TcpStream) {
    mysql(stream, &packet(1, b"\xfb/etc/passwd"));
}

fn says_nothing_more(stream: TcpStream) {
    mysql(stream, b"");
}

fn has_many_columns(stream: TcpStream) {
    mysql(stream, &packet(1, b"\xfe\xff\xff\xff\xff\xff\xff\xff\x7f"));
}

fn has_short_rows(stream: TcpStream) {
    let mut answer = packet(1, &[1]);
    let mut column = Vec::new();
    for text in ["def", "", "", "", "x", ""] {
        column.push(text.len() as u8);
        column.extend(text.as_bytes());
    }
    column.extend([12, 33, 0, 9, 0, 0, 0, 0xfd, 0, 0, 0, 0, 0]);
    answer.extend(packet(2, &column));
    answer.extend(packet(3, &[0xfe, 0, 0, 2, 0]));
    // A cell of 200 bytes, of which two are there.
    answer.extend(packet(4, &[200, b'a', b'b']));
    answer.extend(packet(5, &[0xfe, 0, 0, 2, 0]));
    mysql(stream, &answer);
}

/// A message of PostgreSQL.
fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut all = vec![kind];
    all.extend((body.len() as u32 + 4).to_be_bytes());
    all.extend(body);
    all
}

/// Lets bird in, and then answers every query in one way.
fn postgres(mut stream: TcpStream, answer: &[u8]) {
    let mut hello = message(b'R', &0_u32.to_be_bytes());
    hello.extend(message(b'S', b"server_version\x0015.0\0"));
    hello.extend(message(b'K', &[0; 8]));
    hello.extend(message(b'Z', b"I"));
    if !one(&mut stream) || stream.write_all(&hello).is_err() {
        return;
    }
    while one(&mut stream) {
        if stream.write_all(answer).is_err() {
            return;
        }
    }
}

/// So many rounds that a login would take hours.
fn wants_many_rounds(mut stream: TcpStream) {
    let mut wants = 10_u32.to_be_bytes().to_vec();
    wants.extend(b"SCRAM-SHA-256\0\0");
    if !one(&mut stream) || stream.write_all(&message(b'R', &wants)).is_err() {
        return;
    }
    let mut buffer = [0; 1024];
    let Ok(count @ 1..) = stream.read(&mut buffer) else {
        return;
    };
    let text = String::from_utf8_lossy(&buffer[..count]).into_owned();
    let nonce = text.rsplit_once("r=").map_or("", |(_, nonce)| nonce);
    let mut goes_on = 11_u32.to_be_bytes().to_vec();
    goes_on.extend(format!("r={nonce}x,s=QSXCR+Q6sek8bf92,i=4294967295").bytes());
    if stream.write_all(&message(b'R', &goes_on)).is_ok() {
        hold(stream);
    }
}

fn says_nothing_more_either(stream: TcpStream) {
    postgres(stream, b"");
}

fn has_short_rows_too(stream: TcpStream) {
    let mut columns = 2_u16.to_be_bytes().to_vec();
    for name in ["a", "b"] {
        columns.extend(name.bytes());
        columns.push(0);
        columns.extend([
            0, 0, 0, 0, 0, 0, 0, 0, 0, 25, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0,
        ]);
    }
    let mut answer = message(b'T', &columns);
    // Two columns were announced; this row has one, and its cell is longer than what is there.
    let mut row = 1_u16.to_be_bytes().to_vec();
    row.extend(4096_u32.to_be_bytes());
    row.extend(b"ab");
    answer.extend(message(b'D', &row));
    answer.extend(message(b'C', b"SELECT 1\0"));
    answer.extend(message(b'Z', b"I"));
    postgres(stream, &answer);
}

/// Listens, and treats everybody alike.
fn serve(manner: Manner) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its address").port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || manner(stream));
        }
    });
    port
}

/// All at once, because each takes bird's patience.
#[test]
fn a_rogue_server_is_left_in_good_time_and_order() {
    let world = World::empty()
        .file("bird.toml", "[databases.ums]\n")
        .migration("ums/V1__a.sql", "CREATE TABLE a (id INT);\n");
    let mut all: Vec<(String, &str, Manner)> = Vec::new();
    for scheme in ["mysql", "postgres"] {
        let both = MANNERS.iter();
        all.extend(both.map(|(name, manner)| (format!("{scheme} {name}"), scheme, *manner)));
    }
    let own: [(&str, &str, Manner); 7] = [
        ("file", "mysql", wants_a_file),
        ("nothing more", "mysql", says_nothing_more),
        ("columns", "mysql", has_many_columns),
        ("short rows", "mysql", has_short_rows),
        ("rounds", "postgres", wants_many_rounds),
        ("nothing more", "postgres", says_nothing_more_either),
        ("short rows", "postgres", has_short_rows_too),
    ];
    let own = own.into_iter();
    all.extend(own.map(|(name, scheme, manner)| (format!("{scheme} {name}"), scheme, manner)));
    let running: Vec<_> = all
        .into_iter()
        .map(|(name, scheme, manner)| {
            let port = serve(manner);
            let mut command = world.command(&["migrate"]);
            let url = format!("{scheme}://user:{CANARY}@127.0.0.1:{port}/ums");
            command.env("BIRD_UMS_URL", url);
            (name, Instant::now(), Running::start(command))
        })
        .collect();
    let mut wrong = Vec::new();
    for (name, start, mut running) in running {
        while !running.has_ended() && start.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(50));
        }
        if !running.has_ended() {
            wrong.push(format!("{name}: it never ended"));
            continue;
        }
        let took = start.elapsed();
        let ended = running.finish();
        if ended.code != 2 || !ended.stderr.starts_with("error[") {
            wrong.push(format!("{name}, after {took:?}: {}", ended.transcript()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
