//! What several proofs ask about a plan: which faults may be on together, what each of them hits, how long faults last.
//!
//! Comes in: a [`Plan`] and its [`Timeline`]. Goes out: plain answers. Indices of a plan that was written by hand may
//! point nowhere: every look-up here gives an `Option` and nothing panics.

use smol_str::SmolStr;

use super::timeline::{Lane, LaneKind, Timeline};
use crate::plan::{
    Condition, Draw, Effect, Fault, GuardWhen, Phase, Plan, PodSelector, ServiceFacts, Step, StepKind, Stream,
};
use crate::types::{Duration, Value};

/// The fault of an index.
pub fn fault(plan: &Plan, index: u32) -> Option<&Fault> {
    plan.faults.get(index as usize)
}

/// The draw of an index.
pub fn draw(plan: &Plan, index: u32) -> Option<&Draw> {
    plan.draws.get(index as usize)
}

/// The stream of an index.
pub fn stream(plan: &Plan, index: u32) -> Option<&Stream> {
    plan.streams.get(index as usize)
}

/// The streams of a condition, each once.
pub fn streams_of<'p>(plan: &'p Plan, condition: &Condition) -> Vec<&'p Stream> {
    condition.streams().into_iter().filter_map(|s| stream(plan, s)).collect()
}

/// An argument of a fault.
pub fn argument<'f>(fault: &'f Fault, name: &str) -> Option<&'f Value> {
    fault.arguments.iter().find(|e| e.key == name).map(|e| &e.value)
}

/// The draws whose members a fault changes: its target, and a peer where packets from the peer are changed too
/// (`chaos-mesh.md` T21: with `from` and `both` the rules lie in the peer's pods).
pub fn hit_draws(fault: &Fault) -> Vec<u32> {
    let mut found = vec![fault.target];
    let outgoing = argument(fault, "direction").is_none_or(|d| d.as_text() == Some("outgoing"));
    if !outgoing && let Some(Value::Draw(peer)) = argument(fault, "peer") {
        found.push(*peer);
    }
    found
}

/// The service that a draw takes from: the one whose selector it is, or one of the catalogue with the same namespace
/// and labels.
pub fn service_of<'p>(plan: &'p Plan, draw: &'p Draw) -> Option<(&'p SmolStr, &'p ServiceFacts)> {
    if let Some(name) = &draw.service {
        return plan.services.get_key_value(name);
    }
    let pods = draw.selector.pods()?;
    plan.services.iter().find(|(_, facts)| facts.pods.as_ref().is_some_and(|own| within(pods, own)))
}

/// Whether all that `inner` selects is also selected by `outer`, by namespaces and labels alone.
fn within(inner: &PodSelector, outer: &PodSelector) -> bool {
    !outer.labels.is_empty()
        && inner.namespaces.iter().all(|n| outer.namespaces.contains(n))
        && outer.labels.iter().all(|l| inner.labels.contains(l))
        && outer.conditions.iter().all(|c| inner.conditions.contains(c) || c.is_implied_by(&inner.labels))
}

/// Whether a selector says more than a service's own: labels, names, node, zone, exceptions.
pub fn narrowed(pods: &PodSelector, service: Option<&ServiceFacts>) -> bool {
    let own = service.and_then(|s| s.pods.as_ref());
    !pods.names.is_empty()
        || pods.node.is_some()
        || pods.zone.is_some()
        || !pods.except.is_empty()
        || pods.nodes.is_some()
        || own.is_some_and(|own| {
            pods.labels.iter().any(|l| !own.labels.contains(l))
                || pods.conditions.iter().any(|c| !own.conditions.contains(c))
                || pods.annotations.iter().any(|a| !own.annotations.contains(a))
                || pods.fields.iter().any(|f| !own.fields.contains(f))
                || pods.phases != own.phases
        })
}

/// The lane of each fault, by the fault's index.
pub fn fault_lanes<'t>(plan: &Plan, timeline: &'t Timeline) -> Vec<Option<&'t Lane>> {
    let mut lanes = vec![None; plan.faults.len()];
    for lane in &timeline.lanes {
        if let LaneKind::Fault(index) = lane.kind
            && let Some(slot) = lanes.get_mut(index as usize)
        {
            *slot = Some(lane);
        }
    }
    lanes
}

/// From the first injection to the last confirmed undo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FaultsPhase {
    /// If every check holds at once and every injection and undo is confirmed at once: the shortest that it can be.
    pub shortest: Duration,
    /// As it is written: checks and questions take as long as they may, injections and undos no time.
    pub written: Duration,
    /// If everything takes as long as it may.
    pub longest: Duration,
}

/// The faults phase; `None` if the method injects nothing.
pub fn faults_phase(plan: &Plan, timeline: &Timeline) -> Option<FaultsPhase> {
    let faults = || timeline.lanes.iter().filter(|l| matches!(l.kind, LaneKind::Fault(_)));
    let begin = faults().map(|l| l.from.earliest).min()?;
    let shortest = faults().map(|l| l.to.earliest).max()?.minus(begin);
    let longest = faults().map(|l| l.to.latest).max()?.minus(begin);
    let mut written: Option<(Duration, Duration)> = None;
    write_out(&plan.method, Duration::ZERO, &mut written);
    let written = written.map_or(shortest, |(from, to)| to.minus(from));
    Some(FaultsPhase { shortest, written, longest })
}

/// Walks a block from a moment on and gives its end; `phase` grows to hold every fault.
fn write_out(steps: &[Step], from: Duration, phase: &mut Option<(Duration, Duration)>) -> Duration {
    steps.iter().fold(from, |now, step| match &step.kind {
        StepKind::Inject { lasts, .. } => grow(phase, now, now.plus(lasts.unwrap_or_default())),
        StepKind::With { steps, .. } => {
            let end = write_out(steps, now, phase);
            grow(phase, now, end)
        }
        StepKind::Parallel(branches) => {
            branches.iter().map(|b| write_out(std::slice::from_ref(b), now, phase)).max().unwrap_or(now)
        }
        StepKind::Sequence(steps) | StepKind::Round { steps, .. } => write_out(steps, now, phase),
        StepKind::Wait(length) | StepKind::Ask { within: length, .. } => now.plus(*length),
        StepKind::Check { within, .. } | StepKind::Note { within, .. } => now.plus(within.unwrap_or_default()),
    })
}

/// Lets the phase hold a fault, and gives the fault's end.
fn grow(phase: &mut Option<(Duration, Duration)>, from: Duration, to: Duration) -> Duration {
    let (first, last) = phase.unwrap_or((from, to));
    *phase = Some((first.min(from), last.max(to)));
    to
}

/// Whether any step leaves a fault on for a time.
pub fn has_lasting(plan: &Plan) -> bool {
    plan.faults.iter().any(|f| f.effect == Effect::Lasting)
}

/// Whether the plan has a guard that aborts.
pub fn has_abort_guard(plan: &Plan) -> bool {
    !plan.guards.is_empty()
}

/// Pairs of faults that the method may have on at the same time: one in the block of the other, or in two branches of
/// one `parallel` whose stretches of time may overlap. Each pair once, in the order of the steps.
pub fn together(plan: &Plan, timeline: &Timeline) -> Vec<(u32, u32)> {
    let lanes = fault_lanes(plan, timeline);
    let mut pairs = Vec::new();
    collect(&plan.method, &mut pairs);
    pairs.retain(|(a, b)| match (lanes.get(*a as usize), lanes.get(*b as usize)) {
        (Some(Some(a)), Some(Some(b))) => a.from.earliest <= b.to.latest && b.from.earliest <= a.to.latest,
        _ => true,
    });
    pairs
}

/// Adds the pairs of a block and gives all faults in it.
fn collect(steps: &[Step], pairs: &mut Vec<(u32, u32)>) -> Vec<u32> {
    let mut all = Vec::new();
    for step in steps {
        all.extend(collect_step(step, pairs));
    }
    all
}

fn collect_step(step: &Step, pairs: &mut Vec<(u32, u32)>) -> Vec<u32> {
    match &step.kind {
        StepKind::Inject { fault, .. } => vec![*fault],
        StepKind::With { fault, steps } => {
            let inner = collect(steps, pairs);
            pairs.extend(inner.iter().map(|i| (*fault, *i)));
            std::iter::once(*fault).chain(inner).collect()
        }
        StepKind::Parallel(branches) => {
            let mut before: Vec<u32> = Vec::new();
            for branch in branches {
                let own = collect_step(branch, pairs);
                pairs.extend(before.iter().flat_map(|b| own.iter().map(move |o| (*b, *o))));
                before.extend(own);
            }
            before
        }
        StepKind::Sequence(steps) | StepKind::Round { steps, .. } => collect(steps, pairs),
        StepKind::Wait(_) | StepKind::Check { .. } | StepKind::Ask { .. } | StepKind::Note { .. } => Vec::new(),
    }
}

/// Calls `f` with every step, outer ones first.
pub fn each_step<'p>(steps: &'p [Step], f: &mut impl FnMut(&'p Step)) {
    for step in steps {
        f(step);
        match &step.kind {
            StepKind::With { steps, .. }
            | StepKind::Parallel(steps)
            | StepKind::Sequence(steps)
            | StepKind::Round { steps, .. } => each_step(steps, f),
            StepKind::Inject { .. }
            | StepKind::Wait(_)
            | StepKind::Check { .. }
            | StepKind::Ask { .. }
            | StepKind::Note { .. } => {}
        }
    }
}

/// The condition that a guard watches, unless it is `refuted`.
pub fn guard_condition(when: &GuardWhen) -> Option<&Condition> {
    match when {
        GuardWhen::Condition(condition) => Some(condition),
        GuardWhen::Refuted => None,
    }
}

/// Whether an expectation is judged while faults are on.
pub fn judged_during_faults(phase: &Phase) -> bool {
    !matches!(phase, Phase::ExceptDuringFaults)
}
