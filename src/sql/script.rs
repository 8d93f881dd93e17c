//! The reader of a SQL file: its statements, the directives in its comments, and its digest.

use std::ops::Range;

use sha2::{Digest as _, Sha256};

use super::lex::{self, Kind, Lexer, Places, Token};
use super::split::{Event, walk};
use super::syntax::Syntax;

pub use super::secrets::{blot, hide, secrets};
use crate::model::hex;
use crate::model::script::{Fault, Place, Rename, Requires, Script, Statement};

/// Reads a file.
///
/// # Errors
///
/// All invalid directives, and the first place where the file cannot be split, in the order of the
/// file.
pub fn read(syntax: &Syntax, text: &str) -> Result<Script, Vec<Fault>> {
    let mut reader = ScriptReader::new(text);
    let end = walk(syntax, text, &mut |event| reader.take(event));
    if let Err(fault) = end {
        reader.faults.push(fault);
    } else {
        reader.finish();
    }
    if reader.faults.is_empty() {
        return Ok(reader.script);
    }
    reader.faults.sort_by_key(|fault| fault.range.start);
    Err(reader.faults)
}

/// A hash of the tokens of a text without blanks and plain comments. Only a change of layout or of
/// comments keeps it: letter case, literals, hints and executed comments count byte for byte.
#[must_use]
pub fn digest(syntax: &Syntax, sql: &str) -> String {
    let mut hash = Sha256::new();
    let mut first = true;
    let mut add = |text: &str| {
        if !std::mem::take(&mut first) {
            hash.update([0]);
        }
        hash.update(text);
    };
    let mut seen = 0;
    for token in Lexer::new(syntax, sql) {
        match token {
            Ok(token) => {
                seen = token.end;
                if !matches!(token.kind, Kind::Blank | Kind::Comment) {
                    add(sql.get(token.start..token.end).unwrap_or_default());
                }
            }
            // A rest that cannot be cut into tokens counts byte for byte.
            Err(_) => add(sql.get(seen..).unwrap_or_default()),
        }
    }
    hex::digits(&hash.finalize())
}

/// The code tokens of a text: no blanks, comments or hints. The content of executed comments is
/// included. It ends where the text cannot be cut into tokens.
pub fn code<'a>(syntax: &'a Syntax, sql: &'a str) -> impl Iterator<Item = Token> + 'a {
    let tokens = Lexer::new(syntax, sql).map_while(Result::ok);
    tokens.filter(|token| {
        !matches!(
            token.kind,
            Kind::Blank | Kind::Comment | Kind::Hint | Kind::Conditional
        )
    })
}

/// The texts of [`code`].
pub fn words<'a>(syntax: &'a Syntax, sql: &'a str) -> impl Iterator<Item = &'a str> + 'a {
    code(syntax, sql).filter_map(|token| sql.get(token.start..token.end))
}

/// Collects the parts that the walk over a file reports.
struct ScriptReader<'a> {
    text: &'a str,
    places: Places<'a>,
    script: Script,
    faults: Vec<Fault>,
    /// The `empty` directive.
    empty: Option<Token>,
    /// The directives in the current block of comments; what follows decides where they apply.
    block: Directives,
    /// The directives for the next statement.
    next: Directives,
    /// The directives for the statement that has begun.
    current: Directives,
    begun: bool,
    /// Whether this line has no code so far.
    clear: bool,
}

/// Directives for a statement or for the file.
#[derive(Default)]
struct Directives {
    allow: Vec<String>,
    idempotent: bool,
    /// The place of the last one.
    place: Option<(Range<usize>, Place)>,
}

impl Directives {
    fn join(&mut self, other: Directives) {
        allow(&mut self.allow, other.allow);
        self.idempotent |= other.idempotent;
        self.place = other.place.or(self.place.take());
    }
}

/// Adds names once each, in the order in which they appear.
fn allow(names: &mut Vec<String>, more: Vec<String>) {
    for name in more {
        if !names.contains(&name) {
            names.push(name);
        }
    }
}

impl<'a> ScriptReader<'a> {
    fn new(text: &'a str) -> Self {
        ScriptReader {
            text,
            places: Places::new(text),
            script: Script::default(),
            faults: Vec::new(),
            empty: None,
            block: Directives::default(),
            next: Directives::default(),
            current: Directives::default(),
            begun: false,
            clear: true,
        }
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Blank(token) => self.blank(token),
            Event::Comment(token, inside) => self.comment(token, inside),
            Event::Begin => {
                self.attach();
                self.current = std::mem::take(&mut self.next);
                self.begun = true;
            }
            Event::Statement(statement) => self.statement(statement),
            Event::Separator => {
                self.attach();
                self.clear = false;
            }
        }
    }

    fn slice(&self, token: Token) -> &'a str {
        self.text.get(token.start..token.end).unwrap_or_default()
    }

    /// Applies the block of comments to the statement, or the DELIMITER line, directly behind it.
    fn attach(&mut self) {
        self.next.join(std::mem::take(&mut self.block));
    }

    fn blank(&mut self, token: Token) {
        let breaks = self.slice(token).matches('\n').count();
        self.clear |= breaks > 0;
        if breaks > 1 {
            let block = std::mem::take(&mut self.block);
            allow(&mut self.script.allow, block.allow);
            self.script.idempotent |= block.idempotent;
        }
    }

    fn statement(&mut self, statement: Statement) {
        let directives = std::mem::take(&mut self.current);
        self.script.statements.push(Statement {
            allow: directives.allow,
            idempotent: directives.idempotent,
            ..statement
        });
    }

    fn finish(&mut self) {
        self.attach();
        if let (Some(token), [_, ..]) = (self.empty, self.script.statements.as_slice()) {
            let message =
                "the file has statements, but the directive `empty` says that it has none";
            self.fault(token, message, Some("take the directive out"));
        }
        if let Some((range, place)) = self.next.place.take() {
            self.faults.push(Fault {
                range,
                place,
                message: "this directive applies to the next statement, but no statement \
                    follows"
                    .into(),
                hint: Some(
                    "move it before its statement, or add a blank line after it to apply it \
                    to the whole file"
                        .into(),
                ),
            });
        }
    }

    fn comment(&mut self, token: Token, inside: bool) {
        let comment = self.slice(token);
        let mut line = comment
            .strip_prefix("--")
            .or_else(|| comment.strip_prefix('#'));
        let block = comment
            .strip_prefix("/*")
            .filter(|rest| rest.trim_start().starts_with("bird:"));
        if block.is_some() {
            self.fault(
                token,
                "a directive must be a line comment",
                Some("write it as `-- bird: …` on a line of its own"),
            );
            line = None;
        }
        let Some(directive) = line.and_then(|line| line.trim_start().strip_prefix("bird:")) else {
            return;
        };
        let directive = directive.trim();
        let (name, argument) = directive
            .split_once(char::is_whitespace)
            .unwrap_or((directive, ""));
        let argument = argument.trim();
        match name {
            "no-transaction" => self.no_transaction(token, argument),
            "empty" => self.empty(token, argument),
            "requires" => self.requires(token, argument),
            "renamed-from" => self.renamed(token, argument),
            "allow" if self.placed(token, inside) => self.allowed(token, argument),
            "idempotent" if self.placed(token, inside) => self.idempotent(token, argument),
            "allow" | "idempotent" => {}
            _ => self.unknown(token, name),
        }
    }

    fn place(&mut self, token: Token) -> (Range<usize>, Place) {
        let end = token.start + self.slice(token).trim_end().len();
        (token.start..end, self.places.at(token.start))
    }

    fn fault(&mut self, token: Token, message: &str, hint: Option<&str>) {
        let (range, _) = self.place(token);
        self.faults
            .push(lex::fault(self.text, range, message, hint));
    }
}

/// The directives, one by one.
impl ScriptReader<'_> {
    /// Whether a directive is on a line of its own. Behind code its statement would be ambiguous.
    fn placed(&mut self, token: Token, inside: bool) -> bool {
        let placed = self.clear && !inside;
        if !placed {
            let message = "this directive is inside a statement or after it";
            self.fault(
                token,
                message,
                Some("put it on a line of its own before its statement"),
            );
        }
        placed
    }

    /// Whether a directive for the whole file comes before all statements.
    fn heads(&mut self, token: Token, name: &str) -> bool {
        if self.begun {
            let message = format!("`{name}` must precede the first statement");
            self.fault(token, &message, Some("move it to the top of the file"));
        }
        !self.begun
    }

    fn bare(&mut self, token: Token, name: &str, argument: &str) -> bool {
        if !argument.is_empty() {
            let message = format!("`{name}` takes no argument");
            self.fault(token, &message, Some("write remarks in a separate comment"));
        }
        argument.is_empty()
    }

    fn no_transaction(&mut self, token: Token, argument: &str) {
        if self.bare(token, "no-transaction", argument) && self.heads(token, "no-transaction") {
            self.script.no_transaction = true;
        }
    }

    fn empty(&mut self, token: Token, argument: &str) {
        if self.bare(token, "empty", argument) {
            self.script.empty = true;
            self.empty = Some(token);
        }
    }

    fn idempotent(&mut self, token: Token, argument: &str) {
        if self.bare(token, "idempotent", argument) {
            let place = Some(self.place(token));
            self.block.join(Directives {
                idempotent: true,
                place,
                ..Directives::default()
            });
        }
    }

    fn allowed(&mut self, token: Token, argument: &str) {
        let names: Vec<String> = listed(argument).map(str::to_owned).collect();
        let bad = names.iter().find(|name| !plain(name, "-_/."));
        if names.is_empty() {
            self.fault(
                token,
                "`allow` needs a name",
                Some("write what is allowed: `-- bird: allow drop-table`"),
            );
        } else if let Some(bad) = bad {
            let message = format!("`{bad}` is not a name that can be allowed");
            self.fault(
                token,
                &message,
                Some("names are letters, digits and hyphens; write remarks in a separate comment"),
            );
        } else {
            let place = Some(self.place(token));
            self.block.join(Directives {
                allow: names,
                place,
                ..Directives::default()
            });
        }
    }

    fn requires(&mut self, token: Token, argument: &str) {
        if !self.heads(token, "requires") {
            return;
        }
        let (range, place) = self.place(token);
        let needs: Option<Vec<Requires>> = listed(argument)
            .map(|need| {
                let (database, version) =
                    need.split_once('@').filter(|(name, _)| plain(name, "-_"))?;
                let digits = version.bytes().all(|byte| byte.is_ascii_digit());
                let version = version.parse().ok().filter(|_| digits)?;
                Some(Requires {
                    database: database.to_owned(),
                    version,
                    range: range.clone(),
                    place,
                })
            })
            .collect();
        match needs {
            Some(needs) if !needs.is_empty() => self.script.requires.extend(needs),
            _ => {
                let message = "`requires` needs a database and a version";
                self.fault(token, message, Some("write `-- bird: requires ums@3`"));
            }
        }
    }

    fn renamed(&mut self, token: Token, argument: &str) {
        let ends = argument
            .split_once("->")
            .map(|(from, to)| (from.trim(), to.trim()));
        let fits = |(from, to): &(&str, &str)| {
            parts(from).is_some() && parts(from) == parts(to) && from != to
        };
        let Some((from, to)) = ends.filter(fits) else {
            let message = "`renamed-from` needs the old and the new name, both in full";
            return self.fault(
                token,
                message,
                Some("write `-- bird: renamed-from users.nick -> users.name`"),
            );
        };
        let (range, place) = self.place(token);
        self.script.renames.push(Rename {
            from: from.to_owned(),
            to: to.to_owned(),
            range,
            place,
        });
    }

    fn unknown(&mut self, token: Token, name: &str) {
        const NAMES: [&str; 6] = [
            "allow",
            "empty",
            "idempotent",
            "no-transaction",
            "renamed-from",
            "requires",
        ];
        // The comparison takes quadratic time, and a longer name is close to none of them.
        let comparable = (1..=40).contains(&name.len());
        let distances = NAMES.iter().map(|known| {
            (
                strsim::damerau_levenshtein(&name.to_lowercase(), known),
                known,
            )
        });
        let near = distances
            .filter(|(distance, known)| *distance <= known.len().div_ceil(3))
            .min();
        let hint = match near.filter(|_| comparable) {
            Some((_, known)) => format!("did you mean `{known}`?"),
            None => format!("the directives are {}", NAMES.join(", ")),
        };
        let message = if name.is_empty() {
            "the directive has no name".into()
        } else {
            format!("unknown directive `{name}`")
        };
        self.fault(token, &message, Some(&hint));
    }
}

/// The items of a list separated by blanks or commas.
fn listed(argument: &str) -> impl Iterator<Item = &str> {
    argument
        .split(|sign: char| sign.is_whitespace() || sign == ',')
        .filter(|item| !item.is_empty())
}

fn plain(name: &str, signs: &str) -> bool {
    let begins = name.starts_with(|first: char| first.is_alphanumeric() || first == '_');
    begins
        && name
            .chars()
            .all(|sign| sign.is_alphanumeric() || signs.contains(sign))
}

/// The number of parts of a dotted name. `None` if it is not a dotted name.
fn parts(name: &str) -> Option<usize> {
    let whole = name.split('.').all(|part| !part.is_empty())
        && !name.contains(char::is_whitespace)
        && !name.contains("->");
    whole.then(|| name.split('.').count())
}
