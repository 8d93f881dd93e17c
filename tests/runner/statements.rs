//! Cases of statements alone, without a database: a line each, `SQL => what bird makes of it`.

use std::sync::Arc;

use bird::dialect::recovery::{ObjectKind, RecoveryClass};
use bird::dialect::{Dialect, by_scheme, statement};
use bird::model::name::ColumnNames;
use bird::model::reference::Reference;
use bird::plan::reversal::{Reversals, renames_back};
use bird::plan::{ReferenceGuard, destructive_statements};
use bird::sql::Cursor;
use bird::sql::script::{blot, secrets, words};
use bird::sql::split::split;
use libtest_mimic::Trial;

use crate::case_file::{CaseFile, is_update, update};
use crate::containment;
use crate::trial::{Group, trial};

/// What bird makes of SQL, as a text.
type Describe = fn(&dyn Dialect, &str) -> String;

/// What each kind of cases asks.
const KINDS: &[(&str, Describe)] = &[
    ("containment", containment::describe),
    ("destructive", destructive),
    ("forbidden", forbidden),
    ("recovery_class", recovery_class),
    ("reference_guard", reference_guard),
    ("reversal", reversal),
    ("secrets", without_secrets),
    ("write_targets", write_targets),
];

const ARROW: &str = " => ";

pub fn trials(group: &Group) -> Result<Vec<Trial>, String> {
    let file = Arc::clone(&group.file);
    file.expect_sections(&["statements"])?;
    let (kind, engine) = group.name.split_once("::").unwrap_or_default();
    let describe = KINDS.iter().find(|(name, _)| *name == kind);
    let (_, describe) = describe.ok_or_else(|| format!("{kind}: no kind of statements"))?;
    let dialect = by_scheme(engine)
        .ok_or_else(|| format!("{}: the file is no engine", file.path.display()))?;
    let check = move || check(&file, dialect, *describe);
    Ok(vec![trial(group.name.clone(), check)])
}

fn check(file: &CaseFile, dialect: &dyn Dialect, describe: Describe) -> Result<(), String> {
    let mut wrong = String::new();
    let mut sections = file.sections.clone();
    for section in &mut sections {
        let mut renewed = String::new();
        for (number, line) in (section.line + 1..).zip(section.body.lines()) {
            let (sql, expected) = line.split_once(ARROW).unwrap_or((line, ""));
            let found = describe(dialect, sql);
            renewed.push_str(&format!("{sql}{ARROW}{found}\n"));
            if found != expected {
                let place = format!("{}:{number}", file.path.display());
                wrong.push_str(&format!("{place}: {sql}\n- {expected}\n+ {found}\n"));
            }
        }
        section.body = renewed;
    }
    if wrong.is_empty() {
        Ok(())
    } else if is_update() {
        update(&file.path, |file| file.sections = sections)
    } else {
        Err(format!("- expected, + found:\n{wrong}"))
    }
}

/// The texts of the statements of a file.
fn statements<'s>(dialect: &dyn Dialect, sql: &'s str) -> Vec<&'s str> {
    let statements = split(dialect.syntax(), sql).expect("statements");
    statements
        .into_iter()
        .map(|statement| &sql[statement.range])
        .collect()
}

fn joined(texts: impl IntoIterator<Item = String>) -> String {
    let texts: Vec<String> = texts.into_iter().collect();
    if texts.is_empty() {
        "nothing".to_owned()
    } else {
        texts.join("; ")
    }
}

/// What statements destroy.
fn destructive(dialect: &dyn Dialect, sql: &str) -> String {
    let home = dialect.default_qualifier("ums", None);
    let losses = destructive_statements(dialect, home, &statements(dialect, sql));
    joined(losses.into_iter().map(|loss| {
        let number = loss.statement + 1;
        format!("{number}: {} {}", loss.consent, loss.what)
    }))
}

/// What takes statements of one migration back, and the renames of the whole.
fn reversal(dialect: &dyn Dialect, sql: &str) -> String {
    let statements = statements(dialect, sql);
    let mut reversals = Reversals::new(dialect, "here", None);
    // A comment says that no scratch database runs the statement.
    let withheld = |at: usize| {
        let withheld = statements[at].contains("/* withheld */");
        withheld.then(|| "leads elsewhere".to_owned())
    };
    let found = reversals.file(&statements, withheld);
    let each = found.iter().enumerate().map(|(at, found)| {
        let by = reversals.reversal(found).by();
        format!("{}: {by}", at + 1)
    });
    let mut all: Vec<String> = each.collect();
    let home = dialect.default_qualifier("here", None);
    match renames_back(dialect, home, &statements) {
        Some(renames) => {
            let back = renames.iter().map(|it| format!("{} -> {}", it.from, it.to));
            all.extend(back);
        }
        None => all.push("an old name is taken".to_owned()),
    }
    joined(all)
}

/// Which other database a statement writes to.
fn write_targets(dialect: &dyn Dialect, sql: &str) -> String {
    joined(statement::other_database(dialect, sql, "here"))
}

/// Which setting a statement changes that no migration may change.
fn forbidden(dialect: &dyn Dialect, sql: &str) -> String {
    let words: Vec<&str> = words(dialect.syntax(), sql).collect();
    joined(
        dialect
            .forbid(&words)
            .map(|refusal| refusal.what.to_owned()),
    )
}

/// The statement with its secrets blotted out.
fn without_secrets(dialect: &dyn Dialect, sql: &str) -> String {
    let blotted = blot(sql, &secrets(dialect.syntax(), sql));
    assert_eq!(blotted.len(), sql.len(), "{sql}");
    blotted
}

/// How a statement is recovered after a crash, and which objects it touches.
pub fn recovery_class(dialect: &dyn Dialect, sql: &str) -> String {
    let objects = match dialect.recovery(&Cursor::new(dialect.syntax(), sql)) {
        RecoveryClass::AutoCommit(statement) => statement.objects,
        RecoveryClass::Unknown(why) => return format!("unclear: {why}"),
        RecoveryClass::Volatile(why) => return format!("fleeting: {why}"),
        RecoveryClass::Transactional => return "together".into(),
        RecoveryClass::Repeatable => return "repeatable".into(),
        RecoveryClass::SessionState => return "setting".into(),
        RecoveryClass::Begin => return "begins".into(),
        RecoveryClass::Commit => return "ends".into(),
    };
    let aspect = |kind: ObjectKind| match kind {
        ObjectKind::CreationTime => "Birth".to_owned(),
        ObjectKind::TableId => "Storage".to_owned(),
        kind => format!("{kind:?}"),
    };
    let objects: Vec<String> = objects
        .iter()
        .map(|object| format!("{} {}", aspect(object.kind), object.name))
        .collect();
    if objects.is_empty() {
        "alone: nothing".to_owned()
    } else {
        format!("alone: {}", objects.join(", "))
    }
}

/// The tables that reference guards begin with.
const APPLIED: &[&str] = &[
    "CREATE TABLE users (id BINARY(16) PRIMARY KEY, name VARCHAR(9))",
    "CREATE TABLE messages (author_id BINARY(16), x INT)",
];

/// What statements of `ums` do to declared references.
fn reference_guard(dialect: &dyn Dialect, sql: &str) -> String {
    let references = [
        reference("twitter.messages.author_id", "ums.users.id"),
        reference("ums.messages.author_id", "twitter.people.id"),
    ];
    let home = dialect.default_qualifier("here", None);
    let mut guards = ReferenceGuard::new("ums", home, &references);
    guards.learn(dialect, APPLIED);
    let found = guards.file(dialect, &statements(dialect, sql), 0);
    let found = found.into_iter().map(|guarded| {
        let (number, notes) = (guarded.statement + 1, guarded.notes.join("; "));
        format!("{number}: {} ({notes})", guarded.what)
    });
    let found: Vec<String> = found.collect();
    if found.is_empty() {
        "nothing".to_owned()
    } else {
        found.join(", ")
    }
}

fn reference(from: &str, to: &str) -> Reference {
    let columns = |names| ColumnNames::parse(names).expect("a column");
    Reference::new(columns(from), columns(to))
}
