//! Proof: whoever is hit has a say, and is hit for a reason.
//!
//! Comes in: a plan with its services, teams and approvals (the policies' included). Goes out: P0452 (a warning) and
//! P0453 (the same where the environment is protected), P0454.

use std::collections::{BTreeMap, BTreeSet};

use smol_str::SmolStr;

use super::facts;
use super::timeline::may_hit;
use crate::diagnostic::{Code, Diagnostic};
use crate::plan::{Draw, Fault, Plan, Selector, ServiceFacts};

/// One service that a fault hits.
struct Hit<'p> {
    fault: &'p Fault,
    draw: &'p Draw,
    name: &'p SmolStr,
    facts: &'p ServiceFacts,
    /// The draw is of this service; else it is one of many that a wide selector may take.
    is_own: bool,
}

/// Adds hits that need an approval, and hits without a reason.
pub fn check(plan: &Plan, out: &mut Vec<Diagnostic>) {
    let hits = all_hit(plan);
    approvals(plan, &hits, out);
    reasons(plan, &hits, out);
}

/// Every service that may be among what a fault takes: a wide selector takes the pods of many. Of nodes and zones nobody knows
/// before the run what is on them.
fn all_hit(plan: &Plan) -> Vec<Hit<'_>> {
    let mut found = Vec::new();
    for fault in &plan.faults {
        for index in facts::hit_draws(fault) {
            let Some(draw) = facts::draw(plan, index) else { continue };
            let own = facts::service_of(plan, draw).map(|(name, _)| name);
            let is_wide = matches!(draw.selector, Selector::Pods(_));
            for (name, facts) in &plan.services {
                let is_own = own == Some(name);
                if is_own || (is_wide && own.is_none() && may_hit(plan, index, name, facts)) {
                    found.push(Hit { fault, draw, name, facts, is_own });
                }
            }
        }
    }
    found
}

/// Another team's service without its approval: one diagnostic per team.
fn approvals(plan: &Plan, hits: &[Hit<'_>], out: &mut Vec<Diagnostic>) {
    let Some(subject) = plan.services.get(&plan.service) else { return };
    let mut by_team: BTreeMap<&SmolStr, Vec<&Hit<'_>>> = BTreeMap::new();
    for hit in hits.iter().filter(|h| h.facts.owner != subject.owner) {
        by_team.entry(&hit.facts.owner).or_default().push(hit);
    }
    by_team.retain(|team, _| !plan.approvals.iter().any(|a| a.team == **team));
    for (team, hits) in by_team {
        let Some(first) = hits.first() else { continue };
        let code = if plan.place.protected { Code::OTHER_TEAM_PROTECTED } else { Code::OTHER_TEAM };
        let message = format!("`{}` belongs to team `{team}`, whose approval nothing asks for", first.name);
        let diagnostic = Diagnostic::new(code, first.fault.span, message)
            .label(format!("hits `{}`", first.draw.text))
            .also(first.facts.span, format!("owned by `{team}`"))
            .why("their on-call is paged by what you inject")
            .help(format!("write `approval by {team}` in the guard, or in a policy of the environment"));
        out.push(also_hit(diagnostic, &hits));
    }
}

/// A service that neither the subject nor anything that is measured depends on: one diagnostic per service.
fn reasons(plan: &Plan, hits: &[Hit<'_>], out: &mut Vec<Diagnostic>) {
    let related = related(plan);
    let mut by_service: BTreeMap<&SmolStr, Vec<&Hit<'_>>> = BTreeMap::new();
    for hit in hits.iter().filter(|h| h.is_own && !related.contains(h.name) && !beside(h)) {
        by_service.entry(hit.name).or_default().push(hit);
    }
    for (name, hits) in by_service {
        let Some(first) = hits.first() else { continue };
        let subject = &plan.service;
        let message = format!("`{subject}` does not depend on `{name}`, which `{}` hits", first.fault.name);
        let mut diagnostic = Diagnostic::new(Code::UNRELATED_SERVICE, first.fault.span, message)
            .label(format!("why would `{subject}` notice?"))
            .why("an experiment that cannot fail teaches nothing, and hurts somebody else meanwhile")
            .help(format!("add `{name}` to what `{subject}` depends on, or choose the service that it is about"));
        if let Some(facts) = plan.services.get(subject) {
            diagnostic = diagnostic.also(facts.span, "its `depends-on` is here");
        }
        out.push(also_hit(diagnostic, &hits));
    }
}

/// Labels the other steps that hit the same; the rounds of a loop are one place in the text.
fn also_hit(mut diagnostic: Diagnostic, hits: &[&Hit<'_>]) -> Diagnostic {
    let mut seen = BTreeSet::from([diagnostic.span]);
    for other in hits.iter().filter(|h| seen.insert(h.fault.span)) {
        diagnostic = diagnostic.also(other.fault.span, format!("hits `{}`", other.draw.text));
    }
    diagnostic
}

/// What shares a node or zone with something is hit for that.
fn beside(hit: &Hit<'_>) -> bool {
    hit.draw.selector.pods().is_some_and(|pods| pods.node.is_some() || pods.zone.is_some())
}

/// The subject, the services that expectations and guards measure, and all that these depend on.
fn related(plan: &Plan) -> BTreeSet<&SmolStr> {
    let measured = plan.streams.iter().filter_map(|s| s.service.as_ref());
    let mut waiting: Vec<&SmolStr> = std::iter::once(&plan.service).chain(measured).collect();
    let mut found = BTreeSet::new();
    while let Some(name) = waiting.pop() {
        if found.insert(name)
            && let Some(facts) = plan.services.get(name)
        {
            waiting.extend(facts.depends_on.iter());
        }
    }
    found
}
