//! Objects of Chaos Mesh: faults, Workflows, Schedules, StatusChecks.
//!
//! Comes in: a document. Goes out: an experiment in the draft, with its schedule if it has one. Which kinds and fields there
//! are is not known here: the library's bodies say it, read backwards ([`super::unify`]). Facts about what Chaos Mesh puts
//! where nothing is written are those of its webhooks and schemas, 2.8.

use super::context::{Context, Unsayable};
use super::draft::{Call, Container, Experiment, Step, StepKind, Verify};
use super::library::Pattern;
use super::selector::{self, Target};
use super::unify::{Argument, Miss, Solved, unify};
use super::yaml::{Comment, Document, Entry, Node, Value};
use super::{print, schedule, spelling, workflow};
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::plan::{Effect, EngineName};
use crate::source::Span;
use crate::types::{Duration, TargetKind, Type};

/// How long a fault without an end is imported to last, under `--lossy`.
const WITHOUT_END: Duration = Duration::from_secs(300);
/// Fields that the engine's side of a fault writes; the others are the body's.
const ENGINES_OWN: [&str; 5] = ["selector", "mode", "value", "duration", "remoteCluster"];
/// Kinds that are no experiments of their own.
const OTHER_KINDS: [&str; 7] = [
    "PhysicalMachine",
    "RemoteCluster",
    "PodNetworkChaos",
    "PodIOChaos",
    "PodHttpChaos",
    "WorkflowNode",
    "PodHTTPChaos",
];

/// An object's own data.
pub(super) struct Object<'d> {
    /// The document's root.
    pub root: &'d Node,
    /// Its comments.
    pub comments: &'d [Comment],
    /// `metadata.name`.
    pub name: String,
    /// `metadata.namespace`, where Chaos Mesh looks for pods if nothing else is said.
    pub namespace: String,
    /// Whether Perturb wrote it.
    pub ours: bool,
}

impl<'d> Object<'d> {
    fn of(document: &'d Document) -> Self {
        let root = &document.root;
        let text = |path: &[&str]| root.at(path).and_then(Node::scalar).unwrap_or_default().to_owned();
        let namespace = text(&["metadata", "namespace"]);
        Self {
            root,
            comments: &document.comments,
            name: text(&["metadata", "name"]),
            namespace: if namespace.is_empty() { "default".to_owned() } else { namespace },
            ours: text(&["metadata", "labels", "app.kubernetes.io/managed-by"]) == "perturb",
        }
    }

    /// A label or annotation that Perturb wrote.
    pub(super) fn mark(&self, what: &str, key: &str) -> Option<&'d str> {
        self.root.at(&["metadata", what, key]).and_then(Node::scalar).filter(|_| self.ours)
    }

    /// The comments inside a place, or before it where nothing else stands between.
    pub(super) fn comments_in(&self, span: Span) -> Vec<String> {
        self.comments
            .iter()
            .filter(|c| c.span.start >= span.start && c.span.start < span.end)
            .map(|c| c.text.clone())
            .collect()
    }

    /// An experiment with the object's name, title and the comments of its head.
    pub(super) fn experiment(&self, cx: &mut Context<'_>) -> Experiment {
        let name = self.mark("labels", "perturb.dev/experiment").unwrap_or(&self.name).to_owned();
        let title = self.mark("annotations", "perturb.dev/title").unwrap_or_default();
        let spec = self.root.entry("spec").map_or(self.root.span.end, |e| e.at.start);
        Experiment {
            name: cx.draft.name(&name),
            doc: title.lines().map(str::to_owned).collect(),
            comments: self.comments.iter().filter(|c| c.span.start < spec).map(|c| c.text.clone()).collect(),
            ..Experiment::default()
        }
    }
}

/// One document of the group `chaos-mesh.org`; whether it became something.
pub(super) fn document(cx: &mut Context<'_>, document: &Document) -> bool {
    let object = Object::of(document);
    let kind = object.root.word("kind").to_owned();
    let at = object.root.get("kind").map_or(object.root.span, |n| n.span);
    if OTHER_KINDS.contains(&kind.as_str()) {
        return false;
    }
    if let Some(status) = object.root.entry("status").filter(|e| !e.value.is_empty()) {
        cx.note(status.at, "`status` is what happened, not what is asked for: left out");
    }
    let Some(spec) = object.root.get("spec") else {
        cx.wrong(at, format!("this {kind} has no `spec`"), "Chaos Mesh refuses it", "");
        return true;
    };
    match kind.as_str() {
        "Workflow" => workflow::import(cx, &object, spec),
        "Schedule" => schedule::import(cx, &object, spec),
        "StatusCheck" => {
            let what = Unsayable::new(at, "a StatusCheck by itself does nothing, so there is nothing to say")
                .why("only a Workflow reacts to it")
                .help("in an experiment it is an expectation: `expect NAME: probe.http-ok(URL)`");
            lost(cx, what);
        }
        _ => bare(cx, &object, &kind, spec),
    }
    true
}

/// A line for the file, where no experiment takes it.
pub(super) fn lost(cx: &mut Context<'_>, what: Unsayable) {
    let line = cx.lose(what);
    if let (true, Some(file)) = (cx.lossy, cx.draft.files.last_mut()) {
        file.lost.push(line);
    }
}

/// A fault that is an object of its own.
fn bare(cx: &mut Context<'_>, object: &Object<'_>, kind: &str, spec: &Node) {
    let mut experiment = object.experiment(cx);
    let at = object.root.get("kind").map_or(object.root.span, |n| n.span);
    let comments = object.comments_in(Span { end: u32::MAX, ..spec.span });
    match fault(cx, object, kind, spec, at) {
        Ok(fault) => {
            let (length, mut steps) = length(cx, &fault, spec, at);
            if let (Effect::Lasting, None) = (fault.effect, length) {
                return;
            }
            experiment.service = service(cx, object, &fault.target.service);
            let mut all = fault.lost.clone();
            all.append(&mut steps);
            all.push(Step { comments, kind: StepKind::Inject(fault.call, length) });
            experiment.steps = all;
        }
        Err(what) => {
            lost(cx, what);
            return;
        }
    }
    add(cx, experiment);
}

/// Puts an experiment into the file that is read.
pub(super) fn add(cx: &mut Context<'_>, experiment: Experiment) {
    if let Some(file) = cx.draft.files.last_mut() {
        file.engines.insert("chaos-mesh");
        file.experiments.push(experiment);
    }
}

/// Puts a schedule into the file that is read.
pub(super) fn add_verify(cx: &mut Context<'_>, verify: Verify) {
    if let Some(file) = cx.draft.files.last_mut() {
        file.verifies.push(verify);
    }
}

/// The service that an object is about: what Perturb wrote on it, else what is hit.
pub(super) fn service(cx: &mut Context<'_>, object: &Object<'_>, hit: &str) -> String {
    match object.mark("labels", "perturb.dev/service") {
        Some(name) if name != hit => {
            let known = cx.draft.services.iter().any(|s| s.name == name);
            if !known {
                return cx.draft.unknown_service(name);
            }
            name.to_owned()
        }
        _ => hit.to_owned(),
    }
}

/// How long a bare fault lasts; under `--lossy` a length where it has none.
fn length(cx: &mut Context<'_>, fault: &Fault, spec: &Node, at: Span) -> (Option<Duration>, Vec<Step>) {
    let given = spec.entry("duration").filter(|e| !e.value.is_empty());
    match (fault.effect, given) {
        (Effect::Instant, None) => (None, Vec::new()),
        (Effect::Instant, Some(entry)) => {
            cx.note(entry.at, "Chaos Mesh ignores the duration of what happens once: left out");
            (None, Vec::new())
        }
        (Effect::Lasting, Some(entry)) => match positive(&entry.value) {
            Some(length) => (Some(length), Vec::new()),
            None => {
                let text = entry.value.describe();
                let why = "it is no length of time of Chaos Mesh (`90s`, `1h30m`), or none at all";
                cx.wrong(entry.value.span, format!("`duration` is {text}"), why, "write for example `5m`");
                (None, Vec::new())
            }
        },
        (Effect::Lasting, None) => {
            let what = Unsayable::new(
                at,
                format!("this `{}` has no `duration`: it lasts until somebody deletes it", fault.call.fault),
            )
            .why("a fault always says how long it lasts")
            .help("write the `duration` that was meant");
            let line = cx.lose(what);
            if cx.lossy { (Some(WITHOUT_END), vec![StepKind::Lost(line).step()]) } else { (None, Vec::new()) }
        }
    }
}

/// A length of time above zero.
pub(super) fn positive(node: &Node) -> Option<Duration> {
    let (negative, length) = spelling::go_duration(node.scalar()?)?;
    (!negative && !length.is_zero()).then_some(length)
}

/// A fault that was understood.
pub(super) struct Fault {
    /// The call.
    pub call: Call,
    /// How it ends.
    pub effect: Effect,
    /// What is hit.
    pub target: Target,
    /// What was lost of it.
    pub lost: Vec<Step>,
}

/// The fault of a kind's spec, wherever that stands.
pub(super) fn fault(
    cx: &mut Context<'_>,
    object: &Object<'_>,
    kind: &str,
    spec: &Node,
    at: Span,
) -> Result<Fault, Unsayable> {
    let patterns = cx.library.patterns(EngineName::ChaosMesh, &["kind"], kind);
    if patterns.is_empty() {
        let known = cx.library.known(EngineName::ChaosMesh, "kind");
        let near = nearest(kind, known.iter().map(String::as_str)).map(|k| format!("did you mean `{k}`?"));
        return Err(Unsayable::new(at, format!("no fault of the library is a `{kind}`"))
            .help(near.unwrap_or_else(|| format!("it has: {}", known.join(", ")))));
    }
    if let Some(remote) = spec.get("remoteCluster").filter(|n| !n.is_empty()) {
        return Err(Unsayable::new(remote.span, "`remoteCluster` has no equivalent")
            .why("where an experiment runs is said by its environment, not by the fault")
            .help("leave it out, and apply what is compiled to that cluster"));
    }
    let is_return = kind == "JVMChaos" && spec.word("action") == "return" && spec.get("returnValue").is_none();
    if let Some(old) = spec.entry("value").filter(|_| is_return) {
        return Err(Unsayable::new(old.at, "`value` is how many are hit, since Chaos Mesh 2.8")
            .why("Chaos Mesh refuses a `return` without its `returnValue`")
            .help("write `returnValue`")
            .wrong());
    }
    let (solved, lines) = solve(cx, kind, &patterns, spec)?;
    let container = container(kind, spec, &solved)?;
    let target = match solved.target.base() {
        Type::Target(TargetKind::Pods) => selector::target(cx, spec, &object.namespace, container)?,
        Type::Target(TargetKind::Machines) => selector::machines(cx, spec)?,
        Type::Target(kind) if solved.selector.cloud().is_some() => selector::cloud(cx, *kind, &solved.selector),
        _ => {
            return Err(Unsayable::new(at, format!("what `{}` hits cannot be told from this manifest", solved.fault)));
        }
    };
    let mut arguments = vec![target.text.clone()];
    for (name, argument) in &solved.arguments {
        let text = match argument {
            Argument::Value(value) => print::value(value),
            Argument::Target(node) => selector::target(cx, node, &object.namespace, Container::Any)?.text,
        };
        arguments.push(format!("{name}: {text}"));
    }
    let lost = lines.into_iter().map(|line| StepKind::Lost(line).step()).collect();
    Ok(Fault { call: Call { fault: solved.fault, arguments }, effect: solved.effect, target, lost })
}

/// Kinds that are done to one container, to the first if none is named.
const IN_A_CONTAINER: [&str; 6] = ["IOChaos", "StressChaos", "TimeChaos", "DNSChaos", "JVMChaos", "BlockChaos"];

/// The container of the service, where the body does not name any.
fn container(kind: &str, spec: &Node, solved: &Solved) -> Result<Container, Unsayable> {
    if solved.arguments.iter().any(|(name, _)| name == "containers" || name == "container") {
        return Ok(Container::Any);
    }
    let unnamed = if IN_A_CONTAINER.contains(&kind) { Container::First } else { Container::Any };
    let Some(names) = spec.get("containerNames").filter(|n| !n.is_empty()) else { return Ok(unnamed) };
    match names.items() {
        [only] => Ok(only.scalar().map_or(unnamed, |name| Container::Named(name.to_owned()))),
        _ => Err(Unsayable::new(
            names.span,
            format!("`{}` takes one container of a pod, and here are several", solved.fault),
        )
        .help("write a manifest for each")),
    }
}

/// The fault and arguments that say a spec; under `--lossy` without the fields that nothing says.
fn solve(
    cx: &mut Context<'_>,
    kind: &str,
    patterns: &[Pattern<'_>],
    spec: &Node,
) -> Result<(Solved, Vec<String>), Unsayable> {
    let mut body = body(kind, spec);
    let mut lines = Vec::new();
    loop {
        let mut best: Option<Solved> = None;
        let mut nearest_miss: Option<(String, Miss)> = None;
        for pattern in patterns {
            let own =
                if names_containers(*pattern) { body.clone() } else { without(&body, &["containerNames".to_owned()]) };
            match unify(&mut cx.ev, *pattern, kind, &[("spec", &own)]) {
                Ok(solved) => {
                    let better = best.as_ref().is_none_or(|b| {
                        (solved.fixed, std::cmp::Reverse(solved.arguments.len()))
                            > (b.fixed, std::cmp::Reverse(b.arguments.len()))
                    });
                    if better {
                        best = Some(solved);
                    }
                }
                Err(miss) => {
                    let name = cx.library.checked.program.qualified_name(pattern.id);
                    let better = nearest_miss
                        .as_ref()
                        .is_none_or(|(_, m)| (miss.fixed, miss.unknown.is_some()) > (m.fixed, m.unknown.is_some()));
                    if better {
                        nearest_miss = Some((name, miss));
                    }
                }
            }
        }
        if let Some(solved) = best {
            return Ok((solved, lines));
        }
        let Some((name, miss)) = nearest_miss else {
            return Err(Unsayable::new(spec.span, format!("no fault of the library says this {kind}")));
        };
        let what = Unsayable::new(miss.at, format!("`{name}` cannot say this {kind}: {}", miss.why));
        match (&miss.unknown, cx.lossy) {
            (Some(path), true) => {
                body = without(&body, path);
                lines.push(cx.lose(what));
            }
            _ => return Err(what.help(help(kind, &miss))),
        }
    }
}

fn help(kind: &str, miss: &Miss) -> String {
    match (&miss.unknown, kind) {
        (Some(_), _) => "leave the field out, or add a parameter to the fault in `stdlib/`".to_owned(),
        (None, _) => format!("`perturb faults` lists what is there for {kind}"),
    }
}

/// Whether a body takes the containers itself.
fn names_containers(pattern: Pattern<'_>) -> bool {
    use crate::check::program::ExprKind;
    pattern.body.fields.iter().any(|f| {
        f.key.text == "spec"
            && matches!(&f.value.kind, ExprKind::Record(fields) if fields.iter().any(|f| f.key.text == "containerNames"))
    })
}

/// The body's fields of a spec, with what Chaos Mesh puts where nothing is written.
fn body(kind: &str, spec: &Node) -> Node {
    // A JVM fault of before 2.8 had its value in `value`, which is the mode's: it is not the body's either way.
    let own = |e: &&Entry| !ENGINES_OWN.contains(&e.key.as_str());
    let mut entries: Vec<Entry> = spec.entries().iter().filter(own).cloned().collect();
    for (of, key, default) in DEFAULTS {
        if *of == kind && spec.get(key).is_none_or(Node::is_empty) {
            entries.retain(|e| e.key != *key);
            entries.push(Entry { key: (*key).to_owned(), at: spec.span, value: made(spec.span, default) });
        }
    }
    // By these, Chaos Mesh finds again what it injected; its webhook makes them where they are not written.
    for (of, own) in [("JVMChaos", "name"), ("PhysicalMachineChaos", "uid")] {
        if kind == of {
            entries.retain(|e| e.key != own);
        }
    }
    if kind == "PhysicalMachineChaos" {
        entries.iter_mut().for_each(|e| of_chaosd(&mut e.value));
    }
    if kind == "HTTPChaos" {
        entries.iter_mut().filter(|e| e.key == "replace").for_each(|e| plain_body(&mut e.value));
    }
    Node { span: spec.span, value: Value::Map(entries), text: String::new() }
}

/// The agent on machines (chaosd 1.4) counts in its own way: lengths in bare seconds, sizes in `c`, `K` and `MB` as `dd` does.
fn of_chaosd(block: &mut Node) {
    let Value::Map(entries) = &mut block.value else { return };
    for Entry { key, value, .. } in entries.iter_mut() {
        match key.as_str() {
            "duration" if !value.text.is_empty() && value.text.chars().all(|c| c.is_ascii_digit()) => {
                value.text.push('s');
            }
            "size" => {
                if let Some(bytes) = spelling::dd_size(&value.text) {
                    value.text = bytes.to_string();
                }
            }
            _ => {}
        }
    }
}

/// The text of `replace.body`, which stands there in base64; the compiler writes it so.
fn plain_body(replace: &mut Node) {
    let Value::Map(entries) = &mut replace.value else { return };
    for entry in entries.iter_mut().filter(|e| e.key == "body") {
        if let Some(text) = base64(&entry.value.text) {
            entry.value.text = text;
        }
    }
}

/// RFC 4648 with padding; nothing where it is none, or no text.
fn base64(text: &str) -> Option<String> {
    let digit = |c: char| match c {
        'A'..='Z' => Some(c as u32 - 'A' as u32),
        'a'..='z' => Some(c as u32 - 'a' as u32 + 26),
        '0'..='9' => Some(c as u32 - '0' as u32 + 52),
        '+' => Some(62),
        '/' => Some(63),
        _ => None,
    };
    let digits: Vec<u32> = text.trim_end_matches('=').chars().map(digit).collect::<Option<_>>()?;
    let mut bytes = Vec::with_capacity(digits.len());
    for group in digits.chunks(4) {
        let bits = group.iter().fold(0u32, |bits, d| bits << 6 | d) << (6 * (4 - group.len()));
        let all = bits.to_be_bytes();
        bytes.extend(all.iter().skip(1).take(group.len().saturating_sub(1)));
    }
    String::from_utf8(bytes).ok()
}

/// What the webhooks and the schemas of Chaos Mesh 2.8 write where nothing is written, and is not the zero of its type.
const DEFAULTS: &[(&str, &str, &str)] = &[
    ("NetworkChaos", "direction", "to"),
    ("IOChaos", "percent", "100"),
    ("TimeChaos", "clockIds", "[CLOCK_REALTIME]"),
    ("JVMChaos", "port", "9277"),
];

/// A node of a default's text.
fn made(span: Span, text: &str) -> Node {
    match text.strip_prefix('[').and_then(|t| t.strip_suffix(']')) {
        Some(inner) => Node { span, value: Value::List(vec![made(span, inner)]), text: String::new() },
        None => {
            let is_number = text.chars().all(|c| c.is_ascii_digit());
            Node { span, value: if is_number { Value::Number } else { Value::Text }, text: text.to_owned() }
        }
    }
}

/// A map without the field at the end of a path.
fn without(node: &Node, path: &[String]) -> Node {
    let Some((first, rest)) = path.split_first() else { return node.clone() };
    let entries = node
        .entries()
        .iter()
        .filter(|e| !(rest.is_empty() && e.key == *first))
        .map(|e| if e.key == *first { Entry { value: without(&e.value, rest), ..e.clone() } } else { e.clone() });
    Node { value: Value::Map(entries.collect()), ..node.clone() }
}

/// A name that is there and no template's, for Workflows and Schedules.
pub(super) fn missing(cx: &mut Context<'_>, at: Span, what: &str) {
    let diagnostic = Diagnostic::new(Code::IMPORT_WRONG, at, what.to_owned()).why("Chaos Mesh refuses it");
    cx.diagnostics.push(diagnostic);
}
