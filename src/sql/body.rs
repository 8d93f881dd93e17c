//! Bodies of stored programs: finds the semicolons in them, which do not end the statement.
//!
//! Each kind of body is a small state machine over the code tokens of one statement. None of them
//! parses: they count what opens and closes, and use the context of a token to distinguish keywords
//! from functions and columns of the same name.

use super::lex::Kind;
use super::syntax::Bodies;

/// A code token and the text of the previous one in the same statement.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BodyToken<'a> {
    pub(crate) kind: Kind,
    pub(crate) text: &'a str,
    pub(crate) start: usize,
    /// The text of the previous token; empty for the first one of the statement.
    pub(crate) before: &'a str,
}

impl BodyToken<'_> {
    fn is(&self, word: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(word)
    }

    fn is_any(&self, words: &[&str]) -> bool {
        self.kind == Kind::Word && among(self.text, words)
    }

    fn after(&self, words: &[&str]) -> bool {
        among(self.before, words)
    }
}

fn among(text: &str, words: &[&str]) -> bool {
    words.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// The body of the current statement, if it turns out to have one.
#[derive(Debug)]
pub(crate) enum Body {
    Blocks(Blocks),
    Atomic(Atomic),
    Trigger(Trigger),
}

impl Body {
    /// The state before the first token of a statement.
    pub(crate) fn new(bodies: Bodies) -> Self {
        match bodies {
            Bodies::Blocks => Body::Blocks(Blocks::default()),
            Bodies::Atomic => Body::Atomic(Atomic::default()),
            Bodies::Triggers => Body::Trigger(Trigger::default()),
        }
    }

    /// Processes a code token other than a semicolon.
    pub(crate) fn take(&mut self, token: BodyToken<'_>) {
        match self {
            Body::Blocks(blocks) => blocks.take(token),
            Body::Atomic(atomic) => atomic.take(token),
            Body::Trigger(trigger) => trigger.take(token),
        }
    }

    /// Processes a semicolon. Returns whether the statement may end there.
    pub(crate) fn semicolon(&mut self) -> bool {
        match self {
            Body::Blocks(blocks) => blocks.semicolon(),
            Body::Atomic(atomic) => atomic.depth == 0,
            Body::Trigger(trigger) => trigger.semicolon(),
        }
    }

    /// Whether the statement is a stored program, so that a delimiter of its own can end it.
    pub(crate) fn program(&self) -> bool {
        match self {
            Body::Blocks(blocks) => matches!(
                blocks.phase,
                Phase::Header(_) | Phase::Simple | Phase::Inside
            ),
            Body::Atomic(_) | Body::Trigger(_) => false,
        }
    }

    /// The offset of the body that is not closed yet.
    pub(crate) fn open(&self) -> Option<usize> {
        match self {
            Body::Blocks(blocks) => blocks.stack.first().map(|block| block.start),
            Body::Atomic(atomic) => (atomic.depth > 0).then_some(atomic.start),
            Body::Trigger(trigger) => trigger.open(),
        }
    }
}

/// Stored programs: nested blocks, conditions and loops.
#[derive(Debug, Default)]
pub(crate) struct Blocks {
    phase: Phase,
    stack: Vec<Block>,
    parens: usize,
    /// The next token begins a statement of the body.
    fresh: bool,
    /// In the conditions of a `DECLARE … HANDLER FOR`, which a statement follows.
    handler: bool,
    /// A routine of a package is between its head and its body.
    routine: Option<Header>,
}

#[derive(Debug, Default)]
enum Phase {
    /// Before the first word.
    #[default]
    Start,
    /// Behind `CREATE` or `ALTER`, before the kind of the object.
    Object { alter: bool },
    /// Behind `BEGIN`, which starts a transaction unless `NOT ATOMIC` follows.
    Begin { start: usize, not: bool },
    /// Behind the kind of a stored program, before its body.
    Header(Header),
    /// In a body of one statement without blocks.
    Simple,
    /// In a body that opened a block.
    Inside,
    /// In a statement that contains no others.
    Plain,
}

/// The part of a stored program before its body.
#[derive(Debug, Clone, Copy)]
struct Header {
    kind: Program,
    /// Whether the required parts before the body are complete.
    ready: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Program {
    Routine,
    Trigger,
    Event,
}

#[derive(Debug, Clone, Copy)]
struct Block {
    kind: Opener,
    start: usize,
    /// The depth of parentheses where it opened; a deeper word cannot close it.
    parens: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Opener {
    Package,
    Begin,
    If,
    Case,
    CaseExpression,
    Loop,
    Repeat,
    /// `WHILE` and `FOR`, whose statements follow `DO`.
    Counted,
}

/// The first words of simple statements, in which `IF` and `REPEAT` are functions.
const VERBS: &[&str] = &[
    "RETURN", "SET", "SELECT", "INSERT", "UPDATE", "DELETE", "REPLACE", "CALL", "DO", "SIGNAL",
    "RESIGNAL", "WITH", "VALUES", "EXECUTE", "PREPARE", "CREATE", "ALTER", "DROP", "TRUNCATE",
    "KILL",
];

impl Blocks {
    fn take(&mut self, token: BodyToken<'_>) {
        match token.text {
            "(" => self.parens += 1,
            ")" => self.parens = self.parens.saturating_sub(1),
            _ => {}
        }
        match self.phase {
            Phase::Start => self.first(token),
            Phase::Object { alter } => self.object(token, alter),
            Phase::Begin { start, not } => self.begun(token, start, not),
            Phase::Header(header) => {
                let header = self.header(header, token);
                if matches!(self.phase, Phase::Header(_)) {
                    self.phase = header.map_or(Phase::Simple, Phase::Header);
                }
            }
            Phase::Inside => self.inside(token),
            Phase::Simple | Phase::Plain => {}
        }
    }

    fn semicolon(&mut self) -> bool {
        if self.stack.is_empty() {
            return true;
        }
        self.fresh = true;
        self.handler = false;
        self.routine = None;
        false
    }

    fn first(&mut self, token: BodyToken<'_>) {
        self.phase = if token.is_any(&["CREATE", "ALTER"]) {
            Phase::Object {
                alter: token.is("ALTER"),
            }
        } else if token.is("BEGIN") {
            Phase::Begin {
                start: token.start,
                not: false,
            }
        } else if let Some(kind) = opener(token) {
            // Conditions and loops are allowed outside of programs.
            self.enter(kind, token);
            Phase::Inside
        } else {
            Phase::Plain
        };
    }

    /// Reads the words between `CREATE` and the kind of the object, and the name of a definer.
    fn object(&mut self, token: BodyToken<'_>, alter: bool) {
        if token.kind != Kind::Word || token.after(&["=", "@", "."]) {
            return;
        }
        let header = |kind| Phase::Header(Header { kind, ready: false });
        self.phase = if token.is("EVENT") {
            header(Program::Event)
        } else if alter && !token.is("DEFINER") {
            Phase::Plain
        } else if token.is_any(&["PROCEDURE", "FUNCTION"]) {
            header(Program::Routine)
        } else if token.is("TRIGGER") {
            header(Program::Trigger)
        } else if token.is("PACKAGE") {
            self.push(Opener::Package, token);
            Phase::Inside
        } else if token.is_any(&["OR", "REPLACE", "DEFINER", "AGGREGATE"]) {
            Phase::Object { alter }
        } else {
            Phase::Plain
        };
    }

    fn begun(&mut self, token: BodyToken<'_>, start: usize, not: bool) {
        self.phase = if !not && token.is("NOT") {
            Phase::Begin { start, not: true }
        } else if not && token.is("ATOMIC") {
            self.push(Opener::Begin, BodyToken { start, ..token });
            self.fresh = true;
            Phase::Inside
        } else {
            Phase::Plain
        };
    }

    /// Continues the head of a program. `None` if its body is one simple statement.
    fn header(&mut self, header: Header, token: BodyToken<'_>) -> Option<Header> {
        let ready = header.ready
            || match header.kind {
                Program::Routine => token.text == ")" && self.outermost(),
                Program::Trigger => token.is("ROW") && token.after(&["EACH"]),
                Program::Event => token.is("DO") && self.outermost(),
            };
        if !header.ready || !self.outermost() {
            return Some(Header { ready, ..header });
        }
        if let Some(kind) = opener(token)
            && token.before != "."
        {
            self.phase = Phase::Inside;
            self.enter(kind, token);
            return None;
        }
        // `RETURNS SET('a')` and `CHARACTER SET x` describe a type and begin no statement.
        let verb = token.is_any(VERBS) && !token.after(&["RETURNS", "CHARACTER", "CHAR"]);
        (!verb).then_some(header)
    }

    /// Whether the parentheses that opened within the current block are closed.
    fn outermost(&self) -> bool {
        self.parens <= self.stack.last().map_or(0, |block| block.parens)
    }

    fn inside(&mut self, token: BodyToken<'_>) {
        let fresh = std::mem::take(&mut self.fresh) || self.handled(token);
        if self.packaged(token) {
            return;
        }
        match opener(token) {
            // A package ends with the same END, with and without an initialization part.
            Some(Opener::Begin) if fresh && self.top() == Some(Opener::Package) => {
                self.fresh = true
            }
            Some(kind) if fresh => self.enter(kind, token),
            Some(Opener::Case) if !token.after(&["END", "."]) => {
                self.push(Opener::CaseExpression, token)
            }
            Some(Opener::Repeat) if token.after(&["END"]) && self.top() == Some(Opener::Repeat) => {
                self.stack.pop();
            }
            _ if token.is("END") => self.end(token, fresh),
            _ => self.fresh = self.introduces(token, fresh),
        }
    }

    /// Whether a statement begins behind this token.
    fn introduces(&self, token: BodyToken<'_>, fresh: bool) -> bool {
        let top = self.top();
        token.text == ":"
            || token.is_any(&["THEN", "ELSE"]) && top != Some(Opener::CaseExpression)
            || token.is("DO") && !fresh && top == Some(Opener::Counted)
    }

    /// Reads a condition handler. Returns whether its statement begins here.
    fn handled(&mut self, token: BodyToken<'_>) -> bool {
        if !self.handler {
            self.handler = token.is("FOR") && token.after(&["HANDLER"]);
            return false;
        }
        let listed = token.after(&["FOR", ","])
            || token.text == ","
            || token.is("FOUND") && token.after(&["NOT"])
            || token.after(&["SQLSTATE", "VALUE"]);
        self.handler = listed;
        !listed
    }

    /// Reads the head of a routine in a package. Returns whether the token belongs to it.
    fn packaged(&mut self, token: BodyToken<'_>) -> bool {
        if self.top() != Some(Opener::Package) {
            return false;
        }
        if let Some(header) = self.routine.take() {
            self.routine = self.header(header, token);
            return true;
        }
        // The first routine follows the package's characteristics without a semicolon.
        if token.is_any(&["PROCEDURE", "FUNCTION"]) && token.before != "." {
            self.routine = Some(Header {
                kind: Program::Routine,
                ready: false,
            });
        }
        self.routine.is_some()
    }

    /// Reads `END`. It closes a block where a statement could begin, and an expression where a value
    /// is complete; everywhere else it is the name of a column.
    fn end(&mut self, token: BodyToken<'_>, fresh: bool) {
        let Some(block) = self.stack.last() else {
            return;
        };
        let closes = match block.kind {
            Opener::CaseExpression => {
                let symbol = token.before.len() == 1
                    && token
                        .before
                        .starts_with(|sign: char| sign.is_ascii_punctuation());
                let operand = symbol && token.before != ")" && token.before != "_";
                block.parens == self.parens
                    && !operand
                    && !token.after(&["CASE", "WHEN", "THEN", "ELSE", "AND", "OR", "NOT"])
            }
            _ => fresh,
        };
        if closes {
            self.stack.pop();
        }
    }

    fn top(&self) -> Option<Opener> {
        self.stack.last().map(|block| block.kind)
    }

    /// Opens a block where a statement could begin. In some blocks a statement follows directly.
    fn enter(&mut self, kind: Opener, token: BodyToken<'_>) {
        self.push(kind, token);
        self.fresh = matches!(kind, Opener::Begin | Opener::Loop | Opener::Repeat);
    }

    fn push(&mut self, kind: Opener, token: BodyToken<'_>) {
        self.stack.push(Block {
            kind,
            start: token.start,
            parens: self.parens,
        });
    }
}

fn opener(token: BodyToken<'_>) -> Option<Opener> {
    const OPENERS: [(&str, Opener); 7] = [
        ("BEGIN", Opener::Begin),
        ("IF", Opener::If),
        ("CASE", Opener::Case),
        ("LOOP", Opener::Loop),
        ("REPEAT", Opener::Repeat),
        ("WHILE", Opener::Counted),
        ("FOR", Opener::Counted),
    ];
    let found = OPENERS.iter().find(|(word, _)| token.is(word));
    found.map(|(_, opener)| *opener)
}

/// Routines whose body is `BEGIN ATOMIC … END`.
#[derive(Debug, Default)]
pub(crate) struct Atomic {
    state: Routine,
    depth: usize,
    start: usize,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Routine {
    #[default]
    Start,
    Create,
    Head {
        begin: usize,
    },
    Other,
}

impl Atomic {
    fn take(&mut self, token: BodyToken<'_>) {
        self.state = match self.state {
            Routine::Start if token.is("CREATE") => Routine::Create,
            Routine::Create if token.is_any(&["OR", "REPLACE"]) => Routine::Create,
            Routine::Create if token.is_any(&["FUNCTION", "PROCEDURE"]) => {
                Routine::Head { begin: 0 }
            }
            Routine::Head { begin } if self.depth == 0 => {
                if token.is("ATOMIC") && token.after(&["BEGIN"]) {
                    (self.depth, self.start) = (1, begin);
                }
                Routine::Head { begin: token.start }
            }
            Routine::Head { .. } => return self.inside(token),
            _ => Routine::Other,
        };
    }

    /// Reads a token of the body. Behind a dot or `AS`, every keyword is a name.
    fn inside(&mut self, token: BodyToken<'_>) {
        if token.after(&[".", "AS"]) {
            return;
        }
        if token.is("CASE") {
            self.depth += 1;
        } else if token.is("END") {
            self.depth = self.depth.saturating_sub(1);
        }
    }
}

/// Triggers, which end at `; END ;` as in the engine's own library.
#[derive(Debug, Default)]
pub(crate) struct Trigger {
    state: Progress,
    /// The first `BEGIN`, or the word `TRIGGER` as long as there is none.
    start: Option<usize>,
    begun: bool,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Progress {
    #[default]
    Start,
    Explain,
    Create,
    Body,
    Semicolon,
    End,
    Other,
}

impl Trigger {
    fn take(&mut self, token: BodyToken<'_>) {
        self.state = match self.state {
            Progress::Start if token.is("EXPLAIN") => Progress::Explain,
            Progress::Start | Progress::Explain if token.is("CREATE") => Progress::Create,
            // `EXPLAIN QUERY PLAN`: the library accepts any word there.
            Progress::Explain
                if !token.is_any(&["EXPLAIN", "TEMP", "TEMPORARY", "TRIGGER", "END"]) =>
            {
                Progress::Explain
            }
            Progress::Create if token.is_any(&["TEMP", "TEMPORARY"]) => Progress::Create,
            Progress::Create if token.is("TRIGGER") => Progress::Body,
            Progress::Semicolon if token.is("END") => Progress::End,
            Progress::Body | Progress::Semicolon | Progress::End => Progress::Body,
            Progress::Start | Progress::Explain | Progress::Create | Progress::Other => {
                Progress::Other
            }
        };
        let begin = token.is("BEGIN") && !self.begun;
        if self.state == Progress::Body && (begin || self.start.is_none()) {
            self.start = Some(token.start);
            self.begun |= begin;
        }
    }

    fn semicolon(&mut self) -> bool {
        let inside = matches!(self.state, Progress::Body | Progress::Semicolon);
        if inside {
            self.state = Progress::Semicolon;
        }
        !inside
    }

    fn open(&self) -> Option<usize> {
        let inside = matches!(self.state, Progress::Body | Progress::Semicolon);
        inside.then_some(self.start).flatten()
    }
}
