//! The brakes: why a plan is refused before anything is written, each with what would lift it.

use crate::model::code::Code;
use time::OffsetDateTime;

use super::plan::{FINISH, Header, Planned, moment};
use crate::model::diagnostic::Diagnostic;
use crate::model::repair::{Action, Hindrance, Obstacle, Totals};

/// Lifts what stops a repair of too much.
pub const MOSTLY: Code = Code::MostlyOrphans;
/// Lifts what stops a repair that does more than it says.
pub const SIDE_EFFECTS: Code = Code::SideEffects;
/// Lifts what stops a repair that cannot be undone.
pub const DATA_LOSS: Code = Code::DataLoss;

/// From so many rows on, [`SHARE`] percent of orphans look like the wrong database; of fewer rows,
/// only more than half do, and more than [`FEW`]: a small table may well have some.
const MANY: u64 = 1000;
const FEW: u64 = 20;
const SHARE: u64 = 5;
const SMALL_SHARE: u64 = 50;
/// A parent table that has lost more than this share of its rows, in percent, since the audit is
/// perhaps another table.
const LOST: u64 = 50;

/// What is seen of one reference's tables before a repair.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// Which server and database the child and the parent are on now.
    pub child: String,
    pub parent: String,
    /// Digests of the tables' columns now.
    pub child_columns: String,
    pub parent_columns: String,
    /// The columns of the child's primary key; none where the engine works one of them out.
    pub primary_key: Vec<String>,
    /// The columns of the child's key that cannot be set to NULL.
    pub not_null: Vec<String>,
    /// A column of the child that is called as one of bird's own.
    pub taken: Option<String>,
    pub obstacles: Vec<Obstacle>,
    /// The parent's rows, counted as far as [`enough`] asks.
    pub parents: u64,
}

/// How many rows of the parent have to be there, so that there is no doubt.
#[must_use]
pub fn enough(totals: &Totals) -> u64 {
    let before = totals.parents.unwrap_or(1);
    before.saturating_mul(100 - LOST).div_ceil(100).max(1)
}

/// Why a plan may not be begun now, or not be finished.
#[must_use]
pub fn expired(header: &Header, now: OffsetDateTime, begun: bool) -> Option<Diagnostic> {
    let end = moment(&header.expires_on)?;
    let end = if begun { end.checked_add(FINISH)? } else { end };
    (now > end).then(|| {
        let message = format!("the plan has expired at {}", header.expires_on);
        Diagnostic::new(Code::PlanExpired, message)
            .note("much may have changed since; nothing was written")
            .hint("make a new one: bird audit --plan FILE")
    })
}

/// Why a reference of a plan is not repaired.
#[must_use]
pub fn brakes(
    planned: &Planned,
    totals: &Totals,
    action: Action,
    seen: &Seen,
    allow: &[String],
) -> Vec<Diagnostic> {
    let mut all = Vec::new();
    places(planned, seen, &mut all);
    shapes(planned, action, seen, &mut all);
    amounts(planned, totals, seen, allow, &mut all);
    all.extend(effects(
        &planned.child.database,
        &planned.from,
        action,
        seen,
        allow,
    ));
    if action == Action::Delete && !is_allowed(allow, DATA_LOSS) {
        let message = format!("{}: rows that are deleted cannot be put back", planned.from);
        let fault = Diagnostic::new(Code::DataLoss, message).database(&planned.child.database);
        let hint = "quarantine keeps them; if they are to be deleted: --allow data-loss";
        all.push(fault.hint(hint));
    }
    all
}

/// Why rows that a table keeps are not deleted for good.
#[must_use]
pub fn purge(database: &str, table: &str, rows: u64, allow: &[String]) -> Option<Diagnostic> {
    if rows == 0 || is_allowed(allow, DATA_LOSS) {
        return None;
    }
    let message = format!("{database}: rows in `{table}` that would be gone for good: {rows}");
    let fault = Diagnostic::new(Code::DataLoss, message).database(database);
    Some(
        fault
            .note("after that, --undo has nothing to put back")
            .hint("if that is wanted: --allow data-loss"),
    )
}

fn is_allowed(allow: &[String], code: Code) -> bool {
    allow.iter().any(|one| one == code.name())
}

/// Whether these are the databases and the tables that the plan was made for.
fn places(planned: &Planned, seen: &Seen, all: &mut Vec<Diagnostic>) {
    let ends = [
        (&planned.child, &seen.child, &seen.child_columns),
        (&planned.parent, &seen.parent, &seen.parent_columns),
    ];
    for (side, identity, columns) in ends {
        let name = &side.database;
        if side.identity != *identity {
            let message = format!("`{name}` is not the database that the plan was made for");
            let fault = Diagnostic::new(Code::OtherDatabase, message).database(name);
            all.push(
                fault
                    .note(format!(
                        "the plan is for {}, this is {identity}",
                        side.identity
                    ))
                    .hint("choose the right --env, or make a new plan: bird audit --plan FILE"),
            );
        } else if side.columns != *columns {
            let message = format!("a table of {} has other columns now", planned.name());
            let fault = Diagnostic::new(Code::TableChanged, message).database(name);
            all.push(fault.hint("make a new plan: bird audit --plan FILE"));
        }
    }
}

/// Whether the rows can be named, kept and changed at all.
fn shapes(planned: &Planned, action: Action, seen: &Seen, all: &mut Vec<Diagnostic>) {
    let from = &planned.from;
    let mut fault = |code, message: String, hint: &str| {
        let fault = Diagnostic::new(code, message).database(&planned.child.database);
        all.push(fault.hint(hint));
    };
    if seen.primary_key.is_empty() || planned.key != seen.primary_key {
        let message =
            format!("{from}: its table has no primary key of columns that rows are known by");
        fault(Code::NoPrimaryKey, message, "give the table a primary key");
    }
    if let Some(column) = &seen.taken {
        let message = format!("{from}: the column `{column}` is called as one of bird's own");
        let hint = "rename it, or delete the rows by hand";
        fault(Code::ColumnTaken, message, hint);
    }
    if action != Action::SetNull {
        return;
    }
    for column in &seen.not_null {
        let message = format!("{from}: `{column}` cannot be set to NULL");
        fault(Code::NotNull, message, "quarantine the rows instead");
    }
    if planned.null == "orphan" {
        let message = format!("{from}: NULL is an orphan as well, as the reference is declared");
        fault(Code::NullOrphan, message, "quarantine the rows instead");
    }
}

/// Whether it looks like the wrong database, or like more than anybody wants.
fn amounts(
    planned: &Planned,
    totals: &Totals,
    seen: &Seen,
    allow: &[String],
    all: &mut Vec<Diagnostic>,
) {
    let (from, to) = (&planned.from, &planned.to);
    if seen.parents == 0 || totals.parents == Some(0) {
        let message = format!("{to}: there is not one parent, so every row would be an orphan");
        let fault = Diagnostic::new(Code::ParentEmpty, message).database(&planned.parent.database);
        all.push(fault.hint("is this the right database? bird repairs nothing here"));
        return;
    }
    let allowed = is_allowed(allow, MOSTLY);
    let hint = format!("if that is right: --allow {MOSTLY}");
    if seen.parents < enough(totals) && !allowed {
        let before = totals.parents.unwrap_or_default();
        let message = format!(
            "{to}: there are {} parents, and at the audit there were {before}",
            seen.parents
        );
        let fault = Diagnostic::new(Code::ParentShrunk, message).database(&planned.parent.database);
        all.push(fault.hint(&hint));
    }
    let limit = if totals.rows >= MANY {
        SHARE
    } else {
        SMALL_SHARE
    };
    let orphans = totals.orphan_rows.saturating_mul(100);
    let believable = totals.rows < MANY && totals.orphan_rows <= FEW;
    if orphans > totals.rows.saturating_mul(limit) && !believable && !allowed {
        let message = format!(
            "{from}: {} of {} rows are orphans, more than {limit} %",
            totals.orphan_rows, totals.rows
        );
        let fault = Diagnostic::new(Code::MostlyOrphans, message);
        let fault = fault.database(&planned.child.database);
        all.push(
            fault
                .note("so many look like the wrong database or a parent table that was emptied")
                .hint(hint),
        );
    }
}

/// What a statement on the table would do beside what it says.
#[must_use]
pub fn effects(
    database: &str,
    from: &str,
    action: Action,
    seen: &Seen,
    allow: &[String],
) -> Vec<Diagnostic> {
    let mut all = Vec::new();
    for obstacle in &seen.obstacles {
        let name = &obstacle.name;
        let (why, liftable) = match (obstacle.kind, action) {
            (Hindrance::NotTable, _) => (format!("it is a {name}"), false),
            (Hindrance::Untransactional, _) => {
                (format!("its engine {name} cannot roll back"), false)
            }
            (Hindrance::Inherited, _) => (format!("{name} inherits from it"), false),
            (Hindrance::Rule, _) => (format!("the rule {name} rewrites statements"), false),
            (Hindrance::DeleteTrigger, Action::Quarantine | Action::Delete) => (
                format!("the trigger {name} would run for each row that is taken out"),
                true,
            ),
            (Hindrance::InsertTrigger, Action::Quarantine) => (
                format!("the trigger {name} would run for each row that is put back"),
                true,
            ),
            (Hindrance::DeleteCascade, Action::Quarantine | Action::Delete) => (
                format!("{name}: rows that point to its rows would go along"),
                true,
            ),
            (Hindrance::UpdateCascade, Action::SetNull) => (
                format!("{name}: rows that point to its rows would change along"),
                true,
            ),
            _ => continue,
        };
        if liftable && is_allowed(allow, SIDE_EFFECTS) {
            continue;
        }
        let fault = Diagnostic::new(Code::SideEffects, format!("{from}: {why}")).database(database);
        all.push(if liftable {
            fault
                .note("what that does is not undone by bird")
                .hint(format!("if that is wanted: --allow {SIDE_EFFECTS}"))
        } else {
            fault.hint("bird repairs nothing there; do it by hand")
        });
    }
    all
}

#[cfg(test)]
mod tests;
