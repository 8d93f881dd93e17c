//! Writes the statements that change the partitions of a table.

use super::alter::statement;
use super::clause;
use crate::model::change::{Alter, DdlStep, Hazard, Pair};
use crate::model::schema::{Partition, Partitions, Table};

/// The statements before the other changes of the table, and those after them.
#[derive(Debug, Default)]
pub struct Around {
    pub before: Vec<DdlStep>,
    pub behind: Vec<DdlStep>,
}

pub fn around(to: &Table, alters: &[Alter]) -> Around {
    let mut around = Around::default();
    let change = alters.iter().find_map(|alter| match alter {
        Alter::Partitions(pair) => Some(pair),
        _ => None,
    });
    let Some(pair) = change else {
        return around;
    };
    let alone = alters.len() == 1;
    match (&pair.from, &pair.to) {
        (Some(_), None) => around.before.push(remove(to)),
        (Some(old), Some(new)) if old.by == new.by && !reshapes(alters) => {
            around.behind = parts(to, old, new);
        }
        (Some(_), Some(new)) => {
            // What the rows were spread by may be what changes.
            if !alone {
                around.before.push(remove(to));
            }
            around.behind.push(spread(to, new));
        }
        (None, Some(new)) => around.behind.push(spread(to, new)),
        (None, None) => {}
    }
    around
}

fn reshapes(alters: &[Alter]) -> bool {
    alters.iter().any(|alter| {
        matches!(
            alter,
            Alter::DropColumn(_) | Alter::ModifyColumn(_) | Alter::ModifyKey(_) | Alter::DropKey(_)
        )
    })
}

fn remove(table: &Table) -> DdlStep {
    let clause = "REMOVE PARTITIONING".to_owned();
    DdlStep::new(table.id(), statement(&table.name, &[clause])).risk(
        Hazard::Rewrite,
        "the server rewrites all rows into one table",
    )
}

fn spread(table: &Table, partitions: &Partitions) -> DdlStep {
    let sql = format!(
        "ALTER TABLE {}\n{}",
        clause::quote(&table.name),
        clause::partitions(partitions)
    );
    let step = DdlStep::new(table.id(), sql);
    let step = step.risk(
        Hazard::Rewrite,
        "the server rewrites all rows into the partitions",
    );
    let holds_all = |part: &Partition| part.sql.contains("MAXVALUE") || part.sql == "DEFAULT";
    if partitions.parts.is_empty() || partitions.parts.iter().any(holds_all) {
        step
    } else {
        step.risk(
            Hazard::MayFail,
            "existing rows may belong to none of the partitions",
        )
    }
}

/// Changes the list of partitions, if the partitioning expression stays.
fn parts(table: &Table, old: &Partitions, new: &Partitions) -> Vec<DdlStep> {
    let listed = |all: &[Partition], others: &[Partition]| -> Vec<Partition> {
        let all = all.iter();
        all.filter(|part| !others.contains(part)).cloned().collect()
    };
    let (gone, come) = (
        listed(&old.parts, &new.parts),
        listed(&new.parts, &old.parts),
    );
    let kept = |parts: &[Partition], without: &[Partition]| -> Vec<Partition> {
        let parts = parts.iter();
        parts
            .filter(|part| !without.contains(part))
            .cloned()
            .collect()
    };
    let in_order = kept(&old.parts, &gone) == kept(&new.parts, &come);
    let at_end = new.parts.ends_with(&come);
    let ranged = old.by.to_uppercase().starts_with("RANGE");
    let simple = in_order && !new.parts.is_empty() && !come.iter().any(is_special);
    if simple && gone.is_empty() && at_end {
        return vec![added(table, &come)];
    }
    // Behind the last bound that stays, and in lists, the rows belong nowhere any more.
    let ends = old.parts.ends_with(&gone);
    if simple && come.is_empty() && (!ranged || ends) && !gone.iter().any(is_special) {
        return vec![dropped(table, &gone)];
    }
    match reorganised(table, old, new) {
        Some(step) if ranged => vec![step],
        _ => vec![spread(table, new)],
    }
}

/// Whether rules of their own apply, as to subpartitions and partitions by system time.
fn is_special(part: &Partition) -> bool {
    let sql = part.sql.to_uppercase();
    sql.contains("SUBPARTITION") || sql.contains("HISTORY") || sql.contains("CURRENT")
}

fn added(table: &Table, come: &[Partition]) -> DdlStep {
    let parts: Vec<String> = come.iter().map(clause::partition).collect();
    let clause = format!("ADD PARTITION ({})", parts.join(", "));
    DdlStep::new(table.id(), statement(&table.name, &[clause]))
}

fn dropped(table: &Table, gone: &[Partition]) -> DdlStep {
    let names: Vec<String> = gone.iter().map(|part| clause::quote(&part.name)).collect();
    let clause = format!("DROP PARTITION {}", names.join(", "));
    DdlStep::new(table.id(), statement(&table.name, &[clause])).risk(
        Hazard::DataLoss,
        format!("the rows of partition {} are lost", names.join(", ")),
    )
}

/// Reorganizes the run of partitions that differ, if both runs end at the same bound.
fn reorganised(table: &Table, old: &Partitions, new: &Partitions) -> Option<DdlStep> {
    let (old, new) = (&old.parts, &new.parts);
    let pairs = old.iter().zip(new);
    let head = pairs.take_while(|(old, new)| old == new).count();
    let pairs = old.iter().rev().zip(new.iter().rev());
    let most = old.len().min(new.len()).checked_sub(head)?;
    let tail = pairs.take_while(|(old, new)| old == new).count().min(most);
    let run = |tail: usize| {
        let gone = old.get(head..old.len().checked_sub(tail)?)?;
        let come = new.get(head..new.len().checked_sub(tail)?)?;
        let last = Pair::new(gone.last()?, come.last()?);
        (last.from.sql == last.to.sql).then_some((gone, come))
    };
    // What loses its upper bound goes into the next partition.
    let (gone, come) = run(tail).or_else(|| run(tail.checked_sub(1)?))?;
    if gone.iter().chain(come).any(is_special) {
        return None;
    }
    let names: Vec<String> = gone.iter().map(|part| clause::quote(&part.name)).collect();
    let parts: Vec<String> = come.iter().map(clause::partition).collect();
    let clause = format!(
        "REORGANIZE PARTITION {} INTO ({})",
        names.join(", "),
        parts.join(", ")
    );
    let step = DdlStep::new(table.id(), statement(&table.name, &[clause]));
    Some(step.risk(
        Hazard::Rewrite,
        "the server rewrites the rows of these partitions",
    ))
}
