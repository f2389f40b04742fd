//! What the one open tool with an interpreter was measured to get wrong (Chaos Toolkit 1.19.0 and 1.21.4), case by case, with the
//! real binary: a real process is hit, the fault is a real file, and the metrics are files that the test writes.
//!
//! `tests/it/safety.rs` makes the table in `docs/crash-safety.md` of these tests.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use perturb::runtime::journal::Journal;
use perturb::runtime::machine::Record;
use rustix::process::{Pid, Signal, kill_process};

const SYSTEM: &str = r##"
team owners { contact: "#owners" }
team others { contact: "#others" }
service app {
  owner: owners
  tier:  low
  local: { a: { command: ["sleep", "1000"] }, b: { command: ["sleep", "1000"] } }
}
metric well(): Percent { command: { run: ["cat", "AT/well"], answer: output }, unit: percent, every: 100ms, timeout: 5s, patience: 20s }
metric safe(): Percent { command: { run: ["cat", "AT/safe"], answer: output }, unit: percent, every: 100ms, timeout: 5s, patience: 20s }
metric seldom(): Percent { command: { run: ["cat", "AT/well"], answer: output }, unit: percent, every: 15s }
metric hanging(): Percent {
  command: { run: ["sh", "-c", "if [ -e AT/hang ]; then sleep 20; fi; cat AT/well"], answer: output }
  unit:    percent
  every:   500ms
  timeout: 25s
}
metric done(): Bool { command: { run: ["test", "-e", "AT/done"], answer: ok }, every: 100ms, timeout: 5s, patience: 20s }
metric unseen(): Percent { command: { run: ["cat", "AT/nowhere"], answer: output }, unit: percent, every: 100ms, timeout: 5s }
metric told(): Percent {
  json:  { url: "http://127.0.0.1:PORT/", pointer: "/well", token: secret("peer") }
  unit:  percent
  every: 200ms
}
cluster laptop { engines: [local] }
environment here { clusters: [laptop] }
"##;

/// A project whose faults are files in `data`.
struct Project {
    folder: tempfile::TempDir,
}

impl Project {
    /// An experiment with these parts.
    fn of(hypothesis: &str, guard: &str, method: &str) -> Self {
        let project = Self { folder: tempfile::tempdir().unwrap() };
        std::fs::create_dir(project.path("data")).unwrap();
        project.write("perturb.toml", "[project]\nname = \"peers\"\n\n[compile]\nplace = \"here/laptop\"\n");
        project.system(SYSTEM, 9);
        project.experiment(hypothesis, guard, method);
        project.says("well", 100);
        project.says("safe", 100);
        project
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn system(&self, text: &str, port: u16) {
        let at = self.folder.path().to_str().unwrap();
        self.write("system.chaos", &text.replace("AT", at).replace("PORT", &port.to_string()));
    }

    fn experiment(&self, hypothesis: &str, guard: &str, method: &str) {
        let text = format!(
            "import std.disk\nimport \"system.chaos\".{{app, done, hanging, others, safe, seldom, told, unseen, well}}\n\
             experiment peer {{\n  service: app\n  baseline: 500ms\n  hypothesis {{\n    {hypothesis}\n    recovery automatic within 5s\n  }}\n  \
             guard {{\n    {guard}\n  }}\n  method {{\n    {method}\n  }}\n}}\n"
        );
        self.write("peer.chaos", &text);
    }

    /// What a metric says from now on.
    fn says(&self, metric: &str, percent: u32) {
        self.write("next", &percent.to_string());
        std::fs::rename(self.path("next"), self.path(metric)).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_perturb"));
        command.args(arguments).current_dir(self.folder.path()).env("PERTURB_JOURNAL", self.path("journal.db"));
        command
    }

    fn output(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let out = self.command(arguments).output().unwrap();
        (out.status.code(), String::from_utf8([out.stdout, out.stderr].concat()).unwrap())
    }

    fn start(&self, arguments: &[&str]) -> Run {
        let out = std::fs::File::create(self.path("said")).unwrap();
        let mut command = self.command(arguments);
        command.stdin(Stdio::null()).stdout(out.try_clone().unwrap()).stderr(out);
        Run(command.spawn().unwrap())
    }

    fn said(&self) -> String {
        std::fs::read_to_string(self.path("said")).unwrap_or_default()
    }

    /// The faults that are there.
    fn faults(&self) -> Vec<PathBuf> {
        std::fs::read_dir(self.path("data")).unwrap().map(|e| e.unwrap().path()).collect()
    }

    fn wait_for_faults(&self, count: usize) {
        let began = Instant::now();
        while self.faults().len() != count {
            assert!(!self.said().contains("error P"), "it does not even begin: {}", self.said());
            assert!(began.elapsed() < LONG, "{count} faults, and there are {:?}: {}", self.faults(), self.said());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// What the only run wrote down.
    fn records(&self) -> Vec<Record> {
        let journal = Journal::open(&self.path("journal.db")).unwrap();
        let runs = journal.runs().unwrap();
        assert_eq!(runs.len(), 1);
        journal.records(&runs[0].id).unwrap()
    }

    /// Nothing was ever injected, and so nothing was undone.
    fn is_untouched(&self) {
        let touches =
            |r: &&Record| matches!(r, Record::Intent { .. } | Record::Injected { .. } | Record::Undoing { .. });
        assert_eq!(self.records().iter().find(touches), None);
        assert_eq!(self.faults(), Vec::<PathBuf>::new());
    }

    /// A command that must stop before anything happens.
    fn is_refused(&self, words: &[&str]) {
        for (command, wanted) in [("check", 1), ("run", 2)] {
            let (code, said) = self.output(&[command, "."]);
            assert_eq!(code, Some(wanted), "{said}");
            words.iter().for_each(|word| assert!(said.contains(word), "no `{word}` in: {said}"));
        }
        assert!(!self.path("journal.db").exists(), "a run began");
    }
}

const LONG: Duration = Duration::from_secs(90);
/// How long something may take that is done at once, on a machine with much else to do.
const AT_ONCE: Duration = Duration::from_secs(4);
const WELL: &str = "expect well: well() >= 99%";
const SAFE: &str = "abort when safe() < 50%";

fn fill(lasts: &str) -> String {
    format!("disk.fill(one of app.processes, path: \"data\", size: 1MiB) for {lasts}")
}

/// A run that does not outlive its test.
struct Run(Child);

impl Run {
    fn send(&self, signal: Signal) {
        kill_process(Pid::from_raw(self.0.id() as i32).unwrap(), signal).unwrap();
    }

    fn ends(&mut self) -> Option<i32> {
        let began = Instant::now();
        loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                return status.code();
            }
            assert!(began.elapsed() < LONG, "it did not end within {LONG:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_steady_state_that_is_not_met_injects_nothing() {
    let project = Project::of(WELL, SAFE, &fill("2s"));
    project.says("well", 50);
    let (code, said) = project.output(&["run", "."]);
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("before anything was injected, `well() >= 99%` did not hold"), "{said}");
    project.is_untouched();
}

#[test]
fn what_cannot_be_undone_is_an_error_until_it_is() {
    let project = Project::of(WELL, SAFE, &fill("2s"));
    let mut run = project.start(&["run", "."]);
    project.wait_for_faults(1);
    // Nobody removes a folder by accident: what is undone is a file.
    let fault = project.faults().remove(0);
    std::fs::remove_file(&fault).unwrap();
    std::fs::create_dir(&fault).unwrap();
    assert_eq!(run.ends(), Some(6), "{}", project.said());
    assert!(project.said().contains("something may be left"), "{}", project.said());
    // Whoever runs again, or cleans up, is told.
    std::fs::remove_dir(&fault).unwrap();
    let (code, said) = project.output(&["recover"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("1 undone, nothing is left"), "{said}");
}

#[test]
fn a_command_that_exits_with_1_is_no_success() {
    let method = format!("{}\n    check done: done() == true within 500ms", fill("500ms"));
    let project = Project::of(WELL, SAFE, &method);
    let (code, said) = project.output(&["run", "."]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("refuted: `done() == true` did not hold within 500ms"), "{said}");
    // As a number it says nothing, which is no success either.
    let project = Project::of("expect unseen: unseen() >= 99%", SAFE, &fill("2s"));
    let (code, said) = project.output(&["run", "."]);
    assert_eq!(code, Some(3), "{said}");
    project.is_untouched();
}

#[test]
fn what_broke_during_the_faults_is_refuted_though_it_healed_by_the_end() {
    let project = Project::of(WELL, SAFE, &fill("4s"));
    let mut run = project.start(&["run", "."]);
    project.wait_for_faults(1);
    project.says("well", 40);
    std::thread::sleep(Duration::from_millis(1_500));
    project.says("well", 100);
    assert_eq!(run.ends(), Some(1), "{}", project.said());
    let said = project.said();
    assert!(said.contains("refuted: `well() >= 99%` did not hold"), "{said}");
    // It is judged, not stopped: that is what a guard is for.
    assert!(said.contains("ended by its last step; recovery: by itself"), "{said}");
    project.wait_for_faults(0);
}

#[test]
fn a_hold_is_interrupted_as_soon_as_an_expectation_breaks() {
    let project = Project::of(WELL, "abort when refuted\n    abort when safe() < 50%", &fill("60s"));
    let mut run = project.start(&["run", "."]);
    project.wait_for_faults(1);
    project.says("well", 40);
    let began = Instant::now();
    project.wait_for_faults(0);
    assert!(began.elapsed() < AT_ONCE, "gone after {:?}", began.elapsed());
    project.says("well", 100);
    assert_eq!(run.ends(), Some(1), "{}", project.said());
    assert!(project.said().contains("ended by the guard `abort when refuted`"), "{}", project.said());
}

#[test]
fn a_guard_that_stops_a_run_leaves_no_fault() {
    let project = Project::of(WELL, SAFE, &fill("60s"));
    let mut run = project.start(&["run", "."]);
    project.wait_for_faults(1);
    project.says("safe", 10);
    let began = Instant::now();
    project.wait_for_faults(0);
    assert!(began.elapsed() < AT_ONCE, "gone after {:?}", began.elapsed());
    assert_eq!(run.ends(), Some(4), "{}", project.said());
    assert!(project.said().contains("ended by the guard `abort when safe() < 50%`"), "{}", project.said());
}

#[test]
fn an_undo_does_not_wait_for_a_probe_that_hangs() {
    let project = Project::of("expect well: hanging() >= 99%", SAFE, &fill("4s"));
    let mut run = project.start(&["run", "."]);
    project.wait_for_faults(1);
    project.write("hang", "");
    let began = Instant::now();
    project.wait_for_faults(0);
    assert!(began.elapsed() < Duration::from_secs(4) + AT_ONCE, "gone after {:?}", began.elapsed());
    // The recovery cannot be seen any more, and nobody waits for it who ends the run.
    run.send(Signal::INT);
    let began = Instant::now();
    assert_eq!(run.ends(), Some(4), "{}", project.said());
    assert!(began.elapsed() < AT_ONCE, "ended after {:?}", began.elapsed());
}

#[test]
fn a_misspelt_word_is_refused_with_the_right_one() {
    let word = |hypothesis: &str, guard: &str, wanted: &str| {
        let project = Project::of(hypothesis, guard, &fill("2s"));
        project.is_refused(&[wanted]);
    };
    word(&format!("{WELL}\n    recovery automatc within 5s"), SAFE, "automatic");
    word(WELL, "abort wen safe() < 50%", "when");
    word(WELL, "abort when refutd", "refuted");
    word(WELL, &format!("{SAFE}\n    approvl by others"), "approval");
    word("expect well: well() >= 99% only durng faults", SAFE, "during");
    let project = Project::of(WELL, SAFE, &fill("2s"));
    project.write("perturb.toml", "[project]\nname = \"peers\"\n\n[compile]\nplcae = \"here/laptop\"\n");
    let (code, said) = project.output(&["run", "."]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("plcae") && said.contains("place"), "{said}");
    // That what is injected is undone is no setting, so there is no word to get wrong.
    let (_, help) = project.output(&["run", "--help"]);
    assert!(!help.contains("--rollback") && !help.contains("--no-undo"), "{help}");
}

#[test]
fn an_experiment_does_not_loosen_what_the_project_demands() {
    let own = format!("{SAFE}\n    only on mon..sun 00:00..24:00 in \"UTC\"");
    let project = Project::of(WELL, &own, &fill("2s"));
    let policy = |text: &str| {
        let text = format!("{SYSTEM}\npolicy project-wide {{\n  environments: [here]\n  {text}\n}}\n");
        project.system(&text, 9);
    };
    policy("never on 2020-01-01..2099-12-31 because \"it is frozen\"");
    let (code, said) = project.output(&["run", "."]);
    assert!(code == Some(3) || code == Some(2), "{said}");
    assert!(said.contains("it is frozen"), "{said}");
    assert_eq!(project.faults(), Vec::<PathBuf>::new());
    policy("require experiment.abort-guards >= 2 because \"one guard may be blind\"");
    let (code, said) = project.output(&["run", "."]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("one guard may be blind"), "{said}");
}

#[test]
fn a_guard_that_nobody_can_see_blocks() {
    let project = Project::of(WELL, "abort when unseen() < 50%", &fill("2s"));
    let (code, said) = project.output(&["run", "."]);
    assert_eq!(code, Some(3), "{said}");
    project.is_untouched();
    // One that cannot even be found is an error before that.
    let project = Project::of(WELL, SAFE, &fill("2s"));
    let text = std::fs::read_to_string(project.path("peer.chaos")).unwrap();
    project.write("peer.chaos", &text.replace("\"system.chaos\"", "\"office-hours.chaos\""));
    project.is_refused(&["office-hours.chaos"]);
}

#[test]
fn a_reference_to_nothing_is_found_before_anything_happens() {
    let method = fill("2s").replace("app.processes", "ap.processes");
    Project::of(WELL, SAFE, &format!("{}\n    {method}", fill("2s"))).is_refused(&["`ap`", "`app`"]);
}

/// A server that answers whom it knows.
fn server(token: &'static str) -> u16 {
    use std::io::{BufRead, BufReader, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let head: Vec<String> = lines.map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
            let (status, body) = if head.iter().any(|line| line.contains(token)) {
                ("200 OK", "{\"well\": 100}")
            } else {
                ("401 Unauthorized", "{}")
            };
            let _ = write!(
                stream,
                "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
        }
    });
    port
}

fn holds_secret(bytes: &[u8], secret: &str) -> bool {
    bytes.windows(secret.len()).any(|window| window == secret.as_bytes())
}

#[test]
fn a_secret_is_in_no_journal_no_output_no_plan_and_no_process_list() {
    const SECRET: &str = "s3cr3t-0f-the-peers";
    let project = Project::of("expect told: told() >= 99%", "abort when told() < 50%", &fill("2s"));
    project.system(SYSTEM, server(SECRET));
    let out = std::fs::File::create(project.path("said")).unwrap();
    let mut command = project.command(&["run", ".", "--format", "json", "--junit", "junit.xml"]);
    command.env("PERTURB_SECRET_PEER", SECRET).stdout(out.try_clone().unwrap()).stderr(out);
    let mut run = Run(command.spawn().unwrap());
    project.wait_for_faults(1);
    for process in std::fs::read_dir("/proc").unwrap().flatten() {
        let line = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
        assert!(!holds_secret(&line, SECRET), "{}", String::from_utf8_lossy(&line));
    }
    assert_eq!(run.ends(), Some(0), "{}", project.said());
    assert_eq!(project.output(&["plan", ".", "-o", "plan.json"]).0, Some(0));
    let id = Journal::open(&project.path("journal.db")).unwrap().runs().unwrap()[0].id.clone();
    assert_eq!(project.output(&["report", &id, "-o", "report.html"]).0, Some(0));
    let mut looked = 0;
    for file in std::fs::read_dir(project.folder.path()).unwrap().flatten().filter(|f| f.path().is_file()) {
        looked += 1;
        assert!(!holds_secret(&std::fs::read(file.path()).unwrap(), SECRET), "{:?}", file.path());
    }
    assert!(looked >= 9, "{looked} files");
}

#[test]
fn a_signal_that_nobody_handles_leaves_nothing() {
    for signal in [Signal::USR1, Signal::USR2, Signal::ABORT, Signal::ALARM] {
        let project = Project::of(WELL, SAFE, &fill("60s"));
        let mut run = project.start(&["run", "."]);
        project.wait_for_faults(1);
        run.send(signal);
        assert_eq!(run.ends(), None, "{}", project.said());
        let began = Instant::now();
        project.wait_for_faults(0);
        println!("gone {:?} after {signal:?}", began.elapsed());
    }
}

#[test]
fn an_end_waits_for_nothing_that_runs_beside() {
    // The other branch would go on for a minute; the metric is asked every 15 s.
    let method = format!("parallel {{ {}\n sequence {{ note \"on\"\n wait 60s }} }}", fill("60s"));
    let project = Project::of("expect well: seldom() >= 99%", SAFE, &method);
    let mut run = project.start(&["run", "."]);
    project.wait_for_faults(1);
    run.send(Signal::TERM);
    let began = Instant::now();
    project.wait_for_faults(0);
    assert!(began.elapsed() < AT_ONCE, "gone after {:?}", began.elapsed());
    assert_eq!(run.ends(), Some(4), "{}", project.said());
    assert!(began.elapsed() < AT_ONCE, "ended after {:?}", began.elapsed());
}

/// That a file is not where it was does not say that it is gone.
#[test]
fn a_fault_that_was_moved_away_is_not_called_gone() {
    let project = Project::of(WELL, SAFE, &fill("1s"));
    let mut run = project.start(&["run", "."]);
    project.wait_for_faults(1);
    std::fs::rename(project.path("data"), project.path("elsewhere")).unwrap();
    assert_eq!(run.ends(), Some(6), "{}", project.said());
    assert!(project.said().contains("its folder is not where it was"), "{}", project.said());
    std::fs::rename(project.path("elsewhere"), project.path("data")).unwrap();
    let (code, said) = project.output(&["recover"]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(project.faults(), Vec::<PathBuf>::new());
    let began = Instant::now();
    while project.output(&["local", "status", "."]).1 != "nothing is running here\n" {
        assert!(began.elapsed() < LONG, "the local system does not end");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn who_stops_reading_changes_nothing() {
    use std::io::{BufRead, BufReader};
    for format in ["text", "json"] {
        let project = Project::of(WELL, SAFE, &fill("1s"));
        let mut command = project.command(&["run", ".", "--format", format]);
        let mut run = Run(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap());
        let mut lines = BufReader::new(run.0.stdout.take().unwrap()).lines();
        assert!(lines.next().is_some());
        drop(lines);
        let code = run.ends();
        assert_eq!(project.faults(), Vec::<PathBuf>::new());
        let ended = |r: &Record| matches!(r, Record::Ended { .. });
        assert!(project.records().iter().any(ended), "{format}: {code:?}");
        assert_eq!(code, Some(0), "{format}");
    }
}

/// A watchdog that stands still is not waited for.
#[test]
fn a_watchdog_that_hangs_holds_nobody_up() {
    let project = Project::of(WELL, SAFE, &fill("1s"));
    let mut run = project.start(&["run", "."]);
    project.wait_for_faults(1);
    for pid in perturb::engine::local::process::family(run.0.id()) {
        let line = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        if line.contains("watchdog") {
            kill_process(Pid::from_raw(pid as i32).unwrap(), Signal::STOP).unwrap();
        }
    }
    assert_eq!(run.ends(), Some(0), "{}", project.said());
    project.wait_for_faults(0);
}

/// Each row of what Chaos Toolkit was measured to do: the case, what it does, what happens here, the test.
pub(super) const ROWS: [super::safety::Row; 21] = [
    (
        "a fault ends before its time: out of memory, by somebody's hand, with its keeper",
        "not measured",
        "`inconclusive`, exit 5",
        "a_fault_that_was_over_before_its_time_confirms_nothing",
    ),
    (
        "something else answers at the address of a service that could not start",
        "not measured",
        "`not-run`, exit 3: it is named, and not taken for the service",
        "whoever_answers_in_the_place_of_a_service_is_no_service",
    ),
    (
        "the journal is taken away in the middle of a run",
        "not measured",
        "what is in is undone; never `confirmed`",
        "a_run_whose_journal_is_taken_away_is_not_confirmed",
    ),
    (
        "somebody writes another verdict into the journal",
        "not measured",
        "`show --verify` says so, exit 1",
        "a_verdict_that_was_changed_in_the_list_is_found",
    ),
    (
        "the steady state is not met before the method",
        "exit 0, `completed`, and rollbacks of what never was",
        "`not-run`, exit 3: nothing injected, nothing undone",
        "a_steady_state_that_is_not_met_injects_nothing",
    ),
    (
        "an action and its rollback both fail",
        "the method goes on; **exit 0**, `completed`",
        "the method ends, the undo is tried for 30 s: `error`, exit 6",
        "what_fails_and_cannot_be_undone_either_is_an_error",
    ),
    (
        "a rollback fails",
        "**exit 0**, `completed`",
        "`error`, exit 6, until `perturb recover` succeeds",
        "what_cannot_be_undone_is_an_error_until_it_is",
    ),
    (
        "what was put in is moved away meanwhile",
        "not measured",
        "`error`, exit 6, until it is back: not where it was is not gone",
        "a_fault_that_was_moved_away_is_not_called_gone",
    ),
    ("a command exits with 1", "`succeeded`", "`refuted`, exit 1", "a_command_that_exits_with_1_is_no_success"),
    (
        "broken during the method, healed by the end",
        "**exit 0**: never looked; `continuously`: looked, and **exit 0**",
        "`refuted`, exit 1",
        "what_broke_during_the_faults_is_refuted_though_it_healed_by_the_end",
    ),
    (
        "a running hold, when an expectation breaks (`--fail-fast`)",
        "goes on to its end",
        "`abort when refuted` interrupts it at once",
        "a_hold_is_interrupted_as_soon_as_an_expectation_breaks",
    ),
    (
        "a safety stop, with the strategy `default` or `deviated`",
        "**the fault is left**",
        "a guard leaves nothing: `aborted`, exit 4",
        "a_guard_that_stops_a_run_leaves_no_fault",
    ),
    (
        "a probe hangs for 20 s",
        "the rollback waits for it, 20.5 s",
        "the undo waits for no probe",
        "an_undo_does_not_wait_for_a_probe_that_hangs",
    ),
    (
        "a misspelt strategy (`allways`)",
        "no warning; **the fault is left**, exit 0",
        "a misspelt word is an error that names the right one; that undo happens is no setting",
        "a_misspelt_word_is_refused_with_the_right_one",
    ),
    (
        "settings of the organisation, and an experiment with some of its own",
        "the experiment's **reset** them",
        "both hold: nothing in an experiment loosens a policy",
        "an_experiment_does_not_loosen_what_the_project_demands",
    ),
    (
        "a guard that cannot be imported, or gives no sample",
        "a warning, and it runs on; exit 0",
        "exit 2; without a sample `not-run`, exit 3",
        "a_guard_that_nobody_can_see_blocks",
    ),
    (
        "a reference to nothing, in what undoes",
        "found after the injection: no journal, **the fault is left**",
        "found by `check`, and before a run begins: exit 2",
        "a_reference_to_nothing_is_found_before_anything_happens",
    ),
    (
        "a secret",
        "in clear in the journal and the log",
        "in no journal, output, plan, report or process list",
        "a_secret_is_in_no_journal_no_output_no_plan_and_no_process_list",
    ),
    (
        "21 seeded mistakes in one file",
        "`validate`: exit 0, one warning",
        "`import` finds all 21, each on its line",
        "every_seeded_mistake_of_chaos_toolkit_is_found",
    ),
    (
        "SIGTERM while an action runs beside for 12 s, or the hypothesis is looked at every 15 s",
        "the rollback begins 10.4 s or 12.9 s late",
        "at once",
        "an_end_waits_for_nothing_that_runs_beside",
    ),
    (
        "SIGUSR2, and other signals that nobody handles",
        "**the fault**, by design, after 10.4 s",
        "the watchdog undoes it",
        "a_signal_that_nobody_handles_leaves_nothing",
    ),
];

/// Where the tests of the rows are.
pub(super) const SOURCES: [&str; 8] = [
    include_str!("peers.rs"),
    include_str!("held.rs"),
    include_str!("../quickstart/killed.rs"),
    include_str!("import.rs"),
    include_str!("../local/run.rs"),
    include_str!("../local/alone.rs"),
    include_str!("../local/damaged.rs"),
    include_str!("../local/orphans.rs"),
];
