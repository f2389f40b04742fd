//! The method as a list of steps, for those who show a run.
//!
//! Comes in: a plan. Goes out: its steps with the numbers and the words under which the machine writes them down
//! ([`Record::StepBegan`](super::Record::StepBegan)), so that who reads a journal or looks on needs no state of the machine.

use super::state::{Node, NodeKind, State, text_of};
use crate::plan::{Plan, Step};
use crate::types::Duration;

/// How a step takes its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Its steps come one after the other.
    Serial,
    /// Its steps begin together.
    Beside,
    /// Exactly this long (a fault: from when it is seen to be there).
    Lasts(Duration),
    /// Until something happens that nobody can foresee: an answer, a sample that holds, a confirmation.
    Open,
}

/// A step of the method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outlined {
    /// Its number, as in the journal.
    pub node: u32,
    /// The step that it is in; `None`: the method itself.
    pub parent: Option<u32>,
    /// How many steps it is in.
    pub depth: usize,
    /// In words.
    pub text: String,
    /// Whether the machine writes down when it begins and ends; the others are mere frames around steps.
    pub is_written: bool,
    /// How it takes its time.
    pub pace: Pace,
    /// The fault that it injects (an index into `Plan::faults`).
    pub fault: Option<u32>,
}

/// All steps, in the order of the text; the first is the method itself.
#[must_use]
pub fn outline(plan: &std::sync::Arc<Plan>) -> Vec<Outlined> {
    let state = State::new(plan.clone(), "", &[]);
    let mut steps: Vec<Outlined> = Vec::with_capacity(state.run.nodes.len());
    for (index, node) in (0u32..).zip(&state.run.nodes) {
        let above = node.parent.and_then(|parent| steps.get(parent as usize));
        let depth = above.map_or(0, |step| step.depth + 1);
        let fault = match node.kind {
            NodeKind::Fault { fault, .. } => Some(fault),
            _ => None,
        };
        let is_written = !node.is_frame();
        let (text, pace) = (node.text.clone(), pace(node));
        steps.push(Outlined { node: index, parent: node.parent, depth, text, is_written, pace, fault });
    }
    steps
}

fn pace(node: &Node) -> Pace {
    match &node.kind {
        NodeKind::Sequence | NodeKind::Fault { block: true, .. } => Pace::Serial,
        NodeKind::Parallel => Pace::Beside,
        NodeKind::Wait(length) | NodeKind::Fault { lasts: Some(length), .. } => Pace::Lasts(*length),
        NodeKind::Check { .. } | NodeKind::Ask { .. } | NodeKind::Note { .. } | NodeKind::Fault { .. } => Pace::Open,
    }
}

/// A step in the words in which it is written down when it begins.
#[must_use]
pub fn words(plan: &Plan, step: &Step) -> String {
    text_of(plan, step)
}
