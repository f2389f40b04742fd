//! Proof: a fault that dies with its container does not meet a fault that restarts the container.
//!
//! Comes in: a plan and its timeline. Goes out: P0475. Which faults die so is said by their declaration
//! (`lost-on-restart`); which faults restart, by their mechanism.

use super::conflicts::mechanism;
use super::facts;
use super::timeline::{Meeting, Timeline, meet};
use crate::diagnostic::{Code, Diagnostic};
use crate::plan::{Effect, Fault, Plan};

/// Mechanisms that end the container at once.
const RESTARTS: [&str; 3] = ["pod-delete", "container-kill", "rollout"];
/// What ends the process of a limit on this machine at once; the limit goes with it.
const ENDS: &str = "process";
const LIMIT: &str = "cgroup";
/// A container above its memory limit is killed and started again.
const OUT_OF_MEMORY: &str = "memory";

/// Adds faults that would be gone before their end.
pub fn check(plan: &Plan, timeline: &Timeline, out: &mut Vec<Diagnostic>) {
    if !plan.faults.iter().any(|f| f.lost_on_restart && f.effect == Effect::Lasting) {
        return;
    }
    for (a, b) in facts::together(plan, timeline) {
        let (Some(first), Some(second)) = (facts::fault(plan, a), facts::fault(plan, b)) else { continue };
        judge(plan, first, second, out);
        judge(plan, second, first, out);
    }
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
