//! Nothing is left behind: a real process with a real (tiny) engine, killed in every way and at every moment.
//!
//! The process is `tests/support/held.rs`; its fault is a file. What must hold: after whatever happened, and after what cleans up
//! then (the process itself, its watchdog, `recover`, the next run), no file is left, and the journal's chain is whole.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::{Duration as Pause, Instant};

use perturb::plan::{Body, Effect, EngineName, Phase, Plan, Step, StepKind};
use perturb::runtime::journal::{Journal, Verified};
use perturb::runtime::machine::{Record, outstanding};
use perturb::types::Duration;
use rustix::process::{Pid, Signal, kill_process};

struct Place {
    folder: tempfile::TempDir,
}

fn held() -> PathBuf {
    let folder = Path::new(env!("CARGO_BIN_EXE_perturb")).parent().unwrap();
    let program = folder.join("examples/held");
    assert!(program.is_file(), "{} is not there: `cargo build --examples` makes it", program.display());
    program
}

/// The plan of an example, with times of milliseconds, and a method of two faults in each other and one after them.
fn plan() -> Plan {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/slow-dependency.chaos");
    let out = Command::new(env!("CARGO_BIN_EXE_perturb")).arg("plan").arg(example).arg("--json").output().unwrap();
    let mut plan: Plan = serde_json::from_slice(&out.stdout).unwrap();
    let ms = Duration::from_millis;
    plan.place.cluster.engines = vec![EngineName::Local];
    for fault in &mut plan.faults {
        fault.effect = Effect::Lasting;
        fault.irreversible = None;
        fault.bodies.insert(EngineName::Local, Body::Expressed(vec![]));
        fault.arguments.clear();
    }
    let fault = plan.faults[0].clone();
    plan.faults = vec![fault; 3];
    for stream in &mut plan.streams {
        (stream.every, stream.timeout, stream.patience, stream.window) = (ms(100), ms(2_000), ms(10_000), None);
    }
    for guard in &mut plan.guards {
        guard.hold = None;
    }
    for expectation in &mut plan.expectations {
        expectation.within = expectation.within.map(|_| ms(200));
    }
    // A phase of a few milliseconds may be over before its sample comes.
    plan.expectations.retain(|e| e.phase != Phase::OnlyDuringFaults);
    plan.baseline = ms(200);
    plan.recovery.within = ms(10_000);
    plan.approvals.clear();
    plan.hours.clear();
    plan.rules.clear();
    let span = plan.span;
    let step = |kind| Step { kind, span };
    let inner = step(StepKind::Inject { fault: 1, lasts: Some(ms(100)) });
    plan.method = vec![
        step(StepKind::With { fault: 0, steps: vec![step(StepKind::Wait(ms(50))), inner] }),
        step(StepKind::Inject { fault: 2, lasts: Some(ms(100)) }),
    ];
    plan.digest = plan.compute_digest();
    plan
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("faults")).unwrap();
        std::fs::write(folder.path().join("plan.json"), serde_json::to_vec(&plan()).unwrap()).unwrap();
        Self { folder }
    }

    fn faults(&self) -> PathBuf {
        self.folder.path().join("faults")
    }

    fn journal(&self) -> PathBuf {
        self.folder.path().join("journal.db")
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.arg("run").arg(self.folder.path().join("plan.json")).arg(self.journal()).arg(self.faults());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    fn start(&self, environment: &[(&str, &str)]) -> Started {
        Started(self.command(&held()).envs(environment.iter().copied()).spawn().unwrap())
    }

    fn left(&self) -> Vec<String> {
        let all = std::fs::read_dir(self.faults()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
        all.filter(|name| name != "hang" && name != "stuck").collect()
    }

    fn recover(&self) {
        let out = Command::new(held()).arg("recover").arg(self.journal()).output().unwrap();
        assert!(out.status.success(), "{out:?}");
    }

    /// The journal is whole and knows of nothing that is left.
    fn is_accounted_for(&self, runs: usize) {
        let journal = Journal::open(&self.journal()).unwrap();
        let all = journal.runs().unwrap();
        assert_eq!(all.len(), runs);
        for run in all {
            assert!(matches!(journal.verify(&run.id).unwrap(), Verified::Whole { .. }), "{run:?}");
            let records = journal.records(&run.id).unwrap();
            assert_eq!(outstanding(records.iter()), [], "{run:?}");
            assert!(run.verdict.is_some(), "{run:?}");
        }
    }

    fn wait_until_clean(&self, bound: Pause) -> Pause {
        let began = Instant::now();
        while !self.left().is_empty() {
            assert!(began.elapsed() < bound, "still there after {bound:?}: {:?}", self.left());
            std::thread::sleep(Pause::from_millis(10));
        }
        began.elapsed()
    }

    fn wait_for_a_fault(&self) {
        let began = Instant::now();
        while self.left().is_empty() {
            assert!(began.elapsed() < Pause::from_secs(60), "no fault came");
            std::thread::sleep(Pause::from_millis(2));
        }
    }
}

/// A process that does not outlive its test.
struct Started(Child);

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn send(child: &Started, signal: Signal) {
    let _ = kill_process(Pid::from_raw(child.0.id() as i32).unwrap(), signal);
}

fn ends(child: &mut Started, bound: Pause) -> ExitStatus {
    let began = Instant::now();
    loop {
        if let Some(status) = child.0.try_wait().unwrap() {
            return status;
        }
        if began.elapsed() > bound {
            panic!("it did not end within {bound:?}");
        }
        std::thread::sleep(Pause::from_millis(5));
    }
}

const LONG: Pause = Pause::from_secs(120);

#[test]
fn a_run_of_which_nobody_wants_anything_is_confirmed() {
    let place = Place::new();
    let status = ends(&mut place.start(&[]), LONG);
    assert_eq!(status.code(), Some(0), "{:?}", std::fs::read_dir(place.faults()).unwrap().count());
    assert_eq!(place.left(), Vec::<String>::new());
    place.is_accounted_for(1);
}

/// SIGKILL before each record in turn, of the watchdog too; then `recover`.
#[test]
fn killed_at_every_record_and_recovered() {
    let with_faults = at_every_record(&[("HELD_KILLS_WATCHDOG", "1")], |place, at| {
        let before = place.left();
        place.recover();
        assert_eq!(place.left(), Vec::<String>::new(), "record {at}: left, of {before:?}");
        !before.is_empty()
    });
    assert!(with_faults > 5, "faults at {with_faults} records");
}

/// The same, and the watchdog lives: nobody has to do anything.
#[test]
fn killed_at_every_record_and_undone_by_the_watchdog() {
    at_every_record(&[], |place, _| {
        let there = !place.left().is_empty();
        place.wait_until_clean(Pause::from_secs(30));
        // It writes down what it did.
        let began = Instant::now();
        let has_ended = || Journal::open(&place.journal()).unwrap().runs().unwrap().iter().all(|r| r.verdict.is_some());
        while !has_ended() {
            assert!(began.elapsed() < LONG, "the watchdog does not end");
            std::thread::sleep(Pause::from_millis(10));
        }
        there
    });
}

/// Kills before each record in turn, and looks. Gives how often a fault was there.
fn at_every_record(environment: &[(&str, &str)], looks: impl Fn(&Place, u32) -> bool + Sync) -> u32 {
    let last = AtomicU32::new(u32::MAX);
    let next = AtomicU32::new(1);
    let with_faults = AtomicU32::new(0);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, SeqCst);
                    if at > last.load(SeqCst) {
                        return;
                    }
                    let place = Place::new();
                    let number = at.to_string();
                    let all: Vec<(&str, &str)> =
                        environment.iter().copied().chain([("HELD_DIE_AT", number.as_str())]).collect();
                    let status = ends(&mut place.start(&all), LONG);
                    if status.code() == Some(0) {
                        // There is no such record any more: the run went to its end.
                        last.fetch_min(at, SeqCst);
                        return;
                    }
                    assert_eq!(status.code(), None, "record {at}: it was not killed, but ended with {status}");
                    with_faults.fetch_add(u32::from(looks(&place, at)), SeqCst);
                    place.is_accounted_for(1);
                }
            });
        }
    });
    let (last, with_faults) = (last.into_inner(), with_faults.into_inner());
    println!("killed at {} records; at {with_faults} of them a fault was there", last - 1);
    assert!(last > 30, "{last} records");
    with_faults
}

#[test]
fn the_watchdog_undoes_what_a_killed_runner_left() {
    for wait in [0, 40, 90, 160, 250] {
        let place = Place::new();
        let mut child = place.start(&[]);
        place.wait_for_a_fault();
        std::thread::sleep(Pause::from_millis(wait));
        send(&child, Signal::KILL);
        ends(&mut child, LONG);
        let took = place.wait_until_clean(Pause::from_secs(30));
        println!("clean {took:?} after SIGKILL");
        // It may still be writing its last lines.
        std::thread::sleep(Pause::from_millis(1500));
        place.recover();
        place.is_accounted_for(1);
    }
}

#[test]
fn a_runner_that_stands_still_loses_its_faults_and_its_run() {
    let place = Place::new();
    // Undo is slow, so that the fault is still there when the runner is stopped.
    let mut child = place.start(&[("HELD_SLOW_UNDO", "300")]);
    place.wait_for_a_fault();
    send(&child, Signal::STOP);
    place.wait_until_clean(Pause::from_secs(60));
    send(&child, Signal::CONT);
    let status = ends(&mut child, LONG);
    assert!(status.code() != Some(0), "{status}");
    assert_eq!(place.left(), Vec::<String>::new());
}

#[test]
fn every_signal_at_random_moments_undoes_everything() {
    let count: u64 = std::env::var("PERTURB_SIGNALS").ok().and_then(|n| n.parse().ok()).unwrap_or(6);
    let signals = [
        ("INT", Signal::INT),
        ("TERM", Signal::TERM),
        ("HUP", Signal::HUP),
        ("QUIT", Signal::QUIT),
        ("KILL", Signal::KILL),
    ];
    // A run mostly waits: one of each at once.
    std::thread::scope(|scope| {
        for (name, signal) in signals {
            scope.spawn(move || (0..count).for_each(|round| at_a_random_moment(name, signal, round, count)));
        }
    });
    println!("{} runs", count * 5);
}

fn at_a_random_moment(name: &str, signal: Signal, round: u64, count: u64) {
    let place = Place::new();
    let mut child = place.start(&[]);
    // Every other time while a fault is there, else spread over the whole run.
    if round.is_multiple_of(2) {
        place.wait_for_a_fault();
        std::thread::sleep(Pause::from_millis(round * 300 / count));
    } else {
        std::thread::sleep(Pause::from_millis(30 + round * 1_500 / count));
    }
    send(&child, signal);
    if round.is_multiple_of(3) {
        // Once more, at once: no undo is skipped.
        std::thread::sleep(Pause::from_millis(5));
        send(&child, signal);
    }
    let status = ends(&mut child, LONG);
    if signal == Signal::KILL {
        // The watchdog does it.
        place.wait_until_clean(Pause::from_secs(30));
        return;
    }
    assert_eq!(place.left(), Vec::<String>::new(), "SIG{name}, round {round}");
    // Before the program listens, a signal just ends it; nothing was injected then.
    if let Some(code) = status.code() {
        assert!(code == 4 || code == 0, "SIG{name}, round {round}: {code}");
        place.is_accounted_for(1);
    }
}

/// Each undo takes a second; two faults are there; and somebody is impatient.
#[test]
fn a_second_signal_during_an_undo_skips_none() {
    for signal in [Signal::INT, Signal::TERM] {
        let place = Place::new();
        let mut child = place.start(&[("HELD_SLOW_UNDO", "1000")]);
        let began = Instant::now();
        while place.left().len() < 2 {
            assert!(began.elapsed() < LONG, "two faults never were there");
            std::thread::sleep(Pause::from_millis(2));
        }
        for _ in 0..4 {
            send(&child, signal);
            std::thread::sleep(Pause::from_millis(200));
        }
        assert_eq!(ends(&mut child, LONG).code(), Some(4));
        assert_eq!(place.left(), Vec::<String>::new());
        place.is_accounted_for(1);
    }
}

/// What injects fails half-way, and so does what undoes: that is said, is no success, and is not forgotten.
#[test]
fn what_fails_and_cannot_be_undone_either_is_an_error() {
    let place = Place::new();
    std::fs::write(place.faults().join("stuck"), "").unwrap();
    let mut child = place.start(&[("HELD_FAILS", "1")]);
    let status = ends(&mut child, LONG);
    assert_eq!(status.code(), Some(6));
    assert_eq!(place.left().len(), 1, "only the first step began");
    let recover = || Command::new(held()).arg("recover").arg(place.journal()).output().unwrap().status.code();
    std::fs::remove_file(place.faults().join("stuck")).unwrap();
    assert_eq!(recover(), Some(0));
    assert_eq!(place.left(), Vec::<String>::new());
}

#[test]
fn an_undo_waits_for_no_probe() {
    let place = Place::new();
    let mut child = place.start(&[]);
    place.wait_for_a_fault();
    std::fs::write(place.faults().join("hang"), "").unwrap();
    std::thread::sleep(Pause::from_millis(50));
    let began = Instant::now();
    send(&child, Signal::TERM);
    ends(&mut child, LONG);
    // The probes would have hung for two seconds.
    println!("ended {:?} after SIGTERM", began.elapsed());
    assert_eq!(place.left(), Vec::<String>::new());
}

#[test]
fn two_runs_do_not_hit_the_same_and_a_dead_ones_lock_is_recovered() {
    let place = Place::new();
    let mut first = place.start(&[("HELD_ALONE", "1"), ("HELD_SLOW_UNDO", "2000")]);
    place.wait_for_a_fault();
    let status = ends(&mut place.start(&[]), LONG);
    assert_eq!(status.code(), Some(3), "the second is refused");
    send(&first, Signal::KILL);
    ends(&mut first, LONG);
    // The next run cleans up first, and then runs.
    let status = ends(&mut place.start(&[]), LONG);
    assert_eq!(status.code(), Some(0));
    assert_eq!(place.left(), Vec::<String>::new());
    place.is_accounted_for(3);
}

/// The disk is full sooner or later in the run: what could not be written down is not confirmed.
#[test]
fn a_full_disk_undoes_everything() {
    let mut full = 0;
    for kib in [40, 60, 80, 100, 120, 140] {
        let place = Place::new();
        // No file may grow beyond this; the signal that would say so is ignored, as a full disk sends none.
        let mut shell = Command::new("bash");
        let words = format!(
            "trap '' XFSZ; ulimit -f {kib}; exec {} run {} {} {}",
            held().display(),
            place.folder.path().join("plan.json").display(),
            place.journal().display(),
            place.faults().display()
        );
        let mut child = Started(shell.arg("-c").arg(words).stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap());
        let is_confirmed = ends(&mut child, LONG).code() == Some(0);
        full += u32::from(!is_confirmed);
        place.wait_until_clean(Pause::from_secs(30));
        let journal = Journal::open(&place.journal()).unwrap();
        for run in journal.runs().unwrap() {
            assert_eq!(run.verdict.as_deref() == Some("confirmed"), is_confirmed, "{kib} KiB: {run:?}");
            let records = journal.records(&run.id).unwrap();
            assert!(records.iter().all(|r| !matches!(r, Record::MayBeLeft { .. })), "{kib} KiB");
        }
    }
    assert!(full >= 2, "it was full {full} times");
}

/// An hour of 50 expectations with a sample each second, written into a real journal: memory does not grow with the run.
#[test]
fn an_hour_of_many_samples_stays_small() {
    let mut plan = plan();
    let second = Duration::from_secs(1);
    plan.guards.clear();
    let template = plan.streams[0].clone();
    let expectation = plan.expectations.iter().find(|e| e.condition.streams() == [0]).unwrap().clone();
    plan.streams.truncate(1);
    plan.expectations.clear();
    for number in 0..50u32 {
        let mut stream = template.clone();
        stream.text = format!("stream {number}");
        (stream.every, stream.timeout) = (second, second);
        plan.streams.push(stream);
        let mut one = expectation.clone();
        one.name = format!("e{number}").into();
        plan.expectations.push(one);
    }
    // Every expectation judges a stream of its own: the index in the condition is the only one there is.
    let mut json = serde_json::to_value(&plan).unwrap();
    for (number, one) in json["expectations"].as_array_mut().unwrap().iter_mut().enumerate() {
        let text = one["condition"].to_string().replace("{\"stream\":0}", &format!("{{\"stream\":{}}}", number + 1));
        one["condition"] = serde_json::from_str(&text).unwrap();
    }
    let mut plan: Plan = serde_json::from_value(json).unwrap();
    let span = plan.span;
    plan.method = vec![Step { kind: StepKind::Inject { fault: 0, lasts: Some(Duration::from_secs(3600)) }, span }];
    plan.digest = plan.compute_digest();
    let place = Place::new();
    let path = place.folder.path().join("hour.json");
    std::fs::write(&path, serde_json::to_vec(&plan).unwrap()).unwrap();
    let out = Command::new(held()).arg("hour").arg(&path).arg(place.journal()).output().unwrap();
    let said = String::from_utf8_lossy(&out.stdout);
    println!("{said}");
    assert!(out.status.success(), "{said}");
    let kib: u64 = said.split_whitespace().rev().nth(1).unwrap().parse().unwrap();
    assert!(kib < 64 * 1024, "{kib} KiB");
}

/// What Chaos Toolkit 1.19 and 1.21 were measured to leave (with rollbacks `always`, its best setting), for `safety.rs`.
pub(super) const ROWS: [super::safety::Row; 24] = [
    ("Ctrl-C (SIGINT)", "nothing; by default the fault", "nothing", "every_signal_at_random_moments_undoes_everything"),
    (
        "SIGTERM, what Kubernetes sends",
        "nothing; by default the fault",
        "nothing",
        "every_signal_at_random_moments_undoes_everything",
    ),
    (
        "SIGHUP: the terminal is gone",
        "**the fault**, and no journal",
        "nothing",
        "every_signal_at_random_moments_undoes_everything",
    ),
    (
        "a second Ctrl-C during an undo",
        "**the rest of the faults**",
        "nothing: no undo is skipped",
        "a_second_signal_during_an_undo_skips_none",
    ),
    (
        "SIGKILL at every record, out of memory",
        "**the fault**, and no journal",
        "nothing: the watchdog undoes it",
        "killed_at_every_record_and_undone_by_the_watchdog",
    ),
    (
        "SIGKILL at every record, of the watchdog too",
        "**the fault**, and no journal",
        "nothing after `perturb recover`",
        "killed_at_every_record_and_recovered",
    ),
    (
        "the same with the shipped binary and the quickstart; the keeper of local faults is killed too",
        "**the fault**, and no journal",
        "nothing: no process, no proxy, no fault",
        "the_quickstart_killed_at_its_lines_leaves_nothing",
    ),
    (
        "… and nobody runs `recover`",
        "**the fault**",
        "nothing after the start of the next run",
        "two_runs_do_not_hit_the_same_and_a_dead_ones_lock_is_recovered",
    ),
    (
        "the runner is stopped (SIGSTOP) or hangs",
        "not measured",
        "no fault after the lease of 5 s, no process half a minute later",
        "a_runner_that_stands_still_loses_its_faults_and_its_run",
    ),
    (
        "a probe hangs when the run is ended",
        "nothing, after the probe (20 s)",
        "nothing, at once",
        "an_undo_waits_for_no_probe",
    ),
    ("the disk is full", "not measured", "nothing", "a_full_disk_undoes_everything"),
    (
        "nobody reads what it says any more (`perturb run | head -1`)",
        "not measured",
        "nothing, and its own verdict",
        "who_stops_reading_changes_nothing",
    ),
    (
        "two runs on one target",
        "not measured",
        "the second is refused: `not-run`",
        "two_runs_do_not_hit_the_same_and_a_dead_ones_lock_is_recovered",
    ),
    (
        "two runs of two journals, or of two projects, on one target",
        "not measured",
        "the second is refused: `not-run`",
        "two_runs_of_two_journals_do_not_hit_the_same_and_a_dead_one_is_in_nobodys_way",
    ),
    (
        "an undo that is impossible",
        "not measured",
        "the fault, tried on every 5 s; `error`, with the command that ends it by hand",
        "an_undo_that_is_impossible_is_tried_ever_less_often_and_said",
    ),
    (
        "SIGKILL of everything, and the journal's disk is read-only",
        "not measured",
        "nothing after `perturb recover`",
        "a_journal_that_can_only_be_read_is_enough_for_an_undo",
    ),
    (
        "SIGKILL of everything, and the journal is cut, has other bits, or lost its log",
        "not measured",
        "nothing after `perturb recover` where the record can still be read; else it says that the journal is damaged (exit 2 or 6)",
        "a_damaged_journal_is_never_called_fine_while_something_is_there",
    ),
    (
        "SIGKILL of the watchdog alone, and it cannot be started again",
        "not measured",
        "nothing: the runner ends, `aborted`",
        "a_run_that_lost_its_watchdog_for_good_ends",
    ),
    (
        "no more processes, threads or files to be had",
        "not measured",
        "nothing: refused, exit 2 or 3",
        "a_run_that_cannot_start_anything_is_refused",
    ),
    (
        "what Perturb needs itself: sockets, locks, logs of its keeper",
        "not measured",
        "nothing",
        "the_keepers_folder_is_gone_after_a_run_and_after_a_recovery",
    ),
    (
        "a service forks into a session of its own",
        "not measured",
        "nothing: it ends with the system",
        "what_a_service_leaves_behind_ends_with_the_run",
    ),
    (
        "everything is killed while a service behind a shell has a child in a session of its own",
        "not measured",
        "nothing after `perturb recover`, or the start of any keeper",
        "what_a_killed_keeper_leaves_is_told_and_ended_by_a_recovery",
    ),
    (
        "a program that is asked for a sample leaves something in a session of its own",
        "not measured",
        "nothing: it ends with the run",
        "what_a_probe_leaves_ends_with_the_run",
    ),
    ("nothing happens", "nothing", "nothing, and `confirmed`", "a_run_of_which_nobody_wants_anything_is_confirmed"),
];
