//! Who is hit: which steps share a draw, which draws may meet, and how many that is.

use std::collections::BTreeMap;

use super::words::{candidates, count, draw, list, numbers, team, tick};
use super::{Section, Teller, Writing};
use crate::analysis::timeline::{Meeting, draws_of, meet};
use crate::plan::{At, Draw, Effect, EngineName, Quantity, Selector};
use crate::types::{TargetKind, Value};

/// Pairs of draws are told up to this many; then only that there are more.
const MOST_PAIRS: usize = 12;

/// Mechanisms of instant faults after which a pod is not there any more (`stdlib/pod.chaos`, `workload.chaos`).
const REMOVE_PODS: [&str; 2] = ["pod-delete", "rollout"];

/// Draws with the same words, each made anew: those of rounds.
struct Group {
    draws: Vec<u32>,
    /// The steps that hit it, have it as a peer, or stand on it.
    steps: Vec<usize>,
    /// The steps of which it is the peer.
    peer_of: Vec<usize>,
    /// Whether steps hit things in it (a node, a zone) and not it itself.
    place: bool,
}

/// How a step uses a draw.
#[derive(Default)]
struct Use {
    steps: Vec<usize>,
    peer_of: Vec<usize>,
    hit: bool,
}

impl Teller<'_> {
    pub(super) fn targets(&self) -> Section {
        let mut out = Writing::new("Who is hit, and how many");
        if self.is_run {
            out.say(
                "Perturb draws, not the engine: at random among the candidates at that moment, and writes into the journal what \
                 it drew. A draw stays as it is: a pod that comes later is not hit; one that goes takes its fault along, undone, \
                 and later steps hit those that are left.",
            );
            out.say(
                "If a draw finds too few, the verdict is `not-run` before the first injection and `inconclusive` in a later step; \
                 with none left to hit, it is `inconclusive`.",
            );
        } else {
            out.say(
                "Here the engine draws, when a fault begins: at random among the candidates at that moment, anew for each fault. \
                 What it drew stays as it is: a pod that comes later is not hit; one that goes takes its fault along.",
            );
            out.say(
                "An engine that finds fewer than are wanted hits those; if it finds none, the injection is not confirmed, and \
                 the run confirms nothing.",
            );
        }
        let groups = self.groups();
        for group in &groups {
            self.tell_group(&mut out, group);
        }
        self.meetings(&mut out, &groups);
        self.owners(&mut out);
        self.worst(&mut out);
        out.done()
    }

    /// The draws that steps use, by the words of their text and `let`, in the order of the plan.
    fn groups(&self) -> Vec<Group> {
        let mut uses: BTreeMap<u32, Use> = BTreeMap::new();
        for (number, _, fault) in self.fault_lanes() {
            let peers = fault.arguments.iter().filter_map(|e| match e.value {
                Value::Draw(index) => Some(index),
                _ => None,
            });
            for (i, index) in std::iter::once(fault.target).chain(peers).enumerate() {
                for used in self.with_places(index) {
                    let entry = uses.entry(used).or_default();
                    entry.hit |= used == index;
                    if entry.steps.last() != Some(&number) {
                        entry.steps.push(number);
                    }
                    if i > 0 && used == index {
                        entry.peer_of.push(number);
                    }
                }
            }
        }
        let mut groups: Vec<Group> = Vec::new();
        for (index, entry) in uses {
            let Some(found) = self.plan.draws.get(index as usize) else { continue };
            let same = |g: &&mut Group| {
                g.draws.first().and_then(|d| self.plan.draws.get(*d as usize)).is_some_and(|first| {
                    first.text == found.text && first.name == found.name && first.selector == found.selector
                })
            };
            match groups.iter_mut().find(same) {
                Some(group) => {
                    group.draws.push(index);
                    group.steps.extend(entry.steps);
                    group.peer_of.extend(entry.peer_of);
                }
                None => groups.push(Group {
                    draws: vec![index],
                    steps: entry.steps,
                    peer_of: entry.peer_of,
                    place: !entry.hit,
                }),
            }
        }
        for group in &mut groups {
            group.steps.sort_unstable();
            group.steps.dedup();
        }
        groups
    }

    /// A draw and the draws of a node or zone that its selector stands on.
    fn with_places(&self, index: u32) -> Vec<u32> {
        let mut all = vec![index];
        let selector = self.plan.draws.get(index as usize).map(|d| &d.selector);
        let places = match selector {
            Some(Selector::Pods(pods) | Selector::Workloads(pods) | Selector::Zones(pods)) => {
                [&pods.node, &pods.zone, pods.nodes.as_ref().map_or(&None, |nodes| &nodes.zone)]
            }
            Some(Selector::Nodes(nodes)) => [&nodes.zone, &None, &None],
            _ => [&None, &None, &None],
        };
        for place in places.into_iter().flatten() {
            if let At::Drawn(draw) = place {
                all.push(*draw);
            }
        }
        all
    }

    fn tell_group(&self, out: &mut Writing, group: &Group) {
        let Some(index) = group.draws.first() else { return };
        let Some(found) = self.plan.draws.get(*index as usize) else { return };
        let steps = numbers("step", "steps", &group.steps);
        let what = match &found.name {
            Some(name) => format!("`{name}` is `{}`", found.text),
            None => tick(&found.text),
        };
        let noun = found.selector.kind().noun(if found.quantity == Quantity::Exactly(1) { 1 } else { 2 });
        let drawn = if found.quantity == Quantity::All { "found" } else { "drawn" };
        let joint = if found.name.is_some() { ", " } else { " is " };
        let mut text = match (group.draws.len(), group.steps.as_slice()) {
            (1, [_]) if group.place => format!("{what}{joint}{drawn} once, for {steps}, which hits what is in it."),
            (1, [first, ..]) if group.place => {
                let first = numbers("step", "steps", &[*first]);
                format!(
                    "{what}{joint}{drawn} once, when {first} is reached; {steps} hit what is in it: one {noun} for all."
                )
            }
            (1, [_]) if !group.peer_of.is_empty() => format!("{what}{joint}{drawn} once, as the peer of {steps}."),
            (1, [_]) => format!("{what}{joint}{drawn} once, for {steps}."),
            (1, [first, ..]) => {
                let first = numbers("step", "steps", &[*first]);
                format!("{what}{joint}{drawn} once, when {first} is reached; {steps} hit the same {noun}.")
            }
            (many, _) => format!(
                "{what}{joint}{drawn} {many} times, anew in each of {steps}: it may be the same {noun} again, or another."
            ),
        };
        text += &format!(" Candidates are {}.", candidates(self.plan, &found.selector));
        text += &self.how_many(*index, found);
        if let (Selector::Endpoints(_), Some(service)) = (&found.selector, &found.service) {
            text += &format!(" Load counts as hitting all of `{service}`.");
        }
        let random = found.quantity != Quantity::All && found.selector.kind() == TargetKind::Pods;
        if group.draws.len() == 1 && group.steps.len() > 1 && random {
            text += if self.is_run {
                " Compiled to run without Perturb, the engine draws anew for each step, so that the steps may differ in what \
                 they hit; `perturb compile --strict` refuses that."
            } else {
                " That is what the text means; the engine draws anew for each step, so that the steps may differ in what they \
                 hit. `perturb compile --strict` refuses that."
            };
        }
        out.of(found.span, text);
    }

    /// How many that is at the replica count of the catalogue; where there is none, what an engine makes of a share.
    fn how_many(&self, index: u32, found: &Draw) -> String {
        let kind = found.selector.kind();
        let Some((hit, ready)) = self.language_count(index) else { return self.rounding(found) };
        let ready = count(ready, kind);
        match found.quantity {
            Quantity::Share(percent) => {
                format!(" The catalogue gives {ready}; {percent} of them is {hit}, rounded down, but one at least.")
            }
            _ => format!(" The catalogue gives {ready}, so it hits {hit} of them."),
        }
    }

    /// Which way an engine rounds a share of nobody knows how many. (Of a known number the plan's own count is compiled.)
    fn rounding(&self, found: &Draw) -> String {
        let is_share = matches!(found.quantity, Quantity::Share(_)) && found.selector.kind() == TargetKind::Pods;
        if is_share && self.natives.iter().any(|n| n.engine == EngineName::ChaosMesh && n.is_compiled()) {
            " A share is rounded down, but to one at least; Chaos Mesh rounds up, as the catalogue does not give their number."
                .to_owned()
        } else {
            String::new()
        }
    }

    /// How many a draw hits, of how many, where it draws from all pods of a service whose replica count is known.
    pub(super) fn language_count(&self, index: u32) -> Option<(u32, u32)> {
        let found = self.plan.draws.get(index as usize)?;
        let facts = self.plan.services.get(found.service.as_deref()?)?;
        let ready = facts.replicas?;
        match &found.selector {
            Selector::Pods(pods) if Some(pods) == facts.pods.as_ref() => Some((found.quantity.of(ready), ready)),
            Selector::Processes(of) if of.names.is_empty() && of.except.is_empty() => {
                Some((found.quantity.of(ready), ready))
            }
            _ => None,
        }
    }

    fn meetings(&self, out: &mut Writing, groups: &[Group]) {
        let mut told = 0usize;
        let mut more = 0usize;
        for (i, a) in groups.iter().enumerate() {
            for b in groups.iter().skip(i + 1) {
                let Some(text) = self.meeting(a, b) else { continue };
                if told < MOST_PAIRS {
                    out.say(text);
                    told += 1;
                } else {
                    more += 1;
                }
            }
        }
        if more > 0 {
            out.say(format!("{more} more pairs of draws may meet."));
        }
    }

    /// What is worth saying of two draws: that they may meet, or, of one service, that they cannot.
    fn meeting(&self, a: &Group, b: &Group) -> Option<String> {
        let (first, second) = (*a.draws.first()?, *b.draws.first()?);
        let (x, y) = (self.plan.draws.get(first as usize)?, self.plan.draws.get(second as usize)?);
        // A draw on a drawn node or zone meets it by what it says.
        if self.with_places(first).contains(&second) || self.with_places(second).contains(&first) {
            return None;
        }
        let names = format!("{} and {}", tick(draw(self.plan, first)), tick(draw(self.plan, second)));
        let pods = x.selector.kind() == TargetKind::Pods && y.selector.kind() == TargetKind::Pods;
        match meet(self.plan, first, second) {
            Meeting::Same => None,
            Meeting::Never
                if x.service == y.service && x.service.is_some() && x.selector.kind() == y.selector.kind() =>
            {
                Some(format!("{names} never meet: what one hits, the other leaves out."))
            }
            Meeting::Never => None,
            Meeting::May if x.quantity == Quantity::All && y.quantity == Quantity::All && x.selector == y.selector => {
                Some(format!("{names} are two draws of the same candidates, so they meet."))
            }
            Meeting::May if pods => {
                let gone = self.gone(a, b).or_else(|| self.gone(b, a)).filter(|_| self.is_run).unwrap_or_default();
                Some(format!("{names} are independent draws and may meet: a pod may be in both.{gone}"))
            }
            Meeting::May => {
                Some(format!("{names} are independent draws and may meet: one may hold what the other hits."))
            }
        }
    }

    /// What it means for a draw that several steps share when an instant fault takes one of its pods away between them.
    fn gone(&self, removing: &Group, shared: &Group) -> Option<String> {
        let (first, last) = (*shared.steps.first()?, *shared.steps.last()?);
        let remover = self.fault_lanes().find(|(number, _, fault)| {
            removing.steps.contains(number)
                && first < *number
                && *number < last
                && REMOVE_PODS.contains(&fault.mechanism.as_str())
        });
        let (number, _, _) = remover?;
        let name = tick(draw(self.plan, *shared.draws.first()?));
        let later: Vec<usize> = shared.steps.iter().copied().filter(|s| *s > number).collect();
        let later = numbers("step", "steps", &later);
        let one = shared.draws.first().and_then(|d| self.language_count(*d)).is_some_and(|(hit, _)| hit == 1);
        Some(if one {
            format!(
                " If step {number} removes the pod of {name}, its fault goes with it, {later} has nothing left to hit, and the \
                 verdict is `inconclusive`."
            )
        } else {
            format!(" What step {number} removes is then missing from {name} in {later}.")
        })
    }

    /// Whose services are hit, and who depends on them.
    fn owners(&self, out: &mut Writing) {
        for (name, facts) in &self.plan.services {
            if !self.timeline.radius.iter().any(|r| r.service == name.as_str()) {
                continue;
            }
            let users = self.plan.services.iter().filter(|(_, other)| other.depends_on.contains(name));
            let users: Vec<String> = users.map(|(user, _)| tick(user)).collect();
            let owner = team(self.plan, &facts.owner);
            let hit =
                if self.surely_hit(name) { "is hit" } else { "may be hit, where it runs in the place that is drawn" };
            let text = match users.len() {
                0 => format!("`{name}` {hit}; {owner} owns it."),
                1 => format!("`{name}` {hit}; {owner} owns it, and {} depends on it.", list(&users)),
                _ => format!("`{name}` {hit}; {owner} owns it, and {} depend on it.", list(&users)),
            };
            out.of(facts.span, text);
        }
    }

    /// Whether a draw is made from the service itself; else it is only near what is hit.
    fn surely_hit(&self, service: &str) -> bool {
        let drawn = self.fault_lanes().flat_map(|(_, _, fault)| draws_of(fault));
        drawn.filter_map(|d| self.plan.draws.get(d as usize)).any(|draw| {
            let place =
                matches!(draw.selector, Selector::Nodes(_) | Selector::Zones(_)) || draw.selector.cloud().is_some();
            draw.service.as_deref() == Some(service) || (!place && draw.service.is_none())
        })
    }

    /// The worst moment of each service.
    fn worst(&self, out: &mut Writing) {
        let stretches = self.timeline.stretches();
        let mut services: Vec<&str> = stretches.iter().map(|r| r.service.as_str()).collect();
        services.sort_unstable();
        services.dedup();
        for service in services {
            let parts = stretches.iter().filter(|r| r.service == service);
            // Unknown is more than any known share; of equals the first.
            let worst = parts.reduce(|a, b| match (a.share, b.share) {
                (None, _) => a,
                (_, None) => b,
                (Some(x), Some(y)) if y > x => b,
                _ => a,
            });
            let Some(worst) = worst else { continue };
            let lanes = self.fault_lanes().filter(|(_, lane, _)| {
                matches!(lane.kind, crate::analysis::timeline::LaneKind::Fault(f) if worst.faults.contains(&f))
            });
            let steps = numbers("step", "steps", &lanes.map(|(number, _, _)| number).collect::<Vec<usize>>());
            let when = format!("between {} and {} ({steps})", worst.from, worst.to);
            out.say(match (worst.share, worst.pods) {
                (Some(share), Some((hit, ready))) => {
                    let verb = if hit == 1 { "is" } else { "are" };
                    format!("At worst {hit} of {ready} pods of `{service}` ({share}) {verb} hit at once, {when}.")
                }
                (Some(share), None) => format!("At worst {share} of `{service}` is hit at once, {when}."),
                (None, _) => format!(
                    "How much of `{service}` is hit at worst, {when}, is known at preflight: {}.",
                    self.why_unknown(service)
                ),
            });
        }
        if self.plan.faults.iter().any(|f| f.effect == Effect::Instant) {
            out.say(
                "An instant fault counts at its moment; how long what it removed stays away is the system's recovery, which \
                 nobody can know before.",
            );
        }
    }

    fn why_unknown(&self, service: &str) -> &'static str {
        let place = self.fault_lanes().any(|(_, _, fault)| {
            draws_of(fault).into_iter().filter_map(|d| self.plan.draws.get(d as usize)).any(|d| match &d.selector {
                Selector::Nodes(_)
                | Selector::Zones(_)
                | Selector::Instances(_)
                | Selector::Disks(_)
                | Selector::Databases(_)
                | Selector::Balancers(_)
                | Selector::Clusters(_) => true,
                Selector::Pods(p) => d.service.as_deref() == Some(service) && (p.node.is_some() || p.zone.is_some()),
                Selector::Workloads(_) | Selector::Endpoints(_) | Selector::Machines(_) | Selector::Processes(_) => {
                    false
                }
            })
        });
        let facts = self.plan.services.get(service);
        if place {
            "it depends on what runs in the place that is drawn"
        } else if facts.is_some_and(|f| f.replicas.is_none()) {
            "the catalogue gives no `replicas` for it"
        } else {
            "it depends on how many pods fit the narrower selector"
        }
    }
}
