//! MySQL and MariaDB: every change of the schema commits by itself, one statement at a time.
//! <https://dev.mysql.com/doc/refman/9.0/en/implicit-commit.html>

use super::{Alone, Cursor, Effect, Gentle, Kind, Mark, Object};
use super::{contains, is_identifier, plain, unquoted};

const CALLS: &str = "what it calls may commit by itself, and then nothing tells whether it ran";
const DYNAMIC: &str = "which statement it runs is known only when it runs";
const FILES: &str = "it reads or writes a file of the server, which no transaction holds";
const BLOCK: &str =
    "its statements may commit by themselves, and then nothing tells how far it came";
const TEMPORARY: &str = "its rows are gone with the session, so a file that stopped half way could \
     not go on";

/// The ways to change a table, from the one that disturbs least.
const WAYS: &[(&str, &str)] = &[
    ("instant", "ALGORITHM=INSTANT,"),
    ("inplace, without a lock", "ALGORITHM=INPLACE, LOCK=NONE,"),
];

/// The engines that can roll back.
const TRANSACTIONAL: &[&str] = &["INNODB", "XTRADB", "NDB", "NDBCLUSTER", "ROCKSDB", "TOKUDB"];

pub fn effect(words: &[&str]) -> Effect {
    let mut cursor = Cursor::new(words);
    match cursor.next().to_ascii_uppercase().as_str() {
        "SELECT" | "WITH" | "TABLE" | "VALUES" | "("
            if contains(words, "OUTFILE") || contains(words, "DUMPFILE") =>
        {
            Effect::Unclear(FILES)
        }
        "INSERT" | "UPDATE" | "DELETE" | "REPLACE" | "SELECT" | "WITH" | "TABLE" | "VALUES"
        | "(" | "DO" => Effect::Together,
        "SET" => set(&cursor),
        "PREPARE" | "DEALLOCATE" => Effect::Setting,
        "CREATE" => create(cursor),
        "ALTER" => alter(cursor),
        "DROP" => drop(cursor),
        "RENAME" if cursor.skip_any(&["TABLE", "TABLES"]) => rename(cursor),
        "TRUNCATE" => {
            cursor.skip(&["TABLE"]);
            let name = cursor.name();
            alone(
                vec![Object::new(Kind::Storage, name)],
                vec![Mark::Changed(0)],
            )
        }
        "REVOKE" if cursor.skip(&["IF", "EXISTS"]) => Effect::Repeatable,
        "GRANT" | "ANALYZE" | "OPTIMIZE" | "CHECK" | "REPAIR" | "CHECKSUM" | "FLUSH" | "SHOW"
        | "EXPLAIN" | "DESCRIBE" | "DESC" | "HELP" => Effect::Repeatable,
        "CALL" => Effect::Unclear(CALLS),
        "EXECUTE" => Effect::Unclear(DYNAMIC),
        "LOAD" | "IMPORT" | "HANDLER" => Effect::Unclear(FILES),
        "BEGIN" if !cursor.is_over() && !cursor.sees("WORK") => Effect::Unclear(BLOCK),
        "BEGIN" | "START" => Effect::Begins,
        "COMMIT" | "ROLLBACK" => Effect::Ends,
        // What bird does not know it can still run; only a crash in the middle needs a person.
        _ => alone(Vec::new(), Vec::new()),
    }
}

fn alone(objects: Vec<Object>, marks: Vec<Mark>) -> Effect {
    Effect::Alone(Alone {
        objects,
        marks,
        ..Alone::default()
    })
}

/// Of the variables, those of the session are to be set again; the others stay.
fn set(cursor: &Cursor<'_>) -> Effect {
    let word = cursor.peek().to_ascii_uppercase();
    match word.as_str() {
        "GLOBAL" | "PERSIST" | "PERSIST_ONLY" | "PASSWORD" | "DEFAULT" | "RESOURCE" => {
            Effect::Repeatable
        }
        _ => Effect::Setting,
    }
}

fn create(mut cursor: Cursor<'_>) -> Effect {
    let replaces = cursor.skip(&["OR", "REPLACE"]);
    let mut temporary = false;
    let kind = loop {
        let word = cursor.next().to_ascii_uppercase();
        match word.as_str() {
            "TEMPORARY" => temporary = true,
            "TABLE" | "SEQUENCE" | "VIEW" | "TRIGGER" | "PROCEDURE" | "FUNCTION" | "EVENT"
            | "INDEX" | "DATABASE" | "SCHEMA" => break word,
            // Whom a view or a routine runs for, and how.
            "UNIQUE" | "FULLTEXT" | "SPATIAL" | "AGGREGATE" | "DEFINER" | "SQL" | "SECURITY"
            | "INVOKER" | "ALGORITHM" | "UNDEFINED" | "MERGE" | "TEMPTABLE" | "=" | "@" | "("
            | ")" | "CURRENT_USER" | "CURRENT_ROLE" => {}
            _ if word.starts_with(['\'', '`', '"', '@']) || is_account(&cursor) => {}
            _ => return alone(Vec::new(), Vec::new()),
        }
    };
    cursor.skip(&["IF", "NOT", "EXISTS"]);
    let name = cursor.name();
    let present = |kind| {
        alone(
            vec![Object::new(kind, name.as_str())],
            vec![Mark::Present(0)],
        )
    };
    match (kind.as_str(), replaces) {
        ("TABLE", _) if temporary => Effect::Unclear(TEMPORARY),
        // The old rows are gone: the place of the new ones tells it apart from the old table.
        ("TABLE" | "SEQUENCE", true) => alone(
            vec![Object::new(Kind::Storage, name)],
            vec![Mark::Changed(0)],
        ),
        (_, true) => Effect::Repeatable,
        ("TABLE" | "SEQUENCE" | "VIEW", _) => present(Kind::Table),
        ("TRIGGER", _) => present(Kind::Trigger),
        ("PROCEDURE", _) => present(Kind::Procedure),
        ("FUNCTION", _) if contains(cursor.words, "SONAME") => alone(Vec::new(), Vec::new()),
        ("FUNCTION", _) => present(Kind::Function),
        ("EVENT", _) => present(Kind::Event),
        ("DATABASE" | "SCHEMA", _) => present(Kind::Database),
        _ => {
            cursor.skip_any(&["USING"]);
            while !cursor.is_over() && !cursor.sees("ON") {
                cursor.next();
            }
            cursor.skip(&["ON"]);
            index(&name, cursor.name(), true)
        }
    }
}

/// The word that was just read is a part of `user@host`.
fn is_account(cursor: &Cursor<'_>) -> bool {
    let before = cursor.at.checked_sub(2).and_then(|at| cursor.words.get(at));
    cursor.peek().starts_with('@') || before.is_some_and(|word| matches!(*word, "=" | "@"))
}

/// An index made or dropped by a statement of its own.
fn index(name: &str, table: String, made: bool) -> Effect {
    let name = plain(name);
    let mark = match made {
        true => Mark::Key(0, name.clone()),
        false => Mark::NoKey(0, name.clone()),
    };
    Effect::Alone(Alone {
        objects: vec![Object::new(Kind::Table, table)],
        marks: vec![mark],
        names: vec![name],
        ..Alone::default()
    })
}

fn drop(mut cursor: Cursor<'_>) -> Effect {
    let temporary = cursor.skip(&["TEMPORARY"]);
    let kind = cursor.next().to_ascii_uppercase();
    let exists = cursor.skip(&["IF", "EXISTS"]);
    let kind = match kind.as_str() {
        _ if temporary => return Effect::Setting,
        "TABLE" | "TABLES" | "VIEW" | "SEQUENCE" => Kind::Table,
        "TRIGGER" => Kind::Trigger,
        "PROCEDURE" => Kind::Procedure,
        "FUNCTION" => Kind::Function,
        "EVENT" => Kind::Event,
        "INDEX" => {
            let name = cursor.name();
            cursor.skip(&["ON"]);
            return index(&name, cursor.name(), false);
        }
        _ if exists => return Effect::Repeatable,
        _ => return alone(Vec::new(), Vec::new()),
    };
    let start = cursor.words.get(..cursor.at).unwrap_or_default().join(" ");
    let mut objects = Vec::new();
    while is_identifier(cursor.peek()) {
        objects.push(Object::new(kind, cursor.name()));
        if !cursor.skip(&[","]) {
            break;
        }
    }
    let marks = (0..objects.len()).map(Mark::Absent).collect();
    // MariaDB drops them one by one, and a crash or an error leaves the others.
    let each = (objects.len() > 1).then_some(start);
    Effect::Alone(Alone {
        objects,
        marks,
        each,
        ..Alone::default()
    })
}

/// `RENAME TABLE a TO b, …`: where a name is left and taken again, only where the rows are
/// stored tells the tables apart.
fn rename(mut cursor: Cursor<'_>) -> Effect {
    cursor.skip(&["IF", "EXISTS"]);
    let mut pairs = Vec::new();
    while !cursor.is_over() {
        let from = cursor.name();
        while !cursor.is_over() && !cursor.sees("TO") {
            // `WAIT n`, on MariaDB.
            cursor.next();
        }
        cursor.skip(&["TO"]);
        let to = cursor.name();
        pairs.push((from, to));
        if !cursor.skip(&[","]) {
            break;
        }
    }
    let same = |one: &str, other: &str| plain(one) == plain(other);
    let (mut objects, mut marks) = (Vec::new(), Vec::new());
    for (from, to) in &pairs {
        let taken = pairs.iter().any(|(_, taken)| same(taken, from));
        let left = pairs.iter().any(|(left, _)| same(left, to));
        if !taken {
            marks.push(Mark::Absent(objects.len()));
            objects.push(Object::new(Kind::Table, from.clone()));
        }
        let (kind, mark) = match left {
            false => (Kind::Table, Mark::Present(objects.len())),
            true => (Kind::Storage, Mark::Changed(objects.len())),
        };
        let last = pairs.iter().filter(|(_, other)| same(other, to)).count() == 1;
        // A name that is only passed through is as it was.
        let passing = left && !pairs.first().is_some_and(|(first, _)| same(first, to)) && taken;
        if last && !passing {
            marks.push(mark);
            objects.push(Object::new(kind, to.clone()));
        }
    }
    alone(objects, marks)
}

fn alter(mut cursor: Cursor<'_>) -> Effect {
    cursor.skip_any(&["ONLINE", "OFFLINE"]);
    let ignoring = cursor.skip(&["IGNORE"]);
    match cursor.next().to_ascii_uppercase().as_str() {
        "TABLE" => {
            cursor.skip(&["IF", "EXISTS"]);
            let name = cursor.name();
            let behind = cursor.at;
            if cursor.skip(&["WAIT"]) {
                cursor.next();
            }
            cursor.skip(&["NOWAIT"]);
            let waits = cursor.at > behind;
            alter_table(cursor, name, (!ignoring && !waits).then_some(behind))
        }
        "EVENT" if contains(cursor.words, "RENAME") => alone(Vec::new(), Vec::new()),
        "SEQUENCE" if contains(cursor.words, "RESTART") => alone(Vec::new(), Vec::new()),
        "EVENT" | "SEQUENCE" | "VIEW" | "ALGORITHM" | "DEFINER" | "SQL" | "PROCEDURE"
        | "FUNCTION" | "DATABASE" | "SCHEMA" | "USER" => Effect::Repeatable,
        _ => alone(Vec::new(), Vec::new()),
    }
}

fn alter_table(mut cursor: Cursor<'_>, table: String, behind: Option<usize>) -> Effect {
    let mut alone = Alone {
        objects: vec![Object::new(Kind::Table, table)],
        ..Alone::default()
    };
    let rest = cursor.words.get(cursor.at..).unwrap_or_default();
    // Rows change places, and no definition tells.
    const MOVES: &[&str] = &["EXCHANGE", "DISCARD", "IMPORT", "TRUNCATE"];
    let own = [
        "ALGORITHM",
        "LOCK",
        "PARTITION",
        "PARTITIONS",
        "PARTITIONING",
    ];
    if !own.iter().any(|word| contains(rest, word)) && !rest.is_empty() {
        alone.gentle = behind.map(|behind| Gentle { behind, ways: WAYS });
    }
    let identifiers = rest.iter().filter(|word| is_identifier(word));
    alone.names = identifiers
        .map(|word| unquoted(word).to_lowercase())
        .collect();
    while !cursor.is_over() {
        let clause = cursor.clause();
        if MOVES.iter().any(|word| {
            clause
                .first()
                .is_some_and(|first| first.eq_ignore_ascii_case(word))
        }) {
            return Effect::Alone(Alone::default());
        }
        read_clause(Cursor::new(clause), &mut alone);
    }
    let renamed = alone.marks.contains(&Mark::Absent(0));
    if !renamed {
        alone.marks.push(Mark::Present(0));
        return Effect::Alone(alone);
    }
    // Its columns are to be looked for under the new name.
    for mark in &mut alone.marks {
        match mark {
            Mark::Column(at, _) | Mark::NoColumn(at, _) | Mark::Key(at, _) | Mark::NoKey(at, _) => {
                *at = 1;
            }
            _ => {}
        }
    }
    Effect::Alone(alone)
}

/// One clause of ALTER TABLE: what is so behind it.
fn read_clause(mut clause: Cursor<'_>, alone: &mut Alone) {
    const KEYS: &[&str] = &["INDEX", "KEY"];
    let verb = clause.next().to_ascii_uppercase();
    match verb.as_str() {
        "ADD" => {
            if clause.skip(&["CONSTRAINT"]) {
                clause.skip(&["IF", "NOT", "EXISTS"]);
                let unnamed = ["FOREIGN", "UNIQUE", "CHECK", "PRIMARY"];
                if !unnamed.iter().any(|word| clause.sees(word)) {
                    let name = plain(clause.next());
                    if clause.sees("PRIMARY") {
                        alone.marks.push(Mark::Key(0, "primary".into()));
                    } else {
                        alone.marks.push(Mark::Key(0, name));
                    }
                }
                return;
            }
            if clause.skip(&["PRIMARY", "KEY"]) {
                alone.marks.push(Mark::Key(0, "primary".into()));
                return;
            }
            if clause.skip_any(&["FOREIGN", "CHECK", "PARTITION", "PERIOD", "SYSTEM"]) {
                return;
            }
            let special = clause.skip_any(&["UNIQUE", "FULLTEXT", "SPATIAL"]);
            if clause.skip_any(KEYS) || special {
                clause.skip(&["IF", "NOT", "EXISTS"]);
                if is_identifier(clause.peek()) && !clause.sees("USING") {
                    alone.marks.push(Mark::Key(0, plain(clause.next())));
                }
                return;
            }
            clause.skip(&["COLUMN"]);
            clause.skip(&["IF", "NOT", "EXISTS"]);
            if clause.skip(&["("]) {
                while !clause.is_over() {
                    let column = clause.clause();
                    let name = column.first().copied().unwrap_or_default();
                    if is_identifier(name) {
                        alone.marks.push(Mark::Column(0, plain(name)));
                    }
                }
            } else {
                alone.marks.push(Mark::Column(0, plain(clause.next())));
            }
        }
        "DROP" => {
            if clause.skip(&["PRIMARY", "KEY"]) {
                alone.marks.push(Mark::NoKey(0, "primary".into()));
                return;
            }
            if clause.skip_any(&["PARTITION", "PERIOD", "SYSTEM"]) {
                return;
            }
            clause.skip(&["FOREIGN"]);
            if clause.skip_any(&["INDEX", "KEY", "CONSTRAINT", "CHECK"]) {
                clause.skip(&["IF", "EXISTS"]);
                alone.marks.push(Mark::NoKey(0, plain(clause.next())));
                return;
            }
            clause.skip(&["COLUMN"]);
            clause.skip(&["IF", "EXISTS"]);
            alone.marks.push(Mark::NoColumn(0, plain(clause.next())));
        }
        "MODIFY" => {
            clause.skip(&["COLUMN"]);
            clause.skip(&["IF", "EXISTS"]);
            alone.marks.push(Mark::Column(0, plain(clause.next())));
        }
        "CHANGE" => {
            clause.skip(&["COLUMN"]);
            clause.skip(&["IF", "EXISTS"]);
            let (old, new) = (plain(clause.next()), plain(clause.next()));
            renamed(alone, old, new);
        }
        "RENAME" if clause.skip(&["COLUMN"]) => {
            let old = plain(clause.next());
            clause.skip(&["TO"]);
            let new = plain(clause.next());
            renamed(alone, old, new);
        }
        "RENAME" if clause.skip_any(KEYS) => {
            let old = plain(clause.next());
            clause.skip(&["TO"]);
            alone.marks.push(Mark::NoKey(0, old));
            alone.marks.push(Mark::Key(0, plain(clause.next())));
        }
        "RENAME" => {
            clause.skip_any(&["TO", "AS"]);
            alone.objects.push(Object::new(Kind::Table, clause.name()));
            alone.marks.push(Mark::Absent(0));
            alone.marks.push(Mark::Present(1));
        }
        "ALTER" => {}
        _ => alone.wide = true,
    }
}

fn renamed(alone: &mut Alone, old: String, new: String) {
    if old != new {
        alone.marks.push(Mark::NoColumn(0, old));
    }
    alone.marks.push(Mark::Column(0, new));
}

/// The table that a statement makes, or makes over, in an engine that cannot roll back.
pub fn loses_transactions(words: &[&str]) -> Option<String> {
    let mut cursor = Cursor::new(words);
    let makes = cursor.skip(&["CREATE"]) || cursor.skip(&["ALTER"]);
    cursor.skip(&["OR", "REPLACE"]);
    if !makes || !cursor.skip(&["TABLE"]) {
        return None;
    }
    cursor.skip(&["IF", "NOT", "EXISTS"]);
    let name = plain(&cursor.name());
    let rest = cursor.words.get(cursor.at..).unwrap_or_default();
    let at = rest
        .iter()
        .position(|word| word.eq_ignore_ascii_case("ENGINE"))?;
    let mut engine = Cursor::new(rest.get(at + 1..).unwrap_or_default());
    engine.skip(&["="]);
    let engine = engine
        .next()
        .trim_matches(['\'', '"', '`'])
        .to_ascii_uppercase();
    let rolls_back = TRANSACTIONAL.contains(&engine.as_str());
    (!rolls_back && !engine.is_empty()).then_some(name)
}
