//! What a statement does to the columns of tables, told from its words.

use super::Dialect;
use super::deeds::{self, Deed, Lost};
use crate::sql::cursor::{Name, Words};
use crate::sql::lex::Kind;

/// One thing that a statement does to a table or its columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Touch {
    /// A table is there, with these columns where they are known.
    Made {
        table: Name,
        columns: Option<Vec<Column>>,
        /// The table that it is made like.
        like: Option<Name>,
        /// Not `IF NOT EXISTS`.
        certain: bool,
    },
    /// The rows of others are copied into a table.
    Filled {
        table: Name,
        from: Vec<Name>,
    },
    Dropped(Name),
    Renamed {
        from: Name,
        to: Name,
    },
    /// Rows are deleted, in words.
    Emptied {
        table: Name,
        what: String,
    },
    /// A whole schema or database is dropped.
    Whole(Name),
    Added {
        table: Name,
        column: Column,
    },
    ColumnDropped {
        table: Name,
        column: String,
    },
    ColumnRenamed {
        table: Name,
        from: String,
        to: String,
    },
    /// A column gets a type, which may be the one that it has.
    Typed {
        table: Name,
        column: Column,
    },
}

/// A column and its type, both in one spelling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    pub sql: String,
}

/// What a definition of a table's column never begins with.
const NO_COLUMN: &[&str] = &[
    "CONSTRAINT",
    "PRIMARY",
    "UNIQUE",
    "KEY",
    "INDEX",
    "FOREIGN",
    "CHECK",
    "FULLTEXT",
    "SPATIAL",
    "EXCLUDE",
    "LIKE",
    "PERIOD",
    "PARTITION",
];
/// What may stand behind a column's type.
const BEHIND: &[&str] = &[
    "NOT",
    "NULL",
    "DEFAULT",
    "PRIMARY",
    "UNIQUE",
    "KEY",
    "CHECK",
    "REFERENCES",
    "COMMENT",
    "COLLATE",
    "CHARACTER",
    "CHARSET",
    "GENERATED",
    "AS",
    "AUTO_INCREMENT",
    "AUTOINCREMENT",
    "FIRST",
    "AFTER",
    "CONSTRAINT",
    "ON",
    "USING",
    "INVISIBLE",
    "VISIBLE",
    "STORAGE",
    "COMPRESSED",
    "COMPRESSION",
    "WITHOUT",
];

/// What a statement does to tables and their columns, in its order.
#[must_use]
pub fn touches(dialect: &dyn Dialect, sql: &str) -> Vec<Touch> {
    let mut words = Words::cut(dialect, sql, 3);
    let altering = words.eat("ALTER");
    let whole = || Words::whole(dialect, sql);
    let mut touches = if altering {
        altered(&mut whole())
    } else {
        Vec::new()
    };
    for deed in deeds::deeds(dialect, sql) {
        touches.extend(match deed {
            Deed::Create {
                temporary: true, ..
            } => Vec::new(),
            Deed::Create { table, certain, .. } => vec![made(&mut whole(), table, certain)],
            Deed::Replace(table) => vec![
                Touch::Dropped(table.clone()),
                made(&mut whole(), table, true),
            ],
            Deed::Rename { from, to } => vec![Touch::Renamed { from, to }],
            Deed::Drop(table) => vec![Touch::Dropped(table)],
            Deed::Lose { table, lost, what } => match (table, lost) {
                (Some(table), Lost::Rows) => vec![Touch::Emptied { table, what }],
                (Some(table), Lost::Column(column)) => vec![Touch::ColumnDropped {
                    table,
                    column: column.to_lowercase(),
                }],
                (_, Lost::Whole(name)) => vec![Touch::Whole(name)],
                _ => Vec::new(),
            },
        });
    }
    let filled = deeds::fill(dialect, sql);
    touches.extend(filled.map(|(table, from)| Touch::Filled { table, from }));
    touches
}

/// A table from its CREATE.
fn made(words: &mut Words<'_>, table: Name, certain: bool) -> Touch {
    while words.peek().is_some_and(|word| !word.is("TABLE")) {
        words.at += 1;
    }
    words.at += 1;
    words.eat_if_exists();
    words.name();
    let mut like = words.eat("LIKE").then(|| words.name()).flatten();
    let columns = words.group().map(|mut group| {
        like = like
            .take()
            .or_else(|| group.eat("LIKE").then(|| group.name()).flatten());
        let clauses = group.clauses().into_iter();
        clauses
            .filter_map(|mut clause| column(&mut clause))
            .collect::<Vec<_>>()
    });
    // What a query gives is not known here.
    let queried = words.has("SELECT") || columns.as_ref().is_some_and(Vec::is_empty);
    Touch::Made {
        table,
        columns: columns.filter(|_| !queried && like.is_none()),
        like,
        certain,
    }
}

/// The column that a clause of a table's definition makes.
fn column(clause: &mut Words<'_>) -> Option<Column> {
    let first = clause.peek()?;
    let key = first.kind == Kind::Word && first.is_one_of(NO_COLUMN);
    let name = clause.any_case().filter(|_| !key)?;
    Some(Column {
        name,
        sql: sql_type(clause),
    })
}

/// The type that stands there, without blanks and in lower case.
fn sql_type(clause: &mut Words<'_>) -> String {
    let (mut sql, mut depth) = (String::new(), 0_usize);
    while let Some(word) = clause.peek() {
        match word.text {
            "(" => depth += 1,
            ")" => depth = depth.saturating_sub(1),
            _ if depth == 0 && word.is_one_of(BEHIND) => break,
            _ => {}
        }
        if depth == 0 && !sql.is_empty() && word.kind == Kind::Word {
            sql.push(' ');
        }
        sql.push_str(&word.text.to_lowercase());
        clause.at += 1;
    }
    sql
}

/// The clauses of an `ALTER TABLE` that are about columns; dropping is a deed.
fn altered(words: &mut Words<'_>) -> Vec<Touch> {
    words.at += 1;
    words.eat("ONLINE");
    words.eat("IGNORE");
    if !words.eat("TABLE") {
        return Vec::new();
    }
    words.eat_if_exists();
    words.eat("ONLY");
    let Some(table) = words.name() else {
        return Vec::new();
    };
    words.eat("*");
    let clauses = words.clauses().into_iter();
    clauses
        .flat_map(|mut clause| clause_touches(&mut clause, &table))
        .collect()
}

fn clause_touches(clause: &mut Words<'_>, table: &Name) -> Vec<Touch> {
    let table = table.clone();
    if clause.eat("ADD") {
        let said = clause.eat("COLUMN");
        clause.eat_if_exists();
        let group = clause.group();
        let columns = match group {
            Some(group) => group
                .clauses()
                .into_iter()
                .filter_map(|mut one| column(&mut one))
                .collect(),
            None if said => {
                let name = clause.any_case();
                let named = name.map(|name| Column {
                    name,
                    sql: sql_type(clause),
                });
                named.into_iter().collect()
            }
            None => column(clause).into_iter().collect::<Vec<_>>(),
        };
        let added = columns.into_iter();
        return added
            .map(|column| Touch::Added {
                table: table.clone(),
                column,
            })
            .collect();
    }
    one_touch(clause, table).unwrap_or_default()
}

fn one_touch(clause: &mut Words<'_>, table: Name) -> Option<Vec<Touch>> {
    if clause.eat("RENAME") {
        let said = clause.eat("COLUMN");
        clause.eat_if_exists();
        let other = clause
            .peek()?
            .is_one_of(&["TO", "AS", "=", "INDEX", "KEY", "CONSTRAINT"]);
        if other && !said {
            return None;
        }
        let from = clause.any_case()?;
        clause.eat("TO").then_some(())?;
        let to = clause.any_case()?;
        return Some(vec![Touch::ColumnRenamed { table, from, to }]);
    }
    let changes = clause.eat("CHANGE");
    if changes || clause.eat("MODIFY") {
        clause.eat("COLUMN");
        clause.eat_if_exists();
        let from = clause.any_case()?;
        let to = if changes {
            clause.any_case()?
        } else {
            from.clone()
        };
        let column = Column {
            name: from.clone(),
            sql: sql_type(clause),
        };
        let mut touches = vec![Touch::Typed {
            table: table.clone(),
            column,
        }];
        if to != from {
            touches.push(Touch::ColumnRenamed { table, from, to });
        }
        return Some(touches);
    }
    if clause.eat("ALTER") {
        clause.eat("COLUMN");
        let name = clause.any_case()?;
        clause.eat_all(&["SET", "DATA"]);
        clause.eat("TYPE").then_some(())?;
        let column = Column {
            name,
            sql: sql_type(clause),
        };
        return Some(vec![Touch::Typed { table, column }]);
    }
    None
}
