//! P0930: a fault that lasts far longer than anything needs to see it.

use crate::diagnostic::{Code, Diagnostic};
use crate::plan::{Plan, Step, StepKind};
use crate::types::Duration;

/// A fault shorter than this is never too long, in seconds: people watch a run for about so long.
const SHORT: u64 = 15 * 60;
/// How many times what the slowest measure needs is enough.
const ENOUGH: u64 = 10;
const NANOS: u64 = 1_000_000_000;

pub(super) fn check(plan: &Plan, out: &mut Vec<Diagnostic>) {
    let needed = needed(plan);
    steps(&plan.method, &mut |step| {
        let StepKind::Inject { fault, lasts: Some(lasts) } = &step.kind else { return };
        let nanos = lasts.as_nanos();
        if nanos <= SHORT * NANOS || nanos <= needed.saturating_mul(ENOUGH) {
            return;
        }
        let Some(fault) = plan.faults.get(*fault as usize) else { return };
        let needed = Duration::from_nanos(needed).unwrap_or(Duration::ZERO);
        out.push(
            Diagnostic::new(
                Code::LONG_FAULT,
                fault.span,
                format!("`{}` lasts {lasts}, and {needed} is enough to see it", fault.name),
            )
            .label("everything that is judged looks back and waits for less")
            .why("each minute of a fault costs error budget, and proves no more than the one before")
            .help(format!("make it shorter: at most {ENOUGH} times what is needed, or a quarter of an hour")),
        );
    });
}

/// What the slowest measure needs, in nanoseconds: how far back it looks, how often it is asked, how long it may be false.
fn needed(plan: &Plan) -> u64 {
    let looks = |s: &crate::plan::Stream| s.window.map_or(0, Duration::as_nanos) + s.every.as_nanos();
    let streams = plan.streams.iter().map(looks).max().unwrap_or(0);
    let within = plan.expectations.iter().filter_map(|e| e.within).map(Duration::as_nanos).max().unwrap_or(0);
    streams.saturating_add(within)
}

fn steps(all: &[Step], visit: &mut impl FnMut(&Step)) {
    for step in all {
        visit(step);
        match &step.kind {
            StepKind::With { steps: inner, .. }
            | StepKind::Parallel(inner)
            | StepKind::Sequence(inner)
            | StepKind::Round { steps: inner, .. } => steps(inner, visit),
            _ => {}
        }
    }
}
