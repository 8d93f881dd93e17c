//! Schema nodes: the smallest parts of a schema that statements create and drop, and their
//! dependencies.

use std::collections::{HashMap, HashSet};

use crate::model::schema::{
    Check, Column, ForeignKey, Id, Key, KeyKind, Kind, Object, Parent, Schema, Table,
};

/// The class of a node, in the order in which nodes without dependencies are created.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    Extension,
    Collation,
    Enum,
    Composite,
    Domain,
    Range,
    Sequence,
    Function,
    Procedure,
    Aggregate,
    Operator,
    Table,
    Column,
    Default,
    Identity,
    /// The ownership of a sequence by a column.
    Owner,
    Check,
    Key,
    /// The link of a table to a parent, as a child or a partition.
    Parent,
    /// A table's replica identity.
    Replica,
    Statistics,
    View,
    MaterializedView,
    ForeignKey,
    Rule,
    Trigger,
    Policy,
}

/// The identity of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name<'s> {
    pub class: Class,
    /// Empty if it belongs to no table.
    pub table: &'s str,
    pub name: &'s str,
}

#[derive(Debug, Clone, Copy)]
pub enum Part<'s> {
    Table(&'s Table),
    /// A column, its default or its numbering.
    Column(&'s Table, &'s Column),
    /// A key, and whether it is a materialized view's.
    Key(&'s Key, bool),
    ForeignKey(&'s Table, &'s ForeignKey),
    Check(&'s Check),
    Parent(&'s Table, &'s Parent),
    Object(&'s Object),
}

#[derive(Debug)]
pub struct Node<'s> {
    pub name: Name<'s>,
    pub part: Part<'s>,
    /// The nodes that must exist for it.
    pub needs: Vec<Name<'s>>,
    /// The nodes after which it is created, if they are created too.
    pub after: Vec<Name<'s>>,
    /// The node with which it is dropped.
    pub owner: Option<Name<'s>>,
}

pub struct Nodes<'s> {
    pub schema: &'s Schema,
    pub all: Vec<Node<'s>>,
    pub at: HashMap<Name<'s>, usize>,
    /// Tables by name.
    pub tables: HashMap<&'s str, &'s Table>,
    /// The tables that have children.
    pub parents: HashMap<&'s str, Vec<&'s str>>,
}

impl<'s> Name<'s> {
    pub fn new(class: Class, table: &'s str, name: &'s str) -> Name<'s> {
        Name { class, table, name }
    }

    pub fn table(name: &'s str) -> Name<'s> {
        Name::new(Class::Table, "", name)
    }

    pub fn column(table: &'s str, name: &'s str) -> Name<'s> {
        Name::new(Class::Column, table, name)
    }

    /// The node of an object that something needs.
    pub fn of(id: &'s Id) -> Option<Name<'s>> {
        let class = class(id.kind)?;
        Some(Name::new(
            class,
            id.table.as_deref().unwrap_or_default(),
            &id.name,
        ))
    }

    /// The object that reports name for its statements.
    pub fn about(&self) -> Id {
        let kind = match self.class {
            Class::Extension => Kind::Extension,
            Class::Collation => Kind::Collation,
            Class::Enum => Kind::Enum,
            Class::Composite => Kind::Composite,
            Class::Domain => Kind::Domain,
            Class::Range => Kind::Range,
            Class::Sequence | Class::Owner => Kind::Sequence,
            Class::Function => Kind::Function,
            Class::Procedure => Kind::Procedure,
            Class::Aggregate => Kind::Aggregate,
            Class::Operator => Kind::Operator,
            Class::Statistics => Kind::Statistics,
            Class::View => Kind::View,
            Class::MaterializedView => Kind::MaterializedView,
            Class::Rule => Kind::Rule,
            Class::Trigger => Kind::Trigger,
            Class::Policy => Kind::Policy,
            Class::Table => Kind::Table,
            _ => return Id::table(self.table),
        };
        Id {
            kind,
            table: Some(self.table.to_owned()).filter(|table| !table.is_empty()),
            name: self.name.to_owned(),
        }
    }

    pub fn is_type(&self) -> bool {
        matches!(
            self.class,
            Class::Enum | Class::Composite | Class::Domain | Class::Range
        )
    }
}

fn class(kind: Kind) -> Option<Class> {
    Some(match kind {
        Kind::Extension => Class::Extension,
        Kind::Collation => Class::Collation,
        Kind::Enum => Class::Enum,
        Kind::Domain => Class::Domain,
        Kind::Composite => Class::Composite,
        Kind::Range => Class::Range,
        Kind::Sequence => Class::Sequence,
        Kind::Table => Class::Table,
        Kind::View => Class::View,
        Kind::MaterializedView => Class::MaterializedView,
        Kind::Function => Class::Function,
        Kind::Procedure => Class::Procedure,
        Kind::Aggregate => Class::Aggregate,
        Kind::Operator => Class::Operator,
        Kind::Trigger => Class::Trigger,
        Kind::Rule => Class::Rule,
        Kind::Policy => Class::Policy,
        Kind::Statistics => Class::Statistics,
        Kind::Column => Class::Column,
        Kind::Key => Class::Key,
        Kind::Event | Kind::Grant | Kind::Opaque => return None,
    })
}

impl<'s> Nodes<'s> {
    pub fn new(schema: &'s Schema) -> Nodes<'s> {
        let mut nodes = Nodes {
            schema,
            all: Vec::new(),
            at: HashMap::new(),
            tables: HashMap::new(),
            parents: HashMap::new(),
        };
        for table in &schema.tables {
            nodes.tables.insert(&table.name, table);
            for parent in &table.parents {
                let children = nodes.parents.entry(&parent.table).or_default();
                children.push(&table.name);
            }
        }
        for table in &schema.tables {
            nodes.add_table(table);
        }
        for object in &schema.objects {
            nodes.add_object(object);
        }
        nodes.at = nodes
            .all
            .iter()
            .enumerate()
            .map(|(at, node)| (node.name, at))
            .collect();
        let known = &nodes.at;
        for node in &mut nodes.all {
            let name = node.name;
            for list in [&mut node.needs, &mut node.after] {
                list.retain(|need| *need != name && known.contains_key(need));
            }
        }
        super::body_names::add_soft(&mut nodes);
        nodes
    }

    pub fn get(&self, name: &Name<'_>) -> Option<&Node<'s>> {
        let name: Name<'_> = *name;
        self.at.get(&name).and_then(|at| self.all.get(*at))
    }

    fn push(&mut self, name: Name<'s>, part: Part<'s>, needs: Vec<Name<'s>>) -> &mut Node<'s> {
        let at = self.all.len();
        self.all.push(Node {
            name,
            part,
            needs,
            after: Vec::new(),
            owner: None,
        });
        &mut self.all[at]
    }

    fn add_table(&mut self, table: &'s Table) {
        let itself = Name::table(&table.name);
        let mut needs = named(&table.needs.0);
        let plain = table.parents.iter().filter(|parent| parent.bound.is_none());
        needs.extend(plain.map(|parent| Name::table(&parent.table)));
        let after = self.inherited(table);
        self.push(itself, Part::Table(table), needs).after = after;
        for column in &table.columns {
            self.add_column(table, column);
        }
        for key in &table.keys {
            let needs = vec![itself];
            let name = Name::new(Class::Key, &table.name, &key.name);
            let children = self.attached(table, key);
            let links = self.links(table);
            let node = self.push(name, Part::Key(key, false), needs);
            node.owner = Some(itself);
            add_key_needs(node, table, key);
            node.needs.extend(children);
            if is_incomplete(table, key) {
                node.after = links;
            }
        }
        for check in &table.checks {
            let name = Name::new(Class::Check, &table.name, &check.name);
            let mut needs = vec![itself];
            needs.extend(mentioned(table, &check.expression));
            needs.extend(named(&check.needs.0));
            let node = self.push(name, Part::Check(check), needs);
            node.owner = Some(itself);
        }
        for key in &table.foreign_keys {
            self.add_foreign_key(table, key);
        }
        for parent in &table.parents {
            self.add_parent(table, parent);
        }
        if let Some(index) = replica(table) {
            let name = Name::new(Class::Replica, &table.name, "");
            let mut keys = table.keys.iter();
            let key = keys.find(|key| super::clause::quote(&key.name) == index);
            let key = key.map(|key| Name::new(Class::Key, &table.name, &key.name));
            let mut needs = vec![itself];
            needs.extend(key);
            self.push(name, Part::Table(table), needs).owner = Some(itself);
        }
    }

    fn add_column(&mut self, table: &'s Table, column: &'s Column) {
        let itself = Name::table(&table.name);
        let name = Name::column(&table.name, &column.name);
        let needed = named(&column.needs.0);
        let mut needs = vec![itself];
        let of_type = |need: &Name<'_>| {
            column.generated.is_some()
                || need.is_type()
                || matches!(need.class, Class::Extension | Class::Collation)
                || (matches!(
                    need.class,
                    Class::Table | Class::View | Class::MaterializedView
                ) && column.sql.contains(need.name))
        };
        needs.extend(needed.iter().copied().filter(of_type));
        self.push(name, Part::Column(table, column), needs).owner = Some(itself);
        let part = Part::Column(table, column);
        if column.default.is_some() {
            let default = Name::new(Class::Default, &table.name, &column.name);
            let mut needs = vec![name];
            needs.extend(needed);
            self.push(default, part, needs).owner = Some(name);
        }
        if column.identity.is_some() {
            let identity = Name::new(Class::Identity, &table.name, &column.name);
            self.push(identity, part, vec![name]).owner = Some(name);
        }
    }

    fn add_foreign_key(&mut self, table: &'s Table, key: &'s ForeignKey) {
        let name = Name::new(Class::ForeignKey, &table.name, &key.name);
        let itself = Name::table(&table.name);
        let mut needs = vec![itself, Name::table(&key.to)];
        let own = key.columns.iter();
        needs.extend(own.map(|column| Name::column(&table.name, column)));
        let theirs = key.to_columns.iter();
        needs.extend(theirs.map(|column| Name::column(&key.to, column)));
        if let Some(to) = self.tables.get(key.to.as_str()) {
            let served = to.keys.iter().filter(|unique| serves(unique, key));
            needs.extend(served.map(|unique| Name::new(Class::Key, &to.name, &unique.name)));
        }
        let node = self.push(name, Part::ForeignKey(table, key), needs);
        node.owner = Some(itself);
    }

    fn add_parent(&mut self, table: &'s Table, parent: &'s Parent) {
        let name = Name::new(Class::Parent, &table.name, &parent.table);
        let itself = Name::table(&table.name);
        let other = Name::table(&parent.table);
        let mut after = Vec::new();
        let both = [Some(table), self.tables.get(parent.table.as_str()).copied()];
        for table in both.into_iter().flatten() {
            after.extend(
                table
                    .columns
                    .iter()
                    .map(|column| Name::column(&table.name, &column.name)),
            );
            let keys = table.keys.iter().filter(|key| !is_incomplete(table, key));
            after.extend(keys.map(|key| Name::new(Class::Key, &table.name, &key.name)));
            let checks = table.checks.iter();
            after.extend(checks.map(|check| Name::new(Class::Check, &table.name, &check.name)));
        }
        let node = self.push(name, Part::Parent(table, parent), vec![itself, other]);
        node.owner = Some(itself);
        node.after = after;
    }

    /// The parts of parents that a new child inherits.
    fn inherited(&self, table: &'s Table) -> Vec<Name<'s>> {
        let plain = table.parents.iter().filter(|parent| parent.bound.is_none());
        let parents = plain.filter_map(|parent| self.tables.get(parent.table.as_str()));
        let mut names = Vec::new();
        for parent in parents {
            for column in &parent.columns {
                for class in [Class::Column, Class::Default] {
                    names.push(Name::new(class, &parent.name, &column.name));
                }
            }
        }
        names
    }

    /// The links of a table's partitions.
    fn links(&self, table: &'s Table) -> Vec<Name<'s>> {
        let children = self.parents.get(table.name.as_str()).into_iter().flatten();
        children
            .map(|child| Name::new(Class::Parent, child, &table.name))
            .collect()
    }

    /// The keys of partitions that belong to a key of their parent: they are created first, under
    /// their own names, and the parent's key attaches them.
    fn attached(&self, table: &'s Table, key: &'s Key) -> Vec<Name<'s>> {
        let children = self.parents.get(table.name.as_str());
        let mut names = Vec::new();
        for child in children.into_iter().flatten() {
            let keys = self.tables.get(child).map(|child| child.keys.iter());
            for theirs in keys.into_iter().flatten() {
                if theirs.options.get("attached") == Some(&key.name) {
                    names.push(Name::new(Class::Key, child, &theirs.name));
                }
            }
        }
        names
    }

    fn add_object(&mut self, object: &'s Object) {
        let Some(class) = class(object.kind) else {
            return;
        };
        let table = object.table.as_deref().unwrap_or_default();
        let name = Name::new(class, table, &object.name);
        let mut needs = named(&object.needs.0);
        let holder = self.holder(table);
        needs.extend(holder);
        self.push(name, Part::Object(object), needs).owner = holder;
        for key in &object.keys {
            let part = Name::new(Class::Key, &object.name, &key.name);
            let node = self.push(part, Part::Key(key, true), vec![name]);
            node.needs.extend(named(&key.needs.0));
            node.owner = Some(name);
        }
        let owner = owner(object).and_then(|(table, column)| {
            let table = *self.tables.get(table.as_str())?;
            Some((table, table.column(&column)?))
        });
        if let Some((table, column)) = owner {
            let part = Name::new(Class::Owner, "", &object.name);
            let needs = vec![name, Name::column(&table.name, &column.name)];
            self.push(part, Part::Object(object), needs).owner = Some(name);
        }
    }

    /// The table or the view that a trigger or a rule belongs to.
    fn holder(&self, name: &'s str) -> Option<Name<'s>> {
        if name.is_empty() || self.tables.contains_key(name) {
            return Some(Name::table(name)).filter(|name| !name.name.is_empty());
        }
        let mut objects = self.schema.objects.iter();
        let view = objects.find(|object| {
            object.name == name && matches!(object.kind, Kind::View | Kind::MaterializedView)
        })?;
        let class = class(view.kind)?;
        Some(Name::new(class, "", &view.name))
    }
}

fn named(ids: &[Id]) -> Vec<Name<'_>> {
    ids.iter().filter_map(Name::of).collect()
}

fn add_key_needs<'s>(node: &mut Node<'s>, table: &'s Table, key: &'s Key) {
    let mut columns: HashSet<&str> = key.include.iter().map(String::as_str).collect();
    columns.extend(key.parts.iter().filter_map(|part| part.column.as_deref()));
    for column in &table.columns {
        if columns.contains(column.name.as_str()) {
            node.needs.push(Name::column(&table.name, &column.name));
        }
    }
    let expressions = key.parts.iter().filter_map(|part| part.expression.as_ref());
    for expression in expressions
        .chain(&key.filter)
        .chain(key.options.get("definition"))
    {
        node.needs.extend(mentioned(table, expression));
    }
    node.needs.extend(named(&key.needs.0));
}

/// The columns whose names stand in an expression; perhaps more than it refers to.
fn mentioned<'s>(table: &'s Table, expression: &str) -> Vec<Name<'s>> {
    let words: HashSet<&str> = super::body_names::words(expression).collect();
    let columns = table.columns.iter();
    let simple = |name: &str| super::body_names::words(name).eq([name]);
    columns
        .filter(|column| {
            if simple(&column.name) {
                words.contains(column.name.as_str())
            } else {
                expression.contains(&column.name)
            }
        })
        .map(|column| Name::column(&table.name, &column.name))
        .collect()
}

/// Whether it is an index of a partitioned table that some partitions lack.
fn is_incomplete(table: &Table, key: &Key) -> bool {
    table.partitions.is_some() && !super::clause::is_valid(&key.options)
}

/// Whether a key is one that a foreign key can point to.
fn serves(unique: &Key, key: &ForeignKey) -> bool {
    matches!(unique.kind, KeyKind::Primary | KeyKind::Unique)
        && unique.filter.is_none()
        && unique.parts.len() == key.to_columns.len()
        && unique.parts.iter().all(|part| {
            let column = part.column.as_ref();
            column.is_some_and(|column| key.to_columns.contains(column))
        })
}

/// The quoted name of the index that is a table's replica identity.
pub fn replica(table: &Table) -> Option<&str> {
    table
        .options
        .get("replica identity")
        .and_then(|identity| identity.strip_prefix("USING INDEX "))
}

/// The names in `"table"."column"`.
pub fn owner(sequence: &Object) -> Option<(String, String)> {
    let owner = sequence.options.get("owner")?;
    let inner = owner.strip_prefix('"')?.strip_suffix('"')?;
    let (table, column) = inner.split_once("\".\"")?;
    Some((table.replace("\"\"", "\""), column.replace("\"\"", "\"")))
}
