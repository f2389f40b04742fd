//! The table of `docs/conformance.md` that says of each action and fault how many manifests were judged, how many of them were
//! refused, and whether it was also run (`PERTURB_BLESS=1` writes it).
//!
//! Counted are the manifests of the library, each different one once. Chaos Mesh's are judged by its own admission code and
//! the CRD schemas, Litmus' by the CRD schemas and the model of how it reads (`litmus/variables.rs`); all of them are also
//! taken by a real API server (`apply.rs`).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use perturb::engine::EmitOptions;
use perturb::plan::{Body, EngineName};
use serde_json::Value as Json;

use crate::chaos_mesh::daemon::without_daemon;
use crate::emitted::{self, Emitted};
use crate::engine_schemas::Schemas;
use crate::oracle::judge;
use crate::programs::{Program, program};
use crate::support::hold;

/// How often something was judged, and refused.
#[derive(Default)]
struct Judged {
    manifests: usize,
    refused: usize,
    run: &'static str,
}

/// Kind and action of each fault in a document of Chaos Mesh, and how it was run.
fn faults_in(document: &Json) -> BTreeSet<(String, String, &'static str)> {
    let mut found = BTreeSet::new();
    for template in document["spec"]["templates"].as_array().into_iter().flatten() {
        let kind = template["templateType"].as_str().unwrap_or_default();
        let embedded = template.as_object().and_then(|t| t.iter().find(|(key, _)| key.ends_with("Chaos")));
        let Some((_, spec)) = embedded else { continue };
        let action = spec["action"].as_str().unwrap_or("–").to_owned();
        let run = match (kind, without_daemon(kind, spec)) {
            ("PodChaos", Some(_)) => "run: pods die and come back",
            (_, None) => "run by its controllers, with a stand-in for the daemon",
            _ => "only judged",
        };
        found.insert((kind.to_owned(), action, run));
    }
    found
}

/// What the library gives for an engine, with the fault of the hub where it is Litmus'; each document once.
fn of_the_library(engine: EngineName) -> Vec<(String, Emitted)> {
    let mut all = Vec::new();
    let mut seen = BTreeSet::new();
    for (uses, compiled) in [crate::uses::uses(), crate::uses::other_targets()] {
        for one in &uses {
            let plan = crate::uses::plan_of(&compiled, &one.experiment);
            let Some(body @ Body::Expressed(_)) = plan.faults[0].bodies.get(&engine) else { continue };
            let fault = body.field("fault").and_then(|v| v.as_text()).unwrap_or_default().to_owned();
            let documents = emitted::emit(plan, engine, &EmitOptions::default(), &one.experiment);
            all.extend(documents.into_iter().map(|document| (fault.clone(), document)));
        }
    }
    all.retain(|(_, document)| seen.insert(document.yaml.clone()));
    all
}

#[test]
fn the_page_says_what_was_judged_and_what_was_run() {
    const NAME: &str = "the_page_says_what_was_judged_and_what_was_run";
    let (Some(oracle), Some(schemas)) = (program(NAME, Program::Oracle), Schemas::beside(NAME)) else { return };
    let refused_by_schema = |document: &Emitted| {
        let kind = document.json["kind"].as_str().unwrap_or_default();
        !schemas.validate(kind, &document.json).is_empty()
    };

    let documents = of_the_library(EngineName::ChaosMesh);
    let stream: Vec<&str> = documents.iter().map(|(_, d)| d.yaml.as_str()).collect();
    let verdicts = judge(&oracle, &stream.join("---\n"));
    assert_eq!(verdicts.len(), documents.len());
    let mut rows: BTreeMap<(String, String), Judged> = BTreeMap::new();
    for ((_, document), verdict) in documents.iter().zip(&verdicts) {
        let refused = verdict["verdict"] == "rejected" || refused_by_schema(document);
        for (kind, action, run) in faults_in(&document.json) {
            let row = rows.entry((kind, action)).or_default();
            row.manifests += 1;
            row.refused += usize::from(refused);
            row.run = run;
        }
    }
    let mut table =
        String::from("| kind | action | manifests judged | refused | run |\n| --- | --- | --- | --- | --- |\n");
    for ((kind, action), judged) in &rows {
        let _ = writeln!(table, "| {kind} | `{action}` | {} | {} | {} |", judged.manifests, judged.refused, judged.run);
    }
    assert!(rows.len() > 60, "only {} actions", rows.len());
    assert_eq!(rows.values().map(|r| r.refused).sum::<usize>(), 0, "{table}");
    hold("docs/conformance.md", "chaos-mesh judged", &table);

    let mut rows: BTreeMap<String, Judged> = BTreeMap::new();
    for (fault, document) in of_the_library(EngineName::Litmus) {
        if document.json["apiVersion"].as_str().is_some_and(|v| v.starts_with("litmuschaos.io/")) {
            let row = rows.entry(fault).or_default();
            row.manifests += 1;
            row.refused += usize::from(refused_by_schema(&document));
        }
    }
    let mut table = String::from("| fault | manifests judged | refused |\n| --- | --- | --- |\n");
    for (fault, judged) in &rows {
        let _ = writeln!(table, "| `{fault}` | {} | {} |", judged.manifests, judged.refused);
    }
    assert_eq!(rows.len(), 53, "{table}");
    assert_eq!(rows.values().map(|r| r.refused).sum::<usize>(), 0, "{table}");
    hold("docs/conformance.md", "litmus judged", &table);
}
