//! The journal on a real disk.

use super::*;
use crate::runtime::machine::{PhaseName, Record};
use crate::types::Duration;

fn run(id: &str) -> RunRow {
    RunRow {
        id: id.into(),
        began: 1,
        experiment: "e".into(),
        place: "staging/stg-1".into(),
        text_digest: "sha256:0".into(),
        verdict: None,
        owner: Owner::this(),
    }
}

fn begun() -> Begun {
    Begun {
        journal: JOURNAL_VERSION,
        perturb: "0".into(),
        plan: serde_json::Value::Null,
        digest: "sha256:1".into(),
        by: "me".into(),
        host: "here".into(),
        command: vec!["perturb".into()],
        commit: None,
        place: None,
    }
}

fn phase(phase: PhaseName) -> (Duration, i64, Line) {
    (Duration::from_secs(1), 2, Line::Record(Box::new(Record::Phase { phase })))
}

fn filled(folder: &tempfile::TempDir) -> (Journal, Head) {
    let mut journal = Journal::open(&folder.path().join("journal.db")).unwrap();
    let mut head = journal.begin(&run("r1"), begun(), 1).unwrap();
    journal.append(&mut head, Writer::Runner, &[phase(PhaseName::Preflight), phase(PhaseName::Baseline)]).unwrap();
    (journal, head)
}

#[test]
fn what_is_written_is_read_and_verified() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, head) = filled(&folder);
    let entries = journal.entries("r1").unwrap();
    assert_eq!(entries.len(), 3);
    assert_eq!(entries[2].line.record(), Some(&Record::Phase { phase: PhaseName::Baseline }));
    assert_eq!(journal.verify("r1").unwrap(), Verified::Whole { lines: 3, digest: head.digest });
    assert_eq!(journal.find("r").unwrap().id, "r1");
    assert!(matches!(journal.find("x"), Err(JournalError::Unknown(_))));
}

#[test]
fn every_later_change_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let changes = [
        "UPDATE lines SET body = replace(body, 'baseline', 'recovered') WHERE seq = 3",
        "UPDATE lines SET wall = 3 WHERE seq = 2",
        "UPDATE lines SET writer = 'rescue' WHERE seq = 2",
        "DELETE FROM lines WHERE seq = 2",
        "DELETE FROM lines WHERE seq = 3",
        "DELETE FROM lines; UPDATE lines SET seq = 1",
        "UPDATE lines SET seq = seq + 10 WHERE seq = 3",
        "INSERT INTO lines SELECT run, 4, at, wall, writer, body, digest FROM lines WHERE seq = 3",
    ];
    for change in changes {
        let place = tempfile::tempdir_in(&folder).unwrap();
        let (journal, _) = filled(&place);
        let other = rusqlite::Connection::open(journal.path()).unwrap();
        assert!(other.execute_batch(change).is_err() || change.starts_with("INSERT"), "lines can be changed: {change}");
        // Who wants to can take the triggers away.
        other.execute_batch("DROP TRIGGER lines_stay; DROP TRIGGER lines_remain;").unwrap();
        let _ = other.execute_batch(change);
        let found = journal.verify("r1").unwrap();
        assert!(matches!(found, Verified::Changed { .. }), "{change}: {found:?}");
    }
}

#[test]
fn a_run_that_still_goes_on_is_not_called_changed() {
    let folder = tempfile::tempdir().unwrap();
    let (mut journal, mut head) = filled(&folder);
    let reader = Journal::open(journal.path()).unwrap();
    let writer = std::thread::spawn(move || {
        for _ in 0..300 {
            journal.append(&mut head, Writer::Runner, &[phase(PhaseName::Faults)]).unwrap();
        }
    });
    let mut seen = std::collections::BTreeSet::new();
    while !writer.is_finished() {
        match reader.verify("r1").unwrap() {
            Verified::Whole { lines, .. } => seen.insert(lines),
            changed @ Verified::Changed { .. } => panic!("{changed:?}"),
        };
        let (_, wrong) = reader.trusted("r1").unwrap();
        assert!(wrong.is_empty(), "{wrong:?}");
    }
    writer.join().unwrap();
    assert!(seen.len() > 2, "they met: {seen:?}");
}

#[test]
fn one_process_at_a_time_writes() {
    let folder = tempfile::tempdir().unwrap();
    let (mut journal, mut head) = filled(&folder);
    let taken = || Taken { by: "watchdog".into(), because: "its lease ran out".into() };
    assert_eq!(journal.take_over("r1", taken(), false, Duration::ZERO, 3).unwrap(), None, "its process lives");
    let mut other = Journal::open(journal.path()).unwrap();
    let mut theirs = other.take_over("r1", taken(), true, Duration::ZERO, 3).unwrap().unwrap();
    assert!(!journal.is_ours(&head).unwrap());
    let refused = journal.append(&mut head, Writer::Runner, &[phase(PhaseName::Faults)]);
    assert!(matches!(refused, Err(JournalError::TakenOver { .. })));
    other.append(&mut theirs, Writer::Rescue, &[phase(PhaseName::Recovered)]).unwrap();
    assert!(matches!(journal.verify("r1").unwrap(), Verified::Whole { lines: 5, .. }));
}

#[test]
fn locks_are_all_or_none() {
    let folder = tempfile::tempdir().unwrap();
    let (mut journal, head) = filled(&folder);
    journal.lock("r1", &["a".into(), "b".into()]).unwrap();
    let held = journal.lock("r2", &["c".into(), "b".into()]).unwrap_err().to_string();
    assert_eq!(held, "b is held by the run `r1`");
    for (key, words) in [
        ("mechanism:netem@laptop", "the mechanism `netem` of cluster `laptop`"),
        ("target:process:ledger/a:71@99", "process ledger/a"),
        ("target:pod:pay/ledger-0/8c1f", "pod pay/ledger-0"),
        ("target:endpoint:http://127.0.0.1:9001", "endpoint http://127.0.0.1:9001"),
        ("target:toxiproxy:http://127.0.0.1:8474/ledger", "toxiproxy http://127.0.0.1:8474/ledger"),
    ] {
        journal.lock("r1", &[key.into()]).unwrap();
        let held = journal.lock("r2", &[key.into()]).unwrap_err().to_string();
        assert_eq!(held, format!("{words} is held by the run `r1`"));
    }
    journal.lock("r3", &["c".into()]).unwrap();
    journal.unlock("r1").unwrap();
    journal.lock("r2", &["a".into(), "b".into()]).unwrap();
    // A run that never began, or that has ended with nothing left, holds nothing.
    journal.lock("r1", &["a".into(), "c".into()]).unwrap();
    let (_, mut head) = (journal.begin(&run("r4"), begun(), 1).unwrap(), head);
    let outcome = crate::runtime::machine::Outcome {
        verdict: crate::runtime::machine::Verdict::Confirmed,
        ended_by: crate::runtime::machine::EndedBy::Completed,
        reasons: vec![],
        declared: crate::plan::RecoveryClass::Unknown,
        observed: crate::runtime::machine::Observed::NotObserved,
        left: vec![],
        injected: 0,
        stops_series: false,
    };
    let ended = Line::Record(Box::new(Record::Ended { outcome }));
    journal.append(&mut head, Writer::Runner, &[(Duration::ZERO, 1, ended)]).unwrap();
    journal.lock("r4", &["a".into()]).unwrap();
}

#[test]
fn what_is_no_journal_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    std::fs::write(&path, "not a database, but long enough to be looked at by SQLite as one would").unwrap();
    assert!(matches!(Journal::open(&path), Err(JournalError::Store { .. })));
    assert!(matches!(Journal::open(&folder.path().join("no/journal.db")), Err(JournalError::Store { .. })));
    let path = folder.path().join("newer.db");
    drop(Journal::open(&path).unwrap());
    rusqlite::Connection::open(&path).unwrap().execute("UPDATE meta SET value = '9'", []).unwrap();
    assert!(matches!(Journal::open(&path), Err(JournalError::Newer { found: 9, .. })));
}

#[test]
fn a_process_is_told_from_a_later_one_with_its_number() {
    let this = Owner::this();
    assert!(this.lives());
    if this.started > 0 {
        assert!(!Owner { started: this.started + 1, ..this.clone() }.lives());
    }
    assert!(!Owner { boot: "another".into(), ..this }.lives());
}
