//! The shadows of PostgreSQL: who is in them, and how a database is lent as one.

use crate::dialect::BorrowQueries;
use crate::dialect::literals::single_quoted;

/// The mark is a schema of its own, because the others are dropped. What is made anew is `public`
/// as it is in a fresh database.
pub const BORROW_QUERIES: BorrowQueries = BorrowQueries {
    lock: "bird shadow",
    marked: "SELECT nspname::text FROM pg_namespace WHERE nspname = 'bird_shadow'",
    mark: "CREATE SCHEMA IF NOT EXISTS bird_shadow",
    objects: "WITH member AS (SELECT classid, objid FROM pg_depend WHERE deptype = 'e') \
              SELECT name FROM (\
              SELECT c.oid::regclass::text AS name FROM pg_class c \
              JOIN pg_namespace n ON n.oid = c.relnamespace \
              WHERE ('pg_class'::regclass, c.oid) NOT IN (SELECT * FROM member) AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' \
              UNION ALL SELECT p.oid::regprocedure::text FROM pg_proc p \
              JOIN pg_namespace n ON n.oid = p.pronamespace \
              WHERE ('pg_proc'::regclass, p.oid) NOT IN (SELECT * FROM member) AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' \
              UNION ALL SELECT t.oid::regtype::text FROM pg_type t \
              JOIN pg_namespace n ON n.oid = t.typnamespace \
              WHERE ('pg_type'::regclass, t.oid) NOT IN (SELECT * FROM member) AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' \
              AND t.typtype IN ('e', 'd', 'r') \
              UNION ALL SELECT 'the schema ' || nspname FROM pg_namespace \
              WHERE nspname !~ '^pg_' \
              AND nspname NOT IN ('information_schema', 'public') \
              AND oid NOT IN (SELECT extnamespace FROM pg_extension) \
              AND ('pg_namespace'::regclass, oid) NOT IN (SELECT * FROM member)) AS names LIMIT 4",
    history: "SELECT oid::regclass::text FROM pg_class \
              WHERE relname = 'refinery_schema_history' AND relkind = 'r' LIMIT 1",
    empties: "WITH kept AS (SELECT extnamespace AS oid FROM pg_extension \
              WHERE extname <> 'plpgsql' AND extnamespace <> 'pg_catalog'::regnamespace \
              AND NOT pg_has_role(extowner, 'USAGE') UNION SELECT d.objid FROM pg_depend d \
              JOIN pg_extension e ON d.refobjid = e.oid AND d.refclassid = 'pg_extension'::regclass \
              WHERE d.classid = 'pg_namespace'::regclass \
              AND NOT pg_has_role(e.extowner, 'USAGE')), member AS (\
              SELECT classid, objid FROM pg_depend WHERE deptype IN ('e', 'i', 'a')) \
              SELECT statement FROM (\
              SELECT 1 AS place, format('DROP EVENT TRIGGER %I CASCADE', evtname) AS statement \
              FROM pg_event_trigger \
              UNION ALL SELECT 2, format('DROP PUBLICATION %I', pubname) FROM pg_publication \
              UNION ALL SELECT 3, format('DROP EXTENSION %I CASCADE', extname) \
              FROM pg_extension WHERE extname <> 'plpgsql' \
              AND pg_has_role(extowner, 'USAGE') \
              UNION ALL SELECT 4, format('DROP SCHEMA %I CASCADE', nspname) FROM pg_namespace \
              WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'bird_shadow') \
              AND oid NOT IN (SELECT oid FROM kept) \
              UNION ALL SELECT 4, format('DROP %s IF EXISTS %s CASCADE', CASE relkind \
              WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE' \
              WHEN 'f' THEN 'FOREIGN TABLE' WHEN 'c' THEN 'TYPE' ELSE 'TABLE' END, \
              oid::regclass) FROM pg_class WHERE relnamespace IN (SELECT oid FROM kept) \
              AND relkind IN ('r', 'p', 'v', 'm', 'S', 'f', 'c') \
              AND ('pg_class'::regclass, oid) NOT IN (SELECT * FROM member) \
              UNION ALL SELECT 4, format('DROP ROUTINE IF EXISTS %s CASCADE', oid::regprocedure) \
              FROM pg_proc WHERE pronamespace IN (SELECT oid FROM kept) \
              AND ('pg_proc'::regclass, oid) NOT IN (SELECT * FROM member) \
              UNION ALL SELECT 4, format('DROP TYPE IF EXISTS %s CASCADE', oid::regtype) \
              FROM pg_type WHERE typnamespace IN (SELECT oid FROM kept) \
              AND typtype IN ('e', 'd', 'r') \
              AND ('pg_type'::regclass, oid) NOT IN (SELECT * FROM member) \
              UNION ALL SELECT 5, format('ALTER DATABASE %I RESET ALL', current_database()) \
              UNION ALL SELECT 6, 'CREATE SCHEMA IF NOT EXISTS public' \
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

/// Asks for the extensions of this database.
pub const EXTENSIONS: &str = "SELECT e.extname::text, n.nspname::text, \
     obj_description(e.oid, 'pg_extension'), \
     format('CREATE SCHEMA IF NOT EXISTS %I', n.nspname), \
     format('CREATE EXTENSION IF NOT EXISTS %I WITH SCHEMA %I CASCADE', e.extname, n.nspname) \
     FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace \
     WHERE e.extname <> 'plpgsql' ORDER BY e.oid";

/// Asks for the statements that give a database the settings of this one by which statements are
/// read, and those that programs made up. The account's own come last.
pub fn settings_like(name: &str) -> String {
    let name = single_quoted(name);
    format!(
        "SELECT format('ALTER DATABASE %I SET %s TO %L', {name}, split_part(setting, '=', 1), \
         substr(setting, strpos(setting, '=') + 1)) \
         FROM pg_db_role_setting s CROSS JOIN LATERAL unnest(s.setconfig) AS setting \
         WHERE s.setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database()) \
         AND (s.setrole = 0 OR s.setrole = (SELECT oid FROM pg_roles \
         WHERE rolname = session_user)) \
         AND (lower(split_part(setting, '=', 1)) IN ('array_nulls', 'backslash_quote', \
         'check_function_bodies', 'datestyle', 'default_table_access_method', \
         'default_text_search_config', 'escape_string_warning', 'intervalstyle', 'lc_monetary', \
         'lc_numeric', 'lc_time', 'standard_conforming_strings', 'transform_null_equals', \
         'xmlbinary', 'xmloption') OR split_part(setting, '=', 1) LIKE '%.%') \
         ORDER BY s.setrole, setting"
    )
}
