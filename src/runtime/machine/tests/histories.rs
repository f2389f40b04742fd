//! Random histories of random plans, very many of them: effects that are slow, fail, hang, come twice; samples that are good, bad,
//! missing, late; operators and full disks.
//!
//! `PERTURB_HISTORIES` says how many (5,000; `.ci/run` takes 100,000), `PERTURB_SEED` (32 bytes as hex) which. The seed is printed; a failure is shrunk.

use std::sync::{Arc, OnceLock};

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};

use super::world::{DRIVABLE, System, lasting, small, whole_bound};
use crate::analysis::timeline::UNDO_BOUND;
use crate::engine::drive::{Confirmation, UndoRecord, Was};
use crate::plan::sample::{at, compare, duration, percent, step};
use crate::plan::{Comparison, Phase, Plan, Step, StepKind};
use crate::runtime::machine::{Command, Event, Failed, Outcome, PhaseName, Record, State, Verdict};
use crate::runtime::simulate::{World, candidates, run};
use crate::types::{Duration, Value};

/// A world that throws dice.
struct Dice {
    choices: Vec<u8>,
    next: usize,
    /// Of 256: how often something goes wrong.
    mishap: u8,
    system: System,
    ended: bool,
    records: Vec<(Duration, Record)>,
}

impl Dice {
    fn roll(&mut self) -> u8 {
        let roll = self.choices.get(self.next % self.choices.len().max(1)).copied().unwrap_or(0);
        // The same bytes come again in another order.
        let salt = (self.next / self.choices.len().max(1)) as u8;
        self.next += 1;
        roll.wrapping_add(salt.wrapping_mul(31))
    }

    fn goes_wrong(&mut self) -> Option<u8> {
        let roll = self.roll();
        (roll < self.mishap).then(|| self.roll())
    }

    fn soon(&mut self, now: Duration) -> Duration {
        now.plus(Duration::from_millis(u32::from(self.roll()) * 8))
    }

    /// An answer that comes, perhaps twice, perhaps never.
    fn say(&mut self, now: Duration, good: Event, bad: &[Event]) -> Vec<(Duration, Event)> {
        let at = self.soon(now);
        match self.goes_wrong() {
            None => vec![(at, good)],
            Some(roll) if roll < 40 => vec![],
            Some(roll) if roll < 90 => vec![(at, good.clone()), (self.soon(at), good)],
            Some(roll) => match bad.get(usize::from(roll) % bad.len().max(1)) {
                Some(bad) => vec![(at, bad.clone())],
                None => vec![(at, good)],
            },
        }
    }
}

fn failed(is_final: bool) -> Failed {
    Failed { is_final, reason: "dice".into() }
}

impl World for Dice {
    fn answer(&mut self, now: Duration, command: &Command, state: &State) -> Vec<(Duration, Event)> {
        self.system.crash_is_survived();
        match command {
            Command::Write(record) => {
                self.records.push((now, record.clone()));
                self.ended |= matches!(record, Record::Ending { .. });
                if self.roll() < self.mishap / 16 {
                    self.system.happened(record);
                    return vec![(now, Event::JournalFailed { reason: "full".into() })];
                }
                self.system.write(record);
                vec![]
            }
            Command::Keep { injection, record } => {
                if self.goes_wrong().is_some_and(|roll| roll < 40) {
                    return vec![(now, Event::JournalFailed { reason: "full".into() })];
                }
                self.records.push((now, record.clone()));
                self.system.keep(*injection, record);
                let kept = Event::Kept { injection: *injection };
                vec![(now, kept.clone()), (self.soon(now), kept)]
            }
            Command::Ready { engine } => {
                let bad = Event::Ready { engine: *engine, result: Err("not there".into()) };
                self.say(now, Event::Ready { engine: *engine, result: Ok(()) }, &[bad])
            }
            Command::Find { draw } => {
                let entropy = u64::from(self.roll()) << 32 | u64::from(self.roll());
                let found = candidates(&state.plan, *draw, &state.drawn());
                let bad = Event::Found { draw: *draw, result: Ok(vec![]), entropy };
                self.say(now, Event::Found { draw: *draw, result: Ok(found), entropy }, &[bad])
            }
            Command::Left { draw, targets } => {
                let bad = Event::Left { draw: *draw, result: Ok(vec![]) };
                self.say(now, Event::Left { draw: *draw, result: Ok(targets.clone()) }, &[bad])
            }
            Command::Lock { request, .. } => {
                let bad = Event::Locked { request: *request, result: Err("held".into()) };
                self.say(now, Event::Locked { request: *request, result: Ok(()) }, &[bad])
            }
            Command::Sample { stream, asked, timeout } => {
                let say = |at: Duration, result| (at, Event::Sampled { stream: *stream, asked: *asked, result });
                let good = Ok(Value::Percent(percent("100%")).into());
                let at = self.soon(now);
                match self.goes_wrong() {
                    None => vec![say(at, good)],
                    Some(roll) => match roll % 6 {
                        0 => vec![],
                        1 => vec![say(at, Err("refused".into()))],
                        2 => vec![say(at.plus(*timeout), good)],
                        3 => vec![say(at, Ok(Value::Percent(percent("40%")).into()))],
                        4 => vec![say(at, Ok(Value::Int(3).into()))],
                        _ => vec![say(at, good.clone()), say(at, good)],
                    },
                }
            }
            Command::Prepare { injection, what, engine } => {
                let undo = UndoRecord { engine: *engine, injection: what.id.clone(), form: 1, data: 0.into() };
                let bad = Event::Prepared { injection: *injection, result: Err(failed(true)) };
                self.say(now, Event::Prepared { injection: *injection, result: Ok(undo) }, &[bad])
            }
            Command::Inject { injection } => {
                let i = *injection;
                if self.goes_wrong().is_none_or(|roll| roll < 180) {
                    self.system.land(i);
                }
                let bad = Event::Injected { injection: i, result: Err(failed(false)) };
                self.say(now, Event::Injected { injection: i, result: Ok(()) }, &[bad])
            }
            Command::Confirm { injection, at } => {
                let there = Ok(Confirmation::There("seen".into()));
                let not = Ok(Confirmation::NotSeen("not seen".into()));
                let bad = [
                    Event::Confirmed { injection: *injection, result: not },
                    Event::Confirmed { injection: *injection, result: Err(failed(true)) },
                ];
                let mut answers =
                    self.say(now.max(*at), Event::Confirmed { injection: *injection, result: there }, &bad);
                if self.goes_wrong().is_some_and(|roll| roll < 20) {
                    let vanished = Event::Vanished { injection: *injection, reason: "gone".into() };
                    answers.push((self.soon(now.max(*at)), vanished));
                }
                answers
            }
            Command::Undo { injection, attempt } => {
                self.system.undo_is_in_order(*injection, command, state, self.ended);
                let (injection, attempt) = (*injection, *attempt);
                let answer = |result| Event::Undone { injection, attempt, result };
                match self.goes_wrong() {
                    Some(roll) if roll < 100 => {
                        // Nothing came of it.
                        let is_final = roll < 10;
                        let at = self.soon(now);
                        if roll < 40 { vec![(at, answer(Err(failed(is_final))))] } else { vec![] }
                    }
                    Some(roll) if roll < 130 => {
                        self.system.undo(injection);
                        let was = Was::GoneBefore("somebody ended it".to_owned());
                        self.say(now, answer(Ok(was)), &[])
                    }
                    _ => {
                        self.system.undo(injection);
                        self.say(now, answer(Ok(Was::AsLeft)), &[answer(Err(failed(false)))])
                    }
                }
            }
            Command::Ask(question) => {
                let say = |yes| Event::Answered { node: question.node, yes, who: "x".into() };
                self.say(now, say(true), &[say(false)])
            }
            Command::Prompt(question) => {
                let noted = Event::Noted { node: question.node, who: "x".into(), words: "w".into() };
                self.say(now, noted, &[])
            }
            Command::Judge { .. } | Command::Approve { .. } | Command::Withdraw { .. } | Command::End(_) => vec![],
        }
    }
}

pub(super) fn methods() -> impl Strategy<Value = Vec<Step>> {
    let seconds = || (1u32..20).prop_map(|s| format!("{s}s"));
    let leaf = prop_oneof![
        3 => (0u32..3, seconds()).prop_map(|(fault, lasts)| lasting(fault, &lasts)),
        1 => Just(step(StepKind::Inject { fault: 3, lasts: None }, at(1))),
        1 => seconds().prop_map(|s| step(StepKind::Wait(duration(&s)), at(1))),
        1 => proptest::option::of(seconds()).prop_map(|within| step(
            StepKind::Check {
                name: "c".into(),
                condition: compare(0, Comparison::GreaterOrEqual, Value::Percent(percent("99%"))),
                text: "…".into(),
                within: within.map(|w| duration(&w)),
            },
            at(1),
        )),
        1 => seconds().prop_map(|s| step(
            StepKind::Ask { who: "platform".into(), question: "?".into(), within: duration(&s) },
            at(1),
        )),
        1 => Just(step(StepKind::Note { who: None, text: "n".into(), within: None }, at(1))),
    ];
    let tree = leaf.prop_recursive(3, 8, 3, |inner| {
        let block = || proptest::collection::vec(inner.clone(), 1..3);
        prop_oneof![
            2 => (0u32..3, block()).prop_map(|(fault, steps)| StepKind::With { fault, steps }),
            1 => block().prop_map(StepKind::Parallel),
            1 => block().prop_map(StepKind::Sequence),
        ]
        .prop_map(|kind| step(kind, at(1)))
    });
    proptest::collection::vec(tree, 1..4)
}

#[derive(Debug, Clone)]
struct History {
    method: Vec<Step>,
    phase: u8,
    within: Option<u8>,
    hold: u8,
    mishap: u8,
    choices: Vec<u8>,
    operator: Option<(u16, u8)>,
}

fn histories() -> impl Strategy<Value = History> {
    let mishap = prop_oneof![Just(0u8), Just(2), Just(8), Just(30), Just(120)];
    let operator = proptest::option::weighted(0.2, (0u16..600, 0u8..3));
    let choices = proptest::collection::vec(any::<u8>(), 4..64);
    (methods(), 0u8..4, proptest::option::of(1u8..20), 0u8..20, mishap, choices, operator).prop_map(
        |(method, phase, within, hold, mishap, choices, operator)| History {
            method,
            phase,
            within,
            hold,
            mishap,
            choices,
            operator,
        },
    )
}

fn plan_of(history: &History) -> Plan {
    shaped(history.method.clone(), history.phase, history.within, history.hold)
}

/// A small plan with this method, whose expectation and guard have this phase, `within` and `for`.
pub(super) fn shaped(method: Vec<Step>, phase: u8, within: Option<u8>, hold: u8) -> Plan {
    // Made once: its digest costs more than a history does.
    static SMALL: OnceLock<Plan> = OnceLock::new();
    let mut plan = SMALL.get_or_init(|| small(vec![])).clone();
    plan.method = method;
    let seconds = |s: u8| Duration::from_secs(u32::from(s));
    let expectation = &mut plan.expectations[0];
    expectation.within = within.map(seconds);
    expectation.phase = match phase {
        0 => Phase::Always,
        1 => Phase::Relaxed {
            condition: compare(0, Comparison::GreaterOrEqual, Value::Percent(percent("30%"))),
            text: ">= 30%".into(),
        },
        2 => Phase::ExceptDuringFaults,
        _ => Phase::OnlyDuringFaults,
    };
    plan.guards[0].hold = (hold > 0).then(|| seconds(hold));
    plan
}

fn holds(history: &History) -> Result<(), TestCaseError> {
    let plan = Arc::new(plan_of(history));
    let mut dice = Dice {
        choices: history.choices.clone(),
        next: 0,
        mishap: history.mishap,
        system: System::default(),
        ended: false,
        records: vec![],
    };
    let mut state = State::new(plan.clone(), "r", DRIVABLE);
    let mut events = vec![(Duration::ZERO, Event::Begin { wall: 0 })];
    if let Some((tenths, what)) = history.operator {
        let at = Duration::from_millis(u32::from(tenths) * 100);
        events.push(match what {
            0 => (at, Event::Abort { by: "SIGINT".into() }),
            1 => (at, Event::Hurry),
            _ => (at, Event::Intervened { who: "ops".into(), what: "restarted it".into() }),
        });
    }
    let mut ended_at = Duration::ZERO;
    let outcome = run(&mut state, &mut dice, events, &mut |now, _| ended_at = now);
    let Some(outcome) = outcome else {
        return Err(TestCaseError::fail(format!("the machine waits for nothing: {:?}", state.run)));
    };
    judged(history, &plan, &dice, &outcome, ended_at)
}

fn judged(
    history: &History,
    plan: &Plan,
    dice: &Dice,
    outcome: &Outcome,
    ended_at: Duration,
) -> Result<(), TestCaseError> {
    // Nothing is left without a word.
    let left: Vec<String> = dice.system.present.iter().map(|i| format!("r/{}", i + 1)).collect();
    prop_assert!(left.iter().all(|id| outcome.left.contains(id)), "left: {left:?}, said: {outcome:?}");
    prop_assert_eq!(outcome.verdict == Verdict::Error, !outcome.left.is_empty());
    dice.system.crash_is_survived();
    // Every run ends within its bound.
    prop_assert!(ended_at <= whole_bound(plan), "{ended_at} is beyond {}", whole_bound(plan));
    // An end is acted on within its bound: one undo after the other.
    let records = &dice.records;
    if let Some(ending) = records.iter().position(|(_, r)| matches!(r, Record::Ending { .. })) {
        let at = records[ending].0;
        let open = |r: &Record| matches!(r, Record::Intent { .. });
        let shut = |r: &Record| matches!(r, Record::Undone { .. } | Record::MayBeLeft { .. });
        let before = &records[..ending];
        let intents = before.iter().filter(|(_, r)| open(r)).count();
        let gone = before.iter().filter(|(_, r)| shut(r)).count();
        let bound = at.plus(UNDO_BOUND.times(intents.saturating_sub(gone) as u64 + 1));
        let last = records[ending..].iter().filter(|(_, r)| shut(r)).map(|(at, _)| *at).max();
        prop_assert!(last.is_none_or(|last| last <= bound), "{last:?} is beyond {bound}");
    }
    if outcome.verdict == Verdict::Confirmed {
        confirmed_by_right(history, records, outcome)?;
    }
    // An exit code of 0 is for `confirmed` alone.
    prop_assert_eq!(outcome.verdict.exit_code() == 0, outcome.verdict == Verdict::Confirmed);
    prop_assert_eq!(outcome.verdict == Verdict::Confirmed, outcome.reasons.is_empty());
    Ok(())
}

/// What must be true of a confirmed run, judged from its records alone and in another way than the machine does.
fn confirmed_by_right(
    history: &History,
    records: &[(Duration, Record)],
    outcome: &Outcome,
) -> Result<(), TestCaseError> {
    let intents = records.iter().filter(|(_, r)| matches!(r, Record::Intent { .. })).count();
    let there = records.iter().filter(|(_, r)| matches!(r, Record::There { .. })).count();
    prop_assert!(intents > 0 && intents == there && intents as u32 == outcome.injected);
    let begins = |wanted: PhaseName| {
        records.iter().find(|(_, r)| matches!(r, Record::Phase { phase } if *phase == wanted)).map(|(at, _)| *at)
    };
    let (Some(baseline), Some(faults), Some(recovering)) =
        (begins(PhaseName::Baseline), begins(PhaseName::Faults), begins(PhaseName::Recovering))
    else {
        return Err(TestCaseError::fail("a phase is missing"));
    };
    let good = Value::Percent(percent("99%"));
    for (answered, record) in records {
        let Record::Sample { stream: 0, asked, value: Some(value), .. } = record else { continue };
        let is_bad = matches!((value, &good), (Value::Percent(v), Value::Percent(g)) if v < g);
        let in_baseline = *asked >= baseline && *asked < faults;
        let in_faults = *asked >= faults && *asked < recovering;
        let is_judged = match history.phase {
            0 => in_baseline || history.within.is_none() && *asked >= faults,
            // Answered in a phase that demands something else, it says nothing of either (docs/semantics.md).
            1 | 2 => in_baseline && *answered < faults,
            _ => in_faults && *answered < recovering && history.within.is_none(),
        };
        prop_assert!(!(is_bad && is_judged), "confirmed in spite of a bad sample at {asked}");
    }
    for (_, record) in records {
        let is_bad = matches!(
            record,
            Record::NotThere { .. } | Record::MayBeLeft { .. } | Record::Refuted { .. } | Record::Ending { .. }
        );
        prop_assert!(!is_bad, "confirmed in spite of {record:?}");
    }
    Ok(())
}

fn seed() -> [u8; 32] {
    if let Ok(text) = std::env::var("PERTURB_SEED") {
        let mut seed = [0; 32];
        for (byte, pair) in seed.iter_mut().zip(text.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
        }
        return seed;
    }
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
    let mut seed = [0; 32];
    seed[..16].copy_from_slice(&now.to_le_bytes());
    seed
}

/// Runs one of `share` of the histories that are asked for, on all processors; prints the seed, and shrinks what fails.
pub(super) fn swarm<C, S>(share: u32, cases: fn() -> S, holds: fn(&C) -> Result<(), TestCaseError>)
where
    C: std::fmt::Debug + Send,
    S: Strategy<Value = C>,
{
    let count = std::env::var("PERTURB_HISTORIES").ok().and_then(|n| n.parse().ok()).unwrap_or(5_000u32) / share;
    let seed = seed();
    let text: String = seed.iter().map(|b| format!("{b:02x}")).collect();
    println!("{count} histories, PERTURB_SEED={text}");
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get() as u32).min(4);
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..threads)
            .map(|thread| {
                let mut seed = seed;
                seed[31] = seed[31].wrapping_add(thread as u8);
                scope.spawn(move || {
                    let config =
                        Config { cases: count.div_ceil(threads), failure_persistence: None, ..Config::default() };
                    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
                    let mut runner = TestRunner::new_with_rng(config, rng);
                    runner.run(&cases(), |case| holds(&case))
                })
            })
            .collect();
        for thread in all {
            if let Err(error) = thread.join().unwrap() {
                panic!("PERTURB_SEED={text}\n{error}");
            }
        }
    });
}

#[test]
fn nothing_is_left_and_nothing_is_green_by_accident() {
    swarm(1, histories, holds);
}
