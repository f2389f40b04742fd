//! Chaos Mesh's `{ mode, value, selector }` as a target: `50% of tikv.pods`.
//!
//! Comes in: the three fields and the namespace of their object. Goes out: the text of the target and its service, which
//! the catalogue gets. Must never widen: a condition that the language does not have is refused, not dropped.

use super::asked;
use super::context::{Context, Unsayable};
use super::draft::{Container, Service};
use super::print::{key, quoted};
use super::yaml::Node;
use crate::plan::{POD_FIELDS, PodPhase, Selector};
use crate::source::Span;
use crate::types::TargetKind;

/// The label of a node's zone.
const ZONE: &str = "topology.kubernetes.io/zone";
/// Labels that name what runs in a pod, the most telling first.
const NAMING: [&str; 7] = [
    "app.kubernetes.io/name",
    "app",
    "app.kubernetes.io/component",
    "k8s-app",
    "name",
    "component",
    "app.kubernetes.io/instance",
];

/// A target as text.
#[derive(Debug, Clone)]
pub(super) struct Target {
    /// `50% of tikv.pods`.
    pub text: String,
    /// The service.
    pub service: String,
}

/// The target of a spec, or of a body's second target.
pub(super) fn target(
    cx: &mut Context<'_>,
    spec: &Node,
    namespace: &str,
    container: Container,
) -> Result<Target, Unsayable> {
    let quantity = quantity(cx, spec)?;
    let (mut service, narrowed) = pods(spec.entry("selector").map(|e| &e.value), namespace, spec.span)?;
    service.container = container;
    let name = cx.draft.service(&service);
    Ok(Target { text: format!("{quantity} of {name}.pods{narrowed}"), service: name })
}

/// What a cloud has: its kinds say one by its id, so all that is named is hit.
pub(super) fn cloud(cx: &mut Context<'_>, kind: TargetKind, selector: &Selector) -> Target {
    let service = cx.draft.unknown_service("cloud");
    let text = selector.cloud().map_or_else(String::new, |cloud| asked::cloud(kind, cloud));
    Target { text: format!("all of {text}"), service }
}

/// Machines that are registered in the cluster.
pub(super) fn machines(cx: &mut Context<'_>, spec: &Node) -> Result<Target, Unsayable> {
    if let Some(address) = spec.entry("address").filter(|e| !e.value.is_empty()) {
        return Err(Unsayable::new(address.at, "machines by their address have no equivalent")
            .why("what is hit must be registered, so that it has a name and labels")
            .help("register each machine (`kind: PhysicalMachine`), and select it"));
    }
    let quantity = quantity(cx, spec)?;
    let selector = spec.get("selector").filter(|n| !n.is_empty());
    let selector = selector.ok_or_else(|| Unsayable::new(spec.span, "this does not say which machines it hits"))?;
    let mut namespaces = Vec::new();
    let mut parts = Vec::new();
    let mut narrows = Narrows::default();
    for entry in selector.entries().iter().filter(|e| !e.value.is_empty()) {
        let value = &entry.value;
        match entry.key.as_str() {
            "namespaces" => namespaces = texts(value),
            "labelSelectors" => narrows.equal = labels(value)?,
            "expressionSelectors" => expressions(value, &mut narrows)?,
            "annotationSelectors" => narrows.annotations = labels(value)?,
            "fieldSelectors" => match value.entries() {
                [only] if only.key == "spec.address" => {
                    parts.push(format!("address: {}", quoted(only.value.scalar().unwrap_or_default())));
                }
                _ => return Err(Unsayable::new(value.span, "machines have one field, `spec.address`").wrong()),
            },
            "physicalMachines" => match value.entries() {
                [only] => {
                    namespaces = vec![only.key.clone()];
                    let names: Vec<String> = texts(&only.value).iter().map(|n| quoted(n)).collect();
                    parts.push(format!("names: [{}]", names.join(", ")));
                }
                _ => return Err(Unsayable::new(value.span, "machines of several namespaces have no equivalent")),
            },
            other => {
                return Err(Unsayable::new(entry.at, format!("`{other}` is no field of a selector of machines"))
                    .why("Chaos Mesh drops it without a word, and the selector gets wider by that")
                    .wrong());
            }
        }
    }
    let all: Vec<String> = namespaces.iter().map(|n| quoted(n)).collect();
    let namespace = match all.as_slice() {
        [] => {
            return Err(Unsayable::new(selector.span, "in which namespace are these machines registered?")
                .why("without one, Chaos Mesh takes every machine that the cluster knows")
                .help("write `namespaces`"));
        }
        [one] => format!("namespace: {one}"),
        several => format!("namespace: [{}]", several.join(", ")),
    };
    let inner = narrows.text();
    let inner = inner.trim_start_matches('(').trim_end_matches(')');
    let parts: Vec<&str> = [namespace.as_str(), inner]
        .into_iter()
        .chain(parts.iter().map(String::as_str))
        .filter(|p| !p.is_empty())
        .collect();
    let service = cx.draft.unknown_service("registered-machines");
    Ok(Target { text: format!("{quantity} of machines({})", parts.join(", ")), service })
}

fn quantity(cx: &mut Context<'_>, spec: &Node) -> Result<String, Unsayable> {
    let mode = spec.entry("mode").map(|e| &e.value);
    let word = mode.and_then(Node::scalar).unwrap_or_default();
    let at = mode.map_or(spec.span, |n| n.span);
    let value = spec.get("value");
    let number = |most: u32| -> Result<u32, Unsayable> {
        let text = value.and_then(Node::scalar).unwrap_or_default();
        let at = value.map_or(at, |n| n.span);
        text.strip_prefix('+').unwrap_or(text).parse().ok().filter(|n| (1..=most).contains(n)).ok_or_else(|| {
            Unsayable::new(at, format!("`mode: {word}` wants a `value` from 1 to {most}, and has `{text}`"))
                .why("Chaos Mesh refuses it")
                .wrong()
        })
    };
    Ok(match word {
        "one" => "one".to_owned(),
        "all" => "all".to_owned(),
        "fixed" => match number(u32::MAX)? {
            1 => "one".to_owned(),
            n => n.to_string(),
        },
        "fixed-percent" => {
            let share = number(100)?;
            cx.note(at, format!("`{share}%` rounds up in Chaos Mesh and down in the language"));
            format!("{share}%")
        }
        "random-max-percent" => {
            return Err(Unsayable::new(at, "`random-max-percent` has no equivalent")
                .why("it may hit nothing at all, and a run that hit nothing proves nothing")
                .help("write how much is to be hit: `fixed-percent`"));
        }
        other => {
            return Err(Unsayable::new(at, format!("`mode: {other}` is no mode of Chaos Mesh"))
                .help("it takes one, all, fixed, fixed-percent")
                .wrong());
        }
    })
}

/// The service of a selector, and what narrows it at the place of use.
fn pods(selector: Option<&Node>, namespace: &str, around: Span) -> Result<(Service, String), Unsayable> {
    let at = selector.map_or(around, |n| n.span);
    let entries = selector.map_or(&[][..], Node::entries);
    let pods = selector.and_then(|s| s.get("pods")).filter(|n| !n.is_empty());
    let mut found = Service { namespaces: vec![namespace.to_owned()], ..Service::default() };
    if let Some(pods) = pods {
        // With `pods`, Chaos Mesh looks at no other field.
        if let Some(other) = entries.iter().find(|e| e.key != "pods" && !e.value.is_empty()) {
            return Err(Unsayable::new(other.at, format!("`{}` stands beside `pods`", other.key))
                .why("Chaos Mesh ignores every other condition where pods are named")
                .help("leave it out, or leave `pods` out")
                .wrong());
        }
        match pods.entries() {
            [only] => {
                found.namespaces = vec![only.key.clone()];
                found.names = only.value.items().iter().filter_map(Node::scalar).map(str::to_owned).collect();
            }
            _ => {
                return Err(Unsayable::new(pods.span, "pods of several namespaces in one selector have no equivalent")
                    .help("write a manifest for each namespace"));
            }
        }
        if found.names.is_empty() {
            return Err(Unsayable::new(pods.span, "this selector names no pod")
                .why("Chaos Mesh would hit nothing")
                .wrong());
        }
        found.name = found.names.first().cloned().unwrap_or_default();
        return Ok((found, String::new()));
    }
    let mut narrows = Narrows::default();
    for entry in entries.iter().filter(|e| !e.value.is_empty()) {
        let value = &entry.value;
        match entry.key.as_str() {
            "namespaces" => found.namespaces = texts(value),
            "labelSelectors" => found.labels = labels(value)?,
            "expressionSelectors" => expressions(value, &mut narrows)?,
            "annotationSelectors" => narrows.annotations = labels(value)?,
            "fieldSelectors" => fields(value, &mut found, &mut narrows)?,
            "podPhaseSelectors" => narrows.phases = phases(value)?,
            "nodes" => narrows.nodes = texts(value),
            "nodeSelectors" => narrows.node_labels = labels(value)?,
            other => {
                let near = crate::diagnostic::nearest(other, FIELDS).map(|k| format!("did you mean `{k}`?"));
                return Err(Unsayable::new(entry.at, format!("`{other}` is no field of a selector"))
                    .why("Chaos Mesh drops it without a word, and the selector gets wider by that")
                    .help(near.unwrap_or_else(|| format!("fields are: {}", FIELDS.join(", "))))
                    .wrong());
            }
        }
    }
    if found.namespaces.iter().all(String::is_empty) {
        return Err(Unsayable::new(at, "in which namespace are these pods?"));
    }
    if !narrows.nodes.is_empty() && !narrows.node_labels.is_empty() {
        return Err(Unsayable::new(at, "`nodes` together with `nodeSelectors` has no equivalent")
            .why("Chaos Mesh takes pods on a node of either, and here all conditions hold together")
            .help("write a manifest for each"));
    }
    let narrowed = narrows.text();
    let is_narrowed = !narrowed.is_empty() || !found.labels.is_empty();
    if is_narrowed && !found.names.is_empty() {
        return Err(Unsayable::new(at, "a name together with other conditions has no equivalent")
            .why("what is compiled of it would name the pod, and Chaos Mesh ignores the rest then")
            .help("leave the rest out"));
    }
    found.name = match found.names.first() {
        Some(name) => name.clone(),
        None => service_name(&found),
    };
    Ok((found, narrowed))
}

/// What there can be in a selector.
const FIELDS: [&str; 9] = [
    "namespaces",
    "labelSelectors",
    "expressionSelectors",
    "annotationSelectors",
    "fieldSelectors",
    "pods",
    "nodes",
    "nodeSelectors",
    "podPhaseSelectors",
];

fn texts(list: &Node) -> Vec<String> {
    list.items().iter().filter_map(Node::scalar).map(str::to_owned).collect()
}

/// What narrows a service at the place of use.
#[derive(Default)]
struct Narrows {
    /// Labels that are equal, where no service has them.
    equal: Vec<(String, String)>,
    labels: Vec<String>,
    without: Vec<String>,
    annotations: Vec<(String, String)>,
    fields: Vec<(String, String)>,
    phases: Vec<PodPhase>,
    nodes: Vec<String>,
    node_labels: Vec<(String, String)>,
}

impl Narrows {
    /// `(labels: { … }, node: "n-1")`, or nothing.
    fn text(&self) -> String {
        let map = |entries: &[(String, String)]| -> Vec<String> {
            entries.iter().map(|(k, v)| format!("{}: {}", key(k), quoted(v))).collect()
        };
        let mut parts = Vec::new();
        let mut record = |word: &str, entries: &[String]| {
            if !entries.is_empty() {
                parts.push(format!("{word}: {{ {} }}", entries.join(", ")));
            }
        };
        let labels: Vec<String> = map(&self.equal).into_iter().chain(self.labels.iter().cloned()).collect();
        record("labels", &labels);
        record("without", &self.without);
        record("annotations", &map(&self.annotations));
        record("fields", &map(&self.fields));
        let phases: Vec<&str> = self.phases.iter().map(|p| p.text()).collect();
        match phases.as_slice() {
            // What runs is what is meant where nothing is said.
            [] | ["running"] => {}
            [one] => parts.push(format!("phase: {one}")),
            all => parts.push(format!("phase: [{}]", all.join(", "))),
        }
        match self.nodes.as_slice() {
            [] => {}
            [one] => parts.push(format!("node: {}", quoted(one))),
            all => {
                let all: Vec<String> = all.iter().map(|n| quoted(n)).collect();
                parts.push(format!("node: nodes(names: [{}])", all.join(", ")));
            }
        }
        let (zones, others): (Vec<_>, Vec<_>) = self.node_labels.iter().cloned().partition(|(k, _)| k == ZONE);
        let zone = zones.first().map(|(_, zone)| format!("zone: {}", quoted(zone)));
        if others.is_empty() {
            parts.extend(zone);
        } else {
            let labels = format!("labels: {{ {} }}", map(&others).join(", "));
            let inner: Vec<String> = [Some(labels), zone].into_iter().flatten().collect();
            parts.push(format!("node: nodes({})", inner.join(", ")));
        }
        if parts.is_empty() { String::new() } else { format!("({})", parts.join(", ")) }
    }
}

/// `{ key, operator, values }`: Chaos Mesh looks at the operator when it selects, so a wrong one is found here.
fn expressions(list: &Node, narrows: &mut Narrows) -> Result<(), Unsayable> {
    for item in list.items() {
        let label = item.word("key");
        let values = item.get("values").map(texts).unwrap_or_default();
        let wrong =
            |why: &str| Err(Unsayable::new(item.span, why.to_owned()).why("selecting fails at run time").wrong());
        let list = match values.as_slice() {
            [one] if item.word("operator") == "NotIn" => quoted(one),
            all => format!("[{}]", all.iter().map(|v| quoted(v)).collect::<Vec<_>>().join(", ")),
        };
        match (item.word("operator"), values.is_empty()) {
            _ if label.is_empty() => return wrong("this expression has no `key`"),
            ("In", false) => narrows.labels.push(format!("{}: {list}", key(label))),
            ("NotIn", false) => narrows.without.push(format!("{}: {list}", key(label))),
            ("Exists", true) => narrows.labels.push(format!("{}: any", key(label))),
            ("DoesNotExist", true) => narrows.without.push(format!("{}: any", key(label))),
            ("In" | "NotIn", true) => return wrong("this operator wants `values`"),
            ("Exists" | "DoesNotExist", false) => return wrong("this operator takes no `values`"),
            (other, _) => return wrong(&format!("`{other}` is no operator: it takes In, NotIn, Exists, DoesNotExist")),
        }
    }
    Ok(())
}

/// Fields: those that have a word of their own here become that.
fn fields(map: &Node, found: &mut Service, narrows: &mut Narrows) -> Result<(), Unsayable> {
    for entry in map.entries() {
        let text = entry.value.scalar().unwrap_or_default().to_owned();
        match entry.key.as_str() {
            "metadata.name" => found.names = vec![text],
            "metadata.namespace" => found.namespaces = vec![text],
            "spec.nodeName" if narrows.nodes.is_empty() => narrows.nodes = vec![text],
            "status.phase" if narrows.phases.is_empty() => narrows.phases = phase(&text).into_iter().collect(),
            "spec.nodeName" | "status.phase" => {
                let what = Unsayable::new(entry.at, format!("`{}` is said twice in this selector", entry.key));
                return Err(what.help("leave one out"));
            }
            path if POD_FIELDS.iter().any(|f| f.path == path) => narrows.fields.push((path.to_owned(), text)),
            other => {
                return Err(Unsayable::new(entry.at, format!("Kubernetes cannot select pods by `{other}`"))
                    .why("selecting fails at run time")
                    .wrong());
            }
        }
    }
    Ok(())
}

fn phase(text: &str) -> Option<PodPhase> {
    PodPhase::ALL.into_iter().find(|phase| phase.kubernetes() == text)
}

/// Phases, and what is left where some are excluded (`"!Running"`).
fn phases(list: &Node) -> Result<Vec<PodPhase>, Unsayable> {
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for item in list.items() {
        let text = item.scalar().unwrap_or_default();
        let (word, into) = match text.strip_prefix('!') {
            Some(word) => (word, &mut without),
            None => (text, &mut with),
        };
        let Some(found) = phase(word) else {
            return Err(Unsayable::new(item.span, format!("`{text}` is no phase of a pod"))
                .why("Chaos Mesh takes it, and it matches nothing")
                .help("phases are Pending, Running, Succeeded, Failed, Unknown")
                .wrong());
        };
        into.push(found);
    }
    if with.is_empty() {
        with = PodPhase::ALL.into_iter().collect();
    }
    with.retain(|phase| !without.contains(phase));
    if with.is_empty() {
        return Err(Unsayable::new(list.span, "these phases leave no pod").why("Chaos Mesh would hit nothing").wrong());
    }
    Ok(with)
}

fn labels(map: &Node) -> Result<Vec<(String, String)>, Unsayable> {
    map.entries()
        .iter()
        .map(|e| match e.value.scalar() {
            Some(text) if matches!(e.value.value, super::yaml::Value::Text) => Ok((e.key.clone(), text.to_owned())),
            _ => Err(Unsayable::new(
                e.value.span,
                format!("the label `{}` is {}, and no text", e.key, e.value.describe()),
            )
            .why("the API server refuses it")
            .help("put it in quotes")
            .wrong()),
        })
        .collect()
}

/// What people would call these pods.
pub(super) fn service_name(service: &Service) -> String {
    let telling = NAMING.iter().find_map(|key| service.labels.iter().find(|(k, _)| k == key));
    let namespace = || service.namespaces.first().cloned().unwrap_or_default();
    telling.or(service.labels.first()).map_or_else(namespace, |(_, value)| value.clone())
}
