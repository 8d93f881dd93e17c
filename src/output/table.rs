//! The format for people at a terminal. The only user of comfy-table.

use std::io::{self, Write};

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

use super::escape::terminal;
use super::{Block, Format, Grid, Report};
use crate::model::diagnostic::Failure;

pub const FORMAT: Format = Format {
    name: "table",
    common: true,
    verbatim: false,
    is_log: false,
    render,
    render_failure,
};

/// Writes nothing: people read a failure on stderr.
fn render_failure(_: &str, _: &str, _: &Failure, _: &mut dyn Write) -> io::Result<()> {
    Ok(())
}

fn render(report: &dyn Report, _: &str, to: &mut dyn Write) -> io::Result<()> {
    let mut last_was_line = true;
    for (index, block) in report.blocks().iter().enumerate() {
        let is_line = matches!(block, Block::Line(_));
        if index > 0 && !(is_line && last_was_line) {
            writeln!(to)?;
        }
        last_was_line = is_line;
        match block {
            Block::Line(line) => writeln!(to, "{}", terminal(line, false))?,
            Block::Grid(grid) => writeln!(to, "{}", table(grid))?,
            Block::Code { title, text, .. } => {
                writeln!(to, "-- {}", terminal(title, false))?;
                writeln!(to, "{}", terminal(text, true))?;
            }
            Block::Text(text) => writeln!(to, "{}", text.trim_end())?,
        }
    }
    Ok(())
}

fn table(grid: &Grid) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(&grid.headers);
    if let Some((width, _)) = terminal_size::terminal_size() {
        table
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(width.0);
    }
    for row in &grid.rows {
        table.add_row(row.iter().map(|cell| terminal(cell, false)));
    }
    for at in &grid.numbers {
        if let Some(column) = table.column_mut(*at) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let text = table.to_string();
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines.join("\n")
}
