//! Proves in a shadow that statements give objects their owners and grants back.

use super::compare::{LeftOut, first_line};
use crate::db::replay::{self, Sent};
use crate::db::shadow::Shadow;
use crate::dialect::ErrorKind;
use crate::dialect::containment::Outside;
use crate::model::access::{Access, GrantKind, Grantee, without_grantors};
use crate::model::change::{DdlStep, GivenBack};
use crate::model::schema::{Id, Schema};

/// Runs a statement that gives access back. One about an account that the shadow's server does not have,
/// or that the account of the shadow may not run, is left out.
pub(super) async fn give_back(
    shadow: &mut Shadow,
    step: &DdlStep,
    left_out: &mut Vec<LeftOut>,
) -> Result<(), String> {
    let why = match replay::send(shadow, &step.sql).await {
        Ok(Sent::Ran) => return Ok(()),
        Ok(Sent::Withheld(Outside { why, .. })) => format!("it {why}"),
        Err(error) if error.kind == ErrorKind::Denied => error.to_string(),
        Err(error) => return Err(format!("{error}, at {}", first_line(&step.sql))),
    };
    if is_tried(&step.about, left_out) {
        left_out.push(LeftOut {
            about: format!("{} ({why})", access_to(&step.about)),
            why: None,
        });
    }
    Ok(())
}

fn access_to(about: &Id) -> String {
    format!("access to {about}")
}

/// Whether all statements that give access to an object back were run.
fn is_tried(about: &Id, left_out: &[LeftOut]) -> bool {
    let beginning = access_to(about) + " (";
    !left_out.iter().any(|it| it.about.starts_with(&beginning))
}

/// The object whose access is not what the statements should have given back.
pub(super) fn not_given_back<'g>(
    reached: &Schema,
    given_back: &'g [GivenBack],
    left_out: &[LeftOut],
) -> Option<&'g Id> {
    let known = &reached.access.0;
    let mut tried = given_back.iter().filter(|it| is_tried(&it.about, left_out));
    let wrong = tried.find(|given| {
        let usual = Access::default();
        let is = known.objects.get(&given.about).unwrap_or(&usual);
        let owner = |access: &Access| access.owner.clone().unwrap_or(known.account.clone());
        // A column belongs to its table, and so does the sequence of a column.
        let has_owner = !matches!(given.kind, Some(GrantKind::Column | GrantKind::Sequence));
        let grants = |access: &Access| {
            let grants = given.kind.map(|kind| known.grants_of(access, kind));
            let mut grants = without_grantors(grants.unwrap_or_default());
            // An owner has no grants beside his own.
            let own = Grantee::Account(owner(access));
            grants.retain(|grant| grant.grantee != own);
            grants
        };
        (has_owner && owner(is) != owner(&given.access)) || grants(is) != grants(&given.access)
    });
    wrong.map(|given| &given.about)
}
