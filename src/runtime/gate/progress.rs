//! From what the cluster shows to what the machine is told: each thing once, in order.
//!
//! Pure. Comes in: [`Seen`], again and again. Goes out: [`Event`]s for the machine that follows the run. Steps and the abort
//! are read off the nodes and annotations, never inferred from what the checks asked.

use std::collections::{BTreeMap, BTreeSet};

use super::seen::{Fault, Node, Seen, Workflow};
use crate::engine::chaos_mesh::{GateConfig, GateStep};
use crate::runtime::machine::{Event, Followed};

/// The reason of a check that ended without the success that it waited for.
const UNANSWERED: &str = "StatusCheckNotExceedSuccessThreshold";

/// What the machine was told of one run.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    steps: BTreeMap<u32, Step>,
    /// The nodes that ever belonged to the run: their faults may outlive them.
    owners: BTreeSet<String>,
    ended: bool,
}

/// What was told of one step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    #[default]
    Before,
    Began,
    There,
    Leaving,
    Gone,
}

/// What a template stands for, beside a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Check,
    Other,
}

impl Progress {
    /// What is new. `broken`: a gate has ended the run itself.
    pub fn look(&mut self, config: &GateConfig, uid: &str, broken: bool, seen: &Seen) -> Vec<Event> {
        let workflow = seen.workflow(uid).filter(|w| !w.leaving);
        let nodes = seen.nodes_of(uid);
        self.owners.extend(nodes.iter().map(|n| n.uid.clone()));
        let is_ending = broken || workflow.is_none_or(|w| w.aborted);
        let mut out = Vec::new();
        for node in &nodes {
            match config.steps.iter().find(|s| s.template == node.template) {
                Some(step) => self.fault(step, node, is_ending, seen, &mut out),
                None => self.other(node, &mut out),
            }
        }
        self.orphans(config, &nodes, seen, &mut out);
        if !self.ended
            && !broken
            && let Some(event) = end(&nodes, workflow)
        {
            self.ended = true;
            out.push(event);
        }
        out
    }

    /// Whether a fault ever began.
    #[must_use]
    pub fn has_injected(&self, config: &GateConfig) -> bool {
        config.steps.iter().any(|s| self.steps.get(&s.number).is_some_and(|told| *told > Step::Before))
    }

    /// Whether a step has begun and nothing of its fault is left.
    #[must_use]
    pub fn is_gone(&self, step: u32) -> bool {
        self.steps.get(&step) == Some(&Step::Gone)
    }

    /// The faults of this run that are still there.
    #[must_use]
    pub fn faults<'a>(&self, seen: &'a Seen) -> Vec<&'a Fault> {
        seen.faults.iter().filter(|f| f.owners.iter().any(|o| self.owners.contains(o))).collect()
    }

    fn fault(&mut self, step: &GateStep, node: &Node, is_ending: bool, seen: &Seen, out: &mut Vec<Event>) {
        let number = step.number;
        let told = self.steps.entry(number).or_default();
        let object = seen.faults.iter().find(|f| f.resource == step.resource && f.owners.contains(&node.uid));
        let mut tell = |next: Step, followed: Followed| {
            if *told < next {
                *told = next;
                out.push(Event::Followed(followed));
            }
        };
        if object.is_some() || node.is_over() {
            tell(Step::Began, Followed::Began { step: number });
        }
        if let Some(object) = object.filter(|o| o.injected) {
            let seen = format!("{} {} is injected", step.kind, object.name);
            tell(Step::There, Followed::There { step: number, seen });
        }
        let is_leaving = node.is_over() || object.is_some_and(|o| o.leaving || o.paused);
        if is_leaving && !is_ending {
            tell(Step::Leaving, Followed::Leaving { step: number });
        }
        if object.is_none() && *told > Step::Before && *told < Step::Gone {
            if !node.is_over() && !is_ending {
                let reason = format!("the {} of {} was taken away before its time", step.kind, step.template);
                out.push(Event::Followed(Followed::Lost { reason }));
            }
            *told = Step::Gone;
            out.push(Event::Followed(Followed::Gone { step: number }));
        }
    }

    /// A wait, a check or a group. A group around one fault bears the fault's number, and the fault tells for itself.
    fn other(&mut self, node: &Node, out: &mut Vec<Event>) {
        let Some((step, kind)) = kind_of(&node.template) else { return };
        let told = self.steps.entry(step).or_default();
        if *told < Step::Began {
            *told = Step::Began;
            out.push(Event::Followed(Followed::Began { step }));
        }
        // A check ends when the machine has judged it.
        if kind == Kind::Other && node.is_over() && *told < Step::Gone {
            *told = Step::Gone;
            out.push(Event::Followed(Followed::Ended { step }));
        }
    }

    /// Faults whose nodes are gone: the Workflow was deleted.
    fn orphans(&mut self, config: &GateConfig, nodes: &[&Node], seen: &Seen, out: &mut Vec<Event>) {
        for step in &config.steps {
            let left = self.faults(seen).iter().any(|f| f.resource == step.resource);
            let has_node = nodes.iter().any(|n| n.template == step.template);
            let Some(told) = self.steps.get_mut(&step.number) else { continue };
            if *told > Step::Before && *told < Step::Gone && !has_node && !left {
                *told = Step::Gone;
                out.push(Event::Followed(Followed::Gone { step: step.number }));
            }
        }
    }
}

/// The step that a template stands for: `step-3-wait`.
fn kind_of(template: &str) -> Option<(u32, Kind)> {
    let (number, what) = template.strip_prefix("step-")?.split_once('-')?;
    let kind = match what {
        "wait" | "parallel" | "sequence" => Kind::Other,
        _ if what.starts_with("check-") => Kind::Check,
        _ if what.starts_with("round-") => Kind::Other,
        _ => return None,
    };
    Some((number.parse().ok()?, kind))
}

/// How the Workflow came to its end, if it did. What was aborted is read first: later conditions are added to it.
fn end(nodes: &[&Node], workflow: Option<&Workflow>) -> Option<Event> {
    let find = |template: &str| nodes.iter().find(|n| n.template == template);
    let reason = |template: &str, condition: &str| find(template).and_then(|n| n.conditions.get(condition));
    let lost = |reason: &str| Some(Event::Followed(Followed::Lost { reason: reason.to_owned() }));
    let by = |by: &str| Some(Event::Abort { by: by.to_owned() });
    let Some(workflow) = workflow else { return by("who deleted the Workflow") };
    if reason("baseline", "Aborted").is_some_and(|r| r == UNANSWERED) {
        return lost("the time of the baseline's check was over before the gate could open it");
    }
    if reason("guards", "Aborted").is_some_and(|r| r == UNANSWERED) {
        return by("Chaos Mesh, whose check of the guards got no answer");
    }
    let method = find("method");
    // Once the method is through, only the recovery is left, and that is judged here.
    if method.is_some_and(|n| n.conditions.contains_key("Accomplished") && !n.is_cut()) && !workflow.aborted {
        return Some(Event::Followed(Followed::Completed));
    }
    if workflow.aborted {
        return by("the annotation that aborts the Workflow");
    }
    if reason("entry", "DeadlineExceed").is_some() {
        return lost("the Workflow's own deadline was over");
    }
    if find("armed").is_some_and(|n| n.is_cut()) {
        return lost("it was not armed in its time");
    }
    if method.is_some_and(|n| n.is_cut()) {
        return lost("the deadline of the run cut the method short");
    }
    if workflow.accomplished {
        return lost("the Workflow came to its end before its method");
    }
    None
}
