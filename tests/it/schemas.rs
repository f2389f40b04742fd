//! The schemas judge right: examples of the engines' own makers pass, and what is wrong is refused with its place.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::engine_schemas::{Schemas, documents, yaml_files};

/// Kinds among the examples that Perturb never emits, and nobody here defines.
const NOT_OURS: &[&str] = &["PersistentVolume", "PersistentVolumeClaim", "Ingress"];

/// What is wrong with the makers' own examples, all of it: the file's name, and what is said of it.
const WRONG_EXAMPLES: &[(&str, &str)] = &[
    ("remote-cluster.yaml", "/spec: \"version\" is a required property"),
    ("remote-cluster.yaml", "missing field `version`"),
    // Templates that somebody fills in before they are applied.
    ("experiment.yaml", "is not a label's value"),
    ("experiment_cron.yaml", "is not a label's value"),
    ("argowf-chaos-admin.yaml", "`argowf-chaos-` is not an RFC 1123 subdomain"),
];

fn examples(schemas: &Schemas) -> Vec<(PathBuf, Value)> {
    let mut all = Vec::new();
    for part in ["chaos-mesh/examples", "litmus/faults", "litmus/experiments", "litmus/service-accounts"] {
        for path in yaml_files(&schemas.corpus().join(part)) {
            let text = std::fs::read_to_string(&path).expect("a readable example");
            all.extend(documents(&text).into_iter().map(|document| (path.clone(), document)));
        }
    }
    all.retain(|(_, document)| !NOT_OURS.contains(&kind(document)));
    assert!(all.len() > 150, "only {} examples", all.len());
    all
}

fn kind(document: &Value) -> &str {
    document["kind"].as_str().unwrap_or_default()
}

fn is_expected(path: &Path, said: &str) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    WRONG_EXAMPLES.iter().any(|(file, wrong)| *file == name && said.contains(wrong))
}

#[test]
fn the_makers_own_examples_pass() {
    let Some(schemas) = Schemas::beside("the_makers_own_examples_pass") else { return };
    let (mut refused, mut wrong) = (0, Vec::new());
    for (path, document) in examples(&schemas) {
        for said in schemas.validate(kind(&document), &document) {
            if is_expected(&path, &said) {
                refused += 1;
            } else {
                wrong.push(format!("{}: {said}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(refused >= 3, "wrong examples are refused too: {refused}");
}

/// Puts a field that nobody has into every object of every example, one at a time.
#[test]
fn an_unknown_field_is_refused_wherever_it_stands() {
    let Some(schemas) = Schemas::beside("an_unknown_field_is_refused_wherever_it_stands") else { return };
    let (mut tried, mut passed) = (0, Vec::new());
    let mut seen = std::collections::BTreeSet::new();
    for (path, document) in examples(&schemas) {
        // Two examples of a kind in a folder differ in values; the hub's faults all have one shape.
        if !seen.insert((path.parent().map(Path::to_owned), kind(&document).to_owned())) && seen.len() > 40 {
            continue;
        }
        let mut places = Vec::new();
        objects("", &document, &mut places);
        for place in places {
            let mut changed = document.clone();
            let object = changed.pointer_mut(&place).and_then(Value::as_object_mut).expect("it was there");
            object.insert("noSuchField".to_owned(), json!({ "x": [1] }));
            tried += 1;
            let found = schemas.validate(kind(&document), &changed);
            if found.iter().all(|said| is_expected(&path, said)) {
                passed.push(format!("{}: {} {place}", path.display(), kind(&document)));
            }
        }
    }
    assert!(passed.is_empty(), "{}", passed.join("\n"));
    assert!(tried > 1_000, "only {tried} places were tried");
}

fn objects(place: &str, value: &Value, out: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            out.push(place.to_owned());
            for (name, value) in fields {
                objects(&format!("{place}/{}", name.replace('~', "~0").replace('/', "~1")), value, out);
            }
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, item)| objects(&format!("{place}/{i}"), item, out));
        }
        _ => {}
    }
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let Some(schemas) = Schemas::beside("what_is_wrong_is_told_with_its_place") else { return };
    let good = json!({
        "apiVersion": "chaos-mesh.org/v1alpha1", "kind": "NetworkChaos", "metadata": { "name": "slow", "namespace": "pay" },
        "spec": {
            "action": "delay", "mode": "fixed-percent", "value": "50", "delay": { "latency": "300ms" },
            "selector": { "namespaces": ["pay"], "labelSelectors": { "app": "ledger" } },
        },
    });
    assert_eq!(schemas.validate("NetworkChaos", &good), Vec::<String>::new());
    let refused = |pointer: &str, value: Value| {
        let mut document = good.clone();
        *document.pointer_mut(pointer).expect("a place of the example") = value;
        schemas.validate("NetworkChaos", &document).join("; ")
    };
    for (pointer, value, expected) in [
        ("/spec/delay", json!({ "latency": 300 }), "/spec/delay/latency"),
        ("/spec/delay", json!({ "latenzy": "300ms" }), "'latenzy' was unexpected"),
        ("/spec/mode", json!("most"), "/spec/mode"),
        ("/apiVersion", json!("chaos-mesh.org/v1"), "/apiVersion"),
        ("/metadata", json!({}), "/metadata/name: missing"),
        ("/metadata/name", json!("Slow"), "/metadata/name: `Slow`"),
        ("/metadata", json!({ "name": "a", "labels": { "a": "b c" } }), "/metadata/labels/a"),
        ("/metadata", json!({ "name": "a", "annotations": { "/a": "" } }), "/metadata/annotations"),
        ("/metadata", json!({ "name": "a", "label": {} }), "/metadata/label: no such field"),
        ("/spec/selector", json!(null), "/spec/selector"),
    ] {
        let said = refused(pointer, value);
        assert!(said.contains(expected), "{pointer}: expected {expected}, got: {said}");
    }
    let role = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": { "name": "gate" },
        "rules": [{ "apiGroups": [""], "resources": ["pods"], "verb": ["get"] }],
    });
    let said = schemas.validate("Role", &role).join("; ");
    assert!(said.contains("/rules/0/verb: no such field") && said.contains("/rules/0/verbs: missing"), "{said}");
    let stream = format!("{good}\n---\n# nothing\n---\n{role}\n");
    let said = schemas.validate_stream(&stream);
    assert!(said.iter().all(|said| said.starts_with("document 2 (Role gate) /rules/0/verb")), "{said:?}");
    assert_eq!(
        schemas.validate("Rolle", &json!({ "kind": "Rolle", "metadata": { "name": "a" } })),
        ["/kind: nobody defines `Rolle`"]
    );
}
