//! What a random schema has.

use super::Dice;

#[derive(Clone, Default)]
pub struct Schema {
    pub enums: Vec<Enum>,
    pub domains: Vec<Domain>,
    pub composites: Vec<Composite>,
    pub sequences: Vec<Sequence>,
    pub functions: Vec<Function>,
    pub tables: Vec<Table>,
    pub views: Vec<View>,
    pub comment: Option<String>,
}

#[derive(Clone, PartialEq)]
pub struct Enum {
    pub name: String,
    pub labels: Vec<String>,
    pub comment: Option<String>,
}

#[derive(Clone, PartialEq)]
pub struct Domain {
    pub name: String,
    pub base: String,
    pub default: bool,
    pub checks: Vec<usize>,
}

#[derive(Clone, PartialEq)]
pub struct Composite {
    pub name: String,
    pub attributes: Vec<(String, String)>,
}

#[derive(Clone, PartialEq)]
pub struct Sequence {
    pub name: String,
    pub options: String,
    pub owner: Option<(String, String)>,
}

/// `name(integer)`, used by defaults, checks and indexes.
#[derive(Clone, PartialEq)]
pub struct Function {
    pub name: String,
    pub returns: String,
    pub adds: usize,
    pub standard: bool,
    pub comment: Option<String>,
}

#[derive(Clone)]
pub struct Table {
    pub name: String,
    pub columns: Vec<Column>,
    /// `id` and how it is numbered: nothing, serial, identity.
    pub id: Id,
    pub key: Option<String>,
    pub uniques: Vec<Unique>,
    pub indexes: Vec<Index>,
    pub checks: Vec<Check>,
    pub foreign_keys: Vec<ForeignKey>,
    pub triggers: Vec<Trigger>,
    pub policies: Vec<Policy>,
    pub options: Vec<&'static str>,
    pub row_security: bool,
    pub comment: Option<String>,
    /// The bounds of its partitions, by `id`.
    pub partitions: Option<Vec<usize>>,
    pub child: bool,
    pub statistics: bool,
}

#[derive(Clone, Copy, PartialEq)]
pub enum Id {
    Plain(&'static str),
    Serial(&'static str),
    Always(&'static str),
    /// Always, with limits of its own.
    Limited(&'static str),
    ByDefault(&'static str),
}

#[derive(Clone, PartialEq)]
pub struct Column {
    pub name: String,
    pub kind: String,
    pub required: bool,
    pub default: bool,
    /// Worked out from `id`.
    pub generated: Option<usize>,
    /// A default by a function or a sequence, by name.
    pub default_from: Option<String>,
    pub comment: Option<String>,
    pub collation: bool,
}

#[derive(Clone, PartialEq)]
pub struct Unique {
    pub name: String,
    pub columns: Vec<String>,
    pub deferrable: bool,
}

#[derive(Clone, PartialEq)]
pub struct Index {
    pub name: String,
    pub columns: Vec<String>,
    pub how: usize,
    pub comment: Option<String>,
}

#[derive(Clone, PartialEq)]
pub struct Check {
    pub name: String,
    pub column: String,
    pub number: usize,
    pub function: Option<String>,
}

#[derive(Clone, PartialEq)]
pub struct ForeignKey {
    pub name: String,
    pub column: String,
    pub to: String,
    pub on_delete: &'static str,
    pub deferrable: bool,
}

#[derive(Clone, PartialEq)]
pub struct Trigger {
    pub name: String,
    pub how: usize,
    pub column: String,
    pub disabled: bool,
}

#[derive(Clone, PartialEq)]
pub struct Policy {
    pub name: String,
    pub column: String,
    pub how: usize,
}

#[derive(Clone)]
pub struct View {
    pub name: String,
    pub of: String,
    pub columns: Vec<String>,
    pub materialized: bool,
    pub index: bool,
    pub function: Option<String>,
    pub comment: Option<String>,
    pub barrier: bool,
}

pub const TYPES: &[&str] = &[
    "integer",
    "bigint",
    "smallint",
    "text",
    "varchar(20)",
    "varchar(50)",
    "numeric(10,2)",
    "boolean",
    "timestamptz",
    "date",
    "uuid",
    "jsonb",
    "integer[]",
    "text[]",
    "char(4)",
    "double precision",
    "bytea",
    "interval",
    "\"odd type\"",
];

const ACTIONS: &[&str] = &["NO ACTION", "CASCADE", "SET NULL", "RESTRICT"];

pub fn name(dice: &mut Dice, prefix: &str) -> String {
    let number = dice.below(1_000_000);
    match dice.below(12) {
        0 => format!("{prefix} {number}"),
        1 => format!("{}{number}", prefix.to_uppercase()),
        _ => format!("{prefix}{number}"),
    }
}

pub fn comment(dice: &mut Dice, percent: usize) -> Option<String> {
    dice.chance(percent)
        .then(|| format!("it's {}", dice.below(100)))
}

impl Schema {
    pub fn random(dice: &mut Dice) -> Schema {
        let mut schema = Schema::default();
        for _ in 0..dice.below(3) {
            schema.enums.push(Enum::random(dice));
        }
        for _ in 0..dice.below(3) {
            let domain = Domain::random(dice, &schema);
            schema.domains.push(domain);
        }
        for _ in 0..dice.below(2) {
            let composite = Composite::random(dice, &schema);
            schema.composites.push(composite);
        }
        for _ in 0..dice.below(3) {
            schema.functions.push(Function::random(dice));
        }
        for _ in 0..1 + dice.below(4) {
            let table = Table::random(dice, &schema);
            schema.tables.push(table);
        }
        for _ in 0..dice.below(2) {
            let sequence = Sequence::random(dice, &schema);
            schema.sequences.push(sequence);
        }
        for _ in 0..dice.below(4) {
            let view = View::random(dice, &schema);
            schema.views.push(view);
        }
        schema.comment = comment(dice, 10);
        schema
    }

    /// A type that a column can have.
    pub fn kind(&self, dice: &mut Dice) -> String {
        let mut own: Vec<String> = Vec::new();
        own.extend(self.enums.iter().map(|it| it.name.clone()));
        own.extend(self.enums.iter().map(|it| format!("{}[]", it.name)));
        own.extend(self.domains.iter().map(|it| it.name.clone()));
        own.extend(self.composites.iter().map(|it| it.name.clone()));
        if !own.is_empty() && dice.chance(35) {
            return dice.pick(&own).clone();
        }
        let known = &TYPES[..TYPES.len() - 1];
        (*dice.pick(known)).to_owned()
    }

    /// Whether a column can have this type.
    pub fn knows(&self, kind: &str) -> bool {
        let base = kind.trim_end_matches("[]");
        TYPES.contains(&kind)
            || self.enums.iter().any(|it| it.name == base)
            || self.domains.iter().any(|it| it.name == base)
            || self.composites.iter().any(|it| it.name == base)
    }
}

impl Enum {
    pub fn random(dice: &mut Dice) -> Enum {
        let labels = (0..2 + dice.below(4)).map(|at| format!("l{at}"));
        Enum {
            labels: labels.collect(),
            name: name(dice, "mood"),
            comment: comment(dice, 20),
        }
    }
}

impl Domain {
    pub fn random(dice: &mut Dice, schema: &Schema) -> Domain {
        let base = match schema.enums.first() {
            Some(first) if dice.chance(15) => first.name.clone(),
            _ => (*dice.pick(&["integer", "text", "varchar(20)", "bigint"])).to_owned(),
        };
        Domain {
            name: name(dice, "dom"),
            base,
            default: dice.chance(30),
            checks: (0..dice.below(3)).collect(),
        }
    }
}

impl Composite {
    pub fn random(dice: &mut Dice, schema: &Schema) -> Composite {
        let attributes = (0..1 + dice.below(3)).map(|at| format!("a{at}"));
        let mut all = Vec::new();
        for attribute in attributes {
            let kind = match schema.enums.first() {
                Some(first) if dice.chance(15) => first.name.clone(),
                _ => (*dice.pick(&["integer", "text", "date"])).to_owned(),
            };
            all.push((attribute, kind));
        }
        Composite {
            name: name(dice, "comp"),
            attributes: all,
        }
    }
}

impl Sequence {
    pub fn random(dice: &mut Dice, schema: &Schema) -> Sequence {
        let table = dice.pick(&schema.tables);
        let column = dice.pick(&table.columns).name.clone();
        Sequence {
            name: name(dice, "seq"),
            options: sequence_options(dice),
            owner: dice.chance(40).then(|| (table.name.clone(), column)),
        }
    }
}

pub fn sequence_options(dice: &mut Dice) -> String {
    let all = [
        "",
        " INCREMENT BY 2",
        " START WITH 5",
        " AS integer",
        " CYCLE CACHE 7",
        " MAXVALUE 1000",
        " AS smallint INCREMENT BY -1",
    ];
    (*dice.pick(&all)).to_owned()
}

impl Function {
    pub fn random(dice: &mut Dice) -> Function {
        Function {
            name: name(dice, "fun"),
            returns: (*dice.pick(&["integer", "bigint"])).to_owned(),
            adds: dice.below(5),
            standard: dice.chance(30),
            comment: comment(dice, 20),
        }
    }
}

impl Table {
    pub fn random(dice: &mut Dice, schema: &Schema) -> Table {
        let ids = [
            Id::Plain("integer"),
            Id::Plain("bigint"),
            Id::Plain("text"),
            Id::Serial("integer"),
            Id::Serial("bigint"),
            Id::Always("integer"),
            Id::Limited("integer"),
            Id::ByDefault("bigint"),
        ];
        let mut table = Table {
            name: name(dice, "tab"),
            columns: Vec::new(),
            id: *dice.pick(&ids),
            key: dice.chance(80).then(|| name(dice, "pk")),
            uniques: Vec::new(),
            indexes: Vec::new(),
            checks: Vec::new(),
            foreign_keys: Vec::new(),
            triggers: Vec::new(),
            policies: Vec::new(),
            options: Vec::new(),
            row_security: dice.chance(15),
            comment: comment(dice, 20),
            partitions: None,
            child: dice.chance(10),
            statistics: dice.chance(10),
        };
        if dice.chance(15) && matches!(table.id, Id::Plain("integer" | "bigint")) {
            table.partitions = Some((0..dice.below(3)).collect());
        }
        for _ in 0..1 + dice.below(5) {
            let column = Column::random(dice, schema);
            table.columns.push(column);
        }
        for _ in 0..dice.below(7) {
            table.add_part(dice, schema);
        }
        table
    }

    /// Another key, check, foreign key, trigger or policy.
    pub fn add_part(&mut self, dice: &mut Dice, schema: &Schema) {
        let mut columns: Vec<String> = self.columns.iter().map(|it| it.name.clone()).collect();
        columns.push("id".to_owned());
        let column = dice.pick(&columns).clone();
        let other = dice.pick(&columns).clone();
        let function = schema.functions.first().map(|it| it.name.clone());
        let function = function.filter(|_| dice.chance(30));
        match dice.below(8) {
            0 => self.uniques.push(Unique {
                name: name(dice, "uniq"),
                columns: vec![column, other],
                deferrable: dice.chance(20),
            }),
            1 | 2 => self.indexes.push(Index {
                name: name(dice, "idx"),
                columns: vec![column, other],
                how: dice.below(11),
                comment: comment(dice, 15),
            }),
            3 => self.checks.push(Check {
                name: name(dice, "chk"),
                column,
                number: dice.below(5),
                function,
            }),
            4 if !schema.tables.is_empty() => {
                let to = dice.pick(&schema.tables).name.clone();
                self.foreign_keys.push(ForeignKey {
                    name: name(dice, "fk"),
                    column,
                    to,
                    on_delete: dice.pick::<&str>(ACTIONS),
                    deferrable: dice.chance(20),
                });
            }
            5 => self.triggers.push(Trigger {
                name: name(dice, "trg"),
                how: dice.below(5),
                column,
                disabled: dice.chance(15),
            }),
            6 => self.policies.push(Policy {
                name: name(dice, "pol"),
                column,
                how: dice.below(5),
            }),
            _ => self.statistics = !self.statistics,
        }
    }
}

impl Column {
    pub fn random(dice: &mut Dice, schema: &Schema) -> Column {
        let mut from: Vec<String> = schema.functions.iter().map(|it| it.name.clone()).collect();
        from.extend(schema.sequences.iter().map(|it| it.name.clone()));
        let default_from = (!from.is_empty() && dice.chance(15)).then(|| dice.pick(&from).clone());
        Column {
            name: name(dice, "col"),
            kind: schema.kind(dice),
            required: dice.chance(25),
            default: dice.chance(35),
            generated: dice.chance(10).then(|| dice.below(4)),
            default_from,
            comment: comment(dice, 15),
            collation: dice.chance(10),
        }
    }
}

impl View {
    pub fn random(dice: &mut Dice, schema: &Schema) -> View {
        let table = dice.pick(&schema.tables);
        let of = match schema.views.last() {
            Some(view) if dice.chance(30) => view.name.clone(),
            _ => table.name.clone(),
        };
        let columns = table.columns.iter().map(|it| it.name.clone());
        let function = schema.functions.first().map(|it| it.name.clone());
        View {
            name: name(dice, "view"),
            of,
            columns: columns.filter(|_| dice.chance(60)).collect(),
            materialized: dice.chance(25),
            index: dice.chance(50),
            function: function.filter(|_| dice.chance(25)),
            comment: comment(dice, 20),
            barrier: dice.chance(15),
        }
    }
}
