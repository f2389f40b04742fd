//! One fault as the spec of a Chaos Mesh kind, and as an object of its own.
//!
//! Comes in: a fault with its evaluated body. Goes out: `mode`, `value`, `selector`, `containerNames`, the body's fields,
//! and every default that an admission webhook would write (else GitOps tools see drift). The engine adds the length:
//! `duration` on a bare object, the template's `deadline` in a Workflow, where a duration is refused (W55).

use crate::diagnostic::{Code, Diagnostic};
use crate::engine::native::{WHICH_CONTAINER, first_container};
use crate::manifest::Node;
use crate::plan::{self, Body, Effect, EngineName, Fault, Selector};
use crate::types::{Duration, Entry, Value};

use super::check;
use super::constants::{API_VERSION, FLUX_KEEPS_TEXT, PLAN_ANNOTATION, TITLE_ANNOTATION};
use super::context::{Context, other_ways};
use super::names::Names;
use super::schema::{self, Containers, Hits, Kind};
use super::selector;
use super::spelling;

/// A fault that Chaos Mesh can express: its kind and the fields of its spec.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expressed<'a> {
    /// The fault.
    pub(super) fault: &'a Fault,
    /// Its kind.
    pub(super) kind: &'static Kind,
    /// The body's `spec`.
    pub(super) spec: &'a [Entry],
}

/// The fault's kind and spec; `None` after a diagnostic.
pub(super) fn express<'a>(cx: &mut Context<'a>, fault: &'a Fault) -> Option<Expressed<'a>> {
    let body = match fault.bodies.get(&EngineName::ChaosMesh) {
        Some(body @ Body::Expressed(_)) => body,
        Some(Body::Refused { construct, reason }) => {
            let message = format!("Chaos Mesh cannot express `{construct}` of `{}`", fault.name);
            refuse(cx, fault, Code::FAULT_NOT_IN_CHAOS_MESH, message, reason);
            return None;
        }
        None => {
            let message = format!("Chaos Mesh cannot express `{}`", fault.name);
            refuse(cx, fault, Code::FAULT_NOT_IN_CHAOS_MESH, message, "the fault has no `engine chaos-mesh` body");
            return None;
        }
    };
    let name = body.field("kind").and_then(Value::as_text).unwrap_or_default();
    let Some(kind) = schema::find(name) else {
        let near = crate::diagnostic::nearest(name, schema::KINDS.iter().map(|k| k.name));
        let near = near.map(|n| format!("did you mean `{n}`?"));
        let reason =
            schema::why_not(name).map(str::to_owned).or(near).unwrap_or_else(|| "no such kind is known".to_owned());
        let message = format!("the Chaos Mesh body of `{}` cannot be of kind `{name}`", fault.name);
        refuse(cx, fault, Code::UNKNOWN_CHAOS_MESH_KIND, message, &reason);
        return None;
    };
    let spec = match body.field("spec") {
        Some(Value::Record(entries)) => entries.as_slice(),
        _ => &[],
    };
    let expressed = Expressed { fault, kind, spec };
    check::check(cx, expressed);
    Some(expressed)
}

/// A fault that Chaos Mesh cannot express, with the ways that can.
fn refuse(cx: &mut Context<'_>, fault: &Fault, code: Code, message: String, reason: &str) {
    let help = other_ways(cx.plan, fault, "");
    cx.refuse(Diagnostic::new(code, fault.span, message).why(reason).help(help));
}

impl<'a> Expressed<'a> {
    /// A field of the spec that is printed.
    pub(super) fn get(&self, key: &str) -> Option<&'a Value> {
        self.spec.iter().find(|e| e.key == key).map(|e| &e.value).filter(|v| !spelling::is_absent(v))
    }

    /// The text of a field.
    pub(super) fn word(&self, key: &str) -> &'a str {
        self.get(key).and_then(Value::as_text).unwrap_or_default()
    }

    /// Whether the end of the attack on a process undoes it: it was stopped (19), or there is a command for it.
    fn resumes(&self) -> bool {
        let of = |key| self.get("process").and_then(|block| block.get(key)).filter(|v| !spelling::is_absent(v));
        matches!(of("signal"), Some(Value::Int(19))) || of("recoverCmd").is_some()
    }

    /// Whether Chaos Mesh fires it once and never undoes it.
    pub(super) fn fires_once(&self) -> bool {
        let action = self.word("action");
        self.kind.instant.contains(&action) && !(action == "process" && self.resumes())
    }
}

/// Kinds' fields that a webhook would fill in, with what it fills in.
fn default_of(kind: &Kind, key: &str) -> Option<Node<'static>> {
    Some(match (kind.name, key) {
        ("NetworkChaos", "direction") => Node::Text("to"),
        ("IOChaos", "percent") => Node::Int(100),
        ("TimeChaos", "clockIds") => Node::List(&[Node::Text("CLOCK_REALTIME")]),
        ("JVMChaos", "port") => Node::Int(9277),
        _ => return None,
    })
}

/// The spec, without a length or with one. `name` names what Chaos Mesh wants a name for (a JVM rule).
pub(super) fn spec<'a>(cx: &mut Context<'a>, of: Expressed<'a>, name: &'a str, lasts: Option<Duration>) -> Node<'a> {
    let arena = cx.arena;
    // A thing of a cloud is named by the body.
    let drawn = cx.draw(of.fault.target).filter(|_| of.kind.hits != Hits::Cloud);
    let target = drawn.map(|draw| selector::entries(cx, draw));
    let containers = containers(cx, of);
    // In the order of the kind's fields, so that it does not depend on the body's.
    let defaults = of.kind.fields.iter().filter_map(move |(key, _)| match (of.get(key), of.kind.name, *key) {
        (Some(_), ..) => None,
        (None, "JVMChaos", "name") => Some(("name", Node::Text(name))),
        // One for all machines of the object; a webhook would fill in a random one.
        (None, "PhysicalMachineChaos", "uid") => Some(("uid", Node::Text(name))),
        (None, ..) => default_of(of.kind, key).map(|node| (*key, node)),
    });
    let length = lasts.map(|d| ("duration", spelling::time(arena, d)));
    let elsewhere = cx.plan.place.cluster.remote_cluster.as_ref();
    let elsewhere = elsewhere.map(|name| ("remoteCluster", Node::Text(name.as_str())));
    let head = target.into_iter().flatten().flatten().chain(containers);
    arena.map(
        head.chain(spelling::fields(cx, of.fault, of.spec, of.kind.fields))
            .chain(defaults)
            .chain(length)
            .chain(elsewhere),
    )
}

/// The service's container, for kinds that take one, unless the body names its own.
fn containers<'a>(cx: &mut Context<'a>, of: Expressed<'a>) -> Option<(&'a str, Node<'a>)> {
    let wanted = match of.kind.containers {
        Containers::No => false,
        Containers::Yes => true,
        Containers::ActionOnly(action) => of.word("action") == action,
    };
    if !wanted || of.get("containerNames").is_some() {
        return None;
    }
    let container = cx
        .draw(of.fault.target)
        .filter(|d| matches!(d.selector, Selector::Pods(_)))
        .and_then(|d| cx.plan.services.get(d.service.as_ref()?)?.container.as_ref());
    if container.is_none() && matches!(of.kind.containers, Containers::ActionOnly(_)) {
        let message = format!("`{}` needs the name of a container for Chaos Mesh", of.fault.name);
        cx.trap(of.fault, message, "Chaos Mesh refuses it without one", "give the service its `container`");
    }
    if container.is_none() && of.kind.containers == Containers::Yes {
        let text = first_container(cx.plan, of.fault, EngineName::ChaosMesh);
        cx.approximate(WHICH_CONTAINER, of.fault.span, text);
    }
    container.map(|name| ("containerNames", cx.arena.list([Node::Text(name)])))
}

/// `metadata` of every object: name, namespace (empty: of the cluster), labels, annotations and any more of both.
pub(super) fn metadata<'a>(
    cx: &Context<'a>,
    names: Names<'a>,
    name: &'a str,
    namespace: &'a str,
    extra_labels: &[(&'a str, Node<'a>)],
    notes: &[(&'a str, Node<'a>)],
) -> Node<'a> {
    let (plan, arena) = (cx.plan, cx.arena);
    let owner = plan.services.get(&plan.service).map(|s| ("perturb.dev/owner", label_value(cx, &s.owner)));
    let labels = [
        ("app.kubernetes.io/managed-by", Node::Text("perturb")),
        ("perturb.dev/experiment", Node::Text(names.label)),
        ("perturb.dev/service", label_value(cx, &plan.service)),
        ("perturb.dev/environment", label_value(cx, &plan.place.environment)),
    ];
    let title = arena.str(plan::title(&plan.doc).trim_end_matches('.'));
    let annotations = [(PLAN_ANNOTATION, Node::Text(&plan.digest)), (FLUX_KEEPS_TEXT, Node::Text("disabled"))];
    let title = (!title.is_empty()).then_some((TITLE_ANNOTATION, Node::Text(title)));
    arena.map_some([
        Some(("name", Node::Text(name))),
        (!namespace.is_empty()).then_some(("namespace", Node::Text(namespace))),
        Some(("labels", arena.map(labels.into_iter().chain(owner).chain(extra_labels.iter().copied())))),
        Some(("annotations", arena.map(annotations.into_iter().chain(title).chain(notes.iter().copied())))),
    ])
}

/// A name as a label's value: 63 characters at most.
fn label_value<'a>(cx: &Context<'a>, name: &'a str) -> Node<'a> {
    Node::Text(super::names::label(cx.arena, name))
}

/// One fault as an object of its own: no judge, no further steps.
pub(super) fn bare<'a>(cx: &mut Context<'a>, names: Names<'a>, of: Expressed<'a>, lasts: Option<Duration>) -> Node<'a> {
    let arena = cx.arena;
    // One-shots ignore a duration (T13); a lasting fault without one lasts for ever (T11).
    let lasts = if of.fault.effect == Effect::Lasting { lasts } else { None };
    let metadata = metadata(cx, names, names.run, &cx.plan.place.cluster.chaos_namespace, &[], &[]);
    let spec = spec(cx, of, names.run, lasts);
    arena.map([
        ("apiVersion", Node::Text(API_VERSION)),
        ("kind", Node::Text(of.kind.name)),
        ("metadata", metadata),
        ("spec", spec),
    ])
}
