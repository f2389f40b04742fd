//! What the compiler proves and what the machine does: the same bounds, held together by chance.

use std::sync::Arc;

use proptest::prelude::*;

use super::world::{DRIVABLE, lasting, small};
use crate::analysis::timeline::{check_bound, reaction};
use crate::plan::sample::{at, compare, percent, step};
use crate::plan::{Comparison, Plan, StepKind};
use crate::runtime::machine::{Command, Event, Outcome, Record, State};
use crate::runtime::simulate::{Scripted, World, run};
use crate::types::{Duration, Value};

/// How streams and effects behave.
#[derive(Debug, Clone)]
struct Times {
    every: Duration,
    /// May be longer than `every`: then questions overlap.
    timeout: Duration,
    window: Duration,
    hold: Duration,
    /// How long answers take, one after the other: shares of `timeout`.
    answers: Vec<u8>,
    undo: Duration,
    /// When it breaks, after the fault is there.
    breaks: Duration,
}

fn times() -> impl Strategy<Value = Times> {
    let ms = |range: std::ops::Range<u32>| range.prop_map(Duration::from_millis);
    (
        ms(500..10_000),
        ms(100..15_000),
        ms(0..20_000),
        ms(0..25_000),
        prop::collection::vec(any::<u8>(), 1..12),
        ms(0..9_000),
        ms(0..30_000),
    )
        .prop_map(|(every, timeout, window, hold, answers, undo, breaks)| Times {
            every,
            timeout,
            window,
            hold,
            answers,
            undo,
            breaks,
        })
}

fn plan(times: &Times) -> Plan {
    let mut plan = small(vec![lasting(0, "10m")]);
    for stream in &mut plan.streams {
        stream.every = times.every;
        stream.timeout = times.timeout;
        stream.patience = times.every.times(3).max(times.timeout.plus(times.every));
        stream.window = (!times.window.is_zero()).then_some(times.window);
    }
    // Only the guard is of interest.
    plan.baseline = times.every.plus(times.timeout);
    plan.guards[0].hold = (!times.hold.is_zero()).then_some(times.hold);
    plan
}

/// A scripted world in which each answer takes its own time.
struct Slow<'s> {
    inner: Scripted<'s>,
    times: Times,
    next: usize,
    answers: bool,
}

impl World for Slow<'_> {
    fn answer(&mut self, now: Duration, command: &Command, state: &State) -> Vec<(Duration, Event)> {
        let mut all = self.inner.answer(now, command, state);
        match command {
            Command::Sample { .. } => {
                let share = u64::from(self.times.answers[self.next % self.times.answers.len()]);
                self.next += 1;
                let takes = Duration::from_nanos(self.times.timeout.as_nanos() / 255 * share).unwrap();
                all.iter_mut().for_each(|(at, _)| *at = now.plus(takes));
                if !self.answers && all.iter().any(|(_, e)| matches!(e, Event::Sampled { result: Err(_), .. })) {
                    all.clear();
                }
            }
            Command::Undo { .. } => all.iter_mut().for_each(|(at, _)| *at = now.plus(self.times.undo)),
            _ => {}
        }
        all
    }
}

/// Runs, and breaks the guard's stream a while after the fault is there. Gives when it broke and when all was undone.
fn broken(times: &Times, is_silent: bool) -> (Duration, Duration, Outcome) {
    let plan = Arc::new(plan(times));
    // When the fault comes is known beforehand: everything before it is as long in every run.
    let there = std::cell::Cell::new(None::<Duration>);
    let breaks = |there: Option<Duration>| there.map(|at| at.plus(times.breaks));
    let samples = |stream: u32, asked: Duration| {
        let broken = breaks(there.get()).is_some_and(|at| asked >= at);
        // A sample that looks back sees it in full only once its whole window does.
        let seen = breaks(there.get()).is_some_and(|at| asked >= at.plus(times.window));
        match (stream, is_silent) {
            (1, true) if broken => Err("silent".to_owned()),
            (1, false) if seen => Ok(Value::Percent(percent("10%"))),
            _ => Ok(Value::Percent(percent("100%"))),
        }
    };
    let inner = Scripted {
        samples: Box::new(samples),
        effect: Duration::from_millis(10),
        answer: Duration::ZERO,
        entropy: 1,
        yes: true,
        not_there: vec![],
    };
    let mut world = Slow { inner, times: times.clone(), next: 0, answers: !is_silent };
    let mut state = State::new(plan, "r", DRIVABLE);
    let mut undone = Duration::ZERO;
    let outcome =
        run(
            &mut state,
            &mut world,
            vec![(Duration::ZERO, Event::Begin { wall: 0 })],
            &mut |now, command| match command {
                Command::Write(Record::There { .. }) => there.set(Some(now)),
                Command::Write(Record::Undone { .. }) => undone = now,
                _ => {}
            },
        );
    (breaks(there.get()).expect("the fault was there"), undone, outcome.expect("every run ends"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_guard_reacts_within_what_the_plan_prints(times in times()) {
        let bound = reaction(&plan(&times), 0).unwrap();
        let (broke, undone, outcome) = broken(&times, false);
        let took = undone.minus(broke);
        prop_assert!(took <= bound.total, "{took} is beyond {:?}", bound);
        prop_assert_eq!(outcome.verdict, crate::runtime::machine::Verdict::Aborted);
    }

    #[test]
    fn silence_is_acted_on_within_what_the_plan_prints(times in times()) {
        let bound = reaction(&plan(&times), 0).unwrap();
        let (broke, undone, _) = broken(&times, true);
        // A gap is longer than its patience: by a nanosecond at least.
        let took = undone.minus(broke).minus(Duration::from_nanos(1).unwrap());
        prop_assert!(took <= bound.silence, "{took} is beyond {:?}", bound);
    }

    #[test]
    fn a_check_ends_within_what_the_plan_prints(times in times(), within in prop::option::of(1u32..60), good: bool) {
        let mut plan = plan(&times);
        plan.guards.clear();
        let condition = compare(1, Comparison::GreaterOrEqual, Value::Percent(percent("50%")));
        let within = within.map(Duration::from_secs);
        let bound = check_bound(&plan, &condition, within);
        let check = StepKind::Check { name: "c".into(), condition, text: "…".into(), within };
        plan.method = vec![step(check, at(1)), lasting(0, "1s")];
        let value = if good { "100%" } else { "10%" };
        let samples = |stream: u32, _| Ok(Value::Percent(percent(if stream == 1 { value } else { "100%" })));
        let inner = Scripted {
            samples: Box::new(samples),
            effect: Duration::ZERO,
            answer: Duration::ZERO,
            entropy: 1,
            yes: true,
            not_there: vec![],
        };
        let mut world = Slow { inner, times, next: 0, answers: true };
        let mut state = State::new(Arc::new(plan), "r", DRIVABLE);
        let (mut began, mut ended) = (None, None);
        let begin = vec![(Duration::ZERO, Event::Begin { wall: 0 })];
        run(&mut state, &mut world, begin, &mut |now, command| match command {
            Command::Write(Record::StepBegan { node: 1, .. }) => began = Some(now),
            Command::Write(Record::StepEnded { node: 1 } | Record::Ending { .. }) => ended = ended.or(Some(now)),
            _ => {}
        });
        let (began, ended) = (began.unwrap(), ended.unwrap());
        prop_assert!(ended.minus(began) <= bound, "{} is beyond {bound}", ended.minus(began));
    }
}
