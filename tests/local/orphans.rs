//! What is started for a run and goes its own way: it is hit with the rest, and it ends, whoever was killed. And what is not ours:
//! nobody takes it for what Perturb started.

use std::time::Duration;

use perturb::engine::local::keeper::client;
use perturb::engine::local::process::{self, Process, below};
use perturb::runtime::journal::Journal;
use rustix::process::Signal;

use super::run::{Project, plain, project, said, until};
use crate::support::{Rig, exe, pid, plan, port};

/// Processes that were started with exactly these words.
fn called(words: &[&str]) -> Vec<Process> {
    let line: Vec<u8> = words.iter().flat_map(|word| word.bytes().chain([0])).collect();
    let is_it = |pid: &u32| std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|own| own == line);
    process::all().into_iter().filter(is_it).filter_map(Process::of).collect()
}

/// A service behind a shell, with a child in a session of its own that sleeps for so long.
fn behind_a_shell(length: &str, method: &str) -> Project {
    let port = port();
    let local = format!(
        r#"a: {{
          command: ["sh", "-c", "(setsid sleep {length} &); perturb demo service --name thing --listen 127.0.0.1:{port}; true"]
          env:     {{ PATH: "{}:/usr/bin:/bin" }}
          ready:   {{ http: "http://127.0.0.1:{port}/health" }}
        }}"#,
        exe().parent().unwrap().display()
    );
    let metric = format!(r#"http: {{ url: "http://127.0.0.1:{port}/health", answer: ok }}"#);
    project(&local, &metric, "except during faults", method)
}

/// A time to sleep that no other test sleeps.
fn length() -> String {
    format!("{}", 200_000 + u32::from(port()))
}

/// Kills the run, its watchdog and its keeper.
fn kill_all(project: &Project, run: &mut std::process::Child) {
    let words = |pid: u32| std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let home = client::home(project.folder.path());
    let is_keeper = |pid: &u32| {
        let text = String::from_utf8_lossy(&words(*pid)).replace('\0', " ");
        text.contains(&format!("__local keeper {}", home.display()))
    };
    let keeper = process::all().into_iter().find(is_keeper).and_then(Process::of).expect("a keeper");
    let watchdogs = below(run.id()).into_iter().filter(|p| words(p.pid).split(|b| *b == 0).any(|w| w == b"watchdog"));
    // It stands still meanwhile: it would start another watchdog, and undo.
    Process::of(run.id()).unwrap().signal(Signal::STOP).unwrap();
    watchdogs.for_each(|p| drop(p.signal(Signal::KILL)));
    keeper.signal(Signal::KILL).unwrap();
    run.kill().unwrap();
    run.wait().unwrap();
    until("the keeper is gone", || !keeper.is_alive());
}

#[test]
fn what_a_killed_keeper_leaves_is_told_and_ended_by_a_recovery() {
    let length = length();
    let project = behind_a_shell(&length, "pod.fail(all of thing.pods) for 1m");
    let sleeps = || called(&["sleep", &length]);
    let mut run = project.run("j.db");
    until("the fault is there", || !sleeps().is_empty() && project.at("j.db").exists() && count_there(&project));
    kill_all(&project, &mut run);
    // Any keeper that begins meanwhile, another test's too, ends what a dead one has left.
    let (_, text) = project.ends("j.db", &["local", "status"]);
    assert!(text.contains("of killed ones") || sleeps().is_empty(), "{text}");
    let (code, text) = project.ends("j.db", &["recover"]);
    assert_eq!(code, Some(0), "{text}");
    until("it is gone", || sleeps().is_empty());
}

fn count_there(project: &Project) -> bool {
    let Ok(journal) = Journal::open_existing(&project.at("j.db")) else { return false };
    let Some(run) = journal.runs().ok().and_then(|runs| runs.into_iter().next()) else { return false };
    journal
        .records(&run.id)
        .is_ok_and(|records| records.iter().any(|r| matches!(r, perturb::runtime::machine::Record::There { .. })))
}

/// Without any recovery: the next keeper ends it before it starts anything that would find its port taken.
#[test]
fn what_a_killed_keeper_leaves_does_not_answer_in_the_next_run() {
    let length = length();
    let project = behind_a_shell(&length, "pod.fail(all of thing.pods) for 1s");
    let mut run = project.run("j.db");
    until("it is up", || !called(&["sleep", &length]).is_empty());
    std::thread::sleep(Duration::from_millis(300));
    kill_all(&project, &mut run);
    let (code, text) = project.ends("other.db", &["run", "p.chaos"]);
    assert_eq!(code, Some(0), "{text}");
    until("it is gone", || called(&["sleep", &length]).is_empty());
}

#[test]
fn whoever_answers_in_the_place_of_a_service_is_no_service() {
    let (local, metric) = plain();
    let project = project(&local, &metric, "except during faults", "process.kill(all of thing.processes)");
    let text = std::fs::read_to_string(project.at("p.chaos")).unwrap();
    let address = text.split("--listen\", \"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let mut stranger = std::process::Command::new(exe())
        .args(["demo", "service", "--name", "stranger", "--listen", &address])
        .spawn()
        .unwrap();
    until("the stranger answers", || std::net::TcpStream::connect(&address).is_ok());
    let (code, text) = project.ends("j.db", &["run", "p.chaos"]);
    let alive = stranger.try_wait().unwrap().is_none();
    stranger.kill().unwrap();
    stranger.wait().unwrap();
    assert_eq!(code, Some(3), "{text}");
    assert!(text.contains("something else answers at") && text.contains(&stranger.id().to_string()), "{text}");
    assert!(alive, "it is not ours to end");
}

/// Behind a shell a signal that is to end a service ends what the shell started, too, as it does with SIGKILL.
#[tokio::test(flavor = "multi_thread")]
async fn a_signal_that_ends_a_service_ends_all_of_it() {
    for method in [
        "process.kill(all of ledger.processes, signal: term)",
        "process.restart(all of ledger.processes, grace: 5s)",
        "pod.kill(all of ledger.pods, grace: 5s)",
    ] {
        let length = length();
        let local = format!(r#"a: {{ command: ["sh", "-c", "sleep {length}; true"] }}"#);
        let rig = Rig::up(plan(&local, method)).await;
        super::support::until("it sleeps", || called(&["sleep", &length]).len() == 1).await;
        let (shell, before) = (pid(&rig.targets().await[0]), called(&["sleep", &length])[0]);
        let (injection, undo) = rig.put_in(0).await;
        let seen = rig.seen(&injection, &undo).await;
        assert!(seen.starts_with("2 processes are gone"), "{method}: {seen}");
        assert!(!before.is_alive() && Process::of(shell).is_none(), "{method}");
    }
}

/// What ends by itself takes along what is in its group: a port that is still held would let nothing new come up.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_service_leaves_in_its_group_ends_with_it() {
    let length = length();
    let local = format!(r#"a: {{ command: ["sh", "-c", "sleep {length} & sleep 0.3"], restart: false }}"#);
    let _rig = Rig::up(plan(&local, "process.kill(all of ledger.processes)")).await;
    super::support::until("the shell has ended", || called(&["sleep", "0.3"]).is_empty()).await;
    super::support::until("what it left has ended", || called(&["sleep", &length]).is_empty()).await;
}

/// A program that is asked for a sample, and leaves something in a session of its own each time.
#[test]
fn what_a_probe_leaves_ends_with_the_run() {
    let length = length();
    let (local, _) = plain();
    let metric =
        format!(r#"command: {{ run: ["sh", "-c", "setsid sleep {length} >/dev/null 2>&1 & true"], answer: ok }}"#);
    let project = project(&local, &metric, "", "pod.fail(all of thing.pods) for 1s");
    let run = project.run("j.db");
    until("it was asked", || !called(&["sleep", &length]).is_empty());
    let (code, text) = said(&run.wait_with_output().unwrap());
    assert_eq!(code, Some(0), "{text}");
    until("all of it is gone", || called(&["sleep", &length]).is_empty());
}

/// A journal that is taken away would be written on by nobody who sees it: no evidence, and no recovery.
#[test]
fn a_run_whose_journal_is_taken_away_is_not_confirmed() {
    let (local, metric) = plain();
    let project = project(&local, &metric, "except during faults", "pod.fail(all of thing.pods) for 4s");
    let run = project.run("j.db");
    until("the fault is there", || project.at("j.db").exists() && count_there(&project));
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(project.at(&format!("j.db{end}")));
    }
    let (code, text) = said(&run.wait_with_output().unwrap());
    assert_ne!(code, Some(0), "{text}");
    assert!(text.contains("was taken away"), "{text}");
}

/// The list of runs is for people in a hurry: what counts is in the chain of lines.
#[test]
fn a_verdict_that_was_changed_in_the_list_is_found() {
    let (local, metric) = plain();
    let project = project(&local, &metric, "except during faults", "pod.fail(all of thing.pods) for 1s");
    let (code, text) = project.ends("j.db", &["run", "p.chaos"]);
    assert_eq!(code, Some(0), "{text}");
    let journal = Journal::open(&project.at("j.db")).unwrap();
    let run = journal.runs().unwrap().remove(0);
    assert_eq!(project.ends("j.db", &["show", &run.id, "--verify"]).0, Some(0));
    rusqlite::Connection::open(project.at("j.db")).unwrap().execute("UPDATE runs SET verdict = 'refuted'", []).unwrap();
    let (code, text) = project.ends("j.db", &["show", &run.id, "--verify"]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("`refuted`") && text.contains("`confirmed`"), "{text}");
    let (_, text) = project.ends("j.db", &["show", &run.id]);
    assert!(text.ends_with("verdict: confirmed\n"), "{text}");
}

/// Before anything is injected, and not after an hour.
#[test]
fn a_place_that_takes_no_junit_file_is_refused_before_the_run() {
    let (local, metric) = plain();
    let project = project(&local, &metric, "except during faults", "pod.fail(all of thing.pods) for 1s");
    let (code, text) = project.ends("j.db", &["run", "p.chaos", "--junit", "nowhere/x.xml"]);
    assert_eq!(code, Some(2), "{text}");
    assert!(!project.at("j.db").exists(), "{text}");
}

/// Nothing says when it is ready; that it is not there is seen all the same.
#[test]
fn a_program_that_is_not_there_is_not_ready() {
    let local = r#"a: { command: ["no-such-program-on-this-machine"] }"#;
    let metric = r#"command: { run: ["true"], answer: ok }"#;
    let project = project(local, metric, "", "process.pause(all of thing.processes) for 1s");
    let (code, text) = project.ends("j.db", &["run", "p.chaos"]);
    assert_eq!(code, Some(3), "{text}");
    assert!(text.contains("thing/a is not ready") && text.contains("no-such-program-on-this-machine"), "{text}");
}

/// The shell dies of SIGTERM at once, and what it started takes its time to end well: nobody kills it meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_service_behind_a_shell_may_end_well() {
    let mark = tempfile::tempdir().unwrap();
    let mark = mark.path().join("ended-well");
    let script = format!("trap 'sleep 0.7; touch {}; exit' TERM; while :; do sleep 0.05; done", mark.display());
    let own = tempfile::tempdir().unwrap();
    std::fs::write(own.path().join("service.sh"), script).unwrap();
    let path = own.path().join("service.sh");
    let local = format!(r#"a: {{ command: ["sh", "-c", "sh {}; true"] }}"#, path.display());
    let rig = Rig::up(plan(&local, "pod.kill(all of ledger.pods, grace: 5s)")).await;
    super::support::until("the trap is set", || called(&["sleep", "0.05"]).len() == 1).await;
    let (injection, undo) = rig.put_in(0).await;
    let seen = rig.seen(&injection, &undo).await;
    assert!(mark.exists(), "{seen}");
    // And as well when the system is given back.
    std::fs::remove_file(&mark).unwrap();
    super::support::until("it is there again", || called(&["sleep", "0.05"]).len() == 1).await;
    drop(rig);
    assert!(mark.exists());
}
