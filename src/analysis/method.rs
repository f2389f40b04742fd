//! Proof: the method does something.
//!
//! Comes in: a plan. Goes out: P0456.

use crate::diagnostic::{Code, Diagnostic};
use crate::plan::Plan;

/// Adds a method that injects nothing.
pub fn check(plan: &Plan, out: &mut Vec<Diagnostic>) {
    if plan.faults.is_empty() {
        let span = plan.method.first().map_or(plan.span, |s| s.span);
        out.push(
            Diagnostic::new(Code::METHOD_WITHOUT_FAULT, span, format!("the method of `{}` injects nothing", plan.name))
                .why("what holds on a quiet day says nothing about a bad one")
                .help("inject a fault of the standard library (`perturb faults` lists them) or one of your own"),
        );
    }
}
