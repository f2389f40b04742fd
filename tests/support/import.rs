//! What the tests of the importer share: manifests from plans, plans from manifests, and what both say of a method.

use perturb::engine::{EmitOptions, chaos_mesh, litmus};
use perturb::import::{Given, Imported, Options, import};
use perturb::manifest::{Arena, yaml};
use perturb::plan::{EngineName, Fault, Plan, Quantity, Selector, Step, StepKind};
use perturb::types::Value;

use crate::support::{Compiled, compile};

/// Imports texts as one project, all in one file.
pub fn imported(files: &[(&str, &str)], lossy: bool) -> Imported {
    let given: Vec<Given> =
        files.iter().map(|(name, text)| Given { name: (*name).into(), bytes: text.as_bytes().to_vec() }).collect();
    import(&given, Options { lossy, together: true })
}

/// What was found, a line each.
pub fn findings(imported: &Imported) -> String {
    let mut text = String::new();
    for d in &imported.diagnostics {
        let file = imported.sources.file(d.span.file);
        let at = file.line_column(d.span.start);
        text.push_str(&format!("{}:{}:{} {} {}\n", file.path, at.line, at.column, d.code, d.message));
    }
    text
}

/// The text with what the manifests do not say and a person must: something that must hold, and when to stop.
pub fn filled(text: &str) -> String {
    let judged =
        "// What must hold? The manifest judges nothing, so neither does this yet: `expect NAME: …`\n  hypothesis {";
    let guard = "  // When to stop early? Faults that last need `guard { abort when … }`.\n";
    let text = text.replace(judged, "hypothesis {\n    expect judged: is-up()\n");
    let text = text.replace(guard, "  guard { abort when refuted }\n");
    format!("{text}\nmetric is-up(): Bool {{ prometheus: \"max(up)\" }}\n")
}

/// The plans of an imported text.
pub fn plans(imported: &Imported) -> (Vec<Plan>, Compiled) {
    let [(name, text)] = imported.files.as_slice() else { panic!("not one text:\n{}", findings(imported)) };
    let compiled = compile(&[(name.as_str(), filled(text).as_str())]);
    let plans = compiled.plans.iter().filter_map(|p| p.plan.clone()).collect();
    (plans, compiled)
}

/// A plan that nobody judges and nothing restricts: its only fault is an object of its own.
pub fn unjudged(plan: &Plan) -> Plan {
    let mut plan = plan.clone();
    plan.expectations.clear();
    plan.guards.clear();
    plan.hours.clear();
    plan.approvals.clear();
    plan.rules.clear();
    plan.schedule = None;
    plan
}

/// The manifests of a plan as one stream; `None` if the engine cannot express it.
pub fn manifests(plan: &Plan, engine: EngineName) -> Option<String> {
    let arena = Arena::new();
    let mut text = String::new();
    let mut stream = yaml::Stream::default();
    let mut sink = |node: &perturb::manifest::Node<'_>| stream.document(node, &mut text);
    let options = EmitOptions { gate_url: Some("http://gate.chaos.svc:8080".into()), ..EmitOptions::default() };
    let report = match engine {
        EngineName::Litmus => litmus::emit(plan, &options, &arena, &mut sink),
        _ => chaos_mesh::emit(plan, &options, &arena, &mut sink),
    };
    (!report.diagnostics.iter().any(perturb::diagnostic::Diagnostic::is_error)).then_some(text)
}

/// What a method says, a line a step. Left out: `check`s, which a gate judges; rounds, which are unrolled.
pub fn method(plan: &Plan) -> Vec<String> {
    let mut lines = Vec::new();
    steps(plan, &plan.method, false, &mut lines);
    lines
}

/// `beside`: whether the steps are branches; elsewhere a sequence says nothing.
fn steps(plan: &Plan, all: &[Step], beside: bool, out: &mut Vec<String>) {
    for step in all {
        match &step.kind {
            StepKind::Inject { fault, lasts } => {
                let length = lasts.map_or_else(String::new, |d| format!(" for {}s", d.as_secs_ceil()));
                out.push(format!("{}{length}", call(plan, &plan.faults[*fault as usize])));
            }
            StepKind::With { fault, steps } => {
                out.push(format!("with {} {{", call(plan, &plan.faults[*fault as usize])));
                self::steps(plan, steps, false, out);
                out.push("}".into());
            }
            StepKind::Wait(length) => out.push(format!("wait {}s", length.as_secs_ceil())),
            StepKind::Parallel(branches) => {
                out.push("parallel {".into());
                self::steps(plan, branches, true, out);
                out.push("}".into());
            }
            StepKind::Sequence(steps) => {
                let mut inner = Vec::new();
                self::steps(plan, steps, false, &mut inner);
                // One step alone is no sequence.
                if beside && inner.len() > 1 {
                    out.push("sequence {".into());
                    out.append(&mut inner);
                    out.push("}".into());
                } else {
                    out.append(&mut inner);
                }
            }
            StepKind::Round { steps, .. } => self::steps(plan, steps, false, out),
            StepKind::Check { .. } | StepKind::Ask { .. } | StepKind::Note { .. } => {}
        }
    }
}

fn call(plan: &Plan, fault: &Fault) -> String {
    let arguments: Vec<String> =
        fault.arguments.iter().map(|e| format!("{}: {}", e.key, argument(plan, fault, &e.key, &e.value))).collect();
    format!("{}({}; {})", fault.name, draw(plan, fault.target), arguments.join(", "))
}

/// An argument; where no container is named, the service's own is meant, and an engine is told it.
fn argument(plan: &Plan, fault: &Fault, key: &str, value: &Value) -> String {
    let draw = &plan.draws[fault.target as usize];
    let own = draw.service.as_ref().and_then(|s| plan.services.get(s)?.container.clone());
    match (key, value, own) {
        ("containers", Value::List(items), Some(own)) if items.is_empty() => format!("[\"{own}\"]"),
        _ => self::value(plan, value),
    }
}

fn value(plan: &Plan, value: &Value) -> String {
    match value {
        Value::Draw(index) => draw(plan, *index),
        other => other.to_string(),
    }
}

/// A draw with its number where the catalogue knows of how many: an engine is told the number.
fn draw(plan: &Plan, index: u32) -> String {
    let draw = &plan.draws[index as usize];
    let facts = draw.service.as_ref().and_then(|s| plan.services.get(s));
    let known = match (&draw.selector, facts) {
        (Selector::Pods(pods), Some(facts)) if facts.pods.as_ref() == Some(pods) => facts.replicas,
        _ => None,
    };
    let quantity = match (draw.quantity, known) {
        (Quantity::Share(p), _) if p.to_string() == "100%" => Quantity::All,
        // Of what is named, one is all.
        (Quantity::Exactly(1), _) if draw.selector.cloud().is_some_and(|c| c.ids.len() == 1) => Quantity::All,
        (Quantity::Share(_), Some(n)) => Quantity::Exactly(draw.quantity.of(n)),
        (quantity, _) => quantity,
    };
    format!("{quantity:?} of {:?}", draw.selector)
}
