//! Recovery classes of PostgreSQL's statements, and the completion check of concurrent indexes.

use crate::dialect::postgres::{Postgres, SYNTAX};
use crate::dialect::recovery::normalize::{alike, flat};
use crate::dialect::recovery::{
    Completion, CompletionCheck, Dropped, Object, ObjectKind, ObjectState, RecoveryClass,
    auto_commit, unchecked, upper,
};
use crate::sql::Cursor;

/// Why the statements of a whole cluster are refused.
const CLUSTER: &str =
    "it changes the whole cluster and commits, and nothing in this database shows whether it ran";
const DETACH: &str = "it commits twice, and a crash in between leaves an intermediate state";

/// An index that a statement creates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    /// `None` if the server chooses it.
    name: Option<String>,
    shape: Shape,
}

/// An index without its name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Shape {
    unique: bool,
    method: String,
    /// From its columns on.
    rest: Vec<String>,
}

/// An existing index: a line of the definition query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexState {
    sql: String,
    name: String,
    valid: bool,
    /// Its number and its definition.
    rest: String,
}

pub fn class(mut words: Cursor<'_>) -> RecoveryClass {
    match upper(&mut words).as_str() {
        "SET" | "RESET" | "PREPARE" | "DEALLOCATE" | "DISCARD" | "LISTEN" | "UNLISTEN" => {
            RecoveryClass::SessionState
        }
        // What these leave half done they do again, and an index that was not finished is left
        // beside the old one under a name of its own.
        "VACUUM" | "REINDEX" | "CLUSTER" | "ANALYZE" | "CHECKPOINT" => RecoveryClass::Repeatable,
        "CREATE" => create(words),
        "DROP" => drop(words),
        "ALTER" if words.sees("SYSTEM") => RecoveryClass::Repeatable,
        "ALTER" if words.has("DETACH") && words.has("CONCURRENTLY") => {
            RecoveryClass::Unknown(DETACH)
        }
        "BEGIN" | "START" => RecoveryClass::Begin,
        "COMMIT" | "END" | "ROLLBACK" | "ABORT" => RecoveryClass::Commit,
        _ => RecoveryClass::Transactional,
    }
}

fn create(mut words: Cursor<'_>) -> RecoveryClass {
    if words.eat_any(&["DATABASE", "TABLESPACE"]) {
        return RecoveryClass::Unknown(CLUSTER);
    }
    let unique = words.eat("UNIQUE");
    if !words.eat_all(&["INDEX", "CONCURRENTLY"]) {
        return RecoveryClass::Transactional;
    }
    index(words, unique).unwrap_or_else(unchecked)
}

fn index(mut words: Cursor<'_>, unique: bool) -> Option<RecoveryClass> {
    is_plain(&words).then_some(())?;
    words.eat_if_exists();
    let name = if words.sees("ON") {
        None
    } else {
        Some(words.name()?.last().to_owned())
    };
    words.eat("ON").then_some(())?;
    words.eat("ONLY");
    let table = Object::new(&Postgres, ObjectKind::Indexes, &words.name()?);
    let shape = Shape::read(words, unique);
    Some(auto_commit(vec![table], Index { name, shape }))
}

/// Whether no name is written by the numbers of its characters, which is not read here.
fn is_plain(words: &Cursor<'_>) -> bool {
    let mut words = words.tokens();
    !words.any(|word| word.text.starts_with("U&") || word.text.starts_with("u&"))
}

fn drop(mut words: Cursor<'_>) -> RecoveryClass {
    if words.eat_any(&["DATABASE", "TABLESPACE"]) {
        return RecoveryClass::Unknown(CLUSTER);
    }
    if !words.eat_all(&["INDEX", "CONCURRENTLY"]) {
        return RecoveryClass::Transactional;
    }
    words.eat_if_exists();
    let plain = is_plain(&words);
    match words.name().filter(|_| plain) {
        Some(name) => {
            let index = Object::new(&Postgres, ObjectKind::Index, &name);
            let dropped = Dropped {
                each: None,
                is_same: IndexState::is_same,
            };
            auto_commit(vec![index], dropped)
        }
        None => unchecked(),
    }
}

impl Shape {
    /// Reads an index from behind its table on.
    fn read(mut words: Cursor<'_>, unique: bool) -> Shape {
        let method = if words.eat("USING") {
            words.part().unwrap_or_default()
        } else {
            "btree".into()
        };
        Shape {
            unique,
            method,
            rest: bare(flat(words.tokens())),
        }
    }

    /// Reads what the server shows.
    fn shown(definition: &str) -> Option<Shape> {
        let mut words = Cursor::new(&SYNTAX, definition);
        words.eat("CREATE").then_some(())?;
        let unique = words.eat("UNIQUE");
        words.eat("INDEX").then_some(())?;
        words.name()?;
        words.eat("ON").then_some(())?;
        words.eat("ONLY");
        words.name()?;
        Some(Shape::read(words, unique))
    }

    fn fits(&self, shown: &Shape) -> bool {
        self.unique == shown.unique && self.method == shown.method && alike(&self.rest, &shown.rest)
    }
}

/// Words without casts and without the order that is so anyway, which the server adds and leaves
/// out.
fn bare(words: Vec<String>) -> Vec<String> {
    let mut bare: Vec<String> = Vec::with_capacity(words.len());
    let mut words = words.into_iter().peekable();
    while let Some(word) = words.next() {
        let next = words.peek().map(String::as_str);
        match (word.as_str(), next) {
            (":", Some(":")) => {
                words.next();
                words.next();
                words.next_if(|word| word == "varying" || word == "precision");
            }
            ("asc", _) => {}
            ("nulls", Some("last")) if bare.last().is_none_or(|last| last != "desc") => {
                words.next();
            }
            ("nulls", Some("first")) if bare.last().is_some_and(|last| last == "desc") => {
                words.next();
            }
            _ => bare.push(word),
        }
    }
    bare
}

impl IndexState {
    fn line(line: &str) -> Option<IndexState> {
        let (sql, rest) = line.split_once('\t')?;
        let (state, rest) = rest.split_once('\t')?;
        let name = Cursor::new(&SYNTAX, sql).name()?;
        Some(IndexState {
            sql: sql.to_owned(),
            name: name.last().to_owned(),
            valid: state == "valid",
            rest: rest.to_owned(),
        })
    }

    /// The query for the definitions of a table's indexes.
    pub fn lines(seen: &str) -> Vec<IndexState> {
        seen.lines().filter_map(IndexState::line).collect()
    }

    /// Whether two lines are of one index, valid or not: an index whose removal was interrupted is
    /// marked invalid, and still to be removed.
    pub fn is_same(before: &str, now: &str) -> bool {
        let (before, now) = (IndexState::line(before), IndexState::line(now));
        let of = |line: Option<IndexState>| line.map(|line| (line.sql, line.rest));
        before.is_some() && of(before) == of(now)
    }
}

/// The check of a CREATE INDEX CONCURRENTLY: the table has one more index.
impl CompletionCheck for Index {
    fn completion(&self, objects: &[ObjectState<'_>]) -> Completion {
        // A named statement makes that one index; without a name, the new index is the one.
        let of = |definition: Option<&str>| -> Vec<IndexState> {
            let mut lines = definition.map(IndexState::lines).unwrap_or_default();
            if let Some(name) = &self.name {
                lines.retain(|line| line.name == *name);
            }
            lines
        };
        let table = objects.first();
        let before = of(table.and_then(|table| table.before));
        let now = of(table.and_then(|table| table.now));
        if before == now {
            return Completion::NotRun;
        }
        let gone = before.iter().any(|index| !now.contains(index));
        let mut added = now.iter().filter(|index| !before.contains(index));
        let (Some(index), None, false) = (added.next(), added.next(), gone) else {
            return Completion::InDoubt;
        };
        let shown = index
            .rest
            .split_once('\t')
            .and_then(|(_, sql)| Shape::shown(sql));
        if !shown.is_some_and(|shown| self.shape.fits(&shown)) {
            Completion::InDoubt
        } else if index.valid {
            Completion::Ran
        } else {
            let drop = format!("DROP INDEX CONCURRENTLY IF EXISTS {}", index.sql);
            Completion::CleanUp(drop)
        }
    }
}
