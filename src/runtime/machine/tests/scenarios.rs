//! One scenario for each row of the tables of `docs/semantics.md`.

use std::sync::Arc;

use super::world::{DRIVABLE, lasting, small};
use crate::engine::drive::Was;
use crate::plan::sample::{at, compare, duration, percent, step};
use crate::plan::{Comparison, Condition, Phase, Plan, RecoveryClass, RuleVerdict, StepKind};
use crate::runtime::machine::{Command, EndedBy, Event, Failed, Observed, Outcome, Record, State, Verdict};
use crate::runtime::simulate::{Scripted, World, run};
use crate::types::{Duration, Value};

/// Percent of stream 0 and 1 from a moment to a moment; else 100%. A negative number is a missing sample.
pub(super) type Dips<'a> = &'a [(u32, &'a str, &'a str, i64)];

pub(super) fn played(plan: Plan, dips: Dips<'_>, events: Vec<(Duration, Event)>) -> (Outcome, Vec<(Duration, Record)>) {
    let mut all = vec![(Duration::ZERO, Event::Begin { wall: 1_764_000_000 })];
    all.extend(events);
    played_in(State::new(Arc::new(plan), "r1", DRIVABLE), dips, all)
}

/// A world in which every effect and every answer comes, with these samples.
fn scripted<'s>(samples: impl Fn(u32, Duration) -> Result<Value, String> + 's) -> Scripted<'s> {
    Scripted {
        samples: Box::new(samples),
        effect: Duration::from_millis(100),
        answer: Duration::from_millis(50),
        entropy: 7,
        yes: true,
        not_there: vec![],
    }
}

pub(super) fn played_in(
    mut state: State,
    dips: Dips<'_>,
    all: Vec<(Duration, Event)>,
) -> (Outcome, Vec<(Duration, Record)>) {
    let dips: Vec<(u32, Duration, Duration, i64)> =
        dips.iter().map(|(s, from, to, v)| (*s, duration(from), duration(to), *v)).collect();
    let samples = move |stream: u32, at: Duration| {
        let dip = dips.iter().find(|(s, from, to, _)| *s == stream && *from <= at && at < *to);
        match dip.map_or(100, |d| d.3) {
            value if value < 0 => Err("silent".to_owned()),
            value => Ok(Value::Percent(percent(&format!("{value}%")))),
        }
    };
    let mut world = scripted(samples);
    let mut records = Vec::new();
    let outcome = run(&mut state, &mut world, all, &mut |now, command| {
        if let Command::Write(record) | Command::Keep { record, .. } = command {
            records.push((now, record.clone()));
        }
    });
    (outcome.expect("every run ends"), records)
}

fn verdict(plan: Plan, dips: Dips<'_>) -> (Verdict, EndedBy) {
    let (outcome, _) = played(plan, dips, vec![]);
    (outcome.verdict, outcome.ended_by)
}

fn wait(length: &str) -> crate::plan::Step {
    step(StepKind::Wait(duration(length)), at(30))
}

#[test]
fn a_run_in_which_all_is_well_is_confirmed() {
    let (outcome, records) = played(small(vec![lasting(0, "30s")]), &[], vec![]);
    assert_eq!(outcome.verdict, Verdict::Confirmed, "{outcome:?}");
    assert_eq!(outcome.ended_by, EndedBy::Completed);
    assert!(matches!(outcome.observed, Observed::WithinBound(d) if d < duration("5s")), "{outcome:?}");
    let phases: Vec<String> = records
        .iter()
        .filter_map(|(_, r)| match r {
            Record::Phase { phase } => Some(phase.text().to_owned()),
            _ => None,
        })
        .collect();
    assert_eq!(phases, ["preflight", "baseline", "faults", "recovering", "recovered"]);
}

/// What was there is gone, and nobody undid it: all else being well proves nothing.
#[test]
fn a_fault_that_vanishes_ends_the_method_and_proves_nothing() {
    let vanished = |at: &str| vec![(duration(at), Event::Vanished { injection: 0, reason: "it is gone".into() })];
    let (outcome, records) = played(small(vec![lasting(0, "30s")]), &[], vanished("20s"));
    assert_eq!(outcome.verdict, Verdict::Inconclusive, "{outcome:?}");
    assert!(matches!(&outcome.ended_by, EndedBy::Fault(_)) && outcome.reasons[0].text.contains("it is gone"));
    assert!(records.iter().any(|(_, r)| matches!(r, Record::Undone { .. })), "it is undone all the same");
    assert!(outcome.left.is_empty());
    // Before it was there, or after its undo began, that says nothing.
    for at in ["1s", "5m"] {
        let (outcome, _) = played(small(vec![lasting(0, "30s")]), &[], vanished(at));
        assert_eq!(outcome.verdict, Verdict::Confirmed, "{at}: {outcome:?}");
    }
}

#[test]
fn for_counts_from_the_confirmation() {
    let (_, records) = played(small(vec![lasting(0, "30s")]), &[], vec![]);
    let when = |wanted: fn(&Record) -> bool| records.iter().find(|(_, r)| wanted(r)).map(|(at, _)| *at).unwrap();
    let there = when(|r| matches!(r, Record::There { .. }));
    let undoing = when(|r| matches!(r, Record::Undoing { .. }));
    assert_eq!(undoing.minus(there), duration("30s"));
}

#[test]
fn preflight_refuses() {
    let mut plan = small(vec![lasting(0, "30s")]);
    plan.rules = crate::plan::sample::tour().rules;
    plan.rules[0].verdict = RuleVerdict::Broken("40m".into());
    assert_eq!(verdict(plan, &[]), (Verdict::NotRun, EndedBy::Preflight));
    // A guard that is true, or silent, before anything happens.
    let plan = || small(vec![lasting(0, "30s")]);
    assert_eq!(verdict(plan(), &[(1, "0s", "5m", 40)]), (Verdict::NotRun, EndedBy::Preflight));
    assert_eq!(verdict(plan(), &[(1, "0s", "5m", -1)]), (Verdict::NotRun, EndedBy::Preflight));
    // Too few candidates.
    let mut few = plan();
    few.draws[0].selector = crate::plan::Selector::Endpoints(vec![]);
    assert_eq!(verdict(few, &[]), (Verdict::NotRun, EndedBy::Preflight));
    // An engine that cannot be driven.
    let mut other = plan();
    other.place.cluster.engines = vec![crate::plan::EngineName::Litmus];
    assert_eq!(verdict(other, &[]), (Verdict::NotRun, EndedBy::Preflight));
}

#[test]
fn a_system_that_is_not_well_is_not_touched() {
    let plan = || small(vec![lasting(0, "30s")]);
    assert_eq!(verdict(plan(), &[(0, "3s", "8s", 90)]), (Verdict::NotRun, EndedBy::Baseline));
    assert_eq!(verdict(plan(), &[(0, "0s", "5m", -1)]).0, Verdict::NotRun);
    let (outcome, records) = played(plan(), &[(0, "3s", "8s", 90)], vec![]);
    assert_eq!(outcome.injected, 0);
    assert!(!records.iter().any(|(_, r)| matches!(r, Record::Intent { .. })));
}

#[test]
fn a_broken_expectation_refutes_and_the_method_goes_on() {
    let (outcome, records) = played(small(vec![lasting(0, "30s")]), &[(0, "20s", "25s", 90)], vec![]);
    assert_eq!((outcome.verdict, outcome.ended_by), (Verdict::Refuted, EndedBy::Completed));
    assert!(records.iter().any(|(_, r)| matches!(r, Record::Recovered { .. })));
}

#[test]
fn abort_when_refuted_ends_it_and_the_verdict_stays() {
    let mut plan = small(vec![lasting(0, "30s")]);
    plan.guards[0].when = crate::plan::GuardWhen::Refuted;
    plan.guards[0].text = "refuted".into();
    assert_eq!(verdict(plan, &[(0, "20s", "25s", 90)]), (Verdict::Refuted, EndedBy::Guard("refuted".to_owned())));
}

#[test]
fn but_during_faults_judges_the_weaker_bound() {
    let mut plan = small(vec![lasting(0, "30s")]);
    plan.expectations[0].phase = Phase::Relaxed {
        condition: compare(0, Comparison::GreaterOrEqual, Value::Percent(percent("80%"))),
        text: ">= 80%".into(),
    };
    assert_eq!(verdict(plan.clone(), &[(0, "15s", "35s", 90)]).0, Verdict::Confirmed);
    assert_eq!(verdict(plan.clone(), &[(0, "15s", "35s", 70)]).0, Verdict::Refuted);
    // Afterwards the strong bound has to come back in time.
    assert_eq!(verdict(plan, &[(0, "15s", "5m", 90)]).0, Verdict::Refuted);
}

#[test]
fn except_during_faults_is_judged_before_and_after() {
    let mut plan = small(vec![lasting(0, "30s")]);
    plan.expectations[0].phase = Phase::ExceptDuringFaults;
    assert_eq!(verdict(plan.clone(), &[(0, "15s", "35s", 1)]).0, Verdict::Confirmed);
    assert_eq!(verdict(plan.clone(), &[(0, "5s", "9s", 1)]).0, Verdict::NotRun);
    assert_eq!(verdict(plan, &[(0, "15s", "5m", 1)]).0, Verdict::Refuted);
}

#[test]
fn only_during_faults_may_come_late_but_has_to_come() {
    let mut plan = small(vec![lasting(0, "60s")]);
    plan.expectations[0].phase = Phase::OnlyDuringFaults;
    plan.expectations[0].within = Some(duration("20s"));
    assert_eq!(verdict(plan.clone(), &[(0, "0s", "25s", 1)]).0, Verdict::Confirmed);
    assert_eq!(verdict(plan.clone(), &[(0, "0s", "50s", 1)]).0, Verdict::Refuted);
    // Never seen, and the phase was over before that was too long: nobody knows.
    plan.method = vec![lasting(0, "15s")];
    assert_eq!(verdict(plan, &[(0, "0s", "5m", 1)]).0, Verdict::Inconclusive);
}

#[test]
fn within_allows_a_dip_and_no_longer_one() {
    let mut plan = small(vec![lasting(0, "60s")]);
    plan.expectations[0].within = Some(duration("10s"));
    assert_eq!(verdict(plan.clone(), &[(0, "20s", "30s", 1)]).0, Verdict::Confirmed);
    assert_eq!(verdict(plan.clone(), &[(0, "20s", "40s", 1)]).0, Verdict::Refuted);
    assert_eq!(verdict(plan, &[(0, "3s", "8s", 1)]).0, Verdict::NotRun, "no grace in the baseline");
}

#[test]
fn a_guard_ends_the_run_after_its_for() {
    let plan = small(vec![lasting(0, "2m")]);
    let (outcome, records) = played(plan.clone(), &[(1, "30s", "60s", 40)], vec![]);
    assert_eq!(outcome.verdict, Verdict::Aborted);
    assert_eq!(outcome.ended_by, EndedBy::Guard("guarded() < 50%".into()));
    let fired = records.iter().find(|(_, r)| matches!(r, Record::GuardFired { .. })).unwrap().0;
    assert!(fired >= duration("40s") && fired < duration("46s"), "{fired}");
    assert_eq!(verdict(plan, &[(1, "30s", "38s", 40)]).0, Verdict::Confirmed, "it was not true for long enough");
}

#[test]
fn silence_of_a_guard_counts_as_true_and_of_an_expectation_as_doubt() {
    let plan = small(vec![lasting(0, "2m")]);
    let (outcome, records) = played(plan.clone(), &[(1, "30s", "5m", -1)], vec![]);
    assert_eq!(outcome.verdict, Verdict::Aborted);
    let fired = records.iter().find(|(_, r)| matches!(r, Record::GuardFired { .. })).unwrap().0;
    // Patience is 15s and `for` 10s, after the last valid sample.
    assert!(fired > duration("50s") && fired < duration("56s"), "{fired}");
    assert_eq!(verdict(plan.clone(), &[(0, "30s", "60s", -1)]).0, Verdict::Inconclusive);
    // Shorter than its patience it is no gap; an answer that is still under way does not end one.
    assert_eq!(verdict(plan.clone(), &[(0, "30s", "35s", -1)]).0, Verdict::Confirmed);
    assert_eq!(verdict(plan, &[(0, "30s", "40s", -1)]).0, Verdict::Inconclusive);
}

fn check(within: Option<&str>) -> crate::plan::Step {
    let kind = StepKind::Check {
        name: "back".into(),
        condition: compare(0, Comparison::GreaterOrEqual, Value::Percent(percent("99%"))),
        text: "success() >= 99%".into(),
        within: within.map(duration),
    };
    step(kind, at(31))
}

#[test]
fn checks_wait_and_end_the_method_if_they_fail() {
    let mut plan = small(vec![lasting(0, "5s"), check(Some("30s")), wait("1m")]);
    plan.expectations[0].phase = Phase::ExceptDuringFaults;
    plan.recovery.class = RecoveryClass::Unknown;
    assert_eq!(verdict(plan.clone(), &[(0, "11s", "25s", 1)]).0, Verdict::Confirmed);
    assert_eq!(verdict(plan.clone(), &[(0, "11s", "90s", 1)]), (Verdict::Refuted, EndedBy::Check("back".into())));
    assert_eq!(verdict(plan.clone(), &[(0, "11s", "90s", -1)]), (Verdict::Inconclusive, EndedBy::Check("back".into())));
    plan.method = vec![lasting(0, "5s"), check(None)];
    assert_eq!(verdict(plan, &[(0, "11s", "25s", 1)]).1, EndedBy::Check("back".into()));
}

#[test]
fn recovery_is_watched_and_its_class_observed() {
    let mut plan = small(vec![lasting(0, "10s")]);
    plan.expectations[0].phase = Phase::ExceptDuringFaults;
    let observed = |class: RecoveryClass, until: &str| {
        let mut plan = plan.clone();
        plan.recovery.class = class;
        let (outcome, _) = played(plan, &[(0, "11s", until, 1)], vec![]);
        (outcome.verdict, outcome.observed)
    };
    // The faults end at about 21s, the bound is 20s.
    assert!(matches!(observed(RecoveryClass::Automatic, "35s"), (Verdict::Confirmed, Observed::WithinBound(_))));
    assert!(matches!(observed(RecoveryClass::Automatic, "46s"), (Verdict::Refuted, Observed::AfterBound(_))));
    assert!(matches!(observed(RecoveryClass::Unknown, "46s"), (Verdict::Confirmed, Observed::AfterBound(_))));
    assert_eq!(observed(RecoveryClass::Manual, "9m"), (Verdict::Refuted, Observed::NotAtAll));
    let hands = vec![(duration("25s"), Event::Intervened { who: "ops".into(), what: "restarted it".into() })];
    let (outcome, _) = played(plan.clone(), &[(0, "11s", "35s", 1)], hands.clone());
    assert!(matches!((outcome.verdict, outcome.observed), (Verdict::Refuted, Observed::WithHands(_))));
    plan.recovery.class = RecoveryClass::Manual;
    assert_eq!(played(plan, &[(0, "11s", "35s", 1)], hands).0.verdict, Verdict::Confirmed);
}

/// Faults that were there for longer than a sample takes, and none came meanwhile: nobody looked, so nothing is shown. Shorter ones
/// the compiler refuses, unless a check ends them; behind one that is over at once it is the recovery that is looked at.
#[test]
fn a_fault_that_nobody_looked_at_confirms_nothing() {
    let ended = |method, dips: Dips<'_>| {
        let mut plan = small(vec![method]);
        plan.streams[0].every = duration("7s");
        plan.streams[0].patience = duration("1m");
        played(plan, dips, vec![]).0
    };
    let silent: Dips<'_> = &[(0, "10s", "20s", -1)];
    let unseen = ended(lasting(0, "8s"), silent);
    assert_eq!(unseen.verdict, Verdict::Inconclusive);
    assert!(unseen.reasons[0].text.contains("while the faults were there"), "{:?}", unseen.reasons);
    assert_eq!(ended(lasting(0, "8s"), &[]).verdict, Verdict::Confirmed);
    assert_eq!(ended(lasting(0, "1s"), silent).verdict, Verdict::Confirmed);
    let at_once = step(StepKind::Inject { fault: 3, lasts: None }, at(9));
    assert_eq!(ended(at_once, silent).verdict, Verdict::Confirmed);
}

/// Silence is no proof: what nobody could see is never `refuted`, and never green, whatever class is declared.
#[test]
fn a_recovery_that_nobody_could_see_is_inconclusive() {
    let mut plan = small(vec![lasting(0, "10s")]);
    plan.expectations[0].phase = Phase::ExceptDuringFaults;
    plan.streams[0].patience = duration("6s");
    plan.streams[0].timeout = duration("1s");
    let ended = |class: RecoveryClass, dips: Dips<'_>| {
        let mut plan = plan.clone();
        plan.recovery.class = class;
        let (outcome, _) = played(plan, dips, vec![]);
        (outcome.verdict, outcome.observed)
    };
    // The faults end at about 21s, the bound is 20s, it is watched for 30s.
    for class in [RecoveryClass::Automatic, RecoveryClass::Manual, RecoveryClass::Unknown] {
        assert_eq!(ended(class, &[(0, "15s", "9m", -1)]), (Verdict::Inconclusive, Observed::NotSeen), "{class:?}");
        // Seen to be false, and then nobody saw anything until it was too late.
        let silent = [(0, "21s", "27s", 1), (0, "27s", "9m", -1)];
        assert_eq!(ended(class, &silent), (Verdict::Inconclusive, Observed::NotSeen), "{class:?}");
        // Well again beyond the bound, and whether before it nobody saw.
        assert_eq!(ended(class, &[(0, "15s", "43s", -1)]).0, Verdict::Inconclusive, "{class:?}");
    }
    // Seen to be false until the bound: that is late.
    assert_eq!(ended(RecoveryClass::Automatic, &[(0, "21s", "9m", 1)]), (Verdict::Refuted, Observed::NotAtAll));
    // A stretch shorter than `patience` hides nothing.
    let hidden = [(0, "21s", "38s", 1), (0, "38s", "43s", -1)];
    assert_eq!(ended(RecoveryClass::Automatic, &hidden).0, Verdict::Refuted);
}

#[test]
fn one_draw_hits_the_same_and_blocks_nest() {
    let with = step(
        StepKind::With {
            fault: 0,
            steps: vec![lasting(1, "10s"), step(StepKind::Inject { fault: 3, lasts: None }, at(9))],
        },
        at(8),
    );
    let (outcome, records) = played(small(vec![with, lasting(2, "5s")]), &[], vec![]);
    assert_eq!(outcome.verdict, Verdict::Confirmed, "{outcome:?}");
    assert_eq!(outcome.injected, 4);
    let hit: Vec<Vec<smol_str::SmolStr>> = records
        .iter()
        .filter_map(|(_, r)| match r {
            Record::Intent { targets, .. } => Some(targets.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(hit[0], hit[3], "faults 0 and 2 name one draw");
    let undone: Vec<u32> = records
        .iter()
        .filter_map(|(_, r)| match r {
            Record::Undone { injection, .. } => Some(*injection),
            _ => None,
        })
        .collect();
    assert_eq!(undone, [1, 2, 0, 3]);
}

#[test]
fn parallel_begins_together_and_ends_with_the_last() {
    let branches = vec![lasting(0, "10s"), step(StepKind::Sequence(vec![wait("5s"), lasting(1, "20s")]), at(9))];
    let (outcome, records) = played(small(vec![step(StepKind::Parallel(branches), at(8)), wait("1s")]), &[], vec![]);
    assert_eq!(outcome.verdict, Verdict::Confirmed, "{outcome:?}");
    let last_wait = records.iter().rfind(|(_, r)| matches!(r, Record::StepBegan { text, .. } if text == "wait 1s"));
    let undone = records.iter().rfind(|(_, r)| matches!(r, Record::Undone { .. }));
    assert_eq!(last_wait.unwrap().0, undone.unwrap().0);
}

#[test]
fn an_operator_ends_the_run_without_a_wait_for_anything() {
    let plan = small(vec![lasting(0, "5m")]);
    let (outcome, records) = played(plan, &[], vec![(duration("30s"), Event::Abort { by: "SIGTERM".into() })]);
    assert_eq!((outcome.verdict, outcome.ended_by), (Verdict::Aborted, EndedBy::Operator("SIGTERM".into())));
    assert!(records.last().unwrap().0 < duration("31s"));
    assert_eq!(outcome.observed, Observed::NotObserved);
}

#[test]
fn a_fault_that_nobody_sees_is_undone_and_proves_nothing() {
    let mut plan = small(vec![lasting(0, "10s"), lasting(1, "10s")]);
    plan.faults[1].name = "hidden".into();
    let mut state = State::new(Arc::new(plan), "r", DRIVABLE);
    let mut world = Scripted { not_there: vec!["hidden".into()], ..well() };
    let mut undone = 0;
    let outcome = run(&mut state, &mut world, vec![(Duration::ZERO, Event::Begin { wall: 0 })], &mut |_, command| {
        undone += u32::from(matches!(command, Command::Write(Record::Undone { .. })));
    })
    .unwrap();
    assert_eq!((outcome.verdict, undone), (Verdict::Inconclusive, 2), "{outcome:?}");
}

/// Seen to be there, and over when its undo came: the first attempt can tell, a second may find what the first one did.
#[test]
fn a_fault_that_was_over_before_its_undo_proves_nothing() {
    for (attempts, verdict) in [(1, Verdict::Inconclusive), (2, Verdict::Confirmed)] {
        let mut state = State::new(Arc::new(small(vec![lasting(0, "10s"), lasting(1, "10s")])), "r", DRIVABLE);
        let mut world = Ended { attempts, of: well() };
        let outcome = run(&mut state, &mut world, vec![(Duration::ZERO, Event::Begin { wall: 0 })], &mut |_, _| {});
        let outcome = outcome.unwrap();
        assert_eq!(outcome.verdict, verdict, "{outcome:?}");
        let injected = if verdict == Verdict::Confirmed { 2 } else { 1 };
        assert_eq!(outcome.injected, injected, "the method ends with it");
    }
}

/// A world in which the first fault is gone when the undo comes that answers.
struct Ended {
    attempts: u32,
    of: Scripted<'static>,
}

impl World for Ended {
    fn answer(&mut self, now: Duration, command: &Command, state: &State) -> Vec<(Duration, Event)> {
        let Command::Undo { injection: 0, attempt } = *command else { return self.of.answer(now, command, state) };
        let result = match attempt < self.attempts {
            true => Err(Failed { is_final: false, reason: "busy".into() }),
            false => Ok(Was::GoneBefore("somebody ended it".into())),
        };
        vec![(now, Event::Undone { injection: 0, attempt, result })]
    }
}

fn well() -> Scripted<'static> {
    Scripted {
        samples: Box::new(|_, _| Ok(Value::Percent(percent("100%")))),
        effect: Duration::from_millis(1),
        answer: Duration::from_millis(1),
        entropy: 1,
        yes: true,
        not_there: vec![],
    }
}

#[test]
fn a_question_is_a_gate() {
    let ask = step(StepKind::Ask { who: "platform".into(), question: "go on?".into(), within: duration("1m") }, at(9));
    let plan = small(vec![lasting(0, "5s"), ask, lasting(1, "5s")]);
    assert_eq!(played(plan.clone(), &[], vec![]).0.verdict, Verdict::Confirmed);
    let mut state = State::new(Arc::new(plan), "r", DRIVABLE);
    let mut world = Scripted {
        samples: Box::new(|_, _| Ok(Value::Percent(percent("100%")))),
        effect: Duration::from_millis(1),
        answer: Duration::from_millis(1),
        entropy: 1,
        yes: false,
        not_there: vec![],
    };
    let outcome =
        run(&mut state, &mut world, vec![(Duration::ZERO, Event::Begin { wall: 0 })], &mut |_, _| {}).unwrap();
    assert_eq!((outcome.verdict, outcome.injected), (Verdict::Aborted, 1));
    assert_eq!(outcome.ended_by, EndedBy::Ask("go on?".into()));
}

/// A server that takes connections and never answers, from 20 s to 40 s; asked for whether it is well, or for how many wait.
struct Hangs<'s>(Scripted<'s>);

impl World for Hangs<'_> {
    fn answer(&mut self, now: Duration, command: &Command, state: &State) -> Vec<(Duration, Event)> {
        let hung = duration("20s")..duration("40s");
        match command {
            Command::Sample { stream: 0, asked, .. } if hung.contains(asked) => Vec::new(),
            _ => self.0.answer(now, command, state),
        }
    }
}

#[test]
fn silence_is_a_no_to_whether_something_is_well_and_no_answer_to_anything_else() {
    let hanging = |source: crate::plan::Source, of_type: &str, condition| {
        let mut plan = small(vec![lasting(0, "30s")]);
        plan.streams[0].source = source;
        plan.streams[0].of_type = of_type.into();
        plan.streams[0].timeout = duration("2s");
        plan.expectations[0].condition = condition;
        let value = if of_type == "Bool" { Value::Bool(true) } else { Value::Int(0) };
        let samples =
            move |stream: u32, _| Ok(if stream == 0 { value.clone() } else { Value::Percent(percent("100%")) });
        let world = scripted(samples);
        let begin = vec![(Duration::ZERO, Event::Begin { wall: 1_764_000_000 })];
        let mut state = State::new(Arc::new(plan), "r1", DRIVABLE);
        let mut asked = Vec::new();
        let outcome = run(&mut state, &mut Hangs(world), begin, &mut |now, command| {
            if let Command::Write(Record::Sample { stream: 0, asked: at, value, missing, .. }) = command
                && *at >= duration("20s")
                && *at < duration("40s")
            {
                assert!(now > at.plus(duration("2s")), "nothing is said before the time is over");
                asked.push((value.clone(), missing.clone()));
            }
        });
        (outcome.unwrap(), asked)
    };
    let url = || "http://shop.example".into();
    let ok =
        crate::plan::Source::Http { url: url(), answer: crate::plan::HttpAnswer::Ok, token: None, headers: Vec::new() };
    let (outcome, asked) = hanging(ok, "Bool", Condition::Holds(0));
    assert_eq!(outcome.verdict, Verdict::Refuted, "{outcome:?}");
    assert!(asked.len() > 2 && asked.iter().all(|said| *said == (Some(Value::Bool(false)), None)), "{asked:?}");
    let json = crate::plan::Source::Json { url: url(), pointer: "/waiting".into(), token: None, headers: Vec::new() };
    let (outcome, asked) = hanging(json, "Int", compare(0, Comparison::Less, Value::Int(9)));
    assert_eq!(outcome.verdict, Verdict::Inconclusive, "{outcome:?}");
    let missing = Some("no answer within 2s".to_owned());
    assert!(asked.len() > 2 && asked.iter().all(|said| *said == (None, missing.clone())), "{asked:?}");
}

/// Who was stopped, or starved, does not know who was silent.
#[test]
fn a_machine_that_comes_late_says_nothing_about_who_was_silent() {
    let mut plan = small(vec![lasting(0, "30s")]);
    plan.streams[0].source = crate::plan::Source::Tcp { address: "a:1".into(), answer: crate::plan::TcpAnswer::Ok };
    plan.streams[0].of_type = "Bool".into();
    plan.expectations[0].condition = Condition::Holds(0);
    let said = |late: &str| {
        let mut state = State::new(Arc::new(plan.clone()), "r1", DRIVABLE);
        state.run.streams[0].next = Some(duration("1s"));
        crate::runtime::machine::step(&mut state, duration("1s"), Event::Tick);
        let at = duration("1s").plus(plan.streams[0].timeout).plus(duration(late));
        crate::runtime::machine::step(&mut state, at, Event::Tick).into_iter().find_map(|command| match command {
            Command::Write(Record::Sample { stream: 0, value, .. }) => Some(value),
            _ => None,
        })
    };
    assert_eq!(said("1ms"), Some(Some(Value::Bool(false))));
    assert_eq!(said("1s"), Some(Some(Value::Bool(false))));
    assert_eq!(said("1500ms"), Some(None));
}
