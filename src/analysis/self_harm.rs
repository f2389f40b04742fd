//! Proof: no fault hits the control plane, the engines or what the cluster declares off limits, and none hits more than
//! it names; selectors say what Kubernetes can read.
//!
//! Comes in: the draws of a plan, its place. Goes out: P0445–P0449, and P0304 for a plan that no compiler made. Label and
//! name rules are Kubernetes' own; an illegal label value is a selection error at run time only (`chaos-mesh.md` T6), an
//! absent selector the whole namespace (T1).

use super::facts;
use super::kube_names::{dns_label_fault, dns_subdomain_fault, label_key_fault, label_value_fault};
use super::portability::engine_of;
use crate::diagnostic::{Code, Diagnostic};
use crate::plan::{At, Draw, EngineName, Fault, Plan, PodSelector, Quantity, Selector};

/// Namespaces of Kubernetes itself.
const CONTROL_PLANE: [&str; 3] = ["kube-system", "kube-public", "kube-node-lease"];
/// Namespaces in which the engines are installed by their own charts.
const ENGINES: [&str; 2] = ["chaos-mesh", "litmus"];

/// Adds targets that must not be hit and selectors that say too little or nothing.
pub fn check(plan: &Plan, out: &mut Vec<Diagnostic>) {
    for fault in &plan.faults {
        for draw in facts::hit_draws(fault).into_iter().filter_map(|d| facts::draw(plan, d)) {
            if let Some(pods) = draw.selector.pods() {
                protected(plan, fault, draw, pods, out);
                too_wide(fault, draw, pods, out);
            }
            machines(plan, fault, draw, out);
        }
    }
    for draw in &plan.draws {
        spelling(draw, out);
    }
}

/// Why a namespace must not be hit.
fn protection(plan: &Plan, namespace: &str) -> Option<String> {
    let cluster = &plan.place.cluster;
    if CONTROL_PLANE.contains(&namespace) {
        Some("holds the control plane of Kubernetes".to_owned())
    } else if ENGINES.contains(&namespace) {
        Some("holds a chaos engine".to_owned())
    } else if cluster.chaos_namespace == namespace {
        Some(format!("is where the engines' objects live in `{}`", cluster.name))
    } else if cluster.off_limits.iter().any(|n| n == namespace) {
        Some(format!("is off limits in `{}`", cluster.name))
    } else {
        None
    }
}

fn protected(plan: &Plan, fault: &Fault, draw: &Draw, pods: &PodSelector, out: &mut Vec<Diagnostic>) {
    for namespace in &pods.namespaces {
        let Some(reason) = protection(plan, namespace) else { continue };
        let message = format!("`{}` would hit the namespace `{namespace}`, which {reason}", fault.name);
        out.push(
            drawn(Diagnostic::new(Code::PROTECTED_NAMESPACE, fault.span, message), draw)
                .why("what should end the fault, or tell that something is wrong, might not live through it")
                .help("hit something else; what is off limits is declared with the cluster"),
        );
    }
}

/// Says what is hit: at the draw, or, where that is written in the fault itself, with the fault (labels do not overlap).
fn drawn(diagnostic: Diagnostic, draw: &Draw) -> Diagnostic {
    let (fault, at) = (diagnostic.span, draw.span);
    let inside = fault.file == at.file && fault.start <= at.start && at.end <= fault.end;
    let text = format!("hits `{}`", draw.text);
    if inside { diagnostic.label(text) } else { diagnostic.also(at, text) }
}

/// Pods without labels and names: everything in the namespace.
fn too_wide(fault: &Fault, draw: &Draw, pods: &PodSelector, out: &mut Vec<Diagnostic>) {
    if pods.namespaces.is_empty() {
        let message = format!("`{}` names no namespace", draw.text);
        out.push(
            Diagnostic::new(Code::WITHOUT_NAMESPACE, draw.span, message)
                .also(fault.span, "hit by this")
                .why("it would take pods of the whole cluster, the control plane's among them")
                .help("write `namespace:` in the selector"),
        );
    } else if matches!(draw.quantity, Quantity::All | Quantity::Share(_)) && !pods.is_narrowed() {
        let namespaces: Vec<String> = pods.namespaces.iter().map(|n| format!("`{n}`")).collect();
        let message = format!("`{}` takes from everything in {}", draw.text, namespaces.join(", "));
        out.push(
            Diagnostic::new(Code::WHOLE_NAMESPACE, draw.span, message)
                .label("neither labels nor names")
                .also(fault.span, "hit by this")
                .why("what others put into the namespace tomorrow would be hit, too")
                .help("write `labels: { app: \"…\" }`, or the service that you mean"),
        );
    }
}

/// Nodes and zones hold whatever is scheduled there, the pods of an engine that runs in the cluster among it.
fn machines(plan: &Plan, fault: &Fault, draw: &Draw, out: &mut Vec<Diagnostic>) {
    let Ok(engine @ (EngineName::ChaosMesh | EngineName::Litmus)) = engine_of(plan, fault) else { return };
    let (noun, offer) = match &draw.selector {
        Selector::Nodes(nodes) if nodes.labels.is_empty() && nodes.names.is_empty() => {
            ("a node", "take nodes of a pool that the engine does not run on: `.nodes(labels: { … })`")
        }
        Selector::Zones(_) => ("a zone", "keep the engine's pods in several zones"),
        _ => return,
    };
    let message = format!("`{}` may hit {noun} on which {} itself runs", fault.name, engine.title());
    out.push(
        drawn(Diagnostic::new(Code::NODE_MAY_HOLD_ENGINE, fault.span, message), draw)
            .why("an engine that goes down with its target cannot undo the fault; preflight looks and refuses then")
            .help(offer),
    );
}

/// Labels and names that Kubernetes would not accept.
fn spelling(draw: &Draw, out: &mut Vec<Diagnostic>) {
    let mut refuse = |what: &str, text: &str, fault: Option<&'static str>| {
        if let Some(fault) = fault {
            out.push(
                Diagnostic::new(Code::BAD_SELECTOR, draw.span, format!("`{text}` cannot be {what}: {fault}"))
                    .label(format!("in `{}`", draw.text))
                    .why("Kubernetes refuses it only when the run draws its targets"),
            );
        }
    };
    let labels: &[_] = match &draw.selector {
        Selector::Pods(pods) | Selector::Zones(pods) | Selector::Workloads(pods) => &pods.labels,
        Selector::Nodes(nodes) => &nodes.labels,
        Selector::Machines(machines) => &machines.labels,
        Selector::Endpoints(_)
        | Selector::Instances(_)
        | Selector::Disks(_)
        | Selector::Databases(_)
        | Selector::Balancers(_)
        | Selector::Processes(_)
        | Selector::Clusters(_) => &[],
    };
    for (key, value) in labels {
        refuse("the key of a label", key, label_key_fault(key));
        refuse("the value of a label", value, label_value_fault(value));
    }
    let (conditions, annotations): (&[_], &[_]) = match (&draw.selector, draw.selector.pods()) {
        (Selector::Machines(machines), _) => (&machines.conditions, &machines.annotations),
        (_, Some(pods)) => (&pods.conditions, &pods.annotations),
        _ => (&[], &[]),
    };
    for condition in conditions {
        refuse("the key of a label", &condition.key, label_key_fault(&condition.key));
        for value in condition.values() {
            refuse("the value of a label", value, label_value_fault(value));
        }
    }
    // Keys of annotations obey the same rules; their values may be anything.
    for (key, _) in annotations {
        refuse("the key of an annotation", key, label_key_fault(key));
    }
    if let Some(pods) = draw.selector.pods() {
        for namespace in &pods.namespaces {
            refuse("a namespace", namespace, dns_label_fault(namespace));
        }
        for name in &pods.names {
            refuse("the name of a pod", name, dns_subdomain_fault(name));
        }
        if let Some(At::Named(node)) = &pods.node {
            refuse("the name of a node", node, dns_subdomain_fault(node));
        }
    }
    if let Selector::Nodes(nodes) = &draw.selector {
        for name in &nodes.names {
            refuse("the name of a node", name, dns_subdomain_fault(name));
        }
    }
}
