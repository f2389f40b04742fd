//! The two objects of a fault: the ChaosExperiment, which says what the fault is, and the ChaosEngine, which runs it.
//!
//! Comes in: the draft. Goes out: nodes. Must never write annotations on an engine (ChaosCenter reads the value of each as
//! JSON, and the run fails), nor a key that a CRD does not name (below `experiments` it is pruned without a word).
//!
//! `engineState`: a finished engine has `stop`, written by the operator. If git says `active`, a sync that heals puts it
//! back, and *active + completed* runs the fault again from scratch (chaos-operator `reconcileForRestartAfterComplete`).
//! Left out, the operator takes it for `active` at creation (`initEngine`), and no later apply touches the field. So an
//! engine that is applied carries none; one that a workflow creates is created once and says `active`.

use super::access;
use super::body::LitmusBody;
use super::check::{Draft, Engine, Experiment, status_timeout};
use super::emit::Writer;
use super::probes;
use super::target::Selection;
use crate::manifest::{Arena, Node};
use crate::plan::Cluster;

/// Longer than any undo that Litmus does by itself (three tries), so that an abort does not cut it off.
const GRACE_SECONDS: i64 = 120;

/// The ChaosExperiment. `notes`: those of a method that is nothing but its one engine, which bears no annotations (ChaosCenter reads
/// each as JSON).
pub(super) fn experiment<'a>(
    writer: &Writer<'_, '_>,
    arena: &'a Arena,
    experiment: &Experiment,
    notes: &[&str],
) -> Node<'a> {
    let body = &experiment.body;
    let scope = if access::is_cluster_wide(body) { "Cluster" } else { "Namespaced" };
    let env = defaults(body, writer.cluster()).into_iter().map(|(name, value)| variable(arena, name, &value));
    let secret_env = body.secret_env.iter().map(|(name, secret)| {
        let reference = arena.map([("name", arena.text(secret)), ("key", arena.text(name))]);
        arena.map([("name", arena.text(name)), ("valueFrom", arena.map([("secretKeyRef", reference)]))])
    });
    let secrets = body
        .secrets
        .iter()
        .map(|(name, path)| arena.map([("name", arena.text(name)), ("mountPath", arena.text(path))]));
    let secrets = (!body.secrets.is_empty()).then(|| ("secrets", arena.list(secrets)));
    let program = if body.python { "python3 -u experiment" } else { "./experiments" };
    // Labels are required in fact: the runner writes into the map.
    let labels = arena.map([
        ("name", arena.text(&experiment.name)),
        ("app.kubernetes.io/part-of", Node::Text("litmus")),
        ("app.kubernetes.io/component", Node::Text("experiment-job")),
        ("app.kubernetes.io/runtime-api-usage", arena.text(if body.mounts_runtime { "true" } else { "false" })),
    ]);
    let definition = arena.map_some([
        Some(("scope", arena.text(scope))),
        Some(("permissions", access::declared(arena, body))),
        Some(("image", arena.text(&body.image))),
        Some(("imagePullPolicy", Node::Text("IfNotPresent"))),
        Some(("command", arena.list([Node::Text("/bin/bash")]))),
        Some(("args", arena.list([Node::Text("-c"), arena.format(format_args!("{program} -name {}", body.run))]))),
        Some(("env", arena.list(env.chain(secret_env)))),
        Some(("labels", labels)),
        secrets,
    ]);
    arena.map([
        ("apiVersion", Node::Text("litmuschaos.io/v1alpha1")),
        ("kind", Node::Text("ChaosExperiment")),
        ("metadata", writer.experiment_metadata(arena, &experiment.name, body.hub.as_deref(), notes)),
        ("description", arena.map([("message", arena.text(&experiment.title))])),
        ("spec", arena.map([("definition", definition)])),
    ])
}

/// What is the same for every engine of the fault.
fn defaults(body: &LitmusBody, cluster: &Cluster) -> Vec<(&'static str, String)> {
    let mut env = vec![
        ("SEQUENCE", "parallel".to_owned()),
        // The engine's `defaultHealthCheck` has no effect; this variable has.
        ("DEFAULT_HEALTH_CHECK", "false".to_owned()),
        // Helpers would else take `latest`.
        ("LIB_IMAGE", body.image.to_string()),
    ];
    if body.mounts_runtime {
        let runtime = cluster.runtime.as_deref().unwrap_or("containerd");
        let socket = match (&cluster.runtime_socket, runtime) {
            (Some(socket), _) => socket.as_str(),
            (None, "docker") => "/var/run/docker.sock",
            (None, "crio") => "/run/crio/crio.sock",
            (None, _) => "/run/containerd/containerd.sock",
        };
        env.push(("CONTAINER_RUNTIME", runtime.to_owned()));
        env.push(("SOCKET_PATH", socket.to_owned()));
    }
    env
}

fn variable<'a>(arena: &'a Arena, name: &str, value: &str) -> Node<'a> {
    arena.map([("name", arena.text(name)), ("value", arena.text(value))])
}

/// The ChaosEngine that is applied by itself.
pub(super) fn bare_engine<'a>(
    writer: &Writer<'_, '_>,
    arena: &'a Arena,
    draft: &Draft<'_>,
    engine: &Engine<'_>,
) -> Node<'a> {
    let name = super::names::bare_engine(draft.plan);
    let metadata = arena.map([
        ("name", arena.text(&name)),
        ("namespace", arena.text(writer.namespace())),
        ("labels", writer.labels(arena, &[])),
    ]);
    whole(arena, metadata, spec(arena, draft, engine, None))
}

/// The ChaosEngine that a step of the workflow creates.
pub(super) fn step_engine<'a>(
    writer: &Writer<'_, '_>,
    arena: &'a Arena,
    draft: &Draft<'_>,
    engine: &Engine<'_>,
    name: &str,
) -> Node<'a> {
    let generate = name.trim_end_matches("{{workflow.uid}}");
    let metadata = arena.map([
        ("name", arena.text(name)),
        ("generateName", arena.text(generate)),
        ("namespace", arena.text(writer.namespace())),
        ("labels", writer.labels(arena, &[("perturb.dev/run", "{{workflow.uid}}")])),
    ]);
    whole(arena, metadata, spec(arena, draft, engine, Some("active")))
}

fn whole<'a>(arena: &'a Arena, metadata: Node<'a>, spec: Node<'a>) -> Node<'a> {
    arena.map([
        ("apiVersion", Node::Text("litmuschaos.io/v1alpha1")),
        ("kind", Node::Text("ChaosEngine")),
        ("metadata", metadata),
        ("spec", spec),
    ])
}

fn spec<'a>(arena: &'a Arena, draft: &Draft<'_>, engine: &Engine<'_>, state: Option<&'static str>) -> Node<'a> {
    // The index was made by `check` together with the list.
    let name = draft.experiments.get(engine.experiment).map_or("", |e| e.name.as_str());
    let timeouts = arena.map([
        ("delay", Node::Int(2)),
        ("timeout", Node::Int(i64::try_from(status_timeout(engine)).unwrap_or(i64::MAX))),
    ]);
    let components = arena.map([
        ("statusCheckTimeouts", timeouts),
        ("env", arena.list(engine.env.iter().map(|(name, value)| variable(arena, name, value)))),
    ]);
    let probe =
        (!engine.probes.is_empty()).then(|| arena.list(engine.probes.iter().map(|probe| probes::node(arena, probe))));
    let inner = arena.map_some([Some(("components", components)), probe.map(|probe| ("probe", probe))]);
    let experiment = arena.map([("name", arena.text(name)), ("spec", inner)]);
    let target = target(arena, &engine.target.selection);
    arena.map_some([
        state.map(|state| ("engineState", Node::Text(state))),
        target,
        Some(("chaosServiceAccount", arena.text(name))),
        Some(("jobCleanUpPolicy", Node::Text("retain"))),
        Some(("terminationGracePeriodSeconds", Node::Int(GRACE_SECONDS))),
        Some(("experiments", arena.list([experiment]))),
    ])
}

fn target<'a>(arena: &'a Arena, selection: &Selection) -> Option<(&'static str, Node<'a>)> {
    match selection {
        Selection::Label { namespace, label, owners } => {
            let (namespace, label) = (arena.text(namespace), arena.text(label));
            let workloads = owners
                .iter()
                .map(|kind| arena.map([("kind", arena.text(kind)), ("namespace", namespace), ("labels", label)]));
            Some(("selectors", arena.map([("workloads", arena.list(workloads))])))
        }
        Selection::Names { namespace, names } => {
            let names = names.iter().map(smol_str::SmolStr::as_str).collect::<Vec<_>>().join(",");
            let pods = arena.map([("namespace", arena.text(namespace)), ("names", arena.text(&names))]);
            Some(("selectors", arena.map([("pods", arena.list([pods]))])))
        }
        Selection::Namespace(namespace) => Some(("appinfo", arena.map([("appns", arena.text(namespace))]))),
        Selection::Nothing => None,
    }
}
