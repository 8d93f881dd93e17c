//! The format for people at a terminal. The only user of comfy-table.

use std::io::{self, Write};

use anstyle::AnsiColor;
use comfy_table::ColumnConstraint::{ContentWidth, Hidden, LowerBoundary};
use comfy_table::{Cell, CellAlignment, Color, ContentArrangement, Table, Width, presets};

use super::escape::terminal;
use super::wrap::{stdout_width, wrap};
use super::{Block, Format, Grid, Report, Tone};
use crate::invariant::present;
use crate::model::diagnostic::Failure;

pub const FORMAT: Format = Format {
    name: "table",
    common: true,
    verbatim: false,
    is_log: false,
    render,
    render_failure,
};

/// The blanks around a cell: one before its text and one behind it.
const PADDING: usize = 2;

/// The width left for a column whose longest word does not fit.
const NARROWEST: usize = 8;

/// Writes nothing: people read a failure on stderr.
fn render_failure(_: &str, _: &str, _: &Failure, _: &mut dyn Write) -> io::Result<()> {
    Ok(())
}

fn render(report: &dyn Report, _: &str, to: &mut dyn Write) -> io::Result<()> {
    let limit = stdout_width();
    let mut last_was_line = true;
    for (index, block) in report.blocks().iter().enumerate() {
        let is_line = matches!(block, Block::Line(_) | Block::Verdict(..));
        if index > 0 && !(is_line && last_was_line) {
            writeln!(to)?;
        }
        last_was_line = is_line;
        match block {
            Block::Line(line) => {
                for line in wrap(&terminal(line, false), limit, "  ") {
                    writeln!(to, "{line}")?;
                }
            }
            Block::Verdict(tone, line) => {
                for line in verdict(*tone, wrap(&terminal(line, false), limit, "  ")) {
                    writeln!(to, "{line}")?;
                }
            }
            Block::Grid(grid) => {
                for line in grid_lines(grid, limit) {
                    writeln!(to, "{line}")?;
                }
            }
            Block::Code { title, text, .. } => {
                writeln!(to, "-- {}", terminal(title, false))?;
                writeln!(to, "{}", terminal(text, true))?;
            }
            Block::Text(text) => writeln!(to, "{}", text.trim_end())?,
        }
    }
    Ok(())
}

/// The lines of a verdict, the words before its colon coloured.
fn verdict(tone: Tone, mut lines: Vec<String>) -> Vec<String> {
    if let Some(first) = lines.first_mut()
        && let Some((word, rest)) = first.split_once(':')
        && let Some((color, _)) = colors(tone)
    {
        let style = color.on_default().bold();
        *first = format!("{style}{word}{style:#}:{rest}");
    }
    lines
}

/// The colour of a tone, of text and of cells. Whoever writes to stdout removes colours unless a
/// terminal shows them.
fn colors(tone: Tone) -> Option<(AnsiColor, Color)> {
    match tone {
        Tone::Neutral => None,
        Tone::Good => Some((AnsiColor::Green, Color::DarkGreen)),
        Tone::Attention => Some((AnsiColor::Yellow, Color::DarkYellow)),
        Tone::Bad => Some((AnsiColor::Red, Color::DarkRed)),
    }
}

/// The lines of a grid. Where it is too wide, columns that matter least go first, then cells wrap
/// between words.
fn grid_lines(grid: &Grid, limit: usize) -> Vec<String> {
    let mut table = filled(grid, |cell| cell);
    table.force_no_tty().enforce_styling().style_text_only();
    let widths = table.column_max_content_widths();
    let mut shown: Vec<usize> = (0..widths.len()).collect();
    let is_too_wide = |shown: &[usize]| {
        let columns = shown.iter().map(|at| usize::from(widths[*at]) + PADDING);
        // The last column needs no blank behind it.
        columns.sum::<usize>() > limit.saturating_add(1)
    };
    for at in &grid.optional {
        if is_too_wide(&shown)
            && let Some(column) = table.column_mut(*at)
        {
            column.set_constraint(Hidden);
            shown.retain(|other| other != at);
        }
    }
    if let Some(last) = shown.last().and_then(|at| table.column_mut(*at)) {
        last.set_padding((1, 0));
    }
    if is_too_wide(&shown) {
        table
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(u16::try_from(limit).unwrap_or(u16::MAX));
        let room = limit.saturating_add(1);
        let room = room.saturating_sub(shown.len() * PADDING);
        keep_words_whole(&mut table, grid, &shown, room);
    }
    let lines = table.lines();
    lines.map(|line| line.trim_end().to_owned()).collect()
}

/// A table without limits, each cell's text changed by a function.
fn filled(grid: &Grid, text: impl Fn(String) -> String) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_header(grid.headers.iter().map(|header| text((*header).to_owned())));
    for (at, row) in grid.rows.iter().enumerate() {
        let tones = grid.tones.as_ref();
        let tone = tones.and_then(|tones| Some((tones.column, *tones.rows.get(at)?)));
        table.add_row(row.iter().enumerate().map(|(column, cell)| {
            let cell = Cell::new(text(terminal(cell, false)));
            match tone.filter(|(toned, _)| *toned == column) {
                Some((_, tone)) => match colors(tone) {
                    Some((_, color)) => cell.fg(color),
                    None => cell,
                },
                None => cell,
            }
        }));
    }
    for at in &grid.numbers {
        if let Some(column) = table.column_mut(*at) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// Forbids columns to become narrower than their longest word. Where there is no room for all of
/// them, those with the longest words may break them; numbers come last.
fn keep_words_whole(table: &mut Table, grid: &Grid, shown: &[usize], room: usize) {
    let widths = table.column_max_content_widths();
    // A cell's width is that of its widest line, here of its longest word.
    let mut least = filled(grid, |cell| cell.replace(' ', "\n")).column_max_content_widths();
    for at in &grid.numbers {
        // A number and its unit stay together.
        least[*at] = widths[*at];
    }
    let mut whole = shown.to_vec();
    whole.sort_by_key(|at| (!grid.numbers.contains(at), least[*at]));
    let needed = |whole: &[usize]| {
        let words = whole
            .iter()
            .map(|at| usize::from(least[*at]))
            .sum::<usize>();
        words + (shown.len() - whole.len()) * NARROWEST
    };
    while needed(&whole) > room && whole.pop().is_some() {}
    for at in whole {
        let column = present(table.column_mut(at), "a shown column is in the table");
        let padding = column.padding_width();
        if least[at] == widths[at] {
            column.set_constraint(ContentWidth);
        } else if widths[at].checked_add(padding).is_some() {
            // A boundary counts the blanks around the text.
            column.set_constraint(LowerBoundary(Width::Fixed(least[at] + padding)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid() -> Grid {
        Grid {
            headers: vec!["database", "server", "pending", "found"],
            rows: vec![
                vec![
                    "ums".into(),
                    "MariaDB 11".into(),
                    "3".into(),
                    "one two three".into(),
                ],
                vec!["t".into(), "SQLite".into(), "12".into(), "four".into()],
            ],
            numbers: vec![2],
            optional: vec![1],
            tones: None,
        }
    }

    fn widest(lines: &[String]) -> usize {
        let widths = lines.iter().map(|line| line.chars().count());
        widths.max().unwrap_or(0)
    }

    #[test]
    fn everything_stands_there_where_there_is_room() {
        let lines = [
            " database  server      pending  found",
            " ums       MariaDB 11        3  one two three",
            " t         SQLite           12  four",
        ];
        assert_eq!(grid_lines(&grid(), usize::MAX), lines);
        assert_eq!(grid_lines(&grid(), 45), lines);
    }

    #[test]
    fn what_matters_least_goes_first_and_then_cells_wrap() {
        assert_eq!(
            grid_lines(&grid(), 44),
            [
                " database  pending  found",
                " ums             3  one two three",
                " t              12  four",
            ]
        );
        assert_eq!(
            grid_lines(&grid(), 28),
            [
                " database  pending  found",
                " ums             3  one two",
                "                    three",
                " t              12  four",
            ]
        );
    }

    #[test]
    fn nothing_is_wider_than_the_terminal() {
        let mut grid = grid();
        let limits: &[usize] = &[30, 40, 60, 80];
        for (cell, limits) in [
            (
                "a/path/that/has/no/blank/and/goes/on/and/on".to_owned(),
                limits,
            ),
            ("word ".repeat(14_000), limits),
            // The time that a word takes grows with the square of its length.
            ("w".repeat(70_000), &[80]),
        ] {
            grid.rows[0][3] = cell;
            for &limit in limits {
                let lines = grid_lines(&grid, limit);
                assert!(widest(&lines) <= limit, "{limit}: {}", lines[1]);
            }
        }
    }

    #[test]
    fn only_the_column_with_the_longest_word_breaks_it() {
        let mut grid = grid();
        grid.rows[0][3] = "x".repeat(60);
        grid.rows[1][0] = "a_longer_name".into();
        let lines = grid_lines(&grid, 60);
        assert!(
            lines[1].starts_with(" ums                  3  xxx"),
            "{lines:?}"
        );
        assert!(
            lines
                .iter()
                .any(|line| line.starts_with(" a_longer_name       12  four"))
        );
    }

    #[test]
    fn a_column_takes_the_room_that_others_leave() {
        let mut grid = grid();
        grid.rows[0][3] = format!("{} and other words that follow", "x".repeat(45));
        let lines = grid_lines(&grid, 80);
        let row = format!(" ums             3  {} and other", "x".repeat(45));
        assert_eq!(lines[1], row);
    }
}
