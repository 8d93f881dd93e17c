//! The verdict against a model: tables of plain columns, changed as statements and as others
//! change them.

use bird::dialect::DIALECTS;
use bird::dialect::recovery::{AutoCommitted, Completion, Definitions, RecoveryClass, completion};
use bird::sql::Cursor;
use proptest::prelude::*;

fn alone(engine: &str, sql: &str) -> AutoCommitted {
    let mut dialects = DIALECTS.iter().copied();
    let dialect = dialects.find(|one| one.facts().name == engine);
    let dialect = dialect.expect("an engine");
    match dialect.recovery(&Cursor::new(dialect.syntax(), sql)) {
        RecoveryClass::AutoCommit(alone) => *alone,
        other => panic!("{sql}: {other:?}"),
    }
}

/// A column: its name, its type, whether it may be NULL.
type Column = (u8, u8, bool);

const NAMES: [&str; 4] = ["a", "b b", "c`", "ü"];
/// As they are said, and as MariaDB and MySQL show them.
const TYPES: [(&str, &str, &str); 4] = [
    ("INTEGER", "int(11)", "int"),
    ("VARCHAR(5)", "varchar(5)", "varchar(5)"),
    ("BOOL", "tinyint(1)", "tinyint(1)"),
    ("DECIMAL(4)", "decimal(4,0)", "decimal(4,0)"),
];

fn name(column: u8) -> String {
    format!("`{}`", NAMES[usize::from(column)].replace('`', "``"))
}

fn said(column: Column) -> String {
    let null = if column.2 { "" } else { " NOT NULL" };
    format!(
        "{} {}{null}",
        name(column.0),
        TYPES[usize::from(column.1)].0
    )
}

/// What the server shows.
fn shown(columns: &[Column], product: bool) -> Option<String> {
    let lines = columns.iter().map(|(of, kind, null)| {
        let (_, one, other) = TYPES[usize::from(*kind)];
        let kind = if product { one } else { other };
        let null = if *null { "DEFAULT NULL" } else { "NOT NULL" };
        format!("  {} {kind} {null}", name(*of))
    });
    let lines: Vec<String> = lines.collect();
    Some(format!(
        "t\tCREATE TABLE `t` (\n{}\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4",
        lines.join(",\n")
    ))
}

/// One clause of a statement; columns are named by their places in what was before.
#[derive(Debug, Clone)]
enum Clause {
    Add(Column, bool),
    Drop(u8),
    Modify(u8, u8, bool),
    Rename(u8, u8),
}

impl Clause {
    fn sql(&self) -> String {
        match self {
            Clause::Add(column, first) => {
                let place = if *first { " FIRST" } else { "" };
                format!("ADD COLUMN {}{place}", said(*column))
            }
            Clause::Drop(column) => format!("DROP COLUMN {}", name(*column)),
            Clause::Modify(column, kind, null) => {
                format!("MODIFY {}", said((*column, *kind, *null)))
            }
            Clause::Rename(old, new) => format!("RENAME COLUMN {} TO {}", name(*old), name(*new)),
        }
    }

    /// What a server makes of it, or nothing where it refuses.
    fn apply(&self, columns: &[Column]) -> Option<Vec<Column>> {
        let mut columns = columns.to_vec();
        let place = |of: u8| columns.iter().position(|column| column.0 == of);
        match *self {
            Clause::Add(column, _) if place(column.0).is_some() => return None,
            Clause::Add(column, true) => columns.insert(0, column),
            Clause::Add(column, false) => columns.push(column),
            // The last one stays.
            Clause::Drop(_) if columns.len() == 1 => return None,
            Clause::Drop(of) => drop(columns.remove(place(of)?)),
            Clause::Modify(of, kind, null) => {
                let at = place(of)?;
                columns[at] = (of, kind, null);
            }
            Clause::Rename(old, new) if old != new && place(new).is_some() => {
                place(old)?;
                return None;
            }
            Clause::Rename(old, new) => {
                let at = place(old)?;
                columns[at].0 = new;
            }
        }
        Some(columns)
    }
}

fn column() -> impl Strategy<Value = Column> {
    (0..4_u8, 0..4_u8, any::<bool>())
}

fn table() -> impl Strategy<Value = Vec<Column>> {
    let all = Just(vec![0_u8, 1, 2, 3]).prop_shuffle();
    let rest = prop::collection::vec((0..4_u8, any::<bool>()), 1..4);
    (all, rest).prop_map(|(names, rest)| {
        let columns = names.into_iter().zip(rest);
        columns
            .map(|(name, (kind, null))| (name, kind, null))
            .collect()
    })
}

fn clause() -> impl Strategy<Value = Clause> {
    prop_oneof![
        (column(), any::<bool>()).prop_map(|(column, first)| Clause::Add(column, first)),
        (0..4_u8).prop_map(Clause::Drop),
        column().prop_map(|(of, kind, null)| Clause::Modify(of, kind, null)),
        (0..4_u8, 0..4_u8).prop_map(|(old, new)| Clause::Rename(old, new)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Nothing but what the statement makes of a table means that it ran, and nothing but the
    /// table as it was that it did not.
    #[test]
    fn a_change_has_run_where_it_explains_the_table(
        before in table(),
        clause in clause(),
        others in prop::collection::vec(clause(), 0..3),
        ours in any::<bool>(),
        product in any::<bool>(),
    ) {
        let wanted = clause.apply(&before);
        // What is there now: with the statement's work or without, and with others' behind it.
        let start = wanted.clone().filter(|_| ours).unwrap_or(before.clone());
        let now = others.iter().fold(start, |now, other| other.apply(&now).unwrap_or(now));
        let alone = alone("mysql", &format!("ALTER TABLE t {}", clause.sql()));
        let found = completion(
            &alone,
            &vec![shown(&before, product)],
            &vec![shown(&now, product)],
        );
        let expected = if now == before {
            Completion::NotRun
        } else if Some(&now) == wanted.as_ref() {
            Completion::Ran
        } else {
            Completion::InDoubt
        };
        prop_assert_eq!(found, expected, "{:?} {:?} {:?}", before, clause, now);
    }

    /// The same of a table that is made.
    #[test]
    fn a_table_was_made_where_it_is_what_was_said(
        wanted in table(),
        other in table(),
        ours in any::<bool>(),
        product in any::<bool>(),
    ) {
        let columns: Vec<String> = wanted.iter().map(|column| said(*column)).collect();
        let alone = alone("mysql", &format!("CREATE TABLE t ({})", columns.join(", ")));
        let now = if ours { &wanted } else { &other };
        let found = completion(&alone, &vec![None], &vec![shown(now, product)]);
        let expected = if *now == wanted { Completion::Ran } else { Completion::InDoubt };
        prop_assert_eq!(found, expected);
        prop_assert_eq!(completion(&alone, &vec![None], &vec![None]), Completion::NotRun);
        let there = completion(&alone, &vec![shown(&other, product)], &vec![shown(&wanted, product)]);
        prop_assert_ne!(there, Completion::Ran);
    }

    /// Tables are followed by where their rows are, through any chain of names.
    #[test]
    fn renamed_tables_are_followed(
        before in prop::collection::vec(prop::option::of(0..9_u8), 4),
        now in prop::collection::vec(prop::option::of(0..9_u8), 4),
        pairs in prop::collection::vec((0..4_usize, 0..4_usize), 2..5),
        ours in any::<bool>(),
    ) {
        let pairs: Vec<_> = pairs.into_iter().filter(|(from, to)| from != to).collect();
        let names: std::collections::BTreeSet<usize> =
            pairs.iter().flat_map(|(from, to)| [*from, *to]).collect();
        prop_assume!(pairs.len() > 1 && names.len() < pairs.len() * 2);
        let mut wanted = Some(before.clone());
        for (from, to) in &pairs {
            wanted = wanted.filter(|all| all[*from].is_some() && all[*to].is_none());
            if let Some(all) = &mut wanted {
                all[*to] = all[*from].take();
            }
        }
        let now = wanted.clone().filter(|_| ours).unwrap_or(now);
        let sql: Vec<String> = pairs.iter().map(|(from, to)| format!("t{from} TO t{to}")).collect();
        let alone = alone("mysql", &format!("RENAME TABLE {}", sql.join(", ")));
        // In the order in which the statement names them.
        let of = |all: &[Option<u8>]| -> Definitions {
            let objects = alone.objects.iter();
            objects.map(|object| {
                let at: usize = object.name.trim_matches(['`', 't']).parse().expect("a number");
                all[at].map(|id| format!("{id}\t1"))
            }).collect()
        };
        let (seen, found) = (of(&before), of(&now));
        let expected = if seen == found {
            Completion::NotRun
        } else if wanted.as_ref().is_some_and(|wanted| of(wanted) == found) {
            Completion::Ran
        } else {
            Completion::InDoubt
        };
        prop_assert_eq!(completion(&alone, &seen, &found), expected);
    }

    /// A table is empty and elsewhere, or nobody knows.
    #[test]
    fn an_emptied_table_is_elsewhere_and_empty(
        before in 0..3_u8, now in 0..3_u8, rows in any::<bool>(), hidden in any::<bool>(),
    ) {
        let alone = alone("mysql", "TRUNCATE TABLE t");
        let seen = |id: u8, rows: bool| {
            let id = if hidden { String::new() } else { id.to_string() };
            vec![Some(format!("{id}\t{}", u8::from(rows)))]
        };
        let expected = match (hidden, before == now, rows) {
            (true, ..) => Completion::InDoubt,
            (_, true, _) => Completion::NotRun,
            (_, _, false) => Completion::Ran,
            (_, _, true) => Completion::InDoubt,
        };
        prop_assert_eq!(completion(&alone, &seen(before, true), &seen(now, rows)), expected);
        let gone = completion(&alone, &seen(before, true), &vec![None]);
        prop_assert_eq!(gone, Completion::InDoubt);
    }

    /// Each of several tables goes, and those that changed are nobody's to drop.
    #[test]
    fn what_is_left_of_a_drop_is_dropped(
        states in prop::collection::vec((0..3_u8, 0..3_u8), 3),
    ) {
        let alone = alone("mysql", "DROP VIEW IF EXISTS a, b, c");
        let seen = |state: u8| (state > 0).then(|| format!("definition {state}"));
        let before: Definitions = states.iter().map(|(before, _)| seen(*before)).collect();
        let now: Definitions = states.iter().map(|(_, now)| seen(*now)).collect();
        let pairs = || std::iter::zip(["a", "b", "c"], &states);
        let other = pairs().any(|(_, (before, now))| *now > 0 && before != now);
        let left: Vec<String> = pairs()
            .filter(|(_, (_, now))| *now > 0)
            .map(|(name, _)| format!("`{name}`"))
            .collect();
        let expected = if before == now {
            Completion::NotRun
        } else if other {
            Completion::InDoubt
        } else if left.is_empty() {
            Completion::Ran
        } else {
            Completion::Remaining(format!("DROP VIEW IF EXISTS {}", left.join(", ")))
        };
        prop_assert_eq!(completion(&alone, &before, &now), expected);
    }

    /// An index is there, was left half built, or somebody else's.
    #[test]
    fn an_index_is_told_by_its_shape(
        said in 0..3_usize, made in 0..3_usize, valid in any::<bool>(), unique in any::<bool>(),
        named in any::<bool>(), other in any::<bool>(),
    ) {
        const SHAPES: [(&str, &str); 3] = [
            ("(n)", "btree (n)"),
            ("(lower(s) desc nulls first, n asc)", "btree (lower((s)::text) DESC, n)"),
            ("USING hash (n) WHERE n > 5", "hash (n) WHERE (n > 5)"),
        ];
        let name = if named { "i" } else { "" };
        let sql = format!("CREATE UNIQUE INDEX CONCURRENTLY {name} ON t {}", SHAPES[said].0);
        let alone = alone("postgres", &sql);
        let line = |name: &str, shape: usize, valid: bool, unique: bool| {
            let state = if valid { "valid" } else { "invalid" };
            let unique = if unique { "UNIQUE " } else { "" };
            format!(
                "public.{name}\t{state}\t1{shape}\tCREATE {unique}INDEX {name} ON public.t USING {}",
                SHAPES[shape].1
            )
        };
        let old = line("old", 0, true, false);
        let before = vec![Some(old.clone())];
        let is = if other { "other" } else { "i" };
        let now = vec![Some(format!("{old}\n{}", line(is, made, valid, unique)))];
        let expected = match (named && other, said == made && unique, valid) {
            (true, ..) => Completion::NotRun,
            (_, false, _) => Completion::InDoubt,
            (_, _, true) => Completion::Ran,
            (_, _, false) => {
                Completion::CleanUp(format!("DROP INDEX CONCURRENTLY IF EXISTS public.{is}"))
            }
        };
        prop_assert_eq!(completion(&alone, &before, &now), expected);
    }

    /// Whatever a server shows, it is read without a panic, and nonsense proves nothing.
    #[test]
    fn nonsense_proves_nothing(before in ".*", now in "\\PC*|x\tCREATE TABLE `t` \\(.*") {
        prop_assume!(before != now);
        for sql in [
            "ALTER TABLE t ADD COLUMN a INT, DROP COLUMN b",
            "CREATE PROCEDURE t() SELECT 1",
            "CREATE VIEW t AS SELECT 1",
            "CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW SET NEW.a = 1",
            "CREATE EVENT t ON SCHEDULE EVERY 1 DAY DO SELECT 1",
            "CREATE SEQUENCE t",
            "CREATE TABLE t (id INT)",
            "DROP TABLE t",
            "TRUNCATE t",
        ] {
            let alone = alone("mysql", sql);
            let all = |text: &str| vec![Some(text.to_owned()); alone.objects.len()];
            let found = completion(&alone, &all(&before), &all(&now));
            prop_assert_eq!(found, Completion::InDoubt, "{}", sql);
            let none = vec![None; alone.objects.len()];
            let made = completion(&alone, &none, &all(&now));
            prop_assert_ne!(made, Completion::Ran, "{}", sql);
        }
    }
}
