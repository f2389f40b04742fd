//! How much of each service is hit at each moment, in the worst case.
//!
//! Comes in: the plan and its lanes. Goes out: [`Radius`] stretches and the largest share. It must never count too
//! little: what the catalogue cannot tell is unknown, and preflight measures it.

use std::collections::{BTreeMap, BTreeSet};

use super::meeting::pods_exclude;
use super::{Drawing, Lane, LaneKind, Radius, Turn};
use crate::plan::{
    Draw, Effect, EngineName, Fault, NodeSelector, Plan, PodSelector, ProcessSelector, Quantity, Selector, ServiceFacts,
};
use crate::types::{Decimal, Duration, Percent, Value};

/// Above this many fault steps the radius is one stretch over the whole run: never too small, and time stays linear.
const MANY_FAULTS: usize = 200;
/// Above this many members in all combinations of parallel branches at one moment, all branches count as there at once.
const MANY_MEMBERS: usize = 100_000;

/// How much of a service one draw hits, at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hit {
    /// Nothing of it.
    Nothing,
    /// At most this many pods.
    Pods(u32),
    /// All of it.
    Everything,
    /// Only preflight can tell.
    Unknown,
}

/// How much of a service is hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Load {
    share: Option<Percent>,
    pods: Option<(u32, u32)>,
}

/// A fault's lane with what the radius needs of it.
struct Strike<'a> {
    from: Duration,
    to: Duration,
    fault: u32,
    /// What it hits: its target, and a peer whose own packets it shapes.
    draws: Vec<u32>,
    place: &'a [Turn],
    /// It cannot be undone: it is there at once with everything after it.
    stays: bool,
}

/// The stretches in which something is hit, and the worst share.
pub(super) fn over_time(
    plan: &Plan,
    drawing: Drawing,
    lanes: &[Lane],
    places: &[Vec<Turn>],
    run_end: Duration,
) -> (Vec<Radius>, Option<Percent>) {
    let strikes: Vec<Strike<'_>> =
        lanes.iter().zip(places).filter_map(|(lane, place)| strike(plan, lane, place, run_end)).collect();
    let mut found: Vec<Radius> = Vec::new();
    let mut latest: BTreeMap<String, usize> = BTreeMap::new();
    for (from, to) in stretches(&strikes) {
        let active: Vec<&Strike<'_>> = strikes.iter().filter(|s| s.from < to && s.to > from).collect();
        for radius in at_once(plan, drawing, &active, from, to) {
            let before = latest.get(&radius.service).and_then(|i| found.get_mut(*i));
            match before {
                Some(same) if continues(same, &radius) => same.to = to,
                _ => {
                    latest.insert(radius.service.clone(), found.len());
                    found.push(radius);
                }
            }
        }
    }
    found.sort_by(|a, b| (a.from, &a.service).cmp(&(b.from, &b.service)));
    let worst = worst(plan, &strikes, &found);
    (found, worst)
}

fn continues(before: &Radius, next: &Radius) -> bool {
    before.to == next.from && (before.share, before.pods, &before.faults) == (next.share, next.pods, &next.faults)
}

fn strike<'a>(plan: &Plan, lane: &Lane, place: &'a [Turn], run_end: Duration) -> Option<Strike<'a>> {
    let LaneKind::Fault(index) = lane.kind else { return None };
    let fault = plan.faults.get(index as usize)?;
    let stays = fault.irreversible.is_some();
    let to = match (stays, fault.effect) {
        (true, _) => run_end,
        (false, Effect::Lasting) => lane.to.latest,
        (false, Effect::Instant) => lane.from.latest,
    };
    Some(Strike { from: lane.from.earliest, to, fault: index, draws: draws_of(fault), place, stays })
}

/// The draws whose pods a fault reaches into. A `peer` is only the other end of the line, except where the direction is
/// `incoming` or `both`: engines then shape or cut in the peer's pods, too (Chaos Mesh 2.8, `direction: from | both`).
#[must_use]
pub fn draws_of(fault: &Fault) -> Vec<u32> {
    let argument = |key: &str| fault.arguments.iter().find(|e| e.key == key).map(|e| &e.value);
    let mut draws = vec![fault.target];
    if let (Some(Value::Draw(peer)), Some(direction)) = (argument("peer"), argument("direction"))
        && direction.as_text() != Some("outgoing")
        && *peer != fault.target
    {
        draws.push(*peer);
    }
    draws
}

/// Whether a draw takes some of its candidates, so that whoever draws again may take others.
pub(super) fn leaves_a_choice(plan: &Plan, draw: u32) -> bool {
    plan.draws.get(draw as usize).is_some_and(|draw| match draw.quantity {
        Quantity::All => false,
        Quantity::Share(share) => share.0 < Decimal::ONE_HUNDRED,
        Quantity::Exactly(_) => true,
    })
}

/// The stretches between all begins and ends, in order.
fn stretches(strikes: &[Strike<'_>]) -> Vec<(Duration, Duration)> {
    if strikes.len() > MANY_FAULTS {
        let from = strikes.iter().map(|s| s.from).min().unwrap_or_default();
        let to = strikes.iter().map(|s| s.to).max().unwrap_or_default();
        return vec![(from, to)];
    }
    let edges: BTreeSet<Duration> = strikes.iter().flat_map(|s| [s.from, s.to]).collect();
    edges.iter().copied().zip(edges.iter().copied().skip(1)).collect()
}

/// What each service suffers in one stretch: the heaviest set of faults that can be there at once.
fn at_once(plan: &Plan, drawing: Drawing, active: &[&Strike<'_>], from: Duration, to: Duration) -> Vec<Radius> {
    let numbered = || active.iter().copied().enumerate();
    let staying: BTreeSet<usize> = numbered().filter(|(_, s)| s.stays).map(|(i, _)| i).collect();
    let passing: Vec<(usize, &Strike<'_>)> = numbered().filter(|(_, s)| !s.stays).collect();
    let together = alternatives(&passing, 0);
    let mut found = Vec::new();
    for (name, facts) in &plan.services {
        let hits = |draw: u32| hit_by(plan, drawing, draw, name, facts);
        let loads = together.iter().map(|set| {
            let there: Vec<&Strike<'_>> = set.union(&staying).filter_map(|i| active.get(*i).copied()).collect();
            let mut draws: Vec<u32> = there.iter().flat_map(|s| s.draws.iter().copied()).collect();
            draws.sort_unstable();
            // The same things are hit once, however many faults there are.
            draws.dedup_by(|a, b| a == b && !(drawing != Drawing::Once && leaves_a_choice(plan, *a)));
            let mut faults: Vec<u32> =
                there.iter().filter(|s| s.draws.iter().any(|d| hits(*d) != Hit::Nothing)).map(|s| s.fault).collect();
            faults.sort_unstable();
            faults.dedup();
            (load(facts, draws.into_iter().map(hits)), faults)
        });
        if let Some((Load { share, pods }, faults)) = loads.reduce(heavier)
            && !faults.is_empty()
        {
            found.push(Radius { from, to, service: name.to_string(), share, pods, faults });
        }
    }
    found
}

/// The sets of faults (by their number in the stretch) that can be there at once, by the order of the steps: of steps that
/// follow each other one, of branches all, and a `with` together with its block.
fn alternatives(strikes: &[(usize, &Strike<'_>)], depth: usize) -> Vec<BTreeSet<usize>> {
    let own = || strikes.iter().filter(|(_, s)| s.place.len() <= depth).map(|(i, _)| *i);
    let inner: Vec<(usize, &Strike<'_>)> = strikes.iter().copied().filter(|(_, s)| s.place.len() > depth).collect();
    let mut sets = vec![BTreeSet::new()];
    if let Some(first) = inner.first().and_then(|(_, s)| s.place.get(depth)) {
        let children = inner.chunk_by(|(_, a), (_, b)| a.place.get(depth) == b.place.get(depth));
        let mut children = children.map(|child| alternatives(child, depth + 1));
        sets = if first.beside { combined(&mut children, &inner) } else { children.flatten().collect() };
    }
    for set in &mut sets {
        set.extend(own());
    }
    sets
}

/// One alternative of each branch, in every combination.
fn combined(
    branches: &mut dyn Iterator<Item = Vec<BTreeSet<usize>>>,
    all: &[(usize, &Strike<'_>)],
) -> Vec<BTreeSet<usize>> {
    let mut sets: Vec<BTreeSet<usize>> = vec![BTreeSet::new()];
    for branch in branches {
        // One alternative is the usual branch, and needs no copies.
        if let [only] = branch.as_slice() {
            for set in &mut sets {
                set.extend(only);
            }
            continue;
        }
        let members = |sets: &[BTreeSet<usize>]| sets.iter().map(BTreeSet::len).sum::<usize>();
        let after = members(&sets) * branch.len() + members(&branch) * sets.len();
        if after > MANY_MEMBERS {
            return vec![all.iter().map(|(i, _)| *i).collect()];
        }
        sets = sets.iter().flat_map(|set| branch.iter().map(move |more| set | more)).collect();
    }
    sets
}

/// Adds up what several draws hit of one service, to all of it at most.
fn load(facts: &ServiceFacts, hits: impl Iterator<Item = Hit>) -> Load {
    let (mut sum, mut everything, mut unknown) = (0u32, false, false);
    for hit in hits {
        match hit {
            Hit::Nothing => {}
            Hit::Pods(n) => sum = sum.saturating_add(n),
            Hit::Everything => everything = true,
            Hit::Unknown => unknown = true,
        }
    }
    let none = Load { share: Some(Percent(Decimal::ZERO)), pods: None };
    match facts.replicas {
        _ if sum == 0 && !everything && !unknown => none,
        // A service that has no pods here cannot be hit; preflight will say `not-run`.
        Some(0) => Load { share: None, pods: None },
        Some(ready) if everything || sum >= ready => Load { share: share(ready, ready), pods: Some((ready, ready)) },
        None if everything => Load { share: Some(Percent(Decimal::ONE_HUNDRED)), pods: None },
        Some(ready) if !unknown => Load { share: share(sum, ready), pods: Some((sum, ready)) },
        _ => Load { share: None, pods: None },
    }
}

/// `hit` of `ready` in percent, to one decimal, halves up: 1 of 3 is 33.3%, as policies and people write it.
fn share(hit: u32, ready: u32) -> Option<Percent> {
    let exact = Decimal::from(hit).checked_mul(Decimal::ONE_HUNDRED)?.checked_div(Decimal::from(ready))?;
    let strategy = rust_decimal::RoundingStrategy::MidpointAwayFromZero;
    Some(Percent(exact.round_dp_with_strategy(1, strategy).normalize()))
}

/// The heavier of two, of equals the first; unknown is heavier than all but everything.
fn heavier(a: (Load, Vec<u32>), b: (Load, Vec<u32>)) -> (Load, Vec<u32>) {
    let weight = |load: &Load| match load.share {
        Some(share) if share == Percent(Decimal::ONE_HUNDRED) => (2, share),
        None => (1, Percent::default()),
        Some(share) => (0, share),
    };
    if weight(&b.0) > weight(&a.0) { b } else { a }
}

fn worst(plan: &Plan, strikes: &[Strike<'_>], found: &[Radius]) -> Option<Percent> {
    let everything = Percent(Decimal::ONE_HUNDRED);
    if found.iter().any(|r| r.share == Some(everything)) {
        return Some(everything);
    }
    // What hits no service of the catalogue may still hit one that preflight finds.
    let stray = strikes.iter().any(|s| {
        s.draws.iter().any(|d| plan.services.iter().all(|(name, facts)| hit(plan, *d, name, facts) == Hit::Nothing))
    });
    if stray || found.iter().any(|r| r.share.is_none()) {
        return None;
    }
    Some(found.iter().filter_map(|r| r.share).max().unwrap_or_default())
}

/// Whether a draw may take anything of a service.
#[must_use]
pub fn may_hit(plan: &Plan, draw: u32, name: &str, facts: &ServiceFacts) -> bool {
    hit(plan, draw, name, facts) != Hit::Nothing
}

/// The same, as whoever draws counts.
fn hit_by(plan: &Plan, drawing: Drawing, index: u32, name: &str, facts: &ServiceFacts) -> Hit {
    let hit = hit(plan, index, name, facts);
    match (hit, drawing, plan.draws.get(index as usize), facts.replicas) {
        (Hit::Pods(n), Drawing::By(engine), Some(draw), Some(ready)) if rounds_up(plan, engine, draw) => {
            Hit::Pods(n.max(draw.quantity.rounded_up(ready)))
        }
        _ => hit,
    }
}

/// Whether an engine rounds the share of a draw up: Chaos Mesh's `fixed-percent` does, which stands wherever the catalogue
/// does not know how many candidates there are.
pub(super) fn rounds_up(plan: &Plan, engine: EngineName, draw: &Draw) -> bool {
    let known = draw.service.as_ref().and_then(|name| plan.services.get(name)).is_some_and(|facts| {
        facts.replicas.is_some() && facts.pods.as_ref().is_some_and(|pods| Some(pods) == draw.selector.pods())
    });
    engine == EngineName::ChaosMesh && matches!(draw.quantity, Quantity::Share(_)) && !known
}

/// How much of a service a draw hits, at most.
pub(super) fn hit(plan: &Plan, draw: u32, name: &str, facts: &ServiceFacts) -> Hit {
    let Some(draw) = plan.draws.get(draw as usize) else { return Hit::Nothing };
    let own = draw.service.as_deref() == Some(name);
    match (&draw.selector, &facts.pods) {
        // Load counts as all of its service.
        (Selector::Endpoints(urls), _) => {
            if own || urls.iter().any(|u| facts.endpoints.contains(u)) {
                Hit::Everything
            } else {
                Hit::Nothing
            }
        }
        (Selector::Processes(of), _) if of.service == name => drawn_processes(plan, draw, of, facts),
        (Selector::Processes(_), _) => Hit::Nothing,
        (Selector::Instances(_), _) if own && draw.quantity == Quantity::All => Hit::Everything,
        (Selector::Instances(_), _) if own => Hit::Unknown,
        // What runs outside of the cluster holds none of its pods.
        (Selector::Machines(_), _) | (_, None) => Hit::Nothing,
        (
            Selector::Instances(_)
            | Selector::Disks(_)
            | Selector::Databases(_)
            | Selector::Balancers(_)
            | Selector::Clusters(_),
            Some(_),
        ) => Hit::Unknown,
        (Selector::Nodes(nodes), Some(pods)) => held(draw.quantity, whole_nodes(nodes), pods),
        (Selector::Zones(holding), Some(pods)) => held(draw.quantity, Some(holding), pods),
        // Nobody knows how a service's pods spread over its workloads; most have one.
        (Selector::Workloads(selected), Some(pods)) => {
            if related(draw, own, selected, pods) {
                Hit::Everything
            } else {
                Hit::Nothing
            }
        }
        (Selector::Pods(selected), Some(pods)) if related(draw, own, selected, pods) => {
            drawn_pods(plan, draw, selected, pods, facts)
        }
        (Selector::Pods(_), Some(_)) => Hit::Nothing,
    }
}

/// Whose pods a selector of nodes holds, if it takes every node that holds one.
fn whole_nodes(nodes: &NodeSelector) -> Option<&PodSelector> {
    let narrowed = !nodes.labels.is_empty() || !nodes.names.is_empty() || nodes.zone.is_some();
    if narrowed { None } else { nodes.holding.as_ref() }
}

/// Nodes and zones hit all that runs there: all of a service where all of its nodes or zones are hit, else unknown.
fn held(quantity: Quantity, holding: Option<&PodSelector>, pods: &PodSelector) -> Hit {
    let whole = quantity == Quantity::All && holding.is_some_and(|h| covers(h, pods));
    if whole { Hit::Everything } else { Hit::Unknown }
}

/// Whether a draw's pods can be this service's. A draw that a service's own selector made is another service's only
/// where one selector narrows the other: else any two catalogue entries that use different label keys would meet.
fn related(draw: &Draw, own: bool, selected: &PodSelector, pods: &PodSelector) -> bool {
    let inside = |a: &PodSelector, b: &PodSelector| b.labels.iter().all(|label| a.labels.contains(label));
    own || (!pods_exclude(selected, pods)
        && (draw.service.is_none() || inside(selected, pods) || inside(pods, selected)))
}

/// Whether `outer` takes every pod that `inner` takes.
fn covers(outer: &PodSelector, inner: &PodSelector) -> bool {
    let spaces = outer.namespaces.is_empty()
        || (!inner.namespaces.is_empty() && inner.namespaces.iter().all(|n| outer.namespaces.contains(n)));
    spaces
        && outer.labels.iter().all(|label| inner.labels.contains(label))
        && outer.conditions.iter().all(|c| inner.conditions.contains(c) || c.is_implied_by(&inner.labels))
        && outer.annotations.iter().all(|a| inner.annotations.contains(a))
        && outer.fields.iter().all(|field| inner.fields.contains(field))
        && outer.phases == inner.phases
        && (outer.nodes.is_none() || outer.nodes == inner.nodes)
        && (outer.names.is_empty() || outer.names == inner.names)
        && (outer.node.is_none() || outer.node == inner.node)
        && (outer.zone.is_none() || outer.zone == inner.zone)
        && outer.except.iter().all(|d| inner.except.contains(d))
}

/// How many of a service's pods a draw of pods takes, at most.
fn drawn_pods(plan: &Plan, draw: &Draw, selected: &PodSelector, pods: &PodSelector, facts: &ServiceFacts) -> Hit {
    let without_except = PodSelector { except: vec![], ..selected.clone() };
    let whole = covers(&without_except, pods);
    // The candidates that are this service's: exactly these where the draw takes whole services, else at most these.
    let named = u32::try_from(selected.names.len()).ok().filter(|n| *n > 0);
    let left_out: Option<u32> = selected.except.iter().map(|d| sure_count(plan, *d, facts)).sum();
    let candidates = match (named, facts.replicas) {
        (Some(names), Some(ready)) => Some(names.min(ready)),
        (Some(names), None) => Some(names),
        (None, Some(ready)) => Some(if whole { ready.saturating_sub(left_out.unwrap_or(0)) } else { ready }),
        (None, None) => None,
    };
    // A share of more than this service's pods can fall on this service alone.
    let only_this = covers(pods, &without_except);
    match (draw.quantity, candidates) {
        (Quantity::Exactly(n), _) => Hit::Pods(n),
        (Quantity::All, _) if whole && selected.except.is_empty() => Hit::Everything,
        (Quantity::All, Some(n)) if named.is_some() || (whole && left_out.is_some()) => Hit::Pods(n),
        (Quantity::Share(_), Some(n)) if only_this => Hit::Pods(draw.quantity.of(n)),
        _ => Hit::Unknown,
    }
}

/// How many of a service's replicas on one machine a draw takes, at most.
fn drawn_processes(plan: &Plan, draw: &Draw, of: &ProcessSelector, facts: &ServiceFacts) -> Hit {
    let all = u32::try_from(facts.local.len()).unwrap_or(u32::MAX);
    let named = u32::try_from(facts.local.iter().filter(|r| of.names.contains(&r.name)).count()).unwrap_or(all);
    let base = if of.names.is_empty() { all } else { named };
    let left_out = of.except.iter().map(|d| {
        plan.draws.get(*d as usize).map_or(0, |d| match d.quantity {
            Quantity::Exactly(n) => n,
            quantity => quantity.of(all),
        })
    });
    let candidates = base.saturating_sub(left_out.sum());
    match draw.quantity {
        Quantity::All if of.names.is_empty() && of.except.is_empty() => Hit::Everything,
        quantity => Hit::Pods(quantity.of(candidates)),
    }
}

/// How many pods a draw takes for certain, where its number is written or follows from the replica count.
fn sure_count(plan: &Plan, draw: u32, facts: &ServiceFacts) -> Option<u32> {
    let draw = plan.draws.get(draw as usize)?;
    match (draw.quantity, &draw.selector, &facts.pods) {
        (Quantity::Exactly(n), Selector::Pods(_), _) => Some(n),
        (quantity, Selector::Pods(selected), Some(pods)) if selected == pods => facts.replicas.map(|r| quantity.of(r)),
        _ => None,
    }
}
