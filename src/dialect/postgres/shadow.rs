//! The shadows of PostgreSQL: who is in them, and how a database is lent as one.

use crate::dialect::BorrowQueries;

/// The mark is a schema of its own, because the others are dropped. What is made anew is `public`
/// as it is in a fresh database.
pub const BORROW_QUERIES: BorrowQueries = BorrowQueries {
    lock: "bird shadow",
    marked: "SELECT nspname::text FROM pg_namespace WHERE nspname = 'bird_shadow'",
    mark: "CREATE SCHEMA IF NOT EXISTS bird_shadow",
    objects: "SELECT name FROM (\
              SELECT c.oid::regclass::text AS name FROM pg_class c \
              JOIN pg_namespace n ON n.oid = c.relnamespace \
              WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' \
              UNION ALL SELECT p.oid::regprocedure::text FROM pg_proc p \
              JOIN pg_namespace n ON n.oid = p.pronamespace \
              WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' \
              UNION ALL SELECT t.oid::regtype::text FROM pg_type t \
              JOIN pg_namespace n ON n.oid = t.typnamespace \
              WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' \
              AND t.typtype IN ('e', 'd', 'r') \
              UNION ALL SELECT 'the schema ' || nspname FROM pg_namespace \
              WHERE nspname !~ '^pg_' \
              AND nspname NOT IN ('information_schema', 'public')) AS names LIMIT 4",
    history: "SELECT oid::regclass::text FROM pg_class \
              WHERE relname = 'refinery_schema_history' AND relkind = 'r' LIMIT 1",
    empties: "SELECT statement FROM (\
              SELECT 1 AS place, format('DROP EVENT TRIGGER %I CASCADE', evtname) AS statement \
              FROM pg_event_trigger \
              UNION ALL SELECT 2, format('DROP PUBLICATION %I', pubname) FROM pg_publication \
              UNION ALL SELECT 3, format('DROP EXTENSION %I CASCADE', extname) \
              FROM pg_extension WHERE extname <> 'plpgsql' \
              UNION ALL SELECT 4, format('DROP SCHEMA %I CASCADE', nspname) FROM pg_namespace \
              WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'bird_shadow') \
              UNION ALL SELECT 5, format('ALTER DATABASE %I RESET ALL', current_database()) \
              UNION ALL SELECT 6, 'CREATE SCHEMA public' \
              UNION ALL SELECT 7, 'GRANT USAGE ON SCHEMA public TO PUBLIC' \
              UNION ALL SELECT 8, 'COMMENT ON SCHEMA public IS ''standard public schema''') \
              AS statements ORDER BY place",
    grant: "SELECT format('ALTER DATABASE %I OWNER TO %I', current_database(), current_user)",
};

/// The sessions in databases whose names have this prefix.
pub fn in_use(prefix: &str) -> String {
    format!(
        "SELECT datname::text, ':' || pid FROM pg_stat_activity \
         WHERE starts_with(datname::text, '{prefix}')"
    )
}

/// What lets an account make databases; NULL where it may.
pub const MAY_CREATE: &str = "SELECT CASE WHEN NOT (rolcreatedb OR rolsuper) \
     THEN format('ALTER ROLE %I CREATEDB', current_user) END \
     FROM pg_roles WHERE rolname = current_user";
