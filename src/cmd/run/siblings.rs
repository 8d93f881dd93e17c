//! Siblings: databases of the project that are other schemas of the same database on a server, or
//! that statements may name as well.

use crate::cmd::context::Context;
use crate::model::schema::Schema;
use crate::project::Database;

/// The siblings of a database, each with its schema.
pub fn siblings<'p>(
    context: &'p Context,
    base: &'p Database,
) -> impl Iterator<Item = (&'p Database, &'p str)> {
    let databases = context.project.databases.iter();
    let others = databases.filter(|other| base.shares_database_with(other));
    others.filter_map(|other| Some((other, other.schema.as_deref()?)))
}

/// The other databases of the project that statements in a database may name.
pub fn beside<'p>(context: &'p Context, base: &'p Database) -> impl Iterator<Item = &'p Database> {
    let databases = context.project.databases.iter();
    databases.filter(|other| base.is_beside(other))
}

/// Removes the siblings of a database from its schema: each has migrations of its own.
pub fn leave_out(context: &Context, base: &Database, schema: &mut Schema) {
    for (_, name) in siblings(context, base) {
        base.dialect.catalog().leave_out_schema(schema, name);
    }
}
