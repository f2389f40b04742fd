//! compile(import(m)) is the same object as m, by Chaos Mesh's own defaulting, for every manifest of the corpus that is
//! right and can be said (`tests/it/import.rs` holds the list of the others).
//!
//! Both go through the engine's admission code with its defaults written out. What may differ is written down here: the
//! object's name and labels, the spelling of lengths and shares, and the phase of pods, which the compiler always adds (dead
//! pods are candidates otherwise).

use std::fmt::Write as _;

use perturb::plan::{EngineName, Step};
use serde_json::Value as Json;

use crate::engine_schemas::shared::shared;
use crate::import_support::{findings, imported, manifests, plans, unjudged};
use crate::oracle::judge;
use crate::programs::{Program, program};

#[test]
fn what_is_imported_compiles_to_the_same_object() {
    const NAME: &str = "what_is_imported_compiles_to_the_same_object";
    let (Some(oracle), Some(shared)) = (program(NAME, Program::Oracle), shared(NAME)) else { return };
    let (mut wrong, mut same) = (String::new(), 0);
    let mut open = vec![shared.join("corpus/chaos-mesh/examples")];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let imported = imported(&[("manifest.yaml", &text)], false);
            if imported.files.is_empty() {
                // Whatever cannot be said is in the list; what the engine refuses must be among it.
                continue;
            }
            let before: Vec<Json> = accepted(&judge(&oracle, &text), &path, &imported, &mut wrong);
            let (plans, _) = plans(&imported);
            let mut after = Vec::new();
            for plan in &plans {
                // A Workflow's frame is ours: its faults are compared, each as an object of its own.
                for step in faults(&plan.method) {
                    let mut one = unjudged(plan);
                    one.method = vec![step];
                    match manifests(&one, EngineName::ChaosMesh) {
                        Some(text) => after.extend(specs(&judge(&oracle, &text))),
                        None => {
                            let _ = writeln!(wrong, "{}: what is imported cannot be compiled", path.display());
                        }
                    }
                }
            }
            if before == after {
                same += before.len();
            } else {
                let text = |all: &[Json]| serde_json::to_string_pretty(all).unwrap();
                let _ = writeln!(wrong, "{}:\n{}\nbecame\n{}", path.display(), text(&before), text(&after));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    eprintln!("{NAME}: {same} objects");
    assert!(same >= 10, "only {same}");
}

/// What was accepted; a manifest that the engine refuses and that was imported all the same is wrong.
fn accepted(
    verdicts: &[Json],
    path: &std::path::Path,
    imported: &perturb::import::Imported,
    wrong: &mut String,
) -> Vec<Json> {
    for verdict in verdicts.iter().filter(|v| v["verdict"] == "rejected") {
        let _ = writeln!(
            wrong,
            "{}: Chaos Mesh refuses it ({}), and it was imported\n{}",
            path.display(),
            verdict["error"],
            findings(imported)
        );
    }
    specs(verdicts)
}

/// The steps that inject, in order.
fn faults(steps: &[Step]) -> Vec<Step> {
    use perturb::plan::StepKind;
    let mut all = Vec::new();
    for step in steps {
        match &step.kind {
            StepKind::Inject { .. } => all.push(step.clone()),
            StepKind::With { steps, .. }
            | StepKind::Parallel(steps)
            | StepKind::Sequence(steps)
            | StepKind::Round { steps, .. } => {
                all.extend(faults(steps));
            }
            _ => {}
        }
    }
    all
}

/// The specs of faults, of objects of their own and of a Workflow's templates, each with the length that it has.
fn specs(verdicts: &[Json]) -> Vec<Json> {
    let mut all = Vec::new();
    for verdict in verdicts.iter().filter(|v| v["verdict"] == "accepted") {
        let object = &verdict["defaulted"];
        let templates = object["spec"]["templates"].as_array();
        match templates {
            Some(_) => in_order(object, object["spec"]["entry"].as_str().unwrap_or_default(), &mut all),
            None => all.push(normal(&object["kind"], &object["spec"], &object["spec"]["duration"])),
        }
    }
    all
}

/// The faults below a template, in the order in which they begin.
fn in_order(workflow: &Json, name: &str, all: &mut Vec<Json>) {
    let Some(template) = workflow["spec"]["templates"].as_array().and_then(|t| t.iter().find(|t| t["name"] == name))
    else {
        return;
    };
    for child in template["children"].as_array().into_iter().flatten() {
        in_order(workflow, child.as_str().unwrap_or_default(), all);
    }
    let kind = template["templateType"].as_str().unwrap_or_default();
    let body = template
        .as_object()
        .and_then(|t| t.iter().find(|(k, _)| kind.ends_with("Chaos") && k.eq_ignore_ascii_case(kind)));
    if let Some((_, spec)) = body {
        all.push(normal(&template["templateType"], spec, &template["deadline"]));
    }
}

/// A spec in one spelling.
fn normal(kind: &Json, spec: &Json, length: &Json) -> Json {
    let mut spec = spec.clone();
    let once = matches!(spec["action"].as_str(), Some("pod-kill" | "container-kill"));
    if let Some(fields) = spec.as_object_mut() {
        // Of what happens once, Chaos Mesh ignores the duration.
        fields.remove("duration");
        if !once {
            fields.insert("duration".into(), length.clone());
        }
    }
    tidy(&mut spec);
    if kind == "PhysicalMachineChaos" {
        // The webhook fills these in for pods alone; on a machine, what is not there is what the text says: none of it.
        for (_, body) in spec.as_object_mut().into_iter().flatten().filter(|(action, _)| action.starts_with("network-"))
        {
            body.as_object_mut().into_iter().for_each(|f| f.retain(|key, v| !is_no_netem(key, v)));
        }
    }
    serde_json::json!({ "kind": kind, "spec": spec })
}

fn is_no_netem(key: &str, value: &Json) -> bool {
    key == "jitter" && *value == "0ns" || key == "correlation" && *value == "0"
}

/// Lengths in nanoseconds, shares as numbers, nothing empty, no phase of pods.
fn tidy(value: &mut Json) {
    // A manifest without a namespace is in `default` for whoever applies it; the admission code alone cannot know.
    if *value == serde_json::json!([""]) {
        *value = serde_json::json!(["default"]);
    }
    match value {
        Json::Object(fields) => {
            fields.remove("podPhaseSelectors");
            fields.retain(|_, v| !v.is_null() && *v != "" && *v != Json::Array(vec![]) && *v != serde_json::json!({}));
            // A name that the webhook makes from the clock.
            fields.retain(|k, _| k != "uid");
            fields.values_mut().for_each(tidy);
        }
        Json::Array(items) => items.iter_mut().for_each(tidy),
        Json::String(text) => {
            if let Some(nanos) = go_nanos(text) {
                *value = Json::from(format!("{nanos}ns"));
            } else if let Ok(number) = text.parse::<f64>() {
                *value = Json::from(number.to_string());
            }
        }
        _ => {}
    }
}

/// A Go duration in nanoseconds.
fn go_nanos(text: &str) -> Option<i128> {
    let (sign, mut rest) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let mut total = 0i128;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: i128 = rest[..digits].parse().ok()?;
        let tail = &rest[digits..];
        let end = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let unit = match &tail[..end] {
            "ns" => 1,
            "us" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => return None,
        };
        total += number * unit;
        rest = &tail[end..];
    }
    (!text.is_empty()).then_some(sign * total)
}
