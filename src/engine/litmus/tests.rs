//! The traps of Litmus that concern what is emitted, each with a test, on variations of the language's tour.

mod objects;
mod refused;
mod whole;

use serde_json::Value as Json;

use super::{emit, json};
use crate::engine::{EmitOptions, Report};
use crate::manifest::{Arena, yaml};
use crate::plan::sample::{at, entry, step, tour as sample_tour};
use crate::plan::{Body, EngineName, Fault, Plan, StepKind};
use crate::types::Value;

/// The tour with bodies that say what they may touch, as the standard library's do.
fn tour() -> Plan {
    let mut plan = sample_tour();
    for fault in &mut plan.faults {
        let mounts = fault.name == "network.delay";
        set(fault, "access", Value::Word("workloads".into()));
        set(fault, "mounts-runtime", Value::Bool(mounts));
    }
    plan
}

/// The tour's last step alone: one fault, so one engine.
fn single() -> Plan {
    let mut plan = tour();
    plan.method = vec![step(StepKind::Inject { fault: 2, lasts: Some("5m".parse().unwrap()) }, at(20))];
    plan
}

/// Puts a field into a fault's litmus body, in place of one of that name.
fn set(fault: &mut Fault, key: &str, value: Value) {
    if let Some(Body::Expressed(entries)) = fault.bodies.get_mut(&EngineName::Litmus) {
        entries.retain(|e| e.key != key);
        entries.push(entry(key, value));
    }
}

fn set_env(plan: &mut Plan, fault: usize, key: &str, value: Value) {
    let env = vec![entry("NETWORK_LATENCY", Value::Int(10)), entry(key, value)];
    set(&mut plan.faults[fault], "env", Value::Record(env));
}

struct Emitted {
    report: Report,
    documents: Vec<Json>,
    yaml: String,
}

fn emitted(plan: &Plan) -> Emitted {
    let arena = Arena::new();
    let (mut documents, mut text, mut stream) = (Vec::new(), String::new(), yaml::Stream::default());
    let report = emit(plan, &EmitOptions::default(), &arena, &mut |node| {
        documents.push(serde_json::from_str(&json::text(node)).unwrap());
        stream.document(node, &mut text);
    });
    Emitted { report, documents, yaml: text }
}

impl Emitted {
    fn sound(self) -> Self {
        assert_eq!(self.report.diagnostics, vec![]);
        self
    }

    fn of_kind(&self, kind: &str) -> Vec<&Json> {
        self.documents.iter().filter(|d| d["kind"] == kind).collect()
    }

    fn only(&self, kind: &str) -> &Json {
        let found = self.of_kind(kind);
        assert_eq!(found.len(), 1, "{kind}: {}", found.len());
        found[0]
    }

    /// Every engine, be it a document or in a step of the workflow.
    fn engines(&self) -> Vec<Json> {
        let mut found: Vec<Json> = self.of_kind("ChaosEngine").into_iter().cloned().collect();
        found.extend(self.manifests().into_iter().filter(|m| m["kind"] == "ChaosEngine" && !m["spec"].is_null()));
        found
    }

    fn manifests(&self) -> Vec<Json> {
        self.templates()
            .iter()
            .filter_map(|t| t["resource"]["manifest"].as_str())
            .map(|text| serde_json::from_str(text).unwrap())
            .collect()
    }

    fn templates(&self) -> Vec<Json> {
        let specs = [("Workflow", "/spec/templates"), ("CronWorkflow", "/spec/workflowSpec/templates")];
        specs
            .iter()
            .flat_map(|(kind, path)| self.of_kind(kind).into_iter().filter_map(|d| d.pointer(path)))
            .flat_map(|list| list.as_array().cloned().unwrap_or_default())
            .collect()
    }

    fn codes(&self) -> Vec<String> {
        self.report.diagnostics.iter().map(|d| d.code.to_string()).collect()
    }

    /// The one error, with nothing emitted.
    fn error(&self, code: &str) -> String {
        assert_eq!(self.codes(), vec![code], "{:#?}", self.report.diagnostics);
        assert!(self.documents.is_empty(), "nothing is emitted beside an error");
        self.report.diagnostics[0].message.clone()
    }
}

/// The variables of an engine.
fn env(engine: &Json) -> Vec<(String, String)> {
    engine["spec"]["experiments"][0]["spec"]["components"]["env"]
        .as_array()
        .unwrap()
        .iter()
        .map(|v| (v["name"].as_str().unwrap().to_owned(), v["value"].as_str().expect("a text").to_owned()))
        .collect()
}

fn variable(engine: &Json, name: &str) -> Option<String> {
    env(engine).into_iter().find(|(n, _)| n == name).map(|(_, value)| value)
}

fn probes(engine: &Json) -> Vec<Json> {
    engine["spec"]["experiments"][0]["spec"]["probe"].as_array().cloned().unwrap_or_default()
}

fn probe(engine: &Json, name: &str) -> Json {
    let all = probes(engine);
    all.iter().find(|p| p["name"] == name).unwrap_or_else(|| panic!("no probe {name} in {all:#?}")).clone()
}
