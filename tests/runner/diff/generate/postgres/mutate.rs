//! Small changes of a schema.

use super::Dice;
use super::model::{
    Column, Composite, Domain, Enum, Function, Id, Schema, Sequence, Table, View, comment, name,
    sequence_options,
};

/// One change, of which some do nothing.
pub fn mutate(dice: &mut Dice, schema: &mut Schema) {
    match dice.below(15) {
        0 | 1 => types(dice, schema),
        2 => functions(dice, schema),
        3 => views(dice, schema),
        4 => sequences(dice, schema),
        5 => {
            let table = Table::random(dice, schema);
            schema.tables.push(table);
        }
        6 => {
            if schema.tables.len() > 1 {
                let at = dice.below(schema.tables.len());
                schema.tables.remove(at);
            }
        }
        7 => schema.comment = comment(dice, 50),
        _ => table(dice, schema),
    }
}

fn types(dice: &mut Dice, schema: &mut Schema) {
    match dice.below(9) {
        0 => schema.enums.push(Enum::random(dice)),
        1 => {
            let domain = Domain::random(dice, schema);
            schema.domains.push(domain);
        }
        2 => {
            let composite = Composite::random(dice, schema);
            schema.composites.push(composite);
        }
        3 if !schema.enums.is_empty() => {
            let at = dice.below(schema.enums.len());
            schema.enums.remove(at);
        }
        4 if !schema.domains.is_empty() => {
            let at = dice.below(schema.domains.len());
            match dice.below(4) {
                0 => drop(schema.domains.remove(at)),
                1 => schema.domains[at].checks = (0..dice.below(3)).collect(),
                2 => schema.domains[at].default = !schema.domains[at].default,
                _ => "bigint".clone_into(&mut schema.domains[at].base),
            }
        }
        5 if !schema.composites.is_empty() => {
            let attributes = &mut schema.composites[0].attributes;
            match dice.below(3) {
                0 => attributes.push((format!("b{}", dice.below(99)), "text".to_owned())),
                1 => "bigint".clone_into(&mut attributes[0].1),
                _ => attributes.reverse(),
            }
        }
        _ if !schema.enums.is_empty() => {
            let at = dice.below(schema.enums.len());
            let labels = &mut schema.enums[at].labels;
            let place = dice.below(labels.len() + 1);
            match dice.below(5) {
                0 if labels.len() > 1 => drop(labels.pop()),
                1 => labels.reverse(),
                _ => labels.insert(place, format!("n{}", dice.below(1000))),
            }
        }
        _ => {}
    }
}

fn functions(dice: &mut Dice, schema: &mut Schema) {
    if schema.functions.is_empty() || dice.chance(20) {
        schema.functions.push(Function::random(dice));
        return;
    }
    let at = dice.below(schema.functions.len());
    let function = &mut schema.functions[at];
    match dice.below(4) {
        0 => function.adds += 1,
        1 => "numeric".clone_into(&mut function.returns),
        2 => function.standard = !function.standard,
        _ => drop(schema.functions.remove(at)),
    }
}

fn views(dice: &mut Dice, schema: &mut Schema) {
    if schema.views.is_empty() || dice.chance(25) {
        let view = View::random(dice, schema);
        schema.views.push(view);
        return;
    }
    let at = dice.below(schema.views.len());
    let view = &mut schema.views[at];
    match dice.below(7) {
        0 => drop(schema.views.remove(at)),
        1 => drop(view.columns.pop()),
        2 => view.materialized = !view.materialized,
        3 => view.comment = comment(dice, 50),
        4 => view.barrier = !view.barrier,
        5 => view.index = !view.index,
        _ => {
            let table = schema.tables.iter().find(|table| table.name == view.of);
            let columns = table.map(|table| &table.columns);
            let new = columns.and_then(|columns| columns.last());
            view.columns.extend(new.map(|column| column.name.clone()));
            view.columns.dedup();
        }
    }
}

fn sequences(dice: &mut Dice, schema: &mut Schema) {
    if schema.sequences.is_empty() || dice.chance(20) {
        let sequence = Sequence::random(dice, schema);
        schema.sequences.push(sequence);
        return;
    }
    match dice.below(3) {
        0 => schema.sequences[0].options = sequence_options(dice),
        1 => schema.sequences[0].owner = None,
        _ => drop(schema.sequences.remove(0)),
    }
}

fn table(dice: &mut Dice, schema: &mut Schema) {
    let known = schema.clone();
    let at = dice.below(schema.tables.len());
    let table = &mut schema.tables[at];
    match dice.below(16) {
        0 | 1 => {
            let column = Column::random(dice, &known);
            let place = dice.below(table.columns.len() + 1);
            table.columns.insert(place, column);
        }
        2 => {
            if table.columns.len() > 1 {
                let at = dice.below(table.columns.len());
                table.columns.remove(at);
            }
        }
        3..=7 => column(dice, &known, table),
        8 | 9 => table.add_part(dice, &known),
        10 | 11 => part(dice, table),
        12 => {
            table.id = *dice.pick(&[
                Id::Plain("integer"),
                Id::Serial("integer"),
                Id::Serial("bigint"),
                Id::Always("integer"),
                Id::ByDefault("bigint"),
                Id::Always("bigint"),
                Id::Limited("integer"),
                Id::Limited("bigint"),
            ]);
            if table.partitions.is_some() {
                table.id = Id::Plain("integer");
            }
        }
        13 => table.key = dice.chance(60).then(|| name(dice, "pk")),
        14 => match dice.below(4) {
            0 => table.comment = comment(dice, 60),
            1 => table.row_security = !table.row_security,
            2 => table.options = vec![*dice.pick(&["fillfactor=70", "autovacuum_enabled=false"])],
            _ => table.child = !table.child,
        },
        _ => {
            if let Some(partitions) = &mut table.partitions {
                match dice.below(2) {
                    0 => drop(partitions.pop()),
                    _ => partitions.push(10 + dice.below(50)),
                }
                partitions.sort_unstable();
                partitions.dedup();
            }
        }
    }
}

fn column(dice: &mut Dice, known: &Schema, table: &mut Table) {
    let at = dice.below(table.columns.len());
    let column = &mut table.columns[at];
    match dice.below(9) {
        0..=2 => column.kind = known.kind(dice),
        3 => column.required = !column.required,
        4 => column.default = !column.default,
        5 => column.comment = comment(dice, 60),
        6 => column.generated = dice.chance(50).then(|| dice.below(9)),
        7 => column.collation = !column.collation,
        _ => column.default_from = None,
    }
}

fn part(dice: &mut Dice, table: &mut Table) {
    match dice.below(7) {
        0 => match table.indexes.first_mut() {
            Some(index) if dice.chance(40) => index.how = dice.below(11),
            Some(index) if dice.chance(30) => index.name = name(dice, "idx"),
            Some(index) if dice.chance(30) => index.comment = comment(dice, 50),
            _ => drop(table.indexes.pop()),
        },
        1 => match table.uniques.first_mut() {
            Some(unique) if dice.chance(30) => unique.deferrable = !unique.deferrable,
            Some(unique) if dice.chance(30) => unique.name = name(dice, "uniq"),
            _ => drop(table.uniques.pop()),
        },
        2 => match table.checks.first_mut() {
            Some(check) if dice.chance(50) => check.number += 1,
            Some(check) if dice.chance(30) => check.name = name(dice, "chk"),
            _ => drop(table.checks.pop()),
        },
        3 => match table.foreign_keys.first_mut() {
            Some(key) if dice.chance(30) => key.on_delete = "CASCADE",
            Some(key) if dice.chance(30) => key.deferrable = !key.deferrable,
            Some(key) if dice.chance(30) => key.name = name(dice, "fk"),
            _ => drop(table.foreign_keys.pop()),
        },
        4 => match table.triggers.first_mut() {
            Some(trigger) if dice.chance(40) => trigger.how = dice.below(5),
            Some(trigger) if dice.chance(40) => trigger.disabled = !trigger.disabled,
            _ => drop(table.triggers.pop()),
        },
        _ => match table.policies.first_mut() {
            Some(policy) if dice.chance(60) => policy.how = dice.below(5),
            _ => drop(table.policies.pop()),
        },
    }
}
