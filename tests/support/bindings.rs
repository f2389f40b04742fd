//! Objects of Chaos Mesh and Litmus, held against the types of a crate that others generate from these CRDs.
//!
//! It is one reading more beside the schema: a word of an enumeration, the type of a number, a field's exact name. Facts:
//! kube-custom-resources-rs.

use kube_custom_resources_rs::chaos_mesh_org::v1alpha1 as chaos_mesh;
use kube_custom_resources_rs::litmuschaos_io::v1alpha1 as litmus;
use serde_json::Value;

use super::kubernetes::survives;

/// What is wrong with an object of an engine.
pub fn typed(kind: &str, document: &Value) -> Vec<String> {
    let document = &bound(kind, document.clone());
    match kind {
        "AWSChaos" => survives::<chaos_mesh::awschaos::AWSChaos>(document),
        "AzureChaos" => survives::<chaos_mesh::azurechaos::AzureChaos>(document),
        "BlockChaos" => survives::<chaos_mesh::blockchaos::BlockChaos>(document),
        "DNSChaos" => survives::<chaos_mesh::dnschaos::DNSChaos>(document),
        "GCPChaos" => survives::<chaos_mesh::gcpchaos::GCPChaos>(document),
        "HTTPChaos" => survives::<chaos_mesh::httpchaos::HTTPChaos>(document),
        "IOChaos" => survives::<chaos_mesh::iochaos::IOChaos>(document),
        "JVMChaos" => survives::<chaos_mesh::jvmchaos::JVMChaos>(document),
        "KernelChaos" => survives::<chaos_mesh::kernelchaos::KernelChaos>(document),
        "NetworkChaos" => survives::<chaos_mesh::networkchaos::NetworkChaos>(document),
        "PhysicalMachineChaos" => survives::<chaos_mesh::physicalmachinechaos::PhysicalMachineChaos>(document),
        "PhysicalMachine" => survives::<chaos_mesh::physicalmachines::PhysicalMachine>(document),
        "PodChaos" => survives::<chaos_mesh::podchaos::PodChaos>(document),
        "RemoteCluster" => survives::<chaos_mesh::remoteclusters::RemoteCluster>(document),
        "Schedule" => survives::<chaos_mesh::schedules::Schedule>(document),
        "StatusCheck" => survives::<chaos_mesh::statuschecks::StatusCheck>(document),
        "StressChaos" => survives::<chaos_mesh::stresschaos::StressChaos>(document),
        "TimeChaos" => survives::<chaos_mesh::timechaos::TimeChaos>(document),
        "Workflow" => survives::<chaos_mesh::workflows::Workflow>(document),
        "ChaosEngine" => survives::<litmus::chaosengines::ChaosEngine>(document),
        "ChaosExperiment" => survives::<litmus::chaosexperiments::ChaosExperiment>(document),
        _ => vec![format!("/kind: the bindings have no `{kind}`")],
    }
}

/// The document without what the bindings cannot hold, which the schemas judge alone:
///
/// - what stands beside the spec of a ChaosExperiment: a derived object has nothing there;
/// - `pods`, `physicalMachines`, `headers`, `queries`: maps and lists of lists, bound as if they were of texts;
/// - `returnValue`: the CRDs that they were made of are older.
fn bound(kind: &str, mut document: Value) -> Value {
    if kind == "ChaosExperiment"
        && let Some(fields) = document.as_object_mut()
    {
        fields.remove("description");
    }
    for name in ["pods", "physicalMachines", "headers", "queries", "returnValue"] {
        without(name, &mut document);
    }
    document
}

/// Takes a field out of every object in the value, unless it is a map of texts.
fn without(name: &str, value: &mut Value) {
    match value {
        Value::Object(fields) => {
            let of_texts = |field: &Value| field.as_object().is_some_and(|map| map.values().all(Value::is_string));
            if fields.get(name).is_some_and(|field| !of_texts(field)) {
                fields.remove(name);
            }
            fields.values_mut().for_each(|value| without(name, value));
        }
        Value::Array(items) => items.iter_mut().for_each(|value| without(name, value)),
        _ => {}
    }
}

#[test]
fn the_bindings_refuse_what_they_do_not_know() {
    let delay = |action: &str, field: &str| {
        let spec = serde_json::json!({ "action": action, "mode": "all", "selector": {}, field: "eth0" });
        serde_json::json!({ "apiVersion": "chaos-mesh.org/v1alpha1", "kind": "NetworkChaos", "metadata": {}, "spec": spec })
    };
    assert_eq!(typed("NetworkChaos", &delay("delay", "device")), Vec::<String>::new());
    assert_eq!(typed("NetworkChaos", &delay("delay", "devise")), ["/spec/devise: no such field"]);
    assert!(typed("NetworkChaos", &delay("dealy", "device")).concat().contains("unknown variant `dealy`"));
}
