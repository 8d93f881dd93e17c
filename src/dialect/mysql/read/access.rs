//! Reads the grants on routines, which the server takes away when a routine is dropped. Those on tables and
//! views belong to their names and stay.

use std::collections::BTreeSet;

use crate::dialect::catalog::{Query, Rows};
use crate::model::access::{Grant, Grantee, SchemaAccess};
use crate::model::schema::{Id, Kind, Schema};

/// Kind, name, account, privileges, and whether the reader may grant them again.
const GRANTS: &str = "\
SELECT g.Routine_type, g.Routine_name, g.User, g.Host, g.Proc_priv, \
EXISTS (SELECT 1 FROM information_schema.user_privileges u WHERE u.GRANTEE = me.name \
AND u.PRIVILEGE_TYPE = 'EXECUTE' AND u.IS_GRANTABLE = 'YES') \
OR EXISTS (SELECT 1 FROM information_schema.schema_privileges s WHERE s.GRANTEE = me.name \
AND s.PRIVILEGE_TYPE = 'EXECUTE' AND s.IS_GRANTABLE = 'YES' AND DATABASE() LIKE s.TABLE_SCHEMA) \
FROM mysql.procs_priv g CROSS JOIN (SELECT CONCAT('\\'', SUBSTRING_INDEX(CURRENT_USER(), '@', 1), \
'\\'@\\'', SUBSTRING_INDEX(CURRENT_USER(), '@', -1), '\\'') AS name) me WHERE g.Db = DATABASE()";

/// The query, if the schema has routines.
pub fn query(schema: &Schema) -> Option<Query> {
    let mut objects = schema.objects.iter();
    let has_routines =
        objects.any(|object| matches!(object.kind, Kind::Function | Kind::Procedure));
    has_routines.then(|| Query {
        sql: GRANTS.to_owned(),
        columns: 6,
    })
}

pub fn access(result: Result<Rows, String>) -> SchemaAccess {
    let mut access = SchemaAccess {
        is_live: true,
        ..SchemaAccess::default()
    };
    let rows = match result {
        Ok(rows) => rows,
        Err(why) => {
            access.unread = Some(why);
            return access;
        }
    };
    for row in rows {
        let cell = |at: usize| super::cell(&row, at);
        let kind = match cell(0) {
            "FUNCTION" => Kind::Function,
            "PROCEDURE" => Kind::Procedure,
            _ => continue,
        };
        let one = access.objects.entry(Id::new(kind, cell(1)));
        let one = one.or_default();
        if cell(5) != "1" {
            one.lost_grants = Some("the account may not grant it".to_owned());
        }
        let privileges: Vec<&str> = cell(4).split(',').filter(|it| !it.is_empty()).collect();
        let grantable = privileges.iter().any(|it| it.eq_ignore_ascii_case("Grant"));
        let account = account(cell(2), cell(3));
        let grants = one.grants.get_or_insert_with(BTreeSet::new);
        let own = privileges
            .into_iter()
            .filter(|it| !it.eq_ignore_ascii_case("Grant"));
        grants.extend(own.map(|privilege| Grant {
            grantee: account.clone(),
            privilege: privilege.to_ascii_uppercase(),
            grantable,
            by: None,
        }));
    }
    access
}

/// An account as GRANT writes it. A role has no host.
fn account(user: &str, host: &str) -> Grantee {
    if host.is_empty() && user == "PUBLIC" {
        return Grantee::Everyone;
    }
    let quoted = |name: &str| {
        let name = name.replace('\\', "\\\\").replace('\'', "\'\'");
        format!("'{name}'")
    };
    Grantee::Account(if host.is_empty() {
        quoted(user)
    } else {
        format!("{}@{}", quoted(user), quoted(host))
    })
}
