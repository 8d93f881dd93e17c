//! Recovery classes of MySQL and MariaDB, where every change of the schema is an implicit commit.
//! <https://dev.mysql.com/doc/refman/9.0/en/implicit-commit.html>

mod alter;
mod column;
mod completion;
mod matches;
mod program;
mod session;
mod simulate;
mod table;

use std::sync::Arc;

use crate::dialect::mysql::{MySql, SYNTAX};
use crate::dialect::recovery::{
    AutoCommitted, Dropped, Object, ObjectKind, OnlineDdl, RecoveryClass, auto_commit, unchecked,
    upper,
};
use crate::dialect::statement::{DdlObject, Head};
use crate::sql::{Cursor, Name};

use alter::Alter;
use completion::{Copied, Emptied, Renamed, Replaced, Swapped};
use program::Created;

const CALLS: &str = "the routine may commit, and then nothing shows whether the statement ran";
const DYNAMIC: &str = "the statement that it runs is known only at run time";
const FILES: &str = "it reads or writes a file of the server, which a transaction does not protect";
const BLOCK: &str = "its statements may commit, and then nothing shows how far it ran";
const TEMPORARY: &str =
    "its rows are lost with the session, so a file that stopped half-way could not continue";

/// Algorithms of online DDL, the least disturbing first.
const ALGORITHMS: &[(&str, &str)] = &[
    ("instant", "ALGORITHM=INSTANT,"),
    ("INPLACE, without a lock", "ALGORITHM=INPLACE, LOCK=NONE,"),
];

/// The storage engines that can roll back.
const TRANSACTIONAL: &[&str] = &["INNODB", "XTRADB", "NDB", "NDBCLUSTER", "ROCKSDB", "TOKUDB"];

pub fn class(mut words: Cursor<'_>) -> RecoveryClass {
    let verb = upper(&mut words);
    match verb.as_str() {
        "SELECT" | "WITH" | "TABLE" | "VALUES" | "(" => session::query(&words),
        "INSERT" | "UPDATE" | "DELETE" | "REPLACE" | "DO" => RecoveryClass::Transactional,
        "SET" if words.eat("STATEMENT") => session::set_statement(words),
        "SET" => session::set(&words),
        "PREPARE" | "DEALLOCATE" => RecoveryClass::SessionState,
        "CREATE" => create(words),
        "ALTER" => alter(words),
        "DROP" => drop(words),
        "RENAME" if words.eat_any(&["TABLE", "TABLES"]) => rename(words),
        "TRUNCATE" => {
            words.eat("TABLE");
            objects(&mut words, &[ObjectKind::TableId])
                .map_or_else(unchecked, |objects| auto_commit(objects, Emptied))
        }
        "REVOKE" if words.eat_all(&["IF", "EXISTS"]) => RecoveryClass::Repeatable,
        // MariaDB runs what stands behind it.
        "ANALYZE" if !is_of_tables(&mut words) => RecoveryClass::Transactional,
        "GRANT" | "ANALYZE" | "OPTIMIZE" | "CHECK" | "REPAIR" | "CHECKSUM" | "FLUSH" | "SHOW"
        | "HELP" => RecoveryClass::Repeatable,
        // With ANALYZE it runs what it explains.
        "EXPLAIN" | "DESCRIBE" | "DESC" => RecoveryClass::Transactional,
        "CALL" => RecoveryClass::Unknown(CALLS),
        "EXECUTE" => RecoveryClass::Unknown(DYNAMIC),
        "LOAD" | "IMPORT" | "HANDLER" => RecoveryClass::Unknown(FILES),
        "BEGIN" if !words.is_over() && !words.sees("WORK") => RecoveryClass::Unknown(BLOCK),
        "BEGIN" | "START" => RecoveryClass::Begin,
        "COMMIT" | "ROLLBACK" => RecoveryClass::Commit,
        // What bird does not know it can still run; only a crash in the middle needs a person.
        _ => unchecked(),
    }
}

fn is_of_tables(words: &mut Cursor<'_>) -> bool {
    words.eat_any(&["NO_WRITE_TO_BINLOG", "LOCAL"]);
    words.eat_any(&["TABLE", "TABLES"])
}

/// The objects of the next name, one of each kind.
fn objects(words: &mut Cursor<'_>, kinds: &[ObjectKind]) -> Option<Vec<Object>> {
    let name = words.name()?;
    let kinds = kinds.iter();
    Some(
        kinds
            .map(|kind| Object::new(&MySql, *kind, &name))
            .collect(),
    )
}

/// The kind of object that a CREATE creates, read up to the object's name, and the CREATE's head.
fn created_kind<'a>(words: &mut Cursor<'a>) -> Option<(ObjectKind, Head<'a>)> {
    const MODIFIERS: &[&str] = &[
        "OR",
        "REPLACE",
        "TEMPORARY",
        "UNIQUE",
        "FULLTEXT",
        "SPATIAL",
        "AGGREGATE",
        "DEFINER",
        "SQL",
        "SECURITY",
        "INVOKER",
        "ALGORITHM",
    ];
    words.eat("CREATE");
    let head = Head::read(words).filter(|head| head.has_only(MODIFIERS))?;
    let kind = match head.kind {
        DdlObject::Table | DdlObject::View => ObjectKind::Table,
        DdlObject::Sequence => ObjectKind::Sequence,
        DdlObject::Trigger => ObjectKind::Trigger,
        DdlObject::Procedure => ObjectKind::Procedure,
        DdlObject::Function => ObjectKind::Function,
        DdlObject::Event => ObjectKind::Event,
        DdlObject::Index => ObjectKind::Index,
        DdlObject::Database | DdlObject::Schema => ObjectKind::Database,
        _ => return None,
    };
    words.eat_if_exists();
    Some((kind, head))
}

fn create(mut words: Cursor<'_>) -> RecoveryClass {
    let Some((kind, head)) = created_kind(&mut words) else {
        return unchecked();
    };
    let is_view = head.kind == DdlObject::View;
    let replaces = head.has("REPLACE");
    if head.has("TEMPORARY") {
        return RecoveryClass::Unknown(TEMPORARY);
    }
    if kind == ObjectKind::Index {
        return create_index(&head, words).unwrap_or_else(unchecked);
    }
    let stores = replaces && !is_view && matches!(kind, ObjectKind::Table | ObjectKind::Sequence);
    let kinds: &[ObjectKind] = if stores {
        &[ObjectKind::TableId, kind]
    } else {
        &[kind]
    };
    let Some(objects) = objects(&mut words, kinds) else {
        return unchecked();
    };
    // An event that comes to its end is gone then.
    let every = words.clone().eat_all(&["ON", "SCHEDULE", "EVERY"]);
    if kind == ObjectKind::Event && (!every || words.has("ENDS")) {
        return unchecked();
    }
    if stores {
        return auto_commit(objects, Replaced(Created::said(kind, &head, words)));
    }
    if replaces {
        return RecoveryClass::Repeatable;
    }
    if kind == ObjectKind::Function && words.has("SONAME") {
        return unchecked();
    }
    if kind == ObjectKind::Table
        && !is_view
        && let Some(source) = like(&words)
    {
        let source = Object::new(&MySql, ObjectKind::Table, &source);
        return auto_commit([vec![source], objects].concat(), Copied);
    }
    auto_commit(objects, Created::said(kind, &head, words))
}

/// `CREATE TABLE … LIKE other`, with and without parentheses.
fn like(words: &Cursor<'_>) -> Option<Name> {
    let mut words = words.clone();
    words.eat("(");
    words.eat("LIKE").then_some(())?;
    words.name()
}

/// Reads a CREATE INDEX as the clause of an ALTER TABLE that it is.
fn create_index(head: &Head<'_>, mut words: Cursor<'_>) -> Option<RecoveryClass> {
    let unless = words.passed()?.is("EXISTS");
    let kind = ["UNIQUE", "FULLTEXT", "SPATIAL"];
    let kind = kind.into_iter().find(|kind| head.has(kind));
    let name = words.next()?;
    let mut built = Vec::new();
    while !words.eat("ON") {
        built.push(words.next()?.text);
    }
    let table = words.name()?;
    let mut clause = vec!["ADD"];
    clause.extend(kind);
    clause.push("INDEX");
    if unless {
        clause.extend(["IF", "NOT", "EXISTS"]);
    }
    clause.push(name.text);
    clause.extend(built);
    // How to do it does not count.
    const HOW: &[&str] = &["ALGORITHM", "LOCK", "WAIT", "NOWAIT"];
    let rest = words.tokens().take_while(|word| !word.is_one_of(HOW));
    clause.extend(rest.map(|word| word.text));
    let clause = clause.join(" ");
    Some(altered(&table, vec![Cursor::new(&SYNTAX, &clause)]))
}

fn altered(table: &Name, clauses: Vec<Cursor<'_>>) -> RecoveryClass {
    let object = Object::new(&MySql, ObjectKind::Table, table);
    Alter::read(clauses, (table.last(), table.last()))
        .map_or_else(unchecked, |alter| auto_commit(vec![object], alter))
}

fn drop(mut words: Cursor<'_>) -> RecoveryClass {
    if words.eat("TEMPORARY") {
        return RecoveryClass::SessionState;
    }
    let kind = upper(&mut words);
    let exists = words.eat_if_exists();
    let kinds: &[ObjectKind] = match kind.as_str() {
        "TABLE" | "TABLES" => &[ObjectKind::Table, ObjectKind::CreationTime],
        "VIEW" => &[ObjectKind::Table],
        "SEQUENCE" => &[ObjectKind::Sequence],
        "TRIGGER" => &[ObjectKind::Trigger],
        "PROCEDURE" => &[ObjectKind::Procedure],
        "FUNCTION" => &[ObjectKind::Function],
        "EVENT" => &[ObjectKind::Event],
        "DATABASE" | "SCHEMA" => &[ObjectKind::Database],
        "INDEX" => return drop_index(exists, words).unwrap_or_else(unchecked),
        _ if exists => return RecoveryClass::Repeatable,
        _ => return unchecked(),
    };
    let begin = words.since(0).texts();
    let mut all = Vec::new();
    loop {
        let Some(one) = objects(&mut words, kinds) else {
            return unchecked();
        };
        all.extend(one);
        if !words.eat(",") {
            break;
        }
    }
    // MariaDB drops them one by one, and a crash or an error leaves the others.
    let is_same: fn(&str, &str) -> bool = |before, now| before == now;
    let each = (all.len() > kinds.len()).then(|| begin.join(" "));
    auto_commit(all, Dropped { each, is_same })
}

fn drop_index(exists: bool, mut words: Cursor<'_>) -> Option<RecoveryClass> {
    let name = words.next()?;
    words.eat("ON").then_some(())?;
    let table = words.name()?;
    let exists = if exists { "IF EXISTS " } else { "" };
    let clause = format!("DROP INDEX {exists}{}", name.text);
    Some(altered(&table, vec![Cursor::new(&SYNTAX, &clause)]))
}

/// `RENAME TABLE a TO b, …`: if a name is reused, only the table identifiers distinguish the
/// tables.
fn rename(mut words: Cursor<'_>) -> RecoveryClass {
    words.eat_if_exists();
    let mut names: Vec<Name> = Vec::new();
    let mut place = |name: Name| {
        let known = names.iter().position(|known| *known == name);
        known.unwrap_or_else(|| {
            names.push(name);
            names.len() - 1
        })
    };
    let mut pairs = Vec::new();
    for mut pair in words.clauses() {
        let Some(from) = pair.name() else {
            return unchecked();
        };
        // MariaDB lets one say how long to wait.
        while pair.peek().is_some_and(|word| !word.is("TO")) {
            pair.skip(1);
        }
        pair.eat("TO");
        let Some(to) = pair.name() else {
            return unchecked();
        };
        pairs.push((place(from), place(to)));
    }
    let swaps = names.len() < pairs.len() * 2;
    let kind = if swaps {
        ObjectKind::TableId
    } else {
        ObjectKind::Table
    };
    let objects = names
        .iter()
        .map(|name| Object::new(&MySql, kind, name))
        .collect();
    if swaps {
        auto_commit(objects, Swapped(pairs))
    } else {
        auto_commit(objects, Renamed(pairs))
    }
}

fn alter(mut words: Cursor<'_>) -> RecoveryClass {
    words.eat_any(&["ONLINE", "OFFLINE"]);
    let ignoring = words.eat("IGNORE");
    match upper(&mut words).as_str() {
        "TABLE" => {
            words.eat_if_exists();
            let Some(name) = words.name() else {
                return unchecked();
            };
            let after_words = words.mark();
            if words.eat("WAIT") {
                words.next();
            }
            words.eat("NOWAIT");
            let waits = words.mark() > after_words;
            alter_table(words, &name, (!ignoring && !waits).then_some(after_words))
        }
        "EVENT" if words.has("RENAME") || words.has("AT") => unchecked(),
        "SEQUENCE" if words.has("RESTART") => unchecked(),
        "EVENT" | "SEQUENCE" | "VIEW" | "ALGORITHM" | "DEFINER" | "SQL" | "PROCEDURE"
        | "FUNCTION" | "DATABASE" | "SCHEMA" | "USER" => RecoveryClass::Repeatable,
        _ => unchecked(),
    }
}

fn alter_table(words: Cursor<'_>, table: &Name, after_words: Option<usize>) -> RecoveryClass {
    // Rows change places, and no definition tells.
    const MOVES: &[&str] = &["EXCHANGE", "DISCARD", "IMPORT", "TRUNCATE"];
    const OWN: &[&str] = &[
        "ALGORITHM",
        "LOCK",
        "PARTITION",
        "PARTITIONS",
        "PARTITIONING",
    ];
    let own = words.tokens().any(|word| word.is_one_of(OWN));
    let online_ddl = after_words
        .filter(|_| !own && !words.is_over())
        .map(|after_words| OnlineDdl {
            after_words,
            algorithms: ALGORITHMS,
        });
    // Partitions are listed with commas.
    let partitions = words.sees_at(1, &["PARTITION"]) || words.sees("PARTITION");
    let clauses = if partitions {
        vec![words.rest()]
    } else {
        words.clauses()
    };
    let moves = |clause: &Cursor<'_>| clause.peek().is_some_and(|word| word.is_one_of(MOVES));
    let mut objects = vec![Object::new(&MySql, ObjectKind::Table, table)];
    for clause in &clauses {
        let mut clause = clause.clone();
        if clause.eat("RENAME")
            && !clause
                .peek()
                .is_some_and(|word| word.is_one_of(&["COLUMN", "INDEX", "KEY"]))
        {
            clause.eat_any(&["TO", "AS", "="]);
            objects.extend(
                clause
                    .name()
                    .map(|name| Object::new(&MySql, ObjectKind::Table, &name)),
            );
        }
    }
    let new = objects
        .last()
        .map_or(table.last(), |last| last.parts.last());
    let understood = !clauses.iter().any(moves) && objects.len() <= 2;
    let alter = understood
        .then(|| Alter::read(clauses, (table.last(), new)))
        .flatten();
    let Some(alter) = alter else {
        return RecoveryClass::AutoCommit(Box::new(AutoCommitted {
            online_ddl,
            ..AutoCommitted::default()
        }));
    };
    RecoveryClass::AutoCommit(Box::new(AutoCommitted {
        objects,
        check: Some(Arc::new(alter)),
        online_ddl,
    }))
}

/// The CREATE statement that a server shows of an object; `behind` columns follow the text.
fn created(shown: &str, behind: usize) -> Option<Cursor<'_>> {
    let (_, mut text) = shown.split_at_checked(shown.find("\tCREATE ")? + 1)?;
    for _ in 0..behind {
        text = text.rsplit_once('\t')?.0;
    }
    Some(Cursor::new(&SYNTAX, text))
}

/// The table that a statement creates in, or moves to, an engine that cannot roll back.
pub fn loses_transactions(mut words: Cursor<'_>) -> Option<String> {
    let makes = words.eat("CREATE") || words.eat("ALTER");
    words.eat_all(&["OR", "REPLACE"]);
    if !makes || !words.eat("TABLE") {
        return None;
    }
    words.eat_if_exists();
    let name = words.name()?.last().to_lowercase();
    while !words.eat("ENGINE") {
        words.next()?;
    }
    words.eat("=");
    let engine = words.part()?.to_ascii_uppercase();
    (!TRANSACTIONAL.contains(&engine.as_str())).then_some(name)
}
