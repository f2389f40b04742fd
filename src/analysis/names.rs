//! Proof: the names that people gave leave room for what the engines append to them.
//!
//! Comes in: a plan. Goes out: P0490, P0491. The longest generated name leaves 57 characters to its base (`chaos-mesh.md`
//! §4.4: with 58 and more, a Workflow's nodes are deleted and made again for ever), of which the short digest and its
//! `-` take 11. Names of a `verify`'s instances are made by Perturb, which shortens them; there the verify's own counts.

use super::kube_names::dns_label_fault;
use crate::diagnostic::{Code, Diagnostic};
use crate::plan::{Plan, StepKind};
use crate::source::Span;

/// What engines leave to the base of a generated name.
pub const GENERATED_BASE: usize = 57;
/// `-` and the ten digits of the short digest.
pub const DIGEST_SUFFIX: usize = 11;
/// The longest name that an experiment, a verify or a check may have.
pub const LONGEST_NAME: usize = GENERATED_BASE - DIGEST_SUFFIX;

/// Adds names that engines would cut or refuse.
pub fn check(plan: &Plan, out: &mut Vec<Diagnostic>) {
    match &plan.schedule {
        Some(schedule) if plan.name.starts_with(schedule.verify.as_str()) && plan.name != schedule.verify => {
            name("the verify", &schedule.verify, schedule.span, out);
        }
        _ => name("the experiment", &plan.name, plan.span, out),
    }
    super::facts::each_step(&plan.method, &mut |step| {
        if let StepKind::Check { name: check, .. } = &step.kind {
            name("the check", check, step.span, out);
        }
    });
}

fn name(what: &str, text: &str, span: Span, out: &mut Vec<Diagnostic>) {
    let length = text.chars().count();
    if length > LONGEST_NAME {
        let message = format!("the name of {what} `{text}` has {length} characters, {LONGEST_NAME} fit");
        out.push(
            Diagnostic::new(Code::NAME_TOO_LONG, span, message)
                .why(format!(
                    "objects in the cluster are named after it, with a digest behind; engines cut such names at {GENERATED_BASE} and then mistake one for another"
                ))
                .help("choose a shorter name; the doc comment has room for the rest"),
        );
    } else if let Some(fault) = dns_label_fault(text) {
        out.push(
            Diagnostic::new(Code::BAD_NAME, span, format!("`{text}` cannot name objects in Kubernetes: {fault}"))
                .why("objects in the cluster are named after it")
                .help("use lower-case letters and digits, with single `-` between"),
        );
    }
}
