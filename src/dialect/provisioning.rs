//! Databases: how they are created, checked, and used as scratch databases.

use super::statements::ErrorKind;
use crate::model::server::Server;

/// An object that a database needs and that may be missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// Gives a row if it exists.
    pub exists: String,
    pub create: String,
}

/// How a database can be lent as a shadow: it is bird's to empty while it bears the mark.
#[derive(Debug)]
pub struct BorrowQueries {
    /// What its lock is called, where the lock is not the database's own.
    pub lock: &'static str,
    /// Gives a row where the mark is there.
    pub marked: &'static str,
    /// Makes it.
    pub mark: &'static str,
    /// The names of a few objects.
    pub objects: &'static str,
    /// Gives a row where somebody has migrated it.
    pub history: &'static str,
    /// Gives the statements that take everything out but for the mark.
    pub empties: &'static str,
    /// Gives what lets this account do that.
    pub grant: &'static str,
}

/// Creates databases and schemas, checks them, and makes and drops scratch databases.
pub trait Provisioning: Sync {
    /// The objects that a database needs before migrations can run, by name.
    fn missing_inside(&self, _schema: Option<&str>) -> Vec<(String, Missing)> {
        Vec::new()
    }

    /// Asks for the GRANT that this account lacks for migrating, or NULL.
    fn preflight_query(&self, _schema: Option<&str>) -> Option<String> {
        None
    }

    /// Asks for the reason why an existing database is unsuitable, or NULL.
    fn concern_query(&self) -> Option<&'static str> {
        None
    }

    /// The statement that creates a database.
    fn create_database(&self, name: &str, collation: Option<&str>, server: &Server) -> String;

    /// Asks for the defaults of this database, for [`Provisioning::create_like`].
    fn defaults_query(&self) -> Option<&'static str> {
        None
    }

    /// The statement that creates a database with the defaults of another one.
    fn create_like(&self, _name: &str, _defaults: &[Option<String>]) -> String {
        String::new()
    }

    /// Asks for the statements that give a database, by name, the settings of this one by which
    /// statements are read.
    fn settings_like_query(&self, _name: &str) -> Option<String> {
        None
    }

    /// Whether an error says that an extension cannot be created: this account may not, or the server
    /// has none of that name.
    fn lacks_extension(&self, _kind: ErrorKind, _code: Option<&str>) -> bool {
        false
    }

    /// Asks for the extensions of this database: name, schema, comment, and the statements that create
    /// it in another database.
    fn extensions_query(&self) -> Option<&'static str> {
        None
    }

    /// Asks for the databases whose names have this prefix.
    fn databases_query(&self, _prefix: &str) -> Option<String> {
        None
    }

    /// Asks for the sessions in databases whose names have this prefix: the database, and the
    /// session as `ServerFacts::cancel` reads it.
    fn in_use_query(&self, _prefix: &str) -> Option<String> {
        None
    }

    /// Asks for the GRANT that this account lacks for creating databases whose names have this
    /// prefix, or NULL.
    fn may_create_query(&self, _prefix: &str) -> Option<String> {
        None
    }

    /// How a database can be lent as a shadow.
    fn borrow_queries(&self) -> Option<&'static BorrowQueries> {
        None
    }

    /// The statement that gives a database the defaults of another one.
    fn become_like(&self, _name: &str, _defaults: &[Option<String>]) -> Option<String> {
        None
    }

    /// Asks for the GRANT that this account lacks for creating again a database that it has dropped,
    /// or NULL.
    fn may_recreate_query(&self) -> Option<&'static str> {
        None
    }

    /// The statement that drops a schema with everything in it. `None` if the database itself is
    /// what has to be dropped.
    fn drop_schema(&self, _schema: Option<&str>) -> Option<String> {
        None
    }

    /// The statement after which this session drops a database whose tables others refer to; `None`
    /// where nothing outside of a database can refer to its tables.
    fn without_references(&self) -> Option<&'static str> {
        None
    }

    /// The statement that drops a database, even if sessions are connected to it.
    fn drop_database(&self, _name: &str) -> Option<String> {
        None
    }
}
