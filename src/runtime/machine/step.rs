//! One step of the machine: an event is understood, then everything that is due is done.

use super::event::{Command, Event};
use super::state::{NodeKind, NodeState, State};
use super::{EndedBy, PhaseName, Record, Subject, Verdict};
use crate::types::Duration;

/// Tells the machine what happened at `now` (the time since the run began; it never goes back), and gives what is to be done.
pub fn step(state: &mut State, now: Duration, event: Event) -> Vec<Command> {
    state.run.now = state.run.now.max(now);
    if state.run.over {
        return Vec::new();
    }
    take(state, event);
    // What is due may make something else due; each round settles something, so this ends.
    loop {
        let before = state.out.len();
        if state.run.over {
            break;
        }
        state.time();
        state.settle();
        if state.out.len() == before {
            break;
        }
    }
    std::mem::take(&mut state.out)
}

fn take(state: &mut State, event: Event) {
    match event {
        Event::Tick => {}
        Event::Begin { wall } => state.begin(wall),
        Event::Ready { engine, result } => state.engine_ready(engine, result),
        Event::Judged { rule, result } => state.rule_judged(rule, result),
        Event::Approved { approval, result } => state.approved(approval, result),
        Event::Found { draw, result, entropy } => state.found(draw, result, entropy),
        Event::Left { draw, result } => state.looked(draw, result),
        Event::Locked { request, result } => state.locked(request, result),
        Event::Sampled { stream, asked, result } => state.sampled(stream, asked, result),
        Event::Prepared { injection, result } => state.prepared(injection, result),
        Event::Kept { injection } => state.kept(injection),
        Event::Injected { injection, result } => state.injected(injection, result),
        Event::Confirmed { injection, result } => state.confirmed(injection, result),
        Event::Vanished { injection, reason } => state.vanished(injection, &reason),
        Event::Undone { injection, attempt, result } => state.undone(injection, attempt, result),
        Event::Answered { node, yes, who } => state.answered(node, yes, who),
        Event::Noted { node, who, words } => state.noted(node, who, words),
        Event::Abort { by } => state.abort(by),
        Event::Hurry => state.hurry(),
        Event::Intervened { who, what } => {
            state.run.hands = true;
            state.write(Record::Intervened { who, what });
        }
        Event::Followed(followed) => state.followed(followed),
        Event::JournalFailed { reason } => state.journal_failed(&reason),
    }
}

impl State {
    /// Does everything that is due by now.
    fn time(&mut self) {
        self.preflight_time();
        self.stream_time();
        self.judge_time();
        self.node_time();
        self.life_time();
        self.recovery_time();
    }

    /// Goes on wherever nothing is waited for.
    fn settle(&mut self) {
        self.undo_next();
        let root_done = self.run.nodes.first().is_some_and(|n| n.state == NodeState::Done);
        let is_begun = self.run.phase != PhaseName::Preflight;
        if !self.run.method_over && (is_begun && root_done || self.run.ended_by.is_some() && !self.is_anything_open()) {
            self.run.method_over = true;
            self.run.ended_by.get_or_insert(EndedBy::Completed);
        }
        self.faults_over();
        self.end_if_over();
    }

    pub(super) fn is_anything_open(&self) -> bool {
        self.run.lives.iter().any(|life| life.is_open())
    }

    /// Ends the method: nothing begins any more, everything that is there is undone. The first reason stays.
    pub(super) fn end_method(&mut self, by: EndedBy, reason: &str) {
        if self.run.ended_by.is_some() {
            return;
        }
        self.write(Record::Ending { reason: reason.to_owned() });
        self.run.ended_by = Some(by);
        for index in 0..self.run.nodes.len() {
            let Some(node) = self.run.nodes.get_mut(index) else { continue };
            if node.is_running() && matches!(node.kind, NodeKind::Ask { .. } | NodeKind::Note { .. }) {
                self.out.push(Command::Withdraw { node: u32::try_from(index).unwrap_or(u32::MAX) });
            }
            node.state = NodeState::Done;
        }
        self.stop_lives();
    }

    fn abort(&mut self, by: String) {
        self.reason(Verdict::Aborted, Subject::Run, format!("ended by {by}"));
        self.run.leave = true;
        self.end_method(EndedBy::Operator(by.clone()), &format!("ended by {by}"));
    }

    fn journal_failed(&mut self, reason: &str) {
        let verdict = if self.is_untouched() { Verdict::NotRun } else { Verdict::Inconclusive };
        self.reason(verdict, Subject::Run, format!("the journal cannot be written: {reason}"));
        self.run.leave = true;
        self.end_method(EndedBy::Journal, "the journal cannot be written");
    }
}
