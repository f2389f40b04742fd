//! The driver: every fault is really there, and really gone again, whoever dies.

use std::time::{Duration, Instant};

use perturb::engine::drive::Driver;
use perturb::engine::local::drive::LocalDriver;
use perturb::engine::local::process::Process;
use tokio::net::TcpStream;

use crate::support::{Rig, echo, exe, pid, plan, port, round_trip, until};

const SLEEPERS: &str = r#"a: { command: ["sleep", "1000"] }, b: { command: ["sleep", "1000"] }"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_process_is_gone_and_comes_back_as_another() {
    let rig = Rig::up(plan(SLEEPERS, "pod.kill(one of ledger.pods)")).await;
    let before = rig.targets().await;
    assert_eq!(before.len(), 2);
    let (injection, undo) = rig.put_in(0).await;
    assert!(rig.seen(&injection, &undo).await.contains("2 processes are gone"));
    for target in &before {
        assert!(!std::path::Path::new(&format!("/proc/{}", pid(target))).exists());
    }
    let mut after = rig.targets().await;
    let end = Instant::now() + Duration::from_secs(30);
    while after.len() < 2 && Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(20)).await;
        after = rig.targets().await;
    }
    assert!(after.len() == 2 && after.iter().all(|t| !before.iter().any(|b| b.id == t.id)), "{after:?}");
    rig.driver.undo(&undo).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_process_stands_still_and_goes_on() {
    let rig = Rig::up(plan(SLEEPERS, "process.pause(one of ledger.processes) for 1m")).await;
    let (injection, undo) = rig.put_in(0).await;
    let processes: Vec<Process> = injection.targets.iter().map(|t| Process::of(pid(t)).unwrap()).collect();
    until("stopped", || processes.iter().all(Process::is_stopped)).await;
    rig.seen(&injection, &undo).await;
    rig.driver.undo(&undo).await.unwrap();
    assert!(processes.iter().all(|p| p.is_alive() && !p.is_stopped()));
    // Again: nothing is there to undo, and that is well.
    rig.driver.undo(&undo).await.unwrap();
    // An injection that comes after its undo is refused.
    let late = rig.driver.inject(&injection, &undo).await.unwrap_err().to_string();
    assert!(late.contains("undone before it came"), "{late}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_ends_by_itself_at_its_deadline_and_when_its_runner_is_gone() {
    let rig = Rig::up(plan(SLEEPERS, "process.pause(one of ledger.processes) for 1m")).await;
    let mut injection = rig.injection(0).await;
    injection.at_most = perturb::types::Duration::from_millis(300);
    let undo = rig.driver.prepare(&injection).await.unwrap();
    rig.driver.inject(&injection, &undo).await.unwrap();
    let process = Process::of(pid(&injection.targets[0])).unwrap();
    until("stopped", || process.is_stopped()).await;
    until("going on", || !process.is_stopped()).await;

    // A second runner, which says nothing any more: its lease of five seconds runs out.
    let silent = LocalDriver::at(rig.folder.path(), exe(), rig.driver.home().to_owned());
    let mut injection = rig.injection(0).await;
    injection.id = "silent/1".into();
    let undo = silent.prepare(&injection).await.unwrap();
    silent.inject(&injection, &undo).await.unwrap();
    until("stopped", || process.is_stopped()).await;
    drop(silent);
    let began = Instant::now();
    until("going on", || !process.is_stopped()).await;
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undo_needs_neither_the_runner_nor_the_keeper() {
    // Found, not started: it outlives the keeper.
    let listen = port();
    let mut server = std::process::Command::new(exe())
        .args(["demo", "service", "--name", "own", "--listen", &format!("127.0.0.1:{listen}")])
        .spawn()
        .unwrap();
    until("the server", || std::net::TcpStream::connect(("127.0.0.1", listen)).is_ok()).await;
    let local = format!("a: {{ listening: {listen} }}");
    let rig = Rig::up(plan(&local, "process.pause(one of ledger.processes) for 1m")).await;
    let (injection, undo) = rig.put_in(0).await;
    assert_eq!(pid(&injection.targets[0]), server.id());
    let process = Process::of(server.id()).unwrap();
    until("stopped", || process.is_stopped()).await;
    rig.keeper().await.signal(rustix::process::Signal::KILL).unwrap();
    until("no keeper", || std::os::unix::net::UnixStream::connect(rig.driver.home().join("keeper.sock")).is_err())
        .await;
    let text = serde_json::to_string(&undo).unwrap();
    let other = LocalDriver::at(rig.folder.path(), exe(), rig.driver.home().to_owned());
    other.undo(&serde_json::from_str(&text).unwrap()).await.unwrap();
    assert!(!process.is_stopped() && process.is_alive());
    server.kill().unwrap();
    server.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_keeper_started_ends_with_it_however_it_dies() {
    let rig = Rig::up(plan(SLEEPERS, "stress.cpu(one of ledger.pods, load: 0.2cores) for 1m")).await;
    let (injection, undo) = rig.put_in(0).await;
    rig.seen(&injection, &undo).await;
    let keeper = rig.keeper().await;
    let family: Vec<Process> =
        perturb::engine::local::process::family(keeper.pid).into_iter().filter_map(Process::of).collect();
    assert_eq!(family.len(), 1 + 2 + 2, "{family:?}");
    keeper.signal(rustix::process::Signal::KILL).unwrap();
    until("all gone", || !family.iter().any(Process::is_alive)).await;
    rig.driver.undo(&undo).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_uses_what_it_says_and_ends() {
    let rig = Rig::up(plan(SLEEPERS, "stress.memory(one of ledger.pods(names: [\"a\"]), size: 64MiB) for 1m")).await;
    let (injection, undo) = rig.put_in(0).await;
    let seen = rig.seen(&injection, &undo).await;
    let bytes: u64 = seen.split(' ').next().unwrap().parse().unwrap();
    assert!(bytes >= 64 << 20, "{seen}");
    rig.driver.undo(&undo).await.unwrap();
    let keeper = rig.keeper().await;
    assert_eq!(perturb::engine::local::process::family(keeper.pid).len(), 3, "the load is left");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_is_filled_and_emptied() {
    let rig = Rig::up(plan(SLEEPERS, "disk.fill(one of ledger.processes, path: \"data\", size: 8MiB) for 1m")).await;
    let data = rig.folder.path().join("data");
    assert!(rig.driver.prepare(&rig.injection(0).await).await.is_err(), "there is no such folder yet");
    std::fs::create_dir(&data).unwrap();
    let (injection, undo) = rig.put_in(0).await;
    rig.seen(&injection, &undo).await;
    let size = std::fs::read_dir(&data).unwrap().next().unwrap().unwrap().metadata().unwrap().len();
    assert_eq!(size, 8 << 20);
    rig.driver.undo(&undo).await.unwrap();
    assert_eq!(std::fs::read_dir(&data).unwrap().count(), 0);
}

/// A process id is given again, and after a reboot all of them are: what has it now is not let go on. And what is below a process that
/// stood still goes on also if that process is gone.
#[tokio::test(flavor = "multi_thread")]
async fn an_undo_lets_nobody_go_on_who_has_the_id_of_what_was_stopped() {
    use perturb::engine::local::process::below;
    use rustix::process::Signal;
    let local = r#"a: { command: ["sh", "-c", "sleep 1000 & wait"] }"#;
    let rig = Rig::up(plan(local, "process.pause(one of ledger.processes) for 1m")).await;
    let mut other = std::process::Command::new("sh").args(["-c", "sleep 1000 & wait"]).spawn().unwrap();
    let process = Process::of(other.id()).unwrap();
    until("its child", || !below(process.pid).is_empty()).await;
    let child = below(process.pid)[0];
    let mut record = rig.driver.prepare(&rig.injection(0).await).await.unwrap();
    assert_eq!(record.data["below"].as_array().unwrap().len(), 1, "{}", record.data);
    let boot = record.data["boot"].clone();
    assert!(boot.as_str().is_some_and(|boot| boot.len() > 8), "{boot}");
    // Nobody holds it: the record is all there is.
    record.data["home"] = rig.folder.path().join("nowhere").to_str().unwrap().into();
    record.data["below"] = serde_json::json!([child]);
    let mut tried = async |pid: u32, start: u64, boot: &serde_json::Value| {
        for one in [child, process] {
            one.signal(Signal::STOP).unwrap();
        }
        until("they stand still", || [child, process].iter().all(|p| p.is_stopped() || !p.is_alive())).await;
        record.data["fault"]["targets"][0]["process"] = serde_json::json!({ "pid": pid, "start": start });
        record.data["boot"] = boot.clone();
        rig.driver.undo(&record).await.unwrap();
        [process.is_stopped(), child.is_stopped()]
    };
    assert_eq!(tried(process.pid, process.start, &"another".into()).await, [true, true], "another boot");
    assert_eq!(tried(process.pid, process.start + 1, &boot).await, [true, false], "another start");
    assert_eq!(tried(process.pid, process.start, &boot).await, [false, false]);
    // Its parent was ended while both stood still.
    process.signal(Signal::STOP).unwrap();
    child.signal(Signal::STOP).unwrap();
    other.kill().unwrap();
    other.wait().unwrap();
    assert_eq!(tried(process.pid, process.start, &boot).await, [false, false]);
    child.signal(Signal::KILL).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_gives_another_process() {
    let rig = Rig::up(plan(SLEEPERS, "process.restart(one of ledger.processes(names: [\"b\"]))")).await;
    let (injection, undo) = rig.put_in(0).await;
    let seen = rig.seen(&injection, &undo).await;
    assert!(seen.contains("started again"), "{seen}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_path_is_slow_during_the_fault_and_not_after_it() {
    let (address, upstream) = (port(), echo().await);
    let local = format!(r#"a: {{ address: "127.0.0.1:{address}", upstream: "127.0.0.1:{upstream}" }}"#);
    let rig = Rig::up(plan(&local, "network.delay(one of ledger.pods, latency: 400ms) for 1m")).await;
    // A connection from before the fault feels it, too.
    let mut stream = TcpStream::connect(("127.0.0.1", address)).await.unwrap();
    stream.set_nodelay(true).unwrap();
    assert!(round_trip(&mut stream).await < Duration::from_millis(300));
    let (injection, undo) = rig.put_in(0).await;
    let slow = round_trip(&mut stream).await;
    assert!(slow >= Duration::from_millis(400), "{slow:?}");
    assert!(rig.seen(&injection, &undo).await.contains("delayed 1 pieces, 1 bytes"));
    rig.driver.undo(&undo).await.unwrap();
    assert!(round_trip(&mut stream).await < Duration::from_millis(300));
    rig.driver.release().await.unwrap();
    until("the system is gone", || std::net::TcpStream::connect(("127.0.0.1", address)).is_err()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_fault_on_one_path_is_refused_and_the_first_stays() {
    let (address, upstream) = (port(), echo().await);
    let local = format!(r#"a: {{ address: "127.0.0.1:{address}", upstream: "127.0.0.1:{upstream}" }}"#);
    let method =
        "network.delay(one of ledger.pods, latency: 100ms) for 1m\nproxy.reset(one of ledger.processes) for 1m";
    let rig = Rig::up(plan(&local, method)).await;
    let (_, undo) = rig.put_in(0).await;
    let second = rig.injection(1).await;
    let record = rig.driver.prepare(&second).await.unwrap();
    let refused = rig.driver.inject(&second, &record).await.unwrap_err().to_string();
    assert!(refused.contains("room for one"), "{refused}");
    rig.driver.undo(&record).await.unwrap();
    let mut stream = TcpStream::connect(("127.0.0.1", address)).await.unwrap();
    assert!(round_trip(&mut stream).await >= Duration::from_millis(100));
    rig.driver.undo(&undo).await.unwrap();
}

/// Nobody would be left to undo it: who carries the run, and whatever is above, is no target.
#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_carries_the_run_is_no_target() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pid");
    let home = folder.path().join("home");
    let parent = perturb::engine::local::process::facts(std::process::id()).unwrap().parent;
    for pid in [std::process::id(), parent, 1] {
        std::fs::write(&file, pid.to_string()).unwrap();
        let local = format!(r#"a: {{ pid-file: "{}" }}"#, file.display());
        let plan = plan(&local, "process.pause(one of ledger.processes) for 1m");
        let driver = LocalDriver::at(folder.path(), exe(), home.clone());
        let refused = driver.ready(&plan).await.unwrap_err().to_string();
        assert!(refused.contains(&format!("ledger/a is process {pid}, which carries this run")), "{refused}");
        driver.release().await.unwrap();
    }
}

/// A probe that hangs goes with its runner, and what it started with it.
#[test]
fn what_a_killed_runner_asked_is_ended_by_the_watchdog() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let mark = format!("{}7341", std::process::id());
    let text = format!(
        r##"
import std.{{probe, process}}
team us {{ contact: "#us" }}
service thing {{ owner: us, tier: low, local: {{ a: {{ command: ["sleep", "1000"] }} }} }}
cluster laptop {{ engines: [local] }}
environment dev {{ clusters: [laptop] }}
metric hung(): Bool {{
  command: {{ run: ["sh", "-c", "sleep {mark} & sleep {mark}"], answer: ok }}
  every: 2s, timeout: 20s, patience: 40s
}}
experiment e {{
  service: thing
  baseline: 1s
  hypothesis {{ expect well: hung(), recovery automatic within 1m }}
  guard {{ abort when refuted }}
  method {{ process.pause(one of thing.processes) for 1m }}
}}
"##
    );
    std::fs::write(at("e.chaos"), text).unwrap();
    let mut command = std::process::Command::new(exe());
    command.args(["run", "e.chaos"]).current_dir(folder.path()).env("PERTURB_JOURNAL", at("j.db"));
    command.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::null());
    let mut runner = command.stderr(std::process::Stdio::null()).spawn().unwrap();
    let asked = || {
        let line = |pid: &u32| std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let all = perturb::engine::local::process::all();
        all.iter().filter(|pid| String::from_utf8_lossy(&line(pid)).starts_with(&format!("sleep\0{mark}"))).count()
    };
    let within = |what: &str, so: &dyn Fn() -> bool| {
        let end = Instant::now() + Duration::from_secs(30);
        while !so() {
            assert!(Instant::now() < end, "{what}");
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    within("nothing was asked", &|| asked() == 2);
    runner.kill().unwrap();
    runner.wait().unwrap();
    within("what was asked stays", &|| asked() == 0);
}
