//! The real binary holds the quickstart, and is killed at every line that it writes down; then a look at the real system.
//!
//! In turns the runner alone dies, and the watchdog has to see it; or all of Perturb dies at once, the watchdog and the keeper of the
//! local faults too, and `perturb recover` has only the journal. `PERTURB_KILLS=1` kills at every line, which takes minutes; by
//! default every seventh is enough to notice what broke.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use perturb::engine::local::keeper::client;
use perturb::engine::local::process::family;
use perturb::runtime::journal::{Journal, Verified};
use perturb::runtime::machine::{Record, Verdict, outstanding};
use rustix::process::{Pid, Signal, kill_process};

use super::MACHINE;

const LONG: Duration = Duration::from_secs(60);
/// Sooner than a keeper that waits for its runner to come back would end.
const SOON: Duration = Duration::from_secs(20);

/// Who dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dies {
    Runner,
    Everything,
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_perturb"));
    command.args(arguments).current_dir(folder).env("PERTURB_JOURNAL", folder.join("journal.db"));
    let said = std::fs::File::options().create(true).append(true).open(folder.join("said.txt")).unwrap();
    command.stdin(Stdio::null()).stderr(said);
    command
}

fn said(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let out = command(folder, arguments).output().unwrap();
    (out.status.code(), String::from_utf8(out.stdout).unwrap())
}

/// Kills processes whose command line holds all of these words.
fn kill_those(pids: impl Iterator<Item = u32>, words: &[&str]) {
    for pid in pids {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        if words.iter().all(|word| line.contains(word)) {
            let _ = kill_process(Pid::from_raw(pid as i32).unwrap(), Signal::KILL);
        }
    }
}

fn kill(run: &mut Child, folder: &Path, dies: Dies) {
    if dies == Dies::Everything {
        // The watchdog first: it would notice the runner's end at once.
        kill_those(family(run.id()).into_iter().filter(|pid| *pid != run.id()), &["watchdog"]);
        let home = client::home(&folder.join("quickstart"));
        let all = std::fs::read_dir("/proc").unwrap().flatten();
        kill_those(all.filter_map(|e| e.file_name().to_str()?.parse().ok()), &["keeper", home.to_str().unwrap()]);
    }
    run.kill().unwrap();
    run.wait().unwrap();
}

/// What the journal knows: nothing that is left, no changed line, and an end. Only a run that had ended before it was killed is
/// confirmed.
fn is_accounted_for(folder: &Path, had_ended: bool) -> bool {
    let journal = Journal::open(&folder.join("journal.db")).unwrap();
    journal.runs().unwrap().iter().all(|run| {
        assert!(matches!(journal.verify(&run.id).unwrap(), Verified::Whole { .. }), "{run:?}");
        let records = journal.records(&run.id).unwrap();
        assert!(had_ended || run.verdict.as_deref() != Some("confirmed"), "{run:?}");
        run.verdict.is_some() && outstanding(records.iter()).is_empty()
    })
}

fn until(what: &str, long: Duration, mut so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !so() {
        assert!(began.elapsed() < long, "{what}: not within {long:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Kills at this line, and looks. Gives whether there is such a line, and whether a fault was there.
///
/// A machine that is busy with the others may be too slow for the quickstart's own bounds: such a run has no such line, says
/// nothing of Perturb, and is held once more with nobody beside it.
fn at_line(line: u32, dies: Dies, again: &AtomicU32) -> Option<bool> {
    for attempt in 0..5 {
        let (_shared, _alone) = match attempt {
            0 => (Some(MACHINE.read()), None),
            _ => (None, Some(MACHINE.write())),
        };
        match at_line_of_one(line, dies) {
            Held::Whole => return None,
            Held::Killed { was_there } => return Some(was_there),
            Held::TooSlow => drop(again.fetch_add(1, Ordering::SeqCst)),
        }
    }
    panic!("line {line}: the machine is too slow for the quickstart");
}

/// How one run ended.
enum Held {
    /// It has no such line, and was confirmed.
    Whole,
    /// At the line, with or without a fault that was there.
    Killed { was_there: bool },
    /// Its bounds did not hold, before or after a fault.
    TooSlow,
}

fn at_line_of_one(line: u32, dies: Dies) -> Held {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let project = folder.join("quickstart");
    std::fs::create_dir(&project).unwrap();
    super::quickstart(&project);
    let arguments = ["run", "quickstart", "--experiment", "mended-shop-survives-slow-prices", "--format", "json"];
    let mut run = command(folder, &arguments).stdout(Stdio::piped()).spawn().unwrap();
    let mut events = BufReader::new(run.stdout.take().unwrap()).lines().map_while(Result::ok);
    // Between two samples nothing changes.
    let mut lines = events.by_ref().filter(|event| !event.contains("\"record\":\"sample\""));
    if lines.nth(line as usize).is_none() {
        let code = run.wait().unwrap().code();
        let said = std::fs::read_to_string(folder.join("said.txt")).unwrap();
        assert!(matches!(code, Some(0 | 1 | 3)), "line {line}: exit code {code:?}\n{said}");
        return if code == Some(0) { Held::Whole } else { Held::TooSlow };
    }
    kill(&mut run, folder, dies);
    drop(events);
    let records: Vec<Record> = {
        let journal = Journal::open(&folder.join("journal.db")).unwrap();
        journal.runs().unwrap().first().map(|run| journal.records(&run.id).unwrap()).unwrap_or_default()
    };
    let was_there = !outstanding(records.iter()).is_empty();
    // The last lines may be read when all is over.
    let is_confirmed =
        |record: &Record| matches!(record, Record::Ended { outcome } if outcome.verdict == Verdict::Confirmed);
    let had_ended = records.iter().any(is_confirmed);
    if dies == Dies::Everything {
        let (code, said) = said(folder, &["recover"]);
        let errors = std::fs::read_to_string(folder.join("said.txt")).unwrap();
        assert_eq!(code, Some(0), "line {line}: {said}\n{errors}");
    }
    until(&format!("line {line}, {dies:?}: the end in the journal"), LONG, || is_accounted_for(folder, had_ended));
    // Processes, proxies and the keeper are gone: who is dead is not waited for.
    until(&format!("line {line}, {dies:?}: nothing is running"), SOON, || {
        said(folder, &["local", "status", "quickstart"]).1 == "nothing is running here\n"
    });
    let text = std::fs::read_to_string(project.join("system.chaos")).unwrap();
    let ports = regex::Regex::new(r"127\.0\.0\.1:(\d+)").unwrap();
    for port in ports.captures_iter(&text) {
        let address = format!("127.0.0.1:{}", &port[1]);
        until(&format!("line {line}, {dies:?}: nobody at {address}"), LONG, || {
            std::net::TcpStream::connect(&address).is_err()
        });
    }
    Held::Killed { was_there }
}

#[test]
fn the_quickstart_killed_at_its_lines_leaves_nothing() {
    let stride = std::env::var("PERTURB_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(7u32);
    let next = AtomicU32::new(0);
    let (killed, with_faults, again) = (AtomicU32::new(0), AtomicU32::new(0), AtomicU32::new(0));
    std::thread::scope(|scope| {
        // A run waits more than it works.
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    let dies = if number.is_multiple_of(2) { Dies::Runner } else { Dies::Everything };
                    // Each line twice: once for each who dies.
                    let Some(was_there) = at_line(number / 2 * stride, dies, &again) else { return };
                    killed.fetch_add(1, Ordering::SeqCst);
                    with_faults.fetch_add(u32::from(was_there), Ordering::SeqCst);
                }
            });
        }
    });
    let (killed, with_faults, again) = (killed.into_inner(), with_faults.into_inner(), again.into_inner());
    println!("killed {killed} times; {with_faults} times a fault was there; {again} runs were held again");
    assert!(killed >= 8 && with_faults > 1, "{killed} kills, faults at {with_faults}");
}
