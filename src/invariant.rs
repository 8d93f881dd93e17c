//! `invariant!` and [`present`]: states that the code rules out, which must never pass in silence.

use std::panic::{self, AssertUnwindSafe};

use crate::model::code::Code;
use crate::model::diagnostic::{Diagnostic, Failure};

/// A broken invariant: where in the source, and what was expected.
///
/// It ends the command as a [`Failure`] with the code `internal` and exit code 2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    pub place: &'static str,
    pub expected: &'static str,
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "internal error at {}: {}", self.place, self.expected)
    }
}

impl std::error::Error for Broken {}

impl From<Broken> for Diagnostic {
    fn from(broken: Broken) -> Self {
        internal(broken.to_string())
    }
}

impl From<Broken> for std::io::Error {
    fn from(broken: Broken) -> Self {
        std::io::Error::other(broken)
    }
}

impl From<Broken> for Failure {
    fn from(broken: Broken) -> Self {
        Failure::failed(broken.into())
    }
}

/// A broken invariant: panics in builds with debug assertions, which all tests are, so that no
/// test passes over it; returns it elsewhere. Used by `invariant!`.
#[must_use]
pub fn broken(place: &'static str, expected: &'static str) -> Broken {
    let broken = Broken { place, expected };
    debug_assert!(false, "{broken}");
    broken
}

/// Takes the value out of an option that cannot be empty, in a function that returns no `Result`;
/// elsewhere use `invariant!`.
///
/// # Panics
///
/// If the option is empty. The run ends with the code `internal` and exit code 2.
#[track_caller]
pub fn present<T>(option: Option<T>, expected: &str) -> T {
    match option {
        Some(value) => value,
        None => panic!("{expected}"),
    }
}

/// Runs a command, and returns its panic as an error. In builds with debug assertions, which all
/// tests are, it passes the panic on, so that no test takes it for an error of the user's.
pub fn catch<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    if cfg!(debug_assertions) {
        return work();
    }
    panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().copied();
        let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        let message = format!("internal error: {}", text.unwrap_or("a panic"));
        Err(Failure::failed(internal(message)))
    })
}

fn internal(message: String) -> Diagnostic {
    Diagnostic::new(Code::Internal, message).hint("please report this message and what led to it")
}

/// Ends the function with an error if a state is met that the code rules out.
///
/// `invariant!(condition, "what holds")` checks a condition; `invariant!(option, some, "what
/// holds")` takes the value out of an option. The function must return a `Result` whose error is
/// made from [`Broken`](crate::invariant::Broken). In builds with debug assertions it panics.
///
/// ```
/// use bird::invariant;
/// use bird::model::diagnostic::Failure;
///
/// fn first(rows: &[i64]) -> Result<i64, Failure> {
///     let first = invariant!(rows.first(), some, "a count has one row");
///     invariant!(*first >= 0, "a count is not negative");
///     Ok(*first)
/// }
/// assert_eq!(first(&[3]), Ok(3));
/// ```
#[macro_export]
macro_rules! invariant {
    ($option:expr, some, $expected:literal $(,)?) => {
        match $option {
            Some(value) => value,
            None => {
                return Err(
                    $crate::invariant::broken(concat!(file!(), ":", line!()), $expected).into(),
                );
            }
        }
    };
    ($condition:expr, $expected:literal $(,)?) => {
        if !$condition {
            return Err(
                $crate::invariant::broken(concat!(file!(), ":", line!()), $expected).into(),
            );
        }
    };
}

#[cfg(test)]
mod tests {
    use crate::model::diagnostic::Failure;

    fn small(number: Option<u8>) -> Result<u8, Failure> {
        let number = invariant!(number, some, "there is a number");
        invariant!(number < 10, "the number is small");
        Ok(number)
    }

    #[test]
    fn what_holds_passes() {
        assert_eq!(small(Some(3)), Ok(3));
    }

    #[test]
    #[should_panic(expected = "there is a number")]
    fn a_missing_value_panics_in_tests() {
        let _: Result<u8, Failure> = small(None);
    }

    #[test]
    #[should_panic(expected = "there is a node")]
    fn a_missing_value_panics_in_infallible_functions() {
        super::present(None::<u8>, "there is a node");
    }

    #[test]
    #[should_panic(expected = "the number is small")]
    fn a_false_condition_panics_in_tests() {
        let _: Result<u8, Failure> = small(Some(10));
    }
}
