//! The format of case files, and what is masked in the output of a run.

use std::path::Path;

use crate::case_file::{CaseFile, Section};
use crate::mask::mask;

fn parse(text: &str) -> Result<CaseFile, String> {
    CaseFile::parse(Path::new("x.case"), text)
}

#[test]
fn a_file_is_written_as_it_was_read() {
    let text = "What it is.\n\n=== case one\n=== $ ls  -l \na\n\n=== nothing\n=== empty\n\n";
    let file = parse(text).expect("a file");
    assert_eq!(file.text(), text);
    assert_eq!(file.description, "What it is.\n\n");
    let mut second = Section::new("$", "ls  -l ", "a\n\n".to_owned());
    second.line = 4;
    assert_eq!(file.sections[1], second);
}

#[test]
fn a_fault_names_its_line() {
    for (text, fault) in [
        (
            "a\n===b\n",
            "x.case:2: a section's head is `=== name argument`",
        ),
        ("a\n===  b\n", "x.case:2: a section without a name"),
        ("=== a\nb", "x.case:2: the last line does not end"),
        ("a\n", "x.case:1: the file has no section"),
    ] {
        assert_eq!(parse(text).expect_err(text), fault);
    }
    let file = parse("=== a\n=== b c\n").expect("a file");
    assert_eq!(file.expect_sections(&["b", "a"]), Ok(()));
    assert_eq!(
        file.expect_sections(&["a", "x"]),
        Err("x.case:2: unknown section `b`; the sections of this kind are: a, x".to_owned())
    );
}

#[test]
fn what_differs_is_masked_and_nothing_else() {
    let masked = |text| mask(text, Path::new("/tmp/x"));
    assert_eq!(masked("on 2026-01-02T03:04:05.678Z."), "on [time].");
    assert_eq!(masked("at 2026-01-02 03:04:05"), "at [time]");
    assert_eq!(masked("6fd80a60-c3c5-4e87-99f4-1fa3e0676d09!"), "[uuid]!");
    assert_eq!(masked("V4     1  12.3 ms\n"), "V4  1  [ms]\n");
    assert_eq!(masked("/tmp/x/data größe 3"), "[project]/data größe 3");
}
