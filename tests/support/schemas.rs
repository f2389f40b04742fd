//! Holds manifests against the schemas of those who will read them: the engines' own CRDs, and Kubernetes' types.
//!
//! Comes in: a document as JSON. Goes out: what is wrong with it, as sentences; nothing if all is well. Stricter than an
//! API server, which drops an unknown field in silence: here it is refused, as it is a misspelling and the fault would
//! run without it.
//!
//! - Chaos Mesh and Litmus: the OpenAPI v3 part of the CRD as a JSON Schema, and the typed objects of a crate that binds these
//!   CRDs (`bindings.rs`).
//! - Kubernetes: read into the typed object, written again, and nothing may be lost on the way.
//! - Argo Workflows: its published CRD leaves the spec open, so a schema of the part that is emitted (`argo.rs`).
//!
//! To use it from another test: `#[path = "../support/schemas.rs"] mod schemas;`, then
//! `schemas::Schemas::beside("my test")` and `validate`.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;

use jsonschema::Validator;
use serde_json::{Map, Value, json};

#[path = "argo.rs"]
pub mod argo;
#[path = "bindings.rs"]
mod bindings;
#[path = "kubernetes.rs"]
mod kubernetes;
#[path = "shared.rs"]
pub mod shared;

/// The schemas of the engines, each read when it is first needed.
pub struct Schemas {
    corpus: PathBuf,
    /// Texts of all CRDs; the large ones take seconds to parse, so only those that are asked for are.
    definitions: Vec<(PathBuf, String)>,
    ready: RefCell<BTreeMap<String, Rc<Validator>>>,
}

impl Schemas {
    /// The folder of manifests and schemas that others wrote.
    pub fn corpus(&self) -> &std::path::Path {
        &self.corpus
    }

    /// The schemas beside the checkout, or `None` after saying that `test` is skipped (see `shared.rs`).
    pub fn beside(test: &str) -> Option<Self> {
        let corpus = shared::shared(test)?.join("corpus");
        let mut definitions = Vec::new();
        for engine in ["chaos-mesh", "litmus"] {
            for path in yaml_files(&corpus.join(engine).join("crds")) {
                let text = std::fs::read_to_string(&path).expect("a readable definition");
                definitions.push((path, text));
            }
        }
        assert!(!definitions.is_empty(), "no definitions in {}", corpus.display());
        Some(Self { corpus, definitions, ready: RefCell::default() })
    }

    /// The kinds of fault of Chaos Mesh, with the schema of their spec.
    #[allow(dead_code, reason = "not every test binary asks")]
    pub fn kinds(&self) -> Vec<(String, Value)> {
        let of_faults = |path: &PathBuf| path.file_stem().is_some_and(|s| s.to_string_lossy().ends_with("chaos"));
        let mut all = Vec::new();
        for (path, text) in self.definitions.iter().filter(|(path, _)| of_faults(path)) {
            let mut crd: Value = serde_saphyr::from_str(text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            let kind = crd["spec"]["names"]["kind"].as_str().unwrap_or_default().to_owned();
            let spec = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"].take();
            all.push((kind, spec));
        }
        all
    }

    /// What is wrong with a document; nothing if all is well. `kind` is its kind, as the schema is found by.
    pub fn validate(&self, kind: &str, document: &Value) -> Vec<String> {
        let mut wrong = Vec::new();
        if document["kind"] != kind {
            wrong.push(format!("/kind: `{}` where `{kind}` was expected", document["kind"]));
        }
        wrong.extend(kubernetes::metadata(&document["metadata"]));
        if let Some(found) = kubernetes::typed(kind, document).or_else(|| argo::workflow(kind, document)) {
            wrong.extend(found);
            return wrong;
        }
        let Some(validator) = self.validator(kind) else {
            wrong.push(format!("/kind: nobody defines `{kind}`"));
            return wrong;
        };
        let tell = |e: jsonschema::ValidationError<'_>| format!("{}: {e}", e.instance_path());
        wrong.extend(validator.iter_errors(document).map(tell));
        wrong.extend(bindings::typed(kind, document));
        wrong
    }

    /// What is wrong with each document of a stream, with the number and kind of the document before each sentence.
    pub fn validate_stream(&self, yaml: &str) -> Vec<String> {
        let mut wrong = Vec::new();
        for (number, document) in documents(yaml).iter().enumerate() {
            let kind = document["kind"].as_str().unwrap_or("nothing");
            let name = document["metadata"]["name"].as_str().unwrap_or_default();
            let found = self.validate(kind, document);
            wrong.extend(found.into_iter().map(|said| format!("document {} ({kind} {name}) {said}", number + 1)));
        }
        wrong
    }

    fn validator(&self, kind: &str) -> Option<Rc<Validator>> {
        if let Some(ready) = self.ready.borrow().get(kind) {
            return Some(Rc::clone(ready));
        }
        let line = format!("\n    kind: {kind}\n");
        let (path, text) = self.definitions.iter().find(|(_, text)| text.contains(&line))?;
        let crd: Value = serde_saphyr::from_str(text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let version = &crd["spec"]["versions"][0];
        let (group, version_name) = (crd["spec"]["group"].as_str()?, version["name"].as_str()?);
        let mut schema = closed(&version["schema"]["openAPIV3Schema"]);
        schema["properties"]["apiVersion"] = json!({ "const": format!("{group}/{version_name}") });
        schema["properties"]["kind"] = json!({ "const": kind });
        // Held against its own type.
        schema["properties"]["metadata"] = json!(true);
        schema["required"] = json!(["apiVersion", "kind", "metadata", "spec"]);
        let validator = jsonschema::validator_for(&schema).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let ready = Rc::new(validator);
        self.ready.borrow_mut().insert(kind.to_owned(), Rc::clone(&ready));
        Some(ready)
    }
}

/// The documents of a stream; empty ones (a comment between two `---`) are left out.
pub fn documents(yaml: &str) -> Vec<Value> {
    let all: Vec<Value> = serde_saphyr::from_multiple(yaml).unwrap_or_else(|e| panic!("no YAML: {e}"));
    all.into_iter().filter(|document| !document.is_null()).collect()
}

/// All `.yaml` files below a folder, sorted.
pub fn yaml_files(folder: &std::path::Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
        let path = entry.expect("a readable folder").path();
        if path.is_dir() {
            files.extend(yaml_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// The JSON Schema of a structural schema (Kubernetes' OpenAPI v3 dialect), with unknown fields refused.
///
/// A field that keeps what is unknown (`x-kubernetes-preserve-unknown-fields`) without naming any stays open; one that
/// names fields too is closed, since what it names is what its engine reads.
fn closed(schema: &Value) -> Value {
    let Value::Object(source) = schema else { return schema.clone() };
    let mut made = Map::new();
    for (word, value) in source {
        let value = match (word.as_str(), value) {
            ("properties", Value::Object(fields)) => {
                fields.iter().map(|(name, field)| (name.clone(), closed(field))).collect::<Map<_, _>>().into()
            }
            ("items", _) | ("additionalProperties", Value::Object(_)) => closed(value),
            // Words that an API server does not judge by, or that mean something else in JSON Schema.
            ("description" | "default" | "example" | "nullable" | "format", _) => continue,
            _ if word.starts_with("x-kubernetes-") => continue,
            _ => value.clone(),
        };
        made.insert(word.clone(), value);
    }
    // OpenAPI 3.0: a mark on `minimum`. JSON Schema: a bound of its own.
    for (mark, bound) in [("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")] {
        if made.get(mark) == Some(&json!(true)) {
            let value = made.remove(bound).unwrap_or_default();
            made.insert(mark.to_owned(), value);
        }
    }
    if source.get("format") == Some(&json!("int32")) {
        made.entry("minimum").or_insert(json!(i32::MIN));
        made.entry("maximum").or_insert(json!(i32::MAX));
    }
    if source.get("x-kubernetes-int-or-string") == Some(&json!(true)) {
        made.remove("type");
        made.insert("anyOf".to_owned(), json!([{ "type": "integer" }, { "type": "string" }]));
    }
    let open = source.get("x-kubernetes-preserve-unknown-fields") == Some(&json!(true));
    let embedded = source.get("x-kubernetes-embedded-resource") == Some(&json!(true));
    let object = made.get("type") == Some(&json!("object")) || made.contains_key("properties");
    let names = made.contains_key("properties");
    if object && !made.contains_key("additionalProperties") && (names || !open) {
        if embedded && let Some(fields) = made.entry("properties").or_insert(json!({})).as_object_mut() {
            for name in ["apiVersion", "kind", "metadata"] {
                fields.entry(name).or_insert(json!(true));
            }
        }
        made.insert("additionalProperties".to_owned(), json!(false));
    }
    if source.get("nullable") == Some(&json!(true))
        && let Some(only) = made.get("type").cloned()
    {
        made.insert("type".to_owned(), json!([only, "null"]));
    }
    made.into()
}
