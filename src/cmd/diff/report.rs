//! The report of `bird diff`.

use serde_json::{Value, json};

use crate::cmd::source::compare::{Compared, Verified};
use crate::cmd::source::describe;
use crate::model::change::{DdlStep, Hazard, Renamed};
use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Severity};
use crate::model::exit::Exit;
use crate::output::{Block, Grid, Report};

const WITHHELD: &str = "bird does not show the statements, because they change what declared \
    references need; --allow referenced shows them";

const DOUBTFUL: &str = "not for use: a migration that was not replayed may have made what these \
     statements take away";

/// All comparisons of a run.
pub struct DiffReport {
    compared: Vec<Compared>,
    /// For each comparison, the changes to referenced columns that lack consent.
    guarded: Vec<Vec<Diagnostic>>,
    /// Whether the comparison is from the live schema to the applied migrations.
    drift: bool,
}

impl DiffReport {
    pub fn new(compared: Vec<Compared>, guarded: Vec<Vec<Diagnostic>>, drift: bool) -> Self {
        DiffReport {
            compared,
            guarded,
            drift,
        }
    }

    /// Each comparison, and whether its statements are not shown.
    fn all(&self) -> impl Iterator<Item = (&Compared, bool)> {
        let withheld = self.guarded.iter().map(|guarded| !guarded.is_empty());
        self.compared.iter().zip(withheld)
    }
}

impl Report for DiffReport {
    fn command(&self) -> &'static str {
        "diff"
    }

    fn exit(&self) -> Exit {
        match self.compared.iter().all(Compared::is_same) {
            true => Exit::Done,
            false if self.all().any(|(_, withheld)| withheld) => Exit::Refused,
            false => Exit::Found,
        }
    }

    fn blocks(&self) -> Vec<Block> {
        let mut all: Vec<Block> = self
            .all()
            .flat_map(|(one, withheld)| blocks(one, withheld, self.drift))
            .collect();
        let mut drifted = self.compared.iter().filter(|one| !one.is_same());
        if let (true, Some(one)) = (self.drift, drifted.next()) {
            let name = &one.from.label;
            all.push(Block::Line(format!(
                "these statements undo the drift; `bird new NAME --database {name} --from-drift` \
                 turns it into a migration instead"
            )));
        }
        all
    }

    fn diagnostics(&self) -> Vec<Diagnostic> {
        let guarded = self.guarded.iter().flatten().cloned();
        let findings = self.compared.iter().flat_map(diagnostics);
        guarded.chain(findings).collect()
    }

    fn shown_findings(&self) -> Vec<Diagnostic> {
        let compared = self.compared.iter();
        compared.flat_map(|one| findings(one, self.drift)).collect()
    }

    fn databases(&self) -> Vec<Value> {
        self.compared.iter().map(json).collect()
    }

    fn sql(&self) -> Option<String> {
        // The script spans several databases, so it connects to each in turn.
        let several = self.compared.len() > 1;
        let texts = self.all().map(|(one, withheld)| {
            let base = &one.from.base;
            let enter = if several && !one.ddl.steps.is_empty() {
                base.dialect.connect_command(&base.target.client_target())
            } else {
                String::new()
            };
            enter + &script(one, withheld)
        });
        Some(texts.collect())
    }
}

fn title(one: &Compared) -> String {
    format!("{} -> {}", one.from.label, one.to.label)
}

/// A finding for each part that differs.
fn findings(one: &Compared, drift: bool) -> Vec<Diagnostic> {
    let (from, to) = (&one.from.label, &one.to.label);
    let name = &one.from.base.name;
    let code = if drift { Code::Drift } else { Code::Differs };
    let fault = |message: String| {
        Diagnostic::new(code, format!("{name}: {message}"))
            .database(name)
            .hint(format!(
                "`bird diff {from} {to}` shows the statements for it"
            ))
    };
    let renamed = one.renamed.iter().map(|renamed| {
        let Renamed { from: old, to: new } = renamed;
        fault(format!("{old} is called {new} in {to}"))
    });
    let catalog = one.from.base.dialect.catalog();
    let lines = one
        .difference
        .changes
        .iter()
        .flat_map(|change| describe::lines(catalog, change, &one.from.schema, &one.to.schema));
    let differing = lines.map(|line| {
        let part = match line.part.as_str() {
            "" => String::new(),
            part => format!(": {part}"),
        };
        let what = line.how.predicate(from, to);
        let mut finding = fault(format!("{}{part} {what}", line.object));
        let sides = [(from, line.old), (to, line.new)];
        for (label, text) in sides.into_iter().filter(|(_, text)| !text.is_empty()) {
            finding = finding.note(format!("{label}: {text}"));
        }
        finding
    });
    renamed.chain(differing).collect()
}

fn blocks(one: &Compared, withheld: bool, drift: bool) -> Vec<Block> {
    let title = title(one);
    if one.is_same() {
        return vec![Block::Line(format!("{title}: no difference"))];
    }
    let catalog = one.from.base.dialect.catalog();
    let mut rows: Vec<Vec<String>> = Vec::new();
    for renamed in &one.renamed {
        let (from, to) = (renamed.from.clone(), renamed.to.clone());
        rows.push(vec![from.clone(), "renamed".to_owned(), from, to]);
    }
    let mut last = String::new();
    for change in &one.difference.changes {
        for line in describe::lines(catalog, change, &one.from.schema, &one.to.schema) {
            let word = if drift {
                line.how.drift_word()
            } else {
                line.how.word()
            };
            // The object is named once, above its parts.
            let object = if line.object == last {
                String::new()
            } else {
                line.object.clone()
            };
            let object = match (object.is_empty(), line.part.is_empty()) {
                (_, true) => object,
                (true, false) => format!("  {}", line.part),
                (false, false) => {
                    rows.push(vec![object, String::new(), String::new(), String::new()]);
                    format!("  {}", line.part)
                }
            };
            last = line.object;
            rows.push(vec![
                object,
                word.to_owned(),
                short(&line.old),
                short(&line.new),
            ]);
        }
    }
    let count = one.difference.changes.len() + one.renamed.len();
    let mut blocks = vec![
        Block::Line(match count {
            1 => format!("{title}: 1 object differs"),
            _ => format!("{title}: {count} objects differ"),
        }),
        Block::Grid(Grid {
            headers: if drift {
                vec!["object", "difference", "database", "migrations"]
            } else {
                vec!["object", "change", "from", "to"]
            },
            rows,
            numbers: Vec::new(),
            ..Grid::default()
        }),
    ];
    let dangers = one.ddl.steps.iter().flat_map(|step| {
        let risks = step
            .risks
            .iter()
            .filter(|risk| risk.hazard <= Hazard::MayFail);
        risks.map(|risk| format!("{}: {}: {}", risk.hazard.name(), step.about, risk.why))
    });
    blocks.extend(dangers.map(Block::Line));
    blocks.push(if withheld {
        Block::Line(WITHHELD.to_owned())
    } else {
        Block::Code {
            title: format!("{title}, {}", verdict(&one.verified)),
            language: "sql",
            text: statements(one).trim_end().to_owned(),
        }
    });
    blocks
}

fn verdict(verified: &Verified) -> String {
    match verified {
        Verified::Yes => "verified in a scratch database".to_owned(),
        Verified::Without(objects) => {
            format!(
                "verified in a scratch database, without {}",
                objects.join(", ")
            )
        }
        Verified::No(why) => format!("not verified: {why}"),
        Verified::Wrong(why) => format!("WRONG: {why}"),
    }
}

/// The first lines of a long definition.
fn short(text: &str) -> String {
    const LONGEST: usize = 72;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{} …", line.get(..at).unwrap_or_default()),
        None => line,
    }
}

fn body(one: &Compared, steps: &[DdlStep]) -> String {
    let catalog = one.from.base.dialect.catalog();
    let (before, behind) = catalog.surround(steps);
    let mut text = String::new();
    let statement = |text: &mut String, sql: &str| {
        text.push_str(sql.trim_end_matches(';'));
        text.push_str(";\n");
    };
    before.iter().for_each(|sql| statement(&mut text, sql));
    text.push_str(&catalog.script(steps));
    behind.iter().for_each(|sql| statement(&mut text, sql));
    text
}

/// A text as one line of an SQL comment.
fn comment(text: &str) -> String {
    let line = text.split(['\n', '\r']).collect::<Vec<_>>().join(" ");
    format!("-- {line}\n")
}

fn script(one: &Compared, withheld: bool) -> String {
    let mut text = comment(&format!(
        "{}: {}",
        title(one),
        if one.is_same() {
            "no difference".to_owned()
        } else {
            verdict(&one.verified)
        }
    ));
    for unsupported in &one.ddl.unsupported {
        let (about, why) = (&unsupported.about, &unsupported.why);
        text.push_str(&comment(&format!("not possible: {about}: {why}")));
    }
    // Statements that are known to be wrong are not shown for use.
    if withheld {
        text.push_str(&comment(WITHHELD));
    }
    match &one.verified {
        _ if withheld => text.push_str(&commented(one, &one.ddl.steps)),
        Verified::Wrong(_) => text.push_str(&commented(one, &one.ddl.steps)),
        _ => text.push_str(&statements(one)),
    }
    text
}

/// The statements, those that may destroy what a migration made as comments.
fn statements(one: &Compared) -> String {
    let steps = one.ddl.steps.iter().cloned();
    let (doubtful, steps): (Vec<_>, Vec<_>) = steps.partition(|step| one.is_doubtful(step));
    let mut text = if steps.is_empty() {
        String::new()
    } else {
        body(one, &steps)
    };
    if !doubtful.is_empty() {
        text.push_str(&comment(DOUBTFUL));
        text.push_str(&commented(one, &doubtful));
    }
    text
}

/// Statements as comments: to read, not to run.
fn commented(one: &Compared, steps: &[DdlStep]) -> String {
    body(one, steps).lines().map(comment).collect()
}

fn diagnostics(one: &Compared) -> Vec<Diagnostic> {
    let mut all: Vec<Diagnostic> = one.from.notes.clone();
    all.extend(one.to.notes.iter().cloned());
    for unsupported in &one.ddl.unsupported {
        let message = format!(
            "{} cannot be changed: {}",
            unsupported.about, unsupported.why
        );
        all.push(Diagnostic::new(Code::Unsupported, message));
    }
    if let Verified::Wrong(why) = &one.verified {
        let message = format!(
            "the statements that bird found for {} are wrong: {why}",
            title(one)
        );
        let fault = Diagnostic::new(Code::NotVerified, message);
        all.push(fault.hint("do not run them; please report the two schemas"));
    }
    for twin in &one.twins {
        let message = format!("{} is dropped, and {} looks like it", twin.from, twin.to);
        let hint = format!(
            "if it was renamed: --rename {}={}, or `-- bird: renamed-from {} -> {}` in the file",
            twin.from, twin.to, twin.from, twin.to
        );
        all.push(
            Diagnostic::new(Code::MaybeRenamed, message)
                .severity(Severity::Note)
                .hint(hint),
        );
    }
    let catalog = one.from.base.dialect.catalog();
    for remark in &one.difference.remarks {
        for line in describe::lines(catalog, remark, &one.from.schema, &one.to.schema) {
            let message = format!(
                "{}: {} {}: {} -> {}",
                line.object,
                line.part,
                line.how.word(),
                line.old,
                line.new
            );
            let note = Diagnostic::new(Code::ColumnOrder, message);
            all.push(note.note("the engine cannot change it; nothing depends on it"));
        }
    }
    all
}

fn json(one: &Compared) -> Value {
    let catalog = one.from.base.dialect.catalog();
    let (from, to) = (&one.from.schema, &one.to.schema);
    let changes = one.difference.changes.iter();
    let changes: Vec<Value> = changes
        .map(|change| describe::json(catalog, change, from, to))
        .collect();
    let remarks = one.difference.remarks.iter();
    let remarks: Vec<Value> = remarks
        .map(|change| describe::json(catalog, change, from, to))
        .collect();
    let statements = one.ddl.steps.iter().map(|step| {
        let mut statement =
            json!({ "sql": step.sql, "object": step.about.to_string(), "risks": step.risks });
        if one.is_doubtful(step) {
            statement["not_for_use"] = json!(DOUBTFUL);
        }
        statement
    });
    let (verified, reason) = match &one.verified {
        Verified::Yes | Verified::Without(_) => (Some(true), None),
        Verified::No(why) => (None, Some(why)),
        Verified::Wrong(why) => (Some(false), Some(why)),
    };
    let without = match &one.verified {
        Verified::Without(objects) => objects.as_slice(),
        Verified::Yes | Verified::No(_) | Verified::Wrong(_) => &[],
    };
    json!({
        "name": one.from.base.name,
        "engine": one.from.base.dialect.facts().name,
        "product": one.from.server.product,
        "server_version": one.from.server.version,
        "from": one.from.label,
        "to": one.to.label,
        "equal": one.is_same(),
        "renamed": one.renamed,
        "changes": changes,
        "remarks": remarks,
        "statements": statements.collect::<Vec<_>>(),
        "unsupported": one.ddl.unsupported,
        "verified": verified,
        "verified_without": without,
        "not_verified_because": reason,
        "maybe_renamed": one.twins,
    })
}
