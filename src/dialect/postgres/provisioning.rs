//! Databases of PostgreSQL: how they are created, checked and dropped.

use super::{Postgres, schema_name, shadow};
use crate::dialect::Dialect as _;
use crate::dialect::literals::{Literals, single_quoted};
use crate::dialect::provisioning::Provisioning;
use crate::dialect::{BorrowQueries, ErrorKind, Missing};
use crate::model::server::Server;

impl Provisioning for Postgres {
    fn missing_inside(&self, schema: Option<&str>) -> Vec<(String, Missing)> {
        let name = schema_name(schema);
        let exists = format!(
            "SELECT 1 FROM pg_namespace WHERE nspname = {}",
            single_quoted(name)
        );
        let create = format!("CREATE SCHEMA IF NOT EXISTS {}", self.quote(name));
        vec![(format!("schema {name}"), Missing { exists, create })]
    }

    /// Since version 15 only its owner may create in `public`.
    fn preflight_query(&self, schema: Option<&str>) -> Option<String> {
        let name = single_quoted(schema_name(schema));
        Some(format!(
            "SELECT format('GRANT USAGE, CREATE ON SCHEMA %I TO %I', nspname, current_user) \
             FROM pg_namespace WHERE nspname = {name} \
             AND NOT has_schema_privilege(current_user, oid, 'CREATE')"
        ))
    }

    fn concern_query(&self) -> Option<&'static str> {
        Some(
            "SELECT 'its encoding is ' || current_setting('server_encoding') || ', not UTF8' \
             WHERE current_setting('server_encoding') <> 'UTF8'",
        )
    }

    /// `template0`, because only it can be given another encoding than the cluster's own, and
    /// lengths in characters need UTF-8.
    fn create_database(&self, name: &str, collation: Option<&str>, _server: &Server) -> String {
        let locale = match collation {
            Some(collation) => {
                let collation = single_quoted(collation);
                format!(" LC_COLLATE {collation} LC_CTYPE {collation}")
            }
            None => String::new(),
        };
        format!(
            "CREATE DATABASE {} ENCODING 'UTF8'{locale} TEMPLATE template0",
            self.quote(name)
        )
    }

    fn defaults_query(&self) -> Option<&'static str> {
        Some(
            "SELECT pg_encoding_to_char(encoding), datcollate, datctype FROM pg_database \
             WHERE datname = current_database()",
        )
    }

    fn create_like(&self, name: &str, defaults: &[Option<String>]) -> String {
        let mut sql = format!("CREATE DATABASE {} TEMPLATE template0", self.quote(name));
        if let [Some(encoding), Some(collate), Some(ctype)] = defaults {
            let [encoding, collate, ctype] = [encoding, collate, ctype].map(|it| single_quoted(it));
            sql.push_str(&format!(
                " ENCODING {encoding} LC_COLLATE {collate} LC_CTYPE {ctype}"
            ));
        }
        sql
    }

    fn lacks_extension(&self, kind: ErrorKind, code: Option<&str>) -> bool {
        kind == ErrorKind::Denied || matches!(code, Some("58P01" | "0A000"))
    }

    fn extensions_query(&self) -> Option<&'static str> {
        Some(shadow::EXTENSIONS)
    }

    /// A setting for all databases, or for an account in all of them, holds in the shadow as well.
    fn settings_like_query(&self, name: &str) -> Option<String> {
        Some(shadow::settings_like(name))
    }

    fn databases_query(&self, prefix: &str) -> Option<String> {
        Some(format!(
            "SELECT datname::text FROM pg_database WHERE starts_with(datname::text, '{prefix}')"
        ))
    }

    fn in_use_query(&self, prefix: &str) -> Option<String> {
        Some(shadow::in_use(prefix))
    }

    fn may_create_query(&self, _prefix: &str) -> Option<String> {
        Some(shadow::MAY_CREATE.to_owned())
    }

    fn borrow_queries(&self) -> Option<&'static BorrowQueries> {
        Some(&shadow::BORROW_QUERIES)
    }

    fn may_recreate_query(&self) -> Option<&'static str> {
        Some(shadow::MAY_CREATE)
    }

    fn drop_schema(&self, schema: Option<&str>) -> Option<String> {
        let other = schema.filter(|schema| Some(*schema) != self.facts().schema)?;
        Some(format!(
            "DROP SCHEMA IF EXISTS {} CASCADE",
            self.quote(other)
        ))
    }

    fn drop_database(&self, name: &str) -> Option<String> {
        Some(format!(
            "DROP DATABASE IF EXISTS {} WITH (FORCE)",
            self.quote(name)
        ))
    }
}
