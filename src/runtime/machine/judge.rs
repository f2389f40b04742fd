//! Samples and what follows from them: streams, gaps, expectations, guards, the recovery. `docs/semantics.md` in code.

use smol_str::SmolStr;

use super::clock::after;
use super::condition::{evaluate, fits};
use super::event::{Answer, Command};
use super::state::{NodeKind, NodeState, State, Watch};
use super::{EndedBy, Observed, PhaseName, Record, Subject, Verdict};
use crate::plan::{Condition, Expectation, GuardWhen, Phase, RecoveryClass};
use crate::types::{Duration, Value};

/// A machine that comes to look at the clock this long after a question's time is over was itself held up: the silence that it
/// sees may be its own.
const STILL_TELLS: Duration = Duration::from_millis(1000);

/// A sample of a whole condition.
#[derive(Debug, Clone, Copy)]
struct Seen {
    /// The moment of the oldest sample in it.
    from: Duration,
    /// The moment of the newest.
    at: Duration,
    holds: bool,
}

/// Who looks at a sample.
#[derive(Debug, Clone, Copy)]
enum Judge {
    Guard(usize),
    Expectation(usize),
    Check(usize),
}

/// What must hold of an expectation in a phase, and for how long it may be false; `None`: nothing is judged.
fn demand(expectation: &Expectation, phase: PhaseName) -> Option<(&Condition, Option<Duration>)> {
    let is_faults = matches!(phase, PhaseName::Faults | PhaseName::Recovering);
    let grace = if is_faults { expectation.within } else { None };
    match (&expectation.phase, phase) {
        (_, PhaseName::Preflight) => None,
        (Phase::Always, _) => Some((&expectation.condition, grace)),
        (Phase::Relaxed { condition, .. }, _) if is_faults => Some((condition, grace)),
        (Phase::Relaxed { .. }, _) => Some((&expectation.condition, grace)),
        (Phase::ExceptDuringFaults, _) if is_faults => None,
        (Phase::ExceptDuringFaults, _) => Some((&expectation.condition, grace)),
        (Phase::OnlyDuringFaults, PhaseName::Faults) => Some((&expectation.condition, grace)),
        (Phase::OnlyDuringFaults, _) => None,
    }
}

impl State {
    /// Asks what is due, gives up what is late, and notices gaps.
    pub(super) fn stream_time(&mut self) {
        let now = self.run.now;
        let plan = self.plan.clone();
        let mut late = Vec::new();
        for (index, (stream, state)) in (0..).zip(plan.streams.iter().zip(&mut self.run.streams)) {
            if let Some(next) = state.next.filter(|next| *next <= now) {
                let every = stream.every.max(Duration::from_millis(1));
                // Always on the grid of the first question; what was slept through is not made up for.
                let missed = now.minus(next).as_nanos() / every.as_nanos();
                state.next = Some(next.plus(every.times(missed + 1)));
                if !state.pending.contains(&now) {
                    state.pending.push(now);
                    self.out.push(Command::Sample { stream: index, asked: now, timeout: stream.timeout });
                }
            }
            let is_late = |asked: &Duration| now > asked.plus(stream.timeout);
            late.extend(state.pending.iter().copied().filter(is_late).map(|asked| (index, asked)));
            let heard = state.latest.as_ref().map(|(at, _)| *at).or(state.since);
            if !state.in_gap && heard.is_some_and(|at| now > at.plus(stream.patience)) {
                state.in_gap = true;
                self.out.push(Command::Write(Record::Gap { stream: index }));
            }
        }
        for (index, asked) in late {
            let Some(stream) = plan.streams.get(index as usize) else { continue };
            // Who looks at the clock much too late cannot tell whether the answer was.
            let is_told = now <= asked.plus(stream.timeout).plus(STILL_TELLS);
            let silence = match Answer::silence(stream) {
                Ok(answer) if !is_told => Err(answer.because.unwrap_or_default()),
                silence => silence,
            };
            self.sampled(index, asked, silence);
        }
    }

    pub(super) fn stream_wakes(&self, due: &mut Vec<Duration>) {
        for (stream, state) in self.plan.streams.iter().zip(&self.run.streams) {
            due.extend(state.next);
            due.extend(state.pending.iter().map(|asked| after(asked.plus(stream.timeout))));
            if !state.in_gap {
                let heard = state.latest.as_ref().map(|(at, _)| *at).or(state.since);
                due.extend(heard.map(|at| after(at.plus(stream.patience))));
            }
        }
    }

    pub(super) fn sampled(&mut self, index: u32, asked: Duration, result: Result<Answer, String>) {
        let plan = self.plan.clone();
        let (Some(stream), Some(state)) = (plan.streams.get(index as usize), self.run.streams.get_mut(index as usize))
        else {
            return;
        };
        // An answer that nobody waits for any more, or that came twice.
        let Some(place) = state.pending.iter().position(|at| *at == asked) else { return };
        state.pending.remove(place);
        let result = result.and_then(|answer| {
            let value = &answer.value;
            // That nobody answers in time is never said before the time is over.
            let is_silence = stream.unanswered().as_ref() == Some(value);
            if self.run.now > asked.plus(stream.timeout) && !is_silence {
                Err(format!("the answer came after {}", self.run.now.minus(asked)))
            } else if fits(&stream.of_type, value) {
                Ok(answer)
            } else {
                Err(format!("{} is not a {}", value.describe(), stream.of_type))
            }
        });
        let answer = match result {
            Ok(answer) => answer,
            Err(reason) => {
                let missing = Some(reason.clone());
                state.silence.clone_from(&missing);
                self.write(Record::Sample {
                    stream: index,
                    asked,
                    value: None,
                    missing,
                    because: None,
                    judged: vec![],
                });
                return self.first_sample(index, Some(&reason));
            }
        };
        let seen = self.look(index, asked, &answer.value);
        let names = seen.iter().filter_map(|(judge, seen)| Some((self.name_of(*judge)?, seen.holds))).collect();
        let (written, because) = (Some(answer.value.clone()), answer.because.clone());
        self.write(Record::Sample { stream: index, asked, value: written, missing: None, because, judged: names });
        if let Some(state) = self.run.streams.get_mut(index as usize) {
            state.silence = None;
            if state.latest.as_ref().is_none_or(|(at, _)| *at <= asked) {
                state.latest = Some((asked, answer.clone()));
            }
            let heard = state.latest.as_ref().map_or(asked, |(at, _)| *at);
            state.in_gap = self.run.now > heard.plus(stream.patience);
        }
        for (judge, seen) in seen {
            match judge {
                Judge::Guard(guard) => self.guard_sees(guard, seen, (index, &answer)),
                Judge::Expectation(expectation) => self.expectation_sees(expectation, seen, index, asked, &answer),
                Judge::Check(node) => self.check_sees(node, seen),
            }
        }
        self.first_sample(index, None);
    }

    fn name_of(&self, judge: Judge) -> Option<SmolStr> {
        match judge {
            Judge::Guard(guard) => Some(format!("guard-{}", guard + 1).into()),
            Judge::Expectation(e) => {
                let expectation = self.plan.expectations.get(e)?;
                demand(expectation, self.run.phase).map(|_| expectation.name.clone())
            }
            Judge::Check(node) => match &self.run.nodes.get(node)?.kind {
                NodeKind::Check { name, .. } => Some(name.clone()),
                _ => None,
            },
        }
    }

    /// What each condition over this stream says with the new sample. Nothing is changed yet.
    fn look(&self, stream: u32, asked: Duration, value: &Value) -> Vec<(Judge, Seen)> {
        let mut found = Vec::new();
        for (index, (guard, state)) in self.plan.guards.iter().zip(&self.run.guards).enumerate() {
            if let GuardWhen::Condition(condition) = &guard.when
                && let Some(seen) = self.see(condition, &state.watch.streams, stream, asked, value)
            {
                found.push((Judge::Guard(index), seen));
            }
        }
        for (index, (expectation, state)) in self.plan.expectations.iter().zip(&self.run.expectations).enumerate() {
            let condition = demand(expectation, self.run.phase).map_or(&expectation.condition, |(c, _)| c);
            if let Some(seen) = self.see(condition, &state.watch.streams, stream, asked, value) {
                found.push((Judge::Expectation(index), seen));
            }
        }
        for (index, node) in self.run.nodes.iter().enumerate() {
            if let (NodeKind::Check { condition, .. }, NodeState::Running { .. }) = (&node.kind, &node.state)
                && let Some(seen) = self.see(condition, &condition.streams(), stream, asked, value)
            {
                found.push((Judge::Check(index), seen));
            }
        }
        found
    }

    /// A sample of a whole condition: the new one, and of each other stream the latest, if it is not older than its patience.
    fn see(&self, condition: &Condition, streams: &[u32], new: u32, asked: Duration, value: &Value) -> Option<Seen> {
        if !streams.contains(&new) {
            return None;
        }
        let sample = |stream: u32| -> Option<(Duration, &Value)> {
            if stream == new {
                return Some((asked, value));
            }
            let patience = self.plan.streams.get(stream as usize)?.patience;
            let (at, answer) = self.run.streams.get(stream as usize)?.latest.as_ref()?;
            (asked <= at.plus(patience)).then_some((*at, &answer.value))
        };
        let moments: Option<Vec<Duration>> = streams.iter().map(|s| sample(*s).map(|(at, _)| at)).collect();
        let moments = moments?;
        let holds = evaluate(condition, &|stream| sample(stream).map(|(_, value)| value))?;
        Some(Seen { from: moments.iter().copied().min()?, at: moments.into_iter().max()?, holds })
    }

    fn guard_sees(&mut self, index: usize, seen: Seen, new: (u32, &Answer)) {
        let hold = self.plan.guards.get(index).and_then(|g| g.hold).unwrap_or_default();
        let Some(guard) = self.run.guards.get_mut(index) else { return };
        if guard.watch.newest.is_some_and(|newest| seen.at < newest) {
            // It was overtaken. It says nothing about how long, but one true sample is enough for a guard without `for`.
            if hold.is_zero() && seen.holds {
                let values = self.guard_values(index, new);
                self.guard_fires(index, &format!("one sample, which came late{values}"));
            }
            return;
        }
        guard.watch.newest = Some(seen.at);
        guard.watch.holds = Some(seen.holds);
        guard.watch.in_gap = false;
        if !seen.holds {
            guard.true_since = None;
            return;
        }
        let since = *guard.true_since.get_or_insert(seen.at);
        if seen.at.minus(since) >= hold {
            let why = if hold.is_zero() { "it was true".to_owned() } else { format!("it was true for {hold}") };
            let values = self.guard_values(index, new);
            self.guard_fires(index, &format!("{why}{values}"));
        }
    }

    fn guard_values(&self, index: usize, new: (u32, &Answer)) -> String {
        match self.plan.guards.get(index).map(|guard| &guard.when) {
            Some(GuardWhen::Condition(condition)) => self.values(condition, Some(new)),
            _ => String::new(),
        }
    }

    fn guard_fires(&mut self, index: usize, why: &str) {
        let plan = self.plan.clone();
        let (Some(guard), Some(state)) = (plan.guards.get(index), self.run.guards.get_mut(index)) else { return };
        if state.fired || self.run.phase == PhaseName::Preflight || self.run.over {
            return;
        }
        state.fired = true;
        let text = format!("abort when {}", guard.text);
        self.write(Record::GuardFired { guard: guard.text.clone(), text: why.to_owned() });
        match self.run.phase {
            PhaseName::Preflight => {}
            PhaseName::Baseline => {
                self.reason(Verdict::NotRun, Subject::Guard(guard.text.clone()), format!("{text}: {why}"));
                self.end_method(EndedBy::Guard(guard.text.clone()), &text);
            }
            PhaseName::Faults => {
                // Whatever ended the method before: the guard would have.
                self.reason(Verdict::Aborted, Subject::Guard(guard.text.clone()), format!("{text}: {why}"));
                self.end_method(EndedBy::Guard(guard.text.clone()), &text);
            }
            PhaseName::Recovering | PhaseName::Recovered => self.run.stops_series = true,
        }
    }

    fn expectation_sees(&mut self, index: usize, seen: Seen, stream: u32, asked: Duration, answer: &Answer) {
        let plan = self.plan.clone();
        let Some(expectation) = plan.expectations.get(index) else { return };
        let (now_in, was_in) = (self.run.phase, self.phase_at(seen.from));
        let newest = self.run.expectations.get(index).and_then(|e| e.watch.newest);
        let is_overtaken = newest.is_some_and(|newest| seen.at < newest);
        if let Some(state) = self.run.expectations.get_mut(index) {
            state.watch.newest = Some(newest.map_or(seen.at, |n| n.max(seen.at)));
            state.watch.in_gap = false;
        }
        self.recovery_sees(index, expectation, stream, asked, &answer.value);
        let (Some((condition, grace)), Some((before, earlier))) =
            (demand(expectation, now_in), demand(expectation, was_in))
        else {
            return;
        };
        // Asked in a phase that demanded something else, answered in this one: it says nothing about either.
        if condition != before {
            return;
        }
        let values = if seen.holds { String::new() } else { self.values(condition, Some((stream, answer))) };
        let Some(state) = self.run.expectations.get_mut(index) else { return };
        match now_in {
            PhaseName::Baseline => state.seen.0 = true,
            PhaseName::Faults | PhaseName::Recovering => state.seen.1 = true,
            PhaseName::Preflight | PhaseName::Recovered => {}
        }
        state.seen_in_faults |= was_in == PhaseName::Faults;
        if seen.holds {
            state.held |= matches!(now_in, PhaseName::Faults | PhaseName::Recovering);
            if !is_overtaken {
                state.false_since = None;
            }
            return;
        }
        // Asked before the first injection, answered after it: what was false already then has no grace.
        match earlier.and(grace) {
            None => self.refute(index, &format!("{} did not hold{values}", said(expectation, now_in))),
            Some(_) if is_overtaken => {}
            Some(grace) => {
                let since = *state.false_since.get_or_insert(seen.at);
                if seen.at.minus(since) > grace {
                    let what = said(expectation, now_in);
                    self.refute(index, &format!("{what} did not hold for longer than {grace}{values}"));
                }
            }
        }
    }

    fn refute(&mut self, index: usize, text: &str) {
        let plan = self.plan.clone();
        let (Some(expectation), Some(state)) = (plan.expectations.get(index), self.run.expectations.get_mut(index))
        else {
            return;
        };
        if state.refuted {
            return;
        }
        state.refuted = true;
        let subject = Subject::Expectation(expectation.name.clone());
        if matches!(self.run.phase, PhaseName::Preflight | PhaseName::Baseline) {
            let text = format!("before anything was injected, {text}");
            self.reason(Verdict::NotRun, subject, text.clone());
            return self.end_method(EndedBy::Baseline, &text);
        }
        self.write(Record::Refuted { subject: subject.clone(), text: text.to_owned() });
        self.reason(Verdict::Refuted, subject, text);
        self.refuted();
    }

    /// `abort when refuted`.
    pub(super) fn refuted(&mut self) {
        let plan = self.plan.clone();
        let guard = plan.guards.iter().find(|g| g.when == GuardWhen::Refuted);
        if let (Some(guard), PhaseName::Faults) = (guard, self.run.phase) {
            self.end_method(EndedBy::Guard(guard.text.clone()), "abort when refuted");
        }
    }

    fn check_sees(&mut self, index: usize, seen: Seen) {
        let Some(node) = self.run.nodes.get_mut(index) else { return };
        let NodeKind::Check { within, .. } = &node.kind else { return };
        let within = *within;
        let NodeState::Running { began, failing, .. } = &mut node.state else { return };
        // What was asked before the check began says nothing about it.
        if seen.from < *began {
            return;
        }
        *failing = !seen.holds;
        let failed = !seen.holds && within.is_none();
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        if seen.holds {
            self.finish(index);
        } else if failed {
            self.check_ends(index);
        }
    }

    /// Notices what is missing: silence of a guard counts as true, that of an expectation as doubt.
    pub(super) fn judge_time(&mut self) {
        if self.run.ended_by.is_some() && self.run.method_over && self.run.leave {
            return;
        }
        self.guards_time();
        self.expectations_time();
        self.baseline_time();
    }

    fn guards_time(&mut self) {
        let plan = self.plan.clone();
        for (index, guard) in plan.guards.iter().enumerate() {
            let Some(state) = self.run.guards.get(index) else { continue };
            let Some(since) = self.gap_since(&state.watch) else { continue };
            if state.fired || self.run.phase == PhaseName::Preflight || since > self.run.now {
                continue;
            }
            let Some(state) = self.run.guards.get_mut(index) else { continue };
            state.watch.in_gap = true;
            let since = *state.true_since.get_or_insert(since);
            if self.run.now.minus(since) >= guard.hold.unwrap_or_default() {
                self.guard_fires(index, "its samples are missing");
            }
        }
    }

    fn expectations_time(&mut self) {
        let plan = self.plan.clone();
        for (index, expectation) in plan.expectations.iter().enumerate() {
            let Some(state) = self.run.expectations.get(index) else { continue };
            let Some(since) = self.gap_since(&state.watch) else { continue };
            if state.watch.in_gap || since > self.run.now {
                continue;
            }
            if let Some(state) = self.run.expectations.get_mut(index) {
                state.watch.in_gap = true;
                state.holds_since = None;
                state.seen_false = false;
            }
            if demand(expectation, self.run.phase).is_none() {
                continue;
            }
            let subject = Subject::Expectation(expectation.name.clone());
            let name = &expectation.name;
            if self.run.phase == PhaseName::Baseline {
                let why = self.silence(index);
                let text = format!("the samples of `{name}` are missing before anything was injected{why}");
                self.reason(Verdict::NotRun, subject, text);
                self.end_method(EndedBy::Baseline, "samples are missing");
            } else {
                let phase = self.run.phase.text();
                let why = self.silence(index);
                let text = format!("the samples of `{name}` were missing in the phase `{phase}`{why}");
                self.reason(Verdict::Inconclusive, subject, text);
            }
        }
    }

    /// Why an expectation has no sample, in brackets: what was wrong with the last answer of a stream of it.
    fn silence(&self, expectation: usize) -> String {
        let watched = self.run.expectations.get(expectation).map_or(&[][..], |state| &state.watch.streams);
        let why = |index: &u32| {
            let reason = self.run.streams.get(*index as usize)?.silence.as_ref()?;
            Some(format!(" ({}: {reason})", self.plan.streams.get(*index as usize)?.text))
        };
        watched.iter().find_map(why).unwrap_or_default()
    }

    /// When the silence of a condition became (or becomes) a gap; `None` if it samples nothing or nothing is asked yet.
    fn gap_since(&self, watch: &Watch) -> Option<Duration> {
        let mut due: Option<Duration> = None;
        let mut patience = Duration::ZERO;
        let mut asked = Duration::ZERO;
        for index in &watch.streams {
            let stream = self.plan.streams.get(*index as usize)?;
            let state = self.run.streams.get(*index as usize)?;
            let heard = state.latest.as_ref().map(|(at, _)| *at).or(state.since)?;
            let silent = after(heard.plus(stream.patience));
            due = Some(due.map_or(silent, |d| d.min(silent)));
            patience = patience.max(stream.patience);
            asked = asked.max(state.since?);
        }
        // Samples that come but from which nothing can be computed are silence too.
        let undecided = after(watch.newest.unwrap_or(asked).plus(patience));
        due.map(|d| d.min(undecided))
    }

    pub(super) fn judge_wakes(&self, due: &mut Vec<Duration>) {
        for (guard, state) in self.plan.guards.iter().zip(&self.run.guards) {
            if state.fired {
                continue;
            }
            if let Some(since) = self.gap_since(&state.watch) {
                due.push(since);
                if state.watch.in_gap {
                    due.extend(state.true_since.map(|at| at.plus(guard.hold.unwrap_or_default())));
                }
            }
        }
        for state in self.run.expectations.iter().filter(|e| !e.watch.in_gap) {
            due.extend(self.gap_since(&state.watch));
        }
        if self.run.phase == PhaseName::Baseline {
            due.push(self.phase_began().plus(self.plan.baseline));
        }
    }

    /// Whether everything that was asked of expectations from `from` to `to` is answered.
    fn is_settled(&self, from: Duration, to: Duration) -> bool {
        self.run.expectations.iter().flat_map(|e| &e.watch.streams).all(|stream| {
            let state = self.run.streams.get(*stream as usize);
            state.is_none_or(|s| s.pending.iter().all(|asked| *asked < from || *asked > to))
        })
    }

    /// The baseline has been held: the method begins.
    fn baseline_time(&mut self) {
        let began = self.phase_began();
        let end = began.plus(self.plan.baseline);
        let is_first = self.run.nodes.first().is_some_and(|n| n.state == NodeState::Idle);
        if self.run.phase != PhaseName::Baseline || !is_first || self.run.now < end || self.run.ended_by.is_some() {
            return;
        }
        if !self.is_settled(began, end) {
            return;
        }
        let plan = self.plan.clone();
        let expected = self.run.expectations.clone();
        for (index, (expectation, state)) in plan.expectations.iter().zip(expected).enumerate() {
            let judged = demand(expectation, PhaseName::Baseline).is_some() && !state.watch.streams.is_empty();
            if judged && !state.seen.0 {
                let subject = Subject::Expectation(expectation.name.clone());
                let name = &expectation.name;
                let text = format!("`{name}` had no valid sample in the baseline{}", self.silence(index));
                self.reason(Verdict::NotRun, subject, text.clone());
                self.end_method(EndedBy::Baseline, &text);
            }
        }
        self.start(0);
    }

    /// The phase `faults` begins: what has a `within` may be false from now on.
    pub(super) fn faults_begin(&mut self) {
        if self.run.phase == PhaseName::Baseline {
            self.enter(PhaseName::Faults);
            let now = self.run.now;
            for state in &mut self.run.expectations {
                state.false_since = Some(now);
            }
        }
    }

    /// The last undo is confirmed: the recovery is watched.
    pub(super) fn faults_over(&mut self) {
        if self.run.phase != PhaseName::Faults || self.is_anything_open() || self.is_something_left() {
            return;
        }
        if self.run.ended_by.is_none() && self.has_faults_ahead() {
            return;
        }
        self.enter(PhaseName::Recovering);
        for state in &mut self.run.expectations {
            state.holds_since = None;
            state.seen_false = false;
        }
    }

    /// What is expected afterwards, whatever is demanded now.
    fn recovery_sees(&mut self, index: usize, expectation: &Expectation, stream: u32, asked: Duration, value: &Value) {
        if !matches!(self.run.phase, PhaseName::Recovering) || expectation.phase == Phase::OnlyDuringFaults {
            return;
        }
        let Some(streams) = self.run.expectations.get(index).map(|e| e.watch.streams.clone()) else { return };
        let Some(seen) = self.see(&expectation.condition, &streams, stream, asked, value) else { return };
        let Some(end) = self.faults_end() else { return };
        let Some(state) = self.run.expectations.get_mut(index) else { return };
        if seen.from < end {
            return;
        }
        if seen.holds {
            state.holds_since.get_or_insert(seen.at);
        } else {
            state.holds_since = None;
            state.seen_false = true;
        }
    }

    /// Since when everything that is expected afterwards holds without a break.
    fn recovered_since(&self) -> Option<Duration> {
        let end = self.faults_end()?;
        let mut since = end;
        for (expectation, state) in self.plan.expectations.iter().zip(&self.run.expectations) {
            if expectation.phase != Phase::OnlyDuringFaults && !state.watch.streams.is_empty() {
                since = since.max(state.holds_since?);
            }
        }
        Some(since)
    }

    pub(super) fn recovery_time(&mut self) {
        let Some(end) = self.faults_end() else { return };
        if self.run.phase != PhaseName::Recovering || self.run.observed != Observed::NotObserved {
            return;
        }
        let now = self.run.now;
        let bound = end.plus(self.plan.recovery.within);
        let last = bound.plus(self.plan.baseline);
        let since = self.recovered_since();
        let held =
            since.filter(|s| now >= s.plus(self.plan.baseline) && self.is_settled(end, s.plus(self.plan.baseline)));
        if now >= bound && self.is_settled(end, bound) && since.is_none_or(|s| s > bound) {
            self.recovery_is_late();
        }
        if let Some(since) = held {
            let took = since.minus(end);
            self.run.observed = match (self.run.hands, since <= bound) {
                (true, _) => Observed::WithHands(took),
                (false, true) => Observed::WithinBound(took),
                (false, false) => Observed::AfterBound(took),
            };
            self.write(Record::Recovered { observed: self.run.observed.clone() });
            self.enter(PhaseName::Recovered);
        } else if now >= last && self.is_settled(end, last) {
            self.run.observed = match (since, self.run.hands) {
                (Some(since), true) => Observed::WithHands(since.minus(end)),
                (Some(since), false) => Observed::AfterBound(since.minus(end)),
                (None, _) if self.is_seen_not_to_hold(bound) => Observed::NotAtAll,
                (None, _) => Observed::NotSeen,
            };
            if self.run.observed == Observed::NotSeen {
                self.recovery_is_unseen();
            }
        }
    }

    /// Whether a sample has shown that something did not hold again by `bound`; without one, silence proves nothing.
    fn is_seen_not_to_hold(&self, bound: Duration) -> bool {
        self.plan.expectations.iter().zip(&self.run.expectations).any(|(expectation, state)| {
            let is_late = state.holds_since.is_none_or(|since| since > bound);
            expectation.phase != Phase::OnlyDuringFaults && state.seen_false && is_late
        })
    }

    /// What did not hold again by `bound`, with what was seen of it last.
    fn not_recovered(&self, bound: Duration) -> String {
        let late = self.plan.expectations.iter().zip(&self.run.expectations).filter(|(expectation, state)| {
            let is_late = state.holds_since.is_none_or(|since| since > bound);
            expectation.phase != Phase::OnlyDuringFaults && state.seen_false && is_late
        });
        let said = |expectation: &Expectation| {
            format!("`{}` did not hold{}", expectation.text, self.values(&expectation.condition, None))
        };
        late.map(|(expectation, _)| said(expectation)).collect::<Vec<_>>().join("; ")
    }

    /// Silence is no proof against the system, and is never green.
    fn recovery_is_unseen(&mut self) {
        let within = self.plan.recovery.within;
        let text = format!("nobody could see whether the system had recovered within {within}: samples were missing");
        self.reason(Verdict::Inconclusive, Subject::Recovery, text);
    }

    fn recovery_is_late(&mut self) {
        if self.run.late {
            return;
        }
        self.run.late = true;
        let bound = self.faults_end().unwrap_or_default().plus(self.plan.recovery.within);
        if !self.is_seen_not_to_hold(bound) {
            return self.recovery_is_unseen();
        }
        if self.plan.recovery.class != RecoveryClass::Unknown {
            let broken = self.not_recovered(bound);
            let text = format!("the system had not recovered within {}: {broken}", self.plan.recovery.within);
            self.write(Record::Refuted { subject: Subject::Recovery, text: text.clone() });
            self.reason(Verdict::Refuted, Subject::Recovery, text);
        }
    }

    pub(super) fn recovery_wakes(&self, due: &mut Vec<Duration>) {
        if let (Some(end), PhaseName::Recovering) = (self.faults_end(), self.run.phase) {
            let bound = end.plus(self.plan.recovery.within);
            due.push(bound);
            due.push(bound.plus(self.plan.baseline));
            due.extend(self.recovered_since().map(|s| s.plus(self.plan.baseline)));
        }
    }
}

/// An expectation in the words of the source, as it is judged in a phase.
fn said(expectation: &Expectation, phase: PhaseName) -> String {
    match (&expectation.phase, phase) {
        (Phase::Relaxed { text, .. }, PhaseName::Faults | PhaseName::Recovering) => {
            format!("`{}` (but {text} during faults)", expectation.text)
        }
        _ => format!("`{}`", expectation.text),
    }
}
