//! `perturb run` on this machine, from outside: the binary, real processes, and what it says and leaves.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::kernel::can;
use crate::support::{exe, port};

/// A project with one service, and the experiments that are asked for.
pub(super) struct Project {
    pub(super) folder: tempfile::TempDir,
}

pub(super) fn project(local: &str, metric: &str, phase: &str, method: &str) -> Project {
    Project { folder: folder(local, metric, phase, method) }
}

/// `local`: the service's replicas; `method`: what is done to it; `faults`: what holds during it.
fn folder(local: &str, metric: &str, phase: &str, method: &str) -> tempfile::TempDir {
    let text = format!(
        r##"
import std.{{disk, dns, network, pod, process, stress}}
team us {{ contact: "#us" }}
service thing {{
  owner: us, tier: low
  local: {{ {local} }}
}}
metric answers(of: Service): Bool {{
  {metric}
  every: 200ms, timeout: 1s, patience: 8s
}}
cluster laptop {{ engines: [local] }}
environment here {{ clusters: [laptop] }}
experiment goes-on {{
  service:  thing
  baseline: 1s
  hypothesis {{
    expect up: answers(thing) == true {phase}
    recovery automatic within 10s
  }}
  guard {{ abort when answers(thing) == false for 8s }}
  method {{ {method} }}
}}
"##
    );
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("p.chaos"), text).unwrap();
    std::fs::write(folder.path().join("perturb.toml"), "[project]\nname = \"p\"\n").unwrap();
    std::fs::create_dir(folder.path().join("data")).unwrap();
    folder
}

/// A project whose service runs already and answers at `port`, and whose `data` is filled for so long.
pub(super) fn filled(port: u16, length: &str) -> tempfile::TempDir {
    folder(
        &format!("a: {{ listening: {port} }}"),
        &format!(r#"http: {{ url: "http://127.0.0.1:{port}/health", answer: ok }}"#),
        "",
        &format!(r#"disk.fill(one of thing.processes, path: "data", size: 1MiB) for {length}"#),
    )
}

impl Project {
    pub(super) fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn command(&self, journal: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(exe());
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env("PERTURB_JOURNAL", self.at(journal))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub(super) fn run(&self, journal: &str) -> Child {
        self.command(journal, &["run", "p.chaos"]).spawn().unwrap()
    }

    pub(super) fn ends(&self, journal: &str, arguments: &[&str]) -> (Option<i32>, String) {
        said(&self.command(journal, arguments).output().unwrap())
    }

    /// The records of a journal's only run, as JSON.
    fn records(&self, journal: &str) -> Vec<serde_json::Value> {
        let (_, runs) = self.ends(journal, &["runs", "--json"]);
        let run: serde_json::Value = serde_json::from_str(runs.lines().next().unwrap()).unwrap();
        let (_, lines) = self.ends(journal, &["show", run["run"].as_str().unwrap(), "--json"]);
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        let _ = self.command("none.db", &["local", "down"]).output();
    }
}

pub(super) fn said(out: &Output) -> (Option<i32>, String) {
    let text = format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    (out.status.code(), text)
}

pub(super) fn until(what: &str, mut so: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !so() {
        assert!(Instant::now() < end, "{what}: not within 30 s");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn is_filled(folder: &Path) -> bool {
    std::fs::read_dir(folder).is_ok_and(|mut files| files.next().is_some())
}

fn count(records: &[serde_json::Value], kind: &str) -> usize {
    records.iter().filter(|line| line.to_string().contains(&format!("\"record\":\"{kind}\""))).count()
}

/// A service that answers, without anything before it.
pub(super) fn plain() -> (String, String) {
    let port = port();
    let local = format!(
        r#"a: {{
          command: ["perturb", "demo", "service", "--name", "thing", "--listen", "127.0.0.1:{port}"]
          ready: {{ http: "http://127.0.0.1:{port}/health" }}
        }}"#
    );
    (local, format!(r#"http: {{ url: "http://127.0.0.1:{port}/health", answer: ok }}"#))
}

/// The folder that a fault has filled is moved away: the space cannot be given back where it was taken.
#[test]
fn an_undo_that_is_impossible_is_tried_ever_less_often_and_said() {
    let (local, metric) = plain();
    let method = "disk.fill(one of thing.processes, path: \"data\", size: 4MiB) for 2s";
    let project = project(&local, &metric, "except during faults", method);
    let mut run = project.run("j.db");
    until("the fault is there", || is_filled(&project.at("data")));
    // Until it is looked for, it must be there.
    std::thread::sleep(Duration::from_millis(700));
    std::fs::rename(project.at("data"), project.at("moved")).unwrap();
    run.wait().unwrap();
    let (code, text) = said(&run.wait_with_output().unwrap());
    assert_eq!(code, Some(6), "{text}");
    // Said once while it was tried, with what is in the way; at the end again, with what a person can do.
    assert_eq!(text.matches("and is tried again for 30s").count(), 1, "{text}");
    for wanted in ["its folder is not where it was", "\nERROR\n", "  by hand: rm -f '", "perturb recover --journal "] {
        assert!(text.contains(wanted), "no `{wanted}`: {text}");
    }
    // Each attempt is evidence, and there are few of them.
    let records = project.records("j.db");
    assert!((5..15).contains(&count(&records, "undo-failed")), "{}", count(&records, "undo-failed"));
    assert_eq!(count(&records, "may-be-left"), 1);
    // The keeper goes on trying, seldom, and its log says it once.
    let (_, status) = project.ends("j.db", &["local", "status"]);
    assert!(status.contains("cannot be undone:") && status.contains("(tried "), "{status}");
    let tries = |status: &str| -> u32 {
        let (_, after) = status.split_once("(tried ").unwrap_or_else(|| panic!("{status}"));
        after.split(' ').next().unwrap().parse().unwrap()
    };
    std::thread::sleep(Duration::from_secs(6));
    let (_, later) = project.ends("j.db", &["local", "status"]);
    assert!((1..=3).contains(&(tries(&later) - tries(&status))), "{status}{later}");
    // Nobody waits half a minute for what was given up before; and it is not said again in the journal.
    let began = Instant::now();
    let (code, text) = project.ends("j.db", &["recover"]);
    assert_eq!(code, Some(6), "{text}");
    assert!(text.contains("0 undone, 1 may be left") && text.contains("by hand: "), "{text}");
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert_eq!(count(&project.records("j.db"), "undo-failed"), count(&records, "undo-failed"));
    // Nobody else hits it meanwhile, whatever their journal.
    let (code, text) = project.ends("other.db", &["run", "p.chaos"]);
    assert_eq!(code, Some(3), "{text}");
    assert!(text.contains("which is over: perturb recover --journal "), "{text}");
    std::fs::rename(project.at("moved"), project.at("data")).unwrap();
    assert_eq!(project.ends("j.db", &["recover"]).0, Some(0));
    assert!(!is_filled(&project.at("data")));
    let (code, text) = project.ends("other.db", &["run", "p.chaos"]);
    assert_eq!(code, Some(0), "{text}");
}

/// A fault that was seen to be there, and did not last: whoever ended it (the kernel, for want of memory; a colleague; a keeper that
/// was killed), the run says so and confirms nothing.
#[test]
fn a_fault_that_was_over_before_its_time_confirms_nothing() {
    let (local, metric) = plain();
    let replica = local.split("127.0.0.1:").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let there = answering();
    let found = format!("a: {{ listening: {} }}", there.port);
    let load = "stress.cpu(all of thing.processes, load: 0.1cores) for 3s";
    let still = "pod.fail(all of thing.pods) for 3s";
    let fill = "disk.fill(one of thing.processes, path: \"data\", size: 4MiB) for 3s";
    let goes_on = |_: &Project| {
        let process = perturb::engine::local::process::listening(replica.parse().unwrap()).unwrap();
        let _ = process.signal(rustix::process::Signal::CONT);
    };
    let emptied = |project: &Project| {
        let files = std::fs::read_dir(project.at("data")).unwrap();
        files.for_each(|file| std::fs::remove_file(file.unwrap().path()).unwrap());
    };
    type Ends<'a> = &'a dyn Fn(&Project);
    let cases: [(&str, &str, &str, Ends<'_>); 4] = [
        (&local, load, "the load has ended", &|project| kill_of(project, "stress")),
        (&found, load, "the keeper that held it is gone", &|project| kill_of(project, "keeper")),
        (&local, still, "runs on", &goes_on),
        (&local, fill, "the file that took the space is gone", &emptied),
    ];
    for (replica, method, why, ends) in cases {
        let metric = if replica == found { metric_of(&found) } else { metric.clone() };
        let project = project(replica, &metric, "except during faults", method);
        let mut run = project.run("j.db");
        let told = std::io::BufReader::new(run.stdout.take().unwrap());
        let mut told = std::io::BufRead::lines(told).map_while(Result::ok);
        assert!(told.any(|line| line.contains(" is there: ")), "{method}: the fault is there");
        ends(&project);
        let rest: Vec<String> = told.collect();
        let (code, text) = (run.wait().unwrap().code(), rest.join("\n"));
        assert_eq!(code, Some(5), "{method}: {text}");
        assert!(text.contains("was gone before its undo: ") && text.contains(why), "{method}: {text}");
        // The same once more, from the journal.
        let (_, runs) = project.ends("j.db", &["runs", "--json"]);
        let run: serde_json::Value = serde_json::from_str(&runs).unwrap();
        let (code, text) = project.ends("j.db", &["simulate", "--run", run["run"].as_str().unwrap()]);
        assert_eq!(code, Some(5), "{method}: {text}");
        assert!(!text.contains("note:"), "{method}: {text}");
    }
}

/// A service that Perturb has not started.
pub struct Answering {
    child: Child,
    pub port: u16,
}

pub fn answering() -> Answering {
    let port = port();
    let listen = format!("127.0.0.1:{port}");
    let arguments = ["demo", "service", "--name", "thing", "--listen", &listen];
    let child = Command::new(exe()).args(arguments).stdout(Stdio::null()).spawn().unwrap();
    until("it answers", || std::net::TcpStream::connect(&listen).is_ok());
    Answering { child, port }
}

impl Drop for Answering {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn metric_of(found: &str) -> String {
    let port = found.trim_start_matches("a: { listening: ").trim_end_matches(" }");
    format!(r#"http: {{ url: "http://127.0.0.1:{port}/health", answer: ok }}"#)
}

/// Kills the part of Perturb that this word names, of this project alone.
fn kill_of(project: &Project, part: &str) {
    let home = perturb::engine::local::keeper::client::home(project.folder.path());
    let line = |pid: u32| {
        String::from_utf8_lossy(&std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default()).replace('\0', " ")
    };
    let is_keeper = |pid: &u32| line(*pid).contains("__local keeper") && line(*pid).contains(home.to_str().unwrap());
    let keeper = perturb::engine::local::process::all().into_iter().find(is_keeper).expect("a keeper runs");
    let family = perturb::engine::local::process::family(keeper);
    let one = family.into_iter().find(|pid| line(*pid).contains(&format!("__local {part}"))).expect("it runs");
    let process = perturb::engine::local::process::Process::of(one).unwrap();
    process.signal(rustix::process::Signal::KILL).unwrap();
}

/// Two runs meet on a process though nothing else connects them: neither a journal nor, for the second, a project.
#[test]
fn two_runs_of_two_journals_do_not_hit_the_same_and_a_dead_one_is_in_nobodys_way() {
    let (local, metric) = plain();
    let first = project(&local, &metric, "except during faults", "pod.fail(all of thing.pods) for 4s");
    // The others come while it is still well.
    let text = std::fs::read_to_string(first.at("p.chaos")).unwrap();
    std::fs::write(first.at("p.chaos"), text.replace("baseline: 1s", "baseline: 10s")).unwrap();
    let mut run = first.run("one.db");
    let listening = metric.split("127.0.0.1:").nth(1).unwrap().split('/').next().unwrap().to_owned();
    until("it is up", || std::net::TcpStream::connect(format!("127.0.0.1:{listening}")).is_ok());
    std::thread::sleep(Duration::from_millis(500));
    let (code, text) = first.ends("two.db", &["run", "p.chaos"]);
    assert_eq!(code, Some(3), "{text}");
    assert!(text.contains("is held by the run `") && text.contains("-goes-on-") && text.contains("one.db"), "{text}");
    let found = format!("a: {{ listening: {listening} }}");
    let second = project(&found, &metric, "except during faults", "pod.fail(all of thing.pods) for 1s");
    let (code, text) = second.ends("three.db", &["run", "p.chaos"]);
    assert_eq!(code, Some(3), "{text}");
    assert!(text.contains("is held by the run `") && text.contains("one.db"), "{text}");
    // Killed in the middle of its fault: that is undone, its system ends with it, and the next run finds its way free.
    let stands_still = || {
        let pid = perturb::engine::local::process::listening(listening.parse().unwrap());
        pid.is_ok_and(|process| process.is_stopped())
    };
    until("the fault is there", stands_still);
    run.kill().unwrap();
    run.wait().unwrap();
    until("it goes on", || !stands_still());
    let (code, text) = first.ends("two.db", &["run", "p.chaos"]);
    assert_eq!(code, Some(0), "{text}");
}

/// Nobody undid it, and all else is well: that would be confirmed, of a fault that was hardly there.
#[test]
fn a_fault_that_vanishes_before_its_end_proves_nothing() {
    let answers = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let metric = format!(r#"tcp: {{ address: "{}", answer: ok }}"#, answers.local_addr().unwrap());
    let method = "disk.fill(one of thing.processes, path: \"data\", size: 4MiB) for 20s";
    let project = project(r#"a: { command: ["sleep", "60"] }"#, &metric, "", method);
    let began = Instant::now();
    let run = project.run("j.db");
    until("the fault is there", || count_if_any(&project, "there") > 0);
    let keeper = perturb::engine::local::keeper::client::home(project.folder.path());
    for pid in perturb::engine::local::process::all() {
        let words = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        if String::from_utf8_lossy(&words).contains(keeper.to_str().unwrap()) {
            let _ = Command::new("kill").args(["-KILL", &pid.to_string()]).status();
        }
    }
    let (code, text) = said(&run.wait_with_output().unwrap());
    assert_eq!(code, Some(5), "{text}");
    assert!(text.contains("disk.fill: it was gone before its end: the keeper that held it has ended"), "{text}");
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    assert!(!is_filled(&project.at("data")), "{text}");
    // Held once more from its journal, it is the same.
    let (_, runs) = project.ends("j.db", &["runs", "--json"]);
    let run: serde_json::Value = serde_json::from_str(runs.lines().next().unwrap()).unwrap();
    let (code, replayed) = project.ends("j.db", &["simulate", "--run", run["run"].as_str().unwrap()]);
    assert_eq!(code, Some(5), "{replayed}");
    assert!(!replayed.contains("note:"), "{replayed}");
}

/// How many records of this kind are written; none where there is no run yet.
fn count_if_any(project: &Project, kind: &str) -> usize {
    let (_, runs) = project.ends("j.db", &["runs", "--json"]);
    let run: Option<serde_json::Value> = runs.lines().next().and_then(|line| serde_json::from_str(line).ok());
    let Some(run) = run.as_ref().and_then(|run| run["run"].as_str()) else { return 0 };
    let (_, lines) = project.ends("j.db", &["show", run, "--json"]);
    lines.matches(&format!("\"record\":\"{kind}\"")).count()
}

/// A disk that turned read-only (as Linux does with one that fails), and everybody who could undo it is dead.
#[test]
fn a_journal_that_can_only_be_read_is_enough_for_an_undo() {
    struct Mounted(PathBuf);
    impl Drop for Mounted {
        fn drop(&mut self) {
            let _ = Command::new("umount").arg(&self.0).output();
        }
    }
    let mount = |arguments: &[&str], at: &Path| {
        let out = Command::new("mount").args(arguments).arg(at).output().map_err(|e| e.to_string())?;
        if out.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&out.stderr).into_owned()) }
    };
    let (local, metric) = plain();
    let method = "disk.fill(one of thing.processes, path: \"data\", size: 4MiB) for 1m";
    let project = project(&local, &metric, "except during faults", method);
    let disk = project.at("disk");
    std::fs::create_dir(&disk).unwrap();
    let mounted = mount(&["-t", "tmpfs", "-o", "size=8m", "tmpfs"], &disk);
    if !can("a_journal_that_can_only_be_read_is_enough_for_an_undo", mounted) {
        return;
    }
    let _mounted = Mounted(disk.clone());
    let mut run = project.run("disk/j.db");
    until("the fault is there", || is_filled(&project.at("data")));
    // The watchdog first, so that it has nothing to notice; then the run and the keeper of its fault.
    let of_project = |pid: &u32| {
        let words = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let words = String::from_utf8_lossy(&words).into_owned();
        words.contains("watchdog") && words.contains(disk.to_str().unwrap())
    };
    let keeper = perturb::engine::local::keeper::client::home(project.folder.path());
    let keeps = |pid: &u32| {
        let words = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&words).contains(keeper.to_str().unwrap())
    };
    let kill = |pid: u32| {
        let _ = Command::new("kill").args(["-KILL", &pid.to_string()]).status();
    };
    let all = perturb::engine::local::process::all;
    all().into_iter().filter(of_project).for_each(kill);
    run.kill().unwrap();
    all().into_iter().filter(keeps).for_each(kill);
    run.wait().unwrap();
    assert!(is_filled(&project.at("data")), "nobody is left who could have undone it");
    mount(&["-o", "remount,ro"], &disk).unwrap();
    let (code, text) = project.ends("disk/j.db", &["recover"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(!is_filled(&project.at("data")), "{text}");
    let (code, text) = project.ends("disk/j.db", &["runs"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("goes-on"), "{text}");
}

/// It forks, leaves its group and its session, and its parent ends: it was started for the run nevertheless.
#[test]
fn what_a_service_leaves_behind_ends_with_the_run() {
    let port = port();
    let length = format!("{}", 100_000 + u32::from(port));
    let local = format!(
        r#"a: {{
          command: ["sh", "-c", "(setsid sleep {length} &); exec perturb demo service --name thing --listen 127.0.0.1:{port}"]
          env:     {{ PATH: "{}:/usr/bin:/bin" }}
          ready:   {{ http: "http://127.0.0.1:{port}/health" }}
        }}"#,
        exe().parent().unwrap().display()
    );
    let metric = format!(r#"http: {{ url: "http://127.0.0.1:{port}/health", answer: ok }}"#);
    let project = project(&local, &metric, "except during faults", "pod.fail(all of thing.pods) for 1s");
    let sleeps = || {
        perturb::engine::local::process::all().into_iter().any(|pid| {
            let words = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            words == format!("sleep\0{length}\0").into_bytes()
        })
    };
    let run = project.run("j.db");
    until("it sleeps", sleeps);
    let (code, text) = said(&run.wait_with_output().unwrap());
    assert_eq!(code, Some(0), "{text}");
    until("it is gone", || !sleeps());
}

#[test]
fn a_question_that_nobody_can_answer_is_refused_before_anything_happens() {
    let (local, metric) = plain();
    let method = "\n ask us \"Shall it stand still?\" within 1m\n pod.fail(all of thing.pods) for 1s\n ";
    let project = project(&local, &metric, "except during faults", method);
    let began = Instant::now();
    let (code, text) = project.ends("j.db", &["run", "p.chaos", "--format", "json"]);
    assert_eq!(code, Some(3), "{text}");
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    assert!(text.contains("us is asked `Shall it stand still?`, and nobody is at a terminal to answer"), "{text}");
    assert_eq!(count(&project.records("j.db"), "intent"), 0);
    // The same once more, from the journal.
    let (_, runs) = project.ends("j.db", &["runs", "--json"]);
    let run: serde_json::Value = serde_json::from_str(&runs).unwrap();
    let (code, text) = project.ends("j.db", &["simulate", "--run", run["run"].as_str().unwrap()]);
    assert_eq!(code, Some(3), "{text}");
    assert!(!text.contains("note:"), "{text}");
}

/// A game day and a `verify` in one of two clusters: which was drawn is evidence, and so is what a scenario with arguments came to.
#[test]
fn a_game_day_is_told_as_events_and_what_was_drawn_is_in_the_journal() {
    let (local, metric) = plain();
    let project = project(&local, &metric, "except during faults", "pod.fail(all of thing.pods) for 1s");
    let text = std::fs::read_to_string(project.at("p.chaos")).unwrap();
    let text = text.replace("clusters: [laptop] }", "clusters: [laptop, desk] }\ncluster desk { engines: [local] }");
    let more = r#"
scenario loses(subject: Service, still: Duration) {
  service:  subject
  baseline: 1s
  hypothesis {
    expect up: answers(subject) == true except during faults
    recovery automatic within 10s
  }
  guard  { abort when answers(subject) == false for 8s }
  method { pod.fail(all of subject.pods) for still }
}
gameday morning {
  in:    one of here.clusters
  roles: { commander: us }
  agenda {
    note "Nobody is told what comes."
    run loses(thing, still: 500ms)
    run loses(thing, still: 1s)
  }
}
verify nightly {
  in: one of here.clusters
  every "0 2 * * mon" in "UTC"
  run goes-on
}
"#;
    std::fs::write(project.at("p.chaos"), text + more).unwrap();
    let run =
        project.command("j.db", &["run", "p.chaos", "--gameday", "morning", "--format", "json"]).output().unwrap();
    let (code, text) = said(&run);
    assert_eq!(code, Some(0), "{text}");
    let events: Vec<serde_json::Value> = String::from_utf8(run.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")))
        .collect();
    let told = |kind: &str| events.iter().filter(|e| e["record"] == kind).cloned().collect::<Vec<_>>();
    assert_eq!(told("ended").len(), 3, "{text}");
    assert!(text.contains("morning-loses: confirmed") && text.contains("morning-loses-2: confirmed"), "{text}");
    // `one of` two clusters: each run of the day has the draw, and the same chance draws the same once more.
    let (_, runs) = project.ends("j.db", &["runs", "--json"]);
    let mut drawn = Vec::new();
    for run in runs.lines() {
        let run: serde_json::Value = serde_json::from_str(run).unwrap();
        let (_, lines) = project.ends("j.db", &["show", run["run"].as_str().unwrap(), "--json"]);
        let first: serde_json::Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
        let place = &first["line"]["begun"]["place"];
        assert_eq!(place["candidates"], serde_json::json!(["here/desk", "here/laptop"]), "{first}");
        let bare =
            |id: &str| perturb::engine::drive::Target { id: id.into(), service: None, facts: Default::default() };
        let candidates = [bare("here/desk"), bare("here/laptop")];
        let entropy = place["entropy"].as_u64().unwrap();
        let again = perturb::runtime::machine::draw(perturb::plan::Quantity::Exactly(1), &candidates, entropy).unwrap();
        assert_eq!(place["drawn"], serde_json::json!([again[0].id.as_str()]));
        drawn.push(place["drawn"].clone());
        let (_, shown) = project.ends("j.db", &["show", run["run"].as_str().unwrap()]);
        assert!(shown.contains("drew one of here.clusters: here/"), "{shown}");
    }
    assert_eq!(drawn.len(), 3);
    assert!(drawn.iter().all(|place| *place == drawn[0]), "{drawn:?}");
    let (code, text) = project.ends("verify.db", &["run", "p.chaos", "--verify", "nightly"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("note: drew one of here.clusters: here/"), "{text}");
    assert!(project.records("verify.db")[0].to_string().contains("\"candidates\":[\"here/desk\",\"here/laptop\"]"));
}

/// A process that asks Perturb for a name before it answers: it is told nothing while the fault is there, and the truth after it.
#[test]
fn a_process_that_is_pointed_at_it_finds_no_name_during_the_fault() {
    let (web, resolver, truth) = (port(), port(), real_names());
    let asks = exe().parent().unwrap().join("examples/asks");
    assert!(asks.is_file(), "{} is not there: `cargo build --examples` makes it", asks.display());
    let local = format!(
        r#"a: {{
          command: ["{}", "127.0.0.1:{web}", "127.0.0.1:{resolver}", "db.example"]
          ready: {{ tcp: "127.0.0.1:{web}" }}
          resolver: "127.0.0.1:{resolver}", resolver-upstream: "127.0.0.1:{truth}"
        }}"#,
        asks.display()
    );
    let metric = format!(r#"http: {{ url: "http://127.0.0.1:{web}/", answer: ok }}"#);
    let method = "dns.not-found(all of thing.processes, names: [\"db.example\"]) for 3s";
    let broken = project(&local, &metric, "", method);
    let (code, text) = broken.ends("j.db", &["run", "p.chaos"]);
    // It holds nothing against a name that is not found: that is what the run finds out.
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("dns.not-found is there: ") && text.contains("dns.not-found is gone"), "{text}");
    assert!(text.contains("refuted: `answers(thing) == true` did not hold (answers(thing) was false: the answer is 503 Service Unavailable)"), "{text}");
    assert!(text.contains("recovered: by itself"), "{text}");
    drop(broken);
    // Of another name it asks nothing, so nobody can say that the fault was there: not green by accident.
    let elsewhere = project(&local, &metric, "", &method.replace("db.example", "other.example"));
    let (code, text) = elsewhere.ends("j.db", &["run", "p.chaos"]);
    assert_eq!(code, Some(5), "{text}");
    assert!(text.contains("it was not seen to be there within 30s"), "{text}");
}

/// A server that knows every name.
fn real_names() -> u16 {
    use simple_dns::rdata::RData;
    use simple_dns::{CLASS, Packet, PacketFlag, ResourceRecord};
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let mut buffer = [0u8; 1500];
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            let Ok(asked) = Packet::parse(&buffer[..length]) else { continue };
            let mut answer = Packet::new_reply(asked.id());
            answer.set_flags(PacketFlag::RESPONSE);
            answer.questions.push(asked.questions[0].clone());
            let (name, data) =
                (asked.questions[0].qname.clone(), RData::A(std::net::Ipv4Addr::new(10, 1, 1, 1).into()));
            answer.answers.push(ResourceRecord::new(name, CLASS::IN, 60, data));
            let _ = socket.send_to(&answer.build_bytes_vec().unwrap(), from);
        }
    });
    port
}
