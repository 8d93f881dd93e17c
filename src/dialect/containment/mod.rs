//! What a statement could reach beyond the database that it is sent to: other databases, what
//! belongs to the whole server, files. In a shadow only what stays inside may run.
//!
//! Nobody parses here: words are looked at where they stand. Where they leave a doubt the
//! statement counts as reaching out. A name with a dot is mostly a column, so it counts only
//! where a table can stand, or where nothing in the statement has such an alias; and only what
//! the server really has can be reached.

mod bodies;
mod edits;
mod event;
mod names;

use serde::{Deserialize, Serialize};

use super::Dialect;
use crate::sql::Cursor;
use crate::sql::cursor::{CodeToken, unquoted};
pub use bodies::Dynamic;
use edits::Edit;

pub use event::{Sleep, asleep, awake};

/// Words, and why a statement with them reaches out.
pub type Signs = &'static [(&'static [&'static str], &'static str)];

/// What an engine's statements could reach, and by which words.
#[derive(Debug)]
pub struct Rules {
    /// How statements begin that belong to the whole server; `OR REPLACE` is passed over.
    pub heads: Signs,
    /// What does so in the middle of any statement.
    pub signs: Signs,
    /// Functions that do so when they are called; a `*` stands for any end of a name.
    pub functions: Signs,
    /// Options whose value is a name, and the values that do so: `ENGINE = FEDERATED`.
    pub values: &'static [(&'static str, &'static [&'static str], &'static str)],
    /// Where tables lie that belong to the whole server; they are read, and not written.
    pub shared: &'static [&'static str],
    /// Databases that only tell of others; whoever asks them names a database in a string.
    pub telling: &'static [&'static str],
    /// Variables of the whole server are set by these words.
    pub globals: &'static [&'static str],
    /// Languages of routines that are no sandbox.
    pub untrusted: &'static [&'static str],
    /// Texts are statements behind these words.
    pub dynamic: Option<Dynamic>,
    /// Privileges are objects of a database, given to roles of the server.
    pub grants_inside: bool,
    /// Asks what is around: rows of a kind, `database` or `role`, and a name.
    pub around: Option<&'static str>,
    /// The setting that may change how statements are read.
    pub mode: Option<Mode>,
    /// A kind of object that runs by itself.
    pub runs_alone: Option<&'static str>,
    /// An object of this kind without a qualifier may be one of the whole server.
    pub qualified: Option<(&'static str, &'static str)>,
}

/// A setting that may change how statements are read.
#[derive(Debug)]
pub struct Mode {
    pub name: &'static str,
    /// Asks for its value.
    pub read: &'static str,
    /// The words in its value with which statements are read otherwise than bird reads them.
    pub misleading: &'static [&'static str],
}

/// What is around the database that is to stay alone.
#[derive(Debug, Clone, Default)]
pub struct Around {
    /// What the migrations call their database; empty where it has no name.
    pub own: String,
    /// What it is called in truth.
    pub shadow: String,
    /// The schema in use, on engines that have them.
    pub schema: Option<String>,
    /// The other databases that could be named.
    pub others: Vec<String>,
    /// The accounts that there are, where that is known.
    pub roles: Option<Vec<String>>,
    /// Routines of which nobody knows what they run.
    pub opaque: Vec<String>,
}

/// Where a statement leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// It stays inside; where it names its database by the name that it has elsewhere, this is
    /// how it is to be sent. `opaque` is a routine of which nobody can tell what it runs.
    Inside {
        sql: Option<String>,
        opaque: Option<String>,
    },
    /// It runs a text that the session knows: what this query answers is to be looked at first.
    Tells(String),
    /// It reaches out, or may.
    Outside(Outside),
}

/// Why a statement is not to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outside {
    /// In words that follow the statement: `names another database, …`.
    pub why: String,
    /// Whether the schema may lack something without it.
    pub matters: bool,
}

const DYNAMIC: &str = "runs a text that is known only when it runs";

/// Where one statement leads.
#[must_use]
pub fn reach(dialect: &dyn Dialect, sql: &str, around: &Around) -> Reach {
    let look = Look {
        dialect,
        rules: dialect.containment(),
        around,
    };
    let code = Cursor::without_numbers(dialect.syntax(), sql);
    let mut found = Found::default();
    if let Err(why) = look.statement(&code, false, &mut found) {
        let matters = matters(&code) && why.1;
        return Reach::Outside(Outside {
            why: why.0,
            matters,
        });
    }
    if let Some(question) = found.question {
        return Reach::Tells(question);
    }
    let opaque = if found.opaque {
        match bodies::routine(&code) {
            None => {
                let why = DYNAMIC.to_owned();
                return Reach::Outside(Outside { why, matters: true });
            }
            name => name,
        }
    } else {
        None
    };
    Reach::Inside {
        sql: edits::edited(sql, found.edits),
        opaque,
    }
}

/// The name of what a statement makes or makes known: an object, a prepared statement, a database.
#[must_use]
pub fn makes(dialect: &dyn Dialect, sql: &str) -> Option<String> {
    let code = Cursor::without_numbers(dialect.syntax(), sql);
    bodies::made(&code)
}

/// A definition that was read in the shadow, as it is where the database has its own name.
#[must_use]
pub fn at_home(dialect: &dyn Dialect, sql: &str, around: &Around) -> Option<String> {
    if around.own.is_empty() || around.own == around.shadow {
        return None;
    }
    let back = Around {
        own: around.shadow.clone(),
        shadow: around.own.clone(),
        schema: around.schema.clone(),
        ..Around::default()
    };
    match reach(dialect, sql, &back) {
        Reach::Inside { sql, .. } => sql,
        Reach::Tells(_) | Reach::Outside(_) => None,
    }
}

/// The database that a statement chooses for those behind it.
#[must_use]
pub fn chooses(dialect: &dyn Dialect, sql: &str) -> Option<String> {
    if !edits::starts_with(dialect.syntax(), sql, &["USE"]) {
        return None;
    }
    let code = Cursor::without_numbers(dialect.syntax(), sql);
    let chooses = code.sees_at(0, &["USE"]) && code.count() == 2;
    let name = code.get(1).filter(|_| chooses)?;
    Some(name.folded())
}

/// Whether a statement mentions one of these names, as an unqualified name or the end of one.
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

/// The setting that a statement may change such that the next ones are read otherwise.
#[must_use]
pub fn mode(dialect: &dyn Dialect, sql: &str) -> Option<&'static Mode> {
    let mode = dialect.containment().mode.as_ref()?;
    sql.to_lowercase().contains(mode.name).then_some(mode)
}

impl Mode {
    /// Whether bird would read statements otherwise than the server.
    pub fn misleads(&self, value: &str) -> bool {
        let mut words = value.split(',');
        words.any(|word| {
            self.misleading
                .iter()
                .any(|it| it.eq_ignore_ascii_case(word))
        })
    }
}

/// Statements of rows, of the session and of the server leave the schema as it is.
fn matters(code: &Cursor<'_>) -> bool {
    const NOTHING: &[&str] = &[
        "INSERT", "REPLACE", "UPDATE", "DELETE", "MERGE", "SELECT", "WITH", "TABLE", "VALUES",
        "SET", "LOAD", "COPY", "EXPLAIN", "SHOW", "TRUNCATE", "USE", "ANALYZE", "VACUUM", "(",
    ];
    code.get(0).is_none_or(|first| !first.is_one_of(NOTHING))
}

/// Why, and whether it may matter to the schema.
type Why = (String, bool);

/// What was found beside.
#[derive(Default)]
struct Found {
    edits: Vec<Edit>,
    question: Option<String>,
    opaque: bool,
}

/// How statements are looked at.
#[derive(Clone, Copy)]
struct Look<'l> {
    dialect: &'l dyn Dialect,
    rules: &'static Rules,
    around: &'l Around,
}

impl Look<'_> {
    /// Looks at one statement, or at the body of one.
    fn statement(self, code: &Cursor<'_>, body: bool, found: &mut Found) -> Result<(), Why> {
        let program = body || bodies::is_program(code);
        for (at, token) in code.tokens().enumerate() {
            let another = code.before(at).is_some_and(|before| before.text == ";");
            if at == 0 || another || program && bodies::begins(code, at) {
                self.head(code, at)?;
            }
            self.signs(code, at, token)?;
        }
        self.opaque(code, found)?;
        names::look(self, code, found)?;
        if self.rules.grants_inside {
            self.grants(code, program)?;
        }
        bodies::nested(self, code, body, found)
    }

    fn head(self, code: &Cursor<'_>, at: usize) -> Result<(), Why> {
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
            // A program that does it is missing as a whole.
            return Err(((*why).to_owned(), at > 0 || self.is_foreign(code)));
        }
        if first.is_some_and(|first| first.is("SET")) && self.sets_global(code, at) {
            return Err(("sets variables of the whole server".to_owned(), at > 0));
        }
        Ok(())
    }

    /// Whether it chooses the database that is in use already.
    fn chooses_own(self, code: &Cursor<'_>) -> bool {
        let own = code.get(1).map(|name| name.folded());
        code.sees_at(0, &["USE"])
            && code.count() == 2
            && own == Some(self.around.own.to_lowercase())
    }

    /// What a schema holds and what leads to another server all the same.
    fn is_foreign(self, code: &Cursor<'_>) -> bool {
        let kind = code.get(1);
        let foreign =
            kind.is_some_and(|kind| kind.is_one_of(&["FOREIGN", "SUBSCRIPTION", "SERVER"]));
        self.rules.grants_inside && foreign
    }

    /// `SET a = 1, GLOBAL b = 2`, `SET @@GLOBAL.b = 2`.
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

    fn signs(self, code: &Cursor<'_>, at: usize, token: CodeToken<'_>) -> Result<(), Why> {
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

    /// Whoever runs a routine that nobody can look into. What only runs it later is as opaque.
    fn opaque(self, code: &Cursor<'_>, found: &mut Found) -> Result<(), Why> {
        let known = &self.around.opaque;
        let Some(first) = code.get(0).filter(|_| !known.is_empty()) else {
            return Ok(());
        };
        let about = first.is_one_of(&["CREATE", "ALTER", "DROP", "COMMENT", "GRANT", "REVOKE"]);
        let later = bodies::routine(code).is_some();
        let asleep = self
            .rules
            .runs_alone
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
            if own || asleep {
                continue;
            }
            if !later {
                return Err((format!("runs `{name}`, which {DYNAMIC}"), true));
            }
            found.opaque = true;
        }
        Ok(())
    }

    /// Privileges on objects may be given to roles that exist; membership in a role is the
    /// server's affair.
    fn grants(self, code: &Cursor<'_>, program: bool) -> Result<(), Why> {
        for at in 0..code.count() {
            let begins = at == 0 || program && bodies::begins(code, at);
            if let Some(role) = owner(code, at) {
                // Without its owner a thing is what it is; without a thing there is none.
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
                return Err(("gives or takes the membership of a role".to_owned(), at > 0));
            };
            if code
                .get(on + 1)
                .is_some_and(|it| it.is_one_of(&["TABLESPACE", "PARAMETER"]))
            {
                return Err(("gives privileges on the whole server".to_owned(), false));
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

    fn roles(self, code: &Cursor<'_>, from: usize, end: usize) -> Result<(), Why> {
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
                    let roles = self.around.roles.as_ref();
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

/// Where the role stands that gets an object, or that the session becomes.
fn owner(code: &Cursor<'_>, at: usize) -> Option<usize> {
    const LEADS: &[&[&str]] = &[&["OWNER", "TO"], &["SET", "ROLE"], &["AUTHORIZATION"]];
    let lead = LEADS.iter().find(|lead| code.sees_at(at, lead))?;
    let role = at + lead.len();
    let named = code.get(role).filter(CodeToken::is_name)?;
    (!named.is_one_of(&["DEFAULT", "NONE"])).then_some(role)
}

/// The text that stands in a literal, as far as its quotes go.
fn literal(text: &str) -> String {
    let open = text.find(['\'', '"']).unwrap_or(0);
    unquoted(text.get(open..).unwrap_or_default())
}
