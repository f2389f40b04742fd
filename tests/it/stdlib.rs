//! The standard library: what each fault promises, each engine keeps.
//!
//! For every fault one experiment is written with the arguments that it needs, and one more for each value that an
//! optional parameter can take: each word of an enumeration, one value of any other type.

use std::fmt::Write as _;

use perturb::check::program::{EngineBody, ExprKind, FaultItem, Item, ItemKind, Param, TypeExprKind};
use perturb::plan::{Body, EngineName, Plan};

use crate::support::{Compiled, chaos_files, compile};

const SURROUNDINGS: &str = r##"
team platform { contact: "#platform" }
service target {
  owner: platform, tier: high, replicas: 4, container: "app"
  pods: pods(namespace: "shop", labels: { app: "target" }), endpoints: ["https://target.example"]
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
        let mut arguments = vec![target(on)];
        arguments.extend(needed.iter().cloned());
        arguments.extend(varied.as_ref().map(|(p, value)| format!("{}: {value}", p.name.text)));
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

fn target(on: &Param) -> String {
    match &on.ty.kind {
        TypeExprKind::Named(name, _) => match name.text.as_str() {
            "Pods" => "one of target.pods".into(),
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
    for one in &uses {
        let plan = plan_of(&compiled, &one.experiment);
        for engine in &one.bodies {
            let body = &plan.faults[0].bodies[engine];
            let what = format!("{} with {:?} on {engine}", one.fault, one.varied);
            match body {
                Body::Expressed(entries) => {
                    if !one.named_by.contains(engine) {
                        let _ =
                            writeln!(wrong, "{what}: its body does not name the parameter, and yet it is expressed");
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
        // Some engine can do it with only what it needs: only `node.power-off` is without one.
        if one.varied.is_none() && !one.bodies.is_empty() {
            let can = one.bodies.iter().any(|e| matches!(plan.faults[0].bodies[e], Body::Expressed(_)));
            if !can {
                let _ = writeln!(wrong, "{}: no engine can do it as it is needed at least", one.fault);
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
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
