//! What is emitted, held against the numbered traps of Chaos Mesh (`t…`), the rules of the gate (`g…`) and snapshots.

mod admission;
mod gate;
#[allow(
    dead_code,
    clippy::disallowed_methods,
    reason = "shared with the tests from outside: reads the engines' schemas"
)]
#[path = "../../../../tests/support/schemas.rs"]
mod schemas;
mod shape;
mod traps;

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::engine::chaos_mesh::emit;
use crate::engine::{EmitOptions, Report};
use crate::manifest::{Arena, Node, yaml};
use crate::plan::sample::{at, entry, pods, step};
use crate::plan::{Body, Effect, EngineName, Fault, Plan, Quantity, StepKind};
use crate::types::{Duration, Entry, Value};

/// What an emission gave: the documents as YAML and as JSON, and the report.
struct Emitted {
    yaml: Vec<String>,
    json: Vec<Json>,
    report: Report,
}

impl Emitted {
    /// The documents of a kind.
    fn all<'e>(&'e self, kind: &str) -> impl Iterator<Item = &'e Json> + use<'e> {
        let kind = kind.to_owned();
        self.json.iter().filter(move |d| d["kind"] == kind)
    }

    /// The only document of a kind.
    fn only(&self, kind: &str) -> &Json {
        let found: Vec<_> = self.all(kind).collect();
        assert_eq!(found.len(), 1, "{kind}: {:?}", self.report);
        found[0]
    }

    /// The templates of the Workflow, or of the Schedule's.
    fn templates(&self) -> &Vec<Json> {
        let holder = self.json.last().expect("a document");
        let spec = &holder["spec"];
        let templates = if holder["kind"] == "Schedule" { &spec["workflow"]["templates"] } else { &spec["templates"] };
        templates.as_array().expect("templates")
    }

    /// A template by its name.
    fn template(&self, name: &str) -> &Json {
        let found = self.templates().iter().find(|t| t["name"] == name);
        found.unwrap_or_else(|| panic!("no template {name} in {}", self.yaml.last().unwrap()))
    }

    /// The YAML of the document of a kind.
    fn yaml_of(&self, kind: &str) -> &str {
        &self.yaml[self.json.iter().position(|d| d["kind"] == kind).expect("the kind")]
    }

    /// Codes of the diagnostics.
    fn codes(&self) -> Vec<String> {
        self.report.diagnostics.iter().map(|d| d.code.to_string()).collect()
    }

    /// What is approximate.
    fn approximate(&self) -> Vec<&'static str> {
        self.report.approximations.iter().map(|a| a.what).collect()
    }
}

fn run(plan: &Plan) -> Emitted {
    run_with(plan, &EmitOptions::default())
}

fn run_with(plan: &Plan, options: &EmitOptions) -> Emitted {
    let arena = Arena::new();
    let (mut texts, mut json) = (Vec::new(), Vec::new());
    let report = emit(plan, options, &arena, &mut |node| {
        let mut text = String::new();
        yaml::write(node, &mut text);
        texts.push(text);
        json.push(to_json(node));
    });
    Emitted { yaml: texts, json, report }
}

/// A gate that runs already: the Workflow alone.
fn foreign_gate() -> EmitOptions {
    EmitOptions { gate_url: Some("http://gate.ops.svc:8080".into()), ..EmitOptions::default() }
}

fn to_json(node: &Node<'_>) -> Json {
    match node {
        Node::Bool(b) => Json::from(*b),
        Node::Int(n) => Json::from(*n),
        Node::Text(t) => Json::from(*t),
        Node::List(items) => items.iter().map(to_json).collect(),
        Node::Map(entries) => {
            let map: serde_json::Map<_, _> = entries.iter().map(|(k, v)| ((*k).to_owned(), to_json(v))).collect();
            assert_eq!(map.len(), entries.len(), "a key twice in {entries:?}");
            Json::Object(map)
        }
    }
}

/// The tour with a new digest.
fn tour() -> Plan {
    crate::plan::sample::tour()
}

fn resealed(mut plan: Plan) -> Plan {
    plan.digest = plan.compute_digest();
    plan
}

/// The tour with another method.
fn with_method(method: Vec<StepKind>) -> Plan {
    let mut plan = tour();
    plan.method = method.into_iter().enumerate().map(|(i, k)| step(k, at(40 + i as u32))).collect();
    resealed(plan)
}

/// One fault for a time, judged by nobody.
fn lone(fault: Fault, lasts: Option<&str>) -> Plan {
    let mut plan = tour();
    plan.expectations.clear();
    plan.guards.clear();
    plan.faults = vec![fault];
    plan.method = vec![step(StepKind::Inject { fault: 0, lasts: lasts.map(seconds) }, at(40))];
    resealed(plan)
}

fn seconds(text: &str) -> Duration {
    text.parse().unwrap()
}

/// A fault of a kind with these fields.
fn fault_of(kind: &str, effect: Effect, spec: Vec<Entry>) -> Fault {
    Fault {
        name: "own.fault".into(),
        title: "A fault of one's own.".into(),
        target: 1,
        arguments: vec![],
        given: vec![],
        effect,
        mechanism: "own".into(),
        irreversible: None,
        lost_on_restart: false,
        ends_after: None,
        bodies: BTreeMap::from([(
            EngineName::ChaosMesh,
            Body::Expressed(vec![entry("kind", Value::String(kind.into())), entry("spec", Value::Record(spec))]),
        )]),
        span: at(50),
    }
}

/// The emission of a lone lasting fault.
fn lasting(kind: &str, spec: Vec<Entry>) -> Emitted {
    run(&lone(fault_of(kind, Effect::Lasting, spec), Some("5m")))
}

fn word(text: &str) -> Value {
    Value::String(text.into())
}

fn record(entries: Vec<Entry>) -> Value {
    Value::Record(entries)
}

fn texts(items: &[&str]) -> Value {
    Value::List(items.iter().map(|t| word(t)).collect())
}
