//! How a system was seen to recover, held by the real binary: by itself in time, by itself and late, after people stepped in, not at all.
//! What was declared stands beside it in the journal.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use perturb::runtime::journal::Journal;
use perturb::runtime::machine::{Observed, Record};

use super::run::answering;
use crate::support::exe;

/// What is done once the fault is gone.
struct Case {
    declared: &'static str,
    /// So long after the undo the system is well.
    well_after: Option<Duration>,
    /// Somebody says that it was by hand.
    by_hand: bool,
    code: i32,
    observed: fn(&Observed) -> bool,
}

fn perturb(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(exe());
    command.args(arguments).current_dir(folder).env("PERTURB_JOURNAL", folder.join("j.db"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn records(folder: &Path) -> Vec<Record> {
    let Ok(journal) = Journal::open_existing(&folder.join("j.db")) else { return Vec::new() };
    let runs = journal.runs().unwrap();
    runs.first().map(|run| journal.records(&run.id).unwrap()).unwrap_or_default()
}

fn hold(case: &Case) {
    let (folder, answering) = (tempfile::tempdir().unwrap(), answering());
    let (port, declared) = (answering.port, case.declared);
    let (at, well) = (folder.path(), folder.path().join("well"));
    let text = format!(
        r##"
import std.disk
team us {{ contact: "#us" }}
service thing {{ owner: us, tier: low, local: {{ a: {{ listening: {port} }} }} }}
metric is-well(of: Service): Bool {{
  command: {{ run: ["test", "-f", "{}"], answer: ok }}
  every: 200ms, timeout: 2s, patience: 8s
}}
cluster laptop {{ engines: [local] }}
environment here {{ clusters: [laptop] }}
experiment comes-back {{
  service:  thing
  baseline: 1s
  hypothesis {{
    expect well: is-well(thing) == true except during faults
    recovery {declared} within 4s
  }}
  guard {{ abort when is-well(thing) == false for 1m }}
  method {{ disk.fill(one of thing.processes, path: "data", size: 1MiB) for 1s }}
}}
"##,
        well.display()
    );
    std::fs::write(at.join("p.chaos"), text).unwrap();
    std::fs::write(at.join("perturb.toml"), "[project]\nname = \"p\"\n").unwrap();
    std::fs::create_dir(at.join("data")).unwrap();
    std::fs::write(&well, "").unwrap();
    let run = perturb(at, &["run", "p.chaos"]).spawn().unwrap();
    let until = |what: &str, so: &dyn Fn(&Record) -> bool| {
        let end = Instant::now() + Duration::from_secs(60);
        while !records(at).iter().any(so) {
            assert!(Instant::now() < end, "{what}: not within 60 s");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    until("the fault", &|record| matches!(record, Record::There { .. }));
    std::fs::remove_file(&well).unwrap();
    until("the end of the fault", &|record| matches!(record, Record::Undone { .. }));
    if let Some(after) = case.well_after {
        std::thread::sleep(after);
        if case.by_hand {
            let journal = Journal::open(&at.join("j.db")).unwrap();
            let id = journal.runs().unwrap()[0].id.clone();
            let told = perturb(at, &["intervene", &id, "started", "it", "again", "--by", "Ada"]).output().unwrap();
            assert!(told.status.success(), "{told:?}");
            until(
                "who stepped in",
                &|record| matches!(record, Record::Intervened { who, what } if who == "Ada" && what == "started it again"),
            );
        }
        std::fs::write(&well, "").unwrap();
    }
    let out = run.wait_with_output().unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    assert_eq!(out.status.code(), Some(case.code), "{declared}: {text}");
    let records = records(at);
    let Some(Record::Ended { outcome }) = records.last() else { panic!("{records:?}") };
    assert!((case.observed)(&outcome.observed), "{declared}: {:?}", outcome.observed);
    assert_eq!(serde_json::to_value(outcome.declared).unwrap(), declared);
    // It is over, and hears nothing any more.
    let journal = Journal::open(&at.join("j.db")).unwrap();
    let id = journal.runs().unwrap()[0].id.clone();
    let late = perturb(at, &["intervene", &id, "too late"]).output().unwrap();
    assert_eq!(late.status.code(), Some(2), "{late:?}");
}

#[test]
fn each_way_to_recover_is_seen_and_stands_beside_what_was_declared() {
    let after = |ms| Some(Duration::from_millis(ms));
    let cases = [
        ("automatic", after(500), false, 0, (|o| matches!(o, Observed::WithinBound(_))) as fn(&Observed) -> bool),
        ("automatic", after(500), true, 1, |o| matches!(o, Observed::WithHands(_))),
        ("manual", after(500), true, 0, |o| matches!(o, Observed::WithHands(_))),
        ("manual", after(4_300), false, 1, |o| matches!(o, Observed::AfterBound(_))),
        ("unknown", after(4_300), false, 0, |o| matches!(o, Observed::AfterBound(_))),
        ("automatic", None, false, 1, |o| *o == Observed::NotAtAll),
    ];
    std::thread::scope(|scope| {
        for (declared, well_after, by_hand, code, observed) in cases {
            scope.spawn(move || hold(&Case { declared, well_after, by_hand, code, observed }));
        }
    });
}
