//! Numbers as Prometheus reads them from a file: the text exposition format.

use std::fmt::Write as _;

/// One sample of a gauge.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    /// `bird_audit_rows`; samples of one name stand together, under the help of the first.
    pub name: &'static str,
    pub help: &'static str,
    pub labels: Vec<(&'static str, String)>,
    pub value: f64,
}

impl Metric {
    #[must_use]
    pub fn new(name: &'static str, help: &'static str, value: f64) -> Metric {
        Metric {
            name,
            help,
            labels: Vec::new(),
            value,
        }
    }

    #[must_use]
    pub fn label(mut self, name: &'static str, value: &str) -> Metric {
        self.labels.push((name, value.to_owned()));
        self
    }
}

/// All samples, in the order in which their names first come.
#[must_use]
pub fn text(samples: &[Metric]) -> String {
    let mut names: Vec<&str> = Vec::new();
    let mut out = String::new();
    for first in samples {
        if names.contains(&first.name) {
            continue;
        }
        names.push(first.name);
        let help = first.help.replace('\\', "\\\\").replace('\n', "\\n");
        // Writing to a string cannot fail.
        let _ = writeln!(out, "# HELP {} {help}", first.name);
        let _ = writeln!(out, "# TYPE {} gauge", first.name);
        for sample in samples.iter().filter(|other| other.name == first.name) {
            let _ = writeln!(out, "{}{} {}", sample.name, labels(sample), sample.value);
        }
    }
    out
}

fn labels(sample: &Metric) -> String {
    if sample.labels.is_empty() {
        return String::new();
    }
    let labels = sample.labels.iter().map(|(name, value)| {
        let value = value.replace('\\', "\\\\").replace('"', "\\\"");
        format!("{name}=\"{}\"", value.replace('\n', "\\n"))
    });
    format!("{{{}}}", labels.collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_stand_together_and_say_what_they_are() {
        let rows = |of: &str, value| Metric::new("rows", "a\nb", value).label("of", of);
        let samples = [
            rows("x", 1_234_567_890.0),
            Metric::new("complete", "whether", 1.0),
            rows("a\\\"b\nc", 0.25),
        ];
        assert_eq!(
            text(&samples),
            "# HELP rows a\\nb\n# TYPE rows gauge\nrows{of=\"x\"} 1234567890\n\
             rows{of=\"a\\\\\\\"b\\nc\"} 0.25\n\
             # HELP complete whether\n# TYPE complete gauge\ncomplete 1\n"
        );
    }
}
