//! A run that is followed, by chance and by exhaustion: it means what the same run means when it is held, and whatever is lost on
//! the way from the engine that leads, comes twice or in another order, it ends, says what may be left, and is never green by
//! accident.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use super::histories::{methods, shaped, swarm};
use super::world::{DRIVABLE, lasting, small, whole_bound};
use crate::plan::sample::{at, percent, step};
use crate::plan::{Effect, EngineName, Plan, Step, StepKind};
use crate::runtime::machine::state::NodeKind;
use crate::runtime::machine::{
    Answer, Command, EndedBy, Event, Followed, Outcome, PhaseName, Record, State, Verdict, next_wake,
    step as machine_step,
};
use crate::runtime::simulate::{Scripted, run};
use crate::types::{Duration, Value};

/// How long each answer of an effect takes, and of a stream. With these, and with the rhythm of the streams, hardly anything is
/// answered in the instant in which something else happens: there either order is right, and the two may differ.
const EFFECT: Duration = Duration::from_millis(20);
const ANSWER: Duration = Duration::from_millis(17);
const EVERY: Duration = Duration::from_millis(997);

type Records = Vec<(Duration, Record)>;
type Script = Vec<(Duration, Event)>;

/// A stream that says something else for a while: which, from and for how many tenths of a second, what (-1: nothing).
type Dip = (u32, u16, u16, i8);

fn sample(dips: &[Dip], stream: u32, asked: Duration) -> Result<Value, String> {
    let tenths = |n: u16| Duration::from_millis(u32::from(n) * 100);
    let is_in = |dip: &&Dip| dip.0 == stream && tenths(dip.1) <= asked && asked < tenths(dip.1).plus(tenths(dip.2));
    match dips.iter().find(is_in).map_or(100, |dip| dip.3) {
        value if value < 0 => Err("silent".to_owned()),
        value => Ok(Value::Percent(percent(&format!("{value}%")))),
    }
}

/// The run, held by this machine.
fn held(plan: &Arc<Plan>, dips: &[Dip]) -> (State, Outcome, Records) {
    let mut world = Scripted {
        samples: Box::new(|stream, asked| sample(dips, stream, asked)),
        effect: EFFECT,
        answer: ANSWER,
        entropy: 7,
        yes: true,
        not_there: vec![],
    };
    let mut state = State::new(plan.clone(), "r", DRIVABLE);
    let mut records = Vec::new();
    let begin = vec![(Duration::ZERO, Event::Begin { wall: 0 })];
    let outcome = run(&mut state, &mut world, begin, &mut |now, command| {
        if let Command::Write(record) | Command::Keep { record, .. } = command {
            records.push((now, record.clone()));
        }
    });
    (state, outcome.expect("every run ends"), records)
}

/// What an engine that leads would have been seen to do meanwhile, up to the end that the machine makes.
fn script(state: &State, records: &Records) -> Script {
    let mut script: Vec<(Duration, u32, Followed)> = Vec::new();
    let ending = records.iter().position(|(_, r)| matches!(r, Record::Ending { .. }));
    for (at, record) in records.iter().take(ending.unwrap_or(records.len())) {
        let of = |injection: &u32| state.step_of(*injection).unwrap();
        let is_fault = |node: u32| matches!(state.run.nodes[node as usize].kind, NodeKind::Fault { .. });
        let (step, followed) = match record {
            Record::StepBegan { node, .. } if !is_fault(*node) => (*node, Followed::Began { step: *node }),
            Record::StepEnded { node } if !is_fault(*node) => (*node, Followed::Ended { step: *node }),
            Record::Intent { injection, .. } => (of(injection), Followed::Began { step: of(injection) }),
            Record::There { injection, .. } => {
                (of(injection), Followed::There { step: of(injection), seen: "seen".into() })
            }
            Record::Undoing { injection, .. } => (of(injection), Followed::Leaving { step: of(injection) }),
            Record::Undone { injection, .. } => (of(injection), Followed::Gone { step: of(injection) }),
            _ => continue,
        };
        script.push((*at, step, followed));
    }
    // Groups begin with the first and end with the last of what is in them.
    for frame in (1..state.run.nodes.len() as u32).rev().filter(|n| state.run.nodes[*n as usize].is_frame()) {
        let inner =
            |step: u32| std::iter::successors(Some(step), |s| state.run.nodes[*s as usize].parent).any(|s| s == frame);
        let Some(first) = script.iter().position(|(_, step, _)| inner(*step)) else { continue };
        script.insert(first, (script[first].0, frame, Followed::Began { step: frame }));
        let last = script.iter().rposition(|(_, step, _)| inner(*step)).unwrap();
        let is_whole = ending.is_none() || script[last + 1..].iter().any(|(_, step, _)| !inner(*step));
        if is_whole {
            script.insert(last + 1, (script[last].0, frame, Followed::Ended { step: frame }));
        }
    }
    let mut all: Script = script.into_iter().map(|(at, _, followed)| (at, Event::Followed(followed))).collect();
    if ending.is_none() {
        let over = |r: &Record| matches!(r, Record::StepEnded { .. } | Record::Undone { .. });
        let end = records.iter().rev().find(|(_, r)| over(r)).map_or(Duration::ZERO, |(at, _)| *at);
        all.push((end, Event::Followed(Followed::Completed)));
    }
    all
}

/// How an engine answers the wish that a fault be gone: after so many attempts; never.
#[derive(Debug, Clone, Copy)]
struct Undoes {
    attempts: Option<u32>,
}

/// What came of following.
struct Seen {
    outcome: Outcome,
    records: Records,
    /// What the machine was told before it ended the method.
    told: Vec<Followed>,
    /// Faults that began, and of which nobody said that they are gone.
    present: BTreeSet<u32>,
    at: Duration,
}

/// Follows. What begins after the machine has ended the method does not come: the gate holds the engine then.
fn followed(plan: &Arc<Plan>, dips: &[Dip], script: &Script, begin: Duration, undoes: Undoes) -> Result<Seen, String> {
    let mut state = State::following(plan.clone(), "r", EngineName::ChaosMesh);
    let mut queue: BTreeMap<(Duration, usize), Event> = BTreeMap::new();
    let mut number = 0;
    let mut put = |queue: &mut BTreeMap<_, _>, at: Duration, event: Event| {
        number += 1;
        queue.insert((at, number), event);
    };
    put(&mut queue, begin, Event::Begin { wall: 0 });
    // In one instant what is answered comes before what begins or ends by the clock, as where this machine leads.
    (usize::MAX / 2..).zip(script).for_each(|(number, (at, event))| drop(queue.insert((*at, number), event.clone())));
    let (mut now, mut records, mut told) = (begin, Vec::new(), Vec::new());
    let (mut present, mut known) = (BTreeSet::new(), BTreeSet::new());
    loop {
        let first = queue.keys().next().map(|(at, _)| *at);
        let wake = next_wake(&state);
        let event = match (first, wake) {
            (Some(first), wake) if wake.is_none_or(|wake| first <= wake) => {
                now = now.max(first);
                queue.pop_first().unwrap().1
            }
            (_, Some(wake)) => {
                now = now.max(wake);
                Event::Tick
            }
            (_, None) => return Err(format!("the machine waits for nothing: {:?}", state.run)),
        };
        let is_broken = state.broken_by().is_some();
        match &event {
            Event::Followed(Followed::Began { .. } | Followed::There { .. }) if is_broken => continue,
            Event::Followed(followed) => {
                told.push(followed.clone());
                // What comes late or again is no second fault.
                if let Followed::Began { step } | Followed::There { step, .. } = followed
                    && matches!(state.run.nodes[*step as usize].kind, NodeKind::Fault { .. })
                    && known.insert(*step)
                {
                    present.insert(*step);
                }
                match followed {
                    Followed::Gone { step } => drop(present.remove(step)),
                    // What happens once is over as soon as it is seen.
                    Followed::There { step, .. } if is_instant(&state, *step) => drop(present.remove(step)),
                    _ => {}
                }
            }
            _ => {}
        }
        for command in machine_step(&mut state, now, event) {
            match command {
                Command::Write(record) => records.push((now, record)),
                Command::Ready { engine } => put(&mut queue, now.plus(EFFECT), Event::Ready { engine, result: Ok(()) }),
                Command::Sample { stream, asked, .. } => {
                    let result = sample(dips, stream, asked).map(Answer::from);
                    put(&mut queue, now.plus(ANSWER), Event::Sampled { stream, asked, result });
                }
                Command::Undo { injection, attempt } => {
                    let step = state.step_of(injection).unwrap();
                    let is_led = told.contains(&Followed::Leaving { step }) || told.contains(&Followed::Gone { step });
                    // What the engine itself takes away goes in its order.
                    if attempt == 1 && !is_led {
                        in_order(&state, &present, injection)?;
                    }
                    if undoes.attempts.is_some_and(|enough| attempt >= enough) {
                        present.remove(&state.step_of(injection).unwrap());
                        put(
                            &mut queue,
                            now.plus(EFFECT),
                            Event::Undone { injection, attempt, result: Ok(crate::engine::drive::Was::AsLeft) },
                        );
                    }
                }
                Command::End(outcome) => return Ok(Seen { outcome: *outcome, records, told, present, at: now }),
                other @ (Command::Keep { .. } | Command::Inject { .. } | Command::Prepare { .. }) => {
                    return Err(format!("who follows does not inject: {other:?}"));
                }
                _ => {}
            }
        }
    }
}

fn is_instant(state: &State, step: u32) -> bool {
    match state.run.nodes[step as usize].kind {
        NodeKind::Fault { fault, .. } => state.plan.faults[fault as usize].effect == Effect::Instant,
        _ => false,
    }
}

/// Once the machine has ended the method, the last that began goes first.
fn in_order(state: &State, present: &BTreeSet<u32>, injection: u32) -> Result<(), String> {
    let mut later = state.run.lives.iter().skip(injection as usize + 1);
    let is_early = later.any(|life| life.is_open() && present.contains(&life.node));
    if is_early && state.broken_by().is_some() {
        return Err(format!("injection {injection} goes before one that came later: {:?}", state.run.lives));
    }
    Ok(())
}

/// The begin with which the baseline of the one that follows is that of the one that holds: preflight is shorter for it.
fn aligned(plan: &Arc<Plan>, records: &Records) -> Option<Duration> {
    let baseline = |records: &Records| {
        let is_begin = |r: &Record| matches!(r, Record::Phase { phase: PhaseName::Baseline });
        records.iter().find(|(_, r)| is_begin(r)).map(|(at, _)| *at)
    };
    // An engine and the guards are asked, one after the other.
    let own = if plan.guards.is_empty() { EFFECT } else { EFFECT.plus(ANSWER) };
    baseline(records).map(|at| at.minus(own))
}

/// Of a plan that only people could go on with, an engine can carry out the rest.
fn without_questions(steps: Vec<Step>) -> Vec<Step> {
    let one = |mut step: Step| {
        step.kind = match step.kind {
            StepKind::Ask { within, .. } => StepKind::Wait(within),
            StepKind::With { fault, steps } => StepKind::With { fault, steps: without_questions(steps) },
            StepKind::Parallel(steps) => StepKind::Parallel(without_questions(steps)),
            StepKind::Sequence(steps) => StepKind::Sequence(without_questions(steps)),
            other => other,
        };
        step
    };
    steps.into_iter().map(one).collect()
}

#[derive(Debug, Clone)]
struct Case {
    method: Vec<Step>,
    shape: (u8, Option<u8>, u8),
    dips: Vec<Dip>,
    /// What goes wrong on the way: where, and what.
    mishaps: Vec<(u8, u8)>,
    undoes: u8,
}

fn cases() -> impl Strategy<Value = Case> {
    let value = prop_oneof![Just(-1i8), Just(30), Just(60)];
    let dips = proptest::collection::vec((0u32..2, 10u16..900, 1u16..250, value), 0..3);
    let shape = (0u8..4, proptest::option::of(1u8..20), 0u8..20);
    let mishaps = proptest::collection::vec((any::<u8>(), 0u8..7), 0..4);
    (methods(), shape, dips, mishaps, 0u8..6).prop_map(|(method, shape, dips, mishaps, undoes)| Case {
        method: without_questions(method),
        shape,
        dips,
        mishaps,
        undoes,
    })
}

fn plan_of(case: &Case) -> Arc<Plan> {
    let (phase, within, hold) = case.shape;
    let mut plan = shaped(case.method.clone(), phase, within, hold);
    for stream in &mut plan.streams {
        // Short phases of random methods are to be seen.
        stream.every = EVERY;
    }
    Arc::new(plan)
}

/// How often each verdict was met.
static MET: [AtomicU32; 6] = [const { AtomicU32::new(0) }; 6];

/// The same samples, the same moments: the same end, for the same reasons.
fn means_the_same(case: &Case) -> Result<(), TestCaseError> {
    let plan = plan_of(case);
    let (state, wanted, records) = held(&plan, &case.dips);
    let Some(begin) = aligned(&plan, &records) else { return Ok(()) };
    let script = script(&state, &records);
    let seen =
        followed(&plan, &case.dips, &script, begin, Undoes { attempts: Some(1) }).map_err(TestCaseError::fail)?;
    let reasons = |outcome: &Outcome| -> Vec<String> { outcome.reasons.iter().map(|r| format!("{r:?}")).collect() };
    prop_assert_eq!(seen.outcome.verdict, wanted.verdict, "{:?}\n{:?}\n{:?}", seen.outcome, wanted, script);
    prop_assert_eq!(reasons(&seen.outcome), reasons(&wanted), "{:?}", script);
    prop_assert_eq!(&seen.outcome.ended_by, &wanted.ended_by);
    prop_assert_eq!(&seen.outcome.observed, &wanted.observed);
    MET[wanted.verdict as usize].fetch_add(1, Relaxed);
    Ok(())
}

/// Loses, repeats, delays and swaps what is told, and puts in what an engine may also do.
fn disturbed(script: &Script, mishaps: &[(u8, u8)]) -> Script {
    let mut script = script.clone();
    for (place, what) in mishaps {
        let Some(last) = script.len().checked_sub(1) else { break };
        let place = usize::from(*place) % script.len();
        let at = script[place].0;
        match what {
            0 => drop(script.remove(place)),
            1 => script.insert(place, script[place].clone()),
            2 => script[place].0 = at.plus(Duration::from_secs(3)),
            3 if place < last => {
                let (one, other) = (script[place].1.clone(), script[place + 1].1.clone());
                (script[place].1, script[place + 1].1) = (other, one);
            }
            4 => script.insert(place, (at, Event::Followed(Followed::Lost { reason: "lost".into() }))),
            5 => script.insert(place, (at, Event::Followed(Followed::Late { reason: "late".into() }))),
            _ => script.insert(place, (at, Event::Abort { by: "the annotation".into() })),
        }
    }
    // An engine that says nothing more has a deadline of its own.
    let end = script.iter().map(|(at, _)| *at).max().unwrap_or_default().plus(Duration::from_secs(10));
    script.push((end.max(Duration::from_secs(30)), Event::Followed(Followed::Lost { reason: "its deadline".into() })));
    script
}

/// Whatever is lost, it ends, says what may be left, and is green only by right.
fn is_safe(plan: &Arc<Plan>, dips: &[Dip], script: &Script, begin: Duration, undoes: Undoes) -> Result<(), String> {
    let seen = followed(plan, dips, script, begin, undoes)?;
    let outcome = &seen.outcome;
    let wrong = |what: &str| Err(format!("{what}: {outcome:?}\ntold {:?}\n{:?}", seen.told, seen.records));
    let last = script.iter().map(|(at, _)| *at).max().unwrap_or_default();
    if seen.at > whole_bound(plan).plus(last) {
        return wrong("it ended too late");
    }
    if outcome.left.len() < seen.present.len() || (outcome.verdict == Verdict::Error) == outcome.left.is_empty() {
        return wrong("something is left without a word");
    }
    if outcome.verdict != Verdict::Confirmed {
        return if outcome.reasons.is_empty() { wrong("no reason") } else { Ok(()) };
    }
    let was_told = |wanted: &dyn Fn(&Followed) -> bool| seen.told.iter().any(wanted);
    if !was_told(&|t| *t == Followed::Completed) || outcome.ended_by != EndedBy::Completed {
        return wrong("green, and it never came to its end");
    }
    if was_told(&|t| matches!(t, Followed::Late { .. } | Followed::Known(_))) {
        return wrong("green, and nobody saw all of it");
    }
    let state = State::new(plan.clone(), "r", DRIVABLE);
    for (step, node) in (0..).zip(&state.run.nodes) {
        let is_fault = matches!(node.kind, NodeKind::Fault { .. });
        if is_fault && !was_told(&|t| matches!(t, Followed::There { step: there, .. } if *there == step)) {
            return wrong("green, and a fault was never seen to be there");
        }
    }
    let bad = |r: &Record| {
        matches!(r, Record::NotThere { .. } | Record::MayBeLeft { .. } | Record::Refuted { .. } | Record::Ending { .. })
    };
    if seen.records.iter().any(|(_, r)| bad(r)) { wrong("green in spite of what was found") } else { Ok(()) }
}

fn is_safe_by_chance(case: &Case) -> Result<(), TestCaseError> {
    let plan = plan_of(case);
    let (state, _, records) = held(&plan, &case.dips);
    let Some(begin) = aligned(&plan, &records) else { return Ok(()) };
    let script = disturbed(&script(&state, &records), &case.mishaps);
    let undoes = Undoes { attempts: [Some(1), Some(1), Some(1), Some(2), Some(4), None][usize::from(case.undoes)] };
    is_safe(&plan, &case.dips, &script, begin, undoes).map_err(TestCaseError::fail)
}

#[test]
fn what_is_followed_means_what_is_held() {
    swarm(10, cases, means_the_same);
    // What was compared is no empty set.
    let counts: Vec<(Verdict, u32)> = Verdict::ALL.into_iter().zip(MET.iter().map(|n| n.load(Relaxed))).collect();
    println!("{counts:?}");
    assert!(counts.iter().all(|(verdict, count)| *count > 0 || *verdict == Verdict::Error), "{counts:?}");
}

#[test]
fn whatever_is_lost_of_an_engine_nothing_is_left_and_nothing_is_green_by_accident() {
    swarm(5, cases, is_safe_by_chance);
}

/// Every pair of mishaps at every two places of small plans, with each way of undoing.
#[test]
fn two_mishaps_anywhere_in_a_run_that_is_followed() {
    let instant = step(StepKind::Inject { fault: 3, lasts: None }, at(7));
    let methods = [
        vec![step(StepKind::With { fault: 0, steps: vec![lasting(1, "1s")] }, at(8))],
        vec![instant, lasting(0, "1s")],
        vec![step(StepKind::Parallel(vec![lasting(0, "1s"), lasting(1, "2s")]), at(8))],
    ];
    let mut runs = 0;
    for method in methods {
        let plan = Arc::new(small(method));
        let (state, _, records) = held(&plan, &[]);
        let begin = aligned(&plan, &records).unwrap();
        let script = script(&state, &records);
        let all: Vec<(u8, u8)> =
            (0..script.len() as u8).flat_map(|place| (0..7).map(move |what| (place, what))).collect();
        for (number, first) in all.iter().enumerate() {
            for second in &all[number..] {
                for attempts in [Some(1), Some(2), None] {
                    let disturbed = disturbed(&script, &[*first, *second]);
                    runs += 1;
                    is_safe(&plan, &[], &disturbed, begin, Undoes { attempts })
                        .unwrap_or_else(|wrong| panic!("{first:?} {second:?} {attempts:?}: {wrong}"));
                }
            }
        }
    }
    println!("{runs} runs");
    assert!(runs > 1_000);
}
