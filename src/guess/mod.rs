//! Guesses which columns refer to which tables, by names and types: references that nobody declared.
//!
//! Only a person can know. Values refute a guess or support it, and `cmd` reads them.

mod fit;
mod words;

use std::cmp::Reverse;

use crate::model::key::Compare;
use crate::model::name::ColumnName;
use crate::model::schema::{Column, KeyKind, Schema, Table};
use fit::{Fit, fit};
use words::{PEOPLE, ROLES, stem, words};

/// A guess from this score on is worth to be proposed without looking at values.
pub const LIKELY: u32 = 60;

/// A column that seems to refer to a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guess {
    pub from: ColumnName,
    pub to: ColumnName,
    /// From 40 to 101: how well the names fit.
    pub score: u32,
    pub reason: Reason,
    /// How the values must be compared; `None` if their types tell.
    pub compare: Option<Compare>,
    /// Whether another table fits as well.
    pub is_ambiguous: bool,
}

/// Why a column seems to refer to a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// `user_id` and `users`.
    Name,
    /// `reply_user_id` and `users`.
    Suffix,
    /// `account_id` and `user_accounts`.
    TablePrefix,
    /// `org_id` and `organizations`.
    Abbreviation,
    /// `author_id` and the one table of people.
    Role,
    /// The column and the key have the same name.
    SameName,
}

impl Reason {
    /// The reason in words.
    pub fn describe(self) -> &'static str {
        match self {
            Reason::Name => "name and type",
            Reason::Suffix => "end of the name and type",
            Reason::TablePrefix => "end of the table's name and type",
            Reason::Abbreviation => "abbreviated name and type",
            Reason::Role => "role of a person and type",
            Reason::SameName => "name of the key and type",
        }
    }
}

/// A table that a column may refer to, by a key of one column.
struct Parent<'s> {
    database: &'s str,
    table: &'s Table,
    words: Vec<String>,
    /// The columns that are unique by themselves, the primary key first.
    keys: Vec<&'s Column>,
}

/// The guesses for all columns of these databases that have no foreign key, each with its best table.
pub fn guess(databases: &[(&str, &Schema)]) -> Vec<Guess> {
    let tables = databases.iter().flat_map(|(database, schema)| {
        let tables = schema.tables.iter();
        // A partition's rows are those of its parent.
        let whole = tables.filter(|table| table.parents.is_empty());
        whole.map(move |table| (*database, table))
    });
    let tables: Vec<(&str, &Table)> = tables.collect();
    let parents: Vec<Parent<'_>> = tables
        .iter()
        .map(|(database, table)| Parent {
            database,
            table,
            words: words(&table.name),
            keys: unique_columns(table),
        })
        .collect();
    let mut guesses = Vec::new();
    for (database, table) in &tables {
        for column in &table.columns {
            let in_key = table
                .foreign_keys
                .iter()
                .any(|key| key.columns.contains(&column.name));
            let keys = unique_columns(table);
            let is_own_key = keys.first().is_some_and(|key| key.name == column.name)
                && matches!(column.name.as_str(), "id" | "uuid");
            if in_key || is_own_key {
                continue;
            }
            let child = Child {
                database,
                table,
                column,
            };
            guesses.extend(best(&child, &parents));
        }
    }
    guesses
}

/// A column that may refer to a table.
struct Child<'s> {
    database: &'s str,
    table: &'s Table,
    column: &'s Column,
}

/// The best guess for a column.
fn best(child: &Child<'_>, parents: &[Parent<'_>]) -> Option<Guess> {
    let stem = stem(&child.column.name)?;
    let last = words(&child.column.name).pop();
    let mut found: Vec<Found<'_>> = Vec::new();
    for parent in parents {
        let keys = parent.keys.iter().filter_map(|key| {
            let fit = fit(child.column, key).filter(|_| serves(&key.name, child))?;
            Some((fit, *key))
        });
        let mut fitting: Vec<(Fit, &Column)> = keys.collect();
        fitting.sort_by_key(|(fit, _)| *fit);
        // Of several keys, `product_id` means `id`, even where the primary key is `code`.
        let named = fitting
            .iter()
            .find(|(_, key)| words(&key.name).pop() == last);
        let Some((fit, key)) = named.or(fitting.first()) else {
            continue;
        };
        let same_name = key.name == child.column.name;
        let same_database = parent.database == child.database;
        if same_database && parent.table.name == child.table.name && same_name {
            continue;
        }
        if let Some((score, reason)) = score(&stem, parent, same_name) {
            found.push(Found {
                score: score + u32::from(same_database),
                reason,
                fit: *fit,
                parent,
                key,
            });
        }
    }
    found.sort_by_key(|one| {
        let parent = (one.parent.database, one.parent.table.name.as_str());
        (Reverse(one.score), one.fit, parent)
    });
    let best = found.first()?;
    Some(Guess {
        from: name(child.database, child.table, &child.column.name),
        to: name(best.parent.database, best.parent.table, &best.key.name),
        score: best.score,
        reason: best.reason,
        compare: match best.fit {
            Fit::Alike => None,
            Fit::AsUuids => Some(Compare::Uuid),
        },
        is_ambiguous: found
            .get(1)
            .is_some_and(|next| next.score + 1 >= best.score),
    })
}

/// A table that a column's name fits.
struct Found<'s> {
    score: u32,
    reason: Reason,
    fit: Fit,
    parent: &'s Parent<'s>,
    key: &'s Column,
}

fn name(database: &str, table: &Table, column: &str) -> ColumnName {
    ColumnName {
        database: database.to_owned(),
        table: table.name.clone(),
        column: column.to_owned(),
    }
}

/// How well a column's stem names a table.
fn score(stem: &[String], parent: &Parent<'_>, same_name: bool) -> Option<(u32, Reason)> {
    let table = &parent.words;
    if table == stem {
        return Some((100, Reason::Name));
    }
    if table.len() < stem.len() && stem.ends_with(table) {
        let longer = u32::try_from(stem.len() - table.len()).unwrap_or(u32::MAX);
        return Some((
            90_u32.saturating_sub(longer.saturating_mul(5)),
            Reason::Suffix,
        ));
    }
    // `published_by` is a person, not a row of `versions_published_by`.
    let is_person = stem.last().is_some_and(|word| word == "by");
    if stem.len() < table.len() && table.ends_with(stem) && !is_person {
        return Some((60, Reason::TablePrefix));
    }
    if let [only] = table.as_slice()
        && stem.iter().any(|word| {
            word.len() >= 3 && (only.starts_with(word.as_str()) || word.starts_with(only.as_str()))
        })
    {
        return Some((50, Reason::Abbreviation));
    }
    let is_role = stem.iter().any(|word| ROLES.contains(&word.as_str()));
    let people = parent.table.name.to_ascii_lowercase();
    if is_role && PEOPLE.contains(&people.as_str()) {
        return Some((45, Reason::Role));
    }
    same_name.then_some((40, Reason::SameName))
}

/// Whether the key of a table is one that other tables name.
fn serves(key: &str, child: &Child<'_>) -> bool {
    let last = words(key).pop();
    key == child.column.name || matches!(last.as_deref(), Some("id" | "uuid" | "key" | "code"))
}

/// The columns that are unique by themselves in all rows, the primary key first.
fn unique_columns(table: &Table) -> Vec<&Column> {
    let mut keys: Vec<_> = table.keys.iter().collect();
    keys.sort_by_key(|key| key.kind != KeyKind::Primary);
    let unique = keys.into_iter().filter_map(|key| {
        let whole = matches!(key.kind, KeyKind::Primary | KeyKind::Unique) && key.filter.is_none();
        let [part] = key.parts.as_slice() else {
            return None;
        };
        let name = part.column.as_deref()?;
        let column = table.column(name)?;
        (whole && part.prefix.is_none()).then_some(column)
    });
    unique.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::schema::{Family, ForeignKey, Key, KeyPart};

    /// A table whose first column is its primary key.
    fn table(name: &str, columns: &[(&str, Family)]) -> Table {
        let part = KeyPart {
            column: columns.first().map(|(name, _)| (*name).to_owned()),
            ..KeyPart::default()
        };
        Table {
            name: name.to_owned(),
            columns: columns
                .iter()
                .map(|(name, family)| Column {
                    name: (*name).to_owned(),
                    family: *family,
                    ..Column::default()
                })
                .collect(),
            keys: vec![Key {
                kind: KeyKind::Primary,
                parts: vec![part],
                ..Key::default()
            }],
            ..Table::default()
        }
    }

    fn schema(tables: Vec<Table>) -> Schema {
        Schema {
            tables,
            ..Schema::default()
        }
    }

    fn shown(databases: &[(&str, &Schema)]) -> Vec<String> {
        let guesses = guess(databases);
        let lines = guesses.iter().map(|one| {
            let mark = if one.is_ambiguous { " ?" } else { "" };
            let compare = one
                .compare
                .as_ref()
                .map(|one| format!(" as {}", one.word()));
            let compare = compare.unwrap_or_default();
            format!("{} -> {} {}{compare}{mark}", one.from, one.to, one.score)
        });
        lines.collect()
    }

    #[test]
    fn names_and_types_tell_the_table() {
        use Family::{Binary, Integer, Text, Uuid};
        let people = schema(vec![
            table("users", &[("id", Uuid), ("name", Text)]),
            table("organizations", &[("id", Integer)]),
            table("user_accounts", &[("id", Integer)]),
        ]);
        let posts = schema(vec![
            table(
                "messages",
                &[
                    ("id", Integer),
                    ("user_id", Binary),
                    ("reply_user_id", Uuid),
                    ("author_id", Uuid),
                    ("org_id", Integer),
                    ("account_id", Integer),
                    ("user_uuid", Integer),
                    ("content", Text),
                    ("valid", Integer),
                ],
            ),
            table(
                "messageTags",
                &[("messageId", Integer), ("created_by", Uuid)],
            ),
        ]);
        assert_eq!(
            shown(&[("ums", &people), ("blog", &posts)]),
            [
                "blog.messages.user_id -> ums.users.id 100",
                "blog.messages.reply_user_id -> ums.users.id 85",
                "blog.messages.author_id -> ums.users.id 45",
                "blog.messages.org_id -> ums.organizations.id 50",
                "blog.messages.account_id -> ums.user_accounts.id 60",
                "blog.messageTags.messageId -> blog.messages.id 101",
                "blog.messageTags.created_by -> ums.users.id 45",
            ]
        );
    }

    #[test]
    fn a_table_of_the_same_database_comes_first_and_twins_are_ambiguous() {
        let users = || table("users", &[("id", Family::Integer)]);
        let own = schema(vec![
            users(),
            table(
                "posts",
                &[("id", Family::Integer), ("user_id", Family::Integer)],
            ),
        ]);
        let other = schema(vec![users()]);
        let found = shown(&[("b", &own), ("a", &other)]);
        assert_eq!(found, ["b.posts.user_id -> b.users.id 101 ?"]);
    }

    #[test]
    fn the_end_of_a_name_chooses_among_keys() {
        use Family::Text;
        let mut products = table("products", &[("code", Text), ("id", Text)]);
        let part = KeyPart {
            column: Some("id".into()),
            ..KeyPart::default()
        };
        products.keys.push(Key {
            kind: KeyKind::Unique,
            parts: vec![part],
            ..Key::default()
        });
        let items = table("items", &[("number", Text), ("product_id", Text)]);
        let shop = schema(vec![products, items]);
        let found = shown(&[("shop", &shop)]);
        assert_eq!(found, ["shop.items.product_id -> shop.products.id 101"]);
    }

    #[test]
    fn who_did_it_is_a_person() {
        use Family::Integer;
        let crates = schema(vec![
            table("users", &[("id", Integer)]),
            table("versions", &[("id", Integer), ("published_by", Integer)]),
            table("versions_published_by", &[("version_id", Integer)]),
        ]);
        let found = shown(&[("crates", &crates)]);
        assert_eq!(
            found,
            [
                "crates.versions.published_by -> crates.users.id 46",
                "crates.versions_published_by.version_id -> crates.versions.id 101",
            ]
        );
    }

    /// A table whose first column is its primary key, with its types as an engine names them.
    fn typed(name: &str, columns: &[(&str, Family, &str)]) -> Table {
        let families: Vec<(&str, Family)> = columns.iter().map(|one| (one.0, one.1)).collect();
        let mut table = table(name, &families);
        for (column, (.., sql)) in table.columns.iter_mut().zip(columns) {
            (*sql).clone_into(&mut column.sql);
        }
        table
    }

    #[test]
    fn the_text_of_a_uuid_is_compared_as_one() {
        use Family::{Binary, Text, Uuid};
        let people = schema(vec![
            typed("users", &[("id", Uuid, "uuid")]),
            typed("teams", &[("id", Binary, "binary(16)")]),
            typed("hashes", &[("id", Binary, "binary(32)")]),
            typed("roles", &[("id", Text, "char(36)")]),
        ]);
        let posts = schema(vec![typed(
            "posts",
            &[
                ("id", Text, "text"),
                ("user_id", Text, "char(36)"),
                ("owner_user_id", Text, "varchar(20)"),
                ("team_id", Text, "varchar(36)"),
                ("hash_id", Text, "varchar(64)"),
                ("role_id", Text, "char(36)"),
                ("reply_post_id", Uuid, "uuid"),
            ],
        )]);
        assert_eq!(
            shown(&[("ums", &people), ("blog", &posts)]),
            [
                "blog.posts.user_id -> ums.users.id 100 as uuid",
                "blog.posts.team_id -> ums.teams.id 100 as uuid",
                "blog.posts.role_id -> ums.roles.id 100",
                "blog.posts.reply_post_id -> blog.posts.id 86 as uuid",
            ]
        );
    }

    #[test]
    fn a_key_of_the_same_type_comes_first() {
        let users = |sql, family| schema(vec![typed("users", &[("id", family, sql)])]);
        let (a, b) = (users("uuid", Family::Uuid), users("char(36)", Family::Text));
        let posts = typed(
            "posts",
            &[
                ("id", Family::Uuid, "uuid"),
                ("user_id", Family::Text, "char(36)"),
            ],
        );
        let c = schema(vec![posts]);
        let found = shown(&[("a", &a), ("b", &b), ("c", &c)]);
        assert_eq!(found, ["c.posts.user_id -> b.users.id 100 ?"]);
    }

    #[test]
    fn columns_with_a_foreign_key_need_no_guess() {
        let mut posts = table(
            "posts",
            &[("id", Family::Integer), ("user_id", Family::Integer)],
        );
        posts.foreign_keys.push(ForeignKey {
            columns: vec!["user_id".into()],
            ..ForeignKey::default()
        });
        let one = schema(vec![table("users", &[("id", Family::Integer)]), posts]);
        assert_eq!(shown(&[("app", &one)]), [""; 0]);
    }
}
