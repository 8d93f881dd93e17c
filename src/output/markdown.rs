//! The format for comments on pull requests and for summaries of jobs.

use std::io::{self, Write};

use super::escape::{fence, markdown, terminal};
use super::{Block, Format, Grid, Report};
use crate::model::diagnostic::{Diagnostic, Failure};

pub const FORMAT: Format = Format {
    name: "markdown",
    common: true,
    verbatim: false,
    is_log: false,
    render,
    render_failure,
};

fn render(report: &dyn Report, _: &str, to: &mut dyn Write) -> io::Result<()> {
    writeln!(to, "### bird {}", report.command())?;
    for block in report.blocks() {
        writeln!(to)?;
        match block {
            Block::Line(line) | Block::Verdict(_, line) => writeln!(to, "{}", markdown(&line))?,
            Block::Grid(grid) => table(&grid, to)?,
            Block::Text(text) => {
                let fence = fence(&text);
                writeln!(to, "{fence}text\n{}\n{fence}", text.trim_end())?;
            }
            Block::Code {
                title,
                language,
                text,
            } => {
                let fence = fence(&text);
                writeln!(to, "{}\n", markdown(&title))?;
                writeln!(to, "{fence}{language}\n{}\n{fence}", terminal(&text, true))?;
            }
        }
    }
    findings(&report.diagnostics(), to)
}

/// What a command that could not make its report has to say.
fn render_failure(command: &str, _: &str, failure: &Failure, to: &mut dyn Write) -> io::Result<()> {
    writeln!(to, "### bird {command}")?;
    findings(&failure.diagnostics, to)
}

fn findings(diagnostics: &[Diagnostic], to: &mut dyn Write) -> io::Result<()> {
    if !diagnostics.is_empty() {
        writeln!(to)?;
    }
    for diagnostic in diagnostics {
        let place = diagnostic.location.as_ref();
        let place = place.map(|at| format!(" ({}:{})", at.file, at.line));
        let place = markdown(&place.unwrap_or_default());
        let message = markdown(&diagnostic.message);
        writeln!(to, "- **{}**: {message}{place}", diagnostic.code)?;
    }
    Ok(())
}

fn table(grid: &Grid, to: &mut dyn Write) -> io::Result<()> {
    writeln!(to, "| {} |", grid.headers.join(" | "))?;
    let rule = (0..grid.headers.len()).map(|at| {
        if grid.numbers.contains(&at) {
            "--:"
        } else {
            "---"
        }
    });
    writeln!(to, "| {} |", rule.collect::<Vec<_>>().join(" | "))?;
    for row in &grid.rows {
        let cells: Vec<String> = row.iter().map(|cell| markdown(cell)).collect();
        writeln!(to, "| {} |", cells.join(" | "))?;
    }
    Ok(())
}
