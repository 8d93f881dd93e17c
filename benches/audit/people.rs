//! Bird's data in any size, made from numbers alone: the same in every run, and nothing of it is
//! kept in memory.
//!
//! Ids are version-4 UUIDs that look random and are made in ascending order, because a table that
//! is filled in the order of its primary key is filled soonest. Who writes and who is followed is
//! skewed as in life: the rank of each is drawn so that its logarithm is even.

use std::fmt;
use std::io::{self, Write};

use crate::race::engine::Family;

/// How many there are of each.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    pub users: u64,
    pub messages: u64,
    pub subscriptions: u64,
}

/// Planted in every size, so that each audit has the same to find.
pub const ORPHAN_MESSAGES: u64 = 1000;
pub const ORPHAN_AUTHORS: u64 = 200;
pub const ORPHAN_SUBSCRIPTIONS: u64 = 100;

/// Of all users, so many write.
const WRITERS: f64 = 0.6;

impl Size {
    pub fn of(scale: f64) -> Size {
        let of = |million: f64| (million * scale * 1e6).round() as u64;
        Size {
            users: of(1.0),
            messages: of(10.0),
            subscriptions: of(5.0),
        }
    }

    pub fn users(self, rows: &mut Rows<'_>) -> io::Result<()> {
        for number in 0..self.users {
            let id = self.user(number);
            let name = format!("Person {number}");
            let email = format!("person-{number}@example.org");
            let hash = format!(
                "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA${:032x}",
                u128::from_be_bytes(id)
            );
            let time = moment(number, 0);
            rows.row(&[
                Cell::Id(id),
                Cell::Text(&name),
                Cell::Text(&email),
                Cell::Text(&hash),
                Cell::Text(&time),
                Cell::Text(&time),
            ])?;
        }
        Ok(())
    }

    pub fn messages(self, rows: &mut Rows<'_>) -> io::Result<()> {
        let every = self.messages / ORPHAN_MESSAGES;
        let writers = (self.users as f64 * WRITERS) as u64;
        for number in 0..self.messages {
            let author = if number % every == every / 2 {
                nobody(number / every % ORPHAN_AUTHORS)
            } else {
                self.user(self.somebody(1, skewed(draw(number, 1), writers)))
            };
            let length = 1 + draw(number, 2) % 7;
            let content = format!("Message {number}: {}", "la la la, ".repeat(length as usize));
            rows.row(&[
                Cell::Id(id(number, self.messages, 2)),
                Cell::Id(author),
                Cell::Text(&content),
                Cell::Text(&moment(number, 3)),
            ])?;
        }
        Ok(())
    }

    /// Half of the orphans lost whoever follows, half whoever is followed.
    pub fn subscriptions(self, rows: &mut Rows<'_>) -> io::Result<()> {
        let sound = self.subscriptions - ORPHAN_SUBSCRIPTIONS;
        let mut follows = Vec::new();
        for number in 0..self.users {
            let user = self.user(number);
            follows.clear();
            let mut drawn = number << 20;
            for _ in 0..self.follows(number, sound) {
                let producer = loop {
                    drawn += 1;
                    let producer = self.somebody(2, skewed(draw(drawn, 4), self.users));
                    if !follows.contains(&producer) {
                        break producer;
                    }
                };
                follows.push(producer);
            }
            follows.sort_unstable();
            for producer in &follows {
                let producer = self.user(*producer);
                subscription(rows, user, producer, drawn)?;
            }
        }
        for number in 0..ORPHAN_SUBSCRIPTIONS / 2 {
            let user = self.user(draw(number, 5) % self.users);
            subscription(rows, nobody(1000 + number), user, number)?;
            subscription(rows, user, nobody(2000 + number), number)?;
        }
        Ok(())
    }

    fn user(self, number: u64) -> Id {
        id(number, self.users, 1)
    }

    /// The user of a rank, in one of several orders that have nothing to do with each other.
    fn somebody(self, order: u64, rank: u64) -> u64 {
        // Primes above any size: multiplied with them, all ranks go to different users.
        let prime = [2_147_483_647, 2_147_483_629, 2_147_483_587][order as usize];
        (rank * prime + 17) % self.users
    }

    /// How many a user follows; all together, as many as there are subscriptions.
    fn follows(self, number: u64, total: u64) -> u64 {
        let rank = self.somebody(0, number);
        let until = |rank: u64| {
            let share = (1.0 + 20.0 * rank as f64 / self.users as f64).ln() / 21f64.ln();
            (share * total as f64).round() as u64
        };
        until(rank + 1) - until(rank)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Size {
            users,
            messages,
            subscriptions,
        } = self;
        write!(
            f,
            "{users} users, {messages} messages, {subscriptions} subscriptions"
        )
    }
}

fn subscription(rows: &mut Rows<'_>, subscriber: Id, producer: Id, number: u64) -> io::Result<()> {
    let time = moment(number, 6);
    rows.row(&[Cell::Id(subscriber), Cell::Id(producer), Cell::Text(&time)])
}

type Id = [u8; 16];

/// Somebody who is no user: their ids never end in a zero byte, and these do.
fn nobody(number: u64) -> Id {
    let mut id = id(number, 4000, 7);
    id[15] = 0;
    id
}

/// A number that looks random.
fn draw(number: u64, salt: u64) -> u64 {
    let mut mixed = (number ^ (salt << 56)).wrapping_add(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

/// The id of one of so many, greater than that of the one before.
fn id(number: u64, of: u64, salt: u64) -> Id {
    let step = (1u64 << 48) / of;
    let high = number * step + draw(number, 16 + salt) % step;
    let low = draw(number, 32 + salt);
    let mut id = [0; 16];
    id[..6].copy_from_slice(&high.to_be_bytes()[2..]);
    id[6..8].copy_from_slice(&((low >> 8) as u16 & 0x0fff | 0x4000).to_be_bytes());
    id[8..].copy_from_slice(&low.to_be_bytes());
    id[8] = id[8] & 0x3f | 0x80;
    id[15] |= 1;
    id
}

/// A rank below `of` whose logarithm is even: the first has tens of thousands of times what the
/// last has.
fn skewed(drawn: u64, of: u64) -> u64 {
    let even = (drawn >> 11) as f64 / (1u64 << 53) as f64;
    let rank = 10.0 * (even * (of as f64 / 10.0).ln_1p()).exp() - 10.0;
    (rank as u64).min(of - 1)
}

/// A second of the year 2025.
fn moment(number: u64, salt: u64) -> String {
    let drawn = draw(number, 48 + salt);
    let (month, day) = (1 + drawn % 12, 1 + (drawn >> 8) % 28);
    let (hour, minute, second) = ((drawn >> 16) % 24, (drawn >> 24) % 60, (drawn >> 32) % 60);
    format!("2025-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
}

/// What a row is made of; no text here has anything to escape.
enum Cell<'c> {
    Id(Id),
    Text(&'c str),
}

/// Rows as an engine's own client takes them fastest.
pub struct Rows<'w> {
    family: Family,
    /// Of the statements that SQLite gets.
    table: &'static str,
    out: &'w mut dyn Write,
    line: Vec<u8>,
    written: u64,
}

/// So many rows stand in one INSERT.
const TOGETHER: u64 = 200;

impl<'w> Rows<'w> {
    pub fn new(family: Family, table: &'static str, out: &'w mut dyn Write) -> Self {
        Rows {
            family,
            table,
            out,
            line: Vec::new(),
            written: 0,
        }
    }

    fn row(&mut self, cells: &[Cell<'_>]) -> io::Result<()> {
        if self.family == Family::Sqlite {
            return self.values(cells);
        }
        self.line.clear();
        for (at, cell) in cells.iter().enumerate() {
            if at > 0 {
                self.line.push(b'\t');
            }
            match cell {
                Cell::Id(id) => hex(&mut self.line, id),
                Cell::Text(text) => self.line.extend_from_slice(text.as_bytes()),
            }
        }
        self.line.push(b'\n');
        self.out.write_all(&self.line)
    }

    fn values(&mut self, cells: &[Cell<'_>]) -> io::Result<()> {
        self.line.clear();
        if self.written.is_multiple_of(TOGETHER) {
            let start = match self.written {
                0 => "BEGIN;\n",
                _ => ";\n",
            };
            write!(self.line, "{start}INSERT INTO {} VALUES ", self.table)?;
        } else {
            self.line.push(b',');
        }
        self.written += 1;
        for (at, cell) in cells.iter().enumerate() {
            self.line.push(if at == 0 { b'(' } else { b',' });
            self.line.extend_from_slice(match cell {
                Cell::Id(_) => b"x'",
                Cell::Text(_) => b"'",
            });
            match cell {
                Cell::Id(id) => hex(&mut self.line, id),
                Cell::Text(text) => self.line.extend_from_slice(text.as_bytes()),
            }
            self.line.push(b'\'');
        }
        self.line.push(b')');
        self.out.write_all(&self.line)
    }

    pub fn finish(self) -> io::Result<()> {
        if self.family == Family::Sqlite && self.written > 0 {
            self.out.write_all(b";\nCOMMIT;\n")?;
        }
        self.out.flush()
    }
}

fn hex(line: &mut Vec<u8>, id: &Id) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in id {
        line.push(DIGITS[usize::from(byte >> 4)]);
        line.push(DIGITS[usize::from(byte & 15)]);
    }
}
