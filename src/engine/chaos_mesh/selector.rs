//! Draws as Chaos Mesh's `{ mode, value, selector }`.
//!
//! Comes in: a draw of the plan. Goes out: the three fields; and, once per draw, what Chaos Mesh cannot draw, draws
//! otherwise, or counts otherwise. Chaos Mesh draws for itself, anew for each object, among *running* pods.
//!
//! Rounding: the language rounds `P% of` down (to one at least), Chaos Mesh's `fixed-percent` rounds up. Where the
//! catalogue knows the replicas, the language's number is emitted as `fixed`, and the report's count says it.

use rust_decimal::prelude::ToPrimitive;

use crate::diagnostic::{Code, Diagnostic};
use crate::engine::DrawCount;
use crate::manifest::Node;
use crate::plan::{
    At, Draw, EngineName, Fault, Label, LabelCondition, MachineSelector, NodeSelector, PodSelector, Quantity, Selector,
};
use crate::source::Span;
use crate::types::{Decimal, Percent};

use super::context::{Context, other_ways};
use super::schema::{self, Hits, Kind};

/// The node label of a zone.
const ZONE_LABEL: &str = "topology.kubernetes.io/zone";

/// How a quantity is emitted.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Mode {
    One,
    All,
    Fixed(u32),
    Percent(u32),
}

/// The replicas that the catalogue knows of a draw's candidates: only where the draw narrows its service by nothing.
pub(super) fn candidates(cx: &Context<'_>, draw: &Draw) -> Option<u32> {
    let facts = cx.plan.services.get(draw.service.as_ref()?)?;
    let Selector::Pods(pods) = &draw.selector else { return None };
    (facts.pods.as_ref() == Some(pods)).then_some(facts.replicas).flatten()
}

/// The mode of a draw; `None`: a share of an unknown number that is no whole percentage (W2).
fn mode(draw: &Draw, candidates: Option<u32>) -> Option<Mode> {
    Some(match draw.quantity {
        Quantity::All => Mode::All,
        Quantity::Exactly(1) => Mode::One,
        Quantity::Exactly(n) => Mode::Fixed(n),
        Quantity::Share(Percent(share)) if share >= Decimal::ONE_HUNDRED => Mode::All,
        Quantity::Share(Percent(share)) => match candidates {
            Some(n) => match draw.quantity.of(n) {
                1 => Mode::One,
                hit => Mode::Fixed(hit),
            },
            // The language hits one at least.
            None if share.is_zero() => Mode::One,
            None if share.fract().is_zero() => Mode::Percent(share.to_u32()?),
            None => return None,
        },
    })
}

/// Says once of a draw what Chaos Mesh cannot do or does otherwise. `uses`: how many fault steps it is the target of.
pub(super) fn judge(cx: &mut Context<'_>, index: u32, fault: &Fault, uses: u32) {
    let Some(draw) = cx.draw(index) else { return };
    match (&draw.selector, kind_of(fault).map_or(Hits::Pods, |k| k.hits)) {
        (Selector::Pods(pods), Hits::Pods) => judge_pods(cx, draw, pods, fault),
        (Selector::Machines(machines), Hits::Machines) => judge_machines(cx, draw, machines, fault),
        // The body puts it where it belongs.
        (selector, Hits::Cloud) if selector.cloud().is_some() => return judge_cloud(cx, draw, fault),
        (selector, hits) => {
            let reason = match hits {
                Hits::Pods => "Chaos Mesh draws pods for this fault, and nothing else",
                Hits::Machines => "this kind of Chaos Mesh hits machines that are registered in the cluster",
                Hits::Cloud => "this kind of Chaos Mesh hits one thing of a cloud by its id",
            };
            return no_target(cx, draw, fault, &format!("{} as a target", selector.kind().noun(2)), reason);
        }
    }
    let known = candidates(cx, draw);
    judge_quantity(cx, draw, fault, known);
    let random = draw.quantity != Quantity::All && mode(draw, known) != Some(Mode::All);
    if uses > 1 && random {
        let text = format!(
            "`{}` is one draw for {uses} faults; in Chaos Mesh each object draws for itself, so they may hit different pods: \
             the blast radius is bounded by their sum",
            draw.text
        );
        cx.approximate("draw", draw.span, text);
    }
}

/// The kind of Chaos Mesh that a fault's body names.
fn kind_of(fault: &Fault) -> Option<&'static Kind> {
    let body = fault.bodies.get(&EngineName::ChaosMesh)?;
    schema::find(body.field("kind")?.as_text()?)
}

/// One thing by its id, as these kinds draw nothing.
fn judge_cloud(cx: &mut Context<'_>, draw: &Draw, fault: &Fault) {
    let one = draw.selector.cloud().is_some_and(|cloud| cloud.ids.len() == 1 && cloud.tags.is_empty());
    let all = matches!(draw.quantity, Quantity::All | Quantity::Exactly(1));
    if !one || !all {
        let noun = draw.selector.kind().noun(1);
        let construct = format!("anything but one {noun} by its id");
        let help = "give `ids` with one id, and write one fault for each, in `parallel`";
        no_target(cx, draw, fault, &construct, &format!("Chaos Mesh takes one {noun} for each object: {help}"));
    }
}

/// Machines that are registered: a selector of their own.
fn judge_machines(cx: &mut Context<'_>, draw: &Draw, machines: &MachineSelector, fault: &Fault) {
    judge_labels(cx, draw, fault, &machines.labels, &machines.conditions, &machines.annotations);
    if !machines.names.is_empty() && machines.has_conditions() {
        no_target(
            cx,
            draw,
            fault,
            "names together with other conditions",
            "with names, Chaos Mesh ignores every other condition",
        );
    }
}

/// What the selector's parts become.
fn judge_pods(cx: &mut Context<'_>, draw: &Draw, pods: &PodSelector, fault: &Fault) {
    let drawn = |at: &Option<At>| matches!(at, Some(At::Drawn(_)));
    if drawn(&pods.node) {
        no_target(
            cx,
            draw,
            fault,
            "a node that the plan draws",
            "Chaos Mesh draws for itself and cannot be told what was drawn",
        );
    }
    if drawn(&pods.zone) {
        no_target(
            cx,
            draw,
            fault,
            "a zone that the plan draws",
            "Chaos Mesh draws for itself and cannot be told what was drawn",
        );
    }
    if !pods.except.is_empty() {
        no_target(
            cx,
            draw,
            fault,
            "`except`",
            "Chaos Mesh draws each object's pods for itself and cannot leave out what another hit",
        );
    }
    if pods.node.is_some() && (pods.zone.is_some() || pods.nodes.is_some()) {
        no_target(cx, draw, fault, "a node together with a zone", "Chaos Mesh takes pods on the node *or* in the zone");
    }
    if let Some(nodes) = &pods.nodes {
        judge_nodes(cx, draw, fault, nodes, pods.zone.is_some());
    }
    if pods.namespaces.is_empty() {
        no_target(
            cx,
            draw,
            fault,
            "pods without a namespace",
            "Chaos Mesh would look in the namespace of its own object",
        );
    }
    judge_labels(cx, draw, fault, &pods.labels, &pods.conditions, &pods.annotations);
    if pods.names.is_empty() {
        return;
    }
    // A draw that leaves something out has been refused as it is.
    if let Some(what) = (PodSelector { except: Vec::new(), ..pods.clone() }).beyond_labels() {
        no_target(
            cx,
            draw,
            fault,
            &format!("names together with `{what}`"),
            "with names, Chaos Mesh ignores every other condition",
        );
    } else if !pods.labels.is_empty() {
        let text = format!(
            "`{}` names its pods; with names, Chaos Mesh ignores labels and readiness, and skips a name that does not exist",
            draw.text
        );
        cx.approximate("scope", draw.span, text);
    }
}

/// Labels and annotations that Chaos Mesh would only refuse when it selects.
fn judge_labels(
    cx: &mut Context<'_>,
    draw: &Draw,
    fault: &Fault,
    labels: &[Label],
    conditions: &[LabelCondition],
    annotations: &[Label],
) {
    let wrong = labels.iter().find(|(k, v)| !is_label(k, v)).map(|(key, value)| format!("{key}: {value}"));
    let wrong = wrong.or_else(|| {
        let bad = |c: &&LabelCondition| !is_label(&c.key, "") || c.values().iter().any(|v| !is_label(&c.key, v));
        conditions.iter().find(bad).map(LabelCondition::query)
    });
    if let Some(label) = wrong {
        let reason = "it is no label that Kubernetes knows, and Chaos Mesh would only notice when it selects";
        no_target(cx, draw, fault, &format!("the label `{label}`"), reason);
    }
    if let Some((key, value)) = annotations.iter().find(|(k, v)| !is_label(k, v)) {
        let reason = "Chaos Mesh reads annotations as if they were labels, which have at most 63 letters, digits, `-`, `_` and `.`";
        no_target(cx, draw, fault, &format!("the annotation `{key}: {value}`"), reason);
    }
}

/// Nodes of which any will do: their names, or their labels, but Chaos Mesh takes the union of both.
fn judge_nodes(cx: &mut Context<'_>, draw: &Draw, fault: &Fault, nodes: &NodeSelector, has_zone: bool) {
    let drawn = "Chaos Mesh draws for itself and cannot be told what was drawn";
    let refused = if nodes.holding.is_some() {
        Some(("nodes by the pods on them", "it knows nodes by their names and labels"))
    } else if matches!(nodes.zone, Some(At::Drawn(_))) {
        Some(("a zone that the plan draws", drawn))
    } else if nodes.zone.is_some() && has_zone {
        Some(("two zones", "it takes one value of a label"))
    } else if !nodes.names.is_empty() && (!nodes.labels.is_empty() || nodes.zone.is_some() || has_zone) {
        Some((
            "nodes by their names together with labels",
            "Chaos Mesh takes pods on nodes with the name *or* with the label",
        ))
    } else {
        None
    };
    if let Some((construct, reason)) = refused {
        no_target(cx, draw, fault, construct, reason);
    }
}

/// How many, here and there.
fn judge_quantity(cx: &mut Context<'_>, draw: &Draw, fault: &Fault, known: Option<u32>) {
    let Some(mode) = mode(draw, known) else {
        let message = format!("Chaos Mesh cannot hit `{}`: it takes whole percentages only", draw.text);
        let diagnostic = Diagnostic::new(Code::QUANTITY_NOT_IN_CHAOS_MESH, draw.span, message)
            .also(fault.span, "used here")
            .why("rounding the percentage would hit more or fewer pods than you wrote")
            .help("give the service its `replicas`, or write a whole percentage");
        return cx.refuse(diagnostic);
    };
    if let (Mode::Percent(percent), None) = (mode, known)
        && let Some((of, theirs, ours)) = rounded_otherwise(draw.quantity, percent)
    {
        let text = format!(
            "`{}` rounds down, to one at least; Chaos Mesh rounds up: of {of} pods it hits {theirs}, not {ours} (with the \
             service's `replicas` known, the exact number is emitted)",
            draw.text,
        );
        cx.approximate("rounding", draw.span, text);
    }
    let Some(candidates) = known else {
        if let Mode::Fixed(n) = mode {
            let text = format!(
                "`{}` hits {n} or nothing; where fewer are running, Chaos Mesh hits those (with the service's `replicas` \
                 known, that is checked)",
                draw.text
            );
            cx.approximate("count", draw.span, text);
        }
        return;
    };
    let language = draw.quantity.of(candidates);
    if language > candidates {
        let message = format!("`{}` asks for {language} of {candidates}", draw.text);
        let diagnostic = Diagnostic::new(Code::QUANTITY_NOT_IN_CHAOS_MESH, draw.span, message)
            .why("Chaos Mesh hits fewer without a word, where Perturb does not begin the run")
            .help(format!("ask for {candidates} at most, or correct the `replicas` of the service"));
        return cx.refuse(diagnostic);
    }
    let engine = match mode {
        Mode::One => 1,
        Mode::All => candidates,
        Mode::Fixed(n) => n.min(candidates),
        Mode::Percent(percent) => (candidates * percent).div_ceil(100),
    };
    cx.report.counts.push(DrawCount { draw: draw.text.clone(), candidates, language, engine });
}

/// The smallest number of candidates of which Chaos Mesh hits another number than the plan: how many, what it hits, what the
/// plan does.
fn rounded_otherwise(quantity: Quantity, percent: u32) -> Option<(u32, u32, u32)> {
    (1..=200).map(|of| (of, (of * percent).div_ceil(100), quantity.of(of))).find(|(_, theirs, ours)| theirs != ours)
}

/// A target that Chaos Mesh cannot draw, and who can.
fn no_target(cx: &mut Context<'_>, draw: &Draw, fault: &Fault, construct: &str, reason: &str) {
    let message = format!("Chaos Mesh cannot express {construct} in `{}`", draw.text);
    let help = other_ways(
        cx.plan,
        fault,
        "write a target that Chaos Mesh can draw: by namespaces, labels, nodes and zones with names",
    );
    let mut diagnostic = Diagnostic::new(Code::TARGET_NOT_IN_CHAOS_MESH, draw.span, message)
        .label(construct.trim_matches('`').to_owned())
        .why(reason)
        .help(help);
    if fault.span != draw.span {
        diagnostic = diagnostic.also(fault.span, "used here");
    }
    cx.refuse(diagnostic);
}

/// Whether Kubernetes takes a label: the value is empty or at most 63 of `[A-Za-z0-9-_.]`, alphanumeric at both ends;
/// so is the key's name, with an optional DNS prefix before a slash (T6).
fn is_label(key: &str, value: &str) -> bool {
    let word = |text: &str| {
        let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        text.len() <= 63
            && ends(text.chars().next())
            && ends(text.chars().next_back())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
    };
    let (prefix, name) = key.rsplit_once('/').map_or((None, key), |(p, n)| (Some(p), n));
    word(name) && prefix.is_none_or(|p| !p.is_empty() && p.len() <= 253) && (value.is_empty() || word(value))
}

/// `mode`, `value`, `selector`: in that order, `value` only where the mode reads it.
pub(super) fn entries<'a>(cx: &Context<'a>, draw: &'a Draw) -> [Option<(&'a str, Node<'a>)>; 3] {
    let arena = cx.arena;
    let (mode, value) = match mode(draw, candidates(cx, draw)) {
        Some(Mode::All) => ("all", None),
        Some(Mode::Fixed(n)) => ("fixed", Some(n)),
        Some(Mode::Percent(n)) => ("fixed-percent", Some(n)),
        // `None` was refused by `judge`.
        Some(Mode::One) | None => ("one", None),
    };
    let selector = match &draw.selector {
        Selector::Pods(pods) => pod_selector(cx, pods),
        Selector::Machines(machines) => machine_selector(cx, machines),
        // Refused by `judge`.
        _ => arena.map([]),
    };
    [
        Some(("mode", Node::Text(mode))),
        value.map(|n| ("value", arena.format(format_args!("{n}")))),
        Some(("selector", selector)),
    ]
}

/// A draw inside a body, as the other side of a network fault.
pub(super) fn target<'a>(cx: &mut Context<'a>, index: u32) -> Option<Node<'a>> {
    let draw = cx.draw(index)?;
    Some(cx.arena.map_some(entries(cx, draw)))
}

/// Always with its namespaces and, but for named pods, with the phase: dead pods are candidates otherwise (T4).
fn pod_selector<'a>(cx: &Context<'a>, pods: &'a PodSelector) -> Node<'a> {
    let arena = cx.arena;
    if !pods.names.is_empty() {
        let names = arena.list(pods.names.iter().map(|n| Node::Text(n)));
        return arena.map([("pods", arena.map(pods.namespaces.iter().map(|ns| (ns.as_str(), names))))]);
    }
    fn named(at: &Option<At>) -> Option<&str> {
        match at {
            Some(At::Named(name)) => Some(name),
            _ => None,
        }
    }
    let on = pods.nodes.as_deref();
    let nodes: Vec<&str> =
        named(&pods.node).into_iter().chain(on.into_iter().flat_map(|n| n.names.iter().map(|n| n.as_str()))).collect();
    let zone = named(&pods.zone).or(on.and_then(|n| named(&n.zone)));
    let mut node_labels: Vec<(&str, Node<'a>)> =
        on.into_iter().flat_map(|n| &n.labels).map(|(k, v)| (k.as_str(), Node::Text(v))).collect();
    node_labels.extend(zone.map(|zone| (ZONE_LABEL, Node::Text(zone))));
    let phases = match pods.phases.as_slice() {
        // Ready pods run; of readiness Chaos Mesh knows nothing.
        [] => arena.list([Node::Text("Running")]),
        phases => arena.list(phases.iter().map(|phase| Node::Text(phase.kubernetes()))),
    };
    arena.map_some([
        Some(("namespaces", arena.list(pods.namespaces.iter().map(|n| Node::Text(n))))),
        entries_of(cx, "labelSelectors", &pods.labels),
        expressions(cx, &pods.conditions),
        entries_of(cx, "annotationSelectors", &pods.annotations),
        entries_of(cx, "fieldSelectors", &pods.fields),
        (!nodes.is_empty()).then(|| ("nodes", arena.list(nodes.iter().map(|n| Node::Text(n))))),
        (!node_labels.is_empty()).then(|| ("nodeSelectors", arena.map(node_labels.iter().copied()))),
        Some(("podPhaseSelectors", phases)),
    ])
}

/// A map of texts, where there is one.
fn entries_of<'a>(cx: &Context<'a>, key: &'static str, entries: &'a [Label]) -> Option<(&'a str, Node<'a>)> {
    let of = || cx.arena.map(entries.iter().map(|(k, v)| (k.as_str(), Node::Text(v))));
    (!entries.is_empty()).then(|| (key, of()))
}

/// `expressionSelectors`: an operator that is not checked at admission, so it is never a text of somebody's (T6).
fn expressions<'a>(cx: &Context<'a>, conditions: &'a [LabelCondition]) -> Option<(&'a str, Node<'a>)> {
    let arena = cx.arena;
    let one = |c: &'a LabelCondition| {
        let values = || arena.list(c.values().iter().map(|v| Node::Text(v)));
        arena.map_some([
            Some(("key", Node::Text(&c.key))),
            Some(("operator", Node::Text(c.operator()))),
            (!c.values().is_empty()).then(|| ("values", values())),
        ])
    };
    (!conditions.is_empty()).then(|| ("expressionSelectors", arena.list(conditions.iter().map(one))))
}

/// Always with its namespaces: without, every machine of the cluster is a candidate (T45).
fn machine_selector<'a>(cx: &Context<'a>, machines: &'a MachineSelector) -> Node<'a> {
    let arena = cx.arena;
    if !machines.names.is_empty() {
        let names = arena.list(machines.names.iter().map(|n| Node::Text(n)));
        let by_namespace = arena.map(machines.namespaces.iter().map(|ns| (ns.as_str(), names)));
        return arena.map([("physicalMachines", by_namespace)]);
    }
    arena.map_some([
        Some(("namespaces", arena.list(machines.namespaces.iter().map(|n| Node::Text(n))))),
        entries_of(cx, "labelSelectors", &machines.labels),
        expressions(cx, &machines.conditions),
        entries_of(cx, "annotationSelectors", &machines.annotations),
        entries_of(cx, "fieldSelectors", &machines.fields),
    ])
}

/// Where the gate would be among the candidates of a draw: it must not be hit by what it watches.
pub(super) fn hits_gate(pods: &PodSelector, namespace: &str, labels: &[(&str, &str)]) -> bool {
    pods.names.is_empty()
        && pods.namespaces.iter().any(|n| n == namespace)
        && pods.labels.iter().all(|(k, v)| labels.iter().any(|(key, value)| k == key && v == value))
        && pods.conditions.iter().all(|condition| condition.takes(labels))
}

/// The gate among the pods under test.
pub(super) fn refuse_gate(cx: &mut Context<'_>, text: &str, span: Span) {
    let message = format!("`{text}` may hit the gate that judges the experiment");
    let diagnostic = Diagnostic::new(Code::GATE_IS_HIT, span, message)
        .why("a gate that is hit cannot tell a broken service from its own trouble, and cannot end the fault")
        .help("narrow the target by labels, or give the cluster a namespace for chaos that nothing hits");
    cx.refuse(diagnostic);
}
