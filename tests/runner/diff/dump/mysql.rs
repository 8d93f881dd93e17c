//! What SHOW CREATE prints of everything in a database: what a dump of it would hold.

use bird::db::shadow::Shadow;

/// Objects that run in somebody's name, told by the catalog: its words are in one spelling.
const PROGRAMS: &[&str] = &[
    "SELECT CONCAT('trigger ', TRIGGER_NAME), EVENT_OBJECT_TABLE, ACTION_TIMING, \
            EVENT_MANIPULATION, ACTION_STATEMENT, DEFINER, SQL_MODE, DATABASE_COLLATION, \
            CHARACTER_SET_CLIENT, COLLATION_CONNECTION \
     FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE()",
    "SELECT CONCAT('triggers of ', EVENT_OBJECT_TABLE, ACTION_TIMING, EVENT_MANIPULATION), \
            GROUP_CONCAT(TRIGGER_NAME ORDER BY ACTION_ORDER) \
     FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE() \
     GROUP BY EVENT_OBJECT_TABLE, ACTION_TIMING, EVENT_MANIPULATION",
    "SELECT CONCAT('event ', EVENT_NAME), EVENT_DEFINITION, EVENT_TYPE, EXECUTE_AT, \
            INTERVAL_VALUE, INTERVAL_FIELD, IF(STARTS > NOW() - INTERVAL 1 HOUR, 0, STARTS), ENDS, \
            STATUS, ON_COMPLETION, EVENT_COMMENT, DEFINER, SQL_MODE, DATABASE_COLLATION, \
            CHARACTER_SET_CLIENT, COLLATION_CONNECTION \
     FROM information_schema.EVENTS WHERE EVENT_SCHEMA = DATABASE()",
    "SELECT 'database', DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME \
     FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = DATABASE()",
];

/// Each object's name, and what is printed of it.
pub async fn dump(shadow: &mut Shadow) -> Vec<String> {
    let own = format!("`{}`.", shadow.database);
    let mut all = Vec::new();
    for query in PROGRAMS {
        for row in rows(shadow, query).await {
            all.push(format!("{row:?}"));
        }
    }
    let mut wanted = Vec::new();
    for row in rows(shadow, "SHOW FULL TABLES").await {
        let kind = row[1].clone().expect("a kind");
        let what = match kind.as_str() {
            "VIEW" => "VIEW",
            "SEQUENCE" => "SEQUENCE",
            _ => "TABLE",
        };
        wanted.push((what.to_owned(), row[0].clone().expect("a name")));
    }
    let routines = "SELECT ROUTINE_TYPE, ROUTINE_NAME FROM information_schema.ROUTINES \
                    WHERE ROUTINE_SCHEMA = DATABASE()";
    for row in rows(shadow, routines).await {
        wanted.push((
            row[0].clone().expect("a type"),
            row[1].clone().expect("a name"),
        ));
    }
    for (what, name) in wanted {
        let query = format!("SHOW CREATE {what} `{}`", name.replace('`', "``"));
        let row = rows(shadow, &query).await.remove(0);
        let cell = |at: usize| row[at].clone().unwrap_or_default().replace(&own, "");
        let print = match what.as_str() {
            "TABLE" => table(&cell(1)),
            "SEQUENCE" => cell(1),
            "VIEW" => format!("{}\n{} {}", cell(1), cell(2), cell(3)),
            _ => [1, 2, 3, 4, 5].map(cell).join("\n"),
        };
        all.push(format!("{what} {name}\n{print}"));
    }
    all
}

async fn rows(shadow: &mut Shadow, query: &str) -> Vec<Vec<Option<String>>> {
    let (mut answers, error) = shadow.session.answers(query).await;
    if let Some(error) = error {
        panic!("{query}: {}", error);
    }
    answers.remove(0)
}

/// A table's print without what says nothing: the next number, names that the server made, the
/// order of keys, and characters that are the table's.
fn table(print: &str) -> String {
    let mut print = without_number(print, " AUTO_INCREMENT=");
    let tail = print.rsplit("\n)").next().unwrap_or_default().to_owned();
    let output = |word: &str| {
        let value = tail.split(&format!("{word}=")).nth(1)?;
        value.split([' ', '\n']).next().map(str::to_owned)
    };
    let charset = output("CHARSET").unwrap_or_default();
    let mut usual = vec![format!(" CHARACTER SET {charset}")];
    usual.extend(match output("COLLATE") {
        Some(collation) => vec![format!(" COLLATE {collation}")],
        None => vec![
            " COLLATE utf8mb3_general_ci".to_owned(),
            " COLLATE latin1_swedish_ci".to_owned(),
        ],
    });
    let lines = print.lines().map(|line| {
        if line.starts_with("  `") {
            without_clauses(line, &usual)
        } else {
            line.to_owned()
        }
    });
    print = lines.collect::<Vec<_>>().join("\n");
    let lower = tail.to_lowercase();
    if tail.to_lowercase().contains("`page_") {
        print = print.replace(&tail, &lower);
    }
    for silent in [
        " /*!50100 TABLESPACE `innodb_file_per_table` */",
        " ON DELETE RESTRICT",
        " ON UPDATE RESTRICT",
        " ON UPDATE NO ACTION",
        " ON DELETE NO ACTION",
    ] {
        print = print.replace(silent, "");
    }
    let usual = if tail.contains("ENGINE=MEMORY") {
        " USING HASH"
    } else {
        " USING BTREE"
    };
    print = print.replace(usual, "");
    let (mut lines, mut keys) = (Vec::new(), Vec::new());
    for line in print.lines() {
        let line = line.trim_end_matches(',').to_owned();
        let bare = line.trim_start();
        let key =
            bare.starts_with("CONSTRAINT") || bare.contains("KEY `") && !bare.starts_with('`');
        if key {
            keys.push(unnamed(&line));
        } else {
            lines.push(line);
        }
    }
    keys.sort();
    lines.extend(keys);
    lines.join("\n")
}

fn without_clauses(line: &str, clauses: &[String]) -> String {
    let mut line = format!("{} ", line.trim_end_matches(','));
    for clause in clauses {
        line = line.replace(&format!("{clause} "), " ");
    }
    line.trim_end().to_owned()
}

fn without_number(print: &str, word: &str) -> String {
    match print.split_once(word) {
        Some((before, after)) => {
            format!(
                "{before}{}",
                after.trim_start_matches(|sign: char| sign.is_ascii_digit())
            )
        }
        None => print.to_owned(),
    }
}

/// A constraint's line without a name that ends like those which the server makes.
fn unnamed(line: &str) -> String {
    let Some((_, rest)) = line.split_once("CONSTRAINT `") else {
        return line.to_owned();
    };
    let Some((name, rest)) = rest.split_once("` ") else {
        return line.to_owned();
    };
    let stem = name.trim_end_matches(|sign: char| sign.is_ascii_digit());
    let made = ["_ibfk_", "_chk_", "CONSTRAINT_"]
        .iter()
        .any(|end| stem.ends_with(end));
    if made && stem != name {
        format!("  CONSTRAINT {rest}")
    } else {
        line.to_owned()
    }
}
