//! What of a plan restricts a run, and what nothing looks at where a cluster carries it out by itself: a preflight there is
//! none.
//!
//! Comes in: a plan, and whether the engine's own part looks at the hours. Goes out: one entry for each restriction that
//! whoever applies the manifests stands for. The same line of a policy gives the same entry for every experiment.

use crate::plan::{Plan, RuleVerdict};

use super::Approximation;

/// What nothing in the cluster looks at.
pub(super) fn unwatched(plan: &Plan, hours_are_watched: bool) -> Vec<Approximation> {
    let mut all = Vec::new();
    for hours in plan.hours.iter().filter(|_| !hours_are_watched) {
        let span = hours.only.first().map(|h| h.span).or(hours.never.first().map(|d| d.span)).unwrap_or(plan.span);
        let text = format!(
            "nothing in the cluster looks at the hours of {}: applied outside of them, it injects all the same",
            whose(hours.policy.as_deref())
        );
        all.push(Approximation { what: "hours", text, span });
    }
    for approval in &plan.approvals {
        let text = format!(
            "nobody in the cluster asks for the `approval by {}` of {}: who applies the manifests approves them",
            approval.team,
            whose(approval.policy.as_deref())
        );
        all.push(Approximation { what: "approval", text, span: approval.span });
    }
    for rule in &plan.rules {
        if let RuleVerdict::AtPreflight(why) = &rule.verdict {
            let text = format!(
                "nothing in the cluster judges `{}` of policy `{}`, which only shows before a run ({why})",
                rule.text, rule.policy
            );
            all.push(Approximation { what: "preflight", text, span: rule.span });
        }
    }
    if let Some((schedule, drawn)) = plan.schedule.as_ref().and_then(|s| Some((s, s.drawn.as_deref()?))) {
        let text = format!(
            "nothing in a cluster draws `{drawn}` for each run of `{}`: applied in every cluster of `{}`, all of them run it at \
             the same time",
            schedule.verify, plan.place.environment
        );
        all.push(Approximation { what: "clusters", text, span: schedule.span });
    }
    all
}

fn whose(policy: Option<&str>) -> String {
    policy.map_or("the experiment".to_owned(), |policy| format!("policy `{policy}`"))
}
