//! The pages for users: short, in plain sentences, with links that lead somewhere, commands that
//! exist, and something to run at the beginning. `tests/runner/docs.rs` runs their commands.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Component, Path, PathBuf};

use bird::model::code::Code;

use super::source::{files, root, words};

/// Pages that are lists, generated or checked by other tests: as long as they have to be.
const LISTS: &[&str] = &[
    "docs/reliability.md",
    "docs/reference/commands.md",
    "docs/reference/error-codes.md",
];

/// The longest sentence, in words.
const WORDS: usize = 25;

/// A page and its path from the repository's root.
struct Page {
    path: String,
    text: String,
}

/// The README and the pages below `docs`.
fn pages() -> Vec<Page> {
    let below = files("docs", ".md").into_iter();
    let all = below.chain([root().join("README.md")]);
    all.map(|path| Page {
        text: fs::read_to_string(&path).expect("UTF-8"),
        path: relative(&path),
    })
    .collect()
}

fn relative(path: &Path) -> String {
    let path = path.strip_prefix(root()).expect("a path inside");
    path.to_string_lossy().into_owned()
}

/// The lines outside of fenced blocks.
fn prose(text: &str) -> Vec<&str> {
    let mut fenced = false;
    let outside = text.lines().filter(|line| {
        let fence = line.starts_with("```");
        fenced ^= fence;
        !fence && !fenced
    });
    outside.collect()
}

/// The sentences of paragraphs and list items; code is one word.
fn sentences(text: &str) -> Vec<String> {
    let mut paragraphs = vec![String::new()];
    for line in prose(text) {
        let item = line.trim_start();
        let numbered = item.split_once(". ");
        let is_item = item.starts_with("- ")
            || numbered.is_some_and(|(number, _)| number.parse::<u8>().is_ok());
        let is_text = !line.starts_with(['|', '#', '<']);
        if line.is_empty() || !is_text || is_item {
            paragraphs.push(String::new());
        }
        if let Some(last) = paragraphs.last_mut().filter(|_| is_text) {
            last.push_str(line);
            last.push(' ');
        }
    }
    let mut sentences = Vec::new();
    for paragraph in paragraphs {
        let parts = paragraph.split('`').enumerate();
        let plain: String = parts
            .map(|(number, part)| if number % 2 == 0 { part } else { "code" })
            .collect();
        let ends = plain.split_inclusive(". ").flat_map(|part| {
            part.split_inclusive(": ")
                .flat_map(|part| part.split_inclusive("; "))
        });
        sentences.extend(ends.map(str::to_owned));
    }
    sentences
}

/// The targets of links.
fn links(text: &str) -> Vec<String> {
    let prose = prose(text).join("\n");
    let targets = prose.split("](").skip(1);
    let targets = targets.filter_map(|rest| rest.split_once(')').map(|(target, _)| target));
    targets
        .filter(|target| !target.contains("://"))
        .map(str::to_owned)
        .collect()
}

/// The anchors of a page's headings, as GitHub makes them.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = prose(text).into_iter().filter(|line| line.starts_with('#'));
    headings
        .map(|line| {
            let title = line.trim_start_matches('#').trim().to_lowercase();
            let kept = |c: &char| c.is_alphanumeric() || [' ', '-', '_'].contains(c);
            title.chars().filter(kept).collect::<String>()
        })
        .map(|title| title.replace(' ', "-"))
        .collect()
}

/// The file that a link of a page leads to, without `..`.
fn target(page: &str, link: &str) -> String {
    let folder = Path::new(page).parent().unwrap_or(Path::new(""));
    let mut path = PathBuf::new();
    for part in folder.join(link).components() {
        match part {
            Component::ParentDir => {
                assert!(path.pop(), "{page}: {link} leads out of the repository");
            }
            part => path.push(part),
        }
    }
    path.to_string_lossy().into_owned()
}

#[test]
fn pages_are_short_and_begin_with_something_to_run() {
    let mut wrong = Vec::new();
    for Page { path, text } in pages() {
        let lines = text.lines().count();
        let most = if path == "README.md" { 150 } else { 199 };
        let is_list = LISTS.contains(&path.as_str());
        if lines > most && !is_list {
            wrong.push(format!("{path} has {lines} lines, and may have {most}"));
        }
        let first_part = text.split("\n## ").next().unwrap_or_default();
        if !first_part.contains("\n```") && !is_list && path != "README.md" {
            wrong.push(format!("{path} does not begin with something to run"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn sentences_are_short() {
    let mut wrong = Vec::new();
    for Page { path, text } in pages() {
        if LISTS.contains(&path.as_str()) {
            continue;
        }
        for sentence in sentences(&text) {
            let count = sentence
                .split_whitespace()
                .filter(|word| word.contains(char::is_alphanumeric))
                .count();
            if count > WORDS {
                wrong.push(format!("{path}: {count} words: {sentence}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn links_lead_somewhere_and_every_page_is_linked() {
    let mut wrong = Vec::new();
    let mut linked = BTreeSet::from(["README.md".to_owned()]);
    let pages = pages();
    for Page { path, text } in &pages {
        for link in links(text) {
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let file = if file.is_empty() {
                path.clone()
            } else {
                target(path, file)
            };
            let found = fs::read_to_string(root().join(&file));
            let Ok(found) = found else {
                wrong.push(format!("{path}: {link}: there is no {file}"));
                continue;
            };
            if !anchor.is_empty() && !anchors(&found).contains(anchor) {
                wrong.push(format!("{path}: {link}: {file} has no such heading"));
            }
            if &file != path {
                linked.insert(file);
            }
        }
    }
    let lonely = pages.iter().filter(|page| !linked.contains(&page.path));
    wrong.extend(lonely.map(|page| format!("no page links to {}", page.path)));
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A command line of a page, as words: without comment, pipe and redirection.
fn arguments(line: &str) -> Vec<OsString> {
    let mut words = Vec::new();
    let mut rest = line.trim();
    while let Some(first) = rest.chars().next() {
        let (word, after) = match first {
            '#' | '|' | '>' | '&' | ';' => break,
            '\'' | '"' => rest[1..].split_once(first).unwrap_or((&rest[1..], "")),
            _ => rest.split_once(' ').unwrap_or((rest, "")),
        };
        words.push(OsString::from(word));
        rest = after.trim_start();
    }
    words
}

/// Blocks that are not run are at least command lines that bird accepts.
#[test]
fn commands_of_shell_blocks_exist() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for Page { path, text } in pages() {
        let blocks = text.split("\n```sh\n").skip(1);
        let lines = blocks.flat_map(|rest| {
            let block = rest.split("\n```").next().unwrap_or_default();
            block.lines().filter(|line| line.starts_with("bird "))
        });
        for line in lines.filter(|line| !line.contains("--help") && !line.contains("--version")) {
            count += 1;
            if bird::cmd::parse(arguments(line)).is_err() {
                wrong.push(format!("{path}: {line}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(count > 20, "{count} lines: are blocks still written so?");
}

/// A code whose page is the recovery guide has a heading there, and no other heading looks so.
#[test]
fn codes_and_headings_of_the_recovery_guide_agree() {
    let page = fs::read_to_string(root().join("docs/recovery.md")).expect("the page");
    let headings: BTreeSet<&str> = prose(&page)
        .into_iter()
        .filter_map(|line| line.strip_prefix("### "))
        .collect();
    let linked = Code::ALL
        .iter()
        .filter(|code| code.page().starts_with("docs/recovery.md#"));
    let linked: BTreeSet<&str> = linked.map(|code| code.name()).collect();
    assert_eq!(headings, linked);
}

#[test]
fn pages_are_taken_apart() {
    let text = "# A page\n\nOne `a b` two.\nThree: [x](y.md#a-page).\n\n- item. Next\n\n```sh\nnot. me\n```\n";
    let counts: Vec<usize> = sentences(text)
        .iter()
        .map(|sentence| words(sentence).count())
        .filter(|count| *count > 0)
        .collect();
    assert_eq!(counts, [3, 1, 5, 1, 1]);
    assert_eq!(links(text), ["y.md#a-page"]);
    assert!(anchors("## The page: `it`\n").contains("the-page-it"));
    assert_eq!(target("docs/a/b.md", "../c.md"), "docs/c.md");
    let words = arguments("bird new 'a b' --rename x=y   # why");
    assert_eq!(words, ["bird", "new", "a b", "--rename", "x=y"]);
    assert_eq!(arguments("bird up > a"), ["bird", "up"]);
}
