//! Containment: whether a statement stays inside the database that it is sent to, or could reach
//! other databases, the whole server or files. In a shadow only contained statements may run.
//!
//! The check is lexical: it looks at words and their neighbours and does not parse. In doubt the
//! statement counts as reaching out. A qualified name is usually a column. So it counts only where
//! a table can stand, or where the statement has no such alias, and only if the server has a
//! database of that name.

mod bodies;
mod edits;
mod event;
mod names;
mod scope;

use serde::{Deserialize, Serialize};

use super::Dialect;
use crate::sql::Cursor;
use crate::sql::cursor::{CodeToken, unquoted};
pub use bodies::Dynamic;
use edits::Edit;

pub use event::{EventChange, disable_event, enable_event};
pub use scope::{Scope, names_one_of};

/// Words, and why a statement with them reaches beyond its database.
pub type Signs = &'static [(&'static [&'static str], &'static str)];

/// The words by which an engine's statements reach beyond their database.
#[derive(Debug)]
pub struct Rules {
    /// Beginnings of statements about the whole server; `OR REPLACE` is ignored.
    pub heads: Signs,
    /// Words that reach out in the middle of any statement.
    pub signs: Signs,
    /// Functions that reach out when they are called; a final `*` matches any suffix.
    pub functions: Signs,
    /// Options with a name as their value, and the values that reach out: `ENGINE = FEDERATED`.
    pub values: &'static [(&'static str, &'static [&'static str], &'static str)],
    /// Tables that all databases share. Statements may read and not write them.
    pub shared: &'static [&'static str],
    /// Databases that describe the others. Queries on them name a database in a string.
    pub catalogs: &'static [&'static str],
    /// Words that set variables of the whole server.
    pub globals: &'static [&'static str],
    /// Languages of routines that do not run in a sandbox.
    pub untrusted: &'static [&'static str],
    /// The kind of dynamic SQL that the engine has.
    pub dynamic: Option<Dynamic>,
    /// Whether privileges are objects of a database, granted to roles of the server.
    pub grants_inside: bool,
    /// Reads the [`Scope`]: rows of a kind, `database` or `role`, and a name.
    pub scope_query: Option<&'static str>,
    /// Lists the routines of the database: their names, and `defines` for one that may create,
    /// change or drop objects.
    pub routines_query: Option<&'static str>,
    /// The setting that changes how statements are parsed.
    pub mode: Option<Mode>,
    /// The kind of objects that run on a schedule.
    pub event_kind: Option<&'static str>,
    /// A verb and a kind of object: without a qualifier it may be one of the whole server.
    pub qualified: Option<(&'static str, &'static str)>,
}

/// A setting that changes how statements are parsed.
#[derive(Debug)]
pub struct Mode {
    pub name: &'static str,
    /// The query for its value.
    pub read: &'static str,
    /// The words in its value with which the server parses statements differently from bird.
    pub misleading: &'static [&'static str],
    /// A statement that is read with this value, as bird reads statements. `None` if it cannot be
    /// written so.
    pub as_in_files: fn(mode: &str, sql: &str) -> Option<String>,
}

/// The result of a containment check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Containment {
    /// It stays inside. `sql` is the text to send instead, if it names its database; `dynamic_sql`
    /// is the name of the routine that it creates, if that runs dynamic SQL.
    Inside {
        sql: Option<String>,
        dynamic_sql: Option<String>,
    },
    /// It runs dynamic SQL that the session knows: check the text that this query returns first.
    Dynamic(String),
    /// It reaches out, or might.
    Outside(Outside),
}

/// The reason why a statement must not be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outside {
    /// A predicate of the statement: `names another database, …`.
    pub why: String,
    /// Whether the schema may be incomplete without it.
    pub matters: bool,
}

const DYNAMIC: &str = "runs dynamic SQL";

/// Checks whether a statement stays inside its database.
#[must_use]
pub fn check(dialect: &dyn Dialect, sql: &str, scope: &Scope) -> Containment {
    let checker = Checker {
        dialect,
        rules: dialect.containment(),
        scope,
    };
    let code = Cursor::without_numbers(dialect.syntax(), sql);
    let mut found = Found::default();
    if let Err(why) = checker.statement(&code, false, &mut found) {
        let matters = matters(&code) && why.1;
        return Containment::Outside(Outside {
            why: why.0,
            matters,
        });
    }
    if let Some(question) = found.question {
        return Containment::Dynamic(question);
    }
    let dynamic_sql = if found.dynamic_sql {
        match bodies::routine(&code) {
            None => {
                let why = DYNAMIC.to_owned();
                return Containment::Outside(Outside { why, matters: true });
            }
            name => name,
        }
    } else {
        None
    };
    Containment::Inside {
        sql: edits::edited(sql, found.edits),
        dynamic_sql,
    }
}

/// The name of the object, prepared statement or database that a statement creates or attaches.
#[must_use]
pub fn created_name(dialect: &dyn Dialect, sql: &str) -> Option<String> {
    let code = Cursor::without_numbers(dialect.syntax(), sql);
    bodies::made(&code)
}

/// Rewrites a definition that was read in a shadow: the database gets its own name. `None` if that
/// changes nothing.
#[must_use]
pub fn with_own_name(dialect: &dyn Dialect, sql: &str, scope: &Scope) -> Option<String> {
    if scope.own.is_empty() || scope.own == scope.shadow {
        return None;
    }
    let back = Scope {
        own: scope.shadow.clone(),
        shadow: scope.own.clone(),
        schema: scope.schema.clone(),
        ..Scope::default()
    };
    match check(dialect, sql, &back) {
        Containment::Inside { sql, .. } => sql,
        Containment::Dynamic(_) | Containment::Outside(_) => None,
    }
}

/// The database of a `USE` statement.
#[must_use]
pub fn used_database(dialect: &dyn Dialect, sql: &str) -> Option<String> {
    if !edits::starts_with(dialect.syntax(), sql, &["USE"]) {
        return None;
    }
    let code = Cursor::without_numbers(dialect.syntax(), sql);
    let chooses = code.sees_at(0, &["USE"]) && code.count() == 2;
    let name = code.get(1).filter(|_| chooses)?;
    Some(name.folded())
}

/// The extension that a statement creates, changes, drops or comments on.
#[must_use]
pub fn extension(dialect: &dyn Dialect, sql: &str) -> Option<String> {
    if !edits::starts_with(
        dialect.syntax(),
        sql,
        &["CREATE", "ALTER", "DROP", "COMMENT"],
    ) {
        return None;
    }
    let code = Cursor::without_numbers(dialect.syntax(), sql);
    let kind = if code.sees_at(1, &["ON"]) { 2 } else { 1 };
    code.sees_at(kind, &["EXTENSION"]).then_some(())?;
    let mut names = (kind + 1..code.count()).filter_map(|at| code.get(at));
    let name = names.find(|word| !word.is_one_of(&["IF", "NOT", "EXISTS"]))?;
    Some(name.folded())
}

/// Whether a statement comments on an object.
#[must_use]
pub fn comments(dialect: &dyn Dialect, sql: &str) -> bool {
    edits::starts_with(dialect.syntax(), sql, &["COMMENT"])
}

/// The first of these names that a statement mentions, qualified or not.
#[must_use]
pub fn mentions(dialect: &dyn Dialect, sql: &str, names: &[String]) -> Option<String> {
    let code = Cursor::without_numbers(dialect.syntax(), sql);
    let mut all = code.tokens().filter(CodeToken::is_name);
    let found = all.find_map(|token| {
        let name = token.folded();
        names.iter().find(|known| **known == name)
    });
    found.cloned()
}

/// The setting by which a statement may change how the next ones are parsed.
#[must_use]
pub fn mode(dialect: &dyn Dialect, sql: &str) -> Option<&'static Mode> {
    let mode = dialect.containment().mode.as_ref()?;
    sql.to_lowercase().contains(mode.name).then_some(mode)
}

impl Mode {
    /// The word in a value with which the server parses statements differently from bird.
    pub fn misleading_word(&self, value: &str) -> Option<&'static str> {
        let mut words = self.misleading.iter().copied();
        words.find(|word| value.split(',').any(|it| it.eq_ignore_ascii_case(word)))
    }
}

/// Whether a statement may change the schema. Statements about rows, the session and the server do
/// not.
fn matters(code: &Cursor<'_>) -> bool {
    const NOTHING: &[&str] = &[
        "INSERT", "REPLACE", "UPDATE", "DELETE", "MERGE", "SELECT", "WITH", "TABLE", "VALUES",
        "SET", "LOAD", "COPY", "EXPLAIN", "SHOW", "TRUNCATE", "USE", "ANALYZE", "VACUUM", "(",
    ];
    code.get(0).is_none_or(|first| !first.is_one_of(NOTHING))
}

/// A reason, and whether the schema may be incomplete without the statement.
type Reason = (String, bool);

/// What a check found besides a reason to reject the statement.
#[derive(Default)]
struct Found {
    edits: Vec<Edit>,
    question: Option<String>,
    dynamic_sql: bool,
}

/// The input of a check that all its parts need.
#[derive(Clone, Copy)]
struct Checker<'l> {
    dialect: &'l dyn Dialect,
    rules: &'static Rules,
    scope: &'l Scope,
}

impl Checker<'_> {
    /// Checks a statement, or the body of one.
    fn statement(self, code: &Cursor<'_>, body: bool, found: &mut Found) -> Result<(), Reason> {
        let program = body || bodies::is_program(code);
        for (at, token) in code.tokens().enumerate() {
            let another = code.before(at).is_some_and(|before| before.text == ";");
            if at == 0 || another || program && bodies::begins(code, at) {
                self.head(code, at)?;
            }
            self.signs(code, at, token)?;
        }
        self.dynamic_sql(code, found)?;
        names::check(self, code, found)?;
        if self.rules.grants_inside {
            self.grants(code, program)?;
        }
        bodies::nested(self, code, body, found)
    }

    fn head(self, code: &Cursor<'_>, at: usize) -> Result<(), Reason> {
        let rules = self.rules;
        let first = code.get(at);
        if first.is_some_and(|first| {
            self.dialect
                .syntax()
                .grammar
                .attaching
                .iter()
                .any(|it| first.is(it))
        }) {
            return Err(("opens or closes another database".to_owned(), false));
        }
        if at == 0 && self.chooses_own(code) {
            return Ok(());
        }
        if let Some((_, why)) = rules
            .heads
            .iter()
            .find(|(head, _)| edits::is_head(code, at, head))
        {
            // A program that does it is left out as a whole.
            return Err(((*why).to_owned(), at > 0 || self.is_foreign(code)));
        }
        if first.is_some_and(|first| first.is("SET")) && self.sets_global(code, at) {
            return Err(("sets variables of the whole server".to_owned(), at > 0));
        }
        Ok(())
    }

    /// Whether it is a `USE` of the own database.
    fn chooses_own(self, code: &Cursor<'_>) -> bool {
        let own = code.get(1).map(|name| name.folded());
        code.sees_at(0, &["USE"]) && code.count() == 2 && own == Some(self.scope.own.to_lowercase())
    }

    /// Whether it creates an object of the schema that refers to another server.
    fn is_foreign(self, code: &Cursor<'_>) -> bool {
        let kind = code.get(1);
        let foreign =
            kind.is_some_and(|kind| kind.is_one_of(&["FOREIGN", "SUBSCRIPTION", "SERVER"]));
        self.rules.grants_inside && foreign
    }

    /// Whether it sets a global variable: `SET a = 1, GLOBAL b = 2`, `SET @@GLOBAL.b = 2`.
    fn sets_global(self, code: &Cursor<'_>, at: usize) -> bool {
        let mut depth = 0_usize;
        for (place, token) in code.tokens().enumerate().skip(at) {
            match token.text {
                "(" => depth += 1,
                ")" => depth = depth.saturating_sub(1),
                ";" => break,
                _ => {}
            }
            if place != at && !(depth == 0 && token.text == ",") {
                continue;
            }
            let mut next = place + 1;
            while code.get(next).is_some_and(|token| token.text == "@") {
                next += 1;
            }
            let word = code.get(next);
            let behind = code.get(next + 1);
            let named = behind.is_some_and(|token| token.is_name() || token.text == ".");
            if named && word.is_some_and(|word| word.is_one_of(self.rules.globals)) {
                return true;
            }
        }
        false
    }

    fn signs(self, code: &Cursor<'_>, at: usize, token: CodeToken<'_>) -> Result<(), Reason> {
        let rules = self.rules;
        if let Some((_, why)) = rules.signs.iter().find(|(sign, _)| code.sees_at(at, sign)) {
            return Err(((*why).to_owned(), true));
        }
        if !token.is_name() {
            return Ok(());
        }
        if code.get(at + 1).is_some_and(|next| next.text == "(") {
            let name = token.folded();
            let is_it = |known: &&str| match known.strip_suffix('*') {
                Some(begin) => name.starts_with(begin),
                None => name == **known,
            };
            let mut functions = rules.functions.iter();
            if let Some((_, why)) = functions.find(|(names, _)| names.iter().any(is_it)) {
                return Err(((*why).to_owned(), true));
            }
        }
        for (option, values, why) in rules.values {
            let value = token.is(option).then(|| {
                let equals = code.get(at + 1).is_some_and(|next| next.text == "=");
                code.get(at + 1 + usize::from(equals))
            });
            let value = value.flatten().map(|value| edits::bare(&value));
            if value.is_some_and(|value| values.contains(&value.as_str())) {
                return Err(((*why).to_owned(), true));
            }
        }
        Ok(())
    }

    /// Rejects statements that run a routine with dynamic SQL. A program that runs one later counts as
    /// dynamic SQL itself.
    fn dynamic_sql(self, code: &Cursor<'_>, found: &mut Found) -> Result<(), Reason> {
        let known = &self.scope.dynamic_routines;
        let Some(first) = code.get(0).filter(|_| !known.is_empty()) else {
            return Ok(());
        };
        let about = first.is_one_of(&["CREATE", "ALTER", "DROP", "COMMENT", "GRANT", "REVOKE"]);
        let later = bodies::routine(code).is_some();
        let disabled = self
            .rules
            .event_kind
            .is_some_and(|kind| bodies::is_made(code, kind));
        for at in 1..code.count() {
            let name = code
                .get(at)
                .filter(CodeToken::is_name)
                .map(|token| token.folded());
            let Some(name) = name.filter(|name| known.contains(name)) else {
                continue;
            };
            let own = about && bodies::is_routines(code, at) && !bodies::is_made(code, "TRIGGER");
            if own || disabled {
                continue;
            }
            if !later {
                return Err((format!("runs `{name}`, which {DYNAMIC}"), true));
            }
            found.dynamic_sql = true;
        }
        Ok(())
    }

    /// Checks grants and owners. Privileges on objects may be granted to existing roles; membership in
    /// a role belongs to the server.
    fn grants(self, code: &Cursor<'_>, program: bool) -> Result<(), Reason> {
        for at in 0..code.count() {
            let begins = at == 0 || program && bodies::begins(code, at);
            if let Some(role) = owner(code, at) {
                // An object without its owner is complete; a missing object is not.
                let makes = code.sees_at(0, &["CREATE"]);
                let missing = self.roles(code, role, role + 1);
                missing.map_err(|(why, _)| (why, makes))?;
            }
            if begins
                && bodies::is_policy(code, at)
                && let Some(to) =
                    (at..edits::statement_end(code, at)).find(|at| code.sees_at(*at, &["TO"]))
            {
                let missing = self.roles(code, to + 1, edits::statement_end(code, at));
                missing.map_err(|(why, _)| (why, true))?;
            }
            let grant = code.get(at).filter(|_| begins);
            let grant = grant.filter(|token| token.is_one_of(&["GRANT", "REVOKE"]));
            let defaults = begins && code.sees_at(at, &["ALTER", "DEFAULT", "PRIVILEGES"]);
            if grant.is_none() && !defaults {
                continue;
            }
            let rest = at..edits::statement_end(code, at);
            let on = rest
                .clone()
                .find(|at| code.get(*at).is_some_and(|it| it.is("ON")));
            let Some(on) = on else {
                return Err(("grants or revokes membership in a role".to_owned(), at > 0));
            };
            if code
                .get(on + 1)
                .is_some_and(|it| it.is_one_of(&["TABLESPACE", "PARAMETER"]))
            {
                return Err(("grants privileges on the whole server".to_owned(), false));
            }
            for to in on..rest.end {
                if code
                    .get(to)
                    .is_some_and(|it| it.is_one_of(&["TO", "FROM", "ROLE", "USER"]))
                {
                    self.roles(code, to + 1, rest.end)?;
                }
            }
        }
        Ok(())
    }

    fn roles(self, code: &Cursor<'_>, from: usize, end: usize) -> Result<(), Reason> {
        const ALWAYS: &[&str] = &[
            "public",
            "current_user",
            "current_role",
            "session_user",
            "group",
        ];
        let mut expected = true;
        for token in code.tokens().take(end).skip(from) {
            match token.text {
                "," => expected = true,
                _ if expected && token.is_name() => {
                    expected = false;
                    let name = token.folded();
                    let roles = self.scope.roles.as_ref();
                    let known = roles.is_none_or(|roles| roles.contains(&name));
                    if !known && !ALWAYS.contains(&name.as_str()) {
                        return Err((
                            format!("is about the role `{name}`, which does not exist"),
                            false,
                        ));
                    }
                }
                _ => break,
            }
        }
        Ok(())
    }
}

/// The position of the role that becomes an owner or the session's role.
fn owner(code: &Cursor<'_>, at: usize) -> Option<usize> {
    const LEADS: &[&[&str]] = &[&["OWNER", "TO"], &["SET", "ROLE"], &["AUTHORIZATION"]];
    let lead = LEADS.iter().find(|lead| code.sees_at(at, lead))?;
    let role = at + lead.len();
    let named = code.get(role).filter(CodeToken::is_name)?;
    (!named.is_one_of(&["DEFAULT", "NONE"])).then_some(role)
}

/// The content of a literal.
fn literal(text: &str) -> String {
    let open = text.find(['\'', '"']).unwrap_or(0);
    unquoted(text.get(open..).unwrap_or_default())
}
