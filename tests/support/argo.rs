//! The part of an Argo Workflow that is emitted or found in Litmus' hub, as a closed schema.
//!
//! Argo's published CRDs leave `spec` open ("minimal CRDs"), so a misspelled field passes every API server and is then
//! ignored or refused by the controller. Containers and volumes are held against Kubernetes' own types.
//!
//! Facts: the field reference of Argo Workflows 3.6 (`docs/fields.md`): WorkflowSpec, CronWorkflowSpec, Template,
//! WorkflowStep, DAGTask, ResourceTemplate, RetryStrategy, TTLStrategy, PodGC, LifecycleHook.

use k8s_openapi::api::core::v1::{Container, PodSecurityContext, Volume};
use serde_json::{Value, json};

use super::kubernetes::survives;

/// What is wrong with a workflow; `None` if `kind` is none (`Workflow` of Chaos Mesh has the same kind).
pub fn workflow(kind: &str, document: &Value) -> Option<Vec<String>> {
    if !document["apiVersion"].as_str()?.starts_with("argoproj.io/") {
        return None;
    }
    let (schema, spec) = match kind {
        "Workflow" | "WorkflowTemplate" => (document_schema(&workflow_spec()), &document["spec"]),
        "CronWorkflow" => (document_schema(&cron_spec()), &document["spec"]["workflowSpec"]),
        _ => return Some(vec![format!("/kind: no schema for `{kind}` of Argo")]),
    };
    let validator = jsonschema::validator_for(&schema).expect("the schema below is right");
    let mut wrong: Vec<String> =
        validator.iter_errors(document).map(|e| format!("{}: {e}", e.instance_path())).collect();
    wrong.extend(tell::<PodSecurityContext>("/spec/securityContext", &spec["securityContext"]));
    for volume in spec["volumes"].as_array().into_iter().flatten() {
        wrong.extend(tell::<Volume>("/spec/volumes", volume));
    }
    let templates = spec["templates"].as_array().map(Vec::as_slice).unwrap_or_default();
    for template in templates {
        let name = &template["name"];
        for place in ["container", "script"] {
            let mut container = template[place].clone();
            if let Some(fields) = container.as_object_mut() {
                // A template lends its container its name, and a script has a text beside.
                fields.entry("name").or_insert(json!("main"));
                fields.remove("source");
            }
            wrong.extend(tell::<Container>(&format!("template {name} /{place}"), &container));
        }
    }
    let known = |name: &Value| templates.iter().any(|template| template["name"] == *name);
    let steps = templates
        .iter()
        .flat_map(|t| t["steps"].as_array().into_iter().flatten().flat_map(|g| g.as_array().into_iter().flatten()));
    let tasks = templates.iter().flat_map(|t| t["dag"]["tasks"].as_array().into_iter().flatten());
    let named = steps.chain(tasks).map(|step| &step["template"]).chain([&spec["entrypoint"], &spec["onExit"]]);
    wrong.extend(
        named.filter(|n| !n.is_null() && !known(n)).map(|n| format!("/spec/templates: no template is called {n}")),
    );
    Some(wrong)
}

fn tell<T: serde::de::DeserializeOwned + serde::Serialize>(place: &str, value: &Value) -> Vec<String> {
    if value.is_null() {
        return Vec::new();
    }
    survives::<T>(value).into_iter().map(|said| format!("{place}{said}")).collect()
}

fn object(fields: Value, required: &[&str]) -> Value {
    json!({ "type": "object", "properties": fields, "required": required, "additionalProperties": false })
}

fn list(item: Value) -> Value {
    json!({ "type": "array", "items": item })
}

fn text() -> Value {
    json!({ "type": "string" })
}

fn int() -> Value {
    json!({ "type": "integer" })
}

fn int_or_text() -> Value {
    json!({ "type": ["integer", "string"] })
}

fn bool() -> Value {
    json!({ "type": "boolean" })
}

fn texts() -> Value {
    json!({ "type": "object", "additionalProperties": text() })
}

fn document_schema(spec: &Value) -> Value {
    let version = json!({ "const": "argoproj.io/v1alpha1" });
    object(
        json!({ "apiVersion": version, "kind": text(), "metadata": true, "spec": spec }),
        &["apiVersion", "kind", "metadata", "spec"],
    )
}

fn cron_spec() -> Value {
    object(
        json!({
            "schedule": text(), "schedules": list(text()), "timezone": text(), "suspend": bool(),
            "concurrencyPolicy": { "enum": ["Allow", "Forbid", "Replace"] }, "startingDeadlineSeconds": int(),
            "successfulJobsHistoryLimit": int(), "failedJobsHistoryLimit": int(),
            "workflowMetadata": metadata(), "workflowSpec": workflow_spec(),
        }),
        &["workflowSpec"],
    )
}

fn workflow_spec() -> Value {
    object(
        json!({
            "entrypoint": text(), "onExit": text(), "arguments": arguments(), "templates": list(template()),
            "serviceAccountName": text(), "automountServiceAccountToken": bool(),
            "executor": object(json!({ "serviceAccountName": text() }), &[]),
            "activeDeadlineSeconds": int(), "parallelism": int(), "suspend": bool(),
            "podGC": object(
                json!({
                    "strategy": { "enum": ["OnPodCompletion", "OnPodSuccess", "OnWorkflowCompletion", "OnWorkflowSuccess"] },
                    "deleteDelayDuration": text(), "labelSelector": true,
                }),
                &[],
            ),
            "ttlStrategy": object(
                json!({ "secondsAfterCompletion": int(), "secondsAfterSuccess": int(), "secondsAfterFailure": int() }),
                &[],
            ),
            "podMetadata": metadata(), "workflowMetadata": metadata(), "hooks": hooks(), "securityContext": true, "volumes": list(json!(true)),
            "nodeSelector": texts(), "tolerations": true, "affinity": true, "imagePullSecrets": true,
            "retryStrategy": retry(), "synchronization": true, "podPriorityClassName": text(),
        }),
        &["entrypoint", "templates"],
    )
}

fn metadata() -> Value {
    object(json!({ "labels": texts(), "annotations": texts() }), &[])
}

fn template() -> Value {
    let mut fields = json!({
        "name": text(), "inputs": inputs(), "outputs": inputs(), "metadata": metadata(),
        "container": true, "script": true, "steps": list(list(step(&[]))),
        "dag": object(json!({ "tasks": list(step(&["dependencies", "depends"])), "target": text(), "failFast": bool() }), &["tasks"]),
        "resource": object(
            json!({
                "action": { "enum": ["get", "create", "apply", "delete", "replace", "patch"] }, "manifest": text(),
                "mergeStrategy": { "enum": ["strategic", "merge", "json"] }, "setOwnerReference": bool(),
                "successCondition": text(), "failureCondition": text(), "flags": list(text()),
            }),
            &["action"],
        ),
        "suspend": object(json!({ "duration": text() }), &[]),
        "activeDeadlineSeconds": int_or_text(), "timeout": text(), "retryStrategy": retry(), "parallelism": int(),
        "failFast": bool(), "serviceAccountName": text(), "automountServiceAccountToken": bool(), "securityContext": true,
        "executor": object(json!({ "serviceAccountName": text() }), &[]), "hooks": hooks(), "volumes": list(json!(true)),
        "nodeSelector": texts(), "tolerations": true, "affinity": true, "synchronization": true, "podSpecPatch": text(),
    });
    fields["name"]["pattern"] = json!("^[a-zA-Z0-9][-a-zA-Z0-9]*$");
    let what: Vec<Value> = ["container", "script", "steps", "dag", "resource", "suspend"]
        .iter()
        .map(|w| json!({ "required": [w] }))
        .collect();
    let mut template = object(fields, &["name"]);
    template["oneOf"] = what.into();
    template
}

fn step(more: &[&str]) -> Value {
    let mut fields = json!({
        "name": text(), "template": text(), "arguments": arguments(), "when": text(), "hooks": hooks(), "onExit": text(),
        "withItems": true, "withParam": text(), "continueOn": object(json!({ "error": bool(), "failed": bool() }), &[]),
    });
    for name in more {
        fields[name] = if *name == "dependencies" { list(text()) } else { text() };
    }
    object(fields, &["name", "template"])
}

fn parameter() -> Value {
    let source = json!({
        "path": text(), "default": text(), "jsonPath": text(), "jqFilter": text(), "parameter": text(), "expression": text(),
        "supplied": true, "configMapKeyRef": true,
    });
    object(
        json!({
            "name": text(), "value": { "type": ["string", "integer", "boolean", "number"] }, "default": text(),
            "description": text(), "enum": list(text()), "globalName": text(), "valueFrom": object(source, &[]),
        }),
        &["name"],
    )
}

fn artifact() -> Value {
    let raw = object(json!({ "data": text() }), &["data"]);
    object(
        json!({ "name": text(), "path": text(), "mode": int(), "optional": bool(), "from": text(), "raw": raw }),
        &["name"],
    )
}

fn arguments() -> Value {
    object(json!({ "parameters": list(parameter()), "artifacts": list(artifact()) }), &[])
}

fn inputs() -> Value {
    let mut inputs = arguments();
    // `outputs: {}` is common in the hub.
    inputs["properties"]["exitCode"] = text();
    inputs["properties"]["result"] = text();
    inputs
}

fn hooks() -> Value {
    let hook = object(json!({ "template": text(), "arguments": arguments(), "expression": text() }), &["template"]);
    json!({ "type": "object", "additionalProperties": hook })
}

fn retry() -> Value {
    object(
        json!({
            "limit": int_or_text(), "retryPolicy": { "enum": ["Always", "OnFailure", "OnError", "OnTransientError"] },
            "expression": text(), "affinity": true,
            "backoff": object(json!({ "duration": text(), "factor": int_or_text(), "maxDuration": text(), "cap": text() }), &[]),
        }),
        &[],
    )
}
