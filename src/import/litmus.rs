//! Litmus: ChaosEngines with the ChaosExperiments that they name.
//!
//! Comes in: documents; a ChaosExperiment is kept until the end, as an engine of any file may name it. Goes out: for each
//! engine an experiment. Variables that a fault's body names become arguments ([`super::unify`]); those that say how long,
//! how many and where become the step; the runner's own are left to Perturb. Facts: litmus-go 1b3603f, chaos-operator 3.18;
//! the engine's variables win over those of its ChaosExperiment.

mod argo;
mod own;
mod probe;
mod question;
mod schedule;

use super::chaos_mesh::lost;
use super::context::{Context, Unsayable};
use super::draft::{Call, Container, Experiment, Service, Step, StepKind, Verify};
use super::library::Pattern;
use super::print::{quoted, value};
use super::selector::service_name;
use super::spelling::number;
use super::unify::{Argument, Miss, Solved, unify};
use super::yaml::{Document, Entry, Node, Value, comments_of};
use crate::plan::{Effect, EngineName};
use crate::source::Span;
use crate::types::{Duration, TargetKind, Type};

/// Variables that say how Litmus does it, and nothing of what: Perturb sets its own.
const PLUMBING: [&str; 22] = [
    "LIB",
    "LIB_IMAGE",
    "LIB_IMAGE_PULL_POLICY",
    "TC_IMAGE",
    "STRESS_IMAGE",
    "CONTAINER_RUNTIME",
    "SOCKET_PATH",
    "SEQUENCE",
    "DEFAULT_HEALTH_CHECK",
    "DEFAULT_APP_HEALTH_CHECK",
    "RANDOMNESS",
    "STATUS_CHECK_DELAY",
    "STATUS_CHECK_TIMEOUT",
    "CHAOS_NAMESPACE",
    "CHAOS_SERVICE_ACCOUNT",
    "CHAOS_KILL_COMMAND",
    "SET_HELPER_DATA",
    "PROXY_PORT",
    "DATA_BLOCK_SIZE",
    "CONTAINER_API_TIMEOUT",
    "TERMINATION_GRACE_PERIOD_SECONDS",
    "CHAOS_UID",
];
/// Variables that say how long, how many and where.
const STEPS: [&str; 11] = [
    "TOTAL_CHAOS_DURATION",
    "CHAOS_INTERVAL",
    "RAMP_TIME",
    "PODS_AFFECTED_PERC",
    "TARGET_PODS",
    "TARGET_CONTAINER",
    "NODE_LABEL",
    "TARGET_NODE",
    "TARGET_NODES",
    "NODES_AFFECTED_PERC",
    "APP_AFFECT_PERC",
];

/// What waits for the end: engines need the experiments of all files.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    /// ChaosExperiments.
    experiments: Vec<Node>,
    /// ChaosEngines.
    engines: Vec<Waited>,
    /// What repeats some of them.
    repeated: Vec<Repeated>,
}

/// A ChaosEngine.
#[derive(Debug)]
struct Waited {
    /// The file of the draft that it stands in.
    file: usize,
    document: Document,
    /// What repeats it.
    by: Option<usize>,
}

/// A schedule whose experiments are not known yet.
#[derive(Debug)]
struct Repeated {
    file: usize,
    verify: Verify,
}

/// What was read: an engine needs the experiments, and a fault of a hub of one's own what all engines give it.
#[derive(Debug, Clone, Copy)]
struct All<'w> {
    experiments: &'w [Node],
    engines: &'w [Waited],
}

impl<'w> All<'w> {
    /// What each engine says of an experiment.
    fn entries_of(self, named: &str) -> impl Iterator<Item = &'w Node> {
        let specs = self.engines.iter().filter_map(|waited| waited.document.root.get("spec"));
        let entries = specs.flat_map(|spec| spec.get("experiments").map_or(&[][..], Node::items));
        entries.filter(move |entry| entry.word("name") == named)
    }
}

/// One document of the group `litmuschaos.io`; whether it is one of those that are imported.
pub(super) fn document(cx: &mut Context<'_>, waiting: &mut Waiting, document: &Document) -> bool {
    match document.root.word("kind") {
        "ChaosExperiment" => waiting.experiments.push(document.root.clone()),
        "ChaosEngine" => {
            let file = cx.draft.files.len().saturating_sub(1);
            waiting.engines.push(Waited { file, document: document.clone(), by: None });
        }
        "ChaosSchedule" => schedule::import(cx, waiting, document),
        _ => return false,
    }
    true
}

/// An Argo Workflow that carries engines as texts inside.
pub(super) fn argo(cx: &mut Context<'_>, waiting: &mut Waiting, text: &str, document: &Document) -> bool {
    argo::document(cx, waiting, text, document)
}

/// All engines, once everything was read.
pub(super) fn finish(cx: &mut Context<'_>, waiting: Waiting) {
    let Waiting { experiments, engines, mut repeated } = waiting;
    let all = All { experiments: &experiments, engines: &engines };
    for Waited { file, document, by } in &engines {
        // Findings and experiments belong to the file that the engine stands in.
        let after = cx.draft.files.split_off(file.saturating_add(1).min(cx.draft.files.len()));
        let name = engine(cx, all, document);
        cx.draft.files.extend(after);
        if let (Some(name), Some(schedule)) = (name, by.and_then(|by| repeated.get_mut(by))) {
            schedule.verify.runs.push(name);
        }
    }
    for Repeated { file, verify } in repeated {
        let Some(file) = cx.draft.files.get_mut(file) else { continue };
        if verify.runs.is_empty() || verify.cron.is_empty() {
            file.lost.extend(verify.lost);
        } else {
            file.verifies.push(verify);
        }
    }
}

/// An engine as an experiment; its name.
fn engine(cx: &mut Context<'_>, all: All<'_>, document: &Document) -> Option<String> {
    let root = &document.root;
    let text = |path: &[&str]| root.at(path).and_then(Node::scalar).unwrap_or_default().to_owned();
    let ours = text(&["metadata", "labels", "app.kubernetes.io/managed-by"]) == "perturb";
    let Some(spec) = root.get("spec") else {
        cx.wrong(root.span, "this ChaosEngine has no `spec`", "its operator can do nothing with it", "");
        return None;
    };
    let mark = |key: &str| root.at(&["metadata", "labels", key]).and_then(Node::scalar).filter(|_| ours);
    let name = mark("perturb.dev/experiment").map_or_else(
        || {
            if text(&["metadata", "name"]).is_empty() {
                text(&["metadata", "generateName"])
            } else {
                text(&["metadata", "name"])
            }
        },
        str::to_owned,
    );
    let mut experiment = Experiment {
        name: cx.draft.name(&name),
        comments: document.comments.iter().filter(|c| c.span.start < spec.span.start).map(|c| c.text.clone()).collect(),
        ..Experiment::default()
    };
    if spec.word("engineState") == "stop" {
        cx.note(spec.span, "`engineState: stop` is what a run left behind, or a switch: left out");
    }
    let mut service = None;
    for entry in spec.get("experiments").map_or(&[][..], Node::items) {
        match steps(cx, all, root, spec, entry) {
            Ok((mut steps, hit, variables)) => {
                if let Some(first) =
                    steps.iter_mut().find(|s| matches!(s.kind, StepKind::Inject(..) | StepKind::Each(..)))
                {
                    first.comments.extend(comments(document, entry, &variables));
                }
                experiment.steps.append(&mut steps);
                service.get_or_insert(hit);
            }
            Err(what) => lost(cx, what),
        }
        let probes = entry.get("spec").and_then(|s| s.entry("probe"));
        let all = probes.map_or(&[][..], |p| p.value.items());
        for (index, probe) in all.iter().enumerate() {
            let said = probes.map_or_else(Vec::new, |p| comments_of(&document.comments, all, index, p.at.end));
            probe::import(cx, &mut experiment, probe, said);
        }
    }
    let service = service?;
    experiment.service = match mark("perturb.dev/service") {
        Some(name) if name != service && !cx.draft.services.iter().any(|s| s.name == name) => {
            cx.draft.unknown_service(name)
        }
        Some(name) => name.to_owned(),
        None => service,
    };
    let name = experiment.name.clone();
    if let Some(file) = cx.draft.files.last_mut() {
        file.engines.insert("litmus");
        file.experiments.push(experiment);
    }
    Some(name)
}

/// The comments that speak of what became an argument: those of its variable.
fn comments(document: &Document, entry: &Node, variables: &[Span]) -> Vec<String> {
    let Some(env) = entry.at(&["spec", "components"]).and_then(|c| c.entry("env")) else { return Vec::new() };
    let items = env.value.items();
    let used = items.iter().enumerate().filter(|(_, item)| variables.contains(&item.span));
    used.flat_map(|(index, _)| comments_of(&document.comments, items, index, env.at.end)).collect()
}

/// Steps, the service that they hit, and the places of the variables that became arguments.
type Steps = (Vec<Step>, String, Vec<Span>);

fn steps(cx: &mut Context<'_>, all: All<'_>, root: &Node, spec: &Node, entry: &Node) -> Result<Steps, Unsayable> {
    let named = entry.get("name").ok_or_else(|| Unsayable::new(entry.span, "this experiment has no `name`"))?;
    let namespace = root.at(&["metadata", "namespace"]).and_then(Node::scalar).unwrap_or("default").to_owned();
    let definition = all.experiments.iter().find(|e| e.at(&["metadata", "name"]).is_some_and(|n| n.text == named.text));
    let fault = definition.and_then(run_name).unwrap_or_else(|| named.text.clone());
    // The runner image may call a fault otherwise than the hub.
    let by_image = cx.library.patterns(EngineName::Litmus, &["run", "fault"], &fault);
    let patterns =
        if by_image.is_empty() { cx.library.patterns(EngineName::Litmus, &["fault"], &fault) } else { by_image };
    if let (true, Some(definition)) = (patterns.is_empty(), definition) {
        return own::steps(cx, all, definition, root, spec, entry);
    }
    if patterns.is_empty() {
        let known = cx.library.known(EngineName::Litmus, "fault");
        let near = crate::diagnostic::nearest(&fault, known.iter().map(String::as_str));
        let own = "if it comes from a hub of your own, import its ChaosExperiment together with this file";
        let help = near.map_or_else(|| own.to_owned(), |n| format!("did you mean `{n}`? Else: {own}"));
        return Err(Unsayable::new(named.span, format!("no fault of the library is Litmus' `{fault}`")).help(help));
    }
    let env = variables(definition, entry);
    let told = told(definition, spec, entry);
    let (solved, mut lines, used) = solve(cx, &patterns, &fault, &env, &told, entry)?;
    let affects: Vec<&str> = patterns.iter().flat_map(|p| affected(*p)).collect();
    let target = target(cx, &fault, &solved, spec, &env, &affects, &namespace, entry.span)?;
    lines.extend(serial(cx, &env, &target.text)?);
    any_owner(cx, spec, &target.text);
    let mut arguments = vec![target.text];
    for (name, argument) in &solved.arguments {
        let text = match argument {
            Argument::Value(v) => value(v),
            Argument::Target(node) => super::selector::target(cx, node, &namespace, Container::Any)?.text,
        };
        arguments.push(format!("{name}: {text}"));
    }
    let call = Call { fault: solved.fault.clone(), arguments };
    let mut steps: Vec<Step> = lines.drain(..).map(|l| StepKind::Lost(l).step()).collect();
    let ramp = seconds(&env, "RAMP_TIME")?.filter(|d| !d.is_zero());
    steps.extend(ramp.map(|d| StepKind::Wait(d).step()));
    steps.push(timed(&env, call, solved.effect, entry.span)?.step());
    steps.extend(ramp.map(|d| StepKind::Wait(d).step()));
    Ok((steps, target.service, used))
}

/// What the runner image is told to run.
fn run_name(definition: &Node) -> Option<String> {
    let args = definition.at(&["spec", "definition", "args"])?;
    let line = args.items().iter().filter_map(Node::scalar).find_map(|a| a.split_once("-name "))?.1;
    line.split_whitespace().next().map(str::to_owned)
}

/// The engine's variables over those of its ChaosExperiment; without those that are empty.
fn variables(definition: Option<&Node>, entry: &Node) -> Vec<Entry> {
    let own = entry.at(&["spec", "components", "env"]);
    let of_hub = definition.and_then(|d| d.at(&["spec", "definition", "env"]));
    let mut found: Vec<Entry> = Vec::new();
    for variable in of_hub.into_iter().chain(own).flat_map(Node::items) {
        let (Some(name), Some(value)) = (variable.get("name"), variable.entry("value")) else { continue };
        found.retain(|e| e.key != name.text);
        found.push(Entry { key: name.text.clone(), at: variable.span, value: value.value.clone() });
    }
    found.retain(|e| !e.value.is_empty());
    found
}

/// What an engine says outside of its variables, in the words of a body.
struct Told {
    /// Secrets that the fault's pod mounts.
    secrets: Node,
    /// Variables whose text is in a Secret.
    secret_env: Node,
    /// Kinds of workloads that own the pods.
    owners: Node,
}

fn told(definition: Option<&Node>, spec: &Node, entry: &Node) -> Told {
    let node = |value: Value| Node { span: entry.span, value, text: String::new() };
    let own = entry.at(&["spec", "components"]);
    let of_hub = definition.and_then(|d| d.at(&["spec", "definition"]));
    let mut mounted: Vec<Node> = Vec::new();
    for secret in of_hub.into_iter().chain(own).filter_map(|c| c.get("secrets")).flat_map(Node::items) {
        let mut entries: Vec<Entry> = secret.entries().to_vec();
        entries.iter_mut().filter(|e| e.key == "mountPath").for_each(|e| e.key = "path".to_owned());
        mounted.retain(|m| m.word("path") != secret.word("mountPath"));
        mounted.push(Node { span: secret.span, value: Value::Map(entries), text: String::new() });
    }
    let mut named: Vec<Entry> = Vec::new();
    for variable in of_hub.into_iter().chain(own).filter_map(|c| c.get("env")).flat_map(Node::items) {
        let secret = variable.at(&["valueFrom", "secretKeyRef"]);
        if let (Some(name), Some(secret)) = (variable.get("name"), secret.and_then(|s| s.get("name"))) {
            named.retain(|e| e.key != name.text);
            named.push(Entry { key: name.text.clone(), at: variable.span, value: secret.clone() });
        }
    }
    let workloads = spec.at(&["selectors", "workloads"]).map_or(&[][..], Node::items);
    let mut owners: Vec<Node> = workloads.iter().filter_map(|w| w.get("kind")).cloned().collect();
    owners.extend(spec.at(&["appinfo", "appkind"]).filter(|n| !n.is_empty()).cloned());
    Told { secrets: node(Value::List(mounted)), secret_env: node(Value::Map(named)), owners: node(Value::List(owners)) }
}

/// The variables by which a body says how many of a cloud's things are hit.
fn affected<'p>(pattern: Pattern<'p>) -> Vec<&'p str> {
    super::library::field(pattern.body, "affects").map(super::library::texts).unwrap_or_default()
}

fn variable<'e>(env: &'e [Entry], name: &str) -> Option<&'e Node> {
    env.iter().find(|e| e.key == name).map(|e| &e.value)
}

/// A number of seconds.
fn seconds(env: &[Entry], name: &str) -> Result<Option<Duration>, Unsayable> {
    let Some(node) = variable(env, name) else { return Ok(None) };
    match node.scalar().and_then(|t| t.trim().parse::<u32>().ok()) {
        Some(n) => Ok(Some(Duration::from_secs(n))),
        None => Err(Unsayable::new(node.span, format!("`{name}` is {}, and Litmus reads that as 0", node.describe()))
            .help("write whole seconds, without a unit")),
    }
}

/// How long, or how often.
fn timed(env: &[Entry], call: Call, effect: Effect, at: Span) -> Result<StepKind, Unsayable> {
    let total = seconds(env, "TOTAL_CHAOS_DURATION")?.filter(|d| !d.is_zero());
    let Some(total) = total else {
        return match effect {
            Effect::Instant => Ok(StepKind::Inject(call, None)),
            Effect::Lasting => Err(Unsayable::new(at, "`TOTAL_CHAOS_DURATION` is not said here")
                .why("how long the fault lasts stands in its ChaosExperiment, or nowhere")
                .help("import the file of the ChaosExperiment together with this one")),
        };
    };
    if effect == Effect::Lasting {
        return Ok(StepKind::Inject(call, Some(total)));
    }
    let pause = seconds(env, "CHAOS_INTERVAL")?.filter(|d| !d.is_zero()).unwrap_or(total);
    let times = total.as_nanos().div_ceil(pause.as_nanos().max(1));
    if times <= 1 {
        return Ok(StepKind::Inject(call, None));
    }
    let inner = vec![StepKind::Inject(call, None).step(), StepKind::Wait(pause).step()];
    Ok(StepKind::Each(times, inner))
}

/// The fault and its arguments, what was lost, and the places of the variables that are arguments.
fn solve(
    cx: &mut Context<'_>,
    patterns: &[Pattern<'_>],
    fault: &str,
    env: &[Entry],
    told: &Told,
    entry: &Node,
) -> Result<(Solved, Vec<String>, Vec<Span>), Unsayable> {
    let mut own: Vec<Entry> = env.to_vec();
    let mut lines = Vec::new();
    loop {
        let mut miss: Option<(String, Miss)> = None;
        let mut best: Option<Solved> = None;
        for pattern in patterns {
            // What a body names is its argument, whatever else it may be.
            let affects = affected(*pattern);
            let kept = own
                .iter()
                // The command that kills what was started in a container is read where something is.
                .filter(|e| e.key != "CHAOS_KILL_COMMAND" || fault.ends_with("-exec"))
                .filter(|e| names(*pattern, &e.key) || !(is_left_to_perturb(e) || affects.contains(&e.key.as_str())))
                .cloned()
                .collect();
            let node = Node { span: entry.span, value: Value::Map(kept), text: String::new() };
            let fields = [
                ("env", &node),
                ("secrets", &told.secrets),
                ("secret-env", &told.secret_env),
                ("owners", &told.owners),
            ];
            match unify(&mut cx.ev, *pattern, fault, &fields) {
                Ok(solved) if best.as_ref().is_none_or(|b| solved.arguments.len() < b.arguments.len()) => {
                    best = Some(solved)
                }
                Ok(_) => {}
                Err(other) => {
                    if miss
                        .as_ref()
                        .is_none_or(|(_, m)| other.fixed > m.fixed || other.unknown.is_some() && m.unknown.is_none())
                    {
                        miss = Some((cx.library.checked.program.qualified_name(pattern.id), other));
                    }
                }
            }
        }
        if let Some(solved) = best {
            // How long it lasts is an argument too, to whoever reads it.
            let said = own.iter().filter(|e| e.key == "TOTAL_CHAOS_DURATION" || !is_left_to_perturb(e));
            let spans = said.map(|e| e.at).collect();
            return Ok((solved, lines, spans));
        }
        let Some((name, miss)) = miss else {
            return Err(Unsayable::new(entry.span, "no fault of the library says this"));
        };
        let what = Unsayable::new(miss.at, format!("`{name}` cannot say this: {}", miss.why));
        match (miss.unknown.as_deref(), cx.lossy) {
            (Some([key]), true) => {
                own.retain(|e| e.key != *key);
                lines.push(cx.lose(what));
            }
            _ => return Err(what),
        }
    }
}

/// Whether a body has a variable.
fn names(pattern: Pattern<'_>, variable: &str) -> bool {
    use crate::check::program::ExprKind;
    match super::library::field(pattern.body, "env").map(|e| &e.kind) {
        Some(ExprKind::Record(fields)) => fields.iter().any(|f| f.key.text == variable),
        _ => false,
    }
}

/// Whether a variable that no body names says how Litmus does it, or belongs to the step.
fn is_left_to_perturb(e: &Entry) -> bool {
    STEPS.contains(&e.key.as_str())
        || PLUMBING.contains(&e.key.as_str())
        || e.key == "NETWORK_INTERFACE" && e.value.text == "eth0"
}

struct Target {
    text: String,
    service: String,
}

/// The container that an engine means, or what it means without one.
fn container(env: &[Entry], unnamed: Container) -> Container {
    let named = variable(env, "TARGET_CONTAINER").and_then(Node::scalar);
    named.map_or(unnamed, |name| Container::Named(name.to_owned()))
}

/// `SEQUENCE: serial`, where several are hit: the line to write in its place.
fn serial(cx: &mut Context<'_>, env: &[Entry], target: &str) -> Result<Option<String>, Unsayable> {
    let serial = variable(env, "SEQUENCE").filter(|n| n.scalar().is_some_and(|t| t.eq_ignore_ascii_case("serial")));
    let Some(node) = serial.filter(|_| !target.starts_with("one of ")) else { return Ok(None) };
    let what = Unsayable::new(node.span, "`SEQUENCE: serial` has no equivalent")
        .why(
            "Litmus hits its targets one after another, each for the whole time; a fault here hits all of them at once",
        )
        .help("write a step for each, or take `parallel`");
    if cx.lossy { Ok(Some(cx.lose(what))) } else { Err(what) }
}

/// `appkind`: who owns the pods that are hit. A selector of pods does not ask.
fn any_owner(cx: &mut Context<'_>, spec: &Node, target: &str) {
    let kind = spec.at(&["appinfo", "appkind"]).filter(|n| !n.is_empty());
    let Some(kind) = kind.filter(|_| target.ends_with(".pods") || target.contains(".pods(")) else { return };
    cx.differs(
        kind.span,
        format!("`appkind: {}` is imported as pods of any owner", kind.scalar().unwrap_or_default()),
        "what is hit are the pods with the label, whoever owns them; Litmus takes those of this kind alone",
        "give the pods of other owners another label, if there are any",
    );
}

/// Whom the engine hits.
#[expect(clippy::too_many_arguments, reason = "what an engine says stands in as many places")]
fn target(
    cx: &mut Context<'_>,
    fault: &str,
    solved: &Solved,
    spec: &Node,
    env: &[Entry],
    affects: &[&str],
    namespace: &str,
    at: Span,
) -> Result<Target, Unsayable> {
    match solved.target.base() {
        Type::Target(TargetKind::Pods) => {
            let mut service = pods(spec, env, namespace, at)?;
            let is_of_pods = fault.starts_with("pod-network-") || fault == "pod-delete";
            service.container = container(env, if is_of_pods { Container::Any } else { Container::First });
            let on = variable(env, "NODE_LABEL").map_or(Ok(String::new()), on_nodes)?;
            let quantity = quantity(env, "PODS_AFFECTED_PERC", !service.names.is_empty())?;
            let name = cx.draft.service(&service);
            Ok(Target { text: format!("{quantity} of {name}.pods{on}"), service: name })
        }
        Type::Target(TargetKind::Workloads) => {
            let service = pods(spec, env, namespace, at)?;
            let quantity = quantity(env, "APP_AFFECT_PERC", false)?;
            let name = cx.draft.service(&service);
            Ok(Target { text: format!("{quantity} of {name}.workloads"), service: name })
        }
        Type::Target(kind) if solved.selector.cloud().is_some() => {
            // Where a body names no variable for it, all that is named is hit.
            let share = affects.iter().find(|a| variable(env, a).is_some());
            let by_tag = solved.selector.cloud().is_some_and(|c| c.ids.is_empty());
            let quantity = match share {
                Some(share) => quantity(env, share, false)?,
                None if by_tag && !affects.is_empty() => "one".to_owned(),
                None => "all".to_owned(),
            };
            let service = cx.draft.unknown_service("cloud");
            let text = solved.selector.cloud().map_or_else(String::new, |cloud| super::asked::cloud(*kind, cloud));
            Ok(Target { text: format!("{quantity} of {text}"), service })
        }
        Type::Target(TargetKind::Nodes) => nodes(cx, spec, env, namespace, at),
        _ => Err(Unsayable::new(at, format!("what `{}` hits is said by variables of its own", solved.fault))
            .help("write its target by hand")),
    }
}

/// `NODE_LABEL`: pods on nodes with these labels.
fn on_nodes(node: &Node) -> Result<String, Unsayable> {
    let text = node.scalar().unwrap_or_default();
    let mut labels = Vec::new();
    let mut zone = None;
    for part in text.split(',') {
        let Some((key, value)) = part.split_once('=') else {
            return Err(Unsayable::new(node.span, format!("`{part}` is no label that is equal to a value")));
        };
        let (key, value) = (key.trim(), value.trim_start_matches('=').trim());
        match key {
            "kubernetes.io/hostname" => return Ok(format!("(node: {})", quoted(value))),
            "topology.kubernetes.io/zone" => zone = Some(format!("zone: {}", quoted(value))),
            _ => labels.push(format!("{}: {}", super::print::key(key), quoted(value))),
        }
    }
    Ok(match (labels.is_empty(), zone) {
        (true, Some(zone)) => format!("({zone})"),
        (_, zone) => {
            let inner: Vec<String> =
                std::iter::once(format!("labels: {{ {} }}", labels.join(", "))).chain(zone).collect();
            format!("(node: nodes({}))", inner.join(", "))
        }
    })
}

fn pods(spec: &Node, env: &[Entry], namespace: &str, at: Span) -> Result<Service, Unsayable> {
    let mut found = Service { namespaces: vec![namespace.to_owned()], ..Service::default() };
    let names = |text: &str| text.split(',').map(str::trim).filter(|n| !n.is_empty()).map(str::to_owned).collect();
    if let Some(named) = variable(env, "TARGET_PODS").and_then(Node::scalar) {
        found.names = names(named);
        if let Some(own) = spec.at(&["appinfo", "appns"]).and_then(Node::scalar).filter(|n| !n.is_empty()) {
            found.namespaces = vec![own.to_owned()];
        }
        found.name = found.names.first().cloned().unwrap_or_default();
        return Ok(found);
    }
    let selectors = spec.get("selectors");
    let selected = selectors.and_then(|s| s.get("workloads").or(s.get("pods"))).map_or(&[][..], Node::items);
    if let Some(first) = selected.first() {
        let same = |key: &str| selected.iter().all(|n| n.word(key) == first.word(key));
        if !(same("namespace") && same("labels") && same("names")) {
            return Err(Unsayable::new(first.span, "several selections in one engine have no equivalent"));
        }
        found.namespaces = vec![first.word("namespace").to_owned()];
        let is_pods = selectors.is_some_and(|s| s.get("pods").is_some());
        if is_pods {
            found.names = names(first.word("names"));
        } else if !first.word("names").is_empty() {
            return Err(Unsayable::new(first.span, "workloads by their names have no equivalent")
                .why("a service is the pods with a label")
                .help("select by `labels`"));
        } else {
            found.labels = vec![label(first.get("labels"), first.span)?];
        }
        found.name = if is_pods { found.names.first().cloned().unwrap_or_default() } else { service_name(&found) };
        return Ok(found);
    }
    let info = spec.get("appinfo");
    if let Some(own) = info.and_then(|i| i.get("appns")).and_then(Node::scalar).filter(|n| !n.is_empty()) {
        found.namespaces = vec![own.to_owned()];
        let label_node = info.and_then(|i| i.get("applabel")).filter(|n| !n.is_empty());
        if label_node.is_some() {
            found.labels = vec![label(label_node, at)?];
        }
        found.name = service_name(&found);
        return Ok(found);
    }
    Err(Unsayable::new(info.map_or(spec.span.before(), |i| i.span), "this engine does not say whom it hits")
        .why("Litmus would look for pods in the namespace of the engine, or hit nothing")
        .help("fill in `appinfo`: `appns`, `applabel`, `appkind`"))
}

/// `app=nginx`.
fn label(node: Option<&Node>, at: Span) -> Result<(String, String), Unsayable> {
    let at = node.map_or(at, |n| n.span);
    let text = node.and_then(Node::scalar).unwrap_or_default();
    match text.split_once('=') {
        Some(_) if text.contains(',') => Err(Unsayable::new(at, "several labels have no equivalent")
            .why("Litmus puts an *or* between them, and the language an *and*")
            .help("select by one label")),
        Some((key, value)) => Ok((key.trim().to_owned(), value.trim_start_matches('=').trim().to_owned())),
        None => Err(Unsayable::new(at, format!("`{text}` is no label (`app=nginx`)"))
            .why("Litmus takes it for names of workloads")),
    }
}

/// A share in whole percents; nothing and 0 are one.
fn quantity(env: &[Entry], name: &str, named: bool) -> Result<String, Unsayable> {
    let Some(node) = variable(env, name) else { return Ok(if named { "all" } else { "one" }.to_owned()) };
    match node.scalar().and_then(number) {
        _ if named => Ok("all".to_owned()),
        Some(n) if n.is_zero() => Ok("one".to_owned()),
        Some(n) if n == crate::types::Decimal::ONE_HUNDRED => Ok("all".to_owned()),
        Some(n) if n.fract().is_zero() && n > crate::types::Decimal::ZERO && n < crate::types::Decimal::ONE_HUNDRED => {
            Ok(format!("{}%", n.normalize()))
        }
        _ => Err(Unsayable::new(
            node.span,
            format!("`{name}` is {}, and Litmus reads that as one or as all", node.describe()),
        )
        .help("write a whole number from 0 to 100, without `%`")),
    }
}

fn nodes(cx: &mut Context<'_>, spec: &Node, env: &[Entry], namespace: &str, at: Span) -> Result<Target, Unsayable> {
    let names = variable(env, "TARGET_NODE").or(variable(env, "TARGET_NODES")).and_then(Node::scalar);
    let quantity = quantity(env, "NODES_AFFECTED_PERC", names.is_some())?;
    let text = if let Some(names) = names {
        let names: Vec<String> = names.split(',').map(|n| quoted(n.trim())).collect();
        format!("{quantity} of nodes(names: [{}])", names.join(", "))
    } else if let Some(node) = variable(env, "NODE_LABEL") {
        let (key, value) = label(Some(node), at)?;
        format!("{quantity} of nodes(labels: {{ {}: {} }})", quoted(&key), quoted(&value))
    } else {
        let mut service = pods(spec, env, namespace, at).map_err(|_| {
            Unsayable::new(at, "this engine does not say which node it hits")
                .why("Litmus takes a node of any pod in the cluster")
                .help("set TARGET_NODE or NODE_LABEL")
        })?;
        service.container = Container::Any;
        let name = cx.draft.service(&service);
        return Ok(Target { text: format!("{quantity} of {name}.nodes"), service: name });
    };
    // Nodes belong to nobody; an experiment is about a service all the same.
    let service = cx.draft.unknown_service("cluster-nodes");
    Ok(Target { text, service })
}
