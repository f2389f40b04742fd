//! Uses of every fault of the standard library.
//!
//! For every fault one experiment is written with the arguments that it needs, and one more for each value that an
//! optional parameter can take: each word of an enumeration, one value of any other type. `tests/it` holds what is emitted
//! for them against schemas, `tests/cluster` gives it to the engines.

use std::fmt::Write as _;

use perturb::check::program::{EngineBody, ExprKind, FaultItem, Item, ItemKind, Param, TypeExprKind};
use perturb::engine::{EmitOptions, Report, chaos_mesh, litmus};
use perturb::manifest::Arena;
use perturb::plan::{EngineName, Plan};
use serde_json::Value as Json;

use crate::support::{Compiled, chaos_files, compile, to_json};

const SURROUNDINGS: &str = r##"
team platform { contact: "#platform" }
service target {
  owner: platform, tier: high, replicas: 4, container: "app"
  pods: pods(namespace: "shop", labels: { app: "target" }), endpoints: ["https://target.example"]
  local: {
    a: {
      command: ["./target"], movable-clock: true, resolver: "127.0.0.1:9053"
      address: "127.0.0.1:8001", upstream: "127.0.0.1:9001", port: 8080
    }
  }
}
service other { owner: platform, tier: high, replicas: 4, pods: pods(namespace: "shop", labels: { app: "other" }) }
metric good(of: Service): Percent {
  prometheus: "sum(rate(good_total{app=\"${of.name}\"}[1m]))", unit: ratio, window: 1m
}
cluster everything {
  context: "everything", engines: [chaos-mesh, litmus, kubernetes, local, toxiproxy], prometheus: "https://metrics.example"
}
environment lab { clusters: [everything] }
"##;

/// Faults that are declared, and that no engine really does: each of their bodies refuses, with the reason.
pub const NEVER: &[&str] = &["kernel.fail"];

/// One use of a fault.
pub struct Use {
    /// The experiment's name.
    pub experiment: String,
    /// `network.delay`.
    pub fault: String,
    /// The optional parameter whose value is not the default.
    pub varied: Option<String>,
    /// Engines whose body names that parameter (all that have a body, if none is varied).
    pub named_by: Vec<EngineName>,
    /// Engines that have a body.
    pub bodies: Vec<EngineName>,
}

/// Every use, and what the compiler makes of all of them.
pub fn uses() -> (Vec<Use>, Compiled) {
    written(&targets, true)
}

/// Every fault on targets that are chosen in every other way that selectors know: by name, node, zone, label; some, all, a
/// share. Not every engine can draw all of them.
pub fn other_targets() -> (Vec<Use>, Compiled) {
    let others = |fault: &str, on: &Param| -> Vec<String> {
        let TypeExprKind::Named(ty, _) = &on.ty.kind else { return Vec::new() };
        let all: &[&str] = match ty.text.as_str() {
            "Pods" => &[
                "all of target.pods",
                "one of target.pods(zone: \"z-1\")",
                "one of target.pods(node: \"n-1\")",
                "2 of target.pods",
                "25% of pods(namespace: \"shop\", labels: { app: \"target\" })",
                "all of pods(namespace: \"shop\", names: [\"target-1\"])",
                "one of target.pods(labels: { tier: [\"web\", \"cache\"], track: any }, without: { env: [\"dev\"], canary: any })",
                "one of target.pods(annotations: { pager: \"on\" }, fields: { \"spec.serviceAccountName\": \"shop\" })",
                "one of target.pods(phase: [running, pending], node: nodes(labels: { disk: \"ssd\" }))",
                "one of pods(namespace: [\"shop\", \"pay\"], labels: { app: \"target\" }, node: nodes(names: [\"n-1\", \"n-2\"]))",
            ],
            "Nodes" if fault == "node.stop-service" => &[
                "one of nodes(labels: { pool: \"batch\" })",
                "all of nodes(names: [\"n-1\"])",
                "one of nodes(labels: { pool: \"batch\" }), service: docker",
                "all of nodes(names: [\"n-1\"]), service: docker",
            ],
            "Nodes" => &["one of nodes(labels: { pool: \"batch\" })", "all of nodes(names: [\"n-1\"])"],
            "Machines" => &[
                "all of machines(namespace: \"machines\")",
                "2 of machines(namespace: \"machines\")",
                "all of machines(namespace: \"machines\", names: [\"db-1\"])",
                "one of machines(namespace: \"machines\", labels: { role: [\"db\"], rack: any }, without: { spare: any })",
                "one of machines(namespace: \"machines\", annotations: { pager: \"on\" }, address: \"https://10.0.0.7:31768\")",
            ],
            "Instances" if fault.starts_with("vmware.") => {
                &["all of instances(provider: vmware, tags: { team: \"shop\" })"]
            }
            _ => &[],
        };
        all.iter().map(|t| (*t).to_owned()).collect()
    };
    written(&others, false)
}

/// What a fault, by name and first parameter, is tried on.
type TargetsOf<'t> = &'t dyn Fn(&str, &Param) -> Vec<String>;

/// The uses on these targets, with or without each parameter varied.
fn written(targets: TargetsOf<'_>, varied: bool) -> (Vec<Use>, Compiled) {
    let modules = chaos_files("stdlib");
    let names: Vec<&str> = modules.iter().map(|(name, _)| name.trim_end_matches(".chaos")).collect();
    let mut text = format!("import std.{{{}}}\n{SURROUNDINGS}", names.join(", "));
    let library = compile(&[("library.chaos", text.as_str())]);
    let mut found = Vec::new();
    for (module, source) in names.iter().zip(modules.iter().map(|(_, text)| text)) {
        let path = format!("std/{module}.chaos");
        let file = library.program.files.iter().find(|f| f.path == path).expect("an imported module is loaded");
        for item in &file.file.items {
            if let ItemKind::Fault(fault) = &item.kind {
                write_uses(module, item, fault, source, (targets, varied), &mut text, &mut found);
            }
        }
    }
    let compiled = compile(&[("uses.chaos", text.as_str())]);
    (found, compiled)
}

fn write_uses(
    module: &str,
    item: &Item,
    fault: &FaultItem,
    source: &str,
    (targets_of, vary): (TargetsOf<'_>, bool),
    text: &mut String,
    found: &mut Vec<Use>,
) {
    let name = format!("{module}.{}", item.name.text);
    let lasting = fault.fields.iter().any(|f| f.key.text == "effect" && is_word(&f.value.kind, "lasting"));
    let (on, rest) = fault.params.split_first().expect("a fault has a target");
    let bodies: Vec<EngineName> = fault.engines.iter().map(|b| EngineName::parse(&b.engine.text).unwrap()).collect();
    let mut write = |target: &str, found_by_itself: bool, varied: Option<(&Param, String)>| {
        let mut arguments: Vec<(String, String)> = rest
            .iter()
            .filter(|p| p.default.is_none())
            .map(|p| (p.name.text.to_string(), values(&name, p)[0].clone()))
            .collect();
        let varied_name = varied.as_ref().map(|(p, _)| p.name.text.as_str());
        for (param, value) in companions(&name, varied_name, rest) {
            // Litmus finds by itself where a disk is.
            if found_by_itself && param != "credentials" {
                continue;
            }
            arguments.retain(|(n, _)| *n != param);
            arguments.push((param, value));
        }
        if let Some((param, value)) = &varied {
            arguments.retain(|(n, _)| *n != param.name.text);
            arguments.push((param.name.text.to_string(), value.clone()));
        }
        let arguments: Vec<String> = arguments.into_iter().map(|(n, v)| format!(", {n}: {v}")).collect();
        let experiment = format!("use-{}", found.len());
        let until = if lasting { " for 5m" } else { "" };
        let _ = writeln!(
            text,
            "experiment {experiment} {{\nservice: target\n\
             hypothesis {{ expect fine: good(target) >= 90%, recovery automatic within 5m }}\n\
             guard {{ abort when good(target) < 50% for 10s }}\n\
             method {{ {name}({target}{}){until} }}\n}}",
            arguments.concat()
        );
        let named_by = fault
            .engines
            .iter()
            .filter(|body| varied.as_ref().is_none_or(|(p, _)| names(body, source, &p.name.text)))
            .map(|body| EngineName::parse(&body.engine.text).unwrap())
            .collect();
        found.push(Use {
            experiment,
            fault: name.clone(),
            varied: varied.map(|(p, _)| p.name.text.to_string()),
            named_by,
            bodies: bodies.clone(),
        });
    };
    let targets = targets_of(&name, on);
    for (number, target) in targets.iter().enumerate() {
        // What is filled is the ephemeral storage, as Litmus does it.
        write(target, if vary { number > 0 } else { name == "disk.full" }, None);
    }
    if !vary {
        return;
    }
    for param in rest.iter().filter(|p| p.default.is_some()) {
        for value in values(&name, param) {
            write(&targets[0], false, Some((param, value)));
        }
    }
}

/// Arguments that a fault, or one of its parameters, makes sense with only: a direction wants a peer, a partition another
/// side. `(fault, the varied parameter or "" for any, argument, value)`; a later row for the same argument wins.
const COMPANIONS: &[(&str, &str, &str, &str)] = &[
    ("azure.detach-disk", "", "instance", "\"vm-1\""),
    ("azure.detach-disk", "", "lun", "1"),
    ("aws.detach-volume", "", "instance", "\"i-0123\""),
    ("aws.detach-volume", "", "device", "\"/dev/sdf\""),
    ("gcp.detach-disk", "", "instance", "\"vm-1\""),
    ("disk.attributes", "", "permissions", "420"),
    ("dns.error", "", "names", "[\"ledger.example\"]"),
    ("dns.error", "patterns", "names", "[]"),
    ("dns.random", "", "names", "[\"ledger.example\"]"),
    ("dns.not-found", "", "names", "[\"ledger.example\"]"),
    ("dns.not-found", "patterns", "names", "[]"),
    ("dns.silence", "", "names", "[\"ledger.example\"]"),
    ("dns.silence", "patterns", "names", "[]"),
    ("dns.delay", "", "names", "[\"ledger.example\"]"),
    ("dns.delay", "", "latency", "2s"),
    ("dns.delay", "patterns", "names", "[]"),
    ("dns.wrong", "", "names", "[\"ledger.example\"]"),
    ("dns.wrong", "", "address", "\"192.0.2.7\""),
    ("dns.wrong", "patterns", "names", "[]"),
    ("http.change", "", "merge", "\"{}\""),
    ("http.change", "queries", "of", "request"),
    ("http.rewrite", "", "to-path", "\"/health\""),
    ("jvm.mysql", "", "latency", "20ms"),
    ("jvm.mysql", "exception", "latency", "none"),
    ("machine-jvm.mysql", "", "latency", "20ms"),
    ("machine-jvm.mysql", "exception", "latency", "none"),
    ("machine-network.delay", "flags", "protocol", "tcp"),
    ("machine-network.dns", "", "server", "\"10.0.0.53\""),
    ("machine-network.dns", "answer", "name", "\"ledger.example\""),
    ("machine-network.dns", "name", "answer", "\"10.0.0.7\""),
    ("machine-network.partition", "", "host", "\"ledger.example\""),
    ("machine-network.partition", "address", "host", "none"),
    ("machine-network.partition", "flags", "protocol", "tcp"),
    ("machine.create-file", "", "file", "\"/tmp/lock\""),
    ("machine.create-file", "folder", "file", "none"),
    ("machine.remove-file", "", "file", "\"/etc/app.conf\""),
    ("machine.remove-file", "folder", "file", "none"),
    ("machine-network.bandwidth", "peak", "peak-burst", "2kB"),
    ("machine-network.bandwidth", "peak-burst", "peak", "20Mbit/s"),
    ("network.bandwidth", "peak", "peak-burst", "2kB"),
    ("network.bandwidth", "peak-burst", "peak", "20Mbit/s"),
    ("network.degrade", "", "loss", "5%"),
    ("network.degrade", "jitter", "latency", "20ms"),
    ("node.memory", "", "share", "20%"),
    ("node.memory", "size", "share", "none"),
    ("node.power-off", "", "ssh-key", "\"id-rsa\""),
    ("node.restart", "", "ssh-key", "\"id-rsa\""),
    ("redis.limit-memory", "", "size", "64MiB"),
    ("redis.limit-memory", "share", "size", "none"),
    ("spring.several", "", "latency", "20ms"),
    ("stress.cpu", "via", "load", "2cores"),
];

fn companions(fault: &str, varied: Option<&str>, params: &[Param]) -> Vec<(String, String)> {
    let has = |name: &str| params.iter().any(|p| p.name.text == name);
    let mut found: Vec<(String, String)> = COMPANIONS
        .iter()
        .filter(|(of, with, ..)| *of == fault && (with.is_empty() || varied == Some(with)))
        .map(|(_, _, name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let mut add = |name: &str, value: &str| found.push((name.to_owned(), value.to_owned()));
    let wants_peer = match varied {
        Some("direction" | "peer-device") => has("peer"),
        Some("peer" | "hosts") => false,
        _ => fault == "network.partition",
    };
    if wants_peer {
        add("peer", "all of other.pods");
    }
    // Where the peer sends: only what reaches the targets passes there.
    if varied == Some("peer-device") {
        add("direction", "incoming");
    }
    // The volume is named unless it is the ephemeral storage that is filled.
    if fault == "disk.full" && varied.is_none() {
        add("path", "\"/data\"");
    }
    if fault.starts_with("http.") && has("of") && matches!(varied, Some("response-headers" | "answered")) {
        add("of", "response");
    }
    if fault.starts_with("machine-network.") && matches!(varied, Some("ports" | "from-ports")) {
        add("protocol", "tcp");
    }
    let of_cloud = ["aws.", "gcp."].iter().any(|module| fault.starts_with(module));
    if of_cloud && has("credentials") {
        add("credentials", "\"cloud-secret\"");
    }
    found
}

fn is_word(expr: &ExprKind, word: &str) -> bool {
    matches!(expr, ExprKind::Name(name) if name == word)
}

/// Whether a body's text has the name as a value, not as a key.
fn names(body: &EngineBody, source: &str, name: &str) -> bool {
    let text = &source[body.span.start as usize..body.span.end as usize];
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    text.match_indices(name).any(|(at, _)| {
        let before = text[..at].chars().next_back().is_some_and(is_part);
        let after = &text[at + name.len()..];
        !before && !after.starts_with(|c: char| is_part(c) || c == ':')
    })
}

/// What the fault is tried on; of a cloud also by tags, which is another fault of Litmus.
fn targets(fault: &str, on: &Param) -> Vec<String> {
    let TypeExprKind::Named(ty, _) = &on.ty.kind else { panic!("a target of {:?}", on.ty.kind) };
    let of_cloud = |noun: &str| -> Vec<String> {
        let module = fault.split_once('.').map_or("", |(module, _)| module);
        let place = match (module, noun) {
            ("aws", "balancers") | ("vmware", _) => "",
            ("aws", _) => ", region: \"eu-west-1\"",
            ("gcp", _) => ", project: \"shop\", zone: \"europe-west1-b\"",
            _ => ", subscription: \"s-1\", group: \"shop\"",
        };
        let by = |what: &str| format!("one of {noun}(provider: {module}{place}, {what})");
        let mut all = vec![by("ids: [\"one\"]")];
        let by_tags = module != "azure" && noun != "balancers" && noun != "databases" && !fault.contains("restart");
        if by_tags && module != "vmware" {
            all.push(by("tags: { team: \"shop\" }"));
        }
        if noun == "disks" {
            all.push(by("ids: [\"one\"]"));
        }
        all
    };
    match ty.text.as_str() {
        // For Litmus a NetworkPolicy, which holds for every pod with the label.
        "Pods" if ["network.partition", "network.isolate"].contains(&fault) => vec!["all of target.pods".into()],
        "Pods" => vec!["one of target.pods".into()],
        // Faults that hit several nodes know nothing of the pods on them.
        "Nodes" if ["node.cpu", "node.memory", "node.io"].contains(&fault) => {
            vec!["one of nodes(labels: { pool: \"batch\" })".into()]
        }
        "Nodes" => vec!["one of target.nodes".into()],
        "Workloads" => vec!["all of target.workloads".into()],
        "Endpoints" => vec!["all of target.endpoints".into()],
        "Instances" => of_cloud("instances"),
        "Disks" => of_cloud("disks"),
        "Databases" => of_cloud("databases"),
        "Balancers" => of_cloud("balancers"),
        "Machines" => vec!["one of machines(namespace: \"machines\", labels: { role: \"db\" })".into()],
        "Processes" => vec!["one of target.processes".into()],
        other => panic!("no target of type `{other}`"),
    }
}

/// Values of a parameter that are not its default.
fn values(fault: &str, param: &Param) -> Vec<String> {
    let name = param.name.text.as_str();
    let whole_gigabytes = ["disk.busy", "node.io"].contains(&fault) && name == "size";
    match (fault, name) {
        _ if whole_gigabytes => vec!["2GB".into()],
        ("disk.full", "block") => vec!["512kB".into()],
        // A capital letter, and a `*` that is not at the end, never match.
        (_, "patterns") => vec!["[\"ledger.*\"]".into()],
        ("stress.cpu", "options") => vec!["[\"--cpu-method=fft\"]".into()],
        (_, "arguments") => vec!["[\"java.lang.String:no\"]".into()],
        _ => of_type(&param.ty.kind, name, param.default.as_ref().map(|d| &d.kind)),
    }
}

fn of_type(ty: &TypeExprKind, name: &str, default: Option<&ExprKind>) -> Vec<String> {
    match ty {
        TypeExprKind::Words(words) => {
            words.iter().map(|w| w.text.to_string()).filter(|w| !default.is_some_and(|d| is_word(d, w))).collect()
        }
        TypeExprKind::Optional(inner) => of_type(&inner.kind, name, None),
        TypeExprKind::List(inner) => of_type(&inner.kind, name, None).into_iter().map(|v| format!("[{v}]")).collect(),
        TypeExprKind::Named(ty, _) => vec![match (ty.text.as_str(), name) {
            ("Duration", "jitter") => "10ms".into(),
            ("Duration", _) => "2s".into(),
            ("Percent", _) => "10%".into(),
            ("Bitrate", _) => "8Mbit/s".into(),
            ("Rate", _) => "50/s".into(),
            ("Bytes", _) => "256MiB".into(),
            ("Cores", _) => "1.5cores".into(),
            ("Offset", _) => "-5m".into(),
            ("Int", "port") => "8080".into(),
            ("Int", "code" | "answered") => "503".into(),
            ("Int", _) => "2".into(),
            ("Bool", _) if matches!(default, Some(ExprKind::Literal(perturb::types::Value::Bool(true)))) => {
                "false".into()
            }
            ("Bool", _) => "true".into(),
            ("Host", _) => "\"db.example\"".into(),
            ("Map", _) => "{ x-team: \"shop\" }".into(),
            ("String", "files") => "\"/data/**/*\"".into(),
            ("String", "containers") => "\"sidecar\"".into(),
            ("String", "exception") => "\"java.io.IOException()\"".into(),
            ("String", "merge") => "\"{}\"".into(),
            ("String", "rule") => "\"RULE slow\\nCLASS a.B\\nMETHOD c\\nDO Thread.sleep(5)\\nENDRULE\"".into(),
            ("String", "address") => "\"127.0.0.1:6379\"".into(),
            ("String", _) => "\"/data\"".into(),
            ("Pods", _) => "all of other.pods".into(),
            (other, name) => panic!("no sample for `{name}: {other}`: add one here"),
        }],
        TypeExprKind::Error => panic!("`{name}` has no type"),
    }
}

/// The plan of a use.
pub fn plan_of<'c>(compiled: &'c Compiled, experiment: &str) -> &'c Plan {
    let planned = compiled.plans.iter().find(|p| p.experiment.name == experiment);
    let plan = planned.and_then(|p| p.plan.as_ref());
    plan.unwrap_or_else(|| panic!("`{experiment}` has no plan:\n{}", compiled.errors()))
}

/// What an engine makes of a plan.
pub fn emit(plan: &Plan, engine: EngineName) -> (Vec<Json>, Report) {
    let arena = Arena::new();
    let options = EmitOptions::default();
    let mut documents = Vec::new();
    let mut sink = |node: &perturb::manifest::Node<'_>| documents.push(to_json(node));
    let report = match engine {
        EngineName::Litmus => litmus::emit(plan, &options, &arena, &mut sink),
        _ => chaos_mesh::emit(plan, &options, &arena, &mut sink),
    };
    (documents, report)
}
