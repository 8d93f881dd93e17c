//! Reads owners and grants.

use std::collections::{BTreeMap, BTreeSet};

use super::cells::{Answers, Cells};
use super::names::{Names, class};
use super::queries::Topic;
use crate::model::access::{Access, Grant, GrantKind, Grantee, SchemaAccess};
use crate::model::schema::{Id, Kind};

/// A row for each privilege: the usual ones, those of the account's default privileges, and those of
/// objects that have another owner or other grants. The first column is the catalog of an object, else
/// `account`, `usual`, `global` or `local`.
pub const ACCESS: &str = "\
WITH me AS (SELECT oid, rolname, rolsuper FROM pg_roles WHERE rolname = current_user), \
object AS (\
SELECT '1259' AS class, c.oid, 0 AS part, c.relowner AS owner, c.relacl AS acl, \
CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END AS kind FROM pg_class c \
WHERE c.relnamespace = {space} AND c.relkind IN ('r', 'p', 'v', 'm', 'S') \
UNION ALL SELECT '1255', p.oid, 0, p.proowner, p.proacl, 'f' FROM pg_proc p \
WHERE p.pronamespace = {space} \
UNION ALL SELECT '1247', t.oid, 0, t.typowner, t.typacl, 'T' FROM pg_type t \
LEFT JOIN pg_class c ON c.oid = t.typrelid \
WHERE t.typnamespace = {space} AND (t.typtype IN ('e', 'd', 'r') OR c.relkind = 'c') \
UNION ALL SELECT '2617', o.oid, 0, o.oprowner, NULL, '' FROM pg_operator o \
WHERE o.oprnamespace = {space} \
UNION ALL SELECT '3381', s.oid, 0, s.stxowner, NULL, '' FROM pg_statistic_ext s \
WHERE s.stxnamespace = {space} \
UNION ALL SELECT '3456', c.oid, 0, c.collowner, NULL, '' FROM pg_collation c \
WHERE c.collnamespace = {space}), \
found AS (\
SELECT * FROM object WHERE acl IS NOT NULL OR owner <> (SELECT oid FROM me) \
UNION ALL SELECT '1259', a.attrelid, a.attnum, c.relowner, a.attacl, 'c' FROM pg_attribute a \
JOIN pg_class c ON c.oid = a.attrelid WHERE c.relnamespace = {space} \
AND a.attacl IS NOT NULL AND NOT a.attisdropped \
UNION ALL SELECT 'usual', 0, 0, me.oid, acldefault(k.kind::\"char\", me.oid), k.kind \
FROM me CROSS JOIN (VALUES ('r'), ('s'), ('f'), ('T')) k(kind) \
UNION ALL SELECT CASE d.defaclnamespace WHEN 0 THEN 'global' ELSE 'local' END, 0, 0, me.oid, \
d.defaclacl, CASE d.defaclobjtype WHEN 'S' THEN 's' ELSE d.defaclobjtype::text END \
FROM pg_default_acl d JOIN me ON me.oid = d.defaclrole \
WHERE d.defaclnamespace = 0 OR d.defaclnamespace = {space} \
UNION ALL SELECT 'account', 0, 0, me.oid, NULL, '' FROM me) \
SELECT f.class, f.oid::text, f.part::text, f.kind, \
CASE WHEN f.owner <> me.oid OR f.class = 'account' THEN pg_get_userbyid(f.owner) END::text, \
(me.rolsuper OR f.owner = me.oid OR (pg_has_role(f.owner, '{v16|SET|MEMBER}') \
AND pg_has_role(f.owner, 'USAGE') AND has_schema_privilege(f.owner, {space}, 'CREATE')))::int::text, \
(f.acl IS NOT NULL)::int::text, \
CASE WHEN g.grantee = f.owner THEN 'o' WHEN g.grantee = 0 THEN 'e' ELSE 'a' || r.rolname END, \
g.privilege_type || CASE WHEN g.is_grantable THEN '*' ELSE '' END, \
CASE WHEN g.grantor <> f.owner THEN pg_get_userbyid(g.grantor) END::text \
FROM found f CROSS JOIN me LEFT JOIN LATERAL aclexplode(f.acl) g ON true \
LEFT JOIN pg_roles r ON r.oid = g.grantee";

type Grants = BTreeMap<GrantKind, BTreeSet<Grant>>;

/// Who owns the objects, and who may do what with them.
pub fn access(answers: Answers<'_>, names: &Names<'_>) -> SchemaAccess {
    let mut access = SchemaAccess {
        is_live: true,
        ..SchemaAccess::default()
    };
    let (mut global, mut local): (Grants, Grants) = (BTreeMap::new(), BTreeMap::new());
    for mut cells in answers.rows(Topic::Access) {
        let (of, oid, part) = (cells.text(), cells.oid(), cells.number(0));
        let kind = kind(cells.text());
        let (owner, is_reachable, is_explicit) = (cells.owned(), cells.yes(), cells.yes());
        let grant = grant(&mut cells);
        let by_kind = match of {
            "account" => {
                access.account = owner.unwrap_or_default();
                continue;
            }
            "usual" => Some(&mut access.usual),
            "global" => Some(&mut global),
            "local" => Some(&mut local),
            _ => None,
        };
        if let Some(by_kind) = by_kind {
            if let Some(kind) = kind {
                by_kind.entry(kind).or_default().extend(grant);
            }
            continue;
        }
        let class = of.parse().unwrap_or_default();
        let Some(id) = id(names, class, oid, part) else {
            continue;
        };
        let one = access.objects.entry(id).or_insert_with(|| Access {
            lost_owner: owner
                .as_ref()
                .filter(|_| !is_reachable)
                .map(|owner| format!("the account may not make {owner} its owner again")),
            owner,
            lost_grants: None,
            grants: is_explicit.then(BTreeSet::new),
        });
        if let (Some(grants), Some(grant)) = (&mut one.grants, grant) {
            grants.insert(grant);
        }
    }
    // What is set for all schemas replaces the usual grants, what is set for one adds to them.
    for kind in [
        GrantKind::Relation,
        GrantKind::Sequence,
        GrantKind::Routine,
        GrantKind::Type,
    ] {
        let (all, more) = (global.remove(&kind), local.remove(&kind));
        if all.is_some() || more.is_some() {
            let usual = || access.usual.get(&kind).cloned().unwrap_or_default();
            let mut grants = all.unwrap_or_else(usual);
            grants.extend(more.into_iter().flatten());
            access.defaults.insert(kind, grants);
        }
    }
    access
}

fn kind(letter: &str) -> Option<GrantKind> {
    Some(match letter {
        "r" => GrantKind::Relation,
        "c" => GrantKind::Column,
        "s" => GrantKind::Sequence,
        "f" => GrantKind::Routine,
        "T" => GrantKind::Type,
        _ => return None,
    })
}

/// `None` if nobody has a privilege, or a role that is gone.
fn grant(cells: &mut Cells<'_>) -> Option<Grant> {
    let (grantee, privilege) = (cells.maybe()?, cells.maybe()?);
    let (name, grantable) = match privilege.strip_suffix('*') {
        Some(name) => (name, true),
        None => (privilege, false),
    };
    Some(Grant {
        grantee: match grantee.split_at_checked(1)? {
            ("o", _) => Grantee::Owner,
            ("e", _) => Grantee::Everyone,
            (_, role) => Grantee::Account(role.to_owned()),
        },
        privilege: name.to_owned(),
        grantable,
        by: cells.owned(),
    })
}

/// The object, or the column of one.
fn id(names: &Names<'_>, class: u32, oid: u32, part: i32) -> Option<Id> {
    if names.is_hidden(class, oid) {
        return None;
    }
    let id = names.id(class, oid)?;
    if class != class::RELATION || part == 0 {
        return Some(id.clone());
    }
    Some(Id {
        kind: Kind::Column,
        table: Some(id.name.clone()),
        name: names.column(oid, part).to_owned(),
    })
}
