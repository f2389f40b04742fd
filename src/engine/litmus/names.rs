//! Names that fit.
//!
//! Comes in: names of any length, already checked against RFC 1123. Goes out: names that leave room for what Litmus and
//! Argo put behind them. Must never give two different long names the same short one: what is cut is hashed.
//!
//! Where the lengths come from: the runner pod carries the label `app=<engine>` (chaos-operator
//! `getChaosRunnerLabels`), helper pods `app=<experiment>-helper-<6>` (litmus-go `GetHelperLabels`), jobs are called
//! `<experiment>-<6>` (chaos-runner); a label's value has at most 63 characters. Argo refuses a CronWorkflow over 52.

use crate::plan::{Plan, text_digest};

/// The longest value of a label.
pub(super) const LABEL: usize = 63;
/// The longest name of a ChaosExperiment: `-helper-` and six characters follow it in a label.
pub(super) const EXPERIMENT: usize = LABEL - 14;
/// The longest name of a ChaosEngine: it is a label's value.
pub(super) const ENGINE: usize = LABEL;
/// The longest name of a Workflow; that of a CronWorkflow is followed by a time.
pub(super) const WORKFLOW: usize = 52;
/// What Argo puts in place of `{{workflow.uid}}`.
const UID: usize = 36;

/// The name if it fits, else its beginning and six digits of its digest.
pub(super) fn fit(name: &str, longest: usize) -> String {
    if name.len() <= longest {
        return name.to_owned();
    }
    let digest = text_digest(name);
    let six = digest.get(7..13).unwrap_or_default();
    let mut end = longest.saturating_sub(7);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    // The end is a boundary at or before the name's length.
    let head = name.get(..end).unwrap_or_default().trim_end_matches('-');
    format!("{head}-{six}")
}

/// What ends the names of objects that must not change in place: the plan's digest. What a schedule uses again and again
/// is named by the experiment instead: pruned under a new name, it would be missing to a run that is under way.
pub(super) fn suffix(plan: &Plan) -> String {
    match plan.schedule {
        None => plan.short_digest().to_owned(),
        Some(_) => text_digest(&plan.name).get(7..17).unwrap_or_default().to_owned(),
    }
}

/// `pod-network-latency-0123456789`: the ChaosExperiment of a fault, and the account and role that it runs with.
pub(super) fn experiment(fault: &str, variant: usize, suffix: &str) -> String {
    let tail = if variant == 1 { suffix.to_owned() } else { format!("{variant}-{suffix}") };
    format!("{}-{tail}", fit(fault, EXPERIMENT - 1 - tail.len()))
}

/// The engine of a plan that has only one.
pub(super) fn bare_engine(plan: &Plan) -> String {
    let digest = plan.short_digest();
    format!("{}-{digest}", fit(&plan.name, ENGINE - 1 - digest.len()))
}

/// The engine of one step of a workflow. Argo puts the run's uid in, so that each run has engines of its own and every
/// step can name them.
pub(super) fn step_engine(fault: &str, number: usize) -> String {
    let number = number.to_string();
    format!("{}-{number}-{{{{workflow.uid}}}}", fit(fault, ENGINE - UID - 2 - number.len()))
}

/// The workflow of a plan.
pub(super) fn workflow(plan: &Plan) -> String {
    if plan.schedule.is_some() {
        return fit(&plan.name, WORKFLOW);
    }
    let digest = plan.short_digest();
    format!("{}-{digest}", fit(&plan.name, WORKFLOW - 1 - digest.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_stay_and_long_ones_stay_apart() {
        assert_eq!(fit("pod-delete", 20), "pod-delete");
        let one = fit("a-very-long-name-of-a-verify--scenario--one", 30);
        let other = fit("a-very-long-name-of-a-verify--scenario--two", 30);
        assert!(one.len() <= 30 && other.len() <= 30);
        assert_ne!(one, other);
        assert!(!fit("abcdefghijklmno-pqrstuvwxyz", 23).contains("--"));
    }

    #[test]
    fn engines_fit_the_label_app_of_their_runner() {
        let name = step_engine(&"long-".repeat(30), 117).replace("{{workflow.uid}}", &"u".repeat(UID));
        assert!(name.len() <= LABEL, "{name}");
        assert!(experiment(&"x".repeat(90), 12, "0123456789").len() <= EXPERIMENT);
    }
}
