//! Our tables of fields and our documents against the CRDs of Chaos Mesh and the types of Kubernetes themselves.

use serde_json::Value as Json;

use super::schemas::Schemas;
use super::{Emitted, foreign_gate, resealed, run, run_with, tour};
use crate::engine::chaos_mesh::schema::{Field, KINDS, Shape};
use crate::plan::sample::at;
use crate::plan::{KubernetesFact, Schedule, Source};

/// Fields of the CRDs that a body never names, with the reason.
const LEFT_OUT: [(&str, &str); 18] = [
    ("selector", "the engine's"),
    ("mode", "the engine's"),
    ("value", "the engine's"),
    ("duration", "the engine's"),
    ("remoteCluster", "the engine's"),
    ("stressngStressors", "T32"),
    ("tls", "T40"),
    ("atime", "T29"),
    ("mtime", "T29"),
    ("ctime", "T29"),
    ("pid", "ignored"),
    ("address", "deprecated: machines are registered"),
    ("http-abort", "no action reaches it"),
    ("http-config", "no action reaches it"),
    ("http-delay", "no action reaches it"),
    ("http-request", "no action reaches it"),
    ("redisPath", "a truth value here and a path in chaosd"),
    ("option", "checked the wrong way round"),
];

#[test]
#[expect(clippy::disallowed_methods, reason = "a test reads the engine's own schemas")]
fn our_fields_are_those_of_the_crds() {
    let Some(schemas) = Schemas::beside("our_fields_are_those_of_the_crds") else { return };
    let folder = schemas.corpus().join("chaos-mesh/crds");
    for kind in KINDS {
        let path = folder.join(format!("chaos-mesh.org_{}.yaml", kind.resource));
        let text = std::fs::read_to_string(&path).unwrap();
        let crd: Json = serde_saphyr::from_str(&text).unwrap();
        assert_eq!(crd["spec"]["names"]["plural"], kind.resource);
        assert_eq!(crd["spec"]["names"]["kind"], kind.name);
        let spec = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
        compare(kind.fields, spec, kind.name);
    }
}

fn compare(ours: &[Field], schema: &Json, path: &str) {
    let theirs = schema["properties"].as_object().unwrap_or_else(|| panic!("{path} has no fields: {schema}"));
    for (key, shape) in ours {
        let path = format!("{path}.{key}");
        let field = theirs.get(*key).unwrap_or_else(|| panic!("{path} is not in the CRD"));
        let kind = field["type"].as_str().unwrap_or_default();
        let wanted = match shape {
            Shape::Millis | Shape::Seconds | Shape::Int(..) => "integer",
            Shape::Bool => "boolean",
            Shape::Texts | Shape::WordList(_) | Shape::Pairs => "array",
            Shape::TextMap | Shape::Record(_) | Shape::Target => "object",
            _ => "string",
        };
        assert_eq!(kind, wanted, "{path}");
        if let (Shape::Words(words), Some(known)) = (shape, field["enum"].as_array()) {
            for word in *words {
                assert!(known.contains(&Json::from(*word)), "{path}: {word} is not one of {known:?}");
            }
            assert_eq!(words.len(), known.len(), "{path}: {known:?}");
        }
        if let Shape::Record(inner) = shape {
            compare(inner, field, &path);
        }
    }
    for key in theirs.keys() {
        let known = ours.iter().any(|(k, _)| k == key) || LEFT_OUT.iter().any(|(k, _)| k == key);
        assert!(known, "{path}.{key} is in the CRD and not in our table");
    }
}

#[test]
fn every_document_fits_its_schema() {
    let Some(schemas) = Schemas::beside("every_document_fits_its_schema") else { return };
    let mut plan = tour();
    plan.place.cluster.token = Some("metrics-reader".into());
    plan.streams[4].source =
        Source::Kubernetes { what: KubernetesFact::ReadyZones, pods: crate::plan::sample::pods("ledger") };
    hold(&schemas, &run(&resealed(plan.clone())));
    plan.schedule = Some(Schedule {
        verify: "weekly".into(),
        cron: "0 10 * * tue".into(),
        zone: "Asia/Jakarta".into(),
        fresh_for: None,
        among_others: false,
        drawn: None,
        span: at(60),
    });
    hold(&schemas, &run_with(&resealed(plan), &foreign_gate()));
}

fn hold(schemas: &Schemas, emitted: &Emitted) {
    assert!(!emitted.json.is_empty(), "{:?}", emitted.report);
    for document in &emitted.json {
        let wrong = schemas.validate(document["kind"].as_str().unwrap(), document);
        assert!(wrong.is_empty(), "{}: {wrong:#?}", document["kind"]);
    }
}
