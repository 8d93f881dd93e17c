//! The format for people at a terminal. The only user of comfy-table.

use std::io::{self, Write};

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

use super::escape::terminal;
use super::{Block, Grid};

pub fn render(blocks: &[Block], to: &mut dyn Write) -> io::Result<()> {
    let mut last_was_line = true;
    for (index, block) in blocks.iter().enumerate() {
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
