//! A run of bird: while it goes on, and what came of it.

use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use super::CANARY;

/// A run that has ended.
#[derive(Debug)]
pub struct Output {
    /// The exit code; 128 and the signal where a signal ended it.
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
    /// The signal that ended it, if bird did not end by itself.
    pub signal: Option<i32>,
    arguments: String,
}

impl Output {
    /// Ended with 0.
    #[track_caller]
    pub fn ok(self) -> Output {
        self.exits(0)
    }

    /// Ended with a code; with 130 or 143 only where bird itself chose it.
    #[track_caller]
    pub fn exits(self, code: i32) -> Output {
        let chosen = self.signal.is_none() || ![130, 143].contains(&code);
        assert!(chosen, "the signal ended bird:\n{}", self.transcript());
        assert!(
            self.code == code,
            "expected exit {code}, got:\n{}",
            self.transcript()
        );
        self
    }

    /// stdout contains a text.
    #[track_caller]
    pub fn says(self, text: &str) -> Output {
        assert!(
            self.stdout.contains(text),
            "stdout lacks {text:?}:\n{}",
            self.transcript()
        );
        self
    }

    /// stderr contains a text.
    #[track_caller]
    pub fn warns(self, text: &str) -> Output {
        assert!(
            self.stderr.contains(text),
            "stderr lacks {text:?}:\n{}",
            self.transcript()
        );
        self
    }

    /// stdout, which is one JSON document that names the exit code.
    #[track_caller]
    pub fn json(&self) -> Value {
        let document: Value = serde_json::from_str(&self.stdout).unwrap_or_else(|error| {
            panic!(
                "stdout is not one JSON document: {error}\n{}",
                self.transcript()
            )
        });
        assert_eq!(document["exit"], self.code, "{}", self.transcript());
        document
    }

    /// Everything, for a failing test.
    pub fn transcript(&self) -> String {
        let Output {
            code,
            stdout,
            stderr,
            signal: _,
            arguments,
        } = self;
        format!("bird {arguments}: exit {code}\n--- stdout\n{stdout}\n--- stderr\n{stderr}")
    }
}

/// The entry of one database in a JSON report.
#[track_caller]
pub fn database<'d>(document: &'d Value, name: &str) -> &'d Value {
    let all = document["databases"].as_array().expect("databases");
    all.iter()
        .find(|one| one["name"] == name)
        .unwrap_or_else(|| panic!("no {name} in {document}"))
}

/// A run that goes on. Dropped before its end it is killed.
pub struct Running {
    child: Option<Child>,
    arguments: String,
    /// What was read of its stderr so far.
    output: String,
}

impl Running {
    pub fn start(mut command: Command) -> Running {
        let arguments: Vec<_> = command
            .get_args()
            .map(|argument| argument.to_string_lossy().into_owned())
            .collect();
        let child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("bird starts");
        Running {
            child: Some(child),
            arguments: arguments.join(" "),
            output: String::new(),
        }
    }

    /// As [`Running::start`], and waits for a text on its stderr; its end without that is a panic.
    pub fn start_and_wait_for(command: Command, text: &str) -> Running {
        let mut running = Running::start(command);
        let child = running.child.as_mut().expect("a child");
        let stderr = child.stderr.as_mut().expect("a pipe");
        let mut byte = [0];
        let mut output = Vec::new();
        while !String::from_utf8_lossy(&output).contains(text) {
            let read = stderr.read(&mut byte).expect("its stderr");
            assert!(
                read > 0,
                "never told {text:?}: {}",
                String::from_utf8_lossy(&output)
            );
            output.extend(byte);
        }
        running.output = String::from_utf8(output).expect("stderr is UTF-8");
        running
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.child.as_ref().map_or(0, Child::id)
    }

    /// Sends a signal by its name: `INT`, `TERM`, `KILL`.
    pub fn signal(&self, name: &str) {
        let id = self.id();
        let status = Command::new("kill")
            .args([&format!("-{name}"), &id.to_string()])
            .status();
        assert!(status.is_ok_and(|status| status.success()), "kill -{name}");
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        let child = self.child.as_mut().expect("a child");
        child.try_wait().expect("its state").is_some()
    }

    /// Waits for its end.
    #[track_caller]
    pub fn finish(mut self) -> Output {
        let child = self.child.take().expect("a child");
        let output = std::mem::take(&mut self.output);
        let ended = child.wait_with_output().expect("its output");
        let signal = ended.status.signal();
        let signalled = || signal.map_or(-1, |signal| 128 + signal);
        let output = Output {
            code: ended.status.code().unwrap_or_else(signalled),
            stdout: String::from_utf8(ended.stdout).expect("stdout is UTF-8"),
            stderr: output + std::str::from_utf8(&ended.stderr).expect("stderr is UTF-8"),
            signal,
            arguments: std::mem::take(&mut self.arguments),
        };
        for text in [&output.stdout, &output.stderr] {
            assert!(
                !text.contains(CANARY),
                "the password is shown:\n{}",
                output.transcript()
            );
        }
        let panicked = output.code == 101 || output.stderr.contains("panicked at");
        assert!(!panicked, "bird panicked:\n{}", output.transcript());
        output
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // It may have ended by itself, which is as good.
            let _: std::io::Result<()> = child.kill();
            let _: std::io::Result<std::process::ExitStatus> = child.wait();
        }
    }
}
