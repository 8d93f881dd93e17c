//! Gives routines that are dropped and created again their grants back.

use std::collections::{BTreeMap, BTreeSet};

use super::clause::quote;
use super::statement;
use crate::model::access::{Access, Grantee, SchemaAccess};
use crate::model::change::{Ddl, DdlStep, GivenBack, Hazard, Risk};
use crate::model::schema::{Id, Kind};

/// Adds the grants behind the statements that create routines again.
pub fn give_back(ddl: &mut Ddl, known: &SchemaAccess) {
    let dropped = ddl.steps.iter().filter(|step| {
        matches!(step.about.kind, Kind::Function | Kind::Procedure)
            && step.sql == statement::drop(&step.about).sql
    });
    let dropped: Vec<Id> = dropped.map(|step| step.about.clone()).collect();
    for id in dropped {
        let creates = |step: &DdlStep| step.about == id && step.sql.starts_with("CREATE ");
        let Some(at) = ddl.steps.iter().position(creates) else {
            continue;
        };
        let none = Access::default();
        // The server keeps the name as GRANT spelled it, whatever its letters' case.
        let same = |other: &&Id| {
            other.kind == id.kind && other.name.to_lowercase() == id.name.to_lowercase()
        };
        let granted = known.objects.keys().find(same);
        let access = granted
            .and_then(|id| known.objects.get(id))
            .unwrap_or(&none);
        let name = &id.name;
        let why = match (&known.unread, &access.lost_grants) {
            _ if !known.is_live => Some(format!(
                "grants on {name} that the files do not make are lost"
            )),
            (Some(why), _) => Some(format!("who may run {name} cannot be read: {why}")),
            (None, Some(why)) => {
                let accounts = access.grants.iter().flatten().map(|it| match &it.grantee {
                    Grantee::Account(account) => account.as_str(),
                    Grantee::Everyone | Grantee::Owner => "PUBLIC",
                });
                let accounts: BTreeSet<&str> = accounts.collect();
                let accounts = accounts.into_iter().collect::<Vec<_>>().join(", ");
                Some(format!(
                    "{accounts} may not run {name} any more, because {why}"
                ))
            }
            (None, None) => None,
        };
        if let Some(why) = why {
            ddl.steps[at].risks.push(Risk {
                hazard: Hazard::GrantsLost,
                why,
            });
            continue;
        }
        let grants = grants(&id, access);
        if grants.is_empty() {
            continue;
        }
        let last = ddl.steps.iter().rposition(|step| step.about == id);
        let behind = last.unwrap_or(at) + 1;
        ddl.steps.splice(behind..behind, grants);
        ddl.given_back.push(GivenBack {
            about: id,
            kind: None,
            access: Access::default(),
        });
    }
}

/// A statement for each account, and whether it may grant what it gets.
fn grants(id: &Id, access: &Access) -> Vec<DdlStep> {
    let mut sets: BTreeMap<(&Grantee, bool), Vec<&str>> = BTreeMap::new();
    for grant in access.grants.iter().flatten() {
        let set = sets.entry((&grant.grantee, grant.grantable)).or_default();
        set.push(&grant.privilege);
    }
    let steps = sets.into_iter().map(|((grantee, grantable), privileges)| {
        let what = id.kind.noun().to_uppercase();
        let to = match grantee {
            Grantee::Account(account) => account.as_str(),
            Grantee::Everyone | Grantee::Owner => "PUBLIC",
        };
        let option = if grantable { " WITH GRANT OPTION" } else { "" };
        let sql = format!(
            "GRANT {} ON {what} {} TO {to}{option}",
            privileges.join(", "),
            quote(&id.name)
        );
        let mut step = DdlStep::new(id.clone(), sql);
        step.gives_back = true;
        step
    });
    steps.collect()
}
