//! Safety checks: the reasons to refuse a plan before anything is written, each with the consent
//! that lifts it.

use time::{Duration, OffsetDateTime};

use super::plan::{FINISH, Header, PlannedReference, VALID, moment};
use crate::model::code::Code;
use crate::model::diagnostic::Diagnostic;
use crate::model::repair::{Action, Hindrance, Obstacle, Totals};

/// How far the clocks of two machines may differ.
const SKEW: Duration = Duration::minutes(5);

/// The consent to repairing suspiciously many rows.
pub const MOSTLY: Code = Code::MostlyOrphans;
/// The consent to side effects.
pub const SIDE_EFFECTS: Code = Code::SideEffects;
/// The consent to a repair that cannot be undone.
pub const DATA_LOSS: Code = Code::DataLoss;

/// The number of rows from which [`SHARE`] percent of orphans look like the wrong database. In
/// smaller tables, more than half and more than [`FEW`] do.
const MANY: u64 = 1000;
const FEW: u64 = 20;
const SHARE: u64 = 5;
const SMALL_SHARE: u64 = 50;
/// The percentage of rows whose loss since the audit suggests that a parent table is a different
/// one.
const LOST: u64 = 50;

/// Facts about the tables of one reference.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableFacts {
    /// The current server and database of the child and the parent.
    pub child: String,
    pub parent: String,
    /// The current digests of their columns.
    pub child_columns: String,
    pub parent_columns: String,
    /// The columns of the primary key of the child; empty if one of them is generated.
    pub primary_key: Vec<String>,
    /// The columns of the child's key that cannot be set to NULL.
    pub not_null: Vec<String>,
    /// A column of the child with a name that bird needs.
    pub taken: Option<String>,
    pub obstacles: Vec<Obstacle>,
    /// The number of parents, counted up to [`enough`].
    pub parents: u64,
}

/// The number of parents that leaves no doubt.
#[must_use]
pub fn enough(totals: &Totals) -> u64 {
    let before = totals.parents.unwrap_or(1);
    before.saturating_mul(100 - LOST).div_ceil(100).max(1)
}

/// The reason why a plan cannot be begun or finished any more.
#[must_use]
pub fn expired(header: &Header, now: OffsetDateTime, begun: bool) -> Option<Diagnostic> {
    let made = moment(&header.made_on);
    if !begun && made.is_some_and(|made| made > now.saturating_add(SKEW)) {
        let message = format!(
            "the plan was made at {}, which is in the future of this machine's clock",
            header.made_on
        );
        return Some(
            Diagnostic::new(Code::PlanExpired, message)
                .note("how old the plan is cannot be told; nothing was written")
                .hint("set the clocks, and make a new plan: bird audit --plan FILE"),
        );
    }
    // An edited time does not make a plan valid for longer.
    let latest = made.and_then(|made| made.checked_add(VALID));
    let end = moment(&header.expires_on).min(latest);
    let end = if begun {
        end.and_then(|end| end.checked_add(FINISH))
    } else {
        end
    };
    // A time that cannot be read has not yet to come.
    end.is_none_or(|end| now > end).then(|| {
        let message = format!("the plan has expired at {}", header.expires_on);
        Diagnostic::new(Code::PlanExpired, message)
            .note("data may have changed since then; nothing was written")
            .hint("make a new one: bird audit --plan FILE")
    })
}

/// The reasons not to repair a reference.
#[must_use]
pub fn safety_checks(
    planned: &PlannedReference,
    totals: &Totals,
    action: Action,
    facts: &TableFacts,
    allow: &[String],
) -> Vec<Diagnostic> {
    let mut all = Vec::new();
    databases(planned, facts, &mut all);
    rows(planned, action, facts, &mut all);
    amounts(planned, totals, facts, allow, &mut all);
    all.extend(side_effects(
        &planned.child.database,
        &planned.from,
        action,
        facts,
        allow,
    ));
    if action == Action::Delete && !is_allowed(allow, DATA_LOSS) {
        let message = format!("{}: deleted rows cannot be restored", planned.from);
        let fault = Diagnostic::new(Code::DataLoss, message).database(&planned.child.database);
        let hint = "use quarantine to keep them; to delete them: --allow data-loss";
        all.push(fault.hint(hint).consent(DATA_LOSS));
    }
    all
}

/// The reason not to delete quarantined rows for good.
#[must_use]
pub fn purge(database: &str, table: &str, rows: u64, allow: &[String]) -> Option<Diagnostic> {
    if rows == 0 || is_allowed(allow, DATA_LOSS) {
        return None;
    }
    let message = format!("{database}: rows of `{table}` that would be deleted for good: {rows}");
    let fault = Diagnostic::new(Code::DataLoss, message).database(database);
    Some(
        fault
            .note("afterwards --undo has nothing to restore")
            .hint("if this is intended: --allow data-loss")
            .consent(DATA_LOSS),
    )
}

fn is_allowed(allow: &[String], code: Code) -> bool {
    allow.iter().any(|one| one == code.name())
}

/// Checks that the databases and tables are those of the plan.
fn databases(planned: &PlannedReference, facts: &TableFacts, all: &mut Vec<Diagnostic>) {
    let ends = [
        (&planned.child, &facts.child, &facts.child_columns),
        (&planned.parent, &facts.parent, &facts.parent_columns),
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
            let message = format!("a table of {} has different columns now", planned.name());
            let fault = Diagnostic::new(Code::TableChanged, message).database(name);
            all.push(fault.hint("make a new plan: bird audit --plan FILE"));
        }
    }
}

/// Checks that the rows can be identified, quarantined and changed.
fn rows(planned: &PlannedReference, action: Action, facts: &TableFacts, all: &mut Vec<Diagnostic>) {
    let from = &planned.from;
    let mut fault = |code, message: String, hint: &str| {
        let fault = Diagnostic::new(code, message).database(&planned.child.database);
        all.push(fault.hint(hint));
    };
    if facts.primary_key.is_empty() || planned.key != facts.primary_key {
        let message = format!("{from}: its table has no primary key that identifies rows");
        fault(Code::NoPrimaryKey, message, "give the table a primary key");
    }
    if let Some(column) = &facts.taken {
        let message =
            format!("{from}: the column `{column}` has the name of one of bird's own columns");
        let hint = "rename it, or delete the rows by hand";
        fault(Code::ColumnTaken, message, hint);
    }
    if action != Action::SetNull {
        return;
    }
    for column in &facts.not_null {
        let message = format!("{from}: `{column}` cannot be set to NULL");
        fault(Code::NotNull, message, "quarantine the rows instead");
    }
    if planned.null == "orphan" {
        let message = format!("{from}: the reference counts NULL as an orphan too");
        fault(Code::NullOrphan, message, "quarantine the rows instead");
    }
}

/// Checks that the number of orphans is plausible.
fn amounts(
    planned: &PlannedReference,
    totals: &Totals,
    facts: &TableFacts,
    allow: &[String],
    all: &mut Vec<Diagnostic>,
) {
    let (from, to) = (&planned.from, &planned.to);
    if facts.parents == 0 || totals.parents == Some(0) {
        let message = format!("{to}: the parent table is empty, so every row would be an orphan");
        let fault = Diagnostic::new(Code::ParentEmpty, message).database(&planned.parent.database);
        all.push(fault.hint("check that this is the right database; nothing was repaired"));
        return;
    }
    let allowed = is_allowed(allow, MOSTLY);
    let hint = format!("if this is intended: --allow {MOSTLY}");
    if facts.parents < enough(totals) && !allowed {
        let before = totals.parents.unwrap_or_default();
        let message = format!(
            "{to}: there are {} parents now, but {before} at the audit",
            facts.parents
        );
        let fault = Diagnostic::new(Code::ParentShrunk, message).database(&planned.parent.database);
        all.push(fault.hint(&hint).consent(MOSTLY));
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
                .note("this may be the wrong database, or a parent table that was emptied")
                .hint(hint)
                .consent(MOSTLY),
        );
    }
}

/// The side effects of the statements of a repair.
#[must_use]
pub fn side_effects(
    database: &str,
    from: &str,
    action: Action,
    facts: &TableFacts,
    allow: &[String],
) -> Vec<Diagnostic> {
    let mut all = Vec::new();
    for obstacle in &facts.obstacles {
        let name = &obstacle.name;
        let (why, liftable) = match (obstacle.kind, action) {
            (Hindrance::NotTable, _) => (format!("it is a {name}"), false),
            (Hindrance::Untransactional, _) => {
                (format!("its engine {name} cannot roll back"), false)
            }
            (Hindrance::Inherited, _) => (format!("{name} inherits from it"), false),
            (Hindrance::Rule, _) => (format!("the rule {name} rewrites statements"), false),
            (Hindrance::DeleteTrigger, Action::Quarantine | Action::Delete) => (
                format!("the trigger {name} would run for each removed row"),
                true,
            ),
            (Hindrance::InsertTrigger, Action::Quarantine) => (
                format!("the trigger {name} would run for each restored row"),
                true,
            ),
            (Hindrance::DeleteCascade, Action::Quarantine | Action::Delete) => (
                format!("{name} would also delete the rows that refer to its rows"),
                true,
            ),
            (Hindrance::UpdateCascade, Action::SetNull) => (
                format!("{name} would also change the rows that refer to its rows"),
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
                .note("bird cannot undo its effects")
                .hint(format!("if this is intended: --allow {SIDE_EFFECTS}"))
                .consent(SIDE_EFFECTS)
        } else {
            fault.hint("bird cannot repair this table; repair it by hand")
        });
    }
    all
}

#[cfg(test)]
mod tests;
