//! Checks the structure of a reference: both endpoints are columns of tables, their types are
//! comparable, the target is unique, the source is indexed.

use crate::dialect::Dialect;
use crate::dialect::keys::{comparison, condition, fixed_columns};
use crate::model::code::Code;
use crate::model::diagnostic::Diagnostic;
use crate::model::key::Compare;
use crate::model::name::{ColumnNames, did_you_mean};
use crate::model::reference::Reference;
use crate::model::schema::{Column, Key, KeyKind, Schema, Table};
use crate::model::server::Server;

/// The schema of an endpoint.
#[derive(Clone, Copy)]
pub struct EndpointSchema<'e> {
    pub schema: &'e Schema,
    pub dialect: &'e dyn Dialect,
}

/// Reports what is wrong with a reference.
#[must_use]
pub fn structure(
    reference: &Reference,
    from: EndpointSchema<'_>,
    to: EndpointSchema<'_>,
) -> Vec<Diagnostic> {
    let mut faults = Faults {
        reference,
        all: Vec::new(),
    };
    faults.condition("where", reference.filter.as_deref(), from);
    faults.condition("to_where", reference.to_filter.as_deref(), to);
    let child = faults.find(&reference.from, from);
    let parent = faults.find(&reference.to, to);
    if let (Some((_, children)), Some((_, parents))) = (&child, &parent) {
        for (at, pair) in std::iter::zip(children, parents).enumerate() {
            let given = reference.compare.get(at);
            let why = incomparable((pair.0, from.dialect), (pair.1, to.dialect), given);
            match why {
                Err(why) => {
                    let hint = "give both columns the same type, or set how they are compared with \
                                `compare`";
                    faults.error(Code::ReferenceType, &why, hint);
                }
                Ok(Compare::Double) => {
                    let why = format!(
                        "{} is a floating-point number, which is equal only to the last bit",
                        pair.0.name
                    );
                    let hint = "give both columns an exact type, such as decimal";
                    faults.error(Code::ReferenceInexact, &why, hint);
                }
                Ok(_) => {}
            }
        }
    }
    if let Some((table, columns)) = parent {
        let chosen = reference.to_filter.is_some();
        if !table
            .keys
            .iter()
            .any(|key| is_unique(key, &columns, chosen))
        {
            let why = format!(
                "{} is not unique, so a value does not identify one row",
                reference.to
            );
            let hint = "make it the primary key, or a unique key";
            faults.error(Code::ReferenceNotUnique, &why, hint);
        }
    }
    let filter = reference.filter.as_deref();
    let fixed = filter.map_or_else(Vec::new, |text| fixed_columns(from.dialect, text));
    if let Some((table, columns)) = child
        && !table.keys.iter().any(|key| leads(key, &columns, &fixed))
    {
        let why = format!(
            "no index of {} begins with {}, so every audit reads and sorts the whole table",
            table.name,
            reference.from.columns.join(", ")
        );
        let fault = Diagnostic::new(Code::ReferenceNotIndexed, format!("{reference}: {why}"));
        faults.add(fault.hint("make an index that begins with it"));
    }
    faults.all
}

/// The findings so far.
struct Faults<'r> {
    reference: &'r Reference,
    all: Vec<Diagnostic>,
}

impl Faults<'_> {
    fn add(&mut self, fault: Diagnostic) {
        let mut fault = fault.database(&self.reference.from.database);
        fault.location.clone_from(&self.reference.location);
        self.all.push(fault);
    }

    fn error(&mut self, code: Code, why: &str, hint: &str) {
        let message = format!("{}: {why}", self.reference);
        self.add(Diagnostic::new(code, message).hint(hint));
    }

    /// Checks that a condition of the user is one condition.
    fn condition(&mut self, key: &str, text: Option<&str>, end: EndpointSchema<'_>) {
        let wrong = text.and_then(|text| condition(end.dialect, text).err());
        if let Some(why) = wrong {
            let message = format!("{}: `{key}`: {why}", self.reference.ends());
            let fault = Diagnostic::new(Code::ReferenceCondition, message);
            self.add(fault.hint("write one condition, as it would follow WHERE"));
        }
    }

    /// Finds the table and the columns of one endpoint.
    fn find<'s>(
        &mut self,
        name: &ColumnNames,
        end: EndpointSchema<'s>,
    ) -> Option<(&'s Table, Vec<&'s Column>)> {
        let shown = format!("{}.{}", name.database, name.table);
        let Some(table) = end.schema.table(&name.table) else {
            match other(end.schema, &name.table) {
                Some(kind) => self.not_table(&shown, &kind),
                None => {
                    let known = end.schema.tables.iter().map(|table| table.name.as_str());
                    self.missing(&format!("there is no table {shown}"), &name.table, known);
                }
            }
            return None;
        };
        if let Some(kind) = end.dialect.catalog().rows_elsewhere(table) {
            self.not_table(&shown, &kind);
            return None;
        }
        let mut columns = Vec::new();
        for (column, name) in name.columns.iter().zip(name.each()) {
            match table.column(column) {
                Some(column) => columns.push(column),
                None => {
                    let known = table.columns.iter().map(|column| column.name.as_str());
                    self.missing(&format!("there is no column {name}"), column, known);
                }
            }
        }
        (columns.len() == name.columns.len()).then_some((table, columns))
    }

    /// Reports a missing name. Names are compared exactly, even if the engine ignores case.
    fn missing<'n>(&mut self, why: &str, name: &str, known: impl Iterator<Item = &'n str> + Clone) {
        let mut same = known.clone();
        let hint = match same.find(|known| known.eq_ignore_ascii_case(name)) {
            Some(same) => format!("write it as in the database: `{same}`"),
            None => did_you_mean(name, known)
                .unwrap_or_else(|| "correct the name, or apply the migration that adds it".into()),
        };
        self.error(Code::ReferenceMissing, why, &hint);
    }

    fn not_table(&mut self, shown: &str, kind: &str) {
        let hint = "name a table: rows of a view or a foreign table cannot be identified by key";
        self.error(
            Code::ReferenceNotTable,
            &format!("{shown} is a {kind}"),
            hint,
        );
    }
}

/// The kind of an object with this name that is not a table.
fn other(schema: &Schema, name: &str) -> Option<String> {
    let mut objects = schema.objects.iter();
    let object = objects.find(|object| object.name == name && object.table.is_none());
    let mut opaque = schema.opaque_objects.iter();
    let find_opaque = || {
        let kinds = opaque.find_map(|one| one.what.strip_suffix(name));
        kinds.map(|kind| kind.trim_end().to_owned())
    };
    object
        .map(|object| object.kind.noun().to_owned())
        .or_else(find_opaque)
}

/// Checks that two columns can be compared, by their types or as declared.
fn incomparable(
    (child, ours): (&Column, &dyn Dialect),
    (parent, theirs): (&Column, &dyn Dialect),
    given: Option<&Compare>,
) -> Result<Compare, String> {
    let compare = match given {
        Some(given) => given.clone(),
        None => comparison((child, ours), (parent, theirs))?,
    };
    // The answer is the same on every server of an engine.
    let server = Server::default();
    ours.keys().part(child, &compare, &server)?;
    theirs.keys().part(parent, &compare, &server)?;
    Ok(compare)
}

/// Whether the key is unique on these columns: among all rows, or among those of its condition if
/// the reference chooses its parents. Values with different prefixes are different.
fn is_unique(key: &Key, columns: &[&Column], chosen: bool) -> bool {
    let unique = matches!(key.kind, KeyKind::Primary | KeyKind::Unique);
    let whole = key.parts.iter().all(|part| {
        let named = |column: &&Column| part.column.as_deref() == Some(&column.name);
        columns.iter().any(named)
    });
    let all = key
        .filter
        .as_deref()
        .is_none_or(|filter| chosen || is_filled(filter, columns));
    unique && whole && all
}

/// Whether an index of this key gives the keys of these columns in order, among rows that have one
/// value each in the `fixed` columns.
#[must_use]
pub fn leads(key: &Key, columns: &[&Column], fixed: &[String]) -> bool {
    let serves = !matches!(
        key.kind,
        KeyKind::Fulltext | KeyKind::Spatial | KeyKind::Exclusion
    );
    let mut wanted = columns.iter().peekable();
    for part in &key.parts {
        let column = part.column.as_deref().filter(|_| part.prefix.is_none());
        let is_next = wanted
            .peek()
            .is_none_or(|next| column == Some(next.name.as_str()));
        let is_fixed = column.is_some_and(|name| is_among(name, fixed));
        if is_next {
            wanted.next();
        } else if !is_fixed {
            break;
        }
    }
    let all = key
        .filter
        .as_deref()
        .is_none_or(|filter| is_filled(filter, columns));
    serves && all && wanted.peek().is_none()
}

/// Whether an index of this key has every column of the table that a condition names, so that the
/// condition needs no row.
#[must_use]
pub fn covers(key: &Key, table: &Table, named: &[String]) -> bool {
    let columns = table.columns.iter();
    let mut used = columns.filter(|column| is_among(&column.name, named));
    used.all(|column| {
        let mut parts = key.parts.iter();
        parts.any(|part| part.column.as_deref() == Some(&column.name) && part.prefix.is_none())
    })
}

/// Engines differ in what letter case means to a name, and a wrong guess costs time only.
fn is_among(name: &str, names: &[String]) -> bool {
    names.iter().any(|one| one.eq_ignore_ascii_case(name))
}

/// Whether a partial index leaves out only rows where one of these columns is NULL.
fn is_filled(filter: &str, columns: &[&Column]) -> bool {
    let inner = filter.replace(['(', ')', '"', '`'], " ").to_lowercase();
    let words: Vec<&str> = inner.split_whitespace().collect();
    let filled = |name: &str| words == [name.to_lowercase().as_str(), "is", "not", "null"];
    columns.iter().any(|column| filled(&column.name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::by_scheme;
    use crate::model::schema::{KeyPart, OpaqueObject};

    fn column(name: &str, sql: &str) -> Column {
        Column {
            name: name.to_owned(),
            sql: sql.to_owned(),
            ..Column::default()
        }
    }

    fn schema(table: &str, column_of: Column, keys: &[KeyKind]) -> Schema {
        let part = KeyPart {
            column: Some(column_of.name.clone()),
            ..KeyPart::default()
        };
        let keys = keys.iter().map(|kind| Key {
            kind: *kind,
            parts: vec![part.clone()],
            ..Key::default()
        });
        Schema {
            tables: vec![Table {
                name: table.to_owned(),
                keys: keys.collect(),
                columns: vec![column_of],
                ..Table::default()
            }],
            ..Schema::default()
        }
    }

    fn codes(child: &Schema, ours: &str, parent: &Schema, theirs: &str) -> Vec<&'static str> {
        let reference = Reference::new(
            ColumnNames::parse("twitter.messages.author_id").unwrap(),
            ColumnNames::parse("ums.users.id").unwrap(),
        );
        let end = |schema, scheme| EndpointSchema {
            schema,
            dialect: by_scheme(scheme).unwrap(),
        };
        let faults = structure(&reference, end(child, ours), end(parent, theirs));
        faults.iter().map(|fault| fault.code.name()).collect()
    }

    #[test]
    fn a_reference_needs_two_columns_that_fit() {
        let bytes = column("id", "binary(16)");
        let parent = schema("users", bytes, &[KeyKind::Primary]);
        let child =
            |sql: &str, keys: &[KeyKind]| schema("messages", column("author_id", sql), keys);
        let index = [KeyKind::Index];
        let none: [&str; 0] = [];
        assert_eq!(
            codes(&child("uuid", &index), "postgres", &parent, "mysql"),
            none
        );
        assert_eq!(
            codes(&child("BLOB", &index), "sqlite", &parent, "mysql"),
            none
        );
        assert_eq!(
            codes(&child("binary(16)", &[]), "mysql", &parent, "mysql"),
            ["reference-not-indexed"]
        );
        for wrong in ["binary(8)", "text", "bigint"] {
            let faults = codes(&child(wrong, &index), "mysql", &parent, "mysql");
            assert_eq!(faults, ["reference-type"], "{wrong}");
        }
        let loose = schema("users", column("id", "bigint"), &[KeyKind::Index]);
        let faults = codes(&child("integer", &index), "postgres", &loose, "mysql");
        assert_eq!(faults, ["reference-not-unique"]);
        let other = schema("people", column("id", "bigint"), &[]);
        let faults = codes(&child("bigint", &index), "mysql", &other, "mysql");
        assert_eq!(faults, ["reference-missing"]);
    }

    #[test]
    fn what_keeps_no_rows_of_its_own_is_no_table() {
        let index = [KeyKind::Index];
        let child = schema("messages", column("author_id", "bigint"), &index);
        let mut parent = Schema::default();
        parent.opaque_objects.push(OpaqueObject {
            what: "foreign table users".to_owned(),
            definition: String::new(),
        });
        let faults = codes(&child, "mysql", &parent, "postgres");
        assert_eq!(faults, ["reference-not-table"]);
        let mut parent = schema("users", column("id", "bigint"), &[KeyKind::Primary]);
        let table = &mut parent.tables[0];
        table.options.insert("engine".into(), "FEDERATED".into());
        let faults = codes(&child, "mysql", &parent, "mysql");
        assert_eq!(faults, ["reference-not-table"]);
    }

    /// A key holds each of its rows once, and says nothing of those that it leaves out.
    #[test]
    fn a_partial_key_is_unique_where_the_rows_are_chosen() {
        let column = column("id", "bigint");
        let mut parent = schema("users", column.clone(), &[KeyKind::Unique]);
        let key = &mut parent.tables[0].keys[0];
        for (filter, among_all) in [
            (None, true),
            (Some("gone IS NULL"), false),
            (Some("(\"id\" IS NOT NULL)"), true),
        ] {
            key.filter = filter.map(str::to_owned);
            assert_eq!(is_unique(key, &[&column], false), among_all, "{filter:?}");
            assert!(is_unique(key, &[&column], true), "{filter:?}");
        }
    }

    #[test]
    fn an_index_of_beginnings_gives_no_order() {
        let column = column("id", "varchar(99)");
        let mut table = schema("users", column.clone(), &[KeyKind::Index]);
        let key = &mut table.tables[0].keys[0];
        assert!(leads(key, &[&column], &[]));
        key.parts[0].prefix = Some(10);
        assert!(!leads(key, &[&column], &[]));
    }

    #[test]
    fn an_index_serves_behind_columns_that_are_fixed() {
        let (kind, id) = (column("kind", "varchar(9)"), column("id", "bigint"));
        let mut table = schema("comments", id.clone(), &[KeyKind::Index])
            .tables
            .remove(0);
        table.columns.push(kind);
        let part = |name: &str| KeyPart {
            column: Some(name.to_owned()),
            ..KeyPart::default()
        };
        let fixed = ["kind".to_owned()];
        for (parts, serves) in [
            (&["kind", "id"][..], true),
            (&["id", "kind"], true),
            (&["other", "id"], false),
            (&["kind"], false),
        ] {
            let mut key = table.keys[0].clone();
            key.parts = parts.iter().map(|name| part(name)).collect();
            assert_eq!(leads(&key, &[&id], &fixed), serves, "{parts:?}");
            let alone = parts[0] == "id";
            assert_eq!(leads(&key, &[&id], &[]), alone, "{parts:?}");
            let whole = parts.contains(&"kind");
            assert_eq!(covers(&key, &table, &fixed), whole, "{parts:?}");
        }
    }

    #[test]
    fn a_partial_index_serves_where_it_leaves_out_no_key() {
        let bigint = || column("author_id", "bigint");
        let parent = schema("users", column("id", "bigint"), &[KeyKind::Primary]);
        for (filter, faults) in [
            ("(\"author_id\" IS NOT NULL)", &[][..]),
            ("author_id > 5", &["reference-not-indexed"]),
            ("other IS NOT NULL", &["reference-not-indexed"]),
        ] {
            let mut child = schema("messages", bigint(), &[KeyKind::Index]);
            child.tables[0].keys[0].filter = Some(filter.to_owned());
            assert_eq!(
                codes(&child, "postgres", &parent, "mysql"),
                faults,
                "{filter}"
            );
        }
    }
}
