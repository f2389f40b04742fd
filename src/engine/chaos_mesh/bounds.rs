//! How long things take natively: the deadlines of a Workflow, and how fast a guard ends a fault.
//!
//! Pure arithmetic on a plan. Every fault's node has a deadline (T48), since nothing else ends it; the formulas and the
//! measured times behind the constants are those of the gate (`D`, `T`, `F`).
//!
//! A node of a fault that lasts L gets L + 1 s. A `with` cannot end its fault when its block ends: the fault's node gets
//! the *longest* time that the block can take, so that no step of the block runs without the fault. A block of fixed
//! length (waits, faults `for D`) is exact to seconds; one with checks or undos that end early leaves its fault in place
//! until the deadline, which the report says.

use serde::Serialize;

use crate::analysis::timeline::{UNDO_BOUND, reaction, timeline};
use crate::plan::{Plan, Step, StepKind, Stream};
use crate::types::Duration;

use super::constants::{
    ARMING, BASELINE_PATIENCE, CUT, FAILURES, INSTANT, INTERVAL, LAST_RESORT, NODE_SLACK, RECOVERED_SLACK, TIMEOUT,
};

/// The times of a Workflow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct NativeBounds {
    /// How long the baseline may take before the run is given up.
    pub baseline: Duration,
    /// D: how long faults and guards live; the only thing that ends the guards.
    pub run: Duration,
    /// How long recovery is waited for.
    pub recovered: Duration,
    /// T: the last resort, which ends everything.
    pub total: Duration,
}

/// The shortest and the longest that something takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Length {
    /// If everything answers at once.
    pub(super) least: Duration,
    /// If everything takes as long as it may.
    pub(super) most: Duration,
}

impl Length {
    const NONE: Self = Self { least: Duration::ZERO, most: Duration::ZERO };

    fn exactly(length: Duration) -> Self {
        Self { least: length, most: length }
    }

    fn then(self, next: Self) -> Self {
        Self { least: self.least.plus(next.least), most: self.most.plus(next.most) }
    }

    fn beside(self, other: Self) -> Self {
        Self { least: self.least.max(other.least), most: self.most.max(other.most) }
    }
}

/// Whole seconds, rounded up: node deadlines are cut to them.
fn ceil(length: Duration) -> Duration {
    Duration::from_secs(u32::try_from(length.as_secs_ceil()).unwrap_or(u32::MAX))
}

/// The deadline of a fault's node: its length and what cutting takes away; of an instant fault, time to fire.
pub(super) fn fault_deadline(lasts: Option<Duration>) -> Duration {
    lasts.map_or(INSTANT, |d| ceil(d).plus(CUT))
}

/// The deadline of the fault of a `with`.
pub(super) fn block_deadline(plan: &Plan, steps: &[Step]) -> Duration {
    ceil(serial(plan, steps).most).max(CUT).plus(CUT)
}

/// By how much a `with` may outlast its block; zero where the block's length is fixed.
pub(super) fn overstay(plan: &Plan, steps: &[Step]) -> Duration {
    let length = serial(plan, steps);
    length.most.minus(length.least)
}

/// Steps one after the other.
pub(super) fn serial(plan: &Plan, steps: &[Step]) -> Length {
    steps.iter().fold(Length::NONE, |sum, s| sum.then(step(plan, s)))
}

/// One step with what follows from it: its node, the pause until the next one, and the wait for its undo.
fn step(plan: &Plan, step: &Step) -> Length {
    let node = |deadline: Duration| Length::exactly(deadline.plus(NODE_SLACK));
    let undone = Length { least: NODE_SLACK, most: UNDO_BOUND.plus(NODE_SLACK) };
    match &step.kind {
        StepKind::Inject { lasts: None, .. } => node(INSTANT),
        StepKind::Inject { lasts, .. } => node(fault_deadline(*lasts)).then(undone),
        StepKind::With { steps, .. } => node(block_deadline(plan, steps)).then(undone),
        StepKind::Wait(length) => node(ceil(*length)),
        StepKind::Check { within, condition, .. } => {
            let most = within.unwrap_or_else(|| longest(plan, &condition.streams(), next_sample));
            Length { least: NODE_SLACK, most: ceil(most).plus(NODE_SLACK) }
        }
        StepKind::Parallel(branches) => branches.iter().fold(Length::NONE, |all, s| all.beside(self::step(plan, s))),
        StepKind::Sequence(steps) | StepKind::Round { steps, .. } => serial(plan, steps),
        // Refused, or an annotation.
        StepKind::Ask { .. } | StepKind::Note { .. } => Length::NONE,
    }
}

/// The times of a plan's Workflow.
#[must_use]
pub fn native_bounds(plan: &Plan) -> NativeBounds {
    let baseline = plan.baseline.plus(BASELINE_PATIENCE);
    let run = ceil(ARMING.plus(serial(plan, &plan.method).most).plus(NODE_SLACK));
    let recovered = plan.recovery.within.plus(plan.baseline).plus(RECOVERED_SLACK);
    NativeBounds { baseline, run, recovered, total: ceil(baseline.plus(run).plus(recovered).plus(LAST_RESORT)) }
}

/// How fast a guard acts natively, term by term.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ReactionBound {
    /// What a term is, and how long: their sum is `total`. The language's own terms come first.
    pub terms: Vec<(&'static str, Duration)>,
    /// From the breach until the faults are undone, while the gate runs.
    pub total: Duration,
    /// From the gate's death until Chaos Mesh's own check calls the faults back.
    pub without_gate: Duration,
}

/// How fast a guard (an index into `Plan::guards`) acts natively: `window + for + every + timeout` as in the language,
/// then the gate's own evaluation, its patch that pauses the faults, and the undo, which Chaos Mesh begins for all at
/// once. `None` if the plan has no such guard.
///
/// Without a gate the abort takes F·max(i, t) + t + i + C, with i the interval, t the time-out, F the failures in a row
/// and C the controllers' chain, which took up to 0.8 s for one workflow at the default client limit (30 requests a
/// second; with four at once up to 8 s: Helm's `controllerManager.qps` and `.burst` lift it).
#[must_use]
pub fn reaction_bound(plan: &Plan, guard: usize) -> Option<ReactionBound> {
    const EVALUATION: Duration = Duration::from_secs(1);
    const PAUSE: Duration = Duration::from_secs(1);
    const CHAIN: Duration = Duration::from_secs(1);
    let language = reaction(plan, guard)?;
    let terms = vec![
        ("window", language.window),
        ("for", language.hold),
        ("every", language.every),
        ("timeout", language.timeout),
        ("the gate's evaluation", EVALUATION),
        ("the gate's pause of the faults", PAUSE),
        ("undo", UNDO_BOUND),
    ];
    let total = terms.iter().fold(Duration::ZERO, |sum, (_, d)| sum.plus(*d));
    let seconds = FAILURES * INTERVAL.max(TIMEOUT) + TIMEOUT + INTERVAL;
    let without_gate = Duration::from_secs(u32::try_from(seconds).unwrap_or(u32::MAX)).plus(CHAIN);
    Some(ReactionBound { terms, total, without_gate })
}

/// The times of a Workflow and of each guard, a line each.
pub(super) fn told(plan: &Plan) -> Vec<String> {
    let NativeBounds { baseline, run, recovered, total } = native_bounds(plan);
    // Policies judge the plan's own bound, and Chaos Mesh's controllers take their time beside it.
    let own = timeline(plan).total;
    let more =
        if total > own { format!(" (the plan's own bound, which policies judge, is {own})") } else { String::new() };
    let mut lines = vec![format!(
        "times: the baseline at most {baseline}, faults and guards at most {run}, recovery at most {recovered}; \
         everything is ended after {total} at the latest{more}"
    )];
    lines.extend((0..plan.guards.len()).filter_map(|guard| {
        let ReactionBound { terms, total, without_gate } = reaction_bound(plan, guard)?;
        let terms: Vec<String> =
            terms.iter().filter(|(_, d)| !d.is_zero()).map(|(what, d)| format!("{what} {d}")).collect();
        Some(format!(
            "guard {}: all faults are undone at most {total} after the breach ({}); where the gate itself dies, at most \
             {without_gate} after that they are called back",
            guard + 1,
            terms.join(", ")
        ))
    }));
    lines
}

/// The longest of something over some streams.
fn longest(plan: &Plan, streams: &[u32], f: fn(&Stream) -> Duration) -> Duration {
    streams.iter().filter_map(|s| plan.streams.get(*s as usize)).map(f).max().unwrap_or(Duration::ZERO)
}

/// By when the next sample of a stream is there, or is known to be missing.
fn next_sample(stream: &Stream) -> Duration {
    stream.every.plus(stream.timeout)
}
