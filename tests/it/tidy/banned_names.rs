//! Names that were replaced by standard terms and may not come back.

use super::source::{sources, words};

/// A name that may not come back, and the term in its place.
const BANNED: &[(&str, &str)] = &[
    ("Alone", "AutoCommit"),
    ("Answer", "Rows"),
    ("Asks", "Consents"),
    ("asleep", "disable_event"),
    ("atoms", "nodes"),
    ("awake", "enable_event"),
    ("Begins", "Begin"),
    ("Birth", "CreationTime"),
    ("Closed", "ReadOnly"),
    ("Content", "StoredContent"),
    ("Deed", "StatementEffect"),
    ("deeds", "statement effects"),
    ("Doomed", "DropGuard"),
    ("entrance", "client_target"),
    ("farewell", "teardown"),
    ("Fate", "Action"),
    ("Fleeting", "Volatile"),
    ("Gentle", "OnlineDdl"),
    ("gravest", "most_severe"),
    ("Ground", "ShadowBase"),
    ("Guarded", "ReferenceGuard"),
    ("hands", "barriers"),
    ("Judgement", "CheckResult"),
    ("Kept", "KeptColumn"),
    ("Lending", "BorrowQueries"),
    ("Lent", "Borrowed"),
    ("LooseKey", "LooseForeignKey"),
    ("Loss", "DestructiveStatement"),
    ("notice_loss", "tcp_keepalive"),
    ("Opened", "RunDatabase"),
    ("originals", "foreign_versions"),
    ("Partial", "PartiallyApplied"),
    ("Patient", "CheckedDatabase"),
    ("Piece", "BodyToken"),
    ("put_aside", "RenameAside"),
    ("Reach", "Containment"),
    ("Refusal", "Forbidden"),
    ("Retire", "RenameAside"),
    ("spellings", "algorithms"),
    ("Standing", "MigrationState"),
    ("start_telling", "start_and_wait_for"),
    ("Storage", "TableId"),
    ("strange", "opaque"),
    ("Together", "Transactional"),
    ("told", "text, diagnostic, output, …"),
    ("Trouble", "ErrorKind"),
    ("Unclear", "Unknown"),
    ("Visited", "Connected"),
    ("visits", "connections"),
    ("Workshop", "ShadowPool"),
];

#[test]
fn replaced_names_do_not_come_back() {
    let mut wrong = Vec::new();
    for source in sources("src").into_iter().chain(sources("tests")) {
        for word in words(&source.code) {
            let gone = BANNED.iter().find(|(name, _)| *name == word);
            if let Some((name, term)) = gone {
                wrong.push(format!("{}: {name}, now {term}", source.path));
            }
        }
    }
    wrong.dedup();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_list_is_sorted() {
    let names: Vec<String> = BANNED.iter().map(|(name, _)| name.to_lowercase()).collect();
    assert!(names.is_sorted(), "{names:?}");
}
