//! Every history of small plans: each answer may come, come twice, get lost or say that it failed, time may go by meanwhile, the
//! operator may end the run, and the process may die between any two commands.
//!
//! A search over all states, breadth first. So that it ends, a history holds a few mishaps at most; without that bound the same
//! states come again with other times.

use std::collections::{HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use super::world::{DRIVABLE, System, lasting, small};
use crate::engine::drive::{Confirmation, UndoRecord, Was};
use crate::plan::sample::{at, duration, step};
use crate::plan::{EngineName, Plan, StepKind};
use crate::runtime::machine::{Command, Event, Failed, State, Verdict, next_wake, step as machine_step};
use crate::runtime::simulate::candidates;
use crate::types::Duration;

/// The most mishaps in one history; `PERTURB_MISHAPS=3` takes a minute.
fn mishaps() -> u8 {
    std::env::var("PERTURB_MISHAPS").ok().and_then(|n| n.parse().ok()).unwrap_or(2)
}

#[derive(Clone)]
struct World {
    state: State,
    system: System,
    pending: Vec<Event>,
    mishaps: u8,
    ended: bool,
    aborted: bool,
}

impl World {
    fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        // The plan is the same in all; everything else that a state is made of can be printed.
        format!("{:?}{:?}{:?}{}{}", self.state.run, self.system.kept, self.pending, self.mishaps, self.aborted)
            .hash(&mut hasher);
        format!("{:?}", self.system.present).hash(&mut hasher);
        hasher.finish()
    }
}

fn failed(is_final: bool) -> Failed {
    Failed { is_final, reason: "no".into() }
}

/// Every way in which a command may go: what happens to the system, what is answered, whether it is a mishap.
type Way = (fn(&mut System, u32), Option<Event>, bool);

fn ways(command: &Command) -> Vec<Way> {
    let nothing: fn(&mut System, u32) = |_, _| {};
    let land: fn(&mut System, u32) = |system, i| system.land(i);
    let gone: fn(&mut System, u32) = |system, i| system.undo(i);
    match command {
        Command::Prepare { injection, what, engine } => {
            let undo =
                UndoRecord { engine: *engine, injection: what.id.clone(), form: 1, data: serde_json::Value::Null };
            let say = |result| Some(Event::Prepared { injection: *injection, result });
            vec![(nothing, say(Ok(undo)), false), (nothing, say(Err(failed(true))), true), (nothing, None, true)]
        }
        Command::Inject { injection } => {
            let say = |result| Some(Event::Injected { injection: *injection, result });
            vec![
                (land, say(Ok(())), false),
                (land, say(Err(failed(false))), true),
                (nothing, say(Err(failed(true))), true),
                (land, None, true),
                (nothing, None, true),
            ]
        }
        Command::Confirm { injection, .. } => {
            let say = |result| Some(Event::Confirmed { injection: *injection, result });
            vec![
                (nothing, say(Ok(Confirmation::There("seen".into()))), false),
                (nothing, say(Ok(Confirmation::NotSeen("not seen".into()))), true),
                (nothing, say(Err(failed(true))), true),
                (nothing, None, true),
            ]
        }
        Command::Undo { injection, attempt } => {
            let say = |result| Some(Event::Undone { injection: *injection, attempt: *attempt, result });
            vec![
                (gone, say(Ok(Was::AsLeft)), false),
                (gone, say(Ok(Was::GoneBefore("somebody ended it".to_owned()))), true),
                (gone, say(Err(failed(false))), true),
                (nothing, say(Err(failed(false))), true),
                (nothing, say(Err(failed(true))), true),
                (gone, None, true),
                (nothing, None, true),
            ]
        }
        _ => vec![],
    }
}

fn injection_of(command: &Command) -> u32 {
    match command {
        Command::Prepare { injection, .. }
        | Command::Inject { injection }
        | Command::Confirm { injection, .. }
        | Command::Undo { injection, .. } => *injection,
        _ => 0,
    }
}

/// All worlds that may come of these commands, one after the other. Between any two of them the process may die.
fn carry_out(world: World, commands: Vec<Command>) -> Vec<World> {
    let mut worlds = vec![world];
    for command in commands {
        let mut next = Vec::new();
        for mut world in worlds {
            world.system.crash_is_survived();
            world.system.undo_is_in_order(injection_of(&command), &command, &world.state, world.ended);
            match &command {
                Command::Write(record) => {
                    world.ended |= matches!(record, crate::runtime::machine::Record::Ending { .. });
                    world.system.write(record);
                    next.push(world);
                }
                Command::Keep { injection, record } => {
                    if world.mishaps > 0 {
                        // The disk is full: nothing is written, and that is said.
                        let mut full = world.clone();
                        full.mishaps -= 1;
                        full.pending.push(Event::JournalFailed { reason: "full".into() });
                        next.push(full);
                    }
                    world.system.keep(*injection, record);
                    world.pending.push(Event::Kept { injection: *injection });
                    next.push(world);
                }
                Command::Find { draw } => {
                    let result = Ok(candidates(&world.state.plan, *draw, &world.state.drawn()));
                    world.pending.push(Event::Found { draw: *draw, result, entropy: 1 });
                    next.push(world);
                }
                Command::Ready { engine } => {
                    world.pending.push(Event::Ready { engine: *engine, result: Ok(()) });
                    next.push(world);
                }
                Command::Lock { request, .. } => {
                    world.pending.push(Event::Locked { request: *request, result: Ok(()) });
                    next.push(world);
                }
                Command::Left { draw, targets } => {
                    world.pending.push(Event::Left { draw: *draw, result: Ok(targets.clone()) });
                    next.push(world);
                }
                Command::End(outcome) => {
                    let left: Vec<String> = world.system.present.iter().map(|i| format!("r/{}", i + 1)).collect();
                    assert!(
                        left.iter().all(|id| outcome.left.contains(id)),
                        "left without a word: {left:?} {outcome:?}"
                    );
                    assert_eq!(outcome.verdict == Verdict::Error, !outcome.left.is_empty(), "{outcome:?}");
                    if outcome.verdict == Verdict::Confirmed {
                        assert!(world.system.present.is_empty() && !world.aborted);
                    }
                    // Another process cleans up from the disk alone.
                    for open in crate::runtime::machine::outstanding(world.system.disk.clone().iter()) {
                        world.system.undo(open.injection);
                    }
                    assert!(world.system.present.is_empty());
                }
                _ => {
                    for (effect, answer, is_mishap) in ways(&command) {
                        if is_mishap && world.mishaps == 0 {
                            continue;
                        }
                        let mut other = world.clone();
                        other.mishaps -= u8::from(is_mishap);
                        effect(&mut other.system, injection_of(&command));
                        other.pending.extend(answer);
                        other.system.crash_is_survived();
                        next.push(other);
                    }
                }
            }
        }
        worlds = next;
    }
    worlds
}

fn told(mut world: World, event: Event) -> Vec<World> {
    let now = world.state.run.now;
    let commands = machine_step(&mut world.state, now, event);
    carry_out(world, commands)
}

fn successors(world: &World) -> Vec<World> {
    let mut all = Vec::new();
    for index in 0..world.pending.len() {
        let mut other = world.clone();
        let event = other.pending.remove(index);
        if world.mishaps > 0 && !matches!(event, Event::Begin { .. }) {
            // It gets lost; or it comes, and comes again.
            let mut lost = other.clone();
            lost.mishaps -= 1;
            all.push(lost);
            let mut twice = world.clone();
            twice.mishaps -= 1;
            all.extend(told(twice, event.clone()));
        }
        all.extend(told(other, event));
    }
    if !world.aborted {
        let mut other = world.clone();
        other.aborted = true;
        all.extend(told(other, Event::Abort { by: "the operator".into() }));
    }
    if world.pending.is_empty() || world.mishaps > 0 {
        let mut other = world.clone();
        // Answers that are on their way are slow.
        other.mishaps -= u8::from(!world.pending.is_empty());
        if let Some(wake) = next_wake(&other.state) {
            let commands = machine_step(&mut other.state, wake, Event::Tick);
            all.extend(carry_out(other, commands));
        } else {
            assert!(!world.pending.is_empty(), "the machine waits for nothing: {:?}", world.state.run);
        }
    }
    all
}

/// Looks at every state; gives how many there are.
fn explore(plan: Plan, mishaps: u8) -> usize {
    let state = State::new(Arc::new(plan), "r", DRIVABLE);
    let first = World {
        state,
        system: System::default(),
        pending: vec![Event::Begin { wall: 0 }],
        mishaps,
        ended: false,
        aborted: false,
    };
    let mut seen = HashSet::from([first.fingerprint()]);
    let mut open = VecDeque::from([first]);
    while let Some(world) = open.pop_front() {
        for next in successors(&world) {
            // A run that is over has no successor.
            if !next.state.run.over && seen.insert(next.fingerprint()) {
                open.push_back(next);
            }
        }
    }
    seen.len()
}

fn without_samples(method: Vec<crate::plan::Step>) -> Plan {
    let mut plan = small(method);
    plan.expectations.clear();
    plan.guards.clear();
    plan.streams.clear();
    plan.baseline = Duration::ZERO;
    plan.recovery.within = duration("1s");
    plan
}

#[test]
fn a_fault_in_a_fault() {
    let states = explore(
        without_samples(vec![step(StepKind::With { fault: 0, steps: vec![lasting(1, "1s")] }, at(8))]),
        mishaps(),
    );
    println!("{states} states");
    assert!(states > 1_000);
}

#[test]
fn one_after_the_other_on_one_draw() {
    let instant = step(StepKind::Inject { fault: 3, lasts: None }, at(7));
    let states = explore(without_samples(vec![instant, lasting(0, "1s"), lasting(2, "1s")]), mishaps());
    println!("{states} states");
    assert!(states > 1_000);
}

#[test]
fn an_irreversible_fault_is_no_error_but_is_never_forgotten() {
    let mut plan = without_samples(vec![lasting(0, "1s")]);
    plan.faults[0].irreversible = Some("the data are gone".into());
    // What such a fault leaves is known beforehand: it is written down, and the run does not end in `error` for it.
    let mut state = State::new(Arc::new(plan), "r", DRIVABLE);
    let mut system = System::default();
    let mut pending = VecDeque::from([Event::Begin { wall: 0 }]);
    let mut outcome = None;
    while outcome.is_none() {
        let (now, event) = match pending.pop_front() {
            Some(event) => (state.run.now, event),
            None => (next_wake(&state).unwrap(), Event::Tick),
        };
        for command in machine_step(&mut state, now, event) {
            match &command {
                Command::Write(record) => system.write(record),
                Command::Keep { injection, record } => {
                    system.keep(*injection, record);
                    pending.push_back(Event::Kept { injection: *injection });
                }
                Command::Ready { engine } => pending.push_back(Event::Ready { engine: *engine, result: Ok(()) }),
                Command::Find { draw } => {
                    let result = Ok(candidates(&state.plan, *draw, &state.drawn()));
                    pending.push_back(Event::Found { draw: *draw, result, entropy: 1 });
                }
                Command::Lock { request, .. } => pending.push_back(Event::Locked { request: *request, result: Ok(()) }),
                Command::Undo { injection, attempt } => pending.push_back(Event::Undone {
                    injection: *injection,
                    attempt: *attempt,
                    result: Err(failed(true)),
                }),
                Command::End(end) => outcome = Some(end.clone()),
                other => pending.extend(ways(other).into_iter().next().and_then(|(_, event, _)| event)),
            }
        }
    }
    assert_eq!(outcome.unwrap().verdict, Verdict::Confirmed);
    assert!(system.disk.iter().any(|r| matches!(r, crate::runtime::machine::Record::MayBeLeft { .. })));
    assert_eq!(EngineName::ChaosMesh, DRIVABLE[0]);
}

#[test]
fn two_side_by_side() {
    let branches = vec![lasting(0, "1s"), lasting(1, "2s")];
    let mut plan = without_samples(vec![step(StepKind::Parallel(branches), at(8))]);
    plan.draws.truncate(2);
    // Answers of two injections come in every order: one mishap fewer, or it takes minutes.
    let states = explore(plan, mishaps().saturating_sub(1));
    println!("{states} states");
    assert!(states > 1_000);
}
