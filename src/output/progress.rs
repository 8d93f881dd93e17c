//! Progress on a terminal and notices everywhere, on stderr, while bird works.

use std::io::{IsTerminal, Write};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::escape::terminal;

/// The chatter of one run.
#[derive(Clone)]
pub struct Progress {
    bar: ProgressBar,
    quiet: bool,
    verbose: bool,
}

impl Progress {
    /// `quiet` silences everything, `verbose` lets details through.
    pub fn new(quiet: bool, verbose: bool) -> Self {
        let live = !quiet && std::env::var_os("CI").is_none() && std::io::stderr().is_terminal();
        let bar = if live {
            ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr())
        } else {
            ProgressBar::hidden()
        };
        Progress {
            bar,
            quiet,
            verbose,
        }
    }

    /// Begins to count towards a total of statements.
    pub fn begin(&self, total: usize) {
        self.count(total, "statements");
    }

    /// Begins to count towards a total of something.
    pub fn count(&self, total: usize, what: &str) {
        let form =
            format!("{{bar:24}} {{pos}}/{{len}} {what}, {{rate}}, {{eta}} left  {{wide_msg}}");
        self.style(&form);
        self.bar.set_length(total as u64);
    }

    fn style(&self, form: &str) {
        if let Ok(style) = ProgressStyle::with_template(form) {
            let rate = |state: &ProgressState, to: &mut dyn std::fmt::Write| {
                // A bar that cannot be written is no reason to stop.
                let _: std::fmt::Result = write!(to, "{:.0}/s", state.per_sec());
            };
            self.bar.set_style(style.with_key("rate", rate));
        }
    }

    /// Begins to count towards a total of rows, where one is known.
    pub fn begin_rows(&self, total: Option<u64>) {
        let form = match total {
            Some(_) => "{bar:24} {human_pos}/{human_len} rows, {rate}, {eta} left  {wide_msg}",
            None => "{spinner} {human_pos} rows, {rate}  {wide_msg}",
        };
        self.style(form);
        if let Some(total) = total {
            self.bar.set_length(total);
        }
    }

    /// So much is done.
    pub fn reach(&self, position: u64) {
        self.bar.set_position(position);
    }

    /// Counts one, and tells what comes next.
    pub fn advance(&self, statements: usize, what: &str) {
        self.bar.inc(statements as u64);
        self.bar.set_message(terminal(what, false));
    }

    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }

    /// Something that people should know now.
    pub fn notice(&self, text: &str) {
        if !self.quiet {
            self.write(text);
        }
    }

    /// Something for those who asked with `-v`.
    pub fn detail(&self, text: &str) {
        if self.verbose && !self.quiet {
            self.write(text);
        }
    }

    fn write(&self, text: &str) {
        let text = terminal(text, true);
        self.bar.suspend(|| {
            // A closed stderr is no reason to stop.
            let _: std::io::Result<()> = writeln!(anstream::stderr(), "bird: {text}");
        });
    }
}
