//! What a run needs and does not get: a watchdog, threads, files, a keeper. It refuses, or ends and says so; it never goes on silently
//! without. And what Perturb itself needs while it runs is gone afterwards, too.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use perturb::engine::local::keeper::client;
use perturb::engine::local::process::{Process, below};
use perturb::runtime::journal::Journal;
use rustix::process::Signal;

use super::run::{Answering, answering, filled};
use crate::kernel::can;
use crate::support::exe;

struct Place {
    folder: tempfile::TempDir,
    _answering: Answering,
}

impl Place {
    /// A service that answers, and a folder that is filled for so long.
    fn new(length: &str) -> Self {
        let answering = answering();
        let folder = filled(answering.port, length);
        Self { folder, _answering: answering }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.folder.path()).env("PERTURB_JOURNAL", self.at("j.db"));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn is_filled(&self) -> bool {
        std::fs::read_dir(self.at("data")).unwrap().next().is_some()
    }

    fn home(&self) -> PathBuf {
        client::home(self.folder.path())
    }

    /// Every run that began has ended in the journal.
    fn is_accounted_for(&self) {
        if self.at("j.db").is_file() {
            let runs = Journal::open(&self.at("j.db")).unwrap().runs().unwrap();
            assert!(runs.iter().all(|run| run.verdict.is_some()), "{runs:?}");
        }
    }
}

fn until(what: &str, mut so: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !so() {
        assert!(Instant::now() < end, "{what}: not within 60 s");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn ended(child: Child) -> (Option<i32>, String) {
    let out = child.wait_with_output().unwrap();
    (out.status.code(), format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr)))
}

fn line(pid: u32) -> String {
    String::from_utf8_lossy(&std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default()).replace('\0', " ")
}

/// The watchdog is killed, and the program that it would be started from is gone (an update): while the runner lives, it undoes.
#[test]
fn a_run_that_lost_its_watchdog_for_good_ends() {
    let place = Place::new("5m");
    let own = place.at("perturb");
    std::fs::copy(exe(), &own).unwrap();
    let run = place.command(own.to_str().unwrap(), &["run", "p.chaos"]).spawn().unwrap();
    until("the fault is there", || place.is_filled());
    std::fs::remove_file(&own).unwrap();
    let watchdog = below(run.id()).into_iter().find(|process| line(process.pid).contains(" watchdog ")).unwrap();
    watchdog.signal(Signal::KILL).unwrap();
    let (code, text) = ended(run);
    assert_eq!(code, Some(4), "{text}");
    assert!(text.contains("the watchdog is gone, and another cannot be started: "), "{text}");
    assert!(!place.is_filled(), "{text}");
    place.is_accounted_for();
}

/// The watchdog alone is killed: the run has another one, and goes on.
#[test]
fn a_watchdog_that_was_killed_is_started_again() {
    let place = Place::new("4s");
    let run = place.command(exe().to_str().unwrap(), &["run", "p.chaos"]).spawn().unwrap();
    until("the fault is there", || place.is_filled());
    let watchdog = || below(run.id()).into_iter().find(|process| line(process.pid).contains(" watchdog "));
    let first = watchdog().unwrap();
    first.signal(Signal::KILL).unwrap();
    until("another one is there", || watchdog().is_some_and(|process| process != first));
    let (code, text) = ended(run);
    assert_eq!(code, Some(0), "{text}");
}

#[test]
fn a_run_that_cannot_open_files_is_refused_or_whole() {
    let place = Place::new("200ms");
    for files in [12, 14, 15, 16, 17, 18, 20] {
        let script = format!("ulimit -n {files}; exec \"$0\" run p.chaos");
        let run = place.command("sh", &["-c", &script, exe().to_str().unwrap()]).spawn().unwrap();
        let (code, text) = ended(run);
        assert!(!text.contains("panicked"), "{files} files: {text}");
        // What could begin has its watchdog, and sees its fault.
        assert!(code != Some(0) || text.contains("disk.fill is there: "), "{files} files: {text}");
        assert!(matches!(code, Some(0 | 2 | 3 | 5 | 127)), "{files} files: {code:?} {text}");
        assert!(!place.is_filled(), "{files} files: {text}");
        place.is_accounted_for();
    }
}

/// A user who may start no more processes.
#[test]
fn a_run_that_cannot_start_anything_is_refused() {
    let possible = match rustix::process::getuid().is_root() {
        true => Command::new("prlimit").arg("--version").output().map(|_| ()).map_err(|e| format!("prlimit: {e}")),
        false => Err("only root can be a user of whom nothing else runs".to_owned()),
    };
    if !can("a_run_that_cannot_start_anything_is_refused", possible) {
        return;
    }
    let place = Place::new("200ms");
    let own = place.at("perturb");
    std::fs::copy(exe(), &own).unwrap();
    let user = 54_000 + std::process::id() % 1_000;
    for name in ["", "data", "p.chaos"] {
        std::os::unix::fs::chown(place.at(name), Some(user), Some(user)).unwrap();
    }
    for processes in [3, 4, 5, 7, 10] {
        let limit = format!("--nproc={processes}");
        let mut command = place.command("prlimit", &[&limit, own.to_str().unwrap(), "run", "p.chaos"]);
        let began = Instant::now();
        let (code, text) = ended(command.uid(user).gid(user).spawn().unwrap());
        assert!(matches!(code, Some(2 | 3)), "{processes} processes: {code:?} {text}");
        let said = ["Resource temporarily unavailable", "cannot start the watchdog", "starting the local system"];
        assert!(said.iter().any(|why| text.contains(why)), "{processes} processes: {text}");
        assert!(began.elapsed() < Duration::from_secs(30), "{processes} processes: {:?}", began.elapsed());
        place.is_accounted_for();
    }
    let home =
        format!("perturb-{user}-{}", place.home().file_name().unwrap().to_str().unwrap().rsplit('-').next().unwrap());
    let _ = std::fs::remove_dir_all(std::env::temp_dir().join(home));
    let _ = std::fs::remove_dir_all(format!("/tmp/perturb-{user}-claims"));
}

/// Sockets, locks, logs: the keeper takes its own folder away, and who recovers takes away that of one that was killed.
#[test]
fn the_keepers_folder_is_gone_after_a_run_and_after_a_recovery() {
    let place = Place::new("200ms");
    let (code, text) = ended(place.command(exe().to_str().unwrap(), &["run", "p.chaos"]).spawn().unwrap());
    assert_eq!(code, Some(0), "{text}");
    until("its folder is gone", || !place.home().exists());
    let place = Place::new("1m");
    let mut run = place.command(exe().to_str().unwrap(), &["run", "p.chaos"]).spawn().unwrap();
    until("the fault is there", || place.is_filled());
    let all = perturb::engine::local::process::all();
    let home = place.home();
    let keeper = all.into_iter().find(|pid| line(*pid).contains(&format!("keeper {}", home.display()))).unwrap();
    // It stands still meanwhile: it would start another watchdog, and undo.
    Process::of(run.id()).unwrap().signal(Signal::STOP).unwrap();
    below(run.id())
        .into_iter()
        .filter(|p| line(p.pid).contains(" watchdog "))
        .for_each(|p| drop(p.signal(Signal::KILL)));
    Process::of(keeper).unwrap().signal(Signal::KILL).unwrap();
    run.kill().unwrap();
    run.wait().unwrap();
    until("the keeper is gone", || Process::of(keeper).is_none());
    assert!(place.home().exists());
    let (code, text) = ended(place.command(exe().to_str().unwrap(), &["recover"]).spawn().unwrap());
    assert_eq!(code, Some(0), "{text}");
    assert!(!place.is_filled() && !Path::new(&place.home()).exists(), "{text}");
}
