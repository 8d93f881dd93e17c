//! The lexer, the splitter and the reader of directives, against properties and SQLite; the cases
//! in `tests/cases/split` show single files.

use bird::dialect::DIALECTS;
use bird::model::script::Statement;
use bird::sql::Syntax;
use bird::sql::lex::{self, Kind};
use bird::sql::script::{digest, read, words};
use bird::sql::split::split;
use proptest::prelude::*;

use crate::sqlite_complete;

fn syntax(engine: &str) -> &'static Syntax {
    let dialect = DIALECTS
        .iter()
        .find(|dialect| dialect.facts().name == engine);
    dialect
        .unwrap_or_else(|| panic!("no engine is called {engine}"))
        .syntax()
}

fn slice<'a>(text: &'a str, statement: &Statement) -> &'a str {
    &text[statement.range.clone()]
}

/// What makes splitters stumble, on any engine.
const NASTY: &[&str] = &[
    ";",
    "'",
    "\"",
    "`",
    "[",
    "]",
    "(",
    ")",
    "--",
    "-- ",
    "#",
    "/*",
    "*/",
    "/*!",
    "/*M!50101 ",
    "/*+",
    "$$",
    "$a$",
    "$1",
    "$",
    "\\",
    "\\'",
    "''",
    "E'",
    "U&'",
    "N'",
    "x'",
    "\n",
    "\r\n",
    "\r",
    " ",
    "\t",
    ".",
    ",",
    "=",
    ":",
    "@",
    "é",
    "\u{feff}",
    "\u{a0}",
    "𝒳",
    "\0",
    "DELIMITER",
    "DELIMITER //\n",
    "\nDELIMITER ;\n",
    "delimiter $$",
    "//",
    "CREATE",
    " OR REPLACE ",
    " TRIGGER ",
    " FUNCTION ",
    " PROCEDURE ",
    " EVENT ",
    " PACKAGE BODY ",
    " TEMP ",
    "EXPLAIN ",
    " FOR EACH ROW ",
    " DO ",
    " BEGIN ",
    " ATOMIC ",
    " NOT ",
    " END ",
    " END;",
    " CASE ",
    " WHEN ",
    " THEN ",
    " ELSE ",
    " IF ",
    " IF(",
    " LOOP ",
    " REPEAT ",
    " WHILE ",
    " UNTIL ",
    " DECLARE ",
    " HANDLER ",
    " FOR ",
    " RETURNS ",
    " RETURN ",
    " SET ",
    " SELECT ",
    " x ",
    "1",
    "1.5e",
    "0x1F",
    "COPY ",
    " FROM ",
    " STDIN ",
    "\nsource x",
    "\n.read x",
    "-- bird: ",
    "allow",
    "idempotent",
    "requires a@1",
    "renamed-from a -> b",
    "\n-- bird: allow x\n\n",
];

fn nasty() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(NASTY), 0..40).prop_map(|parts| parts.concat())
}

/// Fragments that are whole, so that they make statements more often than faults.
const TAME: &[&str] = &[
    ";",
    ";\n",
    " ",
    "\n",
    "'a;b'",
    "\"c;d\"",
    "-- e;f\n",
    "/* g;h */",
    "SELECT",
    " x ",
    "(",
    ")",
    ",",
    "=",
    "1.5",
    "é",
    "CREATE TRIGGER t FOR EACH ROW BEGIN ",
    "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC ",
    "BEGIN NOT ATOMIC ",
    " END;",
    " CASE ",
    " END",
    " END CASE;",
    " IF ",
    " END IF;",
    " THEN ",
    "BEGIN;",
    "COMMIT;",
    " begin ",
    " if(",
];

fn tame() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(TAME), 0..30).prop_map(|parts| parts.concat())
}

/// Without DELIMITER lines: a statement that one of them ended may hold semicolons, and is cut at
/// them when it stands alone.
fn undelimited() -> impl Strategy<Value = String> {
    prop_oneof![tame(), nasty()]
        .prop_map(|text| text.replace("DELIMITER", "x").replace("delimiter", "x"))
}

fn anything() -> impl Strategy<Value = String> {
    prop_oneof![
        nasty(),
        tame(),
        any::<String>(),
        prop::collection::vec(any::<u8>(), 0..200)
            .prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Nothing panics, every range lies within the text, and every byte is in exactly one token.
    #[test]
    fn any_text_is_read(text in anything()) {
        for dialect in DIALECTS {
            let syntax = dialect.syntax();
            let faults = match read(syntax, &text) {
                Ok(script) => {
                    prop_assert_eq!(split(syntax, &text).map(|found| found.len()), Ok(script.statements.len()));
                    Vec::new()
                }
                Err(faults) => faults,
            };
            for fault in faults {
                prop_assert!(text.get(fault.range.clone()).is_some(), "{:?}", fault);
                prop_assert_eq!(lex::place(&text, fault.range.start), fault.place);
            }
            if let Ok(tokens) = lex::tokens(syntax, &text) {
                let mut at = if text.starts_with('\u{feff}') { 3 } else { 0 };
                for token in tokens {
                    prop_assert_eq!(token.start, at);
                    prop_assert!(text.get(token.start..token.end).is_some_and(|token| !token.is_empty()));
                    at = token.end;
                }
                prop_assert_eq!(at, text.len());
            }
            let _ = (digest(syntax, &text), words(syntax, &text).count());
        }
    }

    /// Between two statements there is nothing that a server would have to see.
    #[test]
    fn nothing_is_lost(text in undelimited()) {
        for dialect in DIALECTS {
            let Ok(statements) = split(dialect.syntax(), &text) else { continue };
            let mut at = 0;
            for range in statements.iter().map(|found| found.range.clone()) {
                prop_assert!(at <= range.start && range.start < range.end);
                only_trivia(dialect.syntax(), &text[at..range.start])?;
                at = range.end;
            }
            only_trivia(dialect.syntax(), &text[at..])?;
        }
    }

    /// A statement is one statement when it stands alone, too.
    #[test]
    fn pieces_stay_whole(text in undelimited()) {
        for dialect in DIALECTS {
            for statement in split(dialect.syntax(), &text).unwrap_or_default() {
                let piece = slice(&text, &statement);
                // Alone, a byte order mark would begin a file, and dashes at the end are a comment
                // on engines where dashes before a semicolon are not.
                if piece.starts_with('\u{feff}') || piece.ends_with("--") {
                    continue;
                }
                let again = split(dialect.syntax(), piece);
                let whole: Vec<Statement> = vec![Statement::new(0..piece.len(), lex::place(piece, 0))];
                prop_assert_eq!(again, Ok(whole), "{:?}", piece);
                prop_assert_eq!(lex::place(&text, statement.range.start), statement.place);
            }
        }
    }

    /// Blanks and comments between tokens, and the ends of lines, are layout.
    #[test]
    fn layout_keeps_the_digest(text in prop_oneof![tame(), nasty()], layout in prop::sample::select(&[" ", "\n", "\r\n", " /* ; ' */ ", " -- it's; \n"][..])) {
        for dialect in DIALECTS {
            let syntax = dialect.syntax();
            let Ok(tokens) = lex::tokens(syntax, &text) else { continue };
            let mut spread = String::new();
            for token in tokens.iter().filter(|token| !matches!(token.kind, Kind::Blank | Kind::Comment)) {
                spread.push_str(&text[token.start..token.end]);
                spread.push_str(layout);
            }
            // A quote behind a prefix and a line break would continue a literal or join a prefix.
            let Ok(again) = lex::tokens(syntax, &spread) else { continue };
            let code = |text: &str, tokens: &[lex::Token]| -> Vec<String> {
                let code = tokens.iter().filter(|token| !matches!(token.kind, Kind::Blank | Kind::Comment));
                code.map(|token| text[token.start..token.end].to_owned()).collect()
            };
            if code(&text, &tokens) == code(&spread, &again) {
                prop_assert_eq!(digest(syntax, &text), digest(syntax, &spread));
            } else {
                prop_assert_ne!(digest(syntax, &text), digest(syntax, &spread));
            }
        }
    }

    /// SQLite's own library agrees with every cut.
    #[test]
    fn sqlite_agrees(text in prop_oneof![tame(), nasty()]) {
        // The library reads a vertical tab and a NUL differently; neither is in the fragments but NUL,
        // which is a fault before anything is cut.
        for statement in split(syntax("sqlite"), &text).unwrap_or_default() {
            let agrees = sqlite_complete::check(slice(&text, &statement));
            prop_assert_eq!(agrees, Ok(()));
        }
    }
}

/// Lexes what lies between two statements on its own: no code may be left.
fn only_trivia(syntax: &Syntax, gap: &str) -> Result<(), TestCaseError> {
    let tokens = lex::tokens(syntax, gap)
        .map_err(|fault| TestCaseError::fail(format!("{gap:?}: {fault:?}")))?;
    let code = |kind| {
        !matches!(
            kind,
            Kind::Blank | Kind::Comment | Kind::Hint | Kind::Terminator
        )
    };
    prop_assert!(!tokens.iter().any(|token| code(token.kind)), "{:?}", gap);
    Ok(())
}

#[test]
fn literals_and_directives_count_in_the_digest() {
    let mysql = syntax("mysql");
    let hash = |sql: &str| digest(mysql, sql);
    assert_eq!(hash("SELECT  1 -- one\r\n+ 2"), hash("SELECT 1+2"));
    assert_ne!(hash("SELECT 'a\r\nb'"), hash("SELECT 'a\nb'"));
    assert_ne!(hash("SELECT 'a b'"), hash("SELECT 'a  b'"));
    assert_ne!(hash("SELECT ab"), hash("SELECT a b"));
    assert_ne!(hash("SELECT 1"), hash("SELECT /*! 1 */"));
    assert_ne!(hash("SELECT 1"), hash("SELECT /*+ NO_ICP(t) */ 1"));
    assert_ne!(hash("SELECT 'open"), hash("SELECT 'opened"));
    assert_eq!(
        hash(""),
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    );
}

#[test]
fn words_are_code() {
    let found: Vec<&str> = words(
        syntax("mysql"),
        "/*!50003 CREATE*/ /* no */ TABLE `a b` (x INT) -- end",
    )
    .collect();
    assert_eq!(found, ["CREATE", "TABLE", "`a b`", "(", "x", "INT", ")"]);
}

/// Twice the text must not take much more than twice the time; a quadratic step anywhere in these
/// would take a minute.
#[test]
fn large_files_take_linear_time() {
    let pieces = [
        "INSERT INTO t VALUES (1, 'a');\n",
        "' ",
        "/*",
        "$a$",
        "-- x\n",
        "E'a'\n",
        "(",
        " delimiter //\n",
        "BEGIN NOT ATOMIC BEGIN ",
    ];
    for piece in pieces {
        let text = piece.repeat(500_000 / piece.len());
        for dialect in DIALECTS {
            let _ = (
                read(dialect.syntax(), &text),
                digest(dialect.syntax(), &text),
            );
        }
    }
}
