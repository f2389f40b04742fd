//! Whom an engine hits.
//!
//! Comes in: a draw. Goes out: the engine's `selectors` or `appinfo`, and the variables that say how many. Must never
//! widen a target: what Litmus cannot select exactly is refused, as its ways to fall back (a random node of the cluster, any
//! label instead of all) are the most dangerous thing about it.
//!
//! Facts (litmus-go 1b3603f, `pkg/utils/common/{pods,nodes}.go`; chaos-operator af8244e, `getTargets`):
//! - a comma between labels means *or*: each label is listed by itself. `labelMatchMode` exists in some CRDs only and
//!   is pruned by others, so a target of several labels is refused;
//! - a target names the kind of workload that owns the pods. We do not know it, so one entry for each kind is
//!   emitted: a pod has one owner, the union is exact, and the share is taken of the union;
//! - the share is `max(1, n·p/100)` in whole numbers, as in the language; 0 means one pod;
//! - pods named in `selectors.pods` are all hit, whatever the share;
//! - several namespaces would lose pods of equal names (`removeDuplicatePods` compares names alone).

use smol_str::SmolStr;

use super::body::{Access, LitmusBody};
use crate::plan::{At, Draw, NodeSelector, Plan, PodSelector, Quantity, Selector};
use crate::types::{Decimal, TargetKind};

/// Kinds that own pods, as the CRDs of all versions allow them.
pub(super) const OWNERS: [&str; 4] = ["deployment", "statefulset", "daemonset", "rollout"];

/// What stands in the engine.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Selection {
    /// `selectors.workloads`: pods with this one label, whoever owns them.
    Label {
        /// Where.
        namespace: SmolStr,
        /// `key=value`.
        label: String,
        /// Kinds of workloads that own them.
        owners: Vec<SmolStr>,
    },
    /// `selectors.pods`: these pods.
    Names {
        /// Where.
        namespace: SmolStr,
        /// Their names.
        names: Vec<SmolStr>,
    },
    /// `appinfo.appns`: any pod of a namespace but chaos pods.
    Namespace(SmolStr),
    /// Nothing: the variables name the nodes.
    Nothing,
}

/// A target as Litmus takes it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Target {
    /// What stands in the engine.
    pub selection: Selection,
    /// Variables, in order.
    pub env: Vec<(&'static str, String)>,
    /// The namespace in which the fault works, if it is one.
    pub namespace: Option<SmolStr>,
    /// What Litmus does a little differently: what, and the sentence.
    pub approximations: Vec<(&'static str, String)>,
    /// How many of the known candidates Litmus hits.
    pub count: Option<Count>,
    /// The share of a cloud's things, under the fault's own name for it.
    pub affects: Option<(SmolStr, String)>,
}

/// The variable that names the container; without it Litmus takes the first.
pub(super) const CONTAINER: &str = "TARGET_CONTAINER";

impl Target {
    /// Whether pods are hit of which nobody says the container.
    pub(super) fn is_without_container(&self) -> bool {
        let is_of_pods = !matches!(self.selection, Selection::Nothing);
        is_of_pods && !self.env.iter().any(|(name, _)| *name == CONTAINER)
    }
}

/// How many are hit of how many, in the language and in Litmus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Count {
    /// Known by the catalogue.
    pub candidates: u32,
    /// What the language says.
    pub language: u32,
    /// What Litmus does.
    pub engine: u32,
}

/// Why Litmus cannot take a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It cannot select it.
    Selection(String),
    /// It cannot draw so many.
    Count(String),
}

/// The target of a draw for this body.
pub(super) fn target(plan: &Plan, draw: &Draw, body: &LitmusBody) -> Result<Target, Refusal> {
    match &draw.selector {
        Selector::Pods(pods) => of_pods(plan, draw, pods, body),
        Selector::Nodes(nodes) => of_nodes(draw, nodes, body),
        Selector::Workloads(pods) if body.may(Access::Scale) => of_workloads(draw, pods, body),
        _ if body.targetless => targetless(draw),
        selector if selector.cloud().is_some() => of_cloud(draw, body),
        other => Err(Refusal::Selection(no_such_target(other.kind()).to_owned())),
    }
}

fn no_such_target(kind: TargetKind) -> &'static str {
    match kind {
        TargetKind::Zones => "Litmus knows pods and nodes, but no zones",
        TargetKind::Workloads => {
            "Litmus wants to know whether it is a Deployment or a StatefulSet, and a selector of workloads does not say so"
        }
        TargetKind::Processes => "Litmus knows pods and nodes, but nothing on the machine that Perturb runs on",
        TargetKind::Endpoints => "Litmus knows pods and nodes, but no URLs",
        TargetKind::Instances | TargetKind::Disks | TargetKind::Databases | TargetKind::Balancers => {
            "the fault's litmus body does not say by which variables Litmus takes it"
        }
        TargetKind::Machines => "Litmus has no agent on machines outside of the cluster",
        TargetKind::Clusters => "an engine works in the one cluster that it is in",
        TargetKind::Pods | TargetKind::Nodes => "Litmus cannot select it",
    }
}

/// What an engine says where its variables say all.
fn nothing() -> Target {
    Target {
        selection: Selection::Nothing,
        env: Vec::new(),
        namespace: None,
        approximations: Vec::new(),
        count: None,
        affects: None,
    }
}

/// A fault that says by its own variables what it hits can hit all of it only.
fn targetless(draw: &Draw) -> Result<Target, Refusal> {
    if draw.quantity != Quantity::All {
        return Err(Refusal::Count("this fault of Litmus hits what its variables say: write `all of`".to_owned()));
    }
    Ok(nothing())
}

/// What a cloud has: the body's variables say which, one of them may say how many.
fn of_cloud(draw: &Draw, body: &LitmusBody) -> Result<Target, Refusal> {
    let Some(cloud) = draw.selector.cloud() else { return Ok(nothing()) };
    let by_id = match (cloud.ids.is_empty(), cloud.tags.is_empty()) {
        (false, true) => true,
        (true, false) => false,
        (false, false) => {
            return Err(Refusal::Selection("Litmus takes them by their ids or by a tag, not by both".to_owned()));
        }
        (true, true) => {
            return Err(Refusal::Selection("without ids or tags nothing says which of them are meant".to_owned()));
        }
    };
    if !by_id && cloud.tags.len() > 1 {
        return Err(Refusal::Selection("Litmus takes one tag only".to_owned()));
    }
    let known = by_id.then(|| count_of(&cloud.ids));
    let mut target = nothing();
    match &body.affects {
        Some(variable) => target.affects = Some((variable.clone(), percent(draw.quantity, known)?.to_string())),
        None if draw.quantity == Quantity::All || (known.is_some_and(|n| draw.quantity == Quantity::Exactly(n))) => {}
        None => {
            return Err(Refusal::Count("this fault of Litmus hits every one that is named: write `all of`".to_owned()));
        }
    }
    Ok(target)
}

/// Workloads that are scaled: by the one label of their pods, and a share of them.
fn of_workloads(draw: &Draw, pods: &PodSelector, body: &LitmusBody) -> Result<Target, Refusal> {
    let plain = pods.names.is_empty() && pods.beyond_labels().is_none();
    let ([namespace], [(key, value)], true) = (pods.namespaces.as_slice(), pods.labels.as_slice(), plain) else {
        return Err(Refusal::Selection(
            "Litmus finds workloads in one namespace by one label; more labels it takes for an *or*".to_owned(),
        ));
    };
    let mut target = nothing();
    target.selection =
        Selection::Label { namespace: namespace.clone(), label: format!("{key}={value}"), owners: owners(body) };
    target.namespace = Some(namespace.clone());
    target.env.push(("APP_AFFECT_PERC", percent(draw.quantity, None)?.to_string()));
    Ok(target)
}

/// The kinds that the body knows, or all.
fn owners(body: &LitmusBody) -> Vec<SmolStr> {
    if body.owners.is_empty() { OWNERS.iter().map(|kind| SmolStr::from(*kind)).collect() } else { body.owners.clone() }
}

fn of_pods(plan: &Plan, draw: &Draw, pods: &PodSelector, body: &LitmusBody) -> Result<Target, Refusal> {
    let refuse = |why: &str| Err(Refusal::Selection(why.to_owned()));
    if !pods.except.is_empty() {
        return refuse("`except` names what another draw hit, and Litmus draws each time anew");
    }
    let mut node_labels = Vec::new();
    for (at, label) in [(&pods.node, "kubernetes.io/hostname"), (&pods.zone, "topology.kubernetes.io/zone")] {
        match at {
            Some(At::Named(name)) => node_labels.push(format!("{label}={name}")),
            Some(At::Drawn(_)) => return refuse("the plan draws the node or zone, and Litmus draws for itself"),
            None => {}
        }
    }
    if let Some(nodes) = &pods.nodes {
        match (nodes.names.as_slice(), &nodes.zone, &nodes.holding) {
            ([], None, None) => node_labels.extend(nodes.labels.iter().map(|(key, value)| format!("{key}={value}"))),
            ([], Some(At::Named(zone)), None) => {
                node_labels.extend(nodes.labels.iter().map(|(key, value)| format!("{key}={value}")));
                node_labels.push(format!("topology.kubernetes.io/zone={zone}"));
            }
            _ => return refuse("Litmus finds the nodes of its pods by one name, or by labels"),
        }
    }
    if !node_labels.is_empty() && !body.node_label {
        return refuse(
            "not every fault of Litmus reads NODE_LABEL, and one that does not would hit pods on any node or in any zone",
        );
    }
    // Places have been looked at.
    let elsewhere = PodSelector { node: None, nodes: None, zone: None, ..pods.clone() };
    if let Some(what) = elsewhere.beyond_labels() {
        return Err(Refusal::Selection(format!(
            "Litmus selects pods by one label that is equal to a value, and `{what}` says something else"
        )));
    }
    let [namespace] = pods.namespaces.as_slice() else {
        return refuse(
            "of pods in several namespaces Litmus loses those that have the same name (`ledger-0` in two of them)",
        );
    };
    let first_label_is_read = body.access.iter().any(|a| a.needs_label());
    let selection = match (pods.names.as_slice(), pods.labels.as_slice()) {
        ([], []) => Selection::Namespace(namespace.clone()),
        ([], [(key, value)]) => {
            let label = format!("{key}={value}");
            Selection::Label { namespace: namespace.clone(), label, owners: owners(body) }
        }
        ([], _) => {
            return refuse(
                "between several labels Litmus puts an *or*: it would hit every pod that has any one of them. Give the pods \
                 one label that no others have, and select by it",
            );
        }
        (names, []) => Selection::Names { namespace: namespace.clone(), names: names.to_vec() },
        _ => return refuse("Litmus selects pods by name or by label, not by both"),
    };
    if first_label_is_read && !matches!(selection, Selection::Label { .. }) {
        return refuse("this fault of Litmus reads the label of its target, and crashes without one");
    }
    if body.may(Access::NetworkPolicies) && draw.quantity != Quantity::All {
        return Err(Refusal::Count(
            "a NetworkPolicy holds for every pod with the label: write `all of`, or take a fault that hits single pods"
                .to_owned(),
        ));
    }
    let mut target = Target {
        env: Vec::new(),
        namespace: Some(namespace.clone()),
        approximations: Vec::new(),
        count: None,
        affects: None,
        selection,
    };
    if !node_labels.is_empty() {
        target.env.push(("NODE_LABEL", node_labels.join(",")));
    }
    how_many_pods(plan, draw, &mut target)?;
    if let Some(container) = draw.service.as_ref().and_then(|s| plan.services.get(s)).and_then(|s| s.container.as_ref())
        && !body.sets(CONTAINER)
    {
        target.env.push((CONTAINER, container.to_string()));
    }
    Ok(target)
}

/// Puts `PODS_AFFECTED_PERC` in, always: left out it means one pod.
fn how_many_pods(plan: &Plan, draw: &Draw, target: &mut Target) -> Result<(), Refusal> {
    if let Selection::Names { names, .. } = &target.selection {
        let all = draw.quantity == Quantity::All || draw.quantity == Quantity::Exactly(count_of(names));
        if !all {
            return Err(Refusal::Count(
                "of pods that are named Litmus hits every one: name those that you mean, and write `all of`".to_owned(),
            ));
        }
        target.env.push(("PODS_AFFECTED_PERC", "100".to_owned()));
        return Ok(());
    }
    let known = replicas(plan, draw);
    let percent = percent(draw.quantity, known)?;
    match (draw.quantity, known) {
        (Quantity::Exactly(n), Some(r)) if n > 1 => target.approximations.push((
            "count",
            format!(
                "`{}` says {n}, however many there are; Litmus hits {percent}%, which is {n} of the {r} that the catalogue knows",
                draw.text
            ),
        )),
        (Quantity::Share(share), Some(r)) if !share.0.is_integer() => target.approximations.push((
            "count",
            format!(
                "`{}` is no whole percentage; Litmus hits {percent}%, which is the same of the {r} that the catalogue knows",
                draw.text
            ),
        )),
        _ => {}
    }
    target.count =
        known.map(|r| Count { candidates: r, language: draw.quantity.of(r), engine: engine_count(percent, r) });
    target.approximations.push((
        "scope",
        format!(
            "`{}` counts ready pods; Litmus draws from all pods with the label that a Deployment, StatefulSet, DaemonSet or \
             Rollout owns, ready or not",
            draw.text
        ),
    ));
    target.env.push(("PODS_AFFECTED_PERC", percent.to_string()));
    Ok(())
}

fn count_of(names: &[SmolStr]) -> u32 {
    u32::try_from(names.len()).unwrap_or(u32::MAX)
}

/// The candidates, where the draw is of a whole service and the catalogue knows its replicas.
fn replicas(plan: &Plan, draw: &Draw) -> Option<u32> {
    let facts = plan.services.get(draw.service.as_ref()?)?;
    match &draw.selector {
        Selector::Pods(pods) if facts.pods.as_ref() == Some(pods) => facts.replicas,
        _ => None,
    }
}

/// What litmus-go hits of `n` targets for a percentage (`pkg/math`, `filterPodsByPercentage`).
pub(super) fn engine_count(percent: u32, n: u32) -> u32 {
    let share = u64::from(percent.min(100)) * u64::from(n) / 100;
    u32::try_from(share).unwrap_or(n).max(1).min(n)
}

/// The whole percentage with which Litmus hits what the quantity says; 0 is one.
fn percent(quantity: Quantity, known: Option<u32>) -> Result<u32, Refusal> {
    match quantity {
        Quantity::All => Ok(100),
        Quantity::Exactly(1) => Ok(0),
        Quantity::Exactly(n) => {
            let Some(r) = known else {
                return Err(Refusal::Count(format!(
                    "Litmus takes a percentage, and of how many {n} are to be hit is not known: give the service `replicas`, or \
                     write a share or `one of`"
                )));
            };
            exact(n, r)
        }
        Quantity::Share(share) => {
            if share.0.is_integer() {
                use rust_decimal::prelude::ToPrimitive;
                let whole = share.0.to_u32().unwrap_or(100).min(100);
                // 0 would mean one pod, which is also what the language makes of 0%.
                return Ok(whole);
            }
            match known {
                Some(r) => exact(quantity.of(r), r),
                None => Err(Refusal::Count(format!(
                    "Litmus takes whole percentages: write {}% or {}%",
                    share.0.floor(),
                    share.0.ceil().min(Decimal::ONE_HUNDRED)
                ))),
            }
        }
    }
}

/// The least whole percentage that gives `n` of `candidates`, if one does.
fn exact(n: u32, candidates: u32) -> Result<u32, Refusal> {
    if n > candidates {
        return Err(Refusal::Count(format!(
            "the catalogue knows {candidates}: Perturb would not run, but Litmus would hit every one of them"
        )));
    }
    (1..=100).find(|p| engine_count(*p, candidates) == n).ok_or_else(|| {
        Refusal::Count(format!(
            "Litmus takes whole percentages, and none of them gives {n} of {candidates}: write a share"
        ))
    })
}

fn of_nodes(draw: &Draw, nodes: &NodeSelector, body: &LitmusBody) -> Result<Target, Refusal> {
    let refuse = |why: &str| Err(Refusal::Selection(why.to_owned()));
    let mut labels: Vec<String> = nodes.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    match &nodes.zone {
        Some(At::Named(zone)) => labels.push(format!("topology.kubernetes.io/zone={zone}")),
        Some(At::Drawn(_)) => return refuse("the zone is drawn by the plan, and Litmus draws for itself"),
        None => {}
    }
    let mut target = nothing();
    match (nodes.names.as_slice(), labels.as_slice(), &nodes.holding) {
        ([], [], None) => return refuse("without a name or label Litmus takes a node of any pod in the cluster"),
        ([], [], Some(pods)) => holding(draw, pods, body, &mut target)?,
        (names, [], None) => named(draw, names, body, &mut target)?,
        ([], labels, None) => labelled(draw, labels, body, &mut target)?,
        _ => {
            return refuse(
                "Litmus selects nodes by name, by labels, or by a service that runs on them, not by two of these",
            );
        }
    }
    Ok(target)
}

/// The node of a random pod of a service: faults for one node do this when no node is named.
fn holding(draw: &Draw, pods: &PodSelector, body: &LitmusBody, target: &mut Target) -> Result<(), Refusal> {
    let plain = pods.names.is_empty() && pods.beyond_labels().is_none();
    let ([namespace], [(key, value)], true) = (pods.namespaces.as_slice(), pods.labels.as_slice(), plain) else {
        return Err(Refusal::Selection(
            "Litmus finds the nodes of pods in one namespace by one label; more labels it takes for an *or*".to_owned(),
        ));
    };
    if body.many_nodes {
        return Err(Refusal::Selection(
            "this fault of Litmus takes nodes by name or label, and knows nothing of the pods on them".to_owned(),
        ));
    }
    one_node(draw)?;
    let label = format!("{key}={value}");
    target.selection = Selection::Label { namespace: namespace.clone(), label, owners: owners(body) };
    target.namespace = Some(namespace.clone());
    target.approximations.push((
        "draw",
        format!(
            "`{}` draws a node; Litmus draws a pod and takes its node, so that nodes with more of the pods are hit more often",
            draw.text
        ),
    ));
    target.approximations.push((
        "judgement",
        format!("Litmus also waits until every container with `{key}={value}` is ready again, and ends in an error if that takes long"),
    ));
    Ok(())
}

fn named(draw: &Draw, names: &[SmolStr], body: &LitmusBody, target: &mut Target) -> Result<(), Refusal> {
    let all = draw.quantity == Quantity::All || draw.quantity == Quantity::Exactly(count_of(names));
    if !all {
        return Err(Refusal::Count("of nodes that are named Litmus hits every one: write `all of`".to_owned()));
    }
    let csv = names.iter().map(SmolStr::as_str).collect::<Vec<_>>().join(",");
    if body.many_nodes {
        target.env.push(("TARGET_NODES", csv));
    } else if names.len() == 1 {
        target.env.push(("TARGET_NODE", csv));
    } else {
        return Err(Refusal::Count("this fault of Litmus hits one node".to_owned()));
    }
    Ok(())
}

fn labelled(draw: &Draw, labels: &[String], body: &LitmusBody, target: &mut Target) -> Result<(), Refusal> {
    // Node labels go to the API server as they are, where a comma means *and*.
    target.env.push(("NODE_LABEL", labels.join(",")));
    if body.many_nodes {
        target.env.push(("NODES_AFFECTED_PERC", percent(draw.quantity, None)?.to_string()));
        return Ok(());
    }
    one_node(draw)
}

fn one_node(draw: &Draw) -> Result<(), Refusal> {
    if draw.quantity == Quantity::Exactly(1) {
        return Ok(());
    }
    Err(Refusal::Count("this fault of Litmus hits one node: write `one of`".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_exact_count_is_what_litmus_computes(r in 1u32..400, n in 1u32..400) {
            match percent(Quantity::Exactly(n), Some(r)) {
                Ok(p) => prop_assert_eq!(engine_count(p, r), n),
                Err(_) => prop_assert!(n > r || r > 100),
            }
        }

        #[test]
        fn a_share_rounds_as_in_the_language(r in 1u32..5000, hundredths in 1i64..=10_000) {
            let quantity = Quantity::Share(crate::types::Percent(Decimal::new(hundredths, 2)));
            if let Ok(p) = percent(quantity, Some(r)) {
                prop_assert_eq!(engine_count(p, r), quantity.of(r));
            }
        }
    }

    #[test]
    fn one_is_said_without_knowing_of_how_many() {
        assert_eq!(percent(Quantity::Exactly(1), None), Ok(0));
        assert_eq!(engine_count(0, 7), 1);
        assert!(matches!(percent(Quantity::Exactly(2), None), Err(Refusal::Count(_))));
        assert!(matches!(percent(Quantity::Exactly(4), Some(3)), Err(Refusal::Count(_))));
        let half_percent = Quantity::Share("12.5%".parse().unwrap());
        assert!(matches!(percent(half_percent, None), Err(Refusal::Count(_))));
        assert_eq!(percent(half_percent, Some(16)), Ok(13));
    }
}
