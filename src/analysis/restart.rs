//! Proof: a fault that dies with its container does not meet a fault that restarts the container.
//!
//! Comes in: a plan and its timeline. Goes out: P0475. Which faults die so is said by their declaration
//! (`lost-on-restart`); which faults restart, by their mechanism.

use super::conflicts::mechanism;
use super::facts;
use super::timeline::{Meeting, Timeline, meet};
use crate::diagnostic::{Code, Diagnostic};
use crate::plan::{Effect, Fault, Plan, StepKind};

/// Mechanisms that end the container at once.
const RESTARTS: [&str; 3] = ["pod-delete", "container-kill", "rollout"];
/// What ends the process of a limit on this machine at once; the limit goes with it.
const ENDS: &str = "process";
const LIMIT: &str = "cgroup";
/// A container above its memory limit is killed and started again.
const OUT_OF_MEMORY: &str = "memory";

/// Adds faults that would be gone before their end, or still there after it.
pub fn check(plan: &Plan, timeline: &Timeline, out: &mut Vec<Diagnostic>) {
    ends_by_itself(plan, out);
    if !plan.faults.iter().any(|f| f.lost_on_restart && f.effect == Effect::Lasting) {
        return;
    }
    for (a, b) in facts::together(plan, timeline) {
        let (Some(first), Some(second)) = (facts::fault(plan, a), facts::fault(plan, b)) else { continue };
        judge(plan, first, second, out);
        judge(plan, second, first, out);
    }
}

/// A fault that nothing can end before its own time, in a step of another length: the plan would count it as gone while it is
/// there, or as there while it is gone.
fn ends_by_itself(plan: &Plan, out: &mut Vec<Diagnostic>) {
    facts::each_step(&plan.method, &mut |step| {
        let (fault, lasts) = match &step.kind {
            StepKind::Inject { fault, lasts } => (*fault, *lasts),
            StepKind::With { fault, .. } => (*fault, None),
            _ => return,
        };
        let Some(fault) = facts::fault(plan, fault) else { return };
        let Some(after) = fault.ends_after.filter(|after| Some(*after) != lasts) else { return };
        let step_says = lasts.map_or("its block ends when its steps do".to_owned(), |l| format!("its step after {l}"));
        let message = format!("`{}` ends by itself after {after} and not before, and {step_says}", fault.name);
        out.push(
            Diagnostic::new(Code::ENDS_BY_ITSELF, fault.span, message)
                .why("what the plan takes for undone would still be there, and count for no guard, radius or policy")
                .help(format!("let the step last as long: `… for {after}`")),
        );
    });
}

fn judge(plan: &Plan, lost: &Fault, other: &Fault, out: &mut Vec<Diagnostic>) {
    if !lost.lost_on_restart
        || lost.effect != Effect::Lasting
        || meet(plan, lost.target, other.target) == Meeting::Never
    {
        return;
    }
    let mechanism = mechanism(plan, other);
    let is_limit = self::mechanism(plan, lost) == LIMIT;
    let how = if is_limit && mechanism == ENDS && other.effect == Effect::Instant {
        "ends the process"
    } else if RESTARTS.contains(&mechanism.as_str()) {
        "restarts it"
    } else if mechanism == OUT_OF_MEMORY {
        "may drive it over its memory limit, which restarts it"
    } else {
        return;
    };
    let thing = if is_limit { "process" } else { "container" };
    let message = format!("`{}` may be gone before its end: `{}` {how} meanwhile", lost.name, other.name);
    out.push(
        Diagnostic::new(Code::LOST_ON_RESTART, lost.span, message)
            .label(if is_limit { "holds the process that is drawn" } else { "lives in the container's own processes" })
            .also(other.span, format!("`{}` may hit the same {thing}", other.name))
            .why(format!(
                "the new {thing} comes up without the fault: what is measured from then on is a healthy system"
            ))
            .help("let one end before the other begins, or hit different targets"),
    );
}
