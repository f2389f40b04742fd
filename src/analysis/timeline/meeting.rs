//! Whether two draws of a plan can hit the same thing.
//!
//! Comes in: two draws. Goes out: [`Meeting`]. It must never say [`Meeting::Never`] by guess: only what the selectors
//! exclude is excluded, as two draws are independent and may meet (`docs/language.md`, "Targets").

use serde::Serialize;
use smol_str::SmolStr;

use crate::plan::{
    At, CloudSelector, Draw, MachineSelector, NodeSelector, Plan, PodSelector, Selector, conditions_exclude,
};

/// Whether two draws can hit the same thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Meeting {
    /// They are one draw: surely the same things.
    Same,
    /// Their selectors exclude each other.
    Never,
    /// They are independent: perhaps.
    May,
}

/// Whether the draws `a` and `b` (indices into `Plan::draws`) can hit the same thing. A node, a zone, a workload and a
/// machine meet the pods that they hold. An index that the plan does not have meets nothing.
#[must_use]
pub fn meet(plan: &Plan, a: u32, b: u32) -> Meeting {
    if a == b {
        return Meeting::Same;
    }
    let (Some(first), Some(second)) = (plan.draws.get(a as usize), plan.draws.get(b as usize)) else {
        return Meeting::Never;
    };
    if excepts(first, b) || excepts(second, a) || selectors_exclude(&first.selector, &second.selector) {
        Meeting::Never
    } else {
        Meeting::May
    }
}

/// Whether the draw leaves out what `other` hit. (Only pods have `except`; a node that holds them is not left out.)
fn excepts(draw: &Draw, other: u32) -> bool {
    match &draw.selector {
        Selector::Pods(pods) => pods.except.contains(&other),
        Selector::Processes(processes) => processes.except.contains(&other),
        _ => false,
    }
}

fn selectors_exclude(a: &Selector, b: &Selector) -> bool {
    match (a, b) {
        (Selector::Endpoints(a), Selector::Endpoints(b)) => lists_exclude(a, b),
        // Load on a URL and a fault on a pod are not the same target, even of one service.
        (Selector::Endpoints(_), _) | (_, Selector::Endpoints(_)) => true,
        (Selector::Pods(a) | Selector::Workloads(a), Selector::Pods(b) | Selector::Workloads(b)) => pods_exclude(a, b),
        (Selector::Nodes(a), Selector::Nodes(b)) => nodes_exclude(a, b),
        (Selector::Nodes(node), Selector::Pods(pods)) | (Selector::Pods(pods), Selector::Nodes(node)) => {
            node_excludes_pods(node, pods)
        }
        (Selector::Instances(a), Selector::Instances(b))
        | (Selector::Disks(a), Selector::Disks(b))
        | (Selector::Databases(a), Selector::Databases(b))
        | (Selector::Balancers(a), Selector::Balancers(b)) => clouds_exclude(a, b),
        (Selector::Machines(a), Selector::Machines(b)) => machines_exclude(a, b),
        // A machine outside of the cluster holds none of its pods.
        (Selector::Machines(_), Selector::Pods(_) | Selector::Workloads(_))
        | (Selector::Pods(_) | Selector::Workloads(_), Selector::Machines(_)) => true,
        (Selector::Processes(a), Selector::Processes(b)) => a.service != b.service || lists_exclude(&a.names, &b.names),
        (Selector::Processes(_), _) | (_, Selector::Processes(_)) => true,
        (Selector::Clusters(a), Selector::Clusters(b)) => lists_exclude(a, b),
        // A zone, a machine or a cluster may hold anything.
        _ => false,
    }
}

/// Whether two lists, where both are given, have nothing in common.
fn lists_exclude(a: &[SmolStr], b: &[SmolStr]) -> bool {
    !a.is_empty() && !b.is_empty() && !a.iter().any(|x| b.contains(x))
}

fn labels_exclude(a: &[(SmolStr, SmolStr)], b: &[(SmolStr, SmolStr)]) -> bool {
    a.iter().any(|(key, value)| b.iter().any(|(k, v)| k == key && v != value))
}

fn at_excludes(a: Option<&At>, b: Option<&At>) -> bool {
    matches!((a, b), (Some(At::Named(a)), Some(At::Named(b))) if a != b)
}

/// Whether no pod can satisfy both.
pub(super) fn pods_exclude(a: &PodSelector, b: &PodSelector) -> bool {
    lists_exclude(&a.namespaces, &b.namespaces)
        || conditions_exclude((&a.labels, &a.conditions), (&b.labels, &b.conditions))
        || labels_exclude(&a.annotations, &b.annotations)
        || labels_exclude(&a.fields, &b.fields)
        || lists_exclude(&a.names, &b.names)
        || at_excludes(a.node.as_ref(), b.node.as_ref())
        || at_excludes(a.zone.as_ref(), b.zone.as_ref())
}

fn nodes_exclude(a: &NodeSelector, b: &NodeSelector) -> bool {
    labels_exclude(&a.labels, &b.labels)
        || lists_exclude(&a.names, &b.names)
        || at_excludes(a.zone.as_ref(), b.zone.as_ref())
}

fn node_excludes_pods(node: &NodeSelector, pods: &PodSelector) -> bool {
    let elsewhere = matches!(&pods.node, Some(At::Named(name)) if !node.names.is_empty() && !node.names.contains(name));
    elsewhere || at_excludes(node.zone.as_ref(), pods.zone.as_ref())
}

fn machines_exclude(a: &MachineSelector, b: &MachineSelector) -> bool {
    lists_exclude(&a.namespaces, &b.namespaces)
        || conditions_exclude((&a.labels, &a.conditions), (&b.labels, &b.conditions))
        || labels_exclude(&a.annotations, &b.annotations)
        || labels_exclude(&a.fields, &b.fields)
        || lists_exclude(&a.names, &b.names)
}

fn clouds_exclude(a: &CloudSelector, b: &CloudSelector) -> bool {
    let differ = |a: &Option<SmolStr>, b: &Option<SmolStr>| matches!((a, b), (Some(a), Some(b)) if a != b);
    differ(&a.provider, &b.provider)
        || differ(&a.region, &b.region)
        || differ(&a.project, &b.project)
        || differ(&a.zone, &b.zone)
        || differ(&a.subscription, &b.subscription)
        || differ(&a.group, &b.group)
        || differ(&a.scale_set, &b.scale_set)
        || labels_exclude(&a.tags, &b.tags)
        || lists_exclude(&a.ids, &b.ids)
}
