//! Points at which a test kills or pauses this process, to prove that recovery knows every state
//! that a kill can leave. They exist in debug builds only.

/// Ends the process by SIGKILL where `BIRD_FAILPOINT=NAME` or `NAME:TIMES` names this point, the
/// n-th time that it is reached; holds it where `BIRD_BARRIER=NAME:COUNT:FOLDER` does, until so
/// many processes are there.
#[cfg(all(debug_assertions, unix))]
pub fn at(point: &str) {
    use std::sync::atomic::{AtomicUsize, Ordering};

    static REACHED: AtomicUsize = AtomicUsize::new(0);
    let variable = |name| std::env::var(name).unwrap_or_default();
    let wanted = variable("BIRD_FAILPOINT");
    let (name, times) = wanted.split_once(':').unwrap_or((&wanted, "1"));
    if name == point && REACHED.fetch_add(1, Ordering::Relaxed) + 1 == times.parse().unwrap_or(1) {
        let me = rustix::process::getpid();
        let _ = rustix::process::kill_process(me, rustix::process::Signal::KILL);
    }
    let barrier = variable("BIRD_BARRIER");
    let mut parts = barrier.splitn(3, ':');
    if parts.next() != Some(point) {
        return;
    }
    let count: usize = parts
        .next()
        .and_then(|count| count.parse().ok())
        .unwrap_or(1);
    let folder = std::path::PathBuf::from(parts.next().unwrap_or("."));
    let mine = folder.join(std::process::id().to_string());
    let _: std::io::Result<()> = std::fs::write(mine, "");
    let there = || std::fs::read_dir(&folder).map_or(count, Iterator::count);
    let start = std::time::Instant::now();
    while there() < count && start.elapsed().as_secs() < 60 {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

/// A duration of the program, which a test may shorten: the variable has milliseconds.
#[cfg(debug_assertions)]
pub fn duration(variable: &str, default: std::time::Duration) -> std::time::Duration {
    let set = std::env::var(variable).ok();
    let set = set.and_then(|text| text.parse().ok());
    set.map_or(default, std::time::Duration::from_millis)
}

/// The program's own duration, in a release.
#[cfg(not(debug_assertions))]
pub fn duration(_variable: &str, default: std::time::Duration) -> std::time::Duration {
    default
}

/// Nothing, in a release.
#[cfg(not(all(debug_assertions, unix)))]
pub fn at(_point: &str) {}
