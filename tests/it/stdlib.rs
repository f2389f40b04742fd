//! The standard library: what each fault promises, each engine keeps.
//!
//! For every fault one experiment is written with the arguments that it needs, and one more for each value that an
//! optional parameter can take: each word of an enumeration, one value of any other type. Each is emitted for the engines
//! that have manifests, and held against their schemas.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use perturb::check::program::{EngineBody, ExprKind, FaultItem, Item, ItemKind, Param, TypeExprKind};
use perturb::engine::{EmitOptions, Report, chaos_mesh, litmus};
use perturb::manifest::Arena;
use perturb::plan::{Body, EngineName, Plan};
use serde_json::Value as Json;

use crate::engine_schemas::Schemas;
use crate::support::{Compiled, chaos_files, compile, to_json};

const SURROUNDINGS: &str = r##"
team platform { contact: "#platform" }
service target {
  owner: platform, tier: high, replicas: 4, container: "app"
  pods: pods(namespace: "shop", labels: { app: "target" }), endpoints: ["https://target.example"]
  local: { a: { command: ["./target"], address: "127.0.0.1:8001", upstream: "127.0.0.1:9001", port: 8080 } }
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
                write_uses(module, item, fault, source, &mut text, &mut found);
            }
        }
    }
    let compiled = compile(&[("uses.chaos", text.as_str())]);
    (found, compiled)
}

fn write_uses(module: &str, item: &Item, fault: &FaultItem, source: &str, text: &mut String, found: &mut Vec<Use>) {
    let name = format!("{module}.{}", item.name.text);
    let lasting = fault.fields.iter().any(|f| f.key.text == "effect" && is_word(&f.value.kind, "lasting"));
    let (on, rest) = fault.params.split_first().expect("a fault has a target");
    let needed: Vec<String> =
        rest.iter().filter(|p| p.default.is_none()).map(|p| format!("{}: {}", p.name.text, values(p)[0])).collect();
    let bodies: Vec<EngineName> = fault.engines.iter().map(|b| EngineName::parse(&b.engine.text).unwrap()).collect();
    let mut write = |varied: Option<(&Param, String)>| {
        let mut arguments = vec![target(&name, on)];
        arguments.extend(needed.iter().cloned());
        arguments.extend(varied.as_ref().map(|(p, value)| format!("{}: {value}", p.name.text)));
        arguments.extend(companion(&name, varied.as_ref().map(|(p, _)| p.name.text.as_str()), rest));
        let experiment = format!("use-{}", found.len());
        let until = if lasting { " for 5m" } else { "" };
        let _ = writeln!(
            text,
            "experiment {experiment} {{\nservice: target\n\
             hypothesis {{ expect fine: good(target) >= 90%, recovery automatic within 5m }}\n\
             guard {{ abort when good(target) < 50% for 10s }}\n\
             method {{ {name}({}){until} }}\n}}",
            arguments.join(", ")
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
    write(None);
    for param in rest.iter().filter(|p| p.default.is_some()) {
        for value in values(param) {
            write(Some((param, value)));
        }
    }
}

/// What a value makes sense with only: a direction wants a peer, a partition another side.
fn companion(fault: &str, varied: Option<&str>, params: &[Param]) -> Option<String> {
    let has_peer = params.iter().any(|p| p.name.text == "peer");
    let wants_peer = match varied {
        Some("direction") => has_peer,
        Some("peer" | "hosts") => false,
        _ => fault == "network.partition",
    };
    match (wants_peer, fault, varied) {
        (true, ..) => Some("peer: all of other.pods".into()),
        // The volume is named unless it is the ephemeral storage that is filled.
        (false, "disk.full", None) => Some("path: \"/data\"".into()),
        _ => None,
    }
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

fn target(fault: &str, on: &Param) -> String {
    match &on.ty.kind {
        TypeExprKind::Named(name, _) => match name.text.as_str() {
            // For Litmus a NetworkPolicy, which holds for every pod with the label.
            "Pods" if ["network.partition", "network.isolate"].contains(&fault) => "all of target.pods".into(),
            "Pods" => "one of target.pods".into(),
            "Processes" => "one of target.processes".into(),
            "Nodes" => "one of target.nodes".into(),
            "Workloads" => "all of target.workloads".into(),
            "Endpoints" => "all of target.endpoints".into(),
            other => panic!("no target of type `{other}`"),
        },
        other => panic!("a target of {other:?}"),
    }
}

/// Values of a parameter that are not its default.
fn values(param: &Param) -> Vec<String> {
    of_type(&param.ty.kind, &param.name.text, param.default.as_ref().map(|d| &d.kind))
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
            ("Int", "code") => "503".into(),
            ("Int", _) => "2".into(),
            ("Bool", _) => "true".into(),
            ("Host", _) => "\"db.example\"".into(),
            ("String", "files") => "\"/data/**/*\"".into(),
            ("String", "containers") => "\"sidecar\"".into(),
            ("String", _) => "\"/data\"".into(),
            ("Pods", _) => "all of other.pods".into(),
            (other, name) => panic!("no sample for `{name}: {other}`: add one here"),
        }],
        TypeExprKind::Error => panic!("`{name}` has no type"),
    }
}

fn plan_of<'c>(compiled: &'c Compiled, experiment: &str) -> &'c Plan {
    let planned = compiled.plans.iter().find(|p| p.experiment.name == experiment);
    let plan = planned.and_then(|p| p.plan.as_ref());
    plan.unwrap_or_else(|| panic!("`{experiment}` has no plan:\n{}", compiled.errors()))
}

#[test]
fn every_fault_is_expressed_by_each_engine_that_names_its_parameters() {
    let (uses, compiled) = uses();
    assert!(uses.len() > 100, "only {} uses", uses.len());
    let mut wrong = String::new();
    let mut able: BTreeMap<(&str, EngineName), bool> = BTreeMap::new();
    for one in &uses {
        let plan = plan_of(&compiled, &one.experiment);
        let mut expressed = false;
        for engine in &one.bodies {
            let body = &plan.faults[0].bodies[engine];
            let what = format!("{} with {:?} on {engine}", one.fault, one.varied);
            let can = able.entry((&one.fault, *engine)).or_default();
            match body {
                Body::Expressed(entries) => {
                    (expressed, *can) = (true, true);
                    if !one.named_by.contains(engine) {
                        let _ =
                            writeln!(wrong, "{what}: its body does not name the parameter, and yet it is expressed");
                    }
                    // The local engine has no schema: what it makes of a body is the check.
                    if *engine == EngineName::Local
                        && let Err(reason) = perturb::engine::local::action::Action::of_body(entries)
                    {
                        let _ = writeln!(wrong, "{what}: {reason}");
                    }
                    if entries.is_empty() {
                        let _ = writeln!(wrong, "{what}: an empty body");
                    }
                }
                Body::Refused { construct, reason } => {
                    if construct.is_empty() || reason.is_empty() {
                        let _ = writeln!(wrong, "{what}: refused without a word");
                    }
                }
            }
        }
        if !expressed && !one.bodies.is_empty() {
            let bodies = &plan.faults[0].bodies;
            let _ = writeln!(wrong, "{} with {:?}: no engine can do it: {bodies:#?}", one.fault, one.varied);
        }
    }
    for ((fault, engine), can) in able {
        if !can {
            let _ = writeln!(wrong, "{fault}: {engine} has a body, and can do none of the uses");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn what_is_emitted_for_each_parameter_fits_the_engines_schemas() {
    let (uses, compiled) = uses();
    let schemas = Schemas::beside("what_is_emitted_for_each_parameter_fits_the_engines_schemas");
    let mut wrong = String::new();
    let mut refused = BTreeSet::new();
    let mut held = 0;
    for one in &uses {
        let plan = plan_of(&compiled, &one.experiment);
        for engine in [EngineName::ChaosMesh, EngineName::Litmus] {
            if !matches!(plan.faults[0].bodies.get(&engine), Some(Body::Expressed(_))) {
                continue;
            }
            let what = format!("{} with {:?} on {engine}", one.fault, one.varied);
            let (documents, report) = emit(plan, engine);
            for d in &report.diagnostics {
                refused.insert(format!("{engine}: {}: {}: {}", one.fault, d.code, d.message));
            }
            for document in &documents {
                let kind = document["kind"].as_str().unwrap_or_default();
                for said in schemas.as_ref().map(|s| s.validate(kind, document)).unwrap_or_default() {
                    let _ = writeln!(wrong, "{what}: {kind}: {said}");
                }
                held += 1;
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(held > 500, "only {held} documents");
    assert!(refused.is_empty(), "what a body expresses, its engine can emit: {refused:#?}");
}

fn emit(plan: &Plan, engine: EngineName) -> (Vec<Json>, Report) {
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

#[test]
fn every_declaration_says_what_it_is() {
    for (name, text) in chaos_files("stdlib") {
        assert!(text.starts_with("//! "), "{name} has no header");
        let lines: Vec<&str> = text.lines().collect();
        for (index, line) in lines.iter().enumerate() {
            assert!(line.chars().count() <= 120, "{name}:{}: longer than 120", index + 1);
            if line.starts_with("fault ") || line.starts_with("metric ") {
                assert!(lines[index - 1].starts_with("///"), "{name}:{}: no doc comment", index + 1);
            }
        }
    }
}
