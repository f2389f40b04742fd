//! A run that an engine leads: its own controllers begin and end the steps, and this machine follows and judges.
//!
//! Comes in: [`Followed`], what the engine was seen to do. Streams, phases, expectations, guards, checks, the recovery and
//! the verdict are those of every other run: there is one definition of what they mean in time. What differs is who leads.
//! A step begins when it is seen to begin; a fault is there when the engine says so, and gone when nothing of it is left;
//! [`Command::Undo`](super::Command::Undo) asks to be told that, and says that the engine must not wait for it any more. Only
//! a check begins by itself, where the step before it has ended, as its time counts from there.
//!
//! Nothing is drawn, locked or approved here: the engine does it, or whoever applied its objects, as the compiler says.

use super::state::{Life, NodeKind, NodeState, Preflight, Stage, State};
use super::{EndedBy, PhaseName, Reason, Record, Subject, Verdict};
use crate::analysis::timeline::CONFIRM_BOUND;
use crate::engine::drive::{Confirmation, Injection, Was};
use crate::plan::{EngineName, Plan};

/// What an engine that leads was seen to do. Steps go by their number in the method, counted depth first from 1.
#[derive(Debug, Clone, PartialEq)]
pub enum Followed {
    /// A step began; a fault: it is being injected.
    Began {
        /// Which.
        step: u32,
    },
    /// A step ended that injects nothing.
    Ended {
        /// Which.
        step: u32,
    },
    /// The fault of a step is there.
    There {
        /// Which.
        step: u32,
        /// How that was seen.
        seen: String,
    },
    /// The time of a fault is over: it is being taken away.
    Leaving {
        /// Which.
        step: u32,
    },
    /// Nothing of a fault is left.
    Gone {
        /// Which.
        step: u32,
    },
    /// The last step of the method has ended.
    Completed,
    /// The engine ended the method by itself.
    Lost {
        /// Why.
        reason: String,
    },
    /// Something speaks against a verdict, and the run goes on: what another follower of this run saw.
    Known(Reason),
    /// The run had begun before this machine looked: what happened until now, nobody here has seen.
    Late {
        /// In words.
        reason: String,
    },
}

impl State {
    /// A run that an engine leads.
    #[must_use]
    pub fn following(plan: std::sync::Arc<Plan>, id: &str, engine: EngineName) -> Self {
        let mut state = Self::new(plan, id, &[engine]);
        state.run.follows = true;
        state
    }

    /// A run that an engine leads, and whose baseline another follower has seen to hold.
    #[must_use]
    pub fn joining(plan: std::sync::Arc<Plan>, id: &str, engine: EngineName) -> Self {
        let mut state = Self::following(plan, id, engine);
        state.run.preflight = Preflight::Passed;
        state.enter(PhaseName::Baseline);
        for stream in &mut state.run.streams {
            stream.since = Some(state.run.now);
            stream.next = Some(state.run.now);
        }
        state.start(0);
        state
    }

    /// Whether the method may begin: everything has held for the baseline.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.run.ended_by.is_none() && self.run.nodes.first().is_some_and(|n| n.state != NodeState::Idle)
    }

    /// What ended the method, if it did not come to its end.
    #[must_use]
    pub fn broken_by(&self) -> Option<&EndedBy> {
        self.run.ended_by.as_ref().filter(|by| **by != EndedBy::Completed)
    }

    /// What speaks against `confirmed` so far.
    #[must_use]
    pub fn reasons(&self) -> &[Reason] {
        &self.run.reasons
    }

    /// The checks that have held, as long as nothing ended the method.
    #[must_use]
    pub fn checks_that_held(&self) -> Vec<String> {
        if self.broken_by().is_some() {
            return Vec::new();
        }
        let name = |node: &super::state::Node| match &node.kind {
            NodeKind::Check { name, .. } if node.state == NodeState::Done => Some(name.to_string()),
            _ => None,
        };
        self.run.nodes.iter().filter_map(name).collect()
    }

    /// The step that an injection is of.
    #[must_use]
    pub fn step_of(&self, injection: u32) -> Option<u32> {
        self.run.lives.get(injection as usize).map(|l| l.node)
    }

    pub(super) fn followed(&mut self, followed: Followed) {
        if !self.run.follows {
            return;
        }
        match followed {
            Followed::Known(reason) => self.reason(reason.verdict, reason.subject, reason.text),
            Followed::Late { reason } => self.reason(Verdict::Inconclusive, Subject::Run, reason),
            Followed::Lost { reason } => self.lost(&reason),
            Followed::Completed => self.completed(),
            Followed::Began { step } => self.seen_to_begin(step),
            Followed::Ended { step } => {
                if self.kind(step).is_some_and(|k| !matches!(k, NodeKind::Fault { .. } | NodeKind::Check { .. })) {
                    self.finish(step);
                }
            }
            Followed::There { step, seen } => {
                self.seen_to_begin(step);
                if let Some(injection) = self.life_of(step) {
                    self.confirmed(injection, Ok(Confirmation::There(seen)));
                }
            }
            Followed::Leaving { step } => self.leaving(step),
            Followed::Gone { step } => {
                self.leaving(step);
                if let Some(injection) = self.life_of(step) {
                    self.undone(injection, 0, Ok(Was::AsLeft));
                }
            }
        }
    }

    fn kind(&self, step: u32) -> Option<&NodeKind> {
        self.run.nodes.get(step as usize).map(|n| &n.kind)
    }

    fn life_of(&self, step: u32) -> Option<u32> {
        let index = self.run.lives.iter().position(|l| l.node == step)?;
        u32::try_from(index).ok()
    }

    fn seen_to_begin(&mut self, step: u32) {
        let is_idle = self.run.nodes.get(step as usize).is_some_and(|n| n.state == NodeState::Idle);
        // The baseline of another follower was enough for the engine: it is for this one.
        if self.run.phase == PhaseName::Baseline && !self.is_ready() {
            self.start(0);
        }
        if step == 0 || !is_idle {
            return;
        }
        self.start(step);
        if let Some(NodeKind::Fault { fault, at_most, .. }) = self.kind(step) {
            let (fault, at_most) = (*fault, *at_most);
            self.injecting(step, fault, at_most);
        }
    }

    /// An injection that somebody else makes. From here on it is undone, whatever happens.
    fn injecting(&mut self, node: u32, fault: u32, at_most: crate::types::Duration) {
        let plan = self.plan.clone();
        let engine = self.run.engines.get(fault as usize).and_then(|e| e.clone().ok());
        let (Some(known), Some(engine)) = (plan.faults.get(fault as usize), engine) else {
            return self.lost("it injects what the plan does not name");
        };
        self.run.kept += 1;
        self.run.injected += 1;
        let number = self.run.lives.len() + 1;
        self.run.lives.push(Life {
            node,
            fault,
            stage: Stage::Confirming { looks: 1 },
            engine,
            what: Injection {
                id: format!("{}/{number}", self.run.id).into(),
                fault: known.name.clone(),
                mechanism: known.mechanism.clone(),
                effect: known.effect,
                body: Vec::new(),
                targets: Vec::new(),
                at_most,
            },
            order: self.run.kept,
            refreshed: false,
            deadline: self.run.now.plus(CONFIRM_BOUND),
            since: None,
            hindered: None,
        });
        self.faults_begin();
        self.write(Record::Injected { injection: u32::try_from(number - 1).unwrap_or(u32::MAX) });
    }

    /// A fault was seen to be there.
    pub(super) fn is_there(&mut self, node: u32, is_instant: bool) {
        if is_instant {
            self.finish(node);
        } else {
            self.check_may_begin(node);
        }
    }

    fn leaving(&mut self, step: u32) {
        let Some(index) = self.run.lives.iter().position(|l| l.node == step) else { return };
        match self.run.lives.get(index).map(|l| l.stage.clone()) {
            Some(Stage::There) => self.undo(index),
            // Its time is over, and it was never seen to be there.
            Some(Stage::Confirming { .. }) if self.run.ended_by.is_none() => {
                self.fail(index, "its time was over before it was seen to be there");
            }
            _ => {}
        }
    }

    /// Begins a check that is next in a sequence or block.
    pub(super) fn check_may_begin(&mut self, parent: u32) {
        let Some(above) = self.run.nodes.get(parent as usize) else { return };
        if !matches!(above.kind, NodeKind::Sequence | NodeKind::Fault { .. }) {
            return;
        }
        let state = |child: &&u32| self.run.nodes.get(**child as usize).map(|n| n.state.clone());
        // Notes are no steps of an engine.
        let is_note = |child: &&u32| self.kind(**child).is_some_and(|k| matches!(k, NodeKind::Note { .. }));
        let mut open = above.children.iter().filter(|child| !is_note(child));
        let next = open.find(|child| state(child) != Some(NodeState::Done)).copied();
        let is_check = next.and_then(|n| self.kind(n)).is_some_and(|k| matches!(k, NodeKind::Check { .. }));
        let is_idle = next.is_some_and(|n| state(&&n) == Some(NodeState::Idle));
        // The first check of a method begins with the engine's own first step: until then it may still wait.
        let is_begun = self.run.injected > 0 || parent != 0;
        if let (Some(next), true, true, true) = (next, is_check, is_idle, is_begun) {
            self.start(next);
        }
    }

    fn completed(&mut self) {
        let ahead =
            self.run.nodes.iter().skip(1).any(|n| {
                matches!(n.kind, NodeKind::Fault { .. } | NodeKind::Check { .. }) && n.state == NodeState::Idle
            });
        if ahead {
            return self.lost("it came to its end without all of its steps");
        }
        if let Some(unseen) = self.run.lives.iter().position(|l| matches!(l.stage, Stage::Confirming { .. })) {
            return self.fail(unseen, "the run came to its end before it was seen to be there");
        }
        self.finish(0);
    }

    fn lost(&mut self, reason: &str) {
        let verdict = if self.is_untouched() { Verdict::NotRun } else { Verdict::Inconclusive };
        if self.run.ended_by.is_none() {
            self.reason(verdict, Subject::Run, reason);
        }
        self.end_method(EndedBy::Engine(reason.to_owned()), reason);
    }
}
