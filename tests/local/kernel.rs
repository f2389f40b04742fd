//! Faults that outlive every process of ours: a wrong clock in a file, and rules in the kernel's packet filter. Whoever dies,
//! the record alone undoes them.

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use perturb::engine::drive::{Driver, UndoRecord};
use perturb::engine::local::drive::LocalDriver;
use perturb::engine::local::{packets, shim};
use rustix::process::Signal;
use tokio::net::TcpStream;

use crate::support::{Rig, echo, exe, plan, port, round_trip, until};

/// Whether the machine can do it; if not, after saying that `test` is skipped.
pub fn can(test: &str, possible: Result<(), String>) -> bool {
    let Err(why) = possible else { return true };
    assert!(
        std::env::var_os("PERTURB_REQUIRE_ROOT").is_none_or(|v| v != "1"),
        "{test} cannot run, and PERTURB_REQUIRE_ROOT is set: {why}"
    );
    eprintln!("SKIPPED: {test}: {why}");
    false
}

/// Another process undoes what is in the record, without a keeper.
// SEE
pub async fn undo_elsewhere(rig: &Rig, undo: &UndoRecord) {
    rig.keeper().await.signal(Signal::KILL).unwrap();
    until("no keeper", || std::os::unix::net::UnixStream::connect(rig.driver.home().join("keeper.sock")).is_err())
        .await;
    let text = serde_json::to_string(undo).unwrap();
    let other = LocalDriver::at(rig.folder.path(), exe(), rig.driver.home().to_owned());
    other.undo(&serde_json::from_str(&text).unwrap()).await.unwrap();
    other.undo(&serde_json::from_str(&text).unwrap()).await.unwrap();
}

/// A process that writes what it takes for the time, again and again.
const TELLER: &str = r#"a: {
  command: ["sh", "-c", "while :; do date +%s > time.next; mv time.next time; sleep 0.02; done"]
  movable-clock: true
}"#;

/// By how many seconds the clock of the teller in this folder is ahead.
fn ahead(folder: &Path) -> Option<i64> {
    let told: i64 = std::fs::read_to_string(folder.join("time")).ok()?.trim().parse().ok()?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64;
    Some(told - now)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_is_moved_and_put_right_by_whoever_holds_the_record() {
    if !can("a_clock_is_moved_and_put_right_by_whoever_holds_the_record", shim::library().map(|_| ())) {
        return;
    }
    let method = "clock.skew(one of ledger.pods, by: +25d) for 1m\nclock.skew(one of ledger.pods, by: -90.5s) for 1m";
    let rig = Rig::up(plan(TELLER, method)).await;
    let folder = rig.folder.path().to_owned();
    let near = |seconds: i64| ahead(&folder).is_some_and(|a| (a - seconds).abs() <= 3);
    until("the right time", || near(0)).await;
    let (injection, undo) = rig.put_in(0).await;
    until("25 days ahead", || near(25 * 86_400)).await;
    let seen = rig.seen(&injection, &undo).await;
    assert!(seen.contains("clock"), "{seen}");
    rig.driver.undo(&undo).await.unwrap();
    until("the right time again", || near(0)).await;

    let (_, undo) = rig.put_in(1).await;
    until("90 seconds behind", || near(-90)).await;
    let file = shim::file_of(rig.driver.home(), "ledger", "a");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "-90.500000000\n");
    undo_elsewhere(&rig, &undo).await;
    // It says so, or is gone with the folder of the keeper that was killed.
    assert!(shim::is_right(&file), "{:?}", std::fs::read_to_string(&file));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_a_killed_keeper_left_wrong_is_right_in_the_next_system() {
    if !can("a_clock_that_a_killed_keeper_left_wrong_is_right_in_the_next_system", shim::library().map(|_| ())) {
        return;
    }
    let rig = Rig::up(plan(TELLER, "clock.skew(one of ledger.pods, by: +25d) for 1m")).await;
    let _ = rig.put_in(0).await;
    let folder = rig.folder.path().to_owned();
    until("25 days ahead", || ahead(&folder).is_some_and(|a| a > 86_400)).await;
    rig.keeper().await.signal(Signal::KILL).unwrap();
    until("no keeper", || std::os::unix::net::UnixStream::connect(rig.driver.home().join("keeper.sock")).is_err())
        .await;
    let next = LocalDriver::at(rig.folder.path(), exe(), rig.driver.home().to_owned());
    next.ready(&rig.plan).await.unwrap();
    until("the right time", || ahead(&folder).is_some_and(|a| a.abs() <= 3)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_does_not_ask_the_library_is_not_taken_for_hit() {
    if !can("a_program_that_does_not_ask_the_library_is_not_taken_for_hit", shim::library().map(|_| ())) {
        return;
    }
    // It never asks for the time.
    let local = r#"a: { command: ["sleep", "1000"], movable-clock: true }"#;
    let rig = Rig::up(plan(local, "clock.skew(one of ledger.pods, by: +25d) for 1m")).await;
    let process = rig.targets().await.first().map(crate::support::pid).unwrap();
    until("the program", || perturb::engine::local::process::facts(process).is_some_and(|f| f.name == "sleep")).await;
    let (injection, undo) = rig.put_in(0).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let seen = format!("{:?}", rig.driver.confirm(&injection, &undo).await.unwrap());
    assert!(seen.starts_with("NotSeen") && seen.contains("did not ask for the time"), "{seen}");
    rig.driver.undo(&undo).await.unwrap();
}

/// Whether a new connection is taken in time.
async fn connects(port: u16) -> bool {
    let connected = TcpStream::connect(("127.0.0.1", port));
    matches!(tokio::time::timeout(Duration::from_millis(400), connected).await, Ok(Ok(_)))
}

fn table_is_there(undo: &UndoRecord) -> bool {
    packets::dropped(&packets::table_of(&undo.injection)).unwrap().is_some()
}

#[tokio::test(flavor = "multi_thread")]
async fn packets_are_lost_and_the_rules_are_gone_whoever_dies() {
    if !can("packets_are_lost_and_the_rules_are_gone_whoever_dies", packets::possible()) {
        return;
    }
    let (address, upstream) = (port(), echo().await);
    let local = format!(r#"a: {{ address: "127.0.0.1:{address}", upstream: "127.0.0.1:{upstream}" }}"#);
    let method = "network.loss(one of ledger.pods, loss: 100%, direction: incoming) for 1m\n\
                  network.loss(one of ledger.pods, loss: 20%, direction: both) for 1m";
    let rig = Rig::up(plan(&local, method)).await;
    assert!(connects(address).await);
    let (injection, undo) = rig.put_in(0).await;
    assert!(!connects(address).await, "every packet is lost");
    assert!(rig.seen(&injection, &undo).await.contains("packets were dropped"));
    // Nobody else's packets are.
    assert!(connects(upstream).await);
    rig.driver.undo(&undo).await.unwrap();
    assert!(connects(address).await && !table_is_there(&undo));

    // Some are lost, and TCP sends them again.
    let (injection, undo) = rig.put_in(1).await;
    let mut stream = TcpStream::connect(("127.0.0.1", address)).await.unwrap();
    for _ in 0..30 {
        round_trip(&mut stream).await;
    }
    assert!(rig.seen(&injection, &undo).await.contains("packets were dropped"));
    undo_elsewhere(&rig, &undo).await;
    assert!(!table_is_there(&undo));
}

#[tokio::test(flavor = "multi_thread")]
async fn packets_pass_again_at_the_deadline_if_nobody_is_left_to_undo_it() {
    if !can("packets_pass_again_at_the_deadline_if_nobody_is_left_to_undo_it", packets::possible()) {
        return;
    }
    let (address, upstream) = (port(), echo().await);
    let local = format!(r#"a: {{ address: "127.0.0.1:{address}", upstream: "127.0.0.1:{upstream}" }}"#);
    let rig = Rig::up(plan(&local, "network.loss(one of ledger.pods, loss: 100%, direction: incoming) for 1m")).await;
    let mut injection = rig.injection(0).await;
    injection.at_most = perturb::types::Duration::from_secs(4);
    let undo = rig.driver.prepare(&injection).await.unwrap();
    rig.driver.inject(&injection, &undo).await.unwrap();
    let began = Instant::now();
    rig.keeper().await.signal(Signal::KILL).unwrap();
    let mut listener = TcpListener::bind(("127.0.0.1", address));
    while listener.is_err() {
        tokio::time::sleep(Duration::from_millis(20)).await;
        listener = TcpListener::bind(("127.0.0.1", address));
    }
    assert!(table_is_there(&undo));
    while !connects(address).await {
        assert!(began.elapsed() < Duration::from_secs(20), "the fault outlives its deadline");
    }
    rig.driver.undo(&undo).await.unwrap();
    assert!(!table_is_there(&undo));
    drop(listener);
}

/// An experiment that loses every packet for three minutes, run by the real binary.
struct Lossy {
    folder: tempfile::TempDir,
    runner: std::process::Child,
    listen: u16,
}

impl Lossy {
    /// Runs until the rules are in the kernel.
    fn injected() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (address, listen) = (port(), port());
        let text = format!(
            r##"
import std.{{network, probe}}
team platform {{ contact: "#platform" }}
service ledger {{
  owner: platform, tier: high
  local: {{ a: {{
    command: ["perturb", "demo", "service", "--name", "ledger", "--listen", "127.0.0.1:{listen}"]
    ready: {{ http: "http://127.0.0.1:{listen}/health" }}
    address: "127.0.0.1:{address}", upstream: "127.0.0.1:{listen}"
  }} }}
}}
cluster laptop {{ engines: [local] }}
environment dev {{ clusters: [laptop] }}
experiment lossy {{
  service: ledger
  baseline: 1s
  hypothesis {{
    expect there: probe.ready-pods(ledger) >= 1
    recovery automatic within 1m
  }}
  guard {{ abort when refuted }}
  method {{ network.loss(one of ledger.pods, loss: 100%, direction: incoming) for 3m }}
}}
"##
        );
        std::fs::write(folder.path().join("lossy.chaos"), text).unwrap();
        let runner = Self::perturb(folder.path(), &["run", "lossy.chaos"])
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let lossy = Self { folder, runner, listen };
        let end = Instant::now() + Duration::from_secs(60);
        while lossy.tables().is_empty() {
            assert!(Instant::now() < end, "it was never injected");
            std::thread::sleep(Duration::from_millis(50));
        }
        lossy
    }

    fn perturb(folder: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(exe());
        command.args(arguments).current_dir(folder).env("PERTURB_JOURNAL", folder.join("journal.db"));
        command
    }

    fn run(&self) -> Option<String> {
        let listed = Self::perturb(self.folder.path(), &["runs"]).output().unwrap();
        let text = String::from_utf8(listed.stdout).unwrap();
        text.split_whitespace()
            .find(|word| word.ends_with(|c: char| c.is_ascii_hexdigit()) && word.contains("-lossy-"))
            .map(str::to_owned)
    }

    /// The tables of this run alone: other tests make theirs at the same time.
    fn tables(&self) -> Vec<String> {
        let Some(run) = self.run() else { return Vec::new() };
        let listed = Command::new("nft").args(["list", "tables"]).env("PATH", "/usr/sbin:/sbin:/usr/bin:/bin").output();
        let text = String::from_utf8(listed.unwrap().stdout).unwrap();
        text.lines().filter(|line| line.contains(&packets::table_of(&run))).map(str::to_owned).collect()
    }

    /// Kills the processes of this run whose command line holds one of these.
    fn kill(&mut self, whose: &[&str]) {
        for pid in perturb::engine::local::process::all() {
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line).replace('\0', " ");
            let meant = pid == self.runner.id() || whose.iter().any(|part| line.contains(part));
            if let Some(process) = perturb::engine::local::process::Process::of(pid).filter(|_| meant) {
                process.signal(Signal::KILL).unwrap();
            }
        }
        self.runner.wait().unwrap();
    }

    fn home(&self) -> String {
        perturb::engine::local::keeper::client::home(self.folder.path()).display().to_string()
    }
}

impl Drop for Lossy {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(self.home());
    }
}

#[test]
fn recover_takes_away_what_every_killed_process_left_in_the_kernel() {
    if !can("recover_takes_away_what_every_killed_process_left_in_the_kernel", packets::possible()) {
        return;
    }
    let mut lossy = Lossy::injected();
    let (journal, home, listen) =
        (lossy.folder.path().display().to_string(), lossy.home(), format!(":{}", lossy.listen));
    // Runner, watchdog, keeper, and what it started.
    lossy.kill(&[&journal, &home, &listen]);
    assert_eq!(lossy.tables().len(), 1, "the rules are still there");
    let recovered = Lossy::perturb(lossy.folder.path(), &["recover"]).output().unwrap();
    let said = String::from_utf8_lossy(&recovered.stdout).into_owned() + &String::from_utf8_lossy(&recovered.stderr);
    assert_eq!(recovered.status.code(), Some(0), "{said}");
    assert_eq!(lossy.tables(), Vec::<String>::new());
}

#[test]
fn the_watchdog_takes_away_what_runner_and_keeper_left_in_the_kernel() {
    if !can("the_watchdog_takes_away_what_runner_and_keeper_left_in_the_kernel", packets::possible()) {
        return;
    }
    let mut lossy = Lossy::injected();
    let home = lossy.home();
    lossy.kill(&[&home]);
    let end = Instant::now() + Duration::from_secs(30);
    while !lossy.tables().is_empty() {
        assert!(Instant::now() < end, "the watchdog leaves the rules where they are");
        std::thread::sleep(Duration::from_millis(100));
    }
}
