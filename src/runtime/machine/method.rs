//! The method: steps begin, end, and end it.

use super::event::{Command, Question};
use super::state::{NodeKind, NodeState, State};
use super::{EndedBy, Observed, Outcome, PhaseName, Record, Subject, Verdict, evaluate, verdict};
use crate::plan::{Effect, Expectation, Phase, RecoveryClass, Stream};
use crate::types::Duration;

/// Who answers where nobody is there.
pub const NOBODY: &str = "nobody";

impl State {
    /// Begins a step.
    pub(super) fn start(&mut self, index: u32) {
        if self.run.ended_by.is_some() {
            return;
        }
        let now = self.run.now;
        let Some(node) = self.run.nodes.get_mut(index as usize) else { return };
        node.state = NodeState::Running { began: now, next: 0, until: None, failing: false };
        let (kind, text, children) = (node.kind.clone(), node.text.clone(), node.children.clone());
        if !node.is_frame() || text.starts_with("round") {
            self.write(Record::StepBegan { node: index, text });
        }
        match kind {
            // Others begin when the engine that leads is seen to begin them.
            NodeKind::Sequence if self.run.follows => self.check_may_begin(index),
            _ if self.run.follows && !matches!(kind, NodeKind::Check { .. }) => {}
            NodeKind::Sequence => self.next_child(index),
            NodeKind::Parallel if children.is_empty() => self.finish(index),
            NodeKind::Parallel => children.into_iter().for_each(|child| self.start(child)),
            NodeKind::Wait(length) => self.until(index, now.plus(length)),
            NodeKind::Check { condition, bound, .. } => {
                self.until(index, now.plus(bound));
                for stream in condition.streams() {
                    // Its first sample is not waited for.
                    if let Some(stream) = self.run.streams.get_mut(stream as usize) {
                        stream.next = Some(now);
                    }
                }
                match evaluate(&condition, &|_| None) {
                    Some(true) => self.finish(index),
                    Some(false) => {
                        self.failing(index);
                        self.check_ends(index);
                    }
                    None => {}
                }
            }
            NodeKind::Ask { who, question, within } => {
                let until = now.plus(within);
                self.until(index, until);
                self.write(Record::Asked { who: who.clone(), question: question.clone() });
                self.out.push(Command::Ask(Question { node: index, who, text: question, until }));
            }
            NodeKind::Note { who: Some(who), text, within: Some(within) } => {
                let until = now.plus(within);
                self.until(index, until);
                self.out.push(Command::Prompt(Question { node: index, who, text, until }));
            }
            NodeKind::Note { text, .. } => {
                self.write(Record::Note { who: None, words: text });
                self.finish(index);
            }
            NodeKind::Fault { fault, at_most, .. } => self.begin_life(index, fault, at_most),
        }
    }

    pub(super) fn until(&mut self, index: u32, at: Duration) {
        if let Some(NodeState::Running { until, .. }) = self.run.nodes.get_mut(index as usize).map(|n| &mut n.state) {
            *until = Some(at);
        }
    }

    fn failing(&mut self, index: u32) {
        if let Some(NodeState::Running { failing, .. }) = self.run.nodes.get_mut(index as usize).map(|n| &mut n.state) {
            *failing = true;
        }
    }

    /// The next child of a sequence or block begins; after the last, the step ends (a fault's block: is undone first).
    pub(super) fn next_child(&mut self, index: u32) {
        let Some(node) = self.run.nodes.get_mut(index as usize) else { return };
        let NodeState::Running { next, .. } = &mut node.state else { return };
        let child = node.children.get(*next).copied();
        *next += 1;
        match (child, matches!(node.kind, NodeKind::Fault { .. })) {
            (Some(child), _) => self.start(child),
            (None, true) => self.block_ends(index),
            (None, false) => self.finish(index),
        }
    }

    /// Ends a step; what follows it begins.
    pub(super) fn finish(&mut self, index: u32) {
        let Some(node) = self.run.nodes.get_mut(index as usize) else { return };
        if !node.is_running() {
            return;
        }
        node.state = NodeState::Done;
        let parent = node.parent;
        if !node.is_frame() {
            self.write(Record::StepEnded { node: index });
        }
        let Some(parent) = parent else { return };
        if self.run.follows {
            return self.check_may_begin(parent);
        }
        let Some(above) = self.run.nodes.get(parent as usize) else { return };
        match above.kind {
            NodeKind::Parallel => {
                let is_done =
                    |child: &u32| self.run.nodes.get(*child as usize).is_none_or(|node| node.state == NodeState::Done);
                if above.children.iter().all(is_done) {
                    self.finish(parent);
                }
            }
            _ => self.next_child(parent),
        }
    }

    /// Steps whose time has come.
    pub(super) fn node_time(&mut self) {
        for index in 0..u32::try_from(self.run.nodes.len()).unwrap_or(u32::MAX) {
            let Some(node) = self.run.nodes.get_mut(index as usize) else { continue };
            let NodeState::Running { until, .. } = &mut node.state else { continue };
            if until.is_none_or(|until| until > self.run.now) {
                continue;
            }
            *until = None;
            match node.kind.clone() {
                NodeKind::Wait(_) => self.finish(index),
                NodeKind::Check { .. } => self.check_ends(index),
                NodeKind::Ask { who, question, within } => {
                    self.out.push(Command::Withdraw { node: index });
                    self.asked_in_vain(&question, &format!("{who} did not answer within {within}"));
                }
                NodeKind::Note { .. } => {
                    self.out.push(Command::Withdraw { node: index });
                    self.finish(index);
                }
                NodeKind::Fault { .. } => self.fault_ends(index),
                NodeKind::Sequence | NodeKind::Parallel => {}
            }
        }
    }

    /// A check that did not hold in its time, or that nobody could judge.
    pub(super) fn check_ends(&mut self, index: u32) {
        let Some(node) = self.run.nodes.get(index as usize) else { return };
        let NodeKind::Check { name, text, within, condition, .. } = node.kind.clone() else { return };
        let failing = matches!(node.state, NodeState::Running { failing: true, .. });
        let in_time = within.map_or_else(String::new, |within| format!(" within {within}"));
        let subject = Subject::Check(name.clone());
        if failing {
            let text = format!("`{text}` did not hold{in_time}{}", self.values(&condition, None));
            self.write(Record::Refuted { subject: subject.clone(), text: text.clone() });
            self.reason(Verdict::Refuted, subject, text);
        } else {
            self.reason(Verdict::Inconclusive, subject, format!("`{text}` had no valid sample{in_time}"));
        }
        self.end_method(EndedBy::Check(name.to_string()), &format!("check {name}"));
    }

    pub(super) fn answered(&mut self, index: u32, yes: bool, who: String) {
        let Some(node) = self.run.nodes.get(index as usize).filter(|n| n.is_running()) else { return };
        let NodeKind::Ask { question, .. } = node.kind.clone() else { return };
        self.write(Record::Answered { who: who.clone(), yes });
        if yes {
            self.finish(index);
        } else if who == NOBODY {
            self.asked_in_vain(&question, "nobody is there to answer");
        } else {
            self.asked_in_vain(&question, &format!("{who} said no"));
        }
    }

    fn asked_in_vain(&mut self, question: &str, text: &str) {
        self.reason(Verdict::Aborted, Subject::Question(question.to_owned()), text);
        self.end_method(EndedBy::Ask(question.to_owned()), text);
    }

    pub(super) fn noted(&mut self, index: u32, who: String, words: String) {
        let Some(node) = self.run.nodes.get(index as usize).filter(|n| n.is_running()) else { return };
        if matches!(node.kind, NodeKind::Note { .. }) {
            self.write(Record::Note { who: Some(who), words });
            self.finish(index);
        }
    }

    /// Whether a step that injects has not ended.
    pub(super) fn has_faults_ahead(&self) -> bool {
        let is_ahead =
            |node: &super::state::Node| matches!(node.kind, NodeKind::Fault { .. }) && node.state != NodeState::Done;
        self.run.nodes.iter().any(is_ahead)
    }

    /// Ends the run once nothing is left to do or to see.
    pub(super) fn end_if_over(&mut self) {
        if !self.run.method_over || self.is_anything_open() || self.run.over {
            return;
        }
        let is_seen = self.run.phase == PhaseName::Recovered || self.run.observed != Observed::NotObserved;
        if self.is_untouched() || self.is_something_left() || self.run.leave || is_seen {
            self.end();
        }
    }

    fn end(&mut self) {
        let completed = self.run.ended_by == Some(EndedBy::Completed);
        if completed {
            self.doubts();
        }
        if self.run.hands
            && self.run.injected > 0
            && self.plan.recovery.class == RecoveryClass::Automatic
            && self.run.observed != Observed::NotObserved
        {
            self.reason(Verdict::Refuted, Subject::Recovery, "people had to step in, and `automatic` was declared");
        }
        let mut left = Vec::new();
        for life in self.run.lives.clone() {
            if life.stage == super::state::Stage::Left {
                left.push(life.id().to_string());
                let fault = &life.what.fault;
                let why = life.hindered.as_ref().map_or(String::new(), |reason| format!(" ({reason})"));
                let text =
                    format!("the undo of {fault} was not confirmed{why}: something may be left; run `perturb recover`");
                self.reason(Verdict::Error, Subject::Injection(life.id().clone()), text);
            }
        }
        let mut reasons = self.run.reasons.clone();
        reasons.sort_by_key(|r| (r.verdict, r.at));
        let outcome = Outcome {
            verdict: verdict::verdict(&reasons),
            ended_by: self.run.ended_by.clone().unwrap_or(EndedBy::Completed),
            reasons,
            declared: self.plan.recovery.class,
            observed: self.run.observed.clone(),
            left,
            injected: self.run.injected,
            stops_series: self.run.stops_series,
        };
        self.write(Record::Ended { outcome: outcome.clone() });
        self.out.push(Command::End(Box::new(outcome)));
        self.run.over = true;
    }

    /// Whether the faults were there for so long that a sample had to be asked for meanwhile. Shorter than that they are only where
    /// a check or a person ended their block early, and saw enough.
    fn lasted(&self, expectation: &Expectation) -> bool {
        let of = |wanted: PhaseName| self.run.phases.iter().find(|(phase, _)| *phase == wanted).map(|(_, at)| *at);
        let (Some(from), Some(to)) = (of(PhaseName::Faults), of(PhaseName::Recovering)) else { return false };
        let streams = expectation.condition.streams().into_iter();
        let takes = |s: &Stream| if expectation.phase == Phase::Always { s.every } else { s.every.plus(s.timeout) };
        let longest = streams.filter_map(|s| self.plan.streams.get(s as usize)).map(takes).max();
        longest.is_some_and(|longest| to.minus(from) >= longest)
    }

    /// What a run that went to its end has still not shown.
    fn doubts(&mut self) {
        if self.is_untouched() {
            self.reason(Verdict::NotRun, Subject::Run, "the method injected nothing");
            return;
        }
        let plan = self.plan.clone();
        // Behind what is over at once, the recovery is what an expectation is about.
        let lasting = self.run.lives.iter().any(|life| life.what.effect == Effect::Lasting);
        for (expectation, state) in plan.expectations.iter().zip(self.run.expectations.clone()) {
            if expectation.phase == Phase::ExceptDuringFaults || state.watch.streams.is_empty() || state.refuted {
                continue;
            }
            let subject = Subject::Expectation(expectation.name.clone());
            if !state.seen.1 {
                self.reason(Verdict::Inconclusive, subject, "it had no valid sample once faults were on");
            } else if lasting && !state.seen_in_faults && self.lasted(expectation) {
                self.reason(
                    Verdict::Inconclusive,
                    subject,
                    "no valid sample was asked for while the faults were there",
                );
            } else if expectation.within.is_some() && !state.held {
                self.reason(Verdict::Inconclusive, subject, "it was never seen to hold while it was judged");
            }
        }
    }
}
