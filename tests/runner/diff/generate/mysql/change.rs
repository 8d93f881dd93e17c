//! Random changes.

use super::super::Dice;
use super::World;
use super::column::Column;
use super::table::{Foreign, OPTIONS, PARTITIONS, Table};

impl World {
    pub fn change(&mut self, dice: &mut Dice) {
        match dice.below(20) {
            0 => self.add_table(dice),
            1 if self.tables.len() > 1 => {
                let at = dice.below(self.tables.len());
                self.tables.remove(at);
            }
            2 => self.add_view(dice),
            3 => drop_one(dice, &mut self.views),
            4 => self.change_view(dice),
            5 => self.add_trigger(dice),
            6 => drop_one(dice, &mut self.triggers),
            7 => self.add_program(dice),
            8 => drop_one(dice, &mut self.routines),
            9 => {
                drop_one(dice, &mut self.events);
                drop_one(dice, &mut self.sequences);
            }
            10 => {
                for (_, sql) in self.routines.iter_mut().chain(&mut self.events) {
                    *sql = sql.replace('1', "2");
                }
            }
            11 => {
                let at = dice.below(self.triggers.len());
                if !self.triggers.is_empty() {
                    let trigger = self.triggers.remove(at);
                    let to = dice.below(self.triggers.len() + 1);
                    self.triggers.insert(to, trigger);
                }
            }
            12 if dice.chance(50) => self.connection = *dice.pick(super::CONNECTIONS),
            12 => self.collation = *dice.pick(super::COLLATIONS),
            _ => {
                let at = dice.below(self.tables.len());
                self.change_table(dice, at);
            }
        }
    }

    fn change_view(&mut self, dice: &mut Dice) {
        let at = dice.below(self.views.len());
        if let Some(view) = self.views.get_mut(at) {
            view.query = format!("SELECT id, {} AS n FROM {}", dice.below(9), view.from);
        }
    }

    fn change_table(&mut self, dice: &mut Dice, at: usize) {
        let mut table = self.tables[at].clone();
        for _ in 0..=dice.below(3) {
            match dice.below(17) {
                0 | 1 => {
                    let name = self.name("c");
                    let place = dice.below(table.columns.len() + 1);
                    let mut column = Column::new(dice, name);
                    column.fresh = true;
                    table.columns.insert(place, column);
                }
                2 => drop_one(dice, &mut table.columns),
                3 if !table.columns.is_empty() => {
                    let from = dice.below(table.columns.len());
                    let column = table.columns.remove(from);
                    let to = dice.below(table.columns.len() + 1);
                    table.columns.insert(to, column);
                }
                4..=7 => change_column(dice, &mut table),
                8 => table.add_key(dice, self),
                9 => drop_one(dice, &mut table.keys),
                10 => {
                    let name = self.name("k");
                    if let Some(key) = table.keys.first_mut() {
                        key.name = name;
                    }
                }
                11 => table.add_check(dice, self),
                12 => drop_one(dice, &mut table.checks),
                13 => {
                    drop_one(dice, &mut table.options);
                    if dice.chance(50) {
                        table.options.push(*dice.pick(OPTIONS));
                    }
                }
                14 => table.partitions = dice.chance(60).then(|| *dice.pick(PARTITIONS)),
                15 => change_whole(dice, &mut table, self.is_maria),
                16 if dice.chance(60) => {
                    let name = dice.chance(60).then(|| self.name("f"));
                    if let Some(foreign) = table.foreign.first_mut() {
                        foreign.name = name;
                        foreign.actions = *dice.pick(&["", "ON DELETE CASCADE"]);
                    }
                }
                _ => drop_one(dice, &mut table.foreign),
            }
        }
        self.tables[at] = table;
        if dice.chance(20) {
            self.add_foreign(dice, at);
        }
    }

    pub fn add_foreign(&mut self, dice: &mut Dice, at: usize) {
        const ACTIONS: &[&str] = &[
            "",
            "ON DELETE CASCADE",
            "ON DELETE SET NULL",
            "ON UPDATE CASCADE",
        ];
        let to = dice.pick(&self.tables).name.clone();
        let name = dice.chance(60).then(|| self.name("f"));
        let table = &self.tables[at];
        // Some share a column.
        let column = match table.foreign.first() {
            Some(first) if first.to == to && dice.chance(20) => first.column.clone(),
            _ => self.name("l"),
        };
        let actions = *dice.pick(ACTIONS);
        self.tables[at].foreign.push(Foreign {
            name,
            column,
            to,
            actions,
        });
    }
}

fn drop_one<T>(dice: &mut Dice, all: &mut Vec<T>) {
    if !all.is_empty() {
        all.remove(dice.below(all.len()));
    }
}

fn change_column(dice: &mut Dice, table: &mut Table) {
    let at = dice.below(table.columns.len());
    let Some(column) = table.columns.get_mut(at) else {
        return;
    };
    match dice.below(7) {
        0 => column.vary_type(dice),
        1 => column.vary_default(dice),
        2 => {
            column.nullable = !column.nullable;
            column.vary_default(dice);
        }
        3 => column.comment = dice.chance(50).then(|| "new".to_owned()),
        4 => column.vary_characters(dice),
        5 => column.invisible = !column.invisible,
        _ if column.family == super::column::Family::Number => column.vary_generated(dice),
        _ => {}
    }
}

fn change_whole(dice: &mut Dice, table: &mut Table, is_maria: bool) {
    match dice.below(5) {
        4 => table.compound = !table.compound,
        0 => table.counts = !table.counts,
        1 => table.primary = !table.primary,
        2 => {
            table.id = if table.id == "INT" {
                "BIGINT UNSIGNED"
            } else {
                "BIGINT"
            }
        }
        _ => table.versioned = is_maria && !table.versioned,
    }
}
