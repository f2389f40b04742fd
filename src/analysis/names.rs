//! Proof: the names that people gave leave room for what the engines append to them.
//!
//! Comes in: a plan. Goes out: P0490, P0491. Engines and the API server cut or misread names that get too long: a label's
//! value has at most 63 characters (`chaos-mesh.md` §4.4), Argo's Workflows leave 52 (`litmus.md`), templates 57. Emitters
//! shorten what is longer, but then people look for a name that is not there. Names of a `verify`'s instances are made by
//! Perturb; there the verify's own name counts.

use super::kube_names::dns_label_fault;
use crate::diagnostic::{Code, Diagnostic};
use crate::plan::{Plan, StepKind};
use crate::source::Span;

/// What a label's value leaves to a name: of 63 characters, the short digest takes 11 with its `-`, and the longest of the
/// words that tell objects apart (`-gate-target`) 12.
pub const LONGEST_NAME: usize = 63 - 11 - 12;

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
                .why(
                    "objects in the cluster are named after it, with more behind; \
                 a name that has to be cut is hard to find again",
                )
                .help("choose a shorter name; the doc comment has room for the rest"),
        );
    } else if let Some(fault) = dns_label_fault(text) {
        out.push(
            Diagnostic::new(
                Code::NAME_NOT_FOR_KUBERNETES,
                span,
                format!("`{text}` cannot name objects in Kubernetes: {fault}"),
            )
            .why("objects in the cluster are named after it")
            .help("use lower-case letters and digits, with single `-` between"),
        );
    }
}
