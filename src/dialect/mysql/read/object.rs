//! Turns printed views, routines, triggers, events and sequences into objects of the schema model.

use super::server_defaults::{ServerDefaults, account};
use crate::dialect::literals::single_quoted;
use crate::dialect::mysql::ddl::text::literal;
use crate::dialect::mysql::{SYNTAX, syntax_of};
use crate::model::schema::{Kind, NotCompared, Object, Options, Schema};
use crate::sql::Cursor;

/// The attributes of an object that are not in its definition.
#[derive(Debug, Default)]
pub struct Said<'s> {
    pub sql: &'s str,
    /// The SQL mode in which its body is parsed.
    pub mode: Option<&'s str>,
    /// The character set of the client that sent it.
    pub client: Option<&'s str>,
    /// The collation of its literals.
    pub connection: Option<&'s str>,
    /// The collation of its database when it was created, which its variables have.
    pub collation: Option<&'s str>,
}

impl Said<'_> {
    /// A comment as a literal of its SQL mode, where the server prints another one: with its
    /// backslashes escaped, in every mode.
    fn comment(&self, printed: &str) -> Option<String> {
        let mode = self.mode?;
        let raw = mode.split(',').any(|word| word == "NO_BACKSLASH_ESCAPES");
        (raw && printed.contains('\\')).then(|| single_quoted(&literal(printed)))
    }

    /// The comment among the attributes of a routine, of which the name is passed, if it must be
    /// written otherwise than it is printed: where it begins and ends, and the literal.
    fn escaped_comment(&self, rest: &mut Cursor<'_>) -> Option<(usize, usize, String)> {
        const ATTRIBUTES: &[&str] = &[
            "LANGUAGE",
            "SQL",
            "NOT",
            "DETERMINISTIC",
            "CONTAINS",
            "NO",
            "READS",
            "MODIFIES",
            "DATA",
            "SECURITY",
            "DEFINER",
            "INVOKER",
        ];
        rest.group()?;
        if rest.eat("RETURNS") {
            rest.next()?;
            rest.group();
            while rest.eat_any(&["CHARSET", "COLLATE"]) {
                rest.next()?;
            }
            while rest.eat_any(&["UNSIGNED", "ZEROFILL"]) {}
        }
        while rest.eat_any(ATTRIBUTES) {}
        rest.expect("COMMENT")?;
        let printed = rest.peek()?;
        let comment = self.comment(printed.text)?;
        Some((printed.start, printed.end, comment))
    }
}

/// A definition without its DEFINER: the text before it, the account, and the text behind it.
struct Parts<'p> {
    before: String,
    definer: Option<String>,
    rest: Cursor<'p>,
}

fn parts<'p>(said: &Said<'p>) -> Option<Parts<'p>> {
    let mut cursor = Cursor::new(syntax_of(said.mode.unwrap_or_default()), said.sql);
    cursor.expect("CREATE")?;
    let mark = cursor.mark();
    if cursor.eat_all(&["ALGORITHM", "="]) {
        cursor.next()?;
    }
    let before = cursor.since(mark).flat();
    let mut definer = None;
    if cursor.eat_all(&["DEFINER", "="]) {
        let name = cursor.identifier()?;
        let host = cursor.eat("@").then(|| cursor.identifier()).flatten();
        definer = Some(match host {
            Some(host) => account(&name, &host),
            // A role.
            None => crate::dialect::mysql::write::clause::quote(&name),
        });
    }
    Some(Parts {
        before,
        definer,
        rest: cursor,
    })
}

/// The options that an object states only where they are not those of the session that reads it.
pub const DEFINER: &str = "definer";
pub const MODE: &str = "sql_mode";
pub const CLIENT: &str = "character_set_client";
pub const CONNECTION: &str = "collation_connection";

/// The options of objects that state none, see [`Schema::unstated`].
pub fn unstated(words: &ServerDefaults<'_>) -> Options {
    let pairs = [
        (DEFINER, &words.account),
        (MODE, &words.mode),
        (CLIENT, &words.client),
        (CONNECTION, &words.connection),
    ];
    let pairs = pairs.into_iter();
    pairs
        .map(|(name, value)| (name.to_owned(), value.clone()))
        .collect()
}

/// Rewrites what one session read as another one would, see `Catalog::restate`.
pub fn restate(schema: &mut Schema, unstated: &Options) {
    let before = std::mem::replace(&mut schema.unstated.0, unstated.clone());
    for object in &mut schema.objects {
        let names: &[&str] = match object.kind {
            Kind::View => &[DEFINER, CLIENT, CONNECTION],
            Kind::Procedure | Kind::Function | Kind::Trigger | Kind::Event => {
                &[DEFINER, MODE, CLIENT, CONNECTION]
            }
            _ => &[],
        };
        for name in names {
            let stated = object.options.remove(*name);
            let Some(value) = stated.or_else(|| before.get(*name).cloned()) else {
                continue;
            };
            if unstated.get(*name) != Some(&value) {
                object.options.insert((*name).to_owned(), value);
            }
        }
    }
}

/// The options of every object that has a definer.
fn options(definer: Option<String>, said: &Said<'_>, words: &ServerDefaults<'_>) -> Options {
    let foreign = definer.filter(|definer| *definer != words.account);
    let mode = said.mode.filter(|mode| *mode != words.mode);
    let collation = said.collation.map(|collation| words.collation(collation));
    let client = said.client.map(|charset| words.collation(charset));
    let connection = said.connection.map(|collation| words.collation(collation));
    let pairs = [
        (DEFINER, foreign),
        (MODE, mode.map(str::to_owned)),
        (CLIENT, client.filter(|client| *client != words.client)),
        (CONNECTION, connection.filter(|it| *it != words.connection)),
        ("collation", collation),
    ];
    let pairs = pairs.into_iter();
    pairs
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect()
}

pub fn view(name: &str, said: &Said<'_>, words: &ServerDefaults<'_>) -> Option<Object> {
    let Parts {
        before,
        definer,
        mut rest,
    } = parts(said)?;
    let mut head = String::from("CREATE ");
    if !before.is_empty() && !before.eq_ignore_ascii_case("ALGORITHM=UNDEFINED") {
        head.push_str(&format!("{before} "));
    }
    if rest.eat_all(&["SQL", "SECURITY"]) {
        let security = rest.identifier()?;
        if !security.eq_ignore_ascii_case("DEFINER") {
            head.push_str(&format!("SQL SECURITY {} ", security.to_uppercase()));
        }
    }
    rest.expect("VIEW")?;
    rest.identifier()?;
    if rest.eat(".") {
        rest.identifier()?;
    }
    Some(Object {
        kind: Kind::View,
        name: name.to_owned(),
        sql: format!(
            "{head}VIEW {} {}",
            words.quote(name),
            words.own(rest.source())
        ),
        options: options(definer, said, words),
        ..Object::default()
    })
}

/// A procedure or a function, its body as it was written.
pub fn routine(
    kind: Kind,
    name: &str,
    said: &Said<'_>,
    words: &ServerDefaults<'_>,
) -> Option<Object> {
    let Parts {
        definer, mut rest, ..
    } = parts(said)?;
    let word = rest.next()?.text;
    let own = rest.peek()?;
    rest.identifier()?;
    // A name in double quotes is one in some modes only.
    let quoted = if own.text.starts_with('"') {
        words.quote(name)
    } else {
        own.text.to_owned()
    };
    let behind = match said.escaped_comment(&mut rest) {
        Some((start, end, comment)) => {
            let (before, after) = (said.sql.get(own.end..start)?, said.sql.get(end..)?);
            format!("{before}{comment}{after}")
        }
        None => said.sql.get(own.end..)?.to_owned(),
    };
    let text = format!("{word} {quoted}{behind}");
    Some(Object {
        kind,
        name: name.to_owned(),
        sql: format!("CREATE {}", text.trim_end()),
        options: options(definer, said, words),
        ..Object::default()
    })
}

/// A trigger; the caller sets its position among those of the same event.
pub fn trigger(name: &str, said: &Said<'_>, words: &ServerDefaults<'_>) -> Option<Object> {
    let Parts {
        definer, mut rest, ..
    } = parts(said)?;
    rest.expect("TRIGGER")?;
    rest.eat_all(&["IF", "NOT", "EXISTS"]);
    rest.identifier()?;
    if rest.eat(".") {
        rest.identifier()?;
    }
    let timing = rest.identifier()?.to_uppercase();
    let event = rest.identifier()?.to_uppercase();
    rest.expect("ON")?;
    let mut table = rest.identifier()?;
    if rest.eat(".") {
        table = rest.identifier()?;
    }
    rest.eat_all(&["FOR", "EACH"]).then_some(())?;
    let mut end = rest.peek()?.end;
    rest.expect("ROW")?;
    if rest.eat_any(&["FOLLOWS", "PRECEDES"]) {
        end = rest.peek()?.end;
        rest.identifier()?;
    }
    let body = said.sql.get(end..)?.trim();
    Some(Object {
        kind: Kind::Trigger,
        name: name.to_owned(),
        sql: format!(
            "CREATE TRIGGER {} {timing} {event} ON {} FOR EACH ROW {body}",
            words.quote(name),
            words.quote(&table)
        ),
        table: Some(table),
        options: options(definer, said, words),
        ..Object::default()
    })
}

/// The facts about the time of an event that are not in its definition.
#[derive(Debug)]
pub struct Clock<'c> {
    /// Whether it starts when it was created, because no time was written.
    pub starts_at_birth: bool,
    pub zone: &'c str,
    /// Whether the time zone of the server is UTC.
    pub is_utc: bool,
}

pub fn event(
    name: &str,
    said: &Said<'_>,
    clock: &Clock<'_>,
    words: &ServerDefaults<'_>,
) -> Option<Object> {
    let Parts {
        definer, mut rest, ..
    } = parts(said)?;
    rest.expect("EVENT")?;
    rest.identifier()?;
    if rest.eat(".") {
        rest.identifier()?;
    }
    let mut head = format!("CREATE EVENT {}", words.quote(name));
    let (mut timed, mut commented) = (false, false);
    let mut end;
    loop {
        let token = rest.next()?;
        end = token.end;
        let word = token.text;
        if word.eq_ignore_ascii_case("DO") {
            break;
        }
        if word.eq_ignore_ascii_case("STARTS") && clock.starts_at_birth {
            rest.next()?;
            continue;
        }
        timed |= ["STARTS", "ENDS", "AT"]
            .iter()
            .any(|moment| word.eq_ignore_ascii_case(moment));
        let comment = said.comment(word).filter(|_| commented);
        commented = word.eq_ignore_ascii_case("COMMENT");
        head.push_str(&format!(" {}", comment.as_deref().unwrap_or(word)));
    }
    let body = said.sql.get(end..)?.trim();
    let mut options = options(definer, said, words);
    let is_utc = matches!(clock.zone, "+00:00" | "UTC") || clock.zone == "SYSTEM" && clock.is_utc;
    if timed && !is_utc {
        options.insert("time_zone".to_owned(), clock.zone.to_owned());
    }
    Some(Object {
        kind: Kind::Event,
        name: name.to_owned(),
        sql: format!("{head} DO {body}"),
        options,
        ..Object::default()
    })
}

pub fn sequence(name: &str, sql: &str, words: &ServerDefaults<'_>) -> Option<Object> {
    let mut cursor = Cursor::new(&SYNTAX, sql);
    cursor.eat_all(&["CREATE", "SEQUENCE"]).then_some(())?;
    cursor.identifier()?;
    Some(Object {
        kind: Kind::Sequence,
        name: name.to_owned(),
        sql: format!("CREATE SEQUENCE {} {}", words.quote(name), cursor.flat()),
        needs: NotCompared::default(),
        ..Object::default()
    })
}
