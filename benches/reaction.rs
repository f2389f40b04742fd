//! How long it takes from the moment at which a guard's source turns to the moment at which the undo is confirmed.
//!
//! `cargo bench -p perturb-benches --bench reaction`. The real binary, a real source over HTTP that turns at a random moment
//! between two samples, a real fault; 200 runs, several at once. Prints a histogram, and fails where one of them took
//! longer than one sampling interval and 100 ms: what is beyond the interval is all that Perturb adds to the wait for the
//! next sample.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// How often the guard's source is asked.
const EVERY: Duration = Duration::from_millis(500);
/// What may be added to that.
const ADDED: Duration = Duration::from_millis(100);
const RUNS: usize = 200;
const AT_ONCE: usize = 4;

fn main() {
    let source = Arc::new(Source::default());
    let port = serve(source.clone());
    let next = AtomicUsize::new(0);
    let all: Mutex<Vec<Measured>> = Mutex::default();
    std::thread::scope(|scope| {
        for slot in 0..AT_ONCE {
            let (source, next, all) = (&source, &next, &all);
            scope.spawn(move || {
                let folder = tempfile::tempdir().unwrap();
                project(folder.path(), port, slot);
                while next.fetch_add(1, Ordering::Relaxed) < RUNS {
                    let measured = one(folder.path(), source, slot);
                    all.lock().unwrap().push(measured);
                }
            });
        }
    });
    let all = all.into_inner().unwrap();
    assert_eq!(all.len(), RUNS);
    histogram("from the turn to the undo", all.iter().map(|m| m.whole).collect(), EVERY + ADDED, 12);
    histogram("of that, behind the answer that says so", all.iter().map(|m| m.added).collect(), ADDED, 10);
    let late = all.iter().filter(|m| m.whole > EVERY + ADDED).count();
    if late > 0 {
        println!("not met: {late} of {RUNS} took longer than {EVERY:?} and {ADDED:?}");
        std::process::exit(1);
    }
    println!("met: each of {RUNS} took at most {EVERY:?} and {ADDED:?}");
}

/// One run.
struct Measured {
    /// From the turn to the word that the undo is confirmed.
    whole: Duration,
    /// From the answer that says that it has turned.
    added: Duration,
}

/// What the source says to each run.
#[derive(Default)]
struct Source {
    /// Slots that have turned, and when they first said so.
    turned: Mutex<BTreeMap<usize, Option<Instant>>>,
}

fn project(folder: &Path, port: u16, slot: usize) {
    std::fs::create_dir(folder.join("data")).unwrap();
    std::fs::write(folder.join("perturb.toml"), "[project]\nname = \"reaction\"\n").unwrap();
    let text = format!(
        r##"import std.disk
team owners {{ contact: "#owners" }}
service app {{ owner: owners, tier: low, local: {{ a: {{ command: ["sleep", "1000"] }} }} }}
metric safe(): Percent {{
  json: {{ url: "http://127.0.0.1:{port}/{slot}", pointer: "/safe" }}
  unit: percent, every: {}ms
}}
cluster laptop {{ engines: [local] }}
environment here {{ clusters: [laptop] }}
experiment reaction {{
  service: app, baseline: 500ms
  hypothesis {{ expect safe: safe() >= 0.1%, recovery automatic within 10s }}
  guard {{ abort when safe() < 50% }}
  method {{ disk.fill(one of app.processes, path: "data", size: 1MiB) for 2m }}
}}
"##,
        EVERY.as_millis()
    );
    std::fs::write(folder.join("reaction.chaos"), text).unwrap();
}

fn one(folder: &Path, source: &Source, slot: usize) -> Measured {
    source.turned.lock().unwrap().remove(&slot);
    let mut run = Command::new(env!("CARGO_BIN_EXE_perturb-measured"))
        .args(["run", ".", "--in", "here/laptop", "--format", "json"])
        .current_dir(folder)
        .env("PERTURB_JOURNAL", folder.join("journal.db"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(run.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut said = Vec::new();
    let mut until = |record: &str| {
        let record = format!("\"record\":\"{record}\"");
        loop {
            let line = lines.next().unwrap_or_else(|| panic!("no {record} in {}", said.join("\n")));
            let found = line.contains(&record);
            said.push(line);
            if found {
                return Instant::now();
            }
        }
    };
    until("there");
    // Anywhere between two samples, and not always in the first interval.
    std::thread::sleep(EVERY.mul_f64(0.2 + fastrand::f64()));
    source.turned.lock().unwrap().insert(slot, None);
    let turned = Instant::now();
    let undone = until("undone");
    let answered = source.turned.lock().unwrap().get(&slot).copied().flatten().expect("it was asked");
    assert_eq!(std::fs::read_dir(folder.join("data")).unwrap().count(), 0, "it is said to be gone");
    lines.by_ref().for_each(drop);
    assert_eq!(run.wait().unwrap().code(), Some(4));
    Measured { whole: undone - turned, added: undone - answered }
}

/// Answers every question with what the slot of its path says now.
fn serve(source: Arc<Source>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let source = source.clone();
            std::thread::spawn(move || answer(stream, &source));
        }
    });
    port
}

fn answer(mut stream: TcpStream, source: &Source) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut head = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let read = stream.read(&mut piece).ok().filter(|read| *read > 0)?;
        head.extend_from_slice(piece.get(..read)?);
        if !head.ends_with(b"\r\n\r\n") {
            continue;
        }
        let text = String::from_utf8_lossy(&head).into_owned();
        head.clear();
        let slot: usize = text.split_whitespace().nth(1)?.trim_start_matches('/').parse().ok()?;
        let safe = match source.turned.lock().unwrap().get_mut(&slot) {
            None => 100,
            Some(said) => {
                said.get_or_insert_with(Instant::now);
                10
            }
        };
        let body = format!("{{\"safe\":{safe}}}");
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()).ok()?;
    }
}

fn histogram(what: &str, mut all: Vec<Duration>, bound: Duration, buckets: u32) {
    all.sort();
    let at = |share: f64| all.get(((all.len() - 1) as f64 * share) as usize).copied().unwrap_or_default();
    println!("{what}: median {:.0?}, p99 {:.0?}, longest {:.0?}; at most {bound:?}", at(0.5), at(0.99), at(1.0));
    let width = bound / buckets;
    let widest = all.len() as u32;
    for bucket in 0..=buckets {
        let (from, to) = (width * bucket, width * (bucket + 1));
        let is_last = bucket == buckets;
        let count = all.iter().filter(|d| **d >= from && (is_last || **d < to)).count() as u32;
        let range = if is_last { format!("{from:?} and more") } else { format!("{from:?} to {to:?}") };
        println!("{range:>22} {count:>4} {}", "#".repeat((count * 200 / widest.max(1)) as usize));
    }
    println!();
}
