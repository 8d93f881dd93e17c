//! The action on each node: keep, create, drop, alter or rebuild.

use super::clause;
use super::nodes::{Class, Name, Node, Nodes, Part};
use super::prepare::plain_default;
use crate::model::schema::{Column, Key, Object};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    Keep,
    Create,
    Drop,
    Alter,
    /// Changes a column's type, which rewrites its values.
    Retype,
    /// Drops and creates it.
    Rebuild,
    /// Renames a type that columns have out of the way, creates the new one, and drops the old one
    /// after the columns have changed.
    RenameAside,
    /// Renames out of the way what something else gets the name of, and drops it after the columns that
    /// have it as their type have changed.
    RenameAway,
}

impl Action {
    pub fn drops(self) -> bool {
        matches!(self, Action::Drop | Action::Rebuild)
    }

    pub fn creates(self) -> bool {
        !matches!(self, Action::Keep | Action::Drop | Action::RenameAway)
    }

    /// Whether it takes along what belongs to it.
    pub fn ends(self) -> bool {
        self.drops() || self == Action::RenameAway
    }
}

/// The action on a node that only the old schema has.
pub fn of_old(node: &Node<'_>, old: &Nodes<'_>, new: &Nodes<'_>) -> Action {
    let name = node.name;
    let is_type = matches!(
        name.class,
        Class::Enum | Class::Domain | Class::Composite | Class::Table
    );
    let others = [
        Class::Enum,
        Class::Domain,
        Class::Composite,
        Class::Range,
        Class::Table,
        Class::View,
        Class::MaterializedView,
    ];
    let mut others = others.iter();
    let gives_its_name =
        is_type && others.any(|class| new.get(&Name::new(*class, "", name.name)).is_some());
    if !gives_its_name {
        return Action::Drop;
    }
    let mut columns = old.all.iter().filter(|it| it.name.class == Class::Column);
    let stays = columns.any(|column| {
        column.owner != Some(name)
            && column.needs.contains(&name)
            && new.get(&column.name).is_some()
    });
    if stays {
        Action::RenameAway
    } else {
        Action::Drop
    }
}

/// The action on a node of both schemas, without regard to its dependencies.
pub fn of_both(from: &Node<'_>, to: &Node<'_>, old: &Nodes<'_>, new: &Nodes<'_>) -> Action {
    match (from.part, to.part) {
        (Part::Table(from_table), Part::Table(to_table)) => match from.name.class {
            Class::Replica => changed(
                super::nodes::replica(from_table) != super::nodes::replica(to_table),
                Action::Alter,
            ),
            _ if from_table.partitions != to_table.partitions => Action::Rebuild,
            _ => changed(
                from_table.options != to_table.options || from_table.comment != to_table.comment,
                Action::Alter,
            ),
        },
        (Part::Column(_, one), Part::Column(_, other)) => match from.name.class {
            Class::Default => {
                let default = |column: &Column| column.default.as_deref().map(plain_default);
                changed(default(one) != default(other), Action::Alter)
            }
            Class::Identity => changed(numbering(one) != numbering(other), Action::Alter),
            _ => column(one, other),
        },
        (Part::Key(one, _), Part::Key(other, _)) => key(one, other),
        (Part::ForeignKey(_, one), Part::ForeignKey(_, other)) => {
            let mut like = one.clone();
            like.comment.clone_from(&other.comment);
            like.options.remove("deferrable");
            like.options
                .extend(other.options.get_key_value("deferrable").map(clone));
            if clause::is_valid(&other.options) {
                like.options.remove("valid");
            }
            differing(one == other, like == *other)
        }
        (Part::Check(one), Part::Check(other)) => {
            let mut like = one.clone();
            like.comment.clone_from(&other.comment);
            if clause::is_valid(&other.options) {
                like.options.remove("valid");
            }
            differing(one == other, like == *other)
        }
        (Part::Parent(_, one), Part::Parent(_, other)) => changed(one != other, Action::Rebuild),
        (Part::Object(one), Part::Object(other)) => match from.name.class {
            Class::Owner => changed(
                one.options.get("owner") != other.options.get("owner"),
                Action::Alter,
            ),
            class => object(class, one, other, old, new),
        },
        _ => Action::Rebuild,
    }
}

fn clone(pair: (&String, &String)) -> (String, String) {
    (pair.0.clone(), pair.1.clone())
}

fn changed(yes: bool, action: Action) -> Action {
    if yes { action } else { Action::Keep }
}

/// Keeps what is the same, alters what can be altered, and rebuilds the rest.
fn differing(same: bool, alterable: bool) -> Action {
    match (same, alterable) {
        (true, _) => Action::Keep,
        (false, true) => Action::Alter,
        (false, false) => Action::Rebuild,
    }
}

fn column(one: &Column, other: &Column) -> Action {
    if one.sql != other.sql || one.collation != other.collation {
        return match (&one.generated, &other.generated) {
            (None, None) => Action::Retype,
            _ => Action::Rebuild,
        };
    }
    if one.generated != other.generated {
        return match other.generated {
            None => Action::Alter,
            Some(_) => Action::Rebuild,
        };
    }
    let settings = |column: &Column| {
        let mut options = column.options.clone();
        options.retain(|name, _| name != "inherited" && !name.starts_with("sequence "));
        (options, column.comment.clone(), column.nullable)
    };
    changed(settings(one) != settings(other), Action::Alter)
}

fn numbering(column: &Column) -> (Option<&str>, Vec<(&String, &String)>) {
    let options = column.options.iter();
    let options = options.filter(|(name, _)| name.starts_with("sequence "));
    (column.identity.as_deref(), options.collect())
}

fn key(one: &Key, other: &Key) -> Action {
    let alterable = |key: &Key| {
        let mut key = key.clone();
        key.comment = None;
        key.options.retain(|name, _| {
            let words = [
                "tablespace",
                "clustered",
                "attached",
                "comment of the index",
            ];
            !name.starts_with("with ") && !words.contains(&name.as_str())
        });
        key
    };
    differing(one == other, alterable(one) == alterable(other))
}

fn object(class: Class, one: &Object, other: &Object, _: &Nodes<'_>, _: &Nodes<'_>) -> Action {
    if one == other {
        return Action::Keep;
    }
    let mut like = one.clone();
    like.comment.clone_from(&other.comment);
    if like == *other {
        return Action::Alter;
    }
    let option = |object: &Object, name: &str| object.options.get(name).cloned();
    let same = |names: &[&str]| {
        names
            .iter()
            .all(|name| option(one, name) == option(other, name))
    };
    match class {
        Class::Extension | Class::Sequence => Action::Alter,
        Class::Enum if is_within(&one.labels, &other.labels) => Action::Alter,
        Class::Domain if same(&["type", "collation"]) => Action::Alter,
        Class::Composite if grows(one, other) => Action::Alter,
        Class::Enum | Class::Domain | Class::Composite | Class::Range | Class::Collation => {
            Action::RenameAside
        }
        Class::Function | Class::Procedure => {
            let defaults = |object: &Object| -> u32 {
                let count = option(object, "defaults").and_then(|it| it.parse().ok());
                count.unwrap_or(0)
            };
            let replaceable = same(&["returns", "arguments"]) && defaults(one) <= defaults(other);
            differing(false, replaceable)
        }
        Class::View => differing(false, view_grows(one, other)),
        Class::MaterializedView => {
            let query = |object: &Object| object.sql.split_once(" AS\n").map(|it| it.1.to_owned());
            let alike = query(one) == query(other) && same(&["access method"]);
            differing(false, alike)
        }
        Class::Trigger | Class::Rule => differing(false, one.sql == other.sql),
        Class::Policy => {
            let loses = |name: &str| option(one, name).is_some() && option(other, name).is_none();
            let alterable = same(&["for", "as"]) && !loses("using") && !loses("check");
            differing(false, alterable)
        }
        Class::Statistics => differing(false, one.sql == other.sql),
        _ => Action::Rebuild,
    }
}

/// Whether some labels are among others in the same order.
pub fn is_within(few: &[String], many: &[String]) -> bool {
    let mut many = many.iter();
    few.iter().all(|label| many.any(|it| it == label))
}

/// Whether a composite type can be altered: attributes are dropped, or added at the end.
fn grows(one: &Object, other: &Object) -> bool {
    let same =
        |a: &Column, b: &Column| a.name == b.name && a.sql == b.sql && a.collation == b.collation;
    let kept: Vec<&Column> = one
        .columns
        .iter()
        .filter(|a| other.columns.iter().any(|b| b.name == a.name))
        .collect();
    !kept.is_empty() && std::iter::zip(&kept, &other.columns).all(|(a, b)| same(a, b))
}

/// Whether `CREATE OR REPLACE VIEW` suffices: columns can only be added at the end.
fn view_grows(one: &Object, other: &Object) -> bool {
    let same = |(a, b): (&Column, &Column)| {
        a.name == b.name && a.sql == b.sql && a.collation == b.collation
    };
    one.columns.len() <= other.columns.len()
        && std::iter::zip(&one.columns, &other.columns).all(same)
}
