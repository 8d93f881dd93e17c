//! Progress and notices on stderr while bird works: a bar on a terminal, else a line now and then.

use std::io::IsTerminal;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::escape::terminal;
use super::human::{count, seconds};
use super::log::{self, LogFormat};

/// When the first line is written where no terminal shows a bar, and the pause between later ones.
const FIRST_LINE: Duration = Duration::from_secs(5);
const LINES: Duration = Duration::from_secs(30);
/// When a bar is drawn: work that ends sooner would only make it flash.
const FIRST_BAR: Duration = Duration::from_millis(300);
/// The pause between updates of a bar's message, which shows how long an item has been running.
const UPDATES: Duration = Duration::from_secs(1);

/// The notices and the progress of one run.
#[derive(Clone)]
pub struct Progress {
    bar: ProgressBar,
    /// Whether stderr is a terminal that shows a bar.
    live: bool,
    shared: Arc<Shared>,
    quiet: bool,
    verbose: bool,
    log: LogFormat,
    run: Arc<str>,
}

/// What the run and the thread that reports its progress share.
#[derive(Default)]
struct Shared {
    work: Mutex<Option<Work>>,
    ended: Condvar,
}

impl Shared {
    fn work(&self) -> MutexGuard<'_, Option<Work>> {
        // Another thread's panic leaves numbers that are still worth showing.
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The work that goes on.
struct Work {
    /// `statements`, `rows`.
    what: String,
    done: u64,
    total: Option<u64>,
    /// Whether its parts are alike, so that the rest can be estimated.
    even: bool,
    began: Instant,
    item: String,
    item_began: Instant,
}

impl Work {
    fn new(what: &str, total: Option<u64>, even: bool) -> Work {
        Work {
            what: what.to_owned(),
            done: 0,
            total,
            even,
            began: Instant::now(),
            item: String::new(),
            item_began: Instant::now(),
        }
    }

    fn begin_item(&mut self, item: &str) {
        if self.item != item {
            item.clone_into(&mut self.item);
            self.item_began = Instant::now();
        }
    }

    /// The item, and for how long it has been running.
    fn item(&self, now: Instant) -> String {
        let running = now.saturating_duration_since(self.item_began);
        if self.item.is_empty() || running < Duration::from_secs(2) {
            self.item.clone()
        } else {
            format!("{}, running for {}", self.item, seconds(running))
        }
    }

    /// The estimated rest; `None` if there is no ground for an estimate.
    fn left(&self, now: Instant) -> Option<Duration> {
        let total = self.total.filter(|_| self.even && self.done > 0)?;
        let rest = total.checked_sub(self.done).filter(|rest| *rest > 0)?;
        let elapsed = now.saturating_duration_since(self.began).as_secs_f64();
        let left = elapsed * rest as f64 / self.done as f64;
        Duration::try_from_secs_f64(left)
            .ok()
            .filter(|left| left.as_secs() > 0)
    }

    /// One line: `120 of 480 statements in 30 s: twitter V12 big, running for 25 s`.
    fn line(&self, now: Instant) -> String {
        let done = count(self.done);
        let done = match self.total {
            Some(total) => format!("{done} of {}", count(total)),
            None => done,
        };
        let elapsed = now.saturating_duration_since(self.began);
        let mut line = format!("{done} {} in {}", self.what, seconds(elapsed));
        if let Some(left) = self.left(now) {
            line.push_str(&format!(", about {} left", seconds(left)));
        }
        if !self.item.is_empty() {
            line.push_str(&format!(": {}", self.item(now)));
        }
        line
    }
}

impl Progress {
    /// `quiet` silences everything but warnings, `verbose` lets details through.
    pub fn new(quiet: bool, verbose: bool, log: LogFormat, run: &str) -> Self {
        let live = !quiet
            && log == LogFormat::Text
            && std::env::var_os("CI").is_none()
            && std::io::stderr().is_terminal()
            && !ProgressDrawTarget::stderr().is_hidden();
        Progress {
            bar: ProgressBar::hidden(),
            live,
            shared: Arc::default(),
            quiet,
            verbose,
            log,
            run: run.into(),
        }
    }

    /// Begins to count towards a total of statements.
    pub fn begin(&self, total: usize) {
        self.count(total, "statements");
    }

    /// Begins to count towards a total of something whose parts differ in size.
    pub fn count(&self, total: usize, what: &str) {
        let form = format!("{{bar:24}} {{pos}}/{{len}} {what}, {{elapsed}}  {{wide_msg}}");
        self.start(&form, Work::new(what, Some(total as u64), false));
    }

    /// Begins to count towards a total of rows, where one is known.
    pub fn begin_rows(&self, total: Option<u64>) {
        let form = match total {
            Some(_) => "{bar:24} {human_pos}/{human_len} rows, {rate}{left}  {wide_msg}",
            None => "{spinner} {human_pos} rows, {rate}  {wide_msg}",
        };
        self.start(form, Work::new("rows", total, true));
    }

    /// Shows the work from its begin to [`Progress::finish`].
    fn start(&self, form: &str, work: Work) {
        if self.quiet {
            return;
        }
        if let Ok(style) = ProgressStyle::with_template(form) {
            let rate = |state: &ProgressState, to: &mut dyn std::fmt::Write| {
                // A bar that cannot be written is no reason to stop.
                let _: std::fmt::Result = write!(to, "{:.0}/s", state.per_sec());
            };
            let left = |state: &ProgressState, to: &mut dyn std::fmt::Write| {
                let left = state.eta();
                if left.as_secs() > 0 {
                    let _: std::fmt::Result = write!(to, ", {} left", seconds(left));
                }
            };
            let style = style.with_key("rate", rate).with_key("left", left);
            self.bar.set_style(style);
        }
        self.bar.reset();
        if let Some(total) = work.total {
            self.bar.set_length(total);
        }
        let began = work.began;
        *self.shared.work() = Some(work);
        let reporter = self.clone();
        std::thread::spawn(move || reporter.report(began));
    }

    /// Updates the bar, or writes a line now and then, until the work that began then has ended.
    fn report(&self, began: Instant) {
        let mut pause = if self.live { FIRST_BAR } else { FIRST_LINE };
        loop {
            let goes_on =
                |work: &mut Option<Work>| work.as_ref().is_some_and(|work| work.began == began);
            let waited = self
                .shared
                .ended
                .wait_timeout_while(self.shared.work(), pause, goes_on);
            let (work, _) = waited.unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            let own = work.as_ref().filter(|work| work.began == began);
            let Some((line, item)) = own.map(|work| (work.line(now), work.item(now))) else {
                return;
            };
            if self.live {
                pause = UPDATES;
                // The work is still locked, so it cannot finish before its bar is shown.
                if self.bar.is_hidden() {
                    self.bar.set_draw_target(ProgressDrawTarget::stderr());
                }
                self.bar.set_message(terminal(&item, false));
                self.bar.tick();
                drop(work);
            } else {
                pause = LINES;
                drop(work);
                self.write("info", &line);
            }
        }
    }

    /// So much is done.
    pub fn reach(&self, position: u64) {
        self.bar.set_position(position);
        if let Some(work) = self.shared.work().as_mut() {
            work.done = position;
        }
    }

    /// Counts some, and names what comes next.
    pub fn advance(&self, some: usize, next: &str) {
        self.bar.inc(some as u64);
        if let Some(work) = self.shared.work().as_mut() {
            work.done += some as u64;
            work.begin_item(next);
        }
        self.bar.set_message(terminal(next, false));
    }

    pub fn finish(&self) {
        *self.shared.work() = None;
        self.shared.ended.notify_all();
        self.bar.finish_and_clear();
        self.bar.set_draw_target(ProgressDrawTarget::hidden());
    }

    /// Something that may be wrong; not even `--quiet` silences it.
    pub fn warning(&self, text: &str) {
        self.write("warning", text);
    }

    /// Something that people should know now.
    pub fn notice(&self, text: &str) {
        if !self.quiet {
            self.write("info", text);
        }
    }

    /// Something for those who asked with `-v`.
    pub fn detail(&self, text: &str) {
        if self.verbose && !self.quiet {
            self.write("info", text);
        }
    }

    fn write(&self, level: &str, text: &str) {
        let write = || log::line(self.log, level, &self.run, text);
        self.bar.suspend(write);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_estimates_rows_and_never_statements() {
        let at = |began: Instant, elapsed| began + Duration::from_secs(elapsed);
        let mut rows = Work::new("rows", Some(5_000_000), true);
        assert_eq!(rows.line(at(rows.began, 5)), "0 of 5,000,000 rows in 5 s");
        rows.done = 1_000_000;
        let line = rows.line(at(rows.began, 30));
        assert_eq!(
            line,
            "1,000,000 of 5,000,000 rows in 30 s, about 2 min 0 s left"
        );
        rows.done = 5_000_001;
        assert_eq!(
            rows.line(at(rows.began, 30)),
            "5,000,001 of 5,000,000 rows in 30 s"
        );
        let mut statements = Work::new("statements", Some(4), false);
        statements.done = 3;
        statements.begin_item("ums V2 big, statement 2 of 2");
        let line = statements.line(at(statements.item_began, 61));
        assert_eq!(
            line,
            "3 of 4 statements in 1 min 1 s: ums V2 big, statement 2 of 2, running for 1 min 1 s"
        );
    }
}
