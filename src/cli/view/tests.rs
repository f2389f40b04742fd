//! Frames from scripted runs, as a terminal of some size shows them.

use std::sync::Arc;

use super::frame::{Space, frame, judgements};
use super::piece::Row;
use super::seen::Seen;
use crate::engine::drive::{Target, UndoRecord};
use crate::plan::sample::tour;
use crate::plan::{Effect, EngineName};
use crate::runtime::machine::{PhaseName, Record, Subject};
use crate::types::{Duration, Value};

fn at(text: &str) -> Duration {
    text.parse().unwrap()
}

fn sample(stream: u32, value: Option<Value>, judged: &[(&str, bool)]) -> Record {
    let missing = value.is_none().then(|| "no answer".to_owned());
    let judged = judged.iter().map(|(name, holds)| ((*name).into(), *holds)).collect();
    Record::Sample { stream, asked: Duration::ZERO, value, missing, because: None, judged }
}

/// The language's tour, a minute into its faults: one expectation is broken, a guard about to fire.
fn in_the_middle() -> Seen {
    let mut seen = Seen::new(&Arc::new(tour()));
    let mut tell = |time: &str, record: Record| seen.record(at(time), &record);
    tell("1s", Record::Phase { phase: PhaseName::Baseline });
    let node = 1;
    tell("31s", Record::StepBegan { node, text: String::new() });
    let target = |n: u32| Target {
        id: format!("pod:{n}").into(),
        service: None,
        facts: [("name".into(), format!("ledger-{n}").into())].into(),
    };
    let targets = vec![target(1), target(2)];
    let candidates = vec![];
    tell("31s", Record::Draw { draw: 0, text: "50% of ledger.pods".into(), entropy: 1, candidates, targets });
    tell("31s", Record::Phase { phase: PhaseName::Faults });
    let undo = UndoRecord { engine: EngineName::Local, injection: "x".into(), form: 1, data: serde_json::Value::Null };
    tell(
        "31s",
        Record::Intent {
            injection: 0,
            fault: "network.delay".into(),
            effect: Effect::Lasting,
            irreversible: None,
            targets: vec!["pod:1".into(), "pod:2".into()],
            at_most: at("5m31s"),
            undo,
        },
    );
    tell("32s", Record::There { injection: 0, seen: "late".into() });
    tell("32s", Record::StepBegan { node: 2, text: String::new() });
    let percent = |text: &str| Some(Value::Percent(text.parse().unwrap()));
    for (second, share) in [(40, "99.9%"), (45, "99.87%"), (50, "99.6%"), (55, "99.123456%"), (60, "97.5%")] {
        let judged = [("success", second < 55), ("guard-1", second > 55)];
        seen.record(Duration::from_secs(second), &sample(0, percent(share), &judged));
    }
    let length = |text: &str| Some(Value::Duration(text.parse().unwrap()));
    seen.record(at("1m"), &sample(1, length("412ms384us"), &[("latency", true)]));
    seen.record(at("1m"), &sample(2, None, &[]));
    let subject = Subject::Expectation("success".into());
    seen.record(at("55s"), &Record::Refuted { subject, text: "it did not hold".into() });
    seen
}

fn shown(rows: &[Row], color: bool) -> String {
    rows.iter().map(|row| row.text(color) + "\n").collect()
}

fn framed(seen: &Seen, time: &str, columns: usize, rows: usize, unicode: bool) -> String {
    let rows = frame(seen, at(time), Space { columns, rows, unicode });
    assert!(rows.iter().all(|row| row.width() <= columns), "{columns}: {rows:?}");
    shown(&rows, false)
}

#[test]
fn a_run_before_it_injects_anything() {
    let mut seen = Seen::new(&Arc::new(tour()));
    seen.record(at("1s"), &Record::Phase { phase: PhaseName::Baseline });
    insta::assert_snapshot!(framed(&seen, "11s", 100, 40, true));
}

#[test]
fn a_run_in_the_middle() {
    insta::assert_snapshot!(framed(&in_the_middle(), "1m1s500ms", 100, 40, true));
}

#[test]
fn a_narrow_and_low_terminal() {
    insta::assert_snapshot!(framed(&in_the_middle(), "1m1s500ms", 50, 16, true));
}

#[test]
fn a_terminal_of_eight_lines_shows_what_runs_what_is_injected_and_what_is_not_well() {
    let text = framed(&in_the_middle(), "1m1s500ms", 80, 8, true);
    for wanted in ["▸ ", "▲ network.delay", "✗ success"] {
        assert!(text.contains(wanted), "no `{wanted}`:\n{text}");
    }
}

#[test]
fn a_terminal_that_knows_ascii_alone() {
    let text = framed(&in_the_middle(), "1m1s500ms", 80, 40, false);
    assert!(text.is_ascii(), "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn a_method_that_was_cut_short() {
    let mut seen = in_the_middle();
    seen.record(at("1m2s"), &Record::GuardFired { guard: seen.plan.guards[0].text.clone(), text: "it is true".into() });
    seen.record(at("1m2s"), &Record::Ending { reason: "a guard fired".into() });
    seen.record(at("1m2s"), &Record::Undoing { injection: 0, attempt: 1 });
    insta::assert_snapshot!(framed(&seen, "1m2s500ms", 100, 40, true));
}

#[test]
fn colours_say_what_marks_say() {
    let text = shown(&judgements(&in_the_middle(), Space { columns: 80, rows: 40, unicode: true }, usize::MAX), true);
    insta::assert_snapshot!(text.replace('\u{1b}', "^"));
}

/// No size makes it panic, and no line is ever wider or the frame higher than the terminal.
#[test]
fn every_size_is_drawn() {
    let seen = in_the_middle();
    for columns in 1..130 {
        for rows in 1..30 {
            let frame = frame(&seen, at("1m1s500ms"), Space { columns, rows, unicode: columns % 2 == 0 });
            assert!(frame.len() < rows.max(2), "{columns}x{rows}: {}", frame.len());
            assert!(frame.iter().all(|row| row.width() <= columns), "{columns}x{rows}");
        }
    }
}
