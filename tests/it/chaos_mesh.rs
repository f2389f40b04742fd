//! Sources through to Chaos Mesh's manifests: the pages of its codes, and every example in every place.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use perturb::engine::{EmitOptions, chaos_mesh};
use perturb::manifest::Arena;
use perturb::plan::{EngineName, Plan};
use serde_json::Value as Json;

use crate::engine_schemas::Schemas;
use crate::support::{blocks, chaos_files, compile, read, to_json};

/// The documents of a plan as JSON, and the codes of what was refused.
fn emit(plan: &Plan) -> (Vec<Json>, Vec<String>) {
    let arena = Arena::new();
    let mut documents = Vec::new();
    let report = chaos_mesh::emit(plan, &EmitOptions::default(), &arena, &mut |node| documents.push(to_json(node)));
    (documents, report.diagnostics.iter().map(|d| format!("{} {}", d.code, d.message)).collect())
}

/// The codes of a text: of the compiler, and of Chaos Mesh's emitter in every place.
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
    for number in 601..=611 {
        let page = read(&format!("docs/errors/P0{number}.md"));
        if page.contains("\nNot shown: ") {
            continue;
        }
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
    let (mut told, mut documents_held) = (BTreeSet::new(), 0);
    for planned in compile(&files).plans {
        let Some(plan) = planned.plan.filter(|p| p.place.cluster.engines.contains(&EngineName::ChaosMesh)) else {
            continue;
        };
        let (documents, refused) = emit(&plan);
        assert_eq!(documents.is_empty(), !refused.is_empty(), "{}: {refused:?}", plan.name);
        for document in &documents {
            let kind = document["kind"].as_str().unwrap();
            let wrong = schemas.as_ref().map(|s| s.validate(kind, document)).unwrap_or_default();
            assert!(wrong.is_empty(), "{} at {}: {kind}: {wrong:#?}", plan.name, planned.place);
            documents_held += 1;
        }
        told.extend(refused.into_iter().map(|r| format!("{}: {r}", plan.name)));
        if !documents.is_empty() {
            told.insert(format!("{}: emitted", plan.name));
        }
    }
    assert!(documents_held > 100, "only {documents_held}");
    let mut text = String::new();
    told.iter().for_each(|line| {
        let _ = writeln!(text, "{line}");
    });
    insta::assert_snapshot!(text);
}
