//! Statements that are neither about rows nor about the schema, and parts of schema statements that
//! no schema shows.

use super::conversions;
use super::rows::{literals, may_write};
use super::{Found, Reversal, Reversals};
use crate::dialect::statement::{DdlObject, Head};
use crate::sql::lex::Kind;
use crate::sql::{Cursor, Name};

/// The verbs of statements that concern the session alone, or that change nothing that lasts.
const SESSION: &[&str] = &[
    "BEGIN",
    "START",
    "COMMIT",
    "ROLLBACK",
    "SAVEPOINT",
    "RELEASE",
    "END",
    "LOCK",
    "UNLOCK",
    "USE",
    "SHOW",
    "EXPLAIN",
    "DESCRIBE",
    "DESC",
    "ANALYZE",
    "VACUUM",
    "OPTIMIZE",
    "REPAIR",
    "REINDEX",
    "CLUSTER",
    "CHECKPOINT",
    "CHECK",
    "CHECKSUM",
    "RESET",
    "DISCARD",
    "PREPARE",
    "DEALLOCATE",
    "LISTEN",
    "UNLISTEN",
    "NOTIFY",
    "REFRESH",
    "FLUSH",
    "HANDLER",
    "DECLARE",
    "FETCH",
    "MOVE",
    "CLOSE",
    "ATTACH",
    "DETACH",
    "VALUES",
];

/// Properties that SQLite keeps in the database's file.
const KEPT_PRAGMAS: &[&str] = &[
    "application_id",
    "auto_vacuum",
    "encoding",
    "journal_mode",
    "page_size",
    "user_version",
    "writable_schema",
];

/// Words before a parenthesis that call nothing.
const NO_CALLS: &[&str] = &[
    "all",
    "and",
    "any",
    "array",
    "as",
    "between",
    "by",
    "case",
    "distinct",
    "else",
    "except",
    "exists",
    "filter",
    "from",
    "group",
    "having",
    "in",
    "intersect",
    "interval",
    "is",
    "join",
    "lateral",
    "like",
    "limit",
    "not",
    "on",
    "or",
    "order",
    "over",
    "partition",
    "row",
    "select",
    "some",
    "table",
    "then",
    "union",
    "using",
    "values",
    "when",
    "where",
    "with",
    "within",
    "char",
    "character",
    "decimal",
    "numeric",
    "varchar",
    "bit",
    "binary",
    "varbinary",
    "time",
    "timestamp",
    "timestamptz",
    "float",
    "datetime",
    "signed",
    "unsigned",
];

/// Functions that change nothing that lasts.
const READING: &[&str] = &[
    "abs",
    "array_agg",
    "avg",
    "bool_and",
    "bool_or",
    "cast",
    "ceil",
    "ceiling",
    "char_length",
    "coalesce",
    "concat",
    "concat_ws",
    "convert",
    "count",
    "current_database",
    "current_schema",
    "current_setting",
    "curdate",
    "database",
    "date",
    "date_add",
    "date_format",
    "date_sub",
    "date_trunc",
    "extract",
    "floor",
    "format",
    "format_type",
    "gen_random_uuid",
    "generate_series",
    "greatest",
    "group_concat",
    "hex",
    "if",
    "ifnull",
    "isnull",
    "json_agg",
    "json_build_object",
    "json_object",
    "jsonb_agg",
    "least",
    "left",
    "length",
    "lower",
    "ltrim",
    "max",
    "md5",
    "min",
    "mod",
    "now",
    "nullif",
    "pg_get_serial_sequence",
    "pg_sleep",
    "pg_typeof",
    "position",
    "power",
    "quote_ident",
    "quote_literal",
    "random",
    "rank",
    "repeat",
    "right",
    "round",
    "row_number",
    "rtrim",
    "schema",
    "set_config",
    "sleep",
    "split_part",
    "sqrt",
    "string_agg",
    "substr",
    "substring",
    "sum",
    "to_char",
    "to_date",
    "to_jsonb",
    "to_number",
    "to_regclass",
    "to_timestamp",
    "trim",
    "unhex",
    "unnest",
    "upper",
    "user",
    "uuid",
    "version",
    "get_lock",
    "release_lock",
    "pg_advisory_lock",
    "pg_advisory_unlock",
    "pg_advisory_xact_lock",
    "pg_try_advisory_lock",
    "last_insert_id",
    "row_count",
    "found_rows",
];

/// Whether a definition is one of an object that is gone with its session.
pub(super) fn is_temporary(words: &Cursor<'_>) -> bool {
    let mut words = words.clone();
    words.rewind();
    let mut head = words.tokens().take(4).skip(1);
    let creates = words.sees("CREATE") || words.sees("DROP");
    creates && head.any(|token| token.is_one_of(&["TEMPORARY", "TEMP"]))
}

impl Reversals<'_> {
    /// A statement of another kind, from its verb on.
    pub(super) fn other(&mut self, verb: &str, words: Cursor<'_>, earlier: &[&str]) -> Found {
        let stays = |what: &str| Found::Known(Reversal::Stays(what.to_owned()));
        let unneeded = Found::Known(Reversal::Unneeded);
        let dialect = self.dialect;
        match verb {
            "" => unneeded,
            "SET" => {
                let globals = dialect.containment().globals;
                let lasting = words.tokens().any(|token| token.is_one_of(globals));
                let account = words.sees_at(1, &["PASSWORD"]) || words.sees_at(1, &["DEFAULT"]);
                match (lasting, account) {
                    (false, false) => unneeded,
                    (true, _) => stays("sets variables of the whole server"),
                    (_, true) => stays("changes an account"),
                }
            }
            "BEGIN" if words.sees_at(1, &["NOT"]) => self.program(&words),
            "PRAGMA" => {
                let mut rest = words.tokens().skip(1);
                let keeps = rest.any(|token| token.is_one_of(KEPT_PRAGMAS));
                let sets = words.has("=") || words.has("(");
                if keeps && sets {
                    stays("sets a property of the database's file")
                } else {
                    unneeded
                }
            }
            "START" if !words.sees_at(1, &["TRANSACTION"]) => stays("affects the whole server"),
            verb if SESSION.contains(&verb) => unneeded,
            "SELECT" | "WITH" | "TABLE" | "(" => self.query(&words, earlier),
            "DO" => match words.get(1) {
                Some(body) if body.kind == Kind::Text => self.program(&words),
                _ if words.sees_at(1, &["LANGUAGE"]) => self.program(&words),
                _ => self.query(&words, earlier),
            },
            "EXECUTE" => self.prepared(&words, earlier),
            "CALL" => {
                let mut words = words;
                words.next();
                let name = words
                    .name()
                    .map_or_else(String::new, |name| name.to_string());
                Found::Known(Reversal::Stays(format!(
                    "calls {name}, whose effects are not known"
                )))
            }
            "GRANT" | "REVOKE" => self.privileges(verb, words),
            _ => Found::Known(Reversal::Stays(format!(
                "is {verb}, whose effects no schema shows"
            ))),
        }
    }

    /// A block of code that runs at once.
    fn program(&self, words: &Cursor<'_>) -> Found {
        let texts = literals(words).join(" ");
        Found::Known(if may_write(&texts) || may_write(words.sql()) {
            Reversal::Stays("runs a block that may write more than the schema".to_owned())
        } else {
            Reversal::Difference
        })
    }

    /// A prepared statement, whose text stands in an earlier one.
    fn prepared(&self, words: &Cursor<'_>, earlier: &[&str]) -> Found {
        const DEFINING: &[&str] = &["create", "alter", "drop", "rename"];
        let syntax = self.dialect.syntax();
        let name = words.get(1).map(|token| token.folded());
        let mut texts = String::new();
        let mut variable = None;
        for sql in earlier.iter().rev() {
            let words = Cursor::new(syntax, sql);
            let prepares = words.sees("PREPARE");
            let is_it = words.get(1).map(|token| token.folded()) == name;
            if variable.is_none() && prepares && is_it {
                variable = Some(words.tokens().last().map(|token| token.folded()));
                texts.push_str(&literals(&words).join(" "));
            } else if let Some(Some(variable)) = &variable
                && words.sees("SET")
                && words.tokens().any(|token| token.folded() == *variable)
            {
                texts.push(' ');
                texts.push_str(&literals(&words).join(" "));
                break;
            }
        }
        let lower = texts.to_lowercase();
        let defines = DEFINING.iter().any(|word| lower.contains(word));
        Found::Known(if defines && !may_write(&texts) {
            Reversal::Difference
        } else {
            Reversal::Stays("runs dynamic SQL".to_owned())
        })
    }

    /// A query, which may call a function that writes.
    fn query(&mut self, words: &Cursor<'_>, earlier: &[&str]) -> Found {
        let tokens = words.tokens();
        let writes = tokens.clone().any(|token| {
            words.first() == "WITH" && token.is_one_of(&["INSERT", "UPDATE", "DELETE", "MERGE"])
        });
        if writes {
            return Found::Known(Reversal::Stays("changes rows".to_owned()));
        }
        if self.dialect.facts().is_embedded() {
            return Found::Known(Reversal::Unneeded);
        }
        let called = tokens.clone().enumerate().find_map(|(at, token)| {
            let calls = token.is_name() && words.sees_at(at + 1, &["("]);
            let name = token.folded();
            let known = NO_CALLS.contains(&name.as_str()) || READING.contains(&name.as_str());
            (calls && !known).then_some(name)
        });
        match called {
            None if words.has("INTO") => Found::Known(Reversal::Difference),
            None => Found::Known(Reversal::Unneeded),
            Some(name) if name == "setval" || name == "nextval" => {
                let named = literals(words);
                let mut named = named.iter();
                let created = named.any(|text| self.objects.belongs_to_created(text));
                let named = || literals(words).into_iter();
                Found::Known(if created {
                    Reversal::With("its table".to_owned())
                } else if named().any(|text| self.numbers_anew(&text, earlier)) {
                    Reversal::With("its sequence".to_owned())
                } else {
                    Reversal::Stays("moves a sequence".to_owned())
                })
            }
            Some(name) => Found::Known(Reversal::Stays(format!(
                "calls `{name}`, whose effects are not known"
            ))),
        }
    }

    /// Whether a text names a sequence that earlier statements gave to a column, or its table: the
    /// sequence before it takes the position over.
    fn numbers_anew(&self, text: &str, earlier: &[&str]) -> bool {
        let syntax = self.dialect.syntax();
        earlier.iter().any(|sql| {
            let mut words = Cursor::new(syntax, sql);
            if !words.eat_all(&["ALTER", "TABLE"]) {
                return false;
            }
            words.eat_if_exists();
            words.eat("ONLY");
            let Some(table) = words.name() else {
                return false;
            };
            let rest = text.strip_prefix(table.last());
            let names = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('_'));
            let numbers = words.has("nextval") && literals(&words).iter().any(|one| one == text);
            numbers || (names && words.has("IDENTITY"))
        })
    }

    /// A GRANT or a REVOKE. On PostgreSQL privileges are gone with their object.
    fn privileges(&mut self, verb: &str, mut words: Cursor<'_>) -> Found {
        let did = match verb {
            "GRANT" => "gives privileges",
            _ => "takes privileges",
        };
        if self.dialect.containment().grants_inside {
            while words.next().is_some_and(|word| !word.is("ON")) {}
            words.eat_any(&["TABLE", "SEQUENCE"]);
            let names = words.names();
            if !names.is_empty() && !words.sees("(") && !names.iter().any(is_all) {
                let objects = names.iter().map(|name| self.objects.object(name));
                return Found::Objects {
                    objects: objects.collect(),
                    did: did.to_owned(),
                };
            }
        }
        Found::Known(Reversal::Stays(did.to_owned()))
    }

    /// A schema statement with an effect that no schema shows, from its verb on.
    pub(super) fn beside_the_schema(&mut self, words: &Cursor<'_>) -> Option<Found> {
        let stays = |what: &str| Some(Found::Known(Reversal::Stays(what.to_owned())));
        let mut words = words.clone();
        words.rewind();
        let verb = words.first();
        if words.sees_all(&["RENAME", "USER"]) {
            return stays("changes an account");
        }
        if verb == "RENAME" {
            return None;
        }
        if verb == "COMMENT" {
            let of_server = words.sees_at(2, &["ROLE"]) || words.sees_at(2, &["TABLESPACE"]);
            if of_server || words.sees_at(2, &["DATABASE"]) {
                return stays("comments on what no schema shows");
            }
            return None;
        }
        if words.sees_all(&["ALTER", "SYSTEM"]) {
            return stays("sets variables of the whole server");
        }
        if words.sees_all(&["ALTER", "DEFAULT", "PRIVILEGES"]) {
            return stays("changes default privileges");
        }
        words.next();
        let mut after = words.clone();
        let head = Head::read(&mut after)?;
        let schema_is_database = words.grammar().schema_is_database;
        match head.kind {
            DdlObject::Account => return stays("changes an account or a role"),
            DdlObject::Database => return stays("changes a database as a whole"),
            DdlObject::Schema if schema_is_database => {
                return stays("changes a database as a whole");
            }
            _ if verb != "ALTER" => return None,
            _ => {}
        }
        after.eat_if_exists();
        after.eat("ONLY");
        let name = after.name()?;
        if head.kind == DdlObject::Table {
            let mut rest = after.clone();
            rest.eat("*");
            let computed = conversions::computed_anew(&rest);
            if !computed.is_empty() {
                let table = self.objects.object(&name);
                let columns = computed.iter().map(|it| self.objects.part(table, it));
                let columns = columns.collect();
                let did = format!("computes the values of `{}` anew", computed.join("`, `"));
                return Some(Found::Columns { columns, did });
            }
        }
        let did = alters_beside(&after)?;
        let objects = vec![self.objects.object(&name)];
        let did = format!("{did} {name}");
        Some(Found::Objects { objects, did })
    }
}

/// What an ALTER, from behind the object's name, does that no schema shows.
fn alters_beside(rest: &Cursor<'_>) -> Option<&'static str> {
    let mut clauses = rest.clauses();
    let clause = match clauses.len() {
        1 => clauses.pop()?,
        _ => return None,
    };
    if clause.sees_all(&["OWNER", "TO"]) {
        Some("changes the owner of")
    } else if clause.sees("AUTO_INCREMENT") {
        Some("sets the counter of")
    } else if clause.sees("RESTART") {
        Some("sets the position of")
    } else {
        None
    }
}

/// Whether it is no name but `ALL TABLES IN SCHEMA …`.
fn is_all(name: &Name) -> bool {
    name.parts.len() == 1 && name.last().eq_ignore_ascii_case("all")
}
