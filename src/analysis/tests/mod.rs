//! Each proof on the language's tour, varied until it breaks.

mod hypothesis;
mod laws;
mod place;
mod targets;
mod time;

use super::analyse;
use crate::diagnostic::{Code, Diagnostic};
use crate::plan::sample::{self, at, duration, percent};
use crate::plan::*;
use crate::types::Value;

/// The tour with nothing to complain of: its probes are no queries over a range, and the ledger's team has a say.
fn tour() -> Plan {
    let mut plan = sample::tour();
    for (index, what) in [(2, KubernetesFact::RolledOut), (4, KubernetesFact::ReadyPods)] {
        plan.streams[index].source = Source::Kubernetes { what, pods: sample::pods("ledger") };
    }
    plan.approvals = vec![Approval { team: "ledgers".into(), policy: None, span: at(8) }];
    plan
}

/// What is found after a change to the tour; all of it must have this code.
#[track_caller]
fn finds(code: Code, change: impl FnOnce(&mut Plan)) -> Vec<Diagnostic> {
    let mut plan = tour();
    change(&mut plan);
    let found = analyse(&plan);
    assert!(!found.is_empty(), "{code} was not found");
    for diagnostic in &found {
        assert_eq!(diagnostic.code, code, "{diagnostic:#?}");
        assert!(diagnostic.why.is_some(), "{code} does not say why it matters");
        let text = &diagnostic.message;
        assert!(!text.ends_with('.') && !text.contains("  "), "{text}");
    }
    found
}

/// The only diagnostic after a change to the tour.
#[track_caller]
fn finds_one(code: Code, change: impl FnOnce(&mut Plan)) -> Diagnostic {
    let mut found = finds(code, change);
    assert_eq!(found.len(), 1, "{found:#?}");
    found.remove(0)
}

#[track_caller]
fn clean(change: impl FnOnce(&mut Plan)) {
    let mut plan = tour();
    change(&mut plan);
    let found = analyse(&plan);
    assert!(found.is_empty(), "{found:#?}");
}

fn less(stream: u32, text: &str) -> Condition {
    sample::compare(stream, Comparison::Less, Value::Duration(duration(text)))
}

fn at_least(stream: u32, text: &str) -> Condition {
    sample::compare(stream, Comparison::GreaterOrEqual, Value::Percent(percent(text)))
}

/// The fault `index` alone for a time, as the whole method.
fn only(plan: &mut Plan, index: u32, lasts: Option<&str>) {
    plan.method = vec![sample::step(StepKind::Inject { fault: index, lasts: lasts.map(duration) }, at(16))];
    let fault = plan.faults[index as usize].clone();
    // Faults are one for each step.
    plan.faults = vec![fault];
    if let StepKind::Inject { fault, .. } = &mut plan.method[0].kind {
        *fault = 0;
    }
}

fn hours(line: &[(u8, u8, u16, u16, &str)], n: u32) -> Hours {
    let only = line.iter().map(|(from_day, to_day, from, to, zone)| OpenHours {
        from_day: *from_day,
        to_day: *to_day,
        from_minute: *from,
        to_minute: *to,
        zone: (*zone).into(),
        span: at(n),
    });
    Hours { policy: None, only: only.collect(), never: vec![] }
}

#[test]
fn the_tour_has_nothing_to_complain_of() {
    clean(|_| {});
}
