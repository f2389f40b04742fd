//! Server-side apply of everything that is emitted, to a real API server with the CRDs of both engines and Chaos Mesh's
//! own webhooks: unknown fields refused, as a dry run. Nothing may be rejected.
//!
//! Kinds of Argo Workflows have no definition in the engines' corpus: theirs is the open one that Argo publishes, which
//! judges the metadata; the spec is held by `tests/support/argo.rs`, and the objects that its steps create are applied
//! here as well.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use perturb::plan::EngineName;
use serde_json::{Value as Json, json};

use crate::control_plane::cluster;
use crate::emitted;
use crate::engine_schemas::argo;
use crate::support::created;

fn kind(document: &Json) -> String {
    document["kind"].as_str().expect("a kind").to_owned()
}

#[test]
fn a_real_api_server_takes_everything() {
    const NAME: &str = "a_real_api_server_takes_everything";
    let Some(cluster) = cluster(NAME) else { return };
    let mut all: Vec<(String, Json)> = Vec::new();
    let mut wrong = String::new();
    for document in emitted::all() {
        all.push((document.from.clone(), document.json.clone()));
        all.extend(created(&document.json).into_iter().map(|inner| (format!("{}, a step", document.from), inner)));
        for said in argo::workflow(&kind(&document.json), &document.json).unwrap_or_default() {
            let _ = writeln!(wrong, "{}: {said}", document.from);
        }
    }
    let (mut kinds, mut engines) = (BTreeMap::<String, usize>::new(), BTreeSet::new());
    cluster.run(async {
        let namespaces: BTreeSet<&str> =
            all.iter().filter_map(|(_, document)| document["metadata"]["namespace"].as_str()).collect();
        for namespace in namespaces {
            cluster.namespace(namespace).await;
        }
        for (from, document) in &all {
            match cluster.try_apply(document).await {
                Ok(_) => *kinds.entry(kind(document)).or_default() += 1,
                Err(said) => drop(writeln!(wrong, "{from}: {}: {said}", kind(document))),
            }
        }
    });
    engines.extend(emitted::all().iter().map(|e| e.engine));
    assert!(wrong.is_empty(), "{wrong}");
    assert!(engines.len() == 2 && kinds.contains_key("ChaosEngine") && kinds.contains_key("Schedule"), "{kinds:?}");
    eprintln!("{NAME}: {} documents: {kinds:?}", all.len());
}

/// The server refuses what it should.
#[test]
fn a_real_api_server_refuses_what_is_wrong() {
    let Some(cluster) = cluster("a_real_api_server_refuses_what_is_wrong") else { return };
    let find = |engine, kind: &str| {
        let found = emitted::all().iter().find(|e| e.engine == engine && e.json["kind"] == kind);
        found.unwrap_or_else(|| panic!("no {kind} is emitted")).json.clone()
    };
    let workflow = find(EngineName::ChaosMesh, "Workflow");
    let engine = find(EngineName::Litmus, "ChaosEngine");
    let cases = [
        (&workflow, "/spec/templates/0/deadlin", json!("5m"), "field not declared in schema"),
        // The webhook's: the schema lets it pass.
        (&workflow, "/spec/entry", json!("nobody"), "nobody"),
        // An unknown key of a ChaosEngine passes: its CRD keeps or drops it without a word. The schemas beside refuse it.
        (&engine, "/spec/engineState", json!("on"), "engineState"),
    ];
    cluster.run(async {
        for (document, place, value, expected) in cases {
            let mut spoilt = document.clone();
            let (parent, key) = place.rsplit_once('/').unwrap();
            spoilt.pointer_mut(parent).unwrap()[key] = value;
            cluster.namespace(document["metadata"]["namespace"].as_str().unwrap()).await;
            let said = cluster.try_apply(&spoilt).await.expect_err(place).to_string();
            assert!(said.contains(expected), "{place}: {said}");
        }
    });
}
