//! Limits that the kernel holds processes to: they are met, nobody else's, and everything is where it was when they end.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use perturb::engine::drive::{Confirmation, DriveError, Driver, UndoRecord};
use perturb::engine::local::limits::{self, Controller, possible};
use perturb::engine::local::process::{Process, below, facts};

use crate::kernel::{can, undo_elsewhere};
use crate::support::{Rig, pid, plan, until};

/// A process that uses one core, and has a child that it started before.
const BUSY: &str = r#"a: { command: ["sh", "-c", "sleep 1000 & while :; do :; done"] }"#;

/// The group of a process in every tree, as the kernel says it.
fn groups(pid: u32) -> String {
    fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default()
}

/// The groups that a record made, on disk.
fn made(undo: &UndoRecord) -> Vec<PathBuf> {
    let targets = undo.data["fault"]["targets"].as_array().unwrap();
    targets.iter().map(|target| PathBuf::from(target["group"]["path"].as_str().unwrap())).collect()
}

/// How many ticks of processor time a process takes in this time.
async fn ticks(pid: u32, time: Duration) -> u64 {
    let before = facts(pid).unwrap().ticks;
    tokio::time::sleep(time).await;
    facts(pid).unwrap().ticks - before
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_with_its_children_uses_no_more_than_it_may_and_is_back_where_it_was() {
    if !can("a_process_with_its_children_uses_no_more_than_it_may", possible(Controller::Cpu)) {
        return;
    }
    let method = "limit.cpu(one of ledger.pods, cores: 0.05cores) for 1m\n\
                  limit.cpu(one of ledger.pods, cores: 0.5cores) for 1m";
    let rig = Rig::up(plan(BUSY, method)).await;
    let process = rig.targets().await.first().map(pid).unwrap();
    until("the child", || !below(process).is_empty()).await;
    let child = below(process)[0].pid;
    let before = groups(process);
    let (injection, undo) = rig.put_in(0).await;
    let seen = rig.seen(&injection, &undo).await;
    assert!(seen.contains("ledger/a had no processor left"), "{seen}");
    assert!(made(&undo)[0].is_dir());
    assert_ne!(groups(process), before);
    assert_eq!(groups(child), groups(process));
    // A tick is a hundredth of a second: ten in two seconds, and room for the last period.
    let limited = ticks(process, Duration::from_secs(2)).await;
    assert!(limited <= 25, "{limited} ticks in two seconds");
    // One at a time: the second would keep the first one's limit, and the first would go without it.
    let second = rig.injection(1).await;
    let refused = rig.driver.prepare(&second).await.unwrap_err();
    assert!(
        matches!(&refused, DriveError::Final { reason, .. } if reason.contains("another limit is on it")),
        "{refused}"
    );

    rig.driver.undo(&undo).await.unwrap();
    assert_eq!((groups(process), groups(child)), (before.clone(), before));
    assert!(!made(&undo)[0].exists());
    rig.driver.prepare(&second).await.unwrap();
    rig.driver.undo(&undo).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_that_nobody_comes_to_is_not_seen() {
    if !can("a_limit_that_nobody_comes_to_is_not_seen", possible(Controller::Cpu)) {
        return;
    }
    let idle = r#"a: { command: ["sleep", "1000"] }"#;
    let rig = Rig::up(plan(idle, "limit.cpu(one of ledger.pods, cores: 0.5cores) for 1m")).await;
    let (injection, undo) = rig.put_in(0).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let Confirmation::NotSeen(why) = rig.driver.confirm(&injection, &undo).await.unwrap() else { panic!("seen") };
    assert!(why.contains("ledger/a did not come to its limit yet"), "{why}");
    // Somebody takes it out: it is not held any more, and that is said.
    let process = rig.targets().await.first().map(pid).unwrap();
    let back = undo.data["fault"]["targets"][0]["group"]["back"].as_str().unwrap().to_owned();
    fs::write(Path::new(&back).join("cgroup.procs"), process.to_string()).unwrap();
    let Confirmation::NotSeen(why) = rig.driver.confirm(&injection, &undo).await.unwrap() else { panic!("seen") };
    assert!(why.contains("was moved out of the limit"), "{why}");
    let was = rig.driver.undo(&undo).await.unwrap();
    assert!(format!("{was:?}").contains("was moved out of the limit"), "{was:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_above_what_a_process_may_use_anyway_is_refused() {
    if !can("a_limit_above_what_a_process_may_use_anyway_is_refused", possible(Controller::Cpu)) {
        return;
    }
    let rig = Rig::up(plan(BUSY, "limit.cpu(one of ledger.pods, cores: 0.5cores) for 1m")).await;
    let process = rig.targets().await.first().map(pid).and_then(Process::of).unwrap();
    // As somebody else would limit it.
    let injection = rig.injection(0).await;
    let mut less = rig.driver.prepare(&injection).await.unwrap().data["fault"]["targets"][0]["group"].clone();
    let theirs = PathBuf::from(less["path"].as_str().unwrap().replace("perturb-", "theirs-"));
    less["path"] = theirs.to_str().unwrap().into();
    let theirs: limits::Group = serde_json::from_value(less).unwrap();
    limits::begin(&theirs, &limits::Limit::Cpu { millicores: 200 }, process).unwrap();
    let refused = rig.driver.prepare(&injection).await;
    limits::end(&theirs).unwrap();
    let Err(DriveError::Final { reason, .. }) = refused else { panic!("{refused:?}") };
    assert!(reason.contains("may use no more than 0.200 cores already: 0.500 would be no limit"), "{reason}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_that_is_gone_with_its_process_or_by_somebodys_hand_was_gone_before() {
    if !can("a_limit_that_is_gone_with_its_process_or_by_somebodys_hand_was_gone_before", possible(Controller::Cpu)) {
        return;
    }
    let rig = Rig::up(plan(BUSY, "limit.cpu(one of ledger.pods, cores: 0.05cores) for 1m")).await;
    let process = rig.targets().await.first().map(pid).and_then(Process::of).unwrap();
    let (injection, undo) = rig.put_in(0).await;
    rig.seen(&injection, &undo).await;
    for file in ["cpu.cfs_quota_us", "cpu.max"] {
        let file = made(&undo)[0].join(file);
        if file.exists() {
            fs::write(file, if undo.data.to_string().contains("\"one\"") { "-1" } else { "max" }).unwrap();
        }
    }
    let was = format!("{:?}", rig.driver.undo(&undo).await.unwrap());
    assert!(was.contains("somebody changed"), "{was}");
    // Its supervisor starts another, which has no limit.
    let (injection, undo) = rig.put_in(0).await;
    rig.seen(&injection, &undo).await;
    process.signal(rustix::process::Signal::KILL).unwrap();
    until("another one", || !process.is_alive()).await;
    let was = format!("{:?}", rig.driver.undo(&undo).await.unwrap());
    assert!(was.contains("ended, and its limit with it"), "{was}");
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_beyond_what_is_there_runs_out() {
    if !can("memory_beyond_what_is_there_runs_out", possible(Controller::Memory)) {
        return;
    }
    // A program that takes 64 MB for a moment, again and again.
    let hungry = r#"a: { command: ["sh", "-c", "while :; do dd if=/dev/zero of=/dev/null bs=64M count=1 2>/dev/null && date +%s%N > fed; sleep 0.05; done"] }"#;
    let rig = Rig::up(plan(hungry, "limit.memory(one of ledger.pods, room: 16MiB) for 1m")).await;
    let fed = rig.folder.path().join("fed");
    until("it is fed", || fed.is_file()).await;
    let process = rig.targets().await.first().map(pid).unwrap();
    let (injection, undo) = rig.put_in(0).await;
    let seen = rig.seen(&injection, &undo).await;
    assert!(seen.contains("ledger/a found no memory left"), "{seen}");
    // The kernel ended what took too much; its parent lives.
    assert_eq!(rig.targets().await.first().map(pid), Some(process));
    rig.driver.undo(&undo).await.unwrap();
    let last = fs::read_to_string(&fed).unwrap();
    until("it is fed again", || fs::read_to_string(&fed).unwrap() != last).await;
    assert!(!made(&undo)[0].exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_is_slow_for_one_process() {
    if !can("a_disk_is_slow_for_one_process", possible(Controller::Disk)) {
        return;
    }
    // Each write waits for the disk, and every one is counted.
    let writer = r#"a: { command: ["sh", "-c", "while :; do dd if=/dev/zero of=data bs=64k count=16 oflag=direct conv=notrunc 2>/dev/null && echo x >> written; done"] }"#;
    let rig = Rig::up(plan(writer, "limit.disk(one of ledger.pods, rate: 8Mbit/s, of: writes) for 1m")).await;
    let written = rig.folder.path().join("written");
    let megabytes = || fs::metadata(&written).map_or(0, |m| m.len() / 2);
    until("some megabytes", || megabytes() > 20).await;
    let (injection, undo) = rig.put_in(0).await;
    let seen = rig.seen(&injection, &undo).await;
    assert!(seen.contains("ledger/a reads and writes as fast as it may"), "{seen}");
    let before = megabytes();
    tokio::time::sleep(Duration::from_secs(3)).await;
    // A megabyte a second.
    let limited = megabytes() - before;
    assert!(limited <= 5, "{limited} MB in three seconds");
    rig.driver.undo(&undo).await.unwrap();
    let before = megabytes();
    until("twenty megabytes more", || megabytes() > before + 20).await;
    assert!(!made(&undo)[0].exists());
}

/// A process that Perturb did not start.
struct Other(Child);

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_holds_the_record_ends_a_limit_that_a_killed_keeper_left() {
    if !can("whoever_holds_the_record_ends_a_limit_that_a_killed_keeper_left", possible(Controller::Cpu)) {
        return;
    }
    let busy = Command::new("sh").args(["-c", "while :; do :; done"]).stdin(Stdio::null()).spawn().unwrap();
    let other = Other(busy);
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), other.0.id().to_string()).unwrap();
    let local = format!(r#"a: {{ pid-file: "{}" }}"#, file.path().display());
    let rig = Rig::up(plan(&local, "limit.cpu(one of ledger.pods, cores: 0.05cores) for 1m")).await;
    let before = groups(other.0.id());
    let (injection, undo) = rig.put_in(0).await;
    rig.seen(&injection, &undo).await;
    let process = Process::of(other.0.id()).unwrap();
    undo_elsewhere(&rig, &undo).await;
    assert!(process.is_alive());
    assert_eq!(groups(process.pid), before);
    assert!(!made(&undo)[0].exists());
    is_fast(process).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_to_be_done_by_hand_ends_a_limit() {
    if !can("what_is_said_to_be_done_by_hand_ends_a_limit", possible(Controller::Cpu)) {
        return;
    }
    let rig = Rig::up(plan(BUSY, "limit.cpu(one of ledger.pods, cores: 0.05cores) for 1m")).await;
    let process = rig.targets().await.first().map(pid).and_then(Process::of).unwrap();
    let before = groups(process.pid);
    let (_, undo) = rig.put_in(0).await;
    assert_ne!(groups(process.pid), before);
    for line in rig.driver.by_hand(&undo) {
        let status = Command::new("sh").args(["-c", &line]).status().unwrap();
        assert!(status.success(), "{line}: {status}");
    }
    assert_eq!(groups(process.pid), before);
    assert!(!made(&undo)[0].exists());
    rig.driver.undo(&undo).await.unwrap();
}

/// As fast as before: more in half a second than it may have in two.
async fn is_fast(process: Process) {
    let began = Instant::now();
    while ticks(process.pid, Duration::from_millis(500)).await < 10 {
        assert!(began.elapsed() < Duration::from_secs(20), "it is still limited");
    }
}
