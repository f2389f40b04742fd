//! Times and memory of other processes, and what a stream costs at the least.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The middle one: noise of a shared machine goes up, never down, and a mean would carry it.
pub fn median(mut all: Vec<Duration>) -> Duration {
    all.sort();
    all.get(all.len() / 2).copied().unwrap_or_default()
}

/// How long a command takes from start to end; its output is thrown away.
///
/// # Panics
/// If it cannot be started or fails.
pub fn time(command: &mut Command) -> Duration {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let start = Instant::now();
    let output = command.spawn().and_then(|child| child.wait_with_output()).expect("it starts");
    let took = start.elapsed();
    assert!(output.status.success(), "{command:?} failed:\n{}", String::from_utf8_lossy(&output.stderr));
    took
}

/// The most memory that a command held at any time, in bytes, as the kernel counts it (`VmHWM`); `None` without `/proc`.
///
/// Its output is read slowly, a piece between two looks, as a reader that cannot keep up is the hard case. What it does
/// after the last piece is in its pipe (64 KiB) is not seen any more.
///
/// # Panics
/// If it cannot be started or fails.
pub fn peak_memory(command: &mut Command) -> Option<u64> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("it starts");
    let status = format!("/proc/{}/status", child.id());
    let look = || {
        let text = std::fs::read_to_string(&status).ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
    };
    let mut peak = look();
    let mut pipe = child.stdout.take().expect("it was asked for");
    let mut buffer = vec![0; 64 * 1024];
    while pipe.read(&mut buffer).expect("readable") > 0 {
        peak = peak.max(look());
    }
    assert!(child.wait().expect("it was started").success(), "{command:?} failed");
    peak
}

/// What the program on the other side of the comparison does: formats the very bytes of a stream through a string
/// writer, line by line, and writes them out. Prints the nanoseconds of that alone; reading its input does not count.
///
/// # Panics
/// If the stream cannot be read or written.
pub fn floor(stream: &Path) {
    let text = std::fs::read_to_string(stream).expect("readable");
    let lines: Vec<(usize, &str, Option<&str>)> = text.lines().map(split).collect();
    let mut stdout = std::io::stdout().lock();
    let start = Instant::now();
    let mut document = String::new();
    for (indent, key, value) in &lines {
        let blank = "";
        // Writing into a String cannot fail.
        let _ = match value {
            Some(value) => writeln!(document, "{blank:indent$}{key}: {value}"),
            None => writeln!(document, "{blank:indent$}{key}"),
        };
        if document.len() > 64 * 1024 {
            stdout.write_all(document.as_bytes()).expect("writable");
            document.clear();
        }
    }
    stdout.write_all(document.as_bytes()).expect("writable");
    stdout.flush().expect("writable");
    eprintln!("{}", start.elapsed().as_nanos());
}

fn split(line: &str) -> (usize, &str, Option<&str>) {
    let rest = line.trim_start_matches(' ');
    let indent = line.len() - rest.len();
    match rest.split_once(": ") {
        Some((key, value)) => (indent, key, Some(value)),
        None => (indent, rest, None),
    }
}

/// Runs [`floor`] in a process of its own, with its bytes thrown away as those of the other side are.
///
/// # Panics
/// If it cannot be started or fails.
pub fn time_floor(stream: &Path) -> Duration {
    let own = std::env::current_exe().expect("this program");
    let mut command = Command::new(own);
    command.arg("floor").arg(stream).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let output = command.output().expect("it starts");
    let said = String::from_utf8_lossy(&output.stderr);
    Duration::from_nanos(said.trim().parse().unwrap_or_else(|_| panic!("the floor failed: {said}")))
}
