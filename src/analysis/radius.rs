//! Proof: what is hit is there, is about as much as was written, and is not all of a service that everything needs.
//!
//! Comes in: the draws that faults hit, and the replica counts of the catalogue; where it gives none, only preflight can
//! tell. Goes out: P0476–P0478.

use std::collections::BTreeSet;

use super::facts;
use super::timeline::{Radius, Timeline};
use crate::diagnostic::{Code, Diagnostic};
use crate::plan::{Draw, Plan, Quantity, Selector, ServiceFacts, Tier};
use crate::types::{Decimal, Percent};

/// Adds draws that take more than there is, or than they say.
pub fn check(plan: &Plan, timeline: &Timeline, out: &mut Vec<Diagnostic>) {
    let hit: BTreeSet<u32> = plan.faults.iter().flat_map(facts::hit_draws).collect();
    for draw in hit.into_iter().filter_map(|d| facts::draw(plan, d)) {
        if let Some((name, facts)) = facts::service_of(plan, draw) {
            more_than_there(draw, name, facts, out);
            larger_share(draw, name, facts, out);
        }
    }
    whole_service(plan, timeline, out);
}

/// `4 of ledger.pods`, with three replicas.
fn more_than_there(draw: &Draw, name: &str, facts: &ServiceFacts, out: &mut Vec<Diagnostic>) {
    // Pods are at least as many as the nodes or zones that hold them.
    if !matches!(draw.selector, Selector::Pods(_) | Selector::Nodes(_) | Selector::Zones(_)) {
        return;
    }
    if let (Quantity::Exactly(wanted), Some(replicas)) = (draw.quantity, facts.replicas)
        && wanted > replicas
    {
        let noun = draw.selector.kind().noun(u64::from(wanted));
        let message = format!("`{}` wants {wanted} {noun}, and `{name}` has {replicas} replicas here", draw.text);
        out.push(
            Diagnostic::new(Code::MORE_THAN_THERE, draw.span, message)
                .also(facts.span, format!("`replicas` is {replicas}"))
                .why("preflight would find too few candidates, and the run would end as `not-run`")
                .help(format!("take {replicas} at most, or a share such as `50% of`, which follows the replicas")),
        );
    }
}

/// `10% of` three pods is one of three.
fn larger_share(draw: &Draw, name: &str, facts: &ServiceFacts, out: &mut Vec<Diagnostic>) {
    let (Quantity::Share(written), Selector::Pods(pods), Some(replicas)) =
        (draw.quantity, &draw.selector, facts.replicas)
    else {
        return;
    };
    if replicas == 0 || facts::narrowed(pods, Some(facts)) {
        return;
    }
    let taken = draw.quantity.of(replicas);
    let real = Decimal::from(taken) * Decimal::ONE_HUNDRED / Decimal::from(replicas);
    if real * Decimal::TWO <= written.0 * Decimal::from(3) {
        return;
    }
    let real = Percent(real.round_dp(1));
    let message = format!("`{}` is really {real}: {taken} of {replicas} pods of `{name}`", draw.text);
    out.push(
        Diagnostic::new(Code::SHARE_LARGER, draw.span, message)
            .also(facts.span, format!("`replicas` is {replicas}"))
            .why("at least one is always hit, so a small share of few pods is a large one")
            .help("write what you mean, such as `one of`; policies are held against the real share"),
    );
}

/// All of a critical service at once, where customers are.
pub(crate) fn whole_service(plan: &Plan, timeline: &Timeline, out: &mut Vec<Diagnostic>) {
    if !plan.place.protected {
        return;
    }
    let mut said = BTreeSet::new();
    // Load counts as all of its service, and takes nothing of it away.
    let load = |index: &u32| {
        let draw = facts::fault(plan, *index).and_then(|f| facts::draw(plan, f.target));
        draw.is_some_and(|d| matches!(d.selector, Selector::Endpoints(_)))
    };
    // A peer whose packets are changed too keeps all its other traffic.
    let as_peer = |radius: &Radius, index: &u32| {
        let draw = facts::fault(plan, *index).and_then(|f| facts::draw(plan, f.target));
        draw.and_then(|d| facts::service_of(plan, d)).is_some_and(|(name, _)| *name != radius.service)
    };
    for radius in timeline.radius.iter().filter(|r| !r.faults.iter().any(|f| load(f) || as_peer(r, f))) {
        let whole = radius.share.is_some_and(|s| s.0 >= Decimal::ONE_HUNDRED);
        let Some(facts) = plan.services.get(radius.service.as_str()).filter(|f| whole && f.tier == Tier::Critical)
        else {
            continue;
        };
        let mut faults = radius.faults.iter().filter_map(|f| facts::fault(plan, *f));
        let Some(first) = faults.next().filter(|f| said.insert((f.span, radius.service.clone()))) else { continue };
        let (service, place) = (&radius.service, &plan.place.environment);
        let message = format!("all of `{service}` would be hit at once in `{place}`");
        let mut diagnostic = Diagnostic::new(Code::WHOLE_CRITICAL, first.span, message)
            .also(facts.span, "its tier is `critical`")
            .why("nothing of it is left to serve customers if they need it after all")
            .help("begin with `one of`, or keep the experiment out of protected environments with `environments:`");
        for other in faults.filter(|f| f.span != first.span) {
            diagnostic = diagnostic.also(other.span, "adds to it");
        }
        out.push(diagnostic);
    }
}
