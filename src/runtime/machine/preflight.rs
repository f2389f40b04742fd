//! Preflight: whether the run may begin at all. Nothing has any effect before all of it is answered.
//!
//! All that can be found at once is found at once, so that a person reads one list of what is missing and not one item a try.
//! Only engines come before the rest: where Perturb starts the system itself, nothing is there before.

use std::collections::BTreeSet;

use smol_str::SmolStr;

use super::event::Command;
use super::inject::{depends, draws_of};
use super::state::{NodeKind, Pending, Preflight, State, Waiting};
use super::{EndedBy, PhaseName, Record, Subject, Verdict};
use crate::analysis::timeline::{CONFIRM_BOUND, settling, timeline};
use crate::engine::drive::Target;
use crate::plan::{EngineName, Quantity, RuleVerdict, Stream};
use crate::types::Duration;

/// What preflight calls the questions of a method.
pub const QUESTIONS: &str = "questions";
/// People have this long to approve.
const APPROVAL_BOUND: Duration = Duration::from_secs(15 * 60);

/// How long the first valid sample of a guard's stream is waited for.
fn warm_up(stream: &Stream) -> Duration {
    stream.window.unwrap_or_default().plus(stream.patience)
}

impl State {
    pub(super) fn begin(&mut self, wall: i64) {
        if self.run.preflight != Preflight::Before {
            return;
        }
        self.write(Record::Phase { phase: PhaseName::Preflight });
        let plan = self.plan.clone();
        for rule in &plan.rules {
            match &rule.verdict {
                RuleVerdict::Broken(found) => self.refuse(&rule.text, format!("{found}; {}", rule.because)),
                RuleVerdict::Holds(found) => self.accept(&rule.text, found),
                RuleVerdict::AtPreflight(_) => {}
            }
        }
        let total = timeline(&plan).total.plus(settling(&plan).times(2));
        if !plan.hours.is_empty() {
            match crate::analysis::open_at(&plan, wall, total) {
                Ok(()) => self.accept("open hours", "the whole run fits"),
                Err(reason) => self.refuse("open hours", reason),
            }
        }
        for problem in self.run.engines.clone().into_iter().filter_map(Result::err).collect::<BTreeSet<_>>() {
            self.refuse("engines", problem);
        }
        if self.run.nobody {
            self.refuse_questions();
        }
        if self.is_refused() {
            return self.end_preflight();
        }
        let engines: BTreeSet<EngineName> = self.run.engines.iter().filter_map(|e| e.clone().ok()).collect();
        let mut open = BTreeSet::new();
        for engine in engines {
            self.out.push(Command::Ready { engine });
            open.insert(Waiting::Engine(engine));
        }
        self.run.preflight = Preflight::Starting(Pending { open, until: self.run.now.plus(CONFIRM_BOUND) });
        self.preflight_goes_on();
    }

    /// A question that nobody can answer ends the method: so it does not begin.
    fn refuse_questions(&mut self) {
        let asks = |node: &super::state::Node| match &node.kind {
            NodeKind::Ask { who, question, .. } => Some(format!("{who} is asked `{question}`")),
            _ => None,
        };
        if let Some(first) = self.run.nodes.iter().find_map(asks) {
            let found = format!("{first}, and nobody is at a terminal to answer: start the run at one");
            self.refuse(QUESTIONS, found);
        }
    }

    fn look_for_candidates(&mut self) {
        let plan = self.plan.clone();
        let mut open = BTreeSet::new();
        for (index, draw) in (0..).zip(&plan.draws) {
            // What depends on another draw has no candidates before that is made.
            if depends(&draw.selector).is_empty() {
                self.out.push(Command::Find { draw: index });
                open.insert(Waiting::Draw(index));
            }
        }
        self.run.preflight = Preflight::Looking(Pending { open, until: self.run.now.plus(CONFIRM_BOUND) });
        self.preflight_goes_on();
    }

    fn accept(&mut self, what: &str, found: &str) {
        self.write(Record::Preflight { what: what.to_owned(), ok: true, found: found.to_owned() });
    }

    fn refuse(&mut self, what: &str, found: impl Into<String>) {
        let found = found.into();
        self.reason(Verdict::NotRun, Subject::Policy(what.to_owned()), format!("{what}: {found}"));
        self.write(Record::Preflight { what: what.to_owned(), ok: false, found });
    }

    fn is_refused(&self) -> bool {
        self.run.reasons.iter().any(|r| r.verdict == Verdict::NotRun)
    }

    fn end_preflight(&mut self) {
        self.end_method(EndedBy::Preflight, "preflight does not allow the run");
    }

    /// Whether the answer was waited for.
    fn answer(&mut self, waiting: &Waiting) -> bool {
        match &mut self.run.preflight {
            Preflight::Starting(p)
            | Preflight::Looking(p)
            | Preflight::Approving(p)
            | Preflight::Locking(p)
            | Preflight::Sampling(p) => p.open.remove(waiting),
            Preflight::Before | Preflight::Passed => false,
        }
    }

    pub(super) fn engine_ready(&mut self, engine: EngineName, result: Result<(), String>) {
        if self.answer(&Waiting::Engine(engine)) {
            match result {
                Ok(()) => self.accept(engine.text(), "ready"),
                Err(reason) => self.refuse(engine.text(), reason),
            }
            self.preflight_goes_on();
        }
    }

    /// The candidates of a draw, before anything is drawn. Gives back what was not for preflight.
    pub(super) fn found_before(
        &mut self,
        index: u32,
        result: Result<Vec<Target>, String>,
    ) -> Result<(), Result<Vec<Target>, String>> {
        if !self.answer(&Waiting::Draw(index)) {
            return Err(result);
        }
        let plan = self.plan.clone();
        if let Some(draw) = plan.draws.get(index as usize) {
            match result {
                Err(reason) => self.refuse(&draw.text, reason),
                Ok(candidates) => {
                    let all = u32::try_from(candidates.len()).unwrap_or(u32::MAX);
                    let hit = draw.quantity.of(all);
                    if hit == 0 || hit > all {
                        self.refuse(&draw.text, too_few(draw.quantity, candidates.len()));
                    } else {
                        self.accept(&draw.text, &format!("{hit} of {all} will be hit"));
                    }
                    if let Some(state) = self.run.draws.get_mut(index as usize) {
                        state.preflight = Some(candidates);
                    }
                }
            }
        }
        self.preflight_goes_on();
        Ok(())
    }

    pub(super) fn rule_judged(&mut self, index: u32, result: Result<String, String>) {
        if self.answer(&Waiting::Rule(index)) {
            let plan = self.plan.clone();
            let text = plan.rules.get(index as usize).map_or("a rule", |r| r.text.as_str());
            match result {
                Ok(found) => self.accept(text, &found),
                Err(found) => self.refuse(text, found),
            }
            self.preflight_goes_on();
        }
    }

    pub(super) fn approved(&mut self, index: u32, result: Result<String, String>) {
        if self.answer(&Waiting::Approval(index)) {
            let plan = self.plan.clone();
            let team = plan.approvals.get(index as usize).map(|a| a.team.clone()).unwrap_or_default();
            match result {
                Ok(by) => self.write(Record::Approval { team, by }),
                Err(reason) => self.refuse(&format!("approval by {team}"), reason),
            }
            self.preflight_goes_on();
        }
    }

    /// Gives back whether the answer was for preflight.
    pub(super) fn locked_before(&mut self, request: u32, result: &Result<(), String>) -> bool {
        if !self.answer(&Waiting::Lock(request)) {
            return false;
        }
        match result {
            Ok(()) => {
                self.run.locks = self.first_locks();
                self.accept("locks", "no other run is on what is hit");
            }
            Err(reason) => self.refuse("locks", reason.clone()),
        }
        self.preflight_goes_on();
        true
    }

    /// The first answer of a stream that a guard watches.
    pub(super) fn first_sample(&mut self, stream: u32, missing: Option<&str>) {
        if missing.is_some() && self.is_warming(stream) {
            return;
        }
        if self.answer(&Waiting::Stream(stream)) {
            if let Some(reason) = missing {
                let plan = self.plan.clone();
                let text = plan.streams.get(stream as usize).map_or("a stream", |s| s.text.as_str());
                self.refuse(&format!("a guard watches {text}"), reason);
            }
            self.preflight_goes_on();
        }
    }

    /// Whether a source may still be silent before the run: what looks back has nothing to say until its window is full, and
    /// one lost answer is no gap here either.
    fn is_warming(&self, stream: u32) -> bool {
        let asked = self.run.streams.get(stream as usize).and_then(|s| s.since);
        let waits = self.plan.streams.get(stream as usize).map(warm_up);
        asked.zip(waits).is_some_and(|(asked, waits)| self.run.now < asked.plus(waits))
    }

    /// Goes to the next part once everything of this one is answered.
    fn preflight_goes_on(&mut self) {
        if self.run.preflight.pending().is_none_or(|p| !p.open.is_empty()) {
            return;
        }
        if self.is_refused() {
            return self.end_preflight();
        }
        match self.run.preflight {
            // The engine that leads draws and locks, and who applied its objects approved them: the compiler said so.
            Preflight::Starting(_) if self.run.follows => self.ask_guards(),
            Preflight::Starting(_) => self.look_for_candidates(),
            Preflight::Looking(_) => self.ask_for_approval(),
            Preflight::Approving(_) => self.ask_for_locks(),
            Preflight::Locking(_) => self.ask_guards(),
            Preflight::Sampling(_) => self.judge_guards(),
            Preflight::Before | Preflight::Passed => {}
        }
    }

    fn ask_for_approval(&mut self) {
        let plan = self.plan.clone();
        let mut open = BTreeSet::new();
        for (rule, _) in (0..).zip(&plan.rules).filter(|(_, r)| matches!(r.verdict, RuleVerdict::AtPreflight(_))) {
            self.out.push(Command::Judge { rule });
            open.insert(Waiting::Rule(rule));
        }
        for (approval, _) in (0..).zip(&plan.approvals) {
            self.out.push(Command::Approve { approval });
            open.insert(Waiting::Approval(approval));
        }
        self.run.preflight = Preflight::Approving(Pending { open, until: self.run.now.plus(APPROVAL_BOUND) });
        self.preflight_goes_on();
    }

    fn ask_for_locks(&mut self) {
        let keys = self.first_locks();
        let mut open = BTreeSet::new();
        if !keys.is_empty() {
            let request = self.next_lock();
            self.out.push(Command::Lock { request, keys: keys.into_iter().collect() });
            open.insert(Waiting::Lock(request));
        }
        self.run.preflight = Preflight::Locking(Pending { open, until: self.run.now.plus(CONFIRM_BOUND) });
        self.preflight_goes_on();
    }

    /// Every candidate of what faults may hit, and their mechanisms.
    fn first_locks(&self) -> BTreeSet<SmolStr> {
        let mut keys = BTreeSet::new();
        for fault in &self.plan.faults {
            keys.insert(self.mechanism_lock(&fault.mechanism));
            for draw in draws_of(fault) {
                let found = self.run.draws.get(draw as usize).and_then(|d| d.preflight.as_ref());
                keys.extend(found.into_iter().flatten().map(target_lock));
            }
        }
        keys
    }

    pub(super) fn mechanism_lock(&self, mechanism: &str) -> SmolStr {
        format!("mechanism:{mechanism}@{}", self.plan.place.cluster.name).into()
    }

    pub(super) fn next_lock(&mut self) -> u32 {
        self.run.lock_requests += 1;
        self.run.lock_requests
    }

    fn ask_guards(&mut self) {
        let now = self.run.now;
        let watched: BTreeSet<u32> = self.run.guards.iter().flat_map(|g| g.watch.streams.iter().copied()).collect();
        for stream in &mut self.run.streams {
            stream.since = Some(now);
            stream.next = Some(now);
        }
        let streams = watched.iter().filter_map(|s| self.plan.streams.get(*s as usize));
        let longest = streams.map(|s| warm_up(s).plus(s.every).plus(s.timeout)).max().unwrap_or_default();
        let open = watched.into_iter().map(Waiting::Stream).collect();
        // The streams hold their own time-outs; this one is for the day on which one of them does not.
        let until = now.plus(longest).plus(Duration::from_secs(1));
        self.run.preflight = Preflight::Sampling(Pending { open, until });
        self.preflight_goes_on();
    }

    fn judge_guards(&mut self) {
        let plan = self.plan.clone();
        for (guard, state) in plan.guards.iter().zip(self.run.guards.clone()) {
            let constant = match &guard.when {
                crate::plan::GuardWhen::Condition(c) if state.watch.streams.is_empty() => super::evaluate(c, &|_| None),
                crate::plan::GuardWhen::Refuted => Some(false),
                crate::plan::GuardWhen::Condition(_) => state.watch.holds,
            };
            match constant {
                Some(false) => self.accept(&guard.text, "false, as it must be"),
                Some(true) => {
                    let values = match &guard.when {
                        crate::plan::GuardWhen::Condition(condition) => self.values(condition, None),
                        crate::plan::GuardWhen::Refuted => String::new(),
                    };
                    self.refuse(&guard.text, format!("the guard is true before anything is injected{values}"));
                }
                None => self.refuse(&guard.text, "nothing can be computed from its samples"),
            }
        }
        if self.is_refused() {
            return self.end_preflight();
        }
        for guard in &mut self.run.guards {
            guard.true_since = None;
        }
        self.run.preflight = Preflight::Passed;
        self.enter(PhaseName::Baseline);
        // Each stream says something about the baseline, however seldom it is asked.
        let now = self.run.now;
        for stream in &mut self.run.streams {
            stream.next = Some(now);
        }
    }

    pub(super) fn preflight_time(&mut self) {
        let late = match self.run.preflight.pending() {
            Some(p) if p.until <= self.run.now && self.run.ended_by.is_none() => p.open.clone(),
            _ => return,
        };
        for waiting in late {
            let what = self.describe(&waiting);
            self.refuse(&what, "no answer in time");
        }
        self.end_preflight();
    }

    fn describe(&self, waiting: &Waiting) -> String {
        let plan = &self.plan;
        match waiting {
            Waiting::Engine(engine) => engine.text().to_owned(),
            Waiting::Draw(d) => plan.draws.get(*d as usize).map_or_else(String::new, |d| d.text.clone()),
            Waiting::Rule(r) => plan.rules.get(*r as usize).map_or_else(String::new, |r| r.text.clone()),
            Waiting::Approval(a) => {
                plan.approvals.get(*a as usize).map_or_else(String::new, |a| format!("approval by {}", a.team))
            }
            Waiting::Lock(_) => "locks".to_owned(),
            Waiting::Stream(s) => plan.streams.get(*s as usize).map_or_else(String::new, |s| s.text.clone()),
        }
    }
}

pub(super) fn target_lock(target: &Target) -> SmolStr {
    format!("target:{}", target.id).into()
}

/// What a lock is on, for people: `process ledger/a`, and not the ids with which the next one of this name is another.
#[must_use]
pub fn locked_thing(key: &str) -> String {
    let plain = || {
        Some(match key.split_once(':')? {
            ("mechanism", rest) => {
                let (mechanism, cluster) = rest.rsplit_once('@')?;
                format!("the mechanism `{mechanism}` of cluster `{cluster}`")
            }
            ("target", rest) => {
                let (kind, rest) = rest.split_once(':')?;
                let name = match kind {
                    "process" => rest.rsplit_once(':')?.0,
                    "pod" => rest.rsplit_once('/')?.0,
                    _ => rest,
                };
                format!("{kind} {name}")
            }
            _ => return None,
        })
    };
    plain().unwrap_or_else(|| key.to_owned())
}

/// Why a draw is impossible.
pub(super) fn too_few(quantity: Quantity, candidates: usize) -> String {
    match (quantity, candidates) {
        (_, 0) => "there is no candidate".to_owned(),
        (Quantity::Exactly(n), 1) => format!("there is 1 candidate, and {n} are to be hit"),
        (Quantity::Exactly(n), found) => format!("there are {found} candidates, and {n} are to be hit"),
        (_, found) => format!("there are {found} candidates, which is too few"),
    }
}
