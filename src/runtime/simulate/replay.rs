//! A recorded run, once more: the machine decides anew about what was answered then.
//!
//! Comes in: the plan and the records of a run, each with its time. Goes out: what the machine says now, and where that is not
//! what was written down. Each answer comes at the time of the record that it gave then, and the machine is called at the times at
//! which it wrote something then: so a replay has the moments of the run, not those of a grid. Answers of one moment come in the
//! order of their records: a busy machine hears a late answer after a newer one. Nothing is reached: not even a clock.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::World;
use crate::engine::drive::{Confirmation, Target, Was};
use crate::plan::{EngineName, Plan};
use crate::runtime::machine::{
    Answer, Command, EndedBy, Event, Failed, Outcome, PhaseName, QUESTIONS, Record, State, step,
};
use crate::types::Duration;

/// A run as a journal has it.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// Its id.
    pub run: String,
    /// Seconds since 1970 when it began: for open hours.
    pub wall: i64,
    /// Each record, with the time since the run began.
    pub records: Vec<(Duration, Record)>,
}

/// What came of a replay.
#[derive(Debug, Clone, PartialEq)]
pub struct Replayed {
    /// The end; `None`: the recording has none, the run was broken off.
    pub outcome: Option<Outcome>,
    /// Everything that was written down this time.
    pub records: Vec<(Duration, Record)>,
    /// When the first step of the method began.
    pub zero: Duration,
    /// The first record that is not as it was then, in words; `None`: the run is the same, record by record.
    pub differs: Option<String>,
}

/// Runs it once more. `drivable`: the engines that could be driven then.
#[must_use]
pub fn replay(plan: &Arc<Plan>, recorded: &Recorded, drivable: &[EngineName]) -> Replayed {
    let mut state = State::new(plan.clone(), &recorded.run, drivable);
    let is_unasked = |record: &Record| matches!(record, Record::Preflight { what, ok: false, .. } if what == QUESTIONS);
    if recorded.records.iter().any(|(_, record)| is_unasked(record)) {
        state.nobody_is_there();
    }
    let mut then = Then { plan: plan.clone(), records: &recorded.records, used: BTreeSet::new(), made_from: None };
    // By time, then by the record that an event gave (those without one last), then as they come.
    let mut queue: BTreeMap<(Duration, usize, u64), Event> = BTreeMap::new();
    let mut number = 0u64;
    let begin = recorded.records.first().map_or(Duration::ZERO, |(at, _)| *at);
    queue.insert((begin, 0, 0), Event::Begin { wall: recorded.wall });
    for (at, index, event) in then.operator() {
        number += 1;
        queue.insert((at, index, number), event);
    }
    // When the machine was called then, as far as anybody knows: when it wrote, and when it asked.
    let mut moments: BTreeSet<Duration> = recorded.records.iter().map(|(at, _)| *at).collect();
    moments.extend(recorded.records.iter().filter_map(|(_, record)| match record {
        Record::Sample { asked, .. } => Some(*asked),
        _ => None,
    }));
    let mut records: Vec<(Duration, Record)> = Vec::new();
    let mut outcome = None;
    while outcome.is_none() {
        let answer = queue.keys().next().map(|(at, ..)| *at);
        let Some(now) = answer.into_iter().chain(moments.first().copied()).min() else { break };
        moments.remove(&now);
        let event = match answer {
            Some(at) if at == now => queue.pop_first().map_or(Event::Tick, |(_, event)| event),
            _ => Event::Tick,
        };
        for command in step(&mut state, now, event) {
            if let Command::Write(record) | Command::Keep { record, .. } = &command {
                records.push((now, record.clone()));
            }
            then.made_from = None;
            for (at, event) in then.answer(now, &command, &state) {
                number += 1;
                queue.insert((at.max(now), then.made_from.unwrap_or(usize::MAX), number), event);
            }
            if let Command::End(end) = command {
                outcome = Some(*end);
            }
        }
    }
    let zero = records.iter().find(|(_, r)| matches!(r, Record::StepBegan { .. })).map(|(at, _)| *at);
    let differs = first_difference(&recorded.records, &records);
    Replayed { outcome, zero: zero.unwrap_or(plan.baseline), records, differs }
}

/// Where two recordings part. The machine of another version may word a thing in another way: that counts, too.
fn first_difference(then: &[(Duration, Record)], now: &[(Duration, Record)]) -> Option<String> {
    let words = |record: &Record| super::told(record).unwrap_or_else(|| format!("{record:?}"));
    let pair = then.iter().zip(now).find(|((_, a), (_, b))| a != b);
    if let Some(((at, was), (_, is))) = pair {
        return Some(format!("at {at} it was `{}`, and is `{}`", words(was), words(is)));
    }
    match then.len().cmp(&now.len()) {
        std::cmp::Ordering::Equal => None,
        std::cmp::Ordering::Greater => {
            then.get(now.len()).map(|(at, was)| format!("at {at} it was `{}`, and is nothing", words(was)))
        }
        std::cmp::Ordering::Less => {
            now.get(then.len()).map(|(at, is)| format!("at {at} it was nothing, and is `{}`", words(is)))
        }
    }
}

/// What was answered then, found by the record that each answer gave.
struct Then<'r> {
    plan: Arc<Plan>,
    records: &'r [(Duration, Record)],
    /// Records that an answer was made from.
    used: BTreeSet<usize>,
    /// The record that the last answer was made from.
    made_from: Option<usize>,
}

impl<'r> Then<'r> {
    /// The first record from a time on that nothing was made from yet and that says this; it counts as used.
    fn next<T>(&mut self, from: Duration, of: impl Fn(&'r Record) -> Option<T>) -> Option<(Duration, T)> {
        let start = self.records.partition_point(|(at, _)| *at < from);
        for (index, (at, record)) in self.records.iter().enumerate().skip(start) {
            if !self.used.contains(&index)
                && let Some(found) = of(record)
            {
                self.used.insert(index);
                self.made_from = Some(index);
                return Some((*at, found));
            }
        }
        None
    }

    /// What preflight found of something.
    fn preflight(&mut self, now: Duration, wanted: &str) -> Option<(Duration, Result<String, String>)> {
        self.next(now, |record| match record {
            Record::Preflight { what, ok, found } if what == wanted => {
                Some(if *ok { Ok(found.clone()) } else { Err(found.clone()) })
            }
            _ => None,
        })
    }

    /// What came of something that was done for an injection: this; else why it was not there.
    fn done<T>(
        &mut self,
        now: Duration,
        wanted: u32,
        of: impl Fn(&'r Record) -> Option<T>,
    ) -> Option<(Duration, Result<T, Failed>)> {
        if let Some((at, done)) = self.next(now, of) {
            return Some((at, Ok(done)));
        }
        self.next(now, |record| match record {
            Record::NotThere { injection, reason } if *injection == wanted => {
                Some(Err(Failed { is_final: true, reason: reason.clone() }))
            }
            _ => None,
        })
    }

    /// What people did by themselves, and faults that vanished: when, and the record that says so.
    fn operator(&self) -> Vec<(Duration, usize, Event)> {
        let ended = self.records.iter().find_map(|(_, record)| match record {
            Record::Ended { outcome } => Some(&outcome.ended_by),
            _ => None,
        });
        let mut events = Vec::new();
        let mut there = BTreeSet::new();
        for (index, (at, record)) in self.records.iter().enumerate() {
            match (record, ended) {
                (Record::There { injection, .. }, _) => {
                    there.insert(*injection);
                }
                (Record::NotThere { injection, reason }, _) if there.contains(injection) => {
                    events.push((*at, index, Event::Vanished { injection: *injection, reason: reason.clone() }));
                }
                (Record::Intervened { who, what }, _) => {
                    events.push((*at, index, Event::Intervened { who: who.clone(), what: what.clone() }));
                }
                (Record::Ending { .. }, Some(EndedBy::Operator(by))) => {
                    events.push((*at, index, Event::Abort { by: by.clone() }));
                }
                _ => {}
            }
        }
        events
    }

    /// The candidates of a draw, and the chance that decided.
    fn candidates(&mut self, now: Duration, wanted: u32) -> Option<(Duration, Event)> {
        let (at, (entropy, candidates)) = self.next(now, |record| match record {
            Record::Draw { draw, entropy, .. } if *draw == wanted => Some((*entropy, targets(record))),
            _ => None,
        })?;
        Some((at, Event::Found { draw: wanted, result: Ok(candidates), entropy }))
    }

    /// The candidates as preflight counted them. Who they were is known once they are drawn; before that, how many.
    fn counted(&mut self, now: Duration, wanted: u32) -> Option<(Duration, Event)> {
        let text = self.plan.draws.get(wanted as usize)?.text.clone();
        let (at, found) = self.preflight(now, &text)?;
        let result = found.map(|found| {
            let drawn = self.records.iter().find_map(|(_, record)| match record {
                Record::Draw { draw, .. } if *draw == wanted => Some(targets(record)),
                _ => None,
            });
            let count = found.split(' ').nth(2).and_then(|n| n.parse().ok()).unwrap_or(1);
            let named = |n: u32| Target { id: format!("{text}#{n}").into(), service: None, facts: BTreeMap::new() };
            drawn.unwrap_or_else(|| (0..count).map(named).collect())
        });
        Some((at, Event::Found { draw: wanted, result, entropy: 0 }))
    }

    fn sample(&mut self, now: Duration, wanted: u32, was_asked: Duration) -> Option<(Duration, Event)> {
        let (at, result) = self.next(now, |record| match record {
            Record::Sample { stream, asked, value, missing, because, .. }
                if (*stream, *asked) == (wanted, was_asked) =>
            {
                let missing = missing.clone().unwrap_or_default();
                let answer = value.clone().map(|value| Answer { value, because: because.clone() });
                Some(answer.ok_or(missing))
            }
            _ => None,
        })?;
        Some((at, Event::Sampled { stream: wanted, asked: was_asked, result }))
    }

    fn undo(&mut self, now: Duration, wanted: u32, tried: u32) -> Option<(Duration, Event)> {
        let (at, result) = self.next(now, |record| match record {
            Record::Undone { injection, early } if *injection == wanted => {
                Some(Ok(early.clone().map_or(Was::AsLeft, Was::GoneBefore)))
            }
            Record::UndoFailed { injection, attempt, reason } if (*injection, *attempt) == (wanted, tried) => {
                Some(Err(Failed { is_final: false, reason: reason.clone() }))
            }
            _ => None,
        })?;
        Some((at, Event::Undone { injection: wanted, attempt: tried, result }))
    }

    /// The undo is on disk once the phase begins that it allows; later ones say nothing.
    fn kept(&mut self, now: Duration, state: &State) -> Duration {
        let begins = |record: &Record| matches!(record, Record::Phase { phase: PhaseName::Faults }).then_some(());
        if state.run.phase == PhaseName::Baseline { self.next(now, begins).map_or(now, |(at, ())| at) } else { now }
    }
}

/// All candidates of a recorded draw, those that were hit with all that was known of them.
fn targets(record: &Record) -> Vec<Target> {
    let Record::Draw { candidates, targets, .. } = record else { return Vec::new() };
    let bare = |id: &smol_str::SmolStr| Target { id: id.clone(), service: None, facts: BTreeMap::new() };
    candidates.iter().map(|id| targets.iter().find(|t| t.id == *id).cloned().unwrap_or_else(|| bare(id))).collect()
}

impl World for Then<'_> {
    fn answer(&mut self, now: Duration, command: &Command, state: &State) -> Vec<(Duration, Event)> {
        let answer = match command {
            Command::Ready { engine } => {
                let found = self.preflight(now, engine.text());
                found.map(|(at, found)| (at, Event::Ready { engine: *engine, result: found.map(drop) }))
            }
            Command::Judge { rule } => {
                let text = self.plan.rules.get(*rule as usize).map_or_else(String::new, |r| r.text.clone());
                self.preflight(now, &text).map(|(at, result)| (at, Event::Judged { rule: *rule, result }))
            }
            Command::Approve { approval } => {
                let wanted = self.plan.approvals.get(*approval as usize).map(|a| a.team.clone()).unwrap_or_default();
                let what = format!("approval by {wanted}");
                self.next(now, |record| match record {
                    Record::Approval { team, by } if *team == wanted => Some(Ok(by.clone())),
                    Record::Preflight { what: of, found, .. } if *of == what => Some(Err(found.clone())),
                    _ => None,
                })
                .map(|(at, result)| (at, Event::Approved { approval: *approval, result }))
            }
            Command::Find { draw } if state.run.phase == PhaseName::Preflight => self.counted(now, *draw),
            Command::Find { draw } => self.candidates(now, *draw),
            Command::Left { draw, targets } => Some((now, Event::Left { draw: *draw, result: Ok(targets.clone()) })),
            Command::Lock { request, .. } => {
                let found = if state.run.phase == PhaseName::Preflight { self.preflight(now, "locks") } else { None };
                let (at, result) = found.map_or((now, Ok(())), |(at, found)| (at, found.map(drop)));
                Some((at, Event::Locked { request: *request, result }))
            }
            Command::Sample { stream, asked, .. } => self.sample(now, *stream, *asked),
            Command::Prepare { injection, .. } => self
                .done(now, *injection, |record| match record {
                    Record::Intent { injection: of, undo, .. } if of == injection => Some(undo.clone()),
                    _ => None,
                })
                .map(|(at, result)| (at, Event::Prepared { injection: *injection, result })),
            Command::Keep { injection, .. } => Some((self.kept(now, state), Event::Kept { injection: *injection })),
            Command::Inject { injection } => self
                .done(now, *injection, |record| match record {
                    Record::Injected { injection: of } if of == injection => Some(()),
                    _ => None,
                })
                .map(|(at, result)| (at, Event::Injected { injection: *injection, result })),
            Command::Confirm { injection, .. } => self
                .done(now, *injection, |record| match record {
                    Record::There { injection: of, seen } if of == injection => Some(Confirmation::There(seen.clone())),
                    _ => None,
                })
                .map(|(at, result)| (at, Event::Confirmed { injection: *injection, result })),
            Command::Undo { injection, attempt } => self.undo(now, *injection, *attempt),
            Command::Ask(question) => self
                .next(now, |record| match record {
                    Record::Answered { who, yes } => Some((who.clone(), *yes)),
                    _ => None,
                })
                .map(|(at, (who, yes))| (at, Event::Answered { node: question.node, yes, who })),
            Command::Prompt(question) => self
                .next(now, |record| match record {
                    Record::Note { who: Some(who), words } => Some((who.clone(), words.clone())),
                    _ => None,
                })
                .map(|(at, (who, words))| (at, Event::Noted { node: question.node, who, words })),
            Command::Write(_) | Command::Withdraw { .. } | Command::End(_) => None,
        };
        answer.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Scripted, run};
    use super::*;
    use crate::plan::sample::percent;
    use crate::runtime::machine::Verdict;
    use crate::runtime::machine::tests::world::{DRIVABLE, lasting, small};
    use crate::types::Value;

    /// What is asked first is heard last, in the same moment: a busy machine hears its answers in any order.
    struct Busy<'s> {
        inner: Scripted<'s>,
        late: Option<Event>,
    }

    impl World for Busy<'_> {
        fn answer(&mut self, now: Duration, command: &Command, state: &State) -> Vec<(Duration, Event)> {
            let mut answers = self.inner.answer(now, command, state);
            match command {
                Command::Sample { stream: 0, .. } => self.late = answers.pop().map(|(_, event)| event),
                Command::Sample { .. } => answers.extend(self.late.take().map(|late| (answers[0].0, late))),
                _ => {}
            }
            answers
        }
    }

    #[test]
    fn late_answers_of_one_moment_come_in_their_order() {
        let plan = Arc::new(small(vec![lasting(0, "30s")]));
        let inner = Scripted {
            samples: Box::new(|_, _| Ok(Value::Percent(percent("100%")))),
            effect: Duration::from_millis(100),
            answer: Duration::from_millis(50),
            entropy: 7,
            yes: true,
            not_there: vec![],
        };
        let mut world = Busy { inner, late: None };
        let mut records = Vec::new();
        let wall = 1_764_000_000;
        let mut state = State::new(plan.clone(), "r1", DRIVABLE);
        let outcome =
            run(&mut state, &mut world, vec![(Duration::ZERO, Event::Begin { wall })], &mut |now, command| {
                if let Command::Write(record) | Command::Keep { record, .. } = command {
                    records.push((now, record.clone()));
                }
            });
        let stream = |record: &Record| match record {
            Record::Sample { stream, .. } => Some(*stream),
            _ => None,
        };
        let overtaken = records
            .windows(2)
            .any(|two| two[0].0 == two[1].0 && stream(&two[0].1) == Some(1) && stream(&two[1].1) == Some(0));
        assert!(overtaken, "no answer was overtaken: {records:?}");
        let recorded = Recorded { run: "r1".to_owned(), wall, records };
        let replayed = replay(&plan, &recorded, DRIVABLE);
        assert_eq!(replayed.differs, None);
        assert_eq!(replayed.outcome, outcome);
        assert!(matches!(replayed.outcome.map(|o| o.verdict), Some(Verdict::Confirmed)));
    }
}
