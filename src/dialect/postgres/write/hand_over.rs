//! Positions of sequences: a sequence that takes over a column goes on where the one before it
//! stands, else after the highest value of the column.

use super::clause::{quote, text};
use super::columns::bounds;
use crate::model::change::DdlStep;
use crate::model::schema::{Column, Id, Kind, Options, Schema};

/// What numbers the rows of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Numbering {
    sequence: String,
    /// Whether the sequence belongs to an identity.
    identity: bool,
    options: Options,
    /// The type of the sequence.
    kind: String,
}

/// Adds the statements that hand positions over to steps that lead from one schema to another.
pub fn hand_over(steps: &mut Vec<DdlStep>, old: &Schema, new: &Schema) {
    let mut aside = Vec::new();
    for table in &new.tables {
        let Some(before) = old.table(&table.name) else {
            continue;
        };
        for column in &table.columns {
            let Some(numbering) = numbering(new, &table.name, column) else {
                continue;
            };
            let Some(was) = before.column(&column.name) else {
                continue;
            };
            let earlier = self::numbering(old, &table.name, was);
            let place = Place {
                table: &table.name,
                column,
                only: false,
            };
            if earlier
                .as_ref()
                .is_some_and(|earlier| stays(earlier, &numbering))
            {
                // Its numbers from before the new bounds may have been used already.
                let at = place.restarted(steps, &numbering);
                if let Some(at) = at {
                    catch_up(steps, &place, &numbering, at);
                }
                continue;
            }
            match earlier.filter(|earlier| earlier.is_upward() == numbering.is_upward()) {
                Some(earlier) => {
                    take_over(steps, &mut aside, (old, new), &place, &earlier, &numbering)
                }
                None if is_kept(old, &numbering) => {}
                None => {
                    if let Some(at) = place.numbered(steps, &numbering) {
                        catch_up(steps, &place, &numbering, at);
                    }
                }
            }
        }
    }
    steps.splice(0..0, aside);
}

/// The name of the sequence that numbers a column.
pub fn numbering_sequence(schema: &Schema, table: &str, column: &str) -> Option<String> {
    let column = schema.table(table)?.column(column)?;
    numbering(schema, table, column).map(|numbering| numbering.sequence)
}

/// Whether a column keeps its sequence.
fn stays(earlier: &Numbering, now: &Numbering) -> bool {
    earlier.identity == now.identity && (now.identity || earlier.sequence == now.sequence)
}

/// Whether a sequence of the new schema is in the old one too: it has a position of its own.
fn is_kept(old: &Schema, numbering: &Numbering) -> bool {
    !numbering.identity && sequence(old, &numbering.sequence).is_some()
}

fn sequence<'s>(schema: &'s Schema, name: &str) -> Option<&'s crate::model::schema::Object> {
    let mut objects = schema.objects.iter();
    objects.find(|object| object.kind == Kind::Sequence && object.name == name)
}

/// What numbers a column: its identity, or a default that is nothing but the next value of a
/// sequence of the schema.
fn numbering(schema: &Schema, table: &str, column: &Column) -> Option<Numbering> {
    if !matches!(column.sql.as_str(), "smallint" | "integer" | "bigint") {
        return None;
    }
    if column.identity.is_some() {
        let options = column.options.iter().filter_map(|(name, value)| {
            let name = name.strip_prefix("sequence ")?;
            Some((name.to_owned(), value.clone()))
        });
        let options: Options = options.collect();
        let usual = || format!("{table}_{}_seq", column.name);
        return Some(Numbering {
            sequence: options.get("name").cloned().unwrap_or_else(usual),
            identity: true,
            options,
            kind: column.sql.clone(),
        });
    }
    let default = column.default.as_deref()?.strip_prefix("nextval('")?;
    let (named, rest) = default.split_once("'::regclass)")?;
    (rest.is_empty() || rest.starts_with("::")).then_some(())?;
    let mut needs = column.needs.0.iter();
    let plain = |name: &str| name == named || quote(name).replace('\'', "''") == named;
    let need = needs.find(|need| need.kind == Kind::Sequence && plain(&need.name))?;
    let object = sequence(schema, &need.name)?;
    Some(Numbering {
        sequence: need.name.clone(),
        identity: false,
        options: object.options.clone(),
        kind: object
            .options
            .get("type")
            .cloned()
            .unwrap_or("bigint".to_owned()),
    })
}

impl Numbering {
    fn is_upward(&self) -> bool {
        let increment = self.options.get("increment");
        !increment.is_some_and(|increment| increment.starts_with('-'))
    }

    /// The least and the greatest value.
    fn bounds(&self) -> (i64, i64) {
        let (low, high) = bounds(&self.kind, !self.is_upward());
        let number = |name: &str| self.options.get(name)?.parse().ok();
        let low = number("minimum").unwrap_or(low);
        (low, number("maximum").unwrap_or(high))
    }
}

/// A column whose numbering changes.
struct Place<'p> {
    table: &'p str,
    column: &'p Column,
    only: bool,
}

impl Place<'_> {
    /// The beginning of a statement that alters the column.
    fn alter(&self) -> String {
        let only = if self.only { "ONLY " } else { "" };
        let (table, column) = (quote(self.table), quote(&self.column.name));
        format!("ALTER TABLE {only}{table} ALTER COLUMN {column}")
    }

    /// The step after which the new sequence is there and numbers the column.
    fn numbered(&self, steps: &[DdlStep], numbering: &Numbering) -> Option<usize> {
        let clause = if numbering.identity {
            " ADD GENERATED"
        } else {
            " SET DEFAULT"
        };
        self.step(steps, clause)
    }

    /// The step that lets its sequence begin again.
    fn restarted(&self, steps: &[DdlStep], numbering: &Numbering) -> Option<usize> {
        let all = [false, true].map(|only| Place { only, ..*self }.alter() + " ");
        let sequence = format!("ALTER SEQUENCE {} ", quote(&numbering.sequence));
        steps.iter().position(|step| {
            let mut words = step.sql.split(' ');
            let is_about = |begin: &String| step.sql.starts_with(begin);
            words.any(|word| word == "RESTART") && all.iter().chain([&sequence]).any(is_about)
        })
    }

    fn step(&self, steps: &[DdlStep], clause: &str) -> Option<usize> {
        let all = [false, true].map(|only| Place { only, ..*self }.alter() + clause);
        steps
            .iter()
            .position(|step| all.iter().any(|begin| step.sql.starts_with(begin)))
    }

    fn say(&self, sql: String) -> DdlStep {
        DdlStep::new(Id::table(self.table), sql)
    }
}

/// A new sequence, as an argument of `setval`. `pg_get_serial_sequence` might give the old one, which
/// the column may own as well.
fn named(numbering: &Numbering) -> String {
    text(&quote(&numbering.sequence))
}

/// A sequence that none precedes continues after the highest value, or the lowest if it counts down.
/// `at` is the step that makes it.
fn catch_up(steps: &mut Vec<DdlStep>, place: &Place<'_>, numbering: &Numbering, at: usize) {
    let (on, own) = (quote(place.table), quote(&place.column.name));
    let (low, high) = numbering.bounds();
    let start = numbering.options.get("start");
    let start: Option<i64> = start.and_then(|start| start.parse().ok());
    let sequence = named(numbering);
    let condition = if numbering.is_upward() {
        match start.unwrap_or(low) {
            1 => format!("max({own}) > 0"),
            start => format!("max({own}) >= {start}"),
        }
    } else {
        format!("min({own}) <= {}", start.unwrap_or(high))
    };
    let furthest = if numbering.is_upward() { "max" } else { "min" };
    let sql = format!("SELECT setval({sequence}, {furthest}({own})) FROM {on} HAVING {condition}");
    steps.insert(at + 1, place.say(sql));
}

/// The new sequence takes the position of the old one, which is dropped only then.
fn take_over(
    steps: &mut Vec<DdlStep>,
    aside: &mut Vec<DdlStep>,
    (old, new): (&Schema, &Schema),
    place: &Place<'_>,
    earlier: &Numbering,
    now: &Numbering,
) {
    let drops_identity = place.step(steps, " DROP IDENTITY").is_some();
    let is_written = place.numbered(steps, now).is_some() && drops_identity == earlier.identity;
    if is_kept(old, now) || !is_written {
        return;
    }
    let is_dropped = earlier.identity || sequence(new, &earlier.sequence).is_none();
    let mut from = earlier.sequence.clone();
    if is_dropped && is_named(new, &earlier.sequence) {
        from = renamed_aside(steps, aside, (old, new), &earlier.sequence);
    }
    let (low, high) = now.bounds();
    let within = if (low, high) == earlier.bounds() {
        String::new()
    } else {
        format!(" WHERE last_value BETWEEN {low} AND {high}")
    };
    let set = place.say(format!(
        "SELECT setval({}, last_value, is_called) FROM {}{within}",
        named(now),
        quote(&from)
    ));
    if earlier.identity {
        // A column with an identity takes no default, and the old sequence goes with the identity.
        let Some(dropped) = place.step(steps, " DROP IDENTITY") else {
            return;
        };
        let dropped = steps.remove(dropped);
        let created = steps.iter().position(|step| {
            step.about.kind == Kind::Sequence
                && step.about.name == now.sequence
                && step.sql.starts_with("CREATE ")
        });
        let behind = created.map_or(0, |at| at + 1);
        steps.splice(behind..behind, [set, dropped]);
        return;
    }
    let Some(at) = place.numbered(steps, now) else {
        return;
    };
    steps.insert(at + 1, set);
    let drop = format!("DROP SEQUENCE {}", quote(&from));
    if let Some(dropped) = steps.iter().take(at).position(|step| step.sql == drop) {
        let dropped = steps.remove(dropped);
        steps.insert(at + 1, dropped);
    }
}

/// Whether something of the schema has this name.
fn is_named(schema: &Schema, name: &str) -> bool {
    let numbers = schema.tables.iter().flat_map(|table| {
        let columns = table.columns.iter();
        columns.filter_map(|column| numbering(schema, &table.name, column))
    });
    schema.table(name).is_some()
        || schema.objects.iter().any(|object| object.name == name)
        || numbers
            .into_iter()
            .any(|numbering| numbering.sequence == name)
}

/// Gives a sequence that goes another name, so that its own is free; returns that name.
fn renamed_aside(
    steps: &mut [DdlStep],
    aside: &mut Vec<DdlStep>,
    (old, new): (&Schema, &Schema),
    name: &str,
) -> String {
    let from = quote(name);
    let rename = format!("ALTER SEQUENCE {from} RENAME TO ");
    let known = aside.iter().find_map(|step| step.sql.strip_prefix(&rename));
    if let Some(known) = known {
        return known.trim_matches('"').to_owned();
    }
    let mut to = String::new();
    for number in aside.len().. {
        to = format!("bird_old_sequence_{number}");
        if !is_named(old, &to) && !is_named(new, &to) {
            break;
        }
    }
    let id = Id::new(Kind::Sequence, name);
    aside.push(DdlStep::new(id, format!("{rename}{}", quote(&to))));
    let drop = format!("DROP SEQUENCE {from}");
    if let Some(step) = steps.iter_mut().find(|step| step.sql == drop) {
        step.sql = format!("DROP SEQUENCE {}", quote(&to));
    }
    to
}
