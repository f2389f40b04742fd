//! What a plan promises and an engine that is handed manifests does not keep, as it draws otherwise: for each fault anew, where a
//! `let` is one draw in the plan, and with shares rounded up. More may then be hit at once.
//!
//! Comes in: a plan. Goes out: the policies, and the proof about critical services, that hold in the plan and not there. How
//! far the draws differ is an approximation and only reported; that a policy is broken is not.

use crate::analysis::timeline::{drawn_otherwise, natively, timeline};
use crate::analysis::whole_service;
use crate::diagnostic::{Code, Diagnostic};
use crate::plan::{EngineName, Plan, Rule};

/// What must not be compiled for `engine`.
pub(super) fn refused(plan: &Plan, engine: EngineName) -> Vec<Diagnostic> {
    let Some(there) = natively(plan, engine) else { return Vec::new() };
    let mut all: Vec<Diagnostic> = plan.rules.iter().filter_map(|rule| broken(plan, engine, rule)).collect();
    // What is said of the plan itself stands in the findings already.
    let (mut here, mut natively) = (Vec::new(), Vec::new());
    whole_service(plan, &timeline(plan), &mut here);
    whole_service(plan, &there, &mut natively);
    all.extend(natively.into_iter().filter(|found| !here.iter().any(|d| d.message == found.message)));
    all
}

fn broken(plan: &Plan, engine: EngineName, rule: &Rule) -> Option<Diagnostic> {
    let found = rule.broken_by.get(&engine)?;
    let mut draws = drawn_otherwise(plan, engine).into_iter().filter_map(|draw| plan.draws.get(draw as usize));
    let draw = draws.next()?;
    let engine = engine.title();
    let message = format!("`{}` of policy `{}` does not hold in {engine}: {found}", rule.text, rule.policy);
    let mut diagnostic = Diagnostic::new(Code::DRAWN_OTHERWISE, draw.span, message)
        .label(format!("{engine} draws `{}` otherwise", draw.text))
        .also(rule.span, format!("because {}", rule.because))
        .why("a `let` is one draw in the plan and several in an engine, which may hit different pods; and Chaos Mesh rounds a share up")
        .help("let one fault follow the other, or hit so few that all together are allowed");
    for other in draws {
        diagnostic = diagnostic.also(other.span, format!("and `{}`", other.text));
    }
    Some(diagnostic)
}
