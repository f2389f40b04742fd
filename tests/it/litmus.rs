//! Sources through to Litmus' manifests: the pages of its codes, every example and every fault of the standard library.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use perturb::engine::{EmitOptions, litmus};
use perturb::manifest::{Arena, Node};
use perturb::plan::{Body, EngineName, Plan};
use serde_json::Value as Json;

use crate::engine_schemas::Schemas;
use crate::support::{blocks, chaos_files, compile, created, read};

/// The documents of a plan as JSON, and the codes of what was refused.
fn emit(plan: &Plan) -> (Vec<Json>, Vec<String>) {
    let arena = Arena::new();
    let mut documents = Vec::new();
    let report = litmus::emit(plan, &EmitOptions::default(), &arena, &mut |node| documents.push(to_json(node)));
    (documents, report.diagnostics.iter().map(|d| format!("{} {}", d.code, d.message)).collect())
}

fn to_json(node: &Node<'_>) -> Json {
    match node {
        Node::Bool(b) => Json::from(*b),
        Node::Int(n) => Json::from(*n),
        Node::Text(t) => Json::from(*t),
        Node::List(items) => items.iter().map(to_json).collect(),
        Node::Map(entries) => Json::Object(entries.iter().map(|(k, v)| ((*k).to_owned(), to_json(v))).collect()),
    }
}

/// What is wrong with the documents of a plan, and how many engines are among them.
fn held(schemas: Option<&Schemas>, documents: &[Json]) -> (Vec<String>, usize) {
    let (mut wrong, mut engines) = (Vec::new(), 0);
    for document in documents.iter().cloned().chain(documents.iter().flat_map(created)) {
        let kind = document["kind"].as_str().expect("a kind");
        let said = schemas.map(|s| s.validate(kind, &document)).unwrap_or_default();
        wrong.extend(said.into_iter().map(|said| format!("{kind}: {said}")));
        if kind == "ChaosEngine" {
            engines += 1;
            wrong.extend(misread(&document));
        }
    }
    (wrong, engines)
}

/// Variables that litmus-go reads with `strconv.Atoi`, dropping its error, in whatever fault they stand.
const NUMBERS: [&str; 12] = [
    "TOTAL_CHAOS_DURATION",
    "CHAOS_INTERVAL",
    "PODS_AFFECTED_PERC",
    "NETWORK_LATENCY",
    "JITTER",
    "CORRELATION",
    "NETWORK_PACKET_LOSS_PERCENTAGE",
    "NETWORK_PACKET_DUPLICATION_PERCENTAGE",
    "NETWORK_PACKET_CORRUPTION_PERCENTAGE",
    "MEMORY_CONSUMPTION",
    "TARGET_SERVICE_PORT",
    "LATENCY",
];

/// Variables that Litmus would read as another number than their text says.
fn misread(engine: &Json) -> Vec<String> {
    let env = engine["spec"]["experiments"][0]["spec"]["components"]["env"].as_array().expect("variables");
    env.iter()
        .filter(|v| NUMBERS.contains(&v["name"].as_str().expect("a name")))
        .filter(|v| v["value"].as_str().is_none_or(|text| text.parse::<u32>().is_err()))
        .map(|v| format!("ChaosEngine: {} is `{}`", v["name"], v["value"]))
        .collect()
}

fn codes(text: &str) -> BTreeSet<String> {
    let compiled = compile(&[("main.chaos", text)]);
    let mut found: BTreeSet<String> = compiled.diagnostics.iter().map(|d| d.code.to_string()).collect();
    for planned in &compiled.plans {
        let refused = planned.plan.as_ref().map(|p| emit(p).1).unwrap_or_default();
        found.extend(refused.iter().filter_map(|r| r.split(' ').next().map(str::to_owned)));
    }
    assert!(!compiled.plans.is_empty() || !found.is_empty(), "no plan and no finding: {}", compiled.findings());
    found
}

#[test]
fn the_pages_of_the_codes_say_what_happens() {
    let mut told = String::new();
    for number in 650..=657 {
        let page = read(&format!("docs/errors/P0{number}.md"));
        let texts: Vec<String> = blocks(&page).into_iter().map(|b| b.text).collect();
        let [wrong, right] = texts.as_slice() else { panic!("P0{number} has {} blocks", texts.len()) };
        let (wrong, right) = (codes(wrong), codes(right));
        if wrong != BTreeSet::from([format!("P0{number}")]) || !right.is_empty() {
            let _ = writeln!(told, "P0{number}: wrong gives {wrong:?}, right gives {right:?}");
        }
    }
    assert!(told.is_empty(), "{told}");
}

#[test]
fn every_example_is_valid_or_refused_by_name() {
    let files = chaos_files("examples");
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let schemas = Schemas::beside("every_example_is_valid_or_refused_by_name");
    let (mut told, mut engines) = (BTreeSet::new(), 0);
    for planned in compile(&files).plans {
        let Some(plan) = planned.plan.filter(|p| p.place.cluster.engines.contains(&EngineName::Litmus)) else {
            continue;
        };
        let (documents, refused) = emit(&plan);
        assert_eq!(documents.is_empty(), !refused.is_empty(), "{}: {refused:?}", plan.name);
        let (wrong, some) = held(schemas.as_ref(), &documents);
        assert!(wrong.is_empty(), "{} at {}: {wrong:#?}", plan.name, planned.place);
        engines += some;
        told.extend(refused.into_iter().map(|r| format!("{}: {r}", plan.name)));
        if !documents.is_empty() {
            told.insert(format!("{}: emitted", plan.name));
        }
    }
    assert!(engines > 5, "only {engines}");
    insta::assert_snapshot!(told.into_iter().collect::<Vec<_>>().join("\n"));
}

#[test]
fn every_fault_of_the_library_is_valid_with_each_of_its_parameters() {
    let schemas = Schemas::beside("every_fault_of_the_library_is_valid_with_each_of_its_parameters");
    let (uses, compiled) = crate::uses::uses();
    let (mut told, mut engines) = (BTreeSet::new(), 0);
    for one in uses.iter().filter(|u| u.bodies.contains(&EngineName::Litmus)) {
        let planned = compiled.plans.iter().find(|p| p.experiment.name == one.experiment);
        let Some(plan) = planned.and_then(|p| p.plan.as_ref()) else { panic!("`{}` has no plan", one.experiment) };
        let (documents, refused) = emit(plan);
        let (wrong, some) = held(schemas.as_ref(), &documents);
        assert!(wrong.is_empty(), "{} with {:?}: {wrong:#?}", one.fault, one.varied);
        engines += some;
        // What the body itself refuses is the library's matter; everything else is told.
        if matches!(plan.faults[0].bodies.get(&EngineName::Litmus), Some(Body::Expressed(_))) {
            let outcome = if refused.is_empty() { "emitted".to_owned() } else { refused.join("; ") };
            told.insert(format!("{}: {outcome}", one.fault));
        }
    }
    assert!(engines > 20, "only {engines}");
    insta::assert_snapshot!(told.into_iter().collect::<Vec<_>>().join("\n"));
}

/// Litmus puts HEADERS_MAP between single quotes of a shell: what comes out of these is the map that was written.
#[test]
fn headers_pass_the_shell_of_litmus() {
    let text = r##"
import std.{http}
team a { contact: "#a" }
service s { owner: a, tier: low, pods: pods(namespace: "n", labels: { app: "s" }), container: "c" }
metric good(): Bool { prometheus: "max(up)" }
cluster c { context: "c", engines: [litmus], prometheus: "https://p.example" }
environment e { clusters: [c] }
experiment quotes {
  service: s
  hypothesis { expect fine: good(), recovery automatic within 1m }
  guard { abort when not good() }
  method { http.headers(one of s.pods, port: 80, of: response, headers: { "X-Who": "it's \"we\" \\ $(id) `x`" }) for 1m }
}
"##;
    let compiled = compile(&[("main.chaos", text)]);
    assert_eq!(compiled.errors(), "");
    let plan = compiled.plans[0].plan.as_ref().expect("a plan");
    let Some(Body::Expressed(body)) = plan.faults[0].bodies.get(&EngineName::Litmus) else { panic!("no body") };
    let of = |entries: &[perturb::types::Entry], key: &str| {
        entries.iter().find(|e| e.key == key).map(|e| e.value.clone()).unwrap_or_else(|| panic!("no {key}"))
    };
    let perturb::types::Value::Record(env) = of(body, "env") else { panic!("no variables") };
    let perturb::types::Value::String(map) = of(&env, "HEADERS_MAP") else { panic!("no map") };
    let output = std::process::Command::new("/bin/sh").args(["-c", &format!("printf %s '{map}'")]).output().unwrap();
    let read: serde_json::Value = serde_json::from_slice(&output.stdout).expect("it is JSON behind the shell, too");
    assert_eq!(read, serde_json::json!({ "X-Who": "it's \"we\" \\ $(id) `x`" }), "{map}");
}
