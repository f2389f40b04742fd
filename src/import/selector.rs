//! Chaos Mesh's `{ mode, value, selector }` as a target: `50% of tikv.pods`.
//!
//! Comes in: the three fields and the namespace of their object. Goes out: the text of the target and its service, which
//! the catalogue gets. Must never widen: a condition that the language does not have is refused, not dropped.

use super::context::{Context, Unsayable};
use super::draft::Service;
use super::print::quoted;
use super::yaml::Node;
use crate::source::Span;

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
    container: Option<String>,
) -> Result<Target, Unsayable> {
    let quantity = quantity(cx, spec)?;
    let (mut service, narrowed) = pods(spec.entry("selector").map(|e| &e.value), namespace, spec.span)?;
    service.container = container;
    let name = cx.draft.service(&service);
    Ok(Target { text: format!("{quantity} of {name}.pods{narrowed}"), service: name })
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
    let mut found = Service {
        name: String::new(),
        namespace: namespace.to_owned(),
        labels: Vec::new(),
        names: Vec::new(),
        container: None,
    };
    let mut narrowed = Vec::new();
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
                found.namespace.clone_from(&only.key);
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
    for entry in entries.iter().filter(|e| !e.value.is_empty()) {
        let value = &entry.value;
        match entry.key.as_str() {
            "namespaces" => match value.items() {
                [only] => found.namespace = only.scalar().unwrap_or_default().to_owned(),
                _ => {
                    return Err(Unsayable::new(value.span, "a selector of several namespaces has no equivalent")
                        .why("a service is in one namespace, so that its pods have one owner")
                        .help("write a manifest for each namespace"));
                }
            },
            "labelSelectors" => found.labels = labels(value)?,
            "podPhaseSelectors" => {
                if !matches!(value.items(), [only] if only.scalar() == Some("Running")) {
                    return Err(Unsayable::new(value.span, "pods that are not running have no equivalent")
                        .why("a target is always drawn among pods that run"));
                }
            }
            "nodes" => match value.items() {
                [only] => narrowed.push(format!("node: {}", quoted(only.scalar().unwrap_or_default()))),
                _ => return Err(Unsayable::new(value.span, "a selector of several nodes has no equivalent")),
            },
            "nodeSelectors" => match value.entries() {
                [only] if only.key == ZONE => {
                    narrowed.push(format!("zone: {}", quoted(only.value.scalar().unwrap_or_default())));
                }
                _ => {
                    return Err(Unsayable::new(
                        value.span,
                        "nodes by their labels have no equivalent in a selector of pods",
                    )
                    .help(format!("`zone:` stands for the label {ZONE}, `node:` for a name")));
                }
            },
            "expressionSelectors" | "annotationSelectors" | "fieldSelectors" => {
                return Err(Unsayable::new(entry.at.to(value.span), format!("`{}` has no equivalent", entry.key))
                    .why("the language selects pods by labels that are equal")
                    .help("give the pods a label that says the same"));
            }
            other => {
                let known = ["namespaces", "labelSelectors", "pods", "nodes", "nodeSelectors", "podPhaseSelectors"];
                let near = crate::diagnostic::nearest(other, known).map(|k| format!("did you mean `{k}`?"));
                return Err(Unsayable::new(entry.at, format!("`{other}` is no field of a selector"))
                    .why("Chaos Mesh drops it without a word, and the selector gets wider by that")
                    .help(near.unwrap_or_else(|| format!("fields are: {}", known.join(", "))))
                    .wrong());
            }
        }
    }
    if found.namespace.is_empty() {
        return Err(Unsayable::new(at, "in which namespace are these pods?"));
    }
    found.name = service_name(&found);
    let narrowed = if narrowed.is_empty() { String::new() } else { format!("({})", narrowed.join(", ")) };
    Ok((found, narrowed))
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
    telling.or(service.labels.first()).map_or_else(|| service.namespace.clone(), |(_, value)| value.clone())
}
