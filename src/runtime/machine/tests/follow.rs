//! A run that is followed means what a run that is held means: the same samples give the same verdict.

use std::sync::Arc;

use super::scenarios::{Dips, played_in};
use super::world::{lasting, small};
use crate::plan::sample::{compare, duration, percent, step};
use crate::plan::{Comparison, EngineName, Plan, StepKind};
use crate::runtime::machine::{EndedBy, Event, Followed, Outcome, Record, State, Verdict};
use crate::types::{Duration, Value};

type Script = Vec<(&'static str, Followed)>;

fn following(plan: Plan, dips: Dips<'_>, script: Script) -> (Outcome, Vec<(Duration, Record)>) {
    let state = State::following(Arc::new(plan), "w1", EngineName::ChaosMesh);
    let mut events = vec![(Duration::ZERO, Event::Begin { wall: 1_764_000_000 })];
    events.extend(script.into_iter().map(|(at, followed)| (duration(at), Event::Followed(followed))));
    played_in(state, dips, events)
}

/// What an engine does with one fault of 30 s whose run begins at 12 s, as preflight and baseline take ten and a bit.
fn one_fault() -> Script {
    vec![
        ("12s", Followed::Began { step: 1 }),
        ("12500ms", Followed::There { step: 1, seen: "all are injected".into() }),
        ("43s", Followed::Leaving { step: 1 }),
        ("43100ms", Followed::Gone { step: 1 }),
        ("44s", Followed::Completed),
    ]
}

#[test]
fn a_followed_run_ends_as_one_that_is_held() {
    let table: &[(Dips<'_>, Verdict)] = &[
        (&[], Verdict::Confirmed),
        (&[(0, "20s", "21s", 90), (0, "25s", "26s", 90)], Verdict::Refuted),
        (&[(1, "20s", "40s", 10)], Verdict::Aborted),
        (&[(0, "16s", "40s", -1)], Verdict::Inconclusive),
        (&[(0, "3s", "9s", 90)], Verdict::NotRun),
        // The guard's samples are missing: as if it were true.
        (&[(1, "14s", "50s", -1)], Verdict::Aborted),
        // It never recovers.
        (&[(0, "42500ms", "200s", 90)], Verdict::Refuted),
    ];
    for (dips, verdict) in table {
        let mut plan = small(vec![lasting(0, "30s")]);
        plan.streams[0].every = duration("1s");
        plan.streams[1].every = duration("1s");
        let held = super::scenarios::played(plan.clone(), dips, vec![]).0;
        let followed = following(plan, dips, one_fault()).0;
        assert_eq!((held.verdict, followed.verdict), (*verdict, *verdict), "{dips:?}: {held:?} {followed:?}");
        assert_eq!(held.ended_by, followed.ended_by, "{dips:?}");
    }
}

#[test]
fn a_fault_that_is_never_seen_ends_the_method() {
    let plan = small(vec![lasting(0, "30s")]);
    let (outcome, records) = following(plan, &[], vec![("12s", Followed::Began { step: 1 })]);
    assert_eq!((outcome.verdict, outcome.ended_by), (Verdict::Inconclusive, EndedBy::Fault("network.delay".into())));
    let undoing = records.iter().find(|(_, r)| matches!(r, Record::Undoing { .. })).unwrap();
    assert!(undoing.0.minus(duration("12s")) <= duration("30s"), "{undoing:?}");
    // Over before it was seen.
    let script = vec![("12s", Followed::Began { step: 1 }), ("14s", Followed::Leaving { step: 1 })];
    let (outcome, _) = following(small(vec![lasting(0, "30s")]), &[], script);
    assert_eq!(outcome.verdict, Verdict::Inconclusive, "{outcome:?}");
}

#[test]
fn an_engine_that_ends_it_is_never_green() {
    let lost = |at| (at, Followed::Lost { reason: "the deadline cut it short".into() });
    let plan = || small(vec![lasting(0, "30s")]);
    assert_eq!(following(plan(), &[], vec![lost("5s")]).0.verdict, Verdict::NotRun);
    let mut script = one_fault();
    script.insert(2, lost("20s"));
    assert_eq!(following(plan(), &[], script).0.verdict, Verdict::Inconclusive);
    // It says that all is done, and a step never began.
    let (outcome, _) = following(small(vec![lasting(0, "30s"), lasting(1, "5s")]), &[], one_fault());
    assert_eq!(outcome.verdict, Verdict::Inconclusive, "{outcome:?}");
    // Nothing ever began.
    let (outcome, _) = following(plan(), &[], vec![("12s", Followed::Completed)]);
    assert_eq!(outcome.verdict, Verdict::NotRun, "{outcome:?}");
}

#[test]
fn the_time_of_a_check_counts_from_the_confirmation() {
    let check = StepKind::Check {
        name: "well".into(),
        condition: compare(0, Comparison::GreaterOrEqual, Value::Percent(percent("99%"))),
        text: "success() >= 99%".into(),
        within: Some(duration("5s")),
    };
    let mut plan = small(vec![
        step(StepKind::Inject { fault: 3, lasts: None }, crate::plan::sample::at(20)),
        step(check, crate::plan::sample::at(21)),
    ]);
    plan.expectations[0].within = Some(duration("19s"));
    plan.streams[0].every = duration("1s");
    let script = |began: &'static str| {
        vec![
            ("12s", Followed::Began { step: 1 }),
            ("12500ms", Followed::There { step: 1, seen: "gone".into() }),
            // The engine's node of the check comes ten seconds later: its time counts from 12.5 s.
            (began, Followed::Began { step: 2 }),
            ("23s", Followed::Completed),
        ]
    };
    let (outcome, _) = following(plan.clone(), &[(0, "12s", "16s", 50)], script("22500ms"));
    assert_eq!(outcome.verdict, Verdict::Confirmed, "{outcome:?}");
    let (outcome, records) = following(plan, &[(0, "12s", "19s", 50)], script("22500ms"));
    assert_eq!((outcome.verdict, outcome.ended_by), (Verdict::Refuted, EndedBy::Check("well".into())));
    let ended = records.iter().find(|(_, r)| matches!(r, Record::Ending { .. })).unwrap().0;
    assert_eq!(ended, duration("17500ms"));
}

#[test]
fn who_joins_late_does_not_say_confirmed() {
    let mut state = State::joining(Arc::new(small(vec![lasting(0, "30s")])), "w1", EngineName::ChaosMesh);
    assert!(state.is_ready());
    crate::runtime::machine::step(&mut state, Duration::ZERO, Event::Tick);
    let late = Followed::Late { reason: "the gate began in the middle of the run".into() };
    let mut events = vec![(Duration::ZERO, Event::Followed(late))];
    events.extend(one_fault().into_iter().map(|(at, followed)| (duration(at), Event::Followed(followed))));
    let (outcome, _) = played_in(state, &[], events);
    assert_eq!(outcome.verdict, Verdict::Inconclusive, "{outcome:?}");
    assert_eq!(outcome.ended_by, EndedBy::Completed);
}
