//! Empties a database so that nothing of its last use is left.

use bird::db::session::DbError;
use bird::db::shadow::Shadow;

use crate::world::Engine;

/// All schemas and extensions that somebody made, and the standard schema as a new database has it.
const EMPTY_POSTGRES: &str = "DO $$ DECLARE it record; BEGIN \
    FOR it IN SELECT extname FROM pg_extension WHERE extname <> 'plpgsql' LOOP \
      EXECUTE format('DROP EXTENSION IF EXISTS %I CASCADE', it.extname); END LOOP; \
    FOR it IN SELECT evtname FROM pg_event_trigger LOOP \
      EXECUTE format('DROP EVENT TRIGGER %I', it.evtname); END LOOP; \
    FOR it IN SELECT pubname FROM pg_publication LOOP \
      EXECUTE format('DROP PUBLICATION %I', it.pubname); END LOOP; \
    FOR it IN SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' \
      AND nspname <> 'information_schema' LOOP \
      EXECUTE format('DROP SCHEMA %I CASCADE', it.nspname); END LOOP; \
    CREATE SCHEMA public AUTHORIZATION pg_database_owner; \
    GRANT USAGE ON SCHEMA public TO PUBLIC; \
    COMMENT ON SCHEMA public IS 'standard public schema'; \
    END $$";

/// What is left of what a user made, of whatever kind: everything has an entry here that depends on
/// something.
const LEFT_ON_POSTGRES: &str = "SELECT \
    (SELECT count(*) FROM pg_class WHERE oid >= 16384 AND relnamespace <> 'pg_toast'::regnamespace) \
    + (SELECT count(*) FROM pg_proc WHERE oid >= 16384) \
    + (SELECT count(*) FROM pg_type WHERE oid >= 16384) \
    + (SELECT count(*) FROM pg_cast WHERE oid >= 16384) \
    + (SELECT count(*) FROM pg_default_acl) \
    + (SELECT count(*) FROM pg_foreign_server) \
    + (SELECT count(*) FROM pg_foreign_data_wrapper) \
    + (SELECT count(*) FROM pg_language WHERE oid >= 16384) \
    + (SELECT count(*) FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase \
       WHERE d.datname = current_database())";

pub async fn empty(engine: Engine, shadow: &mut Shadow) -> Result<(), String> {
    let emptied = match engine.folder() {
        "mysql" => mysql(shadow).await,
        "postgres" => postgres(shadow).await,
        _ => Ok(()),
    };
    emptied.map_err(|error| error.to_string())
}

/// The database itself is dropped and made anew, which a connection survives.
async fn mysql(shadow: &mut Shadow) -> Result<(), DbError> {
    let session = &mut shadow.session;
    let name = format!("`{}`", shadow.database);
    let standard = "SELECT @@character_set_server, @@collation_server";
    let rows = session.rows(standard).await?;
    let defaults = rows.into_iter().next().unwrap_or_default();
    let create = session.dialect.create_like(&shadow.database, &defaults);
    for sql in [
        format!("DROP DATABASE {name}"),
        create,
        format!("USE {name}"),
    ] {
        session.run(&sql).await?;
    }
    session.reset().await
}

async fn postgres(shadow: &mut Shadow) -> Result<(), DbError> {
    let session = &mut shadow.session;
    session.reset().await?;
    session.run("DISCARD TEMP").await?;
    session.run(EMPTY_POSTGRES).await?;
    let left = session.value(LEFT_ON_POSTGRES).await?;
    match left.as_deref() {
        Some("0") => session.reset().await,
        left => Err(DbError::new(
            bird::dialect::ErrorKind::Other,
            format!("{left:?} things are left"),
        )),
    }
}
