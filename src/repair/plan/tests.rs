//! A plan is read as it was written, or not at all.

use std::io::Cursor;

use super::*;
use crate::model::repair::Action;

fn reference(index: usize, from: &str, key: &[&str]) -> PlannedReference {
    let side = |database: &str| PlannedEndpoint {
        database: database.to_owned(),
        identity: "here".to_owned(),
        columns: "these".to_owned(),
    };
    PlannedReference {
        name: None,
        from: from.to_owned(),
        to: "ums.users.id".to_owned(),
        filter: None,
        to_where: Some("deleted_at IS NULL".to_owned()),
        null: "ok".to_owned(),
        compare: Vec::new(),
        key: key.iter().map(|name| (*name).to_owned()).collect(),
        child: side("twitter"),
        parent: side("ums"),
        index,
    }
}

fn plan() -> String {
    let references = vec![
        reference(3, "twitter.messages.author_id", &["id"]),
        reference(7, "twitter.follows.(a, b)", &["a", "z"]),
    ];
    let header = Header::new(
        "run",
        "2026-01-01T00:00:00Z",
        Action::Quarantine,
        references,
    );
    assert_eq!(header.expires_on, "2026-01-01T01:00:00Z");
    let mut writer = PlanWriter::new(Vec::new(), &header).unwrap();
    let text = |text: &str| Some(text.to_owned());
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let one = Orphan {
        reference: 7,
        key: vec![text("a"), None],
        row: vec![pair("a", "\"1\"\n"), pair("z", "2")],
        hidden: false,
    };
    let other = Orphan {
        reference: 3,
        key: vec![text("k")],
        row: vec![pair("id", "x")],
        hidden: true,
    };
    let foreign = Orphan {
        reference: 1,
        ..other.clone()
    };
    assert!(writer.row(&foreign).is_err());
    writer.row(&one).unwrap();
    writer.row(&other).unwrap();
    let totals = Totals {
        orphan_rows: 1,
        orphan_keys: 1,
        rows: 10,
        keys: 5,
        parents: Some(4),
    };
    String::from_utf8(writer.finish(&[totals, totals], Some(&key())).unwrap()).unwrap()
}

fn open(text: &str) -> Result<PlanReader<Cursor<Vec<u8>>>, PlanError> {
    PlanReader::open(Cursor::new(text.as_bytes().to_vec()), Some(&key()))
}

#[test]
fn a_plan_is_read_as_it_was_written() {
    let mut reader = open(&plan()).unwrap();
    assert_eq!((reader.rows, reader.totals.len()), (2, 2));
    for _ in 0..2 {
        let first = reader.next_row().unwrap().unwrap();
        assert_eq!((first.reference, first.number), (1, 1));
        assert_eq!(first.row, ["\"1\"\n", "2"]);
        assert_eq!(first.key, [Some("a".to_owned()), None]);
        let second = reader.next_row().unwrap().unwrap();
        assert_eq!((second.reference, second.number), (0, 2));
        assert_eq!(reader.next_row().unwrap(), None);
        reader.rewind().unwrap();
    }
}

fn key() -> OwnKey {
    OwnKey::of_user("secret".into())
}

/// Whatever byte is changed, and wherever the file is cut.
#[test]
fn a_plan_that_is_not_whole_is_refused() {
    let plan = plan();
    // A plan of another user: its signature cannot be checked.
    let name = plan.rfind("\"key\":\"").unwrap() + 7;
    for at in 0..plan.len() {
        assert!(open(&plan[..at]).is_err(), "cut at {at}");
        if (name..name + 16).contains(&at) {
            continue;
        }
        let mut bytes = plan.as_bytes().to_vec();
        bytes[at] ^= 1;
        let changed = PlanReader::open(Cursor::new(bytes), Some(&key()));
        assert!(changed.is_err(), "changed at {at}");
    }
    let lines: Vec<&str> = plan.lines().collect();
    let twice = [lines[0], lines[1], lines[1], lines[2], lines[3], ""].join("\n");
    assert!(open(&twice).is_err());
    assert!(open(&format!("{plan}{plan}")).is_err());
}

/// A changed plan whose digest is right again.
#[test]
fn a_plan_whose_digest_was_made_anew_is_refused() {
    let text = plan().replace("2026-01-01T01:00:00Z", "2027-01-01T01:00:00Z");
    let (covered, rest) = text.rsplit_once(DIGEST).unwrap();
    let digest = hex::digits(&Sha256::digest(format!("{covered}{DIGEST}")));
    let changed = format!("{covered}{DIGEST}{digest}{}", &rest[64..]);
    let refused = open(&changed).err().unwrap().to_string();
    assert!(refused.contains("signature"), "{refused}");
    let unsigned = format!("{covered}{DIGEST}{digest}\"}}\n");
    assert!(open(&unsigned).is_ok());
    let shared = OwnKey::shared("secret".into());
    let from = Cursor::new(unsigned.into_bytes());
    assert!(PlanReader::open(from, Some(&shared)).is_err());
}

#[test]
fn what_is_wrong_is_told_with_its_line() {
    let plan = plan();
    let error = |text: &str| open(text).err().unwrap().to_string();
    assert!(error("").contains("empty"));
    assert!(error("{\"a\":1}\n").starts_with("line 1: this is not a plan"));
    let newer = plan.replacen("\"bird_repair_plan\":1", "\"bird_repair_plan\":2", 1);
    assert!(error(&newer).contains("format 2"));
    let broken = plan.replacen("\"key\":[\"k\"]", "\"key\":[\"k\"", 1);
    assert!(
        error(&broken).starts_with("line 3: not a row"),
        "{}",
        error(&broken)
    );
    let edited = plan.replacen("\"key\":[\"k\"]", "\"key\":[\"j\"]", 1);
    assert!(error(&edited).contains("changed after it was written"));
    let counted = plan.replacen("\"orphan_rows\":1", "\"orphan_rows\":0", 1);
    assert!(error(&counted).contains("changed after it was written"));
    let end = plan.rfind("{\"rows\"").unwrap();
    assert!(error(&plan[..end]).starts_with("line 3: the file is incomplete"));
}
