//! The shadow: nothing that is replayed in it reaches past it, and it never stays behind.
//!
//! What is told of statements alone is data: `cases/shadow/<engine>.txt` holds statements, and
//! behind `=>` what becomes of them in a shadow. UPDATE=1 rewrites what stands behind the arrow.

use bird::dialect::Dialect;
use bird::dialect::reach::{Around, Reach, asleep, reach};

use crate::consent::tables::check;

/// The database in use is `here`; on its server there are others, some called like tables.
fn around() -> Around {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Around {
        own: "here".to_owned(),
        shadow: "shade".to_owned(),
        schema: Some("public".to_owned()),
        others: names(&["other", "u", "users", "mysql", "sys", "performance_schema"]),
        roles: names(&["app"]),
        opaque: names(&["hidden"]),
    }
}

fn told(dialect: &dyn Dialect, sql: &str) -> String {
    let sleep = asleep(dialect, sql);
    let asleep = sleep.and_then(|sleep| sleep.sql);
    let sql = asleep.as_deref().unwrap_or(sql);
    match reach(dialect, sql, &around()) {
        Reach::Inside { sql: None, opaque } if asleep.is_none() => match opaque {
            Some(name) => format!("inside, and {name} is opaque"),
            None => "inside".to_owned(),
        },
        Reach::Inside { sql: changed, .. } => changed.unwrap_or(sql.to_owned()),
        Reach::Tells(query) => format!("asks {query}"),
        Reach::Outside(outside) => match outside.matters {
            true => outside.why,
            false => format!("({})", outside.why),
        },
    }
}

#[test]
fn where_statements_lead() {
    check("shadow", 1, told);
}
