//! Objects of Kubernetes itself, held against its types, and the metadata of every object against its API conventions.
//!
//! Facts: k8s-openapi (types); Kubernetes "Object Names and IDs", "Labels and Selectors", "Annotations" (metadata).

use k8s_openapi::api::{apps, autoscaling, batch, core, networking, policy, rbac};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

/// What is wrong with an object of Kubernetes itself; `None` if `kind` is none of those.
pub fn typed(kind: &str, document: &Value) -> Option<Vec<String>> {
    Some(match kind {
        "ClusterRole" => survives::<rbac::v1::ClusterRole>(document),
        "ClusterRoleBinding" => survives::<rbac::v1::ClusterRoleBinding>(document),
        "ConfigMap" => survives::<core::v1::ConfigMap>(document),
        "CronJob" => survives::<batch::v1::CronJob>(document),
        "Deployment" => survives::<apps::v1::Deployment>(document),
        "HorizontalPodAutoscaler" => survives::<autoscaling::v2::HorizontalPodAutoscaler>(document),
        "Job" => survives::<batch::v1::Job>(document),
        "Namespace" => survives::<core::v1::Namespace>(document),
        "NetworkPolicy" => survives::<networking::v1::NetworkPolicy>(document),
        "Pod" => survives::<core::v1::Pod>(document),
        "PodDisruptionBudget" => survives::<policy::v1::PodDisruptionBudget>(document),
        "Role" => survives::<rbac::v1::Role>(document),
        "RoleBinding" => survives::<rbac::v1::RoleBinding>(document),
        "Secret" => survives::<core::v1::Secret>(document),
        "Service" => survives::<core::v1::Service>(document),
        "ServiceAccount" => survives::<core::v1::ServiceAccount>(document),
        _ => return None,
    })
}

/// Reads a value as `T`, writes it again, and tells what was lost on the way (fields that the type does not
/// have) and what was added (fields that it must have).
pub fn survives<T: DeserializeOwned + Serialize>(value: &Value) -> Vec<String> {
    let read: T = match serde_json::from_value(value.clone()) {
        Ok(read) => read,
        Err(error) => return vec![format!(": {error}")],
    };
    let written = serde_json::to_value(read).expect("what was read can be written");
    let mut lost = Vec::new();
    compare("", value, &written, &mut lost);
    lost
}

fn compare(path: &str, before: &Value, after: &Value, lost: &mut Vec<String>) {
    match (before, after) {
        (Value::Object(fields), Value::Object(kept)) => {
            for (name, value) in fields {
                let path = format!("{path}/{name}");
                match kept.get(name) {
                    Some(kept) => compare(&path, value, kept, lost),
                    None if value.is_null() => {}
                    None => lost.push(format!("{path}: no such field")),
                }
            }
            // What the type must have and the text has not is written as its default.
            let missing = kept.keys().filter(|name| !fields.contains_key(*name));
            lost.extend(missing.map(|name| format!("{path}/{name}: missing")));
        }
        (Value::Array(items), Value::Array(kept)) if items.len() == kept.len() => {
            for (position, (item, kept)) in items.iter().zip(kept).enumerate() {
                compare(&format!("{path}/{position}"), item, kept, lost);
            }
        }
        _ if before == after => {}
        _ => lost.push(format!("{path}: `{before}` is read as `{after}`")),
    }
}

/// What is wrong with an object's metadata: names, labels and annotations that an API server refuses.
pub fn metadata(metadata: &Value) -> Vec<String> {
    let mut wrong: Vec<String> =
        survives::<ObjectMeta>(metadata).iter().map(|said| format!("/metadata{said}")).collect();
    let mut say = |place: String| wrong.push(place);
    match (metadata["name"].as_str(), metadata["generateName"].as_str()) {
        (Some(name), _) if !is_subdomain(name) => say(format!("/metadata/name: `{name}` is not an RFC 1123 subdomain")),
        (None, None) => say("/metadata/name: missing".to_owned()),
        _ => {}
    }
    if let Some(namespace) = metadata["namespace"].as_str()
        && !is_label(namespace)
    {
        say(format!("/metadata/namespace: `{namespace}` is not an RFC 1123 label"));
    }
    for (place, values) in [("labels", true), ("annotations", false)] {
        for (key, value) in metadata[place].as_object().into_iter().flatten() {
            if !is_key(key) {
                say(format!("/metadata/{place}: `{key}` is not a key"));
            }
            if values && !value.as_str().is_some_and(is_label_value) {
                say(format!("/metadata/{place}/{key}: {value} is not a label's value"));
            }
        }
    }
    wrong
}

fn is_label(text: &str) -> bool {
    text.len() <= 63 && is_part(text)
}

fn is_subdomain(text: &str) -> bool {
    // Only the whole has a bound: a part may be longer than a label.
    text.len() <= 253 && text.split('.').all(is_part)
}

fn is_part(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    !text.is_empty() && text.chars().all(inner) && !text.starts_with('-') && !text.ends_with('-')
}

fn is_label_value(text: &str) -> bool {
    let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    text.is_empty()
        || (text.len() <= 63 && text.chars().all(inner) && ends(text.chars().next()) && ends(text.chars().last()))
}

fn is_key(text: &str) -> bool {
    let (prefix, name) = text.split_once('/').map_or((None, text), |(prefix, name)| (Some(prefix), name));
    prefix.is_none_or(is_subdomain) && !name.is_empty() && is_label_value(name)
}
